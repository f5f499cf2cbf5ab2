// Package engine renders Liquid templates that strangers wrote, as [liquid.Renderer] promises. It is pure, and its work is
// bounded by the constants of package liquid and those below.
//
// No library is used but one for dates: those that there are bound neither time nor memory, print missing values without a
// word, and put values into their errors. docs/decisions/0015-templates.md says more.
package engine

import (
	"maps"
	"slices"
	"strings"
	"time"

	"lunogram-users/internal/liquid"
)

const (
	// maxMade is the most that filters and captures of a Renderer may make, kept or not, in bytes.
	maxMade = 8 << 20
	// maxMissing is how many missing values are listed.
	maxMissing = 100
)

// renderer is a liquid.Renderer.
type renderer struct {
	vars    map[string]any
	now     time.Time
	budget  budget
	missing map[string]bool
}

// New returns a renderer. Variables are JSON values: nil, bool, string, json.Number, int, []any and
// map[string]any; they are not modified, and must not be while the renderer is in use.
func New(vars map[string]any, o liquid.Options) liquid.Renderer {
	if o.Time == 0 {
		o.Time = liquid.DefaultTime
	}
	return &renderer{vars: vars, now: o.Now, budget: budget{until: time.Now().Add(o.Time)}, missing: map[string]bool{}}
}

// Render implements liquid.Renderer.
func (r *renderer) Render(template string, escape liquid.Escape) (text string, err error) {
	n := r.newRun(template, escape)
	defer n.rescue(&err)
	body := n.parse()
	n.body(body)
	return n.out.String(), nil
}

// Missing implements liquid.Renderer.
func (r *renderer) Missing() []string { return slices.Sorted(maps.Keys(r.missing)) }

// note lists a path; "" is none.
func (r *renderer) note(path string) {
	if path != "" && len(r.missing) < maxMissing {
		r.missing[path] = true
	}
}

// budget is what is left of time and memory. Its methods break off the work with a panic of stop, which rescue turns
// into the error.
type budget struct {
	until         time.Time
	steps         int // since the clock was last looked at
	written, made int
}

// stop is the panic that breaks off a render.
type stop struct{ err *liquid.Error }

// maxSteps is after how many steps the clock is looked at, and stepBytes how many bytes are handled in one of them.
const (
	maxSteps  = 64
	stepBytes = 1 << 10
)

// step counts a small piece of work, and looks at the clock now and then.
func (b *budget) step() { b.work(0) }

// work counts a piece of work that grows with so many bytes.
func (b *budget) work(bytes int) {
	if b.steps += 1 + bytes/stepBytes; b.steps >= maxSteps {
		b.check()
	}
}

// check looks at the clock.
func (b *budget) check() {
	b.steps = 0
	if time.Now().After(b.until) {
		panic(stop{&liquid.Error{Kind: liquid.ErrTooSlow, Message: "rendering takes too long"}})
	}
}

// write counts bytes of output.
func (b *budget) write(n int) {
	if b.written += n; b.written > liquid.MaxOutput {
		tooLarge("the result would be larger than 1 MB")
	}
}

// make counts bytes of a value that a filter or capture made.
func (b *budget) make(n int) {
	if b.made += n; n > liquid.MaxOutput || b.made > maxMade {
		tooLarge("the values that it makes are too large")
	}
}

func tooLarge(message string) { panic(stop{&liquid.Error{Kind: liquid.ErrTooLarge, Message: message}}) }

// buffer is text of at most liquid.MaxOutput bytes.
type buffer struct{ strings.Builder }

func (b *buffer) add(s string) {
	if b.Len()+len(s) > liquid.MaxOutput {
		tooLarge("a text would be larger than 1 MB")
	}
	b.WriteString(s)
}
