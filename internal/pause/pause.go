// Package pause waits, for as long as somebody still wants that.
package pause

import (
	"context"
	"time"
)

// For waits for d. It returns the error of ctx at once when that ends, and nil otherwise. It may be called concurrently.
func For(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
	return ctx.Err()
}
