// Package project knows which files belong together: it finds them, reads the configuration that holds for each, and runs
// the analysis over one or all of them.
package project

import (
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync"

	"github.com/ckpt-lsp/ckpt-lsp/diagnostics"
	"github.com/ckpt-lsp/ckpt-lsp/internal/files"
)

// Workspace is a directory under analysis. It remembers what configuration files say until Reload. It is safe for
// concurrent use.
type Workspace struct {
	root      string
	overrides Overrides

	mu      sync.Mutex
	configs map[string]configEntry
	torch   map[string]statedTorch
	// baselines are by path, and nearest are the paths of those that hold in a directory unless the configuration names one.
	baselines map[string]loaded
	nearest   map[string]string
}

// Overrides are the choices made on a command line or in an editor's settings; they go before every configuration file.
type Overrides struct {
	// Rules are the rules that there are; nil means the product's.
	Rules *diagnostics.Registry
	// Select replaces select and ignore of the configuration where it is not empty.
	Select []diagnostics.Selector
	// Ignore is added to ignore of the configuration.
	Ignore []diagnostics.Selector
	// Severity goes before severity of the configuration, rule by rule.
	Severity map[*diagnostics.Rule]diagnostics.Severity
	// Torch replaces torch-version of the configuration where it is known.
	Torch diagnostics.TorchVersion
	// ExtendSelect is added to what the configuration selects, also where that ignores it.
	ExtendSelect []diagnostics.Selector
	// Inline are settings that go before those of every file, Fallback settings that hold where no file says otherwise.
	Inline, Fallback Inline
	// ExtraFile is the path of a configuration file that is read besides those of the project, "" for none; its paths are relative to the
	// workspace's root. It goes before them, and with ExtraLast after them.
	ExtraFile string
	ExtraLast bool
	// ConfigFile is the path of the one configuration file, "" where the nearest one upwards holds; its paths are relative to the
	// workspace's root. Isolated means that there is none.
	ConfigFile string
	Isolated   bool
}

type configEntry struct {
	config *Config
	err    error
	said   string // the file and its text
}

// NewWorkspace is the workspace at a directory, relative to the working directory or absolute. Files outside the directory
// can be analysed too.
func NewWorkspace(root string) *Workspace { return NewWorkspaceWith(root, Overrides{}) }

// NewWorkspaceWith is a workspace whose configuration is overridden.
func NewWorkspaceWith(root string, o Overrides) *Workspace {
	if o.Rules == nil {
		o.Rules = diagnostics.Product
	}
	return &Workspace{root: absolute(root), overrides: o, configs: map[string]configEntry{}, torch: map[string]statedTorch{}, baselines: map[string]loaded{}, nearest: map[string]string{}}
}

// Root is the workspace's absolute directory.
func (w *Workspace) Root() string { return w.root }

// Reload reads the configuration files again, and reports whether any of those that were asked for says something else now.
func (w *Workspace) Reload() (changed bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	configs, torch, baselines, nearest := w.configs, w.torch, w.baselines, w.nearest
	w.configs, w.torch = map[string]configEntry{}, map[string]statedTorch{}
	w.baselines, w.nearest = map[string]loaded{}, map[string]string{}
	for dir, e := range configs {
		changed = w.entry(dir).said != e.said || changed
	}
	for dir, v := range torch {
		changed = w.torchAt(dir) != v || changed
	}
	for dir, path := range nearest {
		changed = w.nearestBaseline(dir) != path || changed
	}
	for path, l := range baselines {
		changed = w.baseline(path).said != l.said || changed
	}
	return changed
}

// Config is the configuration that holds for the file at path: the nearest ckpt-lsp.toml, or pyproject.toml with a table
// [tool.ckpt-lsp], in the file's directory or above. A broken file gives the defaults and the error, one *ConfigError a
// mistake, joined.
func (w *Workspace) Config(path string) (*Config, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	dir := filepath.Dir(absolute(path))
	e := w.entry(dir)
	if l := w.baselineIn(dir, e.config); l.err != nil {
		return e.config, errors.Join(e.err, l.err)
	}
	return e.config, e.err
}

func (w *Workspace) entry(dir string) configEntry {
	if e, ok := w.configs[dir]; ok {
		return e
	}
	e, found := w.load(dir)
	switch parent := filepath.Dir(dir); {
	case found:
	case parent != dir:
		e = w.entry(parent)
	default:
		// Default patterns hold anywhere, so they are tied to the root of the file system.
		o, extra, err := w.layers()
		e.said = extra
		if e.config, e.err = buildConfig("", dir, o.around(nil), o.Rules); err != nil {
			e.err = err
		}
	}
	w.configs[dir] = e
	return e
}

// configFile is the configuration's own file.
const configFile = "ckpt-lsp.toml"

// pyproject is the file that holds the configuration of many tools, each in a table.
const pyproject = "pyproject.toml"

// load reads the configuration file of one directory, or the one that is named for all.
func (w *Workspace) load(dir string) (e configEntry, found bool) {
	if w.overrides.Isolated {
		return configEntry{}, false
	}
	paths := []string{filepath.Join(dir, configFile), filepath.Join(dir, pyproject)}
	if w.overrides.ConfigFile != "" {
		dir, paths = w.root, []string{w.overrides.ConfigFile}
	}
	for _, path := range paths {
		data, err := files.Read(path)
		if files.Refused(err) {
			err = &ConfigError{Path: path, Message: "the configuration file cannot be read: " + reason(err)}
			return configEntry{defaultConfig(path, dir), err, path + "\n" + err.Error()}, true
		}
		if err != nil {
			continue
		}
		o, extra, unread := w.layers()
		config, err := readConfig(path, dir, data, o)
		if config != nil || err != nil {
			if config == nil {
				config = defaultConfig(path, dir)
			}
			return configEntry{config, errors.Join(err, unread), path + "\n" + string(data) + extra}, true
		}
	}
	return configEntry{}, false
}

// defaultConfig stands for a configuration file of a directory that says nothing.
func defaultConfig(path, dir string) *Config {
	return &Config{Path: path, exclude: []*patterns{newPatterns(dir, defaultExclude)}}
}

// layers are the overrides with what ExtraFile says among them, and what it says.
func (w *Workspace) layers() (o Overrides, said string, err error) {
	o = w.overrides
	if o.ExtraFile == "" {
		return o, "", nil
	}
	path := o.ExtraFile
	if !filepath.IsAbs(path) {
		path = filepath.Join(w.root, path)
	}
	data, err := files.Read(path)
	if err != nil {
		return o, "", &ConfigError{Path: path, Message: "the configuration file cannot be read: " + reason(err)}
	}
	extra, err := readSettings(path, w.root, data)
	if o.ExtraLast {
		o.Fallback = slices.Concat(extra, o.Fallback)
	} else {
		o.Inline = slices.Concat(extra, o.Inline)
	}
	return o, path + "\n" + string(data), err
}

// around puts the settings of a file between those that it goes before and those that go before it.
func (o Overrides) around(own []setting) []setting { return slices.Concat(o.Fallback, own, o.Inline) }

// options are what the configuration and the overrides say about one file.
func (w *Workspace) options(path string) (diagnostics.Options, error) {
	config, err := w.Config(path)
	o := diagnostics.Options{Selection: config.Selection, Rules: w.overrides.Rules, Exempt: config.Exempt(absolute(path)), Torch: config.Torch, Fixable: config.Fixable, Unfixable: config.Unfixable}
	if len(w.overrides.Select) > 0 {
		o.Select, o.ExtendSelect, o.Ignore = w.overrides.Select, nil, nil
	}
	o.Last = diagnostics.Extension{ExtendSelect: w.overrides.ExtendSelect, Ignore: w.overrides.Ignore}
	if len(w.overrides.Severity) > 0 {
		severity := map[*diagnostics.Rule]diagnostics.Severity{}
		maps.Copy(severity, o.Severity)
		maps.Copy(severity, w.overrides.Severity)
		o.Severity = severity
	}
	if w.overrides.Torch != (diagnostics.TorchVersion{}) {
		o.Torch = w.overrides.Torch
	}
	if o.Torch == (diagnostics.TorchVersion{}) {
		w.mu.Lock()
		o.Torch = w.torchAt(filepath.Dir(absolute(path))).version
		w.mu.Unlock()
	}
	return o, err
}

// statedTorch is a torch version and the file that states it.
type statedTorch struct {
	version diagnostics.TorchVersion
	path    string
}

// torchAt is the torch version that the nearest statement of dependencies allows, looked for up to the workspace's root, the
// repository's root or the root of the file system.
func (w *Workspace) torchAt(dir string) statedTorch {
	if t, ok := w.torch[dir]; ok {
		return t
	}
	var t statedTorch
	t.version, t.path = torchVersionIn(dir)
	if parent := filepath.Dir(dir); t.path == "" && dir != w.root && parent != dir && !exists(filepath.Join(dir, ".git")) {
		t = w.torchAt(parent)
	}
	w.torch[dir] = t
	return t
}

// absolute makes a path absolute and clean. Without a working directory the path stays as it is.
func absolute(path string) string {
	if abs, err := filepath.Abs(path); err == nil {
		return abs
	}
	return filepath.Clean(path)
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
