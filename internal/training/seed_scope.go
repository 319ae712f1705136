package training

import (
	"slices"
	"strings"

	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
	"github.com/ckpt-lsp/ckpt-lsp/internal/pysem"
	"github.com/ckpt-lsp/ckpt-lsp/internal/torch"
)

// ProgramSeeds are the seed calls of a run, in a place, that are told a seed and are meant for the program: not those of one
// split, dataset or level.
func (r *Run) ProgramSeeds(place Place) []*Call {
	known, ok := r.programs[place]
	if !ok {
		known = slices.DeleteFunc(slices.Clone(r.SeedsIn(place)), func(c *Call) bool { return !c.fixed() || r.local(c) || r.setAgain(c) })
		if r.programs == nil {
			r.programs = map[Place][]*Call{}
		}
		r.programs[place] = known
	}
	return known
}

// SeededAgain reports whether each start of the program seeds all of the generators with the same numbers before the training: where no
// checkpoint holds their states, a resumed run draws once more what it drew at its beginning (torch.manual_seed, numpy.random.seed and
// random.seed start their sequences anew).
func (s *SaveSite) SeededAgain(of []torch.RNG) bool {
	f := s.Run.File
	left := slices.Clone(of)
	for _, c := range s.Run.ProgramSeeds(f.PlaceOf(s.Ctx)) {
		if s.Loop != nil && c.Index > s.Loop.Outer().First || Exclusive(c.Frame, s.trainedUnder()) {
			continue
		}
		n := pysem.Args(c.Node).Get(0, "seed")
		if v := f.Eval.Eval(n, c.Ctx); v.Kind != pysem.Int && v.Kind != pysem.Attr && v.Kind != pysem.ParamVal || len(f.keysIn(n, c.Ctx, 0)) > 0 {
			continue
		}
		left = slices.DeleteFunc(left, func(g torch.RNG) bool { return slices.Contains(c.Entry.Generators, g) })
	}
	return len(of) > 0 && len(left) == 0
}

// setAgain reports whether each round of the innermost loop sets the same seed, which starts the same numbers again: a loop that steps an
// optimizer, or one in another loop.
func (r *Run) setAgain(c *Call) bool {
	l := r.innermost(c.Frame)
	if l == nil || !pysem.Args(c.Node).Get(0, "seed").Is(pyast.KindInteger) {
		return false
	}
	return r.innermost(l.Frame) != nil || slices.ContainsFunc(r.Steps, func(s *Step) bool {
		return s.Object.Kind == Optimizer && r.innermost(s.Frame) == l
	})
}

// Seeded reports whether anything in a run makes the training's numbers repeat: a seed of the program, or one that sets torch's
// generator and leaves it so.
func (r *Run) Seeded() bool {
	return slices.ContainsFunc(r.Seeds, func(c *Call) bool {
		return c.fixed() && !r.reset(c) && (slices.Contains(c.Entry.Generators, torch.TorchRNG) || !r.local(c))
	})
}

// IsSeeded reports whether a generator is given a seed in a place of the run, and keeps it.
func (r *Run) IsSeeded(g torch.RNG, place Place) bool {
	return slices.ContainsFunc(r.SeedsIn(place), func(c *Call) bool {
		return slices.Contains(c.Entry.Generators, g) && c.fixed() && !r.reset(c)
	})
}

// SeedsGPUsAlone is a call that seeds the generators of the GPUs on one side of a test whose other side seeds torch's own, nil where there is
// none: `torch.cuda.manual_seed(0) if cuda else torch.manual_seed(0)`; with what the training draws behind it on the CPU.
func (r *Run) SeedsGPUsAlone(place Place) (seed *Call, draw Draw) {
	if !r.trainsAtAll() {
		return nil, draw
	}
	for _, c := range r.SeedsIn(place) {
		if !c.fixed() || slices.Contains(c.Entry.Generators, torch.TorchRNG) || !slices.Contains(c.Entry.Generators, torch.CUDARNG) {
			continue
		}
		if slices.ContainsFunc(r.SeedsIn(place), func(o *Call) bool {
			return slices.Contains(o.Entry.Generators, torch.TorchRNG) && !(o.Ctx == c.Ctx && Exclusive(o.Frame, c.Frame))
		}) {
			continue
		}
		for _, d := range r.Draws() {
			if d.Place == place && d.Index > c.Index && (d.Loader || d.Built) && !d.Weak && slices.Contains(d.Generators, torch.TorchRNG) && !Exclusive(c.Frame, d.Event.Frame) {
				return c, d
			}
		}
	}
	return nil, draw
}

// KeepsState is a save of the run that keeps a generator's state, none where there is none.
func (r *Run) KeepsState(g torch.RNG) pyast.Node {
	for _, s := range r.Saves {
		if s.HasRNG(g) {
			return s.Node
		}
	}
	return pyast.Node{}
}

// reset reports whether a later call of the same function lets the generator go again: `random.seed(None)`.
func (r *Run) reset(c *Call) bool {
	if r.unseeds == nil {
		r.unseeds = slices.DeleteFunc(append([]*Call{}, r.Seeds...), (*Call).fixed)
	}
	r.File.Eval.Work.Spend(len(r.unseeds))
	return slices.ContainsFunc(r.unseeds, func(x *Call) bool {
		return x.Ctx == c.Ctx && x.Index > c.Index && sharesGenerator(x.Entry.Generators, c.Entry.Generators)
	})
}

func sharesGenerator(a, b []torch.RNG) bool {
	return slices.ContainsFunc(a, func(g torch.RNG) bool { return slices.Contains(b, g) })
}

// local reports whether a seed belongs to one piece of the program: it is let go again, it is a dataset's, it comes from another
// generator, or the innermost branch or function around it that draws what it seeds only arranges data with that, and trains nothing.
func (r *Run) local(c *Call) bool {
	if r.reset(c) || r.File.holdsData(c.Ctx.Func.Class) || r.File.takenFromGenerator(pysem.Args(c.Node).Get(0, "seed")) {
		return true
	}
	beside := r.seededBeside(c)
	for _, inside := range r.regions(c) {
		var drawn []torch.RNG
		built := false
		r.File.Eval.Work.Spend(len(r.Draws()))
		for _, d := range r.Draws() {
			if d.Index > c.Index && d.Place == r.File.PlaceOf(c.Ctx) && sharesGenerator(d.Generators, c.Entry.Generators) && inside(d.Event) {
				drawn = append(drawn, d.Generators...)
				built = built || !d.Value
			}
		}
		if len(drawn) == 0 {
			continue
		}
		trains := slices.ContainsFunc(r.Steps, func(s *Step) bool { return s.Object.Kind == Optimizer && inside(s.Event()) })
		idle := slices.ContainsFunc(beside, func(g torch.RNG) bool { return !slices.Contains(drawn, g) })
		return !built && !trains && !idle
	}
	return false
}

// seededBeside are the generators that are seeded in the same call of a function. CUDA's goes with torch's.
func (r *Run) seededBeside(c *Call) []torch.RNG {
	if r.beside == nil {
		r.beside = map[*pysem.Ctx][]torch.RNG{}
		for _, x := range r.Seeds {
			if !x.fixed() {
				continue
			}
			for _, g := range x.Entry.Generators {
				if g != torch.CUDARNG && !slices.Contains(r.beside[x.Ctx], g) {
					r.beside[x.Ctx] = append(r.beside[x.Ctx], g)
				}
			}
		}
	}
	return r.beside[c.Ctx]
}

// regions are the branches and calls of functions around a call, innermost first, up to the module's body or its main, which are none;
// a function that other files call is one. A test of the seed itself makes no branch of its own.
func (r *Run) regions(c *Call) []func(pysem.Event) bool {
	var out []func(pysem.Event) bool
	seed := pysem.Args(c.Node).Get(0, "seed")
	fr := c.Frame
	for ctx := c.Ctx; ctx != nil; ctx = ctx.Parent {
		for ; fr != nil && fr.Ctx == ctx; fr = fr.Parent {
			if fr.Kind != pysem.FrameIf || fr.Early || mentionsAny(fr.Cond, seed) {
				continue
			}
			branch := fr
			out = append(out, func(ev pysem.Event) bool {
				for x := ev.Frame; x != nil; x = x.Parent {
					if x == branch {
						return true
					}
				}
				return false
			})
		}
		top := r.File.Module.Top
		if ctx.Func == top || ctx.Parent != nil && ctx.Parent.Func == top && ctx.Parent.Parent == nil && ctx.Call.Parent().Kind() != pyast.KindAssignment {
			break // the module itself, or main(): what makes something for the rest of the body is none
		}
		out = append(out, func(ev pysem.Event) bool {
			for x := ev.Ctx; x != nil; x = x.Parent {
				if x == ctx {
					return true
				}
			}
			return false
		})
	}
	return out
}

// mentionsAny reports whether an expression reads any name that another one reads.
func mentionsAny(in, of pyast.Node) bool {
	for n := range of.Descendants() {
		if n.Is(pyast.KindIdentifier, pyast.KindAttribute) && n.Field() != pyast.FieldAttribute && mentions(in, n.Text()) {
			return true
		}
	}
	return false
}

// holdsData reports whether a class is a dataset, or Lightning's home of several.
func (f *File) holdsData(c *pysem.Class) bool {
	if c == nil {
		return false
	}
	for _, b := range c.Bases {
		v := f.Eval.Eval(b, f.Eval.Root(c.Scope, nil))
		if strings.HasSuffix(calleeName(v), "DataModule") || v.Kind == pysem.ClassVal && v.Class != c && f.holdsData(v.Class) {
			return true
		}
	}
	return f.dataset(c)
}

// takenFromGenerator reports whether a seed is what another generator was seeded with, or drew.
func (f *File) takenFromGenerator(seed pyast.Node) bool {
	for n := range seed.Descendants() {
		if n.Kind() == pyast.KindCall {
			name := f.qualified(n.Child(pyast.FieldFunction))
			if e, _ := torch.Lookup(name); e.Kind == torch.RNGDraw || strings.HasPrefix(name, "torch.") && lastPart(name) == "initial_seed" {
				return true
			}
		}
	}
	return false
}
