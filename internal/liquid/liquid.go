// Package liquid says what rendering Liquid templates is: what a renderer promises, how values are escaped, the bounds, the
// errors, and the form of the templates of update steps. The renderer itself is in package engine, apart, because
// only one function needs it.
package liquid

import "time"

// The bounds of a [Renderer], in bytes. With them a template that loops for ever, or doubles a string in every iteration,
// costs its caller an error and us little.
const (
	// MaxTemplate is the largest template, also that of an update, all leaves together.
	MaxTemplate = 256 << 10
	// MaxTag is how long one {{ output }} or {% tag %} may be. It bounds how deep an expression nests.
	MaxTag = 4 << 10
	// MaxOutput is the most that all templates of a Renderer may write, and the largest single value that a filter may make.
	MaxOutput = 1 << 20
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
	Time time.Duration // how long all work may take, from when the Renderer was made; DefaultTime if 0
}

// Renderer renders any number of templates with the same variables, and within one common budget of time and memory. It
// must not be used concurrently. Every error is an [*Error].
type Renderer interface {
	// Render returns what the template says. A value that is missing or null prints as nothing.
	Render(template string, escape Escape) (string, error)

	// Update renders the template of an update step, leaf by leaf, so that no value can break out of the place that it is
	// meant for. A string that is exactly one {{ expression }} becomes the value itself, of whatever type: a number stays a
	// number with all its digits, and null is null. Any other string with Liquid in it becomes the string that it renders
	// to. Keys, and all that is not a string, stay as they are.
	//
	// The member of an object whose only expression is missing is left out and listed as missing, so that it overwrites
	// nothing, and so is an object that has no other members; in an array, where leaving it out would move the others, it
	// is null.
	//
	// The template is not modified. An error has the pointer of the leaf.
	Update(template map[string]any) (map[string]any, error)

	// Missing returns the sorted paths, such as user.data.company, of the values that templates printed or gave to a filter
	// and that were not there or null, the first hundred. A value that was only tested, by {% if %}, {% case %} or the
	// filter default, is not among them, nor is one in a branch that was not taken.
	Missing() []string
}
