package training

import (
	"regexp"
	"slices"
	"strings"

	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
	"github.com/ckpt-lsp/ckpt-lsp/internal/pysem"
	"github.com/ckpt-lsp/ckpt-lsp/internal/torch"
)

// RankTest says which processes a condition lets through.
type RankTest uint8

// Answers of a rank test.
const (
	AnyRank   RankTest = iota // the condition says nothing of ranks
	MainOnly                  // only the main process passes
	OthersOut                 // everybody but the main process passes
	NoRanks                   // passes only where there is one process ("not distributed")
	LocalMain                 // one process of each node passes
	MainOut                   // everybody but the main process of several passes: the other side of `several and main`
)

var (
	mainBoolean = regexp.MustCompile(`(?i)(is_?|am_?i_?|on_?)(local_?)?(main|master|primary|root|rank_?(zero|0)|chief|coordinator|global_?zero|first_?rank)|(master|main|primary|root)_?(process|proc|rank|node)|save_logs|is_(world_|global_)?(process_)?zero|is_first_worker|is_mp_rank_0|rank_?zero`)
	localName   = regexp.MustCompile(`(?i)local_?(rank|main|process)|LOCAL_RANK|^gpu(_id)?$|\.gpu(_id)?$`)
	singleName  = regexp.MustCompile(`(?i)(distributed|multiprocessing|multi_?gpu|ddp|parallel|world_?size|num_?gpus?|is_initialized|is_available|is_dist|use_dist|n_gpu)`)
)

// isRank reports whether a value, written as text, is a process's rank.
func isRank(f *File, v *pysem.Value, text string) bool {
	for _, a := range v.Alternatives() {
		callee := a.Callee()
		if e, ok := torch.Lookup(callee); ok && e.Kind == torch.Rank {
			return true
		}
		if rankCall.MatchString(callee) {
			return true
		}
		if _, m, ok := a.Method(); ok && rankCall.MatchString(m) {
			return true
		}
		if callee == "builtins.int" && a.Node.Valid() && rankVariable.MatchString(pysem.Args(a.Node).Pos(0).Text()) {
			return true
		}
		if (a.Kind == pysem.Attr || a.Kind == pysem.ParamVal) && isRankName(a.Name) {
			return true
		}
		if a.Kind == pysem.ParamVal && spawnedRank(f, a) {
			return true
		}
	}
	if strings.Contains(text, "environ") || strings.Contains(text, "getenv") {
		return rankVariable.MatchString(text)
	}
	if key := keyPart.FindStringSubmatch(text); key != nil { // config["rank"]
		return isRankName(key[1])
	}
	return isRankName(lastPart(text))
}

var (
	keyPart      = regexp.MustCompile(`\[["'](\w+)["']\]$`)
	rankCall     = regexp.MustCompile(`(^|_|\.)(rank|get_ordinal|current_device)$`)
	rankVariable = regexp.MustCompile(`RANK|PROCID`)
	deviceName   = regexp.MustCompile(`(?i)^(gpu|device)(_id)?$`)
	otherRank    = regexp.MustCompile(`(?i)(node|group|lora|low|matrix|all|every|each|per|multi)_?rank$`)
)

// isRankName reports whether a name is one for a process's rank; the rank of a node or of a matrix is something else,
// and so is what goes over all ranks.
func isRankName(name string) bool { return rankName.MatchString(name) && !otherRank.MatchString(name) }

// spawnedRank reports whether a parameter is the first one of a function handed to torch.multiprocessing.spawn: the rank.
func spawnedRank(f *File, v *pysem.Value) bool {
	c := v.Ctx
	if c == nil || !c.Passed {
		return false
	}
	l, ok := f.startedBy(c)
	p := c.Func.FirstPassed()
	return ok && l.Rank && p != nil && p.Name == v.Name
}

// testRank says which processes a condition lets through when it holds (want) or does not.
func (f *File) testRank(cond pyast.Node, ctx *pysem.Ctx, want bool) RankTest {
	return f.rankTest(cond, ctx, want, 0)
}

// both is the test of two conditions that hold together: what either keeps out stays out.
func both(l, r RankTest) RankTest {
	for _, t := range []RankTest{MainOnly, LocalMain, OthersOut, MainOut, NoRanks} {
		if l == t || r == t {
			return t
		}
	}
	return AnyRank
}

// either is the test of two conditions of which one holds.
func either(l, r RankTest) RankTest {
	switch {
	case l == OthersOut && r == NoRanks, l == NoRanks && r == OthersOut:
		return MainOut
	case l == r || r == NoRanks:
		return l
	case l == NoRanks:
		return r
	case l == MainOnly && r == LocalMain, l == LocalMain && r == MainOnly:
		return LocalMain
	}
	return AnyRank
}

func (f *File) rankTest(n pyast.Node, ctx *pysem.Ctx, want bool, depth int) RankTest {
	if depth > 8 || !n.Valid() {
		return AnyRank
	}
	switch n.Kind() {
	case pyast.KindParenthesizedExpression:
		return f.rankTest(n.Nth(0), ctx, want, depth+1)
	case pyast.KindNotOperator:
		return f.rankTest(n.Child(pyast.FieldArgument), ctx, !want, depth+1)
	case pyast.KindBooleanOperator:
		l := f.rankTest(n.Child(pyast.FieldLeft), ctx, want, depth+1)
		r := f.rankTest(n.Child(pyast.FieldRight), ctx, want, depth+1)
		if n.Child(pyast.FieldOperator).TextIs("and") == want {
			return both(l, r)
		}
		return either(l, r)
	case pyast.KindComparisonOperator:
		return f.compare(n, ctx, want, depth)
	}
	v := f.Eval.Eval(n, ctx)
	if t, ok := f.wrapperTest(n, ctx, v, want); ok {
		return t
	}
	if strings.Contains(strings.ToLower(lastPart(n.Text())), "rank") && isRank(f, v, n.Text()) { // `if not rank:`
		if want {
			return OthersOut
		}
		return f.main(n, ctx)
	}
	// A variable or attribute that holds a test, or a predicate that returns one.
	for _, a := range v.Alternatives() {
		switch a.Kind {
		case pysem.Compare, pysem.Not, pysem.Logic:
			if a.Node != n && a.Node.Valid() {
				if t := f.rankTest(a.Node, a.Ctx, want, depth+1); t != AnyRank {
					return t
				}
			}
		}
		if e, ok := torch.Lookup(a.Callee()); ok && e.Kind == torch.MainPredicate {
			return f.predicate(n, ctx, want)
		}
	}
	// A flag such as main_process_only is an option, the same on every process.
	if last := lastPart(n.Text()); mainBoolean.MatchString(last) && !strings.HasSuffix(last, "_only") {
		return f.predicate(n, ctx, want)
	}
	if !want && singleName.MatchString(n.Text()) {
		return NoRanks
	}
	return AnyRank
}

// wrapperTest is the test of `isinstance(model, ...)`, where the classes named wrap models for one process or for several: a model in
// DataParallel is that of the one process there is, and without DistributedDataParallel, where that is asked for, there is one, too. ok is
// false for other tests.
func (f *File) wrapperTest(n pyast.Node, ctx *pysem.Ctx, v *pysem.Value, want bool) (t RankTest, ok bool) {
	if v.Callee() != "builtins.isinstance" {
		return AnyRank, false
	}
	classes := f.Eval.Eval(n.Child(pyast.FieldArguments).Nth(1), ctx)
	one, several := false, false
	for _, class := range append(classes.Alternatives(), classes.Elems...) {
		e, wraps := torch.Lookup(calleeName(class))
		_, group := torch.ManyProcesses(calleeName(class))
		one = one || wraps && e.Kind == torch.Wrapper && !group
		several = several || group
	}
	switch {
	case one && !several && want, several && !want:
		return NoRanks, true
	}
	return AnyRank, one || several
}

// predicate is the test of a call or flag that is true on the main process.
func (f *File) predicate(n pyast.Node, ctx *pysem.Ctx, want bool) RankTest {
	if !want {
		return OthersOut
	}
	return f.main(n, ctx)
}

func lastPart(text string) string {
	if i := strings.IndexByte(text, '('); i > 0 {
		text = text[:i]
	}
	return text[strings.LastIndexByte(text, '.')+1:]
}

// main tells the main process of all from the first of each node.
func (f *File) main(n pyast.Node, ctx *pysem.Ctx) RankTest {
	if local(n.Text()) {
		return LocalMain
	}
	for _, a := range f.Eval.Eval(n, ctx).Alternatives() {
		if local(a.Node.Text()) || a.Callee() == "torch.cuda.current_device" {
			return LocalMain
		}
	}
	return MainOnly
}

func local(text string) bool {
	return localName.MatchString(text) || strings.Contains(strings.ToLower(text), "local")
}

// opposite and mirrored are the operators that hold when another does not, and with its sides swapped.
var (
	opposite = map[string]string{"==": "!=", "!=": "==", "<": ">=", ">=": "<", ">": "<=", "<=": ">", "is": "is not", "is not": "is", "in": "not in", "not in": "in"}
	mirrored = map[string]string{"==": "==", "!=": "!=", "<": ">", ">": "<", "<=": ">=", ">=": "<=", "is": "is", "is not": "is not"}
)

// compare reads a comparison with one operator.
func (f *File) compare(n pyast.Node, ctx *pysem.Ctx, want bool, depth int) RankTest {
	var sides []pyast.Node
	op, ops := "", 0
	for c := range n.Children() {
		if c.Field() == pyast.FieldOperators {
			op = c.Text()
			ops++
			continue
		}
		sides = append(sides, c)
	}
	if ops != 1 || len(sides) != 2 {
		return AnyRank
	}
	l, r := sides[0], sides[1]
	lv, rv := f.Eval.Eval(l, ctx), f.Eval.Eval(r, ctx)
	if m := mirrored[op]; m != "" && rv.Kind != pysem.Int && (lv.Kind == pysem.Int || !isRank(f, lv, l.Text()) && isRank(f, rv, r.Text())) {
		l, r, lv, rv, op = r, l, rv, lv, m
	}
	if rv.Kind == pysem.Bool && (op == "==" || op == "!=" || op == "is" || op == "is not") {
		same := op == "==" || op == "is"
		return f.rankTest(l, ctx, want == (same == (rv.Int != 0)), depth+1)
	}
	if !want {
		op = opposite[op]
	}
	// rank % gpus_per_node == 0
	if l.Kind() == pyast.KindBinaryOperator && l.Child(pyast.FieldOperator).TextIs("%") {
		inner := l.Child(pyast.FieldLeft)
		if !isRank(f, f.Eval.Eval(inner, ctx), inner.Text()) || rv.Kind != pysem.Int || rv.Int != 0 {
			return AnyRank
		}
		switch op {
		case "==":
			return LocalMain
		case "!=", ">":
			return OthersOut
		}
		return AnyRank
	}
	rank := isRank(f, lv, l.Text())
	if op == "in" || op == "not in" {
		if !rank || !f.mainOf(r, ctx) {
			return AnyRank
		}
		return f.predicate(l, ctx, op == "in")
	}
	if !rank {
		if singleName.MatchString(l.Text()) && rv.Kind == pysem.Int &&
			(op == "==" && rv.Int <= 1 || op == "<=" && rv.Int <= 1 || op == "<" && rv.Int <= 2) {
			return NoRanks
		}
		return AnyRank
	}
	if rv.Kind == pysem.NoneVal { // every process of a distributed run has a rank, though not the number of a GPU
		if (op == "is" || op == "==") && !deviceName.MatchString(lastPart(l.Text())) {
			return NoRanks
		}
		return AnyRank
	}
	if rv.Kind != pysem.Int {
		switch op { // rank == args.main_rank, rank == world_size - 1: one process, whichever
		case "==":
			return f.main(l, ctx)
		case "!=":
			return OthersOut
		}
		return AnyRank
	}
	switch {
	case op == "==" && rv.Int >= 0, op == "is" && rv.Int == 0, op == "<" && rv.Int == 1, op == "<=" && rv.Int == 0:
		return f.main(l, ctx)
	case op == "==" && rv.Int == -1, op == "<" && rv.Int == 0, op == "is" && rv.Int == -1:
		return NoRanks
	case op == "!=" && rv.Int >= 0, op == ">" && rv.Int == 0, op == ">=" && rv.Int == 1, op == "is not" && rv.Int == 0:
		return OthersOut
	}
	return AnyRank
}

// mainOf reports whether a tuple, list or set of ranks holds 0 and no rank of another process: (-1, 0), [0, None].
func (f *File) mainOf(n pyast.Node, ctx *pysem.Ctx) bool {
	var ranks []*pysem.Value
	if n.Is(pyast.KindTuple, pyast.KindList, pyast.KindSet) {
		for c := range n.Children() {
			ranks = append(ranks, f.Eval.Eval(c, ctx))
		}
	} else if v := f.Eval.Eval(n, ctx); v.Kind == pysem.Tuple || v.Kind == pysem.List && !v.Open {
		ranks = v.Elems
	}
	zero := false
	for _, x := range ranks {
		switch {
		case x.Kind == pysem.Int && x.Int == 0:
			zero = true
		case x.Kind == pysem.Int && x.Int == -1, x.Kind == pysem.NoneVal:
		default:
			return false
		}
	}
	return zero
}

// Guard is a rank test that an event stands behind.
type Guard struct {
	Test RankTest
	// Frame is the test's frame; for a decorator its Node is the decorator.
	Frame *pysem.Frame
}

var mainDecorator = regexp.MustCompile(`(?i)(rank_?zero|main_process|master|rank_?0|is_main|primary|main_only|root_only)`)

// Guards are the rank tests around a frame, innermost first, callers included.
func (f *File) Guards(fr *pysem.Frame) []Guard {
	var out []Guard
	for ; fr != nil; fr = fr.Parent {
		switch fr.Kind {
		case pysem.FrameIf:
			if t := f.frameTest(fr); t != AnyRank {
				out = append(out, Guard{t, fr})
			}
		case pysem.FrameDecorator:
			if name := fr.Node.Text(); mainDecorator.MatchString(lastPart(name)) || strings.HasSuffix(name, "rank_zero_only") {
				out = append(out, Guard{MainOnly, fr})
			}
		}
	}
	return out
}

// frameTest is the rank test that a frame's condition makes, itself or by asking for an object that only some ranks have. It is asked for
// the same frames by every rule that looks at ranks.
func (f *File) frameTest(fr *pysem.Frame) RankTest {
	at := judged{fr.Cond, fr.Ctx, fr.Positive}
	t, known := f.rankTests[at]
	if !known {
		if t = f.testRank(fr.Cond, fr.Ctx, fr.Positive); t == AnyRank {
			t = f.madeBehind(fr).Test
		}
		if f.rankTests == nil {
			f.rankTests = map[judged]RankTest{}
		}
		f.rankTests[at] = t
	}
	return t
}

// judged is a condition in a context, and how it came out.
type judged struct {
	node     pyast.Node
	ctx      *pysem.Ctx
	positive bool
}

// rankIf is a rank test that holds where an object is made.
type rankIf struct {
	Test RankTest
	Cond pyast.Node
	Ctx  *pysem.Ctx
	Made pyast.Node
}

// madeBehind is the rank test behind which the object was made that a condition asks for: "if writer:", "if saver is not None:".
// It asks for nothing where some process made the object without one.
func (f *File) madeBehind(fr *pysem.Frame) rankIf { return f.asksForMade(fr.Cond, fr.Ctx, fr.Positive) }

func (f *File) asksForMade(cond pyast.Node, ctx *pysem.Ctx, positive bool) rankIf {
	if cond.Kind() == pyast.KindBooleanOperator && cond.Child(pyast.FieldOperator).TextIs("and") == positive {
		if t := f.asksForMade(cond.Child(pyast.FieldLeft), ctx, positive); t.Test != AnyRank {
			return t
		}
		return f.asksForMade(cond.Child(pyast.FieldRight), ctx, positive)
	}
	if cond.Kind() == pyast.KindComparisonOperator {
		var op string
		for o := range cond.ChildrenOf(pyast.FieldOperators) {
			op = o.Text()
		}
		if op != "is not" && op != "is" || !cond.Nth(2).Is(pyast.KindNoneLiteral) && !strings.HasSuffix(cond.Text(), "None") {
			return rankIf{}
		}
		positive = positive == (op == "is not")
		cond = cond.Nth(0)
	}
	if !positive || !cond.Is(pyast.KindIdentifier, pyast.KindAttribute) {
		return rankIf{}
	}
	v := f.Eval.Eval(cond, ctx)
	if v.Kind != pysem.Join {
		return rankIf{}
	}
	var out rankIf
	for _, a := range v.Elems {
		if a.Kind == pysem.NoneVal {
			continue
		}
		if !a.Node.Valid() || a.Ctx == nil {
			return rankIf{}
		}
		t := f.underRankIf(a.Node, a.Ctx)
		if t.Test == AnyRank {
			return rankIf{}
		}
		if out.Test == AnyRank || t.Test == MainOnly {
			out = t
		}
	}
	return out
}

// underRankIf is the innermost `if` above what makes an object, in the same function, that lets one process of all, or of each node, through.
func (f *File) underRankIf(made pyast.Node, ctx *pysem.Ctx) rankIf {
	n := made
	for p := n.Parent(); p.Valid(); n, p = p, p.Parent() {
		cond := pyast.Node{}
		switch p.Kind() {
		case pyast.KindFunctionDefinition, pyast.KindModule:
			return rankIf{}
		case pyast.KindIfStatement:
			if n.Field() == pyast.FieldConsequence {
				cond = p.Child(pyast.FieldCondition)
			}
		case pyast.KindConditionalExpression:
			if p.Nth(0) == n {
				cond = p.Nth(1)
			}
		}
		if !cond.Valid() {
			continue
		}
		if t := f.testRank(cond, ctx, true); t == MainOnly || t == LocalMain {
			return rankIf{t, cond, ctx, made}
		}
	}
	return rankIf{}
}

// OfMainOnly reports whether an expression needs a name that only the first process gives a value to: nobody else gets past it.
func (f *File) OfMainOnly(n pyast.Node, ctx *pysem.Ctx) bool {
	scope := f.moduleOf(n).Scope(n)
	for d := range n.Descendants() {
		if d.Kind() != pyast.KindIdentifier || d.Field() == pyast.FieldAttribute || d.Field() == pyast.FieldName {
			continue
		}
		defs := scope.Defs(d.Text())
		guarded := func(d *pysem.Def) bool {
			return d.Kind == pysem.DefAssign && f.underRankIf(d.Node, ctx).Test != AnyRank
		}
		if len(defs) > 0 && !slices.ContainsFunc(defs, func(d *pysem.Def) bool { return !guarded(d) }) {
			return true
		}
	}
	return false
}

// KeepsOut reports whether the test keeps the main process of several from what all the others come to.
func (t RankTest) KeepsOut() bool { return t == OthersOut || t == MainOut }

// OneWriter reports whether at most one process per node gets to the frame.
func (f *File) OneWriter(fr *pysem.Frame) bool {
	for _, g := range f.Guards(fr) {
		if g.Test == MainOnly || g.Test == LocalMain || g.Test == NoRanks {
			return true
		}
	}
	return false
}

// OneProcess is the outermost test around a frame that lets one process, of all or of each node, through. There is none where a
// test for a single process stands there.
func (f *File) OneProcess(fr *pysem.Frame) (Guard, bool) {
	var out Guard
	found := false
	for _, g := range f.Guards(fr) {
		switch g.Test {
		case MainOnly, LocalMain:
			out, found = g, true
		case NoRanks:
			return out, false
		}
	}
	return out, found
}

// MainTest reports whether a condition, read with nothing known of callers, lets only the main process of all nodes through.
func (f *File) MainTest(cond pyast.Node) bool {
	return f.testRank(cond, f.Eval.In(f.moduleOf(cond), cond), true) == MainOnly
}

// AsksRank reports whether a condition, read with nothing known of callers, keeps some processes out.
func (f *File) AsksRank(cond pyast.Node) bool {
	t := f.testRank(cond, f.Eval.In(f.moduleOf(cond), cond), true)
	return t == MainOnly || t == LocalMain || t.KeepsOut()
}
