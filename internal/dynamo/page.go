package dynamo

import (
	"context"
	"errors"
	"slices"
	"strings"

	"lunogram-users/internal/user"
)

// Users returns the users of a project, newest first: those before the user id after, or the newest when it is "".
// At most limit of them; fewer only at the end, and where profiles are large: a page ends at 2 MB of them too.
func (s *Store) Users(ctx context.Context, project, after string, limit int) (user.Page, error) {
	return s.page(ctx, project, newestFirst(sharded(project, listShard)...), after, limit)
}

// UsersByEmail returns the users whose e-mail is the given one in any case, oldest first.
func (s *Store) UsersByEmail(ctx context.Context, project, email, after string, limit int) (user.Page, error) {
	folded := user.FoldEmail(email)
	return s.page(ctx, project, span{
		index: indexEmail, hash: "email_pk", sort: "email_key",
		partitions: []string{emailPK(project, folded)},
		lower:      emailKey(folded, ""), upper: emailKey(folded, highest),
	}, after, limit)
}

// UsersByPhone returns the users with the number, oldest first.
func (s *Store) UsersByPhone(ctx context.Context, project, phone, after string, limit int) (user.Page, error) {
	return s.page(ctx, project, span{
		index: indexPhone, hash: "phone_pk", sort: "id",
		partitions: []string{phonePK(project, phone)}, upper: highest,
	}, after, limit)
}

// Search returns the users with the phone number, if the term is one, or else those whose e-mail starts with it, by
// e-mail. Before them, and on top of the limit, the first page has the owners of the external id that is
// exactly the term, of source default or written source:id: at most two.
func (s *Store) Search(ctx context.Context, project, term, after string, limit int) (user.Page, error) {
	exact, err := s.exact(ctx, project, term)
	if err != nil {
		return user.Page{}, err
	}
	page, err := s.matches(ctx, project, term, after, limit)
	if err != nil {
		return user.Page{}, err
	}
	page.Users = slices.DeleteFunc(page.Users, func(u user.User) bool { return contains(exact, u.ID) })
	if after == "" {
		page.Users = append(exact, page.Users...)
	}
	return page, nil
}

// matches returns the users that a search term finds through an index.
func (s *Store) matches(ctx context.Context, project, term, after string, limit int) (user.Page, error) {
	if phone, err := user.ParsePhone(term); err == nil {
		return s.UsersByPhone(ctx, project, phone, after, limit)
	}
	prefix := user.FoldEmail(term)
	if prefix == "" || len(prefix) > maxPrefix {
		return user.Page{}, nil
	}
	r := span{
		index: indexEmail, hash: "email_pk", sort: "email_key",
		partitions: sharded(project, emailShard), lower: prefix, upper: prefix + highest,
	}
	return s.page(ctx, project, r, after, limit)
}

// maxPrefix is more bytes than any stored address has; a key has at most 1,024.
const maxPrefix = 512

// exact returns the owners of the pairs that a search term names.
func (s *Store) exact(ctx context.Context, project, term string) ([]user.User, error) {
	var found []user.User
	for _, pair := range named(term) {
		u, err := s.UserByPair(ctx, project, pair)
		switch {
		case errors.Is(err, user.ErrNotFound):
		case err != nil:
			return nil, err
		case !contains(found, u.ID):
			found = append(found, u)
		}
	}
	return found, nil
}

func contains(users []user.User, id string) bool {
	return slices.ContainsFunc(users, func(u user.User) bool { return u.ID == id })
}

// named returns the pairs that a search term may name.
func named(term string) []user.Pair {
	var pairs []user.Pair
	if p, err := user.ParsePair("", term); err == nil {
		pairs = append(pairs, p)
	}
	if source, id, ok := strings.Cut(term, ":"); ok && source != "" {
		if p, err := user.ParsePair(source, id); err == nil {
			pairs = append(pairs, p)
		}
	}
	return pairs
}

const (
	// pageChunk is how many profiles of a page are read at a time: profiles of up to 400 KB must arrive within
	// one attempt.
	pageChunk = 16
	// pageBytes is how much a page holds at most, as stored: an answer of Lambda has at most 6 MB, and JSON in
	// JSON can take twice what it says.
	pageBytes = 2 << 20
)

// page reads the entries after a position until limit live users or pageBytes are found, or there are no more. An entry
// may be older than the profile; one that no longer belongs to the range is passed over.
func (s *Store) page(ctx context.Context, project string, r span, after string, limit int) (user.Page, error) {
	page := user.Page{Users: make([]user.User, 0, limit)}
	size := 0
	for {
		entries, err := s.entries(ctx, r, after, limit+1)
		if err != nil {
			return user.Page{}, err
		}
		for chunk := range slices.Chunk(entries, pageChunk) {
			profiles, err := s.profilesOf(ctx, project, r, chunk)
			if err != nil {
				return user.Page{}, err
			}
			for i, p := range profiles {
				full := len(page.Users) == limit || size > 0 && size+p.size > pageBytes
				if full && p.live() {
					page.Next = after
					return page, nil
				}
				after = chunk[i].sort
				if p.live() {
					size += p.size
					page.Users = append(page.Users, p.user(project))
				}
			}
		}
		if len(entries) <= limit {
			return page, nil
		}
	}
}

// profilesOf returns the profile of each entry, the zero profile for one that is gone or has left the range.
func (s *Store) profilesOf(ctx context.Context, project string, r span, entries []entry) ([]profileItem, error) {
	ids := make([]string, len(entries))
	for i, e := range entries {
		ids[i] = e.PK[strings.LastIndexByte(e.PK, '#')+1:]
	}
	distinct := slices.Compact(slices.Sorted(slices.Values(ids)))
	found, err := s.profiles(ctx, project, distinct)
	if err != nil {
		return nil, err
	}
	profiles := make([]profileItem, len(entries))
	for i, e := range entries {
		if p := found[ids[i]]; p.live() && p.has(r.index, e) {
			profiles[i] = p
		}
	}
	return profiles, nil
}

// has reports whether the entry of an index, which may be old, still belongs to the user of the profile. That of a
// membership is not the profile's own, and taken as it is.
func (p profileItem) has(index string, e entry) bool {
	hash, sort := p.indexed(index)
	return e.SK != skProfile || hash == e.hash && sort == e.sort
}

// indexed returns the profile's key in an index, empty when it is not in it.
func (p profileItem) indexed(index string) (hash, sort string) {
	switch index {
	case indexEmail:
		return p.EmailPK, p.EmailKey
	case indexPhone:
		return p.PhonePK, p.ID
	default:
		return p.ListPK, p.ID
	}
}
