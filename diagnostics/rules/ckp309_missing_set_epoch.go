package rules

import (
	"fmt"

	"github.com/ckpt-lsp/ckpt-lsp/diagnostics"
	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
	"github.com/ckpt-lsp/ckpt-lsp/internal/training"
)

// CKP309 missing-set-epoch
//
// # What it does
//
// Reports a shuffling DistributedSampler whose loader is gone through in every epoch, in a file that never calls set_epoch. A
// generator that restarts a loader forever, in a file that works with several processes, is reported as information.
//
// # Why it matters
//
// DistributedSampler shuffles with its seed plus the epoch that it was given. Without set_epoch every epoch sees the same order, and
// every rank the same share of the data.
//
// # Example
//
//	import torch
//	from torch.utils.data import DataLoader
//	from torch.utils.data.distributed import DistributedSampler
//	from model import Net, dataset
//
//	model = Net()
//	optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
//	sampler = DistributedSampler(dataset)
//	loader = DataLoader(dataset, batch_size=32, sampler=sampler)
//	for epoch in range(10):
//	    for x, y in loader:
//	        optimizer.zero_grad()
//	        model(x).loss(y).backward()
//	        optimizer.step()
//
// # Use instead
//
//	import torch
//	from torch.utils.data import DataLoader
//	from torch.utils.data.distributed import DistributedSampler
//	from model import Net, dataset
//
//	model = Net()
//	optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
//	sampler = DistributedSampler(dataset)
//	loader = DataLoader(dataset, batch_size=32, sampler=sampler)
//	for epoch in range(10):
//	    sampler.set_epoch(epoch)
//	    for x, y in loader:
//	        optimizer.zero_grad()
//	        model(x).loss(y).backward()
//	        optimizer.step()
//
// # Fix safety
//
// The fix is safe: it tells the sampler the epoch at the top of the loop, where it is a DistributedSampler on every way, and asks for
// that first where it may be another. A loop variable called `_` gets a name. The order of the data changes from epoch to epoch, as
// the sampler's shuffle=True says it should.
//
// # What it does not see
//
// Loaders passed to functions of other files, which may call set_epoch: there the rule is silent. A sampler that is told not to
// shuffle, or is named for validation or test, needs no set_epoch. Nor does one whose data no loop trains on.
//
// # Related rules
//
// `unseeded-workers`, `midepoch-reshuffle`
//
// # References
//
//   - https://docs.pytorch.org/docs/stable/data.html#torch.utils.data.distributed.DistributedSampler
var _ = diagnostics.Register(&diagnostics.Rule{
	Code: "CKP309", Name: "missing-set-epoch", Summary: "A shuffling DistributedSampler is never told the epoch",
	Severity: diagnostics.Warning, Fix: diagnostics.Safe, HasFix: true, Since: "0.1.0",
	Also: []diagnostics.Severity{diagnostics.Information},
	Run:  missingSetEpoch,
})

func missingSetEpoch(p *diagnostics.Pass) {
	if p.File.CallsSetEpoch() {
		toldUnderOption(p)
		return
	}
	for _, n := range p.File.RestartedLoaders() {
		p.Report(diagnostics.Diagnostic{
			Place:    training.FirstLine(n),
			Severity: diagnostics.Information,
			Message: "The loader is restarted here forever, and nothing tells its sampler the epoch. A DistributedSampler gives the same order of " +
				"the data in every pass. Call `sampler.set_epoch` before each.",
		})
	}
	for _, r := range p.File.Runs {
		for _, l := range r.SplitLoaders() {
			epochs := "Every epoch"
			if n, ok := l.Epochs.Rounds(); ok {
				epochs = fmt.Sprintf("Each of the %d epochs", n)
			}
			d := diagnostics.Diagnostic{
				Place: training.FirstLine(l.Place()),
				Message: fmt.Sprintf("%s is never told the epoch (`set_epoch`). %s sees the same order of the data, and every rank the "+
					"same share of it.", samplerOf(l), epochs),
				Related: []diagnostics.Related{at(l.Epochs.Node, "the training goes through the data here")},
			}
			if l.Unseen {
				d.Severity = diagnostics.Information // the loader gets there out of sight
			}
			if l.Place() != l.Sampler.Node {
				d.Related = []diagnostics.Related{at(l.Sampler.Node, "the sampler is made here")}
			}
			if l.Epochs.Var.Valid() && l.Epochs.Ctx.Func == l.Loader.Ctx.Func && (l.SamplerName != "" || l.LoaderName != "") {
				tell := diagnostics.SetEpoch{Loop: l.Epochs, Sampler: l.SamplerName, Loader: l.LoaderName}
				if l.Mixed {
					tell.Class = l.Sampler.Node.Child(pyast.FieldFunction)
				}
				d.Remedies = []diagnostics.Remedy{tell}
			}
			p.Report(d)
		}
	}
}

// toldUnderOption tells of samplers that are always made and told the epoch under an option only.
func toldUnderOption(p *diagnostics.Pass) {
	places := once{}
	for _, r := range p.File.Runs {
		for _, l := range r.SplitLoaders() {
			option := l.ToldUnder()
			if !option.Valid() || !places.first(option) {
				continue
			}
			p.Report(diagnostics.Diagnostic{
				Place: training.FirstLine(option),
				Message: fmt.Sprintf("%s shuffles in every run and is told the epoch only where `%s` holds. Elsewhere each epoch sees the same order of the data.",
					samplerOf(l), option.Text()),
				Related: []diagnostics.Related{at(l.Sampler.Node, "the sampler is made here, whatever the option says")},
			})
		}
	}
}

// samplerOf names the sampler of a loader.
func samplerOf(l training.SplitLoader) string {
	if l.SamplerName == "" {
		return "The DistributedSampler"
	}
	return "`" + l.SamplerName + "`"
}
