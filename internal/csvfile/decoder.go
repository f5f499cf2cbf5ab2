package csvfile

import (
	"compress/gzip"
	"io"

	"golang.org/x/text/transform"
)

// maxUnpacked is how many bytes a compressed file may unpack to: far more than any list of customers, and an end to a
// few megabytes that unpack for ever.
const maxUnpacked = 100 << 30

const (
	stopDamaged Stop = "The gzip file is damaged or was not uploaded to its end: compress it anew, and upload it again."
	stopBomb    Stop = "The gzip file unpacks to more than 100 GB: upload it in several parts."
)

// NewDecoder returns a reader of what a Scanner reads: it unpacks gzip and turns UTF-16 into UTF-8. What cannot be
// decoded becomes bytes that are no UTF-8, so that it costs its row only. UTF-8 and Windows-1252 pass as they
// are, byte order mark included: the Scanner decodes them by the record, so that its positions are those of the
// file. Read returns the errors of the source, or a Stop if a gzip file is damaged or unpacks to more than 100 GB.
func NewDecoder(source io.Reader, f Format) io.Reader {
	if f.Gzip {
		source = &unpacker{source: &watched{source: source}, left: maxUnpacked}
	}
	if f.wide() {
		source = transform.NewReader(source, newUTF16Decoder(f.Encoding))
	}
	return source
}

// unpacker reads what is compressed.
type unpacker struct {
	source *watched
	gzip   *gzip.Reader // nil until the first Read
	left   int64        // how many more bytes it may return
}

// Read implements io.Reader.
func (u *unpacker) Read(p []byte) (int, error) {
	if u.gzip == nil {
		z, err := gzip.NewReader(u.source)
		if err != nil {
			return 0, u.blame(err)
		}
		u.gzip = z
	}
	n, err := u.gzip.Read(p)
	if u.left -= int64(n); u.left < 0 {
		return 0, stopBomb
	}
	return n, u.blame(err)
}

// blame tells an error of the source, which reading again may mend, from one of its content.
func (u *unpacker) blame(err error) error {
	switch {
	case u.source.err != nil:
		return u.source.err
	case err == nil || err == io.EOF && u.gzip != nil:
		return err
	}
	return stopDamaged
}

// watched remembers what its source failed with.
type watched struct {
	source io.Reader
	err    error
}

// Read implements io.Reader.
func (w *watched) Read(p []byte) (int, error) {
	n, err := w.source.Read(p)
	if err != nil && err != io.EOF {
		w.err = err
	}
	return n, err
}
