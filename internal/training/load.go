package training

import (
	"regexp"
	"slices"

	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
	"github.com/ckpt-lsp/ckpt-lsp/internal/pysem"
	"github.com/ckpt-lsp/ckpt-lsp/internal/torch"
)

// LoadSite is one torch.load in one calling context.
type LoadSite struct {
	*Call
	// Result is the loaded value; Path the file's name.
	Result *pysem.Value
	Path   *Path
	// Reads are the keys taken from it with a constant; Tested are keys only asked for ("k" in ckpt).
	Reads []KeyRead
	// Restores are the objects restored from it.
	Restores []*Restore
	// Opaque says that the loaded value goes where it is not followed (a foreign function, a return to an unknown caller,
	// iteration), so that keys may be read out of sight.
	Opaque bool
}

// KeyRead is one `ckpt["key"]`, `ckpt.get("key")` or `"key" in ckpt`.
type KeyRead struct {
	Key    string
	Node   pyast.Node
	Ctx    *pysem.Ctx
	Tested bool
	// Default says that a missing key does not fail: get, pop with a default.
	Default bool
}

// Key reports whether the key is read.
func (l *LoadSite) Key(key string) bool {
	for _, r := range l.Reads {
		if r.Key == key && !r.Tested {
			return true
		}
	}
	return false
}

// RestoresKind reports whether an object of the kind is restored from it.
func (l *LoadSite) RestoresKind(k Kind) bool {
	for _, r := range l.Restores {
		if r.Object != nil && r.Object.Kind == k {
			return true
		}
	}
	return false
}

// ReadsProgress reports whether an epoch, step or iteration is read from it.
func (l *LoadSite) ReadsProgress() bool {
	for _, r := range l.Reads {
		if !r.Tested && isProgressKey(r.Key) {
			return true
		}
	}
	return false
}

// Resumes reports whether training continues from what is loaded: progress or optimizer state is read from it.
func (l *LoadSite) Resumes() bool {
	return l.ReadsProgress() || l.RestoresKind(Optimizer) || l.RestoresKind(Scheduler)
}

// Restore is one load_state_dict, or one call that sets a generator's state.
type Restore struct {
	*Call
	// Object is what is restored, nil when unknown or for global generators; RNG names those.
	Object *Object
	RNG    []torch.RNG
	// Source is the argument's value; Load and Key say where it comes from, when that is known.
	Source *pysem.Value
	Load   *LoadSite
	Key    string
	// Absent says that what would be restored is None for this caller, which left it out.
	Absent bool
	// Strict is false for strict=False; ResultUsed says that the returned missing and unexpected keys are looked at.
	Strict, ResultUsed bool
}

var progressKey = regexp.MustCompile(`(?i)(^|_)(epochs?|start_epoch|step|steps|iters?|iterations?|global_step|iter_num|it|ep|n_iter|batch_idx|best_epoch|last_epoch|current_epoch|progress|niter|epochs_run|total_steps?|curr_epoch)($|_(num|run|idx|done|completed))`)

func isProgressKey(key string) bool { return progressKey.MatchString(key) }

// loadSite is a call that reads the file which its first argument names.
func (f *File) loadSite(c *Call, keyword string) *LoadSite {
	return &LoadSite{Call: c, Path: f.path(pysem.Args(c.Node).Get(0, keyword), c.Ctx), Result: f.Eval.Eval(c.Node, c.Ctx)}
}

// fill is a load that restores into the dict it is handed, and into the objects in it.
func (f *File) fill(r *Run, c *Call) {
	args := pysem.Args(c.Node)
	dict, from := args.Get(0, c.Entry.Payload), f.checkpointID(c)
	if c.Entry.PathFirst {
		dict, from = args.Get(1, c.Entry.Payload), args.Get(0, c.Entry.Path)
	}
	l := &LoadSite{Call: c, Path: f.path(from, c.Ctx), Result: f.Eval.Eval(dict, c.Ctx)}
	r.Filled = append(r.Filled, l)
	d := l.Result.AsDict()
	if d == nil {
		l.Opaque = true
		return
	}
	l.Opaque = d.Open
	for _, x := range d.Entries {
		l.Reads = append(l.Reads, KeyRead{Key: x.Key, Node: x.KeyNode, Ctx: c.Ctx})
		o := f.component(x)
		into := o.Role == RoleObject
		if in := f.stateAsked(o); in.Object != o.Object || in.Inner != nil {
			o, into = in, true
		}
		o.leaves(func(leaf Component) bool {
			if into && leaf.Object != nil {
				l.Restores = append(l.Restores, &Restore{Call: c, Object: leaf.Object, Source: o.Value, Load: l, Key: x.Key, Strict: true, ResultUsed: true})
			}
			return true
		})
	}
}

func (f *File) restore(r *Run, c *Call) {
	args := pysem.Args(c.Node)
	src := args.Get(0, "state_dict")
	x := &Restore{Call: c, Object: f.Object(c.Value, c.Recv.Text()), Source: f.Eval.Eval(src, c.Ctx), Strict: true}
	x.Absent = c.Value != nil && c.Value.Kind == pysem.NoneVal
	if x.Object == nil && c.Value != nil && !x.Absent {
		x.Object = f.unknownModel(c)
	}
	if s := args.Get(1, "strict"); s.Valid() {
		if t, ok := f.Eval.Eval(s, c.Ctx).Truth(); ok && !t {
			x.Strict = false
		}
	}
	p := c.Node.Parent()
	x.ResultUsed = p.Kind() != pyast.KindExpressionStatement && !neverRead(p, c.Ctx)
	r.Restores = append(r.Restores, x)
}

// neverRead reports whether an assignment gives its value to a variable of a function that is not mentioned there again.
func neverRead(assignment pyast.Node, ctx *pysem.Ctx) bool {
	left := assignment.Child(pyast.FieldLeft)
	if assignment.Kind() != pyast.KindAssignment || left.Kind() != pyast.KindIdentifier || ctx.Func == ctx.Func.Module.Top {
		return false
	}
	for n := range ctx.Func.Body.Descendants() {
		if n != left && n.Kind() == pyast.KindIdentifier && n.TextIs(left.Text()) {
			return false
		}
	}
	return true
}

// dataNames are what data loaders and samplers are called, whose states are numbers. It is asked only of receivers of which nothing but the
// name is in sight.
var dataNames = regexp.MustCompile(`(?i)(loader|sampler|dataset|iterator)s?$`)

// unknownModel is the receiver of load_state_dict when nothing but perhaps its name says what it is: most often a model.
func (f *File) unknownModel(c *Call) *Object {
	if c.Value.Kind == pysem.Unknown || c.Recv.Text() == "super()" || dataNames.MatchString(c.Recv.Text()) {
		return nil
	}
	kind := nameKind(c.Recv.Text())
	if kind == NotTracked {
		kind = Model
	}
	return &Object{Kind: kind, Name: c.Recv.Text(), Value: c.Value, Guessed: true, key: c.Value.Key()}
}

// maxSources bounds the values looked at in one search for a source; values that are made of many others double by level.
const maxSources = 500

// eachSource follows a value back to the loads it comes from, and the key read from each: one for every way the value may have
// come about.
func (f *File) eachSource(v *pysem.Value, depth int, found func(*LoadSite, string)) {
	if depth == 0 {
		f.sources = maxSources
	}
	if f.sources--; depth > 6 || f.sources < 0 {
		return
	}
	for _, a := range v.Alternatives() {
		if l := f.loadOf(a); l != nil {
			found(l, "")
			continue
		}
		if x, ok := f.filled[a.Key()]; ok {
			found(x.load, x.key)
			continue
		}
		if base, key, ok := a.KeyRead(); ok {
			f.eachSource(base, depth+1, func(l *LoadSite, inner string) {
				if inner == "" {
					inner = key
				}
				found(l, inner)
			})
			continue
		}
		for _, part := range f.madeFrom(a) {
			f.eachSource(part, depth+1, found)
		}
	}
}

// madeFrom are the values that a value keeps the source of. Conversions keep it: ckpt["rng"].cpu(), torch.tensor(ckpt["x"]),
// ckpt["epoch"] + 1, {k: v for k, v in ckpt["model"].items()}, which keeps the keys.
func (f *File) madeFrom(a *pysem.Value) []*pysem.Value {
	var out []*pysem.Value
	switch a.Kind {
	case pysem.Call:
		if recv, _, ok := a.Method(); ok {
			out = append(out, recv)
		}
		for _, arg := range pysem.Args(a.Node).Position {
			out = append(out, f.Eval.Eval(arg, a.Ctx))
		}
	case pysem.Attr, pysem.Item, pysem.Elem, pysem.LoopVar:
		if a.Base != nil {
			out = append(out, a.Base)
		}
	case pysem.Binary:
		out = append(out, a.Base, a.Other)
	case pysem.Unknown:
		if a.Node.Kind() != pyast.KindDictionaryComprehension || a.Ctx == nil {
			break
		}
		body, from := a.Node.Child(pyast.FieldBody), a.Node.Nth(1)
		if kept := body.Child(pyast.FieldKey); from.Kind() == pyast.KindForInClause && from.Child(pyast.FieldLeft).Nth(0).TextIs(kept.Text()) {
			out = append(out, f.Eval.Eval(from.Child(pyast.FieldRight), a.Ctx))
		}
	}
	return out
}

// Source is the first load a value comes from and the key it was read with, nil when it comes from elsewhere.
func (f *File) Source(v *pysem.Value) (load *LoadSite, key string) {
	f.eachSource(v, 0, func(l *LoadSite, k string) {
		if load == nil {
			load, key = l, k
		}
	})
	return load, key
}

// madeAt is an expression in a calling context.
type madeAt struct {
	node pyast.Node
	ctx  *pysem.Ctx
}

// loadOf is the load that made a value: in its own calling context, or wherever that is not known; nil for other values.
func (f *File) loadOf(v *pysem.Value) *LoadSite {
	if l := f.loadsIn[madeAt{v.Node, v.Ctx}]; l != nil && v.Node.Valid() {
		return l
	}
	return f.loads[v.Site()]
}

// link connects loads with what is read and restored from them.
func (f *File) link() {
	f.loads, f.loadsIn = map[string]*LoadSite{}, map[madeAt]*LoadSite{}
	for _, r := range slices.Concat(f.Runs, f.Left) {
		for _, l := range slices.Concat(r.Loads, r.NotesRead) {
			for _, a := range l.Result.Alternatives() {
				if _, taken := f.loads[a.Site()]; !taken {
					f.loads[a.Site()] = l
				}
				f.loadsIn[madeAt{a.Node, a.Ctx}] = l
			}
		}
	}
	f.filled = map[string]filledKey{}
	for _, r := range slices.Concat(f.Runs, f.Left) {
		for _, l := range r.Filled {
			f.filledFrom(l)
		}
	}
	if len(f.loads)+len(f.filled) == 0 {
		return
	}
	for _, r := range slices.Concat(f.Runs, f.Left) {
		for _, x := range r.Restores {
			for _, source := range x.sources() {
				if x.Load == nil {
					x.Load, x.Key = f.Source(source)
				}
				f.eachSource(source, 0, func(l *LoadSite, _ string) {
					if !slices.Contains(l.Restores, x) {
						l.Restores = append(l.Restores, x)
					}
				})
			}
		}
		seen := map[*pysem.Ctx]bool{}
		for _, ev := range r.Events {
			if !seen[ev.Ctx] {
				seen[ev.Ctx] = true
				f.reads(ev.Ctx)
			}
			if ev.Kind == pysem.EventCall {
				f.escapes(ev)
			}
			if ev.Kind == pysem.EventReturn && ev.Ctx.Root() && ev.Ctx.Func != f.Module.Top {
				if l, key := f.Source(f.Eval.Eval(ev.Node.Nth(0), ev.Ctx)); l != nil && key == "" {
					l.Opaque = true
				}
			}
		}
	}
}

// filledKey is a key of a load that restores in place.
type filledKey struct {
	load *LoadSite
	key  string
}

// filledFrom notes what a load puts in the place of the values in the dict that it is handed.
func (f *File) filledFrom(l *LoadSite) {
	d := l.Result.AsDict()
	if d == nil {
		return
	}
	for _, x := range d.Entries {
		for _, a := range f.Eval.Expr(x.Value).Alternatives() {
			if a.Kind == pysem.Call || a.Kind == pysem.Elem { // the state of an object; numbers are the same everywhere
				f.filled[a.Key()] = filledKey{l, x.Key}
			}
		}
	}
}

// sources are the values that are restored: a generator's state may be put together from its parts, where it was saved as plain lists.
func (x *Restore) sources() []*pysem.Value {
	if x.RNG != nil && x.Source.Kind == pysem.Tuple {
		return x.Source.Elems
	}
	return []*pysem.Value{x.Source}
}

// reads finds the constant keys read from loads in one function.
func (f *File) reads(ctx *pysem.Ctx) {
	for _, n := range f.keyReads(ctx.Func) {
		var base pyast.Node
		read := KeyRead{Node: n, Ctx: ctx}
		switch n.Kind() {
		case pyast.KindSubscript:
			base = n.Child(pyast.FieldValue)
			key, ok := f.Eval.Eval(n.Child(pyast.FieldSubscript), ctx).Text()
			if !ok {
				if l, k := f.Source(f.Eval.Eval(base, ctx)); l != nil && k == "" {
					l.Opaque = true
				}
				continue
			}
			read.Key = key
		case pyast.KindCall:
			base = n.Child(pyast.FieldFunction).Child(pyast.FieldObject)
			key, ok := pysem.StringLiteral(pysem.Args(n).Pos(0))
			if !ok {
				continue
			}
			read.Key, read.Default = key, true
		case pyast.KindComparisonOperator:
			base = n.Nth(2)
			key, ok := pysem.StringLiteral(n.Nth(0))
			if !ok {
				continue
			}
			read.Key, read.Tested = key, true
		}
		f.eachSource(f.Eval.Eval(base, ctx), 0, func(l *LoadSite, k string) {
			if k == "" {
				l.Reads = append(l.Reads, read)
			}
		})
	}
}

// harmless take a checkpoint without reading keys out of sight.
var harmless = regexp.MustCompile(`^(builtins\.(print|len|type|isinstance|id|str|repr)|copy\.(copy|deepcopy)|gc\..*|logging\..*)$`)

// escapes marks loads whose whole value is handed to something that is not followed.
func (f *File) escapes(ev pysem.Event) {
	fn := ev.Node.Child(pyast.FieldFunction)
	callee := f.Eval.Eval(fn, ev.Ctx)
	if callee.Kind == pysem.FuncVal && f.tracer.Visited(callee.Func) {
		return
	}
	if fn.Kind() == pyast.KindAttribute {
		switch fn.Child(pyast.FieldAttribute).Text() {
		case "load_state_dict", "get", "pop", "keys", "append", "info", "debug", "warning":
			return
		case "items", "values":
			if l, key := f.Source(f.Eval.Eval(fn.Child(pyast.FieldObject), ev.Ctx)); l != nil && key == "" {
				l.Opaque = true
			}
			return
		}
	}
	if callee.Kind == pysem.External && harmless.MatchString(callee.Name) {
		return
	}
	for a := range ev.Node.Child(pyast.FieldArguments).Children() {
		if a.Kind() == pyast.KindKeywordArgument {
			a = a.Child(pyast.FieldValue)
		}
		if !a.Is(pyast.KindIdentifier, pyast.KindAttribute, pyast.KindCall, pyast.KindDictionarySplat) {
			continue
		}
		if a.Kind() == pyast.KindDictionarySplat {
			a = a.Nth(0)
		}
		for _, v := range f.Eval.Eval(a, ev.Ctx).Alternatives() {
			if l := f.loadOf(v); l != nil {
				l.Opaque = true
			}
		}
	}
}

// NoDrawUntil reports whether a loop follows the load in its run, and nothing that is in sight draws random numbers between them.
func (l *LoadSite) NoDrawUntil(loop *Loop) bool {
	if loop.Run != l.Run || loop.First < l.Index {
		return false
	}
	return !slices.ContainsFunc(l.Run.Draws(), func(d Draw) bool { return d.Index > l.Index && d.Index < loop.First })
}
