package sms

import (
	"context"

	"lunogram-users/internal/consent"
	"lunogram-users/internal/project"
)

// Directory knows our own numbers and the projects they belong to. Both methods may be called concurrently, and what
// they return may be used for a minute. An answer that is not there is user.ErrNotFound.
type Directory interface {
	// Sender returns the number or short code: whose it is, and who answers what is sent to it.
	Sender(ctx context.Context, number string) (project.Sender, error)
	// Project returns the project, whose settings hold the brand, the locale and the texts of the answers.
	Project(ctx context.Context, id string) (project.Project, error)
}

// Ledger carries out what recipients ask, and remembers what they were answered. Every method may be called
// concurrently, is strongly consistent, and is named by the message id: repeating it with the same message acts once,
// so that any error may be answered by calling again. A project that does not exist is user.ErrNotFound.
type Ledger interface {
	// Record applies a STOP or START of a number (E.164) to the project: suppression, states and ledger.
	// A late one does not undo a newer one. The rule of in is kept as evidence in each line.
	Record(ctx context.Context, projectID, phone string, in consent.Inbound) error

	// ClaimAnswer takes the right to answer a message, before the answer is sent: whoever gets true must send it,
	// and nobody else will. If the reply of the store is lost, the right may be gone and the answer with it: a person
	// who gets no confirmation is better off than one who gets two.
	//
	// A STOP is granted if it is the newest message of its number and no STOP was granted to the number since its
	// last START; so of ten STOPs in a row the first is confirmed. A START is granted if it is the newest and the
	// last grant to its number was to a STOP: only who was stopped is welcomed back. Both follow Record, which makes
	// a message the newest. A HELP is granted once for each message id, whatever the number has said before, and is
	// forgotten when the message is (30 days).
	ClaimAnswer(ctx context.Context, projectID, phone string, in consent.Inbound) (bool, error)

	// AddReview puts a text on the list of those that a person must decide. One that is there already, decided or
	// not, stays as it is.
	AddReview(ctx context.Context, projectID string, r consent.Review) error
}
