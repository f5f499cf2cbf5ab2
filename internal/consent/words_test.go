package consent_test

import (
	"fmt"
	"strings"
	"testing"

	"lunogram-users/internal/consent"
)

func TestClassify(t *testing.T) {
	t.Parallel()
	tests := []struct {
		want   consent.Verdict
		bodies []string
	}{
		{consent.Stop, []string{
			// The words themselves, 47 CFR 64.1200(a)(10) and what carriers add.
			"STOP", "stop", "StopAll", "STOP ALL", "unsubscribe", "Cancel", "END", "quit", "REVOKE",
			"OPT OUT", "opt-out", "OptOut", "remove", "ARRET", "arrêt", "ARRÊT", "arre\u0302t", "TD",
			// Whatever stands around or between their letters.
			" stop ", "\tSTOP\r\n", "STOP.", "Stop!!!", "*STOP*", "“Stop”", "'stop'", "(stop)", "stop 🛑", "🛑🛑 STOP",
			"STOP\ufe0f", "stop\u00a0all", "\ufeffSTOP", "st\u00adop", "ＳＴＯＰ！", "S.T.O.P", "S T O P", "s-t-o-p-a-l-l",
			"STOP STOP STOP", "stop. stop!", "opt  –  out",
			// Politeness, and phrases that a reasonable person would understand.
			"please stop", "Stop, please.", "STOP thanks", "ok stop", "Hi! Please stop. Thank you!", "pls unsubscribe",
			"Stop texting me", "stop messaging me!", "STOP SENDING ME TEXTS", "don't text me", "Don’t contact me",
			"do not text me", "remove me", "Remove me please", "take me off your list", "no more texts", "opt me out",
			"Unsubscribe me", "I want to opt out", "Leave me alone!",
		}},
		{consent.Start, []string{"START", "start", "Start!", "UNSTOP", " unstop.", "please start", "s t a r t"}},
		{consent.Help, []string{"HELP", "help?", "Info", "aide", "help please", "ℹ️ INFO"}},
		{consent.None, []string{
			"", " ", "?!", "🛑", "\xff\xfe", "please", "thanks", "thank you", "hi",
			// A word inside a text is no word.
			"STOP 12345", "12345 stop", "nonstop", "non-stop", "stopp", "sto", "st op", "stops", "stopped", "unstoppable",
			"I can't stop thinking about it", "when do you start?", "end of the month?", "the end", "weekend",
			"does this ever stop", "don't stop", "do not stop", "never stop", "stop or start", "START STOP", "can you help me move",
			"bus stop", "stop sign", "info@example.com", "cancel my 3pm", "cancel order", "please don't cancel",
			"quit smoking", "td bank", "remove item 4", "ends", "I want to start", "you stop", "stop you", "restart",
			"thank you stop by", "send help", "opt", "out", "opt in",
			// What answers a question of ours is no START.
			"YES", "yes", "y", "ok", "subscribe", "continue", "join",
		}},
	}
	for _, tt := range tests {
		for _, body := range tt.bodies {
			if got := consent.Classify(body); got != tt.want {
				t.Errorf("Classify(%q): got %q, want %q", body, got, tt.want)
			}
		}
	}
}

func ExampleClassify() {
	for _, body := range []string{"Stop!", "when do you start?", "please stop texting me"} {
		fmt.Printf("%q\n", consent.Classify(body))
	}
	// Output:
	// "stop"
	// ""
	// "stop"
}

func FuzzClassify(f *testing.F) {
	for _, body := range []string{
		"STOP", "stop all", "S.T.O.P", "please stop", "nonstop", "ＳＴＯＰ", "arre\u0302t", "\xffstop", "HELP", "unstop 🙂", "thank you",
	} {
		f.Add(body)
	}
	f.Fuzz(func(t *testing.T, body string) {
		verdict := consent.Classify(body)
		switch verdict {
		case consent.Stop, consent.Start, consent.Help, consent.None:
		default:
			t.Fatalf("Classify(%q): got %q, which is no verdict", body, verdict)
		}
		for name, same := range map[string]string{
			"surrounded by space and punctuation": " \t…" + body + "!? ",
			"with a heart":                        body + " ❤️",
		} {
			if got := consent.Classify(same); got != verdict {
				t.Errorf("Classify(%q), %s: got %q, want %q as without", same, name, got, verdict)
			}
		}
		if verdict == consent.None {
			return
		}
		for _, longer := range []string{body + " tomorrow", "the bus " + body, body + " 12345", "non" + strings.TrimSpace(body)} {
			if got := consent.Classify(longer); got == verdict {
				t.Errorf("Classify(%q): got %q, want none, as it is a longer text than %q", longer, got, body)
			}
		}
	})
}

func BenchmarkClassify(b *testing.B) {
	for b.Loop() {
		consent.Classify("Thanks for the reminder, see you on Tuesday at the usual place!")
	}
}
