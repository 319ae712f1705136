package project

import (
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"

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

	perFile []perFileIgnore
	exclude *patterns
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
	dir     string
	exclude []string
	extend  []string
	errs    []error
}

// keys are the settings: how each is read, and what one in a table of its own is called there.
var keys = map[string]func(*builder, setting){
	"select": func(b *builder, s setting) { b.config.Select = b.selectors(s) },
	"ignore": func(b *builder, s setting) { b.config.Ignore = b.selectors(s) },
	"per-file-ignores": func(b *builder, s setting) {
		if pattern, ok := b.entry(s, "a pattern of files", `"tests/**" = ["ALL"]`); ok {
			b.config.perFile = append(b.config.perFile, perFileIgnore{b.patterns(s, pattern), b.selectors(s)})
		}
	},
	"severity": func(b *builder, s setting) {
		ref, ok := b.entry(s, "a rule", `missing-rng-state = "error"`)
		if !ok {
			return
		}
		selector, err := b.rules.Selector(ref)
		if err != nil {
			b.fail(s.at.Line, s.at.Column, s, "%v", err)
			return
		}
		name, ok := b.text(s, `a severity in quotes, as "error"`)
		if !ok {
			return
		}
		severity, err := diagnostics.ParseSeverity(name)
		if err != nil {
			b.fail(s.valueAt.Line, s.valueAt.Column, s, "%v", err)
			return
		}
		for _, r := range selector.Rules() {
			b.config.Severity[r] = severity
		}
	},
	"torch-version": func(b *builder, s setting) {
		const wanted = `a version in quotes, as "2.4"`
		if v, ok := b.text(s, wanted); ok {
			if b.config.Torch, ok = ParseTorchVersion(v); !ok {
				b.fail(s.valueAt.Line, s.valueAt.Column, s, "expected %s", wanted)
			}
		}
	},
	"min-severity":   func(b *builder, s setting) { b.config.MinSeverity = b.threshold(s) },
	"fail-on":        func(b *builder, s setting) { b.config.FailOn = b.threshold(s) },
	"exclude":        func(b *builder, s setting) { b.exclude = b.texts(s) },
	"extend-exclude": func(b *builder, s setting) { b.extend = b.texts(s) },
}

// tables are the keys whose value is a table.
var tables = []string{"per-file-ignores", "severity"}

// readConfig reads the settings below the table prefix of a configuration file; found is false if there are none.
func readConfig(path string, data []byte, rules *diagnostics.Registry, prefix ...string) (c *Config, found bool, err error) {
	settings, err := readTOML(path, data)
	if err != nil {
		return nil, true, err
	}
	b := &builder{rules: rules, config: &Config{Path: path}, dir: filepath.Dir(path), exclude: defaultExclude}
	b.config.Severity = map[*diagnostics.Rule]diagnostics.Severity{}
	for _, s := range settings {
		if len(s.key) <= len(prefix) || !slices.Equal(s.key[:len(prefix)], prefix) {
			continue
		}
		found = true
		s.key = s.key[len(prefix):]
		read, known := keys[s.key[0]]
		switch {
		case !known:
			b.unknown(s)
		case len(s.key) > 1 && !slices.Contains(tables, s.key[0]):
			b.fail(s.at.Line, s.at.Column, s, "expected a value, not a table")
		default:
			read(b, s)
		}
	}
	b.config.exclude = newPatterns(b.dir, append(slices.Clone(b.exclude), b.extend...))
	return b.config, found, errors.Join(b.errs...)
}

func (b *builder) fail(line, column int, s setting, format string, args ...any) {
	message := fmt.Sprintf("%s: %s", strings.Join(s.key, "."), fmt.Sprintf(format, args...))
	b.errs = append(b.errs, &ConfigError{b.config.Path, line, column, message})
}

func (b *builder) unknown(s setting) {
	valid := slices.Sorted(maps.Keys(keys))
	hint := ""
	if near := text.Nearest(s.key[0], valid); near != "" {
		hint = fmt.Sprintf("; did you mean %q?", near)
	}
	message := fmt.Sprintf("unknown key %q%s (valid: %s)", s.key[0], hint, strings.Join(valid, ", "))
	b.errs = append(b.errs, &ConfigError{b.config.Path, s.at.Line, s.at.Column, message})
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

func (b *builder) patterns(s setting, lines ...string) *patterns {
	p := newPatterns(b.dir, lines)
	if len(p.list) < len(lines) {
		b.fail(s.at.Line, s.at.Column, s, "the pattern cannot be read")
	}
	return p
}
