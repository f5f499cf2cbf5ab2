package page_test

import (
	"context"
	"maps"
	"slices"
	"sync"

	"lunogram-users/internal/consent"
	"lunogram-users/internal/project"
	"lunogram-users/internal/user"
)

// memory is a page.Store of one project and one user.
type memory struct {
	project    project.Project
	user       user.User
	groups     []consent.Group
	suppressed map[string]bool // by group

	mu     sync.Mutex
	states map[string]consent.State
	ledger []line
	reads  error // of Standings, if not nil
	writes error // of SetSubscriptions, if not nil
}

// line is a ledger line as far as tests look.
type line struct {
	Group    string
	To       consent.State
	How      consent.How
	Evidence consent.Evidence
}

func (m *memory) Project(_ context.Context, id string) (project.Project, error) {
	if id != m.project.ID {
		return project.Project{}, user.ErrNotFound
	}
	return m.project, nil
}

func (m *memory) Standings(_ context.Context, p project.Project, userID string) (user.User, []consent.Standing, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.reads != nil {
		return user.User{}, nil, m.reads
	}
	if p.ID != m.project.ID || userID != m.user.ID {
		return user.User{}, nil, user.ErrNotFound
	}
	standings := make([]consent.Standing, len(m.groups))
	for i, g := range m.groups {
		s := consent.Standing{Group: g, State: consent.NotSet, Effective: consent.Subscribed, Source: consent.FromProjectDefault}
		if state, ok := m.states[g.ID]; ok {
			s.State, s.Effective, s.Source = state, state, consent.FromUser
		}
		if m.suppressed[g.ID] {
			s.Suppressed, s.Effective, s.Source = true, consent.Unsubscribed, consent.FromSuppression
		}
		standings[i] = s
	}
	return m.user, standings, nil
}

func (m *memory) SetSubscriptions(_ context.Context, _, _ string, s consent.Setting) (user.User, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.writes != nil {
		return user.User{}, m.writes
	}
	states := maps.Clone(m.states)
	for _, c := range s.Choices {
		known := false
		for _, g := range m.groups {
			if c.Group == g.ID || c.Group == consent.AllGroups {
				states[g.ID], known = c.State, true
			}
		}
		if !known {
			return user.User{}, consent.ErrNoGroup
		}
		m.ledger = append(m.ledger, line{c.Group, c.State, s.How, s.Evidence})
	}
	m.states = states
	return m.user, nil
}

// take returns the states and the ledger, and forgets the ledger.
func (m *memory) take() (map[string]consent.State, []line) {
	m.mu.Lock()
	defer m.mu.Unlock()
	ledger := slices.Clone(m.ledger)
	m.ledger = nil
	return maps.Clone(m.states), ledger
}
