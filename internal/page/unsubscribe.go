package page

import (
	"errors"
	"net/http"

	"lunogram-users/internal/consent"
	"lunogram-users/internal/link"
)

func (h *handler) askUnsubscribe(w http.ResponseWriter, r *http.Request) {
	v, err := h.visit(r, link.Unsubscribe)
	if err != nil {
		h.lost(w, r, err)
		return
	}
	if v.state() == consent.Unsubscribed {
		h.renderUnsubscribe(w, http.StatusOK, donePage, v, "unsubscribed", outcome{})
		return
	}
	h.renderUnsubscribe(w, http.StatusOK, askPage, v, "unsubscribe", outcome{})
}

// unsubscribe leaves the group of the link at once, without a redirect, any number of times. The request is that of a
// mail program (RFC 8058) or the button of the page; any other is asked what it wants.
func (h *handler) unsubscribe(w http.ResponseWriter, r *http.Request) {
	v, err := h.visit(r, link.Unsubscribe)
	if err != nil {
		h.lost(w, r, err)
		return
	}
	form, err := readForm(w, r)
	how := consent.ByPage
	switch {
	case err == nil && oneClick(form):
		how = consent.ByOneClick
	case err == nil && form.Get(actionField) == unsubscribeAction:
	default:
		h.renderUnsubscribe(w, http.StatusBadRequest, askPage, v, "unsubscribe", outcome{})
		return
	}
	err = h.set(r, v, how, consent.Choice{Group: v.link.GroupID, State: consent.Unsubscribed})
	switch {
	case err == nil:
		h.renderUnsubscribe(w, http.StatusOK, donePage, v, "unsubscribed", outcome{})
	case errors.Is(err, consent.ErrNoGroup):
		h.lost(w, r, err)
	default:
		h.logFailure(r, err)
		w.Header().Set("Retry-After", "1")
		h.renderUnsubscribe(w, http.StatusServiceUnavailable, askPage, v, "failed", outcome{Failed: "failed_means"})
	}
}

// standing returns where the user stands with the group of the link; false if the group is no more in use.
func (v visit) standing() (consent.Standing, bool) {
	for _, s := range v.standings {
		if s.Group.ID == v.link.GroupID {
			return s, true
		}
	}
	return consent.Standing{}, false
}

// state returns what the user said of the group of the link.
func (v visit) state() consent.State {
	s, _ := v.standing()
	return s.State
}

// renderUnsubscribe answers with a page about the group of the link, by name if recipients may know it.
func (h *handler) renderUnsubscribe(w http.ResponseWriter, status int, page string, v visit, title string, o outcome) {
	view := newView(v.texts, v.project)
	view.Title, view.outcome = title, o
	if s, ok := v.standing(); ok && s.Group.Public {
		view.Group = s.Group.Name
	}
	h.render(w, status, page, view)
}
