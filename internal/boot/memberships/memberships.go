// Package memberships is what the functions that keep memberships do first: boot, and the variables of queue and wakes.
package memberships

import (
	"errors"

	"lunogram-users/internal/boot"
	"lunogram-users/internal/membership"
	"lunogram-users/internal/membership/wakes"
	"lunogram-users/internal/queue"
)

// Runtime is what the functions are built from. Everything in it is safe for concurrent use.
type Runtime struct {
	*boot.Runtime
	Engine *membership.Engine
}

// Load is boot.Load, and reads RECOMPUTE_QUEUE_URL, RECOMPUTE_QUEUE_ARN, WAKE_GROUP and WAKE_ROLE_ARN too. The error names
// every variable that is missing.
func Load() (*Runtime, error) {
	url, noURL := boot.Variable("RECOMPUTE_QUEUE_URL")
	arn, noARN := boot.Variable("RECOMPUTE_QUEUE_ARN")
	group, noGroup := boot.Variable("WAKE_GROUP")
	role, noRole := boot.Variable("WAKE_ROLE_ARN")
	rt, err := boot.Load()
	if err := errors.Join(noURL, noARN, noGroup, noRole, err); err != nil {
		return nil, err
	}
	return &Runtime{Runtime: rt, Engine: &membership.Engine{
		Store: rt.Store, Queue: queue.New[membership.Task](rt.Config, url),
		Wakes: wakes.New(rt.Config, wakes.Target{Group: group, QueueARN: arn, RoleARN: role}), Log: rt.Log,
	}}, nil
}
