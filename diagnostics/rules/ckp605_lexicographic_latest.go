package rules

import (
	"fmt"

	"github.com/ckpt-lsp/ckpt-lsp/diagnostics"
	"github.com/ckpt-lsp/ckpt-lsp/internal/training"
)

// CKP605 lexicographic-latest
//
// # What it does
//
// Reports code that takes the latest of a directory's checkpoints, or the old ones to delete, by sorting their names as text,
// where the numbers in the names have no leading zeros.
//
// # Why it matters
//
// In text order `epoch_9` comes after `epoch_10`: of epochs 5, 10, 20 and 100 "the last three" are 100, 20 and 5. A resume
// takes an old checkpoint, and a clean-up deletes the wrong file as soon as a number gains a digit; it can delete the newest.
//
// # Example
//
//	import glob
//	import torch
//
//	def latest():
//	    return sorted(glob.glob("checkpoints/checkpoint_epoch_*.pt"))[-1]
//
//	def save(model, epoch):
//	    torch.save(model.state_dict(), f"checkpoints/checkpoint_epoch_{epoch}.pt")
//
// # Use instead
//
//	import glob
//	import re
//	import torch
//
//	def latest():
//	    return sorted(glob.glob("checkpoints/checkpoint_epoch_*.pt"), key=lambda p: [int(n) for n in re.findall(r"\d+", p)])[-1]
//
//	def save(model, epoch):
//	    torch.save(model.state_dict(), f"checkpoints/checkpoint_epoch_{epoch}.pt")
//
// # Fix safety
//
// The fix is safe: it sorts by the numbers in the name, the first first.
//
// # What it does not see
//
// Names written in another file: where their numbers are padded there, text order is right. Without a save that shows how the
// numbers are written, the finding is information only.
//
// # Related rules
//
// `unsafe-rotation`, `unsorted-listing`
//
// # References
//
//   - https://docs.python.org/3/howto/sorting.html#key-functions
var _ = diagnostics.Register(&diagnostics.Rule{
	Code: "CKP605", Name: "lexicographic-latest", Summary: "Checkpoint names with unpadded numbers are sorted as text",
	Severity: diagnostics.Warning, Fix: diagnostics.Safe, HasFix: true, Orders: true, Since: "0.1.0",
	Also: []diagnostics.Severity{diagnostics.Information},
	Run:  lexicographicLatest,
})

func lexicographicLatest(p *diagnostics.Pass) {
	if p.File.Test() {
		return
	}
	for _, t := range p.File.TextOrders() {
		padding := p.File.NamesPadding(t.Listing)
		if padding == training.Padded || !t.Checkpoints(p.File, padding) || padding == training.PaddingUnknown && !t.Purpose(p.File) {
			continue
		}
		d := diagnostics.Diagnostic{
			Place: training.FirstLine(t.Node),
			Message: fmt.Sprintf("Checkpoint names are %s as text, where 9 comes after 10. As soon as a number gains a digit, %s.", t.How,
				t.Harm()),
			Related:  []diagnostics.Related{at(t.Listing.Node, "the names are listed here")},
			Remedies: []diagnostics.Remedy{diagnostics.SortByNumber{Call: t.Node}},
		}
		if padding == training.PaddingUnknown {
			d.Severity = diagnostics.Information
			d.Message = fmt.Sprintf("Checkpoint names are %s as text. Unless their numbers are padded with zeros, 9 comes after 10 and %s.", t.How,
				t.Harm())
		}
		if p.File.Uncalled(t.Node) {
			d.Severity = diagnostics.Information
		}
		p.Report(d)
	}
}
