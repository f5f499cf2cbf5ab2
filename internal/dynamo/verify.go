package dynamo

import (
	"context"
	"errors"
	"iter"

	"lunogram-users/internal/consent"
	"lunogram-users/internal/user"
)

// Broken is a place where a ledger is not as it was written.
type Broken struct {
	UserID string // in whose ledger
	consent.Break
}

// VerifyUser returns the places where the ledger of the user with the id, or who absorbed that user, is not as it was
// written, and those of the ledgers of all whom the user absorbed. It returns user.ErrNotFound.
func (s *Store) VerifyUser(ctx context.Context, project, userID string) ([]Broken, error) {
	return untilWon(ctx, func() ([]Broken, error) {
		p, err := s.liveProfile(ctx, project, userID)
		if err != nil {
			return nil, err
		}
		end := p.user(project).Ledger
		broken, err := s.verify(ctx, project, p.ID, end)
		if err != nil || len(broken) == 0 {
			return nil, err
		}
		if p, err = s.liveProfile(ctx, project, userID); err == nil && p.user(project).Ledger != end {
			return nil, errLost // it went on while it was read
		}
		return broken, err
	})
}

// verify checks a ledger that is to end so, and those that it says were absorbed.
func (s *Store) verify(ctx context.Context, project, userID string, end consent.Ledger) ([]Broken, error) {
	events, err := s.Events(ctx, project, userID)
	if err != nil {
		return nil, err
	}
	var broken []Broken
	for _, b := range end.Verify(events) {
		broken = append(broken, Broken{userID, b})
	}
	for _, e := range events {
		if e.How != consent.ByMerge || e.Group != "" || e.Evidence.UserID == "" || e.Evidence.UserID == userID {
			continue
		}
		below, err := s.verify(ctx, project, e.Evidence.UserID, e.Evidence.Absorbed)
		if err != nil {
			return nil, err
		}
		broken = append(broken, below...)
	}
	return broken, nil
}

// Verify checks the ledger of every user of a project, newest user first, and yields the user's id with what is broken,
// nothing for most. It ends with the first error.
func (s *Store) Verify(ctx context.Context, project string) iter.Seq2[string, Verified] {
	return func(yield func(string, Verified) bool) {
		for after := ""; ; {
			page, err := s.Users(ctx, project, after, maxBatchGet)
			if err != nil {
				yield("", Verified{Err: err})
				return
			}
			for _, u := range page.Users {
				// Read anew: the ledger may have gone on since the page was read.
				broken, err := s.VerifyUser(ctx, project, u.ID)
				if errors.Is(err, user.ErrNotFound) {
					continue // erased meanwhile
				}
				if !yield(u.ID, Verified{broken, err}) || err != nil {
					return
				}
			}
			if after = page.Next; after == "" {
				return
			}
		}
	}
}

// Verified is what checking the ledger of one user found.
type Verified struct {
	Broken []Broken
	Err    error
}
