package csvfile

import "io"

// NewUnpacker returns a reader of gzip that may unpack to limit bytes, for tests of package csvfile_test.
func NewUnpacker(source io.Reader, limit int64) io.Reader {
	return &unpacker{source: &watched{source: source}, left: limit}
}
