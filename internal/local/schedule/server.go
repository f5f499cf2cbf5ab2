package schedule

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"time"

	"lunogram-users/internal/local/sam"
)

const (
	defaultGroup = "default"
	// maxBody is the size in bytes of a request: an input of 256 KB and what is around it.
	maxBody = 1 << 20
	// expression is the layout of the time of a schedule, in UTC.
	expression = "at(2006-01-02T15:04:05)"
)

// nameForm is that of schedules.
// Source: https://docs.aws.amazon.com/scheduler/latest/APIReference/API_CreateSchedule.html
var nameForm = regexp.MustCompile(`^[0-9a-zA-Z-_.]{1,64}$`)

// document is a schedule in the API, both ways.
type document struct {
	Name                       string `json:",omitempty"`
	GroupName                  string
	Arn                        string `json:",omitempty"`
	ScheduleExpression         string
	ScheduleExpressionTimezone string
	State                      string
	ActionAfterCompletion      string
	ClientToken                string `json:",omitempty"`
	FlexibleTimeWindow         struct{ Mode string }
	Target                     struct{ Arn, RoleArn, Input string }
}

// fault is an error of the API.
type fault struct {
	status        int
	kind, message string
}

func (f *fault) Error() string { return f.kind + ": " + f.message }

func invalid(format string, arguments ...any) error {
	return &fault{http.StatusBadRequest, "ValidationException", fmt.Sprintf(format, arguments...)}
}

// Handler serves CreateSchedule, GetSchedule and DeleteSchedule below /schedules/.
// Source: https://docs.aws.amazon.com/scheduler/latest/APIReference/API_Operations.html
func (s *Scheduler) Handler() http.Handler {
	mux := http.NewServeMux()
	for pattern, serve := range map[string]func(*http.Request) (any, error){
		"POST /schedules/{name}":   s.serveCreate,
		"GET /schedules/{name}":    s.serveGet,
		"DELETE /schedules/{name}": s.serveDelete,
		"/": func(*http.Request) (any, error) {
			return nil, &fault{http.StatusBadRequest, "UnknownOperationException", "the local cloud has no such operation"}
		},
	} {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			r.Body = http.MaxBytesReader(w, r.Body, maxBody)
			answer, err := serve(r)
			respond(w, answer, err)
		})
	}
	return mux
}

func respond(w http.ResponseWriter, answer any, err error) {
	w.Header().Set("Content-Type", "application/json")
	if err == nil {
		_ = json.NewEncoder(w).Encode(answer) // the client may have gone away
		return
	}
	f, ok := errors.AsType[*fault](err)
	switch {
	case ok:
	case errors.Is(err, ErrExists):
		f = &fault{http.StatusConflict, "ConflictException", "Schedule already exists."}
	case errors.Is(err, ErrUnknown):
		f = &fault{http.StatusNotFound, "ResourceNotFoundException", "Schedule does not exist."}
	default:
		f = &fault{http.StatusInternalServerError, "InternalServerException", "the scheduler failed"}
	}
	w.Header().Set("X-Amzn-ErrorType", f.kind)
	w.WriteHeader(f.status)
	_ = json.NewEncoder(w).Encode(map[string]string{"Message": f.message})
}

func (s *Scheduler) serveCreate(r *http.Request) (any, error) {
	var d document
	if err := json.NewDecoder(r.Body).Decode(&d); err != nil {
		return nil, invalid("the body is not JSON, or too long")
	}
	d.Name = r.PathValue("name")
	c, err := s.check(d)
	if err != nil {
		return nil, err
	}
	return map[string]string{"ScheduleArn": c.arn()}, s.Create(c)
}

// check makes a schedule of a request, or says what is wrong with it or not to be had here.
func (s *Scheduler) check(d document) (Schedule, error) {
	c := Schedule{
		Group: orDefault(d.GroupName, defaultGroup), Name: d.Name, Queue: d.Target.Arn, Role: d.Target.RoleArn,
		Input: d.Target.Input, Token: d.ClientToken,
	}
	at, err := time.Parse(expression, d.ScheduleExpression)
	c.At = at
	_, known := s.config.Targets[c.Queue]
	switch {
	case !nameForm.MatchString(c.Name):
		return c, invalid("the name %q is not allowed", c.Name)
	case err != nil:
		return c, invalid("Invalid Schedule Expression %s: the local cloud takes at(yyyy-mm-ddThh:mm:ss)", d.ScheduleExpression)
	case d.ScheduleExpressionTimezone != "" && d.ScheduleExpressionTimezone != "UTC":
		return c, invalid("the local cloud knows the time zone UTC only")
	case d.FlexibleTimeWindow.Mode != "OFF":
		return c, invalid("FlexibleTimeWindow: the local cloud knows the mode OFF only")
	case d.ActionAfterCompletion != "DELETE":
		return c, invalid("ActionAfterCompletion: the local cloud knows DELETE only")
	case d.State != "" && d.State != "ENABLED":
		return c, invalid("State: the local cloud knows ENABLED only")
	case !known:
		return c, invalid("the target %s is not a queue of the template", c.Queue)
	case c.Role == "":
		return c, invalid("the target needs a RoleArn")
	case c.Input == "":
		return c, invalid("the target needs an Input")
	case c.Group != defaultGroup && !slices.Contains(s.config.Groups, c.Group):
		return c, &fault{http.StatusNotFound, "ResourceNotFoundException", "Schedule group " + c.Group + " does not exist."}
	}
	return c, nil
}

func orDefault(s, fallback string) string {
	if s == "" {
		return fallback
	}
	return s
}

func (c Schedule) arn() string {
	return "arn:aws:scheduler:" + sam.Region + ":" + sam.AccountID + ":schedule/" + key(c.Group, c.Name)
}

func (s *Scheduler) serveGet(r *http.Request) (any, error) {
	c, err := s.Get(orDefault(r.URL.Query().Get("groupName"), defaultGroup), r.PathValue("name"))
	if err != nil {
		return nil, err
	}
	d := document{
		Name: c.Name, GroupName: c.Group, Arn: c.arn(), ScheduleExpression: c.At.UTC().Format(expression),
		ScheduleExpressionTimezone: "UTC", State: "ENABLED", ActionAfterCompletion: "DELETE",
	}
	d.FlexibleTimeWindow.Mode = "OFF"
	d.Target.Arn, d.Target.RoleArn, d.Target.Input = c.Queue, c.Role, c.Input
	return d, nil
}

func (s *Scheduler) serveDelete(r *http.Request) (any, error) {
	return struct{}{}, s.Delete(orDefault(r.URL.Query().Get("groupName"), defaultGroup), r.PathValue("name"))
}
