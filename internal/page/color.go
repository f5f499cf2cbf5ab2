package page

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
)

// readable is the least contrast between text and what is behind it (WCAG 2.2, 1.4.3, level AA).
const readable = 4.5

// color is one of sRGB.
type color struct{ r, g, b uint8 }

var (
	white = color{0xff, 0xff, 0xff}
	black = color{}
	ink   = color{0x16, 0x18, 0x1d} // the text of the pages
	night = color{0x1d, 0x20, 0x26} // what is behind it for those who like it dark
	// plain is the colour of projects that chose none.
	plain = color{0x33, 0x4e, 0x68}
)

var hex = regexp.MustCompile(`^#([0-9a-fA-F]{6}|[0-9a-fA-F]{3})$`)

// parseColor returns the colour in CSS's hexadecimal form, or plain for any other text.
func parseColor(s string) color {
	if !hex.MatchString(s) {
		return plain
	}
	if len(s) == 4 {
		s = string([]byte{'#', s[1], s[1], s[2], s[2], s[3], s[3]})
	}
	n, _ := strconv.ParseUint(s[1:], 16, 32) // the pattern holds digits only
	return color{uint8(n >> 16), uint8(n >> 8), uint8(n)}
}

// String returns the colour as CSS has it.
func (c color) String() string { return fmt.Sprintf("#%02x%02x%02x", c.r, c.g, c.b) }

// luminance is the relative luminance of WCAG 2.2, from 0 to 1.
func (c color) luminance() float64 {
	channel := func(v uint8) float64 {
		s := float64(v) / 255
		if s <= 0.04045 {
			return s / 12.92
		}
		return math.Pow((s+0.055)/1.055, 2.4)
	}
	return 0.2126*channel(c.r) + 0.7152*channel(c.g) + 0.0722*channel(c.b)
}

// contrast is the contrast ratio of WCAG 2.2, from 1 to 21.
func contrast(a, b color) float64 {
	x, y := a.luminance(), b.luminance()
	return (max(x, y) + 0.05) / (min(x, y) + 0.05)
}

// textOn returns a text colour that is readable on c: white, or black where that is not (one of them always is).
func textOn(c color) color {
	if contrast(white, c) >= readable {
		return white
	}
	return black
}

// towards returns c, moved towards the other colour just as far as it takes to be readable on the background.
func (c color) towards(other, background color) color {
	const steps = 32
	for i := range steps {
		if m := c.mix(other, float64(i)/steps); contrast(m, background) >= readable {
			return m
		}
	}
	return other
}

// mix returns the colour that is a part of the way, from 0 to 1, to the other.
func (c color) mix(other color, part float64) color {
	blend := func(a, b uint8) uint8 { return uint8(math.Round(float64(a) + (float64(b)-float64(a))*part)) }
	return color{blend(c.r, other.r), blend(c.g, other.g), blend(c.b, other.b)}
}
