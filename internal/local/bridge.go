package local

import (
	"context"
	"fmt"
	"net/http"

	"lunogram-users/internal/local/bus"
	"lunogram-users/internal/local/permission"
	"lunogram-users/internal/local/schedule"
)

const (
	eventsPath    = "/_local/events"
	schedulerPath = "/_local/scheduler"
	schedulesPath = "/_local/schedules"
)

// openBridge makes the event buses and the scheduler, which may send to any queue.
func (c *Cloud) openBridge(context.Context) (err error) {
	c.buses = bus.New(c.Template.Buses, nil)
	targets := map[string]func(body string) error{}
	for _, q := range c.Template.Queues {
		send := c.sendTo(q)
		targets[q.ARN] = func(body string) error { return send([]byte(body)) }
	}
	c.scheduler, err = schedule.New(schedule.Config{
		Groups: c.Template.Groups, Targets: targets, Journal: c.journal, Log: c.log,
	})
	return err
}

func (c *Cloud) handleBridge(mux *http.ServeMux) {
	mux.HandleFunc("GET "+eventsPath, c.buses.ServeList)
	for _, end := range []string{"", "/{$}"} { // clients differ
		mux.Handle("POST "+eventsPath+end, c.guard.Handler(permission.EventBridge, http.HandlerFunc(c.buses.ServePut)))
	}
	scheduler := http.StripPrefix(schedulerPath, c.scheduler.Handler())
	mux.Handle(schedulerPath+"/", c.guard.Handler(permission.Scheduler, scheduler))
	mux.HandleFunc("GET "+schedulesPath, func(w http.ResponseWriter, _ *http.Request) {
		answer(w, http.StatusOK, map[string]any{"schedules": c.Schedules()})
	})
	mux.HandleFunc("POST "+schedulesPath+"/{name}/run", func(w http.ResponseWriter, r *http.Request) {
		if err := c.RunSchedule(r.PathValue("name")); err != nil {
			answer(w, http.StatusNotFound, map[string]any{"message": err.Error()})
			return
		}
		answer(w, http.StatusOK, map[string]any{})
	})
}

// Events returns the events that functions put on buses, oldest first, as far as they are kept. A detail type that is not
// "" leaves the others out; so does after, the id of an event, with all up to that one.
func (c *Cloud) Events(detailType, after string) []bus.Event {
	events, _ := c.buses.Events(detailType, after)
	return events
}

// Schedules returns the schedules that wait for their time, the next first.
func (c *Cloud) Schedules() []schedule.Schedule { return c.scheduler.All() }

// RunSchedule carries out a schedule before its time. schedule.ErrUnknown means that none of that name waits.
func (c *Cloud) RunSchedule(name string) error {
	if c.scheduler.Run(name) == 0 {
		return fmt.Errorf("schedule %s: %w", name, schedule.ErrUnknown)
	}
	return nil
}
