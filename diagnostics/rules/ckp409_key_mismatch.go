package rules

import (
	"fmt"

	"github.com/ckpt-lsp/ckpt-lsp/diagnostics"
	"github.com/ckpt-lsp/ckpt-lsp/internal/training"
)

// CKP409 key-mismatch
//
// # What it does
//
// Reports a key that is read from a loaded checkpoint although the save which writes that file, in the same program, never
// writes it, or that the `load_state_dict` of a class reads and its `state_dict` never gives.
//
// # Why it matters
//
// Reading the key raises KeyError: the run cannot be resumed. This shows only when it is resumed, days after it was started. Where a class reads
// it with a default, which is a warning, nothing fails, and what it was is lost.
//
// # Example
//
//	import torch
//	from model import Net, loader
//
//	model = Net()
//	optimizer = torch.optim.Adam(model.parameters())
//	checkpoint = torch.load("last.pt", map_location="cpu", weights_only=True)
//	model.load_state_dict(checkpoint["model"])
//	optimizer.load_state_dict(checkpoint["optim"])
//	for epoch in range(checkpoint["epoch"] + 1, 100):
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
//	checkpoint = torch.load("last.pt", map_location="cpu", weights_only=True)
//	model.load_state_dict(checkpoint["model"])
//	optimizer.load_state_dict(checkpoint["optimizer"])
//	for epoch in range(checkpoint["epoch"] + 1, 100):
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
// # Fix safety
//
// The fix writes the nearest key that is saved. It is unsafe because older files may hold the other key.
//
// # What it does not see
//
// Keys of files read with `get`, tested with `in`, or read under `try`; files that other programs write; saves with keys that are not
// known. A class whose users, in its directory, take up nothing that was saved is told of as information.
//
// # Related rules
//
// `state-not-restored`, `uncalled-state-dict`, `swallowed-restore-error`
//
// # References
//
//   - https://docs.pytorch.org/tutorials/beginner/saving_loading_models.html
var _ = diagnostics.Register(&diagnostics.Rule{
	Code: "CKP409", Name: "key-mismatch", Summary: "A key is read from the checkpoint that no save writes",
	Severity: diagnostics.Error, HasFix: true, Fix: diagnostics.Unsafe, Since: "0.1.0",
	Also: []diagnostics.Severity{diagnostics.Warning, diagnostics.Information},
	Run:  keyMismatch,
})

func keyMismatch(p *diagnostics.Pass) {
	for _, c := range p.File.ClassStates() {
		for _, read := range c.Never() {
			d := diagnostics.Diagnostic{
				Place:   read.Node.Place(),
				Message: fmt.Sprintf("The key %q is read from the state, and `state_dict` of `%s` never gives it. This raises KeyError.", read.Key, c.Class.Name),
				Related: []diagnostics.Related{at(c.Given.Literal, "the state is given here")},
			}
			if read.Default {
				d.Severity = diagnostics.Warning
				d.Message = fmt.Sprintf("The key %q is read from the state, and `state_dict` of `%s` never gives it. After resuming, it has its default, whatever it was before.", read.Key, c.Class.Name)
			}
			if p.File.Idle(c) {
				d.Severity = diagnostics.Information // until somebody loads
			}
			p.Report(d)
		}
	}
	for _, l := range p.File.Loads() {
		saves := l.WrittenBy()
		if len(saves) == 0 {
			continue
		}
		for _, read := range l.Unwritten(saves) {
			d := diagnostics.Diagnostic{
				Place:   read.Node.Place(),
				Message: fmt.Sprintf("The key %q is read from the checkpoint, and the save writes %s. This raises KeyError.", read.Key, keyList(saves)),
				Related: savedHere(saves[0]),
			}
			if key := l.Nearest(read.Key, saves); key != "" {
				d.Remedies = []diagnostics.Remedy{diagnostics.RenameKey{Node: read.Node, Key: key}}
			}
			p.Report(d)
		}
	}
}

// keyList names the keys of the saves, the first few when there are many.
func keyList(saves []*training.SaveSite) string {
	text, n := "", 0
	for _, c := range saves[0].Components {
		if n == 6 {
			return text + ", ..."
		}
		if n > 0 {
			text += ", "
		}
		text += fmt.Sprintf("%q", c.Key)
		n++
	}
	return text
}
