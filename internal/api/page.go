package api

import (
	"bytes"
	"context"
	"encoding/json"

	"lunogram-users/internal/user"
)

// maxPage is how large a page may be in the reply of a function, in bytes: a little less than the 6 MB that Lambda
// allows (https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html).
const maxPage = 6<<20 - 64<<10

// pageView is one page of users. NextCursor is null on the last page.
type pageView struct {
	Results    json.RawMessage `json:"results"`
	NextCursor *string         `json:"next_cursor"`
	Limit      int             `json:"limit"`
}

// page reads the page that q asks for. When its users are so big that it does not fit into an answer, it is read
// again with half the limit, and the cursor leads on from there; a single user always fits.
func page(ctx context.Context, q pageRequest, read func(ctx context.Context, limit int) (user.Page, error)) (pageView, error) {
	for limit := q.limit; ; limit /= 2 {
		p, err := read(ctx, limit)
		if err != nil {
			return pageView{}, err
		}
		results, err := encodeUsers(p.Users)
		if err != nil {
			return pageView{}, err
		}
		if limit == 1 || fits(results) {
			return pageView{Results: results, NextCursor: q.seal.seal(p.Next), Limit: q.limit}, nil
		}
	}
}

func encodeUsers(users []user.User) (json.RawMessage, error) {
	views := make([]userView, len(users))
	for i, u := range users {
		views[i] = full(u)
	}
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	err := enc.Encode(views)
	return out.Bytes(), err
}

// fits reports whether a body fits into the reply of a function. The reply holds it as a JSON string, in which a byte
// takes up to six.
func fits(body []byte) bool {
	if len(body) <= maxPage/6 {
		return true
	}
	quoted, err := json.Marshal(string(body))
	return err == nil && len(quoted) <= maxPage
}
