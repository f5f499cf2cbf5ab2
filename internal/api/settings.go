package api

import (
	"context"
	"encoding/json"
	"net/http"
	"strconv"

	"lunogram-users/internal/project"
	"lunogram-users/internal/user"
)

// settingsChange is a PATCH of a project's settings.
type settingsChange struct {
	projectID string
	body      object
}

// decodeSettings reads a change of settings. What is absent stays; null takes a setting back to its default. A name that is
// none of a setting is refused.
func decodeSettings(r *http.Request) (settingsChange, error) {
	b := &badRequest{}
	o, err := decodeBody(r, b)
	if err != nil {
		return settingsChange{}, err
	}
	for name := range o.fields {
		if !isSetting(name) {
			b.body(o.at(name), "is not the name of a setting")
		}
	}
	return settingsChange{projectOf(r.Context()), o}, b.err()
}

// isSetting reports whether there is a setting of the name. A name that is misspelt must not pass for a change: the project
// would go on mailing people who did not opt in.
func isSetting(name string) bool {
	var s project.Settings
	return settingTexts(&s)[name] != nil || settingSwitches(&s)[name] != nil || settingNumbers(&s)[name] != nil
}

// settings reads the settings of the project, never from the cache.
func (s *service) settings(ctx context.Context, projectID string) (settingsView, error) {
	p, err := s.consent.Project(ctx, projectID)
	return viewSettings(p.Settings), err
}

// patchSettings changes the settings of the project. Functions that cached them see the change within a minute.
func (s *service) patchSettings(ctx context.Context, in settingsChange) (settingsView, error) {
	after, err := s.consent.ChangeSettings(ctx, in.projectID, func(old project.Settings) (project.Settings, error) {
		return readSettings(in.body, old)
	})
	return viewSettings(after), err
}

// readSettings returns the settings as the body changes them.
func readSettings(o object, s project.Settings) (project.Settings, error) {
	o.bad = &badRequest{}
	old := s
	for name, field := range settingTexts(&s) {
		if o.has(name) {
			*field = o.textOr(name, "")
		}
	}
	for name, field := range settingSwitches(&s) {
		if o.has(name) {
			value := o.truth(name)
			*field = value != nil && *value
		}
	}
	for name, field := range settingNumbers(&s) {
		if o.has(name) {
			*field = o.small(name)
		}
	}
	for _, f := range s.Succeed(old) {
		o.bad.body(user.Pointer("", f.Field), f.Detail)
	}
	return s, o.bad.err()
}

// settingTexts names the settings that are texts on the wire, and where each is.
func settingTexts(s *project.Settings) map[string]*string {
	return map[string]*string{
		"region": &s.Region, "brand": &s.Brand, "color": &s.Color, "locale": &s.Locale,
		"stop_text": &s.StopText, "start_text": &s.StartText, "help_text": &s.HelpText,
	}
}

// settingSwitches names the settings that are on or off on the wire, and where each is.
func settingSwitches(s *project.Settings) map[string]*bool {
	return map[string]*bool{
		"no_undo": &s.NoUndo, "require_opt_in": &s.RequireOptIn,
		"keep_address": &s.KeepAddress, "keep_user_agent": &s.KeepUserAgent,
	}
}

// settingNumbers names the settings that are small numbers on the wire, and where each is.
func settingNumbers(s *project.Settings) map[string]*uint8 {
	return map[string]*uint8{"link_key": &s.LinkKey, "oldest_link_key": &s.OldestLinkKey}
}

// small returns a whole number from 0 to 255; 0 when it is null.
func (o object) small(name string) uint8 {
	if o.fields[name] == nil {
		return 0
	}
	number, _ := o.fields[name].(json.Number)
	n, err := strconv.ParseUint(string(number), 10, 8)
	if err != nil {
		o.bad.body(o.at(name), "must be a whole number from 0 to 255")
	}
	return uint8(n)
}

// settingsView is the settings of a project on the wire.
type settingsView struct {
	Region        string `json:"region"`
	NoUndo        bool   `json:"no_undo"`
	RequireOptIn  bool   `json:"require_opt_in"`
	Brand         string `json:"brand"`
	Color         string `json:"color"`
	Locale        string `json:"locale"`
	StopText      string `json:"stop_text"`
	StartText     string `json:"start_text"`
	HelpText      string `json:"help_text"`
	KeepAddress   bool   `json:"keep_address"`
	KeepUserAgent bool   `json:"keep_user_agent"`
	LinkKey       uint8  `json:"link_key"`
	OldestLinkKey uint8  `json:"oldest_link_key"`
}

func viewSettings(s project.Settings) settingsView { return settingsView(s) }

// decodeProject reads a request that says nothing but whose project it is about.
func decodeProject(r *http.Request) (string, error) { return projectOf(r.Context()), nil }
