package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"

	"lunogram-users/internal/user"
)

const (
	maxBatch = 100 // users of one request
	// maxItemFaults are listed of one user. All answers together must fit into one reply.
	maxItemFaults = 10
)

// batchRequest is a POST of several users.
type batchRequest struct {
	projectID string
	items     []batchItem
}

// batchItem is one of them: an upsert, or why it is none.
type batchItem struct {
	upsert user.Upsert
	err    error
}

// decodeBatch reads a batch. Whatever is wrong with one user is that user's fault; only a body that has no users at all, or
// too many, fails the request.
func decodeBatch(r *http.Request) (batchRequest, error) {
	if len(r.Header.Values("If-Match")) > 0 {
		return batchRequest{}, &badRequest{detail: "If-Match names the version of one user: a batch does not take it"}
	}
	users, err := readBatch(r)
	if err != nil {
		return batchRequest{}, err
	}
	in := batchRequest{projectID: projectOf(r.Context()), items: make([]batchItem, len(users))}
	for n, raw := range users {
		item := &in.items[n]
		item.upsert, item.err = readItem(raw, in.projectID)
		item.err = below("/users/"+strconv.Itoa(n), item.err)
	}
	return in, nil
}

// readBatch splits the body into its users, unread: text that is broken in one must not be mended, or complained of, as if
// it were another's.
func readBatch(r *http.Request) ([]json.RawMessage, error) {
	body, err := readBody(r)
	if err != nil {
		return nil, err
	}
	b := &badRequest{}
	var fields map[string]json.RawMessage
	err = json.NewDecoder(bytes.NewReader(body)).Decode(&fields)
	if _, wrong := errors.AsType[*json.UnmarshalTypeError](err); err == nil && fields == nil || wrong {
		b.body("", "must be a JSON object")
		return nil, b.err()
	}
	if err != nil {
		return nil, notJSON(err, len(body))
	}
	var users []json.RawMessage
	if raw, ok := fields["users"]; ok && json.Unmarshal(raw, &users) != nil || len(users) == 0 || len(users) > maxBatch {
		b.body("/users", fmt.Sprintf("must be an array of 1 to %d users", maxBatch))
	}
	return users, b.err()
}

func readItem(raw []byte, projectID string) (user.Upsert, error) {
	o, err := parseObject(raw, &badRequest{})
	if err != nil {
		return user.Upsert{}, err
	}
	return readUpsert(o, projectID)
}

// below returns what is wrong with a value of the body, with pointers into the whole body.
func below(pointer string, err error) error {
	b, ok := errors.AsType[*badRequest](err)
	if !ok {
		return err
	}
	moved := &badRequest{detail: b.detail}
	for _, f := range b.faults[:min(maxItemFaults, len(b.faults))] {
		moved.body(pointer+pointerOf(f), f.Detail)
	}
	return moved
}

// batchView answers a batch, in its order.
type batchView struct {
	Results []itemView `json:"results"`
}

// itemView is what a request for the one user would have been answered: a status, and a user or a problem. The user is
// that of a receipt, whatever the key: a hundred whole users may not fit into a reply.
type itemView struct {
	Status  int          `json:"status"`
	Outcome user.Outcome `json:"outcome,omitempty"`
	User    *userView    `json:"user,omitempty"`
	Problem *problem     `json:"problem,omitempty"`
}

// upsertBatch creates or updates several users.
func (s *service) upsertBatch(ctx context.Context, in batchRequest) (batchView, error) {
	var batch []user.Upsert
	for _, item := range in.items {
		if item.err == nil {
			batch = append(batch, item.upsert)
		}
	}
	var results []user.Result
	if len(batch) > 0 {
		results = s.upserter.UpsertBatch(ctx, in.projectID, batch)
	}
	v := batchView{Results: make([]itemView, len(in.items))}
	for n, item := range in.items {
		if item.err != nil {
			v.Results[n] = s.refuse(ctx, item.err)
			continue
		}
		v.Results[n] = s.showItem(ctx, item.upsert, results[0])
		results = results[1:]
	}
	return v, nil
}

func (s *service) showItem(ctx context.Context, sent user.Upsert, r user.Result) itemView {
	if r.Err != nil {
		return s.refuse(ctx, r.Err)
	}
	u := user.User{ID: r.UserID, ProjectID: sent.ProjectID, Version: r.Version, CreatedAt: r.CreatedAt, UpdatedAt: r.UpdatedAt}
	return itemView{Status: http.StatusOK, Outcome: r.Outcome, User: new(echo(u, sent))}
}

// refuse answers one user with the problem that the error is, and logs it if it is our fault.
func (s *service) refuse(ctx context.Context, err error) itemView {
	p := problemOf(err).in(ctx)
	if p.Status >= http.StatusInternalServerError {
		s.log.ErrorContext(ctx, "a user of a batch failed", slog.Int("status", p.Status), slog.Any("error", err),
			slog.String("request_id", p.RequestID))
	}
	return itemView{Status: p.Status, Problem: &p}
}
