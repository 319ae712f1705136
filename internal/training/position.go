package training

import (
	"regexp"
	"slices"
	"strings"

	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
	"github.com/ckpt-lsp/ckpt-lsp/internal/pysem"
	"github.com/ckpt-lsp/ckpt-lsp/internal/torch"
)

// OrderSource is a generator of its own that shuffles the data of a training loop.
type OrderSource struct {
	Generator *Object
	// Given is the call that is handed the generator, the loader's or a sampler's; Name is the loader as the loop names it.
	Given *Call
	Name  string
}

// OrderSources are the generators made by the program, seeded once, whose state says in which order the loop around the save
// goes through its data from here on, and that the save does not hold.
func (s *SaveSite) OrderSources() []OrderSource {
	if s.Loop == nil {
		return nil
	}
	f, outer := s.Run.File, s.Loop.Outer()
	var out []OrderSource
	for _, c := range s.Run.Calls {
		if !c.Known || c.Entry.Kind != torch.Loader && c.Entry.Kind != torch.Sampler || !f.shuffles(c) {
			continue
		}
		n, ok := pysem.Args(c.Node).Keyword["generator"]
		if !ok {
			continue
		}
		g := f.Object(f.Eval.Eval(n, c.Ctx), n.Text())
		if g == nil || g.Kind != Generator || !g.Call.Valid() || outer.Node.Encloses(g.Call) || outer.Node.Encloses(c.Node) {
			continue
		}
		name := s.Run.goneThrough(c, outer)
		if name == "" || s.Run.reseeds(g, outer) || s.speaksOf(baseName(g.Name), baseName(name)) {
			continue
		}
		out = append(out, OrderSource{g, c, name})
	}
	return out
}

// shuffles reports whether a loader or sampler draws the order of the data.
func (f *File) shuffles(c *Call) bool {
	if c.Entry.Kind == torch.Sampler {
		return strings.Contains(c.Callee, "Random")
	}
	t, known := f.Eval.Eval(pysem.Args(c.Node).Get(2, "shuffle"), c.Ctx).Truth()
	return known && t
}

// goneThrough is the name of the loader, or of the loader around a sampler, that the training loop goes through, "" if it does
// not.
func (r *Run) goneThrough(made *Call, outer *Loop) string {
	f := r.File
	if made.Entry.Kind == torch.Sampler {
		for _, l := range r.Calls {
			if l.Known && l.Entry.Kind == torch.Loader && stems(f.Eval.Eval(pysem.Args(l.Node).Get(3, "sampler"), l.Ctx), f.Eval.Eval(made.Node, made.Ctx)) {
				return r.goneThrough(l, outer)
			}
		}
		return ""
	}
	loader := f.Eval.Eval(made.Node, made.Ctx)
	for _, l := range r.Loops {
		if right := l.Node.Child(pyast.FieldRight); l.Trains && (l == outer || outer.Holds(l.First)) && f.holds(f.Eval.Eval(right, l.Ctx), loader, 0) {
			return name(assigned(made.Node))
		}
	}
	for i := outer.First; i < min(outer.Last, len(r.Events)); i++ { // train(model, loader, optimizer)
		ev := r.Events[i]
		if ev.Kind != pysem.EventCall || !foreignTrainer.MatchString(calledName(ev.Node)) {
			continue
		}
		for _, a := range pysem.Args(ev.Node).Position {
			if stems(f.Eval.Eval(a, ev.Ctx), loader) {
				return name(assigned(made.Node))
			}
		}
	}
	return ""
}

// reseeds reports whether a generator is seeded, or its state set, inside a loop.
func (r *Run) reseeds(g *Object, loop *Loop) bool {
	for _, c := range r.Calls {
		if (c.Method == "manual_seed" || c.Method == "set_state" || c.Method == "seed") && loop.Holds(c.Index) && r.File.Object(c.Value, c.Recv.Text()).Same(g) {
			return true
		}
	}
	return false
}

// speaksOf reports whether the payload, or that of a companion, holds anything of what goes by one of the names.
func (s *SaveSite) speaksOf(names ...string) bool {
	for _, x := range append(s.Companions(), s) {
		for _, c := range x.Components {
			if loaderKey.MatchString(c.Key) {
				return true
			}
			for _, n := range names {
				if c.Entry.Value.Node.Names(n) {
					return true
				}
			}
		}
	}
	return false
}

var (
	loaderKey = regexp.MustCompile(`(?i)loader|sampler|generator_state|dataset|data_(state|iter)`)
	positions = regexp.MustCompile(`(?i)step|iter|batch|sample|seen|idx|index|(^|_)it(_|$)|update|progress|token|position|count`)
)

// BatchLoop is the loop over batches in which the save stands, nil when it stands in another loop, or in none.
func (s *SaveSite) BatchLoop() *Loop {
	l := s.Loop
	if l == nil || s.EpochLoop == nil || l == s.EpochLoop || l.Node.Kind() != pyast.KindForStatement || l.Epoch() || s.BestOnly() || !s.Run.File.batches(l) {
		return nil
	}
	return l
}

// Once reports whether the loop is left at the end of its first round.
func (l *Loop) Once() bool { return endsLoop(l.Node.Child(pyast.FieldBody)) }

// CallIn is the call in a loop's function that leads to the save, or the save itself.
func (s *SaveSite) CallIn(l *Loop) pyast.Node {
	n, _, _ := meet(s.Ctx, s.Node, l.Ctx, l.Node)
	return n
}

// MidEpoch is the loop over batches in which the save stands, nil when it is saved once an epoch, ends the training, or when
// the payload or the file's name says how far it has come.
func (s *SaveSite) MidEpoch() *Loop {
	l := s.BatchLoop()
	if l == nil {
		return nil
	}
	for fr := s.Frame; fr != nil && fr.Node != l.Node; fr = fr.Parent {
		if fr.Kind != pysem.FrameIf {
			continue
		}
		if strings.Contains(fr.Cond.Text(), "len(") || endsLoop(fr.Cond.Parent().Child(pyast.FieldConsequence)) {
			return nil // at the end of the epoch, or of the training
		}
	}
	for _, v := range s.Path.Progress {
		if !epochName.MatchString(lastPart(v.Node.Text())) {
			return nil // the name says it
		}
	}
	for _, x := range append(s.Companions(), s) {
		for _, c := range x.Components {
			if positions.MatchString(c.Key) || loaderKey.MatchString(c.Key) {
				return nil
			}
		}
	}
	return l
}

// Restart is an iterator that gives its first batches again after a resume.
type Restart struct {
	// Next takes the batches in the training loop; Made makes the iterator, once, before it; Name is its name.
	Next, Made pyast.Node
	Name       string
	// Count is what tells the loop at which step it goes on.
	Count pyast.Node
}

// FromFirstBatch is the iterator from which the loop around a save takes its batches with next(), where that is made at the first batch
// though a load tells the loop at which step it goes on: what was trained comes again. ok is false where batches are left out, and where
// the iterator is made anew in the loop, so that no pass is special.
func (s *SaveSite) FromFirstBatch(load *LoadSite) (restart Restart, ok bool) {
	if load == nil || s.Loop == nil {
		return Restart{}, false
	}
	f, r, outer := s.Run.File, s.Run, s.Loop.Outer()
	count := f.goesOnAt(outer, load)
	if !count.Valid() {
		return Restart{}, false
	}
	for _, c := range r.Calls {
		if c.Callee != "builtins.next" || !outer.Holds(c.Index) {
			continue
		}
		taken := pysem.Args(c.Node).Pos(0)
		made := f.Eval.Eval(taken, c.Ctx)
		if made.Callee() != "builtins.iter" || outer.Node.Encloses(made.Node) || f.process(made.Ctx) != f.process(c.Ctx) {
			continue
		}
		over := pysem.Args(made.Node).Pos(0)
		loader := f.Object(f.Eval.Eval(over, made.Ctx), over.Text())
		if loader == nil || loader.Kind != Loader || f.readsFrom(load, loader.Call, loader.Ctx) || s.speaksOf(baseName(taken.Text()), baseName(loader.Name)) {
			continue
		}
		skips := slices.ContainsFunc(r.Calls, func(x *Call) bool { // takes batches before the loop
			return x.Callee == "builtins.next" && x.Index < outer.First && stems(f.Eval.Eval(pysem.Args(x.Node).Pos(0), x.Ctx), made)
		})
		if !skips {
			return Restart{c.Node, made.Node, taken.Text(), count}, true
		}
	}
	return Restart{}, false
}

// goesOnAt is what a load tells a loop of where it goes on: a part of its condition, or its start.
func (f *File) goesOnAt(l *Loop, load *LoadSite) pyast.Node {
	for _, told := range []pyast.Node{l.Node.Child(pyast.FieldCondition), l.Start} {
		for n := range told.Descendants() {
			if !n.Is(pyast.KindIdentifier, pyast.KindAttribute) || n.Field() == pyast.FieldAttribute {
				continue
			}
			if from, key := f.Source(f.Eval.Eval(n, l.Ctx)); from == load && key != "" && !isEpochKey(key) {
				return n
			}
		}
	}
	return pyast.Node{}
}

// readsFrom reports whether any part of an expression comes from a load.
func (f *File) readsFrom(load *LoadSite, n pyast.Node, ctx *pysem.Ctx) bool {
	for d := range n.Descendants() {
		if d.Is(pyast.KindIdentifier, pyast.KindAttribute) && d.Field() != pyast.FieldAttribute {
			if from, _ := f.Source(f.Eval.Eval(d, ctx)); from == load {
				return true
			}
		}
	}
	return false
}

// batches reports whether a loop goes through a data loader, as its construction or its name says.
func (f *File) batches(l *Loop) bool {
	right := l.Node.Child(pyast.FieldRight)
	for d := range right.Descendants() {
		if !d.Is(pyast.KindIdentifier, pyast.KindAttribute) {
			continue
		}
		if o := f.Object(f.Eval.Eval(d, l.Ctx), d.Text()); o != nil && o.Kind == Loader || batchSource.MatchString(lastPart(d.Text())) {
			return true
		}
	}
	return false
}

var batchSource = regexp.MustCompile(`(?i)(^|_)(data_?|train_?)?(loader|dl)(_train)?$`)
