package training

import (
	"slices"
	"strings"

	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
	"github.com/ckpt-lsp/ckpt-lsp/internal/pysem"
)

// Written says whether a save writes its file in a round of a loop.
type Written uint8

// Answers, from the one that lets the least through.
const (
	NotWritten Written = iota
	MayWrite           // a test decides of which nothing is known, or it is written in the middle of the round
	WritesBest         // where a metric is better than all before
	Writes
)

// round is what holds in a round of a loop, by the value of the loop's variable.
type round func(n int64) Written

func eachRound(w Written) round { return func(int64) Written { return w } }

// WrittenIn tells of each round of a loop around the save whether it writes, by the values that options have where none is given.
func (s *SaveSite) WrittenIn(l *Loop) func(n int64) Written {
	var tests []round
	for fr := s.Frame; fr != nil; fr = fr.Parent {
		switch fr.Kind {
		case pysem.FrameLoop:
			if fr.Node == l.Node {
				return all(tests)
			}
			if _, named := phases(s.Run.File.Eval.Eval(fr.Node.Child(pyast.FieldRight), fr.Ctx)); !named {
				return eachRound(MayWrite)
			}
		case pysem.FrameExcept, pysem.FrameCase:
			return eachRound(MayWrite)
		case pysem.FrameIf:
			if l.endsWith(fr) || s.Run.trainsBehind(fr) {
				continue
			}
			t := thinning{s.Run.File, l, fr}
			test := t.at(fr.Cond, fr.Ctx, fr.Positive, 0)
			if t.of(fr.Cond, fr.Ctx, fr.Positive, 0) == unclear && !asksProgress(s.Run.File.Eval.Eval(fr.Cond, fr.Ctx), 0) && s.eitherWay(fr) {
				test = eachRound(Writes)
			}
			tests = append(tests, test)
		}
	}
	return eachRound(MayWrite)
}

// all is what holds where every test lets the round through.
func all(tests []round) round {
	return func(n int64) Written {
		out := Writes
		for _, t := range tests {
			out = min(out, t(n))
		}
		return out
	}
}

// at reads a test of a loop's rounds, as of reads how often it lets them through.
func (t thinning) at(n pyast.Node, ctx *pysem.Ctx, want bool, depth int) round {
	if depth > 8 || !n.Valid() {
		return eachRound(MayWrite)
	}
	switch n.Kind() {
	case pyast.KindParenthesizedExpression:
		return t.at(n.Nth(0), ctx, want, depth+1)
	case pyast.KindNotOperator:
		return t.at(n.Child(pyast.FieldArgument), ctx, !want, depth+1)
	case pyast.KindBooleanOperator:
		l := t.at(n.Child(pyast.FieldLeft), ctx, want, depth+1)
		r := t.at(n.Child(pyast.FieldRight), ctx, want, depth+1)
		if n.Child(pyast.FieldOperator).TextIs("and") == want {
			return all([]round{l, r})
		}
		return func(n int64) Written { return max(l(n), r(n)) }
	}
	if t.file.testRank(n, ctx, want) != AnyRank {
		return eachRound(Writes)
	}
	v := t.file.Eval.Eval(n, ctx)
	if count := t.number(v, 0); count != nil {
		return func(n int64) Written {
			x, ok := count(n)
			switch {
			case !ok:
				return MayWrite
			case (x != 0) == want:
				return Writes
			}
			return NotWritten
		}
	}
	if n.Is(pyast.KindIdentifier, pyast.KindAttribute) && v.Node.Valid() && v.Node != n && v.Ctx != nil && (v.Kind == pysem.Logic || v.Kind == pysem.Not || v.Kind == pysem.Compare) {
		return t.at(v.Node, v.Ctx, want, depth+1) // a test that has a name
	}
	switch p := t.of(n, ctx, want, depth); {
	case p.Rhythm == Improving:
		return eachRound(WritesBest)
	case p.Rhythm == Off:
		return eachRound(NotWritten)
	case p.Rhythm == Regular && p.Every == 1:
		return eachRound(Writes)
	}
	return eachRound(MayWrite)
}

// number is a value by the loop's variable: 0 and 1 for what is true or false. It is nil for what is not reckoned from numbers.
func (t thinning) number(v *pysem.Value, depth int) func(n int64) (int64, bool) {
	if v == nil || depth > 8 {
		return nil
	}
	if shift, ok := t.file.counts(v, t.loop); ok {
		return func(n int64) (int64, bool) { return n + shift, true }
	}
	if d := longest(t.file.byDefault(v)); d.Kind == pysem.Int || d.Kind == pysem.Bool {
		return func(int64) (int64, bool) { return d.Int, true }
	}
	switch v.Kind {
	case pysem.Binary, pysem.Compare:
		left, right := t.number(v.Base, depth+1), t.number(v.Other, depth+1)
		if left == nil || right == nil || !reckoned[v.Name] {
			return nil
		}
		return func(n int64) (int64, bool) {
			a, known := left(n)
			b, alsoKnown := right(n)
			if !known || !alsoKnown {
				return 0, false
			}
			return reckon(a, v.Name, b)
		}
	case pysem.Not:
		if of := t.number(v.Base, depth+1); of != nil {
			return func(n int64) (int64, bool) {
				x, ok := of(n)
				return truth(x == 0), ok
			}
		}
	}
	return nil
}

var reckoned = map[string]bool{"+": true, "-": true, "*": true, "//": true, "%": true, "==": true, "!=": true, "<": true, "<=": true, ">": true, ">=": true}

// reckon is what Python makes of two whole numbers.
func reckon(a int64, op string, b int64) (int64, bool) {
	if n, ok := pysem.IntOp(op, a, b); ok {
		return n, true
	}
	whole := func(n int64) *pysem.Value { return &pysem.Value{Kind: pysem.Int, Int: n} }
	holds, known := (&pysem.Value{Kind: pysem.Compare, Base: whole(a), Name: op, Other: whole(b)}).Truth()
	return truth(holds), known
}

func truth(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// FirstRound is the number that a run counts from which resumes from nothing.
func (l *Loop) FirstRound() (n int64, known bool) {
	switch {
	case !l.Stop.Valid():
		return 0, false
	case !l.Start.Valid():
		return 0, true
	}
	if n, known, _ = l.bound(l.Start); known {
		return n, known
	}
	f := l.Run.File
	for _, v := range f.Eval.Eval(l.Start, l.Ctx).Alternatives() { // an option, beside the start of a resumed run
		if d := f.byDefault(v); d.Kind == pysem.Int {
			return d.Int, true
		}
	}
	if l.Start.Kind() == pyast.KindAttribute { // an option that a resume writes over
		if o := f.option(lastPart(l.Start.Text())); o.value != nil {
			return o.value.Int, o.value.Kind == pysem.Int
		}
	}
	return 0, false
}

// LastRound is the number of the last one, which byDefault says to be by the defaults of options.
func (l *Loop) LastRound() (n int64, known, byDefault bool) {
	if !l.Stop.Valid() || pysem.Args(l.Stop.Parent().Parent()).Pos(2).Valid() {
		return 0, false, false
	}
	n, known, byDefault = l.bound(l.Stop)
	return n - 1, known, byDefault
}

// StartsFromCheckpoint reports whether the loop can only count from what a checkpoint holds: there is no start of a fresh run.
func (l *Loop) StartsFromCheckpoint() bool {
	if !l.Start.Valid() {
		return false
	}
	f := l.Run.File
	return !slices.ContainsFunc(f.Eval.Eval(l.Start, l.Ctx).Alternatives(), func(v *pysem.Value) bool {
		base, _, ok := v.Linear()
		if !ok || base == nil {
			return true
		}
		load, _ := f.Source(base)
		return load == nil
	})
}

// KeptNewest is how many of the files of a save, which have numbers in their names, the program leaves on the disk, the newest of them;
// known is false where it removes them otherwise, or perhaps.
func (s *SaveSite) KeptNewest() (n int64, known bool) {
	f := s.Run.File
	if s.Loop == nil || len(s.Path.Progress) == 0 || f.rotatedOutOfSight(s) {
		return 0, false
	}
	for _, d := range f.deletions() {
		if !s.mayGo(d) {
			continue
		}
		if d.Run != s.Run || !s.Loop.Outer().Holds(d.Index) || known {
			return 0, false
		}
		if n, known = s.keeps(d); !known {
			return 0, false
		}
	}
	return n, known
}

// keeps is how many files one deletion leaves, that happens in every round or as soon as there are more.
func (s *SaveSite) keeps(d Deletion) (n int64, known bool) {
	f := s.Run.File
	l := s.Counted()
	t := thinning{file: f, loop: l}
	for fr := d.Frame; fr != nil && (fr.Kind != pysem.FrameLoop || fr.Node != l.Node); fr = fr.Parent {
		if fr.Kind != pysem.FrameIf || existence.MatchString(fr.Cond.Text()) || mentions(fr.Cond, d.Target.Text()) || asksLength(fr.Cond) || s.under(fr) {
			continue
		}
		t.frame = fr
		// As `if epoch >= 3`: it is so from some round on.
		if late := t.at(fr.Cond, fr.Ctx, fr.Positive, 0); late(1<<40) != Writes {
			return 0, false
		}
	}
	written := spell(s.Path.Value)
	for _, was := range d.names() {
		switch {
		case was.text == "" || was.text != written.text:
		case was.counts < written.counts:
			every := s.Every()
			return (written.counts - was.counts + every - 1) / every, true
		case len(d.names()) > 1 && d.Target.Text() != s.Path.Node.Text():
			return 1, true // a variable that still holds the name of the save before
		}
	}
	p, _ := d.pick()
	if p == nil {
		return 0, false
	}
	if p.names != nil {
		return p.poppedBeyond(s.Index)
	}
	if p.byName && s.Path.Padding() != Padded {
		return 0, false // in the order of text, which is not that of numbers
	}
	return p.slicedOff()
}

// under reports whether the save stands under the same test.
func (s *SaveSite) under(test *pysem.Frame) bool {
	return slices.ContainsFunc(s.Conditions(), func(fr *pysem.Frame) bool { return fr.Cond == test.Cond && fr.Positive == test.Positive })
}

func asksLength(cond pyast.Node) bool {
	left, _, _ := comparison(cond)
	return strings.HasPrefix(left.Text(), "len(")
}

// poppedBeyond is how many names a list keeps from which the first is taken as soon as it is longer.
func (p *pick) poppedBeyond(save int) (n int64, known bool) {
	if len(p.steps) != 1 || !strings.HasSuffix(p.steps[0].Text(), ".pop(0)") && !strings.HasSuffix(p.steps[0].Text(), ".popleft()") {
		return 0, false
	}
	for fr := p.from.Frame; fr != nil && fr.Ctx == p.from.Ctx; fr = fr.Parent {
		cond := fr.Cond
		if fr.Kind == pysem.FrameLoop {
			cond = fr.Node.Child(pyast.FieldCondition)
		}
		if !cond.Valid() || !asksLength(cond) {
			continue
		}
		_, op, right := comparison(cond)
		most := p.file.byDefault(p.file.Eval.Eval(right, fr.Ctx))
		return most.Int, most.Kind == pysem.Int && most.Int > 0 && (op == ">" && p.from.Index > save || op == ">=" && p.from.Index < save)
	}
	return 0, false
}

// slicedOff is how many files a slice of a sorted listing leaves out: files[:-3], or files[3:] of the newest first.
func (p *pick) slicedOff() (n int64, known bool) {
	o, ok := p.ordered()
	if !ok || o.slice.Kind() != pyast.KindSubscript {
		return 0, false
	}
	from, to, ok := sliced(o.slice)
	kept := from
	switch {
	case !ok:
		return 0, false
	case o.descending:
		ok = to == "" && from != ""
	case strings.HasPrefix(to, "-"):
		ok, kept = from == "", to[1:]
	default:
		kept, ok = strings.CutPrefix(strings.ReplaceAll(to, " ", ""), "len("+o.slice.Child(pyast.FieldValue).Text()+")-")
		ok = ok && from == ""
	}
	if !ok {
		return 0, false
	}
	for n := range o.slice.Descendants() {
		if n.TextIs(kept) {
			v := p.file.byDefault(p.file.Eval.Eval(n, p.from.Ctx))
			return v.Int, v.Kind == pysem.Int && v.Int > 0
		}
	}
	return 0, false
}

// PassesOver reports whether the loop leaves out rounds that an earlier run may have trained: in a loop inside, or after a test of a
// count that the optimizer's step stands after as well.
func (l *Loop) PassesOver() bool {
	return l.skipsRounds() || slices.ContainsFunc(l.Run.Steps, func(st *Step) bool {
		if st.Object.Kind != Optimizer || !l.Holds(st.Index) {
			return false
		}
		for fr := st.Frame; fr != nil && fr.Node != l.Node; fr = fr.Parent {
			if fr.Kind == pysem.FrameIf && fr.Early && asksProgress(l.Run.File.Eval.Eval(fr.Cond, fr.Ctx), 0) {
				return true
			}
		}
		return false
	})
}
