// Package schedule is EventBridge Scheduler as far as functions use it: schedules of one time, which send a message to a
// queue then and are gone.
//
// Source: https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html#one-time
package schedule

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"lunogram-users/internal/local/journal"
)

// target is who gets the entries of the journal.
const target = "scheduler"

// retryDelay is how long a schedule waits that could not be carried out.
const retryDelay = time.Second

// The errors.
var (
	ErrExists  = errors.New("there is a schedule of that name in the group")
	ErrUnknown = errors.New("there is no such schedule")
)

// Schedule is a message that waits for its time.
type Schedule struct {
	Group string    `json:"group"`
	Name  string    `json:"name"`
	At    time.Time `json:"at"`
	Queue string    `json:"queue"` // ARN
	Role  string    `json:"role"`  // ARN, of nobody here
	Input string    `json:"input"`
	Token string    `json:"token"` // of the request that made it, whose repeat is no conflict
}

// Config makes a Scheduler.
type Config struct {
	Groups  []string                           // names; the group "default" is there, too
	Targets map[string]func(body string) error // what sends to each queue, by its ARN
	Journal *journal.Journal                   // keeps schedules across restarts; nil keeps none
	Log     *slog.Logger
}

// Scheduler holds schedules and carries them out. Its methods may be called concurrently.
type Scheduler struct {
	config Config

	mu      sync.Mutex
	waiting map[string]*waiting // by group and name
	closed  bool
}

// waiting is a schedule with what only the scheduler knows of it.
type waiting struct {
	Schedule
	entry string // of the journal
	timer *time.Timer
}

// New returns a scheduler with the schedules that its journal kept; those whose time has passed are carried out at once.
// Close it. It returns an error if an entry cannot be read.
func New(c Config) (*Scheduler, error) {
	s := &Scheduler{config: c, waiting: map[string]*waiting{}}
	for _, e := range c.Journal.Waiting(target) {
		var kept Schedule
		if err := json.Unmarshal(e.Body, &kept); err != nil {
			s.Close()
			return nil, fmt.Errorf("read a schedule: %w", err)
		}
		s.mu.Lock()
		s.wait(kept, e.ID)
		s.mu.Unlock()
	}
	return s, nil
}

func key(group, name string) string { return group + "/" + name }

// Create adds a schedule, which is carried out at once if its time has passed. It returns ErrExists, or an error of the
// journal.
func (s *Scheduler) Create(c Schedule) error {
	body, err := json.Marshal(c)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if w, ok := s.waiting[key(c.Group, c.Name)]; ok {
		if c.Token != "" && w.Token == c.Token {
			return nil
		}
		return ErrExists
	}
	entry, err := s.config.Journal.Add(target, body)
	if err != nil {
		return err
	}
	s.wait(c, entry)
	return nil
}

// wait starts the clock of a schedule. The caller holds the lock.
func (s *Scheduler) wait(c Schedule, entry string) {
	w := &waiting{Schedule: c, entry: entry}
	s.waiting[key(c.Group, c.Name)] = w
	w.timer = time.AfterFunc(time.Until(c.At), func() { s.fire(w) })
}

// fire sends the message of a schedule that is still there, and forgets the schedule. A message may be sent twice, if
// this process dies in between, and is not lost.
func (s *Scheduler) fire(w *waiting) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || s.waiting[key(w.Group, w.Name)] != w {
		return
	}
	if err := s.config.Targets[w.Queue](w.Input); err != nil {
		s.config.Log.Error("a schedule could not be carried out and will be tried again", "error", err)
		w.timer.Reset(retryDelay)
		return
	}
	s.drop(w)
}

// drop forgets a schedule. The caller holds the lock.
func (s *Scheduler) drop(w *waiting) {
	w.timer.Stop()
	delete(s.waiting, key(w.Group, w.Name))
	s.config.Journal.Done(w.entry)
}

// Get returns a schedule, or ErrUnknown.
func (s *Scheduler) Get(group, name string) (Schedule, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	w, ok := s.waiting[key(group, name)]
	if !ok {
		return Schedule{}, ErrUnknown
	}
	return w.Schedule, nil
}

// Delete removes a schedule, or returns ErrUnknown.
func (s *Scheduler) Delete(group, name string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	w, ok := s.waiting[key(group, name)]
	if !ok {
		return ErrUnknown
	}
	s.drop(w)
	return nil
}

// Run carries out the schedules of a name, in whatever groups, before their time. It returns how many there were.
func (s *Scheduler) Run(name string) int {
	s.mu.Lock()
	named := slices.Collect(maps.Values(s.waiting))
	s.mu.Unlock()
	named = slices.DeleteFunc(named, func(w *waiting) bool { return w.Name != name })
	for _, w := range named {
		s.fire(w)
	}
	return len(named)
}

// All returns the schedules, the next first.
func (s *Scheduler) All() []Schedule {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := []Schedule{}
	for _, w := range s.waiting {
		all = append(all, w.Schedule)
	}
	slices.SortFunc(all, func(a, b Schedule) int {
		if c := a.At.Compare(b.At); c != 0 {
			return c
		}
		return strings.Compare(key(a.Group, a.Name), key(b.Group, b.Name))
	})
	return all
}

// Close stops all clocks. What waits stays in the journal. Further calls do nothing.
func (s *Scheduler) Close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	for _, w := range s.waiting {
		w.timer.Stop()
	}
}
