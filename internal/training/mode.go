package training

import (
	"regexp"
	"slices"

	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
	"github.com/ckpt-lsp/ckpt-lsp/internal/pysem"
)

// LeftInEval is a model that a training loop puts into evaluation mode and trains on with, because nothing puts it back.
type LeftInEval struct {
	Loop *Loop
	Eval pyast.Node
	// At is the call in the loop's function that leads to Eval, Step the one that leads to the optimizer's step.
	At, Step pyast.Node
	// Model is how the loop's function calls the model, "" where it has no name there.
	Model string
}

// modeful are the names of what behaves otherwise in evaluation mode, and of what makes models that are not at hand.
var (
	modeful = regexp.MustCompile(`(?i)dropout|drop_?path|batch_?norm|(^|_)bn\d*$|^training$|inplace_abn|from_pretrained|^timm$|^torchvision$|^transformers$`)
	// switching are calls that may put a model back into training mode out of sight.
	switching = regexp.MustCompile(`(?i)^(set|to|switch|enable|put|back|restore|reset|toggle|change|prep(are)?|on)_?\w*(train|mode)|train(ing)?_?mode|^train$`)
)

// LeftInEval are the models of the file that are evaluated in the middle of training and stay in evaluation mode.
func (f *File) LeftInEval() []LeftInEval {
	var out []LeftInEval
	for _, r := range slices.Concat(f.Runs, f.Left) { // what a caller elsewhere does changes nothing inside the loop
		for _, at := range r.evals() {
			i, ev := at.index, at.event
			recv := ev.Node.Child(pyast.FieldFunction).Child(pyast.FieldObject)
			model := f.Object(f.Eval.Eval(recv, ev.Ctx), recv.Text())
			loop, step := r.loopAround(i)
			for loop != nil && f.lastRound(ev.Frame, loop) {
				loop = loop.Parent // what follows is the next round of the loop around it
			}
			if loop == nil || !loop.Trains || model == nil || model.Kind != Model || r.switchesBack(loop) || f.modeless(model) || leavesLoop(ev.Frame, loop) {
				continue
			}
			// In front of the step of the same round it is meant, as to keep batch statistics, unless it happens now and then.
			if i < step.Index && !underIf(ev.Frame, loop) {
				continue
			}
			name, trained := r.trainedAs(model, loop)
			if !trained {
				continue
			}
			at, stepAt, in := meet(ev.Ctx, ev.Node, step.Ctx, step.Node)
			if !at.Valid() || in != loop.Ctx {
				continue
			}
			if at == ev.Node {
				name = recv.Text()
			}
			out = append(out, LeftInEval{loop, ev.Node, at, stepAt, name})
		}
	}
	return out
}

// evalAt is a call that puts a model into evaluation mode, and where it happens in a run.
type evalAt struct {
	index int
	event pysem.Event
}

// evals are the calls of a run that put a model into evaluation mode, those too that a function of another file makes at its start which
// does nothing that is worth walking into it for.
func (r *Run) evals() []evalAt {
	f := r.File
	var out []evalAt
	for i, ev := range r.Events {
		if modeCall(ev, "eval") {
			out = append(out, evalAt{i, ev})
			continue
		}
		if ev.Kind != pysem.EventCall || ev.Frame == nil {
			continue
		}
		callee := f.Eval.Eval(ev.Node.Child(pyast.FieldFunction), ev.Ctx)
		if callee.Kind != pysem.FuncVal || callee.Func.Module == f.Module || f.tracer.Visited(callee.Func) {
			continue
		}
		for _, call := range callee.Func.Calls {
			inner := pysem.Event{Kind: pysem.EventCall, Node: call, Frame: ev.Frame}
			if modeCall(inner, "eval") && statementOf(call).Parent() == callee.Func.Body {
				inner.Ctx = f.Eval.Enter(callee.Func, ev.Node, ev.Ctx, callee.Base)
				out = append(out, evalAt{i, inner})
			}
		}
	}
	return out
}

// modeCall reports whether an event is `x.eval()` or `x.train()`; `x.train(False)` is neither.
func modeCall(ev pysem.Event, method string) bool {
	if ev.Kind != pysem.EventCall {
		return false
	}
	fn := ev.Node.Child(pyast.FieldFunction)
	return fn.Kind() == pyast.KindAttribute && fn.Child(pyast.FieldAttribute).TextIs(method) && !pysem.Args(ev.Node).Pos(0).Valid()
}

// loopAround is the innermost loop around an event that trains in sight, with the first step in it.
func (r *Run) loopAround(index int) (*Loop, *Step) {
	var inner *Loop
	for _, l := range r.Loops {
		if l.Trains && l.Holds(index) && (inner == nil || l.First > inner.First) {
			inner = l
		}
	}
	if inner == nil {
		return nil, nil
	}
	for _, s := range r.Steps {
		if s.Object.Kind == Optimizer && inner.Holds(s.Index) {
			if s.Foreign {
				return nil, nil
			}
			return inner, s
		}
	}
	return nil, nil
}

// switchesBack reports whether anything in a loop puts a model into training mode, or may do so out of sight.
func (r *Run) switchesBack(loop *Loop) bool {
	f := r.File
	seen := map[*pysem.Func]bool{}
	for _, ev := range r.Events[loop.First:loop.Last] {
		if ev.Kind != pysem.EventCall {
			continue
		}
		if switching.MatchString(calledName(ev.Node)) {
			return true
		}
		callee := f.Eval.Eval(ev.Node.Child(pyast.FieldFunction), ev.Ctx)
		if callee.Kind == pysem.FuncVal && !seen[callee.Func] {
			seen[callee.Func] = true
			if speaksOfMode(callee.Func.Body) {
				return true
			}
		}
	}
	return speaksOfMode(loop.Node)
}

// speaksOfMode reports whether a piece of code calls train() or asks for or sets `training`.
func speaksOfMode(body pyast.Node) bool {
	for n := range body.Descendants() {
		if n.Kind() == pyast.KindAttribute && (n.Child(pyast.FieldAttribute).TextIs("train") || n.Child(pyast.FieldAttribute).TextIs("training")) {
			return true
		}
	}
	return false
}

// modeless reports whether the class of a model is at hand and the files in sight name nothing that the mode has to do with.
func (f *File) modeless(model *Object) bool {
	v := model.Bare().Value
	if v == nil || v.Kind != pysem.Instance {
		return false
	}
	if f.speaks(modeful) {
		return false
	}
	for m := range f.Eval.Consulted() {
		if m.Words().Names.Match(modeful) {
			return false
		}
	}
	return true
}

// trainedAs reports whether the run trains a model: it is put into training mode before, or the optimizer has its parameters. name
// is what the loop's function calls it.
func (r *Run) trainedAs(model *Object, loop *Loop) (name string, trained bool) {
	f := r.File
	for _, ev := range r.Events[:loop.First] {
		if !modeCall(ev, "train") {
			continue
		}
		recv := ev.Node.Child(pyast.FieldFunction).Child(pyast.FieldObject)
		if f.Object(f.Eval.Eval(recv, ev.Ctx), recv.Text()).Same(model) {
			trained = true
			if ev.Ctx == loop.Ctx {
				name = recv.Text()
			}
		}
	}
	for _, s := range r.Steps {
		if s.Object.Kind != Optimizer || !loop.Holds(s.Index) || !s.Object.Call.Valid() {
			continue
		}
		f.modulesIn(pysem.Args(s.Object.Call).Get(0, "params"), s.Object.Ctx, 0, func(o *Object) { trained = trained || o.Same(model) })
	}
	return name, trained
}

// leavesLoop reports whether an event stands in a branch that ends the loop, or in a handler of errors.
func leavesLoop(fr *pysem.Frame, loop *Loop) bool {
	for ; fr != nil && fr.Node != loop.Node; fr = fr.Parent {
		if fr.Kind == pysem.FrameExcept || fr.Kind == pysem.FrameIf && fr.Positive && !fr.Early && endsLoop(fr.Cond.Parent().Child(pyast.FieldConsequence)) {
			return true
		}
	}
	return false
}

// lastRound reports whether an event happens in the last round of a loop only: under `i == len(loader) - 1`, where the loop goes
// through the loader.
func (f *File) lastRound(fr *pysem.Frame, loop *Loop) bool {
	over := loop.Node.Child(pyast.FieldRight)
	for ; fr != nil && fr.Node != loop.Node; fr = fr.Parent {
		if fr.Kind != pysem.FrameIf || !fr.Positive || fr.Cond.Kind() != pyast.KindComparisonOperator {
			continue
		}
		left, right := fr.Cond.Nth(0), lastChild(fr.Cond)
		for o := range fr.Cond.ChildrenOf(pyast.FieldOperators) {
			if o.TextIs("==") && (f.isLast(left, right, fr.Ctx, loop, over) || f.isLast(right, left, fr.Ctx, loop, over)) {
				return true
			}
		}
	}
	return false
}

// isLast reports whether one side counts a loop's rounds, and the other is the number of the last of them.
func (f *File) isLast(count, number pyast.Node, ctx *pysem.Ctx, loop *Loop, over pyast.Node) bool {
	n, counts := f.counts(f.Eval.Eval(count, ctx), loop)
	length, offset, ok := f.Eval.Eval(number, ctx).Linear()
	if !counts || !ok || length == nil || length.Callee() != "builtins.len" || n-offset != 1 {
		return false
	}
	through := pysem.Args(length.Node).Pos(0).Text()
	for d := range over.Descendants() {
		if d.TextIs(through) {
			return true
		}
	}
	return false
}

// underIf reports whether a condition inside the loop decides about an event.
func underIf(fr *pysem.Frame, loop *Loop) bool {
	for ; fr != nil && fr.Node != loop.Node; fr = fr.Parent {
		if fr.Kind == pysem.FrameIf && !fr.Early {
			return true
		}
	}
	return false
}
