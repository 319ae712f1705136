package training

import (
	"regexp"

	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
	"github.com/ckpt-lsp/ckpt-lsp/internal/pysem"
	"github.com/ckpt-lsp/ckpt-lsp/internal/torch"
)

// Skipped are the batches that a resumed run leaves out of a loader which shuffles in another order than the interrupted run did.
type Skipped struct {
	Loop *Loop
	// At is the test or the islice call that skips, Count how many.
	At, Count pyast.Node
	// Loader is the construction of the loader.
	Loader *Call
	Load   *LoadSite
}

// SkippedBatches are the loops of the file that skip what a shuffled loader gives first, by a number read from a checkpoint.
func (f *File) SkippedBatches() []Skipped {
	var out []Skipped
	for _, r := range f.Runs {
		for _, l := range r.Loops {
			if !l.Trains || l.Node.Kind() != pyast.KindForStatement {
				continue
			}
			at, count := f.skips(l)
			load, key := f.Source(f.Eval.Eval(count, l.Ctx))
			if !at.Valid() || load == nil || key == "" || isEpochKey(key) || load.readsRNG() || r.ordersAgain(l) {
				continue
			}
			if made := r.shuffledLoader(l); made != nil {
				out = append(out, Skipped{l, at, count, made, load})
			}
		}
	}
	return out
}

// skips finds how a loop leaves out its first rounds: `if i < n: continue` at its top, or islice(loader, n, None).
func (f *File) skips(l *Loop) (at, count pyast.Node) {
	for n := range l.Node.Child(pyast.FieldRight).Descendants() {
		if n.Kind() == pyast.KindCall && calleeName(f.Eval.Eval(n.Child(pyast.FieldFunction), l.Ctx)) == "itertools.islice" && len(pysem.Args(n).Position) > 2 {
			return n, pysem.Args(n).Pos(1)
		}
	}
	for s := range l.Node.Child(pyast.FieldBody).Children() {
		cond := s.Child(pyast.FieldCondition)
		if s.Kind() != pyast.KindIfStatement || !skipsRound(s.Child(pyast.FieldConsequence)) {
			continue
		}
		for c := range cond.Descendants() {
			if n := lessThan(c, l.Var.Text()); n.Valid() {
				return cond, n
			}
		}
	}
	return pyast.Node{}, pyast.Node{}
}

// skipsRound reports whether a block ends in `continue`.
func skipsRound(block pyast.Node) bool {
	var last pyast.Node
	for c := range block.Children() {
		last = c
	}
	return last.Kind() == pyast.KindContinueStatement
}

// lessThan is what a comparison says a variable is less than, none for other expressions.
func lessThan(n pyast.Node, variable string) pyast.Node {
	if n.Kind() != pyast.KindComparisonOperator || variable == "" || n.Nth(2).Valid() && n.Nth(3).Valid() {
		return pyast.Node{}
	}
	for o := range n.ChildrenOf(pyast.FieldOperators) {
		switch o.Text() {
		case "<", "<=":
			if n.Nth(0).Text() == variable {
				return lastChild(n)
			}
		case ">", ">=":
			if last := lastChild(n); last.Text() == variable {
				return n.Nth(0)
			}
		}
	}
	return pyast.Node{}
}

func lastChild(n pyast.Node) pyast.Node {
	var last pyast.Node
	for c := range n.Children() {
		last = c
	}
	return last
}

var reordering = regexp.MustCompile(`(?i)seed|set_epoch|set_rng_state|set_state|setstate|skip_first_batches`)

// ordersAgain reports whether the order of the interrupted run may come again: a seed or a generator's state is set for each epoch,
// or restored, or the only epoch begins with the seed of the program.
func (r *Run) ordersAgain(l *Loop) bool {
	outer := l.Outer()
	for _, x := range r.Restores {
		if len(x.RNG) > 0 || x.Object != nil && (x.Object.Kind == Generator || x.Object.Kind == Loader || x.Object.Kind == Sampler) {
			return true
		}
	}
	for i, ev := range r.Events {
		if ev.Kind == pysem.EventCall && (outer.Holds(i) || l.Parent == nil) && reordering.MatchString(calledName(ev.Node)) {
			return true
		}
	}
	return false
}

// shuffledLoader is the construction of the loader whose batches a loop goes through, where it draws the order from the global
// generator; nil otherwise.
func (r *Run) shuffledLoader(l *Loop) *Call {
	f := r.File
	right := f.Eval.Eval(l.Node.Child(pyast.FieldRight), l.Ctx)
	for _, c := range r.Calls {
		args := pysem.Args(c.Node)
		if !c.Known || c.Entry.Kind != torch.Loader || args.May() || args.Keyword["generator"].Valid() || !f.shuffles(c) {
			continue
		}
		if f.holds(right, f.Eval.Eval(c.Node, c.Ctx), 0) {
			return c
		}
	}
	return nil
}
