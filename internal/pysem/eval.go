package pysem

import (
	"strconv"
	"strings"

	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
)

// Limits keep evaluation small on any input; what lies beyond them is Unknown.
const (
	maxDepth        = 60
	maxAlternatives = 6
	maxCallDepth    = 12
)

// Evaluator computes values and remembers them. It is for one goroutine.
type Evaluator struct {
	memo  map[memoKey]*Value
	busy  map[memoKey]bool
	roots map[rootKey]*Ctx
	calls map[callKey]*Ctx
	depth int
}

type memoKey struct {
	node pyast.Node
	ctx  *Ctx
	def  *Def
}

type rootKey struct {
	f    *Func
	self string
}

type callKey struct {
	f      *Func
	call   pyast.Node
	parent *Ctx
}

// NewEvaluator makes an evaluator.
func NewEvaluator() *Evaluator {
	return &Evaluator{memo: map[memoKey]*Value{}, busy: map[memoKey]bool{}, roots: map[rootKey]*Ctx{}, calls: map[callKey]*Ctx{}}
}

// Root is the context of a function whose caller is not known. For a method, self is the instance, nil for a symbolic one.
// When self was constructed at hand, the parameters of __init__ are those of the construction.
func (e *Evaluator) Root(f *Func, self *Value) *Ctx {
	if c := f.methodClass(); self == nil && c != nil {
		self = &Value{Kind: Instance, Class: c}
	}
	key := rootKey{f: f}
	if self != nil {
		key.self = self.Key()
	}
	ctx := e.roots[key]
	if ctx == nil {
		ctx = &Ctx{Func: f, Self: self}
		if self != nil && self.Node.Valid() && f.Name == "__init__" {
			ctx.Parent, ctx.Call, ctx.depth = self.Ctx, self.Node, self.Ctx.depth+1
		}
		e.roots[key] = ctx
	}
	return ctx
}

// Enter is the context of f called at call in parent.
func (e *Evaluator) Enter(f *Func, call pyast.Node, parent *Ctx, self *Value) *Ctx {
	if f.Name == "__init__" && self != nil {
		return e.Root(f, self)
	}
	key := callKey{f, call, parent}
	ctx := e.calls[key]
	if ctx == nil {
		if self == nil && f.Class == nil {
			if c := f.methodClass(); c != nil && parent != nil && parent.Func.methodClass() == c {
				self = parent.Self
			}
		}
		ctx = &Ctx{Func: f, Parent: parent, Call: call, Self: self, depth: parent.depth + 1}
		e.calls[key] = ctx
	}
	return ctx
}

// In is the context of a node's own function with symbolic parameters, for questions asked outside any walk.
func (e *Evaluator) In(m *Module, n pyast.Node) *Ctx { return e.Root(m.Scope(n), nil) }

// Expr evaluates an expression kept for later.
func (e *Evaluator) Expr(x Expr) *Value {
	if x.Val != nil {
		return x.Val
	}
	return e.Eval(x.Node, x.Ctx)
}

// Eval is the value of an expression in a context.
func (e *Evaluator) Eval(n pyast.Node, ctx *Ctx) *Value {
	if !n.Valid() || ctx == nil {
		return unknown
	}
	key := memoKey{node: n, ctx: ctx}
	if v, ok := e.memo[key]; ok {
		return v
	}
	if e.busy[key] || e.depth > maxDepth {
		return &Value{Kind: Unknown, Node: n, Ctx: ctx}
	}
	e.busy[key] = true
	e.depth++
	v := e.eval(n, ctx)
	e.depth--
	delete(e.busy, key)
	if v.Kind == Unknown && !v.Node.Valid() {
		v = &Value{Kind: Unknown, Node: n, Ctx: ctx}
	}
	e.memo[key] = v
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
	case pyast.KindLambda:
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
		for _, a := range v.Alternatives() {
			if k := a.Key(); !seen[k] {
				seen[k] = true
				flat = append(flat, a)
			}
		}
	}
	switch {
	case len(flat) == 0:
		return unknown
	case len(flat) == 1:
		return flat[0]
	case len(flat) > maxAlternatives:
		return &Value{Kind: Unknown, Node: n, Ctx: ctx}
	}
	return &Value{Kind: Join, Node: n, Ctx: ctx, Elems: flat}
}

// name resolves an identifier: definitions that reach it, then enclosing functions, the module, star imports, builtins.
func (e *Evaluator) name(n pyast.Node, ctx *Ctx) *Value {
	m := ctx.Func.Module
	path := n.Text()
	if defs := m.uses[n.ID()]; len(defs) > 0 {
		return e.Defs(n, ctx, defs)
	}
	for f := ctx.Func; f != nil; f = f.Parent {
		if defs := f.defs[path]; len(defs) > 0 && (f != ctx.Func || f == m.Top || f.globals[path]) {
			return e.Defs(n, e.outer(ctx, f), defs)
		}
	}
	if len(m.Stars) > 0 {
		if len(m.Stars) == 1 && !isBuiltin(path) {
			return &Value{Kind: External, Node: n, Ctx: ctx, Name: m.Stars[0] + "." + path}
		}
		if !isBuiltin(path) {
			return unknown
		}
	}
	return &Value{Kind: External, Node: n, Ctx: ctx, Name: "builtins." + path}
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
		if d.Kind == DefDelete {
			continue
		}
		vs = append(vs, e.Def(d, ctx))
	}
	return join(n, ctx, vs...)
}

// Def is the value a definition gives its name. ctx is a context of the definition's function.
func (e *Evaluator) Def(d *Def, ctx *Ctx) *Value {
	if d.Func != ctx.Func {
		ctx = e.outer(ctx, d.Func)
	}
	key := memoKey{node: d.Node, ctx: ctx, def: d}
	if v, ok := e.memo[key]; ok {
		return v
	}
	if e.busy[key] || e.depth > maxDepth {
		return &Value{Kind: Unknown, Node: d.Node, Ctx: ctx}
	}
	e.busy[key] = true
	e.depth++
	v := e.def(d, ctx)
	e.depth--
	delete(e.busy, key)
	if v.Kind == Unknown && !v.Node.Valid() {
		v = &Value{Kind: Unknown, Node: d.Node, Ctx: ctx}
	}
	e.memo[key] = v
	return v
}

func (e *Evaluator) def(d *Def, ctx *Ctx) *Value {
	switch d.Kind {
	case DefAssign, DefWith:
		return e.unpack(e.Eval(d.Value, ctx), d.Index)
	case DefAug:
		prev := e.Defs(d.Node, ctx, d.Prev)
		op := strings.TrimSuffix(d.Stmt.Child(pyast.FieldOperator).Text(), "=")
		return e.operate(d.Node, ctx, op, prev, e.Eval(d.Value, ctx))
	case DefImport:
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
		return e.unpack(&Value{Kind: LoopVar, Node: d.Stmt, Ctx: ctx, Base: e.Eval(d.Value, ctx)}, d.Index)
	case DefItem, DefUpdate, DefRemove, DefMutate:
		return e.mutated(d, ctx)
	}
	return unknown
}

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
		return &Value{Kind: Instance, Class: f.Class}
	}
	symbolic := &Value{Kind: ParamVal, Node: d.Node, Ctx: ctx, Name: d.Param.Name}
	if ctx.Root() {
		return symbolic
	}
	x, ok := e.Bind(ctx, d.Param)
	if !ok {
		return unknown
	}
	return e.Expr(x)
}

// Bind finds what a call passes for a parameter: an argument, the default, or for *args the tuple of what is left.
// ok is false when the arguments cannot be told apart (stars) or the caller is unknown.
func (e *Evaluator) Bind(ctx *Ctx, p *Param) (Expr, bool) {
	if ctx.Root() {
		return Expr{}, false
	}
	f, args := ctx.Func, Args(ctx.Call)
	offset := 0
	if f.Method() {
		offset = 1
		// Class.method(instance, ...) passes the instance by hand.
		if fn := ctx.Call.Child(pyast.FieldFunction); fn.Kind() == pyast.KindAttribute && f.Name != "__init__" {
			if v := e.Eval(fn.Child(pyast.FieldObject), ctx.Parent); v.Kind == ClassVal && !f.decorated("classmethod") {
				offset = 0
			}
		}
	}
	index := -1
	for i := range f.Params {
		if &f.Params[i] == p {
			index = i
		}
	}
	positions := args.Position
	if args.Star {
		// f(*args) where args is this function's own *args or a known tuple.
		if v := e.Eval(args.StarNode, ctx.Parent); v.Kind == Tuple && !v.Open && len(args.Position) == 0 {
			return e.bindStar(f, p, index, offset, v, args)
		}
	}
	switch p.Star {
	case 1:
		if args.Star {
			return Expr{}, false
		}
		t := &Value{Kind: Tuple, Node: ctx.Call, Ctx: ctx.Parent}
		for i := index - offset; i < len(positions); i++ {
			t.Elems = append(t.Elems, e.Eval(positions[i], ctx.Parent))
		}
		return Expr{Val: t}, true
	case 2:
		return e.kwargs(f, ctx, args)
	}
	if n, ok := args.Keyword[p.Name]; ok {
		return Expr{Node: n, Ctx: ctx.Parent}, true
	}
	if !p.KeywordOnly && index-offset >= 0 && index-offset < len(positions) {
		return Expr{Node: positions[index-offset], Ctx: ctx.Parent}, true
	}
	if args.May() {
		return Expr{}, false
	}
	if p.Default.Valid() {
		outer := f.Parent
		if outer == nil {
			outer = f.Module.Top
		}
		return Expr{Node: p.Default, Ctx: e.Root(outer, nil)}, true
	}
	return Expr{}, false
}

func (f *Func) decorated(name string) bool {
	for _, d := range f.Decorators {
		if d.TextIs(name) {
			return true
		}
	}
	return false
}

func (e *Evaluator) bindStar(f *Func, p *Param, index, offset int, v *Value, args ArgList) (Expr, bool) {
	at := index - offset
	if p.Star == 1 {
		t := &Value{Kind: Tuple, Node: v.Node, Ctx: v.Ctx}
		if at >= 0 && at < len(v.Elems) {
			t.Elems = v.Elems[at:]
		}
		return Expr{Val: t}, true
	}
	if p.Star == 0 && at >= 0 && at < len(v.Elems) && !p.KeywordOnly {
		return Expr{Val: v.Elems[at]}, true
	}
	if p.Star == 0 && !args.KwStar && p.Default.Valid() {
		return Expr{Node: p.Default, Ctx: e.Root(f.Parent, nil)}, true
	}
	return Expr{}, false
}

// kwargs is the dict a **kwargs parameter receives.
func (e *Evaluator) kwargs(f *Func, ctx *Ctx, args ArgList) (Expr, bool) {
	d := &DictValue{Literal: ctx.Call, Open: args.KwStar}
	for c := range ctx.Call.Child(pyast.FieldArguments).Children() {
		if c.Kind() != pyast.KindKeywordArgument {
			continue
		}
		name := c.Child(pyast.FieldName)
		named := false
		for i := range f.Params {
			if f.Params[i].Name == name.Text() && f.Params[i].Star == 0 {
				named = true
			}
		}
		if !named {
			d.Entries = append(d.Entries, Entry{Key: name.Text(), KeyNode: name, Pair: c, Value: Expr{Node: c.Child(pyast.FieldValue), Ctx: ctx.Parent}})
		}
	}
	return Expr{Val: &Value{Kind: Dict, Node: ctx.Call, Ctx: ctx.Parent, Dict: d}}, true
}

func (e *Evaluator) attribute(n pyast.Node, ctx *Ctx) *Value {
	m := ctx.Func.Module
	name := n.Child(pyast.FieldAttribute).Text()
	if defs := m.uses[n.ID()]; len(defs) > 0 {
		return e.Defs(n, ctx, defs)
	}
	base := e.Eval(n.Child(pyast.FieldObject), ctx)
	var vs []*Value
	for _, b := range base.Alternatives() {
		vs = append(vs, e.Member(b, name, n, ctx))
	}
	return join(n, ctx, vs...)
}

// Member is the value of base.name, read at node n in ctx.
func (e *Evaluator) Member(base *Value, name string, n pyast.Node, ctx *Ctx) *Value {
	switch base.Kind {
	case External:
		return &Value{Kind: External, Node: n, Ctx: ctx, Name: base.Name + "." + name}
	case Instance, ClassVal:
		if f := base.Class.method(name); f != nil {
			if f.decorated("property") {
				return e.returns(f, e.Root(f, base), n, ctx)
			}
			return &Value{Kind: FuncVal, Node: n, Ctx: ctx, Func: f, Base: base}
		}
		if defs := base.Class.attr(name); len(defs) > 0 {
			return e.attrDefs(base, defs, n, ctx)
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
		if path := dotted(n); path != "" {
			if v := e.sharedPath(path, n, ctx); v != nil {
				return join(n, ctx, v, &Value{Kind: Attr, Node: n, Ctx: ctx, Base: base, Name: name})
			}
		}
	}
	return &Value{Kind: Attr, Node: n, Ctx: ctx, Base: base, Name: name}
}

// sharedPath reads a path such as args.start_epoch that another function of the file assigns: settings objects travel under
// one name.
func (e *Evaluator) sharedPath(path string, n pyast.Node, ctx *Ctx) *Value {
	var vs []*Value
	for _, d := range ctx.Func.Module.pathDefs[path] {
		if d.Func != ctx.Func && d.Func.methodClass() == nil {
			vs = append(vs, e.Def(d, e.outer(ctx, d.Func)))
		}
	}
	if len(vs) == 0 {
		return nil
	}
	return join(n, ctx, vs...)
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
		vs = append(vs, e.Def(d, c))
	}
	return join(n, ctx, vs...)
}

// method finds a method in the class or its bases in the file.
func (c *Class) method(name string) *Func {
	return lookup(c, func(c *Class) *Func { return c.Methods[name] })
}

// Method finds a method in the class or its bases in the file, nil if there is none.
func (c *Class) Method(name string) *Func { return c.method(name) }

func (c *Class) attr(name string) []*Def {
	var out []*Def
	lookup(c, func(c *Class) *Func { out = append(out, c.Attrs[name]...); return nil })
	return out
}

func lookup(c *Class, find func(*Class) *Func) *Func {
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
		for _, b := range c.Bases {
			if base := c.baseClass(b); base != nil {
				if f := walk(base); f != nil {
					return f
				}
			}
		}
		return nil
	}
	return walk(c)
}

func (c *Class) baseClass(b pyast.Node) *Class {
	if b.Kind() != pyast.KindIdentifier {
		return nil
	}
	for s := c.Scope; s != nil; s = s.Parent {
		for _, d := range s.defs[b.Text()] {
			if d.Kind == DefClass {
				return d.Class
			}
		}
	}
	return nil
}

func (e *Evaluator) call(n pyast.Node, ctx *Ctx) *Value {
	fn := n.Child(pyast.FieldFunction)
	callee := e.Eval(fn, ctx)
	var vs []*Value
	for _, c := range callee.Alternatives() {
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
		if f.Yields || ctx.depth >= maxCallDepth || recursive(ctx, f) {
			return unknown
		}
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

func (e *Evaluator) operate(n pyast.Node, ctx *Ctx, op string, l, r *Value) *Value {
	if l.Kind == Join || r.Kind == Join {
		var vs []*Value
		for _, a := range l.Alternatives() {
			for _, b := range r.Alternatives() {
				vs = append(vs, e.operate(n, ctx, op, a, b))
			}
		}
		if len(vs) > 0 && (l.Kind == Join) != (r.Kind == Join) {
			return join(n, ctx, vs...)
		}
	}
	if l.Kind == Int && r.Kind == Int {
		if i, ok := intOp(op, l.Int, r.Int); ok {
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
			if parts, ok := percent(format, args); ok {
				return &Value{Kind: Str, Node: n, Ctx: ctx, Parts: parts}
			}
		}
		return &Value{Kind: Str, Node: n, Ctx: ctx, Parts: []Part{{Hole: unknown}}}
	case op == "/" && (l.Kind == Str || r.Kind == Str || isPath(l)):
		return concat(n, ctx, l, lit("/"), r)
	case op == "|" && l.Kind == Dict && r.Kind == Dict:
		d := &DictValue{Literal: l.Dict.Literal, Open: l.Dict.Open || r.Dict.Open, Entries: l.Dict.Entries}
		for _, x := range r.Dict.Entries {
			d = d.with(x)
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

func intOp(op string, a, b int64) (int64, bool) {
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
		if b > 0 && a >= 0 {
			return a / b, true
		}
	case "%":
		if b > 0 && a >= 0 {
			return a % b, true
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
	base, index := e.Eval(n.Child(pyast.FieldValue), ctx), e.Eval(n.Child(pyast.FieldSubscript), ctx)
	sub := n.Child(pyast.FieldSubscript)
	var vs []*Value
	for _, b := range base.Alternatives() {
		switch {
		case b.Kind == Dict:
			if key, ok := index.Text(); ok {
				if x, ok := b.Dict.Get(key); ok {
					vs = append(vs, e.Expr(x.Value))
					continue
				}
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

func (e *Evaluator) str(n pyast.Node, ctx *Ctx) *Value {
	out := &Value{Kind: Str, Node: n, Ctx: ctx}
	for c := range n.Children() {
		switch c.Kind() {
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
