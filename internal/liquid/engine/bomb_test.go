package engine_test

import (
	"errors"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"lunogram-users/internal/liquid"
	"lunogram-users/internal/liquid/engine"
)

// bombs are templates that would take for ever, or all memory, in an engine without bounds.
func bombs() map[string]string {
	double := `{% assign s = "0123456789" %}{% for i in (1..40) %}{% assign s = s | append: s %}{% endfor %}{{ s | size }}`
	array := `{% assign a = "a,b" | split: "," %}{% for i in (1..40) %}{% assign a = a | concat: a %}{% endfor %}`
	long := `{% assign s = "0123456789" %}{% for i in (1..16) %}{% assign s = s | append: s %}{% endfor %}`       // 655 360 bytes
	wide := `{% assign a = "a,b" | split: "," %}{% for i in (1..14) %}{% assign a = a | concat: a %}{% endfor %}` // 32 768 items
	forever := `{% for i in (1..1000000000) %}{% endfor %}`
	return map[string]string{
		"loop":                   forever,
		"nested loops":           strings.Repeat(`{% for i in (1..100000) %}`, 6) + strings.Repeat(`{% endfor %}`, 6),
		"extreme range":          `{% for i in (-9223372036854775807..9223372036854775807) %}{% endfor %}` + forever,
		"range as an array":      `{{ (1..1000000000) | join }}`,
		"range as json":          `{{ (1..1000000000) | json }}`,
		"range printed":          `{{ (1..1000000000) }}`,
		"range sorted":           `{{ (1..1000000000) | sort | first }}`,
		"tablerow":               `{% tablerow i in (1..1000000000) cols:1 %}{% endtablerow %}`,
		"output":                 `{% for i in (1..1000000000) %}0123456789{% endfor %}`,
		"capture":                `{% capture s %}{% for i in (1..1000000000) %}0123456789{% endfor %}{% endcapture %}`,
		"capture again":          `{% assign s = "x" %}{% for i in (1..100) %}{% capture s %}{{ s }}{{ s }}{% endcapture %}{% endfor %}`,
		"append":                 double,
		"concat":                 array,
		"replace":                `{% assign s = "aaaaaaaaaa" %}{% for i in (1..100) %}{% assign s = s | replace: "a", s %}{% endfor %}`,
		"replace nothing":        `{% assign s = "a" %}{% for i in (1..100) %}{% assign s = s | replace: "", s %}{% endfor %}`,
		"join":                   wide + long + `{{ a | join: s }}`,
		"split":                  long + `{{ s | split: "" | size }}`,
		"escape":                 long + `{{ s | replace: "0", "<" | newline_to_br | url_encode | url_encode | url_encode | url_encode }}`,
		"escape every second":    long + `{% assign s = s | replace: "1", "<" %}{{ s | escape | append: s | escape | append: s | escape | append: s | escape }}`,
		"times":                  `{% assign n = 9223372036854775807 %}{% for i in (1..1000000000) %}{% assign n = n | times: n %}{% endfor %}`,
		"many long values":       long + assigns(1000),
		"compare":                wide + `{% for i in (1..1000000) %}{% if a == a %}{% endif %}{% endfor %}`,
		"compare long texts":     long + `{% for i in (1..100000000) %}{% if s contains "x" %}{% endif %}{% endfor %}`,
		"sort":                   wide + `{% for i in (1..1000000) %}{% assign b = a | sort %}{% endfor %}`,
		"uniq":                   wide + `{% for i in (1..1000000) %}{% assign b = a | uniq %}{% endfor %}`,
		"uniq of long texts":     wide + long + `{% assign b = s | append: "," | append: s | split: "," %}{% for i in (1..10) %}{% assign b = b | concat: b %}{% endfor %}{{ b | uniq | size }}{{ b | json }}`,
		"sort of long texts":     long + `{% assign b = s | slice: 0, 400000 | append: "," | append: s | slice: 0, 900000 | split: "," %}{% for i in (1..14) %}{% assign b = b | concat: b %}{% endfor %}{{ b | sort | first | size }}{% for i in (1..1000000) %}{% if b contains "x" %}{% endif %}{% endfor %}`,
		"array of arrays":        `{% assign a = "a" | split: "," %}{% for i in (1..30) %}{% assign a = a | map: "x" | concat: a %}{% endfor %}`,
		"cycle":                  `{% for i in (1..1000000000) %}{% cycle "0123456789", "0123456789" %}{% endfor %}`,
		"date":                   `{% for i in (1..1000000000) %}{{ "now" | date: "%99d%99d%99d%99d%99d%99d" }}{% endfor %}`,
		"date width":             `{{ "now" | date: "%1048576d%1048576d%1048576d" }}`,
		"date zero width":        `{{ "now" | date: "%01000000d" }}`,
		"slice":                  wide + `{% for i in (1..1000000000) %}{% assign b = a | slice: 0, 100000 %}{% endfor %}`,
		"truncate":               long + `{% for i in (1..1000000000) %}{{ s | truncate: 1 }}{% endfor %}`,
		"strip_html":             long + `{% assign s = s | replace: "0", "<" %}{% for i in (1..1000000000) %}{% assign t = s | strip_html %}{% endfor %}`,
		"strip_html of scripts":  bulkText("<script>") + `{{ s | strip_html | size }}` + forever,
		"strip_html of styles":   bulkText("<style>") + `{{ s | strip_html | size }}` + forever,
		"strip_html of comments": bulkText("<!--") + `{{ s | strip_html | size }}` + forever,
		"strip_html of all":      bulkText("<!--<style <script") + `{{ s | strip_html | size }}` + forever,
		"sort_natural":           wide + long + `{% assign b = s | append: "," | append: s | split: "," %}{% for i in (1..10) %}{% assign b = b | concat: b %}{% endfor %}{{ b | sort_natural | size }}` + forever,
		"uniq of one long text":  long + `{% assign b = s | append: "x," | append: s | split: "," %}{% for i in (1..14) %}{% assign b = b | concat: b %}{% endfor %}{{ b | uniq | size }}` + forever,
		"where of long texts":    long + `{% assign t = s | append: "" %}{% assign b = s | append: "," | append: s | split: "," %}{% for i in (1..14) %}{% assign b = b | concat: b %}{% endfor %}{% for i in (1..1000) %}{% assign c = b | where: nil, t %}{% endfor %}`,
		"blank texts":            long + `{% assign s = s | replace: "0", " " | replace: "1", " " | replace: "2", " " | replace: "3", " " | replace: "4", " " %}{% for i in (1..10000000) %}{% if s == blank %}{% endif %}{% endfor %}`,
		"size of long texts":     long + `{% for i in (1..10000000) %}{% if s.size == 1 %}{% endif %}{% endfor %}`,
		"dates of long texts":    long + `{% for i in (1..10000000) %}{% assign d = s | date: "%Y" %}{% endfor %}`,
		"numbers of long texts":  long + `{% for i in (1..10000000) %}{% assign d = s | plus: s %}{% endfor %}`,
		"deep blocks":            strings.Repeat(`{% if true %}`, 10000) + strings.Repeat(`{% endif %}`, 10000),
		"deep parentheses":       `{{ ` + strings.Repeat(`(`, 100000) + `1` + strings.Repeat(`)`, 100000) + ` }}`,
		"long path":              `{{ a` + strings.Repeat(`.a`, 100000) + ` }}`,
		"many filters":           `{{ "a" ` + strings.Repeat(`| append: "a" `, 10000) + ` }}`,
		"unclosed output":        strings.Repeat(`{{ '`, 60000),
		"unclosed tags":          strings.Repeat(`{% `, 60000),
		"unclosed raw":           strings.Repeat(`{% raw %}`, 20000),
		"dense template":         strings.Repeat(`{{a}}`, 50000) + forever,
		"dense with filters":     strings.Repeat(`{{1|abs}}`, 28000) + forever,
		"dense blocks":           strings.Repeat(`{%for a in a%}{%endfor%}`, 10000) + forever,
		"long expressions":       strings.Repeat(`{{a`+strings.Repeat(`.a`, 2000)+`}}`, 60) + forever,
		"long conditions":        strings.Repeat(`{%if a`+strings.Repeat(` or a`, 800)+`%}{%endif%}`, 60) + forever,
		"path without end":       `{% for i in (1..1000000000) %}{% assign a = a.b %}{% endfor %}{{ a }}`,
		"path of long keys":      long + `{% for i in (1..1000000000) %}{{ user[s][s][s][s][s][s][s][s] }}{% endfor %}`,
		"object sorted":          `{% for i in (1..1000000000) %}{% for p in user.data.object limit: 1 %}{% endfor %}{% endfor %}`,
		"huge template":          strings.Repeat(` `, liquid.MaxTemplate+1),
		"user data printed":      `{% for i in (1..1000000) %}{{ user.data }}{% endfor %}`,
		"user data as text":      `{% for i in (1..1000000) %}{% assign x = user.data.items | append: "x" %}{% endfor %}`,
		"user data in a table":   `{% for a in user.data.items %}{% for b in user.data.items %}{% for c in user.data.items %}{{ a.n }}{% endfor %}{% endfor %}{% endfor %}`,
		"user data compared":     `{{ user.data.items | uniq | size }}{% for a in user.data.items %}{% if user.data.items contains a.n %}{% endif %}{% endfor %}`,
		"user data sorted":       `{% for i in (1..1000) %}{% assign x = user.data.items | sort: "n" %}{% endfor %}`,
	}
}

// bulkText assigns s a megabyte of a text over and over.
func bulkText(s string) string {
	return `{% assign s = "` + s + `" %}{% for i in (1..20) %}{% if s.size < 500000 %}{% assign s = s | append: s %}{% endif %}{% endfor %}`
}

// assigns keeps so many variations of a long text.
func assigns(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(`{% assign v` + strings.Repeat("x", i%50) + string(rune('a'+i/50)) + ` = s | append: "x" %}`)
	}
	return b.String()
}

// bulk is a user whose data are as large as they may be.
func bulk() map[string]any {
	items := make([]any, 20000)
	for i := range items {
		items[i] = map[string]any{"n": strings.Repeat("x", i%10)}
	}
	object := map[string]any{}
	for i := range 20000 {
		object[strconv.Itoa(i)] = true
	}
	return map[string]any{"user": map[string]any{"data": map[string]any{"items": items, "object": object}}}
}

// grace is how much longer than it may a render takes at the most: it looks at the clock for each 64 KB that it handles.
func grace() time.Duration {
	if raceDetector {
		return time.Second
	}
	return 200 * time.Millisecond
}

// TestBombs takes a fifth of the time that a render may take, so as to be done soon.
func TestBombs(t *testing.T) {
	vars := bulk()
	for name, template := range bombs() {
		t.Run(name, func(t *testing.T) {
			const budget = liquid.DefaultTime / 5
			r := engine.New(vars, liquid.Options{Now: now, Time: budget})
			took, heap, err := measure(func() error {
				_, err := r.Render(template, liquid.HTML)
				return err
			})
			t.Logf("%v, %d MB: %v", took.Round(time.Millisecond), heap>>20, err)
			if took > budget+grace() || heap > 64<<20 {
				t.Errorf("took %v and %d MB; want at most %v and 64 MB", took, heap>>20, budget+grace())
			}
			if e, ok := errors.AsType[*liquid.Error](err); !ok {
				t.Errorf("got %v, want an *Error", err)
			} else if len(e.Error()) > 500 {
				t.Errorf("the error is %d bytes long", len(e.Error()))
			}
		})
	}
}

// measure returns how long work takes, and by how many bytes the heap was larger than before at its largest, as seen
// every 5 ms. The time is that of the processors if it is less than what the clock says, as others may use them too.
func measure(work func() error) (took time.Duration, heap uint64, err error) {
	runtime.GC()
	var before, m runtime.MemStats
	runtime.ReadMemStats(&before)
	done := make(chan struct{})
	start, used := time.Now(), processorTime()
	go func() {
		defer close(done)
		err = work()
		took = min(time.Since(start), processorTime()-used)
	}()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		runtime.ReadMemStats(&m)
		if m.HeapAlloc > before.HeapAlloc {
			heap = max(heap, m.HeapAlloc-before.HeapAlloc)
		}
		select {
		case <-done:
			return took, heap, err
		case <-tick.C:
		}
	}
}

// processorTime returns how long processors have worked for this process.
func processorTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// TestFiltersAreLinear applies every filter to large texts of the kinds that cost a careless one the most.
func TestFiltersAreLinear(t *testing.T) {
	const size = 400 << 10
	for _, piece := range []string{"<script>", "<!--", "<", "&", "&#1", "%4", " ", "\n", "É", "9", "a,", "\xff"} {
		text := strings.Repeat(piece, size/len(piece))
		list := make([]any, 20000)
		for i := range list {
			list[i] = text[:min(len(text), i%17)]
		}
		vars := map[string]any{"s": text, "l": list, "p": piece}
		for _, name := range engine.Filters() {
			for _, form := range []string{"s | %: p, 'x'", "s | %: p", "s | %: s", "s | %: 1", "s | %: s, 'x'", "s | %", "l | %", "l | %: p", "l | %: nil, s"} {
				template := "{% assign x = " + strings.ReplaceAll(form, "%", name) + " %}"
				took := renderTime(vars, template)
				for again := 0; took > grace() && again < 2; again++ { // others may have been at work
					took = min(took, renderTime(vars, template))
				}
				if took > grace() {
					t.Errorf("%q, %s takes %v, want at most %v", piece, template, took, grace())
				}
			}
		}
	}
}

// renderTime returns how long a template takes.
func renderTime(vars map[string]any, template string) time.Duration {
	start, used := time.Now(), processorTime()
	_, _ = engine.New(vars, liquid.Options{Now: now}).Render(template, liquid.HTML) // many do not fit, which is right
	return min(time.Since(start), processorTime()-used)
}

// TestBudgetIsShared proves that many parts cost no more than one.
func TestBudgetIsShared(t *testing.T) {
	r := engine.New(nil, liquid.Options{Time: 50 * time.Millisecond})
	start := time.Now()
	for range 20 {
		if _, err := r.Render(`{% for i in (1..1000000000) %}{% endfor %}`, liquid.Text); !errors.Is(err, liquid.ErrTooSlow) {
			t.Fatalf("got %v, want ErrTooSlow", err)
		}
	}
	if took := time.Since(start); took > time.Second {
		t.Errorf("20 parts took %v, want about 50ms", took)
	}
	r = engine.New(nil, liquid.Options{})
	var err error
	for range 3 {
		_, err = r.Render(strings.Repeat("x", 200<<10)+strings.Repeat("{{ 'x' }}", 1), liquid.Text)
		if err != nil {
			t.Fatal(err)
		}
	}
	for range 3 {
		_, err = r.Render(strings.Repeat("x", 200<<10), liquid.Text)
	}
	if !errors.Is(err, liquid.ErrTooLarge) {
		t.Errorf("got %v, want ErrTooLarge after 1 MB", err)
	}
}
