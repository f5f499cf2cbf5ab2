// Package local is the cloud on one machine, with no Docker. It is driven by the SAM template alone: it creates
// the table as declared there, runs the real bootstrap binaries behind a Lambda Runtime API, and turns HTTP
// requests, bucket writes, topic messages, queue messages and changes of the table into the events that AWS would make
// of them. What functions put on an event bus is kept to be looked at; what they schedule is sent in its time. What
// is not in the template does not run, and what it does not grant a function is denied to it. One thing that is in it is left out: the stream of a table that no function
// refers to, which would be kept for nobody.
//
// It is a tool for development and tests. Addresses are those of the loopback interface unless asked otherwise,
// and no signature is checked: who signed is believed, see package permission.
package local

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"time"

	"lunogram-users/internal/local/bucket"
	"lunogram-users/internal/local/bus"
	"lunogram-users/internal/local/child"
	"lunogram-users/internal/local/delivery"
	"lunogram-users/internal/local/gateway"
	"lunogram-users/internal/local/journal"
	"lunogram-users/internal/local/lambda"
	"lunogram-users/internal/local/permission"
	"lunogram-users/internal/local/queue"
	"lunogram-users/internal/local/sam"
	"lunogram-users/internal/local/schedule"
	"lunogram-users/internal/local/stream"
)

// Memory as Options.Data keeps nothing: the data goes to a temporary directory that Close removes.
const Memory = "memory"

// grace is how long Close waits for what is under way.
const grace = 3 * time.Second

// Options says what to run. Only Template and BuildDir must be set.
type Options struct {
	Template       string                              // path of the SAM template
	BuildDir       string                              // holds <function's folder>/bootstrap, built for this machine
	Addr           string                              // of the HTTP API; "127.0.0.1:0" if ""
	S3Addr         string                              // of S3; "127.0.0.1:0" if ""
	Data           string                              // directory for all data; Memory if ""
	EngineBinary   string                              // path of the DynamoDB engine; FindEngine's if ""
	EngineEndpoint string                              // a DynamoDB endpoint to use instead of an engine
	RetryDelay     time.Duration                       // before the first retry of an event, doubled for the next; 1 second if 0
	Concurrency    int                                 // processes of a function without a reserved concurrency; max(4, 2*cores) if 0
	Log            io.Writer                           // gets the log, a line at a time; nil discards it
	Deliveries     int                                 // of every event of a bucket, message of a queue and batch of a stream; 1 if 0
	StreamDelay    func() time.Duration                // asked before each batch of a stream how late it is to be; nil for not at all
	Environment    map[string]string                   // added to that of every function
	Parameters     map[string]string                   // of the template, instead of their defaults; PublicUrl is the API's address if not given
	Seed           func(context.Context, *Cloud) error // runs when the table is there, before the first request
}

// Cloud is a running local cloud. The fields do not change. All its methods may be called concurrently.
type Cloud struct {
	URL              string        // of the HTTP API
	S3URL            string        // of S3
	SQSURL           string        // of SQS
	DynamoDBEndpoint string        // of the engine, which allows everything
	Table            string        // name of the first table
	Bucket           string        // name of the first bucket
	Template         *sam.Template // as it was read

	options   Options
	directory string
	temporary bool
	lock      *os.File
	log       *slog.Logger
	logs      *logs

	engine    *Engine
	guard     *permission.Guard
	guarded   string // address of the engine for functions, which allows what the template grants
	proxy     *site  // of that address
	group     *child.Group
	functions map[string]*lambda.Function // by folder
	async     map[string]*delivery.Queue  // by folder
	queues    map[string]*queue.Queue     // by name
	streams   []*stream.Mapping
	buses     *bus.Buses
	scheduler *schedule.Scheduler
	journal   *journal.Journal
	outbox    outbox
	sites     []*site
	listeners []net.Listener

	feeding sync.WaitGroup // event source mappings and the warm-up
	ctx     context.Context
	stop    context.CancelFunc // of the mappings' polls and the warm-up
	force   context.Context
	abandon context.CancelFunc // of what is under way
	ready   chan struct{}      // closed when every route can be served
	broken  chan struct{}      // closed when that will not come to pass
	reason  error              // why, once broken is closed
	closing sync.Once
}

// Start starts everything and returns when the table is there and Options.Seed has run; Ready tells when every
// route can be served. The context bounds the start alone. After an error nothing is left running.
func Start(ctx context.Context, o Options) (*Cloud, error) {
	o.Addr = orDefault(o.Addr, "127.0.0.1:0")
	o.S3Addr = orDefault(o.S3Addr, "127.0.0.1:0")
	o.Data = orDefault(o.Data, Memory)
	if o.RetryDelay == 0 {
		o.RetryDelay = time.Second
	}
	if o.Concurrency == 0 {
		o.Concurrency = max(4, 2*runtime.NumCPU())
	}
	c := &Cloud{
		options: o, logs: &logs{to: o.Log}, group: child.NewGroup(child.Options{}),
		functions: map[string]*lambda.Function{}, async: map[string]*delivery.Queue{}, queues: map[string]*queue.Queue{},
		ready: make(chan struct{}), broken: make(chan struct{}),
	}
	c.log = slog.New(slog.NewTextHandler(c.logs.named("local"), &slog.HandlerOptions{ReplaceAttr: dropTime}))
	c.ctx, c.stop = context.WithCancel(context.Background())
	c.force, c.abandon = context.WithCancel(context.Background())
	if err := c.start(ctx); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return c, nil
}

func orDefault(s, fallback string) string {
	if s == "" {
		return fallback
	}
	return s
}

// start goes from what others need to what needs others.
func (c *Cloud) start(ctx context.Context) error {
	api, s3, err := c.listen()
	if err != nil {
		return err
	}
	c.URL, c.S3URL = address(api), address(s3)
	c.SQSURL = c.URL + sqsPath
	parameters := map[string]string{"PublicUrl": c.URL}
	maps.Copy(parameters, c.options.Parameters)
	if c.Template, err = sam.Read(c.options.Template, sam.Options{APIEndpoint: c.URL, Parameters: parameters}); err != nil {
		return err
	}
	for _, step := range []func(context.Context) error{
		c.openData, c.startEngine, c.createTables, c.openProxy, c.openQueues, c.openBridge, c.createFunctions, c.openStreams,
	} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	store, err := c.openBuckets()
	if err != nil {
		return err
	}
	g, err := c.newGateway()
	if err != nil {
		return err
	}
	c.serve(s3, c.guard.Handler(permission.S3, store))
	c.serve(api, c.handler(g))
	if c.options.Seed != nil {
		if err := c.options.Seed(ctx, c); err != nil {
			return fmt.Errorf("seed: %w", err)
		}
	}
	c.startFeeding()
	return nil
}

// openData makes the data directory and opens the journal in it.
func (c *Cloud) openData(context.Context) (err error) {
	if c.directory = c.options.Data; c.directory == Memory {
		c.temporary = true
		c.directory, err = os.MkdirTemp("", "lunogram-local-")
		return err // what a temporary directory would keep of events ends with this process
	}
	if err := os.MkdirAll(c.directory, 0o700); err != nil {
		return err
	}
	if c.lock, err = lockDirectory(c.directory); err != nil {
		return err
	}
	c.journal, err = journal.Open(filepath.Join(c.directory, "events.journal"))
	return err
}

func (c *Cloud) startEngine(ctx context.Context) (err error) {
	c.DynamoDBEndpoint = c.options.EngineEndpoint
	if c.DynamoDBEndpoint != "" {
		return nil
	}
	// Data that are kept for nobody are in a file, too: only there may a stream grow.
	o := EngineOptions{
		Binary: c.options.EngineBinary, Log: c.logs.named("dynamodb"), DBPath: filepath.Join(c.directory, "dynamodb.sqlite"),
	}
	if c.engine, err = StartEngine(ctx, o); err != nil {
		return err
	}
	c.DynamoDBEndpoint = c.engine.Endpoint()
	fit, err := fitForStreams(o.DBPath)
	streams := slices.ContainsFunc(c.Template.Functions, func(f *sam.Function) bool { return len(f.Streams) > 0 })
	if err == nil && !fit && streams {
		c.log.Warn("the data are those of an earlier version, on which each change of a user makes the next one slower: "+
			"remove the data directory to begin anew", "directory", c.directory)
	}
	return err
}

func (c *Cloud) createTables(ctx context.Context) error {
	for _, t := range c.Template.Tables {
		if err := CreateTable(ctx, c.DynamoDBEndpoint, t.Name, t.Properties); err != nil {
			return err
		}
	}
	if len(c.Template.Tables) > 0 {
		c.Table = c.Template.Tables[0].Name
	}
	return nil
}

func (c *Cloud) openBuckets() (*bucket.Store, error) {
	var names []string
	rules := map[string][]bucket.CORS{}
	for _, b := range c.Template.Buckets {
		names = append(names, b.Name)
		for _, rule := range b.CORS {
			rules[b.Name] = append(rules[b.Name], bucket.CORS{
				Origins: rule.Origins, Methods: rule.Methods, Headers: rule.Headers, Expose: rule.Expose, MaxAge: rule.MaxAge,
			})
		}
	}
	if len(names) > 0 {
		c.Bucket = names[0]
	}
	return bucket.Open(bucket.Config{
		Directory: filepath.Join(c.directory, "s3"), Buckets: names, CORS: rules, Created: c.objectCreated,
	})
}

func (c *Cloud) newGateway() (*gateway.Gateway, error) {
	config := gateway.Config{CORS: (*gateway.CORS)(c.Template.CORS), Log: c.log}
	for _, f := range c.Template.Functions {
		for _, r := range f.Routes {
			config.Routes = append(config.Routes, gateway.Route{
				Method: r.Method, Path: r.Path, Function: c.functions[f.Name],
			})
		}
	}
	return gateway.New(config)
}
