package rules

import (
	"fmt"
	"slices"

	"github.com/ckpt-lsp/ckpt-lsp/diagnostics"
	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
	"github.com/ckpt-lsp/ckpt-lsp/internal/torch"
	"github.com/ckpt-lsp/ckpt-lsp/internal/training"
)

// CKP202 partial-seed
//
// # What it does
//
// Reports a program that seeds some of the generators torch, numpy and random, and draws from another one in its main process, or keeps
// its state in checkpoints, which is an information; a function that seeds one for itself and draws from another; and one that seeds them before `torch.multiprocessing.spawn`, and draws in the processes it starts.
// So is one that seeds, where there is CUDA, the generators of GPUs alone.
//
// # Why it matters
//
// What is drawn from the unseeded generator differs from run to run. A spawned process is a fresh interpreter: it inherits no
// generator's state, so a seed in the parent does not reach it.
//
// # Example
//
//	import numpy as np
//	import torch
//
//	torch.manual_seed(0)
//	noise = np.random.normal(size=3)
//
// # Use instead
//
//	import numpy as np
//	import torch
//
//	torch.manual_seed(0)
//	np.random.seed(0)
//	noise = np.random.normal(size=3)
//
// # Fix safety
//
// The fix is safe: it seeds the generators that are used, with the same seed, and leaves seeds of other values and calls without
// one where they are. It is unsafe where only numpy or random is seeded, with a value that is not known: torch takes no None and no
// text for a seed.
//
// # What it does not see
//
// Programs that call a seeding function whose code is not at hand. Initial weights count only where an
// optimizer is seen to train them, and draws under a with statement that seeds are left out. Draws in a Dataset count only where its
// DataLoader may work without worker processes, and then as a hint: workers have torch, numpy and random seeded by torch. A draw in
// the place of one from another generator, which the other branch of a test makes, is information, and so is one in a program that
// runs a model, trains none and writes no data; the seed itself may be drawn. A seed that a class of another file sets is taken to be
// for what that file and that class do.
// `torch.manual_seed` seeds every CUDA device; `torch.cuda.manual_seed` is never asked for.
//
// # Related rules
//
// `no-seed`, `unseeded-workers`, `seed-after-use`
//
// # References
//
//   - https://docs.pytorch.org/docs/stable/notes/randomness.html
var _ = diagnostics.Register(&diagnostics.Rule{
	Code: "CKP202", Name: "partial-seed", Summary: "Some generators are seeded, another one that is used is not",
	Severity: diagnostics.Warning, HasFix: true, Fix: diagnostics.Safe, FixAlso: []diagnostics.Applicability{diagnostics.Unsafe}, Since: "0.1.0",
	Also: []diagnostics.Severity{diagnostics.Information},
	Run:  partialSeed,
})

func partialSeed(p *diagnostics.Pass) {
	if p.File.Test() {
		return
	}
	for _, r := range p.File.Runs {
		seeds := r.ProgramSeeds(training.MainProcess)
		if len(seeds) == 0 || r.SeedsElsewhere().Valid() {
			continue
		}
		var drawn, minor []unseeded
		var kept []torch.RNG
		for _, g := range []torch.RNG{torch.TorchRNG, torch.NumpyRNG, torch.PythonRNG} {
			if r.IsSeeded(g, training.MainProcess) {
				reportSpawned(p, r, g, seeds)
				if g == torch.TorchRNG {
					reportGPUsAlone(p, r)
				}
			} else if d, ok := r.FirstDraw(g, training.MainProcess, seeds...); ok {
				if d.Spare || r.OnlyEvaluates() && !p.File.MakesData(d) {
					minor = append(minor, unseeded{g, d, d.Index < seeds[0].Index})
				} else {
					drawn = append(drawn, unseeded{g, d, d.Index < seeds[0].Index})
				}
			} else if r.KeepsState(g).Valid() {
				kept = append(kept, g)
			}
		}
		reportUnseeded(p, seeds, diagnostics.Warning, drawn...)
		reportUnseeded(p, seeds, diagnostics.Information, minor...)
		reportDatasets(p, r, seeds)
		reportKept(p, r, seeds, kept)
	}
	for _, w := range p.File.WrongSeeds() {
		p.Report(diagnostics.Diagnostic{
			Place: training.FirstLine(w.Seed),
			Message: fmt.Sprintf("This seeds %s, and `%s` draws from %s: what it draws differs from run to run.",
				rngList(w.Seeded), w.Draw.Child(pyast.FieldFunction).Text(), w.Drawn),
			Related: []diagnostics.Related{at(w.Draw, "drawn from the unseeded generator")},
		})
	}
}

// reportGPUsAlone reports a test on whose one side only generators of GPUs are seeded.
func reportGPUsAlone(p *diagnostics.Pass, r *training.Run) {
	if c, d := r.SeedsGPUsAlone(training.MainProcess); c != nil {
		p.Report(diagnostics.Diagnostic{
			Place: training.FirstLine(c.Node),
			Message: fmt.Sprintf("With CUDA the CPU's generator is not seeded. Weights, shuffling and workers draw from it, as %s does, and differ from run "+
				"to run. `torch.manual_seed` seeds the CPU and every GPU.", d.What),
			Related: []diagnostics.Related{at(d.Event.Node, "drawn from the unseeded generator")},
		})
	}
}

// reportKept reports generators whose state checkpoints keep, though nothing at hand draws from them: whoever keeps it knows of draws.
func reportKept(p *diagnostics.Pass, r *training.Run, seeds []*training.Call, kept []torch.RNG) {
	if len(kept) == 0 {
		return
	}
	p.Report(diagnostics.Diagnostic{
		Place: training.FirstLine(seeds[0].Node), Severity: diagnostics.Information,
		Message: fmt.Sprintf("Checkpoints keep the state of %s, which nothing seeds: what is drawn from there differs from run to run.",
			rngList(kept)),
		Related:  []diagnostics.Related{at(r.KeepsState(kept[0]), "the state is kept here")},
		Remedies: []diagnostics.Remedy{diagnostics.SeedAll{Seeds: seeds, Entry: seeds[0].Ctx.Func, Generators: append(generatorsOf(seeds), kept...)}},
	})
}

// unseeded is a generator that is not seeded, and what draws from it first: early, before the other generators are seeded.
type unseeded struct {
	generator torch.RNG
	draw      training.Draw
	early     bool
}

// reportUnseeded reports generators as one finding.
func reportUnseeded(p *diagnostics.Pass, seeds []*training.Call, severity diagnostics.Severity, all ...unseeded) {
	if len(all) == 0 {
		return
	}
	var names, draws []string
	d := diagnostics.Diagnostic{Place: training.FirstLine(seeds[0].Node), Severity: severity}
	fix := diagnostics.SeedAll{Seeds: seeds, Entry: seeds[0].Ctx.Func, Generators: generatorsOf(seeds)}
	for _, u := range all {
		names, draws = append(names, u.generator.String()), append(draws, u.draw.What)
		d.Related = append(d.Related, at(u.draw.Event.Node, "drawn from the unseeded generator"))
		fix.Generators = append(fix.Generators, u.generator)
		fix.Late = fix.Late || u.early
	}
	when := ""
	if all[0].draw.Place == training.InLoader {
		when = " when the loader has no worker processes"
	}
	d.Message = fmt.Sprintf("The generator of %s is not seeded: %s draws from it and differs from run to run%s.", names[0], draws[0], when)
	if len(all) > 1 {
		d.Message = fmt.Sprintf("The generators of %s are not seeded: %s draw from them and differ from run to run%s.", listed(names), listed(draws), when)
	}
	d.Remedies = []diagnostics.Remedy{fix}
	p.Report(d)
}

func generatorsOf(seeds []*training.Call) []torch.RNG {
	var out []torch.RNG
	for _, c := range seeds {
		for _, g := range c.Entry.Generators {
			if !slices.Contains(out, g) {
				out = append(out, g)
			}
		}
	}
	return out
}

// reportSpawned reports a seed of the parent that processes started by spawn do not see.
func reportSpawned(p *diagnostics.Pass, r *training.Run, g torch.RNG, seeds []*training.Call) {
	i := slices.IndexFunc(seeds, func(c *training.Call) bool { return slices.Contains(c.Entry.Generators, g) })
	if i < 0 || r.IsSeeded(g, training.Spawned) {
		return
	}
	d, ok := r.FirstDraw(g, training.Spawned)
	if !ok {
		return
	}
	spawn := p.File.SpawnCall(d.Event.Ctx)
	p.Report(diagnostics.Diagnostic{
		Place: training.FirstLine(seeds[i].Node),
		Message: fmt.Sprintf("This seed does not reach the processes that `%s` starts: they draw from %s unseeded.",
			spawn.Child(pyast.FieldFunction).Text(), g),
		Related: []diagnostics.Related{at(spawn, "fresh interpreters are started here"), at(d.Event.Node, "drawn from the unseeded generator")},
	})
}

// reportDatasets reports draws in a Dataset of the file whose loader may run it in the main process.
func reportDatasets(p *diagnostics.Pass, r *training.Run, seeds []*training.Call) {
	for _, use := range r.LoaderUses() {
		if use.Workers == training.SomeWorkers {
			continue
		}
		severity := diagnostics.Hint
		if use.Workers == training.NoWorkers {
			severity = diagnostics.Warning
		}
		for _, g := range []torch.RNG{torch.NumpyRNG, torch.PythonRNG} {
			if slices.ContainsFunc(seeds, func(c *training.Call) bool { return slices.Contains(c.Entry.Generators, g) }) {
				continue
			}
			if d, ok := p.File.DatasetDraw(use.Data, g); ok {
				reportUnseeded(p, seeds, severity, unseeded{g, d, false})
			}
		}
	}
}
