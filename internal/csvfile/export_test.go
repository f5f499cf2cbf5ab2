package csvfile

import "io"

// NewUnpacker returns a reader of gzip that may unpack to limit bytes, for tests of package csvfile_test.
func NewUnpacker(source io.Reader, limit int64) io.Reader {
	return &unpacker{source: &watched{source: source}, left: limit}
}

// DecodeWindows1252 returns text in Windows-1252 as UTF-8.
func DecodeWindows1252(text []byte) []byte { return appendWindows1252(nil, text) }
