package sam

import (
	"fmt"
	"strings"

	"gopkg.in/yaml.v3"
)

// Grant lets a function call the actions on the resources: a statement of its policies. Nothing else is allowed to it, but for
// what SAM adds so that events come to it.
type Grant struct {
	Actions   []string // such as dynamodb:GetItem, without wildcards
	Resources []string // ARNs; one may have one *, which stands for any text
}

// statement is a statement of a policy. What would change its meaning is named in order to be refused.
type statement struct {
	Effect      string     `yaml:"Effect"`
	Action      stringList `yaml:"Action"`
	Resource    stringList `yaml:"Resource"`
	NotAction   yaml.Node  `yaml:"NotAction"`
	NotResource yaml.Node  `yaml:"NotResource"`
	Condition   yaml.Node  `yaml:"Condition"`
}

// readPolicies reads the Policies of a function, whose intrinsic functions are resolved already.
// Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements.html
func readPolicies(n *yaml.Node) ([]Grant, error) {
	if n.Kind == 0 {
		return nil, nil
	}
	var policies []struct {
		Statement []statement `yaml:"Statement"`
	}
	if err := n.Decode(&policies); err != nil {
		return nil, fmt.Errorf("the local cloud knows lists of policies with statements only: %w", err)
	}
	var grants []Grant
	for _, p := range policies {
		if len(p.Statement) == 0 {
			return nil, fmt.Errorf("the local cloud knows policies with statements only")
		}
		for _, s := range p.Statement {
			if err := s.check(); err != nil {
				return nil, err
			}
			grants = append(grants, Grant{s.Action, s.Resource})
		}
	}
	return grants, nil
}

// check refuses what Grant does not express.
func (s statement) check() error {
	if s.Effect != "Allow" || s.NotAction.Kind != 0 || s.NotResource.Kind != 0 || s.Condition.Kind != 0 {
		return fmt.Errorf("the local cloud knows statements that allow actions on resources without a condition")
	}
	for _, action := range s.Action {
		if strings.ContainsAny(action, "*?") {
			return fmt.Errorf("the action %s has a wildcard, which is not supported", action)
		}
	}
	for _, resource := range s.Resource {
		if strings.Count(resource, "*") > 1 || strings.Contains(resource, "?") {
			return fmt.Errorf("the resource %s has more wildcards than one *", resource)
		}
	}
	return nil
}
