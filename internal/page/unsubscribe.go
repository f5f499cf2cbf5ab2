package page

import (
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
	page := unsubscribePage
	if s, ok := v.standing(); ok && s.State == consent.Unsubscribed {
		page = unsubscribedPage
	}
	h.renderUnsubscribe(w, http.StatusOK, page, v, outcome{})
}

// unsubscribe leaves the group of the link at once, without a redirect, any number of times. The request is that of a
// mail program (RFC 8058) or the button of the page; any other is asked what it wants.
func (h *handler) unsubscribe(w http.ResponseWriter, r *http.Request) {
	v, err := h.visit(r, link.Unsubscribe)
	if err != nil {
		h.lost(w, r, err)
		return
	}
	how := consent.ByPage
	switch form := readForm(w, r); {
	case oneClick(form):
		how = consent.ByOneClick
	case form.Get(actionField) != unsubscribeAction:
		h.renderUnsubscribe(w, http.StatusBadRequest, unsubscribePage, v, outcome{})
		return
	}
	err = h.set(r, v, how, consent.Choice{Group: v.link.GroupID, State: consent.Unsubscribed})
	switch {
	case err == nil:
		h.renderUnsubscribe(w, http.StatusOK, unsubscribedPage, v, outcome{})
	case nowhere(err):
		h.lost(w, r, err)
	default:
		h.logFailure(r, err)
		w.Header().Set("Retry-After", "1")
		h.renderUnsubscribe(w, http.StatusServiceUnavailable, unsubscribePage, v, outcome{Failed: "failed_means"})
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

// renderUnsubscribe answers with a page about the group of the link, by name if recipients may know it.
func (h *handler) renderUnsubscribe(w http.ResponseWriter, status int, page string, v visit, o outcome) {
	view := newView(v.texts, v.project)
	view.outcome = o
	if s, ok := v.standing(); ok && s.Group.Public {
		view.Group = s.Group.Name
	}
	h.render(w, status, page, view)
}
