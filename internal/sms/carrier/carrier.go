// Package carrier sends text messages through AWS End User Messaging SMS. It is a package of its own because its SDK
// is linked by whoever imports it.
package carrier

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/pinpointsmsvoicev2"
	"github.com/aws/aws-sdk-go-v2/service/pinpointsmsvoicev2/types"
	"github.com/aws/smithy-go"

	"lunogram-users/internal/sms"
)

// Carrier is AWS End User Messaging. It is safe for concurrent use.
type Carrier struct {
	client *pinpointsmsvoicev2.Client
}

// New returns a carrier.
func New(cfg aws.Config) *Carrier {
	return &Carrier{client: pinpointsmsvoicev2.NewFromConfig(cfg, func(o *pinpointsmsvoicev2.Options) {
		o.Retryer = retry.NewStandard(onlyRefused)
	})}
}

// onlyRefused repeats what was throttled and nothing else. The call has no token that would tell a repeat from a second
// message, and one that failed in another way may have been carried out.
func onlyRefused(o *retry.StandardOptions) {
	o.Retryables = []retry.IsErrorRetryable{retry.RetryableErrorCode{Codes: retry.DefaultThrottleErrorCodes}}
}

// Bounds of TimeToLive. Source: https://docs.aws.amazon.com/pinpoint/latest/apireference_smsvoicev2/API_SendTextMessage.html
const (
	minTTL = 5 * time.Second
	maxTTL = 72 * time.Hour
)

// Send sends the message as a transactional one. It implements sms.Carrier.
func (c *Carrier) Send(ctx context.Context, m sms.Outbound) error {
	_, err := c.client.SendTextMessage(ctx, &pinpointsmsvoicev2.SendTextMessageInput{
		OriginationIdentity:    &m.From,
		DestinationPhoneNumber: &m.To,
		MessageBody:            &m.Body,
		MessageType:            types.MessageTypeTransactional,
		TimeToLive:             new(int32(min(max(m.TTL, minTTL), maxTTL) / time.Second)),
	})
	return mute(err)
}

// mute takes the text of the service out of an error: it may repeat the number.
func mute(err error) error {
	if err == nil {
		return nil
	}
	if conflict, ok := errors.AsType[*types.ConflictException](err); ok {
		return fmt.Errorf("send text message: %s, %s", conflict.ErrorCode(), conflict.Reason)
	}
	if api, ok := errors.AsType[smithy.APIError](err); ok {
		return fmt.Errorf("send text message: %s", api.ErrorCode())
	}
	return fmt.Errorf("send text message: %w", err)
}
