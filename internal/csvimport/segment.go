package csvimport

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"lunogram-users/internal/csvimport/sheet"
	"lunogram-users/internal/pause"
	"lunogram-users/internal/user"
)

const (
	// segmentRows and segmentBytes bound a segment, so that long rows do not add up to much memory.
	segmentRows  = 500
	segmentBytes = 1 << 20
	// patience is how long a segment waits for a store that answers none of its rows before the chunk is left to the next
	// delivery of its task.
	patience   = 2 * time.Minute
	maxBackoff = 5 * time.Second
	// stubborn is how often an error of unknown kind is tried, where the store answers other rows, before it is held to
	// be the row's.
	stubborn = 5
)

// segment is a run of rows of one chunk that is prepared, written and settled together. Rows that ask for nothing travel
// along, so that rows settle in the order of the file.
type segment struct {
	rows []line
	size int
	next position // behind its last row

	used  Cost
	waves int // how often rows were prepared
	done  chan struct{}
	err   error // what kept it from being settled; set before done is closed
}

// line is a row of the file and what became of it.
type line struct {
	sheet.Row
	skip    bool // a later row replaces it
	tried   bool // it was prepared before
	applied bool // it was written, if only as one more row of a user who is counted already
	outcome user.Outcome
	userID  string        // of the user in the end, if there is one
	err     error         // of the store, final
	changes []user.Change // of a dry run
}

func (s *segment) add(l line) {
	s.rows = append(s.rows, l)
	s.size += l.Size
}

func (s *segment) full() bool { return len(s.rows) == segmentRows || s.size >= segmentBytes }

// pending returns the indexes of the rows that ask for something.
func (s *segment) pending() []int {
	var out []int
	for i := range s.rows {
		if r := &s.rows[i]; r.Fault == nil && !r.Blank && !r.skip {
			out = append(out, i)
		}
	}
	return out
}

// apply sends the rows until each has its answer, or the store has answered none for too long. After some tries in vain they
// are sent one by one, so that a row that the store cannot take does not hold up the others.
func (s *segment) apply(ctx context.Context, w *worker) error {
	pending, began, alive, tries := s.pending(), time.Now(), false, 0
	for len(pending) > 0 {
		n := min(len(pending), int(w.waveRows.Load()))
		if tries >= stubborn {
			n = 1
		}
		again, err := s.wave(ctx, w, pending[:n])
		pending = append(again, pending[n:]...)
		if len(again) < n {
			alive, began = true, time.Now()
		}
		if len(again) == 0 {
			tries = 0
			continue
		}
		tries++
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case alive && n == 1 && tries > stubborn && !passing(err):
			s.rows[pending[0]].err = err
			pending = pending[1:]
		case time.Since(began) > patience:
			return fmt.Errorf("apply rows: %w", err)
		default:
			if err := pause.For(ctx, backoff(tries)); err != nil {
				return err
			}
		}
	}
	return nil
}

// wave prepares the rows, stores what undo must know, and writes. It returns the rows that are to be prepared again, and
// why the first of them is.
func (s *segment) wave(ctx context.Context, w *worker, pending []int) (again []int, why error) {
	rows := make([]user.Row, len(pending))
	for n, i := range pending {
		rows[n] = user.Row{Upsert: s.rows[i].Upsert, Number: s.rows[i].Number}
	}
	decisions, used, err := w.Store.Prepare(ctx, w.load, rows)
	s.used.ReadUnits += used.Read
	if err != nil {
		return slices.Clone(pending), err
	}
	w.waveRows.Store(rowsFor(used.Read / float64(len(rows))))
	for n := range decisions {
		s.used.WriteUnits += decisions[n].WriteUnits
	}
	if w.record.Options.DryRun {
		for n, i := range pending {
			s.foresee(i, &decisions[n])
		}
		return nil, nil
	}
	s.waves++
	if err := w.remember(ctx, s, pending, decisions); err != nil {
		return slices.Clone(pending), err
	}
	for n, r := range w.Store.Apply(ctx, w.load, decisions) {
		l := &s.rows[pending[n]]
		switch {
		case r.Err == nil:
			l.outcome, l.userID, l.applied = r.Outcome, r.UserID, l.applied || decisions[n].Writes()
		case final(r.Err):
			l.err = r.Err
		default:
			if why == nil {
				why = r.Err
			}
			again = append(again, pending[n])
		}
	}
	return again, why
}

// A wave holds some megabytes of profiles: those of firstWave rows as long as nobody knows how large they are, then as
// many as waveBytes has room for.
const (
	firstWave = 100
	waveBytes = 8 << 20
	unitBytes = 4 << 10 // of a read unit
)

// rowsFor returns how many rows a wave has if each takes so many units to read.
func rowsFor(units float64) int64 {
	return int64(min(segmentRows, max(10, waveBytes/(unitBytes*max(units, 1)))))
}

// foresee notes what a row would do.
func (s *segment) foresee(i int, d *user.Decision) {
	l := &s.rows[i]
	l.outcome, l.userID, l.err = d.Outcome, d.UserID, d.Err
	if d.Writes() {
		l.changes = d.Changes()
	}
}

// final reports whether preparing the row again would be in vain.
func final(err error) bool {
	_, conflict := errors.AsType[*user.ConflictError](err)
	_, invalid := errors.AsType[*user.InvalidError](err)
	return conflict || invalid || errors.Is(err, user.ErrTooLarge)
}

// passing reports whether the store says itself that the row may be sent again.
func passing(err error) bool {
	return errors.Is(err, user.ErrUnavailable) || errors.Is(err, user.ErrAgain)
}

// backoff returns how long to wait before the nth repetition: up to 50 ms, doubled with each up to maxBackoff.
func backoff(n int) time.Duration {
	return rand.N(min(maxBackoff, 50*time.Millisecond<<min(n, 10)))
}
