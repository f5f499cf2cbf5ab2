package page_test

import (
	"bytes"
	"encoding/json"
	"image"
	"image/png"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// tab is a page in the browser. Its methods fail the test.
type tab struct {
	t       *testing.T
	browser *chromium
	session string
}

// screen is how a tab is looked at.
type screen struct {
	width, height int
	phone, dark   bool
}

var (
	desk  = screen{width: 1100, height: 800}
	phone = screen{width: 360, height: 740, phone: true}
)

type parameters map[string]any

// open opens a tab. Its pages run no script of their own.
func (c *chromium) open(t *testing.T) *tab {
	t.Helper()
	b := &tab{t: t, browser: c}
	target := b.call("Target.createTarget", parameters{"url": "about:blank"})
	b.session = b.call("Target.attachToTarget", parameters{"targetId": target["targetId"], "flatten": true})["sessionId"].(string)
	b.call("Page.enable", nil)
	b.call("Emulation.setFocusEmulationEnabled", parameters{"enabled": true})
	b.scripts(false)
	t.Cleanup(func() { _, _ = c.call("", "Target.closeTarget", parameters{"targetId": target["targetId"]}) })
	return b
}

// scripts lets pages run scripts, or not.
func (b *tab) scripts(run bool) {
	b.t.Helper()
	b.call("Emulation.setScriptExecutionDisabled", parameters{"value": !run})
}

// on looks at pages on another screen.
func (b *tab) on(s screen) {
	b.t.Helper()
	b.call("Emulation.setDeviceMetricsOverride", parameters{"width": s.width, "height": s.height, "deviceScaleFactor": 1, "mobile": s.phone})
	scheme := "light"
	if s.dark {
		scheme = "dark"
	}
	b.call("Emulation.setEmulatedMedia", parameters{"features": []parameters{
		{"name": "prefers-color-scheme", "value": scheme}, {"name": "prefers-reduced-motion", "value": "reduce"},
	}})
}

func (b *tab) call(method string, params any) map[string]any {
	b.t.Helper()
	result, err := b.browser.call(b.session, method, params)
	if err != nil {
		b.t.Fatal(err)
	}
	var m map[string]any
	if err := json.Unmarshal(result, &m); err != nil {
		b.t.Fatal(err)
	}
	return m
}

// visit loads an address.
func (b *tab) visit(url string) {
	b.t.Helper()
	b.loading(func() { b.call("Page.navigate", parameters{"url": url}) })
}

// loading does what leads to another page, and waits for it.
func (b *tab) loading(do func()) {
	b.t.Helper()
	loaded := b.browser.expect(b.session, "Page.loadEventFired")
	do()
	select {
	case <-loaded:
	case <-time.After(time.Minute):
		b.t.Fatal("the page did not load within a minute")
	}
}

// press presses and releases keys.
func (b *tab) press(keys ...string) {
	b.t.Helper()
	codes := map[string]parameters{
		"Tab":   {"key": "Tab", "code": "Tab", "windowsVirtualKeyCode": 9},
		"Enter": {"key": "Enter", "code": "Enter", "windowsVirtualKeyCode": 13, "text": "\r"},
		"Space": {"key": " ", "code": "Space", "windowsVirtualKeyCode": 32, "text": " "},
	}
	for _, key := range keys {
		for _, kind := range []string{"keyDown", "keyUp"} {
			p := parameters{"type": kind}
			for name, value := range codes[key] {
				if kind == "keyDown" || name != "text" {
					p[name] = value
				}
			}
			b.call("Input.dispatchKeyEvent", p)
		}
	}
}

// eval evaluates JavaScript in the page, as its developer tools do, and decodes the value into out.
func (b *tab) eval(script string, out any) {
	b.t.Helper()
	result := b.call("Runtime.evaluate", parameters{"expression": script, "awaitPromise": true, "returnByValue": true})
	if e := result["exceptionDetails"]; e != nil {
		b.t.Fatalf("evaluate: %v", e)
	}
	if out == nil {
		return
	}
	value, err := json.Marshal(result["result"].(map[string]any)["value"])
	if err == nil {
		err = json.Unmarshal(value, out)
	}
	if err != nil {
		b.t.Fatalf("evaluate: %v", err)
	}
}

// screenshot returns a picture of the whole page and keeps it among the artifacts of the test.
func (b *tab) screenshot(name string) image.Image {
	b.t.Helper()
	result, err := b.browser.call(b.session, "Page.captureScreenshot", parameters{"format": "png", "captureBeyondViewport": true})
	var picture struct{ Data []byte }
	if err == nil {
		err = json.Unmarshal(result, &picture)
	}
	if err == nil {
		err = os.WriteFile(filepath.Join(b.t.ArtifactDir(), name+".png"), picture.Data, 0o644)
	}
	if err != nil {
		b.t.Fatal(err)
	}
	img, err := png.Decode(bytes.NewReader(picture.Data))
	if err != nil {
		b.t.Fatal(err)
	}
	return img
}
