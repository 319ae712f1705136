// Package insight answers what an editor asks of the checkpoints in a file: what a save stores and lacks, what a load restores, where
// a key is written and read. It has no opinion of its own: what is missing is what the rules report, and what is not known is
// left out.
package insight

import (
	"cmp"
	"slices"

	"github.com/ckpt-lsp/ckpt-lsp/diagnostics"
	"github.com/ckpt-lsp/ckpt-lsp/internal/checkpoint"
	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
	"github.com/ckpt-lsp/ckpt-lsp/internal/text"
	"github.com/ckpt-lsp/ckpt-lsp/internal/training"
)

// lacks are the rules that report a part which a training checkpoint lacks, with the part's name.
var lacks = map[string]string{
	"CKP101": checkpoint.Optimizer, "CKP102": checkpoint.Scheduler, "CKP103": checkpoint.Scaler, "CKP104": checkpoint.Progress, "CKP105": checkpoint.Random,
	"CKP106": checkpoint.Best, "CKP107": checkpoint.Average, "CKP108": "position in the data", "CKP109": "early-stopping count", "CKP117": checkpoint.Model,
}

// Save is the save of a checkpoint whose keys are known.
type Save struct {
	// Call is the place of the call, Line that of the line to show something above.
	Call, Line text.Span
	Stored     []Part
	// Missing are the findings that report a part which the checkpoint lacks, as indices into those that were asked with.
	Missing []int
	// Training says that training goes on from the checkpoint: it is to be complete.
	Training bool

	site *training.SaveSite
	file *training.File
}

// Whole is the save of one state dict, or of one object as it is, without a dict of several.
type Whole struct {
	Call text.Span
	// Name is the object's.
	Name string
	// State says that its state dict is saved, with the parts that are added to it.
	State bool
	Added []Part
}

// Wholes are such saves in a file.
func Wholes(facts []*training.File, path string) []Whole {
	var out []Whole
	for _, f := range facts {
		for _, s := range f.Saves() {
			if s.Kind != training.PayloadState && s.Kind != training.PayloadObject || s.Path.Buffer || pathOf(f, s.Node.Tree()) != path {
				continue
			}
			whole := Whole{Call: s.Node.Span(), Name: s.PayloadNode.Text(), State: s.Kind == training.PayloadState}
			for _, c := range s.Components {
				if c.Object != nil {
					whole.Name = c.Object.Name
				}
			}
			for _, c := range s.Added {
				whole.Added = append(whole.Added, Part{c.Key, c.Entry.Value.Node.Text()})
			}
			if !slices.ContainsFunc(out, func(o Whole) bool { return o.Call == whole.Call }) {
				out = append(out, whole)
			}
		}
	}
	return out
}

// Part is what a checkpoint holds under a key.
type Part struct{ Key, Value string }

// Lacks names the parts that a finding says are missing, none for other findings: `optimizer`, or what kind of thing it is.
func Lacks(d diagnostics.Diagnostic) []string {
	kind := lacks[d.Rule.Code]
	if kind == "" {
		return nil
	}
	var names []string
	for _, r := range d.Remedies {
		if c, ok := r.(diagnostics.CompleteCheckpoint); ok && c.Object != nil && !slices.Contains(names, c.Object.Name) {
			names = append(names, c.Object.Name)
		}
	}
	if len(names) == 0 {
		return []string{kind}
	}
	return names
}

// Saves are the saves in a file, as the facts of it and of the files that lead to it tell; found are the findings in the file.
func Saves(facts []*training.File, path string, found []diagnostics.Diagnostic) []Save {
	at := map[text.Span]int{}
	var out []Save
	for _, f := range facts {
		resumed := map[*training.SaveSite]bool{}
		for _, r := range f.WithClasses() {
			resumed[r.Save] = true
		}
		for _, s := range f.Saves() {
			anchor := s.Anchor()
			if s.Kind != training.PayloadDict || s.Path.Buffer || len(s.Components) == 0 || pathOf(f, s.Node.Tree()) != path || pathOf(f, anchor.Tree) != path {
				continue
			}
			save := Save{Call: s.Node.Span(), Line: anchor.Span, Training: resumed[s], site: s, file: f}
			for _, c := range s.Components {
				if !slices.ContainsFunc(save.Stored, func(p Part) bool { return p.Key == c.Key }) {
					save.Stored = append(save.Stored, Part{c.Key, c.Entry.Value.Node.Text()})
				}
			}
			if i, known := at[save.Call]; !known {
				at[save.Call] = len(out)
				out = append(out, save)
			} else if save.Training && !out[i].Training {
				out[i] = save
			}
		}
	}
	for i := range out {
		out[i].lacking(found)
	}
	return out
}

// lacking notes the findings that stand where the rules put what this save lacks.
func (s *Save) lacking(found []diagnostics.Diagnostic) {
	for i, d := range found {
		if lacks[d.Rule.Code] == "" {
			continue
		}
		mine := d.Span == s.Line
		for _, r := range d.Remedies {
			if c, ok := r.(diagnostics.CompleteCheckpoint); ok {
				mine = c.Save.Node.Span() == s.Call && c.Save.Node.Tree() == s.site.Node.Tree()
			}
		}
		if mine {
			s.Missing, s.Training = append(s.Missing, i), true
		}
	}
}

// Load is the load of a checkpoint.
type Load struct {
	Call text.Span
	// Agreement tells which saves feed it, and what becomes of each key; File is what it was read from.
	Agreement training.Agreement
	File      *training.File
}

// Loads are the loads in a file of which something is known.
func Loads(facts []*training.File, path string) []Load {
	var out []Load
	for _, f := range facts {
		for _, a := range f.Agreements() {
			if a.Load == nil || pathOf(f, a.Load.Node.Tree()) != path {
				continue
			}
			call := a.Load.Node.Span()
			if !slices.ContainsFunc(out, func(l Load) bool { return l.Call == call }) {
				out = append(out, Load{call, a, f})
			}
		}
	}
	return out
}

// Bare is a load of which no key is read: all of the file goes into one object.
type Bare struct {
	Call text.Span
	// Into is the object's name; Strict says that a key that does not match is an error.
	Into   string
	Strict bool
	// Foreign says that no save in the files at hand writes the file.
	Foreign bool
}

// Bares are such loads in a file.
func Bares(facts []*training.File, path string) []Bare {
	var out []Bare
	for _, f := range facts {
		for _, l := range f.Loads() {
			if len(l.Reads) > 0 || l.Path.Buffer || pathOf(f, l.Node.Tree()) != path {
				continue
			}
			for _, x := range l.Restores {
				if x.Object == nil || x.Key != "" || x.Absent {
					continue
				}
				b := Bare{Call: l.Node.Span(), Into: x.Recv.Text(), Strict: x.Strict, Foreign: foreign(f, l)}
				if !slices.ContainsFunc(out, func(o Bare) bool { return o.Call == b.Call }) {
					out = append(out, b)
				}
			}
		}
	}
	return out
}

// foreign reports whether no save writes the file that a load reads, as far as names tell.
func foreign(f *training.File, l *training.LoadSite) bool {
	return !slices.ContainsFunc(f.Saves(), func(s *training.SaveSite) bool { return s.Writes(l.Path) || training.SamePath(s.Path, l.Path) })
}

// Agreement is the contract that the save has a part in.
func (s Save) Agreement() training.Agreement {
	for _, a := range s.file.Agreements() {
		if slices.ContainsFunc(a.Saves, func(o *training.SaveSite) bool { return o.Node == s.site.Node }) {
			return a
		}
	}
	return training.Agreement{}
}

// Load is the load that reads what is saved, where one is known.
func (s Save) Load() (Load, bool) {
	a := s.Agreement()
	return Load{Agreement: a, File: s.file}, a.Load != nil
}

// Restored are the names of what is restored, and of what is stored and not restored, in the order of the keys. Both are empty where
// more may happen out of sight.
func (l Load) Restored() (restored, not []string) {
	for _, k := range l.Agreement.Keys {
		switch {
		case k.Restored != nil:
			if name := cmp.Or(k.Restored.Recv.Text(), k.Name); !slices.Contains(restored, name) {
				restored = append(restored, name)
			}
		case k.Written.Valid() && !k.Read.Valid() && !k.Unseen && !l.Agreement.Load.Opaque:
			not = append(not, k.Name)
		}
	}
	for _, x := range l.Agreement.Load.Restores {
		if name := x.Recv.Text(); x.Key == "" && !x.Absent && name != "" && !slices.Contains(restored, name) {
			restored = append(restored, name)
		}
	}
	return restored, not
}

func pathOf(f *training.File, tree *pyast.Tree) string { return cmp.Or(f.PathOf(tree), f.Path) }
