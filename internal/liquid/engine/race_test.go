//go:build race

package engine_test

// raceDetector says that all takes much longer than usual.
const raceDetector = true
