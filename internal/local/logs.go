package local

import (
	"bytes"
	"io"
	"log/slog"
	"sync"
)

// logs writes the lines of several sources to one writer, each with the name of its source before it.
type logs struct {
	mu sync.Mutex
	to io.Writer // nil discards
}

// named returns the writer of one source. What is not a whole line is kept until its end comes.
func (l *logs) named(name string) io.Writer { return &source{logs: l, prefix: name + " | "} }

type source struct {
	logs   *logs
	prefix string
	rest   []byte // guarded by logs.mu
}

// Write implements io.Writer. It never fails: a log that cannot be written must not stop the cloud.
func (s *source) Write(b []byte) (int, error) {
	s.logs.mu.Lock()
	defer s.logs.mu.Unlock()
	if s.logs.to == nil {
		return len(b), nil
	}
	s.rest = append(s.rest, b...)
	for {
		i := bytes.IndexByte(s.rest, '\n')
		if i < 0 {
			return len(b), nil
		}
		line := append([]byte(s.prefix), s.rest[:i+1]...)
		_, _ = s.logs.to.Write(line)
		s.rest = s.rest[i+1:]
	}
}

// dropTime leaves the time out of the cloud's own lines, which are read as they come.
func dropTime(groups []string, a slog.Attr) slog.Attr {
	if len(groups) == 0 && a.Key == slog.TimeKey {
		return slog.Attr{}
	}
	return a
}
