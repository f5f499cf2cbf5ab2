// Package project is the domain of tenants: projects, their API keys and what each role may do.
package project

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"io"
	"time"

	"github.com/google/uuid"
)

// ErrExists says that a project with that id exists.
var ErrExists = errors.New("the project exists")

// Project is a tenant. No read crosses projects.
type Project struct {
	ID   string // UUID, lower case
	Name string
	// Secret is 32 random bytes from which the project's cursors are sealed and its suppressed
	// addresses hashed. It never leaves the system and never changes: without it the hashes of
	// people who said no could not be found again.
	Secret    []byte
	Settings  Settings
	CreatedAt time.Time
}

// New returns a project with a fresh secret, and a fresh UUIDv7 if id is "". It panics only if the
// system's random source fails.
func New(id, name string, now time.Time) Project {
	if id == "" {
		id = uuid.Must(uuid.NewV7()).String()
	}
	secret := make([]byte, 32)
	_, _ = rand.Read(secret) // crypto/rand.Read never returns an error since Go 1.24
	return Project{ID: id, Name: name, Secret: secret, CreatedAt: now.UTC()}
}

// ParseID returns the canonical form of a project id.
func ParseID(s string) (string, error) {
	id, err := uuid.Parse(s)
	if err != nil || len(s) != 36 {
		return "", errors.New("a project id is a UUID")
	}
	return id.String(), nil
}

// Derive returns a 32-byte key for one purpose (HMAC-SHA-256 of the purpose), so that no two uses of the
// secret share a key.
func (p Project) Derive(purpose string) []byte { return mac(p.Secret, purpose) }

// AddressHash returns the keyed hash under which an address (already in canonical form) is suppressed.
func (p Project) AddressHash(channel, address string) string {
	return base64.RawURLEncoding.EncodeToString(mac(p.Derive("suppression"), channel+"\x00"+address))
}

// UserHash returns the keyed hash by which the proof of an erased user's refusals is found.
func (p Project) UserHash(userID string) string {
	return base64.RawURLEncoding.EncodeToString(mac(p.Derive("proof"), userID))
}

func mac(key []byte, message string) []byte {
	h := hmac.New(sha256.New, key)
	_, _ = io.WriteString(h, message) // a hash never returns an error
	return h.Sum(nil)
}

// Role is what a key may do.
type Role string

// The roles. Admin may do all that an editor may, an editor all that client and support may.
const (
	// Client may upsert and never sees what is stored; its keys (pk_…) are safe in a browser.
	Client  Role = "client"
	Support Role = "support" // reads
	Editor  Role = "editor"  // reads and writes
	Admin   Role = "admin"   // everything
)

// Valid reports whether r is one of the roles.
func (r Role) Valid() bool { return r == Client || r == Support || r == Editor || r == Admin }

// Includes reports whether a key of role r may do what needs the role.
func (r Role) Includes(needed Role) bool {
	switch r {
	case Admin:
		return true
	case Editor:
		return needed != Admin
	default:
		return r == needed
	}
}

// Key is an API key as it is stored: its hash only.
type Key struct {
	Hash      string // see HashKey
	ProjectID string
	Role      Role
	Name      string
	LastFour  string
	CreatedAt time.Time
}

// NewKey returns a key of the project and its token, which is shown once and never stored. A token of
// role Client starts with pk_, any other with sk_. If token is "" a random one of 192 bits is made.
func NewKey(token, projectID string, role Role, name string, now time.Time) (Key, string) {
	if token == "" {
		random := make([]byte, 24)
		_, _ = rand.Read(random)
		token = prefix(role) + base64.RawURLEncoding.EncodeToString(random)
	}
	return Key{
		Hash: HashKey(token), ProjectID: projectID, Role: role, Name: name,
		LastFour: token[max(0, len(token)-4):], CreatedAt: now.UTC(),
	}, token
}

func prefix(role Role) string {
	if role == Client {
		return "pk_"
	}
	return "sk_"
}

// HashKey returns the lower-case hex SHA-256 of a token. Tokens are random, so no salt is needed.
func HashKey(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:])
}
