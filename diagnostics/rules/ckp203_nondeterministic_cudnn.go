package rules

import (
	"fmt"
	"slices"

	"github.com/ckpt-lsp/ckpt-lsp/diagnostics"
	"github.com/ckpt-lsp/ckpt-lsp/internal/pysem"
	"github.com/ckpt-lsp/ckpt-lsp/internal/training"
)

// CKP203 nondeterministic-cudnn
//
// # What it does
//
// Reports `torch.backends.cudnn.benchmark = True` where the same run asks for deterministic operations, or inside the function
// that seeds every generator.
//
// # Why it matters
//
// With `benchmark` cuDNN times several algorithms for each new input shape and takes the fastest. Which one that is can differ
// from run to run, and with it the last digits of the results.
//
// # Example
//
//	import torch
//
//	torch.manual_seed(0)
//	torch.backends.cudnn.deterministic = True
//	torch.backends.cudnn.benchmark = True
//
// # Use instead
//
//	import torch
//
//	torch.manual_seed(0)
//	torch.backends.cudnn.deterministic = True
//	torch.backends.cudnn.benchmark = False
//
// # Fix safety
//
// The fix is safe: it sets `benchmark` to False, which is torch's default. Training can become slower; measure it. It is unsafe
// where determinism is asked for under a test that `benchmark = True` does not stand under: the other runs become slower too.
//
// # What it does not see
//
// Settings in other files, and programs that only evaluate. A seed alone does not make it speak: `benchmark = True` beside a seed is a
// choice for speed, and so is one in a function that turns it off on the other branch of the same test, or whose line weighs speed against
// repeatable runs in a comment. Determinism that is asked for under an option which is off by default, and that no seed stands under, is
// information.
//
// # Related rules
//
// `not-deterministic`, `nondeterministic-op`
//
// # References
//
//   - https://docs.pytorch.org/docs/stable/notes/randomness.html#cuda-convolution-benchmarking
var _ = diagnostics.Register(&diagnostics.Rule{
	Code: "CKP203", Name: "nondeterministic-cudnn", Summary: "cudnn.benchmark is on where determinism is asked for",
	Severity: diagnostics.Warning, HasFix: true, Fix: diagnostics.Safe, FixAlso: []diagnostics.Applicability{diagnostics.Unsafe}, Since: "0.1.0",
	Also: []diagnostics.Severity{diagnostics.Information},
	Run:  nondeterministicCudnn,
})

func nondeterministicCudnn(p *diagnostics.Pass) {
	if p.File.Test() {
		return
	}
	for _, r := range p.File.Runs {
		if r.OnlyEvaluates() {
			continue
		}
		switches := r.Switches()
		for _, s := range switches {
			if s.Knob != training.Benchmark || !s.Known || !s.On || s.Weighed() || chosen(s, switches) {
				continue
			}
			asked, ok := determinismAsked(r, s, switches)
			if !ok {
				continue
			}
			fix := diagnostics.Assign{Title: "Set `cudnn.benchmark` to False (training can be slower)", Value: s.Value, New: "False", Safe: true}
			if !training.Implied(asked.Frame, s.Event.Frame) {
				fix.Safe, fix.Reason = false, "runs that do not ask for determinism become slower too"
			}
			d := diagnostics.Diagnostic{
				Place: training.FirstLine(s.Event.Node),
				Message: "`cudnn.benchmark = True` lets cuDNN choose a different algorithm in each run, " +
					"although " + asked.claim + ".",
				Related:  []diagnostics.Related{at(asked.Node, asked.here)},
				Remedies: []diagnostics.Remedy{fix},
			}
			if option, off := p.File.OnRequest(asked.Frame); off && !training.Implied(asked.Frame, s.Event.Frame) && !r.SeededUnder(asked.Frame) {
				d.Severity = diagnostics.Information
				d.Message = fmt.Sprintf("`%s` asks for deterministic operations, and `cudnn.benchmark = True` lets cuDNN choose another algorithm in each run.", option.Text())
			}
			p.Report(d)
		}
	}
}

// chosen reports whether the same function turns benchmark off where its test comes out the other way: `if deterministic: ... else: ...`.
func chosen(on training.Switch, switches []training.Switch) bool {
	return slices.ContainsFunc(switches, func(s training.Switch) bool {
		return s.Knob == training.Benchmark && s.Known && !s.On && s.Event.Ctx == on.Event.Ctx && training.Exclusive(s.Event.Frame, on.Event.Frame)
	})
}

// request is what speaks for determinism in a run: what the program does there, and what the place is called.
type request struct {
	pysem.Event
	claim, here string
}

// determinismAsked finds the place that asks for determinism on the way that turns benchmark on, unless benchmark is turned off again
// behind both.
func determinismAsked(r *training.Run, on training.Switch, switches []training.Switch) (request, bool) {
	for _, d := range switches {
		if d.Knob == training.Benchmark || !(d.Known && d.On) || training.Exclusive(d.Event.Frame, on.Event.Frame) {
			continue
		}
		if turnedOff(on, d, switches) {
			continue
		}
		return request{d.Event, "this program asks for deterministic operations", "deterministic operations are asked for here"}, true
	}
	if seed, ok := seedingHelper(r, on); ok {
		return request{seed.Event(), "this function seeds every generator", "torch is seeded here"}, true
	}
	return request{}, false
}

// turnedOff reports whether a later setting switches benchmark off wherever both `on` and the request for determinism happen.
func turnedOff(on, request training.Switch, switches []training.Switch) bool {
	for _, s := range switches {
		if s.Knob == training.Benchmark && s.Index > on.Index && s.Known && !s.On &&
			training.Implied(s.Event.Frame, on.Event.Frame, request.Event.Frame) {
			return true
		}
	}
	return false
}

// seedingHelper finds the seed in a function that seeds torch, numpy and random, and turns benchmark on too: it means to make
// runs repeat.
func seedingHelper(r *training.Run, on training.Switch) (*training.Call, bool) {
	var torchSeed *training.Call
	seeded := map[string]bool{}
	for _, c := range r.Seeds {
		if c.Ctx.Func != on.Event.Ctx.Func || training.Exclusive(c.Frame, on.Event.Frame) {
			continue
		}
		seeded[c.Callee] = true
		if c.Callee == "torch.manual_seed" {
			torchSeed = c
		}
	}
	return torchSeed, torchSeed != nil && on.Event.Ctx.Func.Name != "<module>" && seeded["numpy.random.seed"] && seeded["random.seed"] &&
		training.SeedingName(on.Event.Ctx.Func.Name)
}
