// Package events reads from the environment where the function that publishes events puts them.
package events

import (
	"errors"

	"lunogram-users/internal/boot"
)

// Bus returns the name of the event bus, from EVENT_BUS_NAME; "" if PUBLISH_EVENTS is not true, and nothing is to be
// published. The error names every variable that is missing.
func Bus() (string, error) {
	name, noName := boot.Variable("EVENT_BUS_NAME")
	publish, noPublish := boot.Variable("PUBLISH_EVENTS")
	if err := errors.Join(noName, noPublish); err != nil || publish != "true" {
		return "", err
	}
	return name, nil
}
