package api_test

import (
	"strings"
	"testing"
)

func TestAccessLog(t *testing.T) {
	s := newServer(t, willing())
	s.do("sk_support", "GET", adminA+"/lookup?email=carol@example.com", "")
	s.do("", "POST", "/carol@example.com", "")
	s.do("pk_client", "POST", client, `{"identifier":[{"external_id":"carol"}],"email":"carol@example.com"}`)
	s.do("pk_client", "CAROL", client, "")
	logs := s.logs.String()
	for _, want := range []string{
		`method=GET route=/api/admin/projects/{projectID}/subjects/users/lookup status=200 bytes=`,
		`project=` + projectA + ` role=support`,
		`method=POST route="" status=404`,
		`method=POST route=/api/client/users status=200`,
		`method=other route=/api/client/users status=405`,
	} {
		if !strings.Contains(logs, want) {
			t.Errorf("the log lacks %q:\n%s", want, logs)
		}
	}
	if strings.Contains(strings.ToLower(logs), "carol") {
		t.Errorf("the log holds personal data:\n%s", logs)
	}
}
