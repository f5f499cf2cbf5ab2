package sam

import (
	"fmt"

	"gopkg.in/yaml.v3"

	"lunogram-users/internal/local/pattern"
)

// streamProperties is what is read of a DynamoDB event. ParallelizationFactor is not: one batch at a time is in order,
// too. What would change what the function gets is named in order to be refused.
type streamProperties struct {
	Stream    string `yaml:"Stream"`
	Position  string `yaml:"StartingPosition"`
	BatchSize int    `yaml:"BatchSize"`
	Window    int    `yaml:"MaximumBatchingWindowInSeconds"`
	Filter    struct {
		Filters []struct {
			Pattern yaml.Node `yaml:"Pattern"`
		} `yaml:"Filters"`
	} `yaml:"FilterCriteria"`
	Responses   []string    `yaml:"FunctionResponseTypes"`
	Bisect      bool        `yaml:"BisectBatchOnFunctionError"`
	Retries     *int        `yaml:"MaximumRetryAttempts"`
	MaxAge      int         `yaml:"MaximumRecordAgeInSeconds"`
	Destination destination `yaml:"DestinationConfig"`
	Tumbling    int         `yaml:"TumblingWindowInSeconds"`
}

// readStreamEvent reads a DynamoDB event.
// Source: https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-property-function-dynamodb.html
func (r *reader) readStreamEvent(f *Function, n *yaml.Node) error {
	p, err := decode[streamProperties](r, n)
	if err != nil {
		return err
	}
	if p.Tumbling != 0 {
		return fmt.Errorf("TumblingWindowInSeconds is not supported")
	}
	trigger := StreamTrigger{
		ARN: p.Stream, BatchSize: p.BatchSize, Window: seconds(p.Window), Bisect: p.Bisect, Retries: -1,
		MaxAge: seconds(max(p.MaxAge, 0)), // -1 is for any
	}
	if trigger.BatchSize == 0 {
		trigger.BatchSize = 100
	}
	if p.Retries != nil {
		trigger.Retries = *p.Retries
	}
	if trigger.Table, err = r.streamTable(p.Stream); err != nil {
		return err
	}
	if trigger.FromStart, err = fromStart(p.Position); err != nil {
		return err
	}
	if trigger.PartialFailure, err = partialFailure(p.Responses); err != nil {
		return err
	}
	for _, filter := range p.Filter.Filters {
		parsed, err := pattern.Parse(filter.Pattern.Value)
		if err != nil {
			return fmt.Errorf("FilterCriteria: line %d: %w", filter.Pattern.Line, err)
		}
		trigger.Filters = append(trigger.Filters, parsed)
	}
	if trigger.OnFailure, err = r.onFailure(p.Destination); err != nil {
		return fmt.Errorf("DestinationConfig: %w", err)
	}
	f.Streams = append(f.Streams, trigger)
	return nil
}

// fromStart reads a StartingPosition.
func fromStart(position string) (bool, error) {
	switch position {
	case "TRIM_HORIZON", "LATEST":
		return position == "TRIM_HORIZON", nil
	default:
		return false, fmt.Errorf("StartingPosition is TRIM_HORIZON or LATEST, not %q", position)
	}
}

// streamTable returns the table whose stream a resolved reference means.
func (r *reader) streamTable(arn string) (*Table, error) {
	for _, t := range r.template.Tables {
		table, err := r.attribute(t.LogicalID, "Arn")
		if err != nil {
			return nil, err
		}
		if _, ok := t.Properties["StreamSpecification"]; ok && table+streamSuffix == arn {
			return t, nil
		}
	}
	return nil, fmt.Errorf("%q is not the ARN of the stream of a table of this template", arn)
}
