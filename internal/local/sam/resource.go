package sam

import (
	"fmt"
	"time"

	"gopkg.in/yaml.v3"
)

func (r *reader) readTable(res *resource) error {
	name, err := r.physicalName(res)
	if err != nil {
		return err
	}
	// The shape of the keys and indexes, and the stream; the rest (backups, tags, …) means nothing here.
	properties, err := decode[struct {
		AttributeDefinitions   []any          `yaml:"AttributeDefinitions"`
		KeySchema              []any          `yaml:"KeySchema"`
		GlobalSecondaryIndexes []any          `yaml:"GlobalSecondaryIndexes"`
		LocalSecondaryIndexes  []any          `yaml:"LocalSecondaryIndexes"`
		BillingMode            string         `yaml:"BillingMode"`
		ProvisionedThroughput  map[string]any `yaml:"ProvisionedThroughput"`
		StreamSpecification    map[string]any `yaml:"StreamSpecification"`
	}](r, &res.Properties)
	if err != nil {
		return err
	}
	t := &Table{LogicalID: res.id, Name: name, Properties: map[string]any{
		"AttributeDefinitions": properties.AttributeDefinitions,
		"KeySchema":            properties.KeySchema,
	}}
	if properties.GlobalSecondaryIndexes != nil {
		t.Properties["GlobalSecondaryIndexes"] = properties.GlobalSecondaryIndexes
	}
	if properties.LocalSecondaryIndexes != nil {
		t.Properties["LocalSecondaryIndexes"] = properties.LocalSecondaryIndexes
	}
	if properties.BillingMode != "" {
		t.Properties["BillingMode"] = properties.BillingMode
	}
	if properties.ProvisionedThroughput != nil {
		t.Properties["ProvisionedThroughput"] = properties.ProvisionedThroughput
	}
	if properties.StreamSpecification != nil {
		t.Properties["StreamSpecification"] = properties.StreamSpecification
	}
	r.template.Tables = append(r.template.Tables, t)
	return nil
}

func (r *reader) readBucket(res *resource) error {
	properties, err := decode[struct {
		CORS struct {
			Rules []corsRule `yaml:"CorsRules"`
		} `yaml:"CorsConfiguration"`
	}](r, &res.Properties)
	if err != nil {
		return err
	}
	b := &Bucket{LogicalID: res.id}
	for _, rule := range properties.CORS.Rules {
		b.CORS = append(b.CORS, CORS{
			Origins: rule.Origins, Methods: rule.Methods, Headers: rule.Headers, Expose: rule.Expose, MaxAge: rule.MaxAge,
		})
	}
	b.Name, err = r.physicalName(res)
	r.template.Buckets = append(r.template.Buckets, b)
	return err
}

// corsRule is a rule of a bucket's CorsConfiguration.
type corsRule struct {
	Origins []string `yaml:"AllowedOrigins"`
	Methods []string `yaml:"AllowedMethods"`
	Headers []string `yaml:"AllowedHeaders"`
	Expose  []string `yaml:"ExposedHeaders"`
	MaxAge  int      `yaml:"MaxAge"`
}

func (r *reader) readTopic(res *resource) error {
	name, err := r.physicalName(res)
	if err != nil {
		return err
	}
	arn, err := r.attribute(res.id, "TopicArn")
	r.template.Topics = append(r.template.Topics, &Topic{LogicalID: res.id, Name: name, ARN: arn})
	return err
}

func (r *reader) readBus(res *resource) error {
	name, err := r.physicalName(res)
	if err != nil {
		return err
	}
	arn, err := r.attribute(res.id, "Arn")
	r.template.Buses = append(r.template.Buses, &Bus{LogicalID: res.id, Name: name, ARN: arn})
	return err
}

func (r *reader) readGroup(res *resource) error {
	name, err := r.physicalName(res)
	r.template.Groups = append(r.template.Groups, name)
	return err
}

func (r *reader) readQueue(res *resource) error {
	properties, err := decode[struct {
		FIFO       bool `yaml:"FifoQueue"`
		Visibility *int `yaml:"VisibilityTimeout"`
		Delay      int  `yaml:"DelaySeconds"`
	}](r, &res.Properties)
	if err != nil {
		return err
	}
	if properties.FIFO {
		return fmt.Errorf("a FIFO queue is not supported")
	}
	q := &Queue{LogicalID: res.id, Visibility: 30 * time.Second, Delay: seconds(properties.Delay)}
	if properties.Visibility != nil {
		q.Visibility = seconds(*properties.Visibility)
	}
	if q.Name, err = r.physicalName(res); err != nil {
		return err
	}
	if q.ARN, err = r.attribute(res.id, "Arn"); err != nil {
		return err
	}
	q.URL, err = r.attribute(res.id, "QueueUrl")
	r.template.Queues = append(r.template.Queues, q)
	return err
}

func seconds(n int) time.Duration { return time.Duration(n) * time.Second }

// readRedrive connects a queue with its dead-letter queue, once all are known.
func (r *reader) readRedrive(res *resource) error {
	properties, err := decode[struct {
		Redrive *struct {
			Target     string `yaml:"deadLetterTargetArn"`
			MaxReceive int    `yaml:"maxReceiveCount"`
		} `yaml:"RedrivePolicy"`
	}](r, &res.Properties)
	if err != nil || properties.Redrive == nil {
		return err
	}
	target, err := r.queue(properties.Redrive.Target)
	if err != nil {
		return fmt.Errorf("RedrivePolicy: %w", err)
	}
	if properties.Redrive.MaxReceive < 1 {
		return fmt.Errorf("RedrivePolicy: maxReceiveCount must be at least 1")
	}
	for _, q := range r.template.Queues {
		if q.LogicalID == res.id {
			q.DeadLetter, q.MaxReceive = target, properties.Redrive.MaxReceive
		}
	}
	return nil
}

// queue, topic and bucket return the resource of this template that a resolved reference means.
func (r *reader) queue(arn string) (*Queue, error) {
	for _, q := range r.template.Queues {
		if q.ARN == arn {
			return q, nil
		}
	}
	return nil, fmt.Errorf("%q is not the ARN of a queue of this template", arn)
}

func (r *reader) topic(arn string) (*Topic, error) {
	for _, t := range r.template.Topics {
		if t.ARN == arn {
			return t, nil
		}
	}
	return nil, fmt.Errorf("%q is not the ARN of a topic of this template", arn)
}

func (r *reader) bucket(name string) (*Bucket, error) {
	for _, b := range r.template.Buckets {
		if b.Name == name {
			return b, nil
		}
	}
	return nil, fmt.Errorf("%q is not the name of a bucket of this template", name)
}

func (r *reader) readAPI(res *resource) error {
	properties, err := decode[struct {
		CORS *corsProperty `yaml:"CorsConfiguration"`
	}](r, merge(&r.document.Globals.HTTPAPI, &res.Properties))
	if err != nil || properties.CORS == nil {
		return err
	}
	if r.template.CORS != nil {
		return fmt.Errorf("only one HTTP API may have a CorsConfiguration")
	}
	r.template.CORS = (*CORS)(properties.CORS)
	return nil
}

// corsProperty is a CorsConfiguration: true, one origin, or the whole.
type corsProperty CORS

// UnmarshalYAML implements yaml.Unmarshaler.
func (c *corsProperty) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind == yaml.ScalarNode {
		var all bool
		if n.Decode(&all) == nil {
			if all {
				c.Origins = []string{"*"}
			}
			return nil
		}
		c.Origins = []string{n.Value}
		return nil
	}
	var whole struct {
		Origins     stringList `yaml:"AllowOrigins"`
		Methods     stringList `yaml:"AllowMethods"`
		Headers     stringList `yaml:"AllowHeaders"`
		Expose      stringList `yaml:"ExposeHeaders"`
		MaxAge      int        `yaml:"MaxAge"`
		Credentials bool       `yaml:"AllowCredentials"`
	}
	if err := n.Decode(&whole); err != nil {
		return err
	}
	*c = corsProperty{
		Origins: whole.Origins, Methods: whole.Methods, Headers: whole.Headers, Expose: whole.Expose,
		MaxAge: whole.MaxAge, Credentials: whole.Credentials,
	}
	return nil
}
