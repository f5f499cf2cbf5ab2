package webhook_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"lunogram-users/internal/boot/webhook"
)

func TestLoad(t *testing.T) {
	const topic, address = "arn:aws:sns:eu-central-1:1:inbound", "https://users.example.com"
	tests := []struct {
		name                               string
		topic, address, primary, secondary string
		want                               webhook.Environment
		fails                              bool
	}{
		{"without Twilio", topic, "", "", "", webhook.Environment{TopicARN: topic}, false},
		{"one token", topic, address, "a", "", webhook.Environment{TopicARN: topic, PublicURL: address, Tokens: []string{"a"}}, false},
		{"two tokens and a slash", topic, address + "/", "a", "b",
			webhook.Environment{TopicARN: topic, PublicURL: address, Tokens: []string{"a", "b"}}, false},
		{"no topic", "", address, "a", "", webhook.Environment{}, true},
		{"a token and no address", topic, "", "a", "", webhook.Environment{}, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for name, value := range map[string]string{
				"INBOUND_TOPIC_ARN": tt.topic, "PUBLIC_URL": tt.address, "TWILIO_AUTH_TOKEN": tt.primary,
				"TWILIO_SECONDARY_AUTH_TOKEN": tt.secondary,
			} {
				t.Setenv(name, value)
			}
			got, err := webhook.Load()
			if diff := cmp.Diff(tt.want, got); diff != "" || (err != nil) != tt.fails {
				t.Errorf("error %v; environment (-want +got):\n%s", err, diff)
			}
		})
	}
}
