package permission

import (
	"encoding/json"
	"net/http"
	"regexp"
	"strings"
)

// DynamoDB is Amazon DynamoDB.
var DynamoDB = Service{needs: dynamoDBNeeds, body: true, refuse: refuseJSON}

// request is what is read of a request to DynamoDB.
type request struct {
	TableName     string
	IndexName     string
	Statement     string
	RequestItems  map[string]json.RawMessage
	Statements    []struct{ Statement string }
	TransactItems []map[string]struct{ TableName string } // of PartiQL the parts are in TransactStatements
	TransactText  []struct{ Statement string }            `json:"TransactStatements"`
}

// parts is what a part of a transaction is, as an operation of its own.
// Source: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis-iam.html
var parts = map[string]string{
	"Get": "GetItem", "Put": "PutItem", "Update": "UpdateItem", "Delete": "DeleteItem", "ConditionCheck": "ConditionCheckItem",
}

func dynamoDBNeeds(r *http.Request, body []byte) []Need {
	var in request
	if json.Unmarshal(body, &in) != nil {
		return []Need{{"dynamodb:?", ""}}
	}
	switch name := operation(r); name {
	case "TransactWriteItems", "TransactGetItems":
		return in.transaction()
	case "ExecuteStatement", "BatchExecuteStatement", "ExecuteTransaction":
		return in.partiQL()
	case "BatchGetItem", "BatchWriteItem":
		var needs []Need
		for table := range in.RequestItems {
			needs = append(needs, onTable(name, table, ""))
		}
		return needs
	default:
		return []Need{onTable(name, in.TableName, in.IndexName)}
	}
}

// onTable is an operation on a table, or on an index of it.
func onTable(operation, table, index string) Need {
	resource := arn("dynamodb", "table/"+table)
	if index != "" {
		resource += "/index/" + index
	}
	return Need{"dynamodb:" + operation, resource}
}

func (in request) transaction() []Need {
	var needs []Need
	for _, item := range in.TransactItems {
		for kind, part := range item {
			needs = append(needs, onTable(parts[kind], part.TableName, ""))
		}
	}
	return needs
}

// partiQL finds the kind of a statement, its table, and its index if it has one. Both are in double quotes.
// Source: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ql-iam.html
var partiQL = regexp.MustCompile(`(?is)^\s*(?:(INSERT)\s+INTO|(UPDATE)|(DELETE)\s+FROM|(SELECT)\s.*?\sFROM)\s+"([^"]+)"(?:\."([^"]+)")?`)

var kinds = map[string]string{"INSERT": "PartiQLInsert", "UPDATE": "PartiQLUpdate", "DELETE": "PartiQLDelete", "SELECT": "PartiQLSelect"}

func (in request) partiQL() []Need {
	var needs []Need
	add := func(statement string) {
		m := partiQL.FindStringSubmatch(statement)
		if m == nil {
			m = make([]string, 7) // an action that nobody is granted
		}
		needs = append(needs, onTable(kinds[strings.ToUpper(m[1]+m[2]+m[3]+m[4])], m[5], m[6]))
	}
	if in.Statement != "" {
		add(in.Statement)
	}
	for _, s := range append(in.Statements, in.TransactText...) {
		add(s.Statement)
	}
	return needs
}
