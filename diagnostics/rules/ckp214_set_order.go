package rules

import (
	"fmt"

	"github.com/ckpt-lsp/ckpt-lsp/diagnostics"
	"github.com/ckpt-lsp/ckpt-lsp/internal/training"
)

// CKP214 set-order
//
// # What it does
//
// Reports a set of strings that is gone through in order to number classes or words, or to fill a dataset.
//
// # Why it matters
//
// The order of a set of strings differs from process to process, whatever is seeded: Python salts the hashes of strings. A
// vocabulary numbered by it gives each word another number in each run, so a checkpoint of one run means nothing to the next.
//
// # Example
//
//	import torch
//
//	text = open("input.txt").read()
//	stoi = {c: i for i, c in enumerate(set(text))}
//
// # Use instead
//
//	import torch
//
//	text = open("input.txt").read()
//	stoi = {c: i for i, c in enumerate(sorted(set(text)))}
//
// # Fix safety
//
// The fix is safe: it sorts the set. A checkpoint written before has its own order, which is lost already unless it was saved
// with it.
//
// # What it does not see
//
// Sets whose elements are not plainly strings; the order of ints repeats. Orders that pass through functions of other files. Numbers
// that only a plot uses, and those that the program writes to a file, unless it trains with a seed: then they differ where nothing should.
//
// # Related rules
//
// `unsorted-listing`, `hashseed-too-late`
//
// # References
//
//   - https://docs.python.org/3/reference/datamodel.html#object.__hash__
//   - https://docs.python.org/3/using/cmdline.html#envvar-PYTHONHASHSEED
var _ = diagnostics.Register(&diagnostics.Rule{
	Code: "CKP214", Name: "set-order", Summary: "The order of a set of strings decides class numbers or the order of data",
	Severity: diagnostics.Warning, HasFix: true, Fix: diagnostics.Safe, Since: "0.1.0",
	Run: setOrder,
})

func setOrder(p *diagnostics.Pass) {
	if p.File.Test() {
		return
	}
	for _, u := range p.File.SetOrders() {
		if _, seeded := seededTraining(p.File); u.Kept && !seeded {
			continue // whoever loads the model reads its numbers as well
		}
		what, use := "which example has which index", "the order decides the index of each example here"
		if u.Classes {
			what, use = "the numbers given to its elements", "the order decides the numbers here"
		}
		p.Report(diagnostics.Diagnostic{
			Place: training.FirstLine(u.Source),
			Message: fmt.Sprintf("The order of this set of strings (`%s`) decides %s. It differs from process to process, whatever is seeded.",
				shortened(u.Source), what),
			Related:  []diagnostics.Related{at(u.Use, use)},
			Remedies: []diagnostics.Remedy{diagnostics.SortItems{Items: u.Source}},
		})
	}
}
