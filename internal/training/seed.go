package training

import (
	"math"
	"regexp"
	"slices"
	"strings"

	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
	"github.com/ckpt-lsp/ckpt-lsp/internal/pysem"
	"github.com/ckpt-lsp/ckpt-lsp/internal/torch"
)

// Place says which process runs a piece of code, as far as random numbers go.
type Place uint8

// Places.
const (
	// MainProcess is the process that runs the entry point.
	MainProcess Place = iota
	// InLoader is code that a DataLoader runs: in a worker process, or in the main process when num_workers is 0.
	InLoader
	// Spawned is a fresh interpreter that torch.multiprocessing.spawn started: it inherits no generator's state.
	Spawned
	// Elsewhere is code that another process or a later moment runs: multiprocessing.Process, functools.partial.
	Elsewhere
)

// PlaceOf follows the calls that lead to a context.
func (f *File) PlaceOf(ctx *pysem.Ctx) Place {
	for c := ctx; c != nil; c = c.Parent {
		if f.loaderCode(c.Func) {
			return InLoader
		}
		if !c.Passed || c.Parent == nil {
			continue
		}
		name := calleeName(f.Eval.Eval(c.Call.Child(pyast.FieldFunction), c.Parent))
		switch {
		case name == "torch.multiprocessing.spawn" || name == "torch.multiprocessing.start_processes":
			return Spawned
		case strings.HasSuffix(name, "DataLoader") || strings.HasPrefix(name, "torchvision.transforms"):
			return InLoader
		case strings.HasSuffix(name, ".Process"), name == "functools.partial":
			return Elsewhere
		}
	}
	return MainProcess
}

func calleeName(v *pysem.Value) string {
	if v.Kind == pysem.External {
		return v.Name
	}
	return ""
}

// loaderCode reports whether a function is a dataset's access method, or a transform's call.
func (f *File) loaderCode(fn *pysem.Func) bool {
	if fn.Class == nil {
		return false
	}
	switch fn.Name {
	case "__getitem__", "__getitems__":
		return true
	case "__iter__":
		return f.dataset(fn.Class)
	case "__call__":
		return f.classKind(fn.Class, 0) == NotTracked
	}
	return false
}

// dataset reports whether a class is a dataset by what it inherits, or is called.
func (f *File) dataset(c *pysem.Class) bool {
	if strings.HasSuffix(c.Name, "Dataset") {
		return true
	}
	for _, b := range c.Bases {
		v := f.Eval.Eval(b, f.Eval.Root(c.Scope, nil))
		if v.Kind == pysem.ClassVal && v.Class != c && f.dataset(v.Class) || strings.HasSuffix(calleeName(v), "Dataset") {
			return true
		}
	}
	return false
}

// Datasets are the classes of the file whose items a DataLoader takes.
func (f *File) Datasets() []*pysem.Class {
	var out []*pysem.Class
	for _, c := range f.Module.Classes {
		if c.Methods["__getitem__"] != nil || c.Methods["__iter__"] != nil && f.dataset(c) {
			out = append(out, c)
		}
	}
	return out
}

// Draw is one place that takes numbers from global generators.
type Draw struct {
	Event      pysem.Event
	Index      int // in Run.Events
	Generators []torch.RNG
	// What says in a few words what draws, as "`np.random.rand`" or "building `Net`".
	What string
	// Weak says that a data loader draws no more than its workers' base seed, as far as the call tells: it does not shuffle.
	Weak bool
	// Built says that a module of the program draws its initial weights, Value that a call gives or
	// arranges random values, Loader that a data loader draws an order or the base seed of its workers.
	Built, Value, Loader bool
	// Spare says that on the other way of a test the number comes from another generator, as FirstDraw finds.
	Spare bool
	Place Place
}

// Draws are the calls of a run that take numbers from global generators, in order: drawing functions, the building of modules
// (their parameters are drawn from torch's generator) and data loaders (the base seed of the workers, and the shuffle).
func (r *Run) Draws() []Draw {
	if r.draws == nil {
		r.draws = r.findDraws()
	}
	return slices.Clone(r.draws)
}

func (r *Run) findDraws() []Draw {
	out := []Draw{}
	f := r.File
	entered := map[step]bool{}
	for _, ev := range r.Events {
		if ev.Kind == pysem.EventLeave {
			entered[step{ev.Node, ev.Ctx}] = true
		}
	}
	add := func(i int, events ...pysem.Event) {
		for _, ev := range events {
			if ev.Kind != pysem.EventCall {
				continue
			}
			if d := f.drawAt(ev, i); len(d.Generators) > 0 {
				out = append(out, d)
			}
		}
	}
	for i, ev := range r.Events {
		if ev.Kind == pysem.EventLoop {
			for _, o := range f.goneOver(ev) {
				add(i, f.drawing().Method(o, "__iter__", ev)...)
			}
		}
		if ev.Kind != pysem.EventCall {
			continue
		}
		add(i, ev)
		if !entered[step{ev.Node, ev.Ctx}] { // nothing happens in it that a run is traced for
			add(i, f.drawing().Inside(ev)...)
		}
		for _, s := range f.samplersOf(ev) {
			add(i, f.drawing().Method(s, "__iter__", ev)...)
		}
	}
	return out
}

// step is a call in a context.
type step struct {
	node pyast.Node
	ctx  *pysem.Ctx
}

// drawAt is what the call of an event draws, with no generators where it draws nothing.
func (f *File) drawAt(ev pysem.Event, index int) Draw {
	fn := ev.Node.Child(pyast.FieldFunction)
	callee := f.Eval.Eval(fn, ev.Ctx)
	d := Draw{Event: ev, Index: index, What: "`" + fn.Text() + "`"}
	for _, a := range callee.Alternatives() {
		drawn := f.draws(a, ev)
		d.Generators = append(d.Generators, drawn...)
		if a.Kind == pysem.ClassVal && len(drawn) > 0 {
			d.Built = true
			d.What = "building `" + a.Class.Name + "`"
		}
		if e, ok := torch.Lookup(calleeName(a)); ok {
			d.Weak = e.Kind == torch.Loader && !f.drawsOrder(ev)
			d.Loader = e.Kind == torch.Loader
			d.Value = e.Kind == torch.RNGDraw
		}
	}
	if len(d.Generators) > 0 && f.seededAround(ev) {
		return Draw{}
	}
	d.Place = f.PlaceOf(ev.Ctx)
	return d
}

// samplersOf are the objects of classes at hand that the data loader which a call makes asks for the order of its data, in the process
// that goes through it.
func (f *File) samplersOf(ev pysem.Event) []*pysem.Value {
	if e, ok := torch.Lookup(f.loaderMade(f.Eval.Eval(ev.Node.Child(pyast.FieldFunction), ev.Ctx))); !ok || e.Kind != torch.Loader {
		return nil
	}
	var out []*pysem.Value
	args := f.Eval.Passed(ev.Node, ev.Ctx)
	for _, at := range []torch.Argument{{Position: 3, Keyword: "sampler"}, {Position: 4, Keyword: "batch_sampler"}} {
		for _, a := range f.passedValue(args, at.Position, at.Keyword).Alternatives() {
			if a.Kind == pysem.Instance {
				out = append(out, a)
			}
		}
	}
	return out
}

// goneOver are the objects of classes at hand that a loop asks for their elements, as a sampler: `for batch in tqdm(sampler)`.
func (f *File) goneOver(loop pysem.Event) []*pysem.Value {
	over := loop.Node.Child(pyast.FieldRight)
	for over.Kind() == pyast.KindCall && iterators.MatchString(calledName(over)) {
		over = pysem.Args(over).Pos(0)
	}
	return slices.DeleteFunc(slices.Clone(f.Eval.Eval(over, loop.Ctx).Alternatives()), func(a *pysem.Value) bool { return a.Kind != pysem.Instance })
}

// loaderMade is the data loader class that calling a value makes an object of, "" for other values.
func (f *File) loaderMade(callee *pysem.Value) string {
	if callee.Kind == pysem.ClassVal {
		return f.loaderBase(callee.Class, 0)
	}
	return calleeName(callee)
}

// seededAround reports whether an event happens under a with statement that seeds for its body, in its function or one that leads to it.
func (f *File) seededAround(ev pysem.Event) bool {
	for n, ctx := ev.Node, ev.Ctx; ctx != nil && n.Valid(); n, ctx = ctx.Call, ctx.Parent {
		if f.seededHere(n) {
			return true
		}
	}
	return false
}

var parameterised = regexp.MustCompile(`^torch\.nn\.(Linear|Bilinear|Conv|Embedding|LSTM|GRU|RNN|Transformer|Multihead|init\.(x|k|n|u|t|orthogonal|sparse))`)

// draws are the generators that calling a value takes numbers from.
func (f *File) draws(callee *pysem.Value, ev pysem.Event) []torch.RNG {
	switch callee.Kind {
	case pysem.ClassVal:
		if f.isModule(callee.Class) && f.drawsWeights(callee.Class) {
			return []torch.RNG{torch.TorchRNG}
		}
	case pysem.Item: // torchvision.models.__dict__[arch]()
		if strings.HasPrefix(calleeName(callee.Base), "torchvision.models") {
			return []torch.RNG{torch.TorchRNG}
		}
	case pysem.External:
		e, known := torch.Lookup(callee.Name)
		switch {
		case known && e.Kind == torch.RNGDraw:
			if hasGenerator(callee.Name, ev) || f.oneOutcome(callee.Name, ev) {
				return nil
			}
			return e.Generators
		case known && e.Kind == torch.Loader, parameterised.MatchString(callee.Name), strings.HasPrefix(callee.Name, "torchvision.models."):
			return []torch.RNG{torch.TorchRNG}
		}
	}
	return nil
}

// permuting are the draws that put the elements of their first argument, or so many numbers, in an order.
var permuting = map[string]bool{"numpy.random.permutation": true, "numpy.random.shuffle": true, "random.shuffle": true, "torch.randperm": true}

// oneOutcome reports whether a draw may have one outcome only: it orders what may be one element.
func (f *File) oneOutcome(name string, ev pysem.Event) bool {
	of := pysem.Args(ev.Node).Pos(0)
	if !permuting[name] || !of.Valid() {
		return false
	}
	for _, a := range f.Eval.Eval(of, ev.Ctx).Alternatives() {
		if a.Kind == pysem.Int && a.Int <= 1 {
			return true
		}
		if a.Callee() == "builtins.len" && a.Ctx != nil {
			a = f.Eval.Eval(pysem.Args(a.Node).Pos(0), a.Ctx)
		}
		if slices.ContainsFunc(a.Alternatives(), func(l *pysem.Value) bool {
			return l.Kind == pysem.List && len(l.Elems) == 1 && l.Node.Is(pyast.KindList)
		}) {
			return true
		}
	}
	return false
}

// drawsOrder says that a data loader may draw an order: shuffle is not False, or a sampler may draw one.
func (f *File) drawsOrder(ev pysem.Event) bool {
	args := pysem.Args(ev.Node)
	shuffle := args.Get(2, "shuffle")
	if truth, known := f.Eval.Eval(shuffle, ev.Ctx).Truth(); shuffle.Valid() && (truth || !known) {
		return true
	}
	sampler := args.Get(3, "sampler")
	name := f.Eval.Eval(sampler, ev.Ctx).Callee()
	return sampler.Valid() && !strings.HasSuffix(name, "DistributedSampler") && !strings.HasSuffix(name, "SequentialSampler")
}

// hasGenerator says that a drawing call is given a generator or seed of its own, or told to draw nothing.
func hasGenerator(callee string, ev pysem.Event) bool {
	args := pysem.Args(ev.Node)
	given := []pyast.Node{args.Keyword["generator"], args.Keyword["random_state"], args.Keyword["seed"], args.Keyword["rng"]}
	if s, ok := splitters[callee]; ok {
		given = append(given, args.Get(s.position, s.keyword))
	}
	return args.Keyword["shuffle"].Is(pyast.KindFalse) ||
		slices.ContainsFunc(given, func(n pyast.Node) bool { return n.Valid() && !n.Is(pyast.KindNoneLiteral) })
}

// SeedsIn are the seed calls of a run that happen in a place and hold for what follows: a function that reads the state of a
// generator first, as a context manager does, puts it back.
func (r *Run) SeedsIn(place Place) []*Call {
	if known, ok := r.seedsIn[place]; ok {
		return known
	}
	var out []*Call
	getters := map[*pysem.Func]int{} // where a function first asks for a generator's state
	for _, c := range r.Seeds {
		getter, ok := getters[c.Ctx.Func]
		if !ok {
			calls := c.Ctx.Func.Calls
			i := slices.IndexFunc(calls, func(n pyast.Node) bool {
				e, ok := torch.Lookup(r.File.qualified(n.Child(pyast.FieldFunction)))
				return ok && e.Kind == torch.RNGGetter
			})
			if getter = math.MaxInt; i >= 0 {
				getter = calls[i].Start()
			}
			getters[c.Ctx.Func] = getter
		}
		if getter >= c.Node.Start() && r.File.PlaceOf(c.Ctx) == place {
			out = append(out, c)
		}
	}
	if r.seedsIn == nil {
		r.seedsIn = map[Place][]*Call{}
	}
	r.seedsIn[place] = out
	return out
}

// FirstDraw is the first draw that takes numbers from a generator in a place, as far as it counts. Where seeds are given, it is
// made on a way on which one of them is made, too, and one of them is meant for it. One that stands in for a draw from another generator is the last to be named.
func (r *Run) FirstDraw(g torch.RNG, place Place, seeds ...*Call) (Draw, bool) {
	var spare Draw
	found := false
	for _, d := range r.Draws() {
		exclusive := len(seeds) > 0 && !slices.ContainsFunc(seeds, func(c *Call) bool { return !Exclusive(c.Frame, d.Event.Frame) && r.meantFor(c, d) })
		if d.Place != place || !slices.Contains(d.Generators, g) || exclusive || r.becomesSeed(d) || !r.Counts(d) {
			continue
		}
		if d.Spare = r.replaces(d); !d.Spare {
			return d, true
		}
		if !found {
			spare, found = d, true
		}
	}
	return spare, found
}

// meantFor reports whether a seed is for a draw, too. One that a class of another file sets is for what is done in that file or by that
// class: the script that makes an object of it is another program.
func (r *Run) meantFor(c *Call, d Draw) bool {
	class := c.Ctx.Func.Class
	if class == nil || class.Module == r.Entry.Module {
		return true
	}
	for ctx := d.Event.Ctx; ctx != nil; ctx = ctx.Parent {
		if ctx.Func.Module == class.Module || r.File.related(ctx.Func.Class, class) {
			return true
		}
	}
	return false
}

// becomesSeed reports whether what is drawn is what a call seeds with.
func (r *Run) becomesSeed(d Draw) bool {
	return slices.ContainsFunc(r.Seeds, func(c *Call) bool {
		for _, a := range r.File.Eval.Eval(pysem.Args(c.Node).Get(0, "seed"), c.Ctx).Alternatives() {
			if a.Node.Valid() && a.Node.Tree() == d.Event.Node.Tree() && a.Node.Encloses(d.Event.Node) {
				return true
			}
		}
		return false
	})
}

// replaces reports whether a draw stands in for one from another generator, which is made where its test comes out the other way.
func (r *Run) replaces(d Draw) bool {
	for fr := d.Event.Frame; fr != nil && fr.Ctx == d.Event.Ctx; fr = fr.Parent {
		if fr.Kind != pysem.FrameIf {
			continue
		}
		for _, o := range r.Draws() {
			if o.Event.Ctx != d.Event.Ctx || sharesGenerator(o.Generators, d.Generators) {
				continue
			}
			if onOtherSide(o, fr) {
				return true
			}
		}
	}
	return false
}

// Leading is the call, in the innermost function that leads to both a draw and the training, by way of which it is drawn.
func (r *Run) Leading(d Draw) (pyast.Node, *pysem.Ctx) {
	trains, at := r.Training()
	n, _, ctx := meet(d.Event.Ctx, d.Event.Node, at, trains)
	return n, ctx
}

// Training is the loop in which an optimizer steps, or the call that has Lightning's trainer train, with its context; none where
// there is none.
func (r *Run) Training() (pyast.Node, *pysem.Ctx) {
	if l := r.TrainingLoop(); l != nil {
		return l.Node, l.Ctx
	}
	for _, c := range r.Calls {
		if c.Method == "fit" && c.Value != nil && LightningTrainers.qualified.MatchString(c.Value.Callee()) {
			return c.Node, c.Ctx
		}
	}
	return pyast.Node{}, nil
}

// SeedPlace is where a script that draws can be seeded first: at the head of the function that it enters once, in which case fn is
// that, in front of a statement under the test for __main__, or, with neither, at the head of the module. Where another file leads to
// both the draw and the training, it is the head of that function.
func (r *Run) SeedPlace(d Draw) (fn *pysem.Func, before pyast.Node) {
	if _, ctx := r.Leading(d); ctx.Func.Module != r.Entry.Module {
		return ctx.Func, pyast.Node{}
	}
	from, frame := d.Event.Node, d.Event.Frame
	for ctx := d.Event.Ctx; ctx != nil && ctx.Parent != nil; ctx = ctx.Parent {
		if ctx.Passed && r.File.SpawnCall(ctx) == ctx.Call { // a process of its own
			return ctx.Func, pyast.Node{}
		}
		fn, from = ctx.Func, ctx.Call
	}
	loops := false
	for ; frame != nil; frame = frame.Parent {
		loops = loops || frame.Kind == pysem.FrameLoop && frame.Ctx.Parent == nil
	}
	calls := 0
	for _, c := range r.Entry.Calls {
		if fn != nil && lastPart(c.Child(pyast.FieldFunction).Text()) == fn.Name {
			calls++
		}
	}
	if fn != nil && fn.Module == r.Entry.Module && fn.Class == nil && calls == 1 && !loops {
		return fn, pyast.Node{}
	}
	for n := from; n.Valid(); n = n.Parent() {
		if n.Parent().Kind() == pyast.KindIfStatement && n.Kind() == pyast.KindBlock && strings.Contains(n.Parent().Child(pyast.FieldCondition).Text(), "__name__") {
			return nil, n.Nth(0)
		}
	}
	return nil, pyast.Node{}
}

// Counts reports whether what is drawn may reach training. Initial weights count only where they are trained: elsewhere those of a
// file take their place. The order of a loader does not where a model is only run.
func (r *Run) Counts(d Draw) bool {
	switch {
	case d.Weak, r.repeats(d):
		return false
	case d.Value:
		return d.Event.Node.Parent().Kind() == pyast.KindExpressionStatement || !r.File.idleValue(d.Event.Node) // shuffled in place
	case d.Loader:
		return r.trainsAtAll() || !r.evaluates()
	case d.Built:
		return r.trainsAtAll() && !r.weightsLoaded(d) && !r.File.shown(d.Event)
	}
	return !r.weightsLoaded(d)
}

// repeats reports whether the last seeding of a draw's generators before it gives them a seed.
func (r *Run) repeats(d Draw) bool {
	given := false
	for _, c := range r.Seeds {
		if c.Index < d.Index && r.File.PlaceOf(c.Ctx) == d.Place && sharesGenerator(c.Entry.Generators, d.Generators) && !Exclusive(c.Frame, d.Event.Frame) {
			given = c.fixed()
		}
	}
	return given
}

// evaluates reports whether a run puts a model into evaluation mode.
func (r *Run) evaluates() bool {
	return slices.ContainsFunc(r.Calls, func(c *Call) bool { return c.Method == "eval" && len(pysem.Args(c.Node).Position) == 0 })
}

// OnlyEvaluates reports whether a run puts a model into evaluation mode and is not seen to train one.
func (r *Run) OnlyEvaluates() bool {
	trains, _ := r.Training()
	return !trains.Valid() && r.evaluates()
}

// writesArrays are what data are written with, from which others may train; what an evaluation found is written as JSON or a pickle.
var writesArrays = regexp.MustCompile(`^(torch\.save|numpy\.save\w*)$`)

// MakesData reports whether the file in which a draw stands writes tensors or arrays to files.
func (f *File) MakesData(d Draw) bool {
	return slices.ContainsFunc(f.moduleOf(d.Event.Node).Funcs, func(fn *pysem.Func) bool {
		return slices.ContainsFunc(fn.Calls, func(c pyast.Node) bool { return writesArrays.MatchString(f.qualified(c.Child(pyast.FieldFunction))) })
	})
}

// shown reports whether a module that is built is only called and looked at, so that no optimizer can have its parameters.
func (f *File) shown(ev pysem.Event) bool {
	target := assigned(ev.Node)
	if target.Kind() != pyast.KindIdentifier {
		return false
	}
	for _, n := range f.inScope(target) {
		if n == target {
			continue
		}
		for n.Parent().Kind() == pyast.KindAttribute && n.Field() == pyast.FieldObject {
			n = n.Parent()
		}
		p := n.Parent()
		called := p.Kind() == pyast.KindCall && n.Field() == pyast.FieldFunction && (n.Is(pyast.KindIdentifier) || p.Parent().Kind() == pyast.KindExpressionStatement)
		printed := p.Kind() == pyast.KindArgumentList && f.qualified(p.Parent().Child(pyast.FieldFunction)) == "builtins.print"
		if !called && !printed {
			return false
		}
	}
	return true
}

// GeneratorsUsed are the generators that the main process draws from in a run, or may draw from by way of a data loader without
// workers.
func (r *Run) GeneratorsUsed() []torch.RNG {
	var used []torch.RNG
	for _, g := range []torch.RNG{torch.TorchRNG, torch.NumpyRNG, torch.PythonRNG} {
		if _, ok := r.FirstDraw(g, MainProcess); ok || r.drawnByDataset(g) {
			used = append(used, g)
		}
	}
	return used
}

// drawnByDataset says that a dataset draws from a generator, and that its loader may run it in the main process.
func (r *Run) drawnByDataset(g torch.RNG) bool {
	return slices.ContainsFunc(r.LoaderUses(), func(use LoaderUse) bool {
		_, ok := r.File.DatasetDraw(use.Data, g)
		return ok && use.Workers != SomeWorkers
	})
}

// SpawnCall is the call of torch.multiprocessing.spawn that started the process a context runs in, none for others.
func (f *File) SpawnCall(ctx *pysem.Ctx) pyast.Node {
	for c := ctx; c != nil; c = c.Parent {
		if _, ok := f.spawned(c); ok {
			return c.Call
		}
	}
	return pyast.Node{}
}

// TrainingLoop is the first outermost loop of a run in which an optimizer steps, nil when there is none.
func (r *Run) TrainingLoop() *Loop {
	for _, l := range r.Loops {
		if l.Trains {
			return l.Outer()
		}
	}
	return nil
}
