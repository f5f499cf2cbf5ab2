package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"text/tabwriter"
	"time"

	"lunogram-users/internal/dynamo"
	"lunogram-users/internal/local"
	"lunogram-users/internal/project"
)

// load is one kind of request.
type load struct {
	name, function string
	request        func(i int) (method, path, body string)
}

// loads are the kinds that are measured: the same users are created, changed and read.
func loads(projectID string, users int) []load {
	upsert := func(plan string) func(i int) (string, string, string) {
		return func(i int) (string, string, string) {
			return "POST", "/api/client/users", fmt.Sprintf(`{"identifier":[{"external_id":"user-%d"}],"email":"user-%d@example.com",`+
				`"data":{"first_name":"Alice","plan":"%s-%d","company":"Acme Inc","lifetime_value":2500}}`, i%users, i%users, plan, i)
		}
	}
	return []load{
		{"create", "upsert", upsert("free")},
		{"update", "upsert", upsert("premium")},
		{"get by pair", "get", func(i int) (string, string, string) {
			return "GET", fmt.Sprintf("/api/admin/projects/%s/subjects/users/lookup?external_id=user-%d", projectID, i%users), ""
		}},
	}
}

// printLoad prints what each kind of request costs its function's own processes.
func printLoad(ctx context.Context, cloud *local.Cloud, requests, clients int) error {
	projectID, key, err := newProject(ctx, cloud)
	if err != nil {
		return err
	}
	fmt.Printf("\n%d requests of each kind from %d clients; CPU and memory are those of the function's own processes\n", requests, clients)
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	defer w.Flush()
	fmt.Fprintf(w, "request\trequests/s\tCPU µs per request\tpeak memory of a process\t\n")
	for _, l := range loads(projectID, requests) {
		if err := spread(ctx, cloud, l, key, clients); err != nil { // every process started and its connections open
			return err
		}
		before, _, err := usage(cloud, l.function)
		if err != nil {
			return err
		}
		start := time.Now()
		if err := send(ctx, cloud, l, key, requests, clients); err != nil {
			return err
		}
		elapsed := time.Since(start)
		after, peak, err := usage(cloud, l.function)
		if err != nil {
			return err
		}
		fmt.Fprintf(w, "%s\t%.0f\t%.0f\t%.0f MB\t\n", l.name, float64(requests)/elapsed.Seconds(),
			float64((after-before).Microseconds())/float64(requests), float64(peak)/1e6)
	}
	return nil
}

func newProject(ctx context.Context, cloud *local.Cloud) (projectID, token string, err error) {
	store := dynamo.New(config(cloud), cloud.Table)
	p := project.New("", "bench", time.Now())
	key, token := project.NewKey("", p.ID, project.Admin, "bench", time.Now())
	return p.ID, token, errors.Join(store.CreateProject(ctx, p), store.CreateKey(ctx, key))
}

// spread sends a few requests at once, which starts as many processes as there are clients.
func spread(ctx context.Context, cloud *local.Cloud, l load, key string, clients int) error {
	return send(ctx, cloud, l, key, 20*clients, clients)
}

// send sends n requests from some clients at once.
func send(ctx context.Context, cloud *local.Cloud, l load, key string, n, clients int) error {
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: clients}, Timeout: time.Minute}
	defer client.CloseIdleConnections()
	var next atomic.Int64
	errs := make([]error, clients)
	var wg sync.WaitGroup
	for c := range clients {
		wg.Go(func() {
			for i := next.Add(1); i <= int64(n) && errs[c] == nil; i = next.Add(1) {
				errs[c] = sendOne(ctx, client, cloud.URL, key, l, int(i))
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

func sendOne(ctx context.Context, client *http.Client, url, key string, l load, i int) error {
	method, path, body := l.request(i)
	req, err := http.NewRequestWithContext(ctx, method, url+path, bytes.NewBufferString(body))
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+key)
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s %s", l.name, resp.Status, answer)
	}
	return err
}

// usage returns the CPU time of all processes of the function so far, and the largest peak memory of one in bytes. It reads
// /proc, so it works on Linux only.
func usage(cloud *local.Cloud, function string) (cpu time.Duration, peak int64, err error) {
	pids, err := cloud.Processes(function)
	if err != nil {
		return 0, 0, err
	}
	for _, pid := range pids {
		proc := filepath.Join("/proc", strconv.Itoa(pid))
		used, err := cpuTime(filepath.Join(proc, "stat"))
		if err != nil {
			return 0, 0, err
		}
		high, err := peakMemory(filepath.Join(proc, "status"))
		if err != nil {
			return 0, 0, err
		}
		cpu += used
		peak = max(peak, high)
	}
	return cpu, peak, nil
}

// cpuTime reads user and system time, fields 14 and 15 of proc_pid_stat(5), in ticks of 10 ms.
func cpuTime(path string) (time.Duration, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return 0, err
	}
	_, rest, _ := strings.Cut(string(content), ") ") // the name before may hold spaces
	fields := strings.Fields(rest)
	var ticks int64
	for _, f := range fields[11:13] {
		n, err := strconv.ParseInt(f, 10, 64)
		if err != nil {
			return 0, err
		}
		ticks += n
	}
	return time.Duration(ticks) * 10 * time.Millisecond, nil
}

// peakMemory reads the high water mark of the resident set.
func peakMemory(path string) (int64, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return 0, err
	}
	_, rest, ok := strings.Cut(string(content), "VmHWM:")
	if !ok {
		return 0, fmt.Errorf("%s has no VmHWM", path)
	}
	kilobytes, err := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
	return kilobytes << 10, err
}
