package page

import (
	"math"
	"testing"
)

func TestParseColor(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"#0b57d0": "#0b57d0", "#FFF": "#ffffff", "#1aF": "#11aaff",
		"": plain.String(), "red": plain.String(), "#12345": plain.String(), "#1234567": plain.String(), "0b57d0": plain.String(),
		"#ff0000}body{": plain.String(), "url(x)": plain.String(), "#ffffff\n": plain.String(),
	} {
		if got := parseColor(text).String(); got != want {
			t.Errorf("%q is %s, want %s", text, got, want)
		}
	}
}

// TestContrast checks ratios that are known (WCAG 2.2, relative luminance).
func TestContrast(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		a, b string
		want float64
	}{{"#fff", "#000", 21}, {"#777777", "#fff", 4.48}, {"#767676", "#fff", 4.54}, {"#f00", "#fff", 4.00}, {"#0b57d0", "#0b57d0", 1}} {
		if got := contrast(parseColor(test.a), parseColor(test.b)); math.Abs(got-test.want) > 0.01 {
			t.Errorf("the contrast of %s and %s is %.2f, want %.2f", test.a, test.b, got, test.want)
		}
	}
}

// TestEveryColorIsReadable walks through the colours that a project may have.
func TestEveryColorIsReadable(t *testing.T) {
	t.Parallel()
	for r := 0; r < 256; r += 15 {
		for g := 0; g < 256; g += 15 {
			for b := 0; b < 256; b += 15 {
				c := color{uint8(r), uint8(g), uint8(b)}
				for what, ratio := range map[string]float64{
					"text on it":          contrast(textOn(c), c),
					"its accent by day":   contrast(c.towards(ink, white), white),
					"its accent by night": contrast(c.towards(white, night), night),
				} {
					if ratio < readable {
						t.Fatalf("%s: the contrast of %s is %.2f, want %.1f", c, what, ratio, readable)
					}
				}
			}
		}
	}
}
