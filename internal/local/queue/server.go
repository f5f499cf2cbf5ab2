package queue

import (
	"context"
	"crypto/md5"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	maxWait  = 20 * time.Second // of a long poll
	maxDelay = 900              // of a message, in seconds
)

// Server serves queues by the AWS JSON 1.0 protocol: SendMessage, SendMessageBatch, ReceiveMessage,
// DeleteMessage, DeleteMessageBatch, ChangeMessageVisibility, GetQueueAttributes, GetQueueUrl, ListQueues, PurgeQueue and
// StartMessageMoveTask. Signatures are not checked.
// Source: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_Operations.html
type Server struct {
	queues map[string]*Queue // by name
}

// NewServer returns an http.Handler for the queues.
func NewServer(queues []*Queue) *Server {
	s := &Server{queues: map[string]*Queue{}}
	for _, q := range queues {
		s.queues[q.Name] = q
	}
	return s
}

// fault is an error of the protocol. Code is both its modelled type and its query code.
type fault struct{ code, message string }

func (f *fault) Error() string { return f.code + ": " + f.message }

var (
	errNoQueue = &fault{"QueueDoesNotExist", "The specified queue does not exist."}
	errReceipt = &fault{"ReceiptHandleIsInvalid", "The input receipt handle is invalid."}
)

// input has the fields of all operations.
type input struct {
	QueueURL          string               `json:"QueueUrl"`
	QueueName         string               `json:"QueueName"`
	MessageBody       string               `json:"MessageBody"`
	MessageAttributes map[string]Attribute `json:"MessageAttributes"`
	DelaySeconds      *int                 `json:"DelaySeconds"`
	MaxMessages       int                  `json:"MaxNumberOfMessages"`
	VisibilityTimeout *int                 `json:"VisibilityTimeout"`
	WaitSeconds       int                  `json:"WaitTimeSeconds"`
	ReceiptHandle     string               `json:"ReceiptHandle"`
	AttributeNames    []string             `json:"AttributeNames"`
	Entries           []entry              `json:"Entries"`
	SourceARN         string               `json:"SourceArn"`
	DestinationARN    string               `json:"DestinationArn"`
}

// entry is one of a batch.
type entry struct {
	ID                string               `json:"Id"`
	MessageBody       string               `json:"MessageBody"`
	MessageAttributes map[string]Attribute `json:"MessageAttributes"`
	DelaySeconds      *int                 `json:"DelaySeconds"`
	ReceiptHandle     string               `json:"ReceiptHandle"`
}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var in input
	operation, ok := strings.CutPrefix(r.Header.Get("X-Amz-Target"), "AmazonSQS.")
	if !ok || json.NewDecoder(http.MaxBytesReader(w, r.Body, 2*MaxBody)).Decode(&in) != nil {
		respond(w, nil, &fault{"InvalidAction", "want a request of the AWS JSON 1.0 protocol"})
		return
	}
	output, err := s.call(r.Context(), operation, in)
	respond(w, output, err)
}

func respond(w http.ResponseWriter, output any, err error) {
	w.Header().Set("Content-Type", "application/x-amz-json-1.0")
	if err == nil {
		_ = json.NewEncoder(w).Encode(output) // the client may have gone away
		return
	}
	f, ok := errors.AsType[*fault](err)
	if !ok {
		f = &fault{"InternalError", "the queue failed"}
	}
	w.Header().Set("X-Amzn-Query-Error", f.code+";Sender")
	w.WriteHeader(http.StatusBadRequest)
	_ = json.NewEncoder(w).Encode(map[string]string{"__type": "com.amazonaws.sqs#" + f.code, "message": f.message})
}

func (s *Server) call(ctx context.Context, operation string, in input) (any, error) {
	if operation == "ListQueues" {
		var urls []string
		for _, name := range slices.Sorted(maps.Keys(s.queues)) {
			urls = append(urls, s.queues[name].URL)
		}
		return map[string]any{"QueueUrls": urls}, nil
	}
	q, err := s.queue(in)
	if err != nil {
		return nil, err
	}
	switch operation {
	case "SendMessage":
		return q.serveSend(entry{MessageBody: in.MessageBody, MessageAttributes: in.MessageAttributes, DelaySeconds: in.DelaySeconds})
	case "SendMessageBatch":
		return batch(in.Entries, q.serveSend), nil
	case "ReceiveMessage":
		return q.serveReceive(ctx, in), nil
	case "DeleteMessage":
		return q.serveDelete(entry{ReceiptHandle: in.ReceiptHandle})
	case "DeleteMessageBatch":
		return batch(in.Entries, q.serveDelete), nil
	case "ChangeMessageVisibility":
		return struct{}{}, translate(q.ChangeVisibility(in.ReceiptHandle, orOwn(in.VisibilityTimeout)))
	case "GetQueueAttributes":
		return map[string]any{"Attributes": q.attributes(in.AttributeNames)}, nil
	case "StartMessageMoveTask":
		return s.serveMove(q, in)
	case "GetQueueUrl":
		return map[string]string{"QueueUrl": q.URL}, nil
	case "PurgeQueue":
		q.Purge()
		return struct{}{}, nil
	default:
		return nil, &fault{"InvalidAction", "the operation " + operation + " is not supported by the local cloud"}
	}
}

// queue returns the queue that a request is about.
func (s *Server) queue(in input) (*Queue, error) {
	name := in.QueueName
	switch {
	case in.SourceARN != "":
		name = in.SourceARN[strings.LastIndexByte(in.SourceARN, ':')+1:]
	case name == "":
		name = in.QueueURL[strings.LastIndexByte(in.QueueURL, '/')+1:]
	}
	q, ok := s.queues[name]
	if !ok {
		return nil, errNoQueue
	}
	return q, nil
}

func translate(err error) error {
	switch {
	case errors.Is(err, ErrReceipt):
		return errReceipt
	case errors.Is(err, ErrTooLarge):
		return &fault{"InvalidParameterValue", "One or more parameters are invalid. Reason: Message must be shorter than 1048576 bytes."}
	default:
		return err
	}
}

// orOwn returns seconds, or -1 for the queue's own value.
func orOwn(n *int) time.Duration {
	if n == nil {
		return -1
	}
	return time.Duration(*n) * time.Second
}

func (q *Queue) serveSend(e entry) (map[string]any, error) {
	if e.MessageBody == "" {
		return nil, &fault{"MissingParameter", "The request must contain the parameter MessageBody."}
	}
	if d := e.DelaySeconds; d != nil && (*d < 0 || *d > maxDelay) {
		return nil, &fault{"InvalidParameterValue", "Value for parameter DelaySeconds is invalid. Reason: Must be between 0 and 900."}
	}
	id, err := q.Send(e.MessageBody, e.MessageAttributes, orOwn(e.DelaySeconds))
	if err != nil {
		return nil, translate(err)
	}
	output := map[string]any{"MessageId": id, "MD5OfMessageBody": checksum(e.MessageBody)}
	if len(e.MessageAttributes) > 0 {
		output["MD5OfMessageAttributes"] = attributesChecksum(e.MessageAttributes)
	}
	return output, nil
}

func (q *Queue) serveDelete(e entry) (map[string]any, error) {
	return map[string]any{}, translate(q.Delete(e.ReceiptHandle))
}

// batch runs one operation per entry and sorts the results.
func batch(entries []entry, do func(entry) (map[string]any, error)) any {
	successful, failed := []map[string]any{}, []map[string]any{}
	for _, e := range entries {
		output, err := do(e)
		if err == nil {
			output["Id"] = e.ID
			successful = append(successful, output)
			continue
		}
		f, ok := errors.AsType[*fault](err)
		if !ok {
			f = &fault{"InternalError", "the queue failed"}
		}
		failed = append(failed, map[string]any{"Id": e.ID, "Code": f.code, "Message": f.message, "SenderFault": ok})
	}
	return map[string]any{"Successful": successful, "Failed": failed}
}

func (q *Queue) serveReceive(ctx context.Context, in input) any {
	wait := min(time.Duration(in.WaitSeconds)*time.Second, maxWait)
	limit := min(max(in.MaxMessages, 1), 10)
	var received []Message
	if wait > 0 {
		ctx, cancel := context.WithTimeout(ctx, wait)
		defer cancel()
		received = q.Await(ctx, limit, orOwn(in.VisibilityTimeout))
	} else {
		received = q.Receive(limit, orOwn(in.VisibilityTimeout))
	}
	output := make([]map[string]any, len(received))
	for i, m := range received {
		output[i] = map[string]any{
			"MessageId": m.ID, "ReceiptHandle": m.Receipt, "Body": m.Body, "MD5OfBody": m.MD5, "Attributes": m.system(),
		}
		if len(m.Attributes) > 0 {
			output[i]["MessageAttributes"] = m.Attributes
			output[i]["MD5OfMessageAttributes"] = attributesChecksum(m.Attributes)
		}
	}
	return map[string]any{"Messages": output}
}

// attributes returns those asked for, all if "All" or nothing is.
func (q *Queue) attributes(names []string) map[string]string {
	visible, inFlight, delayed := q.Count()
	all := map[string]string{
		"QueueArn":                              q.ARN,
		"ApproximateNumberOfMessages":           strconv.Itoa(visible),
		"ApproximateNumberOfMessagesNotVisible": strconv.Itoa(inFlight),
		"ApproximateNumberOfMessagesDelayed":    strconv.Itoa(delayed),
		"VisibilityTimeout":                     strconv.Itoa(int(q.Visibility.Seconds())),
		"DelaySeconds":                          strconv.Itoa(int(q.Delay.Seconds())),
	}
	if len(names) > 0 && !slices.Contains(names, "All") {
		maps.DeleteFunc(all, func(name, _ string) bool { return !slices.Contains(names, name) })
	}
	return all
}

// attributesChecksum is the digest by which SDKs check message attributes.
// Source: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-message-metadata.html
func attributesChecksum(attributes map[string]Attribute) string {
	h := md5.New()
	put := func(b []byte) {
		_ = binary.Write(h, binary.BigEndian, uint32(len(b))) // a hash never returns an error
		h.Write(b)
	}
	for _, name := range slices.Sorted(maps.Keys(attributes)) {
		a := attributes[name]
		put([]byte(name))
		put([]byte(a.DataType))
		if strings.HasPrefix(a.DataType, "Binary") {
			h.Write([]byte{2})
			put(a.BinaryValue)
			continue
		}
		h.Write([]byte{1})
		put([]byte(a.StringValue))
	}
	return hex.EncodeToString(h.Sum(nil))
}
