package rules

import (
	"fmt"

	"github.com/ckpt-lsp/ckpt-lsp/diagnostics"
	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
	"github.com/ckpt-lsp/ckpt-lsp/internal/training"
)

// CKP415 rng-moved-by-map-location
//
// # What it does
//
// Reports a generator's state that is set as it comes from a checkpoint which `map_location` loads onto another device than the
// CPU.
//
// # Why it matters
//
// The state of every torch generator, those of CUDA devices too, is a byte tensor on the CPU. `map_location` moves it with all
// other tensors of the file, and `set_rng_state` raises a TypeError ("RNG state must be a torch.ByteTensor"): training cannot
// be resumed.
//
// # Example
//
//	import torch
//	from model import Net
//
//	device = "cuda" if torch.cuda.is_available() else "cpu"
//	model = Net().to(device)
//	checkpoint = torch.load("last.pt", map_location=device, weights_only=True)
//	model.load_state_dict(checkpoint["model"])
//	torch.set_rng_state(checkpoint["rng"])
//
// # Use instead
//
//	import torch
//	from model import Net
//
//	device = "cuda" if torch.cuda.is_available() else "cpu"
//	model = Net().to(device)
//	checkpoint = torch.load("last.pt", map_location=device, weights_only=True)
//	model.load_state_dict(checkpoint["model"])
//	torch.set_rng_state(checkpoint["rng"].cpu())
//
// # Fix safety
//
// The fix is safe: `.cpu()` gives the tensor back where it was saved, and changes nothing for one that is there already.
//
// # What it does not see
//
// Devices whose value is unknown are reported as information, and only where they are called a device. It keeps silent about
// states that are converted on the way (`torch.tensor(...)`, `.to(...)`).
//
// # Related rules
//
// `missing-map-location`, `rng-not-restored`
//
// # References
//
//   - https://docs.pytorch.org/docs/stable/generated/torch.set_rng_state.html
//   - https://docs.pytorch.org/docs/stable/generated/torch.load.html
var _ = diagnostics.Register(&diagnostics.Rule{
	Code: "CKP415", Name: "rng-moved-by-map-location", Summary: "map_location moves the generator's state off the CPU",
	Severity: diagnostics.Warning, HasFix: true, Fix: diagnostics.Safe, Since: "0.1.0",
	Also: []diagnostics.Severity{diagnostics.Information},
	Run:  rngMovedByMapLocation,
})

func rngMovedByMapLocation(p *diagnostics.Pass) {
	if p.File.Test() {
		return
	}
	seen := once{}
	for _, m := range p.File.MovedStates() {
		if !seen.first(m.Restore.Node) || !m.State.Valid() {
			continue
		}
		severity, when := diagnostics.Warning, "Here map_location moves it to the GPU"
		if !m.Sure {
			severity, when = diagnostics.Information, fmt.Sprintf("Where `%s` is a GPU, map_location moves it there", shortened(m.Device))
		}
		p.Report(diagnostics.Diagnostic{
			Place: training.FirstLine(m.Restore.Node), Severity: severity,
			Message: fmt.Sprintf("A generator's state is a tensor on the CPU. %s, and `%s` raises a TypeError.", when, m.Restore.Node.Child(pyast.FieldFunction).Text()),
			Related: []diagnostics.Related{at(m.Device, "the file is loaded onto this device")},
			Remedies: []diagnostics.Remedy{diagnostics.Assign{
				Title: "Move the state back to the CPU", Value: m.State, New: onCPU(m), Safe: true,
			}},
		})
	}
}

// onCPU is the state's expression, moved to the CPU.
func onCPU(m training.MovedState) string {
	text := m.State.Text()
	if m.List {
		return fmt.Sprintf("[state.cpu() for state in %s]", text)
	}
	if !m.State.Is(pyast.KindIdentifier, pyast.KindAttribute, pyast.KindSubscript, pyast.KindCall, pyast.KindParenthesizedExpression) {
		text = "(" + text + ")"
	}
	return text + ".cpu()"
}
