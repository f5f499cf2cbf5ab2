package topic_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"lunogram-users/internal/sms/topic"
)

func TestPublish(t *testing.T) {
	t.Parallel()
	const arn = "arn:aws:sns:us-east-1:000000000000:inbound"
	answers := []int{http.StatusInternalServerError, http.StatusOK} // a repeat is harmless
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := r.ParseForm(); err != nil || r.PostForm.Get("Action") != "Publish" || r.PostForm.Get("TopicArn") != arn ||
			r.PostForm.Get("Message") != `{"body":"grüße & + %"}` {
			t.Errorf("got %v, %v", r.PostForm, err)
		}
		w.WriteHeader(answers[0])
		answers = answers[1:]
		_, _ = io.WriteString(w, `<PublishResponse><PublishResult><MessageId>m</MessageId></PublishResult></PublishResponse>`)
	}))
	t.Cleanup(server.Close)
	to := topic.New(aws.Config{
		Region: "us-east-1", BaseEndpoint: &server.URL, Credentials: credentials.NewStaticCredentialsProvider("a", "b", ""),
	}, arn)
	if err := to.Publish(t.Context(), []byte(`{"body":"grüße & + %"}`)); err != nil {
		t.Fatal(err)
	}
	if len(answers) > 0 {
		t.Error("Publish gave up after one failure")
	}
}
