package server

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"

	"github.com/ckpt-lsp/ckpt-lsp/diagnostics"
	"github.com/ckpt-lsp/ckpt-lsp/internal/docs"
	"github.com/ckpt-lsp/ckpt-lsp/internal/project"
	"github.com/ckpt-lsp/ckpt-lsp/internal/text"
)

// section is the part of a client's configuration that is the server's.
const section = "ckpt-lsp"

// settings are what a client chooses for a folder. They go before the configuration files, unless they say otherwise.
type settings struct {
	rules  *diagnostics.Registry // what names of rules mean
	enable bool
	// configuration is the path of a configuration file, or inline what stands in one. preference says whether this and the other choices
	// of rules go before the files of the project.
	configuration string
	inline        map[string]any
	preference    preference
	selected      []diagnostics.Selector
	extended      []diagnostics.Selector
	ignored       []diagnostics.Selector
	severity      map[*diagnostics.Rule]diagnostics.Severity
	torch         diagnostics.TorchVersion
	onSave        bool // findings are renewed when a document is saved, not as it is typed
	codeLens      bool
	inlayHints    bool
	// ruleActions says that what has to do with rules, not with the code, is offered after the fixes.
	ruleActions bool
}

// unset are the settings of a client that chooses nothing.
func unset(rules *diagnostics.Registry) settings {
	return settings{rules: rules, preference: editorFirst, enable: true, codeLens: true, ruleActions: true}
}

func (s settings) equal(t settings) bool { return reflect.DeepEqual(s, t) }

// preference says which of two configurations goes before the other: the editor's or that of the project's files.
type preference string

// Preferences, as ruff's server has them.
const (
	editorFirst     preference = "editorFirst"
	filesystemFirst preference = "filesystemFirst"
	editorOnly      preference = "editorOnly"
)

// overrides are the settings for the folder at root.
func (s settings) overrides(root string) project.Overrides {
	o := project.Overrides{Rules: s.rules, Isolated: s.preference == editorOnly}
	if s.configuration != "" {
		o.ExtraFile = expanded(s.configuration, root)
	}
	if s.preference != filesystemFirst {
		o.Inline.JSON(root, configurationKey, s.inline)
		o.Select, o.ExtendSelect, o.Ignore, o.Severity, o.Torch = s.selected, s.extended, s.ignored, s.severity, s.torch
		return o
	}
	o.ExtraLast = true
	o.Fallback.JSON(root, configurationKey, s.inline)
	o.Fallback.JSON(root, "settings "+section, s.keys())
	return o
}

// keys are the choices of rules under the names that a configuration file has for them.
func (s settings) keys() map[string]any {
	keys := map[string]any{}
	for key, chosen := range map[string][]diagnostics.Selector{"select": s.selected, "extend-select": s.extended, "ignore": s.ignored} {
		var names []any
		for _, selector := range chosen {
			names = append(names, selector.String())
		}
		if names != nil {
			keys[key] = names
		}
	}
	if len(s.severity) > 0 {
		table := map[string]any{}
		for rule, severity := range s.severity {
			table[rule.Code] = severity.String()
		}
		keys["severity"] = table
	}
	if s.torch != (diagnostics.TorchVersion{}) {
		keys["torch-version"] = fmt.Sprintf("%d.%d", s.torch.Major, s.torch.Minor)
	}
	return keys
}

// expanded is a path with the variables of the environment, those that VS Code has for folders, and "~" put in.
func expanded(path, root string) string {
	home, _ := os.UserHomeDir() // without one nothing is put in
	if rest, ok := strings.CutPrefix(path, "~"); ok && (rest == "" || rest[0] == '/' || rest[0] == filepath.Separator) {
		path = home + rest
	}
	return os.Expand(path, func(name string) string {
		switch name {
		case "workspaceFolder":
			return root
		case "userHome":
			return home
		}
		return os.Getenv(strings.TrimPrefix(name, "env:"))
	})
}

// schema is a JSON Schema.
type schema = map[string]any

// option is one setting: its key and schema, and how its value is read.
type option struct {
	key    string
	schema schema
	// rules is the word of the schema that says what names of rules there may be, "" for none.
	rules string
	read  func(s *settings, value json.RawMessage) error
}

var severityNames = []string{"error", "warning", "information", "hint", "off"}

var options = []option{
	{"enable", schema{"type": "boolean", "default": true, "markdownDescription": "Look for mistakes in checkpoints, resume logic, seeds and ranks."}, "",
		boolean(func(s *settings) *bool { return &s.enable })},
	{"configuration", schema{"type": []string{"string", "object"}, "default": "", "markdownDescription": "A configuration for this editor, beside the project's: the path of a `ckpt-lsp.toml` or `pyproject.toml`, or the keys of one as an object: `{\"extend-exclude\": [\"legacy/\"]}`. `~`, `${workspaceFolder}` and variables of the environment are put in."}, "",
		readConfiguration},
	{"configurationPreference", schema{"type": "string", "enum": []string{string(editorFirst), string(filesystemFirst), string(editorOnly)}, "default": string(editorFirst), "markdownDescription": "What counts where the editor's settings and the project's configuration say different things: the editor's (`editorFirst`), the project's (`filesystemFirst`), or the editor's alone, without any file of the project (`editorOnly`)."}, "",
		readPreference},
	{"select", schema{"type": "array", "uniqueItems": true, "default": []string{}, "markdownDescription": "Rules to run instead of those the configuration file selects: codes (`CKP101`), names (`missing-optimizer-state`), families (`CKP1`) or `ALL`."}, "items",
		selectors(func(s *settings) *[]diagnostics.Selector { return &s.selected })},
	{"extendSelect", schema{"type": "array", "uniqueItems": true, "default": []string{}, "markdownDescription": "Rules to run besides those, also where the configuration file ignores them."}, "items",
		selectors(func(s *settings) *[]diagnostics.Selector { return &s.extended })},
	{"ignore", schema{"type": "array", "uniqueItems": true, "default": []string{}, "markdownDescription": "Rules to leave out, besides those the configuration file ignores."}, "items",
		selectors(func(s *settings) *[]diagnostics.Selector { return &s.ignored })},
	{"severity", schema{"type": "object", "additionalProperties": schema{"type": "string", "enum": severityNames}, "default": schema{}, "markdownDescription": "How severe a rule's findings are shown, by rule: `{\"missing-rng-state\": \"warning\"}`. `off` leaves a rule out."}, "propertyNames",
		readSeverity},
	{"torchVersion", schema{"type": "string", "default": "", "markdownDescription": "The oldest PyTorch you support, as `2.4`. By default it is read from the project's configuration or requirements."}, "",
		readTorchVersion},
	{"run", schema{"type": "string", "enum": []string{"onType", "onSave"}, "default": "onType", "markdownDescription": "Renew findings as you type, or when you save."}, "",
		readRun},
	{"codeLens", schema{"type": "boolean", "default": true, "markdownDescription": "Show above each save of a training checkpoint how complete it is, and above each load of a file that exists what it holds."}, "",
		boolean(func(s *settings) *bool { return &s.codeLens })},
	{"inlayHints", schema{"type": "boolean", "default": false, "markdownDescription": "Show after a load what is restored from the checkpoint, and the learning rate that training goes on with."}, "",
		boolean(func(s *settings) *bool { return &s.inlayHints })},
	{"ruleActions", schema{"type": "boolean", "default": true, "markdownDescription": "Offer, after the fixes, to suppress what is reported for a statement and to show the documentation of its rules."}, "",
		boolean(func(s *settings) *bool { return &s.ruleActions })},
}

// clientKeys are settings in the section that are the client's own.
var clientKeys = []string{"path", "logLevel", "trace"}

// SettingsSchema is the JSON Schema of the properties that a client may set in the section "ckpt-lsp", in their order. It names the
// rules, so that editors complete them.
func SettingsSchema(rules *diagnostics.Registry) ([]byte, error) {
	names, meanings := docs.RuleNames(rules)
	var b strings.Builder
	for i, o := range options {
		property := maps.Clone(o.schema)
		if o.rules != "" {
			property[o.rules] = schema{"type": "string", "enum": names, "enumDescriptions": meanings}
		}
		said, err := json.Marshal(property)
		if err != nil {
			return nil, err
		}
		if i > 0 {
			b.WriteString(",")
		}
		fmt.Fprintf(&b, "%q:%s", o.key, said)
	}
	return []byte(`{"type":"object","properties":{` + b.String() + `}}`), nil
}

// readSettings reads what a client sends for the section. Each mistake is told by itself, and the rest holds.
func readSettings(value json.RawMessage, rules *diagnostics.Registry) (s settings, mistakes []error) {
	s = unset(rules)
	if len(value) == 0 || isNull(value) {
		return s, nil
	}
	var values map[string]json.RawMessage
	if err := json.Unmarshal(value, &values); err != nil {
		return s, []error{fmt.Errorf("settings %s: expected an object, as {\"%s\": {\"select\": [\"CKP1\"]}}", section, section)}
	}
	for _, o := range options {
		if v, ok := values[o.key]; ok && !isNull(v) {
			if err := o.read(&s, v); err != nil {
				mistakes = append(mistakes, fmt.Errorf("settings %s.%s: %w", section, o.key, err))
			}
		}
		delete(values, o.key)
	}
	for key := range values {
		if !slices.Contains(clientKeys, key) {
			mistakes = append(mistakes, unknownKey(key))
		}
	}
	slices.SortFunc(mistakes, func(a, b error) int { return strings.Compare(a.Error(), b.Error()) })
	return s, mistakes
}

func unknownKey(key string) error {
	var valid []string
	for _, o := range options {
		valid = append(valid, o.key)
	}
	return fmt.Errorf("settings %s: unknown key %q%s (valid: %s)", section, key, text.DidYouMean(key, valid), strings.Join(valid, ", "))
}

// boolean reads a boolean.
func boolean(of func(*settings) *bool) func(*settings, json.RawMessage) error {
	return func(s *settings, value json.RawMessage) error {
		if json.Unmarshal(value, of(s)) != nil {
			return errors.New("expected true or false")
		}
		return nil
	}
}

// selectors reads a list of rules.
func selectors(of func(*settings) *[]diagnostics.Selector) func(*settings, json.RawMessage) error {
	return func(s *settings, value json.RawMessage) error {
		var refs []string
		if json.Unmarshal(value, &refs) != nil {
			return errors.New(`expected a list of rules, as ["CKP1", "missing-rng-state"]`)
		}
		var errs []error
		for _, ref := range refs {
			selector, err := s.rules.Selector(ref)
			if err != nil {
				errs = append(errs, err)
				continue
			}
			*of(s) = append(*of(s), selector)
		}
		return errors.Join(errs...)
	}
}

func readSeverity(s *settings, value json.RawMessage) error {
	var chosen map[string]string
	if json.Unmarshal(value, &chosen) != nil {
		return errors.New(`expected an object from rules to severities, as {"missing-rng-state": "warning"}`)
	}
	s.severity = map[*diagnostics.Rule]diagnostics.Severity{}
	var errs []error
	for ref, name := range chosen {
		selector, err := s.rules.Selector(ref)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		severity, err := diagnostics.ParseSeverity(name)
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", ref, err))
			continue
		}
		for _, r := range selector.Rules() {
			s.severity[r] = severity
		}
	}
	return errors.Join(errs...)
}

func readTorchVersion(s *settings, value json.RawMessage) error {
	var version string
	err := json.Unmarshal(value, &version)
	if version = strings.TrimSpace(version); version == "" && err == nil {
		return nil
	}
	torch, ok := project.ParseTorchVersion(version)
	if err != nil || !ok {
		return errors.New(`expected a version in quotes, as "2.4"`)
	}
	s.torch = torch
	return nil
}

// configurationKey names the setting in what is told of it.
const configurationKey = "settings " + section + ".configuration"

func readConfiguration(s *settings, value json.RawMessage) error {
	var path string
	if json.Unmarshal(value, &path) == nil {
		s.configuration = strings.TrimSpace(path)
		return nil
	}
	var keys map[string]any
	if json.Unmarshal(value, &keys) != nil {
		return errors.New(`expected the path of a configuration file, or an object with its keys, as {"ignore": ["CKP6"]}`)
	}
	var check project.Inline
	check.JSON("", "", keys)
	if err := check.Check(s.rules); err != nil {
		return err
	}
	s.inline = keys
	return nil
}

func readPreference(s *settings, value json.RawMessage) error {
	var chosen preference
	if json.Unmarshal(value, &chosen) != nil || chosen != editorFirst && chosen != filesystemFirst && chosen != editorOnly {
		return fmt.Errorf("expected %q, %q or %q", editorFirst, filesystemFirst, editorOnly)
	}
	s.preference = chosen
	return nil
}

func readRun(s *settings, value json.RawMessage) error {
	var when string
	if json.Unmarshal(value, &when) != nil || when != "onType" && when != "onSave" {
		return errors.New(`expected "onType" or "onSave"`)
	}
	s.onSave = when == "onSave"
	return nil
}
