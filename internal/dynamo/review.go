package dynamo

import (
	"context"
	"errors"

	"lunogram-users/internal/consent"
)

// reviewItem is a text that a person must decide. It is deleted once somebody has, or when its message is forgotten: long
// after the ten business days that there are for it, and a text does not outlive its erased author for longer.
type reviewItem struct {
	key
	MessageID string `dynamodbav:"message"`
	Phone     string `dynamodbav:"phone"`
	Number    string `dynamodbav:"number"`
	Text      string `dynamodbav:"text"`
	At        millis `dynamodbav:"at"`
	ExpiresAt int64  `dynamodbav:"expires_at"` // Unix seconds
}

func (i reviewItem) review() consent.Review {
	return consent.Review{MessageID: i.MessageID, Phone: i.Phone, Number: i.Number, Text: i.Text, At: i.At.time()}
}

// AddReview puts a text on the list of those that a person must decide. One that was there already, decided or not, stays
// as it is: its message is remembered for 30 days. It returns user.ErrNotFound when there is no such project.
func (s *Store) AddReview(ctx context.Context, projectID string, r consent.Review) error {
	if _, err := s.Project(ctx, projectID); err != nil {
		return err
	}
	t := s.begin()
	seen := s.seen(projectID, r.MessageID, r.At)
	t.put(seen)
	t.put(reviewItem{
		key: reviewKey(projectID, r.ID()), MessageID: r.MessageID, Phone: r.Phone, Number: r.Number, Text: r.Text,
		At: toMillis(r.At), ExpiresAt: seen.ExpiresAt,
	})
	_, err := untilWon(ctx, func() (struct{}, error) {
		err := s.commit(ctx, t, "", "add review")
		if why, ok := errors.AsType[*refused](err); ok && (why.failed[0] || why.failed[1]) {
			err = nil // it is there, or was
		}
		return struct{}{}, err
	})
	return err
}

// Reviews returns a page of the texts that wait for a decision, oldest first: those after the id, or the oldest if it is
// "". At most limit; fewer only at the end.
func (s *Store) Reviews(ctx context.Context, projectID, after string, limit int) (consent.ReviewPage, error) {
	in := partition(reviewPK(projectID), "")
	if after != "" {
		in.ExclusiveStartKey = reviewKey(projectID, after).attributes()
	}
	in.TableName, in.ConsistentRead, in.Limit = &s.table, new(true), new(int32(limit))
	out, err := s.client.Query(ctx, in)
	if err != nil {
		return consent.ReviewPage{}, translate(err, "list reviews")
	}
	page := consent.ReviewPage{Reviews: make([]consent.Review, 0, len(out.Items))}
	for _, av := range out.Items {
		i, err := decode[reviewItem](av)
		if err != nil {
			return consent.ReviewPage{}, err
		}
		page.Reviews = append(page.Reviews, i.review())
	}
	if len(out.LastEvaluatedKey) > 0 && len(page.Reviews) > 0 {
		page.Next = page.Reviews[len(page.Reviews)-1].ID()
	}
	return page, nil
}

// DecideReview takes a text off the list. As a consent.Stop it is recorded as one that came when the text did; as
// consent.None it asks for nothing. The lines of a Stop name the actor and the request of the evidence. Of two who decide at
// once, a Stop counts. It may be repeated when it returns an error, and returns user.ErrNotFound for a text that is decided or was never there.
func (s *Store) DecideReview(ctx context.Context, projectID, id string, v consent.Verdict, e consent.Evidence) error {
	k := reviewKey(projectID, id)
	i, err := get[reviewItem](ctx, s, k, "get review")
	if err != nil {
		return err
	}
	if v == consent.Stop {
		in := consent.Inbound{
			Verdict: v, MessageID: i.MessageID, Rule: consent.RulePerson, At: i.At.time(),
			Actor: e.Actor, RequestID: e.RequestID,
		}
		if err := s.Record(ctx, projectID, i.Phone, in); err != nil {
			return err
		}
	}
	return s.batchDelete(ctx, []key{k})
}
