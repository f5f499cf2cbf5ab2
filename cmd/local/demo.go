package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/google/uuid"

	"lunogram-users/internal/local"
	"lunogram-users/internal/project"
)

// demo is the project that every run has. What the flags do not fix is made once and kept in the data
// directory.
type demo struct {
	Project   string `json:"project"`
	ClientKey string `json:"client_key"`
	SecretKey string `json:"secret_key"`

	file string // where it is kept; "" keeps it nowhere
}

// prepare checks what the flags fix and fills in what the data directory keeps.
func (d *demo) prepare(data string) error {
	if err := d.check(); err != nil {
		return err
	}
	if data == local.Memory {
		d.fill(demo{})
		return nil
	}
	d.file = filepath.Join(data, "demo.json")
	var kept demo
	content, err := os.ReadFile(d.file)
	if err == nil {
		err = json.Unmarshal(content, &kept)
	}
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("read the demo project: %w", err)
	}
	d.fill(kept)
	return nil
}

func (d *demo) check() (err error) {
	if d.Project != "" {
		if d.Project, err = project.ParseID(d.Project); err != nil {
			return fmt.Errorf("-project: %w", err)
		}
	}
	if d.ClientKey != "" && !strings.HasPrefix(d.ClientKey, "pk_") {
		return errors.New("-client-key: a public key starts with pk_")
	}
	if d.SecretKey != "" && !strings.HasPrefix(d.SecretKey, "sk_") {
		return errors.New("-secret-key: a secret key starts with sk_")
	}
	return nil
}

// fill takes from kept what d lacks. Kept keys belong to the kept project, and are of no use for another.
func (d *demo) fill(kept demo) {
	if d.Project == "" {
		d.Project = kept.Project
	}
	if d.Project == "" {
		d.Project = uuid.Must(uuid.NewV7()).String()
	}
	if kept.Project != d.Project {
		return
	}
	if d.ClientKey == "" {
		d.ClientKey = kept.ClientKey
	}
	if d.SecretKey == "" {
		d.SecretKey = kept.SecretKey
	}
}

// keep writes the demo project to the data directory, readable by its owner alone.
func (d *demo) keep() error {
	if d.file == "" {
		return nil
	}
	content, err := json.MarshalIndent(d, "", "  ")
	if err != nil {
		return err
	}
	scratch := d.file + ".new"
	if err := os.WriteFile(scratch, append(content, '\n'), 0o600); err != nil {
		return err
	}
	return os.Rename(scratch, d.file)
}
