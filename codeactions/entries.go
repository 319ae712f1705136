package codeactions

import (
	"slices"

	"github.com/ckpt-lsp/ckpt-lsp/diagnostics"
	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
	"github.com/ckpt-lsp/ckpt-lsp/internal/text"
	"github.com/ckpt-lsp/ckpt-lsp/internal/training"
)

// Entry is one entry that a checkpoint's dict lacks.
type Entry struct {
	// Key is the entry's key, Text the whole entry in the style of the dict, without a comma.
	Key, Text string
	// Edits are what the entry needs elsewhere in the file: imports.
	Edits []text.Edit
	// Reports is the finding that it answers, as an index.
	Reports int
}

// Entries are those that findings say are missing in the dict around an offset, each once.
func Entries(tree *pyast.Tree, ds []diagnostics.Diagnostic, at int) []Entry {
	var out []Entry
	for i, d := range ds {
		for _, r := range d.Remedies {
			c, ok := r.(diagnostics.CompleteCheckpoint)
			if !ok || c.Save.Dict == nil || !c.Save.Dict.Literal.Valid() || c.Save.Dict.Literal.Tree() != tree || !c.Save.Dict.Literal.Span().Contains(at) {
				continue
			}
			for _, e := range entriesOf(d.Facts, tree, c) {
				if e.Reports = i; !slices.ContainsFunc(out, func(o Entry) bool { return o.Key == e.Key }) {
					out = append(out, e)
				}
			}
		}
	}
	return out
}

func entriesOf(file *training.File, tree *pyast.Tree, c diagnostics.CompleteCheckpoint) []Entry {
	file.Lock()
	defer file.Unlock()
	mod := file.ModuleOf(tree)
	if mod == nil {
		return nil
	}
	s := newSheet(file, mod)
	w := &checkpointWriter{sheet: s, save: c.Save, ctxs: contexts(file, c.Save), taken: map[string]bool{}}
	for _, x := range c.Save.Components {
		w.taken[x.Key] = true
	}
	found, ok := w.entries(c)
	if !ok {
		return nil
	}
	var out []Entry
	for _, e := range found {
		out = append(out, Entry{Key: e.key, Text: w.pair(e), Edits: s.heads})
	}
	return out
}
