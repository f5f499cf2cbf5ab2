package dynamo_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"lunogram-users/internal/dynamo/dynamotest"
	"lunogram-users/internal/list"
)

// TestBulk enters and expels members by the hundred, twice, and counts what it takes.
func TestBulk(t *testing.T) {
	var m dynamotest.Meter
	s := dynamotest.New(t, m.Option())
	p := dynamotest.Project(t, s)
	all := ids(crowd(t, s, p, 60, ""))
	at := time.UnixMilli(1_800_000_000_000).UTC()
	for n, test := range []struct {
		do   func() error
		want []string
		cost dynamotest.Usage
	}{
		{func() error { return s.EnterMembers(t.Context(), p.ID, "l", all[:50], at) }, all[:50], dynamotest.Usage{Calls: 2, Write: 100}},
		// DynamoDB charges for an insert in vain, too.
		{func() error { return s.EnterMembers(t.Context(), p.ID, "l", all, at.Add(1)) }, all, dynamotest.Usage{Calls: 3, Write: 20}},
		{func() error { return s.ExpelMembers(t.Context(), p.ID, "l", all[20:]) }, all[:20], dynamotest.Usage{Calls: 2, Write: 80}},
		{func() error { return s.ExpelMembers(t.Context(), p.ID, "l", nil) }, all[:20], dynamotest.Usage{}},
		{func() error { return s.EnterMembers(t.Context(), p.ID, "l", nil, at) }, all[:20], dynamotest.Usage{}},
	} {
		m.Take()
		if err := test.do(); err != nil {
			t.Fatal(err)
		}
		if got := m.Take(); got != test.cost {
			t.Errorf("step %d: got %+v, want %+v", n, got, test.cost)
		}
		if diff := cmp.Diff(test.want, listed(t, s, p, "l")); diff != "" {
			t.Errorf("step %d: members (-want +got):\n%s", n, diff)
		}
	}
	got, err := s.Standing(t.Context(), p.ID, all[0])
	want := []list.Membership{{ListID: "l", At: at}}
	if diff := cmp.Diff(want, got.Lists); diff != "" || err != nil {
		t.Errorf("entered twice: %v (-want +got):\n%s", err, diff)
	}
}

// TestBulkFaults breaks the exchanges of both, then repeats them.
func TestBulkFaults(t *testing.T) {
	var f dynamotest.Faults
	s := dynamotest.New(t, f.Option(1))
	p := dynamotest.Project(t, s)
	all := ids(crowd(t, s, p, 30, ""))
	repeat := func(fault dynamotest.Fault, at int, do func() error, want []string) {
		t.Helper()
		f.Arm(fault, at, 1)
		_ = do()
		f.Arm("", 0, 0)
		if err := do(); err != nil {
			t.Fatal(err)
		}
		if got := listed(t, s, p, "l"); !slices.Equal(got, want) {
			t.Errorf("exchange %d %s: got %d members, want %d", at, fault, len(got), len(want))
		}
	}
	for _, fault := range []dynamotest.Fault{dynamotest.Throttled, dynamotest.Before, dynamotest.After, dynamotest.Conflict, dynamotest.Partly} {
		for at := 1; at <= 2; at++ {
			repeat(fault, at, func() error { return s.EnterMembers(t.Context(), p.ID, "l", all, time.Now()) }, all)
			repeat(fault, at, func() error { return s.ExpelMembers(t.Context(), p.ID, "l", all) }, nil)
		}
	}
}
