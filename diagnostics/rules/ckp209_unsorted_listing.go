package rules

import (
	"fmt"
	"slices"

	"github.com/ckpt-lsp/ckpt-lsp/diagnostics"
	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
	"github.com/ckpt-lsp/ckpt-lsp/internal/training"
)

// CKP209 unsorted-listing
//
// # What it does
//
// Reports `os.listdir`, `os.scandir`, `glob`, `iterdir` and `rglob` where the order of the names decides which example of a
// dataset has which index, which class has which number, what a seeded draw gives, or which checkpoint comes last and is taken.
//
// # Why it matters
//
// They give names in arbitrary order: the one in which the file system holds them. On another machine, or after the data were
// copied, the same seed then picks other examples, a split by index mixes training and validation data, and class 3 is another
// class than the one the checkpoint has learned.
//
// It looks at scripts that know no framework as well, where a file beside them does.
//
// It is a warning where the order numbers classes, where a part of the examples, or the last name, is taken by its place or one index
// takes from two listings, and where the file trains with a seed; not where a file that trains nothing looks at what another wrote. Elsewhere it is an information: whether the indices mean anything is decided by who uses them.
//
// # Example
//
//	import os
//	from torch.utils.data import Dataset
//
//	class Images(Dataset):
//	    def __init__(self, root):
//	        self.names = os.listdir(root)
//
//	    def __getitem__(self, i):
//	        return self.names[i]
//
// # Use instead
//
//	import os
//	from torch.utils.data import Dataset
//
//	class Images(Dataset):
//	    def __init__(self, root):
//	        self.names = sorted(os.listdir(root))
//
//	    def __getitem__(self, i):
//	        return self.names[i]
//
// # Fix safety
//
// The fix is safe: it sorts the listing. A checkpoint whose classes were numbered by another order must be trained again, or be
// given its old order; sorting does not make that worse, because the order was never sure. It is unsafe where the file numbers names,
// trains nothing and loads what another program saved: that may have listed the same folder, in the order that both are given today. It is
// unsafe, too, where one index takes from two listings, which it sorts both: `1.png` comes before `10.png`, and `1_mask.png` after
// `10_mask.png`. Where the last name is taken, it sorts by the numbers in the names, unless the program pads them with zeros.
//
// # What it does not see
//
// Indices where the file trains itself and seeds nothing: the order is another one in each run anyway. Orders that pass through dicts or functions of other libraries. A list that is
// sorted anywhere in its function or class is left alone, and so is a dataset whose name says that it is for tests.
//
// # Related rules
//
// `set-order`, `lexicographic-latest`
//
// # References
//
//   - https://docs.python.org/3/library/os.html#os.listdir
//   - https://docs.python.org/3/library/glob.html#glob.glob
var _ = diagnostics.Register(&diagnostics.Rule{
	Code: "CKP209", Name: "unsorted-listing", Summary: "The order of a directory listing decides the order of the data",
	Severity: diagnostics.Warning, HasFix: true, Fix: diagnostics.Safe, FixAlso: []diagnostics.Applicability{diagnostics.Unsafe}, Orders: true, Since: "0.1.0",
	Also: []diagnostics.Severity{diagnostics.Information},
	Run:  unsortedListing,
})

func unsortedListing(p *diagnostics.Pass) {
	if p.File.Test() {
		return
	}
	trains, seeded := seededTraining(p.File)
	for _, u := range p.File.Listings(trains && seeded) {
		if !u.Classes && !u.Last && trains && !seeded {
			continue // another order each time, whatever the listing gives
		}
		if u.Source.Tree() != p.File.Tree && u.Classes {
			continue // the file with the listing tells of it
		}
		severity := diagnostics.Information
		// It looks at what another program has written.
		looks := u.Classes && !trains && readsFiles(p.File)
		if u.Classes && !u.Kept && !looks || u.Cut || u.Paired || u.Last || seeded { // whoever loads the model reads the numbers that are kept as well
			severity = diagnostics.Warning
		}
		fn := u.Source.Child(pyast.FieldFunction)
		what, use := "which example has which index", "the order decides the index of each example here"
		switch {
		case u.Classes:
			what, use = "which number each gets", "the order decides the numbers here"
		case u.Drawn:
			what, use = "what is drawn from it with a seed", "the seeded draw is made here"
		case u.Last:
			what, use = "which comes last", "the last one is taken here"
		}
		sort := diagnostics.SortItems{Items: u.Source, Inner: u.Inner, Others: u.Others}
		if fn.TextIs("os.scandir") || fn.TextIs("scandir") {
			sort.Key = "lambda entry: entry.name"
		}
		switch padding, shown := p.File.Numbering(u.Source); {
		case looks:
			sort.Reason = "what another program wrote in the old order no longer matches, unless it sorts as well"
		case u.Paired:
			sort.Reason = "each index takes a pair from two listings: their names must sort alike"
		case u.Last && padding != training.Padded:
			sort.ByNumber = true
			if !shown {
				sort.Reason = "it sorts by the numbers in the names, and nothing shows that they hold one"
			}
		}
		d := diagnostics.Diagnostic{
			Place: training.FirstLine(u.Source), Severity: severity,
			Message: fmt.Sprintf("`%s` gives names in arbitrary order, and that decides %s: it can differ on another machine.",
				fn.Text(), what),
			Related: []diagnostics.Related{at(u.Use, use)},
		}
		if !u.Pruned { // sorted, it would have been everywhere before the program tells it where to go
			d.Remedies = []diagnostics.Remedy{sort}
		}
		p.Report(d)
	}
}

// readsFiles reports whether a run of the file loads what was saved before.
func readsFiles(f *training.File) bool {
	return slices.ContainsFunc(f.Runs, func(r *training.Run) bool { return len(r.Loads) > 0 })
}

// seededTraining reports whether the file itself trains, and whether a run of it that does is seeded.
func seededTraining(f *training.File) (trains, seeded bool) {
	for _, r := range f.Runs {
		if n, _ := r.Training(); n.Valid() {
			trains, seeded = true, seeded || r.Seeded() || r.SeedsElsewhere().Valid()
		}
	}
	return trains, seeded
}
