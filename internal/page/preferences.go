package page

import (
	"errors"
	"net/http"

	"lunogram-users/internal/consent"
	"lunogram-users/internal/link"
)

// The field of the buttons, and what each says.
const (
	actionField       = "action"
	saveAction        = "save"
	stopAction        = "stop"
	unsubscribeAction = "unsubscribe"
)

func (h *handler) showPreferences(w http.ResponseWriter, r *http.Request) {
	v, err := h.visit(r, link.Preferences)
	if err != nil {
		h.lost(w, r, err)
		return
	}
	h.renderPreferences(w, http.StatusOK, v, outcome{})
}

// savePreferences sets the groups whose switches were moved since the page was made, and leaves alone what was not
// touched: a page in another tab may have changed that meanwhile, and who never chose has not chosen now.
func (h *handler) savePreferences(w http.ResponseWriter, r *http.Request) {
	v, err := h.visit(r, link.Preferences)
	if err != nil {
		h.lost(w, r, err)
		return
	}
	choices, ok := v.chosen(readForm(w, r))
	if !ok {
		h.renderPreferences(w, http.StatusBadRequest, v, outcome{Failed: "unread"})
		return
	}
	if len(choices) > 0 {
		err = h.set(r, v, consent.ByPage, choices...)
	}
	switch {
	case err == nil:
		h.renderPreferences(w, http.StatusOK, v.after(choices), v.outcome(choices))
	case errors.Is(err, consent.ErrNoGroup): // it went while the form was on its way
		h.renderPreferences(w, http.StatusConflict, v, outcome{Failed: "unread"})
	case nowhere(err):
		h.lost(w, r, err)
	default:
		h.logFailure(r, err)
		w.Header().Set("Retry-After", "1")
		v.unsaved = choices
		h.renderPreferences(w, http.StatusServiceUnavailable, v, outcome{Failed: "failed_means"})
	}
}

func (h *handler) renderPreferences(w http.ResponseWriter, status int, v visit, o outcome) {
	view := newView(v.texts, v.project)
	view.Channels, view.outcome = v.channels(), o
	h.render(w, status, preferencesPage, view)
}
