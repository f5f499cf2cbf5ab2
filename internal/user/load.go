package user

import (
	"strconv"
	"time"

	"lunogram-users/internal/consent"
)

// Load is a bulk write of the rows of one import.
type Load struct {
	ProjectID string
	Import    string    // UUID of the import, which marks every profile it writes
	Started   time.Time // when the import started: the ids of the users it creates carry it
	Mode      Mode
	// Deferring names sources: a row whose user owns another pair of one of them, which the row does not name, is
	// answered Deferred, as another row of the file may mean the same user by that pair. None defers none; rows of one
	// user are then applied in order, one after the other.
	Deferring []string
}

// Mode says which users a load may write.
type Mode string

// The modes. The zero value is ModeUpsert.
const (
	ModeUpsert     Mode = ""
	ModeCreateOnly Mode = "create_only" // a row of a user who exists is Skipped
	ModeUpdateOnly Mode = "update_only" // a row of nobody is Skipped
)

// UserID returns the id of the user that a row creates: the same whenever the row is delivered, so that a repeat after
// a crash finds what it had claimed. It is a UUIDv7 whose time is the start of the import.
func (l Load) UserID(row int64) string {
	return consent.EventID(l.Started, l.Import, strconv.FormatInt(row, 10))
}

// Row is one row of an import. Its request must be normalized and names no IfMatch; Number counts the rows of the
// file from 1 and is how the row is known again.
type Row struct {
	Upsert
	Number int64
}

// Decision is what a row will do, decided from what is stored and not written yet.
type Decision struct {
	// Row is the row, its request less what the user holds already.
	Row
	// Outcome is Created, Updated, Unchanged, Skipped or Deferred; "" when Err is set.
	Outcome Outcome
	// Err is *ConflictError, *InvalidError or ErrTooLarge: the row fails and writes nothing.
	Err error
	// UserID is the user that the row means; "" when it means nobody.
	UserID string
	// Steps are what is to be written, each after the one before: most rows have one, of which Before is the zero
	// User for a user that is created. A row that writes nothing has none.
	Steps []Plan
	// Stale names the owners of pairs of the row who are no users: their creation or erasure was cut short. They
	// are cleared away before the steps are taken.
	Stale []string
	// WriteUnits is about what the steps cost in DynamoDB write units.
	WriteUnits float64
}

// Writes reports whether the row writes anything.
func (d *Decision) Writes() bool { return len(d.Steps) > 0 }

// Result returns the answer to a row that writes nothing.
func (d *Decision) Result() Result { return Result{UserID: d.UserID, Outcome: d.Outcome, Err: d.Err} }

// Usage is about what a load has cost, in DynamoDB units of 4 KB read, strongly consistent, and 1 KB written.
type Usage struct {
	Read, Write float64
}
