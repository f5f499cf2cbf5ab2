package bucket

import (
	"bufio"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
)

// plainBody hands requests on with their bodies decoded from aws-chunked, which newer SDKs send to add a
// checksum at the end. Chunk signatures and trailing checksums are read over, not checked.
// Source: https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html
func plainBody(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.Header.Get("X-Amz-Content-Sha256"), "STREAMING-") {
			length, err := strconv.ParseInt(r.Header.Get("X-Amz-Decoded-Content-Length"), 10, 64)
			if err != nil || length < 0 {
				http.Error(w, "X-Amz-Decoded-Content-Length is missing", http.StatusBadRequest)
				return
			}
			r = decoded(r, length)
		}
		next.ServeHTTP(w, r)
	})
}

func decoded(r *http.Request, length int64) *http.Request {
	r = r.Clone(r.Context())
	r.Body = &chunkedBody{Closer: r.Body, reader: bufio.NewReader(r.Body)}
	r.ContentLength = length
	r.Header.Set("Content-Length", strconv.FormatInt(length, 10))
	r.Header.Del("X-Amz-Content-Sha256")
	r.Header.Del("X-Amz-Decoded-Content-Length")
	r.Header.Del("X-Amz-Trailer")
	var encodings []string
	for e := range strings.SplitSeq(r.Header.Get("Content-Encoding"), ",") {
		if e = strings.TrimSpace(e); e != "" && e != "aws-chunked" {
			encodings = append(encodings, e)
		}
	}
	r.Header.Del("Content-Encoding")
	if len(encodings) > 0 {
		r.Header.Set("Content-Encoding", strings.Join(encodings, ","))
	}
	return r
}

// chunkedBody reads `<hex size>[;extension]\r\n<bytes>\r\n` until a chunk of size 0.
type chunkedBody struct {
	io.Closer
	reader *bufio.Reader
	left   int64 // bytes of the present chunk
	began  bool
	err    error
}

var errChunk = errors.New("the aws-chunked body is malformed")

// Read implements io.Reader.
func (c *chunkedBody) Read(b []byte) (int, error) {
	if c.err == nil && c.left == 0 {
		c.err = c.nextChunk()
	}
	if c.err != nil {
		return 0, c.err
	}
	n, err := c.reader.Read(b[:min(int64(len(b)), c.left)])
	c.left -= int64(n)
	if err != nil {
		c.err = io.ErrUnexpectedEOF
	}
	return n, c.err
}

func (c *chunkedBody) nextChunk() error {
	if c.began {
		if end, err := c.line(); err != nil || end != "" {
			return errChunk
		}
	}
	c.began = true
	header, err := c.line()
	if err != nil {
		return errChunk
	}
	size, _, _ := strings.Cut(header, ";")
	c.left, err = strconv.ParseInt(size, 16, 64)
	switch {
	case err != nil || c.left < 0:
		return errChunk
	case c.left == 0:
		_, err := io.Copy(io.Discard, c.reader) // the trailer
		if err != nil {
			return err
		}
		return io.EOF
	default:
		return nil
	}
}

func (c *chunkedBody) line() (string, error) {
	text, err := c.reader.ReadString('\n')
	return strings.TrimRight(text, "\r\n"), err
}
