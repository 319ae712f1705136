package training

import (
	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
	"github.com/ckpt-lsp/ckpt-lsp/internal/pysem"
	"github.com/ckpt-lsp/ckpt-lsp/internal/torch"
)

// contexts are what multiprocessing's get_context gives: its Process is that of the module.
var contexts = map[string]bool{"multiprocessing.get_context": true, "torch.multiprocessing.get_context": true}

// launcher is how what a callee is starts a function.
func launcher(callee *pysem.Value) (torch.Launch, bool) {
	for _, a := range callee.Alternatives() {
		if l, ok := torch.Launcher(calleeName(a)); ok {
			return l, true
		}
		if a.Kind != pysem.Attr || a.Name != "Process" {
			continue
		}
		for _, b := range a.Base.Alternatives() {
			if contexts[b.Callee()] {
				return torch.Launcher("multiprocessing.Process")
			}
		}
	}
	return torch.Launch{}, false
}

// launched is how a call starts a function, nil for calls that start none, as far as is known.
func launched(callee *pysem.Value, call pyast.Node) *pysem.Launch {
	l, ok := launcher(callee)
	args := pysem.Args(call)
	if !ok || args.May() {
		return nil
	}
	return &pysem.Launch{
		Function: args.Get(l.Function, l.FunctionName), Args: args.Get(l.Args, l.ArgsName), Kwargs: args.Keyword[l.Kwargs], Rank: l.Rank,
	}
}

// spawns reports whether a call starts a function in several processes of this machine, which it numbers.
func (c *Call) spawns() bool {
	l, ok := torch.Launcher(c.Callee)
	return ok && l.Rank
}
