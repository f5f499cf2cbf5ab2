package page

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"net/http"
	"strings"
	"unicode"
	"unicode/utf8"

	"lunogram-users/internal/project"
)

//go:embed page.html style.css
var files embed.FS

// The pages, by the names of their templates in page.html and of the texts that are their titles.
const (
	preferencesPage  = "preferences"
	unsubscribePage  = "unsubscribe"
	unsubscribedPage = "unsubscribed"
	brokenPage       = "broken"
	foreignPage      = "foreign"
	failedPage       = "failed"
)

// view is what a template shows.
type view struct {
	texts
	Title string // name of a text; render sets it
	Brand string // as recipients know it; "" if the project is not known
	Style template.CSS

	Channels []channel // of the preferences
	Group    string    // of the unsubscribe page; "" if its name is not for recipients
	outcome
}

// outcome is what came of a request; the zero value says nothing.
type outcome struct {
	Failed  string // name of the text that says why nothing was saved
	Stopped bool   // everything was stopped
	Saved   bool
	Changed []row // of what was saved, the groups whose state was set
}

// title returns the name of the text that is the title of a page. It is what a screen reader says first.
func (o outcome) title(page string) string {
	switch {
	case o.Failed != "":
		return "failed"
	case o.Stopped:
		return "stopped"
	case o.Saved:
		return "saved"
	}
	return page
}

// newView returns a view in the colours of the project; the zero project has no brand.
func newView(t texts, p project.Project) view {
	brand := p.Settings.Brand
	if brand == "" {
		brand = p.Name
	}
	return view{texts: t, Brand: brand, Style: style(parseColor(p.Settings.Color))}
}

// Initial returns the first letter of the brand.
func (v view) Initial() string {
	first, _ := utf8.DecodeRuneInString(v.Brand)
	return string(unicode.ToUpper(first))
}

// style returns the style sheet in a brand's colour, by day and by night. Whatever the colour is, text in it and on it
// is readable.
func style(brand color) template.CSS {
	sheet, err := files.ReadFile("style.css")
	if err != nil {
		panic(err) // the file is part of the program
	}
	var b strings.Builder
	fmt.Fprintf(&b, ":root{color-scheme:light dark;--brand:%s;--on-brand:%s;", brand, textOn(brand))
	fmt.Fprintf(&b, "--accent:%s;--paper:%s;--behind:#f5f6f7;--ink:%s;--soft:#565c66;--line:#e4e6ea;--control:#7b828d}\n",
		brand.towards(ink, white), white, ink)
	fmt.Fprintf(&b, "@media (prefers-color-scheme:dark){:root{--accent:%s;--paper:%s;--behind:#14161a;--ink:#eef0f3;--soft:#b3bac5;"+
		"--line:#343943;--control:#8b93a0}}\n", brand.towards(white, night), night)
	b.Write(sheet)
	return template.CSS(b.String())
}

// render answers with a page. It is complete before any of it is sent.
func (h *handler) render(w http.ResponseWriter, status int, name string, v view) {
	v.Title = v.title(name)
	var page bytes.Buffer
	if err := h.templates.ExecuteTemplate(&page, name, v); err != nil {
		panic(err) // a test renders every page
	}
	secure(w.Header(), v.Style)
	w.WriteHeader(status)
	_, _ = w.Write(page.Bytes()) // fails only when the reader has gone
}

// secure sets the headers of a page. It runs no scripts, loads nothing, is shown in no frame, and sends forms to itself
// only; its one style sheet is known by its hash. Its address, which is a credential, is told to nobody.
func secure(header http.Header, style template.CSS) {
	sum := sha256.Sum256([]byte(style))
	header.Set("Content-Security-Policy", "default-src 'none'; style-src 'sha256-"+base64.StdEncoding.EncodeToString(sum[:])+
		"'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
	header.Set("Content-Type", "text/html; charset=utf-8")
	header.Set("Referrer-Policy", "no-referrer")
	header.Set("X-Robots-Tag", "noindex, nofollow")
	header.Set("Cache-Control", "no-store")
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Cross-Origin-Opener-Policy", "same-origin")
}
