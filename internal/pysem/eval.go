package pysem

import (
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
)

// Limits keep evaluation small on any input; what lies beyond them is Unknown.
const (
	maxDepth        = 400
	maxAlternatives = 6
	maxCallDepth    = 12
	maxWeight       = 2000
	// maxEntries bounds the keys that are known of a dict, which are compared with each other and copied where it changes.
	maxEntries = 400
	// maxOpened bounds the calls whose results are looked for inside the callee: with branching recursion they double by level.
	maxOpened = 4000
	// maxLoose bounds, per question, the evaluations that are not remembered because they stand inside a cycle.
	maxLoose = 400
)

// Evaluator computes values and remembers them. It is for one goroutine.
type Evaluator struct {
	// Work counts what is asked of it, and of others that work for it.
	Work    *Work
	memo    map[memoKey]*Value
	busy    map[memoKey]int // depth of what is being evaluated
	roots   map[rootKey]*Ctx
	plain   map[*Func]*Ctx // those of roots that were asked for without an instance
	calls   map[callKey]*Ctx
	reached map[*Func]map[*Func]bool
	bases   map[*Class][]*Class
	depth   int
	opened  int
	// cut is the least depth of an evaluation in progress that was asked for again; what stands above it is not whole.
	cut, loose int
	// Fluent are the methods that classes inherit from libraries and that return the object they are called on, as nn.Module.to.
	Fluent map[string]bool
	// Inside is the object that an attribute of something foreign is read from: the model in a wrapper. It is not ok where the attribute is
	// the value's own, or that is not known.
	Inside    func(v *Value, attribute string) (of Expr, ok bool)
	home      *Module // the file under analysis
	decorated map[*Func][]entered
	// resolve finds the module that a name means in a file, nil for those not at hand; consulted are those it gave.
	resolve   Resolver
	consulted map[*Module]bool
	linked    map[*Module][]*Module
	starring  map[starKey]bool
}

type memoKey struct {
	node pyast.Node
	ctx  *Ctx
	def  *Def
}

type rootKey struct {
	f    *Func
	self string
	made *Ctx
}

type callKey struct {
	f      *Func
	call   pyast.Node
	parent *Ctx
	self   string
}

// NewEvaluator makes an evaluator that sees one file at a time.
func NewEvaluator() *Evaluator { return NewEvaluatorOver(nil) }

// NewEvaluatorOver makes an evaluator that follows imports into the modules a resolver gives.
func NewEvaluatorOver(resolve Resolver) *Evaluator {
	return &Evaluator{
		Work: &Work{}, resolve: resolve, consulted: map[*Module]bool{}, linked: map[*Module][]*Module{}, decorated: map[*Func][]entered{}, starring: map[starKey]bool{},
		memo: map[memoKey]*Value{}, busy: map[memoKey]int{}, roots: map[rootKey]*Ctx{}, plain: map[*Func]*Ctx{}, calls: map[callKey]*Ctx{},
		reached: map[*Func]map[*Func]bool{}, bases: map[*Class][]*Class{}, cut: math.MaxInt,
	}
}

// Root is the context of a function whose caller is not known. For a method, self is the instance, nil for a symbolic one.
// When self was constructed at hand, the parameters of __init__ are those of the construction.
func (e *Evaluator) Root(f *Func, self *Value) *Ctx {
	if self == nil {
		ctx := e.plain[f]
		if ctx == nil {
			if c := f.methodClass(); c != nil {
				self = f.symbolic(c)
			}
			ctx = e.root(f, self)
			e.plain[f] = ctx
		}
		return ctx
	}
	return e.root(f, self)
}

// symbolic is what the methods of a class run on where the caller is not known: the class itself for a class method.
func (f *Func) symbolic(c *Class) *Value {
	if f.decorated("classmethod") {
		return &Value{Kind: ClassVal, Class: c}
	}
	return &Value{Kind: Instance, Class: c}
}

func (e *Evaluator) root(f *Func, self *Value) *Ctx {
	key := rootKey{f: f}
	if self != nil {
		key.self = self.Key()
		if len(e.roots) < maxOpened {
			key.made = self.Ctx // one call makes an instance for each context
		}
	}
	ctx := e.roots[key]
	if ctx == nil {
		ctx = &Ctx{Func: f, Self: self}
		e.roots[key] = ctx
		if self != nil && self.Kind == Instance && self.Node.Valid() && f.Name == "__init__" && self.Ctx.depth < maxCallDepth {
			e.construct(ctx, self)
		}
	}
	return ctx
}

// construct finds the call that runs an __init__: the construction itself, or the super().__init__(...) in the __init__ of a
// class further down.
func (e *Evaluator) construct(ctx *Ctx, self *Value) {
	own := e.find(self.Class, "__init__")
	if own == ctx.Func {
		ctx.Parent, ctx.Call, ctx.depth = self.Ctx, self.Node, self.Ctx.depth+1
		return
	}
	for f, steps := own, 0; f != nil && f.Class != nil && steps < maxCallDepth; steps++ {
		var next *Func
		for _, call := range f.Calls {
			fn := call.Child(pyast.FieldFunction)
			if fn.Kind() != pyast.KindAttribute || !fn.Child(pyast.FieldAttribute).TextIs("__init__") {
				continue
			}
			object := fn.Child(pyast.FieldObject)
			for _, b := range f.Class.Bases {
				base := e.base(f.Class, b)
				if base == nil || object.Kind() == pyast.KindIdentifier && !object.TextIs(base.Name) {
					continue
				}
				if next = e.find(base, "__init__"); next == ctx.Func {
					ctx.Parent, ctx.Call = e.Root(f, self), call
					ctx.depth = ctx.Parent.depth + 1
					return
				}
			}
		}
		f = next
	}
}

// Enter is the context of f called at call in parent.
func (e *Evaluator) Enter(f *Func, call pyast.Node, parent *Ctx, self *Value) *Ctx {
	if self != nil && self.Kind == ClassVal && f.Method() && !f.decorated("classmethod") {
		self = e.Eval(Args(call).Pos(0), parent) // Class.method(instance, ...)
	}
	if f.Name == "__init__" && self != nil && self.Kind == Instance && self.Node == call {
		return e.Root(f, self)
	}
	if self == nil && f.Class == nil {
		if c := f.methodClass(); c != nil && parent != nil && parent.Func.methodClass() == c {
			self = parent.Self
		}
	}
	key := callKey{f: f, call: call, parent: parent}
	if self != nil {
		key.self = self.Key()
	}
	ctx := e.calls[key]
	if ctx == nil {
		ctx = &Ctx{Func: f, Parent: parent, Call: call, Self: self, depth: parent.depth + 1}
		e.calls[key] = ctx
	}
	return ctx
}

// In is the context of a node's own function with symbolic parameters, for questions asked outside any walk.
func (e *Evaluator) In(m *Module, n pyast.Node) *Ctx { return e.Root(m.Scope(n), nil) }

// Expr evaluates an expression kept for later.
func (e *Evaluator) Expr(x Expr) *Value {
	v := x.Val
	if v == nil {
		v = e.Eval(x.Node, x.Ctx)
	}
	if len(x.Or) == 0 {
		return v
	}
	vs := []*Value{v}
	for _, o := range x.Or {
		vs = append(vs, e.Expr(o))
	}
	return join(x.Node, x.Ctx, vs...)
}

// Eval is the value of an expression in a context.
func (e *Evaluator) Eval(n pyast.Node, ctx *Ctx) *Value {
	if !n.Valid() || ctx == nil {
		return unknown
	}
	return e.remember(memoKey{node: n, ctx: ctx})
}

// Forget gives up the values known so far; what is asked for again is evaluated again, in the same contexts.
func (e *Evaluator) Forget() {
	e.memo, e.busy = map[memoKey]*Value{}, map[memoKey]int{}
	e.depth, e.cut, e.loose = 0, math.MaxInt, 0
}

// remember evaluates an expression or a definition once. What depends on an evaluation in progress, round a cycle, is a
// part of the truth and not kept.
func (e *Evaluator) remember(key memoKey) *Value {
	e.Work.Spend(1)
	if v, ok := e.memo[key]; ok {
		return v
	}
	if at, ok := e.busy[key]; ok {
		e.cut = min(e.cut, at)
		return &Value{Kind: Unknown, Node: key.node, Ctx: key.ctx}
	}
	if e.depth >= maxDepth {
		return &Value{Kind: Unknown, Node: key.node, Ctx: key.ctx}
	}
	e.depth++
	at, outer := e.depth, e.cut
	e.busy[key], e.cut = at, math.MaxInt
	var v *Value
	if key.def != nil {
		v = e.def(key.def, key.ctx)
	} else {
		v = e.eval(key.node, key.ctx)
	}
	delete(e.busy, key)
	e.depth--
	whole := e.cut >= at || at == 1 || e.loose > maxLoose
	if v == unknown || v == bottom && whole || v.weight() > maxWeight {
		v = &Value{Kind: Unknown, Node: key.node, Ctx: key.ctx}
	}
	if whole {
		e.memo[key] = v
	} else {
		e.loose++
	}
	switch {
	case at == 1:
		e.cut, e.loose = math.MaxInt, 0
	case e.cut >= at:
		e.cut = outer
	default:
		e.cut = min(e.cut, outer)
	}
	return v
}

func (e *Evaluator) eval(n pyast.Node, ctx *Ctx) *Value {
	switch n.Kind() {
	case pyast.KindIdentifier:
		return e.name(n, ctx)
	case pyast.KindAttribute:
		return e.attribute(n, ctx)
	case pyast.KindCall:
		return e.call(n, ctx)
	case pyast.KindString, pyast.KindConcatenatedString:
		return e.str(n, ctx)
	case pyast.KindInteger:
		s := strings.ReplaceAll(n.Text(), "_", "")
		if i, err := strconv.ParseInt(s, 0, 64); err == nil {
			return &Value{Kind: Int, Node: n, Ctx: ctx, Int: i}
		}
	case pyast.KindFloat:
		if f, err := strconv.ParseFloat(strings.ReplaceAll(n.Text(), "_", ""), 64); err == nil {
			return &Value{Kind: Float, Node: n, Ctx: ctx, Float: f}
		}
	case pyast.KindTrue:
		return &Value{Kind: Bool, Node: n, Ctx: ctx, Int: 1}
	case pyast.KindFalse:
		return &Value{Kind: Bool, Node: n, Ctx: ctx}
	case pyast.KindNoneLiteral:
		return &Value{Kind: NoneVal, Node: n, Ctx: ctx}
	case pyast.KindParenthesizedExpression, pyast.KindAwait:
		return e.Eval(n.Nth(0), ctx)
	case pyast.KindNamedExpression:
		return e.Eval(n.Child(pyast.FieldValue), ctx)
	case pyast.KindTuple, pyast.KindExpressionList, pyast.KindList:
		v := &Value{Kind: Tuple, Node: n, Ctx: ctx}
		if n.Kind() == pyast.KindList {
			v.Kind = List
		}
		for c := range n.Children() {
			if c.Kind() == pyast.KindListSplat {
				v.Open = true
				continue
			}
			v.Elems = append(v.Elems, e.Eval(c, ctx))
		}
		return v
	case pyast.KindDictionary:
		return e.dict(n, ctx)
	case pyast.KindConditionalExpression:
		cond := e.Eval(n.Nth(1), ctx)
		if t, ok := cond.Truth(); ok {
			if t {
				return e.Eval(n.Nth(0), ctx)
			}
			return e.Eval(n.Nth(2), ctx)
		}
		return join(n, ctx, e.Eval(n.Nth(0), ctx), e.Eval(n.Nth(2), ctx))
	case pyast.KindBinaryOperator:
		return e.binary(n, ctx)
	case pyast.KindUnaryOperator:
		v := e.Eval(n.Child(pyast.FieldArgument), ctx)
		if n.Child(pyast.FieldOperator).TextIs("-") {
			switch v.Kind {
			case Int:
				return &Value{Kind: Int, Node: n, Ctx: ctx, Int: -v.Int}
			case Float:
				return &Value{Kind: Float, Node: n, Ctx: ctx, Float: -v.Float}
			}
		}
	case pyast.KindNotOperator:
		return &Value{Kind: Not, Node: n, Ctx: ctx, Base: e.Eval(n.Child(pyast.FieldArgument), ctx)}
	case pyast.KindBooleanOperator:
		l, r := e.Eval(n.Child(pyast.FieldLeft), ctx), e.Eval(n.Child(pyast.FieldRight), ctx)
		op := n.Child(pyast.FieldOperator).Text()
		if t, ok := l.Truth(); ok {
			if t == (op == "or") {
				return l
			}
			return r
		}
		return &Value{Kind: Logic, Node: n, Ctx: ctx, Name: op, Elems: []*Value{l, r}}
	case pyast.KindComparisonOperator:
		ops := []string{}
		for o := range n.ChildrenOf(pyast.FieldOperators) {
			ops = append(ops, o.Text())
		}
		if len(ops) == 1 {
			var l, r pyast.Node
			for c := range n.Children() {
				if c.Field() == pyast.FieldOperators {
					continue
				}
				if !l.Valid() {
					l = c
				} else {
					r = c
				}
			}
			return &Value{Kind: Compare, Node: n, Ctx: ctx, Name: ops[0], Base: e.Eval(l, ctx), Other: e.Eval(r, ctx)}
		}
	case pyast.KindSubscript:
		return e.subscript(n, ctx)
	case pyast.KindLambda, pyast.KindLambdaWithinForInClause:
		if f := ctx.Func.Module.FuncAt(n); f != nil {
			return &Value{Kind: FuncVal, Node: n, Ctx: ctx, Func: f}
		}
	case pyast.KindListComprehension, pyast.KindGeneratorExpression:
		return &Value{Kind: List, Node: n, Ctx: ctx, Open: true, Elems: []*Value{e.Eval(n.Child(pyast.FieldBody), ctx)}}
	}
	return unknown
}

func join(n pyast.Node, ctx *Ctx, vs ...*Value) *Value {
	var flat []*Value
	seen := map[string]bool{}
	for _, v := range vs {
		if v == bottom {
			continue
		}
		for _, a := range v.Alternatives() {
			if k := a.Key(); !seen[k] {
				seen[k] = true
				flat = append(flat, a)
			}
		}
	}
	if len(flat) > maxAlternatives {
		flat = oneOfEach(flat)
	}
	switch {
	case len(flat) == 0 && len(vs) > 0:
		return bottom
	case len(flat) == 0:
		return unknown
	case len(flat) == 1:
		return flat[0]
	case len(flat) > maxAlternatives:
		return &Value{Kind: Unknown, Node: n, Ctx: ctx}
	}
	return &Value{Kind: Join, Node: n, Ctx: ctx, Elems: flat}
}

// oneOfEach makes one dict of those that begin with the same literal: a dict that is completed under several conditions, one after
// the other, has as many states as there are conditions.
func oneOfEach(ways []*Value) []*Value {
	var out []*Value
	at := map[pyast.Node]int{}
	for _, v := range ways {
		if v.Kind != Dict || !v.Dict.Literal.Valid() {
			out = append(out, v)
			continue
		}
		i, known := at[v.Dict.Literal]
		if !known {
			at[v.Dict.Literal] = len(out)
			out = append(out, v)
			continue
		}
		out[i] = joinDicts(out[i], v)
	}
	return out
}

// name resolves an identifier: definitions that reach it, then enclosing functions, the module, star imports, builtins.
func (e *Evaluator) name(n pyast.Node, ctx *Ctx) *Value {
	m := ctx.Func.Module
	path := n.Text()
	if defs := m.uses[n.ID()]; len(defs) > 0 {
		v := e.Defs(n, ctx, defs)
		if ctx.Func == m.Top || ctx.Func.globals[path] {
			return e.behind(v, n, ctx, path, defs)
		}
		return v
	}
	for f := ctx.Func; f != nil; f = f.Parent {
		if f == ctx.Func && f != m.Top || f.globals[path] || f.nonlocals[path] {
			continue
		}
		if len(f.defs[path]) > 0 {
			return e.Defs(n, e.outer(ctx, f), e.seen(ctx, f, path))
		}
	}
	if !isBuiltin(path) {
		v, unresolved := e.starred(m, path)
		switch {
		case v != nil:
			return v
		case len(unresolved) == 1:
			return &Value{Kind: External, Node: n, Ctx: ctx, Name: unresolved[0] + "." + path}
		case len(unresolved) > 1:
			return unknown
		}
	}
	return &Value{Kind: External, Node: n, Ctx: ctx, Name: "builtins." + path}
}

// seen are the definitions of an enclosing function's name that a function inside it sees: those that reach the call it runs
// in, or the end of the module when nothing at hand calls it, and those that other functions make.
func (e *Evaluator) seen(ctx *Ctx, f *Func, path string) []*Def {
	all := f.defs[path]
	if len(all) < 2 {
		return all
	}
	var at []*Def
	called := false
	for c := ctx; c.Parent != nil; c = c.Parent {
		if c.Parent.Func == f {
			at, called = f.Module.callDefs[c.Call.ID()][path], true
			break
		}
	}
	if !called {
		at = f.after[path]
	}
	if len(at) == 0 || at[0].Kind == DefDelete {
		return all
	}
	for _, d := range all {
		if d.Func != f {
			at = union(at, []*Def{d})
		}
	}
	return at
}

// outer is the context to read an enclosing function's names in: that of the caller chain if it is there.
func (e *Evaluator) outer(ctx *Ctx, f *Func) *Ctx {
	for c := ctx; c != nil; c = c.Parent {
		if c.Func == f {
			return c
		}
	}
	return e.Root(f, nil)
}

// Defs is the joined value of definitions.
func (e *Evaluator) Defs(n pyast.Node, ctx *Ctx, defs []*Def) *Value {
	if len(defs) > 2*maxAlternatives {
		return unknown
	}
	var vs []*Value
	for _, d := range defs {
		if d.Kind != DefDelete {
			vs = append(vs, e.way(d, ctx))
		}
	}
	return join(n, ctx, vs...)
}

// way is the value of one definition among others. Round a loop a change in place adds nothing to what it did the first time.
func (e *Evaluator) way(d *Def, ctx *Ctx) *Value {
	switch d.Kind {
	case DefItem, DefUpdate, DefRemove, DefMutate, DefPassed:
		if at, ok := e.busy[memoKey{node: d.Node, ctx: e.defCtx(d, ctx), def: d}]; ok {
			e.cut = min(e.cut, at)
			return bottom
		}
	}
	return e.Def(d, ctx)
}

func (e *Evaluator) defCtx(d *Def, ctx *Ctx) *Ctx {
	if d.Func != ctx.Func {
		return e.outer(ctx, d.Func)
	}
	return ctx
}

// Def is the value a definition gives its name. ctx is a context of the definition's function.
func (e *Evaluator) Def(d *Def, ctx *Ctx) *Value {
	return e.remember(memoKey{node: d.Node, ctx: e.defCtx(d, ctx), def: d})
}

func (e *Evaluator) def(d *Def, ctx *Ctx) *Value {
	switch d.Kind {
	case DefAssign:
		return e.unpack(e.Eval(d.Value, ctx), d.Index)
	case DefWith:
		v := e.Eval(d.Value, ctx)
		if y := e.managed(d.Value, ctx); y != nil {
			v = y
		}
		return e.unpack(v, d.Index)
	case DefAug:
		prev := e.Defs(d.Node, ctx, d.Prev)
		op := strings.TrimSuffix(d.Stmt.Child(pyast.FieldOperator).Text(), "=")
		return e.operate(d.Node, ctx, op, prev, e.Eval(d.Value, ctx))
	case DefImport:
		if v := e.imported(ctx.Func.Module, d.Qual); v != nil {
			return v
		}
		return &Value{Kind: External, Node: d.Node, Ctx: ctx, Name: d.Qual}
	case DefFunc:
		if d.Target != nil {
			return &Value{Kind: FuncVal, Node: d.Node, Ctx: ctx, Func: d.Target}
		}
	case DefClass:
		if d.Class != nil {
			return &Value{Kind: ClassVal, Node: d.Node, Ctx: ctx, Class: d.Class}
		}
	case DefParam:
		return e.param(d, ctx)
	case DefFor:
		return e.unpack(e.round(d, ctx), d.Index)
	case DefItem, DefUpdate, DefRemove, DefMutate, DefPassed:
		return e.mutated(d, ctx)
	}
	return unknown
}

// round is what a for loop's target is in a round: one of the objects that a list or dict is known to hold, where all of them are objects
// of classes at hand, since a call of their methods is a call of one of these; otherwise a loop variable.
func (e *Evaluator) round(d *Def, ctx *Ctx) *Value {
	over := e.Eval(d.Value, ctx)
	v := &Value{Kind: LoopVar, Node: d.Stmt, Ctx: ctx, Base: over}
	var objects []*Value
	items := false
	for _, a := range over.present() {
		of, pairs, known := e.elements(a)
		if !known || pairs != items && len(objects) > 0 {
			return v
		}
		items = pairs
		for _, x := range of {
			if x.Kind != Instance {
				return v
			}
			objects = append(objects, x)
		}
	}
	if len(objects) == 0 {
		return v
	}
	object := join(d.Stmt, ctx, objects...)
	if !items {
		return object
	}
	return &Value{Kind: Tuple, Node: d.Stmt, Ctx: ctx, Elems: []*Value{{Kind: Elem, Node: d.Stmt, Ctx: ctx, Base: v}, object}}
}

// elements are the values that are gone through in a list, a tuple, or a dict's values() or items(), which is pairs; not known for others.
func (e *Evaluator) elements(v *Value) (of []*Value, pairs, known bool) {
	if v.Kind == List || v.Kind == Tuple {
		return v.Elems, false, true
	}
	_, method, ok := v.Method()
	if !ok || method != "values" && method != "items" {
		return nil, false, false
	}
	d := e.Eval(v.Node.Child(pyast.FieldFunction).Child(pyast.FieldObject), v.Ctx).AsDict() // on all ways it may have come about
	if d == nil {
		return nil, false, false
	}
	for _, x := range d.Entries {
		of = append(of, e.Expr(x.Value).Alternatives()...)
	}
	for _, x := range d.Rest {
		of = append(of, e.Expr(x).Alternatives()...)
	}
	return of, method == "items", true
}

// managed is what `with f(...) as x` binds where f is a function at hand that contextlib.contextmanager decorates: what it yields. It is
// nil for other values.
func (e *Evaluator) managed(n pyast.Node, ctx *Ctx) *Value {
	if n.Kind() != pyast.KindCall {
		return nil
	}
	callee := e.Eval(n.Child(pyast.FieldFunction), ctx)
	if callee.Kind != FuncVal || !callee.Func.managesContext() || ctx.depth >= maxCallDepth || recursive(ctx, callee.Func) {
		return nil
	}
	inner := e.Enter(callee.Func, n, ctx, callee.Base)
	var vs []*Value
	for _, y := range callee.Func.Yielded {
		vs = append(vs, e.Eval(y, inner))
	}
	return join(n, ctx, vs...)
}

// managesContext reports whether contextlib makes a context manager of a generator function.
func (f *Func) managesContext() bool {
	return len(f.Decorators) == 1 && lastName(f.Decorators[0]) == "contextmanager" && len(f.Yielded) > 0
}

// unpack is the element of v that index leads to.
func (e *Evaluator) unpack(v *Value, index []int) *Value {
	for _, i := range index {
		var vs []*Value
		for _, a := range v.Alternatives() {
			switch {
			case i < 0:
				vs = append(vs, unknown)
			case (a.Kind == Tuple || a.Kind == List) && !a.Open:
				if i < len(a.Elems) {
					vs = append(vs, a.Elems[i])
				}
			case a.Kind == Unknown:
				vs = append(vs, unknown)
			default:
				vs = append(vs, &Value{Kind: Elem, Node: a.Node, Ctx: a.Ctx, Base: a, Index: i})
			}
		}
		v = join(v.Node, v.Ctx, vs...)
	}
	return v
}

// param is the value of a parameter: bound at the call where the caller is known, symbolic otherwise.
func (e *Evaluator) param(d *Def, ctx *Ctx) *Value {
	f := d.Func
	if f.Method() && d.Param == &f.Params[0] && f.Name != "__new__" {
		if ctx.Self != nil {
			return ctx.Self
		}
		return f.symbolic(f.Class)
	}
	symbolic := &Value{Kind: ParamVal, Node: d.Node, Ctx: ctx, Name: d.Param.Name}
	if ctx.Root() {
		return symbolic
	}
	x, ok := e.Bind(ctx, d.Param)
	switch {
	case ok:
		return e.Expr(x)
	case len(f.Decorators) > 0: // which may hand it over, as those of hydra and click do
		return symbolic
	}
	return unknown
}

// Bind finds what a call passes for a parameter: an argument, the default, or for *args the tuple of what is left.
// ok is false when the arguments cannot be told apart (stars) or the caller is unknown.
func (e *Evaluator) Bind(ctx *Ctx, p *Param) (Expr, bool) {
	if ctx.Root() {
		return Expr{}, false
	}
	f, args := ctx.Func, e.Arguments(ctx)
	index := -1
	for i := range f.Params {
		if &f.Params[i] == p {
			index = i
		}
	}
	if f.Method() {
		index--
		// Class.method(instance, ...) passes the instance by hand.
		if fn := ctx.Call.Child(pyast.FieldFunction); ctx.Given == nil && fn.Kind() == pyast.KindAttribute && fn.Child(pyast.FieldAttribute).TextIs(f.Name) {
			if v := e.Eval(fn.Child(pyast.FieldObject), ctx.Parent); v.Kind == ClassVal && !f.decorated("classmethod") {
				index++
			}
		}
	}
	switch p.Star {
	case 1:
		if args.Open {
			return Expr{}, false
		}
		t := &Value{Kind: Tuple, Node: ctx.Call, Ctx: ctx.Parent}
		for i := max(index, 0); i < len(args.Position); i++ {
			t.Elems = append(t.Elems, e.Expr(args.Position[i]))
		}
		return Expr{Val: t}, true
	case 2:
		d := args.Keyword
		for i := range f.Params {
			if f.Params[i].Star == 0 {
				d = d.without(f.Params[i].Name)
			}
		}
		return Expr{Val: &Value{Kind: Dict, Node: ctx.Call, Ctx: ctx.Parent, Dict: d}}, true
	}
	if p.KeywordOnly {
		index = -1
	}
	if x, ok := args.Get(index, p.Name); ok {
		return x, true
	}
	if args.May() || !p.Default.Valid() {
		return Expr{}, false
	}
	return Expr{Node: p.Default, Ctx: e.outer(ctx.Parent, f.Parent)}, true
}

// Passed are the arguments of a call with *tuples and **dicts opened where their values are known.
type Passed struct {
	Position []Expr
	Keyword  *DictValue
	// Open says that unknown positional arguments follow those in Position.
	Open bool
}

// Arguments are what the function of a context is called with, or started with by a launcher. The context is no root.
func (e *Evaluator) Arguments(ctx *Ctx) Passed {
	if ctx.Given != nil {
		return *ctx.Given
	}
	return e.Passed(ctx.Call, ctx.Parent)
}

// Passed reads the arguments of a call in a context.
func (e *Evaluator) Passed(call pyast.Node, ctx *Ctx) Passed {
	a := Passed{Keyword: &DictValue{Literal: call}}
	list := call.Child(pyast.FieldArguments)
	if list.Kind() == pyast.KindGeneratorExpression {
		a.Position = append(a.Position, Expr{Node: list, Ctx: ctx})
		return a
	}
	for c := range list.Children() {
		switch c.Kind() {
		case pyast.KindKeywordArgument:
			name := c.Child(pyast.FieldName)
			a.Keyword.set(Entry{Key: name.Text(), KeyNode: name, Pair: c, Value: Expr{Node: c.Child(pyast.FieldValue), Ctx: ctx}})
		case pyast.KindListSplat:
			v := e.Eval(c.Nth(0), ctx)
			if v.Kind != Tuple && v.Kind != List || v.Open {
				a.Open = true
				continue
			}
			for _, x := range v.Elems {
				a.Position = append(a.Position, Expr{Val: x})
			}
		case pyast.KindDictionarySplat:
			a.Keyword = a.Keyword.merge(e.Eval(c.Nth(0), ctx))
		default:
			if !a.Open {
				a.Position = append(a.Position, Expr{Node: c, Ctx: ctx})
			}
		}
	}
	return a
}

// Get is the argument given by keyword name or, failing that, at position i (-1 for keyword-only).
func (a Passed) Get(i int, name string) (Expr, bool) {
	if x, ok := a.Keyword.Get(name); ok {
		return x.Value, !x.Maybe
	}
	if i >= 0 && i < len(a.Position) {
		return a.Position[i], true
	}
	return Expr{}, false
}

// May reports whether an argument that Get does not find may still be passed.
func (a Passed) May() bool {
	return a.Open || a.Keyword.Open || slices.ContainsFunc(a.Keyword.Entries, func(x Entry) bool { return x.Maybe })
}

func (f *Func) decorated(name string) bool {
	for _, d := range f.Decorators {
		if d.TextIs(name) {
			return true
		}
	}
	return false
}

func (e *Evaluator) attribute(n pyast.Node, ctx *Ctx) *Value {
	name := n.Child(pyast.FieldAttribute).Text()
	if defs := ctx.Func.Module.uses[n.ID()]; len(defs) > 0 {
		v := e.behind(e.Defs(n, ctx, defs), n, ctx, dotted(n), defs)
		if entry := e.onEntry(n, name, ctx, defs); entry != nil {
			return join(n, ctx, v, entry)
		}
		return v
	}
	base := e.Eval(n.Child(pyast.FieldObject), ctx)
	var vs []*Value
	for _, b := range base.present() {
		vs = append(vs, e.Member(b, name, n, ctx))
	}
	return join(n, ctx, vs...)
}

// onEntry is what other methods gave an attribute of self that this one gives a value on some ways to the use only: in a branch, or in an
// earlier round of a loop. It is nil where a definition stands on every way.
func (e *Evaluator) onEntry(n pyast.Node, name string, ctx *Ctx, defs []*Def) *Value {
	c := ctx.Func.methodClass()
	if c == nil || ctx.Func.Class == nil || !n.Child(pyast.FieldObject).TextIs(ctx.Func.selfName()) {
		return nil
	}
	for _, d := range defs {
		if d.Func != ctx.Func || d.Node.End() <= n.Start() && d.Node.Ancestor(pyast.KindBlock, pyast.KindModule).Encloses(n) {
			return nil
		}
	}
	others := slices.DeleteFunc(slices.Clone(e.attr(c, name)), func(d *Def) bool { return d.Func == ctx.Func })
	if len(others) == 0 {
		return nil
	}
	self := ctx.Self
	if self == nil {
		self = e.Root(ctx.Func, nil).Self
	}
	return e.attrDefs(self, others, n, ctx)
}

// Member is the value of base.name, read at node n in ctx.
func (e *Evaluator) Member(base *Value, name string, n pyast.Node, ctx *Ctx) *Value {
	if inner := e.inside(base, name, 0); inner != nil {
		return e.Member(inner, name, n, ctx)
	}
	switch base.Kind {
	case External:
		if v := e.imported(ctx.Func.Module, base.Name+"."+name); v != nil && !strings.HasPrefix(base.Name, "builtins") {
			return v
		}
		return &Value{Kind: External, Node: n, Ctx: ctx, Name: base.Name + "." + name}
	case ModuleVal:
		if v := e.exported(base.Module, name); v != nil {
			return v
		}
		return &Value{Kind: External, Node: n, Ctx: ctx, Name: base.Name + "." + name}
	case Instance, ClassVal:
		if name == "__class__" && base.Kind == Instance {
			return &Value{Kind: ClassVal, Node: n, Ctx: ctx, Class: base.Class}
		}
		self := base
		if base.Kind == Instance && base.Other != nil {
			self = base.Other // super().name
		}
		if f := e.find(base.Class, name); f != nil {
			if f.decorated("property") {
				return e.returns(f, e.Root(f, self), n, ctx)
			}
			return &Value{Kind: FuncVal, Node: n, Ctx: ctx, Func: f, Base: self}
		}
		if v := e.field(base, name, n, ctx); v != nil {
			return v
		}
		if defs := e.attr(self.Class, name); len(defs) > 0 {
			v := e.attrDefs(self, defs, n, ctx)
			if v.Kind == NoneVal && base.Kind == Instance {
				// A place kept for what a subclass or a caller sets.
				return join(n, ctx, v, &Value{Kind: Attr, Node: n, Ctx: ctx, Base: base, Name: name})
			}
			return v
		}
	case Unknown, NoneVal:
		if path := dotted(n); path != "" {
			if v := e.sharedPath(path, n, ctx); v != nil {
				return v
			}
		}
		if base.Kind == NoneVal {
			return unknown
		}
	default:
		if base.Kind == Str {
			if v := namePart(n, base, name, ctx); v != nil {
				return v
			}
		}
		if path := dotted(n); path != "" {
			if v := e.sharedPath(path, n, ctx); v != nil {
				return join(n, ctx, v, &Value{Kind: Attr, Node: n, Ctx: ctx, Base: base, Name: name})
			}
		}
	}
	return &Value{Kind: Attr, Node: n, Ctx: ctx, Base: base, Name: name}
}

// inside is the instance in wrappers of foreign classes that an attribute is read from, nil where there is none, or its class has no such
// attribute.
func (e *Evaluator) inside(v *Value, name string, depth int) *Value {
	if e.Inside == nil || depth > 4 || v.Kind != Call && v.Kind != Attr && v.Kind != Elem {
		return nil
	}
	of, ok := e.Inside(v, name)
	if !ok {
		return nil
	}
	for _, inner := range e.Expr(of).Alternatives() {
		if inner.Kind == Instance {
			if e.find(inner.Class, name) != nil || len(e.attr(inner.Class, name)) > 0 {
				return inner
			}
		} else if found := e.inside(inner, name, depth+1); found != nil {
			return found
		}
	}
	return nil
}

// field is what an attribute of a dataclass's instance was constructed with: State(**d).model is d["model"]. It is nil where that
// is not known, or the attribute is set later.
func (e *Evaluator) field(v *Value, name string, n pyast.Node, ctx *Ctx) *Value {
	if v.Kind != Instance || !v.Node.Valid() || v.Ctx == nil || !v.Class.dataclass() {
		return nil
	}
	if d := e.fields(v); d != nil {
		if x, ok := d.Get(name); ok {
			return e.Expr(x.Value)
		}
	}
	for c := range v.Node.Child(pyast.FieldArguments).Children() {
		if c.Kind() == pyast.KindDictionarySplat {
			return &Value{Kind: Item, Node: n, Ctx: ctx, Base: e.Eval(c.Nth(0), v.Ctx), Other: lit(name)}
		}
	}
	return nil
}

// sharedPath reads a path such as args.start_epoch that another function of the file assigns: settings objects travel under
// one name.
func (e *Evaluator) sharedPath(path string, n pyast.Node, ctx *Ctx) *Value {
	var vs []*Value
	for _, d := range ctx.Func.foreign(path) {
		vs = append(vs, e.Def(d, e.outer(ctx, d.Func)))
	}
	for _, d := range e.afar(path, ctx.Func) {
		vs = append(vs, e.Def(d, e.outer(ctx, d.Func)))
	}
	vs = append(vs, e.handed(path, ctx)...)
	if len(vs) > 2*maxAlternatives {
		return unknown
	}
	if len(vs) == 0 {
		return nil
	}
	return join(n, ctx, vs...)
}

// handed are the values that callers in other files gave an attribute of an object that they hand to a function:
// `args.is_main = rank == 0; train(args)`.
func (e *Evaluator) handed(path string, ctx *Ctx) []*Value {
	root, attr, isPath := strings.Cut(path, ".")
	var vs []*Value
	for isPath {
		defs := ctx.Func.defs[root]
		if len(defs) != 1 || defs[0].Kind != DefParam {
			break
		}
		x, ok := e.Bind(ctx, defs[0].Param)
		if !ok || !x.Node.Is(pyast.KindIdentifier) {
			break
		}
		from := ctx.Func.Module
		root, ctx = x.Node.Text(), x.Ctx
		if ctx.Func.Module == from {
			continue // foreign knows what its own file assigns
		}
		for _, d := range ctx.Func.Module.pathDefs[root+"."+attr] {
			if d.Func == ctx.Func {
				vs = append(vs, e.Def(d, ctx))
			}
		}
	}
	return vs
}

// foreign are the definitions that other functions make of a name of the module, of an attribute of self, or of an attribute
// of an object that travels under one name.
func (f *Func) foreign(path string) []*Def {
	root, _, isPath := strings.Cut(path, ".")
	all := f.Module.pathDefs[path]
	if !isPath {
		all = f.Module.Top.defs[path]
	}
	var out []*Def
	for _, d := range all {
		same := true
		if isPath && (root == f.selfName() || root == d.Func.selfName()) {
			same = root == f.selfName() && root == d.Func.selfName() && f.methodClass() == d.Func.methodClass()
		}
		if d.Func != f && same {
			out = append(out, d)
		}
	}
	return out
}

// behind adds to v, the value of a path by its definitions in the function, what functions called between those and the use
// may have given it.
func (e *Evaluator) behind(v *Value, n pyast.Node, ctx *Ctx, path string, defs []*Def) *Value {
	foreign := ctx.Func.foreign(path)
	if len(foreign) == 0 {
		return v
	}
	loop := n.Ancestor(pyast.KindForStatement, pyast.KindWhileStatement)
	after := func(call pyast.Node, d *Def) bool {
		if d.Func != ctx.Func {
			return true
		}
		if (d.Kind == DefAssign || d.Kind == DefAug) && d.Stmt.Encloses(call) {
			return false
		}
		return d.Node.End() <= call.Start()
	}
	vs := []*Value{v}
	for _, call := range ctx.Func.Calls {
		before := call.End() <= n.Start()
		round := loop.Encloses(call) && !call.Encloses(n)
		reaches := false
		for _, d := range defs {
			reaches = reaches || before && after(call, d) || round && !loop.Encloses(d.Node)
		}
		if !reaches {
			continue
		}
		if len(vs) > 2*maxAlternatives {
			return unknown
		}
		for _, g := range ctx.Func.Module.named[lastName(call.Child(pyast.FieldFunction))] {
			runs := e.runs(g)
			foreign = slices.DeleteFunc(foreign, func(d *Def) bool {
				if !runs[d.Func] || len(vs) > 2*maxAlternatives {
					return false
				}
				inner := e.outer(ctx, d.Func)
				if d.Func.methodClass() != nil && d.Func.methodClass() == ctx.Func.methodClass() {
					inner = e.Root(d.Func, ctx.Self)
				}
				vs = append(vs, e.Def(d, inner))
				return true
			})
		}
	}
	return join(n, ctx, vs...)
}

// runs are the functions of the file that a call of f may run, by the names they call.
func (e *Evaluator) runs(f *Func) map[*Func]bool {
	if set, ok := e.reached[f]; ok {
		return set
	}
	set := map[*Func]bool{f: true}
	for todo := []*Func{f}; len(todo) > 0; todo = todo[1:] {
		for _, call := range todo[0].Calls {
			for _, g := range f.Module.named[lastName(call.Child(pyast.FieldFunction))] {
				if !set[g] {
					set[g] = true
					todo = append(todo, g)
				}
			}
		}
	}
	e.reached[f] = set
	return set
}

func (e *Evaluator) attrDefs(self *Value, defs []*Def, n pyast.Node, ctx *Ctx) *Value {
	if len(defs) > 2*maxAlternatives {
		return unknown
	}
	var vs []*Value
	for _, d := range defs {
		c := ctx
		if d.Func != ctx.Func || ctx.Self == nil || ctx.Self.Key() != self.Key() {
			if d.Func.methodClass() != nil {
				c = e.Root(d.Func, self)
			} else {
				c = e.Root(d.Func, nil)
			}
		}
		vs = append(vs, e.way(d, c))
	}
	return join(n, ctx, vs...)
}

// find is the method of a class or its bases, nil if there is none at hand.
func (e *Evaluator) find(c *Class, name string) *Func {
	return e.lookup(c, func(c *Class) *Func { return c.Methods[name] })
}

// MethodOf finds a method in a class or its bases, nil if there is none at hand.
func (e *Evaluator) MethodOf(c *Class, name string) *Func { return e.find(c, name) }

// Bases are the classes at hand that a class inherits from directly.
func (e *Evaluator) Bases(c *Class) []*Class {
	out, known := e.bases[c]
	if known {
		return out
	}
	for _, b := range c.Bases {
		if base := e.base(c, b); base != nil {
			out = append(out, base)
		}
	}
	if len(e.busy) == 0 { // else one of them may be what is being worked out
		e.bases[c] = out
	}
	return out
}

// attr are the definitions of an attribute in the methods of a class and its bases. One that its own method fills before it ends on every
// way, `self.states = states; self.states.update(more)`, is seen filled only.
func (e *Evaluator) attr(c *Class, name string) []*Def {
	var out []*Def
	e.lookup(c, func(c *Class) *Func {
		for _, d := range c.Attrs[name] {
			if left, ok := d.Func.after[d.Path]; !ok || !d.Func.fills[d.Path] || slices.Contains(left, d) || !filled(left, d, 0) {
				out = append(out, d)
			}
		}
		return nil
	})
	return out
}

// filled reports whether one of the definitions changes in place what d gave.
func filled(defs []*Def, d *Def, depth int) bool {
	return depth < 8 && slices.ContainsFunc(defs, func(x *Def) bool {
		return x.Kind != DefAssign && x.Kind != DefAug && (slices.Contains(x.Prev, d) || filled(x.Prev, d, depth+1))
	})
}

func (e *Evaluator) lookup(c *Class, find func(*Class) *Func) *Func {
	seen := map[*Class]bool{}
	var walk func(*Class) *Func
	walk = func(c *Class) *Func {
		if seen[c] {
			return nil
		}
		seen[c] = true
		if f := find(c); f != nil {
			return f
		}
		for _, base := range e.Bases(c) {
			if f := walk(base); f != nil {
				return f
			}
		}
		return nil
	}
	return walk(c)
}

// base is the class that an expression among the bases of c names, nil when it is not at hand.
func (e *Evaluator) base(c *Class, b pyast.Node) *Class {
	if b.Kind() == pyast.KindIdentifier {
		for s := c.Scope; s != nil; s = s.Parent {
			for _, d := range s.defs[b.Text()] {
				switch d.Kind {
				case DefClass:
					return d.Class
				case DefImport:
					if v := e.imported(c.Module, d.Qual); v != nil && v.Kind == ClassVal {
						return v.Class
					}
				}
			}
		}
	}
	if e.resolve == nil || !b.Is(pyast.KindIdentifier, pyast.KindAttribute) {
		return nil
	}
	if v := e.Eval(b, e.Root(c.Module.Top, nil)); v.Kind == ClassVal && v.Class != c {
		return v.Class
	}
	return nil
}

func (e *Evaluator) call(n pyast.Node, ctx *Ctx) *Value {
	fn := n.Child(pyast.FieldFunction)
	callee := e.Eval(fn, ctx)
	var vs []*Value
	for _, c := range callee.present() {
		vs = append(vs, e.apply(n, c, ctx))
	}
	return join(n, ctx, vs...)
}

func (e *Evaluator) apply(n pyast.Node, callee *Value, ctx *Ctx) *Value {
	switch callee.Kind {
	case ClassVal:
		return &Value{Kind: Instance, Node: n, Ctx: ctx, Class: callee.Class}
	case FuncVal:
		f := callee.Func
		if f.Yields || e.opened >= maxOpened || ctx.depth >= maxCallDepth || recursive(ctx, f) {
			return unknown
		}
		e.opened++
		return e.returns(f, e.Enter(f, n, ctx, callee.Base), n, ctx)
	case External:
		if v := e.external(n, callee.Name, ctx); v != nil {
			return v
		}
	case Attr:
		if v := e.method(n, callee, ctx); v != nil {
			return v
		}
	case Unknown, NoneVal:
		return unknown
	}
	return &Value{Kind: Call, Node: n, Ctx: ctx, Base: callee}
}

func recursive(ctx *Ctx, f *Func) bool {
	for c := ctx; c != nil; c = c.Parent {
		if c.Func == f {
			return true
		}
	}
	return false
}

// returns joins what a function returns in a context.
func (e *Evaluator) returns(f *Func, inner *Ctx, n pyast.Node, ctx *Ctx) *Value {
	for _, d := range f.Decorators {
		if !transparentDecorator(d) {
			return &Value{Kind: Call, Node: n, Ctx: ctx, Base: &Value{Kind: FuncVal, Node: n, Ctx: ctx, Func: f}}
		}
	}
	var vs []*Value
	for _, r := range f.Returns {
		if !r.Valid() {
			vs = append(vs, &Value{Kind: NoneVal, Node: f.Node, Ctx: inner})
			continue
		}
		vs = append(vs, e.Eval(r, inner))
	}
	if len(vs) == 0 {
		return &Value{Kind: NoneVal, Node: n, Ctx: ctx}
	}
	return join(n, ctx, vs...)
}

// transparentDecorator says that a decorator leaves the returned value alone.
func transparentDecorator(d pyast.Node) bool {
	name := d.Text()
	if d.Kind() == pyast.KindCall {
		name = d.Child(pyast.FieldFunction).Text()
	}
	name = name[strings.LastIndexByte(name, '.')+1:]
	switch name {
	case "property", "staticmethod", "classmethod", "no_grad", "inference_mode", "enable_grad", "record", "cached_property",
		"cache", "lru_cache", "rank_zero_only", "main_process_only", "master_only", "on_main_process", "main", "abstractmethod", "override", "wraps", "timer":
		return true
	}
	return false
}

func (e *Evaluator) binary(n pyast.Node, ctx *Ctx) *Value {
	l, r := e.Eval(n.Child(pyast.FieldLeft), ctx), e.Eval(n.Child(pyast.FieldRight), ctx)
	return e.operate(n, ctx, n.Child(pyast.FieldOperator).Text(), l, r)
}

// operate is `l op r`.
func (e *Evaluator) operate(n pyast.Node, ctx *Ctx, op string, l, r *Value) *Value {
	if (l.Kind == Join) != (r.Kind == Join) {
		var vs []*Value
		for _, a := range l.Alternatives() {
			for _, b := range r.Alternatives() {
				vs = append(vs, e.operate(n, ctx, op, a, b))
			}
		}
		return join(n, ctx, vs...)
	}
	if l.Kind == Int && r.Kind == Int {
		if i, ok := IntOp(op, l.Int, r.Int); ok {
			return &Value{Kind: Int, Node: n, Ctx: ctx, Int: i}
		}
	}
	if a, ok := l.Number(); ok {
		if b, ok := r.Number(); ok {
			if f, ok := floatOp(op, a, b); ok {
				return &Value{Kind: Float, Node: n, Ctx: ctx, Float: f}
			}
		}
	}
	switch {
	case op == "+" && (l.Kind == Str || r.Kind == Str):
		return concat(n, ctx, l, r)
	case op == "%" && l.Kind == Str:
		if format, ok := l.Text(); ok {
			args := []*Value{r}
			if r.Kind == Tuple {
				args = r.Elems
			}
			named := func(key string) *Value {
				if d := r.AsDict(); d != nil {
					if x, ok := d.Get(key); ok {
						return e.Expr(x.Value)
					}
				}
				return nil
			}
			if parts, ok := percent(format, args, named); ok {
				return &Value{Kind: Str, Node: n, Ctx: ctx, Parts: parts}
			}
		}
		return &Value{Kind: Str, Node: n, Ctx: ctx, Parts: []Part{{Hole: unknown}}}
	case op == "/" && (l.Kind == Str || r.Kind == Str || isPath(l)):
		return concat(n, ctx, l, lit("/"), r)
	case op == "|" && l.Kind == Dict && r.Kind == Dict:
		d := l.Dict.with(r.Dict.Entries...)
		d.Open = l.Dict.Open || r.Dict.Open
		if !n.Encloses(d.Literal) && n.Encloses(r.Dict.Literal) {
			d.Literal = r.Dict.Literal // the display that is written here
		}
		return &Value{Kind: Dict, Node: n, Ctx: ctx, Dict: d}
	}
	if l.Kind == Unknown && r.Kind == Unknown {
		return unknown
	}
	return &Value{Kind: Binary, Node: n, Ctx: ctx, Name: op, Base: l, Other: r}
}

func isPath(v *Value) bool {
	switch v.Callee() {
	case "pathlib.Path", "pathlib.PurePath", "pathlib.PosixPath", "pathlib.Path.cwd", "pathlib.Path.home":
		return true
	}
	return v.Kind == Attr && v.Name == "parent" && isPath(v.Base)
}

// mod is Python's a % b for a b above 0: never below 0.
func mod(a, b int64) int64 { return ((a % b) + b) % b }

// IntOp is what an arithmetic operator of Python makes of two whole numbers, as far as that is a whole number of moderate size.
func IntOp(op string, a, b int64) (int64, bool) {
	switch op {
	case "+":
		return a + b, true
	case "-":
		return a - b, true
	case "*":
		if a > 1<<31 || b > 1<<31 || a < -1<<31 || b < -1<<31 {
			return 0, false
		}
		return a * b, true
	case "//":
		if b > 0 {
			return (a - mod(a, b)) / b, true
		}
	case "%":
		if b > 0 {
			return mod(a, b), true
		}
	case "**":
		if b >= 0 && b < 10 && a > -1000 && a < 1000 {
			out := int64(1)
			for range b {
				out *= a
			}
			return out, true
		}
	}
	return 0, false
}

func floatOp(op string, a, b float64) (float64, bool) {
	switch op {
	case "+":
		return a + b, true
	case "-":
		return a - b, true
	case "*":
		return a * b, true
	case "/":
		if b != 0 {
			return a / b, true
		}
	}
	return 0, false
}

func (e *Evaluator) subscript(n pyast.Node, ctx *Ctx) *Value {
	sub := subscriptKey(n)
	base, index := e.Eval(n.Child(pyast.FieldValue), ctx), e.Eval(sub, ctx)
	if any := e.registered(base.AsDict(), index); len(any) > 0 {
		return join(n, ctx, any...)
	}
	var vs []*Value
	for _, b := range base.present() {
		switch {
		case b.Kind == Dict:
			key, known := index.Text()
			if x, ok := b.Dict.Get(key); known && ok {
				vs = append(vs, e.Expr(x.Value))
				continue
			}
			if any := e.anyOf(b, index); any != nil && !known {
				vs = append(vs, any...)
				continue
			}
			vs = append(vs, &Value{Kind: Item, Node: n, Ctx: ctx, Base: b, Other: index})
		case (b.Kind == Tuple || b.Kind == List) && index.Kind == Int && !b.Open:
			i := int(index.Int)
			if i < 0 {
				i += len(b.Elems)
			}
			if i >= 0 && i < len(b.Elems) {
				vs = append(vs, b.Elems[i])
				continue
			}
			vs = append(vs, unknown)
		case sub.Kind() == pyast.KindSlice, b.Kind == Unknown:
			vs = append(vs, unknown)
		default:
			vs = append(vs, &Value{Kind: Item, Node: n, Ctx: ctx, Base: b, Other: index})
		}
	}
	return join(n, ctx, vs...)
}

// anyOf are the values of a dict that is asked for a key which is not known, where it is one of them for sure: a loop goes over the keys,
// or the dict is a registry, whose values are all functions or classes. It is nil elsewhere.
func (e *Evaluator) anyOf(d, key *Value) []*Value {
	if len(d.Dict.Entries) == 0 || len(d.Dict.Entries) > maxAlternatives {
		return nil
	}
	own := key.Kind == LoopVar && key.Base.Key() == d.Key() && !d.Dict.Open
	var out []*Value
	for _, x := range d.Dict.Entries {
		v := e.Expr(x.Value)
		if !own && v.Kind != ClassVal && v.Kind != FuncVal {
			return nil
		}
		out = append(out, v)
	}
	return out
}

func (e *Evaluator) str(n pyast.Node, ctx *Ctx) *Value {
	out := &Value{Kind: Str, Node: n, Ctx: ctx}
	for c := range n.Children() {
		switch c.Kind() {
		case pyast.KindStringStart:
			if strings.ContainsAny(c.Text(), "tT") { // a template is no string
				return &Value{Kind: Unknown, Node: n, Ctx: ctx}
			}
		case pyast.KindString:
			out.Parts = append(out.Parts, e.Eval(c, ctx).Parts...)
		case pyast.KindStringContent:
			out.Parts = append(out.Parts, Part{Lit: unescape(c)})
		case pyast.KindInterpolation:
			spec := strings.TrimPrefix(c.Child(pyast.FieldFormatSpecifier).Text(), ":")
			out.Parts = append(out.Parts, hole(e.Eval(c.Child(pyast.FieldExpression), ctx), spec)...)
		}
	}
	return out
}
