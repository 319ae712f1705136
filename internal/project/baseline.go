package project

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"

	"github.com/ckpt-lsp/ckpt-lsp/diagnostics"
	"github.com/ckpt-lsp/ckpt-lsp/internal/files"
)

// BaselineFile is what the file of old findings is called where the configuration does not say otherwise.
const BaselineFile = "ckpt-lsp-baseline.json"

// baselineVersion is that of the file and of how fingerprints are made.
const baselineVersion = 1

// Baseline is a file of old findings, which are not reported again.
type Baseline struct {
	// Path is the file's.
	Path string
	// Paths are the files and directories that it was written for, relative to its own directory, with forward slashes.
	Paths []string
	// Findings are sorted by path, rule and fingerprint.
	Findings []Old
}

// Old is one finding of a baseline.
type Old struct {
	// Path is relative to the baseline's directory, with forward slashes.
	Path        string `json:"path"`
	Rule        string `json:"rule"`
	Fingerprint string `json:"fingerprint"`
}

func (o Old) compare(p Old) int {
	return cmp.Or(strings.Compare(o.Path, p.Path), strings.Compare(o.Rule, p.Rule), strings.Compare(o.Fingerprint, p.Fingerprint))
}

// ReadBaseline reads the file at a path.
func ReadBaseline(path string) (*Baseline, error) {
	data, err := files.Read(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s: the baseline does not exist; `ckpt-lsp baseline write` makes it", path)
	}
	if err != nil {
		return nil, err
	}
	var file struct {
		Version  int
		Paths    []string
		Findings []Old
	}
	if err := json.Unmarshal(data, &file); err != nil {
		return nil, fmt.Errorf("%s: expected a baseline (%w); write it again with `ckpt-lsp baseline write`", path, err)
	}
	if file.Version != baselineVersion {
		return nil, fmt.Errorf("%s: the baseline has version %d, this ckpt-lsp reads %d; write it again with `ckpt-lsp baseline write`", path, file.Version, baselineVersion)
	}
	slices.SortFunc(file.Findings, Old.compare)
	return &Baseline{path, file.Paths, file.Findings}, nil
}

// Encode gives the bytes of the file: a line a finding, so that changes of it are easy to read and to merge.
func (b *Baseline) Encode() ([]byte, error) {
	var out bytes.Buffer
	paths, err := json.Marshal(b.Paths)
	if err != nil {
		return nil, err
	}
	fmt.Fprintf(&out, "{\n  \"version\": %d,\n  \"paths\": %s,\n  \"findings\": [", baselineVersion, paths)
	for i, o := range b.Findings {
		line, err := json.Marshal(o)
		if err != nil {
			return nil, err
		}
		if i > 0 {
			out.WriteString(",")
		}
		out.WriteString("\n    ")
		out.Write(line)
	}
	if len(b.Findings) > 0 {
		out.WriteString("\n  ")
	}
	out.WriteString("]\n}\n")
	return out.Bytes(), nil
}

// Name is what a file is called in the baseline.
func (b *Baseline) Name(path string) string {
	rel, err := filepath.Rel(filepath.Dir(b.Path), absolute(path))
	if err != nil {
		rel = absolute(path)
	}
	return filepath.ToSlash(rel)
}

// of are the findings of a file.
func (b *Baseline) of(name string) []Old {
	first, _ := slices.BinarySearchFunc(b.Findings, name, func(o Old, name string) int { return strings.Compare(o.Path, name) })
	last := first
	for last < len(b.Findings) && b.Findings[last].Path == name {
		last++
	}
	return b.Findings[first:last]
}

// Entries are the findings of an analysis as a baseline holds them.
func (b *Baseline) Entries(a *Analysis) []Old {
	if a.Source == nil {
		return nil
	}
	name := b.Name(a.Path)
	out := make([]Old, 0, len(a.Diagnostics))
	for i, print := range diagnostics.Fingerprints(name, a.Source, a.Diagnostics) {
		out = append(out, Old{name, a.Diagnostics[i].Rule.Code, print})
	}
	return out
}

// split takes the old findings out of an analysis. judged says of which rules it is known that what is not found is gone.
func (b *Baseline) split(a *Analysis, judged func(*diagnostics.Rule) bool, rules *diagnostics.Registry) {
	a.Baseline = b
	old := b.of(b.Name(a.Path))
	if len(old) == 0 {
		return
	}
	found := map[Old]bool{}
	var left []diagnostics.Diagnostic
	for i, o := range b.Entries(a) {
		if _, known := slices.BinarySearchFunc(old, o, Old.compare); known {
			found[o] = true
			a.Old = append(a.Old, a.Diagnostics[i])
		} else {
			left = append(left, a.Diagnostics[i])
		}
	}
	a.Diagnostics = left
	for _, o := range old {
		if rule := rules.Lookup(o.Rule); !found[o] && (rule == nil || judged(rule)) {
			a.Gone = append(a.Gone, o)
		}
	}
}

// Remove takes findings out.
func (b *Baseline) Remove(gone []Old) {
	b.Findings = slices.DeleteFunc(b.Findings, func(o Old) bool { return slices.Contains(gone, o) })
}

// Add takes in all that was found, and the arguments that it was found by.
func (b *Baseline) Add(found []*Analysis, args []string) {
	for _, a := range found {
		whole := *a
		whole.Diagnostics = a.all()
		b.Findings = append(b.Findings, b.Entries(&whole)...)
	}
	slices.SortFunc(b.Findings, Old.compare)
	b.Findings = slices.Compact(b.Findings)
	for _, arg := range args {
		if !b.covers(arg) {
			b.Paths = slices.DeleteFunc(b.Paths, func(p string) bool { return covered(b.full(p), []string{arg}) })
			b.Paths = append(b.Paths, b.Name(arg))
		}
	}
	slices.Sort(b.Paths)
}

// full is the absolute path of what has a name in the baseline.
func (b *Baseline) full(name string) string {
	return filepath.Join(filepath.Dir(b.Path), filepath.FromSlash(name))
}

// covers reports whether the baseline was written for a path already.
func (b *Baseline) covers(path string) bool {
	var paths []string
	for _, p := range b.Paths {
		paths = append(paths, b.full(p))
	}
	return covered(absolute(path), paths)
}

// Covers reports whether arguments of a command line cover all that the baseline was written for, so that what is not found is gone.
func (b *Baseline) Covers(args []string) bool {
	return !slices.ContainsFunc(b.Paths, func(path string) bool {
		return !covered(b.full(path), args)
	})
}

// covered reports whether a path is one of the arguments or lies below one.
func covered(path string, args []string) bool {
	return slices.ContainsFunc(args, func(arg string) bool {
		rel, err := filepath.Rel(absolute(arg), path)
		return err == nil && filepath.IsLocal(rel)
	})
}

// Unchecked are the findings in files that are gone, or that a command line covers and that were not checked all the same.
func (b *Baseline) Unchecked(args, checked []string) []Old {
	names := map[string]bool{}
	for _, path := range checked {
		names[b.Name(path)] = true
	}
	var out []Old
	for _, o := range b.Findings {
		path := b.full(o.Path)
		if !names[o.Path] && (covered(path, args) || !exists(path)) {
			out = append(out, o)
		}
	}
	return out
}

// loaded is what reading a baseline came to.
type loaded struct {
	baseline *Baseline
	err      error
	said     string
}

// baselineIn is the baseline that holds in a directory with a configuration, nothing where there is none. The lock is held.
func (w *Workspace) baselineIn(dir string, c *Config) loaded {
	path := ""
	switch {
	case c.Baseline != nil:
		path = *c.Baseline
	case !w.overrides.Isolated:
		path = w.nearestBaseline(dir)
	}
	if path == "" {
		return loaded{}
	}
	return w.baseline(path)
}

// baseline is the one at a path. The lock is held.
func (w *Workspace) baseline(path string) loaded {
	if l, ok := w.baselines[path]; ok {
		return l
	}
	l := loaded{}
	l.baseline, l.err = ReadBaseline(path)
	if data, err := files.Read(path); err == nil {
		l.said = string(data)
	}
	w.baselines[path] = l
	return l
}

// nearestBaseline is the path of the nearest baseline in a directory or above, up to the repository's root; "" for none. The lock is
// held.
func (w *Workspace) nearestBaseline(dir string) string {
	if path, ok := w.nearest[dir]; ok {
		return path
	}
	path := filepath.Join(dir, BaselineFile)
	if !exists(path) {
		path = ""
		if parent := filepath.Dir(dir); parent != dir && !exists(filepath.Join(dir, ".git")) {
			path = w.nearestBaseline(parent)
		}
	}
	w.nearest[dir] = path
	return path
}

// Baseline is the baseline that holds for the file at a path, nil for none or where it cannot be read.
func (w *Workspace) Baseline(path string) *Baseline {
	w.mu.Lock()
	defer w.mu.Unlock()
	dir := filepath.Dir(absolute(path))
	return w.baselineIn(dir, w.entry(dir).config).baseline
}

// BaselinePath is where the baseline for a file at a path is, or is to be written.
func (w *Workspace) BaselinePath(path string) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	dir := filepath.Dir(absolute(path))
	if named := w.entry(dir).config.Baseline; named != nil {
		return *named
	}
	return cmp.Or(w.nearestBaseline(dir), filepath.Join(w.root, BaselineFile))
}
