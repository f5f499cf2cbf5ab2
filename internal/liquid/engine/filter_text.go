package engine

import (
	"html"
	"net/url"
	"strings"
	"unicode"

	"lunogram-users/internal/liquid"
)

func appendText(c *call) any { return c.text(0, "") + c.text(1, "") }
func prepend(c *call) any    { return c.text(1, "") + c.text(0, "") }
func upcase(c *call) any     { return strings.ToUpper(c.text(0, "")) }
func downcase(c *call) any   { return strings.ToLower(c.text(0, "")) }
func strip(c *call) any      { return strings.TrimSpace(c.text(0, "")) }
func lstrip(c *call) any     { return strings.TrimLeftFunc(c.text(0, ""), unicode.IsSpace) }
func rstrip(c *call) any     { return strings.TrimRightFunc(c.text(0, ""), unicode.IsSpace) }
func urlEncode(c *call) any  { return url.QueryEscape(c.text(0, "")) }

func stripNewlines(c *call) any {
	return strings.NewReplacer("\r", "", "\n", "").Replace(c.text(0, ""))
}

func capitalize(c *call) any {
	s := c.text(0, "")
	for i := range s {
		if i > 0 {
			return strings.ToUpper(s[:i]) + strings.ToLower(s[i:])
		}
	}
	return strings.ToUpper(s)
}

// replace returns the filter that replaces, or with one argument removes, a text so many times.
func replace(times int) func(*call) any {
	return func(c *call) any {
		s, old, by := c.text(0, ""), c.text(1, ""), c.text(2, "")
		n := strings.Count(s, old)
		if times >= 0 {
			n = min(n, times)
		}
		if len(s)+n*(len(by)-len(old)) > liquid.MaxOutput {
			tooLarge("a text would be larger than 1 MB")
		}
		return strings.Replace(s, old, by, times)
	}
}

func replaceLast(c *call) any {
	s, old := c.text(0, ""), c.text(1, "")
	i := strings.LastIndex(s, old)
	if i < 0 {
		return s
	}
	return s[:i] + c.text(2, "") + s[i+len(old):]
}

// escape writes markup characters as references. In HTML that is what becomes of every value, once.
func escape(c *call) any {
	if c.run.escape == liquid.HTML && c.args[0].safe {
		return c.args[0]
	}
	return c.markup(html.EscapeString(c.text(0, "")))
}

func escapeOnce(c *call) any { return c.markup(html.EscapeString(html.UnescapeString(c.text(0, "")))) }

// newlineToBreak puts <br /> before the ends of lines. In HTML the text around it is escaped here, as it cannot be later.
func newlineToBreak(c *call) any {
	s := c.text(0, "")
	if c.run.escape == liquid.HTML && !c.args[0].safe {
		s = html.EscapeString(s)
	}
	n := strings.Count(s, "\n")
	if len(s)+n*len("<br />") > liquid.MaxOutput {
		tooLarge("a text would be larger than 1 MB")
	}
	return c.markup(strings.ReplaceAll(s, "\n", "<br />\n"))
}

// markup returns text that is escaped as HTML, which is enough if HTML is what is rendered.
func (c *call) markup(s string) *value {
	return &value{run: c.run, v: s, safe: c.run.escape == liquid.HTML}
}

func urlDecode(c *call) any {
	s := c.text(0, "")
	if decoded, err := url.QueryUnescape(s); err == nil {
		return decoded
	}
	return s
}

func truncate(c *call) any {
	s, more := []rune(c.text(0, "")), c.text(2, "...")
	n := max(c.int(1, 50), 0)
	if len(s) <= n {
		return string(s)
	}
	return string(s[:max(n-len([]rune(more)), 0)]) + more
}

func truncateWords(c *call) any {
	s := c.text(0, "")
	n := max(c.int(1, 15), 1)
	words := strings.Fields(s)
	if len(words) <= n {
		return s
	}
	return strings.Join(words[:n], " ") + c.text(2, "...")
}

// handleize makes a text that may stand in an address: lower-case letters and digits, with dashes for all else.
func handleize(c *call) any {
	words := strings.FieldsFunc(strings.ToLower(c.text(0, "")), func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < '0' || r > '9')
	})
	return strings.Join(words, "-")
}

func pluralize(c *call) any {
	if c.number(0).f == 1 {
		return c.args[1]
	}
	return c.args[2]
}

// split cuts a text; empty texts at the end are left out.
func split(c *call) any {
	s, sep := c.text(0, ""), c.text(1, "")
	if s == "" {
		return []any{}
	}
	c.room(strings.Count(s, sep))
	parts := strings.Split(s, sep)
	if sep == " " {
		parts = strings.Fields(s)
	}
	for len(parts) > 0 && parts[len(parts)-1] == "" {
		parts = parts[:len(parts)-1]
	}
	list := make([]any, len(parts))
	for i, part := range parts {
		list[i] = part
	}
	return list
}
