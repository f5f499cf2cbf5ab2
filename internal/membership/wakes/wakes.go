// Package wakes lets EventBridge Scheduler send a task to a queue at a moment. It is apart from membership so that only
// functions that plan wakes link the Scheduler client.
package wakes

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/scheduler"
	"github.com/aws/aws-sdk-go-v2/service/scheduler/types"

	"lunogram-users/internal/membership"
)

// Target is where wakes go.
type Target struct {
	Group    string // name of the schedule group
	QueueARN string
	RoleARN  string // of the role that lets the scheduler send to the queue
}

// Scheduler plans wakes. It is safe for concurrent use.
type Scheduler struct {
	client *scheduler.Client
	target Target
}

var _ membership.Wakes = (*Scheduler)(nil)

// New returns a scheduler to the target. The SDK honours AWS_ENDPOINT_URL_SCHEDULER.
func New(cfg aws.Config, target Target) *Scheduler {
	return &Scheduler{client: scheduler.NewFromConfig(cfg), target: target}
}

// Plan implements membership.Wakes, with a schedule that runs once and is deleted then
// (https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html#one-time). It comes within a minute after
// its time and never before.
func (s *Scheduler) Plan(ctx context.Context, name string, at time.Time, task membership.Task) error {
	input, err := json.Marshal(task)
	if err != nil {
		return err
	}
	_, err = s.client.CreateSchedule(ctx, &scheduler.CreateScheduleInput{
		Name: &name, GroupName: &s.target.Group,
		ScheduleExpression:    new("at(" + at.UTC().Format("2006-01-02T15:04:05") + ")"),
		FlexibleTimeWindow:    &types.FlexibleTimeWindow{Mode: types.FlexibleTimeWindowModeOff},
		ActionAfterCompletion: types.ActionAfterCompletionDelete,
		Target:                &types.Target{Arn: &s.target.QueueARN, RoleArn: &s.target.RoleARN, Input: new(string(input))},
	})
	if _, exists := errors.AsType[*types.ConflictException](err); exists {
		return nil // somebody has planned the same
	}
	if err != nil {
		return fmt.Errorf("plan a wake: %w", err)
	}
	return nil
}
