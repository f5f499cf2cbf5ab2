// Package webhook reads what the environment of the function that receives Twilio's messages has beyond that of others.
package webhook

import (
	"errors"
	"os"

	"lunogram-users/internal/boot/public"
)

// Environment is what template.yaml tells the function.
type Environment struct {
	TopicARN string // where messages are published
	// PublicURL and Tokens are empty when Twilio is not used.
	PublicURL string
	Tokens    []string
}

// Load reads the environment. Its error names what is missing.
func Load() (Environment, error) {
	e := Environment{
		TopicARN:  os.Getenv("INBOUND_TOPIC_ARN"),
		PublicURL: public.URL(),
	}
	for _, token := range []string{os.Getenv("TWILIO_AUTH_TOKEN"), os.Getenv("TWILIO_SECONDARY_AUTH_TOKEN")} {
		if token != "" {
			e.Tokens = append(e.Tokens, token)
		}
	}
	if e.TopicARN == "" {
		return Environment{}, errors.New("the environment variable INBOUND_TOPIC_ARN is not set; template.yaml sets it")
	}
	if len(e.Tokens) > 0 && e.PublicURL == "" {
		return Environment{}, errors.New("an auth token of Twilio is set and PUBLIC_URL is not: the signatures are of that address")
	}
	return e, nil
}
