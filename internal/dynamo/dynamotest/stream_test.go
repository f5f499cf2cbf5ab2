package dynamotest_test

import (
	"strings"
	"testing"

	"lunogram-users/internal/dynamo/dynamotest"
)

func TestStream(t *testing.T) {
	store, changes := dynamotest.Stream(t)
	if got := changes(); len(got) != 0 {
		t.Errorf("an empty table: got %d changes, want none", len(got))
	}
	for range 2 {
		p := dynamotest.Project(t, store)
		got := changes()
		if len(got) == 0 || got[0].EventName != "INSERT" || !strings.Contains(got[0].Change.Keys["pk"].String(), p.ID) {
			t.Errorf("a new project: got %+v, want its item", got)
		}
		if got := changes(); len(got) != 0 {
			t.Errorf("asked again: got %d changes, want none", len(got))
		}
	}
}
