// Package dynamo stores the domain in one DynamoDB table. It is the only package that imports the DynamoDB
// SDK; each access pattern is one method of Store. docs/data-model.md says what each costs.
//
// Reads of one user are strongly consistent and writes atomic: a method that returns an error has written
// nothing, or what it wrote is finished by calling it again. Reads through an index (lists, e-mail, phone)
// may lag behind the newest writes by what DynamoDB takes to update an index, usually milliseconds.
package dynamo

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	mathrand "math/rand/v2"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/google/uuid"

	"lunogram-users/internal/pause"
	"lunogram-users/internal/user"
)

// Store is the table. It is safe for concurrent use; one per process is enough.
type Store struct {
	client *dynamodb.Client
	table  string
	now    func() time.Time
}

const (
	// attempts is how often a write that lost a race resolves anew before it gives up.
	attempts = 16
	// attemptTimeout bounds one HTTP exchange with DynamoDB, which answers in milliseconds; a connection that
	// hangs must not use up the function's whole time.
	attemptTimeout = 3 * time.Second
	// sdkAttempts is how often the SDK tries one call that was throttled, timed out or lost.
	sdkAttempts = 5
	maxBackoff  = 500 * time.Millisecond
)

// New returns the store in the named table. The endpoint and credentials are those of cfg; the SDK
// honours AWS_ENDPOINT_URL_DYNAMODB. Further options may change the client, as tests do.
func New(cfg aws.Config, table string, options ...func(*dynamodb.Options)) *Store {
	base := func(o *dynamodb.Options) {
		o.Protocol = wire{o.Protocol}
		o.Retryer = retry.NewStandard(func(r *retry.StandardOptions) {
			r.MaxAttempts = sdkAttempts
			r.MaxBackoff = maxBackoff
		})
		o.HTTPClient = awshttp.NewBuildableClient().
			WithTimeout(attemptTimeout).
			WithTransportOptions(func(t *http.Transport) { t.MaxIdleConnsPerHost = 64 })
	}
	options = append([]func(*dynamodb.Options){base}, options...)
	return &Store{client: dynamodb.NewFromConfig(cfg, options...), table: table, now: time.Now}
}

// Warm opens the connection to DynamoDB, so that the first request need not. Its failure does not matter.
func (s *Store) Warm(ctx context.Context) {
	_, _ = s.client.GetItem(ctx, &dynamodb.GetItemInput{TableName: &s.table, Key: projectKey("warm").attributes()})
}

// mint returns what a write needs from outside. Times are kept to the millisecond.
func (s *Store) mint() user.Mint {
	return user.Mint{Now: s.now().UTC().Truncate(time.Millisecond), NewID: newID}
}

func newID() string { return uuid.Must(uuid.NewV7()).String() }

func newWriteID() string {
	var b [9]byte
	_, _ = rand.Read(b[:])
	return base64.RawStdEncoding.EncodeToString(b[:])
}

// untilWon runs try until it returns something other than errLost, waiting a jittered, growing time between
// attempts. After the last it returns user.ErrUnavailable. Steps that end in errAgain do not count.
func untilWon[T any](ctx context.Context, try func() (T, error)) (T, error) {
	var zero T
	for n := 0; n < attempts; {
		if err := ctx.Err(); err != nil {
			return zero, err
		}
		v, err := try()
		switch {
		case err == errAgain:
			continue
		case !isLost(err):
			return v, err
		}
		if err := backOff(ctx, n); err != nil {
			return zero, err
		}
		n++
	}
	return zero, user.ErrUnavailable
}

// settle runs one write until no transaction is in its way. What else stops it is the caller's to read.
func settle[T any](ctx context.Context, write func() (T, error)) (T, error) {
	for n := 0; ; n++ {
		v, err := write()
		if !errors.Is(err, errConflict) {
			return v, err
		}
		if n == attempts {
			return v, fmt.Errorf("%w: %w", user.ErrUnavailable, err)
		}
		if err := backOff(ctx, n); err != nil {
			return v, err
		}
	}
}

// backOff waits before attempt n+1: a random time up to 4 ms, doubled with every attempt up to maxBackoff.
func backOff(ctx context.Context, n int) error {
	limit := min(maxBackoff, 4*time.Millisecond<<min(n, 10))
	return pause.For(ctx, mathrand.N(limit))
}
