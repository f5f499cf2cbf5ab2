package page_test

import (
	"errors"
	"fmt"
	"image"
	"image/color"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"lunogram-users/internal/consent"
	"lunogram-users/internal/moduleroot"
)

// scene is a page as somebody meets it.
type scene struct {
	name    string
	prepare func(*site)
	path    func(*site, testing.TB) string
	click   string // value of the button to press first; "" for none
	says    string // in English
}

func toPreferences(s *site, t testing.TB) string { return s.preferences(t) }
func toUnsubscribe(s *site, t testing.TB) string { return s.unsubscribe(t, news) }
func toNowhere(*site, testing.TB) string         { return "/preferences/cut-sho" }

// scenes are all that the pages can look like.
var scenes = []scene{
	{"preferences", nil, toPreferences, "", "Choose what Northwind may send you."},
	{"suppressed", func(s *site) { s.suppressed[delivery] = true }, toPreferences, "", "Stopped for your phone number."},
	{"no groups", func(s *site) { s.groups = nil }, toPreferences, "", "There is nothing to choose"},
	{"nothing changed", nil, toPreferences, "save", "You changed nothing"},
	{"stopped", nil, toPreferences, "stop", "Everything is stopped"},
	{"not saved", func(s *site) { s.writes = errors.New("down") }, toPreferences, "stop", "That did not work"},
	{"unsubscribe", nil, toUnsubscribe, "", "Do you want to stop getting Weekly news from Northwind?"},
	{"unsubscribed", nil, toUnsubscribe, "unsubscribe", "You are unsubscribed"},
	{"not unsubscribed", func(s *site) { s.writes = errors.New("down") }, toUnsubscribe, "unsubscribe", "That did not work"},
	{"broken link", nil, toNowhere, "", "This link does not work"},
	{"store down", func(s *site) { s.reads = errors.New("down") }, toPreferences, "", "Please try again in a moment."},
}

// play shows a scene in the tab, of a user with the locale in a project of the colour.
func (sc scene) play(b *tab, locale, color string) *site {
	t := b.t
	t.Helper()
	s := newSite(t)
	s.states[offers] = consent.Unsubscribed
	s.user.Locale, s.project.Settings.Color = locale, color
	if locale == "ar" {
		s.project.Settings.Brand = "نورث ويند"
		for i, name := range []string{"أخبار الأسبوع", "العروض", "تنبيهات التوصيل"} {
			s.groups[i].Name = name
		}
		s.groups[0].Description = "كل جديد، صباح كل يوم اثنين."
	}
	if sc.prepare != nil {
		sc.prepare(s)
	}
	b.visit(s.serve(t).URL + sc.path(s, t))
	if sc.click != "" {
		b.loading(func() { b.eval(fmt.Sprintf("document.querySelector('button[value=%s]').click()", sc.click), nil) })
	}
	var text string
	b.eval("document.body.innerText", &text)
	if locale == "en" && !strings.Contains(text, sc.says) {
		t.Errorf("%s: the page does not say %q: %s", sc.name, sc.says, text)
	}
	return s
}

// TestBrowser looks at the pages in headless Chromium.
func TestBrowser(t *testing.T) {
	c := startChromium(t)
	t.Run("Axe", func(t *testing.T) { testAxe(t, c) })
	t.Run("Keyboard", func(t *testing.T) { testKeyboard(t, c) })
	t.Run("Screenshots", func(t *testing.T) { testScreenshots(t, c) })
	t.Run("Widths", func(t *testing.T) { testWidths(t, c) })
}

// testAxe lets axe-core look for barriers on every page, by day and by night, in both directions, and in colours that are
// hard to read on.
func testAxe(t *testing.T, c *chromium) {
	root, err := moduleroot.Dir()
	if err != nil {
		t.Fatal(err)
	}
	found, _ := filepath.Glob(filepath.Join(root, ".tools", "axe-core-*", "axe.min.js"))
	if len(found) == 0 {
		t.Fatal("axe-core is missing in .tools: run make browser")
	}
	axe, err := os.ReadFile(slices.Max(found))
	if err != nil {
		t.Fatal(err)
	}
	looks := []struct {
		on            screen
		locale, color string
	}{
		{desk, "en", "#0f766e"}, {screen{width: 1100, height: 800, dark: true}, "en", "#0f766e"}, {phone, "ar", "#ffd400"},
		{screen{width: 360, height: 740, phone: true, dark: true}, "ar", "#101820"},
	}
	b := c.open(t)
	b.scripts(true) // axe waits by timers
	for _, look := range looks {
		b.on(look.on)
		for _, sc := range scenes {
			sc.play(b, look.locale, look.color)
			b.eval(string(axe), nil)
			var result struct {
				Passes     int
				Violations []string
			}
			b.eval(`axe.run(document, {rules: {"target-size": {enabled: true}}}).then(r => ({passes: r.passes.length,
				violations: r.violations.flatMap(v => v.nodes.map(n => v.id + ": " + n.failureSummary + " " + n.html))}))`, &result)
			if result.Passes < 10 || len(result.Violations) > 0 {
				t.Errorf("%s, %+v: axe passed %d rules and found:\n%s", sc.name, look, result.Passes, strings.Join(result.Violations, "\n"))
			}
		}
	}
}

// testKeyboard changes, saves, stops and unsubscribes without a pointer.
func testKeyboard(t *testing.T, c *chromium) {
	b := c.open(t)
	b.on(desk)
	s := scenes[0].play(b, "en", "")
	focus := func() (at string) {
		t.Helper()
		var f struct {
			At      string
			Visible bool
		}
		b.eval(`(() => { const e = document.activeElement, s = getComputedStyle(e);
			return {at: e.id || e.value || e.tagName, visible: s.outlineStyle != "none" && parseFloat(s.outlineWidth) >= 2} })()`, &f)
		if !f.Visible {
			t.Errorf("the focus on %s cannot be seen", f.At)
		}
		return f.At
	}
	var order []string
	for range 5 {
		b.press("Tab")
		order = append(order, focus())
	}
	if diff := cmp.Diff([]string{news, offers, delivery, "save", "stop"}, order); diff != "" {
		t.Errorf("the focus goes (-want +got):\n%s", diff)
	}
	b.visit(s.serve(t).URL + s.preferences(t))
	b.press("Tab", "Space", "Tab", "Space", "Tab", "Tab")
	b.loading(func() { b.press("Enter") })
	states, _ := s.take()
	want := map[string]consent.State{news: consent.Unsubscribed, offers: consent.Subscribed}
	if diff := cmp.Diff(want, states); diff != "" {
		t.Errorf("saved by keyboard (-want +got):\n%s", diff)
	}
	var status string
	b.eval(`document.querySelector('[role=status]').innerText`, &status)
	if status = strings.ReplaceAll(status, "\n\n", "\n"); status != "Saved\nYou will no longer get Weekly news.\nYou will get Offers." {
		t.Errorf("the status is %q", status)
	}
	b.screenshot("saved")
	b.press("Tab", "Tab", "Tab", "Tab", "Tab")
	b.loading(func() { b.press("Space") })
	if _, ledger := s.take(); len(ledger) != 1 || ledger[0].Group != consent.AllGroups {
		t.Errorf("stopped by keyboard: %v", ledger)
	}
	b.visit(s.serve(t).URL + s.unsubscribe(t, hidden))
	var buttons int
	if b.eval("document.querySelectorAll('button').length", &buttons); buttons != 0 {
		t.Errorf("everything is stopped, but there are %d buttons to leave one group", buttons)
	}

	s = scenes[6].play(b, "en", "")
	b.press("Tab")
	if at := focus(); at != "unsubscribe" {
		t.Errorf("the focus is on %s, want the button", at)
	}
	b.loading(func() { b.press("Enter") })
	if states, _ := s.take(); states[news] != consent.Unsubscribed {
		t.Errorf("left by keyboard, the state is %q", states[news])
	}
}

// box is where an element is, in pixels of the picture, and the colour that its style gives it.
type box struct{ X, Y, W, H int }

func (b box) rect() image.Rectangle { return image.Rect(b.X, b.Y, b.X+b.W, b.Y+b.H) }

// testScreenshots takes pictures and checks in them what readers of either direction expect to see, and where.
func testScreenshots(t *testing.T, c *chromium) {
	b := c.open(t)
	teal, white := color.RGBA{0x0f, 0x76, 0x6e, 0xff}, color.RGBA{0xff, 0xff, 0xff, 0xff}
	for _, look := range []struct {
		name   string
		on     screen
		locale string
	}{{"desk-ltr", desk, "en"}, {"desk-rtl", desk, "ar"}, {"phone-ltr", phone, "en"}, {"phone-rtl", phone, "ar"}} {
		b.on(look.on)
		scenes[0].play(b, look.locale, "#0f766e")
		picture := b.screenshot(look.name)
		boxes := map[string]box{}
		b.eval(`Object.fromEntries([...document.querySelectorAll(".card, .mark, .brand, h1, .lead, legend, label, input[type=checkbox], button")].map((e, i) => {
			const r = e.getBoundingClientRect(); return [(e.id || e.htmlFor && "label " + e.htmlFor || e.value || e.className || e.tagName) , {x: Math.round(r.x), y: Math.round(r.y), w: Math.round(r.width), h: Math.round(r.height)}] }))`, &boxes)
		at := func(name string) box {
			t.Helper()
			found, ok := boxes[name]
			if !ok || !found.rect().In(picture.Bounds()) {
				t.Errorf("%s: %s is at %v, want inside the picture of %v", look.name, name, found, picture.Bounds())
			}
			return found
		}
		// start returns a point that is n pixels into the box, from where reading starts, in the middle of its height.
		rtl := look.locale == "ar"
		start := func(b box, n int) image.Point {
			if rtl {
				return image.Pt(b.X+b.W-n, b.Y+b.H/2)
			}
			return image.Pt(b.X+n, b.Y+b.H/2)
		}
		card := at("card")
		for _, check := range []struct {
			name string
			at   image.Point
			want color.RGBA
		}{
			{"the band above", image.Pt(card.X+card.W/2, card.Y+3), teal},
			{"the card", image.Pt(card.X+card.W/2, card.Y+10), white},
			{"the mark at the start", start(at("mark"), 3), teal},
			{"the button", start(at("save"), 8), teal},
			{"the switch that is on", start(at(news), 8), teal},
			{"the knob at its end", start(at(news), at(news).W-14), white},
			{"the switch that is off", start(at(offers), at(offers).W-8), white},
		} {
			if got := color.RGBAModel.Convert(picture.At(check.at.X, check.at.Y)); got != check.want {
				t.Errorf("%s: %s is %v at %v, want %v", look.name, check.name, got, check.at, check.want)
			}
		}
		if got := picture.Bounds().Dx(); got != look.on.width {
			t.Errorf("%s: the picture is %d wide, want %d", look.name, got, look.on.width)
		}
		if before := start(at("mark"), 0).X < start(at("brand"), 0).X; before == rtl {
			t.Errorf("%s: the mark is on the wrong side of the brand", look.name)
		}
		for _, id := range []string{news, offers, delivery} {
			label, control := at("label "+id), at(id)
			if before := label.X < control.X; before == rtl || label.rect().Overlaps(control.rect()) {
				t.Errorf("%s: the label at %v is on the wrong side of its switch at %v", look.name, label, control)
			}
		}
		for name := range boxes {
			if ink := inked(picture, at(name).rect()); ink == 0 {
				t.Errorf("%s: there is nothing to see of %s", look.name, name)
			}
		}
	}
}

// inked counts the pixels of a part of a picture that are not as its corner.
func inked(picture image.Image, part image.Rectangle) (n int) {
	corner := picture.At(part.Min.X, part.Min.Y)
	for y := part.Min.Y; y < part.Max.Y; y++ {
		for x := part.Min.X; x < part.Max.X; x++ {
			if picture.At(x, y) != corner {
				n++
			}
		}
	}
	return n
}

// testWidths checks that no page is wider than a small screen, whatever it is called (WCAG 2.2, 1.4.10), and keeps a
// picture of each.
func testWidths(t *testing.T, c *chromium) {
	b := c.open(t)
	b.on(screen{width: 320, height: 640, phone: true})
	for _, sc := range scenes {
		for _, locale := range []string{"de", "ar"} {
			prepare := sc.prepare
			sc.prepare = func(s *site) {
				s.project.Settings.Brand = "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft"
				s.groups[1].Name = strings.Repeat("Angebote", 20)
				if prepare != nil {
					prepare(s)
				}
			}
			sc.play(b, locale, "#a21caf")
			var widths struct{ Content, Screen int }
			b.eval("({content: document.scrollingElement.scrollWidth, screen: innerWidth})", &widths)
			if widths.Screen != 320 || widths.Content > 320 {
				t.Errorf("%s in %s: %d pixels wide on a screen of %d", sc.name, locale, widths.Content, widths.Screen)
			}
			b.screenshot(strings.ReplaceAll(sc.name, " ", "-") + "-" + locale)
		}
	}
}
