// Package public reads where recipients reach the system: what the environment of the function that makes links has
// beyond that of others.
package public

import (
	"os"
	"strings"
)

// URL returns the address of the API that template.yaml was given, without a slash at its end; "" if it was given none.
func URL() string { return strings.TrimSuffix(os.Getenv("PUBLIC_URL"), "/") }
