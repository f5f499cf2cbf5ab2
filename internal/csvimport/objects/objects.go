// Package objects is the bucket of imports on S3. It is apart from csvimport so that only the import function
// links the S3 client.
package objects

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/url"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"

	"lunogram-users/internal/csvimport"
)

// S3 is one bucket. It is safe for concurrent use.
type S3 struct {
	client *s3.Client
	bucket string
	stall  time.Duration // how long a connection may deliver nothing
}

var _ csvimport.Objects = (*S3)(nil)

// stall is long for S3, whose first byte takes some tens of milliseconds, and shorter than the lease of an import, which is
// not renewed while a read waits.
const stall = 4 * time.Second

// New returns the named bucket of cfg's account. The SDK honours AWS_ENDPOINT_URL_S3. Further options may change the client.
func New(cfg aws.Config, bucket string, options ...func(*s3.Options)) *S3 {
	base := func(o *s3.Options) {
		// TLS guards the bytes on their way; a checksum of the whole object cannot be checked across resumed reads.
		o.ResponseChecksumValidation = aws.ResponseChecksumValidationWhenRequired
	}
	return &S3{client: s3.NewFromConfig(cfg, append([]func(*s3.Options){base}, options...)...), bucket: bucket, stall: stall}
}

// Open implements csvimport.Objects. A connection that breaks or stalls while the object is read is replaced by one
// that goes on where it ended; Read returns an error when that fails several times without a byte. The reader is for one
// goroutine, and its reads end with ctx.
func (s *S3) Open(ctx context.Context, key, etag string, from, to int64) (io.ReadCloser, error) {
	r := &reader{ctx: ctx, s3: s, key: key, etag: etag, offset: from, end: to}
	if from == to {
		return io.NopCloser(strings.NewReader("")), nil // no range of HTTP is empty
	}
	if err := r.connect(); err != nil {
		return nil, err
	}
	return r, nil
}

// Put implements csvimport.Objects.
func (s *S3) Put(ctx context.Context, key string, content io.ReadSeeker) error {
	_, err := s.client.PutObject(ctx, &s3.PutObjectInput{
		Bucket: &s.bucket, Key: &key, Body: content, ContentType: new(mediaType(key)),
	})
	return translate("put object", err)
}

func mediaType(key string) string {
	if strings.HasSuffix(key, ".csv") {
		return "text/csv; charset=utf-8"
	}
	return "application/octet-stream"
}

// Remove implements csvimport.Objects.
func (s *S3) Remove(ctx context.Context, key string) error {
	_, err := s.client.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &s.bucket, Key: &key})
	return translate("delete object", err)
}

// List implements csvimport.Objects.
func (s *S3) List(ctx context.Context, prefix string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		pages := s3.NewListObjectsV2Paginator(s.client, &s3.ListObjectsV2Input{Bucket: &s.bucket, Prefix: &prefix})
		for pages.HasMorePages() {
			page, err := pages.NextPage(ctx)
			if err != nil {
				yield("", translate("list objects", err))
				return
			}
			for _, o := range page.Contents {
				if !yield(aws.ToString(o.Key), nil) {
					return
				}
			}
		}
	}
}

// translate returns csvimport.ErrGone for an object that is not there as it was. What it returns otherwise does
// not repeat the object's address, which ends in a name of the customer's.
func translate(doing string, err error) error {
	if err == nil {
		return nil
	}
	if api, ok := errors.AsType[smithy.APIError](err); ok {
		switch api.ErrorCode() {
		case "NoSuchKey", "NotFound", "PreconditionFailed":
			return csvimport.ErrGone
		}
	}
	if located, ok := errors.AsType[*url.Error](err); ok {
		err = located.Err
	}
	return fmt.Errorf("%s: %w", doing, err)
}
