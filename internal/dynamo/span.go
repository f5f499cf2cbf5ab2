package dynamo

import (
	"cmp"
	"context"
	"slices"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"golang.org/x/sync/errgroup"
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

// newestFirst returns the range of by_project that has all of the partitions, newest first.
func newestFirst(partitions ...string) span {
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
