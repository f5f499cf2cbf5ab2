package consent_test

import (
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"lunogram-users/internal/consent"
)

// chain returns a ledger of n lines and its end.
func chain(n int) (consent.Ledger, []consent.Event) {
	var l consent.Ledger
	var events []consent.Event
	for i := range n {
		// Later lines may be of earlier times.
		at := noon.Add(-time.Duration(i) * time.Hour)
		var line []consent.Event
		l, line = l.Append(consent.Event{ID: consent.EventID(at, "x"), Group: "g", From: consent.NotSet, To: consent.Subscribed, At: at})
		events = append(events, line...)
	}
	return l, events
}

func TestVerify(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		tamper func(events []consent.Event) []consent.Event
		want   []string
	}{
		{"whole", func(e []consent.Event) []consent.Event { return e }, nil},
		{"in another order", func(e []consent.Event) []consent.Event { slices.Reverse(e); return e }, nil},
		{"with lines of before there was a chain", func(e []consent.Event) []consent.Event { return append(e, consent.Event{ID: "old"}) }, nil},
		{"slipped in without a number", func(e []consent.Event) []consent.Event {
			return append(e, consent.Event{ID: "forged", At: noon.Add(time.Hour)})
		}, []string{"is not in the chain"}},
		{"first missing", func(e []consent.Event) []consent.Event { return e[1:] }, []string{"is missing"}},
		{"two missing", func(e []consent.Event) []consent.Event { return slices.Delete(e, 1, 3) }, []string{"is missing, with all up to line 3"}},
		{"last missing", func(e []consent.Event) []consent.Event { return e[:4] }, []string{"is missing"}},
		{"all missing", func([]consent.Event) []consent.Event { return nil }, []string{"is missing, with all up to line 5"}},
		{"changed", func(e []consent.Event) []consent.Event { e[2].To = consent.Unsubscribed; return e }, []string{"was changed"}},
		{"twice", func(e []consent.Event) []consent.Event { return append(e, e[2]) }, []string{"has the number of another line"}},
		{"last replaced by another that fits", func(e []consent.Event) []consent.Event {
			_, other := consent.Ledger{Lines: 4, Head: e[3].Hash}.Append(consent.Event{ID: "forged"})
			return append(e[:4], other...)
		}, []string{"is not the line that the ledger ended with"}},
		{"middle replaced by another that fits", func(e []consent.Event) []consent.Event {
			_, other := consent.Ledger{Lines: 1, Head: e[0].Hash}.Append(consent.Event{ID: "forged"})
			e[1] = other[0]
			return e
		}, []string{"does not follow the line before it"}},
		{"one too many", func(e []consent.Event) []consent.Event {
			_, other := consent.Ledger{Lines: 5, Head: e[4].Hash}.Append(consent.Event{ID: "forged"})
			return append(e, other...)
		}, []string{"is beyond the end of the ledger"}},
	}
	for _, tt := range tests {
		end, events := chain(5)
		var got []string
		for _, b := range end.Verify(tt.tamper(events)) {
			got = append(got, b.What)
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}
}

// TestVerifyOfAnEmptiedLedger: a profile says how a ledger ended that has no lines.
func TestVerifyOfAnEmptiedLedger(t *testing.T) {
	t.Parallel()
	want := []consent.Break{{What: "is not the line that the ledger ended with"}}
	if diff := cmp.Diff(want, consent.Ledger{Head: "x"}.Verify(nil)); diff != "" {
		t.Errorf("a head without lines (-want +got):\n%s", diff)
	}
}

// TestAppendMendsTexts: a line that holds no UTF-8 is stored as such, and must fit its hash then.
func TestAppendMendsTexts(t *testing.T) {
	t.Parallel()
	end, lines := consent.Ledger{}.Append(consent.Event{ID: "a", Evidence: consent.Evidence{UserAgent: "caf\xc3", Notice: "v\xff"}})
	v := lines[0].Evidence
	if broken := end.Verify(lines); len(broken) > 0 || v.UserAgent != "caf\uFFFD" || v.Notice != "v\uFFFD" {
		t.Errorf("evidence %q and %q, broken %v", v.UserAgent, v.Notice, broken)
	}
}

// TestHashCoversEveryField changes each field of a line, whatever fields there are.
func TestHashCoversEveryField(t *testing.T) {
	t.Parallel()
	end, events := chain(1)
	var change func(v reflect.Value, path string)
	change = func(v reflect.Value, path string) {
		switch {
		case v.Type() == reflect.TypeFor[time.Time]():
			v.Set(reflect.ValueOf(noon.Add(time.Millisecond)))
		case v.Kind() == reflect.Struct:
			for i := range v.NumField() {
				before := v.Field(i).Interface()
				change(v.Field(i), path+"."+v.Type().Field(i).Name)
				v.Field(i).Set(reflect.ValueOf(before))
			}
			return
		case v.Kind() == reflect.String:
			v.SetString(v.String() + "x")
		case v.Kind() == reflect.Int64:
			v.SetInt(v.Int() + 1)
		default:
			t.Fatalf("%s is a %s, which this test does not know", path, v.Kind())
		}
		if len(end.Verify(events)) == 0 {
			t.Errorf("a change of %s is not found", path)
		}
	}
	change(reflect.ValueOf(&events[0]).Elem(), "Event")
}

// FuzzVerify removes or changes any of the lines.
func FuzzVerify(f *testing.F) {
	f.Add(uint64(1), uint8(7))
	f.Fuzz(func(t *testing.T, seed uint64, n uint8) {
		lines := int(n)%20 + 1
		end, events := chain(lines)
		random := rand.New(rand.NewPCG(seed, 0))
		random.Shuffle(lines, func(i, j int) { events[i], events[j] = events[j], events[i] })
		if broken := end.Verify(events); len(broken) != 0 {
			t.Fatalf("a whole ledger is broken: %v", broken)
		}
		i := random.IntN(lines)
		if random.IntN(2) == 0 {
			events = slices.Delete(events, i, i+1)
		} else {
			events[i].Evidence.MessageID = "forged"
		}
		if len(end.Verify(events)) == 0 {
			t.Error("what was done to a line is not found")
		}
	})
}
