// Package bucket is S3 on a local address: gofakes3 speaks the protocol, objects are files, and every object
// that is created is told to a watcher before its upload is acknowledged.
package bucket

import (
	"encoding/hex"
	"errors"
	"net/http"
	"time"

	"github.com/johannesboyne/gofakes3"
)

// Created tells that an object was made.
type Created struct {
	Bucket    string
	Key       string
	Size      int64  // bytes
	ETag      string // without quotes
	Event     string // "ObjectCreated:Put", "ObjectCreated:Copy" or "ObjectCreated:CompleteMultipartUpload"
	Sequencer string // hex; later events of a key have a greater one
	At        time.Time
}

// Config makes a Store.
type Config struct {
	Directory string              // holds the objects; it is made if need be
	Buckets   []string            // made if need be
	CORS      map[string][]CORS   // by bucket; a bucket without rules is closed to the pages of other origins
	Created   func(Created) error // an error fails the upload; nil watches nothing
	Now       func() time.Time    // time.Now if nil
}

// Store is an http.Handler that serves the S3 API. Signatures are not checked, addresses may be path-style or
// bucket.localhost. Parts and objects are streamed to disk, never held.
//
// Known differences from S3: an object that came in parts has the MD5 of its content as its ETag, and the event
// of a form upload is named as that of a PUT.
type Store struct {
	files   *files
	handler http.Handler
}

// Open returns a store of the objects in the directory. It returns an error if they cannot be read or a bucket's
// name is not one.
func Open(c Config) (*Store, error) {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Created == nil {
		c.Created = func(Created) error { return nil }
	}
	f, err := openFiles(c.Directory, c.Now, c.Created)
	if err != nil {
		return nil, err
	}
	for _, name := range c.Buckets {
		if err := gofakes3.ValidateBucketName(name); err != nil {
			return nil, err
		}
		if err := f.CreateBucket(name); err != nil && !errors.Is(err, errBucketExists) {
			return nil, err
		}
	}
	fake := gofakes3.New(f,
		gofakes3.WithHostBucketBase("localhost"),
		gofakes3.WithTimeSource(clock(c.Now)),
	)
	return &Store{files: f, handler: withCORS(c.CORS, plainBody(fake.Server()))}, nil
}

// ServeHTTP implements http.Handler.
func (s *Store) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.handler.ServeHTTP(w, r) }

// clock is a gofakes3.TimeSource.
type clock func() time.Time

// Now implements gofakes3.TimeSource.
func (c clock) Now() time.Time { return c() }

// Since implements gofakes3.TimeSource.
func (c clock) Since(t time.Time) time.Duration { return c().Sub(t) }

func etag(hash []byte) string { return hex.EncodeToString(hash) }
