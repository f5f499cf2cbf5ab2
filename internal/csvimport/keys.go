package csvimport

import (
	"fmt"
	"path"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"lunogram-users/internal/consent"
	"lunogram-users/internal/project"
)

// Every key of the bucket is made in this file. The prefixes differ, or a result would start an import; they also have
// lifetimes of their own in template.yaml.
//
//	imports/<project>/<name>.csv               an upload; .csv.gz too
//	results/<project>/<name>.errors.csv        refused rows, to be corrected and uploaded; of a <name>.csv.gz <name>.csv.errors.csv
//	results/<project>/<name>.skipped.csv       rows that a later row of the same user replaced
//	results/<project>/<name>.changes.jsonl     what a dry run would change first
//	results/<project>/<name>.kept.csv          users that an undo left alone
//	undo/<project>/<import>/…                  before-images; who was made a member of a list
//	work/<project>/<import>/…                  the plan, text that was converted, parts of results
const (
	uploads = "imports/"
	results = "results/"
	befores = "undo/"
	work    = "work/"
)

// UploadKey returns the key for an upload to an import that the API created. The name is the customer's.
func UploadKey(projectID, importID, name string) string {
	return uploads + projectID + "/" + importID + "/" + name
}

// Name returns the name of the upload: what follows the project, and in an upload to an import of the API, the import.
func (i Import) Name() string {
	name := strings.TrimPrefix(i.Key, uploads+i.ProjectID+"/")
	if id, ok := i.created(); ok {
		return strings.TrimPrefix(name, id+"/")
	}
	return name
}

// ResultKey returns the key of a result of the import, which need not exist. The results of users.csv and users.csv.gz are
// different ones.
func (i Import) ResultKey(r Result) string {
	name, zipped := strings.CutSuffix(strings.TrimPrefix(i.Key, uploads), ".gz")
	if !zipped {
		name = strings.TrimSuffix(name, ".csv")
	}
	return results + name + string(r)
}

// Result is a file that an import leaves.
type Result string

// The results.
const (
	Errors  Result = ".errors.csv"
	Skipped Result = ".skipped.csv"
	Changes Result = ".changes.jsonl"
	Kept    Result = ".kept.csv"
)

// suffixes are those of uploads, as in the triggers of template.yaml.
var suffixes = [...]string{".csv.gz", ".csv"}

func (i Import) workKey(parts ...string) string {
	return work + i.ProjectID + "/" + i.ID + "/" + strings.Join(parts, "/")
}

func (i Import) undoKey(parts ...string) string {
	return befores + i.ProjectID + "/" + i.ID + "/" + strings.Join(parts, "/")
}

// membersKey returns the key of the users whom a segment of a chunk made members; with name "" the prefix of all of the chunk.
func (i Import) membersKey(chunk int, name string) string {
	return i.undoKey("members", chunkName(chunk), name)
}

// chunkName and rowName sort as their numbers do.
func chunkName(n int) string   { return fmt.Sprintf("%06d", n) }
func rowName(row int64) string { return fmt.Sprintf("%012d", row) }

// parseUpload reads an event record and reports whether it tells of an upload to a project's folder.
func parseUpload(r events.S3EventRecord) (Import, bool) {
	o := r.S3.Object
	rest, ok := strings.CutPrefix(o.URLDecodedKey, uploads)
	folder, file, found := strings.Cut(rest, "/")
	if !ok || !found || !isUpload(file) || !strings.HasPrefix(r.EventName, "ObjectCreated:") {
		return Import{}, false
	}
	// A name such as ../x would be another project's to a client that takes keys for paths.
	if path.Clean("/"+file) != "/"+file {
		return Import{}, false
	}
	if id, err := project.ParseID(folder); err != nil || id != folder {
		return Import{}, false
	}
	return Import{
		ID: importID(r), ProjectID: folder, Key: o.URLDecodedKey, ETag: strings.Trim(o.ETag, `"`), Size: o.Size,
		CreatedAt: r.EventTime.UTC().Truncate(time.Millisecond),
	}, true
}

// isUpload reports whether a file's name is that of an upload.
func isUpload(name string) bool {
	base := path.Base(name)
	for _, suffix := range suffixes {
		if strings.HasSuffix(base, suffix) && base != suffix {
			return true
		}
	}
	return false
}

// created returns the id of the import that the API created for the upload, if its key is of the form of UploadKey.
func (i Import) created() (id string, ok bool) {
	folder, _, found := strings.Cut(strings.TrimPrefix(i.Key, uploads+i.ProjectID+"/"), "/")
	id, err := project.ParseID(folder)
	return id, found && err == nil && id == folder
}

// importID derives the import's id from what names one upload: a delivery of the same event has the same id, a
// later upload under the same key another. A sequencer grows with every write of a key. The id is a UUIDv7 (RFC 9562) of
// the event's time, so that imports sort by it.
// Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html
func importID(r events.S3EventRecord) string {
	o := r.S3.Object
	version := o.VersionID
	if version == "" || version == "null" {
		version = o.ETag + " " + o.Sequencer
	}
	return consent.EventID(r.EventTime, r.S3.Bucket.Name, o.URLDecodedKey, version)
}
