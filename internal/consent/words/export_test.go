package words

import (
	"strings"

	"lunogram-users/internal/consent"
)

// LexiconLanguage is one language of the lexicon, as it is written.
type LexiconLanguage struct {
	Code  string
	Whole map[consent.Verdict][]string
}

// Lexicon is every language.
var Lexicon = func() []LexiconLanguage {
	var all []LexiconLanguage
	for _, l := range languages {
		all = append(all, LexiconLanguage{l.code, map[consent.Verdict][]string{
			consent.Stop: written(l.stop), consent.Start: written(l.start), consent.Help: written(l.help), consent.Unclear: written(l.unclear),
		}})
	}
	return all
}()

func written(list string) []string {
	var phrases []string
	for _, line := range strings.FieldsFunc(list, func(r rune) bool { return r == ',' || r == '\n' }) {
		if line = strings.TrimSpace(line); line != "" {
			phrases = append(phrases, line)
		}
	}
	return phrases
}

// Fold returns a message as it is compared.
func Fold(body string) string { return strings.Join(foldWords(body), " ") }
