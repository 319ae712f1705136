package pysem

import (
	"strings"

	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
)

// env maps paths to the definitions that reach a point. It is layered: a branch writes into its own layer, and a join looks
// only at what the layers changed.
type env struct {
	parent *env
	m      map[string][]*Def
	dead   bool // the point cannot be reached
}

func (e *env) get(path string) ([]*Def, bool) {
	for ; e != nil; e = e.parent {
		if d, ok := e.m[path]; ok {
			return d, true
		}
	}
	return nil, false
}

func (e *env) set(path string, defs []*Def) {
	if e.m == nil {
		e.m = map[string][]*Def{}
	}
	e.m[path] = defs
}

func (e *env) push() *env { return &env{parent: e} }

// flat is a copy of what the layers above base hold. A way that is left by break or continue needs one: the layers below
// its own change while the rest of the loop is walked.
func (e *env) flat(base *env) *env {
	out := &env{parent: base}
	for l := e; l != nil && l != base; l = l.parent {
		for k, d := range l.m {
			if _, ok := out.m[k]; !ok {
				out.set(k, d)
			}
		}
	}
	return out
}

// join merges branches that were pushed on e back into it. fallsThrough says that e itself is one of the ways.
func (e *env) join(fallsThrough bool, branches ...*env) {
	var live []*env
	for _, b := range branches {
		if b != nil && !b.dead {
			live = append(live, b)
		}
	}
	if len(live) == 0 {
		e.dead = e.dead || !fallsThrough
		return
	}
	changed := map[string]bool{}
	for _, b := range live {
		for l := b; l != e && l != nil; l = l.parent {
			for k := range l.m {
				changed[k] = true
			}
		}
	}
	merged := make(map[string][]*Def, len(changed))
	for k := range changed {
		var all []*Def
		if fallsThrough {
			d, _ := e.get(k)
			all = union(all, d)
		}
		for _, b := range live {
			d, _ := b.get(k)
			all = union(all, d)
		}
		merged[k] = all
	}
	for k, d := range merged {
		e.set(k, d)
	}
}

// maxReaching bounds a set of reaching definitions; sets of more than 2*maxAlternatives are Unknown to the evaluator anyway.
const maxReaching = 2*maxAlternatives + 1

func union(a, b []*Def) []*Def {
	out := a
	for _, d := range b {
		if len(out) >= maxReaching {
			break
		}
		found := false
		for _, x := range out {
			if x == d {
				found = true
				break
			}
		}
		if !found {
			out = append(out[:len(out):len(out)], d)
		}
	}
	return out
}

type loopEnv struct {
	base              *env
	breaks, continues []*env
}

// flower computes reaching definitions of one function by a structured walk.
type flower struct {
	f     *Func
	made  map[defKey]*Def
	below map[string][]string // dotted paths by the paths they begin with
	loops []*loopEnv
	tries []map[string][]*Def // what the bodies of the try statements around define
	// finals counts the finally blocks around.
	finals int
	quiet  bool   // an outer loop's first round
	local  bool   // targets are those of a comprehension
	class  *Class // set in a class body
	// watched names are read by functions inside, which see what reaches the call.
	watched []string
}

type defKey struct {
	node int
	path string
	kind DefKind
}

func newFlower(f *Func) *flower {
	return &flower{f: f, made: map[defKey]*Def{}, below: map[string][]string{}}
}

// run walks the function. It may be run again with watched names: definitions are made once.
func (w *flower) run() {
	f, e := w.f, &env{}
	for i := range f.Params {
		p := &f.Params[i]
		e.set(p.Name, []*Def{w.def(&Def{Path: p.Name, Kind: DefParam, Node: p.Node, Stmt: p.Node, Param: p})})
	}
	if f.Node.Is(pyast.KindLambda, pyast.KindLambdaWithinForInClause) {
		w.expr(e, f.Body)
		return
	}
	w.block(e, f.Body)
	if !e.dead {
		w.leave(e)
	}
	if f == f.Module.Top {
		f.after = e.m
	}
}

// leave notes what parameters and attributes of self that the function changes hold when it returns.
func (w *flower) leave(e *env) {
	note := func(path string) {
		if w.f.after == nil {
			w.f.after = map[string][]*Def{}
		}
		defs, _ := e.get(path)
		w.f.after[path] = union(w.f.after[path], defs)
	}
	for i := range w.f.Params {
		if name := w.f.Params[i].Name; w.f.mutates[name] {
			note(name)
		}
	}
	for path := range w.f.fills {
		note(path)
	}
}

// watch finds the names of f with several definitions that functions inside may read, and walks f again to note which of the
// definitions reach each call.
func (w *flower) watch() {
	for path, defs := range w.f.defs {
		if len(defs) > 1 && w.f.Module.free[path] {
			w.watched = append(w.watched, path)
		}
	}
	if len(w.watched) > 0 {
		w.run()
	}
}

// called notes what a call of a function at hand sees and changes.
func (w *flower) called(e *env, call pyast.Node) {
	m := w.f.Module
	name := lastName(call.Child(pyast.FieldFunction))
	list := call.Child(pyast.FieldArguments)
	if len(w.watched) > 0 {
		atHand := len(m.named[name]) > 0 || m.classNamed(name) != nil
		for a := range list.Children() {
			atHand = atHand || len(m.named[lastName(a)]) > 0
		}
		if atHand {
			seen := map[string][]*Def{}
			for _, path := range w.watched {
				seen[path], _ = e.get(path)
			}
			m.callDefs[call.ID()] = seen
		}
	}
	for _, g := range m.named[name] {
		if len(g.mutates) == 0 {
			continue
		}
		at := 0
		if g.Method() {
			at = 1
		}
		for a := range list.Children() {
			param := ""
			if a.Kind() == pyast.KindKeywordArgument {
				param, a = a.Child(pyast.FieldName).Text(), a.Child(pyast.FieldValue)
			} else if at < len(g.Params) && g.Params[at].Star == 0 {
				param = g.Params[at].Name
				at++
			}
			if g.mutates[param] {
				w.mutate(e, a, &Def{Kind: DefPassed, Node: a, Stmt: call, Value: call})
			}
		}
		return
	}
}

// def registers a definition once, however often a loop body is walked.
func (w *flower) def(d *Def) *Def {
	key := defKey{d.Node.ID(), d.Path, d.Kind}
	if old := w.made[key]; old != nil {
		old.Prev = union(old.Prev, d.Prev)
		return old
	}
	w.made[key] = d
	d.Func = w.f
	m := w.f.Module
	dot := strings.Contains(d.Path, ".")
	if dot {
		m.pathDefs[d.Path] = append(m.pathDefs[d.Path], d)
		for i, c := range d.Path {
			if c == '.' && len(w.f.defs[d.Path]) == 0 {
				w.below[d.Path[:i]] = append(w.below[d.Path[:i]], d.Path)
			}
		}
	}
	switch {
	case w.class != nil && !dot:
		// Names of a class body are attributes; functions inside do not see them.
		w.class.Attrs[d.Path] = append(w.class.Attrs[d.Path], d)
		return d
	case w.local:
		return d
	}
	w.f.defs[d.Path] = append(w.f.defs[d.Path], d)
	if owner := w.f.owner(d.Path); owner != w.f {
		owner.defs[d.Path] = append(owner.defs[d.Path], d)
	}
	if c := w.f.methodClass(); c != nil {
		self := w.f.selfName()
		if attr, ok := strings.CutPrefix(d.Path, self+"."); ok && !strings.Contains(attr, ".") {
			c.Attrs[attr] = append(c.Attrs[attr], d)
		}
	}
	return d
}

// owner is the function whose name a path's definition in f binds: f itself unless a global or nonlocal statement says
// otherwise.
func (f *Func) owner(path string) *Func {
	if f.globals[path] {
		return f.Module.Top
	}
	if f.nonlocals[path] {
		for o := f.Parent; o != nil; o = o.Parent {
			if len(o.defs[path]) > 0 && !o.nonlocals[path] {
				return o
			}
		}
	}
	return f
}

// methodClass is the class whose instance `self` is in f: its own, or that of the method a closure stands in.
func (f *Func) methodClass() *Class {
	for ; f != nil; f = f.Parent {
		if f.Class != nil {
			if f.Method() {
				return f.Class
			}
			return nil
		}
	}
	return nil
}

func (f *Func) selfName() string {
	for ; f != nil; f = f.Parent {
		if f.Class != nil && f.Method() {
			return f.Params[0].Name
		}
	}
	return ""
}

func (w *flower) bind(e *env, d *Def) {
	d = w.def(d)
	w.record(d.Path, d)
	// A new value for x ends what was known of x.y.
	for _, path := range w.below[d.Path] {
		if _, ok := e.get(path); ok {
			e.set(path, nil)
		}
	}
	e.set(d.Path, []*Def{d})
}

func (w *flower) use(e *env, n pyast.Node, path string) {
	m := w.f.Module
	if defs, ok := e.get(path); ok && len(defs) > 0 {
		m.uses[n.ID()] = union(m.uses[n.ID()], defs)
	} else if w.f != m.Top {
		m.free[path] = true
	}
}

func (w *flower) block(e *env, b pyast.Node) {
	for s := range b.Children() {
		w.stmt(e, s)
	}
}

func (w *flower) stmt(e *env, s pyast.Node) {
	switch s.Kind() {
	case pyast.KindExpressionStatement:
		for c := range s.Children() {
			w.expr(e, c)
		}
	case pyast.KindIfStatement:
		w.ifStmt(e, s)
	case pyast.KindForStatement:
		w.expr(e, s.Child(pyast.FieldRight))
		w.loop(e, s, func(body *env) {
			w.target(body, s.Child(pyast.FieldLeft), s.Child(pyast.FieldRight), s, DefFor, nil)
		})
	case pyast.KindWhileStatement:
		w.loop(e, s, func(body *env) { w.expr(body, s.Child(pyast.FieldCondition)) })
	case pyast.KindTryStatement:
		w.try(e, s)
	case pyast.KindWithStatement:
		for item := range s.Nth(0).Children() {
			value := item.Child(pyast.FieldValue)
			if value.Kind() == pyast.KindAsPattern {
				w.expr(e, value.Nth(0))
				w.target(e, value.Child(pyast.FieldAlias).Nth(0), value.Nth(0), s, DefWith, nil)
				continue
			}
			w.expr(e, value)
		}
		w.block(e, s.Child(pyast.FieldBody))
	case pyast.KindReturnStatement, pyast.KindRaiseStatement:
		for c := range s.Children() {
			w.expr(e, c)
		}
		if s.Kind() == pyast.KindReturnStatement && !e.dead {
			w.leave(e)
		}
		e.dead = true
	case pyast.KindBreakStatement, pyast.KindContinueStatement:
		if n := len(w.loops); n > 0 && !e.dead {
			l := w.loops[n-1]
			if s.Kind() == pyast.KindBreakStatement {
				l.breaks = append(l.breaks, e.flat(l.base))
			} else {
				l.continues = append(l.continues, e.flat(l.base))
			}
		}
		e.dead = true
	case pyast.KindFunctionDefinition:
		w.funcDef(e, s)
	case pyast.KindClassDefinition:
		w.classDef(e, s)
	case pyast.KindDecoratedDefinition:
		for c := range s.Children() {
			switch c.Kind() {
			case pyast.KindDecorator:
				w.expr(e, c.Nth(0))
			case pyast.KindFunctionDefinition:
				w.funcDef(e, c)
			case pyast.KindClassDefinition:
				w.classDef(e, c)
			}
		}
	case pyast.KindImportStatement, pyast.KindImportFromStatement, pyast.KindFutureImportStatement:
		w.imports(e, s)
	case pyast.KindDeleteStatement:
		w.del(e, s)
	case pyast.KindMatchStatement:
		w.match(e, s)
	case pyast.KindBlock, pyast.KindModule, pyast.KindError:
		w.block(e, s)
	case pyast.KindComment, pyast.KindGlobalStatement, pyast.KindNonlocalStatement, pyast.KindPassStatement:
	default:
		for c := range s.Children() {
			w.expr(e, c)
		}
	}
}

func (w *flower) funcDef(e *env, s pyast.Node) {
	for p := range s.Child(pyast.FieldParameters).Children() {
		w.expr(e, p.Child(pyast.FieldValue))
	}
	name := s.Child(pyast.FieldName)
	w.bind(e, &Def{Path: name.Text(), Kind: DefFunc, Node: name, Stmt: s, Target: w.f.Module.funcAt[s.ID()]})
}

func (w *flower) classDef(e *env, s pyast.Node) {
	c := w.f.Module.classAt[s.ID()]
	for b := range s.Child(pyast.FieldSuperclasses).Children() {
		w.expr(e, b)
	}
	inner := &flower{f: w.f, made: w.made, below: w.below, class: c, quiet: w.quiet, watched: w.watched}
	inner.block(e.push(), s.Child(pyast.FieldBody))
	name := s.Child(pyast.FieldName)
	w.bind(e, &Def{Path: name.Text(), Kind: DefClass, Node: name, Stmt: s, Class: c})
}

func (w *flower) ifStmt(e *env, s pyast.Node) {
	w.expr(e, s.Child(pyast.FieldCondition))
	var ways []*env
	then := e.push()
	w.block(then, s.Child(pyast.FieldConsequence))
	ways = append(ways, then)
	rest := e.push() // what elif conditions bind stays out of the way of the first branch
	hasElse := false
	for alt := range s.ChildrenOf(pyast.FieldAlternative) {
		branch := rest.push()
		if alt.Kind() == pyast.KindElifClause {
			w.expr(rest, alt.Child(pyast.FieldCondition))
			w.block(branch, alt.Child(pyast.FieldConsequence))
		} else {
			hasElse = true
			w.block(branch, alt.Child(pyast.FieldBody))
		}
		ways = append(ways, branch)
	}
	if !hasElse {
		ways = append([]*env{rest}, ways...)
	}
	e.join(false, ways...)
}

// loop walks a loop's body twice: first for what the back edge brings to its head, then for the uses. The first round needs
// no second one of the loops inside, because what leaves a loop is what came in and what its body makes.
func (w *flower) loop(e *env, s pyast.Node, head func(*env)) {
	before := e.push()
	quiet := w.quiet
	rounds := 2
	if quiet {
		rounds = 1
	}
	var breaks []*env
	for i := range rounds {
		w.quiet = quiet || i == 0
		l := &loopEnv{base: before}
		w.loops = append(w.loops, l)
		body := before.push()
		head(body)
		w.block(body, s.Child(pyast.FieldBody))
		w.loops = w.loops[:len(w.loops)-1]
		breaks = append(breaks, l.breaks...)
		before.join(true, append(l.continues, body)...)
	}
	w.quiet = quiet
	done := before.push()
	if alt := s.Child(pyast.FieldAlternative); alt.Valid() {
		w.block(done, alt.Child(pyast.FieldBody))
	}
	if s.Child(pyast.FieldCondition).Is(pyast.KindTrue) && len(breaks) > 0 {
		done.dead = true // while True ends by break only
	}
	e.join(false, append(breaks, done)...)
}

// record remembers a definition for the handlers of the try statements around it.
func (w *flower) record(path string, d *Def) {
	for _, t := range w.tries {
		t[path] = union(t[path], []*Def{d})
	}
}

// maxFinals is how deep finally blocks stand in one another before only the way without an exception is followed: two ways
// each would double with every level.
const maxFinals = 3

func (w *flower) try(e *env, s pyast.Node) {
	body := e.push()
	tried := map[string][]*Def{}
	w.tries = append(w.tries, tried)
	w.block(body, s.Child(pyast.FieldBody))
	w.tries = w.tries[:len(w.tries)-1]
	entry := e.push() // a handler starts from anywhere in the body
	for path, defs := range tried {
		before, _ := e.get(path)
		entry.set(path, union(before, defs))
	}
	ways := []*env{body}
	var finally pyast.Node
	for c := range s.Children() {
		switch c.Kind() {
		case pyast.KindExceptClause, pyast.KindExceptGroupClause:
			h := entry.push()
			for part := range c.Children() {
				switch part.Kind() {
				case pyast.KindBlock:
					w.block(h, part)
				case pyast.KindAsPattern:
					w.expr(h, part.Nth(0))
					w.target(h, part.Child(pyast.FieldAlias).Nth(0), part.Nth(0), c, DefExcept, nil)
				default:
					w.expr(h, part)
				}
			}
			ways = append(ways, h)
		case pyast.KindElseClause:
			w.block(body, c.Child(pyast.FieldBody))
		case pyast.KindFinallyClause:
			finally = c
		}
	}
	e.join(false, ways...)
	w.finals++
	for b := range finally.Children() {
		if b.Kind() != pyast.KindBlock {
			continue
		}
		if w.finals <= maxFinals {
			w.block(entry.push(), b) // on the way out with an exception
		}
		w.block(e, b)
	}
	w.finals--
}

func (w *flower) match(e *env, s pyast.Node) {
	w.expr(e, s.Child(pyast.FieldSubject))
	var ways []*env
	exhaustive := false
	for c := range s.Child(pyast.FieldBody).Children() {
		branch := e.push()
		for part := range c.Children() {
			switch part.Kind() {
			case pyast.KindBlock:
				w.block(branch, part)
			case pyast.KindCasePattern:
				w.captures(branch, part, c)
				if !part.Nth(0).Valid() && !c.Child(pyast.FieldGuard).Valid() {
					exhaustive = true // case _
				}
			default:
				w.expr(branch, part)
			}
		}
		ways = append(ways, branch)
	}
	e.join(!exhaustive, ways...)
}

// captures binds the names a pattern captures: plain names, starred ones and those after `as`.
func (w *flower) captures(e *env, pattern, clause pyast.Node) {
	bind := func(n pyast.Node) { w.bind(e, &Def{Path: n.Text(), Kind: DefUnknown, Node: n, Stmt: clause}) }
	for n := range pattern.Descendants() {
		switch parent := n.Parent(); {
		case n.Kind() == pyast.KindIdentifier && parent.Is(pyast.KindSplatPattern, pyast.KindAsPattern):
			bind(n)
		case n.Kind() == pyast.KindDottedName && parent.Is(pyast.KindCasePattern, pyast.KindKeywordPattern) && !n.Nth(1).Valid():
			bind(n.Nth(0))
		}
	}
}

func (w *flower) del(e *env, s pyast.Node) {
	targets := []pyast.Node{}
	for c := range s.Children() {
		if c.Is(pyast.KindExpressionList, pyast.KindTuple) {
			for t := range c.Children() {
				targets = append(targets, t)
			}
			continue
		}
		targets = append(targets, c)
	}
	for _, t := range targets {
		if t.Kind() == pyast.KindSubscript {
			w.expr(e, t)
			w.mutate(e, t.Child(pyast.FieldValue), &Def{Kind: DefRemove, Node: t, Stmt: s, Key: subscriptKey(t)})
			continue
		}
		w.expr(e, t)
		if path := dotted(t); path != "" {
			w.bind(e, &Def{Path: path, Kind: DefDelete, Node: t, Stmt: s})
		}
	}
}

// mutate records that the object at target changed: later uses see d, which remembers what was there before.
func (w *flower) mutate(e *env, target pyast.Node, d *Def) {
	path := dotted(target)
	if path == "" {
		return
	}
	d.Path = path
	prev, _ := e.get(path)
	d.Prev = prev
	made := w.def(d)
	w.record(path, made)
	e.set(path, []*Def{made})
}

// target binds an assignment target to value, or to the element of value that index leads to.
func (w *flower) target(e *env, t, value, stmt pyast.Node, kind DefKind, index []int) {
	switch t.Kind() {
	case pyast.KindIdentifier, pyast.KindAttribute:
		if t.Kind() == pyast.KindAttribute {
			w.expr(e, t.Child(pyast.FieldObject))
		}
		if path := dotted(t); path != "" {
			w.bind(e, &Def{Path: path, Kind: kind, Node: t, Stmt: stmt, Value: value, Index: index})
		}
	case pyast.KindSubscript:
		w.expr(e, t.Child(pyast.FieldValue))
		for k := range t.ChildrenOf(pyast.FieldSubscript) {
			w.expr(e, k)
		}
		w.mutate(e, t.Child(pyast.FieldValue), &Def{Kind: DefItem, Node: t, Stmt: stmt, Value: value, Key: subscriptKey(t), Index: index})
	case pyast.KindPatternList, pyast.KindTuplePattern, pyast.KindListPattern, pyast.KindExpressionList, pyast.KindTuple, pyast.KindList:
		i, starred := 0, false
		for c := range t.Children() {
			if c.Is(pyast.KindListSplatPattern, pyast.KindListSplat) {
				w.target(e, c.Nth(0), value, stmt, kind, append(index[:len(index):len(index)], -1))
				starred = true
				continue
			}
			at := i
			if starred {
				at = -1
			}
			w.target(e, c, value, stmt, kind, append(index[:len(index):len(index)], at))
			i++
		}
	case pyast.KindParenthesizedExpression, pyast.KindListSplatPattern:
		w.target(e, t.Nth(0), value, stmt, kind, index)
	}
}

// subscriptKey is the one subscript of a subscript expression, none for `d[a, b]`, whose key is a tuple.
func subscriptKey(n pyast.Node) pyast.Node {
	var key pyast.Node
	for k := range n.ChildrenOf(pyast.FieldSubscript) {
		if key.Valid() {
			return pyast.Node{}
		}
		key = k
	}
	return key
}

// mutators are methods that change their receiver.
var mutators = map[string]DefKind{
	"update": DefUpdate, "setdefault": DefUpdate, "pop": DefRemove, "popitem": DefMutate, "clear": DefMutate,
	"append": DefMutate, "extend": DefMutate, "insert": DefMutate, "remove": DefMutate, "appendleft": DefMutate, "add": DefMutate,
}

func (w *flower) expr(e *env, n pyast.Node) {
	if !n.Valid() {
		return
	}
	switch n.Kind() {
	case pyast.KindIdentifier:
		w.use(e, n, n.Text())
	case pyast.KindAttribute:
		w.expr(e, n.Child(pyast.FieldObject))
		if path := dotted(n); path != "" {
			w.use(e, n, path)
		}
	case pyast.KindAssignment:
		right := n.Child(pyast.FieldRight)
		w.expr(e, right)
		value := right
		for value.Kind() == pyast.KindAssignment { // a = b = v
			value = value.Child(pyast.FieldRight)
		}
		if right.Valid() {
			w.target(e, n.Child(pyast.FieldLeft), value, n, DefAssign, nil)
		}
	case pyast.KindAugmentedAssignment:
		left, right := n.Child(pyast.FieldLeft), n.Child(pyast.FieldRight)
		w.expr(e, left)
		w.expr(e, right)
		if left.Kind() == pyast.KindSubscript {
			w.mutate(e, left.Child(pyast.FieldValue), &Def{Kind: DefItem, Node: left, Stmt: n, Key: subscriptKey(left)})
			return
		}
		if path := dotted(left); path != "" {
			prev, _ := e.get(path)
			made := w.def(&Def{Path: path, Kind: DefAug, Node: left, Stmt: n, Value: right, Prev: prev})
			w.record(path, made)
			e.set(path, []*Def{made})
		}
	case pyast.KindNamedExpression:
		w.expr(e, n.Child(pyast.FieldValue))
		w.target(e, n.Child(pyast.FieldName), n.Child(pyast.FieldValue), n, DefAssign, nil)
	case pyast.KindLambda, pyast.KindLambdaWithinForInClause:
		// Its body is a function of its own; defaults belong here.
		for p := range n.Child(pyast.FieldParameters).Children() {
			w.expr(e, p.Child(pyast.FieldValue))
		}
	case pyast.KindCall:
		fn := n.Child(pyast.FieldFunction)
		w.expr(e, fn)
		w.expr(e, n.Child(pyast.FieldArguments))
		w.called(e, n)
		if fn.Kind() == pyast.KindAttribute {
			if kind, ok := mutators[fn.Child(pyast.FieldAttribute).Text()]; ok {
				d := &Def{Kind: kind, Node: n, Stmt: n, Value: n}
				if kind == DefRemove {
					d.Key = n.Child(pyast.FieldArguments).Nth(0)
				}
				w.mutate(e, fn.Child(pyast.FieldObject), d)
			}
		}
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

// comprehension walks a comprehension. Its targets are names of its own; a walrus in it and a mutation reach outside.
func (w *flower) comprehension(e *env, n pyast.Node) {
	inner := e.push()
	own := map[string]bool{}
	for c := range n.Children() {
		switch c.Kind() {
		case pyast.KindForInClause:
			w.expr(inner, c.Child(pyast.FieldRight))
			local := w.local
			w.local = true
			w.target(inner, c.Child(pyast.FieldLeft), c.Child(pyast.FieldRight), c, DefFor, nil)
			w.local = local
			for t := range c.Child(pyast.FieldLeft).Descendants() {
				own[t.Text()] = true
			}
		case pyast.KindIfClause:
			w.expr(inner, c.Nth(0))
		}
	}
	w.expr(inner, n.Child(pyast.FieldBody))
	for path, defs := range inner.m {
		root, _, _ := strings.Cut(path, ".")
		if !own[root] {
			before, _ := e.get(path)
			e.set(path, union(before, defs))
		}
	}
}

func (w *flower) imports(e *env, s pyast.Node) {
	m := w.f.Module
	if s.Kind() == pyast.KindImportStatement {
		for name := range s.ChildrenOf(pyast.FieldName) {
			if name.Kind() == pyast.KindAliasedImport {
				alias, module := name.Child(pyast.FieldAlias), name.Child(pyast.FieldName).Text()
				m.Imports = append(m.Imports, module)
				w.bind(e, &Def{Path: alias.Text(), Kind: DefImport, Node: alias, Stmt: s, Qual: module})
				continue
			}
			m.Imports = append(m.Imports, name.Text())
			first, _, _ := strings.Cut(name.Text(), ".")
			w.bind(e, &Def{Path: first, Kind: DefImport, Node: name, Stmt: s, Qual: first})
		}
		return
	}
	module := s.Child(pyast.FieldModuleName).Text()
	if s.Kind() == pyast.KindFutureImportStatement {
		return
	}
	join := func(name string) (qualified string) {
		defer func() { m.Imports = append(m.Imports, qualified) }()
		if strings.HasSuffix(module, ".") {
			return module + name
		}
		return module + "." + name
	}
	for name := range s.ChildrenOf(pyast.FieldName) {
		if name.Kind() == pyast.KindAliasedImport {
			alias := name.Child(pyast.FieldAlias)
			w.bind(e, &Def{Path: alias.Text(), Kind: DefImport, Node: alias, Stmt: s, Qual: join(name.Child(pyast.FieldName).Text())})
			continue
		}
		w.bind(e, &Def{Path: name.Text(), Kind: DefImport, Node: name, Stmt: s, Qual: join(name.Text())})
	}
	for c := range s.Children() {
		if c.Kind() == pyast.KindWildcardImport {
			m.Stars = append(m.Stars, module)
		}
	}
}
