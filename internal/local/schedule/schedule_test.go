package schedule_test

import (
	"errors"
	"log/slog"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/scheduler"
	"github.com/aws/aws-sdk-go-v2/service/scheduler/types"
	"github.com/google/go-cmp/cmp"

	"lunogram-users/internal/local/journal"
	"lunogram-users/internal/local/sam"
	"lunogram-users/internal/local/schedule"
)

const queueARN = "arn:aws:sqs:us-east-1:000000000000:local-Work"

// queue remembers what was sent to it.
type queue struct {
	mu     sync.Mutex
	bodies []string
	broken int // how many of the next sends fail
}

func (q *queue) send(body string) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.broken > 0 {
		q.broken--
		return errors.New("as told")
	}
	q.bodies = append(q.bodies, body)
	return nil
}

func (q *queue) got() []string {
	q.mu.Lock()
	defer q.mu.Unlock()
	return slices.Clone(q.bodies)
}

func open(t *testing.T, q *queue, j *journal.Journal) *schedule.Scheduler {
	t.Helper()
	s, err := schedule.New(schedule.Config{
		Groups: []string{"sweeps"}, Targets: map[string]func(string) error{queueARN: q.send}, Journal: j,
		Log: slog.New(slog.NewTextHandler(t.Output(), nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

func in(d time.Duration, name string) schedule.Schedule {
	return schedule.Schedule{Group: "sweeps", Name: name, At: time.Now().Add(d), Queue: queueARN, Role: "r", Input: name}
}

func create(t *testing.T, s *schedule.Scheduler, all ...schedule.Schedule) {
	t.Helper()
	for _, c := range all {
		if err := s.Create(c); err != nil {
			t.Fatal(err)
		}
	}
}

func TestTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := &queue{broken: 1}
		s := open(t, q, nil)
		create(t, s, in(2*time.Hour, "later"), in(time.Hour, "soon"), in(-time.Hour, "past"))
		for _, want := range []struct {
			after time.Duration
			sent  []string
		}{
			{0, nil}, // the queue was broken
			{time.Second, []string{"past"}},
			{time.Hour - 2*time.Second, []string{"past"}},
			{time.Second, []string{"past", "soon"}},
			{time.Hour, []string{"past", "soon", "later"}},
			{time.Hour, []string{"past", "soon", "later"}},
		} {
			time.Sleep(want.after)
			synctest.Wait()
			if diff := cmp.Diff(want.sent, q.got()); diff != "" {
				t.Errorf("%v later (-want +got):\n%s", want.after, diff)
			}
		}
		if left := s.All(); len(left) != 0 {
			t.Errorf("left: got %v, want none", left)
		}
	})
}

func TestRestart(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal")
	reopen := func() *journal.Journal {
		j, err := journal.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		return j
	}
	j, q := reopen(), &queue{}
	s := open(t, q, j)
	create(t, s, in(time.Hour, "kept"), in(time.Hour, "deleted"), in(time.Hour, "run"))
	if err := s.Delete("sweeps", "deleted"); err != nil {
		t.Fatal(err)
	}
	if n := s.Run("run"); n != 1 || !slices.Equal(q.got(), []string{"run"}) {
		t.Errorf("run: got %d schedules and %v, want one", n, q.got())
	}
	s.Close()
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	j = reopen()
	defer j.Close()
	if all := open(t, q, j).All(); len(all) != 1 || all[0].Name != "kept" {
		t.Errorf("after a restart: got %+v, want the one that waits", all)
	}
}

func TestAPI(t *testing.T) {
	q := &queue{}
	s := open(t, q, nil)
	server := httptest.NewServer(s.Handler())
	defer server.Close()
	client := scheduler.New(scheduler.Options{
		Region: sam.Region, BaseEndpoint: &server.URL, Credentials: credentials.NewStaticCredentialsProvider("a", "b", ""),
		Retryer: aws.NopRetryer{},
	})
	request := func(change func(*scheduler.CreateScheduleInput)) *scheduler.CreateScheduleInput {
		c := &scheduler.CreateScheduleInput{
			Name: new("sweep-1"), GroupName: new("sweeps"), ScheduleExpression: new("at(2100-01-02T03:04:05)"),
			FlexibleTimeWindow:    &types.FlexibleTimeWindow{Mode: types.FlexibleTimeWindowModeOff},
			Target:                &types.Target{Arn: new(queueARN), RoleArn: new("arn:role"), Input: new(`{"a":1}`)},
			ActionAfterCompletion: types.ActionAfterCompletionDelete,
		}
		if change != nil {
			change(c)
		}
		return c
	}
	out, err := client.CreateSchedule(t.Context(), request(func(c *scheduler.CreateScheduleInput) { c.ClientToken = new("token") }))
	if err != nil || !strings.HasSuffix(*out.ScheduleArn, ":schedule/sweeps/sweep-1") {
		t.Fatalf("create: got %v, %v", out, err)
	}
	if _, err := client.CreateSchedule(t.Context(), request(func(c *scheduler.CreateScheduleInput) { c.ClientToken = new("token") })); err != nil {
		t.Errorf("the same request again: %v", err)
	}
	_, err = client.CreateSchedule(t.Context(), request(nil))
	if _, ok := errors.AsType[*types.ConflictException](err); !ok {
		t.Errorf("another of that name: got %v, want a conflict", err)
	}
	got, err := client.GetSchedule(t.Context(), &scheduler.GetScheduleInput{Name: new("sweep-1"), GroupName: new("sweeps")})
	if err != nil || *got.ScheduleExpression != "at(2100-01-02T03:04:05)" || *got.Target.Input != `{"a":1}` || *got.GroupName != "sweeps" {
		t.Errorf("get: got %+v, %v", got, err)
	}
	if _, err := client.DeleteSchedule(t.Context(), &scheduler.DeleteScheduleInput{Name: new("sweep-1"), GroupName: new("sweeps")}); err != nil {
		t.Errorf("delete: %v", err)
	}
	_, err = client.DeleteSchedule(t.Context(), &scheduler.DeleteScheduleInput{Name: new("sweep-1"), GroupName: new("sweeps")})
	if _, ok := errors.AsType[*types.ResourceNotFoundException](err); !ok {
		t.Errorf("delete it again: got %v, want that it is not there", err)
	}
	for name, change := range map[string]func(*scheduler.CreateScheduleInput){
		"Invalid Schedule Expression": func(c *scheduler.CreateScheduleInput) { c.ScheduleExpression = new("rate(1 hour)") },
		"time zone":                   func(c *scheduler.CreateScheduleInput) { c.ScheduleExpressionTimezone = new("Europe/Berlin") },
		"FlexibleTimeWindow":          func(c *scheduler.CreateScheduleInput) { c.FlexibleTimeWindow.Mode = "FLEXIBLE" },
		"ActionAfterCompletion":       func(c *scheduler.CreateScheduleInput) { c.ActionAfterCompletion = "" },
		"State":                       func(c *scheduler.CreateScheduleInput) { c.State = "DISABLED" },
		"not a queue":                 func(c *scheduler.CreateScheduleInput) { c.Target.Arn = new("arn:aws:sqs:::other") },
		"RoleArn":                     func(c *scheduler.CreateScheduleInput) { c.Target.RoleArn = new("") },
		"needs an Input":              func(c *scheduler.CreateScheduleInput) { c.Target.Input = nil },
		"group other does not exist":  func(c *scheduler.CreateScheduleInput) { c.GroupName = new("other") },
		"not allowed":                 func(c *scheduler.CreateScheduleInput) { c.Name = new("a b") },
	} {
		if _, err := client.CreateSchedule(t.Context(), request(change)); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("got error %v, want one with %q", err, name)
		}
	}
	if len(s.All()) != 0 {
		t.Errorf("schedules: got %v, want none", s.All())
	}
}
