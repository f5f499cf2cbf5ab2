package local

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"sync"
	"syscall"
	"time"
)

// listen opens both listeners first: a port in use is the commonest reason not to start.
func (c *Cloud) listen() (api, s3 net.Listener, err error) {
	if api, err = c.open(c.options.Addr); err != nil {
		return nil, nil, err
	}
	s3, err = c.open(c.options.S3Addr)
	return api, s3, err
}

func (c *Cloud) open(addr string) (net.Listener, error) {
	listener, err := net.Listen("tcp", addr)
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, fmt.Errorf("%s is in use by another program: stop it or choose another address", addr)
	}
	if err != nil {
		return nil, err
	}
	c.listeners = append(c.listeners, listener)
	return listener, nil
}

// address returns the URL by which this machine reaches a listener.
func address(l net.Listener) string {
	a := l.Addr().(*net.TCPAddr)
	host := a.IP.String()
	if a.IP.IsUnspecified() {
		host = "127.0.0.1"
	}
	return "http://" + net.JoinHostPort(host, strconv.Itoa(a.Port))
}

// site is a server and the connections on which it has heard nothing yet. Clients open such in reserve, and
// http.Server.Shutdown waits five seconds for each.
type site struct {
	server *http.Server

	mu     sync.Mutex
	silent map[net.Conn]struct{}
}

// serve serves until Close.
func (c *Cloud) serve(l net.Listener, h http.Handler) {
	s := newSite(h)
	c.sites = append(c.sites, s)
	s.serve(l)
}

// newSite returns a site of the handler. There is no limit on the time of a body: imports are large, and the gateway bounds
// a response.
func newSite(h http.Handler) *site {
	s := &site{silent: map[net.Conn]struct{}{}}
	s.server = &http.Server{
		Handler:           h,
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
		ConnState:         s.track,
	}
	return s
}

// serve serves on a listener until shutdown.
func (s *site) serve(l net.Listener) {
	go func() { _ = s.server.Serve(l) }() // ends with ErrServerClosed
}

func (s *site) track(conn net.Conn, state http.ConnState) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if state == http.StateNew {
		s.silent[conn] = struct{}{}
		return
	}
	delete(s.silent, conn)
}

// shutdown lets requests end until ctx does, then cuts them.
func (s *site) shutdown(ctx context.Context) {
	s.mu.Lock()
	for conn := range s.silent {
		_ = conn.Close() // nobody waits for it
	}
	s.mu.Unlock()
	if s.server.Shutdown(ctx) != nil {
		_ = s.server.Close() // closing the listener again is all that can fail
	}
}
