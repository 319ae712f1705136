package training

import (
	"cmp"
	"regexp"
	"slices"

	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
	"github.com/ckpt-lsp/ckpt-lsp/internal/pysem"
	"github.com/ckpt-lsp/ckpt-lsp/internal/torch"
)

// Rounds is how often a `for ... in range(...)` loop runs, where both bounds are constants.
func (l *Loop) Rounds() (rounds int64, known bool) {
	rounds, known, byDefault := l.rounds()
	return rounds, known && !byDefault
}

// RoundsByDefault is how often it runs where the options that bound it have their defaults.
func (l *Loop) RoundsByDefault() (rounds int64, known bool) {
	rounds, known, _ = l.rounds()
	return rounds, known
}

func (l *Loop) rounds() (rounds int64, known, byDefault bool) {
	if !l.Stop.Valid() || pysem.Args(l.Stop.Parent().Parent()).Pos(2).Valid() {
		return 0, false, false
	}
	start, startByDefault := int64(0), false
	if l.Start.Valid() {
		if start, known, startByDefault = l.bound(l.Start); !known {
			return 0, false, false
		}
	}
	stop, known, byDefault := l.bound(l.Stop)
	return stop - start, known && stop > start, byDefault || startByDefault
}

// bound is the value of one of the loop's bounds, and whether it is an option's default.
func (l *Loop) bound(n pyast.Node) (at int64, known, byDefault bool) {
	f := l.Run.File
	given := f.Eval.Eval(n, l.Ctx)
	v := f.byDefault(given)
	if v.Kind == pysem.Join { // the start of a fresh run, beside that of a resumed one
		if i := slices.IndexFunc(v.Elems, func(a *pysem.Value) bool { return a.Kind == pysem.Int }); i >= 0 && n == l.Start {
			v = v.Elems[i]
		}
	}
	return v.Int, v.Kind == pysem.Int, given.Kind != pysem.Int && given.Kind != pysem.Join
}

// Rhythm says what decides how often a place in a loop is reached.
type Rhythm uint8

// Rhythms, from the one that says least to the one that says most.
const (
	Unclear   Rhythm = iota // a test decides of which nothing is known
	Off                     // it is not reached where every option has its default
	Improving               // whenever a metric is better than all before
	Spaced                  // once in some rounds: how many, an option says whose value is not known
	Regular                 // once in a known number of rounds
)

// Period is how often a place in a loop is reached.
type Period struct {
	// Every is the number of rounds from one time to the next where the rhythm is Regular, 1 elsewhere.
	Every  int64
	Rhythm Rhythm
	// Option says how many rounds lie between, as the code writes it, where an option does: by its default, if the rhythm is Regular.
	Option string
}

var (
	always  = Period{Every: 1, Rhythm: Regular}
	unclear = Period{Every: 1}
	off     = Period{Every: 1, Rhythm: Off}
)

// Known reports whether the number of rounds from one time to the next is known.
func (p Period) Known() bool { return p.Rhythm == Regular }

// and is the period of a place behind two tests.
func (p Period) and(q Period) Period {
	switch {
	case p.Rhythm == Off || q.Rhythm == Off:
		return off
	case p.Rhythm == Regular && q.Rhythm == Regular:
		return Period{Every: p.Every * q.Every, Rhythm: Regular, Option: cmp.Or(p.Option, q.Option)}
	case p.Rhythm < q.Rhythm:
		return p
	}
	return q
}

// or is the period of a place that either of two tests lets through: it is reached at least as often as the one lets it that is known
// better, `epoch % 10 == 0 or epoch == last`.
func (p Period) or(q Period) Period {
	switch {
	case p.Rhythm == Off && q.Rhythm == Unclear || p.Rhythm == Unclear && q.Rhythm == Off:
		return unclear
	case q.Rhythm > p.Rhythm || q.Rhythm == p.Rhythm && q.Every < p.Every:
		return q
	}
	return p
}

// Period reads the tests between the save and a loop around it.
func (s *SaveSite) Period(l *Loop) Period {
	p := always
	for fr := s.Frame; fr != nil; fr = fr.Parent {
		switch fr.Kind {
		case pysem.FrameLoop:
			if fr.Node == l.Node {
				return p
			}
		case pysem.FrameExcept, pysem.FrameCase:
			return unclear
		case pysem.FrameIf:
			if !l.endsWith(fr) && !s.Run.trainsBehind(fr) {
				t := thinning{s.Run.File, l, fr}
				often := t.of(fr.Cond, fr.Ctx, fr.Positive, 0)
				if often == unclear && !asksProgress(s.Run.File.Eval.Eval(fr.Cond, fr.Ctx), 0) && s.eitherWay(fr) {
					often = always
				}
				p = p.and(often)
			}
		}
	}
	return p
}

// asksProgress reports whether a test is of something that counts.
func asksProgress(v *pysem.Value, depth int) bool {
	if v == nil || depth > 6 {
		return false
	}
	switch v.Kind {
	case pysem.Join, pysem.Logic:
		return slices.ContainsFunc(v.Elems, func(a *pysem.Value) bool { return asksProgress(a, depth+1) })
	case pysem.Compare, pysem.Not, pysem.Binary:
		return asksProgress(v.Base, depth+1) || asksProgress(v.Other, depth+1)
	}
	return isProgress(v, v.Node.Text())
}

// eitherWay reports whether a test only chooses between two ways of saving: one on its other side writes numbered files as well.
func (s *SaveSite) eitherWay(fr *pysem.Frame) bool {
	return slices.ContainsFunc(append(s.Run.File.JointSaves(), s.Run.Saves...), func(o *SaveSite) bool {
		if len(o.Path.Progress) == 0 && o.Path.Known || o.Path.Buffer || o.Kind == PayloadOther {
			return false
		}
		for at := o.Frame; at != nil; at = at.Parent {
			if at.Kind == pysem.FrameIf && at.Cond == fr.Cond && at.Ctx == fr.Ctx && at.Positive != fr.Positive {
				return true
			}
		}
		return false
	})
}

// Counted is the innermost loop in whose rounds the save writes one name after another.
func (s *SaveSite) Counted() *Loop {
	var out *Loop
	for _, v := range s.Path.Progress {
		if l := s.countedIn(v); l != nil && (out == nil || out.Holds(l.First)) {
			out = l
		}
	}
	if out == nil {
		return s.Loop
	}
	return out
}

// countedIn is the innermost loop around the save that gives a count its next value: the one whose variable it is, or in which it is
// added to. It is nil for counts that are kept elsewhere.
func (s *SaveSite) countedIn(v *pysem.Value) *Loop {
	name := v.Node
	for base, _, ok := v.Linear(); ok && base != nil && base != v; base, _, ok = v.Linear() {
		v = base
	}
	if !name.Is(pyast.KindIdentifier, pyast.KindAttribute) {
		name = v.Node // `epoch` of `epoch + 1`
	}
	of := v
	if of.Kind == pysem.Elem {
		of = of.Base
	}
	for _, l := range slices.Backward(s.loops()) {
		if of.Kind == pysem.LoopVar && of.Node == l.Node {
			return l
		}
		if of.Kind == pysem.LoopVar || !name.Is(pyast.KindIdentifier, pyast.KindAttribute) {
			continue
		}
		for i := l.First + 1; i < l.Last; i++ {
			if ev := s.Run.Events[i]; ev.Kind == pysem.EventAssign && ev.Node.Kind() == pyast.KindAugmentedAssignment && ev.Node.Child(pyast.FieldLeft).TextIs(name.Text()) {
				return l
			}
		}
	}
	return nil
}

// endsWith reports whether an early way out ends the loop, or the program: until then it lets every round through.
func (l *Loop) endsWith(fr *pysem.Frame) bool {
	if !fr.Early || fr.Positive {
		return fr.Early && fr.Node.Kind() == pyast.KindAssertStatement
	}
	var last pyast.Node
	for c := range fr.Cond.Parent().Child(pyast.FieldConsequence).Children() {
		last = c
	}
	switch last.Kind() {
	case pyast.KindRaiseStatement:
		return true
	case pyast.KindBreakStatement, pyast.KindReturnStatement:
		return l.Node.Encloses(fr.Node)
	}
	return false
}

// trainsBehind reports whether a step of an optimizer stands behind the same early way out as what a frame is of: a round that is passed over
// before it trains, since it was done before a resume or its batch is broken, is no round.
func (r *Run) trainsBehind(fr *pysem.Frame) bool {
	return fr.Early && !fr.Positive && slices.ContainsFunc(r.Steps, func(st *Step) bool {
		if st.Object.Kind != Optimizer {
			return false
		}
		for at := st.Frame; at != nil; at = at.Parent {
			if at.Early && at.Cond == fr.Cond && at.Ctx == fr.Ctx {
				return true
			}
		}
		return false
	})
}

// thinning reads how often a test lets the rounds of a loop through.
type thinning struct {
	file  *File
	loop  *Loop
	frame *pysem.Frame
}

var (
	flagName  = regexp.MustCompile(`(?i)save|ckpt|checkpoint|model|output|out_?dir|path|rank|main|master|distributed|is_initialized|debug`)
	optInFlag = regexp.MustCompile(`(?i)every|each|all|period|interval|freq|step`)
)

// of is how often a condition holds (want) or does not. Tests of the rank and plain on/off flags do not thin rounds out.
func (t thinning) of(n pyast.Node, ctx *pysem.Ctx, want bool, depth int) Period {
	if depth > 8 || !n.Valid() {
		return unclear
	}
	switch n.Kind() {
	case pyast.KindParenthesizedExpression:
		return t.of(n.Nth(0), ctx, want, depth+1)
	case pyast.KindNotOperator:
		return t.of(n.Child(pyast.FieldArgument), ctx, !want, depth+1)
	case pyast.KindBooleanOperator:
		l := t.of(n.Child(pyast.FieldLeft), ctx, want, depth+1)
		r := t.of(n.Child(pyast.FieldRight), ctx, want, depth+1)
		if n.Child(pyast.FieldOperator).TextIs("and") == want {
			return l.and(r)
		}
		return l.or(r)
	}
	if t.file.testRank(n, ctx, want) != AnyRank {
		return always
	}
	v := t.file.Eval.Eval(n, ctx)
	if p, ok := t.byDefault(v, want); ok {
		return p
	}
	switch n.Kind() {
	case pyast.KindBinaryOperator:
		if n.Child(pyast.FieldOperator).TextIs("%") {
			return t.modulus(n, ctx, !want)
		}
	case pyast.KindComparisonOperator:
		return t.compared(n, ctx, want)
	case pyast.KindTrue:
		return always
	case pyast.KindIdentifier, pyast.KindAttribute, pyast.KindCall:
		if want && isProgress(v, n.Text()) || t.asksKind(n, ctx) {
			return always // all rounds but the first; one of two kinds of object, whichever it is
		}
		if flagName.MatchString(n.Text()) && !optInFlag.MatchString(n.Text()) {
			return always
		}
		if p, ok := t.answered(n, ctx, want); ok {
			return p
		}
		if v.Kind == pysem.Compare || v.Kind == pysem.Not || v.Kind == pysem.Logic || v.Kind == pysem.Binary {
			if v.Node != n && v.Ctx != nil { // a test that has a name
				return t.of(v.Node, v.Ctx, want, depth+1)
			}
		}
		return t.settled(v, want)
	}
	return unclear
}

// byDefault is the answer to a test that is the same in every round, where each option has its default. A file or folder that nobody
// names, None or "", is one that the user has to name; ok is false where nothing is known.
func (t thinning) byDefault(v *pysem.Value, want bool) (p Period, ok bool) {
	truth, known := t.file.truthByDefault(v)
	asked := v
	if v.Kind == pysem.Compare && v.Other.Kind == pysem.NoneVal {
		asked = v.Base
	}
	named := t.file.byDefault(asked)
	switch {
	case !known:
		return unclear, false
	case truth == want, named != asked && (named.Kind == pysem.NoneVal || named.Kind == pysem.Str):
		return always, true
	}
	return off, true
}

// compared is how often a comparison holds (want) or does not.
func (t thinning) compared(n pyast.Node, ctx *pysem.Ctx, want bool) Period {
	left, op, right := comparison(n)
	for left.Kind() == pyast.KindParenthesizedExpression {
		left = left.Nth(0)
	}
	l, r := t.file.Eval.Eval(left, ctx), t.file.Eval.Eval(right, ctx)
	switch op {
	case "==", "!=":
		equal := (op == "==") == want
		if left.Kind() == pyast.KindBinaryOperator && left.Child(pyast.FieldOperator).TextIs("%") {
			return t.modulus(left, ctx, equal)
		}
		if t.phase(l, r, equal) || t.phase(r, l, equal) || !equal && r.Kind == pysem.Int && isProgress(l, left.Text()) {
			return always
		}
	case ">", ">=":
		// `epoch > 0`, `step >= 1`: all but a few rounds.
		if want && r.Kind == pysem.Int && r.Int <= 1 && isProgress(l, left.Text()) {
			return always
		}
	}
	switch {
	case r.Kind == pysem.NoneVal && flagName.MatchString(left.Text()) && !optInFlag.MatchString(left.Text()):
		return always
	case r.Kind == pysem.NoneVal && (op == "is not" || op == "!=") == want && t.made(l):
		return always
	case (want || t.frame.Early) && t.improves(left, right, ctx):
		return Period{Every: 1, Rhythm: Improving}
	case want && bestCondition.MatchString(n.Text()):
		return Period{Every: 1, Rhythm: Improving}
	}
	return unclear
}

// answered is how often a function of the program says yes that answers with True and False alone and, on the way, asks whether a count is
// a multiple: `if not self.should_save(step): return`.
func (t thinning) answered(call pyast.Node, ctx *pysem.Ctx, want bool) (Period, bool) {
	if call.Kind() != pyast.KindCall || !want {
		return unclear, false
	}
	callee := t.file.Eval.Eval(call.Child(pyast.FieldFunction), ctx)
	if callee.Kind != pysem.FuncVal || len(callee.Func.Returns) < 2 || slices.ContainsFunc(callee.Func.Returns, func(n pyast.Node) bool {
		return !n.Is(pyast.KindTrue, pyast.KindFalse)
	}) {
		return unclear, false
	}
	inner := t.file.Eval.Enter(callee.Func, call, ctx, callee.Base)
	for n := range callee.Func.Body.Descendants() {
		if n.Kind() != pyast.KindBinaryOperator || !n.Child(pyast.FieldOperator).TextIs("%") {
			continue
		}
		if left := n.Child(pyast.FieldLeft); isProgress(t.file.Eval.Eval(left, inner), left.Text()) {
			return t.modulus(n, inner, true), true
		}
	}
	return unclear, false
}

// asksKind reports whether a call asks of what kind an object is that is made before the loop: `hasattr(model, "module")`.
func (t thinning) asksKind(n pyast.Node, ctx *pysem.Ctx) bool {
	if n.Kind() != pyast.KindCall {
		return false
	}
	switch t.file.qualified(n.Child(pyast.FieldFunction)) {
	case "builtins.hasattr", "builtins.isinstance":
		return t.made(t.file.Eval.Eval(pysem.Args(n).Pos(0), ctx)) || t.file.Object(t.file.Eval.Eval(pysem.Args(n).Pos(0), ctx), pysem.Args(n).Pos(0).Text()) != nil
	}
	return false
}

// modulus is how often a count is a multiple of a number, or (multiple false) is not.
func (t thinning) modulus(n pyast.Node, ctx *pysem.Ctx, multiple bool) Period {
	given := t.file.Eval.Eval(n.Child(pyast.FieldRight), ctx)
	every := longest(t.file.byDefault(given))
	switch {
	case !multiple:
		return unclear
	case every.Kind == pysem.Int && every.Int > 0:
		p := Period{Every: every.Int, Rhythm: Regular}
		if every != given {
			p.Option = n.Child(pyast.FieldRight).Text()
		}
		return p
	case every != given && every.Kind == pysem.NoneVal, every.Kind == pysem.Int:
		return off
	}
	return Period{Every: 1, Rhythm: Spaced, Option: n.Child(pyast.FieldRight).Text()}
}

// longest is the largest of the numbers that a value may be, and the value where it may be something else.
func longest(v *pysem.Value) *pysem.Value {
	out := v
	for _, a := range v.Alternatives() {
		if a.Kind != pysem.Int {
			return v
		}
		if out == v || a.Int > out.Int {
			out = a
		}
	}
	return out
}

// phase reports whether one side of an equation goes through words in a loop inside the one that is asked about, and one of these
// words makes it true, or (equal false) untrue: `for phase in ["train", "val"]: if phase == "val"`.
func (t thinning) phase(side, word *pysem.Value, equal bool) bool {
	text, ok := word.Text()
	if !ok || side.Kind != pysem.LoopVar || side.Node == t.loop.Node || !t.loop.Node.Encloses(side.Node) {
		return false
	}
	words, ok := phases(side.Base)
	return ok && slices.ContainsFunc(words, func(w string) bool { return (w == text) == equal })
}

// phases are the words of a list of nothing but words, or the keys of a dict.
func phases(v *pysem.Value) ([]string, bool) {
	if v.Kind == pysem.Dict && !v.Dict.Open {
		var keys []string
		for _, x := range v.Dict.Entries {
			keys = append(keys, x.Key)
		}
		return keys, len(keys) > 0
	}
	if v.Kind != pysem.List && v.Kind != pysem.Tuple || v.Open || len(v.Elems) == 0 {
		return nil, false
	}
	var out []string
	for _, x := range v.Elems {
		w, ok := x.Text()
		if !ok {
			return nil, false
		}
		out = append(out, w)
	}
	return out, true
}

// made reports whether a value is, on some way that is taken before the loop, an object that is made or something else than None.
func (t thinning) made(v *pysem.Value) bool {
	return slices.ContainsFunc(v.Alternatives(), func(a *pysem.Value) bool {
		switch a.Kind {
		case pysem.Instance, pysem.Dict, pysem.List, pysem.Tuple, pysem.FuncVal, pysem.ClassVal:
			return t.before(a) && t.before(v)
		case pysem.Call:
			e, ok := torch.Lookup(a.Callee())
			return ok && e.Kind < torch.Saver && t.before(a)
		}
		return false
	})
}

// settled is the answer to a flag that a program sets before the loop, to one value or another, and to a test that rarely comes out one
// way.
func (t thinning) settled(v *pysem.Value, want bool) Period {
	reached := false
	for _, a := range v.Alternatives() {
		if rare, ok := t.file.exceptional(a); ok && rare != want {
			reached = true
			continue
		}
		truth, known := t.file.truthByDefault(a)
		if !known || !t.before(a) {
			return unclear
		}
		reached = reached || truth == want
	}
	if reached {
		return always
	}
	return off
}

// before reports whether a value comes about outside of the loop, in the function that it stands in or in one that leads to it.
func (t thinning) before(v *pysem.Value) bool {
	if !v.Node.Valid() || t.loop.Node.Encloses(v.Node) || v.Ctx == nil {
		return false
	}
	if v.Ctx.Func.Name == "__init__" || v.Ctx.Func.Parent == nil {
		return true
	}
	for c := t.loop.Ctx; c != nil; c = c.Parent {
		if c == v.Ctx {
			return true
		}
	}
	return false
}

// improves reports whether a comparison is of a metric with the best so far: one side is kept as the other.
func (t thinning) improves(left, right pyast.Node, ctx *pysem.Ctx) bool {
	kept := func(best, metric pyast.Node) bool {
		if !best.Is(pyast.KindIdentifier, pyast.KindAttribute) || !metric.Is(pyast.KindIdentifier, pyast.KindAttribute, pyast.KindCall, pyast.KindSubscript) {
			return false
		}
		return slices.ContainsFunc(ctx.Func.Defs(best.Text()), func(d *pysem.Def) bool {
			return d.Kind == pysem.DefAssign && d.Value.Valid() && t.loop.Node.Encloses(d.Stmt) && mentionsText(d.Value, metric.Text())
		})
	}
	return kept(left, right) || kept(right, left)
}

// mentionsText reports whether an expression, or a part of it, is written so.
func mentionsText(n pyast.Node, text string) bool {
	if n.TextIs(text) {
		return true
	}
	for d := range n.Descendants() {
		if d.TextIs(text) {
			return true
		}
	}
	return false
}

// exceptional reports whether a value is the answer to a test of numbers that rarely comes out so: whether one is no number. It says what
// the answer rarely is.
func (f *File) exceptional(v *pysem.Value) (rare, ok bool) {
	for depth := 0; depth < 6; depth++ {
		name := v.Callee()
		recv, method, isMethod := v.Method()
		if isMethod {
			name = method
		}
		if rare, ok := torch.Exceptional(name); ok {
			return rare, true
		}
		switch {
		case isMethod:
			v = recv
		case name == "builtins.bool" || name == "builtins.any" || name == "builtins.all" || name == "torch.any" || name == "torch.all":
			v = f.Eval.Eval(pysem.Args(v.Node).Pos(0), v.Ctx)
		default:
			return false, false
		}
	}
	return false, false
}
