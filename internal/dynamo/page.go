package dynamo

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"golang.org/x/sync/errgroup"

	"lunogram-users/internal/user"
)

// span is a range of one index: every partition is read in the same order, and the results merged.
type span struct {
	index      string
	hash, sort string // attribute names
	partitions []string
	lower      string // inclusive
	upper      string // inclusive
	backwards  bool
}

// highest sorts after every string that is stored: U+10FFFF is no character.
const highest = "\U0010FFFF"

// entry is one index entry, of the keys that are projected.
type entry struct {
	key
	hash, sort string
}

// Users returns the users of a project, newest first: those before the user id after, or the newest when it is "".
// At most limit of them; fewer only at the end.
func (s *Store) Users(ctx context.Context, project, after string, limit int) (user.Page, error) {
	return s.page(ctx, project, newestFirst(sharded(project, listShard)), after, limit)
}

// newestFirst returns the range of by_project that has all of the partitions, newest first.
func newestFirst(partitions []string) span {
	r := oldestFirst(partitions...)
	r.backwards = true
	return r
}

// oldestFirst returns the range of by_project that has all of the partitions, in the order of their ids.
func oldestFirst(partitions ...string) span {
	return span{index: indexProject, hash: "list_pk", sort: "id", partitions: partitions, upper: highest}
}

// sharded returns the partitions of all shards of a project.
func sharded(project string, shard func(project string, n int) string) []string {
	partitions := make([]string, shards)
	for n := range partitions {
		partitions[n] = shard(project, n)
	}
	return partitions
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

// entries returns the first n entries of the range after a sort key, merged over all its partitions. Entries are spread
// evenly: each partition is asked for somewhat more than its share, and again only if it may have more of the first n.
func (s *Store) entries(ctx context.Context, r span, after string, n int) ([]entry, error) {
	share := min(n, n/len(r.partitions)*3/2+8)
	parts := make([]*part, len(r.partitions))
	for i, pk := range r.partitions {
		parts[i] = &part{pk: pk, after: after}
	}
	var merged []entry
	for open := parts; len(open) > 0; {
		if err := s.readOn(ctx, r, open, share); err != nil {
			return nil, err
		}
		merged = r.merge(parts, n)
		open = slices.DeleteFunc(slices.Clone(parts), func(p *part) bool {
			return p.ended || len(merged) == n && r.compare(p.after, merged[n-1].sort) >= 0
		})
	}
	return merged, nil
}

// part is what was read of one partition of a range.
type part struct {
	pk    string
	after string // the sort key after which it goes on
	found []entry
	ended bool
}

// readOn reads n more entries of each of the parts.
func (s *Store) readOn(ctx context.Context, r span, parts []*part, n int) error {
	g, ctx := errgroup.WithContext(ctx)
	for _, p := range parts {
		g.Go(func() error {
			found, err := s.partition(ctx, r, p.pk, p.after, n)
			p.found, p.ended = append(p.found, found...), len(found) < n
			if len(found) > 0 {
				p.after = found[len(found)-1].sort
			}
			return err
		})
	}
	return g.Wait()
}

// merge returns the first n entries of all parts in the order of the range.
func (r span) merge(parts []*part, n int) []entry {
	var all []entry
	for _, p := range parts {
		all = append(all, p.found...)
	}
	slices.SortFunc(all, func(a, b entry) int { return r.compare(a.sort, b.sort) })
	return all[:min(n, len(all))]
}

// compare compares sort keys in the order of the range.
func (r span) compare(a, b string) int {
	if r.backwards {
		a, b = b, a
	}
	return cmp.Compare(a, b)
}

// partition returns up to n entries of one partition of the range, after a sort key.
func (s *Store) partition(ctx context.Context, r span, pk, after string, n int) ([]entry, error) {
	lower, upper := r.lower, r.upper
	if lower == "" {
		lower = " " // a key value is never empty, and none starts below a space
	}
	if after != "" && r.backwards {
		upper = after
	} else if after != "" {
		lower = after
	}
	in := &dynamodb.QueryInput{
		TableName: &s.table, IndexName: &r.index,
		KeyConditionExpression:    new("#hash = :pk AND #sort BETWEEN :lower AND :upper"),
		ExpressionAttributeNames:  map[string]string{"#hash": r.hash, "#sort": r.sort},
		ExpressionAttributeValues: item{":pk": str(pk), ":lower": str(lower), ":upper": str(upper)},
		ScanIndexForward:          new(!r.backwards),
		Limit:                     new(int32(n + 1)), // one more, as the first may be after itself
	}
	var found []entry
	pages := s.pages(in)
	for pages.HasMorePages() && len(found) < n {
		out, err := pages.NextPage(ctx)
		if err != nil {
			return nil, translate(err, "query "+r.index)
		}
		for _, av := range out.Items {
			k, err := decode[map[string]string](av)
			if err != nil {
				return nil, err
			}
			if k[r.sort] != after {
				found = append(found, entry{key{k["pk"], k["sk"]}, pk, k[r.sort]})
			}
		}
	}
	return found[:min(n, len(found))], nil
}
