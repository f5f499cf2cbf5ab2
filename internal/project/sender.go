package project

// Sender is one of our own numbers, from which texts are sent and to which recipients answer.
type Sender struct {
	Number     string // E.164, or a short code of three to eight digits
	ProjectID  string // a number belongs to one project
	AnsweredBy Answerer
}

// Answerer says which system answers STOP, START and HELP. Exactly one must: a recipient who says STOP gets one
// confirmation (47 CFR 64.1200(a)(12)), and one who asks for help gets one answer.
type Answerer string

// The answerers.
const (
	// AnsweredByProvider is the zero value, and what AWS End User Messaging, Twilio and Telnyx do unless they are told
	// to leave it to us.
	AnsweredByProvider Answerer = ""
	// AnsweredByUs is for numbers of AWS End User Messaging whose opt-outs are self-managed
	// (https://docs.aws.amazon.com/sms-voice/latest/userguide/opt-out-list-self-managed.html).
	AnsweredByUs Answerer = "us"
)

// Valid reports whether a is one of the answerers.
func (a Answerer) Valid() bool { return a == AnsweredByProvider || a == AnsweredByUs }
