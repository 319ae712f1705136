package rules

import (
	"fmt"

	"github.com/ckpt-lsp/ckpt-lsp/diagnostics"
	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
	"github.com/ckpt-lsp/ckpt-lsp/internal/training"
)

// CKP207 unseeded-split
//
// # What it does
//
// Reports a script that splits its data at random (`random_split`, `train_test_split`, a permutation cut into a head and a
// tail) without a seed, and seeds the generator that is drawn from nowhere, or in each process with a seed that holds the rank.
//
// # Why it matters
//
// Each run holds out other examples, so scores cannot be compared. A run that goes on from a checkpoint makes another split: it
// validates on examples that it was trained on before. Where several processes train together, each makes another split.
//
// # Example
//
//	import torch
//	from torch.utils.data import random_split
//	from data import dataset, model
//
//	train, val = random_split(dataset, [90, 10])
//	optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
//	for x, y in train:
//	    model(x).sum().backward()
//	    optimizer.step()
//
// # Use instead
//
//	import torch
//	from torch.utils.data import random_split
//	from data import dataset, model
//
//	train, val = random_split(dataset, [90, 10], generator=torch.Generator().manual_seed(42))
//	optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
//	for x, y in train:
//	    model(x).sum().backward()
//	    optimizer.step()
//
// # Fix safety
//
// The fix gives the split a generator of its own. It is unsafe: the split differs from that of earlier runs.
//
// # What it does not see
//
// Splits that no script at hand is seen to train on, and programs that call a seeding function whose code is not at hand. A seed that
// comes after the split is what seed-after-use reports.
//
// # Related rules
//
// `no-seed`, `partial-seed`, `seed-after-use`
//
// # References
//
//   - https://docs.pytorch.org/docs/stable/data.html#torch.utils.data.random_split
//   - https://scikit-learn.org/stable/modules/generated/sklearn.model_selection.train_test_split.html
var _ = diagnostics.Register(&diagnostics.Rule{
	Code: "CKP207", Name: "unseeded-split", Summary: "The data are split at random and nothing seeds the split",
	Severity: diagnostics.Information, HasFix: true, Fix: diagnostics.Unsafe, Since: "0.1.0",
	Run: unseededSplit,
})

func unseededSplit(p *diagnostics.Pass) {
	if p.File.Test() || p.File.Runs[0].SeedsElsewhere().Valid() {
		return
	}
	for _, s := range p.File.UnseededSplits() {
		d := diagnostics.Diagnostic{
			Place: training.FirstLine(s.Node),
			Message: fmt.Sprintf("`%s` splits the data differently in each run: nothing seeds the generator of %s.",
				s.Node.Child(pyast.FieldFunction).Text(), s.RNG),
			Remedies: []diagnostics.Remedy{diagnostics.SeedSplit{Call: s.Node, Keyword: s.Keyword}},
		}
		if s.Apart.Valid() {
			d.Message = fmt.Sprintf("`%s` splits the data differently in each process: the seed in %s holds the rank. One trains on what another validates on.",
				s.Node.Child(pyast.FieldFunction).Text(), lineIn(p.File, s.Apart, s.Node))
			d.Related = []diagnostics.Related{at(s.Apart, "each process gets a seed of its own here")}
		} else if many, ok := s.Distributed(); ok && len(p.File.Guards(s.Frame)) == 0 {
			d.Message += " Each process makes a split of its own, so one trains on what another validates on."
			d.Related = []diagnostics.Related{at(many.Node, "several processes run this program")}
		}
		if s.Resume.Valid() {
			d.Message += " A resumed run validates on examples that it was trained on before."
			d.Related = append(d.Related, at(s.Resume, "training resumes here"))
		}
		p.Report(d)
	}
}
