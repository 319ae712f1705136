package training

import (
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
	"github.com/ckpt-lsp/ckpt-lsp/internal/pysem"
	"github.com/ckpt-lsp/ckpt-lsp/internal/torch"
)

// Run is what one entry point of the file does, in order, helpers walked into: the module body, a function nobody in the file
// calls, or the methods of a class that is only used elsewhere.
type Run struct {
	File  *File
	Entry *pysem.Func
	// Leaf is the class of the file whose instance runs the entry point, where a class of another file has that; nil otherwise.
	Leaf   *pysem.Class
	Events []pysem.Event
	Loops  []*Loop
	Saves  []*SaveSite
	Loads  []*LoadSite
	// Filled are the loads that restore into the dict they are handed, as torch.distributed.checkpoint.load.
	Filled []*LoadSite
	// Notes are files of plain values that are written, as beside a checkpoint, NotesRead those that are read.
	Notes     []*SaveSite
	NotesRead []*LoadSite
	// Restores are load_state_dict and RNG-setting calls; Steps the step() calls of optimizers, schedulers, scalers, averages.
	Restores []*Restore
	Steps    []*Step
	Seeds    []*Call
	// SetEpochs are sampler.set_epoch.
	SetEpochs []*Call
	// Calls are all calls of functions outside the file, in order.
	Calls []*Call

	engineSteps []int // the calls in which an engine steps the optimizer that it holds, in Events

	averaged  []*Step                    // asked for once, see averages
	draws     []Draw                     // asked for once, see Draws
	elsewhere *pyast.Node                // asked for once, see SeedsElsewhere
	processes []Processes                // asked for once, see evidence
	beside    map[*pysem.Ctx][]torch.RNG // asked for once, see seededBeside
	renamed   []rename                   // asked for once, see renames
	unseeds   []*Call                    // asked for once, see reset
	deletions []Deletion                 // asked for once, see Deletions
	given     map[string][]passed        // asked for once, see passedOn
	savers    []*Call                    // asked for once, see SavesBesides
	restorers []*Call                    // asked for once, see RestoredElsewhere
	seedsIn   map[Place][]*Call          // asked for once, see SeedsIn
	programs  map[Place][]*Call          // asked for once, see ProgramSeeds
}

// Begins are the functions of the file that the run is known by to other files: its entry point, or the methods of the class that
// inherits it.
func (r *Run) Begins() []*pysem.Func {
	if r.Leaf == nil {
		return []*pysem.Func{r.Entry}
	}
	return slices.Collect(maps.Values(r.Leaf.Methods))
}

// Call is one call of something outside the file.
type Call struct {
	Run   *Run
	Index int // in Run.Events
	Node  pyast.Node
	Ctx   *pysem.Ctx
	Frame *pysem.Frame
	// Callee is the qualified name of an external function, "" for methods of objects.
	Callee string
	// Entry is what the tables say of Callee; Known whether they do.
	Entry torch.Entry
	Known bool
	// Method and Recv are the method's name and its receiver's expression, for methods of objects.
	Method string
	Recv   pyast.Node
	Value  *pysem.Value // the receiver's value
}

// Arg is the value of an argument by position or keyword.
func (c *Call) Arg(position int, name string) *pysem.Value {
	return c.Run.File.Eval.Eval(pysem.Args(c.Node).Get(position, name), c.Ctx)
}

// Event is the call in the order of its run.
func (c *Call) Event() pysem.Event { return c.Run.Events[c.Index] }

// Step is a step() of an optimizer or scheduler, an update() of a scaler or average.
type Step struct {
	*Call
	Object *Object
	// Explicit says that a scheduler was told the epoch: step(epoch).
	Explicit bool
	// Foreign says that the object was handed to a training function of another file, where it is taken to step.
	Foreign bool
}

// Ways are the objects that may step here: one for each way the receiver, or the optimizer that a scaler is handed, may have come
// about.
func (s *Step) Ways() []*Object {
	f := s.Run.File
	out := []*Object{s.Object}
	stepped := append([]pyast.Node{s.Recv}, pysem.Args(s.Node).Position...)
	for _, n := range stepped {
		ways := f.Eval.Eval(n, s.Ctx).Alternatives()
		objects := make([]*Object, 0, len(ways))
		for _, a := range ways {
			if o := f.Object(a, s.Object.Name); o != nil && o.Kind == s.Object.Kind {
				objects = append(objects, o)
			}
		}
		if slices.ContainsFunc(objects, s.Object.Same) {
			out = append(out, slices.DeleteFunc(objects, s.Object.Same)...)
		}
	}
	return out
}

// Loop is a loop of a run.
type Loop struct {
	Run  *Run
	Node pyast.Node
	Ctx  *pysem.Ctx
	// First and Last are indices into Run.Events: the loop's events lie strictly between.
	First, Last int
	Frame       *pysem.Frame
	// Parent is the loop around it, across calls.
	Parent *Loop
	// Trains says that an optimizer steps in it; Inner that this happens in a loop inside it.
	Trains, Inner bool
	// Start and Stop are the bounds of `range(start, stop)`, none for other iterables; From is the start's value.
	Start, Stop pyast.Node
	// Var is the loop variable's definition node, none for while loops and several targets.
	Var pyast.Node

	counts []pyast.Node // asked for once, see counters
}

// Epoch reports whether each round is an epoch: it trains in an inner loop, or its variable is called so. What goes through the phases
// of an epoch by their names, `for phase in ["train", "val"]`, is none.
func (l *Loop) Epoch() bool {
	if !l.Trains || !l.Inner && !epochName.MatchString(l.Var.Text()) {
		return false
	}
	_, named := phases(l.Run.File.Eval.Eval(l.Node.Child(pyast.FieldRight), l.Ctx))
	return !named
}

// Outer is the outermost training loop around l, or l.
func (l *Loop) Outer() *Loop {
	out := l
	for p := l; p != nil; p = p.Parent {
		if p.Trains {
			out = p
		}
	}
	return out
}

// Holds reports whether an event of the loop's run lies in the loop.
func (l *Loop) Holds(index int) bool { return l.First < index && index < l.Last }

var epochName = regexp.MustCompile(`(?i)epoch|^ep$`)

func (f *File) run(entry *pysem.Func, ctx *pysem.Ctx) *Run {
	r := &Run{File: f, Entry: entry, Events: f.tracer.Trace(ctx)}
	var open []*Loop
	for i, ev := range r.Events {
		switch ev.Kind {
		case pysem.EventLoop:
			l := f.loop(r, i, ev)
			if len(open) > 0 {
				l.Parent = open[len(open)-1]
			}
			open = append(open, l)
			r.Loops = append(r.Loops, l)
		case pysem.EventLoopEnd:
			if n := len(open); n > 0 {
				open[n-1].Last = i
				open = open[:n-1]
			}
		case pysem.EventCall:
			f.event(r, i, ev)
		}
	}
	for _, l := range open {
		l.Last = len(r.Events)
	}
	stepped := slices.Clone(r.engineSteps)
	for _, s := range r.Steps {
		if s.Object.Kind == Optimizer {
			stepped = append(stepped, s.Index)
		}
	}
	for _, at := range stepped {
		for _, l := range r.Loops {
			if l.First < at && at < l.Last {
				l.Trains = true
				if l.Parent != nil {
					for p := l.Parent; p != nil; p = p.Parent {
						p.Inner = true
					}
				}
			}
		}
	}
	return r
}

func (f *File) loop(r *Run, i int, ev pysem.Event) *Loop {
	l := &Loop{Run: r, Node: ev.Node, Ctx: ev.Ctx, First: i, Last: len(r.Events), Frame: ev.Frame}
	if ev.Node.Kind() != pyast.KindForStatement {
		return l
	}
	left := ev.Node.Child(pyast.FieldLeft)
	if left.Is(pyast.KindIdentifier, pyast.KindAttribute) {
		l.Var = left
	} else if left.Is(pyast.KindPatternList, pyast.KindTuplePattern) {
		l.Var = left.Nth(0)
	}
	l.Start, l.Stop = f.bounds(ev.Node.Child(pyast.FieldRight), ev.Ctx, 0)
	return l
}

// rangeLike pass their first argument's rounds through.
var rangeLike = map[string]bool{"tqdm.tqdm": true, "tqdm.auto.tqdm": true, "tqdm.notebook.tqdm": true, "builtins.enumerate": true, "builtins.iter": true, "builtins.list": true, "rich.progress.track": true}

// bounds reads range(start, stop) through progress bars.
func (f *File) bounds(n pyast.Node, ctx *pysem.Ctx, depth int) (start, stop pyast.Node) {
	if n.Kind() == pyast.KindIdentifier && depth < 4 {
		if v := f.Eval.Eval(n, ctx); v.Kind == pysem.Call && v.Ctx == ctx {
			return f.bounds(v.Node, ctx, depth+1)
		}
	}
	if n.Kind() != pyast.KindCall || depth > 4 {
		return
	}
	args := pysem.Args(n)
	callee := n.Child(pyast.FieldFunction)
	name := f.Eval.Eval(callee, ctx)
	switch {
	case name.Kind == pysem.External && (name.Name == "builtins.range" || strings.HasSuffix(name.Name, ".trange") || name.Name == "builtins.xrange"):
		if len(args.Position) == 1 {
			return pyast.Node{}, args.Pos(0)
		}
		return args.Pos(0), args.Pos(1)
	case name.Kind == pysem.External && name.Name == "itertools.count":
		return args.Get(0, "start"), pyast.Node{}
	case name.Kind == pysem.External && (rangeLike[name.Name] || strings.HasSuffix(name.Name, "tqdm")):
		return f.bounds(args.Pos(0), ctx, depth+1)
	}
	return
}

// event files one call under what it does.
func (f *File) event(r *Run, i int, ev pysem.Event) {
	fn := ev.Node.Child(pyast.FieldFunction)
	callee := f.Eval.Eval(fn, ev.Ctx)
	method := false // what the ways of a receiver have in common is one call
	for n, a := range callee.Alternatives() {
		if n > 0 && a.Kind == pysem.Unknown || method && a.Kind == pysem.Attr {
			continue
		}
		c := &Call{Run: r, Index: i, Node: ev.Node, Ctx: ev.Ctx, Frame: ev.Frame}
		switch a.Kind {
		case pysem.External:
			c.Callee = a.Name
			c.Entry, c.Known = torch.Lookup(a.Name)
			// A method of something imported whole, as in `from config import optimizer`.
			if !c.Known && fn.Kind() == pyast.KindAttribute {
				c.Method, c.Recv = fn.Child(pyast.FieldAttribute).Text(), fn.Child(pyast.FieldObject)
				c.Value = f.Eval.Eval(c.Recv, ev.Ctx)
			}
		case pysem.Attr:
			method = true
			c.Method, c.Value = a.Name, a.Base
			if c.Recv = fn.Child(pyast.FieldObject); c.Recv.Valid() {
				c.Value = f.Eval.Eval(c.Recv, ev.Ctx)
			}
		case pysem.FuncVal:
			if fn.Kind() == pyast.KindAttribute && a.Base != nil && a.Base.Kind == pysem.Instance {
				c.Method, c.Value, c.Recv = a.Func.Name, a.Base, fn.Child(pyast.FieldObject)
				f.method(r, c) // classes of this file may be optimizers or schedulers too
			}
			continue
		case pysem.ClassVal:
			if c.Callee = f.loaderBase(a.Class, 0); c.Callee == "" {
				continue
			}
			c.Entry, c.Known = torch.Lookup(c.Callee)
		case pysem.Unknown:
			if fn.Kind() != pyast.KindAttribute {
				f.calledObject(r, c, fn)
				continue
			}
			c.Method, c.Recv = fn.Child(pyast.FieldAttribute).Text(), fn.Child(pyast.FieldObject)
			c.Value = f.Eval.Eval(c.Recv, ev.Ctx)
		default:
			f.calledObject(r, c, fn)
			continue
		}
		r.Calls = append(r.Calls, c)
		if c.Callee != "" {
			f.external(r, c)
		}
		if c.Method != "" {
			f.method(r, c)
		}
	}
}

// loaderBase is the data loader class that a class derives from, "" for classes of other things.
func (f *File) loaderBase(c *pysem.Class, depth int) string {
	if depth > 4 {
		return ""
	}
	for _, b := range c.Bases {
		v := f.Eval.Eval(b, f.Eval.Root(c.Scope, nil))
		if v.Kind == pysem.ClassVal && v.Class != c {
			if name := f.loaderBase(v.Class, depth+1); name != "" {
				return name
			}
		}
		if e, ok := torch.Lookup(calleeName(v)); ok && e.Kind == torch.Loader {
			return e.Name
		}
	}
	return ""
}

// calledObject handles `loss_scaler(loss, optimizer, ...)`: a scaler object that steps the optimizer it is handed.
func (f *File) calledObject(r *Run, c *Call, fn pyast.Node) {
	o := f.Object(f.Eval.Eval(fn, c.Ctx), fn.Text())
	if o == nil || o.Kind != Scaler {
		return
	}
	r.Steps = append(r.Steps, &Step{Call: c, Object: o})
	for _, a := range pysem.Args(c.Node).Position {
		if opt := f.Object(f.Eval.Eval(a, c.Ctx), a.Text()); opt != nil && opt.Kind == Optimizer {
			r.Steps = append(r.Steps, &Step{Call: c, Object: opt})
		}
	}
}

func (f *File) external(r *Run, c *Call) {
	last := lastPart(c.Callee)
	switch {
	case c.Known && c.Entry.Kind == torch.Saver:
		f.save(r, c)
	case c.Known && c.Entry.Kind == torch.FileLoader:
		r.Loads = append(r.Loads, f.loadSite(c, "f"))
	case c.Known && c.Entry.Kind == torch.NoteSaver:
		f.note(r, c)
	case c.Known && c.Entry.Kind == torch.NoteLoader:
		r.NotesRead = append(r.NotesRead, f.loadSite(c, c.Entry.Path))
	case c.Known && c.Entry.Kind == torch.Seeder:
		r.Seeds = append(r.Seeds, c)
	case c.Known && c.Entry.Kind == torch.RNGSetter:
		r.Restores = append(r.Restores, &Restore{Call: c, RNG: c.Entry.Generators, Source: c.Arg(0, "new_state")})
	case c.Known && c.Entry.Kind == torch.Collective:
		f.scatter(r, c)
		if c.Entry.Fills {
			f.fill(r, c)
		}
	case c.Callee == apexAMP+".scale_loss":
		r.Steps = append(r.Steps, &Step{Call: c, Object: f.apex()})
	case foreignSaver.MatchString(last):
		f.save(r, c)
	case foreignTrainer.MatchString(last):
		f.train(r, c)
	}
}

// apexAMP is the module that scales losses in apex; its state is that of the module.
const apexAMP = "apex.amp"

// apex is apex's loss scaling as an object.
func (f *File) apex() *Object {
	return f.object(&pysem.Value{Kind: pysem.External, Name: apexAMP}, "amp", 0)
}

// foreignTrainer are functions of other files that train when they are handed an optimizer.
var foreignTrainer = regexp.MustCompile(`(?i)train|(^|_)fit(_|$)|epoch|step`)

// train takes the optimizers, scalers, schedulers and averages that a foreign training function is handed as stepping in it.
func (f *File) train(r *Run, c *Call) {
	args := pysem.Args(c.Node)
	passed := append([]pyast.Node{}, args.Position...)
	for _, n := range args.Keyword {
		passed = append(passed, n)
	}
	slices.SortFunc(passed, func(a, b pyast.Node) int { return a.Start() - b.Start() })
	for _, n := range passed {
		o := f.Object(f.Eval.Eval(n, c.Ctx), n.Text())
		if o != nil && (o.Kind == Optimizer || o.Kind == Scaler || o.Kind == Averaged) {
			r.Steps = append(r.Steps, &Step{Call: c, Object: o, Foreign: true})
		}
	}
}

// foreignSaver are helpers of other files that write what they are given.
var foreignSaver = regexp.MustCompile(`(?i)^(save_on_(master|main|rank0?)|master_save|save_checkpoint|save_model|save_state|save_ckpt|checkpoint_save|save_snapshot|save_training_state|save)$`)

func (f *File) method(r *Run, c *Call) {
	recv := c.Recv.Text()
	switch c.Method {
	case "step":
		if c.Value != nil && f.isEngine(c.Value) {
			r.engineSteps = append(r.engineSteps, c.Index)
			return
		}
		o := f.Object(c.Value, recv)
		if o == nil {
			return
		}
		args := pysem.Args(c.Node)
		switch o.Kind {
		case Scaler:
			r.Steps = append(r.Steps, &Step{Call: c, Object: o})
			if opt := f.Object(c.Arg(0, "optimizer"), args.Pos(0).Text()); opt != nil {
				r.Steps = append(r.Steps, &Step{Call: c, Object: opt})
			}
		case Optimizer, Scheduler, Averaged:
			r.Steps = append(r.Steps, &Step{Call: c, Object: o, Explicit: o.Kind == Scheduler && f.explicit(o, args)})
		}
	case "step_update", "step_epoch":
		if o := f.Object(c.Value, recv); o != nil && o.Kind == Scheduler {
			r.Steps = append(r.Steps, &Step{Call: c, Object: o, Explicit: true})
		}
	case "update", "update_parameters", "update_average":
		if o := f.Object(c.Value, recv); o != nil && (o.Kind == Averaged || o.Kind == Scaler) {
			r.Steps = append(r.Steps, &Step{Call: c, Object: o})
		}
	case "minimize", "step_and_update_lr", "backward_step":
		if o := f.Object(c.Value, recv); o != nil && o.Kind == Optimizer {
			r.Steps = append(r.Steps, &Step{Call: c, Object: o})
		}
	case "load_state_dict":
		f.restore(r, c)
	case "set_state":
		if o := f.Object(c.Value, recv); o != nil && o.Kind == Generator {
			r.Restores = append(r.Restores, &Restore{Call: c, Object: o, Source: c.Arg(0, "new_state")})
		}
	case "set_epoch":
		r.SetEpochs = append(r.SetEpochs, c)
	}
	f.likeFunction(r, c)
}

// likeFunction files a call of a method that is like a function of the tables: fabric.save(path, state).
func (f *File) likeFunction(r *Run, c *Call) {
	if c.Known {
		return
	}
	for _, m := range torch.LikeFunctions(c.Method) {
		if !f.isOf(m, c) {
			continue
		}
		c.Entry = m.As
		switch {
		case m.As.Kind == torch.Saver:
			c.Known = !m.As.Once // what one process writes is not held against the others
			f.save(r, c)
		case pysem.Args(c.Node).Get(1, m.As.Payload).Valid():
			f.fill(r, c)
		default:
			r.Loads = append(r.Loads, f.loadSite(c, m.As.Path))
		}
		return
	}
}

// isEngine reports whether a value is the first of what deepspeed.initialize returns.
func (f *File) isEngine(v *pysem.Value) bool {
	return slices.ContainsFunc(v.Alternatives(), func(a *pysem.Value) bool {
		return a.Kind == pysem.Elem && a.Index == 0 && a.Base.Callee() == "deepspeed.initialize"
	})
}

// explicit says that step() was given the epoch. ReduceLROnPlateau takes the metric instead.
func (f *File) explicit(o *Object, args pysem.ArgList) bool {
	if strings.HasSuffix(o.Class, "ReduceLROnPlateau") {
		return false
	}
	n := args.Get(0, "epoch")
	if _, ok := args.Keyword["metrics"]; ok || !n.Valid() {
		return false
	}
	return progressName.MatchString(lastPart(n.Text())) || n.Is(pyast.KindBinaryOperator)
}
