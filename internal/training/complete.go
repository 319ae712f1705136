package training

import (
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
	"github.com/ckpt-lsp/ckpt-lsp/internal/pysem"
	"github.com/ckpt-lsp/ckpt-lsp/internal/torch"
)

// Evidence says what shows that training goes on from a checkpoint.
type Evidence uint8

// Kinds of evidence, weakest first.
const (
	NoEvidence   Evidence = iota
	FromPayload           // the payload holds progress or another training state
	FromLoadPath          // a load of this file restores the model before the training loop
)

// Resumption is a save whose file training continues from.
type Resumption struct {
	Save *SaveSite
	// Load is where it continues, nil when only the payload shows it.
	Load     *LoadSite
	Evidence Evidence
}

// Resumptions are the checkpoints of the file that training continues from, one for each save call and context that matters:
// saves inside a training loop with a model in them. Exports are left out: whole-payload unknowns, saves after the loop,
// best-only model copies beside a fuller checkpoint, collective savers.
func (f *File) Resumptions() []Resumption {
	if f.resumptions != nil {
		return f.resumptions
	}
	f.resumptions = []Resumption{}
	for _, s := range f.lasting() {
		if s.Collective || s.Loop == nil || s.Open || s.Path.Buffer || !s.HasKind(Model) {
			continue
		}
		r := Resumption{Save: s, Load: s.ResumedBy()}
		switch {
		case s.Kind != PayloadDict && s.Kind != PayloadState && (s.Kind != PayloadObject || r.Load == nil || !r.Load.Declared() && !s.splitFrom(r.Load)):
			continue
		case r.Load != nil:
			r.Evidence = FromLoadPath
		case s.handedBack() != nil:
			r.Evidence = FromPayload
		case s.Training() && (s.HasKind(Optimizer) || s.HasKind(Scheduler) || f.TakesBack()):
			r.Evidence = FromPayload
		default:
			continue
		}
		if s.fullerBeside() || s.bestBeside() || s.splitBehind(f.resumptions) || s.writtenAgain(f.resumptions) {
			continue
		}
		f.resumptions = append(f.resumptions, r)
	}
	return f.resumptions
}

// TakesBack reports whether anything in sight takes back more than weights. A model saved with its epoch alone, which nothing
// continues from, is there to be looked at.
func (f *File) TakesBack() bool {
	if slices.ContainsFunc(f.EveryLoad(), func(l *LoadSite) bool { return l.Resumes() || l.Opaque }) {
		return true
	}
	return slices.ContainsFunc(slices.Concat(f.Runs, f.Left), func(r *Run) bool {
		return slices.ContainsFunc(r.Restores, func(x *Restore) bool { return x.Load == nil && x.Object != nil && x.Object.Kind == Optimizer })
	})
}

// WithClasses are the resumptions, the saves outside any loop that a class restores itself, the states that a class gives and takes back,
// what is registered with an object that saves it, and the distributed checkpoints that training goes on from.
func (f *File) WithClasses() []Resumption {
	out := slices.Clone(f.Resumptions())
	for _, s := range f.lasting() {
		if l := f.keptByClass(s); l != nil && !s.Collective && !s.Open && !s.Path.Buffer && !s.splitBehind(out) && !s.writtenAgain(out) {
			out = append(out, Resumption{Save: s, Load: l, Evidence: FromLoadPath})
		}
	}
	for _, s := range f.Contracts() {
		out = append(out, Resumption{Save: s, Evidence: FromPayload})
	}
	out = append(out, f.Kept()...)
	for _, s := range f.lasting() { // distributed checkpoints
		if !s.Collective || s.Open || s.Loop == nil || s.Kind != PayloadDict || !s.HasKind(Model) || s.writtenAgain(out) {
			continue
		}
		if l := s.ResumedBy(); l != nil {
			out = append(out, Resumption{Save: s, Load: l, Evidence: FromLoadPath})
		}
	}
	return out
}

// Continued are the saves of a training loop that a load continues from, those too whose keys are not all known.
func (f *File) Continued() []Resumption {
	var out []Resumption
	for _, s := range f.lasting() {
		if s.Loop == nil || s.Collective || s.Path.Buffer {
			continue
		}
		if l := s.ResumedBy(); l != nil {
			out = append(out, Resumption{Save: s, Load: l, Evidence: FromLoadPath})
		}
	}
	return out
}

// Checkpoints are the resumptions, and besides them the saves inside a loop that hold progress beside the states of objects of
// which it is not known what they are. Where the objects hide the optimizer, so they do its steps.
func (f *File) Checkpoints() []Resumption {
	out := f.WithClasses()
	for _, s := range f.lasting() {
		if s.around() != nil && !s.Collective && !s.Open && !s.Path.Buffer && !s.HasKind(Model) && s.HoldsStates() {
			out = append(out, Resumption{Save: s, Load: s.ResumedBy(), Evidence: FromPayload})
		}
	}
	return out
}

// lasting are the saves of the file but for crash dumps.
func (f *File) lasting() []*SaveSite { return slices.DeleteFunc(f.Saves(), (*SaveSite).Dump) }

// Dump reports whether the program ends with an error of its own once the file is written: it is there to be looked at. What an except
// clause saves before it raises again is a checkpoint.
func (s *SaveSite) Dump() bool {
	at := s.Node
	for c := s.Ctx; c != nil; at, c = c.Call, c.Parent {
		stmt := statementOf(at)
		if !stmt.Valid() || stmt.Ancestor(pyast.KindExceptClause, pyast.KindFunctionDefinition).Kind() == pyast.KindExceptClause {
			return false
		}
		if stmt.Start() < s.Run.File.lastRaise(stmt.Parent()) {
			return true
		}
	}
	return false
}

// lastRaise is where the last raise statement of a block begins, -1 where it has none.
func (f *File) lastRaise(block pyast.Node) int {
	at, known := f.raises[block]
	if !known {
		at = -1
		for n := range block.Children() {
			if n.Kind() == pyast.KindRaiseStatement {
				at = n.Start()
			}
		}
		if f.raises == nil {
			f.raises = map[pyast.Node]int{}
		}
		f.raises[block] = at
	}
	return at
}

// splitBehind says that the save is one of several bare state dicts of the same stretch of training, and not the first: what
// they lack is said once.
func (s *SaveSite) splitBehind(before []Resumption) bool {
	if s.Kind == PayloadDict {
		return false
	}
	for _, r := range before {
		if o := r.Save; o.Kind == s.Kind && o.Run == s.Run && o.Loop == s.Loop && o.Index < s.Index {
			return true
		}
	}
	return false
}

// bestBeside says that the same stretch of training writes the same bare model every now and then, and this save only keeps the
// best one.
func (s *SaveSite) bestBeside() bool {
	if s.Kind == PayloadDict || !s.BestOnly() {
		return false
	}
	return slices.ContainsFunc(s.Companions(), func(o *SaveSite) bool {
		return o.Kind == s.Kind && !o.BestOnly() && o.Has(s.Components[0].Object)
	})
}

// writtenAgain says that an earlier save of the same run writes the same dict, to another file.
func (s *SaveSite) writtenAgain(before []Resumption) bool {
	for _, r := range before {
		o := r.Save
		if o.Dict != nil && s.Dict != nil && o.Dict.Literal.Valid() && o.Dict.Literal == s.Dict.Literal && o.Run == s.Run && o.Node != s.Node {
			return true
		}
	}
	return false
}

// fullerBeside says that the same stretch of training also writes a checkpoint with optimizer state, while this one has none:
// it is an export beside a full checkpoint.
func (s *SaveSite) fullerBeside() bool {
	if s.HasKind(Optimizer) {
		return false
	}
	for _, o := range s.Companions() {
		if o.Kind == PayloadDict && o.HasKind(Optimizer) && o.HasKind(Model) || o.Open && o.Kind == PayloadDict {
			return true
		}
	}
	return false
}

// HasStateToLose reports whether an optimizer keeps more than hyper-parameters: momentum, moments. ok is false when the class
// or its arguments are not known.
func (f *File) HasStateToLose(o *Object) (state, ok bool) {
	if !strings.HasSuffix(o.Class, "optim.SGD") && !strings.HasSuffix(o.Class, "sgd.SGD") {
		_, known := torch.Lookup(o.Class)
		return true, known
	}
	args := pysem.Args(o.Call)
	if args.May() {
		return false, false
	}
	n := args.Get(2, "momentum")
	if !n.Valid() {
		return false, true
	}
	if m, isNumber := f.Eval.Eval(n, o.Ctx).Number(); isNumber {
		return m != 0, true
	}
	// A momentum that is asked for by name is meant to be used.
	return true, true
}

var lastEpoch = regexp.MustCompile(`^last_epoch$`)

// FastForwarded says that a scheduler finds its place on resume without saved state: it is stepped by an explicit epoch, built
// with last_epoch, set by hand, stepped forward in a loop before training, or works in the first epochs only.
func (f *File) FastForwarded(o *Object) bool {
	if o.Call.Valid() {
		args := pysem.Args(o.Call)
		if n, ok := args.Keyword["last_epoch"]; ok {
			if v := f.Eval.Eval(n, o.Ctx); v.Kind != pysem.Int || v.Int != -1 {
				return true
			}
		}
		if args.KwStar && f.speaks(lastEpoch) { // which may be among the keywords; one that a settings file holds is the same in each run
			return true
		}
		if strings.HasSuffix(o.Class, "LambdaLR") {
			// A lambda that is handed the starting epoch continues by itself; only a plain function of the count restarts.
			if n := args.Get(1, "lr_lambda"); !plainFunction(f.Eval.Eval(n, o.Ctx)) {
				return true
			}
		}
	}
	if f.countsByOptimizer(o) {
		return true
	}
	for _, r := range f.Runs {
		for _, st := range r.Steps {
			if st.Object.Kind != Scheduler || !st.Object.Same(o) {
				continue
			}
			if st.Explicit {
				return true
			}
			loops, trains := false, false
			for fr := st.Frame; fr != nil; fr = fr.Parent {
				if fr.Kind == pysem.FrameIf && fr.Positive && warmsUp(fr.Cond) {
					return true
				}
				if fr.Kind == pysem.FrameLoop {
					loops, trains = true, trains || r.trainsIn(fr.Node)
				}
			}
			if loops && !trains { // for _ in range(start_epoch): scheduler.step()
				return true
			}
		}
	}
	return f.lastEpochSet(o)
}

// HandedBefore reports whether a scheduler is handed, ready made, to a class that then loads the checkpoint and reads from it how far the
// training is: whoever made the scheduler did not know.
func (r Resumption) HandedBefore(st *Step) bool {
	o := st.Object
	if r.Load == nil || !r.Load.ReadsProgress() || o.Value == nil || o.Value.Kind != pysem.ParamVal || len(pysem.Args(st.Node).Position) > 1 {
		return false
	}
	class := selfClass(r.Load.Ctx)
	return class != nil && o.Value.Ctx.Func.Class == class && o.Value.Ctx.Func.Name == "__init__"
}

// warmsUp reports whether a condition holds for the first epochs only, `epoch <= args.warm`: what stands under it is done early.
func warmsUp(cond pyast.Node) bool {
	if cond.Kind() != pyast.KindComparisonOperator || !epochName.MatchString(lastPart(cond.Nth(0).Text())) {
		return false
	}
	for op := range cond.ChildrenOf(pyast.FieldOperators) {
		return op.TextIs("<") || op.TextIs("<=")
	}
	return false
}

// countsByOptimizer says that a scheduler of a class at hand takes its step from the optimizer's state.
func (f *File) countsByOptimizer(o *Object) bool {
	if o.Value == nil || o.Value.Kind != pysem.Instance {
		return false
	}
	step := f.Eval.MethodOf(o.Value.Class, "step")
	if step == nil {
		return false
	}
	text := step.Body.Text()
	return strings.Contains(text, "param_groups") && (strings.Contains(text, "'step'") || strings.Contains(text, `"step"`))
}

func plainFunction(v *pysem.Value) bool {
	for _, a := range v.Alternatives() {
		if a.Kind != pysem.FuncVal || a.Base != nil {
			return false
		}
	}
	return true
}

func (r *Run) trainsIn(loop pyast.Node) bool {
	for _, l := range r.Loops {
		if l.Node == loop && l.Trains {
			return true
		}
	}
	return false
}

// lastEpochSet finds `scheduler.last_epoch = ...` and `scheduler._step_count = ...`.
func (f *File) lastEpochSet(o *Object) bool {
	for _, r := range f.Runs {
		for _, ev := range r.Events {
			if ev.Kind != pysem.EventAssign {
				continue
			}
			left := ev.Node.Child(pyast.FieldLeft)
			if left.Kind() != pyast.KindAttribute {
				continue
			}
			if a := left.Child(pyast.FieldAttribute); !a.TextIs("last_epoch") && !a.TextIs("_step_count") {
				continue
			}
			recv := left.Child(pyast.FieldObject)
			if x := f.Object(f.Eval.Eval(recv, ev.Ctx), recv.Text()); x != nil && x.Same(o) {
				return true
			}
		}
	}
	return false
}

// Best is a variable that remembers the best metric and decides saves.
type Best struct {
	// Name is how it is written where it is compared.
	Name string
	// Test is the comparison, in Ctx; Assign the assignment that updates it.
	Test, Assign pyast.Node
	Ctx          *pysem.Ctx
}

// beats reports whether a condition asks that what is then assigned to a variable is above or below its value so far: a metric, be
// it taken out of a tensor on the way, or asks a function of the two, `better(metric, best)`. What a loop counts is no metric.
func beats(cond pyast.Node, name string, assigned pyast.Node) bool {
	metric := Taken(assigned)
	for n := range cond.Descendants() {
		if n.Kind() == pyast.KindCall && comparesBoth(n, name, metric) {
			return true
		}
		if n.Kind() != pyast.KindComparisonOperator {
			continue
		}
		left, op, right := comparison(n)
		if op == "" || !strings.Contains("<= >=", op) {
			continue
		}
		if right.TextIs(name) {
			left, right = right, left
		}
		if left.TextIs(name) && Taken(right).TextIs(metric.Text()) && !loopVariable(n, metric.Text()) {
			return true
		}
	}
	return false
}

// comparesBoth reports whether a call is handed two values, one a variable's and one made from a metric.
func comparesBoth(call pyast.Node, name string, metric pyast.Node) bool {
	args := pysem.Args(call)
	if len(args.Position) != 2 || len(args.Keyword) > 0 || args.May() || !metric.Is(pyast.KindIdentifier, pyast.KindAttribute) {
		return false
	}
	a, b := args.Position[0], args.Position[1]
	return a.TextIs(name) && mentions(b, metric.Text()) || b.TextIs(name) && mentions(a, metric.Text())
}

// asksBest is beats of a frame's condition, be it kept in a flag.
func (f *File) asksBest(fr *pysem.Frame, name string, assigned pyast.Node) bool {
	if beats(fr.Cond, name, assigned) {
		return true
	}
	return slices.ContainsFunc(comparisons(f.Eval.Eval(fr.Cond, fr.Ctx), 0), func(v *pysem.Value) bool {
		return v.Ctx == fr.Ctx && beats(v.Node, name, assigned)
	})
}

// Taken is the metric in `loss.item()`, `float(loss)` and `copy.copy(loss)`.
func Taken(n pyast.Node) pyast.Node {
	for n.Kind() == pyast.KindCall {
		args := pysem.Args(n)
		fn := n.Child(pyast.FieldFunction)
		switch {
		case len(args.Position) == 1 && len(args.Keyword) == 0:
			n = args.Position[0]
		case len(args.Position) == 0 && len(args.Keyword) == 0 && fn.Kind() == pyast.KindAttribute:
			n = fn.Child(pyast.FieldObject)
		default:
			return n
		}
	}
	return n
}

// BestMetric is the best-so-far variable that decides a save of the same training loop, nil when there is none: a name that is
// compared in a condition of some save (or of the block that marks the best) and assigned in the loop.
func (s *SaveSite) BestMetric() *Best {
	f := s.Run.File
	outer := s.around()
	if s.Loop == nil && f.keptByClass(s) != nil {
		return f.classBest(s)
	}
	if outer == nil {
		return nil
	}
	for _, ev := range s.Run.Events[outer.First+1 : min(outer.Last, len(s.Run.Events))] {
		if ev.Kind != pysem.EventAssign || ev.Node.Kind() != pyast.KindAssignment {
			continue
		}
		left := ev.Node.Child(pyast.FieldLeft)
		name := left.Text()
		if !left.Is(pyast.KindIdentifier, pyast.KindAttribute) {
			continue
		}
		right := ev.Node.Child(pyast.FieldRight)
		// best = max(acc, best) with is_best = acc > best
		if right.Kind() == pyast.KindCall {
			if fn := right.Child(pyast.FieldFunction); (fn.TextIs("max") || fn.TextIs("min")) && mentions(right, name) {
				if f.decides(s, name) {
					return &Best{Name: name, Test: right, Assign: ev.Node, Ctx: ev.Ctx}
				}
			}
			continue
		}
		for fr := ev.Frame; fr != nil && !(fr.Kind == pysem.FrameLoop); fr = fr.Parent {
			if fr.Kind == pysem.FrameIf && fr.Positive && fr.Ctx == ev.Ctx && f.asksBest(fr, name, right) {
				if f.decidesIn(s, fr) || f.decides(s, name) {
					return &Best{Name: name, Test: fr.Cond, Assign: ev.Node, Ctx: ev.Ctx}
				}
			}
		}
	}
	return nil
}

// BestParts are the parts of the payload that hold a best metric, whatever their keys: "acc": best_acc, or the metric itself where the
// save happens only when it is the new best.
func (s *SaveSite) BestParts(best *Best) []Component {
	right := best.Assign.Child(pyast.FieldRight)
	var out []Component
	for _, c := range s.Components {
		n := c.Entry.Value.Node
		if !s.Run.File.LeftAtNone(c) && (mentions(n, best.Name) || s.BestOnly() && right.Valid() && Taken(n).TextIs(Taken(right).Text())) {
			out = append(out, c)
		}
	}
	return out
}

// LeftAtNone reports whether a caller of the helper that writes a part leaves it at None.
func (f *File) LeftAtNone(c Component) bool { return f.Eval.Expr(c.Entry.Value).Kind == pysem.NoneVal }

// around is the outermost training loop around the save or, where none is seen to train, the outermost loop; nil without loops.
func (s *SaveSite) around() *Loop {
	if s.Loop != nil {
		return s.Loop.Outer()
	}
	if loops := s.loops(); len(loops) > 0 {
		return loops[0]
	}
	return nil
}

// decidesIn says that a save of the loop stands under the same condition.
func (f *File) decidesIn(s *SaveSite, cond *pysem.Frame) bool {
	for _, o := range s.Run.Saves {
		for fr := o.Frame; fr != nil; fr = fr.Parent {
			if fr.Kind == pysem.FrameIf && fr.Cond == cond.Cond && fr.Positive {
				return true
			}
		}
	}
	return false
}

// decides says that a comparison with the name decides a save or a copy: the flag (is_best) reaches a save's condition or a
// helper's argument.
func (f *File) decides(s *SaveSite, name string) bool {
	if len(f.DecidedBy(s, name)) > 0 {
		return true
	}
	for _, c := range s.Run.Calls {
		if !s.around().Holds(c.Index) {
			continue
		}
		switch lastPart(c.Callee) {
		case "copyfile", "copy", "copy2": // save_checkpoint(state, is_best): the helper copies the best file
			for fr := c.Frame; fr != nil; fr = fr.Parent {
				if fr.Kind == pysem.FrameIf && f.asksOf(fr.Cond, fr.Ctx, name) {
					return true
				}
			}
		}
		if !foreignSaver.MatchString(lastPart(c.Callee)) {
			continue
		}
		args := pysem.Args(c.Node)
		for _, n := range slices.Concat(args.Position, slices.Collect(maps.Values(args.Keyword))) {
			if f.asksOf(n, c.Ctx, name) {
				return true
			}
		}
	}
	return false
}

// DecidedBy are the saves beside one, itself among them, that a comparison with a name decides.
func (f *File) DecidedBy(s *SaveSite, name string) []*SaveSite {
	var out []*SaveSite
	for _, o := range append(s.Companions(), s) {
		if slices.ContainsFunc(o.Conditions(), func(fr *pysem.Frame) bool { return f.asksOf(fr.Cond, fr.Ctx, name) }) {
			out = append(out, o)
		}
	}
	return out
}

// asksOf reports whether a condition compares the name, be the comparison kept in a flag.
func (f *File) asksOf(cond pyast.Node, ctx *pysem.Ctx, name string) bool {
	if compares(cond, name) {
		return true
	}
	if cond.Kind() == pyast.KindBooleanOperator {
		return f.asksOf(cond.Child(pyast.FieldLeft), ctx, name) || f.asksOf(cond.Child(pyast.FieldRight), ctx, name)
	}
	v := f.Eval.Eval(cond, ctx)
	return slices.ContainsFunc(comparisons(v, 0), func(v *pysem.Value) bool { return compares(v.Node, name) }) ||
		slices.ContainsFunc(v.Alternatives(), func(v *pysem.Value) bool { return v.Node.Is(pyast.KindTrue) && f.setWhere(v.Node, v.Ctx, name) })
}

// setWhere reports whether a value stands under a comparison with a name, be that kept in a flag: `if acc > best: is_best = True`.
func (f *File) setWhere(n pyast.Node, ctx *pysem.Ctx, name string) bool {
	for p := n.Parent(); p.Valid() && !p.Is(pyast.KindFunctionDefinition, pyast.KindModule); n, p = p, p.Parent() {
		if !p.Is(pyast.KindIfStatement, pyast.KindElifClause) || n.Field() != pyast.FieldConsequence {
			continue
		}
		cond := p.Child(pyast.FieldCondition)
		if compares(cond, name) || ctx != nil && slices.ContainsFunc(comparisons(f.Eval.Eval(cond, ctx), 0), func(v *pysem.Value) bool { return compares(v.Node, name) }) {
			return true
		}
	}
	return false
}

func compares(cond pyast.Node, name string) bool {
	for n := range cond.Descendants() {
		if n.Kind() != pyast.KindComparisonOperator || asksForNone(n) {
			continue
		}
		for c := range n.Children() {
			if c.TextIs(name) {
				return true
			}
		}
	}
	return false
}

func mentions(n pyast.Node, name string) bool {
	for d := range n.Descendants() {
		if d.Is(pyast.KindIdentifier, pyast.KindAttribute) && d.TextIs(name) {
			return true
		}
	}
	return false
}

// asksForNone reports whether a comparison is with None, which compares no metric.
func asksForNone(n pyast.Node) bool {
	for c := range n.Children() {
		if c.Kind() == pyast.KindNoneLiteral {
			return true
		}
	}
	return false
}
