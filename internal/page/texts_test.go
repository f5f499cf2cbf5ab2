package page

import (
	"html/template"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"lunogram-users/internal/project"
)

// TestTexts checks that no language misses a text, or a word of one, and that pages use just those that there are.
func TestTexts(t *testing.T) {
	t.Parallel()
	words := regexp.MustCompile(`\{\w+\}`)
	wordsOf := func(text string) []string {
		return slices.Compact(slices.Sorted(slices.Values(words.FindAllString(text, -1))))
	}
	used := usedTexts(t)
	for name, row := range newTable().texts {
		if !used[name] {
			t.Errorf("%s: no page uses it", name)
		}
		delete(used, name)
		if len(row) != len(languages) {
			t.Errorf("%s: %d languages, want %v", name, len(row), languages)
		}
		for _, l := range languages {
			if strings.TrimSpace(row[l]) == "" || row[l] != strings.TrimSpace(row[l]) {
				t.Errorf("%s: the text of %s is %q", name, l, row[l])
			}
			if diff := cmp.Diff(wordsOf(row["en"]), wordsOf(row[l])); diff != "" {
				t.Errorf("%s: the words of %s differ from English:\n%s", name, l, diff)
			}
		}
	}
	if len(used) > 0 {
		t.Errorf("pages use texts that are missing: %v", used)
	}
}

// usedTexts returns the names of the texts that pages use.
func usedTexts(t *testing.T) map[string]bool {
	t.Helper()
	used := map[string]bool{
		preferencesPage: true, unsubscribePage: true, unsubscribedPage: true, brokenPage: true, foreignPage: true, failedPage: true,
		outcome{Saved: true}.title(""): true, outcome{Stopped: true}.title(""): true, outcome{Failed: "x"}.title(""): true,
	}
	for _, c := range order {
		used[string(c)], used[suppressedText(c)] = true, true
	}
	for _, file := range []string{"page.html", "preferences.go", "unsubscribe.go"} {
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`(?:\.Text|Failed:) "(\w+)"`).FindAllSubmatch(source, -1) {
			used[string(m[1])] = true
		}
	}
	return used
}

func TestLanguage(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		locales []string // of the user, then of the project
		want    string
	}{
		{"nothing known", []string{"", ""}, "en"},
		{"the user's", []string{"es", "fr"}, "es"},
		{"the user's region", []string{"pt-BR", "fr"}, "pt"},
		{"the user's script and region", []string{"ar-Arab-EG", "fr"}, "ar"},
		{"another kind of German", []string{"gsw-CH", "fr"}, "de"},
		{"with an extension", []string{"nl-BE-u-ca-gregory", ""}, "nl"},
		{"British", []string{"en-GB", "fr"}, "en"},
		{"a language that we have not, the project's", []string{"ja-JP", "fr-CA"}, "fr"},
		{"neither", []string{"ja", "zh-Hant"}, "en"},
		{"malformed, the project's", []string{"x_y_z!", "de"}, "de"},
		{"undetermined, the project's", []string{"und", "nl"}, "nl"},
	}
	for _, test := range tests {
		if got := newTable().in(test.locales...).Language; got != test.want {
			t.Errorf("%s: %v gives %s, want %s", test.name, test.locales, got, test.want)
		}
	}
	for header, want := range map[string]string{
		"": "en", "fr-CH, fr;q=0.9, en;q=0.8": "fr", "ja, ar;q=0.5": "ar", "ja": "en", "*": "en", "q=;;": "en", "en;q=0.1, de": "de",
	} {
		if got := newTable().accepted(header).Language; got != want {
			t.Errorf("Accept-Language %q gives %s, want %s", header, got, want)
		}
	}
}

// TestText checks that what stands for a word is escaped and keeps its direction, and that no word is taken for another.
func TestText(t *testing.T) {
	t.Parallel()
	got := newTable().in("ar").Text("done", "group", "<b>{brand}</b>", "brand", "A & B")
	want := template.HTML("لن تصلك <bdi>&lt;b&gt;{brand}&lt;/b&gt;</bdi> من <bdi>A &amp; B</bdi> بعد الآن.")
	if got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if dir := newTable().in("ar").Direction() + newTable().in("de").Direction(); dir != "rtlltr" {
		t.Errorf("the directions of Arabic and German are %s", dir)
	}
}

// TestEveryPageRenders renders every page in every language.
func TestEveryPageRenders(t *testing.T) {
	t.Parallel()
	h := newHandler(nil, Options{})
	for _, l := range languages {
		for _, page := range []string{preferencesPage, unsubscribePage, unsubscribedPage, brokenPage, foreignPage, failedPage} {
			for _, o := range []outcome{{}, {Failed: "unread"}, {Stopped: true}, {Saved: true}, {Saved: true, Changed: []row{{Name: "N", On: true}, {Name: "M"}}}} {
				v := newView(h.table.in(l), project.Project{Name: "<Acme>"})
				v.outcome = o
				v.Title = v.title(page)
				v.Channels = []channel{{Text: "email", Rows: []row{{ID: "1", Name: "N"}, {ID: "2", Suppressed: "suppressed_other"}, {ID: "3", Description: "D"}}}}
				var b strings.Builder
				if err := h.templates.ExecuteTemplate(&b, page, v); err != nil {
					t.Errorf("%s in %s: %v", page, l, err)
				}
				if strings.Contains(b.String(), "<Acme>") || !strings.Contains(b.String(), "&lt;Acme&gt;") {
					t.Errorf("%s in %s: the brand is not escaped", page, l)
				}
			}
		}
	}
}
