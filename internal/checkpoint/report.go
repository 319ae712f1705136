package checkpoint

import (
	_ "embed"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ckpt-lsp/ckpt-lsp/internal/torch"
)

// Schema is the JSON Schema of a Report.
//
//go:embed schema.json
var Schema []byte

// Report is what is told of a checkpoint, in JSON and, laid out, as text.
type Report struct {
	Path       string            `json:"path"`
	Format     Format            `json:"format"`
	Layout     string            `json:"layout,omitempty"`
	Bytes      int64             `json:"bytes"`
	Modified   time.Time         `json:"modified"`
	Files      []FileReport      `json:"files"`
	Components []ComponentReport `json:"components"`
	Progress   []Fact            `json:"progress"`
	Metrics    []Fact            `json:"metrics"`
	Versions   []Fact            `json:"versions"`
	Rates      []Fact            `json:"rates"`
	Prefixes   []string          `json:"prefixes"`
	Keys       []KeyReport       `json:"keys"`
	Shared     []SharedReport    `json:"shared"`
	Slices     []SliceReport     `json:"slices"`
	// WeightsOnly is nil where torch.load does not read the files.
	WeightsOnly *WeightsReport   `json:"weights_only"`
	Imports     []ImportReport   `json:"imports"`
	Integrity   *IntegrityReport `json:"integrity,omitempty"`
	Numbers     *NumbersReport   `json:"numbers,omitempty"`
	Notes       []string         `json:"notes"`
	Problems    []string         `json:"problems"`
}

// FileReport is one file.
type FileReport struct {
	Name    string `json:"name"`
	Format  Format `json:"format"`
	Bytes   int64  `json:"bytes"`
	Problem string `json:"problem,omitempty"`
}

// ComponentReport is one of the eight, there or not, or a further part.
type ComponentReport struct {
	Name    string   `json:"name"`
	Present bool     `json:"present"`
	Keys    []string `json:"keys"`
	Bytes   int64    `json:"bytes"`
	What    []string `json:"what,omitempty"`
}

// KeyReport is one key, with what is below.
type KeyReport struct {
	Key   string  `json:"key"`
	Kind  Kind    `json:"kind"`
	Class string  `json:"class,omitempty"`
	Value string  `json:"value,omitempty"`
	DType string  `json:"dtype,omitempty"`
	Shape []int64 `json:"shape,omitempty"`
	// Layout is that of a tensor that is not strided.
	Layout string `json:"layout,omitempty"`
	// Items is how many there are below, Bytes what the tensors take in the file, Share their part of it.
	Items int64   `json:"items,omitempty"`
	Bytes int64   `json:"bytes"`
	Share float64 `json:"share"`
	// Same is the path of what this is another name of.
	Same string      `json:"same,omitempty"`
	NaN  int64       `json:"nan,omitempty"`
	Inf  int64       `json:"inf,omitempty"`
	Keys []KeyReport `json:"keys,omitempty"`
}

// SharedReport are tensors that lie in one storage.
type SharedReport struct {
	Bytes int64    `json:"bytes"`
	Keys  []string `json:"keys"`
}

// SliceReport is a tensor for whose sake a larger storage was written.
type SliceReport struct {
	Key    string `json:"key"`
	Bytes  int64  `json:"bytes"`
	Stored int64  `json:"stored"`
}

// WeightsReport says whether weights_only=True loads the file.
type WeightsReport struct {
	// From is the first release that loads it, "" where none does.
	From    string          `json:"from"`
	Because string          `json:"because,omitempty"`
	Refused []RefusalReport `json:"refused"`
}

// RefusalReport is something that is refused.
type RefusalReport struct {
	Name string   `json:"name"`
	What string   `json:"what"`
	As   string   `json:"as,omitempty"`
	File string   `json:"file"`
	Keys []string `json:"keys"`
}

// ImportReport is something that unpickling would import.
type ImportReport struct {
	Name   string `json:"name"`
	File   string `json:"file"`
	Called bool   `json:"called"`
	Danger string `json:"danger,omitempty"`
	Torch  bool   `json:"torch"`
}

// IntegrityReport is what a check of all bytes found.
type IntegrityReport struct {
	Records   int            `json:"records"`
	Bytes     int64          `json:"bytes"`
	Damaged   []DamageReport `json:"damaged"`
	Unchecked []string       `json:"unchecked"`
	Without   []string       `json:"without_checksums"`
}

// DamageReport is a damaged record.
type DamageReport struct {
	File    string   `json:"file"`
	Record  string   `json:"record"`
	Why     string   `json:"why"`
	Tensors []string `json:"tensors"`
}

// NumbersReport says where numbers are none.
type NumbersReport struct {
	Tensors int `json:"tensors"`
	// Unread are tensors whose numbers are not read: packed, quantized, or scattered over much.
	Unread int   `json:"unread"`
	NaN    int64 `json:"nan"`
	Inf    int64 `json:"inf"`
}

// mostListed is how many keys are named for one thing.
const mostListed = 10

// Report tells all that is known; integrity and numbers may be nil.
func (c *Checkpoint) Report(integrity *Integrity, numbers map[*Node]Odd) *Report {
	contents := c.Contents()
	r := &Report{
		Path: c.Path, Format: c.Format, Layout: c.Layout, Bytes: c.Size, Modified: c.Modified.UTC(), Files: []FileReport{},
		Progress: facts(contents.Progress), Metrics: facts(contents.Metrics), Versions: facts(contents.Versions), Rates: facts(contents.Rates),
		Prefixes: orEmpty(contents.Prefixes), Keys: []KeyReport{}, Shared: []SharedReport{}, Slices: []SliceReport{}, Imports: []ImportReport{},
		Notes: orEmpty(c.Notes), Problems: orEmpty(c.Problems),
	}
	for _, f := range c.Files {
		r.Files = append(r.Files, FileReport{f.Name, f.Format, f.Size, f.Problem})
		if w := f.written(); w != "" && !slices.Contains(r.Notes, w) {
			r.Notes = append(r.Notes, w)
		}
	}
	r.components(contents)
	if c.Root != nil {
		r.keys(c, numbers)
	}
	r.storages(c)
	r.weights(c.WeightsOnly())
	for _, i := range c.Imports() {
		r.Imports = append(r.Imports, ImportReport{i.Name, i.File, i.Called, i.Danger, i.Torch})
	}
	if integrity != nil {
		x := &IntegrityReport{Records: integrity.Records, Bytes: integrity.Bytes, Damaged: []DamageReport{}, Unchecked: orEmpty(integrity.Unchecked), Without: orEmpty(integrity.Without)}
		for _, d := range integrity.Damaged {
			x.Damaged = append(x.Damaged, DamageReport{d.File, d.Record, d.Why, orEmpty(d.Tensors)})
		}
		r.Integrity = x
	}
	if numbers != nil {
		x := &NumbersReport{Tensors: len(numbers)}
		for _, n := range c.Tensors() {
			odd, ok := numbers[n]
			if _, floats := oddness[n.Tensor.DType]; !ok && floats && n.Tensor.Elements() > 0 && !n.Tensor.Numpy {
				x.Unread++
			}
			x.NaN, x.Inf = x.NaN+odd.NaN, x.Inf+odd.Inf
		}
		r.Numbers = x
	}
	return r
}

func facts(f []Fact) []Fact {
	if f == nil {
		return []Fact{}
	}
	return f
}

func orEmpty(s []string) []string {
	if s == nil {
		return []string{}
	}
	return s
}

func (r *Report) components(contents *Contents) {
	names := slices.Clone(Eight)
	for _, c := range contents.Components {
		if !slices.Contains(names, c.Name) {
			names = append(names, c.Name)
		}
	}
	r.Components = []ComponentReport{}
	for _, name := range names {
		x := ComponentReport{Name: name, Keys: []string{}}
		if c := contents.Has(name); c != nil {
			x.Present, x.What = true, c.What
			seen := map[*Storage]bool{}
			for i, n := range c.Nodes {
				x.Bytes += n.bytes(seen)
				if i < mostListed {
					x.Keys = append(x.Keys, n.Path())
				}
			}
		}
		r.Components = append(r.Components, x)
	}
}

// keys tells the tree; a single tensor or value has the empty key.
func (r *Report) keys(c *Checkpoint, numbers map[*Node]Odd) {
	seen := map[*Storage]bool{}
	if c.Root.Kind != DictNode && c.Root.Kind != ModuleNode {
		r.Keys = append(r.Keys, r.key(c.Root, seen, numbers))
		return
	}
	for _, n := range c.Root.Children {
		r.Keys = append(r.Keys, r.key(n, seen, numbers))
	}
}

func (r *Report) key(n *Node, seen map[*Storage]bool, numbers map[*Node]Odd) KeyReport {
	k := KeyReport{Key: n.Key, Kind: n.Kind, Value: n.Text, Items: n.Len}
	switch n.Kind {
	case ObjectNode, ModuleNode:
		k.Class = n.Class
	case SameNode:
		k.Same = n.Same.Path()
	}
	if t := n.Tensor; t != nil {
		k.DType, k.Shape, k.Layout = t.DType, t.Shape, t.Layout
		if t.Numpy {
			k.Layout = "numpy"
		}
		k.Bytes = t.stored(seen)
		k.NaN, k.Inf = numbers[n].NaN, numbers[n].Inf
	}
	for _, c := range n.Children {
		x := r.key(c, seen, numbers)
		k.Bytes, k.NaN, k.Inf = k.Bytes+x.Bytes, k.NaN+x.NaN, k.Inf+x.Inf
		k.Keys = append(k.Keys, x)
	}
	if r.Bytes > 0 {
		k.Share = float64(int64(10000*float64(k.Bytes)/float64(r.Bytes))) / 10000
	}
	return k
}

// storages tells of tensors that share one, and of those that take a part of theirs.
func (r *Report) storages(c *Checkpoint) {
	for _, f := range c.Files {
		for _, s := range f.Storages {
			used := int64(0)
			var paths []string
			for _, n := range s.Views {
				paths = append(paths, n.Path())
				used = max(used, n.Tensor.Bytes())
			}
			if len(paths) > 1 {
				r.Shared = append(r.Shared, SharedReport{s.Bytes, paths[:min(len(paths), mostListed)]})
			}
			if len(s.Views) == 1 && s.Views[0].Tensor.Slice() && s.Views[0].Tensor.Storage == s {
				r.Slices = append(r.Slices, SliceReport{paths[0], used, s.Bytes})
			}
		}
	}
}

func (r *Report) weights(w WeightsOnly) {
	if !w.Applies || len(r.Problems) > 0 && len(w.Refused) == 0 {
		return // no torch loads a damaged file
	}
	r.WeightsOnly = &WeightsReport{Refused: []RefusalReport{}}
	if len(w.Refused) == 0 {
		r.WeightsOnly.From, r.WeightsOnly.Because = release(w.From), w.Because
	}
	for _, x := range w.Refused {
		r.WeightsOnly.Refused = append(r.WeightsOnly.Refused, RefusalReport{x.Name, x.What, x.As, x.File, orEmpty(x.Keys)})
	}
}

// release is a version as people write it.
func release(v torch.Version) string { return fmt.Sprintf("%d.%d", v.Major, v.Minor) }

// Size is a number of bytes for people.
func Size(n int64) string {
	units := []string{"B", "kB", "MB", "GB", "TB"}
	f, i := float64(n), 0
	for f >= 999.5 && i < len(units)-1 {
		f /= 1000
		i++
	}
	switch {
	case i == 0:
		return fmt.Sprintf("%d B", n)
	case f < 9.95:
		return fmt.Sprintf("%.1f %s", f, units[i])
	}
	return fmt.Sprintf("%.0f %s", f, units[i])
}

// Ago is how long something is past, for people.
func Ago(d time.Duration) string {
	for _, u := range []struct {
		unit string
		of   time.Duration
	}{{"d", 24 * time.Hour}, {"h", time.Hour}, {"min", time.Minute}} {
		if d >= u.of {
			return fmt.Sprintf("%d %s ago", d/u.of, u.unit)
		}
	}
	return "just now"
}

// wrapped says what a prefix comes from.
var wrapped = map[string]string{
	"module.": "DataParallel or DDP", "_orig_mod.": "torch.compile", "_fsdp_wrapped_module.": "FSDP", "_checkpoint_wrapped_module.": "activation checkpointing",
}

// Wrappers says where prefixes come from.
func Wrappers(prefixes []string) string {
	var out []string
	for _, p := range prefixes {
		out = append(out, fmt.Sprintf("%s (%s)", p, wrapped[p]))
	}
	return strings.Join(out, ", ")
}
