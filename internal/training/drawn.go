package training

import (
	"slices"

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
