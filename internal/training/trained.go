package training

import (
	"regexp"
	"strings"

	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
	"github.com/ckpt-lsp/ckpt-lsp/internal/pysem"
)

// Trained is a module that an optimizer of the training loop is given the parameters of.
type Trained struct {
	Module    *Object
	Optimizer *Step
}

// TrainedModules are the modules whose parameters the optimizers that step around the save were built with, each once.
func (s *SaveSite) TrainedModules() []Trained {
	f := s.Run.File
	var out []Trained
	seen := map[string]bool{}
	for _, st := range s.Live(Optimizer) {
		o := st.Object
		if !o.Call.Valid() || o.Ctx == nil {
			continue
		}
		f.modulesIn(o.Call.Child(pyast.FieldArguments), o.Ctx, 0, func(m *Object) {
			if key := m.Bare().key; !seen[key] {
				seen[key] = true
				out = append(out, Trained{m, st})
			}
		})
	}
	return out
}

// modulesIn finds the modules whose parameters an expression holds, through variables: `list(a.parameters()) + ...`,
// `[{"params": head.parameters(), "lr": 0.1}, ...]`, or the module itself, for makers of optimizers that are handed it.
func (f *File) modulesIn(n pyast.Node, ctx *pysem.Ctx, depth int, found func(*Object)) {
	if depth > 3 || !n.Valid() {
		return
	}
	for d := range n.Descendants() {
		if d.Is(pyast.KindIdentifier) && (d.Field() == pyast.FieldAttribute || d.Field() == pyast.FieldName || d.Field() == pyast.FieldFunction) {
			continue
		}
		if d.Field() == pyast.FieldObject {
			continue // what an attribute is taken from, as self, holds more than goes in here
		}
		if recv := parametersCall(d); recv.Valid() {
			if m := f.module(recv, ctx); m != nil {
				found(m)
			}
			continue
		}
		if !d.Is(pyast.KindIdentifier, pyast.KindAttribute) || parametersCall(d.Parent().Parent()).Valid() || parametersCall(d.Parent()).Valid() {
			continue
		}
		v := f.Eval.Eval(d, ctx)
		if o := f.Object(v, d.Text()); o != nil {
			if o.Kind == Model && d.Parent().Is(pyast.KindArgumentList, pyast.KindKeywordArgument) && !o.Guessed {
				found(o)
			}
			continue
		}
		for _, a := range v.Alternatives() {
			if a.Node.Valid() && a.Ctx != nil && !a.Node.Encloses(n) && a.Node != d && a.Node.Is(pyast.KindList, pyast.KindCall, pyast.KindBinaryOperator, pyast.KindListComprehension) {
				f.modulesIn(a.Node, a.Ctx, depth+1, found)
			}
			for _, e := range a.Elems {
				if e.Node.Valid() && e.Ctx != nil && !a.Node.Encloses(e.Node) { // appended later
					f.modulesIn(e.Node, e.Ctx, depth+1, found)
				}
			}
		}
	}
}

// parametersCall is the receiver of `module.parameters()`, none for other nodes.
func parametersCall(n pyast.Node) pyast.Node {
	fn := n.Child(pyast.FieldFunction)
	if n.Kind() != pyast.KindCall || fn.Kind() != pyast.KindAttribute {
		return pyast.Node{}
	}
	if a := fn.Child(pyast.FieldAttribute); !a.TextIs("parameters") && !a.TextIs("named_parameters") {
		return pyast.Node{}
	}
	return fn.Child(pyast.FieldObject)
}

// module is the object of an expression that has parameters, whatever it is called. Elements of lists and the like, of which
// there may be many under one name, are left out.
func (f *File) module(n pyast.Node, ctx *pysem.Ctx) *Object {
	if !n.Is(pyast.KindIdentifier, pyast.KindAttribute) {
		return nil
	}
	v := f.Eval.Eval(n, ctx)
	if k := v.Known(); k != nil {
		v = k
	}
	switch v.Kind {
	case pysem.Call, pysem.Instance, pysem.ParamVal, pysem.Attr, pysem.Elem:
	default:
		return nil
	}
	if v.Kind == pysem.Instance && !v.Node.Valid() { // self
		return nil
	}
	if o := f.Object(v, n.Text()); o != nil {
		return o
	}
	return &Object{Kind: Model, Name: n.Text(), Value: v, Guessed: true, key: v.Key()}
}

var writes = regexp.MustCompile(`(?i)save|dump|export|checkpoint|ckpt|snapshot`)

// WrittenElsewhere reports whether a module may be in a file after all: it is part of a module that is saved or has one of them
// as its part, it is built inside one, another call that saves names it, or it is restored from some file.
func (s *SaveSite) WrittenElsewhere(m *Object) bool {
	f := s.Run.File
	if f.insideModule(m) || s.SavedNearby(m) {
		return true
	}
	name := baseName(m.Name)
	for _, x := range append(s.Companions(), s) {
		for _, c := range x.Components {
			if c.Entry.Value.Node.Names(name) {
				return true
			}
			if o := c.Object; o != nil && (o.Kind == Model || o.Kind == Averaged) && (o.Value.Kind == pysem.Unknown || f.partOf(m, o) || f.partOf(o, m)) {
				return true
			}
		}
	}
	for _, ev := range s.Run.Events {
		if ev.Kind != pysem.EventCall || !writes.MatchString(calledName(ev.Node)) || ev.Node == s.Node {
			continue
		}
		if ev.Node.Names(name) && !ev.Node.Encloses(s.Node) {
			return true
		}
	}
	for _, r := range f.Runs {
		for _, x := range r.Restores {
			if x.Load != nil && x.Object.Same(m) {
				return true
			}
		}
	}
	return false
}

// partOf reports whether a is an attribute of b, or handed to b's construction. What is moved to a device, wrapped or compiled is
// the same module under the same name.
func (f *File) partOf(a, b *Object) bool {
	if strings.HasPrefix(a.Name, strings.TrimSuffix(b.Name, ".module")+".") {
		return true
	}
	whole := b.Bare().key
	for v := a.Bare().Value; v != nil && (v.Kind == pysem.Attr || v.Kind == pysem.Item || v.Kind == pysem.Elem); v = v.Base {
		if v.Base != nil && (v.Base.Key() == whole || strings.HasPrefix(v.Base.Key(), whole+".")) {
			return true
		}
	}
	if made := b.Bare(); made.Call.Valid() && made.Ctx != nil {
		for d := range made.Call.Child(pyast.FieldArguments).Descendants() {
			if d.Is(pyast.KindIdentifier, pyast.KindAttribute) && f.Eval.Eval(d, made.Ctx).Key() == a.Bare().key {
				return true
			}
		}
	}
	return false
}

// oneOf reports whether one of two objects is a part of the other.
func (f *File) oneOf(a, b *Object) bool { return f.partOf(a, b) || f.partOf(b, a) }

var laggingName = regexp.MustCompile(`(?i)target|tgt|lagged|(^|_)old(_|$)`)

// TargetNetworks are the networks that take over the weights of a trained one every now and then in the loop around the save,
// and lag behind it in between. One that is brought up to date after the load, before the loop, is left out.
func (s *SaveSite) TargetNetworks(load *LoadSite) []*Restore {
	if s.Loop == nil {
		return nil
	}
	outer := s.Loop.Outer()
	var out []*Restore
	synced := map[string]bool{}
	for _, x := range s.Run.Restores {
		recv, method, ok := x.Source.Method()
		if !ok || method != "state_dict" || x.Load != nil || x.Object == nil || !laggingName.MatchString(baseName(x.Object.Name)) {
			continue
		}
		if from := s.Run.File.Object(recv, ""); from.Same(x.Object) {
			continue
		}
		key := x.Object.Bare().key
		switch {
		case x.Index < outer.First:
			synced[key] = synced[key] || load == nil || load.Run != s.Run || x.Index > load.Index
		case outer.Holds(x.Index) && !synced[key] && underTest(x.Frame):
			synced[key] = true
			out = append(out, x)
		}
	}
	return out
}

// underTest reports whether a condition stands between a frame and the nearest loop around it.
func underTest(fr *pysem.Frame) bool {
	for ; fr != nil && fr.Kind != pysem.FrameLoop; fr = fr.Parent {
		if fr.Kind == pysem.FrameIf {
			return true
		}
	}
	return false
}
