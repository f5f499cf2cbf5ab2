package local_test

import (
	"path/filepath"
	"strings"
	"testing"

	"lunogram-users/internal/local"
)

func TestEngineKeepsTheTable(t *testing.T) {
	template, err := local.ReadTemplate("testdata/template.yaml")
	if err != nil {
		t.Fatal(err)
	}
	table := template.Tables[0]
	o := local.EngineOptions{DBPath: filepath.Join(t.TempDir(), "db.sqlite"), Log: t.Output()}
	for range 2 { // the second time the table is there
		engine, err := local.StartEngine(t.Context(), o)
		if err != nil {
			t.Fatal(err)
		}
		if err := local.CreateTable(t.Context(), engine.Endpoint(), table.Name, table.Properties); err != nil {
			t.Errorf("create: %v", err)
		}
		engine.Stop()
		engine.Stop()
	}
	engine, err := local.StartEngine(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	defer engine.Stop()
	delete(table.Properties, "GlobalSecondaryIndexes")
	table.Properties["AttributeDefinitions"] = table.Properties["AttributeDefinitions"].([]any)[:2]
	err = local.CreateTable(t.Context(), engine.Endpoint(), table.Name, table.Properties)
	if err == nil || !strings.Contains(err.Error(), "other keys or indexes") {
		t.Errorf("a table of another shape: got error %v, want one that says so", err)
	}
}

func TestStartEngineTwice(t *testing.T) {
	first, err := local.StartEngine(t.Context(), local.EngineOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer first.Stop()
	second, err := local.StartEngine(t.Context(), local.EngineOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer second.Stop()
	if first.Endpoint() == second.Endpoint() {
		t.Errorf("endpoints: got %s twice", first.Endpoint())
	}
}
