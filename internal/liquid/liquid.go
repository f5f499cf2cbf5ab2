// Package liquid renders Liquid templates that strangers wrote: texts with user data in them, and the JSON templates of
// update steps. It is pure, and its work is bounded: a template that loops for ever, or doubles a string in every
// iteration, costs its caller an error and us at most the time and memory of [Options] and the constants below.
//
// Expressions are those of github.com/osteele/liquid, which reads and computes them over values of this package. Blocks,
// tags and filters are this package's own, because the library bounds neither time nor memory, prints missing values
// without a word, and puts values into its errors. docs/decisions/0015-templates.md says more.
package liquid

import (
	"maps"
	"slices"
	"strings"
	"time"
)

// The bounds of a [Renderer], in bytes; those of one template and of nesting are in parse.go.
const (
	// MaxTemplate is the largest template, also that of an update, all leaves together.
	MaxTemplate = 256 << 10
	// MaxOutput is the most that all templates of a Renderer may write, and the largest single value that a filter may make.
	MaxOutput = 1 << 20
	// maxMade is the most that filters and captures of a Renderer may make, kept or not.
	maxMade = 8 << 20
	// maxMissing is how many missing values are listed.
	maxMissing = 100
	// DefaultTime is how long the work of a Renderer may take.
	DefaultTime = time.Second
)

// Escape says what becomes of a printed value, so that it cannot be taken for a part of the text around it. What the
// template itself says is never changed.
type Escape string

// The escapes.
const (
	// HTML writes < > & " ' as character references: right in text and in quoted attributes.
	HTML Escape = "html"
	// Text changes nothing.
	Text Escape = "text"
	// JSON writes a value as it has to stand between the quotes of a JSON string.
	JSON Escape = "json"
)

// Options are what a Renderer may be told. The zero value works, except that "now" is no date.
type Options struct {
	Now  time.Time     // what the date "now" means
	Time time.Duration // how long all work may take from New on; DefaultTime if 0
}

// Renderer renders any number of templates with the same variables, and within one common budget of time and memory.
// It must not be used concurrently.
type Renderer struct {
	vars    map[string]any
	now     time.Time
	budget  budget
	missing map[string]bool
}

// New returns a renderer. Variables are JSON values: nil, bool, string, json.Number, int, float64, []any and
// map[string]any; they are not modified, and must not be while the renderer is in use.
func New(vars map[string]any, o Options) *Renderer {
	if o.Time == 0 {
		o.Time = DefaultTime
	}
	return &Renderer{vars: vars, now: o.Now, budget: budget{until: time.Now().Add(o.Time)}, missing: map[string]bool{}}
}

// Render returns what the template says. A value that is missing or null prints as nothing. Every error is an [*Error].
func (r *Renderer) Render(template string, escape Escape) (text string, err error) {
	n := r.newRun(template, escape)
	defer n.rescue(&err)
	body := n.parse()
	n.body(body)
	return n.out.String(), nil
}

// Missing returns the sorted paths, such as user.data.company, of the values that templates printed or gave to a filter
// and that were not there or null, the first hundred. A value that was only tested, by {% if %}, {% case %} or the filter
// default, is not among them, nor is one in a branch that was not taken.
func (r *Renderer) Missing() []string { return slices.Sorted(maps.Keys(r.missing)) }

// note lists a path; "" is none.
func (r *Renderer) note(path string) {
	if path != "" && len(r.missing) < maxMissing {
		r.missing[path] = true
	}
}

// budget is what is left of time and memory. Its methods break off the work with a panic of stop, which rescue turns
// into the error.
type budget struct {
	until         time.Time
	steps         int
	written, made int
}

// stop is the panic that breaks off a render. It is no error, as the library takes a panic of an error for a failure of
// its own and adds a stack trace to it.
type stop struct{ err *Error }

// step counts a small piece of work, and looks at the clock now and then.
func (b *budget) step() {
	if b.steps++; b.steps%64 == 0 {
		b.check()
	}
}

// check looks at the clock.
func (b *budget) check() {
	if time.Now().After(b.until) {
		panic(stop{&Error{Kind: ErrTooSlow, Message: "rendering takes too long"}})
	}
}

// write counts bytes of output.
func (b *budget) write(n int) {
	if b.written += n; b.written > MaxOutput {
		tooLarge("the result would be larger than 1 MB")
	}
}

// make counts bytes of a value that a filter or capture made.
func (b *budget) make(n int) {
	if b.made += n; n > MaxOutput || b.made > maxMade {
		tooLarge("the values that it makes are too large")
	}
}

func tooLarge(message string) { panic(stop{&Error{Kind: ErrTooLarge, Message: message}}) }

// buffer is text of at most MaxOutput bytes.
type buffer struct{ strings.Builder }

func (b *buffer) add(s string) {
	if b.Len()+len(s) > MaxOutput {
		tooLarge("a text would be larger than 1 MB")
	}
	b.WriteString(s)
}
