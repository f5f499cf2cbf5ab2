package consent

import "time"

// Review is an inbound text that looks like a refusal and matches no rule. It is not guessed at: a person reads it and
// decides that it is a Stop, which then counts from the moment at which the text came, or None. The law counts any
// words that a reasonable person would understand, and gives ten business days to act (47 CFR 64.1200(a)(10)).
type Review struct {
	MessageID string // the provider's, unique in the project
	Phone     string // who wrote, E.164
	Number    string // which of our numbers they wrote to: E.164, or a short code
	Text      string // what they wrote, at most MaxReviewText bytes; the only place where a text is kept
	At        time.Time
}

// MaxReviewText is the size of the largest text that is kept, in bytes: the longest that carriers deliver (1,600
// characters), and four bytes for each.
const MaxReviewText = 4 * 1600

// ID returns what the review is found by: a UUIDv7 made of time and message, so that reviews sort by time.
func (r Review) ID() string { return EventID(r.At, "review", r.MessageID) }

// ReviewPage is one page of reviews.
type ReviewPage struct {
	Reviews []Review
	Next    string // the id of the last review, "" when there are no more
}

// RulePerson is the rule of a refusal that a person read in a text.
const RulePerson = "person"
