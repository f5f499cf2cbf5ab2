package consent

import (
	"slices"
	"strings"
	"unicode"
)

// Classify says what an inbound message asks for. The whole message must be one of the words or phrases of
// verdictOf, after folding case, spaces, punctuation, emoji and a polite "please" or "thanks" around it. A word
// inside other text means nothing: "nonstop", "STOP 12345" and "when do you start?" are ordinary messages.
// YES is none of the words, as it answers whatever was asked last.
//
// The words are those that 47 CFR 64.1200(a)(10) names and those that AWS End User Messaging, Twilio and
// Telnyx act upon by themselves.
func Classify(body string) Verdict {
	words := foldWords(body)
	if spelt(words) {
		return verdictOf(strings.Join(words, ""))
	}
	message := strings.Join(slices.Compact(words), " ") // "stop stop" is said with force
	if v := verdictOf(message); v != None {
		return v
	}
	return verdictOf(trimPolite(message))
}

// verdictOf looks up a folded message.
func verdictOf(message string) Verdict {
	switch message {
	case "stop", "stopall", "stop all", "unsubscribe", "cancel", "end", "quit", "revoke", "opt out", "optout",
		"remove", "arret", "td":
		return Stop
	case "stop it", "stop this", "stop now", "stop texting", "stop texting me", "stop messaging me",
		"stop messages", "stop all messages", "stop sending messages", "stop sending me messages", "stop texts",
		"stop all texts", "stop sending texts", "stop sending me texts", "stop contacting me",
		"do not text me", "dont text me", "do not contact me", "dont contact me", "do not message me",
		"dont message me", "no more texts", "no more messages",
		"unsubscribe me", "opt me out", "i want to opt out", "i want to unsubscribe", "i want to stop",
		"remove me", "remove my number", "remove me from your list", "remove me from this list",
		"take me off", "take me off your list", "take me off this list", "leave me alone":
		return Stop
	case "start", "unstop":
		return Start
	case "help", "info", "aide":
		return Help
	default:
		return None
	}
}

// foldWords splits a message into its words, in lower case. Letters and digits make words; apostrophes, accents
// that stand alone and invisible characters are dropped, all else separates.
func foldWords(body string) []string {
	return strings.Fields(strings.Map(func(r rune) rune {
		if '！' <= r && r <= '～' { // full-width forms of ASCII
			r += '!' - '！'
		}
		r = unicode.ToLower(r)
		switch {
		case r == 'ê':
			return 'e'
		case r == '\'' || r == '’' || unicode.Is(unicode.Mn, r) || unicode.Is(unicode.Cf, r):
			return -1
		case r == 'ℹ': // an emoji that Unicode counts among the letters
			return ' '
		case unicode.IsLetter(r) || unicode.IsDigit(r):
			return r
		default:
			return ' '
		}
	}, body))
}

// spelt reports whether the message was written letter by letter: "S.T.O.P".
func spelt(words []string) bool {
	for _, w := range words {
		if len(w) != 1 {
			return false
		}
	}
	return len(words) > 1
}

// trimPolite removes greetings and courtesies from both ends of a folded message.
func trimPolite(message string) string {
	for {
		rest := message
		for _, w := range [...]string{"please", "pls", "plz", "ok", "okay", "hi", "hello", "hey"} {
			rest = strings.TrimPrefix(rest, w+" ")
		}
		for _, w := range [...]string{"please", "pls", "plz", "thanks", "thank you", "thx", "ty"} {
			rest = strings.TrimSuffix(rest, " "+w)
		}
		if rest == message {
			return message
		}
		message = rest
	}
}
