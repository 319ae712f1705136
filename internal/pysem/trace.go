package pysem

import (
	"slices"

	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
)

// FrameKind says what encloses an event.
type FrameKind uint8

// Kinds of frames.
const (
	FrameIf        FrameKind = iota // Cond holds (Positive) or does not; Node is the if, elif, conditional, boolean, assert
	FrameLoop                       // Node is the for or while statement or the comprehension
	FrameWith                       // Node is the with item's value
	FrameTry                        // Node is the try statement
	FrameExcept                     // Node is the except clause
	FrameDecorator                  // Node is the decorator expression of a function that is run
	FrameCase                       // Node is the case clause
)

// Frame is one thing that encloses an event, in the function of Ctx; Parent is the next one out, across calls.
type Frame struct {
	Kind     FrameKind
	Node     pyast.Node
	Cond     pyast.Node
	Positive bool
	// Early says that the condition guards because the other way leaves the block (return, continue, raise).
	Early  bool
	Ctx    *Ctx
	Parent *Frame
}

// EventKind says what happens.
type EventKind uint8

// Kinds of events.
const (
	EventCall    EventKind = iota // Node is the call; a call of a function at hand comes before the events inside it
	EventAssign                   // Node is the assignment or augmented assignment
	EventReturn                   // Node is the return statement
	EventLoop                     // Node is the loop; the loop is entered
	EventLoopEnd                  // Node is the loop; the loop is left
	EventLeave                    // a called function returned; Node is the call
)

// Event is one step of a trace.
type Event struct {
	Kind  EventKind
	Node  pyast.Node
	Ctx   *Ctx
	Frame *Frame
}

// Limits of one trace. A program beyond them is read up to there.
const (
	maxEvents   = 60_000
	maxDescents = 3_000
	// maxAllDescents bounds the traces of one Tracer together.
	maxAllDescents = 30_000
	// maxAfar bounds how often one trace walks into functions of other files, maxAgain how often into one of them.
	maxAfar  = 400
	maxAgain = 8
	// maxAllAfar and maxAllAgain bound the same for the traces of one Tracer together.
	maxAllAfar  = 600
	maxAllAgain = 24
)

// Tracer walks programs: it lists what happens in the order of the text, with calls of functions at hand walked into where
// their bodies hold anything of interest.
type Tracer struct {
	Eval *Evaluator
	// Interesting says of the last name of a callee ("step", "save") that a function that calls it is worth walking into; home
	// says that the function stands in the file under analysis.
	Interesting func(name string, home bool) bool
	// Launched says which function a call of something foreign starts, and with what; nil for calls that start none.
	Launched func(callee *Value, call pyast.Node) *Launch

	home     *Module        // nil when there is only one
	interest map[*Func]bool // whether functions are worth walking into
	// alike says of functions that are listed together that one is worth it, or that none is; it goes by the first place of the list.
	alike    map[**Func]bool
	runs     map[*Func][][]*Func
	handed   map[*Module]map[string][]pyast.Node
	visited  map[*Func]bool
	descents int // of all traces
	afar     int // of these, into functions of other files
	entered  map[*Func]int
}

// NewTracer makes a tracer over an evaluator. home is the file under analysis.
func NewTracer(e *Evaluator, home *Module, interesting func(name string, home bool) bool) *Tracer {
	e.home = home
	return &Tracer{Eval: e, Interesting: interesting, home: home, interest: map[*Func]bool{}, alike: map[**Func]bool{}, runs: map[*Func][][]*Func{}, handed: map[*Module]map[string][]pyast.Node{}, visited: map[*Func]bool{}, entered: map[*Func]int{}}
}

// Entered are the functions of other files that were walked by any trace so far.
func (t *Tracer) Entered() []*Func {
	var out []*Func
	for f := range t.visited {
		if f.Module != t.home {
			out = append(out, f)
		}
	}
	return out
}

// Visited reports whether a function was walked by any trace so far.
func (t *Tracer) Visited(f *Func) bool { return t.visited[f] }

type walk struct {
	t        *Tracer
	events   []Event
	descents int
	afar     int
	entered  map[*Func]int // functions of other files
}

// Trace walks a function from its start.
func (t *Tracer) Trace(ctx *Ctx) []Event {
	w := &walk{t: t, entered: map[*Func]int{}}
	t.visited[ctx.Func] = true
	w.body(ctx, w.decorated(ctx.Func, nil))
	return w.events
}

// Inside lists what happens in the functions that the call of an event of another tracer runs, as far as this one walks into them.
func (t *Tracer) Inside(call Event) []Event {
	w := &walk{t: t, entered: map[*Func]int{}}
	w.descend(call.Node, call.Ctx, call.Frame)
	return w.events
}

// Method lists what happens in a method of an object, which the object named by an argument of a call is asked for where it is called.
func (t *Tracer) Method(self *Value, name string, call Event) []Event {
	f := t.Eval.find(self.Class, name)
	if f == nil {
		return nil
	}
	w := &walk{t: t, entered: map[*Func]int{}}
	w.enter(f, call.Node, call.Ctx, self, call.Frame, nil)
	return w.events
}

func (w *walk) emit(kind EventKind, n pyast.Node, ctx *Ctx, fr *Frame) {
	w.t.Eval.Work.Spend(1)
	if len(w.events) < maxEvents {
		w.events = append(w.events, Event{kind, n, ctx, fr})
	}
}

func (w *walk) body(ctx *Ctx, fr *Frame) {
	b := ctx.Func.Body
	if b.Is(pyast.KindBlock, pyast.KindModule) {
		w.block(b, ctx, fr)
		return
	}
	w.expr(b, ctx, fr)
}

// block walks statements and returns the frame at their end: fr and the early ways out of the block.
func (w *walk) block(b pyast.Node, ctx *Ctx, fr *Frame) *Frame {
	for s := range b.Children() {
		fr = w.stmt(s, ctx, fr)
	}
	return fr
}

// early puts the early ways out between inner and end, of a block that has ended, around what follows it.
func early(end, inner, fr *Frame) *Frame {
	if end == inner {
		return fr
	}
	out := *end
	out.Parent = early(end.Parent, inner, fr)
	return &out
}

// Leaves reports whether a block always ends by leaving it.
func Leaves(b pyast.Node) bool {
	var last pyast.Node
	for c := range b.Children() {
		last = c
	}
	switch last.Kind() {
	case pyast.KindReturnStatement, pyast.KindRaiseStatement, pyast.KindContinueStatement, pyast.KindBreakStatement:
		return true
	case pyast.KindExpressionStatement:
		switch last.Nth(0).Child(pyast.FieldFunction).Text() {
		case "sys.exit", "exit", "os._exit", "quit":
			return true
		}
	case pyast.KindWithStatement:
		return Leaves(last.Child(pyast.FieldBody))
	case pyast.KindIfStatement:
		if !Leaves(last.Child(pyast.FieldConsequence)) {
			return false
		}
		complete := false
		for alt := range last.ChildrenOf(pyast.FieldAlternative) {
			body := alt.Child(pyast.FieldConsequence)
			if alt.Kind() == pyast.KindElseClause {
				complete, body = true, alt.Child(pyast.FieldBody)
			}
			if !Leaves(body) {
				return false
			}
		}
		return complete
	}
	return false
}

// stmt walks one statement and returns the frame for what follows it in its block.
func (w *walk) stmt(s pyast.Node, ctx *Ctx, fr *Frame) *Frame {
	switch s.Kind() {
	case pyast.KindDecoratedDefinition:
		w.handler(s, ctx, fr)
	case pyast.KindFunctionDefinition, pyast.KindClassDefinition, pyast.KindComment:
	case pyast.KindIfStatement:
		return w.ifStmt(s, ctx, fr)
	case pyast.KindForStatement:
		w.expr(s.Child(pyast.FieldRight), ctx, fr)
		w.loop(s, ctx, fr)
	case pyast.KindWhileStatement:
		w.loop(s, ctx, fr)
	case pyast.KindWithStatement:
		inner := fr
		for item := range s.Nth(0).Children() {
			value := item.Child(pyast.FieldValue)
			if value.Kind() == pyast.KindAsPattern {
				value = value.Nth(0)
			}
			w.expr(value, ctx, inner)
			inner = &Frame{Kind: FrameWith, Node: value, Ctx: ctx, Parent: inner}
		}
		return early(w.block(s.Child(pyast.FieldBody), ctx, inner), inner, fr)
	case pyast.KindTryStatement:
		tried := &Frame{Kind: FrameTry, Node: s, Ctx: ctx, Parent: fr}
		w.block(s.Child(pyast.FieldBody), ctx, tried)
		for c := range s.Children() {
			switch c.Kind() {
			case pyast.KindExceptClause, pyast.KindExceptGroupClause:
				handler := &Frame{Kind: FrameExcept, Node: c, Ctx: ctx, Parent: fr}
				for b := range c.Children() {
					if b.Kind() == pyast.KindBlock {
						w.block(b, ctx, handler)
					}
				}
			case pyast.KindElseClause:
				w.block(c.Child(pyast.FieldBody), ctx, fr)
			case pyast.KindFinallyClause:
				for b := range c.Children() {
					if b.Kind() == pyast.KindBlock {
						w.block(b, ctx, fr)
					}
				}
			}
		}
	case pyast.KindMatchStatement:
		w.expr(s.Child(pyast.FieldSubject), ctx, fr)
		for c := range s.Child(pyast.FieldBody).Children() {
			in := &Frame{Kind: FrameCase, Node: c, Ctx: ctx, Parent: fr}
			for b := range c.Children() {
				if b.Kind() == pyast.KindBlock {
					w.block(b, ctx, in)
				}
			}
		}
	case pyast.KindAssertStatement:
		w.expr(s.Nth(0), ctx, fr)
		return &Frame{Kind: FrameIf, Node: s, Cond: s.Nth(0), Positive: true, Early: true, Ctx: ctx, Parent: fr}
	case pyast.KindReturnStatement:
		w.expr(s.Nth(0), ctx, fr)
		w.emit(EventReturn, s, ctx, fr)
	case pyast.KindBlock, pyast.KindError:
		w.block(s, ctx, fr)
	default:
		for c := range s.Children() {
			w.expr(c, ctx, fr)
		}
	}
	return fr
}

// handler walks into a function that its decorator hands to an object of something foreign, which calls it: `@engine.on(event)`.
func (w *walk) handler(s pyast.Node, ctx *Ctx, fr *Frame) {
	f := ctx.Func.Module.FuncAt(s.Child(pyast.FieldDefinition))
	if f == nil || f.Parent == ctx.Func.Module.Top {
		return
	}
	for _, d := range f.Decorators {
		fn := d.Child(pyast.FieldFunction)
		if fn.Kind() == pyast.KindAttribute && w.t.Eval.Eval(fn.Child(pyast.FieldObject), ctx).Kind == Call {
			w.enter(f, d, ctx, nil, fr, &handed{nil, d})
			return
		}
	}
}

// isMain reports whether a condition is `__name__ == "__main__"`, which guards nothing.
func isMain(cond pyast.Node) bool {
	return cond.Kind() == pyast.KindComparisonOperator && (cond.Nth(0).TextIs("__name__") || cond.Nth(2).TextIs("__name__"))
}

func (w *walk) ifStmt(s pyast.Node, ctx *Ctx, fr *Frame) *Frame {
	cond := s.Child(pyast.FieldCondition)
	if isMain(cond) {
		w.block(s.Child(pyast.FieldConsequence), ctx, fr)
		return fr
	}
	w.expr(cond, ctx, fr)
	frame := func(cond pyast.Node, positive, early bool, parent *Frame) *Frame {
		return &Frame{Kind: FrameIf, Node: s, Cond: cond, Positive: positive, Early: early, Ctx: ctx, Parent: parent}
	}
	body := s.Child(pyast.FieldConsequence)
	w.block(body, ctx, frame(cond, true, false, fr))
	conds, left := []pyast.Node{cond}, []bool{Leaves(body)}
	rest := frame(cond, false, false, fr)
	complete := false
	for alt := range s.ChildrenOf(pyast.FieldAlternative) {
		if alt.Kind() == pyast.KindElifClause {
			c, body := alt.Child(pyast.FieldCondition), alt.Child(pyast.FieldConsequence)
			w.expr(c, ctx, rest)
			w.block(body, ctx, frame(c, true, false, rest))
			rest = frame(c, false, false, rest)
			conds, left = append(conds, c), append(left, Leaves(body))
			continue
		}
		body := alt.Child(pyast.FieldBody)
		w.block(body, ctx, rest)
		complete = true
		left = append(left, Leaves(body))
	}
	if !complete {
		left = append(left, false)
	}
	// What follows is reached past the leading branches that leave; when all but one leave, through that one.
	after, through := fr, 0
	for through < len(conds) && left[through] {
		after = frame(conds[through], false, true, after)
		through++
	}
	if through < len(conds) && !slices.Contains(left[through+1:], false) {
		after = frame(conds[through], true, true, after)
	}
	return after
}

func (w *walk) loop(s pyast.Node, ctx *Ctx, fr *Frame) {
	w.emit(EventLoop, s, ctx, fr)
	in := &Frame{Kind: FrameLoop, Node: s, Ctx: ctx, Parent: fr}
	if c := s.Child(pyast.FieldCondition); c.Valid() {
		w.expr(c, ctx, in)
	}
	w.block(s.Child(pyast.FieldBody), ctx, in)
	w.emit(EventLoopEnd, s, ctx, fr)
	if alt := s.Child(pyast.FieldAlternative); alt.Valid() {
		w.block(alt.Child(pyast.FieldBody), ctx, fr)
	}
}

func (w *walk) expr(n pyast.Node, ctx *Ctx, fr *Frame) {
	if !n.Valid() || len(w.events) >= maxEvents {
		return
	}
	switch n.Kind() {
	case pyast.KindIdentifier, pyast.KindInteger, pyast.KindLambda, pyast.KindLambdaWithinForInClause, pyast.KindType:
	case pyast.KindCall:
		w.expr(n.Child(pyast.FieldFunction), ctx, fr)
		for a := range n.Child(pyast.FieldArguments).Children() {
			if a.Kind() == pyast.KindKeywordArgument {
				a = a.Child(pyast.FieldValue)
			}
			w.expr(a, ctx, fr)
		}
		w.emit(EventCall, n, ctx, fr)
		w.descend(n, ctx, fr)
	case pyast.KindBooleanOperator:
		l := n.Child(pyast.FieldLeft)
		w.expr(l, ctx, fr)
		w.expr(n.Child(pyast.FieldRight), ctx, &Frame{Kind: FrameIf, Node: n, Cond: l, Positive: n.Child(pyast.FieldOperator).TextIs("and"), Ctx: ctx, Parent: fr})
	case pyast.KindConditionalExpression:
		cond := n.Nth(1)
		w.expr(cond, ctx, fr)
		w.expr(n.Nth(0), ctx, &Frame{Kind: FrameIf, Node: n, Cond: cond, Positive: true, Ctx: ctx, Parent: fr})
		w.expr(n.Nth(2), ctx, &Frame{Kind: FrameIf, Node: n, Cond: cond, Ctx: ctx, Parent: fr})
	case pyast.KindListComprehension, pyast.KindSetComprehension, pyast.KindDictionaryComprehension, pyast.KindGeneratorExpression:
		in := &Frame{Kind: FrameLoop, Node: n, Ctx: ctx, Parent: fr}
		first := true
		for c := range n.Children() {
			if c.Kind() == pyast.KindForInClause {
				at := in
				if first {
					at, first = fr, false
				}
				w.expr(c.Child(pyast.FieldRight), ctx, at)
			} else if c.Kind() == pyast.KindIfClause {
				w.expr(c.Nth(0), ctx, in)
				in = &Frame{Kind: FrameIf, Node: n, Cond: c.Nth(0), Positive: true, Ctx: ctx, Parent: in}
			}
		}
		w.expr(n.Child(pyast.FieldBody), ctx, in)
	case pyast.KindAssignment, pyast.KindAugmentedAssignment:
		w.expr(n.Child(pyast.FieldRight), ctx, fr)
		if l := n.Child(pyast.FieldLeft); !l.Is(pyast.KindIdentifier, pyast.KindAttribute) {
			w.expr(l, ctx, fr)
		}
		w.emit(EventAssign, n, ctx, fr)
	default:
		for c := range n.Children() {
			w.expr(c, ctx, fr)
		}
	}
}

// descend walks into the functions a call runs: the callee, and functions handed to a foreign callee such as mp.spawn.
func (w *walk) descend(call pyast.Node, ctx *Ctx, fr *Frame) {
	if ctx.depth >= maxCallDepth || w.descents >= maxDescents || w.t.descents >= maxAllDescents {
		return
	}
	e := w.t.Eval
	callee := e.Eval(call.Child(pyast.FieldFunction), ctx)
	known := false
	for i, c := range callee.Alternatives() {
		if i >= 3 {
			break
		}
		switch c.Kind {
		case FuncVal:
			known = true
			w.enter(c.Func, call, ctx, c.Base, fr, nil)
		case ClassVal:
			known = true
			self := &Value{Kind: Instance, Node: call, Ctx: ctx, Class: c.Class}
			if f := e.find(c.Class, "__init__"); f != nil {
				w.enter(f, call, ctx, self, fr, nil)
			} else if f := e.find(c.Class, "__post_init__"); f != nil && c.Class.dataclass() && len(f.Params) == 1 {
				w.enter(f, call, ctx, self, fr, nil) // further parameters get what is no field, and not by place
			}
		case Instance:
			known = true
			if f := e.find(c.Class, "__call__"); f != nil {
				w.enter(f, call, ctx, c, fr, nil)
			}
		}
	}
	if known {
		return
	}
	var launch *Launch
	if w.t.Launched != nil {
		launch = w.t.Launched(callee, call)
	}
	for a := range call.Child(pyast.FieldArguments).Children() {
		if a.Kind() == pyast.KindKeywordArgument {
			a = a.Child(pyast.FieldValue)
		}
		if !a.Is(pyast.KindIdentifier, pyast.KindAttribute, pyast.KindLambda) {
			continue
		}
		switch v := e.Eval(a, ctx); {
		case v.Kind == FuncVal:
			w.enter(v.Func, call, ctx, v.Base, fr, &handed{launch, a})
		case v.Kind == ClassVal && launch != nil && launch.Function == a: // each process makes one
			if f := e.find(v.Class, "__init__"); f != nil {
				w.enter(f, call, ctx, &Value{Kind: Instance, Node: call, Ctx: ctx, Class: v.Class}, fr, &handed{launch, a})
			}
		}
	}
}

// Launch is how a call of something foreign starts a function: in a process or thread of its own, or after it has made these.
type Launch struct {
	// Function is the function that is started; Args is the tuple, Kwargs the dict of what it is started with, none for nothing.
	Function, Args, Kwargs pyast.Node
	// Rank says that the number of the process comes in front of Args.
	Rank bool
}

// handed is a function that something foreign is handed, and how it is started, if that is known.
type handed struct {
	launch *Launch
	at     pyast.Node
}

// start is the context of a function that something foreign is handed and starts.
func (e *Evaluator) start(f *Func, call pyast.Node, ctx *Ctx, self *Value, h *handed) *Ctx {
	inner := &Ctx{Func: f, Parent: ctx, Call: call, Self: self, Passed: true, depth: ctx.depth + 1}
	if self != nil && self.Kind == Instance && self.Node == call { // which is made there
		inner = e.Root(f, self)
		inner.Passed = true
	}
	if h.launch == nil || h.launch.Function != h.at {
		return inner
	}
	given := Passed{Keyword: &DictValue{Literal: call}}
	if h.launch.Rank {
		rank := unknown
		if p := f.FirstPassed(); p != nil {
			rank = &Value{Kind: ParamVal, Node: p.Node, Ctx: inner, Name: p.Name}
		}
		given.Position = append(given.Position, Expr{Val: rank})
	}
	if h.launch.Args.Valid() {
		v := e.Eval(h.launch.Args, ctx)
		if v.Kind != Tuple && v.Kind != List {
			return inner
		}
		for _, x := range v.Elems {
			given.Position = append(given.Position, Expr{Val: x})
		}
		given.Open = v.Open
	}
	if h.launch.Kwargs.Valid() {
		given.Keyword = given.Keyword.merge(e.Eval(h.launch.Kwargs, ctx))
	}
	if self != nil && self.Kind == ClassVal && f.Method() && !f.decorated("classmethod") { // Class.method, started on the instance that comes first
		if len(given.Position) == 0 {
			return inner
		}
		inner.Self, given.Position = e.Expr(given.Position[0]), given.Position[1:]
	}
	inner.Given = &given
	return inner
}

func (w *walk) enter(f *Func, call pyast.Node, ctx *Ctx, self *Value, fr *Frame, handed *handed) {
	if !w.t.Worth(f) || recursive(ctx, f) {
		return
	}
	if f.Module != w.t.home {
		if w.afar >= maxAfar || w.entered[f] >= maxAgain || w.t.afar >= maxAllAfar || w.t.entered[f] >= maxAllAgain {
			return
		}
		w.afar++
		w.entered[f]++
		w.t.afar++
		w.t.entered[f]++
	}
	w.descents++
	w.t.descents++
	w.t.visited[f] = true
	var inner *Ctx
	if handed != nil {
		inner = w.t.Eval.start(f, call, ctx, self, handed)
	} else {
		inner = w.t.Eval.Enter(f, call, ctx, self)
	}
	fr = w.decorated(f, fr)
	w.body(inner, fr)
	w.emit(EventLeave, call, ctx, fr)
}

// decorated puts the decorators of a function around what encloses its run.
func (w *walk) decorated(f *Func, fr *Frame) *Frame {
	for _, d := range f.Decorators {
		fr = &Frame{Kind: FrameDecorator, Node: d, Ctx: w.t.Eval.Root(f.Module.Top, nil), Parent: fr}
	}
	return fr
}

// Worth reports whether a function, or one it may run, calls anything of interest.
func (t *Tracer) Worth(f *Func) bool {
	if w, known := t.interest[f]; known {
		return w
	}
	from := map[*Func]*Func{f: nil} // what has been seen, and from where
	scanned := map[**Func]bool{}    // lists that all have been taken from
	worth := func(g *Func) bool {
		for ; g != nil; g = from[g] {
			t.interest[g] = true
		}
		return true
	}
	for todo := []*Func{f}; len(todo) > 0; todo = todo[1:] {
		g := todo[0]
		if t.calls(g) {
			return worth(g)
		}
		for _, some := range t.mayRun(g) {
			if w, known := t.alike[&some[0]]; w {
				return worth(g)
			} else if known || scanned[&some[0]] {
				continue
			}
			scanned[&some[0]] = true
			alike := true
			for _, next := range some {
				t.Eval.Work.Spend(1)
				w, known := t.interest[next]
				if w {
					t.alike[&some[0]] = true
					return worth(g)
				}
				alike = alike && known
				if _, seen := from[next]; !seen && !known {
					from[next] = g
					todo = append(todo, next)
				}
			}
			if alike {
				t.alike[&some[0]] = false
			}
		}
	}
	for g := range from {
		t.interest[g] = false
	}
	return false
}

// calls reports whether a function itself calls something of interest.
func (t *Tracer) calls(f *Func) bool {
	t.Eval.Work.Spend(1 + len(f.Calls))
	home := f.Module == t.home
	for _, call := range f.Calls {
		if t.Interesting(lastName(call.Child(pyast.FieldFunction)), home) {
			return true
		}
	}
	return false
}

// mayRun are the functions that one may run, by the names it calls or hands on, some for each name: of its own file, and of files it
// imports.
func (t *Tracer) mayRun(f *Func) [][]*Func {
	if out, ok := t.runs[f]; ok {
		return out
	}
	var out [][]*Func
	put := func(some []*Func) {
		if len(some) > 0 {
			out = append(out, some)
		}
	}
	m := f.Module
	seen := map[string]bool{}
	add := func(n pyast.Node, called bool) {
		name := lastName(n)
		if name == "" || seen[name] {
			return
		}
		seen[name] = true
		put(m.named[name])
		if c := m.classes[name]; c != nil {
			put(t.made(c))
		}
		known := len(out)
		for _, g := range t.imported(f, n, name) {
			put(g)
		}
		if called && n.Kind() == pyast.KindAttribute && len(out) == known && f.Module != t.home && len(m.named[name]) == 0 && t.home != nil {
			// A method of an object that the function is given: its class is one of those that the file under analysis imports.
			for _, link := range t.Eval.Links(t.home) {
				put(link.methods(name))
			}
		}
		if c := f.methodClass(); c != nil && (name == "__class__" || n.Kind() == pyast.KindIdentifier && f.decorated("classmethod") && name == f.selfName()) {
			put(t.made(c))
		}
		if c := f.methodClass(); c != nil && n.Kind() == pyast.KindAttribute { // inherited, from files that this one does not import
			t.Eval.lookup(c, func(c *Class) *Func {
				if g := c.Methods[name]; g != nil && g.Module != m {
					put([]*Func{g})
				}
				return nil
			})
		}
	}
	for _, call := range f.Calls {
		add(call.Child(pyast.FieldFunction), true)
		for a := range call.Child(pyast.FieldArguments).Children() {
			if a.Kind() == pyast.KindKeywordArgument {
				a = a.Child(pyast.FieldValue)
			}
			if a.Is(pyast.KindIdentifier, pyast.KindAttribute) {
				add(a, false) // handed on to be called
			}
		}
	}
	handing := []*Module{m}
	if t.home != nil && t.home != m {
		handing = append(handing, t.home)
	}
	for _, from := range handing {
		for _, n := range t.handedOn(from)[f.Name] {
			put(t.meant(from, n))
		}
	}
	t.runs[f] = out
	return out
}

// handedOn are the functions that calls in a module pass as arguments, by the name of the callee, which may call them, and of the other
// functions that it is passed, which may be called with them: spawn(run, args=(train,)).
func (t *Tracer) handedOn(m *Module) map[string][]pyast.Node {
	if out, ok := t.handed[m]; ok {
		return out
	}
	out := map[string][]pyast.Node{}
	var passed []pyast.Node
	var collect func(n pyast.Node)
	collect = func(n pyast.Node) {
		switch n.Kind() {
		case pyast.KindKeywordArgument:
			collect(n.Child(pyast.FieldValue))
		case pyast.KindTuple, pyast.KindList:
			for c := range n.Children() {
				collect(c)
			}
		case pyast.KindIdentifier, pyast.KindAttribute:
			if m.mayMean(n) {
				passed = append(passed, n)
			}
		}
	}
	for _, f := range m.Funcs {
		for _, call := range f.Calls {
			passed = passed[:0]
			for a := range call.Child(pyast.FieldArguments).Children() {
				collect(a)
			}
			callee := lastName(call.Child(pyast.FieldFunction))
			for i, n := range passed {
				out[callee] = append(out[callee], n)
				for j, other := range passed {
					if i != j {
						out[lastName(other)] = append(out[lastName(other)], n)
					}
				}
			}
		}
	}
	t.handed[m] = out
	return out
}

// mayMean reports whether a name in a module may mean a function: of the module, or one that it imports.
func (m *Module) mayMean(n pyast.Node) bool {
	name := lastName(n)
	return len(m.named[name]) > 0 || n.Kind() == pyast.KindIdentifier && slices.ContainsFunc(m.Top.defs[name], func(d *Def) bool { return d.Kind == DefImport })
}

// meant are the functions that a name in a module may mean: those of the module, and one that it imports.
func (t *Tracer) meant(m *Module, n pyast.Node) []*Func {
	name := lastName(n)
	out := m.named[name]
	if n.Kind() != pyast.KindIdentifier || len(out) > 0 {
		return out
	}
	for _, d := range m.Top.defs[name] {
		if d.Kind == DefImport {
			if v := t.Eval.imported(m, d.Qual); v != nil && v.Kind == FuncVal {
				return []*Func{v.Func}
			}
		}
	}
	return nil
}

// made are the functions that run when an instance of a class is made and, mostly right after, called.
func (t *Tracer) made(c *Class) []*Func {
	var out []*Func
	for _, method := range []string{"__init__", "__call__"} {
		if g := t.Eval.find(c, method); g != nil {
			out = append(out, g)
		}
	}
	return out
}

// imported are the functions of other files that a name called in f may be: those that it or its file imports under the name,
// and methods called so of the files that the file imports.
func (t *Tracer) imported(f *Func, n pyast.Node, name string) [][]*Func {
	var out [][]*Func
	m := f.Module
	if n.Kind() == pyast.KindIdentifier {
		defs := f.defs[name]
		if len(defs) == 0 {
			defs = m.Top.defs[name]
		}
		for _, d := range defs {
			if d.Kind != DefImport {
				continue
			}
			if v := t.Eval.imported(m, d.Qual); v != nil && v.Kind == FuncVal {
				out = append(out, []*Func{v.Func})
			} else if v != nil && v.Kind == ClassVal {
				out = append(out, t.made(v.Class))
			}
		}
		if len(m.Stars) == 0 || len(defs) > 0 {
			return out
		}
	}
	for _, link := range t.Eval.Links(m) {
		out = append(out, link.named[name])
	}
	return out
}

// methods are the methods of a name that classes of the module have.
func (m *Module) methods(name string) []*Func {
	return slices.DeleteFunc(slices.Clone(m.named[name]), func(f *Func) bool { return f.Class == nil })
}

func (m *Module) classNamed(name string) *Class { return m.classes[name] }

func lastName(fn pyast.Node) string {
	if fn.Kind() == pyast.KindAttribute {
		return fn.Child(pyast.FieldAttribute).Text()
	}
	return fn.Text()
}

// Enclosing yields the frames around an event, innermost first.
func (ev Event) Enclosing() func(func(*Frame) bool) {
	return func(yield func(*Frame) bool) {
		for f := ev.Frame; f != nil; f = f.Parent {
			if !yield(f) {
				return
			}
		}
	}
}

// InLoop reports whether the event happens inside the loop.
func (ev Event) InLoop(loop pyast.Node) bool {
	for f := ev.Frame; f != nil; f = f.Parent {
		if f.Kind == FrameLoop && f.Node == loop {
			return true
		}
	}
	return false
}
