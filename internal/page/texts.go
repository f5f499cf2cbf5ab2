package page

import (
	"crypto/sha256"
	_ "embed"
	"encoding/json"
	"fmt"
	"html/template"
	"strings"

	"golang.org/x/text/language"
)

// textsJSON is the table of all texts: by name, then by language. A {word} in one is replaced.
//
//go:embed texts.json
var textsJSON []byte

// languages are those of the table, each a BCP 47 tag. The first is what people get of whom nothing better is known.
var languages = []string{"en", "es", "fr", "de", "pt", "nl", "ar"}

// rightToLeft are the languages that are written so.
var rightToLeft = map[string]bool{"ar": true}

// table is immutable.
type table struct {
	texts   map[string]map[string]string
	version string // changes with any text
	matcher language.Matcher
}

// newTable reads texts.json, which a test checks.
func newTable() table {
	t := table{version: fmt.Sprintf("%.4x", sha256.Sum256(textsJSON))}
	if err := json.Unmarshal(textsJSON, &t.texts); err != nil {
		panic(err) // the file is part of the program
	}
	tags := make([]language.Tag, len(languages))
	for i, l := range languages {
		tags[i] = language.MustParse(l)
	}
	t.matcher = language.NewMatcher(tags)
	return t
}

// in returns the texts in the first of the locales (BCP 47) that somebody who reads it could read, else in English.
// Locales that are empty or malformed are passed over.
func (t table) in(locales ...string) texts {
	for _, locale := range locales {
		tag, err := language.Parse(locale)
		if err != nil || tag.IsRoot() {
			continue
		}
		if _, i, confidence := t.matcher.Match(tag); confidence != language.No {
			return texts{t, languages[i]}
		}
	}
	return texts{t, languages[0]}
}

// accepted returns the texts in the language that a browser asks for (RFC 9110, 12.5.4), else in English.
func (t table) accepted(header string) texts {
	tags, _, err := language.ParseAcceptLanguage(header)
	if err != nil {
		return t.in()
	}
	locales := make([]string, len(tags))
	for i, tag := range tags {
		locales[i] = tag.String()
	}
	return t.in(locales...)
}

// texts are the texts of one language.
type texts struct {
	table    table
	Language string // BCP 47
}

// Notice returns what names the wording that a recipient saw, in the ledger: language and version of the texts.
func (t texts) Notice() string { return "page " + t.Language + " " + t.table.version }

// Direction returns the direction of the language, as HTML's dir has it.
func (t texts) Direction() string {
	if rightToLeft[t.Language] {
		return "rtl"
	}
	return "ltr"
}

// Text returns the text of the name with each {word} replaced: words are pairs of a word and what stands for it.
// That keeps its own direction, whatever surrounds it, and is escaped.
func (t texts) Text(name string, words ...string) template.HTML {
	pairs := make([]string, len(words))
	for i := 0; i+1 < len(words); i += 2 {
		pairs[i], pairs[i+1] = "{"+words[i]+"}", "<bdi>"+template.HTMLEscapeString(words[i+1])+"</bdi>"
	}
	text := template.HTMLEscapeString(t.table.texts[name][t.Language])
	return template.HTML(strings.NewReplacer(pairs...).Replace(text))
}
