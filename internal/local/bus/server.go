package bus

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// The bounds of one PutEvents. The size is that of all entries together, in bytes.
// Source: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-putevents.html#eb-putevent-size
const (
	maxEntries = 10
	maxRequest = 256 << 10
)

// entry is one event of PutEvents.
type entry struct {
	Time         *float64 // seconds since 1970
	Source       string
	Resources    []string
	DetailType   string
	Detail       string
	EventBusName string
}

// at returns the time of the event, now if it has none.
func (e entry) at(now time.Time) time.Time {
	if e.Time == nil {
		return now
	}
	return time.UnixMilli(int64(*e.Time * 1000))
}

// size is what the entry counts.
func (e entry) size() int {
	n := len(e.Source) + len(e.DetailType) + len(e.Detail)
	if e.Time != nil {
		n += 14
	}
	for _, r := range e.Resources {
		n += len(r)
	}
	return n
}

// outcome is the answer to one entry.
type outcome struct {
	EventID      string `json:"EventId,omitempty"`
	ErrorCode    string `json:",omitempty"`
	ErrorMessage string `json:",omitempty"`
}

// ServePut serves the AWS JSON 1.1 protocol, of which functions use one action: PutEvents.
func (b *Buses) ServePut(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	var in struct{ Entries []entry }
	switch err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 4*maxRequest)).Decode(&in); {
	case r.Header.Get("X-Amz-Target") != "AWSEvents.PutEvents":
		refuse(w, "UnknownOperationException", "the local cloud has no such operation")
		return
	case err != nil:
		refuse(w, "SerializationException", "the body is not JSON, or too long")
		return
	case len(in.Entries) == 0 || len(in.Entries) > maxEntries:
		refuse(w, "ValidationException", "1 validation error detected: Value at 'entries' failed to satisfy constraint: "+
			"Member must have length between 1 and 10")
		return
	}
	size := 0
	for _, e := range in.Entries {
		size += e.size()
	}
	if size > maxRequest {
		refuse(w, "ValidationException", "Total size of the entries in the request is over the limit.")
		return
	}
	var out struct {
		FailedEntryCount int
		Entries          []outcome
	}
	for _, e := range in.Entries {
		o := b.take(e)
		if o.ErrorCode != "" {
			out.FailedEntryCount++
		}
		out.Entries = append(out.Entries, o)
	}
	_ = json.NewEncoder(w).Encode(out) // the client may have gone away
}

// take keeps the event of an entry, or says why not.
func (b *Buses) take(e entry) outcome {
	for _, field := range [][2]string{{"Source", e.Source}, {"DetailType", e.DetailType}, {"Detail", e.Detail}} {
		if name, value := field[0], field[1]; value == "" {
			return outcome{
				ErrorCode:    "InvalidArgument",
				ErrorMessage: "Parameter " + name + " is not valid. Reason: " + name + " is a required argument.",
			}
		}
	}
	var object map[string]json.RawMessage
	switch {
	case json.Unmarshal([]byte(e.Detail), &object) != nil:
		return outcome{ErrorCode: "MalformedDetail", ErrorMessage: "Detail is malformed."}
	case strings.HasPrefix(e.Source, "aws."):
		return outcome{ErrorCode: "NotAuthorizedForSourceException", ErrorMessage: "Not authorized for the source."}
	case len(e.DetailType) > 128:
		return outcome{ErrorCode: "InvalidArgument", ErrorMessage: "Parameter DetailType is not valid. Reason: it is too long."}
	case !b.names[e.EventBusName]:
		return outcome{ErrorCode: "ResourceNotFoundException", ErrorMessage: "Event bus " + e.EventBusName + " does not exist."}
	}
	return outcome{EventID: b.put(e)}
}

func refuse(w http.ResponseWriter, kind, message string) {
	w.WriteHeader(http.StatusBadRequest)
	_ = json.NewEncoder(w).Encode(map[string]string{"__type": kind, "message": message})
}

// ServeList lists the events that are kept. The parameters detail_type and after are those of Events; limit
// leaves the newest so many.
func (b *Buses) ServeList(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	events, total := b.Events(q.Get("detail_type"), q.Get("after"))
	if q.Has("limit") {
		limit, err := strconv.Atoi(q.Get("limit"))
		if err != nil || limit < 1 {
			http.Error(w, "limit must be a whole number from 1", http.StatusBadRequest)
			return
		}
		events = events[max(len(events)-limit, 0):]
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]any{"events": events, "total": total}) // the client may have gone away
}
