package user

import "lunogram-users/internal/consent"

// MaxAudience is how many users one question may name.
const MaxAudience = 1000

// Audience asks of each of some users whether a message may be sent.
type Audience struct {
	ProjectID string
	Channel   consent.Channel // "" for that of the group
	Group     string          // id; "" for a transactional message
	Names     []Name          // at most MaxAudience
}

// Name names a user: by id, or if that is "" by a pair that the user owns.
type Name struct {
	ID   string
	Pair Pair
}

// Answer is what an audience is answered of one user.
type Answer struct {
	UserID string // of the user who was meant, an absorbed one followed; "" if there is none
	consent.Decision
	// Address is where to send it, the e-mail address or the number; "" if it may not be sent, or on a channel that has none.
	Address string
}
