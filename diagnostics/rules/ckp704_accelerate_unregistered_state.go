package rules

import (
	"fmt"

	"github.com/ckpt-lsp/ckpt-lsp/diagnostics"
	"github.com/ckpt-lsp/ckpt-lsp/internal/training"
)

// CKP704 accelerate-unregistered-state
//
// # What it does
//
// Reports a scheduler or moving average that steps in a training which `accelerator.save_state` saves, and that was neither handed to
// `accelerator.prepare` nor to `accelerator.register_for_checkpointing`.
//
// # Why it matters
//
// `save_state` writes what the accelerator knows. The object starts from its beginning when `load_state` goes on.
//
// # Example
//
//	import torch
//	from accelerate import Accelerator
//	from model import Net, loader
//
//	accelerator = Accelerator()
//	model = Net()
//	optimizer = torch.optim.AdamW(model.parameters())
//	scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=30)
//	model, optimizer, loader = accelerator.prepare(model, optimizer, loader)
//	for epoch in range(90):
//	    for x in loader:
//	        accelerator.backward(model(x))
//	        optimizer.step()
//	    scheduler.step()
//	    accelerator.save_state("last")
//
// # Use instead
//
//	import torch
//	from accelerate import Accelerator
//	from model import Net, loader
//
//	accelerator = Accelerator()
//	model = Net()
//	optimizer = torch.optim.AdamW(model.parameters())
//	scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=30)
//	accelerator.register_for_checkpointing(scheduler)
//	model, optimizer, loader = accelerator.prepare(model, optimizer, loader)
//	for epoch in range(90):
//	    for x in loader:
//	        accelerator.backward(model(x))
//	        optimizer.step()
//	    scheduler.step()
//	    accelerator.save_state("last")
//
// # Fix safety
//
// The fix registers the object right after it is made. It is safe: new checkpoints hold one file more. A checkpoint that was
// written before lacks that file, and `load_state` raises a RuntimeError that says so: it has lost this object's state already.
//
// # What it does not see
//
// Objects of classes that are not known, and programs that hook into the save by `register_save_state_pre_hook`.
//
// # Related rules
//
// `missing-scheduler-state`, `state-not-restored`
//
// # References
//
//   - https://huggingface.co/docs/accelerate/usage_guides/checkpoint
var _ = diagnostics.Register(&diagnostics.Rule{
	Code: "CKP704", Name: "accelerate-unregistered-state", Summary: "An object that trains is left out of accelerator.save_state",
	Severity: diagnostics.Warning, HasFix: true, Fix: diagnostics.Safe, Since: "0.1.0",
	Run: accelerateUnregisteredState,
})

func accelerateUnregisteredState(p *diagnostics.Pass) {
	if p.File.Test() {
		return
	}
	for _, u := range p.File.Unregistered() {
		if u.Stateless {
			continue // missing-ema-state
		}
		d := diagnostics.Diagnostic{
			Place:   training.FirstLine(u.Save.Node),
			Message: fmt.Sprintf("%s is neither prepared nor registered with the accelerator, so `save_state` leaves it out. After `load_state` it starts over.", described(u.Object)),
			Related: []diagnostics.Related{at(u.Object.Call, "it is made here"), at(u.Step.Node, "it works here")},
		}
		if u.Accelerator != "" {
			d.Remedies = []diagnostics.Remedy{diagnostics.RegisterState{Object: u.Object, Accelerator: u.Accelerator}}
		}
		p.Report(d)
	}
}
