package local

import (
	"context"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"sync"

	"lunogram-users/internal/local/permission"
)

// openProxy puts the guard before DynamoDB. Functions reach the engine through it alone, and for as long as there are any: it
// is none of the sites that close first.
func (c *Cloud) openProxy(context.Context) error {
	c.guard = permission.New(c.Template.Functions, c.log)
	engine, err := url.Parse(c.DynamoDBEndpoint)
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	c.guarded = address(listener)
	c.proxy = newSite(c.guard.Handler(permission.DynamoDB, forward(engine)))
	c.proxy.serve(listener)
	return nil
}

// forward hands requests to a DynamoDB endpoint. Some endpoints keep apart the data of different access key ids, so all
// requests get the one that this package and its users have.
func forward(to *url.URL) http.Handler {
	return &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(to)
			r.Out.Header.Set("Authorization", credential)
		},
		Transport:  &http.Transport{MaxIdleConnsPerHost: 256, DisableCompression: true},
		BufferPool: new(buffers),
		// A function that is killed leaves its requests.
		ErrorLog: log.New(io.Discard, "", 0),
	}
}

// buffers is a pool of them: without one, each answer takes 32 KB.
type buffers struct{ pool sync.Pool }

// Get implements httputil.BufferPool.
func (b *buffers) Get() []byte {
	if p, ok := b.pool.Get().(*[]byte); ok {
		return *p
	}
	return make([]byte, 8<<10)
}

// Put implements httputil.BufferPool.
func (b *buffers) Put(p []byte) { b.pool.Put(&p) }

// Denials returns what functions asked for and the template does not grant, each once.
func (c *Cloud) Denials() []permission.Denial { return c.guard.Denials() }
