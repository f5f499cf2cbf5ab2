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
	h.renderPreferences(w, http.StatusOK, v, "preferences", outcome{})
}

// savePreferences sets the groups whose switches were moved since the page was made, and leaves alone what was not
// touched: a page in another tab may have changed that meanwhile, and who never chose has not chosen now.
func (h *handler) savePreferences(w http.ResponseWriter, r *http.Request) {
	v, err := h.visit(r, link.Preferences)
	if err != nil {
		h.lost(w, r, err)
		return
	}
	form, err := readForm(w, r)
	choices := []consent.Choice{{Group: consent.AllGroups, State: consent.Unsubscribed}}
	switch action := form.Get(actionField); {
	case err == nil && action == stopAction:
	case err == nil && action == saveAction:
		choices = v.moved(form)
	default:
		h.renderPreferences(w, http.StatusBadRequest, v, "failed", outcome{Failed: "unread"})
		return
	}
	if len(choices) > 0 {
		err = h.set(r, v, consent.ByPage, choices...)
	}
	h.sayWhatWasSaved(w, r, v, choices, err)
}

func (h *handler) sayWhatWasSaved(w http.ResponseWriter, r *http.Request, v visit, choices []consent.Choice, err error) {
	stop := len(choices) == 1 && choices[0].Group == consent.AllGroups
	switch {
	case err == nil && stop:
		h.renderPreferences(w, http.StatusOK, v.after(choices), "stopped", outcome{Stopped: true})
	case err == nil:
		h.renderPreferences(w, http.StatusOK, v.after(choices), "saved", outcome{Saved: true, Changed: v.named(choices)})
	case errors.Is(err, consent.ErrNoGroup): // it went while the form was on its way
		h.renderPreferences(w, http.StatusConflict, v, "failed", outcome{Failed: "unread"})
	default:
		h.logFailure(r, err)
		w.Header().Set("Retry-After", "1")
		v.unsaved = choices
		h.renderPreferences(w, http.StatusServiceUnavailable, v, "failed", outcome{Failed: "failed_means"})
	}
}

func (h *handler) renderPreferences(w http.ResponseWriter, status int, v visit, title string, o outcome) {
	view := newView(v.texts, v.project)
	view.Title, view.Channels, view.outcome = title, v.channels(), o
	h.render(w, status, preferencesPage, view)
}
