package engine_test

import (
	"errors"
	"math/rand/v2"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"lunogram-users/internal/liquid"
	"lunogram-users/internal/liquid/engine"
)

// TestNoFilterPrintsMarkup proves that whatever one or two filters make of a value, no markup of it reaches HTML.
func TestNoFilterPrintsMarkup(t *testing.T) {
	const evil = `<x y="z">'` + "\n" + `&<script>`
	v := map[string]any{"text": evil, "list": []any{evil, "<a>", evil}, "object": map[string]any{evil: evil, "k": evil},
		"objects": []any{map[string]any{"k": evil}, map[string]any{"k": "<b>"}}, "escaped": "%3Cb%3E&lt;i&gt;"}
	allowed := strings.NewReplacer("<br />", "")
	names := engine.Filters()
	for _, first := range names {
		var template strings.Builder
		for _, second := range append(names, "") {
			for value := range v {
				for _, arguments := range []string{"", ": text", ": text, text", ": 'k'", ": 0, 9"} {
					template.Reset()
					template.WriteString("{{ " + value + " | " + first + arguments)
					if second != "" {
						template.WriteString(" | " + second + arguments)
					}
					template.WriteString(" }}")
					got, err := engine.New(v, liquid.Options{Now: now, Time: time.Minute}).Render(template.String(), liquid.HTML)
					if err != nil && !errors.Is(err, liquid.ErrValue) {
						t.Fatalf("%s: %v", template.String(), err)
					}
					if strings.ContainsAny(allowed.Replace(got), `<>"'`) {
						t.Fatalf("%s prints %s", template.String(), got)
					}
				}
			}
		}
	}
}

// TestStripHTML compares the filter with the expression that says what it takes away.
func TestStripHTML(t *testing.T) {
	markup := regexp.MustCompile(`(?is)<script.*?</script>|<style.*?</style>|<!--.*?-->|<.*?>`)
	pieces := []string{"<", ">", "<script", "</script>", "<SCRIPT>", "<style>", "</Style>", "<!--", "-->", "--", "a", "\n", "é", "\xff", "/"}
	dice := rand.New(rand.NewPCG(1, 2))
	for range 20000 {
		var text strings.Builder
		for range dice.IntN(14) {
			text.WriteString(pieces[dice.IntN(len(pieces))])
		}
		got, err := engine.New(map[string]any{"s": text.String()}, liquid.Options{}).Render("{{ s | strip_html }}", liquid.Text)
		if want := markup.ReplaceAllString(text.String(), ""); err != nil || got != want {
			t.Fatalf("%q: got %q, %v; want %q", text.String(), got, err, want)
		}
	}
}

// TestFiltersAreDocumented checks that docs/templates.md names every filter.
func TestFiltersAreDocumented(t *testing.T) {
	docs, err := os.ReadFile("../../../docs/templates.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range engine.Filters() {
		if !regexp.MustCompile(`\b` + name + `\b`).Match(docs) {
			t.Errorf("docs/templates.md does not name the filter %s", name)
		}
	}
}
