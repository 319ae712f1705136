package training

import (
	"maps"
	"regexp"
	"slices"

	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
	"github.com/ckpt-lsp/ckpt-lsp/internal/pysem"
	"github.com/ckpt-lsp/ckpt-lsp/internal/torch"
)

// Workers says whether a data loader starts worker processes.
type Workers uint8

// Answers.
const (
	WorkersUnknown Workers = iota
	NoWorkers
	SomeWorkers
)

// LoaderUse is one construction of a DataLoader.
type LoaderUse struct {
	Event pysem.Event
	// Object is the loader.
	Object *Object
	// Dataset is the class of the data, nil when it is not of this file, and Data the object of it that the loader is built over.
	Dataset *pysem.Class
	Data    *pysem.Value
	Workers Workers
	// Init is the worker_init_fn's expression, none if there is none; hidden arguments leave Hidden true.
	Init   pyast.Node
	Hidden bool
}

// LoaderUses are the data loaders that a run builds.
func (r *Run) LoaderUses() []LoaderUse {
	var out []LoaderUse
	f := r.File
	for _, c := range r.Calls {
		if !c.Known || c.Entry.Kind != torch.Loader {
			continue
		}
		args := f.Eval.Passed(c.Node, c.Ctx)
		u := LoaderUse{Event: r.Events[c.Index], Hidden: args.May()}
		if x, ok := args.Keyword.Get("worker_init_fn"); ok {
			u.Init = x.Value.Node
		}
		u.Object = f.Object(f.Eval.Eval(c.Node, c.Ctx), c.Node.Text())
		for _, a := range f.passedValue(args, 0, "dataset").Alternatives() {
			if a.Kind == pysem.Instance {
				u.Dataset, u.Data = a.Class, a
			}
		}
		_, given := args.Get(5, "num_workers")
		switch v := f.passedValue(args, 5, "num_workers"); {
		case !given && !u.Hidden:
			u.Workers = NoWorkers
		case v.Kind == pysem.Int && v.Int == 0:
			u.Workers = NoWorkers
		case v.Kind == pysem.Int:
			u.Workers = SomeWorkers
		case given && v.Kind != pysem.Int:
			u.Workers = f.settingWorkers(v)
		}
		out = append(out, u)
	}
	return out
}

// passedValue is the value of an argument, unknown where it is not given.
func (f *File) passedValue(args pysem.Passed, i int, name string) *pysem.Value {
	x, ok := args.Get(i, name)
	if !ok {
		return &pysem.Value{}
	}
	return f.Eval.Expr(x)
}

// settingWorkers reads a number of workers that is decided at run time: what users may set is taken to be set.
func (f *File) settingWorkers(v *pysem.Value) Workers {
	for _, a := range v.Alternatives() {
		if a.Kind == pysem.Int && a.Int == 0 {
			return WorkersUnknown
		}
	}
	return SomeWorkers
}

// NumberSeeds are, for each dataset of the file, the seeds that its access methods set in a worker to the worker's number, which is the same in
// every epoch: workers are started anew for each.
func (f *File) NumberSeeds() [][]WorkerSeed {
	if !f.Module.Words().Names.Has("get_worker_info") {
		return nil
	}
	var out [][]WorkerSeed
	for _, c := range f.Module.Classes {
		var seeds []WorkerSeed
		for _, name := range []string{"__getitem__", "__iter__"} {
			fn := c.Methods[name]
			if fn == nil || !f.dataset(c) {
				continue
			}
			for _, call := range fn.Calls {
				e, known := torch.Lookup(f.qualified(call.Child(pyast.FieldFunction)))
				seed := pysem.Args(call).Pos(0)
				own := seed.Names("self") // which may be set from epoch to epoch
				if known && e.Kind == torch.Seeder && !own && f.workerNumber(f.Eval.Eval(seed, f.Eval.Root(fn, nil)), 0) {
					seeds = append(seeds, WorkerSeed{Call: call, Generators: e.Generators, PerWorker: true})
				}
			}
		}
		if len(seeds) > 0 {
			out = append(out, seeds)
		}
	}
	return out
}

// workerNumber reports whether a value is the number of a worker, or made of it and of constants.
func (f *File) workerNumber(v *pysem.Value, depth int) bool {
	if v == nil || depth > 4 {
		return false
	}
	if v.Kind == pysem.Binary {
		_, l := v.Base.Number()
		_, r := v.Other.Number()
		return (l || f.workerNumber(v.Base, depth+1)) && (r || f.workerNumber(v.Other, depth+1)) && !(l && r)
	}
	base, _, ok := v.Linear()
	return ok && base != nil && base.Kind == pysem.Attr && base.Name == "id" && base.Base.Callee() == "torch.utils.data.get_worker_info"
}

// DatasetDraw is the first number that the access methods of a dataset take from a generator, helpers walked into. Draws that what
// the dataset was made with rules out, as those of its training split, are left out.
func (f *File) DatasetDraw(data *pysem.Value, g torch.RNG) (Draw, bool) {
	if data == nil {
		return Draw{}, false
	}
	for _, name := range []string{"__getitem__", "__iter__"} {
		if d, ok := f.methodDraw(data, name, g); ok {
			return d, true
		}
	}
	return f.takenDraw(data, g)
}

// takenDraw is the first number taken from a generator by a function that the access methods of an object call for each sample because a
// method keeps it: `data.add(jitter)`, where add appends to the steps that __getitem__ goes through.
func (f *File) takenDraw(data *pysem.Value, g torch.RNG) (Draw, bool) {
	for _, t := range f.takers(data.Class) {
		for _, given := range f.givenTo(t, data) {
			for _, fn := range append(given.Elems, given) {
				if fn.Kind != pysem.FuncVal {
					continue
				}
				if d, ok := f.drawIn(f.Eval.Root(fn.Func, fn.Base), g); ok {
					return d, true
				}
			}
		}
	}
	return Draw{}, false
}

// givenTo are what the program gives a taker: where the object is made, or where a method of one of its class is called.
func (f *File) givenTo(t taker, data *pysem.Value) []*pysem.Value {
	_, place := parameter(t.method, t.param)
	if t.method.Name == "__init__" {
		if !data.Node.Valid() || data.Ctx == nil {
			return nil
		}
		return []*pysem.Value{f.passedValue(f.Eval.Passed(data.Node, data.Ctx), place, t.param)}
	}
	var out []*pysem.Value
	for _, m := range f.involved() {
		if !m.Words().Names.Has(t.method.Name) {
			continue
		}
		for _, fn := range m.Funcs {
			for _, call := range fn.Calls {
				if calledName(call) != t.method.Name || call.Child(pyast.FieldFunction).Kind() != pyast.KindAttribute {
					continue
				}
				ctx := f.Eval.In(m, call)
				on := f.Eval.Eval(call.Child(pyast.FieldFunction).Child(pyast.FieldObject), ctx)
				if on.Kind == pysem.Instance && f.Eval.MethodOf(on.Class, t.method.Name) == t.method {
					out = append(out, f.passedValue(f.Eval.Passed(call, ctx), place, t.param))
				}
			}
		}
	}
	return out
}

// taker is a method that keeps what a parameter is given, to be called for each sample.
type taker struct {
	method *pysem.Func
	param  string
}

// takers are the methods of a class that keep a function which its access methods call, or go through a list of.
func (f *File) takers(c *pysem.Class) []taker {
	called := map[string]bool{} // as "self.steps"
	for _, name := range []string{"__getitem__", "__iter__"} {
		m := f.Eval.MethodOf(c, name)
		if m == nil {
			continue
		}
		for _, call := range m.Calls {
			fn := call.Child(pyast.FieldFunction)
			called[fn.Text()] = called[fn.Text()] || ofSelf(fn)
			for _, d := range m.Defs(fn.Text()) {
				if d.Kind == pysem.DefFor && ofSelf(d.Value) {
					called[d.Value.Text()] = true
				}
			}
		}
	}
	var out []taker
	keep := func(m *pysem.Func, held, value pyast.Node) {
		if value.Kind() == pyast.KindCall && value.Child(pyast.FieldFunction).TextIs("list") {
			value = pysem.Args(value).Pos(0)
		}
		if p, _ := parameter(m, value.Text()); p != nil && called[held.Text()] {
			out = append(out, taker{m, p.Name})
		}
	}
	for _, m := range c.Module.Funcs {
		if m.Class == nil || !f.related(c, m.Class) {
			continue
		}
		for _, call := range m.Calls {
			if calledName(call) == "append" {
				keep(m, call.Child(pyast.FieldFunction).Child(pyast.FieldObject), pysem.Args(call).Pos(0))
			}
		}
		for _, name := range slices.Sorted(maps.Keys(called)) {
			for _, d := range m.Defs(name) {
				if d.Kind == pysem.DefAssign {
					keep(m, d.Node, d.Value)
				}
			}
		}
	}
	return out
}

// methodDraw is the first number that a method of an object takes from a generator, helpers walked into.
func (f *File) methodDraw(self *pysem.Value, name string, g torch.RNG) (Draw, bool) {
	m := f.Eval.MethodOf(self.Class, name)
	if m == nil {
		return Draw{}, false
	}
	return f.drawIn(f.Eval.Root(m, self), g)
}

// drawIn is the first number that a function takes from a generator in a context, helpers walked into.
func (f *File) drawIn(ctx *pysem.Ctx, g torch.RNG) (Draw, bool) {
	r := &Run{File: f, Entry: ctx.Func, Events: f.drawing().Trace(ctx)}
	all := func(*pysem.Ctx) bool { return true } // the method's own context too, where self is known
	for _, d := range r.Draws() {
		if slices.Contains(d.Generators, g) && !f.ruledOut(d.Event.Frame, all) {
			return d, true
		}
	}
	return Draw{}, false
}

// AppliesHanded reports whether the access methods of a dataset call something that its maker was handed, as a transform.
func (f *File) AppliesHanded(data *pysem.Value) bool {
	if data == nil {
		return false
	}
	for _, name := range []string{"__getitem__", "__iter__"} {
		m := f.Eval.MethodOf(data.Class, name)
		if m == nil {
			continue
		}
		for _, ev := range f.drawing().Trace(f.Eval.Root(m, data)) {
			fn := ev.Node.Child(pyast.FieldFunction)
			if ev.Kind != pysem.EventCall || fn.Kind() != pyast.KindAttribute || !fn.Child(pyast.FieldObject).TextIs("self") {
				continue
			}
			handed := func(v *pysem.Value) bool {
				switch v.Kind {
				case pysem.NoneVal, pysem.Attr, // is not called
					pysem.FuncVal, pysem.ClassVal, pysem.Instance: // is walked into
					return false
				}
				return true
			}
			if slices.ContainsFunc(f.Eval.Eval(fn, ev.Ctx).Alternatives(), handed) {
				return true
			}
		}
	}
	return false
}

// drawing is a tracer that walks into what draws random numbers, in whatever file it stands.
func (f *File) drawing() *pysem.Tracer {
	if f.drawTracer == nil {
		f.drawTracer = pysem.NewTracer(f.Eval, f.Module, func(name string, _ bool) bool { return drawNames[name] })
	}
	return f.drawTracer
}

// drawNames are the last names of the functions that draw, which are those of a generator's methods too.
var drawNames = lastNames(torch.RNGDraw)

// lastNames are the last names of the functions of a kind.
func lastNames(kind torch.Kind) map[string]bool {
	out := map[string]bool{}
	for _, q := range torch.Names(kind) {
		out[lastPart(q)] = true
	}
	return out
}

// BuiltDraw is the first number that something which the file builds, or has a function at hand build, takes from a generator when
// it is called for a sample: a transform, a function object that collates, a dataset. Samplers draw in the main process, and
// models in the training.
func (f *File) BuiltDraw(g torch.RNG) (Draw, bool) {
	for _, c := range f.builtClasses() {
		if f.isModule(c) {
			continue
		}
		made := &pysem.Value{Kind: pysem.Instance, Class: c} // by some call
		if d, ok := f.DatasetDraw(made, g); ok && f.dataset(c) {
			return d, true
		}
		if d, ok := f.methodDraw(made, "__call__", g); ok {
			return d, true
		}
	}
	return Draw{}, false
}

// builtClasses are the classes of the program that the file's functions, and those they call, make objects of.
func (f *File) builtClasses() []*pysem.Class {
	const enough = 400 // functions looked through
	var out []*pysem.Class
	queue := slices.Clone(f.Module.Funcs)
	seen := map[*pysem.Func]bool{}
	for i := 0; i < len(queue) && i < enough; i++ {
		fn := queue[i]
		if fn == nil || seen[fn] {
			continue
		}
		seen[fn] = true
		for _, c := range fn.Calls {
			callee := c.Child(pyast.FieldFunction)
			for _, a := range f.Eval.Eval(callee, f.Eval.In(fn.Module, callee)).Alternatives() {
				switch {
				case a.Kind == pysem.FuncVal:
					queue = append(queue, a.Func)
				case a.Kind == pysem.ClassVal && !slices.Contains(out, a.Class):
					out = append(out, a.Class)
					queue = append(queue, f.Eval.MethodOf(a.Class, "__init__"))
				}
			}
		}
	}
	return out
}

// DrawsInWorkers reports whether the code that a loader's workers run may draw from one of the generators.
func (f *File) DrawsInWorkers(u LoaderUse, generators []torch.RNG) bool {
	if u.Dataset == nil || f.AppliesHanded(u.Data) {
		return true
	}
	return slices.ContainsFunc(generators, func(g torch.RNG) bool {
		_, ok := f.DatasetDraw(u.Data, g)
		return ok
	})
}

// ForkedSeed is the call in a worker_init_fn that seeds from numpy's own generator, which older versions of torch hand to every
// worker in one state; none if there is none.
func (f *File) ForkedSeed(u LoaderUse) pyast.Node {
	v := f.Eval.Eval(u.Init, u.Event.Ctx)
	if v.Kind != pysem.FuncVal {
		return pyast.Node{}
	}
	for _, c := range v.Func.Calls {
		if e, ok := torch.Lookup(f.qualified(c.Child(pyast.FieldFunction))); ok && e.Kind == torch.RNGDraw && slices.Contains(e.Generators, torch.NumpyRNG) {
			return c
		}
	}
	return pyast.Node{}
}

// Persistent reports whether the workers live on from epoch to epoch.
func (u LoaderUse) Persistent() bool {
	n, ok := pysem.Args(u.Event.Node).Keyword["persistent_workers"]
	return ok && !n.Is(pyast.KindFalse)
}

// ReseedsWorkers reports whether any code in the file looks after the random numbers of workers by itself.
func (f *File) ReseedsWorkers() bool {
	return f.names(workerSeeding)
}

var workerSeeding = regexp.MustCompile(`^(get_worker_info|worker_init_fn)$`)

// HeldDraw is a number drawn, in the code that workers run, from a generator object that was made before they started.
type HeldDraw struct {
	Class *pysem.Class
	// Name is how the generator is written; Draw is the drawing call, Made the construction.
	Name       string
	Draw, Made pyast.Node
}

// heldGenerator reports whether a callee makes a generator object that no worker seeding reaches.
func heldGenerator(callee string) bool {
	e, ok := torch.Lookup(callee)
	return ok && e.Kind == torch.OwnRNG && e.Name != "random.SystemRandom" && e.Name != "numpy.random.SeedSequence"
}

// HeldDraws are the first draws from each generator object that a dataset's access methods use and did not make themselves.
func (f *File) HeldDraws() []HeldDraw {
	var out []HeldDraw
	seen := map[pyast.Node]bool{}
	for _, c := range f.Datasets() {
		for _, name := range []string{"__getitem__", "__iter__"} {
			m := c.Methods[name]
			if m == nil {
				continue
			}
			for _, ev := range f.drawing().Trace(f.Eval.Root(m, nil)) {
				fn := ev.Node.Child(pyast.FieldFunction)
				if ev.Kind != pysem.EventCall || fn.Kind() != pyast.KindAttribute {
					continue
				}
				recv := fn.Child(pyast.FieldObject)
				v := f.Eval.Eval(recv, ev.Ctx).Known()
				if v == nil || !heldGenerator(v.Callee()) || v.Ctx.Func == m || v.Ctx.Func == ev.Ctx.Func || seen[v.Node] {
					continue
				}
				if v.Ctx.Func.Name != "__init__" && v.Ctx.Func != f.Module.Top {
					continue // remade now and then, by set_epoch or on first use
				}
				seen[v.Node] = true
				out = append(out, HeldDraw{c, recv.Text(), ev.Node, v.Node})
			}
		}
	}
	return out
}

// WorkerSeed is a seed call in a worker_init_fn.
type WorkerSeed struct {
	Call pyast.Node
	// Generators are what it seeds.
	Generators []torch.RNG
	// PerWorker says whether the seed may differ from worker to worker.
	PerWorker bool
}

// freshSeed are the functions whose value differs from epoch to epoch, and what counts the epochs is called.
var freshSeed = regexp.MustCompile(`initial_seed|get_worker_info|epoch|get_state|rand|entropy|time|SeedSequence`)

// WorkerSeeds are the seed calls in a loader's worker_init_fn, where that is a function of the file, with a seed that is the same in each epoch.
func (f *File) WorkerSeeds(u LoaderUse) []WorkerSeed {
	var out []WorkerSeed
	for _, v := range f.Eval.Eval(u.Init, u.Event.Ctx).Alternatives() {
		if v.Kind != pysem.FuncVal || len(v.Func.Params) == 0 {
			continue
		}
		id := v.Func.Params[len(v.Func.Params)-1].Name
		for _, c := range v.Func.Calls {
			e, ok := torch.Lookup(f.qualified(c.Child(pyast.FieldFunction)))
			arg := pysem.Args(c).Pos(0)
			if !ok || e.Kind != torch.Seeder || !arg.Valid() || arg.Is(pyast.KindNoneLiteral) || f.madeOfFresh(v.Func, arg, 0) {
				continue
			}
			out = append(out, WorkerSeed{Call: c, Generators: e.Generators, PerWorker: f.madeFromWorker(v.Func, arg, id, 0)})
		}
	}
	return out
}

// plainNumbers are functions of Python that give the same for the same.
var plainNumbers = regexp.MustCompile(`^builtins\.(int|float|abs|min|max|sum|len|round|str|pow|divmod|hash)$`)

// madeFromWorker reports whether an expression in a worker_init_fn is made from the worker's number, or may be: by a call of which
// nothing is known. Everything else is the same in each worker: what the function finds outside itself was there before they started.
func (f *File) madeFromWorker(fn *pysem.Func, n pyast.Node, id string, depth int) bool {
	for d := range n.Descendants() {
		switch {
		case depth > 6, d.Kind() == pyast.KindCall && !plainNumbers.MatchString(f.qualified(d.Child(pyast.FieldFunction))):
			return true
		case d.Kind() != pyast.KindIdentifier || d.Field() == pyast.FieldAttribute:
		case d.TextIs(id):
			return true
		case slices.ContainsFunc(fn.Defs(d.Text()), func(def *pysem.Def) bool {
			return def.Value.Valid() && f.madeFromWorker(fn, def.Value, id, depth+1)
		}):
			return true
		}
	}
	return false
}

// madeOfFresh reports whether an expression in a worker_init_fn is made of anything that differs from epoch to epoch.
func (f *File) madeOfFresh(fn *pysem.Func, n pyast.Node, depth int) bool {
	for d := range n.Descendants() {
		switch {
		case d.Kind() != pyast.KindIdentifier:
		case depth > 6, freshSeed.MatchString(d.Text()):
			return true
		case d.Field() != pyast.FieldAttribute && slices.ContainsFunc(fn.Defs(d.Text()), func(def *pysem.Def) bool {
			return def.Value.Valid() && f.madeOfFresh(fn, def.Value, depth+1)
		}):
			return true
		}
	}
	return false
}
