package training

import (
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
	// Built says that a module of the program draws its initial weights.
	Built bool
	Place Place
}

// Draws are the calls of a run that take numbers from global generators, in order: drawing functions, the building of modules
// (their parameters are drawn from torch's generator) and data loaders (the base seed of the workers, and the shuffle).
func (r *Run) Draws() []Draw {
	var out []Draw
	f := r.File
	for i, ev := range r.Events {
		if ev.Kind != pysem.EventCall || seededHere(ev.Node) {
			continue
		}
		fn := ev.Node.Child(pyast.FieldFunction)
		callee := f.Eval.Eval(fn, ev.Ctx)
		d := Draw{Event: ev, Index: i, What: "`" + fn.Text() + "`"}
		for _, a := range callee.Alternatives() {
			drawn := f.draws(a, ev)
			d.Generators = append(d.Generators, drawn...)
			if a.Kind == pysem.ClassVal && len(drawn) > 0 {
				d.Built = true
				d.What = "building `" + a.Class.Name + "`"
			}
			if e, ok := torch.Lookup(calleeName(a)); ok && e.Kind == torch.Loader {
				d.Weak = !f.drawsOrder(ev)
			}
		}
		if len(d.Generators) > 0 {
			d.Place = f.PlaceOf(ev.Ctx)
			out = append(out, d)
		}
	}
	return out
}

// seededHere reports whether a call stands in a with statement that seeds for its body, as `with numpy_seed(seed + epoch):`.
func seededHere(call pyast.Node) bool {
	for n := call.Ancestor(pyast.KindWithStatement); n.Valid(); n = n.Ancestor(pyast.KindWithStatement) {
		for c := range n.Children() {
			if c.Kind() == pyast.KindWithClause && seeding.MatchString(c.Text()) {
				return true
			}
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
			if hasGenerator(ev) {
				return nil
			}
			return e.Generators
		case known && e.Kind == torch.Loader, parameterised.MatchString(callee.Name), strings.HasPrefix(callee.Name, "torchvision.models."):
			return []torch.RNG{torch.TorchRNG}
		}
	}
	return nil
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

// hasGenerator says that a drawing call is given a generator or seed of its own.
func hasGenerator(ev pysem.Event) bool {
	args := pysem.Args(ev.Node)
	for _, name := range []string{"generator", "random_state", "seed", "rng"} {
		if n, ok := args.Keyword[name]; ok && !n.Is(pyast.KindNoneLiteral) {
			return true
		}
	}
	return false
}

// seeding is what the names of functions and variables about seeds have in them.
var seeding = regexp.MustCompile(`(?i)seed|determinis|reproduc`)

// SeedsElsewhere is a call of another file's function that may seed, judged by its name or by what it is handed; none if there
// is no such call.
func (f *File) SeedsElsewhere() pyast.Node {
	if !f.names(seeding) {
		return pyast.Node{}
	}
	for _, r := range f.Runs {
		for _, ev := range r.Events {
			if ev.Kind != pysem.EventCall {
				continue
			}
			fn := ev.Node.Child(pyast.FieldFunction)
			if !seeding.MatchString(lastPart(fn.Text())) {
				continue
			}
			for _, a := range f.Eval.Eval(fn, ev.Ctx).Alternatives() {
				if a.Kind == pysem.FuncVal || a.Kind == pysem.ClassVal {
					continue
				}
				if a.Kind == pysem.External {
					if e, ok := torch.Lookup(a.Name); ok && e.Kind == torch.Seeder {
						continue
					}
				}
				return ev.Node
			}
		}
	}
	return pyast.Node{}
}

// SeedingName reports whether a function's name says that it makes runs repeat.
func SeedingName(name string) bool { return seeding.MatchString(name) }

// SeedsIn are the seed calls of a run that happen in a place and hold for what follows: a function that reads the state of a
// generator first, as a context manager does, puts it back.
func (r *Run) SeedsIn(place Place) []*Call {
	var out []*Call
	for _, c := range r.Seeds {
		passing := slices.ContainsFunc(c.Ctx.Func.Calls, func(n pyast.Node) bool {
			e, ok := torch.Lookup(r.File.qualified(n.Child(pyast.FieldFunction)))
			return ok && e.Kind == torch.RNGGetter && n.Start() < c.Node.Start()
		})
		if !passing && r.File.PlaceOf(c.Ctx) == place {
			out = append(out, c)
		}
	}
	return out
}

// FirstDraw is the first of the draws that takes numbers from a generator in a place. Initial weights count only where they are
// trained: elsewhere those of a file take their place.
func (r *Run) FirstDraw(draws []Draw, g torch.RNG, place Place) (Draw, bool) {
	trains := r.trainsAtAll()
	for _, d := range draws {
		if d.Built && !trains {
			continue
		}
		if d.Place == place && !d.Weak && slices.Contains(d.Generators, g) {
			return d, true
		}
	}
	return Draw{}, false
}

// GeneratorsUsed are the generators that the main process draws from in a run, or may draw from by way of a data loader without
// workers.
func (r *Run) GeneratorsUsed() []torch.RNG {
	draws := r.Draws()
	var used []torch.RNG
	for _, g := range []torch.RNG{torch.TorchRNG, torch.NumpyRNG, torch.PythonRNG} {
		if _, ok := r.FirstDraw(draws, g, MainProcess); ok || r.drawnByDataset(g) {
			used = append(used, g)
		}
	}
	return used
}

// drawnByDataset says that a dataset draws from a generator, and that its loader may run it in the main process.
func (r *Run) drawnByDataset(g torch.RNG) bool {
	return slices.ContainsFunc(r.LoaderUses(), func(use LoaderUse) bool {
		_, ok := r.File.DatasetDraw(use.Dataset, g)
		return ok && use.Workers != SomeWorkers
	})
}

// SpawnCall is the call of torch.multiprocessing.spawn that started the process a context runs in, none for others.
func (f *File) SpawnCall(ctx *pysem.Ctx) pyast.Node {
	for c := ctx; c != nil; c = c.Parent {
		if isSpawn(f, c) {
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
