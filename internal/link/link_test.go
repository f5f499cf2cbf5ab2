package link_test

import (
	"encoding/base64"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"lunogram-users/internal/link"
	"lunogram-users/internal/project"
)

const (
	userID  = "01a20aad-1111-7000-8000-000000000001"
	groupID = "01a20aad-2222-7000-8000-000000000002"
)

func newProject() project.Project { return project.New("", "Acme", time.Unix(0, 0)) }

func preferences(p project.Project) link.Link {
	return link.Link{Purpose: link.Preferences, ProjectID: p.ID, UserID: userID}
}

func unsubscribe(p project.Project) link.Link {
	return link.Link{Purpose: link.Unsubscribe, ProjectID: p.ID, UserID: userID, GroupID: groupID}
}

func sign(t testing.TB, p project.Project, l link.Link) string {
	t.Helper()
	token, err := link.Sign(p, l)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// verify does what a handler does with a token.
func verify(token string, p project.Project, purpose link.Purpose) (link.Link, error) {
	claim, err := link.Parse(token)
	if err != nil {
		return link.Link{}, err
	}
	return claim.Verify(p, purpose)
}

func TestSignAndVerify(t *testing.T) {
	t.Parallel()
	p := newProject()
	tests := []struct {
		name string
		link link.Link
		size int // characters of the token
	}{
		{"preferences", preferences(p), 67},
		{"unsubscribe", unsubscribe(p), 88},
	}
	for _, test := range tests {
		token := sign(t, p, test.link)
		if len(token) != test.size || strings.Trim(token, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") != "" {
			t.Errorf("%s: the token is %q, want %d characters of base64url", test.name, token, test.size)
		}
		claim, err := link.Parse(token)
		if err != nil {
			t.Fatalf("%s: Parse: %v", test.name, err)
		}
		if got := claim.ProjectID(); got != p.ID {
			t.Errorf("%s: the claim is of project %s, want %s", test.name, got, p.ID)
		}
		got, err := claim.Verify(p, test.link.Purpose)
		if err != nil {
			t.Errorf("%s: Verify: %v", test.name, err)
		}
		if diff := cmp.Diff(test.link, got); diff != "" {
			t.Errorf("%s: the link changed (-want +got):\n%s", test.name, diff)
		}
		if again := sign(t, p, test.link); again != token {
			t.Errorf("%s: signed again the token is %q, want %q", test.name, again, token)
		}
	}
}

func TestSignRefuses(t *testing.T) {
	t.Parallel()
	p := newProject()
	tests := []struct {
		name   string
		change func(*link.Link)
	}{
		{"another project", func(l *link.Link) { l.ProjectID = uuid.NewString() }},
		{"no user", func(l *link.Link) { l.UserID = "" }},
		{"a user that is no UUID", func(l *link.Link) { l.UserID = "alice" }},
		{"no group", func(l *link.Link) { l.GroupID = "" }},
		{"a group that is no UUID", func(l *link.Link) { l.GroupID = "news" }},
		{"a group too many", func(l *link.Link) { l.Purpose = link.Preferences }},
		{"no purpose", func(l *link.Link) { l.Purpose = 0 }},
		{"an unknown purpose", func(l *link.Link) { l.Purpose = 3 }},
	}
	for _, test := range tests {
		l := unsubscribe(p)
		test.change(&l)
		if token, err := link.Sign(p, l); err == nil {
			t.Errorf("%s: signed as %q, want an error", test.name, token)
		}
	}
}

// TestEveryChangeIsRefused puts every other byte in place of each byte of the decoded token, and every other
// character of the alphabet in place of each character of its text.
func TestEveryChangeIsRefused(t *testing.T) {
	t.Parallel()
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_=+/ \n%"
	p := newProject()
	p.Settings.LinkKey = 255 // so that a changed key id is refused for its signature
	for _, l := range []link.Link{preferences(p), unsubscribe(p)} {
		token := sign(t, p, l)
		refuse := func(changed string) {
			t.Helper()
			for _, purpose := range []link.Purpose{link.Preferences, link.Unsubscribe} {
				if got, err := verify(changed, p, purpose); !errors.Is(err, link.ErrInvalid) {
					t.Fatalf("%q, changed from %q, is %+v (%v), want ErrInvalid", changed, token, got, err)
				}
			}
		}
		raw, err := base64.RawURLEncoding.DecodeString(token)
		if err != nil {
			t.Fatal(err)
		}
		for i := range raw {
			for flip := 1; flip < 256; flip++ {
				changed := []byte(string(raw))
				changed[i] ^= byte(flip)
				refuse(base64.RawURLEncoding.EncodeToString(changed))
			}
		}
		for i := range token {
			for _, c := range []byte(alphabet) {
				if c != token[i] {
					refuse(token[:i] + string(c) + token[i+1:])
				}
			}
			refuse(token[:i])                    // cut short
			refuse(token[:i] + token[i+1:])      // one left out
			refuse(token[:i] + "\n" + token[i:]) // one more
		}
		refuse(token + "A")
		refuse(token + "=")
		refuse(strings.Repeat(token, 40))
	}
}

func TestForeignTokensAreRefused(t *testing.T) {
	t.Parallel()
	p, other := newProject(), newProject()
	impostor := other // knows the id of p and has a secret of its own
	impostor.ID = p.ID
	mix := func(head, tail string, at int) string { // the ids of one token with the signature of another
		a, _ := base64.RawURLEncoding.DecodeString(head)
		b, _ := base64.RawURLEncoding.DecodeString(tail)
		return base64.RawURLEncoding.EncodeToString(append(a[:len(a)-at], b[len(b)-at:]...))
	}
	otherUser, otherGroup := unsubscribe(p), unsubscribe(p)
	otherUser.UserID, otherGroup.GroupID = uuid.NewString(), uuid.NewString()
	otherUserPreferences := preferences(p)
	otherUserPreferences.UserID = otherUser.UserID
	tests := []struct {
		name    string
		token   string
		project project.Project
		purpose link.Purpose
	}{
		{"preferences to unsubscribe", sign(t, p, preferences(p)), p, link.Unsubscribe},
		{"unsubscribe for preferences", sign(t, p, unsubscribe(p)), p, link.Preferences},
		{"another project's", sign(t, other, preferences(other)), p, link.Preferences},
		{"for another project", sign(t, p, preferences(p)), other, link.Preferences},
		{"signed with another secret", sign(t, impostor, preferences(p)), p, link.Preferences},
		{"another user's signature", mix(sign(t, p, preferences(p)), sign(t, p, otherUserPreferences), 16), p, link.Preferences},
		{"another group's signature", mix(sign(t, p, unsubscribe(p)), sign(t, p, otherGroup), 16), p, link.Unsubscribe},
		{"another user's group and signature", mix(sign(t, p, unsubscribe(p)), sign(t, p, otherUser), 32), p, link.Unsubscribe},
		{"nothing", "", p, link.Preferences},
		{"an API key", "sk_0123456789abcdef0123456789abcdef", p, link.Preferences},
	}
	for _, test := range tests {
		if got, err := verify(test.token, test.project, test.purpose); !errors.Is(err, link.ErrInvalid) {
			t.Errorf("%s: got %+v, %v, want ErrInvalid", test.name, got, err)
		}
	}
}

func TestRotation(t *testing.T) {
	t.Parallel()
	p := newProject()
	var tokens []string // by key id
	for key := range uint8(3) {
		p.Settings.LinkKey = key
		tokens = append(tokens, sign(t, p, unsubscribe(p)))
	}
	tests := []struct {
		name           string
		newest, oldest uint8
		valid          []bool // by key id
	}{
		{"not rotated", 0, 0, []bool{true, false, false}},
		{"rotated once", 1, 0, []bool{true, true, false}},
		{"rotated twice", 2, 0, []bool{true, true, true}},
		{"the first retired", 2, 1, []bool{false, true, true}},
		{"all but the newest retired", 2, 2, []bool{false, false, true}},
	}
	for _, test := range tests {
		p.Settings.LinkKey, p.Settings.OldestLinkKey = test.newest, test.oldest
		for key, token := range tokens {
			_, err := verify(token, p, link.Unsubscribe)
			if got := err == nil; got != test.valid[key] {
				t.Errorf("%s: the token of key %d is valid: %t, want %t", test.name, key, got, test.valid[key])
			}
		}
	}
	if tokens[0] == tokens[1] || tokens[0][4:] == tokens[1][4:] {
		t.Error("two keys give the same signature")
	}
}

func TestMailHeaders(t *testing.T) {
	t.Parallel()
	got := link.MailHeaders("https://users.example.com" + link.Path(link.Unsubscribe, "EaBc"))
	want := map[string]string{
		"List-Unsubscribe":      "<https://users.example.com/unsubscribe/EaBc>",
		"List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("MailHeaders (-want +got):\n%s", diff)
	}
	if got := link.Path(link.Preferences, "EaBc"); got != "/preferences/EaBc" {
		t.Errorf("Path is %s, want /preferences/EaBc", got)
	}
}

// FuzzParse feeds any text to the parser: it never panics, and what has a valid signature was signed here.
func FuzzParse(f *testing.F) {
	p := project.Project{ID: "0198c0de-0000-7000-8000-000000000001", Secret: []byte("0123456789abcdef0123456789abcdef")}
	genuine := map[string]bool{}
	for _, l := range []link.Link{preferences(p), unsubscribe(p)} {
		token := sign(f, p, l)
		genuine[token] = true
		f.Add(token)
		f.Add(token[1:])
		f.Add(token + "A")
	}
	f.Add("")
	f.Add("EQA")
	f.Fuzz(func(t *testing.T, text string) {
		claim, err := link.Parse(text)
		if err != nil {
			if !errors.Is(err, link.ErrInvalid) {
				t.Errorf("Parse: %v, want ErrInvalid", err)
			}
			return
		}
		if _, err := uuid.Parse(claim.ProjectID()); err != nil {
			t.Errorf("the project of %q is %q", text, claim.ProjectID())
		}
		for _, purpose := range []link.Purpose{link.Preferences, link.Unsubscribe} {
			l, err := claim.Verify(p, purpose)
			if err != nil {
				continue
			}
			if !genuine[text] {
				t.Errorf("%q passes for a link that was never signed", text)
			}
			if again := sign(t, p, l); again != text {
				t.Errorf("%q is signed again as %q", text, again)
			}
		}
	})
}
