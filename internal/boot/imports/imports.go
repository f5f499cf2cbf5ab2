// Package imports is what the functions of imports do first: boot, and two variables that the others have no use for.
package imports

import (
	"errors"

	"lunogram-users/internal/boot"
)

// Runtime is what the functions of imports are built from. Everything in it is safe for concurrent use.
type Runtime struct {
	*boot.Runtime
	Bucket   string // name of the bucket that files come to
	QueueURL string // of the queue of tasks
}

// Load is boot.Load, and reads BUCKET_NAME and IMPORT_QUEUE_URL too. The error names every variable that is missing.
func Load() (*Runtime, error) {
	bucket, noBucket := boot.Variable("BUCKET_NAME")
	queue, noQueue := boot.Variable("IMPORT_QUEUE_URL")
	rt, err := boot.Load()
	if err := errors.Join(noBucket, noQueue, err); err != nil {
		return nil, err
	}
	return &Runtime{Runtime: rt, Bucket: bucket, QueueURL: queue}, nil
}
