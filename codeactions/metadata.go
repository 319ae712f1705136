package codeactions

import (
	"regexp"
	"slices"

	"github.com/ckpt-lsp/ckpt-lsp/diagnostics"
	"github.com/ckpt-lsp/ckpt-lsp/internal/training"
)

var (
	formatKey = regexp.MustCompile(`(?i)^(format|schema|ckpt|checkpoint)?_?version$`)
	torchKey  = regexp.MustCompile(`(?i)^(py)?torch_?(version)?$`)
)

// recordVersion has the dict that is saved say which format it has, so that a later program can tell an older one, and which torch wrote
// it, as text.
func recordVersion(s *sheet, r diagnostics.RecordVersion) (Fix, bool) {
	d := r.Save.Dict
	if d == nil || !d.Literal.Valid() || d.Literal.Tree() != s.mod.Tree {
		return Fix{}, false
	}
	has := func(key *regexp.Regexp) bool {
		return slices.ContainsFunc(r.Save.Components, func(c training.Component) bool { return key.MatchString(c.Key) })
	}
	var entries []entry
	if !has(formatKey) {
		entries = append(entries, entry{key: "format_version", value: "1"})
	}
	if !has(torchKey) {
		entries = append(entries, entry{key: "torch_version", value: "str(" + s.module("torch") + ".__version__)"})
	}
	if len(entries) == 0 {
		return Fix{}, false
	}
	w := &checkpointWriter{sheet: s, save: r.Save}
	w.write(entries)
	return s.fix(Fix{
		Title:         "Write the format and torch version",
		Applicability: diagnostics.Unsafe,
		Why:           "programs that read the file may not expect other keys",
	}), true
}
