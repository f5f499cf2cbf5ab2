package api

import (
	"cmp"
	"context"
	"log/slog"
	"net/http"

	"lunogram-users/internal/consent"
	"lunogram-users/internal/project"
	"lunogram-users/internal/user"
)

// ledgerRequest asks for a page of a user's ledger.
type ledgerRequest struct {
	pageRequest
	userID string
}

func (s *service) decodeLedger(r *http.Request) (ledgerRequest, error) {
	path, err := decodeUserPath(r)
	if err != nil {
		return ledgerRequest{}, err
	}
	p, err := readQuery(r)
	if err != nil {
		return ledgerRequest{}, err
	}
	page, err := s.decodePage(r, p, pageRequest{subject: path.userID})
	return ledgerRequest{page, path.userID}, err
}

// ledger reads a page of a user's ledger, newest first.
func (s *service) ledger(ctx context.Context, in ledgerRequest) (ledgerView, error) {
	page, err := s.consent.History(ctx, in.projectID, in.userID, in.after, in.limit)
	v := ledgerView{Results: make([]lineView, len(page.Events)), NextCursor: in.seal.seal(page.Next), Limit: in.limit}
	for i, e := range page.Events {
		v.Results[i] = viewLine(e.Event)
		v.Results[i].UserID = e.UserID
	}
	return v, err
}

type ledgerView struct {
	Results    []lineView `json:"results"`
	NextCursor *string    `json:"next_cursor"`
	Limit      int        `json:"limit"`
}

// lineView is a line of a ledger on the wire. Evidence that there is none of is left out.
type lineView struct {
	ID             string          `json:"id"`
	UserID         string          `json:"user_id,omitempty"`
	SubscriptionID string          `json:"subscription_id,omitempty"`
	Channel        consent.Channel `json:"channel,omitempty"`
	From           consent.State   `json:"from"`
	To             consent.State   `json:"to"`
	How            consent.How     `json:"how"`
	At             moment          `json:"at"`
	Evidence       evidenceView    `json:"evidence"`
	Line           int64           `json:"line"`
	Prev           string          `json:"prev"`
	Hash           string          `json:"hash"`
}

type evidenceView struct {
	MessageID      string       `json:"message_id,omitempty"`
	Rule           string       `json:"rule,omitempty"`
	RequestID      string       `json:"request_id,omitempty"`
	NoticeVersion  string       `json:"notice_version,omitempty"`
	Address        string       `json:"address,omitempty"`
	UserAgent      string       `json:"user_agent,omitempty"`
	Actor          string       `json:"actor,omitempty"`
	Kind           consent.Kind `json:"kind,omitempty"`
	Reason         string       `json:"reason,omitempty"`
	AbsorbedUserID string       `json:"absorbed_user_id,omitempty"`
}

func viewLine(e consent.Event) lineView {
	v := e.Evidence
	return lineView{
		ID: e.ID, SubscriptionID: e.Group, Channel: e.Channel, From: e.From, To: e.To, How: e.How, At: moment(e.At),
		Evidence: evidenceView{
			MessageID: v.MessageID, Rule: v.Rule, RequestID: v.RequestID, NoticeVersion: v.Notice, Address: v.Address,
			UserAgent: v.UserAgent, Actor: v.Actor, Kind: v.Kind, Reason: v.Reason, AbsorbedUserID: v.UserID,
		},
		Line: e.Line, Prev: e.Prev, Hash: e.Hash,
	}
}

// decodeReviews reads a request for a page of the texts that wait for a decision.
func (s *service) decodeReviews(r *http.Request) (pageRequest, error) {
	p, err := readQuery(r)
	if err != nil {
		return pageRequest{}, err
	}
	return s.decodePage(r, p, pageRequest{})
}

// reviews reads a page of the texts that wait for a decision, oldest first.
func (s *service) reviews(ctx context.Context, in pageRequest) (reviewsView, error) {
	page, err := s.consent.Reviews(ctx, in.projectID, in.after, in.limit)
	v := reviewsView{Results: make([]reviewView, len(page.Reviews)), NextCursor: in.seal.seal(page.Next), Limit: in.limit}
	for i, t := range page.Reviews {
		v.Results[i] = reviewView{t.ID(), t.MessageID, t.Phone, t.Number, t.Text, moment(t.At)}
	}
	return v, err
}

type reviewsView struct {
	Results    []reviewView `json:"results"`
	NextCursor *string      `json:"next_cursor"`
	Limit      int          `json:"limit"`
}

type reviewView struct {
	ID         string `json:"id"`
	MessageID  string `json:"message_id"`
	Phone      string `json:"phone"`
	Number     string `json:"number"`
	Text       string `json:"text"`
	ReceivedAt moment `json:"received_at"`
}

// decision is what a person decided of a text.
type decision struct {
	projectID, reviewID string
	verdict             consent.Verdict
}

func decodeDecision(r *http.Request) (decision, error) {
	b := &badRequest{}
	o, err := decodeBody(r, b)
	if err != nil {
		return decision{}, err
	}
	id, err := project.ParseID(r.PathValue("reviewID"))
	if err != nil {
		return decision{}, errNoReview
	}
	in := decision{projectID: projectOf(r.Context()), reviewID: id}
	switch o.textOr("verdict", "") {
	case "stop":
		in.verdict = consent.Stop
	case "none":
		in.verdict = consent.None
	default:
		b.body("/verdict", "must be stop or none")
	}
	return in, b.err()
}

// decide carries out what a person decided of a text, and logs who did: of a text that asks for nothing no line stays.
func (s *service) decide(ctx context.Context, in decision) (nothing, error) {
	e := evidence(ctx)
	err := s.consent.DecideReview(ctx, in.projectID, in.reviewID, in.verdict, e)
	switch {
	case err == user.ErrNotFound:
		err = errNoReview
	case err == nil:
		s.log.InfoContext(ctx, "review decided", slog.String("review", in.reviewID), slog.String("verdict", cmp.Or(string(in.verdict), "none")),
			slog.String("project", in.projectID), slog.String("actor", e.Actor), slog.String("request_id", e.RequestID))
	}
	return nothing{}, err
}
