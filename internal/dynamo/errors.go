package dynamo

import (
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"lunogram-users/internal/user"
)

// errLost says that a write lost a race: a condition no longer held, nothing was written, and what the
// request means must be resolved anew.
var errLost = errors.New("lost a race")

// errConflict says that a transaction under way held an item: nothing was written, and the same write may be tried
// again at once. The SDK does not do so.
var errConflict = fmt.Errorf("%w: a transaction was under way", errLost)

// errAgain says that a request of several steps made one of them and goes on with the next.
var errAgain = errors.New("go on")

func isLost(err error) bool { return errors.Is(err, errLost) }

// refused is a write that one of its conditions stopped. stored holds, by index of the request's items, what
// the table had there: nil when nothing. It is errLost to whoever does not look closer.
type refused struct {
	stored []item
	failed []bool // which conditions failed
}

func (r *refused) Error() string { return "a condition failed" }
func (r *refused) Unwrap() error { return errLost }

// translate maps an error of the SDK to one of the domain. doing says what the call was for.
func translate(err error, doing string) error {
	if err == nil {
		return nil
	}
	if cond, ok := errors.AsType[*types.ConditionalCheckFailedException](err); ok {
		return &refused{stored: []item{cond.Item}, failed: []bool{true}}
	}
	if tx, ok := errors.AsType[*types.TransactionCanceledException](err); ok {
		return translateReasons(tx, doing)
	}
	if api, ok := errors.AsType[smithy.APIError](err); ok {
		switch api.ErrorCode() {
		case "TransactionConflictException", "TransactionInProgressException":
			return errConflict
		case "ThrottlingException", "ProvisionedThroughputExceededException", "RequestLimitExceeded",
			"ReplicatedWriteConflictException", "InternalServerError", "ServiceUnavailable":
			return fmt.Errorf("%s: %w: %w", doing, user.ErrUnavailable, err)
		case "ItemCollectionSizeLimitExceededException":
			return fmt.Errorf("%s: %w", doing, user.ErrTooLarge)
		}
	}
	if unanswered(err) {
		return fmt.Errorf("%s: %w: %w", doing, user.ErrUnavailable, err)
	}
	return fmt.Errorf("%s: %w", doing, err)
}

// unanswered reports whether the call ended without an answer that could be read: the connection was
// refused, broke or hung.
func unanswered(err error) bool {
	if _, ok := errors.AsType[*smithyhttp.RequestSendError](err); ok {
		return true
	}
	_, ok := errors.AsType[*smithy.DeserializationError](err)
	return ok
}

// translateReasons reads why a transaction was cancelled; the reasons are in the order of its items.
func translateReasons(tx *types.TransactionCanceledException, doing string) error {
	r := &refused{
		stored: make([]item, len(tx.CancellationReasons)),
		failed: make([]bool, len(tx.CancellationReasons)),
	}
	var lost, throttled, invalid bool
	for i, reason := range tx.CancellationReasons {
		if reason.Code == nil {
			continue
		}
		switch *reason.Code {
		case "ConditionalCheckFailed":
			r.stored[i], r.failed[i] = reason.Item, true
			lost = true
		case "TransactionConflict":
			lost = true
		case "ThrottlingError", "ProvisionedThroughputExceeded":
			throttled = true
		case "ValidationError", "ItemCollectionSizeLimitExceeded":
			invalid = true
		}
	}
	switch {
	case lost:
		return r
	case invalid:
		return fmt.Errorf("%s: %w: %w", doing, errRejected, tx)
	case throttled:
		return fmt.Errorf("%s: %w: %w", doing, user.ErrUnavailable, tx)
	}
	return fmt.Errorf("%s: %w", doing, tx)
}

// errRejected says that DynamoDB holds a transaction itself invalid. What it may hold is checked before the call, so
// this is a bug of ours.
var errRejected = errors.New("rejected")

// isRejected reports whether DynamoDB found a write invalid.
func isRejected(err error) bool {
	if errors.Is(err, errRejected) {
		return true
	}
	api, ok := errors.AsType[smithy.APIError](err)
	return ok && api.ErrorCode() == "ValidationException"
}
