package rules

import (
	"fmt"

	"github.com/ckpt-lsp/ckpt-lsp/diagnostics"
	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
	"github.com/ckpt-lsp/ckpt-lsp/internal/training"
)

// CKP306 compile-prefix
//
// # What it does
//
// Reports a state dict taken from a module that torch.compile made and loaded into the module itself, or the reverse. Where
// this file loads no model, the save is reported as information.
//
// # Why it matters
//
// `torch.compile(model)` makes a new module around the model, and puts `_orig_mod.` in front of every key. Loaded into the
// model without it, every key is missing: load_state_dict raises, and with strict=False it loads nothing and says nothing.
// (`model.compile()` compiles in place and changes no key.)
//
// # Example
//
//	import torch
//	from model import Net
//
//	model = Net()
//	model.load_state_dict(torch.load("model.pt", map_location="cpu", weights_only=True))
//	model = torch.compile(model)
//	torch.save(model.state_dict(), "model.pt")
//
// # Use instead
//
//	import torch
//	from model import Net
//
//	model = Net()
//	model.load_state_dict(torch.load("model.pt", map_location="cpu", weights_only=True))
//	model = torch.compile(model)
//	torch.save(model._orig_mod.state_dict(), "model.pt")
//
// # Fix safety
//
// The fix is safe where the load is seen: it saves from, or loads into, the module inside the compiled one, which shares its
// parameters. Files written before keep their prefix. Where no load is seen the fix is unsafe, because the program that loads
// the file may compile its model first.
//
// # What it does not see
//
// Loads in other files. A file that names the prefix in a string is taken to strip it.
//
// # Related rules
//
// `wrapper-prefix`, `prefix-strip-everywhere`, `strict-false-unlogged`
//
// # References
//
//   - https://docs.pytorch.org/docs/stable/generated/torch.compile.html
var _ = diagnostics.Register(&diagnostics.Rule{
	Code: "CKP306", Name: "compile-prefix", Summary: "State dict of a compiled module, loaded into one that is not",
	Severity: diagnostics.Warning, Fix: diagnostics.Safe, HasFix: true, Since: "0.1.0",
	Also: []diagnostics.Severity{diagnostics.Information}, FixAlso: []diagnostics.Applicability{diagnostics.Unsafe},
	Run: compilePrefix,
})

func compilePrefix(p *diagnostics.Pass) {
	f := p.File
	handled, asked := false, false
	for _, s := range f.Saves() {
		for c := range s.Leaves() {
			if c.Role != training.RoleState || c.Object == nil || c.Object.Kind != training.Model {
				continue
			}
			saved := f.Compiled(c.Value)
			if saved == training.WrapUnknown {
				continue
			}
			if !asked {
				handled, asked = f.HandlesCompiled(), true
			}
			if handled {
				return
			}
			loads, known := f.LoadsOf(s, c)
			for _, x := range loads {
				loaded := f.CompiledOf(x)
				switch {
				case saved == training.Wrapped && loaded == training.Bare:
					p.Report(diagnostics.Diagnostic{
						Place: statePlace(s, c),
						Message: fmt.Sprintf("`%s` is compiled here, so its keys hold `_orig_mod.`, and they are loaded into the plain module "+
							"at %s. Every key is missing there, which raises, or with strict=False loads nothing.", c.Object.Name, lineIn(p.File, x.Node, c.Value.Node)),
						Related:  []diagnostics.Related{at(x.Node, "loaded without torch.compile here")},
						Remedies: insideCompiled(f, c, receiver(c), ""),
					})
				case saved == training.Bare && loaded == training.Wrapped && always(f, x):
					p.Report(diagnostics.Diagnostic{
						Place: training.FirstLine(x.Node),
						Message: fmt.Sprintf("`%s` is compiled here, so its keys hold `_orig_mod.`, but the file was written from the plain module "+
							"at %s. Every key is missing, which raises, or with strict=False loads nothing.", x.Recv.Text(), lineIn(p.File, s.Node, x.Node)),
						Related:  []diagnostics.Related{at(s.Node, "saved without torch.compile here")},
						Remedies: insideCompiled(f, training.Component{Value: x.Value}, x.Recv, ""),
					})
				}
			}
			if saved == training.Wrapped && !known && !s.Run.RestoredElsewhere(c.Object) {
				p.Report(diagnostics.Diagnostic{
					Severity: diagnostics.Information,
					Place:    statePlace(s, c),
					Message: fmt.Sprintf("`%s` is compiled here, so its keys hold `_orig_mod.`. The file loads only into a module that torch.compile made.",
						c.Object.Name),
					Remedies: insideCompiled(f, c, receiver(c), "programs that load it into a compiled module must use the module inside"),
				})
			}
		}
	}
}

// always says that a restore loads into a compiled module on every way: an attribute may be compiled after the load.
func always(f *training.File, x *training.Restore) bool {
	_, yes := f.CompiledAt(x.Value)
	return yes
}

// insideCompiled takes the module inside the compiled one: always, or where there is one on some ways only.
func insideCompiled(f *training.File, c training.Component, recv pyast.Node, reason string) []diagnostics.Remedy {
	call, always := f.CompiledAt(c.Value)
	switch {
	case !call.Valid():
		return nil // another wrapper stands around it
	case always:
		return []diagnostics.Remedy{diagnostics.Unwrap{Receiver: recv, Prefix: "_orig_mod.", Reason: reason}}
	case !recv.Is(pyast.KindIdentifier, pyast.KindAttribute):
		return nil
	}
	return []diagnostics.Remedy{diagnostics.Assign{
		Title: fmt.Sprintf("Use the module inside `%s` where it is compiled", recv.Text()),
		Value: recv, New: fmt.Sprintf(`getattr(%[1]s, "_orig_mod", %[1]s)`, recv.Text()), Safe: reason == "", Reason: reason,
	}}
}
