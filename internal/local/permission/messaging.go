package permission

import (
	"cmp"
	"encoding/json"
	"net/http"
	"net/url"
	"path"
	"strings"
)

// The services of messages, events and times.
var (
	SQS         = Service{needs: sqsNeeds, body: true, refuse: refuseJSON}
	SNS         = Service{needs: snsNeeds, body: true, refuse: refuseSNS}
	EventBridge = Service{needs: eventBridgeNeeds, body: true, refuse: refuseJSON}
	Scheduler   = Service{needs: schedulerNeeds, body: true, refuse: refuseJSON}
	SMS         = Service{needs: smsNeeds, body: true, refuse: refuseJSON} // End User Messaging
)

// decode returns the body as a T; the zero T if it is none, which names no resource.
func decode[T any](body []byte) (v T) {
	_ = json.Unmarshal(body, &v)
	return v
}

// sqsNeeds counts a batch as what it is a batch of.
// Source: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-api-permissions-reference.html
func sqsNeeds(r *http.Request, body []byte) []Need {
	in := decode[struct{ QueueURL, QueueName string }](body)
	queue := cmp.Or(in.QueueName, path.Base(in.QueueURL))
	return []Need{{"sqs:" + strings.TrimSuffix(operation(r), "Batch"), arn("sqs", queue)}}
}

func snsNeeds(_ *http.Request, body []byte) []Need {
	form, _ := url.ParseQuery(string(body)) // one that is none has no action
	return []Need{{"sns:" + form.Get("Action"), form.Get("TopicArn")}}
}

func eventBridgeNeeds(r *http.Request, body []byte) []Need {
	in := decode[struct {
		Entries []struct{ EventBusName string }
	}](body)
	var needs []Need
	for _, e := range in.Entries {
		bus := cmp.Or(e.EventBusName, "default")
		needs = append(needs, Need{"events:" + operation(r), arn("events", "event-bus/"+bus)})
	}
	return needs
}

// schedulerNeeds counts that a schedule acts in a role, which whoever makes it must be allowed to pass on.
// Source: https://docs.aws.amazon.com/scheduler/latest/UserGuide/security_iam_id-based-policies.html
func schedulerNeeds(r *http.Request, body []byte) []Need {
	in := decode[struct {
		GroupName string
		Target    struct{ RoleArn string }
	}](body)
	group := cmp.Or(in.GroupName, r.URL.Query().Get("groupName"), "default")
	schedule := arn("scheduler", "schedule/"+group+"/"+path.Base(r.URL.Path))
	switch r.Method {
	case http.MethodPost:
		return []Need{{"scheduler:CreateSchedule", schedule}, {"iam:PassRole", in.Target.RoleArn}}
	case http.MethodGet:
		return []Need{{"scheduler:GetSchedule", schedule}}
	case http.MethodDelete:
		return []Need{{"scheduler:DeleteSchedule", schedule}}
	default:
		return []Need{{"scheduler:?", schedule}}
	}
}

// smsNeeds takes the number for the id that it is registered by.
func smsNeeds(r *http.Request, body []byte) []Need {
	in := decode[struct{ OriginationIdentity string }](body)
	return []Need{{"sms-voice:" + operation(r), arn("sms-voice", "phone-number/"+in.OriginationIdentity)}}
}
