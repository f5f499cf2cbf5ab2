package local

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"path"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"lunogram-users/internal/local/bucket"
	"lunogram-users/internal/local/sam"
)

// objectCreated sends the event of a new object to every function with a trigger that matches.
func (c *Cloud) objectCreated(o bucket.Created) error {
	var failed error
	for _, f := range c.Template.Functions {
		for _, trigger := range f.S3 {
			if trigger.Bucket.Name != o.Bucket || !matches(trigger, o) {
				continue
			}
			event, err := json.Marshal(s3Event(o, f.LogicalID))
			for range max(c.options.Deliveries, 1) {
				if err == nil {
					err = c.async[f.Name].Send(event)
				}
			}
			failed = errors.Join(failed, err)
		}
	}
	return failed
}

// matches reports whether a trigger is about such an event and such a key.
func matches(t sam.S3Trigger, o bucket.Created) bool {
	if !strings.HasPrefix(o.Key, t.Prefix) || !strings.HasSuffix(o.Key, t.Suffix) {
		return false
	}
	for _, wanted := range t.Events {
		if ok, err := path.Match(strings.TrimPrefix(wanted, "s3:"), o.Event); ok && err == nil {
			return true
		}
	}
	return false
}

// s3Event is the event of one object.
// Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html
func s3Event(o bucket.Created, configuration string) events.S3Event {
	return events.S3Event{Records: []events.S3EventRecord{{
		EventVersion: "2.1",
		EventSource:  "aws:s3",
		AWSRegion:    sam.Region,
		EventTime:    o.At.UTC().Truncate(time.Millisecond),
		EventName:    o.Event,
		PrincipalID:  events.S3UserIdentity{PrincipalID: "local"},
		S3: events.S3Entity{
			SchemaVersion:   "1.0",
			ConfigurationID: configuration,
			Bucket: events.S3Bucket{
				Name: o.Bucket, Arn: "arn:aws:s3:::" + o.Bucket, OwnerIdentity: events.S3UserIdentity{PrincipalID: "local"},
			},
			Object: events.S3Object{
				Key: escapeKey(o.Key), Size: o.Size, ETag: o.ETag, Sequencer: o.Sequencer,
			},
		},
	}}}
}

// escapeKey encodes a key as S3 does in events: as a form would, but for slashes.
func escapeKey(key string) string {
	return strings.ReplaceAll(url.QueryEscape(key), "%2F", "/")
}

// Message is a message for a topic.
type Message struct {
	ID   string    // a fresh UUID if ""
	At   time.Time // now if zero
	Body string
}

// Publish sends a message to every function subscribed to the topic of a logical id or ARN and returns the
// message's id. It returns ErrUnknown if there is no such topic.
func (c *Cloud) Publish(topic string, m Message) (id string, err error) {
	var found *sam.Topic
	for _, t := range c.Template.Topics {
		if t.LogicalID == topic || t.ARN == topic {
			found = t
		}
	}
	if found == nil {
		return "", fmt.Errorf("topic %s: %w", topic, ErrUnknown)
	}
	if m.ID == "" {
		m.ID = newMessageID()
	}
	if m.At.IsZero() {
		m.At = time.Now()
	}
	for _, f := range c.Template.Functions {
		for _, subscribed := range f.SNS {
			if subscribed != found {
				continue
			}
			event, err := json.Marshal(snsEvent(found, f, m))
			if err == nil {
				err = c.async[f.Name].Send(event)
			}
			if err != nil {
				return "", fmt.Errorf("publish to %s: %w", topic, err)
			}
		}
	}
	return m.ID, nil
}

// snsEvent is the event of one message.
// Source: https://docs.aws.amazon.com/lambda/latest/dg/with-sns.html
func snsEvent(topic *sam.Topic, f *sam.Function, m Message) events.SNSEvent {
	return events.SNSEvent{Records: []events.SNSEventRecord{{
		EventVersion:         "1.0",
		EventSource:          "aws:sns",
		EventSubscriptionArn: topic.ARN + ":" + f.LogicalID,
		SNS: events.SNSEntity{
			Type:              "Notification",
			MessageID:         m.ID,
			TopicArn:          topic.ARN,
			Message:           m.Body,
			Timestamp:         m.At.UTC().Truncate(time.Millisecond),
			MessageAttributes: map[string]any{},
			SignatureVersion:  "1",
			Signature:         "local",
		},
	}}}
}
