package dynamo

import (
	"strconv"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"lunogram-users/internal/user"
)

// fields returns the attributes of a profile, the same as encode, at a fraction of what reflection costs: an import
// writes thousands a second.
func (p profileItem) fields() []attribute {
	f := make(fieldList, 0, 20)
	f.text("pk", p.PK)
	f.text("sk", p.SK)
	f.text("id", p.ID)
	f.optional("list_pk", p.ListPK)
	f.optional("email_pk", p.EmailPK)
	f.optional("email_key", p.EmailKey)
	f.optional("phone_pk", p.PhonePK)
	f.add("identifiers", identifierFields(p.Identifiers))
	f.optional("email", p.Email)
	f.optional("phone", p.Phone)
	f.optional("timezone", p.Timezone)
	f.optional("locale", p.Locale)
	f.add("data", mapValue(p.Data))
	f.add("subscriptions", subscriptionFields(p.Subscriptions))
	if p.LedgerLines > 0 {
		f.add("ledger_lines", number(p.LedgerLines))
	}
	f.optional("ledger_head", p.LedgerHead)
	f.add("version", number(p.Version))
	f.add("created_at", number(int64(p.CreatedAt)))
	f.add("updated_at", number(int64(p.UpdatedAt)))
	f.optional("write_id", p.WriteID)
	f.mark("mark", p.Mark)
	return f
}

type fieldList []attribute

func (f *fieldList) add(name string, value types.AttributeValue) {
	*f = append(*f, attribute{name, value})
}

func (f *fieldList) text(name, value string) { f.add(name, str(value)) }

func (f *fieldList) optional(name, value string) {
	if value != "" {
		f.text(name, value)
	}
}

func (f *fieldList) mark(name string, value []byte) {
	if len(value) > 0 {
		f.add(name, &types.AttributeValueMemberB{Value: value})
	}
}

func identifierFields(ids map[string]identifierItem) types.AttributeValue {
	m := make(item, len(ids))
	for name, id := range ids {
		m[name] = &types.AttributeValueMemberM{Value: item{
			"id": str(id.ID), "metadata": mapValue(id.Metadata),
			"created_at": number(int64(id.CreatedAt)), "updated_at": number(int64(id.UpdatedAt)),
		}}
	}
	return &types.AttributeValueMemberM{Value: m}
}

func subscriptionFields(subscriptions map[string]subscriptionItem) types.AttributeValue {
	m := make(item, len(subscriptions))
	for group, s := range subscriptions {
		fields := item{"state": str(string(s.State)), "how": str(string(s.How)), "at": number(int64(s.At))}
		if s.Prior != "" {
			fields["prior"] = str(string(s.Prior))
		}
		m[group] = &types.AttributeValueMemberM{Value: fields}
	}
	return &types.AttributeValueMemberM{Value: m}
}

// mapValue is toValue of an object that was checked already.
func mapValue(o object) types.AttributeValue { return mustValue(map[string]any(o)) }

// mustValue is toValue of a value that was checked already.
func mustValue(v any) types.AttributeValue {
	av, err := toValue(v)
	if err != nil {
		panic(err) // Normalize lets no other values through, and the table holds none
	}
	return av
}

func number(n int64) types.AttributeValue {
	return &types.AttributeValueMemberN{Value: strconv.FormatInt(n, 10)}
}

// text returns the value of a string attribute, "" for any other.
func text(av types.AttributeValue) string {
	s, _ := av.(*types.AttributeValueMemberS)
	if s == nil {
		return ""
	}
	return s.Value
}

// narrow reports whether one statement can write a decision: a change of one profile, by keys that may stand in a
// path and none of which goes away.
func narrow(d *user.Decision) bool {
	if touchesOthers(&d.Steps[0]) || len(d.Patch.RemoveData) > 0 {
		return false
	}
	for _, sent := range d.Identifiers {
		if len(sent.Metadata) > 0 {
			return false
		}
	}
	for _, field := range []*string{d.Patch.Email, d.Patch.Phone, d.Patch.Timezone, d.Patch.Locale} {
		if field != nil && *field == "" {
			return false
		}
	}
	length := statementOverhead
	for _, m := range []map[string]any{d.Patch.Data, d.Patch.MergeData} {
		for k := range m {
			length += len(k) + pathOverhead
			if !plainName(k) {
				return false
			}
		}
	}
	return length <= maxStatement && len(d.Patch.Data)+len(d.Patch.MergeData) <= maxPaths
}

const (
	// statementOverhead is the most that an update takes besides its data: the longest name of a table is 255 characters.
	statementOverhead = 800
	pathOverhead      = len(`"data"."" = ?, `)
)

// changedFields returns what a narrow decision sets, by quoted path.
func changedFields(d *user.Decision) []attribute {
	u := &d.Steps[0].After
	p := profileHead(u)
	f := make(fieldList, 0, 10+len(d.Patch.Data))
	f.add(`"version"`, number(p.Version))
	f.add(`"updated_at"`, number(int64(p.UpdatedAt)))
	f.mark(`"mark"`, p.Mark)
	if d.Patch.Email != nil {
		f.text(`"email"`, p.Email)
		f.text(`"email_pk"`, p.EmailPK)
		f.text(`"email_key"`, p.EmailKey)
	}
	if d.Patch.Phone != nil {
		f.text(`"phone"`, p.Phone)
		f.text(`"phone_pk"`, p.PhonePK)
	}
	if d.Patch.Timezone != nil {
		f.text(`"timezone"`, p.Timezone)
	}
	if d.Patch.Locale != nil {
		f.text(`"locale"`, p.Locale)
	}
	for _, m := range []map[string]any{d.Patch.Data, d.Patch.MergeData} {
		for k := range m {
			f.add(`"data"."`+k+`"`, mustValue(u.Data[k]))
		}
	}
	return f
}
