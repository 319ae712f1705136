package training

import (
	"maps"
	"slices"
	"strings"

	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
	"github.com/ckpt-lsp/ckpt-lsp/internal/pysem"
)

// Trainers of libraries are classes whose methods save, load and step, while the loop that calls them stands somewhere else.

// selfClass is the class whose instance a context runs on, nil for plain functions.
func selfClass(ctx *pysem.Ctx) *pysem.Class {
	for c := ctx; c != nil; c = c.Parent {
		if c.Self != nil && c.Self.Kind == pysem.Instance {
			return c.Self.Class
		}
		if c.Func.Class != nil {
			return nil
		}
	}
	return nil
}

// maxSelves bounds the classes that one method is read for.
const maxSelves = 3

// selves are the instances that a method which nothing calls may run on: where its class leaves methods for others to fill in, one of each
// class of the file that does; nil stands for an instance of the class itself.
func (f *File) selves(fn *pysem.Func) []*pysem.Value {
	var out []*pysem.Value
	if fn.Method() {
		for _, c := range f.Module.Classes {
			if len(out) < maxSelves && f.inherits(c, fn.Class) && f.Eval.MethodOf(c, fn.Name) == fn && f.fillsIn(c, fn.Class) && !f.inherited(c) {
				out = append(out, &pysem.Value{Kind: pysem.Instance, Class: c})
			}
		}
	}
	if len(out) == 0 {
		out = append(out, nil)
	}
	return out
}

// inheritedRuns traces what classes of the file inherit from classes of other files that leave methods for them to fill in: those files do
// not know with what. own are the names that the file itself calls.
func (f *File) inheritedRuns(own map[string]bool) {
	for _, c := range f.Module.Classes {
		if f.inherited(c) {
			continue
		}
		for _, b := range f.above(c, 0) {
			if b.Module == f.Module || !f.fillsInAny(c, b) {
				continue
			}
			known := called(b.Module)
			maps.Copy(known, own)
			for _, fn := range b.Module.Funcs {
				if fn.Class != b || known[fn.Name] || strings.HasPrefix(fn.Name, "__") || f.Eval.MethodOf(c, fn.Name) != fn || f.tracer.Visited(fn) || !f.tracer.Worth(fn) {
					continue
				}
				r := f.run(fn, f.Eval.Root(fn, &pysem.Value{Kind: pysem.Instance, Class: c}))
				if r.Leaf = c; len(r.Calls) > 0 {
					f.Runs = append(f.Runs, r)
				}
			}
		}
	}
}

// above are the classes at hand that a class inherits from, the nearest first.
func (f *File) above(c *pysem.Class, depth int) []*pysem.Class {
	var out []*pysem.Class
	if depth < 8 {
		for _, b := range f.Eval.Bases(c) {
			out = append(append(out, b), f.above(b, depth+1)...)
		}
	}
	return out
}

// fillsInAny reports whether a class fills in a method that another class has empty, of its own or from a class above it.
func (f *File) fillsInAny(c, from *pysem.Class) bool {
	return slices.ContainsFunc(append(f.above(from, 0), from), func(b *pysem.Class) bool {
		for name := range b.Methods {
			if has := f.Eval.MethodOf(from, name); has != nil && emptyBody(has.Body) && f.Eval.MethodOf(c, name) != has {
				return true
			}
		}
		return false
	})
}

// fillsIn reports whether a class gives a body to a method that one above it leaves empty.
func (f *File) fillsIn(c, from *pysem.Class) bool {
	for name, fn := range from.Methods {
		if own := f.Eval.MethodOf(c, name); own != fn && emptyBody(fn.Body) {
			return true
		}
	}
	return false
}

// emptyBody reports whether a function does nothing, or only says that a class below has to do it.
func emptyBody(body pyast.Node) bool {
	for s := range body.Children() {
		switch {
		case s.Is(pyast.KindPassStatement, pyast.KindRaiseStatement, pyast.KindComment), s.Nth(0).Is(pyast.KindString, pyast.KindEllipsis):
		default:
			return false
		}
	}
	return true
}

// inherited reports whether another class of the file inherits from a class.
func (f *File) inherited(c *pysem.Class) bool {
	if f.parents == nil {
		f.parents = map[*pysem.Class]bool{}
		seen := map[*pysem.Class]bool{}
		var climb func(c *pysem.Class)
		climb = func(c *pysem.Class) {
			if seen[c] {
				return
			}
			seen[c] = true
			for _, b := range f.Eval.Bases(c) {
				f.parents[b] = true
				climb(b)
			}
		}
		for _, o := range f.Module.Classes {
			climb(o)
		}
	}
	return f.parents[c]
}

// related reports whether one class is, or inherits from, the other.
func (f *File) related(a, b *pysem.Class) bool {
	return a != nil && b != nil && (a == b || f.inherits(a, b) || f.inherits(b, a))
}

func (f *File) inherits(c, from *pysem.Class) bool {
	seen := map[*pysem.Class]bool{}
	for depth, level := 0, []*pysem.Class{c}; depth < 8 && len(level) > 0; depth++ {
		var next []*pysem.Class
		for _, c := range level {
			for _, b := range f.Eval.Bases(c) {
				f.Eval.Work.Spend(1)
				if b == from {
					return true
				}
				if !seen[b] {
					seen[b] = true
					next = append(next, b)
				}
			}
		}
		level = next
	}
	return false
}

// keptByClass is the load by which a class takes back what its save writes, nil unless the save stands in a method outside any
// loop, writes the state of an optimizer that the instance holds, and another method restores that from a file.
func (f *File) keptByClass(s *SaveSite) *LoadSite {
	class := selfClass(s.Ctx)
	if class == nil || s.Loop != nil || s.AfterLoop {
		return nil
	}
	holds := func(x *SaveSite) bool {
		return slices.ContainsFunc(x.Components, func(c Component) bool {
			return c.Role == RoleState && c.Object != nil && c.Object.Kind == Optimizer && strings.HasPrefix(c.Object.Name, "self.")
		})
	}
	if !holds(s) && !slices.ContainsFunc(s.Companions(), holds) {
		return nil
	}
	for _, r := range f.Runs {
		for _, x := range r.Restores {
			if x.Object != nil && x.Object.Kind == Optimizer && x.Load != nil && f.related(class, selfClass(x.Ctx)) {
				return x.Load
			}
		}
	}
	return nil
}

// classSteps are the steps, in any method, of objects of a kind that an instance of the class holds.
func (f *File) classSteps(class *pysem.Class, k Kind) []*Step {
	var out []*Step
	seen := map[string]bool{}
	for _, r := range f.Runs {
		for _, st := range r.Steps {
			o := st.Object
			if o.Kind == k && strings.HasPrefix(o.Name, "self.") && !seen[o.key] && f.related(class, selfClass(st.Ctx)) {
				seen[o.key] = true
				out = append(out, st)
			}
		}
	}
	return out
}

// classBest is the best-so-far attribute that decides, in any method of a class, whether the method of a save is called; nil
// when there is none.
func (f *File) classBest(s *SaveSite) *Best {
	class := selfClass(s.Ctx)
	for _, r := range f.Runs {
		for _, ev := range r.Events {
			if ev.Kind != pysem.EventAssign || ev.Node.Kind() != pyast.KindAssignment || !f.related(class, selfClass(ev.Ctx)) {
				continue
			}
			left := ev.Node.Child(pyast.FieldLeft)
			if left.Kind() != pyast.KindAttribute || !strings.HasPrefix(left.Text(), "self.") {
				continue
			}
			for fr := ev.Frame; fr != nil; fr = fr.Parent {
				if fr.Kind == pysem.FrameIf && fr.Positive && fr.Ctx == ev.Ctx && f.asksBest(fr, left.Text(), ev.Node.Child(pyast.FieldRight)) && callsMethod(fr.Node, s) {
					return &Best{Name: left.Text(), Test: fr.Cond, Assign: ev.Node, Ctx: ev.Ctx}
				}
			}
		}
	}
	return nil
}

// callsMethod reports whether a block calls the method that a save stands in, or one around it.
func callsMethod(block pyast.Node, s *SaveSite) bool {
	for n := range block.Descendants() {
		if n.Kind() != pyast.KindCall {
			continue
		}
		name := lastPart(n.Child(pyast.FieldFunction).Text())
		for c := s.Ctx; c != nil; c = c.Parent {
			if c.Func.Name == name {
				return true
			}
		}
	}
	return false
}

// Contracts are the dicts of states that methods of classes of the file give, for whoever saves them, and that other methods of the same
// class take back: with an optimizer's state among them they are checkpoints that training goes on from.
func (f *File) Contracts() []*SaveSite {
	if f.contracts != nil {
		return f.contracts
	}
	f.contracts = []*SaveSite{}
	for _, r := range f.Runs {
		fn := r.Entry
		if fn.Class == nil || len(fn.Returns) != 1 || len(r.Events) == 0 {
			continue
		}
		ctx := r.Events[0].Ctx
		v := f.Eval.Eval(fn.Returns[0], ctx)
		if v.Kind != pysem.Dict || v.Dict.Open || !v.Dict.Literal.Valid() {
			continue
		}
		s := &SaveSite{Call: &Call{Run: r, Index: len(r.Events) - 1, Node: v.Dict.Literal, Ctx: ctx, Frame: nil}, PayloadNode: fn.Returns[0], Path: &Path{}, Written: &Path{}, Given: true}
		f.payload(s, v)
		if s.HasRole(RoleProgress) && f.takesBackGiven(fn, s) {
			f.contracts = append(f.contracts, s)
		}
	}
	return f.contracts
}

// takesBackGiven reports whether another method of the class restores, from a parameter, an optimizer whose state a method gives.
func (f *File) takesBackGiven(fn *pysem.Func, s *SaveSite) bool {
	for _, r := range f.Runs {
		if r.Entry == fn || !f.related(r.Entry.Class, fn.Class) {
			continue
		}
		for _, x := range r.Restores {
			base, _, read := x.Source.KeyRead()
			if x.Object != nil && x.Object.Kind == Optimizer && read && base.Kind == pysem.ParamVal && x.Ctx.Func == r.Entry && s.Has(x.Object) {
				return true
			}
		}
	}
	return false
}

// LostState is a state_dict method that asks for the state of an object it holds and returns nothing.
type LostState struct {
	Object *Object
	// Call is the call whose result is dropped.
	Call pyast.Node
}

// LostStates are those of the file.
func (f *File) LostStates() []LostState {
	var out []LostState
	for _, c := range f.Module.Classes {
		fn := c.Methods["state_dict"]
		if fn == nil || len(fn.Returns) > 0 || fn.Yields {
			continue
		}
		for _, call := range fn.Calls {
			callee := call.Child(pyast.FieldFunction)
			if callee.Kind() != pyast.KindAttribute || calledName(call) != "state_dict" || call.Parent().Kind() != pyast.KindExpressionStatement {
				continue
			}
			recv := callee.Child(pyast.FieldObject)
			if o := f.Object(f.Eval.Eval(recv, f.Eval.Root(fn, nil)), recv.Text()); o != nil {
				out = append(out, LostState{o, call})
			}
		}
	}
	return out
}
