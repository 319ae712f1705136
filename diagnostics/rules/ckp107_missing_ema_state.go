package rules

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/ckpt-lsp/ckpt-lsp/diagnostics"
	"github.com/ckpt-lsp/ckpt-lsp/internal/pysem"
	"github.com/ckpt-lsp/ckpt-lsp/internal/training"
)

// CKP107 missing-ema-state
//
// # What it does
//
// Reports a checkpoint that training resumes from and that lacks a moving average of the model (EMA, SWA) which the training
// updates; and one that holds only the average, beside the state of the optimizer that trains the model itself.
//
// # Why it matters
//
// An average over thousands of steps is not in the model's weights. The resumed run starts a new one from the weights that the
// copy was made of, and what is evaluated or released afterwards is another model. Where only the average is saved, the
// optimizer goes on from weights that it did not reach.
//
// # Example
//
//	import torch
//	from torch.optim.swa_utils import AveragedModel
//	from model import Net, loader
//
//	model = Net()
//	optimizer = torch.optim.Adam(model.parameters())
//	ema = AveragedModel(model)
//	checkpoint = torch.load("last.pt", map_location="cpu", weights_only=True)
//	model.load_state_dict(checkpoint["model"])
//	optimizer.load_state_dict(checkpoint["optimizer"])
//	for epoch in range(checkpoint["epoch"] + 1, 100):
//	    for x, y in loader:
//	        optimizer.zero_grad()
//	        model(x).loss(y).backward()
//	        optimizer.step()
//	        ema.update_parameters(model)
//	    torch.save({
//	        "epoch": epoch,
//	        "model": model.state_dict(),
//	        "optimizer": optimizer.state_dict(),
//	    }, "last.pt")
//
// # Use instead
//
//	import torch
//	from torch.optim.swa_utils import AveragedModel
//	from model import Net, loader
//
//	model = Net()
//	optimizer = torch.optim.Adam(model.parameters())
//	ema = AveragedModel(model)
//	checkpoint = torch.load("last.pt", map_location="cpu", weights_only=True)
//	model.load_state_dict(checkpoint["model"])
//	optimizer.load_state_dict(checkpoint["optimizer"])
//	ema.load_state_dict(checkpoint["ema"])
//	for epoch in range(checkpoint["epoch"] + 1, 100):
//	    for x, y in loader:
//	        optimizer.zero_grad()
//	        model(x).loss(y).backward()
//	        optimizer.step()
//	        ema.update_parameters(model)
//	    torch.save({
//	        "epoch": epoch,
//	        "model": model.state_dict(),
//	        "optimizer": optimizer.state_dict(),
//	        "ema": ema.state_dict(),
//	    }, "last.pt")
//
// # Fix safety
//
// The fix is safe: it adds the average's state to the dict, and restores it where the file is loaded if the file has it. It is
// offered where the average is known to have a state dict: classes of PyTorch and of well-known packages, modules, copies.
//
// # What it does not see
//
// Averages that a class in another file keeps and updates in unresolved code; counters of an average that its state dict leaves out.
//
// # Related rules
//
// `missing-model-state`, `state-not-restored`
//
// # References
//
//   - https://docs.pytorch.org/docs/stable/optim.html#weight-averaging-swa-and-ema
var _ = diagnostics.Register(&diagnostics.Rule{
	Code: "CKP107", Name: "missing-ema-state", Summary: "A training checkpoint lacks the moving average of the model, or all but the average",
	Severity: diagnostics.Warning, HasFix: true, Fix: diagnostics.Safe, Since: "0.1.0",
	Also: []diagnostics.Severity{diagnostics.Information},
	Run:  missingEMAState,
})

func missingEMAState(p *diagnostics.Pass) {
	for _, u := range p.File.Unregistered() {
		if u.Stateless && !p.File.Test() {
			p.Report(diagnostics.Diagnostic{
				Place:   training.FirstLine(u.Save.Node),
				Message: fmt.Sprintf("%s averages the model and has no `state_dict`, so `save_state` leaves it out. After `load_state`, the average starts over.", described(u.Object)),
				Related: []diagnostics.Related{at(u.Object.Call, "it is made here"), at(u.Step.Node, "the average is updated here")},
			})
		}
	}
	for _, r := range p.File.TrainingSaves() {
		for _, step := range r.Save.Averages() {
			o := step.Object
			d := diagnostics.Diagnostic{
				Place:    r.Save.AnchorFor(o),
				Severity: proven(r, diagnostics.Warning),
				Related:  append(loadedHere(r.Load), at(step.Node, "the average is updated here")),
			}
			switch {
			case r.Save.SwappedIn(o):
				d.Message = fmt.Sprintf("The weights of the average %s are swapped in while this checkpoint is written. After resuming, training goes on from "+
					"the averaged weights.", described(o))
			case !holdsAverage(r.Save, o):
				d.Message = fmt.Sprintf("%s averages the model and is not saved in this checkpoint. After resuming, the average starts over.", described(o))
				if keepsStateDict(o) {
					d.Remedies = []diagnostics.Remedy{diagnostics.CompleteCheckpoint{Save: r.Save, Load: r.Load, Object: o}}
				}
			case onlyAverage(r.Save, o):
				d.Message = fmt.Sprintf("This checkpoint holds the average %s and not the model that the optimizer trains. After resuming, training goes on from the averaged weights.",
					described(o))
			default:
				continue
			}
			p.Report(d)
		}
	}
}

// holdsAverage says that an average is in the payload, or in a file of its own beside it, in whatever form: as a state dict,
// as `ema.module`, as the list of its parameters, as the module that it was built around.
func holdsAverage(s *training.SaveSite, o *training.Object) bool {
	if s.SavedNearby(o) {
		return true
	}
	name := o.Name[strings.LastIndexByte(o.Name, '.')+1:]
	for _, x := range append(s.Companions(), s) {
		if o.Kind == training.Averaged && x.HasKind(training.Averaged) {
			return true
		}
		for _, c := range x.Components {
			if averageKey.MatchString(c.Key) || o.Kind == training.Averaged && x.PartOf(c, o) {
				return true
			}
			for d := range c.Entry.Value.Node.Descendants() {
				if d.TextIs(name) {
					return true
				}
			}
		}
	}
	return false
}

var (
	givesState = regexp.MustCompile(`^(get_)?(state|state_dict)$`)
	modelKey   = regexp.MustCompile(`(?i)^(model|net|network|weights|state_dict)`)
	averageKey = regexp.MustCompile(`(?i)ema(_|$)|averag|(^|_)swa(_|$)|shadow`)
)

// onlyAverage says that the weights in the payload are those of an average, none can be a model's, and the optimizer's state is
// with them. A model's key that holds None says that this is meant.
func onlyAverage(s *training.SaveSite, o *training.Object) bool {
	average := false
	for _, c := range s.Components {
		switch {
		case c.Value != nil && c.Value.Kind == pysem.NoneVal:
			if modelKey.MatchString(c.Key) {
				return false
			}
		case c.Object == nil:
			if _, method, _ := c.Value.Method(); givesState.MatchString(method) {
				return false // the state of something of which nothing is known
			}
		case c.Object.Kind == training.Averaged || s.PartOf(c, o):
			average = true
		case c.Object.Kind == training.Model:
			return false
		}
	}
	return average && s.HasKind(training.Optimizer)
}

// keepsStateDict says that an object surely has state_dict and load_state_dict.
func keepsStateDict(o *training.Object) bool {
	return !o.Guessed && o.Class != "timm.utils.ModelEma" && o.Class != "timm.utils.model_ema.ModelEma"
}
