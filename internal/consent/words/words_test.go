package words_test

import (
	"fmt"
	"strings"
	"testing"

	"lunogram-users/internal/consent"
	"lunogram-users/internal/consent/words"
)

// classified is what messages mean, by language.
var classified = []struct {
	language string
	want     consent.Verdict
	bodies   []string
}{
	{"any", consent.Stop, []string{
		// Whatever stands around or between the letters of a word.
		"STOP", "stop", "sToP", "Stopp", "StopAll", "STOP ALL", "OPT OUT", "opt-out", "OptOut", "opt  –  out",
		" stop ", "\tSTOP\r\n", "STOP.", "Stop!!!", "*STOP*", "“Stop”", "'stop'", "(stop)", "stop 🛑", "🛑🛑 STOP",
		"STOP\ufe0f", "stop\u00a0all", "\ufeffSTOP", "st\u00adop", "ＳＴＯＰ！", "𝗦𝗧𝗢𝗣", "S.T.O.P", "S T O P", "s-t-o-p-a-l-l",
		"stóp", "s\u0302top", "STOP STOP STOP", "stop. stop!", "ok stop", "Okay, STOP", "stop\u200d",
	}},
	{"any", consent.Start, []string{"START", "start", "Start!", "UNSTOP", " unstop.", "s t a r t", "▶️ START"}},
	{"any", consent.Help, []string{"HELP", "help?", "Info", "i-n-f-o", "ℹ️ INFO", "¿HELP?"}},
	{"any", consent.None, []string{
		"", " ", "?!", "🛑", "\xff\xfe", "ok", "ℹ️", "™", "1️⃣",
		// What answers a question of ours is no START.
		"YES", "yes", "y", "Y", "1", "subscribe", "continue", "join", "sí", "oui", "ja", "sim", "نعم",
	}},

	{"en", consent.Stop, []string{
		// 47 CFR 64.1200(a)(10), and what carriers add.
		"quit", "END", "REVOKE", "Cancel", "unsubscribe", "remove", "Remove me please",
		"please stop", "Stop, please.", "STOP thanks", "Hi! Please stop. Thank you!", "pls unsubscribe",
		"Stop texting me", "stop messaging me!", "STOP SENDING ME TEXTS", "don't text me", "Don’t contact me", "do not text me",
		"take me off your list", "no more texts", "opt me out", "Unsubscribe me", "I want to opt out", "Leave me alone!",
		"I revoke my consent.", "Lose my number",
	}},
	{"en", consent.Start, []string{"please start", "Start, please", "hello start"}},
	{"en", consent.Help, []string{"help please", "I need help", "Who is this?"}},
	{"en", consent.Unclear, []string{
		"STOP 12345", "12345 stop", "does this ever stop", "stop or start", "START STOP", "you stop", "stop you",
		"Could you stop this nonsense", "please unsubscribe me from everything", "I said STOP!!! I will call my lawyer",
		"this is spam", "Wrong number", "not interested", "don't text me about shoes", "cancel my subscription", "Unsubscribe 4",
	}},
	{"en", consent.None, []string{
		// A word inside a text, or inside another word, is no word.
		"nonstop", "non-stop", "sto", "st op", "stops", "stopped", "unstoppable", "stopwatch", "restart",
		"I can't stop thinking about it", "when do you start?", "end of the month?", "the end", "weekend", "ends",
		"don't stop", "do not stop", "never stop", "bus stop", "at the stop sign", "I'll stop by tomorrow", "can you help me move",
		"info@example.com", "cancel my 3pm", "cancel order", "please don't cancel", "quit smoking", "td bank", "remove item 4",
		"I want to start", "send help", "opt", "out", "opt in", "please", "thanks", "thank you", "hi", "Fine.", "fine",
	}},

	{"es", consent.Stop, []string{
		"ALTO", "alto!", "¡Alto!", "parar", "Pare", "BAJA", "cancelar", "¡¡BASTA!!", "fin", "salir 🙏", "a l t o", "No más", "no mas",
		"darme de baja", "Por favor, darme de baja. Gracias", "Hola, quiero darme de baja por favor", "No me escriban más",
		"no me manden mas mensajes", "dejen de enviarme mensajes", "Cancelar suscripción", "CANCELAR SUSCRIPCION",
	}},
	{"es", consent.Start, []string{"INICIAR", "¡alta!", "empezar por favor"}},
	{"es", consent.Help, []string{"AYUDA", "ayúdame", "¿ayuda?", "Información"}},
	{"es", consent.Unclear, []string{"Para", "quiero darme de baja del boletín del martes", "ALTO STOP 5", "no me interesa", "número equivocado"}},
	{"es", consent.None, []string{
		"fin de mes", "¿a fin de mes?", "muy alto", "el alto de la torre", "pare de sufrir", "para mañana", "la baja tensión",
		"cancelar mi cita de las 3", "no puedo parar de reír", "sin parar", "salir a comer", "ayuda a mi madre", "¿cuándo empezar?",
		"más", "la más alta", "basta con eso",
	}},

	{"fr", consent.Stop, []string{
		"ARRET", "arrêt", "ARRÊT", "arre\u0302t", "TD", "arrêtez !", "désabonner", "DESABONNEMENT", "Désabonnez-moi",
		"Désabonnez-moi s'il vous plaît", "Bonjour, arrêtez svp. Merci", "fin", "annuler", "STOP SMS", "a.r.r.e.t",
		"Ne m’envoyez plus de messages", "ne menvoyez plus de sms", "Je ne veux plus recevoir de SMS", "Laissez-moi tranquille",
	}},
	{"fr", consent.Start, []string{"démarrer", "DEMARRER", "Commencer s'il vous plaît"}},
	{"fr", consent.Help, []string{"AIDE", "aide ?", "aidez-moi", "aide svp"}},
	{"fr", consent.Unclear, []string{"je veux me désabonner de votre infolettre", "arrêtez de m'appeler le soir", "mauvais numéro"}},
	{"fr", consent.None, []string{
		"arrêt de bus", "l'arrêt", "sans arrêt", "fin de mois", "à la fin", "je n'arrête pas d'y penser", "annuler mon rendez-vous",
		"quand commencer ?", "aide-mémoire", "enfin", "arrêtez de vous inquiéter",
	}},

	{"de", consent.Stop, []string{
		"STOPP", "abmelden", "ABMELDEN!", "Abbestellen", "Ende", "ENDE.", "beenden", "kündigen", "KUENDIGEN", "Schluß", "schluss!",
		"Bitte abmelden", "Hallo, bitte abmelden. Danke!", "Keine SMS mehr", "keine Nachrichten mehr bitte", "Löschen", "loeschen",
		"Widerruf", "Ich möchte mich abmelden", "Lassen Sie mich in Ruhe!", "Hör auf!", "e n d e",
	}},
	{"de", consent.Start, []string{"starten", "Bitte starten"}},
	{"de", consent.Help, []string{"HILFE", "Hilfe!", "Ich brauche Hilfe", "hilfe bitte"}},
	{"de", consent.Unclear, []string{"ich hätte gern keine Werbung dieser Art", "Falsche Nummer", "kann ich mich irgendwo abmelden?"}},
	{"de", consent.None, []string{
		"Ende gut", "Ende gut, alles gut", "am Ende des Monats?", "Monatsende", "am Wochenende", "Wann starten wir?", "Hilfe ist unterwegs",
		"bitte", "danke", "Anmelden ging nicht", "Termin kündigen", "nicht aufhören",
	}},

	{"pt", consent.Stop, []string{
		"PARAR", "pare", "Pare!", "SAIR", "cancelar", "Sair, por favor", "descadastrar", "fim", "FIM.", "s a i r", "remover",
		"Não quero mais receber mensagens", "nao quero mais receber", "Parem de me enviar mensagens", "Olá, sair. Obrigada",
		"cancelar inscrição", "Não me mande mais mensagens",
	}},
	{"pt", consent.Start, []string{"COMEÇAR", "comecar", "iniciar"}},
	{"pt", consent.Help, []string{"AJUDA", "ajuda?", "Informações"}},
	{"pt", consent.Unclear, []string{"chega", "não me mande isso de novo", "número errado"}},
	{"pt", consent.None, []string{
		"pare de sufrir", "Pare de sofrer", "fim de semana", "no fim do mês?", "não consigo parar de pensar nisso", "sair hoje à noite",
		"chega amanhã?", "quando começar?", "para você", "preço alto", "cancelar a consulta de amanhã",
	}},

	{"nl", consent.Stop, []string{
		"stoppen", "AFMELDEN", "afmelden a.u.b.", "Uitschrijven", "opzeggen", "einde", "EINDE!", "Meld mij af", "meld me af aub",
		"Geen berichten meer", "geen sms meer graag", "Ik wil me uitschrijven", "Beëindigen", "Laat me met rust", "s t o p p e n",
	}},
	{"nl", consent.Start, []string{"hervatten", "Starten alstublieft"}},
	{"nl", consent.Help, []string{"HULP", "hulp!", "Ik heb hulp nodig"}},
	{"nl", consent.Unclear, []string{"hoe kan ik me uitschrijven van deze lijst", "Verkeerd nummer"}},
	{"nl", consent.None, []string{
		"einde van de maand?", "het einde", "weekeinde", "wanneer starten we?", "ik kan niet stoppen met lachen", "hulp gezocht",
		"stopcontact", "mijn abonnement opzeggen bij de bank",
	}},

	{"it", consent.Stop, []string{
		"BASTA", "basta!", "ferma", "annulla", "CANCELLA", "Cancellami", "disiscrivimi", "Disiscrivimi, per favore", "esci", "disdetta",
		"Non scrivetemi più", "non mandatemi piu messaggi", "Ciao, cancellami. Grazie", "Basta messaggi!", "b a s t a",
		"Lasciatemi in pace",
	}},
	{"it", consent.Start, []string{"INIZIA", "iniziare", "avvia per favore"}},
	{"it", consent.Help, []string{"AIUTO", "aiuto!", "Informazioni"}},
	{"it", consent.Unclear, []string{"vorrei disiscrivermi dalla vostra lista", "numero sbagliato"}},
	{"it", consent.None, []string{
		"fine", "Fine mese?", "alla fine", "basta poco", "non riesco a fermarmi", "quando inizia?", "volume alto", "annulla la prenotazione",
		"mi dai un aiuto domani?", "esci stasera?",
	}},

	{"ar", consent.Stop, []string{
		"توقف", "توقّف", "تـوقـف", "ت و ق ف", "توقف!", "توقف من فضلك", "إيقاف", "ايقاف", "أوقف", "إلغاء", "الغاء", "إلغاء الاشتراك",
		"الغاء الاشتراك 🛑", "كفى", "كفی", "لا ترسلوا لي رسائل", "مرحبا، أريد إلغاء الاشتراك، شكرا", "أوقفوا الرسائل؟",
		"إزالة", "ازاله",
	}},
	{"ar", consent.Start, []string{"بدء", "استئناف"}},
	{"ar", consent.Help, []string{"مساعدة", "مساعده", "معلومات؟"}},
	{"ar", consent.Unclear, []string{"كيف يمكنني إلغاء الاشتراك في هذه الخدمة", "رقم خاطئ"}},
	{"ar", consent.None, []string{
		"أبدا", "ابدأ", "أبداً لا", "نهاية الشهر؟", "لا أستطيع التوقف عن التفكير", "متى تبدأ؟", "موقف الحافلة", "إلغاء موعدي غدا", "شكرا",
		"بدون توقف",
	}},
}

func TestClassify(t *testing.T) {
	t.Parallel()
	for _, tt := range classified {
		for _, body := range tt.bodies {
			if got := words.Classify(body); got.Verdict != tt.want {
				t.Errorf("%s: Classify(%q): got %q by %q, want %q", tt.language, body, got.Verdict, got.Rule, tt.want)
			}
		}
	}
}

func TestClassifyNamesItsRule(t *testing.T) {
	t.Parallel()
	tests := []struct {
		body string
		want words.Meaning
	}{
		{"Please STOP!", words.Meaning{Verdict: consent.Stop, Rule: "stop"}},
		{"Don't text me, thanks", words.Meaning{Verdict: consent.Stop, Rule: "dont text me", Language: "en"}},
		{"Désabonnez-moi", words.Meaning{Verdict: consent.Stop, Rule: "desabonnez moi", Language: "fr"}},
		{"¡Cancelar!", words.Meaning{Verdict: consent.Stop, Rule: "cancelar"}}, // Spanish and Portuguese
		{"ayuda", words.Meaning{Verdict: consent.Help, Rule: "ayuda", Language: "es"}},
		{"STOP 12345", words.Meaning{Verdict: consent.Unclear}},
		{"chega", words.Meaning{Verdict: consent.Unclear}},
		{"see you", words.Meaning{}},
	}
	for _, tt := range tests {
		if got := words.Classify(tt.body); got != tt.want {
			t.Errorf("Classify(%q): got %+v, want %+v", tt.body, got, tt.want)
		}
	}
}

// TestLexicon checks that no phrase has two verdicts, in whatever languages, and that each that is a rule by itself is
// found as it is written.
func TestLexicon(t *testing.T) {
	t.Parallel()
	if len(words.Lexicon) < 8 {
		t.Errorf("got %d languages, want at least 8", len(words.Lexicon))
	}
	seen := map[string]consent.Verdict{}
	for _, l := range words.Lexicon {
		for verdict, written := range l.Whole {
			if len(written) == 0 && (verdict == consent.Stop || verdict == consent.Help) {
				t.Errorf("language %q has nothing for %q", l.Code, verdict)
			}
			for _, phrase := range written {
				folded := words.Fold(phrase)
				if other, ok := seen[folded]; ok && other != verdict {
					t.Errorf("%q means %q and %q", folded, other, verdict)
				}
				seen[folded] = verdict
				for _, body := range []string{phrase, strings.ToUpper(phrase), " " + phrase + "!! 🙂"} {
					if got := words.Classify(body); got.Verdict != verdict {
						t.Errorf("language %q: Classify(%q): got %q, want %q", l.Code, body, got.Verdict, verdict)
					}
				}
				if got := words.Classify("zebra " + phrase + " 12345"); got.Verdict != consent.None && got.Verdict != consent.Unclear {
					t.Errorf("language %q: %q within a longer text: got %q by %q", l.Code, phrase, got.Verdict, got.Rule)
				}
			}
		}
	}
}

func ExampleClassify() {
	for _, body := range []string{"Stop!", "when do you start?", "Por favor, no me escriban más", "STOP 12345"} {
		fmt.Printf("%q\n", words.Classify(body).Verdict)
	}
	// Output:
	// "stop"
	// ""
	// "stop"
	// "unclear"
}

func FuzzClassify(f *testing.F) {
	for _, tt := range classified {
		for _, body := range tt.bodies {
			f.Add(body)
		}
	}
	f.Fuzz(func(t *testing.T, body string) {
		meaning := words.Classify(body)
		switch meaning.Verdict {
		case consent.Stop, consent.Start, consent.Help, consent.None, consent.Unclear:
		default:
			t.Fatalf("Classify(%q): got %q, which is no verdict", body, meaning.Verdict)
		}
		folded := words.Fold(body)
		if again := words.Fold(folded); again != folded {
			t.Errorf("Fold(%q): got %q, folded again %q", body, folded, again)
		}
		for name, same := range map[string]string{
			"folded":                              folded,
			"surrounded by space and punctuation": " \t…" + body + "!? ",
			"with a heart":                        body + " ❤️",
		} {
			if got := words.Classify(same); got != meaning {
				t.Errorf("Classify(%q), %s: got %+v, want %+v as without", same, name, got, meaning)
			}
		}
		if meaning.Rule == "" {
			return
		}
		for _, longer := range []string{body + " zebra", "the zebra " + body, body + " 12345", "zebra" + strings.TrimSpace(body)} {
			if got := words.Classify(longer); got.Rule != "" {
				t.Errorf("Classify(%q): got %+v, want no rule, as it is a longer text than %q", longer, got, body)
			}
		}
	})
}

func BenchmarkClassify(b *testing.B) {
	for b.Loop() {
		words.Classify("Thanks for the reminder, see you on Tuesday at the usual place!")
	}
}
