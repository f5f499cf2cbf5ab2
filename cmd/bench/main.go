// Command bench measures what the functions cost: size, start, CPU and memory, on this machine. `make bench`
// builds what it needs. Figures of different machines cannot be compared; those of one run can.
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"text/tabwriter"
	"time"

	"lunogram-users/internal/local"
)

// The functions that answer HTTP, and the yardstick.
var functions = []string{"upsert", "get", "delete", "subscriptions", "lists", "render", "preferences"}

const bare = "bare"

func main() {
	log.SetFlags(0)
	requests := flag.Int("requests", 20_000, "how many requests of each kind")
	clients := flag.Int("clients", 16, "how many clients at once")
	starts := flag.Int("starts", 25, "how often each function is started")
	rows := flag.Int("rows", 50_000, "how many rows an import has")
	long := flag.Int("long", 1_000_000, "how many rows the import has of which the memory is measured")
	flag.Parse()
	if err := run(context.Background(), *requests, *clients, *starts, *rows, *long); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, requests, clients, starts, rows, long int) error {
	scratch, err := os.MkdirTemp("", "bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(scratch)
	if err := buildBare(ctx, scratch); err != nil {
		return err
	}
	cloud, err := local.Start(ctx, local.Options{
		Template: "template.yaml", BuildDir: "build/local", Concurrency: clients,
	})
	if err != nil {
		return err
	}
	defer cloud.Close()
	ready, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	if err := cloud.Ready(ready); err != nil {
		return err
	}
	if err := printStarts(ctx, cloud, scratch, starts); err != nil {
		return err
	}
	if err := printRules(); err != nil {
		return err
	}
	if err := printLoad(ctx, cloud, requests, clients); err != nil {
		return err
	}
	if err := printImports(ctx, cloud, rows); err != nil {
		return err
	}
	if err := printLists(ctx, cloud, rows); err != nil {
		return err
	}
	return printMemory(ctx, cloud, rows/5, long)
}

// printStarts prints the size and the start time of every function beside those of the yardstick.
func printStarts(ctx context.Context, cloud *local.Cloud, scratch string, n int) error {
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	defer w.Flush()
	fmt.Fprintf(w, "function\tzip, arm64\tof bare\tstart to first poll\tof bare\t\n")
	var base cost
	for _, name := range append([]string{bare}, functions...) {
		released, local := filepath.Join("build", name), filepath.Join("build/local", name)
		if name == bare {
			released, local = filepath.Join(scratch, "arm64"), filepath.Join(scratch, "here")
		}
		size, err := zipSize(filepath.Join(released, "bootstrap"))
		if err != nil {
			return err
		}
		start, err := startTime(ctx, filepath.Join(local, "bootstrap"), cloud, n)
		if err != nil {
			return fmt.Errorf("start %s: %w", name, err)
		}
		c := cost{float64(size), start}
		if name == bare {
			base = c
		}
		fmt.Fprintf(w, "%s\t%.2f MB\t%.2f\t%.2f ms\t%.2f\t\n", name, c.size/1e6, c.size/base.size,
			c.start.Seconds()*1e3, c.start.Seconds()/base.start.Seconds())
	}
	return nil
}

// cost is what a function costs before its first event.
type cost struct {
	size  float64 // bytes
	start time.Duration
}
