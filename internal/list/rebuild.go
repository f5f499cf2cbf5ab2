package list

import "fmt"

// Rebuild lets the work on the members begin anew, for whoever has reason to doubt them. The list goes on showing the
// published rule. It returns ErrArchived, and ErrKind for a static list whose members are nobody's to work on.
func (l *List) Rebuild() error {
	switch {
	case l.Archived():
		return ErrArchived
	case l.Kind == Dynamic:
		l.Status = Building
	case l.Status != Copying:
		return fmt.Errorf("%w: who is in a static list was put into it, so there is nothing to rebuild", ErrKind)
	}
	l.Revision++
	return nil
}
