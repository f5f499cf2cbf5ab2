package csvimport

import "github.com/aws/aws-lambda-go/events"

// ImportID returns the id of the import that an event starts, "" if it starts none.
func ImportID(r events.S3EventRecord) string {
	in, _ := parseUpload(r)
	return in.ID
}
