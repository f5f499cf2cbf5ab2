package user

import (
	"encoding/json"
	"math/big"
)

// Against returns the request less what the user already holds: contact fields, data keys and metadata keys
// that would not change.
func (u Upsert) Against(stored User) Upsert {
	u.Patch = u.Patch.Against(stored)
	ids := make([]Sent, len(u.Identifiers))
	for i, sent := range u.Identifiers {
		known, _ := stored.Identifier(sent.Pair)
		ids[i] = Sent{Pair: sent.Pair, Metadata: changed(sent.Metadata, known.Metadata)}
	}
	u.Identifiers = ids
	return u
}

// Redundant reports whether the request changes nothing of a user who owns all its pairs.
func (u Upsert) Redundant() bool {
	for _, id := range u.Identifiers {
		if len(id.Metadata) > 0 {
			return false
		}
	}
	return u.Patch.Empty()
}

// Against returns the patch less what would not change in the user.
func (p Patch) Against(u User) Patch {
	keep := func(value *string, stored string) *string {
		if value != nil && *value == stored {
			return nil
		}
		return value
	}
	out := Patch{
		Email: keep(p.Email, u.Email), Phone: keep(p.Phone, u.Phone),
		Timezone: keep(p.Timezone, u.Timezone), Locale: keep(p.Locale, u.Locale),
		Data: changed(p.Data, u.Data),
	}
	for k := range changed(p.merged(u), u.Data) {
		out.MergeData = overlay(out.MergeData, map[string]any{k: p.MergeData[k]})
	}
	for _, k := range p.RemoveData {
		if _, ok := u.Data[k]; ok {
			out.RemoveData = append(out.RemoveData, k)
		}
	}
	return out
}

// changed returns the members of sent that stored lacks or holds with another value, nil if there are none.
func changed(sent, stored map[string]any) map[string]any {
	var out map[string]any // most rows change nothing
	for k, v := range sent {
		if old, ok := stored[k]; !ok || !Equal(v, old) {
			if out == nil {
				out = make(map[string]any, len(sent))
			}
			out[k] = v
		}
	}
	return out
}

// Equal reports whether two JSON values are the same; numbers by value, so that 1.50 equals 1.5.
func Equal(a, b any) bool {
	switch a := a.(type) {
	case map[string]any:
		b, ok := b.(map[string]any)
		if !ok || len(a) != len(b) {
			return false
		}
		for k, v := range a {
			if w, ok := b[k]; !ok || !Equal(v, w) {
				return false
			}
		}
		return true
	case []any:
		b, ok := b.([]any)
		if !ok || len(a) != len(b) {
			return false
		}
		for i := range a {
			if !Equal(a[i], b[i]) {
				return false
			}
		}
		return true
	case json.Number:
		b, ok := b.(json.Number)
		return ok && (a == b || equalNumbers(string(a), string(b)))
	default:
		return a == b
	}
}

// equalNumbers compares two numbers that passed checkNumber, whose exponents are therefore small.
func equalNumbers(a, b string) bool {
	x, okX := new(big.Rat).SetString(a)
	y, okY := new(big.Rat).SetString(b)
	return okX && okY && x.Cmp(y) == 0
}
