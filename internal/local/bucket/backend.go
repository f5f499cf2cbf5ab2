package bucket

import (
	"io"
	"maps"
	"net/http"
	"os"
	"slices"

	"github.com/johannesboyne/gofakes3"
)

// ListBuckets implements gofakes3.Backend.
func (f *files) ListBuckets() ([]gofakes3.BucketInfo, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	var list []gofakes3.BucketInfo
	for _, name := range slices.Sorted(maps.Keys(f.buckets)) {
		list = append(list, gofakes3.BucketInfo{
			Name: name, CreationDate: gofakes3.NewContentTime(f.buckets[name].since),
		})
	}
	return list, nil
}

// ListBucket implements gofakes3.Backend.
func (f *files) ListBucket(name string, prefix *gofakes3.Prefix, page gofakes3.ListBucketPage) (*gofakes3.ObjectList, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	b, err := f.bucket(name)
	if err != nil {
		return nil, err
	}
	if prefix == nil {
		prefix = &gofakes3.Prefix{}
	}
	list := gofakes3.NewObjectList()
	limit := page.MaxKeys
	if limit == 0 {
		limit = gofakes3.DefaultMaxBucketKeys
	}
	var match gofakes3.PrefixMatch
	var last string
	listed := int64(0)
	seen := map[string]bool{}
	for _, key := range slices.Sorted(maps.Keys(b.objects)) {
		if page.HasMarker && key <= page.Marker || !prefix.Match(key, &match) || match.CommonPrefix && seen[match.MatchedPart] {
			continue
		}
		if match.CommonPrefix && page.HasMarker && match.MatchedPart <= page.Marker {
			continue // the page before ended with this prefix
		}
		if listed == limit {
			list.IsTruncated, list.NextMarker = true, last
			break
		}
		listed++
		if match.CommonPrefix {
			seen[match.MatchedPart] = true
			list.AddPrefix(match.MatchedPart)
			last = match.MatchedPart
			continue
		}
		last = key
		list.Add(b.objects[key].content())
	}
	return list, nil
}

func (o object) content() *gofakes3.Content {
	return &gofakes3.Content{
		Key: o.Key, LastModified: gofakes3.NewContentTime(o.Modified), ETag: gofakes3.FormatETag(o.Hash), Size: o.Size,
	}
}

// CreateBucket implements gofakes3.Backend.
func (f *files) CreateBucket(name string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if _, ok := f.buckets[name]; ok {
		return errBucketExists
	}
	if err := os.MkdirAll(f.path(name, ""), 0o700); err != nil {
		return err
	}
	f.buckets[name] = &contents{since: f.now(), objects: map[string]object{}}
	return nil
}

// BucketExists implements gofakes3.Backend.
func (f *files) BucketExists(name string) (bool, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	_, ok := f.buckets[name]
	return ok, nil
}

// DeleteBucket implements gofakes3.Backend.
func (f *files) DeleteBucket(name string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	b, err := f.bucket(name)
	if err != nil {
		return err
	}
	if len(b.objects) > 0 {
		return gofakes3.ResourceError(gofakes3.ErrBucketNotEmpty, name)
	}
	delete(f.buckets, name)
	return os.RemoveAll(f.path(name, ""))
}

// ForceDeleteBucket implements gofakes3.Backend.
func (f *files) ForceDeleteBucket(name string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if _, err := f.bucket(name); err != nil {
		return err
	}
	delete(f.buckets, name)
	return os.RemoveAll(f.path(name, ""))
}

// HeadObject implements gofakes3.Backend.
func (f *files) HeadObject(bucket, key string) (*gofakes3.Object, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	o, err := f.find(bucket, key)
	if err != nil {
		return nil, err
	}
	return o.answer(http.NoBody, nil), nil
}

func (o object) answer(body io.ReadCloser, r *gofakes3.ObjectRange) *gofakes3.Object {
	return &gofakes3.Object{
		Name: o.Key, Metadata: maps.Clone(o.Metadata), Size: o.Size, Hash: o.Hash, Contents: body, Range: r,
	}
}

// GetObject implements gofakes3.Backend.
func (f *files) GetObject(bucket, key string, request *gofakes3.ObjectRangeRequest) (*gofakes3.Object, error) {
	o, file, err := f.open(bucket, key)
	if err != nil {
		return nil, err
	}
	r, err := request.Range(o.Size)
	if err != nil {
		_ = file.Close()
		return nil, err
	}
	if r == nil {
		return o.answer(file, nil), nil
	}
	part := io.NewSectionReader(file, r.Start, r.Length)
	return o.answer(struct {
		io.Reader
		io.Closer
	}{part, file}, r), nil
}

// open opens the content of an object. The lock keeps it from being replaced in between.
func (f *files) open(bucket, key string) (object, *os.File, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	o, err := f.find(bucket, key)
	if err != nil {
		return o, nil, err
	}
	file, err := os.Open(f.path(bucket, o.Data))
	return o, file, err
}

// PutObject implements gofakes3.Backend.
func (f *files) PutObject(bucket, key string, metadata map[string]string, input io.Reader, size int64,
	conditions *gofakes3.PutConditions) (result gofakes3.PutObjectResult, err error) {
	o, err := f.write(bucket, key, metadata, input)
	if err != nil {
		return result, err
	}
	if size >= 0 && o.Size != size {
		f.discard(bucket, o)
		return result, gofakes3.ErrIncompleteBody
	}
	return result, f.commit(bucket, o, conditions, "ObjectCreated:Put")
}

// CopyObject implements gofakes3.Backend.
func (f *files) CopyObject(fromBucket, fromKey, toBucket, toKey string, metadata map[string]string) (gofakes3.CopyObjectResult, error) {
	var result gofakes3.CopyObjectResult
	source, err := f.GetObject(fromBucket, fromKey, nil)
	if err != nil {
		return result, err
	}
	defer source.Contents.Close()
	o, err := f.write(toBucket, toKey, metadata, source.Contents)
	if err != nil {
		return result, err
	}
	result.ETag, result.LastModified = gofakes3.FormatETag(o.Hash), gofakes3.NewContentTime(o.Modified)
	return result, f.commit(toBucket, o, nil, "ObjectCreated:Copy")
}

// DeleteObject implements gofakes3.Backend.
func (f *files) DeleteObject(bucket, key string) (gofakes3.ObjectDeleteResult, error) {
	return gofakes3.ObjectDeleteResult{}, f.remove(bucket, key)
}

// DeleteMulti implements gofakes3.Backend.
func (f *files) DeleteMulti(bucket string, keys ...string) (result gofakes3.MultiDeleteResult, err error) {
	for _, key := range keys {
		if err := f.remove(bucket, key); err != nil {
			result.Error = append(result.Error, gofakes3.ErrorResultFromError(err))
			continue
		}
		result.Deleted = append(result.Deleted, gofakes3.ObjectID{Key: key})
	}
	return result, nil
}
