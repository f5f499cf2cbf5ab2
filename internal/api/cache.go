package api

import (
	"context"
	"errors"
	"sync"
	"time"

	"lunogram-users/internal/project"
	"lunogram-users/internal/user"
)

const (
	// cacheFor is how long a key or project is believed, and so how long a revoked key still works at most.
	cacheFor = time.Minute
	// missFor is how long an unknown key is refused without asking again: so short that a new key soon works,
	// and long enough that a client in a loop costs no reads.
	missFor = 5 * time.Second
	// cacheSize bounds each cache. A full one is emptied: simpler than a least-recently-used list, and a
	// function that sees so many keys in a minute loses little.
	cacheSize = 10_000
)

// cache remembers values for a while. It is safe for concurrent use.
type cache[V any] struct {
	now     func() time.Time
	ttl     time.Duration
	mu      sync.Mutex
	entries map[string]cached[V]
}

type cached[V any] struct {
	value V
	until time.Time
}

func newCache[V any](ttl time.Duration, now func() time.Time) *cache[V] {
	return &cache[V]{now: now, ttl: ttl, entries: map[string]cached[V]{}}
}

// get returns the value, and whether it is known and fresh.
func (c *cache[V]) get(name string) (V, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e, ok := c.entries[name]
	if !ok || !c.now().Before(e.until) {
		return *new(V), false
	}
	return e.value, true
}

// put remembers the value from now on.
func (c *cache[V]) put(name string, value V) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.entries) >= cacheSize {
		clear(c.entries)
	}
	c.entries[name] = cached[V]{value: value, until: c.now().Add(c.ttl)}
}

// keyCache finds keys by their tokens. Unknown ones have a cache of their own, so that a flood of them does not
// push out the real ones. It is safe for concurrent use.
type keyCache struct {
	keys  Keys
	known *cache[project.Key]
	wrong *cache[struct{}]
}

func newKeyCache(keys Keys, now func() time.Time) *keyCache {
	return &keyCache{keys: keys, known: newCache[project.Key](cacheFor, now), wrong: newCache[struct{}](missFor, now)}
}

// key returns the key of a token, errUnauthorized if there is none, or the error of the store.
func (c *keyCache) key(ctx context.Context, token string) (project.Key, error) {
	hash := project.HashKey(token)
	if key, ok := c.known.get(hash); ok {
		return key, nil
	}
	if _, ok := c.wrong.get(hash); ok {
		return project.Key{}, errUnauthorized
	}
	key, err := c.keys.Key(ctx, hash)
	if errors.Is(err, user.ErrNotFound) {
		c.wrong.put(hash, struct{}{})
		return project.Key{}, errUnauthorized
	}
	if err != nil {
		return project.Key{}, err
	}
	c.known.put(hash, key)
	return key, nil
}

// projectCache finds the projects of authenticated keys. It is safe for concurrent use.
type projectCache struct {
	projects Projects
	known    *cache[project.Project]
}

func newProjectCache(projects Projects, now func() time.Time) *projectCache {
	return &projectCache{projects: projects, known: newCache[project.Project](cacheFor, now)}
}

// project returns the project, errUnauthorized if it is gone, or the error of the store.
func (c *projectCache) project(ctx context.Context, id string) (project.Project, error) {
	if p, ok := c.known.get(id); ok {
		return p, nil
	}
	p, err := c.projects.Project(ctx, id)
	if errors.Is(err, user.ErrNotFound) {
		return project.Project{}, errUnauthorized
	}
	if err != nil {
		return project.Project{}, err
	}
	c.known.put(id, p)
	return p, nil
}
