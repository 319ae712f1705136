package training

import (
	"regexp"
	"strings"

	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
	"github.com/ckpt-lsp/ckpt-lsp/internal/pysem"
)

// Averages are the moving averages of a model that are updated in a loop around the save, each once: by their own method or
// call, by a function that is handed them, or by hand. Step.Node is the update.
func (s *SaveSite) Averages() []*Step {
	var out []*Step
	loops := s.loops()
	if len(loops) == 0 {
		return nil
	}
	seen := map[string]bool{}
	for _, st := range s.Run.averages() {
		key := st.Object.Bare().key
		if loops[0].Holds(st.Index) && !seen[key] && !s.Run.File.insideModule(st.Object) {
			seen[key] = true
			out = append(out, st)
		}
	}
	return out
}

// loops are the loops around the save, outermost first.
func (s *SaveSite) loops() []*Loop {
	var out []*Loop
	for _, l := range s.Run.Loops {
		if l.Holds(s.Index) && l.Node.Is(pyast.KindForStatement, pyast.KindWhileStatement) {
			out = append(out, l)
		}
	}
	return out
}

// SwappedIn reports whether a save stands in a block that a method of an average opens and closes: torch_ema's
// `with ema.average_parameters():` puts the averaged weights into the model until the block ends.
func (s *SaveSite) SwappedIn(average *Object) bool {
	for fr := s.Frame; fr != nil; fr = fr.Parent {
		if fr.Kind != pysem.FrameWith {
			continue
		}
		for _, block := range s.Run.File.Eval.Eval(fr.Node, fr.Ctx).Alternatives() {
			if recv, _, ok := block.Method(); ok {
				if o := s.Run.File.Object(recv, ""); o != nil && o.Same(average) {
					return true
				}
			}
		}
	}
	return false
}

// averager are functions of other files that move the average they are handed.
var averager = regexp.MustCompile(`(?i)(^|_)ema(_|$)|moving_average|^accumulate$|^(soft|polyak)_?update|momentum_update`)

// averages are all updates of moving averages in the run, in order of discovery.
func (r *Run) averages() []*Step {
	if r.averaged == nil {
		r.averaged = []*Step{}
		for _, st := range r.Steps {
			if st.Object.Kind == Averaged && r.File.averagesModel(st.Object, st.Node, st.Ctx) {
				r.averaged = append(r.averaged, st)
			}
		}
		for i, ev := range r.Events {
			if o := r.File.averages(ev); o != nil && (o.Kind == Averaged || o.Kind == Model) {
				r.averaged = append(r.averaged, &Step{Call: &Call{Run: r, Index: i, Node: ev.Node, Ctx: ev.Ctx, Frame: ev.Frame}, Object: o})
			}
		}
	}
	return r.averaged
}

// averages is the average that an event updates otherwise than by a method, nil when it updates none.
func (f *File) averages(ev pysem.Event) *Object {
	switch ev.Kind {
	case pysem.EventLoop:
		return f.blended(ev.Node.Child(pyast.FieldBody), ev.Ctx)
	case pysem.EventCall:
		if ev.Node.Parent().Kind() != pyast.KindExpressionStatement {
			return nil // the average's forward pass, not its update
		}
		fn := ev.Node.Child(pyast.FieldFunction)
		callee := f.Eval.Eval(fn, ev.Ctx)
		for _, a := range callee.Alternatives() {
			if a.Kind == pysem.FuncVal { // and no object, whatever it is called
				return f.averagedBy(a, ev)
			}
		}
		if o := f.Object(callee, fn.Text()); o != nil && o.Kind == Averaged && f.averagesModel(o, ev.Node, ev.Ctx) {
			return o // ema(model=net)
		}
		if averager.MatchString(calledName(ev.Node)) {
			for _, a := range pysem.Args(ev.Node).Position {
				if o := f.Object(f.Eval.Eval(a, ev.Ctx), a.Text()); o != nil && (o.Kind == Averaged || o.copied()) {
					return o
				}
			}
		}
	}
	return nil
}

// averagedBy is the average that a function at hand moves in a loop of its own.
func (f *File) averagedBy(callee *pysem.Value, ev pysem.Event) *Object {
	for _, a := range pysem.Args(ev.Node).Position {
		f.Object(f.Eval.Eval(a, ev.Ctx), a.Text()) // objects go by the caller's names
	}
	inner := f.Eval.Enter(callee.Func, ev.Node, ev.Ctx, callee.Base)
	for n := range callee.Func.Body.Descendants() {
		if n.Kind() == pyast.KindForStatement {
			if o := f.blended(n.Child(pyast.FieldBody), inner); o != nil {
				return o
			}
		}
	}
	return nil
}

var modelWord = regexp.MustCompile(`(?i)model|net|module|param|student|generator`)

// averagesModel says that an average is one of a model and not, say, of a loss: by its class, or because a module or its
// parameters are handed to the update or to the construction. An update without arguments has the model from the latter.
func (f *File) averagesModel(o *Object, update pyast.Node, ctx *pysem.Ctx) bool {
	return !o.Guessed || !update.Child(pyast.FieldArguments).Nth(0).Valid() || f.takesModel(update, ctx) || f.takesModel(o.Call, o.Ctx)
}

func (f *File) takesModel(call pyast.Node, ctx *pysem.Ctx) bool {
	for a := range call.Child(pyast.FieldArguments).Children() {
		if a.Kind() == pyast.KindKeywordArgument {
			a = a.Child(pyast.FieldValue)
		}
		if o := f.Object(f.Eval.Eval(a, ctx), a.Text()); o != nil && o.Kind == Model || modelWord.MatchString(lastPart(strings.TrimSuffix(a.Text(), "()"))) {
			return true
		}
	}
	return false
}

// copied says that an object began as a copy of another.
func (o *Object) copied() bool { return o.Class == "copy.deepcopy" }

// blended is the module whose parameters the body of a loop moves towards those of another: `p.mul_(d).add_(q, alpha=1 - d)`,
// `p.data = d * p.data + (1 - d) * q.data`, `p.lerp_(q, 1 - d)`. Nil when it does nothing of the kind.
func (f *File) blended(body pyast.Node, ctx *pysem.Ctx) *Object {
	for n := range body.Descendants() {
		var target pyast.Node
		mixes := false
		switch n.Kind() {
		case pyast.KindAssignment, pyast.KindAugmentedAssignment:
			target = n.Child(pyast.FieldLeft)
			mixes = n.Kind() == pyast.KindAugmentedAssignment || n.Child(pyast.FieldRight).Is(pyast.KindBinaryOperator)
		case pyast.KindExpressionStatement:
			if target = n.Nth(0); target.Kind() != pyast.KindCall {
				continue
			}
			for d := range n.Descendants() {
				mixes = mixes || d.Field() == pyast.FieldAttribute && (d.TextIs("mul_") || d.TextIs("lerp_")) || d.Kind() == pyast.KindBinaryOperator && d.Child(pyast.FieldOperator).TextIs("*")
			}
		}
		if !mixes {
			continue
		}
		written := f.parameterOf(target, ctx)
		if written == nil {
			continue
		}
		for d := range n.Descendants() {
			if d.Kind() == pyast.KindIdentifier && d.Field() != pyast.FieldAttribute {
				if o := f.parameterOf(d, ctx); o != nil && !o.Same(written) {
					return written
				}
			}
		}
	}
	return nil
}

// parameterOf is the module whose parameter an expression names: `p`, `p.data`, `params[name]`, `p.data.mul_(d)` with p from
// `zip(ema.parameters(), ...)`, params from `dict(ema.named_parameters())`.
func (f *File) parameterOf(n pyast.Node, ctx *pysem.Ctx) *Object {
	for n.Is(pyast.KindCall, pyast.KindAttribute, pyast.KindSubscript) {
		switch n.Kind() {
		case pyast.KindCall:
			n = n.Child(pyast.FieldFunction)
		case pyast.KindAttribute:
			n = n.Child(pyast.FieldObject)
		default:
			n = n.Child(pyast.FieldValue)
		}
	}
	if n.Kind() != pyast.KindIdentifier {
		return nil
	}
	return f.parametersOf(f.Eval.Eval(n, ctx), 0)
}

// parametersOf is the module whose parameters a value is, or comes from.
func (f *File) parametersOf(v *pysem.Value, depth int) *Object {
	if depth > 8 || v == nil {
		return nil
	}
	switch v.Kind {
	case pysem.LoopVar:
		return f.parametersOf(v.Base, depth+1)
	case pysem.Elem:
		if iterated := v.Base; iterated.Kind == pysem.LoopVar && iterated.Base.Callee() == "builtins.zip" {
			arg := pysem.Args(iterated.Base.Node).Pos(v.Index)
			return f.parametersOf(f.Eval.Eval(arg, iterated.Base.Ctx), depth+1)
		}
		return f.parametersOf(v.Base, depth+1) // name, parameter; or one pair of a zip
	case pysem.Item, pysem.Attr:
		return f.parametersOf(v.Base, depth+1)
	case pysem.Dict:
		if v.Node.Kind() == pyast.KindCall { // dict(ema.named_parameters())
			return f.parametersOf(f.Eval.Eval(pysem.Args(v.Node).Pos(0), v.Ctx), depth+1)
		}
	case pysem.Call:
		switch v.Callee() {
		case "builtins.list", "builtins.tuple", "builtins.enumerate", "builtins.dict", "collections.OrderedDict":
			return f.parametersOf(f.Eval.Eval(pysem.Args(v.Node).Pos(0), v.Ctx), depth+1)
		}
		recv, method, ok := v.Method()
		if !ok {
			return nil
		}
		switch method {
		case "parameters", "named_parameters", "state_dict":
			return f.Object(recv, v.Node.Child(pyast.FieldFunction).Child(pyast.FieldObject).Text())
		case "items", "values", "detach", "cpu", "get":
			return f.parametersOf(recv, depth+1)
		}
	}
	return nil
}

// insideModule says that an object is built inside a module of the file, or is an attribute of a model, whose state dict has it.
func (f *File) insideModule(o *Object) bool {
	if v := o.Value; o.Guessed && v != nil && v.Kind == pysem.Attr {
		if whole := f.Object(v.Base, strings.TrimSuffix(o.Name, "."+lastPart(o.Name))); whole != nil && whole.Kind == Model {
			return true
		}
	}
	if !o.Call.Valid() || o.Ctx == nil {
		return false
	}
	for fn := o.Ctx.Func; fn != nil; fn = fn.Parent {
		if fn.Class != nil {
			return f.classKind(fn.Class, 0) == Model
		}
	}
	return false
}

// TrainingSaves are the Resumptions, and beside them the saves in a loop that hold progress and an optimizer's state, but no
// model that can be told: it is saved in a form of its own, or not at all.
func (f *File) TrainingSaves() []Resumption {
	out := append([]Resumption{}, f.Resumptions()...)
	for _, s := range f.Saves() {
		if s.Kind == PayloadDict && !s.Open && !s.Collective && !s.Path.Buffer && !s.HasKind(Model) && s.HasRole(RoleProgress) && s.HasKind(Optimizer) && !s.writtenAgain(out) {
			out = append(out, Resumption{Save: s, Evidence: FromPayload})
		}
	}
	return out
}

// PartOf reports whether a component of the payload is the state of a part of an average, as of `ema.module`, on some way.
func (s *SaveSite) PartOf(c Component, o *Object) bool {
	if c.Value == nil {
		return false
	}
	whole := o.Bare().key
	for _, a := range c.Value.Alternatives() {
		recv, _, ok := a.Method()
		if !ok {
			recv = a
		}
		for _, v := range recv.Alternatives() {
			if v.Ctx != nil && v.Ctx.Self != nil && v.Ctx.Self.Key() == whole { // made by the average's own class
				return true
			}
			if v.Kind == pysem.Attr && v.Base.Key() == whole {
				return true
			}
		}
	}
	return false
}
