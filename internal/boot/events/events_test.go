package events_test

import (
	"strings"
	"testing"

	"lunogram-users/internal/boot/events"
)

func TestBus(t *testing.T) {
	for _, test := range []struct{ name, publish, want, missing string }{
		{name: "users", publish: "true", want: "users"},
		{name: "users", publish: "false"},
		{name: "users", missing: "PUBLISH_EVENTS"},
		{publish: "true", missing: "EVENT_BUS_NAME"},
	} {
		t.Setenv("EVENT_BUS_NAME", test.name)
		t.Setenv("PUBLISH_EVENTS", test.publish)
		got, err := events.Bus()
		if got != test.want || test.missing == "" != (err == nil) || err != nil && !strings.Contains(err.Error(), test.missing) {
			t.Errorf("%+v: got %q, %v", test, got, err)
		}
	}
}
