package engine

import "strings"

// markups are what strip_html takes away: each begins with its first text and ends with the next of its second. Of two that
// begin at the same place the first counts. Both are in lower case.
var markups = [...]struct{ open, end string }{
	{"<script", "</script>"}, {"<style", "</style>"}, {"<!--", "-->"}, {"<", ">"},
}

// stripHTML takes tags and comments away, and scripts and styles with what is in them. What does not end stays. It looks
// for an end once more only if the last one was found, so that its time grows with the text and no faster.
func stripHTML(c *call) any {
	s := c.text(0, "")
	var out strings.Builder
	m := stripper{lower: lowerASCII(s)}
	for at := 0; at < len(s); {
		next := strings.IndexByte(s[at:], '<')
		if next < 0 {
			out.WriteString(s[at:])
			break
		}
		out.WriteString(s[at : at+next])
		at += next
		c.work(next)
		end := m.end(at)
		c.work(end - at)
		if end == at { // this one begins nothing
			out.WriteByte('<')
			end++
		}
		at = end
	}
	return out.String()
}

// stripper finds markup.
type stripper struct {
	lower   string // the text, with the letters of ASCII in lower case
	endless [len(markups)]bool
}

// end returns where the markup ends that begins at a place, or the place if none does.
func (m *stripper) end(at int) int {
	for i, markup := range markups {
		inner, begins := strings.CutPrefix(m.lower[at:], markup.open)
		if !begins || m.endless[i] {
			continue
		}
		if n := strings.Index(inner, markup.end); n >= 0 {
			return at + len(markup.open) + n + len(markup.end)
		}
		m.endless[i] = true
	}
	return at
}

// lowerASCII returns the text, as long as it was, with the letters A to Z in lower case.
func lowerASCII(s string) string {
	out := []byte(s)
	for i, c := range out {
		if 'A' <= c && c <= 'Z' {
			out[i] = c + 'a' - 'A'
		}
	}
	return string(out)
}
