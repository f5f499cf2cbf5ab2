package engine_test

import (
	"errors"
	"os"
	"regexp"
	"strings"
	"testing"

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
					got, err := engine.New(v, liquid.Options{Now: now}).Render(template.String(), liquid.HTML)
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
