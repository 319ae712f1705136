package training

import (
	"regexp"

	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
	"github.com/ckpt-lsp/ckpt-lsp/internal/pysem"
)

// CarriedRate is a learning rate that the program keeps itself from decay to decay, outside the optimizer.
type CarriedRate struct {
	// Name is how it is written where it is multiplied; Update is that assignment.
	Name   string
	Update pyast.Node
}

var rateKey = regexp.MustCompile(`(?i)(^|_)(lr|learning_rate)(_|$)`)

// CarriedRates are the learning rates of the training loop around the save that decay by a factor now and then, are written into
// the optimizer, and that the save does not hold. One that is brought up to date before the loop, or taken from the optimizer,
// needs no saving.
func (s *SaveSite) CarriedRates() []CarriedRate {
	if s.Loop == nil {
		return nil
	}
	outer := s.Loop.Outer()
	var out []CarriedRate
	seen := map[pyast.Node]bool{}
	for i, ev := range s.Run.Events {
		fn := ev.Ctx.Func
		body := ev.Node
		switch {
		case ev.Kind == pysem.EventCall: // adjust_learning_rate(optimizer, epoch)
			callee := s.Run.File.Eval.Eval(ev.Node.Child(pyast.FieldFunction), ev.Ctx)
			if callee.Kind != pysem.FuncVal {
				continue
			}
			fn, body = callee.Func, callee.Func.Body
		case i != outer.First:
			continue
		}
		for n := range body.Descendants() {
			if n.Kind() != pyast.KindAugmentedAssignment || !decays(n) || seen[n] {
				continue
			}
			seen[n] = true
			rate := n.Child(pyast.FieldLeft)
			if i >= outer.First && i < outer.Last && testedIn(n, body) && carried(rate, fn, outer) && !begunIn(rate, body) && handedOn(rate, fn.Body) && !s.holdsRate(rate) && !fromOptimizer(rate) {
				out = append(out, CarriedRate{rate.Text(), n})
			}
		}
	}
	return out
}

// testedIn reports whether a condition stands between a node and the body around it.
func testedIn(n, body pyast.Node) bool {
	test := n.Ancestor(pyast.KindIfStatement)
	return test.Valid() && body.Encloses(test)
}

func decays(n pyast.Node) bool {
	op := n.Child(pyast.FieldOperator)
	return op.TextIs("*=") || op.TextIs("/=")
}

// owner is the variable that a rate is kept in: `state` of `state["lr"]`, `args` of `args.lr`, or the rate itself.
func owner(rate pyast.Node) pyast.Node {
	switch rate.Kind() {
	case pyast.KindSubscript:
		return owner(rate.Child(pyast.FieldValue))
	case pyast.KindAttribute:
		return owner(rate.Child(pyast.FieldObject))
	}
	return rate
}

// carried reports whether a rate outlives the function that changes it, or that function is the one with the training loop.
func carried(rate pyast.Node, fn *pysem.Func, outer *Loop) bool {
	name := owner(rate)
	if name.Kind() != pyast.KindIdentifier {
		return false
	}
	if fn == outer.Ctx.Func || declaredOutside(fn.Body, name.Text()) {
		return true
	}
	for _, d := range fn.Defs(name.Text()) {
		if d.Kind != pysem.DefParam && d.Kind != pysem.DefItem {
			return false
		}
	}
	return rate != name
}

// begunIn reports whether a body gives the rate a value of its own before it multiplies it.
func begunIn(rate, body pyast.Node) bool {
	for n := range body.Descendants() {
		if n.Kind() == pyast.KindAssignment && n.Child(pyast.FieldLeft).TextIs(rate.Text()) {
			return true
		}
	}
	return false
}

// handedOn reports whether a function writes the rate into a parameter group, `group["lr"] = rate`.
func handedOn(rate, body pyast.Node) bool {
	for n := range body.Descendants() {
		if n.Kind() != pyast.KindAssignment || !n.Child(pyast.FieldRight).TextIs(rate.Text()) {
			continue
		}
		if key, ok := pysem.StringLiteral(n.Child(pyast.FieldLeft).Child(pyast.FieldSubscript)); ok && key == "lr" {
			return true
		}
	}
	return false
}

// holdsRate reports whether the payload, or that of a companion, speaks of the rate or of what it is kept in.
func (s *SaveSite) holdsRate(rate pyast.Node) bool {
	for _, x := range append(s.Companions(), s) {
		for _, c := range x.Components {
			if rateKey.MatchString(c.Key) || c.Entry.Value.Node.Names(owner(rate).Text()) {
				return true
			}
		}
	}
	return false
}

// fromOptimizer reports whether the rate is assigned from parameter groups anywhere in its file.
func fromOptimizer(rate pyast.Node) bool {
	for n := range rate.Tree().Root().Descendants() {
		if n.Kind() == pyast.KindAssignment && n.Child(pyast.FieldLeft).TextIs(rate.Text()) && n.Child(pyast.FieldRight).Names("param_groups") {
			return true
		}
	}
	return false
}
