package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"text/tabwriter"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/uuid"

	"lunogram-users/internal/csvimport"
	"lunogram-users/internal/dynamo"
	"lunogram-users/internal/local"
	"lunogram-users/internal/local/sam"
)

// plainWriters is how many goroutines write the items of an import one by one, for comparison.
const plainWriters = 16

// printImports prints what an import of n rows costs that are new, changed and unchanged, beside the rate at which the
// same engine takes the same items from plain writers.
func printImports(ctx context.Context, cloud *local.Cloud, n int) error {
	projectID, _, err := newProject(ctx, cloud)
	if err != nil {
		return err
	}
	fmt.Printf("\nimports of %d rows; CPU and memory are those of the workers; plain: the same items by %d parallel writers\n", n, plainWriters)
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	defer w.Flush()
	fmt.Fprintf(w, "rows\trows/s\tplain rows/s\tof plain\tCPU µs a row\tpeak memory of a process\t\n")
	var copied []item
	for _, kind := range []struct{ name, plan string }{{"new", "free"}, {"changed", "premium"}, {"unchanged", "premium"}} {
		result, err := importFile(ctx, cloud, projectID, kind.name, customers(n, kind.plan))
		if err != nil {
			return err
		}
		plain := 0.0
		switch kind.name {
		case "new":
			if copied, err = itemsOf(ctx, cloud, projectID, n); err == nil {
				plain, err = writePlain(ctx, cloud, copied, n)
			}
		case "changed":
			plain, err = writePlain(ctx, cloud, profiles(copied), n)
		}
		if err != nil {
			return err
		}
		compared := "–\t–"
		if plain > 0 {
			compared = fmt.Sprintf("%.0f\t%.2f", plain, result.rate/plain)
		}
		fmt.Fprintf(w, "%s\t%.0f\t%s\t%.0f\t%.0f MB\t\n", kind.name, result.rate, compared,
			float64(result.cpu.Microseconds())/float64(n), float64(result.peak)/1e6)
	}
	return nil
}

// printMemory prints the peak memory of the workers for a short file and for a long one, both dry: all is done but the
// writes, which hold nothing.
func printMemory(ctx context.Context, cloud *local.Cloud, short, long int) error {
	fmt.Printf("\ndry runs, for the memory of the workers\n")
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	defer w.Flush()
	fmt.Fprintf(w, "rows\trows/s\tCPU µs a row\tpeak memory of a process\t\n")
	for _, n := range []int{short, long} {
		if err := restart(ctx, cloud, "import"); err != nil {
			return err
		}
		projectID, _, err := newProject(ctx, cloud)
		if err != nil {
			return err
		}
		id := uuid.Must(uuid.NewV7()).String()
		key := csvimport.UploadKey(projectID, id, "dry.csv")
		_, err = dynamo.New(config(cloud), cloud.Table).ChangeImport(ctx, projectID, id, func(r *csvimport.Import) error {
			r.Key, r.Status, r.Options.DryRun, r.CreatedAt = key, csvimport.Waiting, true, time.Now()
			return nil
		})
		if err != nil {
			return err
		}
		result, err := importFile(ctx, cloud, projectID, id+"/dry", customers(n, "free"))
		if err != nil {
			return err
		}
		fmt.Fprintf(w, "%d\t%.0f\t%.0f\t%.0f MB\t\n", n, result.rate, float64(result.cpu.Microseconds())/float64(n), float64(result.peak)/1e6)
	}
	return nil
}

// restart ends the processes of a function, since a fresh one has a peak of its own.
func restart(ctx context.Context, cloud *local.Cloud, function string) error {
	if _, err := cloud.Kill(function); err != nil {
		return err
	}
	for {
		pids, err := cloud.Processes(function)
		if err != nil || len(pids) == 0 {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// customers returns a file in the form of the specification's.
func customers(n int, plan string) string {
	var b strings.Builder
	b.WriteString("identifier,email,first_name,last_name,plan,company\n")
	for i := range n {
		fmt.Fprintf(&b, "user_%06d,user%d@example.com,Alice,Smith,%s,Acme Inc\n", i, i, plan)
	}
	return b.String()
}

// imported is how one import went.
type imported struct {
	rate float64 // rows a second, from the upload to the end
	cpu  time.Duration
	peak int64
}

func importFile(ctx context.Context, cloud *local.Cloud, projectID, name, content string) (imported, error) {
	before, _, err := usage(cloud, "import")
	if err != nil {
		return imported{}, err
	}
	start := time.Now()
	url := cloud.S3URL + "/" + cloud.Bucket + "/imports/" + projectID + "/" + name + ".csv"
	req, err := http.NewRequestWithContext(ctx, http.MethodPut, url, strings.NewReader(content))
	if err != nil {
		return imported{}, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return imported{}, err
	}
	_, _ = io.Copy(io.Discard, resp.Body)
	_ = resp.Body.Close()
	record, err := awaitImport(ctx, cloud, projectID, "/"+name+".csv")
	if err != nil {
		return imported{}, err
	}
	elapsed := time.Since(start)
	if record.Status != csvimport.Completed || record.Failed > 0 {
		return imported{}, fmt.Errorf("import %s: %s %s %+v", name, record.Status, record.Reason, record.Counters)
	}
	after, peak, err := usage(cloud, "import")
	return imported{float64(record.Counters.Rows) / elapsed.Seconds(), after - before, peak}, err
}

// awaitImport returns the record of an upload once it is finished.
func awaitImport(ctx context.Context, cloud *local.Cloud, projectID, suffix string) (csvimport.Import, error) {
	store := dynamo.New(config(cloud), cloud.Table)
	for {
		imports, _, err := store.Imports(ctx, projectID, "", 10)
		if err != nil {
			return csvimport.Import{}, err
		}
		for _, i := range imports {
			if strings.HasSuffix(i.Key, suffix) && i.Finished() {
				return i, nil
			}
		}
		select {
		case <-ctx.Done():
			return csvimport.Import{}, ctx.Err()
		case <-time.After(50 * time.Millisecond):
		}
	}
}

type item = map[string]types.AttributeValue

// itemsOf returns the users and identifiers that an import of n rows has made, as if they were another project's.
func itemsOf(ctx context.Context, cloud *local.Cloud, projectID string, n int) ([]item, error) {
	other, _, err := newProject(ctx, cloud)
	if err != nil {
		return nil, err
	}
	client := dynamodb.NewFromConfig(config(cloud))
	var items []item
	pages := dynamodb.NewScanPaginator(client, &dynamodb.ScanInput{TableName: &cloud.Table})
	for pages.HasMorePages() && len(items) < 2*n {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, av := range page.Items {
			pk := text(av["pk"])
			if !strings.HasPrefix(pk, "USER#"+projectID) && !strings.HasPrefix(pk, "IDENT#"+projectID) {
				continue
			}
			for _, name := range []string{"pk", "list_pk", "email_pk"} {
				if s, ok := av[name].(*types.AttributeValueMemberS); ok {
					s.Value = strings.Replace(s.Value, projectID, other, 1)
				}
			}
			items = append(items, av)
		}
	}
	if len(items) != 2*n {
		return nil, fmt.Errorf("found %d items of %d rows, want 2 of each", len(items), n)
	}
	return items, nil
}

func profiles(items []item) []item {
	var out []item
	for _, av := range items {
		if strings.HasPrefix(text(av["pk"]), "USER#") {
			av["write_id"] = &types.AttributeValueMemberS{Value: "another"}
			out = append(out, av)
		}
	}
	return out
}

func text(av types.AttributeValue) string {
	s, _ := av.(*types.AttributeValueMemberS)
	if s == nil {
		return ""
	}
	return s.Value
}

// writePlain puts the items one by one and returns how many rows a second they make.
func writePlain(ctx context.Context, cloud *local.Cloud, items []item, rows int) (float64, error) {
	client := dynamodb.NewFromConfig(config(cloud))
	var next atomic.Int64
	errs := make([]error, plainWriters)
	var wg sync.WaitGroup
	start := time.Now()
	for c := range plainWriters {
		wg.Go(func() {
			for i := next.Add(1) - 1; i < int64(len(items)) && errs[c] == nil; i = next.Add(1) - 1 {
				_, errs[c] = client.PutItem(ctx, &dynamodb.PutItemInput{TableName: &cloud.Table, Item: items[i]})
			}
		})
	}
	wg.Wait()
	return float64(rows) / time.Since(start).Seconds(), errors.Join(errs...)
}

func config(cloud *local.Cloud) aws.Config {
	return aws.Config{
		Region: sam.Region, BaseEndpoint: &cloud.DynamoDBEndpoint,
		Credentials: credentials.NewStaticCredentialsProvider("local", "local", ""),
	}
}
