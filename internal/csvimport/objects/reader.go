package objects

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"lunogram-users/internal/csvimport"
	"lunogram-users/internal/pause"
)

// maxFruitless is how often in a row a reader replaces its connection without getting a byte.
const maxFruitless = 5

// reader reads one object over as many connections as it takes.
type reader struct {
	ctx       context.Context // a Read has no other way to be cancelled
	s3        *S3
	key, etag string
	body      io.ReadCloser
	cancel    context.CancelFunc // ends the connection
	offset    int64              // of the next byte
	end       int64              // of the last byte wanted, and one; -1 until it is known
	fruitless int
}

// connect asks for what is left of the object.
func (r *reader) connect() error {
	ctx, cancel := context.WithCancel(r.ctx)
	watch := time.AfterFunc(r.s3.stall, cancel)
	in := &s3.GetObjectInput{Bucket: &r.s3.bucket, Key: &r.key}
	if r.etag != "" {
		in.IfMatch = new(`"` + r.etag + `"`)
	}
	switch {
	case r.end >= 0:
		in.Range = new(fmt.Sprintf("bytes=%d-%d", r.offset, r.end-1))
	case r.offset > 0:
		in.Range = new(fmt.Sprintf("bytes=%d-", r.offset))
	}
	out, err := r.s3.client.GetObject(ctx, in)
	watch.Stop()
	if err != nil {
		cancel()
		return translate("get object", err)
	}
	etag := strings.Trim(aws.ToString(out.ETag), `"`)
	// An endpoint that does not know If-Match says so only by the answer's ETag.
	if r.etag != "" && etag != r.etag {
		cancel()
		_ = out.Body.Close()
		return csvimport.ErrGone
	}
	r.etag, r.body, r.cancel = etag, out.Body, cancel
	if out.ContentLength == nil { // without it an object cut short would pass for a whole one
		r.disconnect()
		return errors.New("get object: the answer has no length")
	}
	if end := r.offset + *out.ContentLength; r.end < 0 {
		r.end = end
	} else if end != r.end {
		r.disconnect()
		return errors.New("get object: the answer is of another length than was asked for")
	}
	return nil
}

// Read implements io.Reader.
func (r *reader) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	for {
		if r.offset == r.end {
			return 0, io.EOF
		}
		n, err := r.receive(p)
		if n > 0 {
			r.offset += int64(n)
			r.fruitless = 0
			return n, nil
		}
		if err == nil {
			continue
		}
		if err := r.again(err); err != nil {
			return 0, err
		}
	}
}

// receive reads from the connection, and breaks it when it stalls.
func (r *reader) receive(p []byte) (int, error) {
	if r.body == nil {
		return 0, io.ErrUnexpectedEOF
	}
	watch := time.AfterFunc(r.s3.stall, r.cancel)
	defer watch.Stop()
	return r.body.Read(p)
}

// again replaces the connection, which ended too early because of cause.
func (r *reader) again(cause error) error {
	r.disconnect()
	for {
		if err := r.ctx.Err(); err != nil {
			return err
		}
		if r.fruitless++; r.fruitless > maxFruitless {
			return translate("read object", cause)
		}
		if err := r.pause(); err != nil {
			return err
		}
		err := r.connect()
		if err == nil || errors.Is(err, csvimport.ErrGone) {
			return err
		}
		cause = err
	}
}

// pause waits up to 100 ms, doubled with every fruitless connection.
func (r *reader) pause() error {
	return pause.For(r.ctx, rand.N(100*time.Millisecond<<r.fruitless))
}

func (r *reader) disconnect() {
	if r.body != nil {
		r.cancel()
		_ = r.body.Close()
		r.body = nil
	}
}

// Close implements io.Closer.
func (r *reader) Close() error {
	r.disconnect()
	return nil
}
