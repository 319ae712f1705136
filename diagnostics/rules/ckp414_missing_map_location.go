package rules

import (
	"fmt"

	"github.com/ckpt-lsp/ckpt-lsp/diagnostics"
	"github.com/ckpt-lsp/ckpt-lsp/internal/training"
)

// CKP414 missing-map-location
//
// # What it does
//
// Reports `torch.load` without `map_location` where a program that works on CUDA restores a model or optimizer from the file,
// as a hint also where a file from outside is restored by code that names no device; and a function with a parameter
// `map_location` that it does not pass on.
//
// # Why it matters
//
// Tensors come back on the device they were saved from. On a machine without that GPU the load fails; elsewhere it takes GPU
// memory beside the model's, until the loaded dict is freed. With several processes all of them load onto the GPU of the one
// that saved; where the save is in sight too, remapped-to-one-gpu reports it.
//
// # Example
//
//	import torch
//	from model import Net
//
//	model = Net().cuda()
//	model.load_state_dict(torch.load("last.pt", weights_only=True))
//
// # Use instead
//
//	import torch
//	from model import Net
//
//	model = Net().cuda()
//	model.load_state_dict(torch.load("last.pt", weights_only=True, map_location="cpu"))
//
// # Fix safety
//
// The fix loads onto the CPU. It is safe where everything that is read goes into `load_state_dict`, which copies to each
// tensor's own device, or is a plain number. Where other values of the file are used, it is unsafe: they stay on the CPU.
//
// # What it does not see
//
// Loads whose result is not restored in the same file; whether the file was saved on a GPU. A load beside another one of the
// same file that states `map_location` is taken as a decision.
//
// # References
//
//   - https://docs.pytorch.org/docs/stable/generated/torch.load.html
var _ = diagnostics.Register(&diagnostics.Rule{
	Code: "CKP414", Name: "missing-map-location", Summary: "A GPU checkpoint is loaded without map_location",
	Severity: diagnostics.Information, HasFix: true, Fix: diagnostics.Safe, Since: "0.1.0",
	Run: missingMapLocation,
})

func missingMapLocation(p *diagnostics.Pass) {
	if p.File.Test() {
		return
	}
	cuda := p.File.UsesCUDA()
	for _, l := range p.File.EveryLoad() {
		if n, hidden := l.MapLocation(); n.Valid() || hidden || l.Path.Buffer || l.Path.Rank || l.Placed() {
			continue
		}
		if dropped := l.Dropped(); dropped.Valid() {
			p.Report(diagnostics.Diagnostic{
				Place: training.FirstLine(l.Node), Severity: diagnostics.Warning,
				Message: "`map_location` is a parameter of this function, and the load does not get it.",
				Related: []diagnostics.Related{at(dropped, "the parameter that is never used")},
				Remedies: []diagnostics.Remedy{diagnostics.SetKeyword{
					Title: "Pass map_location on", Call: l.Node, Name: "map_location", Value: "map_location", Safe: true,
				}},
			})
			continue
		}
		if !l.Feeds() {
			continue
		}
		if _, ok := l.OntoOneGPU(); ok {
			continue // remapped-to-one-gpu says more of it
		}
		many, distributed := l.Distributed()
		var severity diagnostics.Severity
		if !cuda && !distributed {
			if o := l.Origin(); o != training.OriginCaller && o != training.OriginUser {
				continue
			}
			severity = diagnostics.Hint // nothing here says CUDA, but the file may come from a run that used it
		}
		d := diagnostics.Diagnostic{
			Place: training.FirstLine(l.Node), Severity: severity,
			Message: fmt.Sprintf("Tensors saved on a GPU come back on that GPU: without `map_location` loading `%s` fails where there "+
				"is none, and holds a second copy in GPU memory where there is.", shortened(l.Path.Node)),
			Remedies: []diagnostics.Remedy{mapLocationFix(l)},
		}
		if distributed && !p.File.OneWriter(l.Frame) {
			d.Severity = diagnostics.Warning
			d.Message = fmt.Sprintf("Every process loads `%s` onto the GPU that it was saved from: without `map_location` that one GPU "+
				"holds a copy for each of them.", shortened(l.Path.Node))
			d.Related = append(d.Related, at(many.Node, "several processes run this"))
		}
		p.Report(d)
	}
}

func mapLocationFix(l *training.LoadSite) diagnostics.SetKeyword {
	fix := diagnostics.SetKeyword{Title: `Load with map_location="cpu"`, Call: l.Node, Name: "map_location", Value: `"cpu"`, Safe: l.OnlyRestores()}
	if !fix.Safe {
		fix.Reason = "tensors of the file that are used otherwise than by load_state_dict stay on the CPU"
	}
	return fix
}
