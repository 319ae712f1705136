package training

import (
	"slices"
	"strings"

	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
	"github.com/ckpt-lsp/ckpt-lsp/internal/pysem"
	"github.com/ckpt-lsp/ckpt-lsp/internal/torch"
)

// Keepers are objects of libraries that save and restore what is registered with them: the checkpoint is what they were handed.

// keeper is one of them.
type keeper struct {
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
	all := f.keepers()
	var out []Resumption
	for _, k := range all {
		at := k.save
		if at == nil && len(k.row.Save) == 0 {
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
		s.place()
		r := Resumption{Save: s, Evidence: FromPayload}
		if k.restore != nil || f.derives(class, k.row.Bases, 0) {
			r.Evidence = FromLoadPath
		}
		out = append(out, r)
	}
	return out
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
			if row := torch.KeeperOwning(c.Method); row != nil && c.Value != nil && c.Value.Kind != pysem.Unknown {
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
