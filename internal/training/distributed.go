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
	// Node is the call that only a program of several processes makes, of which torch's tables say more.
	Node pyast.Node
	torch.Several

	// Asked says that the program asks whether there are several.
	Asked bool

	ctx   *pysem.Ctx
	frame *pysem.Frame
}

var (
	ddpClass = regexp.MustCompile(`^(torch\.nn\.parallel(\.distributed)?|apex\.parallel(\.distributed)?)\.DistributedDataParallel$`)
	newProc  = regexp.MustCompile(`(?i)(^|\.)(spawn|start_processes|process|launch|notebook_launcher|starmap)$`)
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

// startedBy is how the function of a context was started, if by a launcher that is known.
func (f *File) startedBy(c *pysem.Ctx) (torch.Launch, bool) {
	if !c.Passed {
		return torch.Launch{}, false
	}
	return launcher(f.Eval.Eval(c.Call.Child(pyast.FieldFunction), c.Parent))
}

// spawned reports whether the function of a context runs in several processes because a launcher starts it in each, and the launcher's name.
func (f *File) spawned(c *pysem.Ctx) (string, bool) {
	l, ok := f.startedBy(c)
	if !ok || l.Count == "" {
		return "", false
	}
	if n := f.Eval.Eval(pysem.Args(c.Call).Get(l.CountAt, l.Count), c.Parent); n.Kind == pysem.Int && n.Int == 1 {
		return "", false
	}
	return f.handedTo(c), true
}

// process is the calling context in which the process that runs a context began, nil for the program's first process.
func (f *File) process(c *pysem.Ctx) *pysem.Ctx {
	for ; c != nil; c = c.Parent {
		if !c.Passed {
			continue
		}
		if l, ok := f.startedBy(c); ok && l.Process || newProc.MatchString(f.handedTo(c)) {
			return c
		}
	}
	return nil
}

// evidence are the calls of the run that show that several processes run it.
func (r *Run) evidence() []Processes {
	if r.processes == nil {
		r.processes = r.severalCalls()
	}
	return r.processes
}

func (r *Run) severalCalls() []Processes {
	out := []Processes{}
	for _, c := range r.Calls {
		if strings.HasSuffix(c.Callee, "init_process_group") {
			if n := c.Arg(-1, "world_size"); n.Kind == pysem.Int && n.Int == 1 {
				return []Processes{} // a group of one
			}
		}
		s, ok := torch.ManyProcesses(c.Callee)
		if !ok || s.Option != "" && !c.saysSeveral(s) || s.Exchange && enclosed(c.Frame, pysem.FrameIf) || r.File.unreachable(c.Frame) { // whether there is a group may be what is tested
			continue
		}
		out = append(out, Processes{Node: c.Node, Several: s, ctx: c.Ctx, frame: c.Frame})
	}
	return out
}

// saysSeveral reports whether the option of a call says that several processes run the program: Trainer(strategy="ddp").
func (c *Call) saysSeveral(s torch.Several) bool {
	says, ok := c.Arg(-1, s.Option).Text()
	n := c.Arg(-1, s.Count)
	return ok && s.Says.MatchString(says) && (n.Kind != pysem.Int || n.Int != 1)
}

// enclosed reports whether a frame of a kind is around a frame, or is it.
func enclosed(fr *pysem.Frame, kind pysem.FrameKind) bool {
	for ; fr != nil; fr = fr.Parent {
		if fr.Kind == kind {
			return true
		}
	}
	return false
}

// Distributed finds what proves that several processes make a call: they were spawned into it, or the same program, in the
// same process and not on another branch, starts a process group, wraps a model in DDP or splits its data over ranks.
func (c *Call) Distributed() (Processes, bool) {
	f := c.Run.File
	if f.unreachable(c.Frame) {
		return Processes{}, false
	}
	p := f.process(c.Ctx)
	if p != nil {
		if name, ok := f.spawned(p); ok {
			return Processes{Node: p.Call, Several: torch.Several{What: name}, ctx: p.Parent}, true
		}
	}
	var launched Processes
	for _, e := range c.Run.evidence() {
		switch {
		case f.process(e.ctx) != p || Exclusive(e.frame, c.Frame):
		case !e.Launched:
			return e, true
		case launched.What == "":
			launched = e // which proves less than a process group that the program starts itself
		}
	}
	return launched, launched.What != ""
}

// Optional reports whether an option, or the way it is launched, alone decides that there are several processes, in a run that starts no
// process group: the program may be one that only shares code with those which do.
func (e Processes) Optional(r *Run) bool {
	if e.Launched {
		return !r.File.names(asksForMain)
	}
	if e.Asked {
		return true
	}
	if e.What == "" || e.Starts || e.ctx == nil || !enclosed(e.frame, pysem.FrameIf) {
		return false
	}
	return !slices.ContainsFunc(r.evidence(), func(o Processes) bool { return o.Starts })
}

// asksForMain are the attributes of an Accelerator, and functions of Accelerate, which are of use to several processes only: they show that
// a program reckons with them. Without one the finding is information.
var asksForMain = regexp.MustCompile(`^(is_(local_)?main_process|wait_for_everyone|(local_)?main_process_first|on_(local_)?main_process|num_processes|process_index|gather(_for_metrics)?)$`)

// GroupStarted reports whether there is a process group wherever the program comes to the call: one is started before, or a wrapper made
// that cannot do without, behind no test that does not stand around the call as well.
func (c *Call) GroupStarted() bool {
	f := c.Run.File
	for _, e := range c.Run.evidence() {
		if e.Group && f.process(e.ctx) == f.process(c.Ctx) && Implied(e.frame, c.Frame) &&
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
		return Processes{Node: n, Several: torch.Several{What: "`" + n.Text() + "`"}}, true
	}
	if s.Loop == nil && !s.AfterLoop {
		return Processes{}, false // the caller may let one process in only
	}
	for _, c := range s.Components {
		if c.Object != nil && c.Object.Kind == Model && c.Value != nil {
			if n := s.Run.File.wrapped(c.Value, 0); n.Valid() {
				return Processes{Node: n, Several: torch.Several{What: "DistributedDataParallel"}, Asked: n.Child(pyast.FieldFunction).TextIs("isinstance")}, true
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
		if asked := f.unwrappedUnder(a); asked.Valid() {
			return asked
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

// unwrappedUnder is the test under which a value is taken out of a DistributedDataParallel, `if isinstance(model, DDP): net = model.module`,
// none for other values.
func (f *File) unwrappedUnder(v *pysem.Value) pyast.Node {
	if v.Kind != pysem.Attr || v.Name != "module" || !v.Node.Valid() {
		return pyast.Node{}
	}
	test := v.Node.Ancestor(pyast.KindIfStatement, pyast.KindConditionalExpression, pyast.KindFunctionDefinition)
	cond := test.Child(pyast.FieldCondition)
	if test.Kind() == pyast.KindConditionalExpression {
		cond = test.Nth(1)
	}
	for n := range cond.Descendants() {
		if n.Kind() == pyast.KindCall && n.Child(pyast.FieldFunction).TextIs("isinstance") && ddpClass.MatchString(f.qualified(pysem.Args(n).Pos(1))) {
			return n
		}
	}
	return pyast.Node{}
}

// GroupCall is a call that every process of the group must make.
type GroupCall struct {
	*Call
	Kind torch.Joint
	// What is how messages call it, as "FSDP state_dict".
	What string
	// Certain is false where only some backends exchange data in it: accelerator.save_state hangs under DeepSpeed and FSDP.
	Certain bool
}

var (
	fsdpClass     = regexp.MustCompile(`FullyShardedDataParallel$|(^|\.)FSDP$`)
	stateTypeCall = regexp.MustCompile(`\b(FSDP|FullyShardedDataParallel)\.(state_dict_type|set_state_dict_type)$`)
	fsdpState     = regexp.MustCompile(`FullyShardedDataParallel\.((full|sharded)_optim_state_dict|optim_state_dict)$|^torch\.distributed\.checkpoint\.state_dict\.get_(model_|optimizer_)?state_dict$`)
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
		g.Kind = torch.JointSave
	case c.Known && c.Entry.Kind == torch.Collective:
		g.Kind = c.Entry.Does
	case fsdpState.MatchString(c.Callee):
		g.Kind = torch.JointState
	case c.Callee != "" && torch.SavesTogether(c.Callee):
		g.Kind = torch.JointSave
	default:
		g.Kind, g.Certain = f.jointMethod(c)
	}
	if c.Method == "state_dict" && g.Kind == torch.NotJoint && f.shardedState(c) {
		g.Kind, g.What = torch.JointState, "FSDP `state_dict()`"
	}
	return g, g.Kind != torch.NotJoint
}

// jointMethod is what the processes do together in the method that a call is of.
func (f *File) jointMethod(c *Call) (does torch.Joint, certain bool) {
	m, ok := f.jointRow(c)
	return m.Does, !ok || !m.Uncertain
}

// jointRow is what the tables tell of a method that all processes must call, of which a call is.
func (f *File) jointRow(c *Call) (torch.Method, bool) {
	if c.Method != "" && !c.Known {
		for _, m := range torch.JointMethods(c.Method) {
			if len(m.Of) == 0 && c.Callee == "" || len(m.Of) > 0 && f.isOf(m, c) && !f.moduleOf(c.Node).Words().Names.Has(m.Without...) {
				return m, true
			}
		}
	}
	return torch.Method{}, false
}

// isOf reports whether the receiver of a call is such an object as a method is of: by what made it, by its annotation, or by its name.
func (f *File) isOf(m torch.Method, c *Call) bool {
	if c.Value != nil {
		for _, a := range c.Value.Alternatives() {
			if a.Kind == pysem.Elem {
				a = a.Base
			}
			named := func(t *pysem.Value) bool { return slices.Contains(m.Of, torch.Canonical(calleeName(t))) }
			if slices.Contains(m.Of, torch.Canonical(a.Callee())) {
				n := f.Eval.Eval(pysem.Args(a.Node).Keyword[m.Count], a.Ctx)
				return n.Kind != pysem.Int || n.Int != 1
			}
			if slices.ContainsFunc(f.declaredAs(a), named) {
				return true
			}
		}
	}
	if _, ok := pysem.Args(c.Node).Keyword[m.Keyword]; ok {
		return true
	}
	return m.Called.MatchString(c.Recv.Text()) && (m.Import == "" || slices.ContainsFunc(f.moduleOf(c.Node).Imports, func(name string) bool {
		return strings.HasPrefix(torch.Canonical(name+"."), m.Import)
	}))
}

// shardedState reports whether a call of state_dict gathers the state of a model under FSDP.
func (f *File) shardedState(c *Call) bool {
	o := f.Object(c.Value, c.Recv.Text())
	if o != nil && o.Kind == Optimizer {
		return false // its shards are gathered by the calls of FSDP for them
	}
	if o != nil && fsdpClass.MatchString(o.Class) {
		return true
	}
	for fr := c.Frame; fr != nil; fr = fr.Parent {
		if fr.Kind == pysem.FrameWith && stateTypeCall.MatchString(fr.Node.Child(pyast.FieldFunction).Text()) {
			return true
		}
	}
	return false
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
	p := handedOver(s.Ctx)
	for _, c := range r.Calls {
		if c.Index <= s.Index || Exclusive(s.Frame, c.Frame) || handedOver(c.Ctx) != p || f.OneWriter(c.Frame) {
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
			if s.Loop != nil && !s.leavesLoop() {
				return nil // each later round of training waits for the save; only the last one does not
			}
			return c
		}
	}
	return nil
}

// leavesLoop reports whether the training loop is left right after the save: no later round waits for it.
func (s *SaveSite) leavesLoop() bool {
	n := Leading(s.Node, s.Ctx, s.Loop.Ctx)
	for ; n.Valid() && n != s.Loop.Node; n = n.Parent() {
		if n.Is(pyast.KindForStatement, pyast.KindWhileStatement) {
			return false // left is a loop inside
		}
		for next := n.Next(); next.Valid() && n.Parent().Kind() == pyast.KindBlock; next = next.Next() {
			if next.Is(pyast.KindBreakStatement, pyast.KindReturnStatement) {
				return true
			}
		}
	}
	return false
}

// handedOver is the innermost context on the way to one whose function something foreign is handed, which runs it when it likes; nil for none.
func handedOver(c *pysem.Ctx) *pysem.Ctx {
	for c != nil && !c.Passed {
		c = c.Parent
	}
	return c
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
	return f.inTurn(fr) || len(f.Guards(fr)) > 0
}

// OthersTogether reports whether all processes but the main one get to a place at once, on the branch that is meant for a single process:
// `else` of `if several and main`.
func (f *File) OthersTogether(fr *pysem.Frame) bool {
	guards := f.Guards(fr)
	return len(guards) > 0 && !f.inTurn(fr) && !slices.ContainsFunc(guards, func(g Guard) bool { return g.Test != MainOut })
}

// inTurn reports whether a context manager lets the processes get to a place one after the other.
func (f *File) inTurn(fr *pysem.Frame) bool {
	for x := fr; x != nil; x = x.Parent {
		if x.Kind != pysem.FrameWith {
			continue
		}
		turn, known := f.turns[x.Node]
		if !known {
			if f.turns == nil {
				f.turns = map[pyast.Node]bool{}
			}
			turn = firstOf.MatchString(x.Node.Text())
			f.turns[x.Node] = turn
		}
		if turn {
			return true
		}
	}
	return false
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
	return g.Kind == torch.Barrier && len(args.Position) > 0
}

// ByChoice reports whether a helper in another file makes the call only where something is so that has nothing to do with there being
// several processes: an option of the helper, which may never be so behind the guard.
func (f *File) ByChoice(g GroupCall, guard Guard) bool {
	for fr := g.Frame; fr != nil && fr != guard.Frame; fr = fr.Parent {
		if fr.Kind == pysem.FrameIf && fr.Ctx.Func.Module != guard.Frame.Ctx.Func.Module && !f.asksSeveral(fr.Cond, fr.Ctx) {
			return true
		}
	}
	return false
}

// asksSeveral reports whether a condition asks whether there are several processes, or which one this is.
func (f *File) asksSeveral(cond pyast.Node, ctx *pysem.Ctx) bool {
	if singleName.MatchString(cond.Text()) || f.testRank(cond, ctx, true) != AnyRank || f.testRank(cond, ctx, false) != AnyRank {
		return true
	}
	return slices.ContainsFunc(f.Eval.Eval(cond, ctx).Alternatives(), func(a *pysem.Value) bool { return a.Node.Valid() && singleName.MatchString(a.Node.Text()) })
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
			if src := f.path(args.Get(0, "src"), c.Ctx); slices.ContainsFunc(f.Saves(), func(s *SaveSite) bool { return SamePath(s.Path, src) }) {
				out = append(out, Write{c, f.path(args.Get(1, "dst"), c.Ctx)})
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
	return len(r.evidence()) > 0 || slices.ContainsFunc(r.Calls, (*Call).spawns)
}
