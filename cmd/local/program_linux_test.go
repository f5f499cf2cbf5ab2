package main

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"lunogram-users/internal/local/sam"
)

// asProgram makes the test's own binary the program instead of running the tests.
const asProgram = "LOCAL_TEST_PROGRAM"

// buildDir holds the functions of the fixture.
var buildDir string

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		main()
		return
	}
	os.Exit(runTests(m))
}

func runTests(m *testing.M) int {
	directory, err := os.MkdirTemp("", "cmd-local-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(directory)
	buildDir = directory
	for _, name := range []string{"echo", "slow", "record", "work", "changes"} {
		build := exec.Command("go", "build", "-o", filepath.Join(directory, name, "bootstrap"), "../../internal/local/testdata/echo")
		build.Env = append(os.Environ(), "CGO_ENABLED=0")
		if output, err := build.CombinedOutput(); err != nil {
			fmt.Fprintf(os.Stderr, "build the test's function: %v\n%s", err, output)
			return 1
		}
	}
	return m.Run()
}

// program is a running local cloud.
type program struct {
	cmd    *exec.Cmd
	output string // what it printed until it was ready
	rest   chan string
	url    string
	s3     string
}

// launch runs the program on the fixture, whose functions append their events to record.
func launch(t *testing.T, data, record string, arguments ...string) *program {
	t.Helper()
	fixture, err := os.ReadFile("../../internal/local/testdata/template.yaml")
	if err != nil {
		t.Fatal(err)
	}
	template := filepath.Join(t.TempDir(), "template.yaml")
	fixture = []byte(strings.Replace(string(fixture), `RECORD: ""`, "RECORD: "+record, 1))
	if err := os.WriteFile(template, fixture, 0o600); err != nil {
		t.Fatal(err)
	}
	arguments = append([]string{
		"-addr", "127.0.0.1:0", "-s3-addr", "127.0.0.1:0", "-data", data, "-template", template, "-build", buildDir,
	}, arguments...)
	p := &program{cmd: exec.CommandContext(t.Context(), os.Args[0], arguments...), rest: make(chan string, 1)}
	p.cmd.Env = append(os.Environ(), asProgram+"=1")
	p.cmd.Stderr = t.Output()
	output, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p.read(t, output)
	return p
}

// read reads the output until the last command to try.
func (p *program) read(t *testing.T, output io.Reader) {
	t.Helper()
	lines := bufio.NewReader(output)
	for !strings.Contains(p.output, "inboundMessageId") {
		line, err := lines.ReadString('\n')
		if err != nil {
			t.Fatalf("the program ended: %v\n%s", err, p.output)
		}
		p.output += line
	}
	go func() {
		rest, _ := io.ReadAll(lines)
		p.rest <- string(rest)
	}()
	p.url, p.s3 = p.value(t, "API"), p.value(t, "S3")
}

// value returns what the program printed of a name.
func (p *program) value(t *testing.T, name string) string {
	t.Helper()
	match := regexp.MustCompile(`(?m)^  ` + name + ` +(\S+)`).FindStringSubmatch(p.output)
	if match == nil {
		t.Fatalf("%s is not in the output:\n%s", name, p.output)
	}
	return match[1]
}

// signal ends the program and returns its error.
func (p *program) signal(t *testing.T, s os.Signal) error {
	t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		t.Fatal(err)
	}
	<-p.rest
	return p.cmd.Wait()
}

func request(t *testing.T, method, url, body string) (int, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	content, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(content)
}

// lines returns how many events were recorded.
func lines(record string) int {
	content, _ := os.ReadFile(record) // none yet
	return strings.Count(string(content), "\n")
}

func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(15 * time.Second); !holds(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s: not within 15 seconds", what)
		}
	}
}

// children returns the ids of the processes that a process started.
func children(t *testing.T, parent int) []string {
	t.Helper()
	var ids []string
	tasks, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", parent))
	if err != nil {
		t.Fatal(err)
	}
	for _, task := range tasks {
		content, _ := os.ReadFile(task) // the thread may have ended
		ids = append(ids, strings.Fields(string(content))...)
	}
	return ids
}

func TestRunAndStop(t *testing.T) {
	data, record := filepath.Join(t.TempDir(), "data"), filepath.Join(t.TempDir(), "events")
	p := launch(t, data, record)
	if status, body := request(t, "GET", p.url+"/_local/health", ""); status != 200 {
		t.Errorf("health: got %d %s, want 200", status, body)
	}
	processes := children(t, p.cmd.Process.Pid)
	if len(processes) < 3 {
		t.Errorf("processes: got %v, want the engine and two functions", processes)
	}
	keys := p.value(t, "project") + p.value(t, "client key") + p.value(t, "secret key")
	if err := p.signal(t, syscall.SIGTERM); err != nil {
		t.Errorf("SIGTERM: %v", err)
	}
	for _, id := range processes {
		if _, err := os.Stat("/proc/" + id); err == nil {
			t.Errorf("process %s lives", id)
		}
	}
	info, err := os.Stat(filepath.Join(data, "demo.json"))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("demo.json: got %v (%v), want mode 0600", info, err)
	}
	p = launch(t, data, record)
	if got := p.value(t, "project") + p.value(t, "client key") + p.value(t, "secret key"); got != keys {
		t.Errorf("second run: got %s, want the project and keys of the first, %s", got, keys)
	}
	if err := p.signal(t, os.Interrupt); err != nil {
		t.Errorf("Ctrl-C: %v", err)
	}
}

func TestFlagsFixTheProject(t *testing.T) {
	const id = "0190f0f0-0000-7000-8000-000000000001"
	p := launch(t, "memory", "", "-project", id, "-client-key", "pk_fixed", "-secret-key", "sk_fixed")
	got := p.value(t, "project") + " " + p.value(t, "client key") + " " + p.value(t, "secret key")
	if want := id + " pk_fixed sk_fixed"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if err := p.signal(t, os.Interrupt); err != nil {
		t.Error(err)
	}
}

// A program that is killed leaves no process, and the next one delivers what it had accepted.
func TestKilledProgramLosesNothing(t *testing.T) {
	for name, accept := range map[string]func(*testing.T, *program){
		"an object": func(t *testing.T, p *program) {
			object := p.s3 + "/" + p.value(t, "bucket") + "/in/hang-once.csv"
			if status, body := request(t, "PUT", object, "x"); status != 200 {
				t.Fatalf("put: got %d %s", status, body)
			}
		},
		"a change of the table": func(t *testing.T, p *program) {
			client := dynamodb.New(dynamodb.Options{
				Region: sam.Region, BaseEndpoint: new(p.value(t, "DynamoDB")),
				Credentials: credentials.NewStaticCredentialsProvider("a", "b", ""),
			})
			_, err := client.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: new("local-Table"), Item: map[string]types.AttributeValue{
				"pk": &types.AttributeValueMemberS{Value: "USER#hang-once"}, "sk": &types.AttributeValueMemberS{Value: "s"},
			}})
			if err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			data, record := filepath.Join(t.TempDir(), "data"), filepath.Join(t.TempDir(), "events")
			p := launch(t, data, record)
			accept(t, p)
			eventually(t, "the event", func() bool { return lines(record) == 1 })
			processes := children(t, p.cmd.Process.Pid)
			if err := p.signal(t, syscall.SIGKILL); err == nil {
				t.Error("killed: got no error")
			}
			eventually(t, "the end of all processes", func() bool {
				return !slices.ContainsFunc(processes, func(id string) bool {
					status, err := os.ReadFile("/proc/" + id + "/status")
					return err == nil && !strings.Contains(string(status), "State:\tZ")
				})
			})
			p = launch(t, data, record)
			eventually(t, "the event again", func() bool { return lines(record) == 2 })
			if err := p.signal(t, os.Interrupt); err != nil {
				t.Error(err)
			}
		})
	}
}
