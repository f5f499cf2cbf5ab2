package consent

import (
	"cmp"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"hash"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Event is one line of an append-only ledger: of a user, or of a suppressed address.
type Event struct {
	ID       string // time-ordered, see EventID
	Group    string // group id, AllGroups, or "" for a line that is about no group
	Channel  Channel
	From, To State // equal when nothing changed
	How      How
	Evidence Evidence
	At       time.Time // when it happened

	// Line, Prev and Hash make a chain of the ledger, see Ledger.Append. They are zero in a line that is not
	// written yet, and in those that were written before there was a chain.
	Line int64  // counted from 1
	Prev string // hash of the line before; "" for the first
	Hash string // of this line, Prev included
}

// Evidence is what proves a change.
type Evidence struct {
	MessageID string // of the provider, for an inbound message
	Rule      string // which rule read a refusal in it
	RequestID string // of our own API
	Notice    string // version of the text that the user was shown, as the caller names it
	Address   string // the IP address of who used a link, if the project keeps it
	UserAgent string // the browser, if the project keeps it
	Actor     string // who did it, for a person at the admin API: start of the hash of their key
	Reason    string // as stated by whoever changed a suppression
	Kind      Kind   // of the suppression that changed

	// UserID is the absorbed user, for a merge, and Absorbed how that user's ledger ended, which stays where it is.
	UserID   string
	Absorbed Ledger
}

// Ledger is how far a ledger goes: the number of its lines and the hash of the last one. Whoever appends a line moves it
// in the same transaction, so that a line that is changed, added or missing afterwards does not fit any more. The zero
// value is an empty ledger.
type Ledger struct {
	Lines int64
	Head  string
}

// Append chains the events to the ledger, in order, and returns them and the ledger as it then is. Texts that are no
// UTF-8 are mended first: nothing that stores them would give them back as they were hashed.
func (l Ledger) Append(events ...Event) (Ledger, []Event) {
	chained := slices.Clone(events)
	for i := range chained {
		e := &chained[i]
		e.Evidence = e.Evidence.mended()
		e.Line, e.Prev = l.Lines+1, l.Head
		e.Hash = e.sum()
		l = Ledger{Lines: e.Line, Head: e.Hash}
	}
	return l, chained
}

// mended returns the evidence with valid UTF-8 in every text that comes from outside.
func (v Evidence) mended() Evidence {
	for _, text := range []*string{&v.MessageID, &v.Rule, &v.RequestID, &v.Notice, &v.Address, &v.UserAgent, &v.Reason} {
		*text = strings.ToValidUTF8(*text, "\uFFFD")
	}
	return v
}

// Record chains the events of the changes to the ledger, in place and in order, and returns the ledger as it then is.
func (l Ledger) Record(changes []Change) Ledger {
	for i := range changes {
		var line []Event
		l, line = l.Append(changes[i].Event)
		changes[i].Event = line[0]
	}
	return l
}

// sum returns the hash of the line: base64url of SHA-256 over all fields but Hash, each with its length. A field
// that is added later must be hashed only where it is set, at the end, so that old lines keep their hashes.
func (e Event) sum() string {
	h := sha256.New()
	v := e.Evidence
	for _, field := range []string{
		"1", e.ID, e.Group, string(e.Channel), string(e.From), string(e.To), string(e.How),
		strconv.FormatInt(e.At.UnixMilli(), 10), strconv.FormatInt(e.Line, 10), e.Prev,
		v.MessageID, v.Rule, v.RequestID, v.Notice, v.Address, v.UserAgent, v.Actor, v.Reason, string(v.Kind),
		v.UserID, strconv.FormatInt(v.Absorbed.Lines, 10), v.Absorbed.Head,
	} {
		hashField(h, field)
	}
	return base64.RawURLEncoding.EncodeToString(h.Sum(nil))
}

// hashField hashes a string behind its length, which keeps ("ab", "c") and ("a", "bc") apart.
func hashField(h hash.Hash, field string) {
	var length [8]byte
	binary.BigEndian.PutUint64(length[:], uint64(len(field)))
	h.Write(length[:]) // a hash never returns an error
	h.Write([]byte(field))
}

// Break is a place where a ledger is not as it was written.
type Break struct {
	Line int64  // its number, as far as it is known
	ID   string // of the event, "" when it is missing
	What string // what is wrong, in English
}

// Verify returns the places where the events are not what the ledger says: lines changed, missing or too many. The
// events may come in any order. Lines without a number were written before there was a chain: they are passed over if
// they are no newer than the first line of it.
func (l Ledger) Verify(events []Event) []Break {
	lines := slices.SortedStableFunc(slices.Values(events), func(a, b Event) int { return cmp.Compare(a.Line, b.Line) })
	unchained := func(e Event) bool { return e.Line == 0 && e.Hash == "" }
	var breaks []Break
	if i := slices.IndexFunc(lines, func(e Event) bool { return e.Line == 1 }); i >= 0 {
		for _, e := range lines[:i] {
			if unchained(e) && e.At.After(lines[i].At) {
				breaks = append(breaks, Break{0, e.ID, "is not in the chain"})
			}
		}
	}
	lines = slices.DeleteFunc(lines, unchained)
	at, last := Ledger{}, ""
	for _, e := range lines {
		switch {
		case e.Line <= at.Lines:
			breaks = append(breaks, Break{e.Line, e.ID, "has the number of another line"})
			continue
		case e.Line > at.Lines+1:
			breaks = append(breaks, missing(at.Lines+1, e.Line-1))
		case e.Prev != at.Head:
			breaks = append(breaks, Break{e.Line, e.ID, "does not follow the line before it"})
		}
		if e.Hash != e.sum() {
			breaks = append(breaks, Break{e.Line, e.ID, "was changed"})
		}
		at, last = Ledger{Lines: e.Line, Head: e.Hash}, e.ID
	}
	switch {
	case at.Lines < l.Lines:
		breaks = append(breaks, missing(at.Lines+1, l.Lines))
	case at.Lines > l.Lines:
		breaks = append(breaks, Break{at.Lines, last, "is beyond the end of the ledger"})
	case at.Head != l.Head:
		breaks = append(breaks, Break{at.Lines, last, "is not the line that the ledger ended with"})
	}
	return breaks
}

func missing(from, to int64) Break {
	if from == to {
		return Break{Line: from, What: "is missing"}
	}
	return Break{Line: from, What: "is missing, with all up to line " + strconv.FormatInt(to, 10)}
}

// Page is one page of a ledger, newest first.
type Page struct {
	Events []Entry
	// Next is the position after the last line, "" when there are no more. It must be sealed before it leaves the system.
	Next string
}

// Entry is a line with the user in whose ledger it stands: the user who was asked for, or one that was absorbed.
type Entry struct {
	Event
	UserID string
}

// Proof is what remains of the ledger of an erased user who had refused anything. It names nobody.
type Proof struct {
	Ledger   Ledger    // how the ledger ended
	Refusals []Refusal // what was refused then, in no order
	ErasedAt time.Time
}

// Refusal is a group that a user had left.
type Refusal struct {
	Group string // id, or AllGroups
	How   How
	At    time.Time
}
