// Package law holds the project to its own rules, by tests: who may import whom, and what template.yaml promises
// beside what is there. It has no other code.
package law
