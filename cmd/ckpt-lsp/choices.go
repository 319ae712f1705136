package main

import (
	"fmt"
	"os"
	"strings"

	"github.com/spf13/pflag"

	"github.com/ckpt-lsp/ckpt-lsp/diagnostics"
	"github.com/ckpt-lsp/ckpt-lsp/internal/project"
)

// choices are the options that go before the configuration files.
type choices struct {
	selected, extended, ignored []string
	fixable, unfixable          []string
	exclude, extendExclude      []string
	force, noForce              bool
	config                      []string
	isolated                    bool
	severity, failOn            threshold
	baseline                    string
	noBaseline                  bool
}

func (c *choices) addTo(flags *pflag.FlagSet) {
	flags.StringSliceVar(&c.selected, "select", nil, "rules to run, in place of the configuration's select, extend-select and ignore")
	flags.StringSliceVar(&c.extended, "extend-select", nil, "rules to run besides those, also where the configuration ignores them")
	flags.StringSliceVar(&c.ignored, "ignore", nil, "rules to leave out, besides those the configuration leaves out")
	flags.Var(&c.severity, "severity", "show findings from this severity on: error, warning, information, hint")
	flags.Var(&c.failOn, "fail-on", "exit 1 for findings from this severity on (default warning)")
	flags.StringSliceVar(&c.fixable, "fixable", nil, "rules to fix, in place of the configuration's fixable and unfixable")
	flags.StringSliceVar(&c.unfixable, "unfixable", nil, "rules not to fix, besides those of the configuration")
	flags.StringSliceVar(&c.exclude, "exclude", nil, "patterns of paths to leave out, in place of the configuration's exclude")
	flags.StringSliceVar(&c.extendExclude, "extend-exclude", nil, "patterns of paths to leave out besides those")
	flags.BoolVar(&c.force, "force-exclude", false, "leave excluded files out also where they are given by name")
	flags.BoolVar(&c.noForce, "no-force-exclude", false, "check files given by name, whatever the configuration says")
	flags.StringArrayVar(&c.config, "config", nil, "a configuration `file` for all paths, or KEY=VALUE in TOML")
	flags.StringVar(&c.baseline, "baseline", "", "the `file` of old findings, in place of the nearest "+project.BaselineFile)
	flags.BoolVar(&c.isolated, "isolated", false, "read no configuration file")
}

// workspace is the working directory with what was chosen.
func (c *choices) workspace(rules *diagnostics.Registry) (*project.Workspace, error) {
	o := project.Overrides{Rules: rules, Isolated: c.isolated}
	for _, list := range []struct {
		refs []string
		into *[]diagnostics.Selector
	}{{c.selected, &o.Select}, {c.extended, &o.ExtendSelect}, {c.ignored, &o.Ignore}} {
		for _, ref := range list.refs {
			s, err := rules.Selector(strings.TrimSpace(ref))
			if err != nil {
				return nil, err
			}
			*list.into = append(*list.into, s)
		}
	}
	if err := c.inline(&o); err != nil {
		return nil, err
	}
	return project.NewWorkspaceWith(".", o), o.Inline.Check(rules)
}

// inline reads --config, and the options that stand for keys.
func (c *choices) inline(o *project.Overrides) error {
	dir, err := os.Getwd()
	if err != nil {
		return err
	}
	for _, config := range c.config {
		info, err := os.Stat(config)
		switch {
		case err != nil || info.IsDir():
			if err := o.Inline.TOML(dir, config); err != nil {
				return err
			}
		case c.isolated:
			return fmt.Errorf("--config %s: --isolated reads no configuration file; leave one of the two out", config)
		case o.ConfigFile != "":
			return fmt.Errorf("--config %s: %s is the configuration file already; name one", config, o.ConfigFile)
		default:
			o.ConfigFile = config
		}
	}
	for _, list := range []struct {
		key   string
		value []string
	}{{"exclude", c.exclude}, {"extend-exclude", c.extendExclude}, {"fixable", c.fixable}, {"unfixable", c.unfixable}} {
		if list.value != nil {
			o.Inline.Flag(dir, "--"+list.key, list.key, list.value)
		}
	}
	for _, t := range []struct {
		flag, key string
		value     threshold
	}{{"--severity", "min-severity", c.severity}, {"--fail-on", "fail-on", c.failOn}} {
		if name := t.value.String(); name != "" {
			o.Inline.Flag(dir, t.flag, t.key, name)
		}
	}
	switch {
	case c.noBaseline:
		o.Inline.Flag(dir, "--no-baseline", "baseline", "")
	case c.baseline != "":
		o.Inline.Flag(dir, "--baseline", "baseline", c.baseline)
	}
	if c.force || c.noForce {
		o.Inline.Flag(dir, "--force-exclude", "force-exclude", c.force)
	}
	return nil
}
