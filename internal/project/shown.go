package project

import (
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/ckpt-lsp/ckpt-lsp/diagnostics"
)

// Shown is one setting as it holds for a file.
type Shown struct {
	// Key is the key, of an entry in a table with the entry's name.
	Key string
	// Value is in TOML.
	Value string
	// From says where the value was said: a place in a file, an option, or "default".
	From string
}

// Settings are those that hold for the file at a path, in the order of Keys, and the codes of the rules that run there.
func (w *Workspace) Settings(path string) ([]Shown, []string) {
	config, _ := w.Config(path)
	options, _ := w.options(path)
	var out []Shown
	for _, k := range keys {
		var of []Shown
		if replaced := len(w.overrides.Select) > 0 && (k.Name == "select" || k.Name == "extend-select" || k.Name == "ignore"); !replaced {
			of = config.shown(k)
		}
		of = append(of, w.overrides.shown(k.Name)...)
		switch {
		case len(of) > 0:
		case k.Name == "torch-version" && options.Torch != diagnostics.TorchVersion{}:
			of = []Shown{{k.Name, fmt.Sprintf(`"%d.%d"`, options.Torch.Major, options.Torch.Minor), w.torchSource(path)}}
		case k.Name == "baseline":
			of = []Shown{{k.Name, `""`, "there is none"}}
			if b := w.Baseline(path); b != nil {
				of = []Shown{{k.Name, strconv.Quote(filepath.ToSlash(b.Path)), "the nearest one"}}
			}
		case !k.Table():
			of = []Shown{{k.Name, k.Default, "default"}}
		}
		out = append(out, of...)
	}
	var run []string
	for _, r := range w.overrides.Rules.Rules() {
		if options.Runs(r) {
			run = append(run, r.Code)
		}
	}
	return out, run
}

// shown are what is said of a key, and counts.
func (c *Config) shown(k Key) []Shown {
	var out []Shown
	for _, s := range c.settings {
		switch {
		case s.key[0] == k.Name && !k.adds && !k.Table():
			out = []Shown{{k.Name, tomlValue(s.value), s.from.place(s)}}
		case s.key[0] == k.Name:
			out = append(out, Shown{tomlKey(s.key), tomlValue(s.value), s.from.place(s)})
		case s.from.flag && s.key[0] == "fixable" && k.Name == "unfixable":
			out = nil
		}
	}
	return out
}

// torchSource is the file that states the torch version for the file at a path.
func (w *Workspace) torchSource(path string) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return filepath.ToSlash(w.torchAt(filepath.Dir(absolute(path))).path)
}

// shown are the lists of rules that a command line or an editor adds to a key.
func (o Overrides) shown(key string) []Shown {
	lists := map[string][]diagnostics.Selector{"select": o.Select, "extend-select": o.ExtendSelect, "ignore": o.Ignore}
	var names []string
	for _, s := range lists[key] {
		names = append(names, s.String())
	}
	if names == nil {
		return nil
	}
	return []Shown{{key, quotedList(names), "--" + key}}
}

// place says where a setting stands.
func (o *origin) place(s setting) string {
	if o.flag || s.at.Line == 0 || strings.HasPrefix(o.path, "--") {
		return o.path
	}
	return fmt.Sprintf("%s:%d:%d", filepath.ToSlash(o.path), s.at.Line, s.at.Column)
}

// tomlKey is a dotted key; what is no plain word stands in quotes.
func tomlKey(path []string) string {
	parts := slices.Clone(path)
	for i, p := range parts {
		if p == "" || strings.Trim(p, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") != "" {
			parts[i] = strconv.Quote(p)
		}
	}
	return strings.Join(parts, ".")
}

// tomlValue is a value as readTOML gives it, in TOML.
func tomlValue(value any) string {
	switch v := value.(type) {
	case string:
		return strconv.Quote(v)
	case []element:
		out := make([]string, len(v))
		for i, e := range v {
			out[i] = tomlValue(e.value)
		}
		return "[" + strings.Join(out, ", ") + "]"
	}
	return fmt.Sprint(value)
}
