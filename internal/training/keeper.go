package training

import (
	"slices"
	"strings"

	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
	"github.com/ckpt-lsp/ckpt-lsp/internal/pysem"
	"github.com/ckpt-lsp/ckpt-lsp/internal/torch"
)

// Keepers are objects, of libraries and of classes at hand, that save and restore what is registered with them: the checkpoint is what they were
// handed.

// keeper is one of them.
type keeper struct {
	// row is what the tables say of its class, nil for a class at hand.
	row *torch.Keeper
	// recv is how it is written where its methods are called.
	recv string
	// made is the call that makes it, nil where that is out of sight; save and restore are its first ones.
	made, save, restore *Call
	held                []kept
	// open says that something unknown was registered.
	open bool
}

// kept is what is registered in one place.
type kept struct {
	Component
	ctx *pysem.Ctx
}

// Kept are the checkpoints of the file that keepers write, and that training goes on from.
func (f *File) Kept() []Resumption {
	if f.Test() {
		return nil
	}
	all := append(f.keepers(), f.ownKeepers()...)
	var out []Resumption
	for _, k := range all {
		at := k.save
		if at == nil && k.row != nil && len(k.row.Save) == 0 {
			at = k.made
		}
		if at == nil || k.open {
			continue
		}
		s := &SaveSite{Call: at, Kind: PayloadDict, Path: &Path{}, Written: &Path{}, keeper: k}
		class := selfClass(at.Ctx)
		for _, x := range k.held {
			s.Components = append(s.Components, x.Component)
		}
		for _, other := range all { // of a class above or below, as long as the method is not another's here
			for _, x := range other.held {
				if o := selfClass(x.ctx); other != k && other.recv == k.recv && strings.HasPrefix(k.recv, "self.") && f.related(class, o) && f.Eval.MethodOf(class, x.ctx.Func.Name) == x.ctx.Func {
					s.Components = append(s.Components, x.Component)
				}
			}
		}
		if !s.keepsTraining() {
			continue
		}
		s.place()
		r := Resumption{Save: s, Evidence: FromPayload}
		if k.restore != nil || k.row != nil && f.derives(class, k.row.Bases, 0) {
			r.Evidence = FromLoadPath
		}
		out = append(out, r)
	}
	return out
}

// keepsTraining reports whether a keeper is for more than a model, which it may save as the best one: it holds something else, or is of a kind
// that a trainer goes on from.
func (s *SaveSite) keepsTraining() bool {
	if row := s.keeper.row; row != nil && len(row.Own) > 0 && len(row.Objects) == 0 {
		return true
	}
	return slices.ContainsFunc(s.Components, func(c Component) bool { return c.Object != nil && c.Object.Kind != Model && c.Object.Kind != Averaged })
}

// keepers are those of all runs, each once.
func (f *File) keepers() []*keeper {
	byKey := map[string]*keeper{}
	var out []*keeper
	get := func(key string, row *torch.Keeper) *keeper {
		if byKey[key] == nil {
			byKey[key] = &keeper{row: row}
			out = append(out, byKey[key])
		}
		return byKey[key]
	}
	for _, r := range f.Runs {
		for _, c := range r.Calls {
			if row := torch.KeeperMade(c.Callee); row != nil {
				k := get(f.Eval.Eval(c.Node, c.Ctx).Key(), row)
				if k.made == nil {
					k.made = c
					f.constructed(k, c)
				}
			}
			if row := torch.KeeperOwning(c.Method); row != nil && c.Value != nil && c.Value.Kind != pysem.Unknown && !leftOut(c.Value) {
				get(c.Value.Key(), row)
			}
		}
	}
	if len(out) == 0 {
		return nil
	}
	for _, r := range f.Runs {
		for _, c := range r.Calls {
			for _, k := range out {
				if slices.ContainsFunc(k.row.Made, func(made string) bool { return strings.HasPrefix(c.Callee, made+".") }) && slices.Contains(k.row.Restore, lastPart(c.Callee)) {
					k.restore = c
				}
			}
			if c.Value == nil || c.Method == "" {
				continue
			}
			k := byKey[c.Value.Key()]
			if k == nil {
				continue
			}
			k.recv = c.Recv.Text()
			switch {
			case slices.Contains(k.row.Register, c.Method):
				f.register(k, c)
			case slices.Contains(k.row.Save, c.Method) && k.save == nil:
				k.save = c
			case slices.Contains(k.row.Restore, c.Method) && k.restore == nil:
				k.restore = c
			}
		}
	}
	return out
}

// leftOut reports whether an attribute is None as far as it is known: the instance was made without what it is for.
func leftOut(v *pysem.Value) bool {
	none := false
	for _, a := range v.Alternatives() {
		switch {
		case a.Kind == pysem.NoneVal:
			none = true
		case a.Kind != pysem.Attr || a.Base.Kind != pysem.Instance:
			return false
		}
	}
	return none
}

// constructed adds what a keeper's constructor is handed.
func (f *File) constructed(k *keeper, c *Call) {
	passed := f.Eval.Passed(c.Node, c.Ctx)
	if a := k.row.Given; a.Keyword != "" {
		if x, ok := passed.Get(a.Position, a.Keyword); ok {
			f.hold(k, x, c.Ctx)
		}
	}
	for _, a := range k.row.Objects {
		if x, ok := passed.Get(a.Position, a.Keyword); ok {
			k.held = append(k.held, kept{f.registered(pysem.Entry{Key: a.Keyword, Value: x}), c.Ctx})
		}
	}
	if k.row.Others {
		k.open = k.open || passed.Keyword.Open
		for _, x := range passed.Keyword.Entries {
			if !slices.Contains(k.row.Keywords, x.Key) {
				k.held = append(k.held, kept{f.registered(x), c.Ctx})
			}
		}
	}
}

// register adds what a call registers.
func (f *File) register(k *keeper, c *Call) {
	args := pysem.Args(c.Node)
	if args.May() || len(args.Position) == 0 {
		k.open = true
		return
	}
	last := pysem.Expr{Node: args.Position[len(args.Position)-1], Ctx: c.Ctx}
	if len(args.Position) == 1 {
		f.hold(k, last, c.Ctx)
		return
	}
	name, _ := f.Eval.Eval(args.Pos(0), c.Ctx).Text()
	if x := f.registered(pysem.Entry{Key: name, KeyNode: args.Pos(0), Pair: c.Node, Value: last}); x.Value.Kind != pysem.LoopVar && x.Value.Kind != pysem.Elem {
		k.held = append(k.held, kept{x, c.Ctx})
		return
	}
	k.open = true // one of many
}

// hold adds the objects of a dict.
func (f *File) hold(k *keeper, x pysem.Expr, ctx *pysem.Ctx) {
	d := f.Eval.Expr(x).AsDict()
	if d == nil || d.Open {
		k.open = true
		return
	}
	for _, e := range d.Entries {
		k.held = append(k.held, kept{f.registered(e), ctx})
	}
}

// registered is a registered object as a component: its state is what is saved.
func (f *File) registered(x pysem.Entry) Component {
	c := f.component(x)
	if c.Role == RoleObject {
		c.Role = RoleState
	}
	return c
}

// derives reports whether a class inherits from one of a library's.
func (f *File) derives(c *pysem.Class, from []string, depth int) bool {
	if c == nil || depth > 4 {
		return false
	}
	return slices.ContainsFunc(c.Bases, func(b pyast.Node) bool {
		v := f.Eval.Eval(b, f.Eval.Root(c.Scope, nil))
		return v.Kind == pysem.ClassVal && f.derives(v.Class, from, depth+1) || v.Kind == pysem.External && slices.Contains(from, v.Name)
	})
}

// keptSteps are the steps of objects of a kind, made at hand, in the training that a keeper saves.
func (s *SaveSite) keptSteps(k Kind) []*Step {
	f := s.Run.File
	steps := s.Run.Steps
	if class := selfClass(s.Ctx); class != nil {
		steps = append(slices.Clone(steps), f.classSteps(class, k)...)
	}
	var out []*Step
	seen := map[string]bool{}
	for _, st := range steps {
		o := st.Object
		if o.Kind != k || seen[o.key] || o.Value == nil || o.Value.Kind != pysem.Call && o.Value.Kind != pysem.Instance {
			continue
		}
		seen[o.key] = true
		out = append(out, st)
	}
	return out
}

// placeOf is where a finding on an object that a keeper lacks stands: where the keeper is handed what it saves, or where the object is made.
func (k *keeper) placeOf(o *Object) pyast.Node {
	if k.made != nil && (len(k.row.Register) == 0 || len(k.row.Objects) > 0) {
		return k.made.Node
	}
	return o.Value.Node
}

// name is how the keeper is written: where its methods are called, or else the class that it is of.
func (k *keeper) name() string {
	if k.recv != "" {
		return k.recv
	}
	return lastPart(k.made.Callee)
}

// ownKeepers are instances of classes at hand that save what a method of theirs puts into a dict of the instance: the calls of that method in
// the run register it.
func (f *File) ownKeepers() []*keeper {
	var out []*keeper
	for _, r := range f.Runs {
		for _, s := range r.Saves {
			if s.Ctx.Self == nil || s.Ctx.Self.Kind != pysem.Instance || slices.ContainsFunc(out, func(k *keeper) bool { return k.save.Node == s.Node && k.save.Ctx == s.Ctx }) {
				continue
			}
			if all := f.eachOf(f.Eval.Eval(s.PayloadNode, s.Ctx)); all != nil {
				if k := f.ownKeeper(s, all); k != nil {
					out = append(out, k)
				}
			}
		}
	}
	return out
}

// eachOf is the dict of the instance whose values all give their state to a payload: `{k: v.state_dict() for k, v in self.items.items()}`, or
// the same in a loop; none for other payloads.
func (f *File) eachOf(payload *pysem.Value) *pysem.DictValue {
	var state *pysem.Value
	switch d := payload.AsDict(); {
	case payload.Node.Kind() == pyast.KindDictionaryComprehension && payload.Ctx != nil:
		state = f.Eval.Eval(payload.Node.Child(pyast.FieldBody).Child(pyast.FieldValue), payload.Ctx)
	case d != nil && len(d.Rest) == 1:
		state = f.Eval.Expr(d.Rest[0])
	default:
		return nil
	}
	item, method, ok := state.Method()
	if !ok || !stateMethod.MatchString(method) {
		return nil
	}
	return f.through(item)
}

// through is the dict whose items or values a loop goes through to come to a value, nil for other values.
func (f *File) through(item *pysem.Value) *pysem.DictValue {
	for item != nil && (item.Kind == pysem.Elem || item.Kind == pysem.LoopVar) {
		item = item.Base
	}
	if item == nil {
		return nil
	}
	if _, method, ok := item.Method(); !ok || method != "items" && method != "values" {
		return nil
	}
	return f.Eval.Eval(item.Node.Child(pyast.FieldFunction).Child(pyast.FieldObject), item.Ctx).AsDict() // on all ways it may have come about
}

// ownKeeper is the instance that a save runs on, with what is put into a dict of it.
func (f *File) ownKeeper(s *SaveSite, all *pysem.DictValue) *keeper {
	k := &keeper{save: s.Call}
	if len(all.Rest) == 0 || len(all.Entries) > 0 {
		return nil
	}
	for _, x := range all.Rest {
		p := f.Eval.Expr(x)
		if p.Kind != pysem.ParamVal || !f.related(p.Ctx.Func.Class, s.Ctx.Self.Class) || !f.registrations(k, s, p) {
			return nil
		}
	}
	for _, x := range s.Run.Restores {
		if from := f.through(x.Value); from != nil && from.Literal == all.Literal && k.restore == nil {
			k.restore = x.Call
		}
	}
	return k
}

// registrations adds what the run's calls of a method hand to its parameter; false where one of them is not known, or none is made.
func (f *File) registrations(k *keeper, s *SaveSite, p *pysem.Value) bool {
	method := p.Ctx.Func
	param, _ := parameter(method, p.Name)
	found := false
	for _, ev := range s.Run.Events {
		if ev.Kind != pysem.EventCall || calledName(ev.Node) != method.Name {
			continue
		}
		callee := f.Eval.Eval(ev.Node.Child(pyast.FieldFunction), ev.Ctx)
		if callee.Kind != pysem.FuncVal || callee.Func != method || callee.Base == nil || callee.Base.Key() != s.Ctx.Self.Key() {
			continue
		}
		given, ok := f.Eval.Bind(f.Eval.Enter(method, ev.Node, ev.Ctx, callee.Base), param)
		if !ok {
			return false
		}
		c := f.registered(pysem.Entry{Pair: ev.Node, Value: given})
		if c.Object == nil && (c.Value.Kind == pysem.Unknown || c.Value.Kind == pysem.LoopVar || c.Value.Kind == pysem.Elem) {
			return false // one of many
		}
		k.recv = ev.Node.Child(pyast.FieldFunction).Child(pyast.FieldObject).Text()
		k.held = append(k.held, kept{c, ev.Ctx})
		found = true
	}
	return found
}
