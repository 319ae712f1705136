package rules

import (
	"fmt"

	"github.com/ckpt-lsp/ckpt-lsp/diagnostics"
	"github.com/ckpt-lsp/ckpt-lsp/internal/training"
)

// CKP117 missing-model-state
//
// # What it does
//
// Reports a checkpoint that training resumes from and that holds some of the modules an optimizer trains, but not all: the
// discriminator of a GAN, a critic, a loss with parameters of its own. Where the file is loaded, also a target network that
// takes over the weights of a trained one from time to time.
//
// # Why it matters
//
// The resumed run trains the modules in the file against one that starts from the weights it is built with. A target network
// stays at those weights until the next time it is brought up to date.
//
// # Example
//
//	import torch
//	from model import Generator, Discriminator, loader
//
//	generator, discriminator = Generator(), Discriminator()
//	optimizer_g = torch.optim.Adam(generator.parameters())
//	optimizer_d = torch.optim.Adam(discriminator.parameters())
//	checkpoint = torch.load("last.pt", map_location="cpu", weights_only=True)
//	generator.load_state_dict(checkpoint["generator"])
//	optimizer_g.load_state_dict(checkpoint["optimizer_g"])
//	for epoch in range(checkpoint["epoch"] + 1, 100):
//	    for x in loader:
//	        discriminator.loss(x, generator).backward()
//	        optimizer_d.step()
//	        generator.loss(discriminator).backward()
//	        optimizer_g.step()
//	    torch.save({
//	        "epoch": epoch,
//	        "generator": generator.state_dict(),
//	        "optimizer_g": optimizer_g.state_dict(),
//	    }, "last.pt")
//
// # Use instead
//
//	import torch
//	from model import Generator, Discriminator, loader
//
//	generator, discriminator = Generator(), Discriminator()
//	optimizer_g = torch.optim.Adam(generator.parameters())
//	optimizer_d = torch.optim.Adam(discriminator.parameters())
//	checkpoint = torch.load("last.pt", map_location="cpu", weights_only=True)
//	generator.load_state_dict(checkpoint["generator"])
//	discriminator.load_state_dict(checkpoint["discriminator"])
//	optimizer_g.load_state_dict(checkpoint["optimizer_g"])
//	optimizer_d.load_state_dict(checkpoint["optimizer_d"])
//	for epoch in range(checkpoint["epoch"] + 1, 100):
//	    for x in loader:
//	        discriminator.loss(x, generator).backward()
//	        optimizer_d.step()
//	        generator.loss(discriminator).backward()
//	        optimizer_g.step()
//	    torch.save({
//	        "epoch": epoch,
//	        "generator": generator.state_dict(),
//	        "discriminator": discriminator.state_dict(),
//	        "optimizer_g": optimizer_g.state_dict(),
//	        "optimizer_d": optimizer_d.state_dict(),
//	    }, "last.pt")
//
// # Fix safety
//
// The fix is safe: it adds the state to the dict, and restores it where the file is loaded if the file has it.
//
// # What it does not see
//
// Modules that reach their optimizer in unresolved code, such as through a factory in another file or a list. It is silent where
// another file of the training may hold the module. Networks that follow by a moving average are missing-ema-state's.
//
// # Related rules
//
// `missing-ema-state`, `missing-optimizer-state`, `state-not-restored`
//
// # References
//
//   - https://docs.pytorch.org/tutorials/beginner/saving_loading_models.html#saving-multiple-models-in-one-file
var _ = diagnostics.Register(&diagnostics.Rule{
	Code: "CKP117", Name: "missing-model-state", Summary: "One of several trained modules is not in the checkpoint",
	Severity: diagnostics.Warning, HasFix: true, Fix: diagnostics.Safe, Since: "0.1.0",
	Also: []diagnostics.Severity{diagnostics.Information}, FixAlso: []diagnostics.Applicability{diagnostics.Unsafe},
	Run: missingModelState,
})

func missingModelState(p *diagnostics.Pass) {
	for _, r := range p.File.Resumptions() {
		s := r.Save
		if s.Kind != training.PayloadDict || r.Evidence != training.FromLoadPath && !s.HasKind(training.Optimizer) {
			continue
		}
		modules := s.TrainedModules()
		saved := oneSaved(s, modules)
		if saved == nil {
			continue
		}
		report := func(m *training.Object, message string, why diagnostics.Related) {
			p.Report(diagnostics.Diagnostic{
				Place:    s.Anchor(),
				Severity: proven(r, diagnostics.Warning),
				Message:  message,
				Related:  append(loadedHere(r.Load), why),
				Remedies: []diagnostics.Remedy{diagnostics.CompleteCheckpoint{Save: s, Load: r.Load, Object: m}},
			})
		}
		for _, t := range modules {
			if m := t.Module; !s.WrittenElsewhere(m) {
				report(m, fmt.Sprintf("%s is trained by `%s` and is not saved in this checkpoint, as `%s` is. After resuming, it starts from the weights it is built with.",
					described(m), t.Optimizer.Object.Name, saved.Name), at(t.Optimizer.Node, "its optimizer steps here"))
			}
		}
		if r.Load == nil {
			continue
		}
		for _, x := range s.TargetNetworks(r.Load) {
			if m := x.Object; !s.WrittenElsewhere(m) {
				report(m, fmt.Sprintf("%s is not saved in this checkpoint, as `%s` is. After resuming, it keeps the weights it is built with until it is next updated.",
					described(m), saved.Name), at(x.Node, "it is updated here"))
			}
		}
	}
}

// oneSaved is a trained module that is in the checkpoint, nil when none is.
func oneSaved(s *training.SaveSite, modules []training.Trained) *training.Object {
	for _, t := range modules {
		if s.Has(t.Module) {
			return t.Module
		}
	}
	return nil
}
