package codeactions

import "github.com/ckpt-lsp/ckpt-lsp/diagnostics"

// recordVersion adds the torch version, as text, to the dict that is saved.
func recordVersion(s *sheet, r diagnostics.RecordVersion) (Fix, bool) {
	d := r.Save.Dict
	if d == nil || !d.Literal.Valid() || d.Literal.Tree() != s.mod.Tree {
		return Fix{}, false
	}
	w := &checkpointWriter{sheet: s, save: r.Save, taken: map[string]bool{}}
	for _, c := range r.Save.Components {
		w.taken[c.Key] = true
	}
	w.write([]entry{{key: w.key("torch_version", false), value: "str(" + s.module("torch") + ".__version__)"}})
	return s.fix(Fix{
		Title:         "Save the torch version",
		Applicability: diagnostics.Unsafe,
		Why:           "programs that read the file may not expect another key",
	}), true
}
