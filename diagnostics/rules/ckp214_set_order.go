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
// Reports a set of strings that is gone through in order to number classes or words, to fill a dataset, or to draw from it with a seed; and
// `hash()` of text where it becomes a part of a file's name, or a seed.
// It looks at scripts that know no framework as well, where a file beside them does.
//
// # Why it matters
//
// The order of a set of strings differs from process to process, whatever is seeded: Python salts the hashes of strings. A
// vocabulary numbered by it gives each word another number in each run, so a checkpoint of one run means nothing to the next. A file that
// is named by such a hash is not found again, and each of several processes looks for another one.
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
// The fix is safe: it sorts the set, and unsafe where the elements are not known to be strings. There is none for a hash. A checkpoint written before has its own order, which is lost already unless it was saved
// with it.
//
// # What it does not see
//
// Sets whose elements are not plainly strings, and not what a function is given under a name that tells no numbers, which is an
// information; the order of ints repeats. Orders that pass through functions of other files. Numbers
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
	Severity: diagnostics.Warning, HasFix: true, Fix: diagnostics.Safe, FixAlso: []diagnostics.Applicability{diagnostics.Unsafe}, Orders: true, Since: "0.1.0",
	Also: []diagnostics.Severity{diagnostics.Information},
	Run:  setOrder,
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
		switch {
		case u.Classes:
			what, use = "the numbers given to its elements", "the order decides the numbers here"
		case u.Drawn:
			what, use = "what is drawn from it with a seed", "the seeded draw is made here"
		}
		severity, of, unless := diagnostics.Warning, "set of strings", ""
		sort := diagnostics.SortItems{Items: u.Source}
		if u.Possible {
			severity, of, unless = diagnostics.Information, "set", ", unless the elements are numbers"
			sort.Reason = "elements of several types cannot be sorted"
		}
		p.Report(diagnostics.Diagnostic{
			Place: training.FirstLine(u.Source), Severity: severity,
			Message: fmt.Sprintf("The order of this %s (`%s`) decides %s. It differs from process to process, whatever is seeded%s.",
				of, shortened(u.Source), what, unless),
			Related:  []diagnostics.Related{at(u.Use, use)},
			Remedies: []diagnostics.Remedy{sort},
		})
	}
	for _, h := range p.File.SaltedHashes() {
		severity, of := diagnostics.Warning, "of text differs from process to process"
		if h.Possible {
			severity, of = diagnostics.Information, "differs from process to process, unless it is of a number"
		}
		what, use := "the next run does not find the file that it names. Name it by a digest of `hashlib`.", "it becomes a part of a file's name here"
		if h.Seeds {
			what, use = "each run is seeded with another number. Seed with `zlib.crc32`, or a digest of `hashlib`.", "it seeds here"
			if h.Compiled {
				what = "each run is seeded with another number. Seed with the numbers that the text is made of: numba, which may compile this, has no `zlib` or `hashlib`."
			}
		}
		p.Report(diagnostics.Diagnostic{
			Place: training.FirstLine(h.Call), Severity: severity,
			Message: fmt.Sprintf("`%s` %s: %s", shortened(h.Call), of, what),
			Related: []diagnostics.Related{at(h.Use, use)},
		})
	}
}
