package api

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"time"

	"lunogram-users/internal/liquid"
	"lunogram-users/internal/pause"
	"lunogram-users/internal/user"
)

// updateRequest asks for the update of one user's data that a template makes.
type updateRequest struct {
	userPath
	template map[string]any
	text     string // of the template, if it came as text, so that no pointer leads into it
	journey  map[string]any
	dryRun   bool
	ifMatch  *int64
}

// decodeUpdate reads {template, journey, dry_run}. The template is an object, or the text of one.
func decodeUpdate(r *http.Request) (updateRequest, error) {
	path, err := decodeUserPath(r)
	if err != nil {
		return updateRequest{}, err
	}
	b := &badRequest{}
	in := updateRequest{userPath: path}
	in.ifMatch, _ = ifMatch(r, b) // a user who does not exist is a 404 anyway
	o, err := decodeBody(r, b)
	if err != nil {
		return in, err
	}
	o.only("template", "journey", "dry_run")
	in.template, in.text = readTemplate(o)
	in.journey, in.dryRun = o.object("journey"), o.flag("dry_run", false)
	return in, b.err()
}

// readTemplate reads the template of an update step, and returns its text if it is one.
func readTemplate(o object) (template map[string]any, text string) {
	switch t := o.fields["template"].(type) {
	case map[string]any:
		return t, ""
	case string:
		if strings.TrimSpace(t) == "" { // the step of a journey that changes nothing
			return nil, t
		}
		template, err := liquid.ParseObject(t)
		if err != nil {
			o.bad.body(o.at("template"), err.Error())
		}
		return template, t
	}
	o.bad.body(o.at("template"), "must be an object, or the text of one")
	return nil, ""
}

// updateTries is how often update renders when the user changes under its eyes, and updatePause the longest that it waits
// before it does so again; the first time it is 10 ms at most, and twice as long each time.
const (
	updateTries = 8
	updatePause = 200 * time.Millisecond
)

// update renders the template with the user as stored and merges the result into the user's data, key by key, as an upsert
// does: a null is stored. The write is on condition of the version that was read, so that nothing is computed from values
// that are gone: two steps that each add one to a counter add two. Without If-Match a write in between means rendering
// again, within the time that one rendering may take; with it, and after it was met, such a write is a 412 like any other.
func (s *service) update(ctx context.Context, in updateRequest) (updateView, error) {
	left := liquid.DefaultTime
	for try := 0; try < updateTries && left > 0; try++ {
		if try > 0 { // a time by chance, so that those who met do not meet again
			if err := pause.For(ctx, rand.N(min(updatePause, 5*time.Millisecond<<try))); err != nil {
				return updateView{}, err
			}
		}
		v, err := s.tryUpdate(ctx, in, &left)
		if in.ifMatch != nil || !errors.Is(err, user.ErrVersion) {
			return v, err
		}
	}
	return updateView{}, fmt.Errorf("update of a user lost every race: %w", user.ErrUnavailable)
}

// tryUpdate is update without a second try: it returns user.ErrVersion if the user changed meanwhile. It takes the time of
// rendering from what is left.
func (s *service) tryUpdate(ctx context.Context, in updateRequest, left *time.Duration) (updateView, error) {
	u, err := s.recipients.User(ctx, in.projectID, in.userID)
	if err != nil {
		return updateView{}, err
	}
	if in.ifMatch != nil && (u.ID != in.userID || *in.ifMatch != u.Version) {
		return updateView{}, user.ErrVersion
	}
	start, limit := time.Now(), *left
	patch, missing, err := s.updateOf(u, in, limit)
	*left -= time.Since(start)
	if limit < liquid.DefaultTime && *left <= 0 { // the races took the time, not the template
		return updateView{}, user.ErrVersion
	}
	if err != nil {
		return updateView{}, err
	}
	if patch.Against(u).Empty() {
		return updateView{full(u), missing}, nil
	}
	if in.dryRun {
		after := patch.Apply(u)
		return updateView{full(after), missing}, after.Fits()
	}
	u, err = s.patcher.Patch(ctx, in.projectID, u.ID, patch, &u.Version)
	return updateView{full(u), missing}, err
}

// updateOf returns the patch that the template makes within a time, and the paths of values that were missing. It returns
// what is wrong with the template or with what it makes as a *badRequest.
func (s *service) updateOf(u user.User, in updateRequest, limit time.Duration) (user.Patch, []string, error) {
	r := s.templates(s.variables(u, in.journey), liquid.Options{Now: s.now(), Time: limit})
	b := &badRequest{}
	data, err := r.Update(in.template)
	if e, ok := errors.AsType[*liquid.Error](err); ok {
		e.Within(in.text)
		in.fault(b, e.Pointer, e.Error())
		return user.Patch{}, nil, b.err()
	}
	patch := user.Patch{Data: data}
	if invalid, ok := errors.AsType[*user.InvalidError](patch.Normalize()); ok {
		for _, f := range invalid.Fields {
			pointer := strings.TrimPrefix(f.Pointer, "/data")
			if pointer == "" { // it may be much larger than the template
				f.Detail = "the data that it makes " + f.Detail
			}
			in.fault(b, pointer, f.Detail)
		}
	}
	return patch, orNone(r.Missing()), b.err()
}

// fault notes what is wrong at a pointer in the template, or in what it makes.
func (in updateRequest) fault(b *badRequest, pointer, detail string) {
	if in.text == "" {
		b.body("/template"+pointer, detail)
		return
	}
	if pointer != "" {
		detail = shorten(pointer) + ": " + detail
	}
	b.body("/template", detail)
}

// updateView is the user after an update, and the paths of the values that the template missed.
type updateView struct {
	userView
	Missing []string `json:"missing"`
}
