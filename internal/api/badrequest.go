package api

import (
	"cmp"
	"slices"
	"strings"

	"lunogram-users/internal/user"
)

// A request can be wrong in more places than an answer can hold.
const (
	maxFaults  = 100  // listed in one problem
	maxPointer = 1024 // bytes of one pointer
)

// badRequest is a 400: everything that is wrong with a request. It is safe to show: details repeat no values.
type badRequest struct {
	detail string // why there is nothing to list, or ""
	faults []fault
}

func (b *badRequest) Error() string { return "bad request: " + b.summary() }

func (b *badRequest) summary() string {
	switch {
	case b.detail != "":
		return b.detail
	case len(b.faults) == 1:
		f := b.faults[0]
		if f.Parameter != "" {
			return f.Parameter + ": " + f.Detail
		}
		return cmp.Or(*f.Pointer, "body") + ": " + f.Detail
	default:
		return "the request has several faults"
	}
}

// body notes a fault of the body, up to maxFaults. One at or below a place that could not be read is a consequence of that
// and left out.
func (b *badRequest) body(pointer, detail string) {
	covered := func(f fault) bool { return f.unread && within(pointer, *f.Pointer) }
	if len(b.faults) < maxFaults && !slices.ContainsFunc(b.faults, covered) {
		b.faults = append(b.faults, fault{Pointer: new(shorten(pointer)), Detail: detail})
	}
}

// unread notes a value that is of the wrong type, and is read as if it were absent.
func (b *badRequest) unread(pointer, detail string) {
	before := len(b.faults)
	b.body(pointer, detail)
	if len(b.faults) > before {
		b.faults[before].unread = true
	}
}

// shorten returns the pointer, or that of the innermost enclosing value that is not too long.
func shorten(pointer string) string {
	if len(pointer) <= maxPointer {
		return pointer
	}
	return pointer[:max(strings.LastIndexByte(pointer[:maxPointer], '/'), 0)]
}

// query notes a fault of a query parameter, the first of each only: the others follow from it.
func (b *badRequest) query(parameter, detail string) {
	if slices.ContainsFunc(b.faults, func(f fault) bool { return f.Parameter == parameter }) {
		return
	}
	b.faults = append(b.faults, fault{Parameter: parameter, Detail: detail})
}

// add notes what the domain found. A fault at or below a place that is at fault already is a consequence of
// that and left out.
func (b *badRequest) add(e *user.InvalidError) {
	known := slices.Clone(b.faults)
	for _, f := range e.Fields {
		if len(b.faults) == maxFaults {
			return
		}
		covered := func(k fault) bool { return k.Pointer != nil && within(f.Pointer, *k.Pointer) }
		if !slices.ContainsFunc(known, covered) {
			b.body(f.Pointer, f.Detail)
		}
	}
}

// err returns b with its faults in a stable order, or nil when there are none.
func (b *badRequest) err() error {
	if len(b.faults) == 0 && b.detail == "" {
		return nil
	}
	slices.SortStableFunc(b.faults, compareFaults)
	return b
}

// within reports whether an RFC 6901 pointer names the place or something inside it.
func within(pointer, place string) bool {
	rest, ok := strings.CutPrefix(pointer, place)
	return ok && (rest == "" || rest[0] == '/')
}

// compareFaults orders faults of parameters by name and those of the body by pointer.
func compareFaults(a, b fault) int {
	return cmp.Or(cmp.Compare(a.Parameter, b.Parameter), cmp.Compare(pointerOf(a), pointerOf(b)))
}

func pointerOf(f fault) string {
	if f.Pointer == nil {
		return ""
	}
	return *f.Pointer
}
