package page

import (
	"errors"
	"log/slog"
	"net/http"

	"lunogram-users/internal/consent"
	"lunogram-users/internal/link"
	"lunogram-users/internal/project"
	"lunogram-users/internal/user"
)

// visit is a request by a valid link: whose it is, and what the pages show of that user.
type visit struct {
	link      link.Link
	project   project.Project
	texts     texts
	standings []consent.Standing // of all groups, also those that are not public
	unsaved   []consent.Choice   // what the user wants and could not be saved
}

// visit follows the link of a request. It returns link.ErrInvalid or user.ErrNotFound if that leads nowhere.
func (h *handler) visit(r *http.Request, purpose link.Purpose) (visit, error) {
	claim, err := link.Parse(r.PathValue("token"))
	if err != nil {
		return visit{}, err
	}
	p, err := h.store.Project(r.Context(), claim.ProjectID())
	if err != nil {
		return visit{}, err
	}
	l, err := claim.Verify(p, purpose)
	if err != nil {
		return visit{}, err
	}
	u, standings, err := h.store.Standings(r.Context(), p, l.UserID)
	return visit{link: l, project: p, texts: h.table.in(u.Locale, p.Settings.Locale), standings: standings}, err
}

// set makes the choices, by a page or in one click, with what proves them.
func (h *handler) set(r *http.Request, v visit, how consent.How, choices ...consent.Choice) error {
	e := h.evidence(r, v)
	if how == consent.ByPage {
		e.Notice = v.texts.Notice() // who clicks in a mail program has seen none of our texts
	}
	_, err := h.store.SetSubscriptions(r.Context(), v.link.ProjectID, v.link.UserID, consent.Setting{Choices: choices, How: how, Evidence: e})
	return err
}

// evidence returns what the ledger keeps of a request: its id, and who sent it if the project wants to know.
func (h *handler) evidence(r *http.Request, v visit) consent.Evidence {
	e := v.project.Settings.Visitor(r.RemoteAddr, r.UserAgent())
	e.RequestID = h.requestID(r.Context())
	return e
}

// lost answers a request that could not be carried out, and logs why if it is our fault. A link that leads nowhere looks
// the same whether it was forged, is of another project, or its user is gone.
func (h *handler) lost(w http.ResponseWriter, r *http.Request, err error) {
	if nowhere(err) {
		h.broken(w, r)
		return
	}
	h.logFailure(r, err)
	w.Header().Set("Retry-After", "1")
	h.sorry(w, r, http.StatusServiceUnavailable, failedPage)
}

// nowhere reports whether an error says that a link leads nowhere.
func nowhere(err error) bool {
	return errors.Is(err, link.ErrInvalid) || errors.Is(err, user.ErrNotFound) || errors.Is(err, consent.ErrNoGroup)
}

func (h *handler) logFailure(r *http.Request, err error) {
	h.log.ErrorContext(r.Context(), "page failed", slog.Any("error", err), slog.String("request_id", h.requestID(r.Context())))
}

func (h *handler) broken(w http.ResponseWriter, r *http.Request) {
	h.sorry(w, r, http.StatusNotFound, brokenPage)
}

// sorry answers with a page of no project, in the language that the browser asks for.
func (h *handler) sorry(w http.ResponseWriter, r *http.Request, status int, page string) {
	h.render(w, status, page, newView(h.table.accepted(r.Header.Get("Accept-Language")), project.Project{}))
}
