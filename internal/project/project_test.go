package project_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"lunogram-users/internal/project"
)

func TestRoles(t *testing.T) {
	roles := []project.Role{project.Client, project.Support, project.Editor, project.Admin}
	want := map[project.Role]string{
		project.Client: "client", project.Support: "support", project.Editor: "client support editor",
		project.Admin: "client support editor admin",
	}
	for _, r := range roles {
		var may []string
		for _, needed := range roles {
			if r.Includes(needed) {
				may = append(may, string(needed))
			}
		}
		if got := strings.Join(may, " "); got != want[r] || !r.Valid() {
			t.Errorf("%s may act as %q, want %q", r, got, want[r])
		}
	}
	if project.Role("owner").Valid() || project.Role("").Valid() || project.Role("").Includes(project.Client) {
		t.Error("an unknown role is valid")
	}
}

func TestKeys(t *testing.T) {
	for role, prefix := range map[project.Role]string{project.Client: "pk_", project.Support: "sk_", project.Admin: "sk_"} {
		k, token := project.NewKey("", "p", role, "n", time.Now())
		other, _ := project.NewKey("", "p", role, "n", time.Now())
		if !strings.HasPrefix(token, prefix) || len(token) != 35 || k.Hash != project.HashKey(token) ||
			k.LastFour != token[31:] || k.Hash == other.Hash || strings.Contains(k.Hash, token[3:]) {
			t.Errorf("%s: token of %d characters, key %+v", role, len(token), k)
		}
	}
	if k, token := project.NewKey("sk_x", "p", project.Admin, "n", time.Now()); token != "sk_x" || k.LastFour != "sk_x" {
		t.Errorf("a given token became %q, ending %q", token, k.LastFour)
	}
}

func TestSecrets(t *testing.T) {
	a, b := project.New("", "a", time.Now()), project.New("", "b", time.Now())
	if bytes.Equal(a.Secret, b.Secret) || len(a.Secret) != 32 {
		t.Error("two projects share a secret")
	}
	if bytes.Equal(a.Derive("x"), a.Derive("y")) || !bytes.Equal(a.Derive("x"), a.Derive("x")) {
		t.Error("a derived key is not one of its purpose")
	}
	hash := a.AddressHash("sms", "+15550101234")
	for name, other := range map[string]string{
		"another project": b.AddressHash("sms", "+15550101234"), "another channel": a.AddressHash("email", "+15550101234"),
		"another address": a.AddressHash("sms", "+15550101235"),
	} {
		if other == hash {
			t.Errorf("%s has the same hash", name)
		}
	}
	if a.AddressHash("sms", "+15550101234") != hash {
		t.Error("the hash of an address changes")
	}
}

func TestParseID(t *testing.T) {
	if id, err := project.ParseID("0198C0DE-0000-7000-8000-000000000001"); err != nil || id != "0198c0de-0000-7000-8000-000000000001" {
		t.Errorf("got %q, %v", id, err)
	}
	for _, bad := range []string{"", "x", "{0198c0de-0000-7000-8000-000000000001}", "0198c0de000070008000000000000001"} {
		if _, err := project.ParseID(bad); err == nil {
			t.Errorf("%q: want an error", bad)
		}
	}
}
