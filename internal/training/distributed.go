package training

import (
	"regexp"
	"slices"
	"strings"

	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
	"github.com/ckpt-lsp/ckpt-lsp/internal/pysem"
	"github.com/ckpt-lsp/ckpt-lsp/internal/torch"
)

// Processes shows that several processes run a piece of code.
type Processes struct {
	// Node is the call that only a program of several processes makes; What is its name in a message.
	Node pyast.Node
	What string

	ctx   *pysem.Ctx
	frame *pysem.Frame
}

// manyProcesses are the callees that only a program of several processes needs, by qualified name.
var manyProcesses = []struct {
	pattern *regexp.Regexp
	what    string
}{
	{regexp.MustCompile(`^(torch\.distributed|deepspeed\.comm)(\.\w+)*\.init_process_group$|^deepspeed\.init_distributed$`), "init_process_group"},
	{ddpClass, "DistributedDataParallel"},
	{regexp.MustCompile(`^torch\..*\bDistributedSampler$`), "DistributedSampler"},
	{regexp.MustCompile(`^horovod\.torch\.(init|DistributedOptimizer)$`), "Horovod"},
}

var (
	ddpClass  = regexp.MustCompile(`^(torch\.nn\.parallel(\.distributed)?|apex\.parallel(\.distributed)?)\.DistributedDataParallel$`)
	spawnCall = regexp.MustCompile(`^torch\.multiprocessing(\.\w+)?\.(spawn|start_processes)$`)
	newProc   = regexp.MustCompile(`(?i)(^|\.)(spawn|start_processes|process|launch|notebook_launcher|starmap)$`)
)

// DistributedDataParallel reports whether an object is a DDP wrapper, rather than DataParallel in one process.
func (o *Object) DistributedDataParallel() bool { return o != nil && ddpClass.MatchString(o.Class) }

func (f *File) handedTo(c *pysem.Ctx) string {
	fn := c.Call.Child(pyast.FieldFunction)
	if v := f.Eval.Eval(fn, c.Parent); v.Kind == pysem.External {
		return v.Name
	}
	return fn.Text()
}

// isSpawn reports whether a function runs because it was handed to torch.multiprocessing.spawn.
func isSpawn(f *File, c *pysem.Ctx) bool { return c.Passed && spawnCall.MatchString(f.handedTo(c)) }

// process is the calling context in which the process that runs a context began, nil for the program's first process.
func (f *File) process(c *pysem.Ctx) *pysem.Ctx {
	for ; c != nil; c = c.Parent {
		if c.Passed && newProc.MatchString(f.handedTo(c)) {
			return c
		}
	}
	return nil
}

func (r *Run) evidence() []Processes {
	var out []Processes
	for _, c := range r.Calls {
		if strings.HasSuffix(c.Callee, "init_process_group") {
			if n := c.Arg(-1, "world_size"); n.Kind == pysem.Int && n.Int == 1 {
				return nil // a group of one
			}
		}
		for _, m := range manyProcesses {
			if c.Callee != "" && (m.pattern.MatchString(c.Callee) || c.Known && m.pattern.MatchString(c.Entry.Name)) && !r.File.unreachable(c.Frame) {
				out = append(out, Processes{c.Node, m.what, c.Ctx, c.Frame})
			}
		}
	}
	return out
}

// Distributed finds what proves that several processes make a call: they were spawned into it, or the same program, in the
// same process and not on another branch, starts a process group, wraps a model in DDP or splits its data over ranks.
func (c *Call) Distributed() (Processes, bool) {
	f := c.Run.File
	if f.unreachable(c.Frame) {
		return Processes{}, false
	}
	p := f.process(c.Ctx)
	if p != nil && isSpawn(f, p) {
		return Processes{p.Call, "torch.multiprocessing.spawn", p.Parent, nil}, true
	}
	for _, e := range c.Run.evidence() {
		if f.process(e.ctx) == p && !Exclusive(e.frame, c.Frame) {
			return e, true
		}
	}
	return Processes{}, false
}

// Optional reports whether an option alone decides that there are several processes, in a run that starts no process group: the program
// may be one that only shares code with those which do.
func (e Processes) Optional(r *Run) bool {
	if e.What != "DistributedDataParallel" && e.What != "DistributedSampler" {
		return false
	}
	for _, o := range r.evidence() {
		if o.What != "DistributedDataParallel" && o.What != "DistributedSampler" {
			return false
		}
	}
	for fr := e.frame; fr != nil; fr = fr.Parent {
		if fr.Kind == pysem.FrameIf {
			return true
		}
	}
	return false
}

// GroupStarted reports whether there is a process group wherever the program comes to the call: one is started before, or a wrapper made
// that cannot do without, behind no test that does not stand around the call as well.
func (c *Call) GroupStarted() bool {
	f := c.Run.File
	for _, e := range c.Run.evidence() {
		if e.What != "DistributedSampler" && e.What != "Horovod" && f.process(e.ctx) == f.process(c.Ctx) && Implied(e.frame, c.Frame) &&
			slices.ContainsFunc(c.Run.Calls, func(o *Call) bool { return o.Node == e.Node && o.Ctx == e.ctx && o.Index < c.Index }) {
			return true
		}
	}
	return false
}

// Distributed finds what proves that several processes reach the save. Beside what Call.Distributed knows, a class may wrap
// its model in one method and train and save it in another, or be run by Lightning.
func (s *SaveSite) Distributed() (Processes, bool) {
	if e, ok := s.Call.Distributed(); ok {
		return e, ok
	}
	if s.Run.File.unreachable(s.Frame) {
		return Processes{}, false
	}
	if n := s.Run.hooked(); n.Valid() {
		return Processes{n, "`" + n.Text() + "`", nil, nil}, true
	}
	if s.Loop == nil && !s.AfterLoop {
		return Processes{}, false // the caller may let one process in only
	}
	for _, c := range s.Components {
		if c.Object != nil && c.Object.Kind == Model && c.Value != nil {
			if n := s.Run.File.wrapped(c.Value, 0); n.Valid() {
				return Processes{n, "DistributedDataParallel", nil, nil}, true
			}
		}
	}
	return Processes{}, false
}

// wrapped is the DDP construction inside `ddp.state_dict()`, `ddp.module.state_dict()` or `ddp`.
func (f *File) wrapped(v *pysem.Value, depth int) pyast.Node {
	if depth > 6 || v == nil {
		return pyast.Node{}
	}
	for _, a := range v.Alternatives() {
		if a.Kind == pysem.Call && ddpClass.MatchString(a.Callee()) {
			return a.Node
		}
		base := a.Base
		if recv, _, ok := a.Method(); ok {
			base = recv
		} else if a.Kind != pysem.Attr {
			continue
		}
		if n := f.wrapped(base, depth+1); n.Valid() {
			return n
		}
	}
	return pyast.Node{}
}

// GroupKind says what a call does together with the other processes.
type GroupKind uint8

// Kinds of calls that every process of the group must make.
const (
	Barrier    GroupKind = iota // waits for all
	Exchange                    // all_reduce, broadcast, gather and the like
	JointSave                   // writes a checkpoint together
	JointState                  // gathers a sharded state
)

// GroupCall is a call that every process of the group must make.
type GroupCall struct {
	*Call
	Kind GroupKind
	// What is how messages call it, as "FSDP state_dict".
	What string
	// Certain is false where only some backends exchange data in it: accelerator.save_state hangs under DeepSpeed and FSDP.
	Certain bool
}

var (
	acceleratorName = regexp.MustCompile(`(?i)(^|[._])accelerator$`)
	engineName      = regexp.MustCompile(`(?i)(^|[._])(model_)?engine$|deep_?speed`)
	fabricName      = regexp.MustCompile(`(?i)(^|[._])fabric$`)
	fsdpClass       = regexp.MustCompile(`FullyShardedDataParallel$|(^|\.)FSDP$`)
	stateTypeCall   = regexp.MustCompile(`\b(FSDP|FullyShardedDataParallel)\.(state_dict_type|set_state_dict_type)$`)
	fsdpState       = regexp.MustCompile(`FullyShardedDataParallel\.((full|sharded)_optim_state_dict|optim_state_dict)$|^torch\.distributed\.checkpoint\.state_dict\.get_(model_|optimizer_)?state_dict$`)
)

// GroupCalls are the calls of the run that every process must make, in order.
func (r *Run) GroupCalls() []GroupCall {
	var out []GroupCall
	for _, c := range r.Calls {
		if g, ok := r.File.groupCall(c); ok {
			out = append(out, g)
		}
	}
	return out
}

func (f *File) groupCall(c *Call) (GroupCall, bool) {
	g := GroupCall{Call: c, Certain: true, What: c.Node.Child(pyast.FieldFunction).Text()}
	switch {
	case c.Known && c.Entry.Kind == torch.Saver && c.Entry.Collective:
		g.Kind = JointSave
		return g, true
	case c.Known && c.Entry.Kind == torch.Collective:
		g.Kind = Exchange
		if strings.HasSuffix(c.Callee, "barrier") {
			g.Kind = Barrier
		}
		return g, true
	case fsdpState.MatchString(c.Callee):
		g.Kind = JointState
		return g, true
	}
	recv := c.Recv.Text()
	switch c.Method {
	case "barrier", "wait_for_everyone":
		g.Kind = Barrier
		return g, c.Callee == ""
	case "consolidate_state_dict":
		g.Kind = JointState
		return g, true
	case "save_state":
		g.Kind, g.Certain = JointSave, false
		return g, f.isA(c.Value, "accelerate.Accelerator") || acceleratorName.MatchString(recv)
	case "save_checkpoint":
		g.Kind = JointSave
		return g, f.isA(c.Value, "deepspeed.initialize") || engineName.MatchString(recv)
	case "save":
		g.Kind = JointSave
		return g, f.isA(c.Value, "lightning.fabric.Fabric") || f.isA(c.Value, "lightning.Fabric") || fabricName.MatchString(recv)
	case "state_dict":
		g.Kind, g.What = JointState, "FSDP `state_dict()`"
		if o := f.Object(c.Value, recv); o != nil && fsdpClass.MatchString(o.Class) {
			return g, true
		}
		for fr := c.Frame; fr != nil; fr = fr.Parent {
			if fr.Kind == pysem.FrameWith && stateTypeCall.MatchString(fr.Node.Child(pyast.FieldFunction).Text()) {
				return g, true
			}
		}
	}
	return g, false
}

// isA reports whether a value is what a callee returns, or an element of it.
func (f *File) isA(v *pysem.Value, callee string) bool {
	if v == nil {
		return false
	}
	for _, a := range v.Alternatives() {
		if a.Kind == pysem.Elem {
			a = a.Base
		}
		if a.Callee() == callee {
			return true
		}
	}
	return false
}

// synchronises are functions of other files that, by their name, wait for the other processes or train with them.
var synchronises = regexp.MustCompile(`(?i)barrier|sync|wait|reduce|gather|broadcast|train|eval|valid|test|predict|infer|generate|sample|fit$|run$`)

// Awaited is the call at which the other processes depend on the file that a guarded save wrote, with nothing before it that
// makes them wait: a load of that file, or the end of the process group. It is nil when there is none.
func (s *SaveSite) Awaited() *Call {
	r := s.Run
	f := r.File
	loads := map[int]*LoadSite{}
	for _, l := range r.Loads {
		loads[l.Index] = l
	}
	p := f.process(s.Ctx)
	for _, c := range r.Calls {
		if c.Index <= s.Index || Exclusive(s.Frame, c.Frame) || f.process(c.Ctx) != p || f.OneWriter(c.Frame) {
			continue
		}
		if f.mayWait(c) || r.steps(c.Index) || f.waitsAtExit(s.Frame, c.Frame) {
			return nil
		}
		if l := loads[c.Index]; l != nil && SamePath(s.Path, l.Path) {
			if s.waitedFor(c.Index) {
				return nil
			}
			return c
		}
		if strings.HasSuffix(c.Callee, "destroy_process_group") {
			if s.Loop != nil {
				return nil // each later round of training waits for the save; only the last one does not
			}
			return c
		}
	}
	return nil
}

// waitedFor reports whether, between the save and a later event, all processes come to a call of a function that is not followed and
// in which they wait for each other.
func (s *SaveSite) waitedFor(later int) bool {
	f := s.Run.File
	for _, ev := range s.Run.Events[s.Index+1 : later] {
		if ev.Kind != pysem.EventCall || Exclusive(s.Frame, ev.Frame) || f.OneWriter(ev.Frame) {
			continue
		}
		callee := ev.Node.Child(pyast.FieldFunction) // it may wait for a file, rather than in a collective
		if barrierName.MatchString(lastPart(callee.Text())) || f.holdsCollective(callee, ev.Ctx, 0) {
			return true
		}
	}
	return false
}

// Gathers reports whether what is saved is worked out in a call of its own that every process must make, as the state of a model under
// FSDP is.
func (s *SaveSite) Gathers() bool {
	return slices.ContainsFunc(s.Run.Calls, func(c *Call) bool {
		if c.Node == s.Node || c.Ctx != s.Ctx || !s.Node.Encloses(c.Node) {
			return false
		}
		_, joint := s.Run.File.groupCall(c)
		return joint
	})
}

var barrierName = regexp.MustCompile(`(?i)barrier`)

// waitsAtExit reports whether a context manager at hand is left on the way from one frame to another, in which the processes wait for
// each other: what it does is listed where it is entered.
func (f *File) waitsAtExit(from, to *pysem.Frame) bool {
	for fr := from; fr != nil; fr = fr.Parent {
		if fr.Kind == pysem.FrameWith && !encloses(fr, to) && slices.ContainsFunc(f.callsFor(fr.Node), f.mayWait) {
			return true
		}
	}
	return false
}

// encloses reports whether a frame is another one or lies around it.
func encloses(fr, in *pysem.Frame) bool {
	for ; in != nil; in = in.Parent {
		if in == fr {
			return true
		}
	}
	return false
}

// callsFor are the calls of all runs that a call of a function at hand comes to.
func (f *File) callsFor(call pyast.Node) []*Call {
	var out []*Call
	for _, r := range f.Runs {
		for _, c := range r.Calls {
			for ctx := c.Ctx; ctx != nil; ctx = ctx.Parent {
				if ctx.Call == call {
					out = append(out, c)
					break
				}
			}
		}
	}
	return out
}

// mayWait reports whether a process waits for the others in a call, as far as its name tells.
func (f *File) mayWait(c *Call) bool {
	_, joint := f.groupCall(c)
	return joint || c.Callee != "" && !c.Known && synchronises.MatchString(lastPart(c.Callee)) || c.Method != "" && synchronises.MatchString(c.Method)
}

// holdsCollective reports whether the function that an expression names calls what all processes must call, or one that does.
func (f *File) holdsCollective(callee pyast.Node, ctx *pysem.Ctx, depth int) bool {
	const deepest = 3
	for _, a := range f.Eval.Eval(callee, ctx).Alternatives() {
		if e, ok := torch.Lookup(calleeName(a)); ok && e.Kind == torch.Collective {
			return true
		}
		if a.Kind != pysem.FuncVal || depth == deepest {
			continue
		}
		for _, c := range a.Func.Calls {
			inner := c.Child(pyast.FieldFunction)
			if f.holdsCollective(inner, f.Eval.In(a.Func.Module, inner), depth+1) {
				return true
			}
		}
	}
	return false
}

// firstOf are context managers that let the processes in one after the other.
var firstOf = regexp.MustCompile(`(?i)(zero|main|master|rank\w*|process)_?first|one_?at_?a_?time|sequential|filelock`)

// Guarded reports whether a place is surely not reached by all processes at once: a rank test lets some of them through only,
// or a context manager one after the other.
func (f *File) Guarded(fr *pysem.Frame) bool {
	for x := fr; x != nil; x = x.Parent {
		if x.Kind == pysem.FrameWith && firstOf.MatchString(x.Node.Text()) {
			return true
		}
	}
	return len(f.Guards(fr)) > 0
}

// SomeRanks is the outermost rank test around a frame that lets only some processes through, unless a test for a single
// process stands there too.
func (f *File) SomeRanks(fr *pysem.Frame) (Guard, bool) {
	var out Guard
	found := false
	for _, g := range f.Guards(fr) {
		if g.Test == NoRanks {
			return Guard{}, false
		}
		out, found = g, true
	}
	return out, found
}

// ByOneRank are the functions that a caller behind a test of the rank calls, in a program of several processes: what all of those must
// call cannot stand in them.
func (f *File) ByOneRank() []*pysem.Func {
	var out []*pysem.Func
	seen := map[*pysem.Ctx]bool{}
	for _, r := range f.Runs {
		if len(r.evidence()) == 0 {
			continue
		}
		for _, e := range r.Events {
			if seen[e.Ctx] || slices.Contains(out, e.Ctx.Func) {
				continue
			}
			seen[e.Ctx] = true
			caller := e.Frame
			for caller != nil && caller.Ctx == e.Ctx {
				caller = caller.Parent
			}
			if _, ok := f.SomeRanks(caller); ok {
				out = append(out, e.Ctx.Func)
			}
		}
	}
	return out
}

// OwnGroup reports whether the call names the processes it waits for, which may be just those that reach it.
func (g GroupCall) OwnGroup() bool {
	args := pysem.Args(g.Node)
	for _, k := range []string{"group", "process_group", "pg"} {
		if n, ok := args.Keyword[k]; ok && !n.Is(pyast.KindNoneLiteral) {
			return true
		}
	}
	return g.Kind == Barrier && len(args.Position) > 0
}

var remembers = regexp.MustCompile(`^functools\.(lru_)?cache$`)

// Remembered reports whether a function on the way from a guard to the call keeps its results (functools.cache): called again under the
// guard, it may make no call.
func (g GroupCall) Remembered(guard *pysem.Frame) bool {
	for fr := g.Frame; fr != nil && fr != guard; fr = fr.Parent {
		if fr.Kind != pysem.FrameDecorator {
			continue
		}
		n := fr.Node
		if n.Kind() == pyast.KindCall {
			n = n.Child(pyast.FieldFunction)
		}
		if remembers.MatchString(g.Run.File.qualified(n)) {
			return true
		}
	}
	return false
}

// Write is a call other than a save that writes a checkpoint: a copy of its file, or the save() of a script module.
type Write struct {
	*Call
	Path *Path
}

var (
	copiers  = regexp.MustCompile(`^shutil\.(copyfile|copy|copy2|copytree|move)$`)
	scripted = regexp.MustCompile(`^torch\.jit\.(script|trace|freeze)$`)
)

// Writes are the writes of the run beside its saves, in order.
func (r *Run) Writes() []Write {
	f := r.File
	var out []Write
	for _, c := range r.Calls {
		args := pysem.Args(c.Node)
		switch {
		case copiers.MatchString(c.Callee):
			w := Write{c, f.path(args.Get(1, "dst"), c.Ctx)}
			if checkpointWord.MatchString(args.Get(0, "src").Text() + " " + w.Path.Pattern) {
				out = append(out, w)
			}
		case c.Method == "save" && c.Value != nil:
			for _, a := range c.Value.Alternatives() {
				if scripted.MatchString(a.Callee()) {
					out = append(out, Write{c, f.path(args.Get(0, "f"), c.Ctx)})
					break
				}
			}
		}
	}
	return out
}

// Distributed reports whether anything in a run shows that several processes run it.
func (r *Run) Distributed() bool {
	return len(r.evidence()) > 0 || slices.ContainsFunc(r.Calls, func(c *Call) bool { return spawnCall.MatchString(c.Callee) })
}
