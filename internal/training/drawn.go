package training

import (
	"slices"

	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
	"github.com/ckpt-lsp/ckpt-lsp/internal/pysem"
	"github.com/ckpt-lsp/ckpt-lsp/internal/torch"
)

// DrawnFrom are the global generators whose state a resumed run needs to continue exactly, in the order torch, CUDA, numpy,
// random: torch's, which shuffling, dropout and the seeds of workers come from; CUDA's where the file uses CUDA; numpy's and
// Python's where the training process itself draws from them inside the training loop.
func (f *File) DrawnFrom(s *SaveSite) []torch.RNG {
	out := []torch.RNG{torch.TorchRNG}
	if f.UsesCUDA() {
		out = append(out, torch.CUDARNG)
	}
	inMain := map[torch.RNG]bool{}
	outer := s.Loop.Outer()
	for _, d := range s.Run.Draws() {
		if outer == nil || !outer.Holds(d.Index) || d.Place == InLoader || d.Value && f.idleValue(d.Event.Node) {
			continue
		}
		for _, g := range d.Generators {
			inMain[g] = true
		}
	}
	// Datasets draw in the main process when a loader has no workers.
	for _, u := range s.Run.LoaderUses() {
		if u.Workers != NoWorkers {
			continue
		}
		for _, g := range []torch.RNG{torch.NumpyRNG, torch.PythonRNG} {
			if _, draws := f.DatasetDraw(u.Data, g); draws {
				inMain[g] = true
			}
		}
	}
	for _, g := range []torch.RNG{torch.NumpyRNG, torch.PythonRNG} {
		if inMain[g] && !slices.Contains(out, g) {
			out = append(out, g)
		}
	}
	return out
}

// drawsSeeded reports whether a call draws from what it is given, with a generator of its own that is given a seed, or with a global one
// that the same function seeds.
func (f *File) drawsSeeded(call pyast.Node) bool {
	fn := call.Child(pyast.FieldFunction)
	if !givesDrawn(call) {
		return false
	}
	scope := f.ScopeOf(call)
	if e, ok := torch.Lookup(f.qualified(fn)); ok {
		if e.Kind != torch.RNGDraw {
			return false
		}
		for _, c := range scope.Calls {
			s, _ := torch.Lookup(f.qualified(c.Child(pyast.FieldFunction)))
			if c.Start() < call.Start() && f.fixedSeeder(c) && sharesGenerator(s.Generators, e.Generators) {
				return true
			}
		}
		return false
	}
	if fn.Kind() != pyast.KindAttribute {
		return false
	}
	own := f.Eval.Eval(fn.Child(pyast.FieldObject), f.Eval.In(scope.Module, fn)).Known()
	if own == nil {
		return false
	}
	e, ok := torch.Lookup(own.Callee())
	seed := pysem.Args(own.Node).Get(0, "seed")
	return ok && e.Kind == torch.OwnRNG && seed.Valid() && !seed.Is(pyast.KindNoneLiteral)
}

// givesDrawn reports whether a call is named as a drawing function that gives elements of what it is given, which are others where that comes in another order.
func givesDrawn(call pyast.Node) bool {
	switch calledName(call) {
	case "choice", "choices", "sample", "permutation":
		return true
	}
	return false
}
