package rules

import (
	"github.com/ckpt-lsp/ckpt-lsp/diagnostics"
	"github.com/ckpt-lsp/ckpt-lsp/internal/training"
)

// CKP116 unverified-save
//
// # What it does
//
// Reports a checkpoint that training resumes from and that nothing reads back after it is written. The rule is off unless it is
// selected: few programs need this, those that do often keep checkpoints on network or worn storage.
//
// # Why it matters
//
// A file that was damaged on its way to the disk is found out when training is to resume from it, and the runs before it may be
// gone. Loading it back is no sufficient test: `torch.load` notices a truncated file, but does not compare the checksums that
// the file holds, and returns changed weights without a word. `zipfile` compares them.
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
//	    torch.save({"epoch": epoch, "model": model.state_dict(), "optimizer": optimizer.state_dict()}, "last.pt")
//
// # Use instead
//
//	import zipfile
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
//	    torch.save({"epoch": epoch, "model": model.state_dict(), "optimizer": optimizer.state_dict()}, "last.pt")
//	    with zipfile.ZipFile("last.pt") as archive:
//	        if archive.testzip() is not None:
//	            raise RuntimeError("damaged checkpoint: last.pt")
//
// # Fix safety
//
// The fix reads the file back and compares the checksums in it. It is unsafe because each save takes longer, and a damaged
// file ends the program.
//
// # What it does not see
//
// Checks in other files; whether the operating system reads from the disk or from its cache.
//
// # Related rules
//
// `unvalidated-resume`, `non-atomic-save`
//
// # References
//
//   - https://docs.python.org/3/library/zipfile.html#zipfile.ZipFile.testzip
var _ = diagnostics.Register(&diagnostics.Rule{
	Code: "CKP116", Name: "unverified-save", Summary: "Nothing reads a training checkpoint back after it is written",
	Severity: diagnostics.Off, HasFix: true, Fix: diagnostics.Unsafe, Since: "0.1.0",
	Also: []diagnostics.Severity{diagnostics.Information},
	Run:  unverifiedSave,
})

func unverifiedSave(p *diagnostics.Pass) {
	for _, r := range p.File.Resumptions() {
		if s := r.Save; s.Kind == training.PayloadDict && !s.Foreign && !s.Verified() {
			p.Report(diagnostics.Diagnostic{
				Place:    training.FirstLine(s.Node),
				Severity: diagnostics.Information,
				Message:  "Nothing reads this checkpoint back after it is written: damage shows only when training resumes from it.",
				Related:  loadedHere(r.Load),
				Remedies: []diagnostics.Remedy{diagnostics.VerifySave{Save: s}},
			})
		}
	}
}
