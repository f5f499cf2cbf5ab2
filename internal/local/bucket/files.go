package bucket

import (
	"cmp"
	"crypto/md5"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/johannesboyne/gofakes3"
)

// files keeps objects in a directory. An object is a description, `<bucket>/<sha-256 of the key>.json`, that
// names its content, `<bucket>/<uuid>.data`: replacing the one file replaces the object at once, and whoever
// reads the content before it goes on reading it.
type files struct {
	directory string
	now       func() time.Time
	created   func(Created) error

	mu      sync.Mutex
	buckets map[string]*contents
	uploads map[gofakes3.UploadID]*upload
	last    int64 // sequencer
}

// contents is what a bucket holds.
type contents struct {
	since   time.Time
	objects map[string]object
}

// object is a description.
type object struct {
	Key      string
	Size     int64
	Hash     []byte // MD5
	Metadata map[string]string
	Modified time.Time
	Data     string // file name
}

var (
	_ gofakes3.Backend          = (*files)(nil)
	_ gofakes3.MultipartBackend = (*files)(nil)
)

var errBucketExists = gofakes3.ErrBucketAlreadyExists

const uploadsDirectory = "_uploads" // is not a bucket's name

func openFiles(directory string, now func() time.Time, created func(Created) error) (*files, error) {
	f := &files{
		directory: directory, now: now, created: created,
		buckets: map[string]*contents{}, uploads: map[gofakes3.UploadID]*upload{},
	}
	// Uploads that were not completed do not outlive the process.
	if err := os.RemoveAll(filepath.Join(directory, uploadsDirectory)); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(filepath.Join(directory, uploadsDirectory), 0o700); err != nil {
		return nil, err
	}
	entries, err := os.ReadDir(directory)
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		if !e.IsDir() || e.Name() == uploadsDirectory {
			continue
		}
		if err := f.load(e); err != nil {
			return nil, fmt.Errorf("read bucket %s: %w", e.Name(), err)
		}
	}
	return f, nil
}

// load reads the descriptions of a bucket and removes content that none names: a write that was cut short.
func (f *files) load(bucket os.DirEntry) error {
	info, err := bucket.Info()
	if err != nil {
		return err
	}
	held := &contents{since: info.ModTime(), objects: map[string]object{}}
	f.buckets[bucket.Name()] = held
	directory := filepath.Join(f.directory, bucket.Name())
	entries, err := os.ReadDir(directory)
	if err != nil {
		return err
	}
	named := map[string]bool{}
	for _, e := range entries {
		if filepath.Ext(e.Name()) != ".json" {
			continue
		}
		text, err := os.ReadFile(filepath.Join(directory, e.Name()))
		if err != nil {
			return err
		}
		var o object
		if err := json.Unmarshal(text, &o); err != nil {
			return err
		}
		held.objects[o.Key] = o
		named[o.Data], named[e.Name()] = true, true
	}
	for _, e := range entries {
		if !named[e.Name()] {
			if err := os.Remove(filepath.Join(directory, e.Name())); err != nil {
				return err
			}
		}
	}
	return nil
}

func (f *files) path(bucket, name string) string { return filepath.Join(f.directory, bucket, name) }

func description(key string) string {
	sum := sha256.Sum256([]byte(key))
	return hex.EncodeToString(sum[:]) + ".json"
}

// bucket returns a bucket; the lock must be held.
func (f *files) bucket(name string) (*contents, error) {
	b, ok := f.buckets[name]
	if !ok {
		return nil, gofakes3.BucketNotFound(name)
	}
	return b, nil
}

// find returns the description of an object; the lock must be held.
func (f *files) find(bucket, key string) (object, error) {
	b, err := f.bucket(bucket)
	if err != nil {
		return object{}, err
	}
	o, ok := b.objects[key]
	if !ok {
		return object{}, gofakes3.KeyNotFound(key)
	}
	return o, nil
}

// write streams input into a new file and describes it. The object does not exist before commit.
func (f *files) write(bucket, key string, metadata map[string]string, input io.Reader) (o object, err error) {
	o = object{Key: key, Metadata: kept(metadata), Modified: f.now().UTC(), Data: uuid.NewString() + ".data"}
	path := f.path(bucket, o.Data)
	file, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if errors.Is(err, os.ErrNotExist) {
		return o, gofakes3.BucketNotFound(bucket)
	}
	if err != nil {
		return o, err
	}
	hash := md5.New()
	o.Size, err = io.Copy(io.MultiWriter(file, hash), input)
	if closed := file.Close(); err == nil {
		err = closed
	}
	if err != nil {
		f.discard(bucket, o)
		return o, err // as it is: gofakes3 knows its own errors by their type
	}
	o.Hash = hash.Sum(nil)
	return o, nil
}

// discard removes the content of an object that is not, or no longer, described. What is left is removed by the
// next load.
func (f *files) discard(bucket string, o object) { _ = os.Remove(f.path(bucket, o.Data)) }

// kept are the header fields that S3 keeps with an object.
func kept(metadata map[string]string) map[string]string {
	m := map[string]string{}
	for name, value := range metadata {
		if !strings.HasPrefix(name, "X-Amz-") || strings.HasPrefix(name, "X-Amz-Meta-") {
			m[name] = value
		}
	}
	return m
}

// commit makes the written object the one of its key, if the conditions hold, and tells the watcher.
func (f *files) commit(bucket string, o object, conditions *gofakes3.PutConditions, event string) error {
	sequencer, err := f.replace(bucket, o, conditions)
	if err != nil {
		f.discard(bucket, o)
		return err
	}
	return f.created(Created{
		Bucket: bucket, Key: o.Key, Size: o.Size, ETag: etag(o.Hash), Event: event,
		Sequencer: sequencer, At: o.Modified,
	})
}

func (f *files) replace(bucket string, o object, conditions *gofakes3.PutConditions) (sequencer string, err error) {
	text, err := json.Marshal(o)
	if err != nil {
		return "", err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	b, err := f.bucket(bucket)
	if err != nil {
		return "", err
	}
	old, exists := b.objects[o.Key]
	if conditions != nil {
		info := &gofakes3.ConditionalObjectInfo{Exists: exists, Hash: old.Hash}
		if err := gofakes3.CheckPutConditions(conditions, info); err != nil {
			return "", err
		}
	}
	name := f.path(bucket, description(o.Key))
	if err := os.WriteFile(name+".new", text, 0o600); err != nil {
		return "", err
	}
	if err := os.Rename(name+".new", name); err != nil {
		return "", err
	}
	b.objects[o.Key] = o
	if exists {
		f.discard(bucket, old)
	}
	f.last = max(f.last+1, cmp.Or(f.now().UnixNano(), 1))
	return fmt.Sprintf("%018X", f.last), nil
}

// remove removes an object; that there is none is no error, as in S3.
func (f *files) remove(bucket, key string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	b, err := f.bucket(bucket)
	if err != nil {
		return err
	}
	o, ok := b.objects[key]
	if !ok {
		return nil
	}
	if err := os.Remove(f.path(bucket, description(key))); err != nil {
		return err
	}
	delete(b.objects, key)
	return os.Remove(f.path(bucket, o.Data))
}
