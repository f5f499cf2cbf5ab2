// Package words knows what the text messages of recipients ask for, in the words of several languages. It is apart from package
// consent because of its tables, which only those need who read messages.
package words

import (
	"slices"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"lunogram-users/internal/consent"
)

// Meaning is what a message was understood to say, and by which rule.
type Meaning struct {
	Verdict consent.Verdict
	// Rule is the word or phrase of the lexicon that matched, in folded form; "" for None and Unclear. It is
	// evidence of what arrived and, unlike the message, not personal.
	Rule string
	// Language is the language of the rule (ISO 639-1), or "" if several languages have the word.
	Language string
}

// Classify says what an inbound message asks for. The whole message must be one of the words or phrases of the
// lexicon, after folding case, accents, spaces, punctuation and emoji, and a greeting or a courtesy around it. A word
// inside other text is no rule: "nonstop", "STOP 12345" and "when do you start?" ask for nothing, though the second of
// them is Unclear. YES is none of the words, as it answers whatever was asked last.
func Classify(body string) Meaning {
	words := foldWords(body)
	if spelt(words) {
		words = []string{strings.Join(words, "")}
	}
	lex := theLexicon()
	message := strings.Join(slices.Compact(words), " ") // "stop stop" is said with force
	if m, ok := lex.whole[message]; ok {
		return m
	}
	if m, ok := lex.whole[lex.trim(message)]; ok {
		return m
	}
	if lex.hasSign(message) {
		return Meaning{Verdict: consent.Unclear}
	}
	return Meaning{}
}

// lexicon is the table of languages, folded and arranged for look-up. It does not change.
type lexicon struct {
	whole           map[string]Meaning // by folded message
	signs, innocent []string           // folded, with a space on both ends
	before, after   []string           // folded courtesies, with the space that parts them from the rest
}

var theLexicon = sync.OnceValue(func() *lexicon {
	lex := &lexicon{whole: map[string]Meaning{}}
	for _, l := range languages {
		lex.add(l.code, consent.Stop, l.stop)
		lex.add(l.code, consent.Start, l.start)
		lex.add(l.code, consent.Help, l.help)
		lex.add(l.code, consent.Unclear, l.unclear)
		for phrase := range phrases(l.signs) {
			lex.signs = append(lex.signs, " "+phrase+" ")
		}
		for phrase := range phrases(l.innocent) {
			lex.innocent = append(lex.innocent, " "+phrase+" ")
		}
		for phrase := range phrases(l.before) {
			lex.before = append(lex.before, phrase+" ")
		}
		for phrase := range phrases(l.after) {
			lex.after = append(lex.after, " "+phrase)
		}
	}
	return lex
})

// add adds whole messages of one language. A phrase that another language has too is of no language.
func (lex *lexicon) add(language string, v consent.Verdict, list string) {
	for phrase := range phrases(list) {
		m := Meaning{Verdict: v, Rule: phrase, Language: language}
		if v == consent.Unclear {
			m = Meaning{Verdict: consent.Unclear}
		}
		if other, ok := lex.whole[phrase]; ok && other.Language != language {
			m.Language = ""
		}
		lex.whole[phrase] = m
	}
}

// phrases yields the folded phrases of a list that is separated by commas and new lines.
func phrases(list string) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		for phrase := range strings.FieldsFuncSeq(list, func(r rune) bool { return r == ',' || r == '\n' }) {
			if words := foldWords(phrase); len(words) > 0 && !yield(strings.Join(words, " ")) {
				return
			}
		}
	}
}

// trim removes greetings and courtesies from both ends of a folded message.
func (lex *lexicon) trim(message string) string {
	for {
		rest := message
		for _, w := range lex.before {
			rest = strings.TrimPrefix(rest, w)
		}
		for _, w := range lex.after {
			rest = strings.TrimSuffix(rest, w)
		}
		if rest == message {
			return message
		}
		message = rest
	}
}

// hasSign reports whether a folded message holds a sign of refusal, as words of its own, elsewhere than in an
// innocent phrase.
func (lex *lexicon) hasSign(message string) bool {
	text := " " + message + " "
	for _, phrase := range lex.innocent {
		text = strings.ReplaceAll(text, phrase, " ")
	}
	return slices.ContainsFunc(lex.signs, func(sign string) bool { return strings.Contains(text, sign) })
}

// spelt reports whether the message was written letter by letter: "S.T.O.P".
func spelt(words []string) bool {
	for _, w := range words {
		if utf8.RuneCountInString(w) != 1 {
			return false
		}
	}
	return len(words) > 1
}

// foldWords splits a message into its words, in lower case and without accents. Letters and digits make words;
// apostrophes and invisible characters are dropped, all else separates. Compatibility forms, such as full-width
// letters, count as the letters that they stand for. Folding what is folded changes nothing.
func foldWords(body string) []string {
	body = strings.Map(plain, strings.ToValidUTF8(body, " "))
	var b strings.Builder
	for _, r := range norm.NFKD.String(body) {
		switch {
		case r == 'ß':
			b.WriteString("ss")
		case dropped(r):
		case unicode.IsLetter(r) || unicode.IsDigit(r):
			b.WriteRune(folded(r))
		default:
			b.WriteByte(' ')
		}
	}
	return strings.Fields(b.String())
}

// plain turns symbols that decompose into letters, such as ™ and the emoji ℹ, into spaces.
func plain(r rune) rune {
	if r == 'ℹ' || unicode.Is(unicode.So, r) {
		return ' '
	}
	return r
}

// dropped reports whether a character is left out of its word: apostrophes, marks upon letters, the Arabic
// lengthening stroke and invisible characters.
func dropped(r rune) bool {
	return r == '\'' || r == '’' || r == 'ـ' || unicode.Is(unicode.Mn, r) || unicode.Is(unicode.Cf, r)
}

// folded returns a letter in lower case, and the Arabic letters that are written for one another as one of them.
func folded(r rune) rune {
	switch r {
	case 'ى', 'ی':
		return 'ي'
	case 'ة':
		return 'ه'
	case 'ک':
		return 'ك'
	}
	return unicode.ToLower(r)
}
