package training

import (
	"slices"

	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
	"github.com/ckpt-lsp/ckpt-lsp/internal/pysem"
	"github.com/ckpt-lsp/ckpt-lsp/internal/torch"
)

// WrongSeed is a seed of one generator in front of draws from another one only.
type WrongSeed struct {
	Seed, Draw pyast.Node
	// Seeded are the generators that are seeded, Drawn is the one that is drawn from.
	Seeded []torch.RNG
	Drawn  torch.RNG
}

// WrongSeeds are the seeds in functions of the file after which their block draws from another generator, and from none that is seeded. Where
// anything else is called that may draw, nothing is known. The seeds of programs are left out: what they are for is all that follows.
func (f *File) WrongSeeds() []WrongSeed {
	if !f.Module.Words().Names.Has(seederNames...) {
		return nil
	}
	var out []WrongSeed
	for _, fn := range f.Module.Funcs {
		if fn == f.Module.Top {
			continue
		}
		for _, c := range fn.Calls {
			if w, ok := f.wrongSeed(fn, c); ok {
				out = append(out, w)
			}
		}
	}
	return out
}

func (f *File) wrongSeed(fn *pysem.Func, call pyast.Node) (WrongSeed, bool) {
	stmt := call.Parent()
	if stmt.Kind() != pyast.KindExpressionStatement || !f.fixedSeeder(call) {
		return WrongSeed{}, false
	}
	for _, r := range f.Runs {
		if slices.ContainsFunc(slices.Concat(r.ProgramSeeds(MainProcess), r.ProgramSeeds(Spawned)), func(c *Call) bool { return c.Node == call }) {
			return WrongSeed{}, false
		}
	}
	seeder, _ := torch.Lookup(f.qualified(call.Child(pyast.FieldFunction)))
	w := WrongSeed{Seed: call, Seeded: seeder.Generators}
	for _, c := range fn.Calls {
		name := f.qualified(c.Child(pyast.FieldFunction))
		e, known := torch.Lookup(name)
		switch {
		case known && e.Kind == torch.Seeder:
			if c != call && !sharesGenerator(e.Generators, w.Seeded) {
				return WrongSeed{}, false // each is seeded
			}
		case !stmt.Parent().Encloses(c) || c.Start() < call.End():
		case known && e.Kind == torch.RNGDraw && sharesGenerator(e.Generators, w.Seeded), !understood.MatchString(name):
			return WrongSeed{}, false // it is for that, or may be
		case known && e.Kind == torch.RNGDraw && !w.Draw.Valid():
			w.Draw, w.Drawn = c, e.Generators[0]
		}
	}
	return w, w.Draw.Valid()
}
