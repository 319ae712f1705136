package project

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/agnivade/levenshtein"

	"github.com/ckpt-lsp/ckpt-lsp/diagnostics"
	"github.com/ckpt-lsp/ckpt-lsp/internal/text"
)

// Config is what one configuration file says; the zero Config is what holds without one.
type Config struct {
	// Path is the file, empty without one. Patterns are relative to its directory.
	Path string
	// Selection holds select, ignore and severity.
	diagnostics.Selection
	// Torch is torch-version, or the lowest version that the project's dependencies allow.
	Torch diagnostics.TorchVersion
	// MinSeverity and FailOn are for the command line: from which severity on findings are shown, and from which on they make
	// the run fail. They are Off where nothing is said.
	MinSeverity, FailOn diagnostics.Severity
	// Fixable and Unfixable say which findings have fixes.
	Fixable, Unfixable []diagnostics.Selector
	// ForceExclude leaves excluded files out that are given by name.
	ForceExclude bool
	// Baseline is the path of the file of old findings, "" for none; nil where the nearest one holds.
	Baseline *string

	perFile  []perFileIgnore
	exclude  []*patterns // the last that has an opinion decides
	settings []setting   // what it was made of
}

// perFileIgnore is one entry of per-file-ignores.
type perFileIgnore struct {
	files  *patterns
	ignore []diagnostics.Selector
}

// Exempt are the rules that per-file-ignores leave out of the file at the absolute path.
func (c *Config) Exempt(path string) []diagnostics.Selector {
	var out []diagnostics.Selector
	for _, p := range c.perFile {
		if p.files.matchesFile(path) {
			out = append(out, p.ignore...)
		}
	}
	return out
}

// defaultExclude are directories that hold no code of the project, as ruff leaves them out.
var defaultExclude = []string{
	".bzr", ".direnv", ".eggs", ".git", ".git-rewrite", ".hg", ".ipynb_checkpoints", ".mypy_cache", ".nox", ".pants.d", ".pyenv",
	".pytest_cache", ".pytype", ".ruff_cache", ".svn", ".tox", ".venv", ".vscode", "__pycache__", "__pypackages__", "_build",
	"buck-out", "build", "dist", "node_modules", "site-packages", "venv",
}

// builder collects a Config and every mistake on the way.
type builder struct {
	rules   *diagnostics.Registry
	config  *Config
	exclude *patterns
	extend  []*patterns
	errs    []error
}

// buildConfig makes a configuration of settings, where later ones go before earlier ones. The default patterns of exclude hold below
// dir. A configuration with mistakes is no configuration: what holds then are the defaults.
func buildConfig(path, dir string, settings []setting, rules *diagnostics.Registry) (*Config, error) {
	b := &builder{rules: rules, config: &Config{Path: path}, exclude: newPatterns(dir, defaultExclude)}
	b.config.Severity = map[*diagnostics.Rule]diagnostics.Severity{}
	for _, s := range settings {
		i := slices.IndexFunc(keys, func(k Key) bool { return k.Name == s.key[0] })
		switch {
		case i < 0:
			b.unknown(s)
		case len(s.key) > 1 && !keys[i].Table():
			b.fail(s.at.Line, s.at.Column, s, "expected a value, not a table")
		default:
			keys[i].read(b, s)
		}
	}
	b.config.exclude = append([]*patterns{b.exclude}, b.extend...)
	if len(b.errs) > 0 {
		return &Config{Path: path, exclude: []*patterns{newPatterns(dir, defaultExclude)}}, errors.Join(b.errs...)
	}
	b.config.settings = settings
	return b.config, nil
}

// readConfig reads a configuration file, whose paths are relative to dir; nil without an error means that the file does not speak of
// this tool.
func readConfig(path, dir string, data []byte, o Overrides) (*Config, error) {
	own, err := readSettings(path, dir, data)
	if own == nil || err != nil {
		return nil, err
	}
	return buildConfig(path, dir, o.around(own), o.Rules)
}

// readSettings are those of a configuration file; nil without an error means that it does not speak of this tool.
func readSettings(path, dir string, data []byte) ([]setting, error) {
	shared := filepath.Base(path) == pyproject
	all, err := readTOML(path, data)
	if err != nil {
		if shared && !mentions(data) {
			return nil, nil // another tool's to complain of
		}
		return nil, err
	}
	from := &origin{path: path, dir: dir}
	for i := range all {
		all[i].from = from
	}
	if !shared {
		return append([]setting{}, all...), nil // not nil: an empty file holds for what is below it
	}
	if err := misnamed(all); err != nil {
		return nil, err
	}
	return below(all, table), nil
}

// below gives the settings below the table prefix, as they are called there.
func below(all []setting, prefix []string) []setting {
	var out []setting
	for _, s := range all {
		if len(s.key) > len(prefix) && slices.Equal(s.key[:len(prefix)], prefix) {
			s.key = s.key[len(prefix):]
			out = append(out, s)
		}
	}
	return out
}

// table is where pyproject.toml holds the configuration.
var table = []string{"tool", "ckpt-lsp"}

// misnamed is the first setting of pyproject.toml that stands in a table which was meant to be ours and is called something else.
func misnamed(all []setting) error {
	for _, s := range all {
		name, whole := s.key[0], s.key[0]
		if name == table[0] && len(s.key) > 1 {
			name, whole = s.key[1], name+"."+s.key[1]
		}
		plain := strings.NewReplacer("-", "", "_", "", ".", "").Replace(strings.ToLower(name))
		if whole != strings.Join(table, ".") && levenshtein.ComputeDistance(plain, "ckptlsp") < 2 {
			message := fmt.Sprintf("the table [%s] is not read; rename it to [%s]", whole, strings.Join(table, "."))
			return &ConfigError{s.from.path, s.at.Line, s.at.Column, message}
		}
	}
	return nil
}

func (b *builder) fail(line, column int, s setting, format string, args ...any) {
	message := fmt.Sprintf(format, args...)
	if s.from.flag {
		line, column = 0, 0
	} else {
		message = strings.Join(s.key, ".") + ": " + message
	}
	b.errs = append(b.errs, &ConfigError{s.from.path, line, column, message})
}

func (b *builder) unknown(s setting) {
	var valid []string
	for _, k := range keys {
		valid = append(valid, k.Name)
	}
	slices.Sort(valid)
	hint := text.DidYouMean(s.key[0], valid)
	if s.key[0] == table[0] && filepath.Base(s.from.path) == configFile {
		hint = fmt.Sprintf("; keys of %s stand in no table", configFile)
	}
	message := fmt.Sprintf("unknown key %q%s (valid: %s)", s.key[0], hint, strings.Join(valid, ", "))
	b.errs = append(b.errs, &ConfigError{s.from.path, s.at.Line, s.at.Column, message})
}

// entry is the key of one value in a table such as severity.
func (b *builder) entry(s setting, what, example string) (string, bool) {
	if len(s.key) == 2 {
		return s.key[1], true
	}
	if len(s.key) > 2 && s.key[0] == "per-file-ignores" {
		b.fail(s.at.Line, s.at.Column, s, "put the pattern in quotes, as %s", example)
		return "", false
	}
	b.fail(s.at.Line, s.at.Column, s, "expected a table from %s to its value, as %s", what, example)
	return "", false
}

func (b *builder) text(s setting, wanted string) (string, bool) {
	v, ok := s.value.(string)
	if !ok {
		b.fail(s.valueAt.Line, s.valueAt.Column, s, "expected %s", wanted)
	}
	return v, ok
}

// threshold is a severity from which on something is done, Off where the value is none.
func (b *builder) threshold(s setting) diagnostics.Severity {
	name, ok := b.text(s, `a severity in quotes, as "warning"`)
	if !ok {
		return diagnostics.Off
	}
	severity, err := diagnostics.ParseThreshold(name)
	if err != nil {
		b.fail(s.valueAt.Line, s.valueAt.Column, s, "%v", err)
	}
	return severity
}

func (b *builder) boolean(s setting) bool {
	v, ok := s.value.(bool)
	if !ok {
		b.fail(s.valueAt.Line, s.valueAt.Column, s, "expected true or false")
	}
	return v
}

func (b *builder) texts(s setting) []string {
	list, ok := s.value.([]element)
	if !ok {
		b.fail(s.valueAt.Line, s.valueAt.Column, s, `expected a list of strings, as ["a", "b"]`)
		return nil
	}
	out := []string{}
	for _, e := range list {
		if v, ok := e.value.(string); ok {
			out = append(out, v)
		} else {
			b.fail(e.at.Line, e.at.Column, s, "expected a string in quotes")
		}
	}
	return out
}

func (b *builder) selectors(s setting) []diagnostics.Selector {
	list, ok := s.value.([]element)
	if !ok {
		b.fail(s.valueAt.Line, s.valueAt.Column, s, `expected a list of rules, as ["CKP1", "missing-rng-state"]`)
		return nil
	}
	var out []diagnostics.Selector
	for _, e := range list {
		ref, ok := e.value.(string)
		if !ok {
			b.fail(e.at.Line, e.at.Column, s, "expected the name of a rule in quotes")
			continue
		}
		selector, err := b.rules.Selector(ref)
		if err != nil {
			b.fail(e.at.Line, e.at.Column, s, "%v", err)
			continue
		}
		out = append(out, selector)
	}
	return out
}

// patterns reads lines as patterns; only a line that is no valid glob is a mistake.
func (b *builder) patterns(s setting, lines ...string) *patterns {
	p := newPatterns(s.from.dir, lines)
	if len(p.list) < len(lines) {
		b.fail(s.at.Line, s.at.Column, s, "the pattern cannot be read")
	}
	return p
}
