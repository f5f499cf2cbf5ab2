package api

import (
	"cmp"
	"math"
	"strings"
	"time"

	"lunogram-users/internal/csvfile"
	"lunogram-users/internal/csvimport"
	"lunogram-users/internal/csvimport/sheet"
	"lunogram-users/internal/user"
)

// What DynamoDB costs on demand in us-east-1, in US$, as docs/operations.md has it.
// Source: https://aws.amazon.com/dynamodb/pricing/on-demand/
const (
	readUnitPrice  = 0.125e-6
	writeUnitPrice = 0.625e-6
)

// importView is an import on the wire. What is not known yet is null.
type importView struct {
	ID         string              `json:"id"`
	ProjectID  string              `json:"project_id"`
	Name       string              `json:"name"`
	Status     csvimport.Status    `json:"status"`
	Reason     string              `json:"reason,omitempty"`
	Notes      []string            `json:"notes"`
	Options    importOptionsView   `json:"options"`
	Size       int64               `json:"size"`
	Rows       *int64              `json:"rows"`
	Counts     countsView          `json:"counts"`
	Chunks     chunksView          `json:"chunks"`
	Rate       *float64            `json:"rate"`
	EndsAt     *moment             `json:"ends_at"`
	Columns    []columnView        `json:"columns"`
	Failures   []failureView       `json:"failures"`
	Cost       costView            `json:"cost"`
	Files      map[string]linkView `json:"files,omitempty"` // of one import
	Undo       undoView            `json:"undo"`
	CreatedAt  moment              `json:"created_at"`
	StartedAt  *moment             `json:"started_at"`
	UpdatedAt  moment              `json:"updated_at"`
	FinishedAt *moment             `json:"finished_at"`
}

// importOptionsView is what was asked for, in the form in which it is asked.
type importOptionsView struct {
	DryRun    bool                     `json:"dry_run"`
	Mode      user.Mode                `json:"mode"`
	Undo      bool                     `json:"undo"`
	ListID    string                   `json:"list_id,omitempty"`
	Delimiter csvfile.Delimiter        `json:"delimiter,omitempty"`
	Encoding  csvfile.Encoding         `json:"encoding,omitempty"`
	Region    string                   `json:"region,omitempty"`
	Columns   map[string]sheet.Mapping `json:"columns,omitempty"`
}

// countsView says what became of the rows so far. Settled is the sum of the others.
type countsView struct {
	Settled   int64 `json:"settled"`
	Created   int64 `json:"created"`
	Updated   int64 `json:"updated"`
	Unchanged int64 `json:"unchanged"`
	Skipped   int64 `json:"skipped"`
	Failed    int64 `json:"failed"`
}

type chunksView struct {
	Done  int `json:"done"`
	Total int `json:"total"`
}

// columnView is what a column was understood to mean.
type columnView struct {
	Header   string     `json:"header"`
	Role     sheet.Role `json:"role"`
	Source   string     `json:"source,omitempty"`
	Path     []string   `json:"path,omitempty"`
	Type     sheet.Type `json:"type,omitempty"`
	Declared bool       `json:"declared"`
}

// failureView is a refused row.
type failureView struct {
	Row    int64  `json:"row"`
	Field  string `json:"field"`
	Reason string `json:"reason"`
}

type costView struct {
	ReadUnits  float64 `json:"read_units"`
	WriteUnits float64 `json:"write_units"`
	USD        float64 `json:"usd"`
}

type undoView struct {
	Possible   bool             `json:"possible"`
	Status     csvimport.Status `json:"status,omitempty"`
	Reason     string           `json:"reason,omitempty"`
	Restored   int64            `json:"restored"`
	Deleted    int64            `json:"deleted"`
	Kept       int64            `json:"kept"`
	StartedAt  *moment          `json:"started_at"`
	FinishedAt *moment          `json:"finished_at"`
}

// linkView is an address that needs no key.
type linkView struct {
	URL       string `json:"url"`
	ExpiresAt moment `json:"expires_at"`
}

type uploadView struct {
	Method string `json:"method"`
	linkView
}

// createdImportView is a new import and where its file goes.
type createdImportView struct {
	importView
	Upload uploadView `json:"upload"`
}

// location implements created.
func (v createdImportView) location() string {
	return "/api/admin/projects/" + v.ProjectID + "/imports/" + v.ID
}

// importPageView is one page of imports. NextCursor is null on the last page.
type importPageView struct {
	Results    []importView `json:"results"`
	NextCursor *string      `json:"next_cursor"`
	Limit      int          `json:"limit"`
}

func showImport(p csvimport.Progress, now time.Time) importView {
	v := importView{
		ID: p.ID, ProjectID: p.ProjectID, Name: p.Name(), Status: p.Status, Reason: p.Reason, Notes: []string{},
		Options: showOptions(p.Options), Size: p.Size, Counts: showCounts(p.Counters),
		Chunks: chunksView{Done: p.Done, Total: p.Chunks}, EndsAt: when(p.Ends), Columns: showColumns(p.Columns),
		Failures: showFailures(p.Failures), Cost: showCost(p.Cost), Undo: showUndo(p.Import, now),
		CreatedAt: moment(p.CreatedAt), StartedAt: when(p.StartedAt), UpdatedAt: moment(p.UpdatedAt), FinishedAt: when(p.FinishedAt),
	}
	v.Notes = append(v.Notes, p.Notes...)
	if p.Chunks > 0 || p.Status == csvimport.Running || p.Status == csvimport.Completed {
		v.Rows = new(p.Total)
	}
	if p.Tail {
		v.Chunks.Total++
	}
	if p.Rate > 0 {
		v.Rate = new(round(p.Rate, 10))
	}
	return v
}

// when shows a time that may not have come yet.
func when(t time.Time) *moment {
	if t.IsZero() {
		return nil
	}
	return new(moment(t))
}

// round rounds to one part of the unit.
func round(x, parts float64) float64 { return math.Round(x*parts) / parts }

func showOptions(o csvimport.Options) importOptionsView {
	return importOptionsView{
		DryRun: o.DryRun, Mode: cmp.Or(o.Mode, "upsert"), Undo: !o.NoUndo && !o.DryRun, ListID: o.ListID,
		Delimiter: o.Sheet.Delimiter, Encoding: o.Sheet.Encoding, Region: o.Sheet.Region, Columns: o.Sheet.Columns,
	}
}

func showCounts(c csvimport.Counters) countsView {
	return countsView{
		Settled: c.Rows, Created: c.Created, Updated: c.Updated, Unchanged: c.Unchanged, Skipped: c.Skipped, Failed: c.Failed,
	}
}

func showColumns(columns []sheet.Column) []columnView {
	v := make([]columnView, len(columns))
	for n, c := range columns {
		v[n] = columnView{Header: c.Header, Role: c.Role, Source: c.Source, Path: c.Path, Type: c.Type, Declared: c.Declared}
	}
	return v
}

func showFailures(failures []csvimport.Failure) []failureView {
	v := make([]failureView, len(failures))
	for n, f := range failures {
		v[n] = failureView{Row: f.Row, Field: f.Field, Reason: f.Reason}
	}
	return v
}

func showCost(c csvimport.Cost) costView {
	return costView{
		ReadUnits: c.ReadUnits, WriteUnits: c.WriteUnits,
		USD: round(c.ReadUnits*readUnitPrice+c.WriteUnits*writeUnitPrice, 1e6),
	}
}

func showUndo(i csvimport.Import, now time.Time) undoView {
	u := i.Undo
	return undoView{
		Possible: i.Undoable(now), Status: u.Status, Reason: u.Reason, Restored: u.Restored, Deleted: u.Deleted, Kept: u.Kept,
		StartedAt: when(u.StartedAt), FinishedAt: when(u.FinishedAt),
	}
}

func showLink(l csvimport.Link) linkView { return linkView{URL: l.URL, ExpiresAt: moment(l.Expires)} }

// showFiles names each result by the first part of its suffix: errors, skipped, changes, kept.
func showFiles(links map[csvimport.Result]csvimport.Link) map[string]linkView {
	v := make(map[string]linkView, len(links))
	for result, link := range links {
		name, _, _ := strings.Cut(strings.TrimPrefix(string(result), "."), ".")
		v[name] = showLink(link)
	}
	return v
}
