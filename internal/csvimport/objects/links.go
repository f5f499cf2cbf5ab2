package objects

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"lunogram-users/internal/csvimport"
)

// linkLife is how long a link works, or as long as the credentials that it is signed with, if those end sooner:
// Lambda's live for some hours.
const linkLife = time.Hour

// Links makes links to the objects of one bucket. They are signed on this machine. It is safe for concurrent use.
type Links struct {
	client *s3.Client
	signer *s3.PresignClient
	bucket string
	now    func() time.Time
}

var _ csvimport.Links = (*Links)(nil)

// NewLinks returns the links of the named bucket of cfg's account, as New does the bucket itself.
func NewLinks(cfg aws.Config, bucket string, options ...func(*s3.Options)) *Links {
	base := func(o *s3.Options) {
		// Whoever has the link is no SDK: nobody knows the checksum of a file to come, or asks for that of a result.
		o.RequestChecksumCalculation = aws.RequestChecksumCalculationWhenRequired
		o.ResponseChecksumValidation = aws.ResponseChecksumValidationWhenRequired
	}
	client := s3.NewFromConfig(cfg, append([]func(*s3.Options){base}, options...)...)
	return &Links{
		client: client, bucket: bucket, now: time.Now,
		signer: s3.NewPresignClient(client, s3.WithPresignExpires(linkLife)),
	}
}

// Upload implements csvimport.Links. Whoever has the link may write the object more than once while it works.
func (l *Links) Upload(ctx context.Context, key string) (csvimport.Link, error) {
	expires := l.now().Add(linkLife)
	signed, err := l.signer.PresignPutObject(ctx, &s3.PutObjectInput{Bucket: &l.bucket, Key: &key})
	if err != nil {
		return csvimport.Link{}, translate("sign an upload", err)
	}
	return csvimport.Link{URL: signed.URL, Expires: expires}, nil
}

// Download implements csvimport.Links. It looks for the object first.
func (l *Links) Download(ctx context.Context, key string) (csvimport.Link, error) {
	if _, err := l.client.HeadObject(ctx, &s3.HeadObjectInput{Bucket: &l.bucket, Key: &key}); err != nil {
		return csvimport.Link{}, translate("look for an object", err)
	}
	expires := l.now().Add(linkLife)
	signed, err := l.signer.PresignGetObject(ctx, &s3.GetObjectInput{
		// A browser saves it instead of showing it.
		Bucket: &l.bucket, Key: &key, ResponseContentDisposition: new("attachment"),
	})
	if err != nil {
		return csvimport.Link{}, translate("sign a download", err)
	}
	return csvimport.Link{URL: signed.URL, Expires: expires}, nil
}
