package rules

import (
	"github.com/ckpt-lsp/ckpt-lsp/diagnostics"
	"github.com/ckpt-lsp/ckpt-lsp/internal/training"
)

// CKP110 missing-metadata
//
// # What it does
//
// Reports a checkpoint that training resumes from and that holds neither the torch version nor the settings of the run, where
// the program does not write them anywhere else either. It reports one checkpoint of a file.
//
// # Why it matters
//
// Nothing in the file says what wrote it. When it does not load any more, or a resumed run behaves differently, there is
// nothing to compare with. A number of the format lets a later program tell old keys from new ones. Settings belong in it as plain
// data, `vars(args)`, and the weights beside it as safetensors, which any torch reads: a code action on the save writes those.
//
// # Example
//
//	import torch
//	from model import Net, loader
//
//	model = Net()
//	optimizer = torch.optim.Adam(model.parameters())
//	for epoch in range(100):
//	    for x, y in loader:
//	        optimizer.zero_grad()
//	        model(x).loss(y).backward()
//	        optimizer.step()
//	    torch.save({
//	        "epoch": epoch,
//	        "model": model.state_dict(),
//	        "optimizer": optimizer.state_dict(),
//	    }, "last.pt")
//
// # Use instead
//
//	import torch
//	from model import Net, loader
//
//	model = Net()
//	optimizer = torch.optim.Adam(model.parameters())
//	for epoch in range(100):
//	    for x, y in loader:
//	        optimizer.zero_grad()
//	        model(x).loss(y).backward()
//	        optimizer.step()
//	    torch.save({
//	        "epoch": epoch,
//	        "model": model.state_dict(),
//	        "optimizer": optimizer.state_dict(),
//	        "format_version": 1,
//	        "torch_version": str(torch.__version__),
//	    }, "last.pt")
//
// # Fix safety
//
// The fix adds the number of the format, 1, and the torch version as a plain string, which `weights_only=True` loads. It is unsafe because
// programs that read the file may not expect other keys.
//
// # What it does not see
//
// Settings that another file or a tool records.
//
// # Related rules
//
// `unvalidated-resume`, `swallowed-version-mismatch`
//
// # References
//
//   - https://ckpt-lsp.github.io/ckpt-lsp/old-checkpoints/
//   - https://docs.pytorch.org/docs/stable/notes/serialization.html
var _ = diagnostics.Register(&diagnostics.Rule{
	Code: "CKP110", Name: "missing-metadata", Summary: "A training checkpoint does not tell what wrote it",
	Severity: diagnostics.Hint, HasFix: true, Fix: diagnostics.Unsafe, Since: "0.1.0",
	Run: missingMetadata,
})

func missingMetadata(p *diagnostics.Pass) {
	for _, r := range p.File.Resumptions() {
		s := r.Save
		if s.Kind != training.PayloadDict || !s.HasKind(training.Optimizer) || s.Recorded() {
			continue
		}
		p.Report(diagnostics.Diagnostic{
			Place:    s.Anchor(),
			Message:  "This checkpoint holds neither the torch version nor the settings of the run: nothing in it tells what wrote it.",
			Related:  loadedHere(r.Load),
			Remedies: []diagnostics.Remedy{diagnostics.RecordVersion{Save: s}},
		})
		return
	}
}
