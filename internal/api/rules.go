package api

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"

	"lunogram-users/internal/rule"
	"lunogram-users/internal/user"
)

// decodeRuleCheck reads {rule}, which need not be one.
func decodeRuleCheck(r *http.Request) (string, error) {
	b := &badRequest{}
	o, err := decodeBody(r, b)
	if err != nil {
		return "", err
	}
	o.only("rule")
	if o.fields["rule"] == nil {
		b.body("/rule", "is needed")
	}
	return o.word("rule"), b.err()
}

// checkRule says what a rule is, or where it stops being one. That is no failure: it is what was asked.
func (s *service) checkRule(_ context.Context, text string) (ruleView, error) {
	parsed, err := rule.Parse(text)
	if wrong, ok := errors.AsType[*rule.SyntaxError](err); ok {
		return ruleView{Errors: []ruleFaultView{{
			Line: wrong.Line, Column: wrong.Column, Expected: wrong.Expected, Found: wrong.Found, Detail: wrong.Error(),
		}}}, nil
	}
	if err != nil {
		return ruleView{}, err
	}
	return ruleView{
		Valid: true, Rule: parsed.String(), Fields: parsed.Fields(), Relative: new(parsed.Relative()), Journey: new(parsed.Journey()),
	}, nil
}

// ruleView is what a text is: a rule in its canonical form and what it uses, or what is wrong with it.
type ruleView struct {
	Valid    bool            `json:"valid"`
	Rule     string          `json:"rule,omitempty"`
	Fields   []string        `json:"fields,omitempty"`
	Relative *bool           `json:"relative,omitempty"`
	Journey  *bool           `json:"journey,omitempty"`
	Errors   []ruleFaultView `json:"errors,omitempty"`
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

// preview holds a rule against the newest users until enough match.
func (s *service) preview(ctx context.Context, in previewRequest) (previewView, error) {
	v := previewView{Results: []userView{}}
	after, now := "", s.now()
	for range previewPages {
		page, err := s.lists.Users(ctx, in.projectID, after, min(maxLimit, previewUsers-v.LookedAt))
		if err != nil {
			return previewView{}, err
		}
		for _, u := range page.Users {
			v.LookedAt++
			if !in.rule.Match(rule.Subject{User: &u}, now) {
				continue
			}
			v.Results = append(v.Results, full(u))
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
