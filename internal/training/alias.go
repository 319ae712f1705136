package training

import (
	"regexp"
	"strings"

	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
	"github.com/ckpt-lsp/ckpt-lsp/internal/pysem"
)

// Alias is a variable that is meant to keep the best weights, and holds a reference to those that training goes on changing.
type Alias struct {
	// Name is the variable; Assign its assignment, Value the right-hand side, Inner what must be copied in it: `model` or
	// `model.state_dict()`.
	Name                 string
	Assign, Value, Inner pyast.Node
	// Model is how the model is written. Whole says that the variable is the model itself.
	Model string
	Whole bool
	// Use is where the weights are taken back.
	Use pyast.Node
}

var (
	keptName  = regexp.MustCompile(`(?i)best|lowest|highest|optimal`)
	trainCall = regexp.MustCompile(`(?i)train|(^|_)fit(_|$)|backward|optimi[sz]e|^step$|run_epoch`)
	takeBack  = regexp.MustCompile(`(?i)^(load_state_dict|save\w*|dump)$`)
)

// Aliases finds the variables of the file that keep a reference instead of a copy.
func (f *File) Aliases() []Alias {
	var out []Alias
	seen := map[pyast.Node]bool{}
	for _, r := range f.Runs {
		for i, ev := range r.Events {
			if ev.Kind != pysem.EventAssign || ev.Node.Kind() != pyast.KindAssignment || seen[ev.Node] {
				continue
			}
			if a, ok := r.alias(i, ev); ok {
				seen[ev.Node] = true
				out = append(out, a)
			}
		}
	}
	return out
}

func (r *Run) alias(i int, ev pysem.Event) (Alias, bool) {
	f := r.File
	left := ev.Node.Child(pyast.FieldLeft)
	a := Alias{Name: left.Text(), Assign: ev.Node, Value: ev.Node.Child(pyast.FieldRight)}
	if !left.Is(pyast.KindIdentifier, pyast.KindAttribute) {
		return a, false
	}
	named := keptName.MatchString(lastPart(a.Name))
	if !named && !f.marksBest(ev) {
		return a, false
	}
	var model pyast.Node
	if a.Inner, model = f.referred(a.Value, ev.Ctx, 0); !model.Valid() {
		return a, false
	}
	a.Model, a.Whole = model.Text(), a.Inner == model
	v := f.Eval.Eval(model, ev.Ctx)
	if o := f.Object(v, a.Model); a.Whole && !r.IsModel(o) || o != nil && o.Kind != Model && o.Kind != Averaged {
		return a, false
	}
	branch, loop := r.bestBranch(i, ev, v)
	if !branch.Valid() || endsLoop(branch) {
		return a, false
	}
	a.Use = f.takenBack(ev, branch, loop)
	return a, a.Use.Valid() && (named || restoring(a.Use))
}

// marksBest reports whether an assignment stands in the branch of a test that finds a metric to be the best so far and notes it, be it
// under a further condition there.
func (f *File) marksBest(ev pysem.Event) bool {
	block := ev.Node
	for fr := ev.Frame; fr != nil && fr.Kind != pysem.FrameLoop; fr = fr.Parent {
		f.Eval.Work.Spend(1)
		if fr.Kind != pysem.FrameIf || !fr.Positive || fr.Early || fr.Ctx != ev.Ctx {
			continue
		}
		block = branchOf(block)
		for s := range block.Children() {
			if n := s.Nth(0); n.Kind() == pyast.KindAssignment && f.asksBest(fr, n.Child(pyast.FieldLeft).Text(), n.Child(pyast.FieldRight)) {
				return true
			}
		}
	}
	return false
}

// referred finds what an expression only refers to: `model` itself, its state dict, or a shallow copy of that. inner is the
// expression to copy, model the model in it.
func (f *File) referred(n pyast.Node, ctx *pysem.Ctx, depth int) (inner, model pyast.Node) {
	if depth > 3 {
		return
	}
	switch n.Kind() {
	case pyast.KindParenthesizedExpression:
		return f.referred(n.Nth(0), ctx, depth+1)
	case pyast.KindIdentifier, pyast.KindAttribute:
		if depth == 0 || modelWord.MatchString(lastPart(n.Text())) {
			return n, n
		}
	case pyast.KindCall:
		fn, args := n.Child(pyast.FieldFunction), pysem.Args(n)
		if fn.Kind() == pyast.KindAttribute {
			recv := fn.Child(pyast.FieldObject)
			switch method := fn.Child(pyast.FieldAttribute); {
			case method.TextIs("state_dict") && !args.May():
				return n, recv
			case method.TextIs("copy") && recv.Kind() == pyast.KindCall && len(args.Position) == 0:
				return f.referred(recv, ctx, depth+1)
			}
		}
		switch callee := f.Eval.Eval(fn, ctx); callee.Name {
		case "builtins.dict", "collections.OrderedDict", "copy.copy":
			if inner, model = f.referred(args.Pos(0), ctx, depth+1); callee.Name == "copy.copy" || inner != model {
				return inner, model
			}
			return pyast.Node{}, pyast.Node{}
		}
	case pyast.KindDictionaryComprehension:
		// {k: v for k, v in model.state_dict().items()}, v perhaps detached, which shares its memory too
		value := n.Child(pyast.FieldBody).Child(pyast.FieldValue)
		loop := n.Nth(1)
		items := loop.Child(pyast.FieldRight).Child(pyast.FieldFunction)
		name := strings.TrimSuffix(strings.TrimSuffix(value.Text(), ".detach()"), ".data")
		if loop.Kind() == pyast.KindForInClause && items.Child(pyast.FieldAttribute).TextIs("items") && loop.Child(pyast.FieldLeft).Nth(1).TextIs(name) {
			return f.referred(items.Child(pyast.FieldObject), ctx, depth+1)
		}
	}
	return
}

// bestBranch is the branch, of a test in a loop that trains the model, in which an assignment stands, and the loop; for an
// attribute also the branch of a method that is called once a round, without the loop. The model must be older than the loop.
func (r *Run) bestBranch(i int, ev pysem.Event, model *pysem.Value) (branch, loop pyast.Node) {
	left := ev.Node.Child(pyast.FieldLeft)
	for fr := ev.Frame; fr != nil; fr = fr.Parent {
		if fr.Ctx != ev.Ctx && left.Kind() == pyast.KindIdentifier {
			break // a variable does not outlive its function
		}
		switch {
		case fr.Kind == pysem.FrameIf && !branch.Valid():
			branch = branchOf(ev.Node)
		case fr.Kind == pysem.FrameLoop && !branch.Valid():
			return // each round: nothing is kept
		case fr.Kind == pysem.FrameLoop:
			if l := r.loopOf(fr.Node, i); l != nil && r.trains(l) && !madeIn(model, l.Node) {
				loop = l.Node
			}
		}
	}
	if loop.Valid() {
		return branch, loop
	}
	if fn := ev.Ctx.Func; branch.Valid() && left.Kind() == pyast.KindAttribute && fn.Class != nil && fn.Name != "__init__" && !r.looped(ev) {
		return branch, loop
	}
	return pyast.Node{}, loop
}

func (r *Run) looped(ev pysem.Event) bool {
	for fr := ev.Frame; fr != nil; fr = fr.Parent {
		if fr.Kind == pysem.FrameLoop {
			return true
		}
	}
	return false
}

// branchOf is the block of the if statement that a frame stands for which holds the node, or from which it is called; the
// whole statement's block where the test leaves early.
func branchOf(n pyast.Node) pyast.Node {
	for p := n.Parent(); p.Valid(); p = p.Parent() {
		if p.Kind() == pyast.KindBlock && p.Parent().Is(pyast.KindIfStatement, pyast.KindElifClause, pyast.KindElseClause) {
			return p
		}
		if p.Is(pyast.KindFunctionDefinition, pyast.KindModule) {
			break
		}
	}
	return statementOf(n) // behind an early return, or in a function that is called under the test
}

// endsLoop reports whether a block ends the loop, so that training does not go on.
func endsLoop(block pyast.Node) bool {
	var last pyast.Node
	for c := range block.Children() {
		last = c
	}
	return last.Is(pyast.KindBreakStatement, pyast.KindReturnStatement, pyast.KindRaiseStatement)
}

func statementOf(n pyast.Node) pyast.Node {
	for n.Valid() && !n.Parent().Is(pyast.KindBlock, pyast.KindModule) {
		n = n.Parent()
	}
	return n
}

func (r *Run) loopOf(n pyast.Node, index int) *Loop {
	for _, l := range r.Loops {
		if l.Node == n && l.Holds(index) {
			return l
		}
	}
	return nil
}

// trains reports whether a loop trains as far as its calls tell, be it in functions of other files.
func (r *Run) trains(l *Loop) bool {
	if l.Trains {
		return true
	}
	for i := l.First; i < min(l.Last, len(r.Events)); i++ {
		if ev := r.Events[i]; ev.Kind == pysem.EventCall && trainCall.MatchString(calledName(ev.Node)) {
			return true
		}
	}
	return false
}

// madeIn reports whether a value may be made inside a node, or is not known.
func madeIn(v *pysem.Value, n pyast.Node) bool {
	for _, a := range v.Alternatives() {
		for b := a; b != nil; b = b.Base {
			if b.Kind == pysem.Unknown || n.Encloses(b.Node) && b.Kind != pysem.Attr {
				return true
			}
			if b.Kind != pysem.Attr {
				break
			}
		}
	}
	return false
}

// takenBack is where a kept variable is used once training has gone on: behind the loop, in the loop to restore or save, or in
// another method of the class, or of one that inherits from it.
func (f *File) takenBack(kept pysem.Event, branch, loop pyast.Node) pyast.Node {
	left := kept.Node.Child(pyast.FieldLeft)
	if loop.Valid() && !loop.Encloses(left) { // the loop calls the function at hand
		if left.Kind() != pyast.KindAttribute {
			return pyast.Node{}
		}
		loop = pyast.Node{}
	}
	scope := left.Ancestor(pyast.KindFunctionDefinition, pyast.KindModule)
	if left.Kind() == pyast.KindAttribute {
		scope = left.Ancestor(pyast.KindClassDefinition, pyast.KindModule)
	}
	method := left.Ancestor(pyast.KindFunctionDefinition)
	for n := range scope.Descendants() {
		if n.Kind() != left.Kind() || branch.Encloses(n) || !n.TextIs(left.Text()) || !reads(n) {
			continue
		}
		restores := restoring(n)
		switch in := n.Ancestor(pyast.KindFunctionDefinition); {
		case loop.Valid() && loop.Encloses(n):
			if restores {
				return n
			}
		case loop.Valid() && in == method:
			if n.Start() > loop.End() {
				return n
			}
		case restores || n.Parent().Kind() == pyast.KindReturnStatement:
			return n
		}
	}
	if left.Kind() != pyast.KindAttribute || kept.Ctx.Func.Class == nil {
		return pyast.Node{}
	}
	for _, m := range f.involved() {
		for _, c := range m.Classes {
			if !f.inherits(c, kept.Ctx.Func.Class) {
				continue
			}
			for n := range c.Node.Descendants() {
				if n.Kind() == left.Kind() && n.TextIs(left.Text()) && reads(n) && restoring(n) {
					return n
				}
			}
		}
	}
	return pyast.Node{}
}

// reads reports whether a name is read for its value, rather than assigned or asked whether it is there.
func reads(n pyast.Node) bool {
	p := n.Parent()
	switch {
	case p.Is(pyast.KindComparisonOperator, pyast.KindNotOperator, pyast.KindBooleanOperator, pyast.KindDeleteStatement, pyast.KindGlobalStatement, pyast.KindNonlocalStatement):
		return false
	case n.Field() == pyast.FieldCondition, n.Field() == pyast.FieldLeft, n.Field() == pyast.FieldName:
		return false
	case p.Is(pyast.KindPatternList, pyast.KindTuplePattern):
		return false
	case n.Kind() == pyast.KindIdentifier && n.Field() == pyast.FieldAttribute:
		return false
	}
	return true
}

// restoring reports whether a name stands among the arguments of a call that loads or saves it.
func restoring(n pyast.Node) bool {
	for p := n.Parent(); p.Valid() && !p.Is(pyast.KindBlock, pyast.KindModule); p = p.Parent() {
		if p.Kind() == pyast.KindCall && takeBack.MatchString(calledName(p)) && p.Child(pyast.FieldArguments).Encloses(n) {
			return true
		}
	}
	return false
}
