package server

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/ckpt-lsp/ckpt-lsp/diagnostics"
	"github.com/ckpt-lsp/ckpt-lsp/internal/contract"
	"github.com/ckpt-lsp/ckpt-lsp/internal/insight"
	"github.com/ckpt-lsp/ckpt-lsp/internal/text"
	"github.com/ckpt-lsp/ckpt-lsp/internal/training"
)

// checkpointAt tells of the checkpoint that is saved or loaded at an offset, and where it is; nothing where none is.
func checkpointAt(facts []*training.File, d *document, found []diagnostics.Diagnostic, at int) (parts []string, span text.Span) {
	for _, s := range insight.Saves(facts, d.path, found) {
		if s.Call.Contains(at) {
			return []string{saveText(s, found)}, s.Call
		}
	}
	for _, w := range insight.Wholes(facts, d.path) {
		if w.Call.Contains(at) {
			return []string{wholeText(w)}, w.Call
		}
	}
	for _, l := range insight.Loads(facts, d.path) {
		if l.Call.Contains(at) {
			return []string{loadText(d, l)}, l.Call
		}
	}
	for _, b := range insight.Bares(facts, d.path) {
		if b.Call.Contains(at) {
			return []string{bareText(b)}, b.Call
		}
	}
	return nil, text.Span{}
}

// saveText says what a save stores, what of it is restored, what it lacks, and the learning rates of the run that goes on from it.
func saveText(s insight.Save, found []diagnostics.Diagnostic) string {
	title := "**Checkpoint**"
	if s.Training {
		title = "**Training checkpoint**: " + completeness(s, found)
	}
	list := partsText(s.Stored)
	if a := s.Agreement(); a.Load != nil {
		list = contract.Of(a, filepath.Base).List()
	}
	parts := []string{title}
	if list != "" {
		parts = append(parts, list)
	}
	if names := missingNames(s, found); len(names) > 0 {
		parts = append(parts, "Missing: "+strings.Join(names, ", "))
	}
	if l, ok := s.Load(); ok {
		parts = append(parts, ratesText(l)...)
	}
	return strings.Join(parts, "\n\n")
}

// wholeText says what a save stores that is one object.
func wholeText(w insight.Whole) string {
	if !w.State {
		return fmt.Sprintf("**Pickled object**: `%s`", contract.Clip(w.Name, 50))
	}
	title := fmt.Sprintf("**State dict** of `%s`", contract.Clip(w.Name, 50))
	if list := partsText(w.Added); list != "" {
		return title + ", and\n\n" + list
	}
	return title
}

// partsText lists what a checkpoint holds.
func partsText(parts []insight.Part) string {
	var items []string
	for _, p := range parts {
		items = append(items, contract.Item(p.Key, p.Value, ""))
	}
	return strings.Join(items, "\n")
}

// completeness says how many parts a checkpoint has of those that it is known to need. It is no promise that nothing else is missing:
// rules can be off, and not all is seen.
func completeness(s insight.Save, found []diagnostics.Diagnostic) string {
	return fmt.Sprintf("%d of %d", len(s.Stored), len(s.Stored)+len(missingNames(s, found)))
}

// missingNames are the parts that a checkpoint lacks, each once.
func missingNames(s insight.Save, found []diagnostics.Diagnostic) []string {
	var out []string
	for _, i := range s.Missing {
		for _, name := range insight.Lacks(found[i]) {
			if !slices.Contains(out, name) {
				out = append(out, name)
			}
		}
	}
	return out
}

// loadText says what a load of the document restores, and how training goes on.
func loadText(d *document, l insight.Load) string {
	title := "**Load of a checkpoint**"
	if l.Agreement.Continues {
		title += ": training goes on from it"
	}
	c := contract.Of(l.Agreement, filepath.Base)
	parts := []string{title}
	written := "Written at "
	if c.Perhaps {
		written = "Perhaps written at "
	}
	switch {
	case c.Unknown != "":
		parts = append(parts, "Which save writes it is unknown: "+c.Unknown+".")
	case len(c.Saves) == 0:
		parts = append(parts, "No save in this file, or in what it calls, writes it.")
	case len(c.Saves) == 1:
		parts = append(parts, written+where(d, l, c)+".")
	default:
		parts = append(parts, fmt.Sprintf("%s%s and %d more.", written, where(d, l, c), len(c.Saves)-1))
	}
	if len(c.Keys) > 0 {
		parts = append(parts, c.List())
	}
	parts = append(parts, ratesText(l)...)
	if c.Unknown == "" && len(c.Saves) == 0 {
		parts = append(parts, older)
	}
	return strings.Join(parts, "\n\n")
}

// bareText says into what all of a file is loaded.
func bareText(b insight.Bare) string {
	title := fmt.Sprintf("**Load of a state dict** into `%s`: ", contract.Clip(b.Into, 50))
	if b.Strict {
		title += "a key or shape that does not match is an error"
	} else {
		title += "keys that do not match are passed over, shapes that do not match are an error"
	}
	if !b.Foreign {
		return title
	}
	return title + "\n\n" + older
}

// older says what can keep a file from being loaded that another program wrote, or an earlier version of this one or of torch, and the way
// over. The rules' pages say why.
const older = `Of a file by an earlier program or torch:

- tensors load; a pickled class that has moved or is gone ("Can't get attribute") does not
- missing and unexpected keys are renamed layers, or the prefix of a wrapper
- ` + "`ckpt-lsp inspect FILE` tells what it holds, `--migrate` writes its weights as safetensors" + `
- once it loads, run one batch: are shapes and answers what they were?`

// ratesText says with which learning rates training goes on from a load; nothing where they are not sure, or are one.
func ratesText(l insight.Load) []string {
	name, rates := l.Rates()
	if len(rates) < 2 {
		return nil
	}
	list := fmt.Sprintf("The learning rate that `%s` goes on with:\n", name)
	for _, r := range rates {
		list += fmt.Sprintf("\n- after %s: %.4g", epochs(r.Done), r.LR)
	}
	return []string{list}
}

// where says where the first save stands: in a notebook, by its cell.
func where(d *document, l insight.Load, c contract.Contract) string {
	at := l.Agreement.Saves[0].Node
	if cell, ok := d.source.CellAt(at.Start()); ok && at.Tree() == d.tree {
		return fmt.Sprintf("cell %d, line %d", cell.Number, text.NewLineIndex(cell.Text).Line(at.Start()-cell.Span.Start)+1)
	}
	return c.Saves[0].String()
}

func epochs(n int) string {
	if n == 1 {
		return "1 epoch"
	}
	return fmt.Sprintf("%d epochs", n)
}
