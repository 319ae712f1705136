package training

import (
	"regexp"

	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
	"github.com/ckpt-lsp/ckpt-lsp/internal/pysem"
)

// Patience is what counts the rounds without improvement after which training stops.
type Patience struct {
	// Name is how it is written in the training loop: a counter, or an object that holds one.
	Name string
	// Count is where it counts: the increment, or the call of the object. Stop is the test that ends the training, none for
	// objects.
	Count, Stop pyast.Node
	// Func is the function it counts in; Object says that it is an object.
	Func   *pysem.Func
	Object bool
}

var (
	patienceWord = regexp.MustCompile(`(?i)patien|early|stop|wait|improve|bad_|stall|stagna|since|counter|trigger|max_fail`)
	stopperName  = regexp.MustCompile(`(?i)early_?stop|(^|_)stopper$`)
)

// Patience are the counters and objects that decide in the training loop around the save when to stop, and that the save does
// not hold.
func (s *SaveSite) Patience() []Patience {
	if s.Loop == nil || s.BestOnly() {
		return nil
	}
	outer := s.Loop.Outer()
	var out []Patience
	seen := map[string]bool{}
	for i := outer.First + 1; i < min(outer.Last, len(s.Run.Events)); i++ {
		p, ok := s.Run.patience(i, outer)
		if !ok || seen[p.Name] || s.holds(p.Name) || p.Stop.Valid() && s.savedAtReset(p) {
			continue
		}
		seen[p.Name] = true
		out = append(out, p)
	}
	return out
}

// patience reads one event of the loop.
func (r *Run) patience(i int, outer *Loop) (Patience, bool) {
	r.File.Eval.Work.Spend(1)
	ev := r.Events[i]
	p := Patience{Count: ev.Node, Func: ev.Ctx.Func}
	switch {
	case ev.Kind == pysem.EventAssign && ev.Node.Kind() == pyast.KindAugmentedAssignment:
		left := ev.Node.Child(pyast.FieldLeft)
		if p.Name = left.Text(); !left.Is(pyast.KindIdentifier, pyast.KindAttribute) {
			return p, false
		}
		p.Stop = stopTest(p.Func.Body, p.Name)
		return p, p.Stop.Valid() && resets(p.Func.Body, left, outer.Node)
	case ev.Kind == pysem.EventCall:
		fn := ev.Node.Child(pyast.FieldFunction)
		for _, n := range []pyast.Node{fn, fn.Child(pyast.FieldObject)} { // stopper(loss), stopper.step(loss)
			if !n.Is(pyast.KindIdentifier, pyast.KindAttribute) || !stopperName.MatchString(lastPart(n.Text())) {
				continue
			}
			for _, v := range r.File.Eval.Eval(n, ev.Ctx).Alternatives() {
				if v.Kind == pysem.Instance && v.Node.Valid() || v.Kind == pysem.Call || v.Kind == pysem.ParamVal {
					p.Name, p.Object = n.Text(), true
					return p, true
				}
			}
		}
	}
	return p, false
}

// stopTest is the comparison of a counter that decides whether training ends: the branch leaves the loop, or raises a flag.
func stopTest(body pyast.Node, name string) pyast.Node {
	for n := range body.Descendants() {
		if !n.Is(pyast.KindIfStatement, pyast.KindElifClause) {
			continue
		}
		cond := n.Child(pyast.FieldCondition)
		if !compares(cond, name) || !patienceWord.MatchString(cond.Text()) {
			continue
		}
		for d := range n.Child(pyast.FieldConsequence).Descendants() {
			if d.Is(pyast.KindBreakStatement, pyast.KindReturnStatement) || d.Kind() == pyast.KindAssignment && d.Child(pyast.FieldRight).Kind() == pyast.KindTrue {
				return cond
			}
		}
	}
	return pyast.Node{}
}

// resets reports whether a counter is set back under a test inside the loop, or in a function that the loop calls.
func resets(body, counter, loop pyast.Node) bool {
	for n := range body.Descendants() {
		if n.Kind() != pyast.KindAssignment || loop.Tree() == n.Tree() && body.Encloses(loop) && !loop.Encloses(n) {
			continue
		}
		targets := []pyast.Node{n.Child(pyast.FieldLeft)}
		if targets[0].Is(pyast.KindPatternList, pyast.KindTuplePattern) {
			list := targets[0]
			targets = targets[:0]
			for c := range list.Children() {
				targets = append(targets, c)
			}
		}
		for _, t := range targets {
			if t.TextIs(counter.Text()) && n.Ancestor(pyast.KindIfStatement).Valid() {
				return true
			}
		}
	}
	return false
}

// holds reports whether the payload, or that of a companion, speaks of a variable.
func (s *SaveSite) holds(name string) bool {
	for _, x := range append(s.Companions(), s) {
		for _, c := range x.Components {
			if c.Entry.Value.Node.Names(lastPart(name)) || patienceKey.MatchString(c.Key) {
				return true
			}
		}
	}
	return false
}

var patienceKey = regexp.MustCompile(`(?i)patien|early_?stop|no_improve|bad_epochs|stopper|(^|_)wait(_|$)`)

// savedAtReset reports whether the save stands in the branch that sets the counter back: what it counts is 0 then.
func (s *SaveSite) savedAtReset(p Patience) bool {
	for fr := s.Frame; fr != nil; fr = fr.Parent {
		if fr.Kind != pysem.FrameIf || !fr.Positive || fr.Early {
			continue
		}
		for c := range fr.Cond.Parent().Child(pyast.FieldConsequence).Descendants() {
			if c.Kind() == pyast.KindAssignment && c.Child(pyast.FieldLeft).TextIs(p.Name) {
				return true
			}
		}
	}
	return false
}
