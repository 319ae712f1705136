package rules

import (
	"fmt"
	"slices"

	"github.com/ckpt-lsp/ckpt-lsp/diagnostics"
	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
	"github.com/ckpt-lsp/ckpt-lsp/internal/pysem"
	"github.com/ckpt-lsp/ckpt-lsp/internal/torch"
	"github.com/ckpt-lsp/ckpt-lsp/internal/training"
)

// CKP206 unseeded-workers
//
// # What it does
//
// Reports random numbers in a DataLoader's worker processes that torch's own seeding of workers does not reach: generator
// objects that a Dataset holds, a `worker_init_fn` or a Dataset that seeds every worker or every epoch alike, and, where the project allows
// torch below 1.9, numpy's global generator (an information, unless the project rules out torch 1.9 and later).
//
// # Why it matters
//
// Torch reseeds torch, random and (since 1.9) numpy in every worker and epoch. A `numpy.random.Generator`, `RandomState` or
// `random.Random` made before the workers start is copied into each of them instead: all workers, in all epochs, draw the same
// numbers, and augmentation repeats itself.
//
// # Example
//
//	import numpy as np
//	from torch.utils.data import DataLoader, Dataset
//
//	class Noisy(Dataset):
//	    def __init__(self, data):
//	        self.data = data
//	        self.rng = np.random.default_rng(0)
//
//	    def __getitem__(self, i):
//	        return self.data[i] + self.rng.normal()
//
//	loader = DataLoader(Noisy([1.0, 2.0]), num_workers=2)
//
// # Use instead
//
//	import numpy as np
//	from torch.utils.data import DataLoader, Dataset
//
//	class Noisy(Dataset):
//	    def __init__(self, data):
//	        self.data = data
//
//	    def __getitem__(self, i):
//	        return self.data[i] + np.random.normal()
//
//	loader = DataLoader(Noisy([1.0, 2.0]), num_workers=2)
//
// # Fix safety
//
// The fixes are unsafe, because the data change: a seed in `worker_init_fn` is derived from `torch.initial_seed()`, and a
// loader without one gets one. For generator objects there is no automatic fix.
//
// # What it does not see
//
// Datasets and transforms that neither the file nor a function it calls builds, generators of other libraries. A file that asks for
// `get_worker_info` or passes a `worker_init_fn` is taken to reseed its generator objects.
//
// # Related rules
//
// `lightning-unseeded-workers`, `partial-seed`, `same-seed-all-ranks`
//
// # References
//
//   - https://docs.pytorch.org/docs/stable/notes/randomness.html#dataloader
var _ = diagnostics.Register(&diagnostics.Rule{
	Code: "CKP206", Name: "unseeded-workers", Summary: "Data loading workers draw numbers that torch does not seed",
	Severity: diagnostics.Warning, HasFix: true, Fix: diagnostics.Unsafe, Since: "0.1.0",
	Also: []diagnostics.Severity{diagnostics.Information},
	Run:  unseededWorkers,
})

func unseededWorkers(p *diagnostics.Pass) {
	if p.File.Test() {
		return
	}
	var uses []training.LoaderUse
	for _, r := range p.File.Runs {
		uses = append(uses, r.LoaderUses()...)
	}
	copiedGenerators(p, uses)
	if !slices.ContainsFunc(uses, training.LoaderUse.Persistent) {
		for _, seeds := range p.File.NumberSeeds() {
			p.Report(repeatedSeeds(seeds))
		}
	}
	for _, use := range uses {
		if use.Init.Valid() {
			constantWorkerSeeds(p, use)
			if p.Torch.Before(1, 9) {
				forkedWorkerSeeds(p, use)
			}
		} else if p.Torch.Before(1, 9) {
			unseededNumpy(p, use)
		}
	}
}

// copiedGenerators reports generator objects that workers inherit in one state.
func copiedGenerators(p *diagnostics.Pass, uses []training.LoaderUse) {
	if p.File.ReseedsWorkers() {
		return
	}
	for _, d := range p.File.HeldDraws() {
		severity, related := diagnostics.Information, []diagnostics.Related{at(d.Made, "the generator is made here, before the workers start")}
		alone := false
		for _, use := range uses {
			if use.Dataset != d.Class {
				continue
			}
			if use.Workers == training.NoWorkers {
				alone = true
				continue
			}
			alone, severity = false, diagnostics.Warning
			related = append(related, at(use.Event.Node, "worker processes are started by this loader"))
			break
		}
		if alone {
			continue
		}
		p.Report(diagnostics.Diagnostic{
			Place: training.FirstLine(d.Draw), Severity: severity, Related: related,
			Message: fmt.Sprintf("Every worker process gets `%s` in the same state: all workers, in every epoch, draw the same numbers.", d.Name),
		})
	}
}

// constantWorkerSeeds reports a worker_init_fn whose seed does not change from worker to worker, or from epoch to epoch.
func constantWorkerSeeds(p *diagnostics.Pass, use training.LoaderUse) {
	seeds := slices.DeleteFunc(p.File.WorkerSeeds(use), func(s training.WorkerSeed) bool {
		return s.PerWorker && use.Persistent() || !p.File.DrawsInWorkers(use, s.Generators)
	})
	if len(seeds) == 0 {
		return
	}
	// What is the same in every worker is worse, and named first.
	i := max(slices.IndexFunc(seeds, func(s training.WorkerSeed) bool { return !s.PerWorker }), 0)
	d := repeatedSeeds(slices.Concat(seeds[i:], seeds[:i]))
	d.Related = append([]diagnostics.Related{at(use.Event.Node, "the loader runs it in each worker")}, d.Related...)
	p.Report(d)
}

// repeatedSeeds tells of seeds that workers set again to the same numbers, the worst first.
func repeatedSeeds(seeds []training.WorkerSeed) diagnostics.Diagnostic {
	d := diagnostics.Diagnostic{Place: training.FirstLine(seeds[0].Call)}
	var given []pyast.Node
	var repeated []torch.RNG
	for _, s := range seeds {
		given = append(given, pysem.Args(s.Call).Pos(0))
		if s.PerWorker != seeds[0].PerWorker {
			d.Related = append(d.Related, at(s.Call, "each epoch draws the same numbers after this seed"))
			continue
		}
		for _, g := range s.Generators {
			if g != torch.CUDARNG && !slices.Contains(repeated, g) { // workers leave the GPU alone
				repeated = append(repeated, g)
			}
		}
	}
	d.Message = fmt.Sprintf("Every worker is given the same seed for %s: they draw the same numbers, in every epoch.", rngList(repeated))
	if seeds[0].PerWorker {
		d.Message = fmt.Sprintf("Workers seed %s with the same numbers again in every epoch: each epoch draws the same numbers.", rngList(repeated))
	}
	d.Message += " Derive the seed from `torch.initial_seed()`."
	d.Remedies = []diagnostics.Remedy{diagnostics.Assign{
		Title: "Derive the seed from torch's worker seed", Value: given[0], Also: given[1:], New: "torch.initial_seed() % 2**32",
		Reason: "the data drawn in workers change",
	}}
	return d
}

// forkedWorkerSeeds reports a worker_init_fn that draws its seed from numpy where torch does not seed numpy in workers.
func forkedWorkerSeeds(p *diagnostics.Pass, use training.LoaderUse) {
	draw := p.File.ForkedSeed(use)
	if !draw.Valid() {
		return
	}
	p.Report(diagnostics.Diagnostic{
		Place: training.FirstLine(draw), Severity: unseededSeverity(p),
		Message: fmt.Sprintf("Torch %d.%d, which this project allows, does not seed numpy in workers: this draws the same seed in each of them, "+
			"in every epoch. Derive the seed from `torch.initial_seed()`.", p.Torch.Major, p.Torch.Minor),
		Related: []diagnostics.Related{at(use.Event.Node, "the loader runs it in each worker")},
		Remedies: []diagnostics.Remedy{diagnostics.Assign{
			Title: "Derive the seed from torch's worker seed", Value: draw, New: "torch.initial_seed() % 2**32", Reason: "the data drawn in workers change",
		}},
	})
}

// unseededSeverity is that of what torch leaves unseeded below 1.9 only: a lower bound that old rules no current version out.
func unseededSeverity(p *diagnostics.Pass) diagnostics.Severity {
	if p.Torch.Never(1, 9) {
		return diagnostics.Warning
	}
	return diagnostics.Information
}

// unseededNumpy reports numpy's global generator in workers of a torch that does not seed it.
func unseededNumpy(p *diagnostics.Pass, use training.LoaderUse) {
	if use.Hidden || use.Workers == training.NoWorkers {
		return
	}
	severity := unseededSeverity(p)
	d, ok := p.File.DatasetDraw(use.Data, torch.NumpyRNG)
	if !ok && (use.Dataset == nil || p.File.AppliesHanded(use.Data)) {
		severity = diagnostics.Information // what makes or changes the data comes from elsewhere, and the code at hand for it draws
		d, ok = p.File.BuiltDraw(torch.NumpyRNG)
	}
	if !ok {
		return
	}
	place := use.Event.Node
	if d.Event.Node.Tree() == p.File.Tree { // the loader of another file is given what draws here
		for ctx := use.Event.Ctx; place.Tree() != p.File.Tree && ctx.Parent != nil; ctx = ctx.Parent {
			place = ctx.Call
		}
	}
	p.Report(diagnostics.Diagnostic{
		Place: training.FirstLine(place), Severity: severity,
		Message: fmt.Sprintf("Torch %d.%d, which this project allows, does not seed numpy in workers: %s draws the same numbers in each of them.",
			p.Torch.Major, p.Torch.Minor, d.What),
		Related:  []diagnostics.Related{at(d.Event.Node, "drawn in the workers")},
		Remedies: []diagnostics.Remedy{diagnostics.SeedWorkers{Loader: use.Object}},
	})
}
