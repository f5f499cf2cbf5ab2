package csvimport

import (
	"fmt"
	"path"
	"strings"

	"github.com/aws/aws-lambda-go/events"
	"github.com/google/uuid"

	"lunogram-users/internal/project"
)

// The objects of imports. The prefixes differ, or an error file would start an import.
const (
	uploads = "imports/"
	results = "results/"
	suffix  = ".csv"
)

// upload is an object that starts an import.
type upload struct {
	bucket, key, etag string
	projectID         string
	name              string // of the key, without prefix, project and suffix
	id                string // of the import
}

// parseUpload reads an event record and reports whether it tells of an upload to a project's folder.
func parseUpload(r events.S3EventRecord) (upload, bool) {
	o := r.S3.Object
	rest, ok := strings.CutPrefix(o.URLDecodedKey, uploads)
	folder, file, found := strings.Cut(rest, "/")
	name, isCSV := strings.CutSuffix(file, suffix)
	if !ok || !found || !isCSV || name == "" || !strings.HasPrefix(r.EventName, "ObjectCreated:") {
		return upload{}, false
	}
	// A name such as ../x would be another project's to a client that takes keys for paths.
	if path.Clean("/"+file) != "/"+file {
		return upload{}, false
	}
	if id, err := project.ParseID(folder); err != nil || id != folder {
		return upload{}, false
	}
	return upload{
		bucket: r.S3.Bucket.Name, key: o.URLDecodedKey, etag: strings.Trim(o.ETag, `"`),
		projectID: folder, name: name, id: importID(r.S3.Bucket.Name, o),
	}, true
}

// importID derives the import's id from what names one upload: a delivery of the same event has the same id, a
// later upload under the same key another. A sequencer grows with every write of a key.
// Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html
func importID(bucket string, o events.S3Object) string {
	version := o.VersionID
	if version == "" || version == "null" {
		version = o.ETag + " " + o.Sequencer
	}
	space := uuid.NewSHA1(uuid.NameSpaceURL, []byte("s3://"+bucket))
	return uuid.NewSHA1(space, fmt.Appendf(nil, "%q %q", o.URLDecodedKey, version)).String()
}

// resultKey returns the key of the import's error file.
func (u upload) resultKey() string { return results + u.projectID + "/" + u.name + ".errors" + suffix }
