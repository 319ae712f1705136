package training

import (
	"regexp"

	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
	"github.com/ckpt-lsp/ckpt-lsp/internal/pysem"
)

// Rounds is how often a `for ... in range(...)` loop runs, where both bounds are constants.
func (l *Loop) Rounds() (rounds int64, known bool) {
	f := l.Run.File
	if !l.Stop.Valid() || pysem.Args(l.Stop.Parent().Parent()).Pos(2).Valid() {
		return 0, false
	}
	start := int64(0)
	if l.Start.Valid() {
		v := f.Eval.Eval(l.Start, l.Ctx)
		if v.Kind == pysem.Join { // the start of a fresh run, beside that of a resumed one
			for _, a := range v.Elems {
				if a.Kind == pysem.Int {
					v = a
					break
				}
			}
		}
		if v.Kind != pysem.Int {
			return 0, false
		}
		start = v.Int
	}
	stop := f.Eval.Eval(l.Stop, l.Ctx)
	if stop.Kind != pysem.Int || stop.Int <= start {
		return 0, false
	}
	return stop.Int - start, true
}

// Period is how often a save in a loop really happens.
type Period struct {
	// Every is the number of rounds from one save to the next, 1 for each round.
	Every int64
	// Known is false where a test decides of which nothing is known.
	Known bool
}

// Period reads the tests between the save and the loop. Tests of the rank and plain on/off flags do not thin saves out.
func (s *SaveSite) Period(l *Loop) Period {
	p := Period{1, true}
	for fr := s.Frame; fr != nil; fr = fr.Parent {
		switch {
		case fr.Kind == pysem.FrameLoop && fr.Node == l.Node:
			return p
		case fr.Kind == pysem.FrameExcept:
			return Period{}
		case fr.Kind == pysem.FrameIf:
			q := s.Run.File.period(fr.Cond, fr.Ctx, fr.Positive, 0)
			p = Period{p.Every * q.Every, p.Known && q.Known}
		}
	}
	return p
}

var (
	flagName   = regexp.MustCompile(`(?i)save|ckpt|checkpoint|model|output|out_?dir|path|rank|main|master|distributed|is_initialized|debug`)
	optInFlag  = regexp.MustCompile(`(?i)every|each|all|period|interval|freq|step`)
	epochCount = regexp.MustCompile(`(?i)epoch|^ep$|^i$|^e$`)
)

func (f *File) period(n pyast.Node, ctx *pysem.Ctx, want bool, depth int) Period {
	always, unknown := Period{1, true}, Period{1, false}
	if depth > 8 || !n.Valid() {
		return unknown
	}
	if f.testRank(n, ctx, want) != AnyRank && n.Kind() != pyast.KindBooleanOperator {
		return always
	}
	switch n.Kind() {
	case pyast.KindParenthesizedExpression:
		return f.period(n.Nth(0), ctx, want, depth+1)
	case pyast.KindNotOperator:
		return f.period(n.Child(pyast.FieldArgument), ctx, !want, depth+1)
	case pyast.KindBooleanOperator:
		l := f.period(n.Child(pyast.FieldLeft), ctx, want, depth+1)
		r := f.period(n.Child(pyast.FieldRight), ctx, want, depth+1)
		if n.Child(pyast.FieldOperator).TextIs("and") == want {
			return Period{l.Every * r.Every, l.Known && r.Known}
		}
		// `epoch % 10 == 0 or epoch == last`: at least as often as the side that is known.
		switch {
		case l.Known && (!r.Known || l.Every <= r.Every):
			return l
		default:
			return r
		}
	case pyast.KindBinaryOperator:
		if n.Child(pyast.FieldOperator).TextIs("%") && !want {
			return f.modulus(n, ctx)
		}
	case pyast.KindComparisonOperator:
		op := ""
		for o := range n.ChildrenOf(pyast.FieldOperators) {
			op = o.Text()
		}
		l, r := n.Nth(0), n.Nth(2)
		for l.Kind() == pyast.KindParenthesizedExpression {
			l = l.Nth(0)
		}
		if l.Kind() == pyast.KindBinaryOperator && l.Child(pyast.FieldOperator).TextIs("%") && (op == "==") == want {
			return f.modulus(l, ctx)
		}
		// `epoch > 0`, `epoch >= warmup`: all but a few rounds.
		if want && (op == ">" || op == ">=") && epochCount.MatchString(lastPart(l.Text())) {
			if v := f.Eval.Eval(r, ctx); v.Kind == pysem.Int && v.Int <= 1 {
				return always
			}
		}
		if r.Is(pyast.KindNoneLiteral) && flagName.MatchString(l.Text()) && !optInFlag.MatchString(l.Text()) {
			return always
		}
	case pyast.KindIdentifier, pyast.KindAttribute, pyast.KindCall:
		if flagName.MatchString(n.Text()) && !optInFlag.MatchString(n.Text()) {
			return always
		}
	case pyast.KindTrue:
		return always
	}
	return unknown
}

func (f *File) modulus(n pyast.Node, ctx *pysem.Ctx) Period {
	if v := f.Eval.Eval(n.Child(pyast.FieldRight), ctx); v.Kind == pysem.Int && v.Int > 0 {
		return Period{v.Int, true}
	}
	return Period{1, false}
}
