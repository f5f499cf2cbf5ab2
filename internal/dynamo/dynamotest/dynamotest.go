// Package dynamotest gives tests a real store: the embedded engine that the local run uses, with the table
// that template.yaml declares.
package dynamotest

import (
	"context"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"lunogram-users/internal/dynamo"
	"lunogram-users/internal/list"
	"lunogram-users/internal/local"
	"lunogram-users/internal/local/sam"
	"lunogram-users/internal/moduleroot"
	"lunogram-users/internal/project"
)

// shared is the engine of this test process, which ends with it.
var shared = sync.OnceValues(start)

type running struct{ endpoint, table string }

// New returns a store on the engine that the whole test process shares. Tests keep apart by their projects, see
// Project.
func New(t testing.TB, options ...func(*dynamodb.Options)) *dynamo.Store {
	t.Helper()
	cfg, table := Config(t)
	return dynamo.New(cfg, table, append(options, strict)...)
}

// Config returns how to reach the engine, and the name of its table.
func Config(t testing.TB) (cfg aws.Config, table string) {
	t.Helper()
	r, err := shared()
	if err != nil {
		t.Fatal(err)
	}
	return r.config(), r.table
}

func (r running) config() aws.Config {
	return aws.Config{
		Region: sam.Region, BaseEndpoint: &r.endpoint,
		Credentials: credentials.NewStaticCredentialsProvider("local", "local", ""),
	}
}

// Project creates a project in the store and returns it.
func Project(t testing.TB, s *dynamo.Store) project.Project {
	t.Helper()
	p := project.New("", t.Name(), time.Now())
	if err := s.CreateProject(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	return p
}

// CreateList stores a list, whatever other lists there are. It returns the errors of dynamo.Store.PutList.
func CreateList(ctx context.Context, s *dynamo.Store, l list.List) error {
	_, err := s.PutList(ctx, l.ProjectID, func([]list.List) (list.List, error) { return l, nil })
	return err
}

// start starts an engine in memory, with a table that has no stream: in memory a stream would make each write slower.
func start() (running, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	table, err := declared()
	if err != nil {
		return running{}, err
	}
	delete(table.Properties, "StreamSpecification")
	engine, err := local.StartEngine(ctx, local.EngineOptions{})
	if err != nil {
		return running{}, err
	}
	err = local.CreateTable(ctx, engine.Endpoint(), table.Name, table.Properties)
	return running{engine.Endpoint(), table.Name}, err
}

// declared returns the table of template.yaml.
func declared() (*sam.Table, error) {
	root, err := moduleroot.Dir()
	if err != nil {
		return nil, err
	}
	template, err := sam.Read(filepath.Join(root, "template.yaml"), sam.Options{})
	if err != nil {
		return nil, err
	}
	return template.Tables[0], nil
}
