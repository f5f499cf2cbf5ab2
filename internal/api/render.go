package api

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"

	"lunogram-users/internal/liquid"
	"lunogram-users/internal/user"
)

// maxParts is how many templates one request may hold.
const maxParts = 20

// renderRequest asks for the parts of a message to one user.
type renderRequest struct {
	to      recipient
	parts   []part
	journey map[string]any
}

// part is one template of a message.
type part struct {
	name, template string
	escape         liquid.Escape
	pointer        string // of the template in the request
}

// decodeRender reads {parts or template and escape, user_id or identifier, subscription_id, journey}. A misspelt member is
// a fault: without its escape, markup in a name would come out as markup.
func (s *service) decodeRender(r *http.Request) (renderRequest, error) {
	o, err := decodeBody(r, &badRequest{})
	if err != nil {
		return renderRequest{}, err
	}
	o.only("parts", "template", "escape", "user_id", "identifier", "subscription_id", "journey")
	in := renderRequest{parts: readParts(o), journey: o.object("journey")}
	in.to, err = s.readRecipient(r, o)
	return in, err
}

// readParts reads the named parts, or the only one, whose name is template.
func readParts(o object) []part {
	if o.fields["parts"] == nil {
		return []part{readPart(o, "template")}
	}
	for _, name := range []string{"template", "escape"} {
		if o.has(name) {
			o.bad.body(o.at(name), "must be left out where there are parts")
		}
	}
	all := o.member("parts")
	if n := len(all.fields); n == 0 || n > maxParts {
		o.bad.body(o.at("parts"), fmt.Sprintf("must hold 1 to %d parts", maxParts))
		return nil
	}
	var parts []part
	for _, name := range slices.Sorted(maps.Keys(all.fields)) {
		one := all.member(name)
		one.only("template", "escape")
		parts = append(parts, readPart(one, name))
	}
	return parts
}

// readPart reads one template. How its values are escaped is HTML unless it says otherwise, which is always safe.
func readPart(o object, name string) part {
	p := part{name: name, pointer: o.at("template"), template: o.word("template")}
	p.escape = liquid.Escape(o.textOr("escape", string(liquid.HTML)))
	if o.fields["template"] == nil {
		o.bad.body(p.pointer, "is needed")
	}
	if !slices.Contains([]liquid.Escape{liquid.HTML, liquid.Text, liquid.JSON}, p.escape) {
		o.bad.body(o.at("escape"), "must be html, text or json")
	}
	return p
}

// render renders the parts for the user as the user is now.
func (s *service) render(ctx context.Context, in renderRequest) (renderView, error) {
	u, err := s.addressee(ctx, in.to)
	if err != nil {
		return renderView{}, err
	}
	in.to.userID = u.ID
	links, err := s.linksOf(ctx, in.to)
	if err != nil {
		return renderView{}, err
	}
	vars := s.variables(u, in.journey)
	vars["preferences_url"] = links.PreferencesURL
	if links.UnsubscribeURL != nil {
		vars["unsubscribe_url"] = *links.UnsubscribeURL
	}
	v := renderView{linksView: links}
	v.Parts, v.Missing, err = renderParts(s.templates(vars, liquid.Options{Now: s.now()}), in.parts)
	if _, large := encode(v); err == nil && large != nil { // it is the template that makes so much, so the fault is not ours
		err = &badRequest{detail: "the rendered parts do not fit into an answer"}
	}
	return v, err
}

// addressee reads the user, and checks that the group exists.
func (s *service) addressee(ctx context.Context, to recipient) (user.User, error) {
	if err := s.checkGroup(ctx, to); err != nil {
		return user.User{}, err
	}
	id := to.userID
	if len(to.pairs) > 0 {
		owner, err := s.recipients.Owner(ctx, to.projectID, to.pairs)
		if err != nil {
			return user.User{}, err
		}
		id = owner
	}
	return s.recipients.User(ctx, to.projectID, id)
}

// renderParts renders the parts with one budget for all of them. It returns all that is wrong with them as one *badRequest.
func renderParts(r liquid.Renderer, parts []part) (texts map[string]string, missing []string, err error) {
	b := &badRequest{}
	texts = map[string]string{}
	for _, p := range parts {
		texts[p.name], err = r.Render(p.template, p.escape)
		if err == nil {
			continue
		}
		b.body(p.pointer, err.Error())
		if spent(err) {
			break
		}
	}
	return texts, orNone(r.Missing()), b.err()
}

// spent reports whether nothing is left of the budget, so that further templates fail too, whatever they say.
func spent(err error) bool {
	return errors.Is(err, liquid.ErrTooSlow) || errors.Is(err, liquid.ErrTooLarge)
}

// orNone shows no paths as [], not as null.
func orNone(paths []string) []string { return append([]string{}, paths...) }

// renderView is a rendered message with the links of its recipient.
type renderView struct {
	linksView
	Parts   map[string]string `json:"parts"`
	Missing []string          `json:"missing"`
}
