package training

import (
	"maps"
	"regexp"
	"slices"

	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
	"github.com/ckpt-lsp/ckpt-lsp/internal/pysem"
	"github.com/ckpt-lsp/ckpt-lsp/internal/torch"
)

// Unrestored are the components of a save that the load it is resumed by never takes back: their keys are not read there and
// nothing that may read them gets hold of the checkpoint.
func (r Resumption) Unrestored() []Component {
	if r.Load == nil || r.Load.Opaque || r.Save.Kind != PayloadDict {
		return nil
	}
	loads := r.Load.together()
	if slices.ContainsFunc(loads, func(l *LoadSite) bool { return l.Opaque }) {
		return nil
	}
	var out []Component
	for _, c := range r.Save.Components {
		if !slices.ContainsFunc(loads, func(l *LoadSite) bool { return l.asks(c.Key) || c.Object != nil && l.restores(c.Object) }) {
			out = append(out, c)
		}
	}
	return out
}

// together are the loads of the same file in one run, this one first: a program may restore the model from one and the optimizer from
// the next.
func (l *LoadSite) together() []*LoadSite {
	out := []*LoadSite{l}
	for _, o := range l.Run.Loads {
		if o != l && (SamePath(o.Path, l.Path) || o.Path.Value != nil && l.Path.Value != nil && o.Path.Value.Kind != pysem.Unknown && o.Path.Value.Key() == l.Path.Value.Key()) {
			out = append(out, o)
		}
	}
	return out
}

// SetInPart are the saves of several generators' states with a load that sets some of them: such a pair belongs together by its
// keys, whatever the files are called and whoever trains between the two.
func (f *File) SetInPart() []Resumption {
	var out []Resumption
	for _, l := range f.EveryLoad() {
		if len(l.RestoredRNG()) == 0 {
			continue
		}
		for _, s := range f.Saves() {
			shared := 0
			for _, c := range s.Components {
				if c.Role == RoleRNG && l.Key(c.Key) {
					shared++
				}
			}
			if shared >= 2 && !s.Open {
				out = append(out, Resumption{Save: s, Load: l})
			}
		}
	}
	return out
}

// LeftOut is a component that the load hands to an object which its caller did not pass: load(path, model, optimizer) of a
// function that takes a scheduler too.
type LeftOut struct {
	Component
	// Call is the call that leaves the object out.
	Call pyast.Node
}

// LeftOut are the components of a save that are restored only for callers that pass the object, which this one does not.
func (r Resumption) LeftOut() []LeftOut {
	if r.Load == nil {
		return nil
	}
	var out []LeftOut
	for _, c := range r.Save.Components {
		if c.Role != RoleState || c.Object == nil || r.Load.restores(c.Object) {
			continue
		}
		for _, x := range r.Load.Restores {
			if !x.Absent || x.Key != c.Key {
				continue
			}
			if call := x.omitted(); call.Valid() {
				out = append(out, LeftOut{c, call})
				break
			}
		}
	}
	return out
}

// omitted is the call that leaves out the parameter which is to be restored, none if it is not a parameter's default.
func (x *Restore) omitted() pyast.Node {
	n, ctx := x.Recv, x.Ctx
	for n.Kind() == pyast.KindIdentifier && !ctx.Root() {
		p, index := parameter(ctx.Func, n.Text())
		if p == nil {
			return pyast.Node{}
		}
		given, ok := x.Run.File.Eval.Arguments(ctx).Get(index, p.Name)
		if !ok {
			if p.Default.Valid() {
				return ctx.Call
			}
			return pyast.Node{}
		}
		n, ctx = given.Node, ctx.Parent
	}
	return pyast.Node{}
}

// parameter is a function's parameter of a name, and its place among the positional arguments of a call.
func parameter(fn *pysem.Func, name string) (p *pysem.Param, index int) {
	for i := range fn.Params {
		if fn.Params[i].Name == name {
			if fn.Method() {
				i--
				return &fn.Params[i+1], i
			}
			return &fn.Params[i], i
		}
	}
	return nil, -1
}

// asks says that a key is read or tested for: what is done about it may be out of sight.
func (l *LoadSite) asks(key string) bool {
	for _, r := range l.Reads {
		if r.Key == key {
			return true
		}
	}
	return false
}

// Takes reports whether the state of an object, wrappers aside, is restored from the checkpoint.
func (l *LoadSite) Takes(o *Object) bool { return l.restores(o) }

func (l *LoadSite) restores(o *Object) bool {
	for _, x := range l.Restores {
		if x.Object != nil && x.Object.Same(o) {
			return true
		}
	}
	return false
}

var loadsByName = regexp.MustCompile(`(?i)load|resume|restore|checkpoint|ckpt`)

// RestoredFromCurrent is the part of a checkpoint that the best-so-far variable is restored from although the save writes the metric of
// its own epoch there, be it the best or not; ok is false where there is none. resumes is the load that training goes on from, nil for none.
func (s *SaveSite) RestoredFromCurrent(b *Best, resumes *LoadSite) (c Component, ok bool) {
	f := s.Run.File
	if s.BestOnly() {
		return c, false
	}
	right := b.Assign.Child(pyast.FieldRight)
	metric := f.Eval.Eval(right, b.Ctx)
	told := metric.Kind == pysem.Call || metric.Kind == pysem.Elem || metric.Kind == pysem.Binary
	for _, c := range s.Components {
		one := right.Is(pyast.KindIdentifier) && c.Entry.Value.Ctx == b.Ctx && Taken(c.Entry.Value.Node).TextIs(right.Text())
		if v := c.Value; v == nil || !one && !(told && v.Key() == metric.Key()) {
			continue
		}
		for _, a := range f.bestValue(b).Alternatives() {
			if l, key := f.Source(a); l != nil && key == c.Key && (l == resumes || s.Writes(l.Path)) {
				return c, true
			}
		}
	}
	return c, false
}

// bestValue is the value of the best-so-far variable where it is compared, nothing known where it is not named there.
func (f *File) bestValue(b *Best) *pysem.Value {
	tests := []pysem.Expr{{Node: b.Test, Ctx: b.Ctx}}
	for _, v := range comparisons(f.Eval.Eval(b.Test, b.Ctx), 0) { // which a flag keeps
		tests = append(tests, pysem.Expr{Node: v.Node, Ctx: v.Ctx})
	}
	for _, test := range tests {
		for n := range test.Node.Descendants() {
			if n.Is(pyast.KindIdentifier, pyast.KindAttribute) && n.TextIs(b.Name) {
				return f.Eval.Eval(n, test.Ctx)
			}
		}
	}
	return f.Eval.Eval(pyast.Node{}, nil)
}

// BestRestored says whether the best-so-far variable has, where it is compared, a value that comes from a load.
// known is false when its value cannot be followed.
func (f *File) BestRestored(b *Best) (restored, known bool) {
	v := f.bestValue(b)
	if v.Kind == pysem.Unknown && !v.Node.Valid() {
		return false, false
	}
	known = true
	updated := map[string]bool{} // the metric itself, which the comparison found to be better
	for _, a := range f.Eval.Eval(b.Assign.Child(pyast.FieldRight), b.Ctx).Alternatives() {
		updated[a.Key()] = true
	}
	for _, a := range v.Alternatives() {
		if updated[a.Key()] {
			continue
		}
		if l, _ := f.Source(a); l != nil {
			return true, true
		}
		switch a.Kind {
		case pysem.ParamVal, pysem.Attr, pysem.Elem, pysem.Item:
			known = false
		case pysem.Call:
			// A foreign function that loads may hand back a restored value.
			if loadsByName.MatchString(lastPart(a.Callee())) {
				known = false
			}
		}
	}
	return false, known
}

// BestStartsOver reports whether the best-so-far variable is given nothing but numbers that the code states before the training that the
// save belongs to.
func (s *SaveSite) BestStartsOver(b *Best) bool {
	f, before := s.Run.File, len(s.Run.Events)
	if s.Loop != nil {
		before = s.Loop.Outer().First
	}
	starts := false
	for _, ev := range s.Run.Events[:before] {
		if ev.Kind != pysem.EventAssign || ev.Node.Kind() != pyast.KindAssignment {
			continue
		}
		for _, a := range assignees(ev.Node.Child(pyast.FieldLeft), ev.Node.Child(pyast.FieldRight)) {
			if lastPart(a.target.Text()) != lastPart(b.Name) {
				continue
			}
			if starts = f.startValue(a, ev.Ctx); !starts {
				return false
			}
		}
	}
	return starts
}

// KeptGenerator is a generator whose state an instance keeps beside another's and does not set back with it.
type KeptGenerator struct {
	// Field is the attribute as it is written, Kept where it gets the state, RNG the generator.
	Field string
	Kept  pyast.Node
	RNG   torch.RNG
	// Set is the call that sets the other one back.
	Set *Restore
}

// KeptGenerators are the states that a class of the file keeps in attributes and forgets where it sets back others.
func (f *File) KeptGenerators() []KeptGenerator {
	var out []KeptGenerator
	for _, c := range f.Module.Classes {
		fields := map[string]*pysem.Value{}
		for path, defs := range c.Attrs {
			if len(defs) != 1 || defs[0].Kind != pysem.DefAssign || defs[0].Func.Class != c {
				continue
			}
			v := f.Eval.Def(defs[0], f.Eval.Root(defs[0].Func, nil))
			if e, ok := torch.Lookup(v.Callee()); ok && e.Kind == torch.RNGGetter && len(e.Generators) == 1 {
				fields[path] = v
			}
		}
		if len(fields) < 2 {
			continue
		}
		set := map[pyast.Node]*Restore{}
		var last *Restore
		for _, r := range slices.Concat(f.Runs, f.Left) {
			for _, x := range r.Restores {
				if x.RNG != nil && x.Source != nil && x.Ctx.Func.Class == c {
					set[x.Source.Node], last = x, x
				}
			}
		}
		for _, name := range slices.Sorted(maps.Keys(fields)) {
			v := fields[name]
			if last == nil || set[v.Node] != nil || readIn(c, name) {
				continue
			}
			e, _ := torch.Lookup(v.Callee())
			out = append(out, KeptGenerator{"self." + name, v.Node, e.Generators[0], last})
		}
	}
	return out
}

// readIn reports whether a class reads an attribute of its instance.
func readIn(c *pysem.Class, name string) bool {
	for n := range c.Node.Descendants() {
		if n.Kind() == pyast.KindAttribute && n.TextIs("self."+name) && reads(n) {
			return true
		}
	}
	return false
}
