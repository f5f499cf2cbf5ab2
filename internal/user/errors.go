package user

import (
	"errors"
	"fmt"
	"strings"
)

// Errors that callers branch on. A store returns them bare or wrapped; test with errors.Is.
var (
	// ErrNotFound says that the project has no such user, pair or identifier.
	ErrNotFound = errors.New("not found")
	// ErrVersion says that the user's version is not the one the caller asked for (If-Match).
	ErrVersion = errors.New("the user has another version")
	// ErrLastIdentifier says that a user's only identifier cannot be detached.
	ErrLastIdentifier = errors.New("a user keeps at least one identifier")
	// ErrTooLarge says that the profile would exceed what one item can hold (400 KB).
	ErrTooLarge = errors.New("the profile would exceed 400 KB")
	// ErrUnavailable says that the store is throttled or that too many races were lost; nothing
	// is half-written and the same request may be sent again.
	ErrUnavailable = errors.New("the store is busy, try again")
	// ErrAgain says that a row of an import lost a race or made one of several steps: what it means is to be decided
	// anew.
	ErrAgain = errors.New("the row lost a race, decide it again")
)

// ConflictError says that the sent pairs belong to several users that must not be merged.
// Nothing was changed.
type ConflictError struct {
	UserIDs []string // the matched users, oldest first
}

func (e *ConflictError) Error() string {
	return fmt.Sprintf("the identifiers belong to %d different users", len(e.UserIDs))
}

// FieldError is one fault of a request: where (an RFC 6901 pointer into the request's JSON) and what.
// Detail never repeats the value, which may be personal.
type FieldError struct {
	Pointer string `json:"pointer"`
	Detail  string `json:"detail"`
}

// InvalidError lists every fault found in a request. Nothing was changed.
type InvalidError struct {
	Fields []FieldError
}

func (e *InvalidError) Error() string {
	parts := make([]string, len(e.Fields))
	for i, f := range e.Fields {
		parts[i] = f.Pointer + ": " + f.Detail
	}
	return strings.Join(parts, "; ")
}

// Invalid returns an InvalidError of one fault.
func Invalid(pointer, detail string) error {
	return &InvalidError{Fields: []FieldError{{Pointer: pointer, Detail: detail}}}
}

// faults collects the faults of one request.
type faults []FieldError

func (f *faults) add(pointer, detail string) {
	*f = append(*f, FieldError{Pointer: pointer, Detail: detail})
}

func (f faults) err() error {
	if len(f) == 0 {
		return nil
	}
	return &InvalidError{Fields: f}
}
