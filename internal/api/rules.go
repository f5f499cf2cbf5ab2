package api

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strconv"

	"lunogram-users/internal/consent"
	"lunogram-users/internal/rule"
	"lunogram-users/internal/user"
)

// ruleCheck asks what a text is.
type ruleCheck struct{ projectID, text string }

// decodeRuleCheck reads {rule}, which need not be one.
func decodeRuleCheck(r *http.Request) (ruleCheck, error) {
	b := &badRequest{}
	o, err := decodeBody(r, b)
	if err != nil {
		return ruleCheck{}, err
	}
	o.only("rule")
	if o.fields["rule"] == nil {
		b.body("/rule", "is needed")
	}
	return ruleCheck{projectOf(r.Context()), o.word("rule")}, b.err()
}

// checkRule says what a rule is, or where it stops being one. That is no failure: it is what was asked.
func (s *service) checkRule(ctx context.Context, in ruleCheck) (ruleView, error) {
	parsed, err := rule.Parse(in.text)
	if wrong, ok := errors.AsType[*rule.SyntaxError](err); ok {
		return ruleView{Errors: []ruleFaultView{{
			Line: wrong.Line, Column: wrong.Column, Expected: wrong.Expected, Found: wrong.Found, Detail: wrong.Error(),
		}}}, nil
	}
	if err != nil {
		return ruleView{}, err
	}
	warnings, err := s.warnings(ctx, in.projectID, parsed)
	return ruleView{
		Valid: true, Rule: parsed.String(), Fields: parsed.Fields(), Relative: new(parsed.Relative()), Journey: new(parsed.Journey()),
		Warnings: warnings,
	}, err
}

// warnings returns what its author will not have meant. Groups are read only if the rule names one.
func (s *service) warnings(ctx context.Context, projectID string, r *rule.Rule) ([]warningView, error) {
	var groups []consent.Group
	if len(r.Groups()) > 0 {
		var err error
		if groups, err = s.lists.Groups(ctx, projectID); err != nil {
			return nil, err
		}
	}
	isGroup := func(id string) bool {
		return slices.ContainsFunc(groups, func(g consent.Group) bool { return g.ID == id })
	}
	views := []warningView{}
	for _, w := range r.Warnings(isGroup) {
		views = append(views, warningView{w.Comparison, w.Detail})
	}
	return views, nil
}

// ruleView is what a text is: a rule in its canonical form and what it uses, or what is wrong with it.
type ruleView struct {
	Valid    bool            `json:"valid"`
	Rule     string          `json:"rule,omitempty"`
	Fields   []string        `json:"fields,omitempty"`
	Relative *bool           `json:"relative,omitempty"`
	Journey  *bool           `json:"journey,omitempty"`
	Warnings []warningView   `json:"warnings,omitzero"`
	Errors   []ruleFaultView `json:"errors,omitempty"`
}

type warningView struct {
	Comparison string `json:"comparison"`
	Detail     string `json:"detail"`
}

type ruleFaultView struct {
	Line     int      `json:"line"`
	Column   int      `json:"column"`
	Expected []string `json:"expected"`
	Found    string   `json:"found"`
	Detail   string   `json:"detail"`
}

// maxEvaluated is how many users one request holds against a rule at most.
const maxEvaluated = 100

// evaluateRequest asks whether a rule matches some users.
type evaluateRequest struct {
	projectID string
	rule      *rule.Rule
	names     []user.Name
	journey   map[string]any
	explain   bool
}

func decodeEvaluate(r *http.Request) (evaluateRequest, error) {
	b := &badRequest{}
	o, err := decodeBody(r, b)
	if err != nil {
		return evaluateRequest{}, err
	}
	o.only("rule", "user_ids", "identifiers", "journey", "explain")
	in := evaluateRequest{
		projectID: projectOf(r.Context()), rule: readRule(o), names: readNames(o, maxEvaluated, true),
		journey: o.object("journey"), explain: o.flag("explain", false),
	}
	return in, b.err()
}

// evaluate holds a rule against users, as they are now.
func (s *service) evaluate(ctx context.Context, in evaluateRequest) (evaluationView, error) {
	users, err := s.lists.Named(ctx, in.projectID, in.names)
	if err != nil {
		return evaluationView{}, err
	}
	now := s.now()
	v := evaluationView{Results: make([]matchView, len(users))}
	for i, u := range users {
		v.Results[i] = matchView{namedView: namedView{Name: viewName(in.names[i])}}
		if u == nil {
			continue
		}
		m, subject := &v.Results[i], rule.Subject{User: u, Journey: in.journey}
		m.UserID = &u.ID
		if !in.explain {
			m.Matches = in.rule.Match(subject, now)
			continue
		}
		var decided []rule.Comparison
		m.Matches, decided = in.rule.Explain(subject, now)
		m.DecidedBy = make([]comparisonView, len(decided))
		for n, c := range decided {
			m.DecidedBy[n] = comparisonView{Comparison: c.Text, Outcome: c.Holds}
		}
	}
	return v, nil
}

// evaluationView has one result for each user that was named, in order: user_ids first, then identifiers.
type evaluationView struct {
	Results []matchView `json:"results"`
}

type matchView struct {
	namedView
	Matches   bool             `json:"matches"`
	DecidedBy []comparisonView `json:"decided_by,omitempty"`
}

type comparisonView struct {
	Comparison string `json:"comparison"`
	Outcome    bool   `json:"outcome"`
}

const (
	previewUsers   = 1000 // that are looked at
	previewPages   = 20   // in which they are read: a page of big users has few of them
	previewMatches = 50   // that are shown
	previewDefault = 25
)

// previewRequest asks whom a rule would match.
type previewRequest struct {
	projectID string
	rule      *rule.Rule
	limit     int
}

func decodePreview(r *http.Request) (previewRequest, error) {
	b := &badRequest{}
	o, err := decodeBody(r, b)
	if err != nil {
		return previewRequest{}, err
	}
	o.only("rule", "limit")
	in := previewRequest{projectID: projectOf(r.Context()), rule: readListRule(o), limit: previewDefault}
	if o.fields["limit"] != nil {
		number, _ := o.fields["limit"].(json.Number)
		if in.limit, err = strconv.Atoi(string(number)); err != nil || in.limit < 1 || in.limit > previewMatches {
			b.body("/limit", "must be a whole number from 1 to "+strconv.Itoa(previewMatches))
		}
	}
	return in, b.err()
}

// preview holds a rule against the newest users until enough match, or no more of them fit into an answer.
func (s *service) preview(ctx context.Context, in previewRequest) (previewView, error) {
	v := previewView{Results: []userView{}}
	after, now, left := "", s.now(), room(maxReply-len(`{"results":[],"looked_at":1000,"matched":50}`))
	for range previewPages {
		page, err := s.lists.Users(ctx, in.projectID, after, min(maxLimit, previewUsers-v.LookedAt))
		if err != nil {
			return previewView{}, err
		}
		for _, u := range page.Users {
			if !in.rule.Match(rule.Subject{User: &u}, now) {
				v.LookedAt++
				continue
			}
			view := full(u)
			if !left.takes(view) && v.Matched > 0 {
				return v, nil
			}
			v.Results = append(v.Results, view)
			v.LookedAt++
			if v.Matched++; v.Matched == in.limit {
				return v, nil
			}
		}
		if after = page.Next; after == "" || v.LookedAt == previewUsers {
			break
		}
	}
	return v, nil
}

// previewView is the newest users whom a rule matches, of those who were looked at.
type previewView struct {
	Results  []userView `json:"results"`
	LookedAt int        `json:"looked_at"`
	Matched  int        `json:"matched"`
}
