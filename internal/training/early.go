package training

import (
	"regexp"
	"slices"
	"strings"

	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
	"github.com/ckpt-lsp/ckpt-lsp/internal/pysem"
	"github.com/ckpt-lsp/ckpt-lsp/internal/torch"
)

// LateSeed is a seed behind numbers that it should have decided: a model was built, data were split or shuffled before it.
type LateSeed struct {
	Draw Draw
	Seed *Call
	RNG  torch.RNG
	// Drawing and Seeding are the calls that lead to both, in the one function from which both are reached.
	Drawing, Seeding pyast.Node
	// Built says that the draw builds a model.
	Built bool
	// Possible says that a test decides whether it is drawn at all, and not whether it is seeded.
	Possible bool
	// ForData says that the seed is for the numbers that the model is trained on, which are drawn behind it: nothing is learnt from them.
	ForData bool
}

// arranging are the draws that decide what a run trains on. Others, such as a random port or the seed itself, come before
// the seed in sound programs.
var arranging = regexp.MustCompile(`(^|\.)(random_split|shuffle|permutation|randperm|sample)$`)

// LateSeeds are the first such draw from each generator, in the process that seeds it later: one that is surely made, before one that
// a test decides on.
func (r *Run) LateSeeds() []LateSeed {
	var out []LateSeed
	draws := r.Draws()
	for _, place := range []Place{MainProcess, Spawned} {
		seeds := slices.DeleteFunc(slices.Clone(r.ProgramSeeds(place)), r.drawsSeed)
		for _, g := range []torch.RNG{torch.TorchRNG, torch.NumpyRNG, torch.PythonRNG} {
			i := slices.IndexFunc(seeds, func(c *Call) bool { return slices.Contains(c.Entry.Generators, g) })
			if i < 0 {
				continue
			}
			var found []LateSeed
			for _, d := range draws {
				if d.Index > seeds[i].Index || len(found) > 0 && !found[0].Possible {
					break
				}
				if d.Place != place || !slices.Contains(d.Generators, g) {
					continue
				}
				if l, ok := r.late(d, seeds[i], g); ok && (len(found) == 0 || !l.Possible) {
					found = []LateSeed{l}
				}
			}
			out = append(out, found...)
		}
	}
	return out
}

// drawsSeed reports whether the seed of a call is drawn itself, wherever it comes from, from a generator that nothing seeds first: an
// option that nobody gives, and a number from random in its place.
func (r *Run) drawsSeed(c *Call) bool {
	for _, a := range r.File.Eval.Eval(pysem.Args(c.Node).Get(0, "seed"), c.Ctx).Alternatives() {
		drawn := slices.ContainsFunc(r.Draws(), func(d Draw) bool {
			return d.Value && d.Event.Node == a.Node && !slices.ContainsFunc(r.Seeds, func(x *Call) bool {
				return x.Index < d.Index && sharesGenerator(x.Entry.Generators, d.Generators)
			})
		})
		if a.Kind != pysem.NoneVal && !drawn {
			return false
		}
	}
	return true
}

// fixed reports whether a seed call is told a seed.
func (c *Call) fixed() bool {
	n := pysem.Args(c.Node).Get(0, "seed")
	return n.Valid() && c.Run.File.Eval.Eval(n, c.Ctx).Kind != pysem.NoneVal
}

func (r *Run) late(d Draw, seed *Call, g torch.RNG) (LateSeed, bool) {
	l := LateSeed{Draw: d, Seed: seed, RNG: g}
	f := r.File
	callee := f.Eval.Eval(d.Event.Node.Child(pyast.FieldFunction), d.Event.Ctx)
	if !slices.ContainsFunc(callee.Alternatives(), func(a *pysem.Value) bool { return arranging.MatchString(calleeName(a)) }) {
		l.Built = true
		if !f.buildsModel(callee) || !r.trainsAtAll() || r.weightsLoaded(d) || f.shown(d.Event) || f.forData(d.Event.Ctx) {
			return l, false
		}
	}
	if Exclusive(d.Event.Frame, seed.Frame) || reseeds(seed.Frame, d.Event.Frame) {
		return l, false
	}
	for _, fr := range r.deciding(d, seed) {
		if f.offByDefault(fr) || shareLoop(fr, seed.Frame) { // an earlier round of the loop may have seeded
			return l, false
		}
		l.Possible = true
	}
	l.ForData = l.Built && r.trainsOnDrawn(seed)
	l.Drawing, l.Seeding, _ = meet(d.Event.Ctx, d.Event.Node, seed.Ctx, seed.Node)
	return l, l.Drawing.Valid() && l.Drawing != l.Seeding
}

// trainsOnDrawn reports whether everything that models are called with in a training loop behind a seed is drawn in that loop.
func (r *Run) trainsOnDrawn(seed *Call) bool {
	var draws []pyast.Node
	for _, d := range r.Draws() {
		if d.Value && d.Index > seed.Index && sharesGenerator(d.Generators, seed.Entry.Generators) {
			draws = append(draws, d.Event.Node)
		}
	}
	i := slices.IndexFunc(r.Loops, func(l *Loop) bool { return l.Trains && l.First > seed.Index })
	if i < 0 || len(draws) == 0 {
		return false
	}
	loop := r.Loops[i]
	drawn := map[string]bool{}
	made := func(n pyast.Node) bool {
		for name := range drawn {
			if mentions(n, name) {
				return true
			}
		}
		return slices.ContainsFunc(draws, n.Encloses)
	}
	called := false
	for _, ev := range r.Events[loop.First:loop.Last] {
		switch ev.Kind {
		case pysem.EventAssign:
			if right := ev.Node.Child(pyast.FieldRight); ev.Ctx == loop.Ctx && made(right) {
				for _, a := range assignees(ev.Node.Child(pyast.FieldLeft), right) {
					drawn[a.target.Text()] = true
				}
			}
		case pysem.EventCall:
			fn := ev.Node.Child(pyast.FieldFunction)
			if o := r.File.Object(r.File.Eval.Eval(fn, ev.Ctx), fn.Text()); ev.Ctx != loop.Ctx || o == nil || o.Kind != Model {
				continue
			}
			if !made(ev.Node.Child(pyast.FieldArguments)) {
				return false
			}
			called = true
		}
	}
	return called
}

// deciding are the tests around a draw that are not around a seed after it, and of which the other side does not draw as well. Where a
// function is left early the seed is often not reached either, so that decides nothing.
func (r *Run) deciding(d Draw, seed *Call) []*pysem.Frame {
	var out []*pysem.Frame
	held := knownAt(seed.Frame)
	for fr := d.Event.Frame; fr != nil; fr = fr.Parent {
		if fr.Kind != pysem.FrameIf || fr.Early {
			continue
		}
		told := !slices.ContainsFunc(knownFrom(fr.Cond, fr.Positive, nil), func(o outcome) bool { return !slices.ContainsFunc(held, o.same) })
		if !told && !r.drawsOtherwise(fr, d, seed) {
			out = append(out, fr)
		}
	}
	return out
}

// drawsOtherwise reports whether the other side of a test around a draw draws from the same generators, too, before a seed.
func (r *Run) drawsOtherwise(fr *pysem.Frame, d Draw, seed *Call) bool {
	return slices.ContainsFunc(r.Draws(), func(o Draw) bool {
		return o.Index < seed.Index && sharesGenerator(o.Generators, d.Generators) && onOtherSide(o, fr)
	})
}

// onOtherSide reports whether a draw is made where a test comes out the other way.
func onOtherSide(d Draw, test *pysem.Frame) bool {
	for fr := d.Event.Frame; fr != nil; fr = fr.Parent {
		if fr.Kind == pysem.FrameIf && fr.Ctx == test.Ctx && fr.Cond == test.Cond && fr.Positive != test.Positive {
			return true
		}
	}
	return false
}

// shareLoop reports whether one loop is around two frames.
func shareLoop(a, b *pysem.Frame) bool {
	outer := map[*pysem.Frame]bool{}
	for ; a != nil; a = a.Parent {
		outer[a] = a.Kind == pysem.FrameLoop
	}
	for ; b != nil; b = b.Parent {
		if outer[b] {
			return true
		}
	}
	return false
}

// buildsModel reports whether calling a value makes a module with parameters.
func (f *File) buildsModel(callee *pysem.Value) bool {
	for _, a := range callee.Alternatives() {
		name := calleeName(a)
		if a.Kind == pysem.ClassVal && f.isModule(a.Class) || parameterised.MatchString(name) ||
			strings.HasPrefix(name, "torchvision.models.") || a.Kind == pysem.Item {
			return true
		}
	}
	return false
}

// forData reports whether a context lies in what makes a dataset, whose models prepare the data and are not trained.
func (f *File) forData(ctx *pysem.Ctx) bool {
	for ; ctx != nil; ctx = ctx.Parent {
		if ctx.Func.Class != nil && f.dataset(ctx.Func.Class) {
			return true
		}
	}
	return false
}

// isModule reports whether a class is a model: a torch module, or Lightning's.
func (f *File) isModule(c *pysem.Class) bool {
	if is, known := f.isNetwork[c]; known {
		return is
	}
	if f.isNetwork == nil {
		f.isNetwork = map[*pysem.Class]bool{}
	}
	f.isNetwork[c] = false // where it inherits from itself
	f.isNetwork[c] = f.isModuleItself(c)
	return f.isNetwork[c]
}

func (f *File) isModuleItself(c *pysem.Class) bool {
	if f.classKind(c, 0) == Model {
		return true
	}
	for _, b := range c.Bases {
		v := f.Eval.Eval(b, f.Eval.Root(c.Scope, nil))
		if strings.HasSuffix(calleeName(v), "LightningModule") || v.Kind == pysem.ClassVal && v.Class != c && f.isModule(v.Class) {
			return true
		}
	}
	return false
}

// trainsAtAll reports whether an optimizer steps anywhere in the run, or a trainer is told to fit.
func (r *Run) trainsAtAll() bool {
	return slices.ContainsFunc(r.Steps, func(s *Step) bool { return s.Object != nil && s.Object.Kind == Optimizer }) ||
		slices.ContainsFunc(r.Calls, func(c *Call) bool { return c.Method == "fit" })
}

// weightsLoaded reports whether a model gets its weights from a file, so that what it was built with is of no account.
func (r *Run) weightsLoaded(d Draw) bool {
	for name, n := range pysem.Args(d.Event.Node).Keyword {
		if (name == "pretrained" || name == "weights") && !n.Is(pyast.KindFalse, pyast.KindNoneLiteral) {
			return true
		}
	}
	for n, ctx := d.Event.Node, d.Event.Ctx; ctx != nil; n, ctx = ctx.Call, ctx.Parent {
		if restoredAfter(ctx.Func, assigned(n)) {
			return true
		}
	}
	model := r.File.Object(r.File.Eval.Eval(d.Event.Node, d.Event.Ctx), "")
	for _, x := range r.Restores {
		if x.Object == nil || !Implied(x.Frame, d.Event.Frame) {
			continue
		}
		if model != nil && x.Object.Same(model) || !d.Value && x.Index > d.Index && x.Object.Kind == Model && !r.trainsAtAll() && x.isSelf(d.Event.Ctx) {
			return true
		}
	}
	return false
}

// isSelf reports whether the object that is restored runs a place itself: net.build() makes its layers, and net.load_state_dict(state)
// gives them their weights.
func (x *Restore) isSelf(ctx *pysem.Ctx) bool {
	for ; ctx != nil; ctx = ctx.Parent {
		if ctx.Self != nil && slices.ContainsFunc(x.Value.Alternatives(), func(a *pysem.Value) bool { return a.Key() == ctx.Self.Key() }) {
			return true
		}
	}
	return false
}

// reseeds reports whether a seed stands in a loop that the draw is outside of: it seeds each round.
func reseeds(seed, draw *pysem.Frame) bool {
	outer := map[pyast.Node]bool{}
	for fr := draw; fr != nil; fr = fr.Parent {
		outer[fr.Node] = true
	}
	for fr := seed; fr != nil; fr = fr.Parent {
		if fr.Kind == pysem.FrameLoop && !outer[fr.Node] {
			return true
		}
	}
	return false
}

// meet goes up from two calls to the innermost function that both are reached from, and gives the calls in it that lead there.
func meet(a *pysem.Ctx, x pyast.Node, b *pysem.Ctx, y pyast.Node) (fromA, fromB pyast.Node, in *pysem.Ctx) {
	at := map[*pysem.Ctx]pyast.Node{}
	for ; a != nil; x, a = a.Call, a.Parent {
		at[a] = x
	}
	for ; b != nil; y, b = b.Call, b.Parent {
		if n, ok := at[b]; ok {
			return n, y, b
		}
	}
	return
}

// MoveUp are the statements of a late seed and the statement to put them in front of; ok is false where that cannot be done:
// they use what is set in between, or stand in another block.
func (l LateSeed) MoveUp(f *File) (seeds []pyast.Node, before pyast.Node, ok bool) {
	seed := l.Seeding
	for seed.Valid() && !seed.Parent().Encloses(l.Drawing) {
		seed = seed.Parent()
	}
	block := seed.Parent()
	for before = l.Drawing; before.Valid() && before.Parent() != block; {
		before = before.Parent()
	}
	if !block.Is(pyast.KindBlock, pyast.KindModule) || !before.Valid() || !f.onlySeeds(seed) {
		return nil, before, false
	}
	for n := before; n.Valid() && n != seed; n = n.Next() {
		if f.onlySeeds(n) {
			seeds = append(seeds, n)
		}
	}
	seeds = append(seeds, seed)
	for n := seed.Next(); n.Valid() && n.Kind() == pyast.KindExpressionStatement && f.onlySeeds(n); n = n.Next() {
		seeds = append(seeds, n)
	}
	for _, s := range seeds {
		if f.usesWhatIsSet(s, before, seed) {
			return nil, before, false
		}
	}
	return seeds, before, true
}

// beside are what stands beside seeds and may be done as early.
var beside = regexp.MustCompile(`^(torch\.backends\.cudnn\.\w+|cudnn\.\w+|torch\.use_deterministic_algorithms|warnings\.warn|(builtins\.)?print)$`)

// onlySeeds reports whether a statement does nothing but seed: calls of seeding functions, be it under a test, with settings
// of determinism and words to the user beside them.
func (f *File) onlySeeds(stmt pyast.Node) bool {
	some := false
	for n := range stmt.Descendants() {
		switch n.Kind() {
		case pyast.KindAssignment:
			if !beside.MatchString(n.Child(pyast.FieldLeft).Text()) {
				return false
			}
		case pyast.KindAugmentedAssignment, pyast.KindForStatement, pyast.KindReturnStatement, pyast.KindWithStatement:
			return false
		case pyast.KindCall:
			fn := n.Child(pyast.FieldFunction)
			e, _ := torch.Lookup(f.qualified(fn))
			if e.Kind == torch.Seeder || seeding.MatchString(lastPart(fn.Text())) {
				some = true
			} else if n.Parent().Kind() == pyast.KindExpressionStatement && !beside.MatchString(f.qualified(fn)) {
				return false
			}
		}
	}
	return some && stmt.Is(pyast.KindExpressionStatement, pyast.KindIfStatement)
}

// usesWhatIsSet reports whether a statement reads a name that is set from one statement on up to another.
func (f *File) usesWhatIsSet(stmt, from, to pyast.Node) bool {
	scope := f.moduleOf(stmt).Scope(stmt)
	for n := range stmt.Descendants() {
		if !n.Is(pyast.KindIdentifier, pyast.KindAttribute) {
			continue
		}
		for _, d := range scope.Defs(n.Text()) {
			if d.Stmt.Start() >= from.Start() && d.Stmt.Start() < to.Start() {
				return true
			}
		}
	}
	return false
}
