package project

import (
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/ckpt-lsp/ckpt-lsp/diagnostics"
)

// Kind is what the value of a key looks like.
type Kind string

// Kinds, as the documentation names them.
const (
	RuleList     Kind = "list of rules"
	PatternList  Kind = "list of patterns"
	Boolean      Kind = "boolean"
	Version      Kind = "version"
	File         Kind = "path"
	RulesByFile  Kind = "table from patterns to lists of rules"
	SeverityRule Kind = "table from rules to severities"
	Threshold    Kind = "severity"
)

// Key is one key of the configuration.
type Key struct {
	Name string
	Kind Kind
	// Default is the value that holds where there is none, in TOML.
	Default string
	// Doc is Markdown, its first sentence alone a summary.
	Doc string
	// Example is a value in TOML, of a table one entry.
	Example string
	// Flags are the options of check that say the same, empty for none.
	Flags []string

	adds bool // what is said at several places counts together
	read func(*builder, setting)
}

// Table reports whether the value is a table.
func (k Key) Table() bool { return k.Kind == RulesByFile || k.Kind == SeverityRule }

// Keys are all keys of the configuration, in the order they are documented.
func Keys() []Key { return slices.Clone(keys) }

// keys is the one table that the configuration is read, documented and shown by.
var keys []Key

func init() { // the readers look for near names in the table
	keys = []Key{
		{
			Name: "select", Kind: RuleList, Default: `[]`, Example: `["ALL"]`, Flags: []string{"--select"},
			Doc:  "The rules that run. An empty list means every rule that is not off by default. A rule that is off by default runs where its code, its name or `ALL` is selected. Where `select` and `ignore` both name a rule, the more precise of the two wins (a rule over its family, a family over `ALL`), and `ignore` on a tie. `--select` replaces `select`, `extend-select` and `ignore`.",
			read: func(b *builder, s setting) { b.config.Select = b.selectors(s) },
		},
		{
			Name: "extend-select", adds: true, Kind: RuleList, Default: `[]`, Example: `["CKP213"]`, Flags: []string{"--extend-select"},
			Doc:  "Rules that run besides those that `select` names. `--extend-select` also brings back rules that the configuration ignores.",
			read: func(b *builder, s setting) { b.config.ExtendSelect = append(b.config.ExtendSelect, b.selectors(s)...) },
		},
		{
			Name: "ignore", Kind: RuleList, Default: `[]`, Example: `["CKP2", "missing-rng-state"]`, Flags: []string{"--ignore"},
			Doc:  "Rules that do not run. `--ignore` adds to it.",
			read: func(b *builder, s setting) { b.config.Ignore = b.selectors(s) },
		},
		{
			Name: "per-file-ignores", Kind: RulesByFile, Default: `{}`, Example: `"examples/**" = ["CKP6"]`,
			Doc:  "Rules that do not run in some files. A pattern reads as a line of `.gitignore` does and is relative to the configuration file; put it in quotes.",
			read: readPerFileIgnore,
		},
		{
			Name: "severity", Kind: SeverityRule, Default: `{}`, Example: `missing-rng-state = "warning"`,
			Doc:  "The severity with which a rule's findings are reported: `\"error\"`, `\"warning\"`, `\"information\"`, `\"hint\"` or `\"off\"`. A rule can be named by code, name or family. `off` leaves a rule out; any other severity also turns on a rule that is off by default.",
			read: readSeverity,
		},
		{
			Name: "min-severity", Kind: Threshold, Default: `"information"`, Example: `"warning"`, Flags: []string{"--severity"},
			Doc:  "The severity from which on the command line shows findings to people: `\"error\"`, `\"warning\"`, `\"information\"` or `\"hint\"`. Those below it are counted in one line. The formats for programs hold all findings unless `--severity` is given.",
			read: func(b *builder, s setting) { b.config.MinSeverity = b.threshold(s) },
		},
		{
			Name: "fail-on", Kind: Threshold, Default: `"warning"`, Example: `"error"`, Flags: []string{"--fail-on"},
			Doc:  "The severity from which on a finding makes `check` exit with 1.",
			read: func(b *builder, s setting) { b.config.FailOn = b.threshold(s) },
		},
		{
			Name: "fixable", Kind: RuleList, Default: `["ALL"]`, Example: `["CKP1", "non-atomic-save"]`, Flags: []string{"--fixable"},
			Doc: "The rules whose findings are fixed, by `check --fix` and in the editor. Findings of other rules are reported without a fix. `--fixable` replaces `fixable` and `unfixable`.",
			read: func(b *builder, s setting) {
				b.config.Fixable = b.selectors(s)
				if s.from.flag {
					b.config.Unfixable = nil
				}
			},
		},
		{
			Name: "unfixable", adds: true, Kind: RuleList, Default: `[]`, Example: `["partial-seed"]`, Flags: []string{"--unfixable"},
			Doc:  "Rules whose findings are reported without a fix. The more precise of `fixable` and `unfixable` wins, and `unfixable` on a tie. `--unfixable` adds to it.",
			read: func(b *builder, s setting) { b.config.Unfixable = append(b.config.Unfixable, b.selectors(s)...) },
		},
		{
			Name: "torch-version", Kind: Version, Default: `""`, Example: `"2.4"`,
			Doc:  "The oldest PyTorch that the project supports. Without it the version is read in the nearest directory that states it, from the first of these files: `pyproject.toml` (dependencies, optional dependencies, dependency groups, uv's and Poetry's own), `requirements.txt` with what it includes by `-r` and `-c`, `environment.yml` (`pytorch`), `setup.cfg`, `setup.py`; where torch is not named, from `torchvision`, `torchtext` or `torchaudio`, whose releases need one torch each; after these, what `uv.lock` or `poetry.lock` has locked. Where nothing states it, rules speak of the current PyTorch.",
			read: readTorch,
		},
		{
			Name: "exclude", Kind: PatternList, Default: quotedList(defaultExclude), Example: `["legacy/"]`, Flags: []string{"--exclude"},
			Doc:  "Files and directories that are left out, in place of the default. A pattern reads as a line of `.gitignore` does and is relative to the configuration file. What git ignores, virtual environments and symbolic links are left out as well. A file given by name is checked all the same unless `force-exclude` is set. An editor shows no findings in excluded files.",
			read: func(b *builder, s setting) { b.exclude = b.patterns(s, b.texts(s)...) },
		},
		{
			Name: "extend-exclude", adds: true, Kind: PatternList, Default: `[]`, Example: `["*_pb2.py"]`, Flags: []string{"--extend-exclude"},
			Doc:  "Files and directories that are left out besides those of `exclude`. `--extend-exclude` adds to it.",
			read: func(b *builder, s setting) { b.extend = append(b.extend, b.patterns(s, b.texts(s)...)) },
		},
		{
			Name: "force-exclude", Kind: Boolean, Default: `false`, Example: `true`, Flags: []string{"--force-exclude", "--no-force-exclude"},
			Doc:  "Leave excluded files out also where they are given by name, as pre-commit does.",
			read: func(b *builder, s setting) { b.config.ForceExclude = b.boolean(s) },
		},
		{
			Name: "baseline", Kind: File, Default: `"ckpt-lsp-baseline.json"`, Example: `"./ckpt-lsp-baseline.json"`, Flags: []string{"--baseline", "--no-baseline"},
			Doc: "The file of old findings, which are not reported, relative to the configuration file. `ckpt-lsp baseline write` makes it. Without the key the nearest `ckpt-lsp-baseline.json` upwards holds; `\"\"` means none.",
			read: func(b *builder, s setting) {
				path, ok := b.text(s, `a path in quotes, as "ckpt-lsp-baseline.json"`)
				if path != "" && !filepath.IsAbs(path) {
					path = filepath.Join(s.from.dir, filepath.FromSlash(path))
				}
				if ok {
					b.config.Baseline = &path
				}
			},
		},
	}
}

func readPerFileIgnore(b *builder, s setting) {
	if pattern, ok := b.entry(s, "a pattern of files", `"tests/**" = ["ALL"]`); ok {
		b.config.perFile = append(b.config.perFile, perFileIgnore{b.patterns(s, pattern), b.selectors(s)})
	}
}

func readSeverity(b *builder, s setting) {
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
}

func readTorch(b *builder, s setting) {
	const wanted = `a version in quotes, as "2.4"`
	if v, ok := b.text(s, wanted); ok && v != "" {
		if b.config.Torch, ok = ParseTorchVersion(v); !ok {
			b.fail(s.valueAt.Line, s.valueAt.Column, s, "expected %s", wanted)
		}
	}
}

// quotedList is a list of strings in TOML.
func quotedList(list []string) string {
	quoted := make([]string, len(list))
	for i, s := range list {
		quoted[i] = strconv.Quote(s)
	}
	return "[" + strings.Join(quoted, ", ") + "]"
}
