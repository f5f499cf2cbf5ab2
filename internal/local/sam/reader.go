package sam

import (
	"errors"
	"fmt"
	"reflect"
	"strings"

	"gopkg.in/yaml.v3"
)

// document is the top level of a template.
type document struct {
	Parameters map[string]parameter `yaml:"Parameters"`
	Globals    struct {
		Function yaml.Node `yaml:"Function"`
		HTTPAPI  yaml.Node `yaml:"HttpApi"`
	} `yaml:"Globals"`
	Resources yaml.Node `yaml:"Resources"`
}

type parameter struct {
	Default *string `yaml:"Default"`
}

// resource is one entry of Resources.
type resource struct {
	id         string
	line       int
	Type       string    `yaml:"Type"`
	Properties yaml.Node `yaml:"Properties"`
}

// reader turns a document into a Template.
type reader struct {
	document  document
	options   Options
	resources []*resource
	byID      map[string]*resource
	naming    map[string]bool // resources whose names are being resolved, to find cycles
	streamed  map[string]bool // tables whose stream is referred to
	template  *Template
}

func newReader(d document, o Options) (*reader, error) {
	r := &reader{
		document: d, options: o, byID: map[string]*resource{}, naming: map[string]bool{}, streamed: map[string]bool{},
		template: &Template{},
	}
	if d.Resources.Kind != yaml.MappingNode {
		return nil, errors.New("the template has no Resources")
	}
	for key, value := range pairs(&d.Resources) {
		res := &resource{id: key.Value, line: key.Line}
		if err := value.Decode(res); err != nil {
			return nil, res.wrap(err)
		}
		r.resources = append(r.resources, res)
		r.byID[res.id] = res
	}
	return r, nil
}

// wrap says which resource an error is about.
func (res *resource) wrap(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("resource %s (line %d): %w", res.id, res.line, err)
}

// read reads what others refer to first.
func (r *reader) read() (*Template, error) {
	passes := []map[string]func(*resource) error{
		{
			"AWS::DynamoDB::Table":          r.readTable,
			"AWS::S3::Bucket":               r.readBucket,
			"AWS::SNS::Topic":               r.readTopic,
			"AWS::SQS::Queue":               r.readQueue,
			"AWS::Events::EventBus":         r.readBus,
			"AWS::Scheduler::ScheduleGroup": r.readGroup,
		},
		{"AWS::SQS::Queue": r.readRedrive},
		{
			"AWS::Serverless::HttpApi":  r.readAPI,
			"AWS::Serverless::Function": r.readFunction,
		},
	}
	for _, pass := range passes {
		for _, res := range r.resources {
			if read := pass[res.Type]; read != nil {
				if err := res.wrap(read(res)); err != nil {
					return nil, err
				}
			}
		}
	}
	r.dropStreams()
	return r.template, r.checkNames()
}

// dropStreams takes the streams that no function refers to out of the tables, once all functions are read. A function
// that is triggered by one refers to it.
func (r *reader) dropStreams() {
	for _, t := range r.template.Tables {
		if !r.streamed[t.LogicalID] {
			delete(t.Properties, "StreamSpecification")
		}
	}
}

// checkNames refuses two functions of one folder: the second would run the first one's binary.
func (r *reader) checkNames() error {
	seen := map[string]string{}
	for _, f := range r.template.Functions {
		if other, ok := seen[f.Name]; ok {
			return r.byID[f.LogicalID].wrap(fmt.Errorf("CodeUri is that of %s", other))
		}
		seen[f.Name] = f.LogicalID
	}
	return nil
}

// decode resolves those keys of a mapping that T has fields for, and decodes them. Keys that T does not have are
// not looked at, so that they may hold what is not understood here.
func decode[T any](r *reader, n *yaml.Node) (T, error) {
	var v T
	if n.Kind == 0 {
		return v, nil
	}
	if n.Kind != yaml.MappingNode {
		return v, fmt.Errorf("line %d: want a mapping", n.Line)
	}
	known := map[string]bool{}
	for field := range reflect.TypeFor[T]().Fields() {
		name, _, _ := strings.Cut(field.Tag.Get("yaml"), ",")
		known[name] = true
	}
	wanted := &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map", Line: n.Line}
	for key, value := range pairs(n) {
		if !known[key.Value] {
			continue
		}
		resolved, err := r.resolve(value)
		if err != nil {
			return v, fmt.Errorf("%s: %w", key.Value, err)
		}
		wanted.Content = append(wanted.Content, key, resolved)
	}
	return v, wanted.Decode(&v)
}

// pairs yields the keys and values of a mapping, in order.
func pairs(n *yaml.Node) func(yield func(key, value *yaml.Node) bool) {
	return func(yield func(key, value *yaml.Node) bool) {
		if n.Kind != yaml.MappingNode {
			return
		}
		for i := 0; i+1 < len(n.Content); i += 2 {
			if !yield(n.Content[i], n.Content[i+1]) {
				return
			}
		}
	}
}

// merge lays the properties of a resource over the globals as SAM does: mappings are merged, lists are joined,
// anything else is replaced.
// Source: https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-specification-template-anatomy-globals.html
func merge(global, own *yaml.Node) *yaml.Node {
	switch {
	case global.Kind == 0:
		return own
	case own.Kind == 0:
		return global
	case global.Kind == yaml.SequenceNode && own.Kind == yaml.SequenceNode:
		joined := *own
		joined.Content = append(append([]*yaml.Node{}, global.Content...), own.Content...)
		return &joined
	case global.Kind != yaml.MappingNode || own.Kind != yaml.MappingNode || isIntrinsic(global) || isIntrinsic(own):
		return own
	}
	merged := *own
	merged.Content = nil
	position := map[string]int{}
	for _, n := range []*yaml.Node{global, own} {
		for key, value := range pairs(n) {
			if at, ok := position[key.Value]; ok {
				merged.Content[at+1] = merge(merged.Content[at+1], value)
				continue
			}
			position[key.Value] = len(merged.Content)
			merged.Content = append(merged.Content, key, value)
		}
	}
	return &merged
}

// stringList accepts one string or a list of them.
type stringList []string

// UnmarshalYAML implements yaml.Unmarshaler.
func (l *stringList) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind == yaml.ScalarNode {
		*l = stringList{n.Value}
		return nil
	}
	return n.Decode((*[]string)(l))
}
