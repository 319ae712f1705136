package bound

import (
	"slices"
	"strconv"
	"strings"

	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
)

// path is a name, or an attribute of the instance, "" for any other expression.
func (w *walker) path(n pyast.Node) string {
	switch n.Kind() {
	case pyast.KindIdentifier:
		return n.Text()
	case pyast.KindAttribute:
		if self, c := w.s.self(); c != nil && n.Child(pyast.FieldObject).Kind() == pyast.KindIdentifier && n.Child(pyast.FieldObject).TextIs(self) {
			return self + "." + n.Child(pyast.FieldAttribute).Text()
		}
	}
	return ""
}

// use notes that a path is read.
func (w *walker) use(e *env, n pyast.Node, path string) {
	at, p := n, n.Parent()
	var c *class
	if n.Kind() == pyast.KindAttribute {
		at = n.Child(pyast.FieldAttribute)
		_, c = w.s.self()
	}
	for p.Kind() == pyast.KindParenthesizedExpression {
		n, p = p, p.Parent()
	}
	reached := p.Kind() == pyast.KindAttribute && p.Child(pyast.FieldObject) == n ||
		p.Kind() == pyast.KindSubscript && p.Child(pyast.FieldValue) == n || p.Kind() == pyast.KindCall && p.Child(pyast.FieldFunction) == n
	if w.uses != nil && !e.dead && w.quiet {
		if w.first == nil {
			w.first = map[int]State{}
		}
		w.first[at.Start()] |= e.now(w.lookup(e, path))
	}
	if w.uses != nil && !w.quiet && !e.dead {
		v := w.lookup(e, path)
		u := Use{first: w.first[at.Start()], Path: path, Node: at, State: e.now(v), Reached: reached, Scope: w.s.name, Loop: v.loop}
		if u.Risk() != 0 {
			u.Under = v.under(u.Risk())
		}
		if c != nil {
			u.Class = c.node
			if u.State&Unbound != 0 {
				_, open := c.inherited(w.s.m, at.Text(), 0)
				u.Open = open || c.dynamic
			}
		}
		w.uses[at.Start()] = u
	}
	w.prove(e, path, Unbound)
	if reached {
		w.prove(e, path, None)
	}
}

func (w *walker) expr(e *env, n pyast.Node) {
	if !n.Valid() {
		return
	}
	switch n.Kind() {
	case pyast.KindIdentifier:
		w.use(e, n, n.Text())
	case pyast.KindAttribute:
		w.expr(e, n.Child(pyast.FieldObject))
		if path := w.path(n); path != "" {
			w.use(e, n, path)
		}
	case pyast.KindAssignment:
		right := n.Child(pyast.FieldRight)
		if !right.Valid() { // x: int, an attribute of a dataclass or nothing
			if left := n.Child(pyast.FieldLeft); left.Kind() == pyast.KindIdentifier && !w.s.locals[left.Text()] {
				w.bind(e, left.Text(), left, &val{state: Value})
			}
			return
		}
		w.expr(e, right)
		for right.Kind() == pyast.KindAssignment { // a = b = v
			right = right.Child(pyast.FieldRight)
		}
		w.target(e, n.Child(pyast.FieldLeft), w.values(e, right))
	case pyast.KindAugmentedAssignment:
		left := n.Child(pyast.FieldLeft)
		w.expr(e, left)
		w.expr(e, n.Child(pyast.FieldRight))
		w.target(e, left, nil)
	case pyast.KindNamedExpression:
		w.expr(e, n.Child(pyast.FieldValue))
		w.target(e, n.Child(pyast.FieldName), w.values(e, n.Child(pyast.FieldValue)))
	case pyast.KindLambda, pyast.KindLambdaWithinForInClause:
		inner := e.push()
		for p := range n.Child(pyast.FieldParameters).Children() {
			w.expr(e, p.Child(pyast.FieldValue))
		}
		for _, p := range params(n.Child(pyast.FieldParameters)) {
			inner.set(p.name, &val{state: Value, version: n.ID() + 1})
		}
		w.expr(inner, n.Child(pyast.FieldBody))
	case pyast.KindBooleanOperator:
		left := n.Child(pyast.FieldLeft)
		w.expr(e, left)
		right := e.push()
		w.assume(right, left, n.Child(pyast.FieldOperator).TextIs("and"))
		w.expr(right, n.Child(pyast.FieldRight))
		w.join(e, right, e.push())
	case pyast.KindConditionalExpression:
		cond := n.Nth(1)
		w.expr(e, cond)
		then, other := e.push(), e.push()
		w.assume(then, cond, true)
		w.expr(then, n.Nth(0))
		w.assume(other, cond, false)
		w.expr(other, n.Nth(2))
		w.join(e, then, other)
	case pyast.KindCall:
		w.expr(e, n.Child(pyast.FieldFunction))
		w.expr(e, n.Child(pyast.FieldArguments))
		w.called(e, n)
	case pyast.KindKeywordArgument:
		w.expr(e, n.Child(pyast.FieldValue))
	case pyast.KindListComprehension, pyast.KindSetComprehension, pyast.KindDictionaryComprehension, pyast.KindGeneratorExpression:
		w.comprehension(e, n)
	case pyast.KindType:
	default:
		for c := range n.Children() {
			w.expr(e, c)
		}
	}
}

// comprehension walks a comprehension, which may make no round. Its targets are names of its own.
func (w *walker) comprehension(e *env, n pyast.Node) {
	inner := e.push()
	var own []string
	for c := range n.Children() {
		switch c.Kind() {
		case pyast.KindForInClause:
			w.expr(inner, c.Child(pyast.FieldRight))
			for t := range c.Child(pyast.FieldLeft).Descendants() {
				if t.Kind() == pyast.KindIdentifier {
					own = append(own, t.Text())
					inner.set(t.Text(), &val{state: Value, version: t.ID() + 1})
				}
			}
			if t := c.Child(pyast.FieldLeft); t.Kind() == pyast.KindIdentifier {
				own = append(own, t.Text())
				inner.set(t.Text(), &val{state: Value, version: t.ID() + 1})
			}
		case pyast.KindIfClause:
			w.expr(inner, c.Nth(0))
			w.assume(inner, c.Nth(0), true)
		}
	}
	w.expr(inner, n.Child(pyast.FieldBody))
	for _, name := range own {
		inner.unset(name)
	}
	w.join(e, inner, e.push())
}

// target binds what an assignment names to values, nil where they are not known.
func (w *walker) target(e *env, t pyast.Node, values []*val) {
	switch t.Kind() {
	case pyast.KindIdentifier, pyast.KindAttribute:
		if t.Kind() == pyast.KindAttribute {
			w.expr(e, t.Child(pyast.FieldObject))
		}
		path := w.path(t)
		if path == "" && t.Kind() == pyast.KindAttribute {
			path = strings.Join(strings.Fields(t.Text()), "") // its version counts
		}
		v := &val{state: Value}
		if len(values) == 1 && values[0].state&^Unbound != 0 {
			v = &val{state: values[0].state &^ Unbound, given: values[0].given}
		}
		w.bind(e, path, t, v)
	case pyast.KindSubscript:
		w.expr(e, t.Child(pyast.FieldValue))
		for k := range t.ChildrenOf(pyast.FieldSubscript) {
			w.expr(e, k)
		}
	case pyast.KindPatternList, pyast.KindTuplePattern, pyast.KindListPattern, pyast.KindExpressionList, pyast.KindTuple, pyast.KindList:
		parts := slices.Collect(t.Children())
		for i, c := range parts {
			if len(values) == len(parts) {
				w.target(e, c, values[i:i+1])
				continue
			}
			w.target(e, c, nil)
		}
	case pyast.KindParenthesizedExpression, pyast.KindListSplatPattern, pyast.KindListSplat:
		w.target(e, t.Nth(0), nil)
	}
}

// values is what an expression gives, of a tuple its elements.
func (w *walker) values(e *env, n pyast.Node) []*val {
	for n.Is(pyast.KindParenthesizedExpression, pyast.KindAwait) {
		n = n.Nth(0)
	}
	switch n.Kind() {
	case pyast.KindNone:
		return nil
	case pyast.KindExpressionList, pyast.KindTuple:
		var out []*val
		for c := range n.Children() {
			out = append(out, w.value(e, c))
		}
		return out
	case pyast.KindCall:
		if f := w.callee(n); f != nil {
			return f.results()
		}
	}
	return []*val{w.value(e, n)}
}

// value is what an expression gives.
func (w *walker) value(e *env, n pyast.Node) *val {
	switch n.Kind() {
	case pyast.KindParenthesizedExpression, pyast.KindAwait:
		return w.value(e, n.Nth(0))
	case pyast.KindNoneLiteral:
		return &val{state: None}
	case pyast.KindIdentifier, pyast.KindAttribute:
		if path := w.path(n); path != "" {
			v := w.lookup(e, path)
			if s := e.now(v); s == v.state {
				return v
			} else {
				return &val{state: s}
			}
		}
	case pyast.KindNamedExpression:
		return w.value(e, n.Child(pyast.FieldValue))
	case pyast.KindConditionalExpression:
		cond := n.Nth(1)
		then, other := e.push(), e.push()
		w.assume(then, cond, true)
		w.assume(other, cond, false)
		a, b := w.value(then, n.Nth(0)), w.value(other, n.Nth(2))
		out := &val{state: a.state | b.state}
		if a.state != b.state {
			out.given = addGiven(addGiven(nil, w.facts(e, cond, true), a.state), w.facts(e, cond, false), b.state)
		}
		return out
	case pyast.KindBooleanOperator:
		a, b := w.value(e, n.Child(pyast.FieldLeft)), w.value(e, n.Child(pyast.FieldRight))
		if n.Child(pyast.FieldOperator).TextIs("or") {
			return &val{state: a.state&^None | b.state}
		}
		return &val{state: a.state | b.state}
	case pyast.KindCall:
		if n.Child(pyast.FieldFunction).TextIs("getattr") && n.Child(pyast.FieldArguments).Nth(2).Kind() == pyast.KindNoneLiteral {
			return &val{state: None | Value}
		}
		if f := w.callee(n); f != nil {
			if r := f.results(); len(r) == 1 {
				return r[0]
			}
		}
	}
	return &val{state: Value}
}

// callee is the function of this file that a call calls by its own name, or by its method's on the instance.
func (w *walker) callee(call pyast.Node) *scope {
	fn := call.Child(pyast.FieldFunction)
	if fn.Kind() == pyast.KindAttribute {
		if _, c := w.s.self(); c != nil && w.path(fn) != "" {
			return c.methods[fn.Child(pyast.FieldAttribute).Text()]
		}
		return nil
	}
	if fn.Kind() != pyast.KindIdentifier {
		return nil
	}
	return w.s.m.function(fn.Text())
}

// function is the one function of a name, nil where there is none, or another.
func (m *module) function(name string) *scope {
	if m.functions == nil {
		m.functions = map[string]*scope{}
		for _, f := range m.scopes {
			if f.class != nil {
				continue
			}
			if _, again := m.functions[f.name]; again {
				m.functions[f.name] = nil
				continue
			}
			m.functions[f.name] = f
		}
	}
	return m.functions[name]
}

// results are what calls of a function give, nil where that is not known.
func (s *scope) results() []*val {
	if s.busy || s.node.Parent().Kind() == pyast.KindDecoratedDefinition {
		return nil
	}
	if s.gave == nil {
		s.busy = true
		w := &walker{s: s, outer: map[string]*val{}, calls: map[string][]*env{}, alone: true}
		w.run()
		s.busy = false
		s.gave = w.gave
		for n := range s.body.Descendants() {
			if n.Kind() == pyast.KindYield {
				s.gave = nil
			}
		}
		if s.gave == nil {
			s.gave = []*val{}
		}
	}
	return s.gave
}

// mostCalls bounds what is remembered of the calls of one function; the first know least.
const mostCalls = 8

// called notes what a call of a function of this file sees, and what one of the instance's methods makes.
func (w *walker) called(e *env, call pyast.Node) {
	fn := call.Child(pyast.FieldFunction)
	if self, c := w.s.self(); c != nil && fn.Kind() == pyast.KindAttribute && w.path(fn) != "" {
		if f := c.methods[fn.Child(pyast.FieldAttribute).Text()]; f != nil && f != w.s {
			for k, v := range f.makes() {
				path := self + "." + k
				if v.state&Unbound == 0 {
					w.bind(e, path, call, v)
				} else {
					w.bind(e, path, call, w.either(w.lookup(e, path), &val{state: v.state &^ Unbound}))
				}
			}
		}
	}
	if self, c := w.s.self(); c != nil && registering[fn.Child(pyast.FieldAttribute).Text()] {
		w.bind(e, self+"."+unquoted(call.Child(pyast.FieldArguments).Nth(0)), call, &val{state: Value})
	}
	if w.making || w.alone || e.dead {
		return
	}
	note := func(key string) {
		if w.s.m.has(key) && len(w.calls[key]) < mostCalls && !w.quiet {
			w.calls[key] = append(w.calls[key], e.view(nil))
		}
	}
	name := func(n pyast.Node) {
		switch n.Kind() {
		case pyast.KindIdentifier:
			note("f:" + n.Text())
		case pyast.KindAttribute:
			note("m:" + n.Child(pyast.FieldAttribute).Text())
		}
	}
	name(fn)
	if fn.Kind() == pyast.KindIdentifier && w.s.m.classes[fn.Text()] != nil {
		note("m:__init__")
	}
	for a := range call.Child(pyast.FieldArguments).Children() {
		if a.Kind() == pyast.KindKeywordArgument {
			a = a.Child(pyast.FieldValue)
		}
		name(a)
	}
}

// has says that there is a function or method of this name.
func (m *module) has(key string) bool {
	if m.keys == nil {
		m.keys = map[string]bool{}
		for _, s := range m.scopes {
			m.keys[s.key()] = true
		}
	}
	return m.keys[key]
}

// makes are the attributes that a method gives the instance, unbound where it does so on some ways only.
func (s *scope) makes() map[string]*val {
	if s.made == nil && !s.busy {
		s.busy = true
		w := &walker{s: s, outer: map[string]*val{}, calls: map[string][]*env{}, making: true}
		w.run()
		s.busy = false
		s.made = map[string]*val{}
		for path, v := range w.end.vars {
			if attr, ok := strings.CutPrefix(path, s.params0()+"."); ok {
				s.made[attr] = &val{state: v.state}
			}
		}
	}
	return s.made
}

// facts are what a test says by its outcome.
func (w *walker) facts(e *env, n pyast.Node, holds bool) []fact {
	switch n.Kind() {
	case pyast.KindParenthesizedExpression:
		return w.facts(e, n.Nth(0), holds)
	case pyast.KindNotOperator:
		return w.facts(e, n.Child(pyast.FieldArgument), !holds)
	case pyast.KindBooleanOperator:
		if n.Child(pyast.FieldOperator).TextIs("and") == holds {
			return slices.Concat(w.facts(e, n.Child(pyast.FieldLeft), holds), w.facts(e, n.Child(pyast.FieldRight), holds))
		}
	}
	text := strings.Join(strings.Fields(n.Text()), " ")
	if path, none := w.asksNone(n); path != "" {
		text, holds = path+" is None", holds == none
	}
	f := fact{key: w.versioned(e, n, text), text: text, holds: holds}
	if n.Kind() == pyast.KindBooleanOperator && n.Child(pyast.FieldOperator).TextIs("and") {
		f.text = "" // its parts say it
	}
	return []fact{f}
}

// versioned is a test's text with the versions of what it names. One that asks nothing but the instance means the same in all its
// methods.
func (w *walker) versioned(e *env, n pyast.Node, text string) string {
	self, c := w.s.self()
	ours := c != nil
	var b strings.Builder
	b.WriteString(text)
	visit := func(d pyast.Node) {
		if d.Kind() != pyast.KindIdentifier || d.Field() == pyast.FieldAttribute || d.Parent().Kind() == pyast.KindKeywordArgument && d.Field() == pyast.FieldName {
			return
		}
		ours = ours && d.TextIs(self)
		b.WriteString("#" + strconv.Itoa(w.lookup(e, d.Text()).version))
		for p := d.Parent(); p.Kind() == pyast.KindAttribute; p = p.Parent() {
			if v := e.get(p.Text()); v != nil {
				b.WriteString("." + strconv.Itoa(v.version))
			}
		}
	}
	visit(n)
	for d := range n.Descendants() {
		visit(d)
	}
	if ours {
		return "self:" + text
	}
	return b.String()
}

// asksNone reads `x is None`: the path, and whether the test holds for None.
func (w *walker) asksNone(n pyast.Node) (path string, none bool) {
	if n.Kind() != pyast.KindComparisonOperator {
		return "", false
	}
	op, ops := "", 0
	var sides []pyast.Node
	for c := range n.Children() {
		if c.Field() == pyast.FieldOperators {
			ops++
			op = strings.Join(strings.Fields(c.Text()), " ")
			continue
		}
		sides = append(sides, c)
	}
	if op == "" {
		for o := range n.ChildrenOf(pyast.FieldOperators) {
			ops++
			op = strings.Join(strings.Fields(o.Text()), " ")
		}
	}
	if ops != 1 || len(sides) != 2 || sides[1].Kind() != pyast.KindNoneLiteral {
		return "", false
	}
	return w.path(sides[0]), op == "is" || op == "=="
}

// assume narrows what is known to the ways on which a test has an outcome.
func (w *walker) assume(e *env, n pyast.Node, holds bool) {
	switch n.Kind() {
	case pyast.KindParenthesizedExpression:
		w.assume(e, n.Nth(0), holds)
		return
	case pyast.KindNotOperator:
		w.assume(e, n.Child(pyast.FieldArgument), !holds)
		return
	case pyast.KindBooleanOperator:
		if n.Child(pyast.FieldOperator).TextIs("and") == holds {
			w.assume(e, n.Child(pyast.FieldLeft), holds)
			w.assume(e, n.Child(pyast.FieldRight), holds)
			return
		}
	}
	for _, f := range w.facts(e, n, holds) {
		e.learn(f)
	}
	switch n.Kind() {
	case pyast.KindIdentifier, pyast.KindAttribute:
		if path := w.path(n); path != "" && holds {
			w.prove(e, path, None)
		}
	case pyast.KindNamedExpression:
		if path := w.path(n.Child(pyast.FieldName)); path != "" && holds {
			w.prove(e, path, None)
		}
	case pyast.KindComparisonOperator:
		if path, none := w.asksNone(n); path != "" {
			if none == holds {
				w.prove(e, path, Value)
			} else {
				w.prove(e, path, None)
			}
		} else if holds {
			w.present(e, n)
		}
	case pyast.KindCall:
		args := n.Child(pyast.FieldArguments)
		switch path := w.path(args.Nth(0)); {
		case !holds:
		case n.Child(pyast.FieldFunction).TextIs("isinstance") && path != "":
			w.prove(e, path, None)
		case n.Child(pyast.FieldFunction).TextIs("hasattr"):
			if self, c := w.s.self(); c != nil && path == self {
				w.give1(e, self+"."+unquoted(args.Nth(1)))
			}
		}
	}
}

// present reads `"x" in locals()`, behind which x has a value.
func (w *walker) present(e *env, n pyast.Node) {
	var sides []pyast.Node
	in := false
	for o := range n.ChildrenOf(pyast.FieldOperators) {
		in = o.TextIs("in")
	}
	for c := range n.Children() {
		if c.Field() != pyast.FieldOperators {
			sides = append(sides, c)
		}
	}
	if in && len(sides) == 2 && sides[0].Kind() == pyast.KindString {
		switch sides[1].Text() {
		case "locals()", "globals()", "vars()", "dir()":
			w.give1(e, unquoted(sides[0]))
		}
	}
}

func (w *walker) give1(e *env, path string) {
	v := w.lookup(e, path)
	s := v.state &^ Unbound
	if s == 0 {
		s = Value
	}
	e.set(path, &val{state: s, version: v.version})
}

func unquoted(n pyast.Node) string { return strings.Trim(n.Text(), `"'`) }
