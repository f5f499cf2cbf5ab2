package carrier_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"lunogram-users/internal/sms"
	"lunogram-users/internal/sms/carrier"
)

// serve returns a carrier that reaches h.
func serve(t *testing.T, h http.HandlerFunc) *carrier.Carrier {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	return carrier.New(aws.Config{
		Region: "us-east-1", BaseEndpoint: &server.URL, Credentials: credentials.NewStaticCredentialsProvider("a", "b", ""),
	})
}

var message = sms.Outbound{From: "12345", To: "+15550101234", Body: "Acme: done", TTL: 5 * time.Minute}

func TestSend(t *testing.T) {
	t.Parallel()
	var target, body string
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		target, body = r.Header.Get("X-Amz-Target"), string(b)
		_, _ = io.WriteString(w, `{"MessageId":"m"}`)
	})
	if err := c.Send(t.Context(), message); err != nil {
		t.Fatal(err)
	}
	want := `{"DestinationPhoneNumber":"+15550101234","MessageBody":"Acme: done","MessageType":"TRANSACTIONAL",` +
		`"OriginationIdentity":"12345","TimeToLive":300}`
	if target != "PinpointSMSVoiceV2.SendTextMessage" || body != want {
		t.Errorf("got %s %s, want SendTextMessage %s", target, body, want)
	}
}

// TestRepeats checks that only what was certainly not accepted is repeated, and that errors hold nothing personal.
func TestRepeats(t *testing.T) {
	t.Parallel()
	fail := func(status int, code string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("X-Amzn-Errortype", code)
			w.WriteHeader(status)
			_, _ = io.WriteString(w, `{"__type":"`+code+`","Message":"+15550101234 is at fault","Reason":"DESTINATION_PHONE_NUMBER_OPTED_OUT"}`)
		}
	}
	tests := []struct {
		name     string
		fault    http.HandlerFunc
		repeated bool
		says     string
	}{
		{"throttled", fail(http.StatusBadRequest, "ThrottlingException"), true, "ThrottlingException"},
		{"broken", fail(http.StatusInternalServerError, "InternalServerException"), false, "InternalServerException"},
		{"cut off", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, false, "send text message"},
		{"opted out at the provider", fail(http.StatusBadRequest, "ConflictException"), false, "ConflictException"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var calls atomic.Int32
			c := serve(t, func(w http.ResponseWriter, r *http.Request) {
				calls.Add(1)
				tt.fault(w, r)
			})
			err := c.Send(t.Context(), message)
			if err == nil || !strings.Contains(err.Error(), tt.says) || strings.Contains(err.Error(), "5550101234") {
				t.Errorf("got %v, want an error that says %s and no number", err, tt.says)
			}
			if got := calls.Load() > 1; got != tt.repeated {
				t.Errorf("called %d times; want repeats: %t", calls.Load(), tt.repeated)
			}
		})
	}
}
