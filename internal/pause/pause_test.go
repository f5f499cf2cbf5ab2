package pause_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"lunogram-users/internal/pause"
)

func TestFor(t *testing.T) {
	for _, test := range []struct {
		name     string
		deadline time.Duration
		took     time.Duration
		want     error
	}{
		{"to its end", time.Hour, time.Minute, nil},
		{"cut short", time.Second, time.Second, context.DeadlineExceeded},
		{"too late already", -time.Second, 0, context.DeadlineExceeded},
	} {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), test.deadline)
			defer cancel()
			start := time.Now()
			if err := pause.For(ctx, time.Minute); !errors.Is(err, test.want) || time.Since(start) != test.took {
				t.Errorf("%s: got %v after %v, want %v after %v", test.name, err, time.Since(start), test.want, test.took)
			}
		})
	}
}
