package permission

import (
	"net/http"
	"strings"

	"lunogram-users/internal/local/sam"
)

// S3 is Amazon S3. A link may do what its signer may.
var S3 = Service{needs: s3Needs, refuse: refuseS3}

// s3Needs reads the actions of objects and of lists of them.
// Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-with-s3-policy-actions.html
func s3Needs(r *http.Request, _ []byte) []Need {
	bucket, key := object(r)
	resource := "arn:" + sam.Partition + ":s3:::" + bucket
	if key == "" {
		if r.Method == http.MethodGet || r.Method == http.MethodHead {
			return []Need{{"s3:ListBucket", resource}}
		}
		return []Need{{"s3:?", resource}}
	}
	resource += "/" + key
	switch {
	case r.Header.Get("X-Amz-Copy-Source") != "":
		return []Need{{"s3:?", resource}} // nobody copies
	case r.Method == http.MethodGet, r.Method == http.MethodHead:
		return []Need{{"s3:GetObject", resource}}
	case r.Method == http.MethodPut, r.Method == http.MethodPost:
		return []Need{{"s3:PutObject", resource}}
	case r.Method == http.MethodDelete && r.URL.Query().Has("uploadId"):
		return []Need{{"s3:AbortMultipartUpload", resource}}
	case r.Method == http.MethodDelete:
		return []Need{{"s3:DeleteObject", resource}}
	default:
		return []Need{{"s3:?", resource}}
	}
}

// object returns the bucket and the key of a request, from a path or from a host below localhost.
func object(r *http.Request) (bucket, key string) {
	host, _, _ := strings.Cut(r.Host, ":")
	name := strings.TrimPrefix(r.URL.Path, "/")
	if bucket, ok := strings.CutSuffix(host, ".localhost"); ok {
		return bucket, name
	}
	bucket, key, _ = strings.Cut(name, "/")
	return bucket, key
}
