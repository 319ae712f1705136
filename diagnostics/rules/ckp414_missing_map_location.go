package rules

import (
	"fmt"
	"slices"

	"github.com/ckpt-lsp/ckpt-lsp/diagnostics"
	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
	"github.com/ckpt-lsp/ckpt-lsp/internal/training"
)

// CKP414 missing-map-location
//
// # What it does
//
// Reports `torch.load` without `map_location` where a program that works on CUDA restores a model or optimizer from the file, as a
// warning where every process of a distributed run resumes so, and as a hint also in a function without a device that is handed the
// name of the file, where a program that does not train takes a whole model from one, and where each rank has a file of its own; and a function with a parameter `map_location` that it does not pass on. The loads of one block are one finding.
//
// # Why it matters
//
// Tensors come back on the device they were saved from. On a machine without that GPU the load fails; elsewhere it takes GPU
// memory beside the model's, until the loaded dict is freed. With several processes all of them load onto the GPU of the one
// that saved; where the save is found too, remapped-to-one-gpu reports it.
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
// Loads whose result is not restored in the same file; whether the file was saved on a GPU, unless all that the program saves are copies
// on the CPU. A load beside another one of the same file that states `map_location` is taken as a decision.
//
// # Related rules
//
// `remapped-to-one-gpu`, `rng-moved-by-map-location`
//
// # References
//
//   - https://docs.pytorch.org/docs/stable/generated/torch.load.html
var _ = diagnostics.Register(&diagnostics.Rule{
	Code: "CKP414", Name: "missing-map-location", Summary: "A GPU checkpoint is loaded without map_location",
	Severity: diagnostics.Information, HasFix: true, Fix: diagnostics.Safe, Since: "0.1.0",
	Also: []diagnostics.Severity{diagnostics.Warning, diagnostics.Hint}, FixAlso: []diagnostics.Applicability{diagnostics.Unsafe},
	Run: missingMapLocation,
})

func missingMapLocation(p *diagnostics.Pass) {
	if p.File.Test() {
		return
	}
	remapped, told := remapped(p.File), once{} // remapped-to-one-gpu says more of its loads
	var groups []*unplaced
	for _, l := range p.File.EveryLoad() {
		if n, hidden := l.MapLocation(); n.Valid() && !p.File.NoPlace(l) || hidden || l.Path.Buffer || l.Placed() || remapped[l.Node] || p.File.OfMainOnly(l.Path.Node, l.Ctx) {
			continue
		}
		if dropped := l.Dropped(); dropped.Valid() {
			p.Report(diagnostics.Diagnostic{
				Place: training.FirstLine(l.Node), Severity: diagnostics.Warning,
				Message: "This function takes `map_location` and does not pass it to the load.",
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
		u, ok := placing(p.File, l)
		if !ok || !told.first(l.Node) {
			continue
		}
		if i := slices.IndexFunc(groups, u.joins); i >= 0 {
			groups[i].loads = append(groups[i].loads, l)
			continue
		}
		groups = append(groups, &u)
	}
	for _, u := range groups {
		p.Report(u.finding())
	}
}

// unplaced are loads beside each other that lack map_location in the same way.
type unplaced struct {
	loads    []*training.LoadSite
	severity diagnostics.Severity
	// several shows that several processes make them, where that is known.
	several *training.Processes
}

// joins reports whether another group says the same of loads in the same block.
func (u unplaced) joins(o *unplaced) bool {
	given := func(l *training.LoadSite) bool { n, _ := l.MapLocation(); return n.Valid() }
	return given(u.loads[0]) == given(o.loads[0]) && u.severity == o.severity && (u.several != nil) == (o.several != nil) && blockOf(u.loads[0].Node) == blockOf(o.loads[0].Node)
}

func blockOf(n pyast.Node) pyast.Node { return n.Ancestor(pyast.KindBlock, pyast.KindModule) }

// placing is what a load without map_location is worth saying; ok is false where that is nothing. Where nothing says CUDA, a function
// that is handed the name may still be given a file from a run that used it.
func placing(f *training.File, l *training.LoadSite) (u unplaced, ok bool) {
	u.loads = []*training.LoadSite{l}
	many, distributed := l.Distributed()
	distributed = distributed && !many.Optional(l.Run)
	switch {
	case (l.Origin() == training.OriginOwn || l.Origin() == training.OriginUnknown) && f.SavesCopies():
		return u, false
	case l.Path.Rank && (distributed || f.UsesCUDA()):
		u.severity = diagnostics.Hint // the GPU of the same rank, where there are as many
	case distributed && !f.OneWriter(l.Frame):
		u.several = &many
		if l.Resumes() || l.Origin() == training.OriginOwn || l.WrittenAlike() {
			u.severity = diagnostics.Warning // written by a process of such a run, from its GPU
		}
	case !distributed && !f.UsesCUDA():
		u.severity = diagnostics.Hint
		return u, l.Handed() && l.Origin() != training.OriginOwn || l.WholeModel() && l.ForOthers()
	}
	return u, true
}

func (u *unplaced) finding() diagnostics.Diagnostic {
	l := u.loads[0]
	d := diagnostics.Diagnostic{Place: training.FirstLine(l.Node), Severity: u.severity}
	files := "`" + shortened(l.Path.Node) + "`"
	if n := len(u.loads) - 1; n == 1 {
		files += " and the file below"
	} else if n > 1 {
		files += fmt.Sprintf(" and the %d files below", n)
	}
	d.Message = fmt.Sprintf("Tensors saved on a GPU come back on that GPU. Without `map_location` loading %s fails where there "+
		"is none, and holds a second copy in GPU memory where there is.", files)
	if u.several != nil {
		d.Message = fmt.Sprintf("Every process loads %s onto the GPU that it was saved from. Without `map_location` that one GPU "+
			"holds a copy for each of them.", files)
		if u.severity != diagnostics.Warning {
			d.Message = fmt.Sprintf("Tensors saved on a GPU come back on that GPU. Without `map_location` every process loads %s onto "+
				"the same one, which holds a copy for each of them.", files)
		}
		d.Related = append(d.Related, at(u.several.Node, "several processes run this"))
	}
	if n, _ := l.MapLocation(); n.Valid() {
		d.Related = append(d.Related, at(n, "None here: nobody passes one"))
		return d // what to pass is the callers' business
	}
	fix := mapLocationFix(l)
	for _, o := range u.loads[1:] {
		d.Related = append(d.Related, at(o.Node, "loaded without map_location as well"))
		fix.Also = append(fix.Also, o.Node)
		if one := mapLocationFix(o); !one.Safe {
			fix.Safe, fix.Reason = false, one.Reason
		}
	}
	d.Remedies = []diagnostics.Remedy{fix}
	return d
}

func mapLocationFix(l *training.LoadSite) diagnostics.SetKeyword {
	fix := diagnostics.SetKeyword{Title: `Load with map_location="cpu"`, Call: l.Node, Name: "map_location", Value: `"cpu"`, Safe: l.OnlyRestores()}
	if !fix.Safe {
		fix.Reason = "tensors used other than by load_state_dict stay on the CPU"
	}
	return fix
}
