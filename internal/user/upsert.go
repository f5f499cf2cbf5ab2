package user

import (
	"fmt"
	"maps"
	"strconv"
)

// Upsert asks to create or update the user who owns any of the pairs.
type Upsert struct {
	ProjectID   string
	Identifiers []Sent
	Patch       Patch
	IfMatch     *int64 // the version the user must have; nil for any
}

// Sent is an identifier as a request gives it. Metadata is merged shallowly into what is stored.
type Sent struct {
	Pair
	Metadata map[string]any
}

// Patch is a change to a profile. In the contact fields nil keeps what is stored and "" clears it.
type Patch struct {
	Email, Phone, Timezone, Locale *string
	// Data is merged shallowly: each key replaces the stored value of that key, nil is stored as null.
	Data map[string]any
	// MergeData holds objects that are merged into the stored ones key by key, at every depth; what is stored there and is
	// no object is replaced. It is how an import sets address.city and keeps address.state.
	MergeData map[string]any
	// RemoveData names keys of data to remove. A key is in one of the three.
	RemoveData []string
}

// Pairs returns the sent pairs in order.
func (u Upsert) Pairs() []Pair {
	pairs := make([]Pair, len(u.Identifiers))
	for i, id := range u.Identifiers {
		pairs[i] = id.Pair
	}
	return pairs
}

// Normalize checks the request and puts it into canonical form: sources filled in, repeated pairs folded
// into one, locale and timezone canonical. It modifies u. Every fault is reported in one *InvalidError,
// with pointers into the wire form of an upsert (/identifier/0/external_id, /email, /data/plan).
func (u *Upsert) Normalize() error {
	var f faults
	u.normalizeIdentifiers(&f)
	u.Patch.normalize(&f)
	return f.err()
}

func (u *Upsert) normalizeIdentifiers(f *faults) {
	if len(u.Identifiers) == 0 {
		f.add("/identifier", "at least one identifier is needed")
		return
	}
	at := make(map[Pair]int, len(u.Identifiers))
	kept := u.Identifiers[:0:0]
	anonymous := 0
	for i, sent := range u.Identifiers {
		pointer := "/identifier/" + strconv.Itoa(i)
		sent.Pair = sent.Pair.normalize(pointer, f)
		checkData(sent.Metadata, pointer+"/metadata", metadataDepth, f)
		if j, ok := at[sent.Pair]; ok {
			kept[j].Metadata = overlay(kept[j].Metadata, sent.Metadata)
			continue
		}
		at[sent.Pair] = len(kept)
		kept = append(kept, sent)
		if sent.Anonymous() {
			anonymous++
		}
	}
	if len(kept) > MaxIdentifiers {
		f.add("/identifier", fmt.Sprintf("a user has at most %d identifiers", MaxIdentifiers))
	}
	if anonymous > MaxAnonymous {
		f.add("/identifier", fmt.Sprintf("a user has at most %d anonymous identifiers", MaxAnonymous))
	}
	u.Identifiers = kept
}

// Normalize checks the patch and puts it into canonical form, as Upsert.Normalize does. It modifies p.
func (p *Patch) Normalize() error {
	var f faults
	p.normalize(&f)
	return f.err()
}

func (p *Patch) normalize(f *faults) {
	normalizeField(p.Email, "/email", ParseEmail, f)
	normalizeField(p.Phone, "/phone", ParsePhone, f)
	normalizeField(p.Timezone, "/timezone", ParseTimezone, f)
	normalizeField(p.Locale, "/locale", ParseLocale, f)
	checkData(p.Data, "/data", 0, f)
	checkData(p.MergeData, "/data", 0, f)
}

func normalizeField(value *string, pointer string, parse func(string) (string, error), f *faults) {
	if value == nil || *value == "" {
		return
	}
	parsed, err := parse(*value)
	if err != nil {
		f.add(pointer, err.Error())
		return
	}
	*value = parsed
}

// Empty reports whether the patch changes nothing.
func (p Patch) Empty() bool {
	return p.Email == nil && p.Phone == nil && p.Timezone == nil && p.Locale == nil &&
		len(p.Data) == 0 && len(p.MergeData) == 0 && len(p.RemoveData) == 0
}

// Apply returns the user as the patch leaves it, its version and times untouched.
func (p Patch) Apply(u User) User {
	set := func(field *string, value *string) {
		if value != nil {
			*field = *value
		}
	}
	set(&u.Email, p.Email)
	set(&u.Phone, p.Phone)
	set(&u.Timezone, p.Timezone)
	set(&u.Locale, p.Locale)
	u.Data = overlay(u.Data, p.Data)
	u.Data = overlay(u.Data, p.merged(u))
	for _, k := range p.RemoveData {
		delete(u.Data, k)
	}
	return u
}

// merged returns the values that MergeData makes of the user's.
func (p Patch) merged(u User) map[string]any {
	if len(p.MergeData) == 0 {
		return nil
	}
	out := make(map[string]any, len(p.MergeData))
	for k, v := range p.MergeData {
		out[k] = merge(u.Data[k], v)
	}
	return out
}

// merge returns base with the members of top set in it, objects in both being merged likewise; top if either is no object.
func merge(base, top any) any {
	below, okBelow := base.(map[string]any)
	above, okAbove := top.(map[string]any)
	if !okBelow || !okAbove {
		return top
	}
	out := overlay(below, nil)
	for k, v := range above {
		out[k] = merge(out[k], v)
	}
	return out
}

// overlay returns a new map of base with the keys of top replacing its own; nil when both are nil.
func overlay(base, top map[string]any) map[string]any {
	if base == nil && top == nil {
		return nil
	}
	out := make(map[string]any, len(base)+len(top))
	maps.Copy(out, base)
	maps.Copy(out, top)
	return out
}
