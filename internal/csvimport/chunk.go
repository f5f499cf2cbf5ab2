package csvimport

import "time"

// Phase is what is done with a chunk.
type Phase string

// The phases.
const (
	Apply  Phase = "apply"
	Revert Phase = "revert" // take back what Apply did
)

// Task asks a worker to do one chunk of an import, from its checkpoint to its end. Doing it twice changes nothing.
type Task struct {
	ProjectID string `json:"project_id"`
	ImportID  string `json:"import_id"`
	Phase     Phase  `json:"phase"`
	Chunk     int    `json:"chunk"` // Import.Chunks for the tail
}

// Chunk is the progress of one chunk in one phase.
type Chunk struct {
	Phase  Phase
	Number int
	Next   position // the checkpoint of Apply: all rows before it are settled
	Row    int64    // the checkpoint of Revert: the first row of the last segment that was taken back
	Listed int64    // that of Revert among the members of a list: the first row of the segment that was last at work
	Begun  int64    // how far it had come when the last delivery began
	Done   bool

	Counters
	Deferred int64 // rows left to the tail, which counts them
	Reverted       // in the phase Revert
	Failures []Failure
	Shown    int // changed rows that a dry run has written down
	Cost     Cost

	GivenUp   string // why the last delivery failed, if it was the last
	UpdatedAt time.Time
	Lease
}

// progressed reports whether the last delivery has moved the checkpoint.
func (c Chunk) progressed() bool { return c.ahead() > c.Begun }

// ahead is how far the checkpoints have come.
func (c Chunk) ahead() int64 { return c.Next.Row + c.Row + c.Listed }

// Undo is the state of taking an import back.
type Undo struct {
	Status     Status // "" if nobody asked, else Running or Completed
	Reason     string // why a part of it was given up, if one was
	StartedAt  time.Time
	FinishedAt time.Time
	Reverted
}

// Reverted counts what taking back did to the users of an import.
type Reverted struct {
	Restored int64 // have their old values
	Deleted  int64 // had been created by the import
	Kept     int64 // were changed since; they are listed in the undo file
}

// Plus returns the sum of two counts.
func (r Reverted) Plus(o Reverted) Reverted {
	return Reverted{Restored: r.Restored + o.Restored, Deleted: r.Deleted + o.Deleted, Kept: r.Kept + o.Kept}
}
