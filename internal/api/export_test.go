package api

import "net/http"

// Fit panics unless a function that had handlers of just these operations would have one for each of its own.
func Fit(function string, operations ...string) {
	h := handlers{}
	for _, operation := range operations {
		h[operation] = http.NotFoundHandler()
	}
	h.mustFit(function)
}
