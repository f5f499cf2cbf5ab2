package page

import (
	"net/url"
	"slices"

	"lunogram-users/internal/consent"
)

// channel is the groups of one channel on the page.
type channel struct {
	Text string // name of the text that names it
	Rows []row
}

// row is one group on the page, with its switch.
type row struct {
	ID, Name, Description string
	On                    bool   // as the switch stands
	WasOn                 bool   // as it stands in the store, and stood when the page was made
	Suppressed            string // name of the text that says why the switch does nothing; "" if it does
}

// order is the order of the channels.
var order = []consent.Channel{consent.Email, consent.SMS, consent.Push, consent.InApp}

// channels returns the public groups by channel. Switches stand as the user wants them, where that was not saved, so
// that nobody has to choose twice.
func (v visit) channels() []channel {
	var channels []channel
	for _, name := range order {
		c := channel{Text: string(name)}
		for _, s := range v.standings {
			if s.Group.Public && s.Group.Channel == name {
				c.Rows = append(c.Rows, v.row(s))
			}
		}
		if len(c.Rows) > 0 {
			channels = append(channels, c)
		}
	}
	return channels
}

func (v visit) row(s consent.Standing) row {
	on := s.Effective == consent.Subscribed
	r := row{ID: s.Group.ID, Name: s.Group.Name, Description: s.Group.Description, On: on, WasOn: on}
	for _, c := range v.unsaved {
		if c.Group == r.ID {
			r.On = c.State == consent.Subscribed
		}
	}
	if s.Suppressed {
		r.Suppressed = suppressedText(s.Group.Channel)
	}
	return r
}

func suppressedText(c consent.Channel) string {
	if c == consent.Email || c == consent.SMS {
		return "suppressed_" + string(c)
	}
	return "suppressed_other"
}

// chosen returns what a form of the page chooses, and false for any other form.
func (v visit) chosen(form url.Values) ([]consent.Choice, bool) {
	switch form.Get(actionField) {
	case saveAction:
		return v.moved(form), true
	case stopAction:
		return []consent.Choice{{Group: consent.AllGroups, State: consent.Unsubscribed}}, true
	}
	return nil, false
}

// moved returns the choices of the form that saves: the groups whose switches stand otherwise than they did. Groups that the page
// does not show, and switching on what is suppressed, are passed over.
func (v visit) moved(form url.Values) []consent.Choice {
	var choices []consent.Choice
	for _, s := range v.standings {
		id := s.Group.ID
		on, wasOn := slices.Contains(form["on"], id), slices.Contains(form["was_on"], id)
		switch {
		case !s.Group.Public || on == wasOn:
		case on && !s.Suppressed:
			choices = append(choices, consent.Choice{Group: id, State: consent.Subscribed})
		case wasOn:
			choices = append(choices, consent.Choice{Group: id, State: consent.Unsubscribed})
		}
	}
	return choices
}

// after returns the visit with the standings as the choices leave them.
func (v visit) after(choices []consent.Choice) visit {
	v.standings = slices.Clone(v.standings)
	for i := range v.standings {
		s := &v.standings[i]
		for _, c := range choices {
			if c.Group != s.Group.ID && c.Group != consent.AllGroups {
				continue
			}
			s.State = c.State
			if !s.Suppressed {
				s.Effective, s.Source = c.State, consent.FromUser
			}
		}
	}
	return v
}

// outcome says what came of the choices, group by group.
func (v visit) outcome(choices []consent.Choice) outcome {
	o := outcome{Saved: true}
	for _, c := range choices {
		if c.Group == consent.AllGroups {
			return outcome{Stopped: true}
		}
		for _, s := range v.standings {
			if s.Group.ID == c.Group {
				o.Changed = append(o.Changed, row{ID: c.Group, Name: s.Group.Name, On: c.State == consent.Subscribed})
			}
		}
	}
	return o
}
