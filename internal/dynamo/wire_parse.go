package dynamo

import (
	"encoding/base64"
	"encoding/json"
	"strings"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// parseResponses reads the JSON of a BatchGetItem that processed every key; false for anything else, which the SDK is to
// read. The strings it returns share the memory of the body.
func parseResponses(body string) (map[string][]item, bool) {
	if !utf8.ValidString(body) {
		return nil, false // encoding/json would replace what is invalid
	}
	p := parser{s: body}
	var out map[string][]item
	p.object(func(name string) {
		switch name {
		case "Responses":
			out = make(map[string][]item, 1)
			p.object(func(table string) { out[table] = p.items() })
		case "UnprocessedKeys":
			p.object(func(string) { p.bad = true })
		default:
			p.bad = true
		}
	})
	p.space()
	return out, !p.bad && p.at == len(body)
}

// maxItemDepth is how deep a value may nest; DynamoDB allows 32 levels.
const maxItemDepth = 64

// parser reads JSON of a known form. Once bad it stays bad, and what it returns means nothing.
type parser struct {
	s     string
	at    int
	depth int
	bad   bool
}

func (p *parser) space() {
	for p.at < len(p.s) && (p.s[p.at] == ' ' || p.s[p.at] == '\n' || p.s[p.at] == '\t' || p.s[p.at] == '\r') {
		p.at++
	}
}

// skip steps over the byte if it is next, spaces aside.
func (p *parser) skip(c byte) bool {
	p.space()
	if p.at < len(p.s) && p.s[p.at] == c {
		p.at++
		return true
	}
	return false
}

func (p *parser) want(c byte) {
	if !p.skip(c) {
		p.bad = true
	}
}

// object reads an object and calls member with the name of each member, whose value it must read.
func (p *parser) object(member func(name string)) {
	p.want('{')
	if p.skip('}') {
		return
	}
	for !p.bad {
		name := p.string()
		p.want(':')
		if p.bad {
			return
		}
		member(name)
		if !p.skip(',') {
			p.want('}')
			return
		}
	}
}

// array reads an array and calls element to read each element.
func (p *parser) array(element func()) {
	p.want('[')
	if p.skip(']') {
		return
	}
	for !p.bad {
		element()
		if !p.skip(',') {
			p.want(']')
			return
		}
	}
}

func (p *parser) items() []item {
	out := make([]item, 0, maxBatchGet)
	size := 0 // of the item before: the items of a batch are much alike
	p.array(func() {
		m := p.item(size)
		out, size = append(out, m), len(m)
	})
	return out
}

func (p *parser) item(size int) item {
	m := make(item, size)
	p.object(func(name string) { m[name] = p.value() })
	return m
}

// value reads an attribute value: an object of one member, which names the type.
func (p *parser) value() (av types.AttributeValue) {
	p.depth++
	defer func() { p.depth-- }()
	p.want('{')
	kind := p.string()
	p.want(':')
	if p.depth > maxItemDepth {
		p.bad = true
	}
	if p.bad {
		return nil
	}
	switch kind {
	case "S":
		av = str(p.string())
	case "N":
		av = &types.AttributeValueMemberN{Value: p.string()}
	case "M":
		av = &types.AttributeValueMemberM{Value: p.item(0)}
	case "L":
		list := []types.AttributeValue{}
		p.array(func() { list = append(list, p.value()) })
		av = &types.AttributeValueMemberL{Value: list}
	case "BOOL":
		av = &types.AttributeValueMemberBOOL{Value: p.bool()}
	case "NULL":
		av = &types.AttributeValueMemberNULL{Value: p.bool()}
	case "B":
		b, err := base64.StdEncoding.DecodeString(p.string())
		p.bad = p.bad || err != nil
		av = &types.AttributeValueMemberB{Value: b}
	default:
		p.bad = true
	}
	p.want('}')
	return av
}

func (p *parser) bool() bool {
	p.space()
	for text, value := range map[string]bool{"true": true, "false": false} {
		if strings.HasPrefix(p.s[p.at:], text) {
			p.at += len(text)
			return value
		}
	}
	p.bad = true
	return false
}

// string reads a string: part of the body if nothing in it is escaped.
func (p *parser) string() string {
	p.want('"')
	if p.bad {
		return ""
	}
	start, escaped := p.at, false
	for ; p.at < len(p.s); p.at++ {
		switch c := p.s[p.at]; {
		case c == '"':
			raw := p.s[start:p.at]
			p.at++
			if escaped {
				return p.unescape(p.s[start-1 : p.at])
			}
			return raw
		case c == '\\':
			escaped = true
			p.at++
		case c < 0x20:
			p.bad = true
			return ""
		}
	}
	p.bad = true
	return ""
}

func (p *parser) unescape(quoted string) (s string) {
	if json.Unmarshal([]byte(quoted), &s) != nil {
		p.bad = true
	}
	return s
}
