package bucket

import (
	"cmp"
	"crypto/md5"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/johannesboyne/gofakes3"
)

// upload is a multipart upload under way. Its parts are files in a directory of its own.
type upload struct {
	id        gofakes3.UploadID
	bucket    string
	key       string
	metadata  map[string]string
	directory string
	initiated time.Time
	parts     map[int]part
}

type part struct {
	size     int64
	etag     string // quoted
	file     string
	modified time.Time
}

// CreateMultipartUpload implements gofakes3.MultipartBackend.
func (f *files) CreateMultipartUpload(bucket, key string, metadata map[string]string) (gofakes3.UploadID, error) {
	id := gofakes3.UploadID(uuid.NewString())
	u := &upload{
		id: id, bucket: bucket, key: key, metadata: metadata, initiated: f.now(), parts: map[int]part{},
		directory: filepath.Join(f.directory, uploadsDirectory, string(id)),
	}
	if err := os.Mkdir(u.directory, 0o700); err != nil {
		return "", err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.uploads[id] = u
	return id, nil
}

// upload returns an upload; the lock must be held.
func (f *files) upload(bucket, key string, id gofakes3.UploadID) (*upload, error) {
	u, ok := f.uploads[id]
	if !ok || u.bucket != bucket || u.key != key {
		return nil, gofakes3.ErrNoSuchUpload
	}
	return u, nil
}

// UploadPart implements gofakes3.MultipartBackend.
func (f *files) UploadPart(bucket, key string, id gofakes3.UploadID, number int, length int64, input io.Reader) (string, error) {
	f.mu.Lock()
	u, err := f.upload(bucket, key, id)
	f.mu.Unlock()
	if err != nil {
		return "", err
	}
	p, err := f.writePart(u, number, input)
	if err != nil {
		return "", err
	}
	if p.size != length {
		return "", gofakes3.ErrIncompleteBody // its file goes with the upload
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	u.parts[number] = p
	return p.etag, nil
}

func (f *files) writePart(u *upload, number int, input io.Reader) (part, error) {
	file, err := os.CreateTemp(u.directory, strconv.Itoa(number)+"-*")
	if err != nil {
		return part{}, gofakes3.ErrNoSuchUpload // it was completed or aborted meanwhile
	}
	defer file.Close()
	hash := md5.New()
	size, err := io.Copy(io.MultiWriter(file, hash), input)
	return part{size: size, etag: gofakes3.FormatETag(hash.Sum(nil)), file: file.Name(), modified: f.now()}, err
}

// CompleteMultipartUpload implements gofakes3.MultipartBackend.
func (f *files) CompleteMultipartUpload(bucket, key string, id gofakes3.UploadID,
	request *gofakes3.CompleteMultipartUploadRequest) (gofakes3.VersionID, string, error) {
	f.mu.Lock()
	u, err := f.upload(bucket, key, id)
	var paths []string
	if err == nil {
		paths, err = u.chosen(request)
	}
	f.mu.Unlock()
	if err != nil {
		return "", "", err
	}
	content := &sequence{paths: paths}
	defer content.Close()
	o, err := f.write(bucket, key, u.metadata, content)
	if err != nil {
		return "", "", err
	}
	if err := f.commit(bucket, o, nil, "ObjectCreated:CompleteMultipartUpload"); err != nil {
		return "", "", err
	}
	return "", gofakes3.FormatETag(o.Hash), f.AbortMultipartUpload(bucket, key, id)
}

// chosen returns the files of the parts that the request names, in order.
func (u *upload) chosen(request *gofakes3.CompleteMultipartUploadRequest) ([]string, error) {
	var paths []string
	last := 0
	for _, wanted := range request.Parts {
		if wanted.PartNumber <= last {
			return nil, gofakes3.ErrInvalidPartOrder
		}
		last = wanted.PartNumber
		p, ok := u.parts[wanted.PartNumber]
		if !ok || strings.Trim(p.etag, `"`) != strings.Trim(wanted.ETag, `"`) {
			return nil, gofakes3.ErrInvalidPart
		}
		paths = append(paths, p.file)
	}
	if len(paths) == 0 {
		return nil, gofakes3.ErrMalformedXML
	}
	return paths, nil
}

// sequence reads files one after the other, one open at a time.
type sequence struct {
	paths []string
	file  *os.File
}

// Read implements io.Reader.
func (s *sequence) Read(b []byte) (int, error) {
	for {
		if s.file == nil {
			if len(s.paths) == 0 {
				return 0, io.EOF
			}
			file, err := os.Open(s.paths[0])
			if err != nil {
				return 0, err
			}
			s.file, s.paths = file, s.paths[1:]
		}
		n, err := s.file.Read(b)
		if err != io.EOF {
			return n, err
		}
		s.Close()
		if n > 0 {
			return n, nil
		}
	}
}

// Close closes the file that is open.
func (s *sequence) Close() {
	if s.file != nil {
		_ = s.file.Close() // it was only read
		s.file = nil
	}
}

// AbortMultipartUpload implements gofakes3.MultipartBackend.
func (f *files) AbortMultipartUpload(bucket, key string, id gofakes3.UploadID) error {
	f.mu.Lock()
	u, err := f.upload(bucket, key, id)
	delete(f.uploads, id)
	f.mu.Unlock()
	if err != nil {
		return err
	}
	return os.RemoveAll(u.directory)
}

// ListMultipartUploads implements gofakes3.MultipartBackend.
func (f *files) ListMultipartUploads(bucket string, marker *gofakes3.UploadListMarker, prefix gofakes3.Prefix, limit int64) (*gofakes3.ListMultipartUploadsResult, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	result := &gofakes3.ListMultipartUploadsResult{
		Bucket: bucket, Prefix: prefix.Prefix, Delimiter: prefix.Delimiter, MaxUploads: limit,
	}
	sorted := slices.SortedFunc(maps.Values(f.uploads), func(a, b *upload) int {
		return cmp.Or(strings.Compare(a.key, b.key), a.initiated.Compare(b.initiated))
	})
	for _, u := range sorted {
		after := marker == nil || u.key > marker.Object
		if u.bucket != bucket || !after || !strings.HasPrefix(u.key, prefix.Prefix) {
			continue
		}
		if int64(len(result.Uploads)) == limit {
			result.IsTruncated = true
			break
		}
		result.NextKeyMarker = u.key
		result.Uploads = append(result.Uploads, gofakes3.ListMultipartUploadItem{
			Key: u.key, UploadID: u.id, StorageClass: "STANDARD", Initiated: gofakes3.NewContentTime(u.initiated),
		})
	}
	return result, nil
}

// ListParts implements gofakes3.MultipartBackend.
func (f *files) ListParts(bucket, key string, id gofakes3.UploadID, marker int, limit int64) (*gofakes3.ListMultipartUploadPartsResult, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	u, err := f.upload(bucket, key, id)
	if err != nil {
		return nil, err
	}
	result := &gofakes3.ListMultipartUploadPartsResult{
		Bucket: bucket, Key: key, UploadID: id, StorageClass: "STANDARD", PartNumberMarker: marker, MaxParts: limit,
	}
	for _, number := range slices.Sorted(maps.Keys(u.parts)) {
		if number <= marker {
			continue
		}
		if int64(len(result.Parts)) == limit {
			result.IsTruncated = true
			break
		}
		p := u.parts[number]
		result.NextPartNumberMarker = number
		result.Parts = append(result.Parts, gofakes3.ListMultipartUploadPartItem{
			PartNumber: number, ETag: p.etag, Size: p.size, LastModified: gofakes3.NewContentTime(p.modified),
		})
	}
	return result, nil
}
