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

func (e *env) set(path string, defs []*Def) { e.m[path] = defs }

func (e *env) push() *env { return &env{parent: e, m: map[string][]*Def{}} }

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

func union(a, b []*Def) []*Def {
	out := a
	for _, d := range b {
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

type loopEnv struct{ breaks, continues []*env }

// flower computes reaching definitions of one function by a structured walk; loop bodies are walked twice so that
// definitions reach around the back edge.
type flower struct {
	f     *Func
	made  map[defKey]*Def
	loops []*loopEnv
	nest  int
	class *Class
}

type defKey struct {
	node int
	path string
	kind DefKind
}

func flow(f *Func) {
	w := &flower{f: f, made: map[defKey]*Def{}}
	e := &env{m: map[string][]*Def{}}
	for i := range f.Params {
		p := &f.Params[i]
		e.set(p.Name, []*Def{w.def(&Def{Path: p.Name, Kind: DefParam, Node: p.Node, Stmt: p.Node, Param: p})})
	}
	if f.Node.Is(pyast.KindLambda, pyast.KindLambdaWithinForInClause) {
		w.expr(e, f.Body)
		return
	}
	w.block(e, f.Body)
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
	owner := w.f
	if w.f.globals[d.Path] {
		for owner.Parent != nil && owner.Parent.defs != nil {
			owner = owner.Parent
			if len(owner.defs[d.Path]) > 0 {
				break
			}
		}
		w.f.defs[d.Path] = append(w.f.defs[d.Path], d)
	}
	owner.defs[d.Path] = append(owner.defs[d.Path], d)
	m := w.f.Module
	if strings.Contains(d.Path, ".") {
		m.pathDefs[d.Path] = append(m.pathDefs[d.Path], d)
	}
	if w.class != nil && !strings.Contains(d.Path, ".") {
		w.class.Attrs[d.Path] = append(w.class.Attrs[d.Path], d)
	}
	if c := w.f.methodClass(); c != nil {
		self := w.f.selfName()
		if attr, ok := strings.CutPrefix(d.Path, self+"."); ok && !strings.Contains(attr, ".") {
			c.Attrs[attr] = append(c.Attrs[attr], d)
		}
	}
	return d
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
	if w.class == nil {
		// A new value for x ends what was known of x.y.
		prefix := d.Path + "."
		for path := range w.f.defs {
			if strings.HasPrefix(path, prefix) {
				if _, ok := e.get(path); ok {
					e.set(path, nil)
				}
			}
		}
		e.set(d.Path, []*Def{d})
	}
}

func (w *flower) use(e *env, n pyast.Node, path string) {
	if defs, ok := e.get(path); ok && len(defs) > 0 {
		id := n.ID()
		w.f.Module.uses[id] = union(w.f.Module.uses[id], defs)
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
		e.dead = true
	case pyast.KindBreakStatement, pyast.KindContinueStatement:
		if n := len(w.loops); n > 0 {
			l := w.loops[n-1]
			// The layers stay as they are from here on, because the way is dead.
			snapshot := &env{parent: e.parent, m: e.m}
			if s.Kind() == pyast.KindBreakStatement {
				l.breaks = append(l.breaks, snapshot)
			} else {
				l.continues = append(l.continues, snapshot)
			}
		}
		e.dead = true
		e.m = cloneMap(e.m)
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

func cloneMap(m map[string][]*Def) map[string][]*Def {
	out := make(map[string][]*Def, len(m))
	for k, v := range m {
		out[k] = v
	}
	return out
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
	inner := &flower{f: w.f, made: w.made, class: c}
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
		ways = append(ways, rest)
	}
	e.join(false, ways...)
}

func (w *flower) loop(e *env, s pyast.Node, head func(*env)) {
	rounds := 2
	if w.nest++; w.nest > 6 {
		rounds = 1
	}
	defer func() { w.nest-- }()
	before := e.push()
	var exits []*env
	for range rounds {
		l := &loopEnv{}
		w.loops = append(w.loops, l)
		body := before.push()
		head(body)
		w.block(body, s.Child(pyast.FieldBody))
		w.loops = w.loops[:len(w.loops)-1]
		exits = append(exits, l.breaks...)
		back := append(l.continues, body)
		before.join(true, back...)
	}
	e.join(true, append(exits, before)...)
	e.dead = false
	if alt := s.Child(pyast.FieldAlternative); alt.Valid() {
		branch := e.push()
		w.block(branch, alt.Child(pyast.FieldBody))
		e.join(true, branch)
	}
}

func (w *flower) try(e *env, s pyast.Node) {
	body := e.push()
	w.block(body, s.Child(pyast.FieldBody))
	entry := e.push() // a handler starts from anywhere in the body
	entry.join(true, &env{parent: e, m: body.m})
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
	if finally.Valid() {
		for b := range finally.Children() {
			if b.Kind() == pyast.KindBlock {
				dead := e.dead
				w.block(e, b)
				e.dead = e.dead || dead
			}
		}
	}
}

func (w *flower) match(e *env, s pyast.Node) {
	w.expr(e, s.Child(pyast.FieldSubject))
	var ways []*env
	for c := range s.Child(pyast.FieldBody).Children() {
		branch := e.push()
		for part := range c.Children() {
			if part.Kind() == pyast.KindBlock {
				w.block(branch, part)
				continue
			}
			if part.Kind() == pyast.KindCasePattern {
				for n := range part.Descendants() {
					if n.Kind() == pyast.KindIdentifier {
						w.bind(branch, &Def{Path: n.Text(), Kind: DefUnknown, Node: n, Stmt: c})
					}
				}
				continue
			}
			w.expr(branch, part)
		}
		ways = append(ways, branch)
	}
	e.join(true, ways...)
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
			w.mutate(e, t.Child(pyast.FieldValue), &Def{Kind: DefRemove, Node: t, Stmt: s, Key: t.Child(pyast.FieldSubscript)})
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
		w.expr(e, t.Child(pyast.FieldSubscript))
		w.mutate(e, t.Child(pyast.FieldValue), &Def{Kind: DefItem, Node: t, Stmt: stmt, Value: value, Key: t.Child(pyast.FieldSubscript), Index: index})
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
			w.mutate(e, left.Child(pyast.FieldValue), &Def{Kind: DefItem, Node: left, Stmt: n, Key: left.Child(pyast.FieldSubscript)})
			return
		}
		if path := dotted(left); path != "" {
			prev, _ := e.get(path)
			made := w.def(&Def{Path: path, Kind: DefAug, Node: left, Stmt: n, Value: right, Prev: prev})
			e.set(path, []*Def{made})
		}
	case pyast.KindNamedExpression:
		w.expr(e, n.Child(pyast.FieldValue))
		w.target(e, n.Child(pyast.FieldName), n.Child(pyast.FieldValue), n, DefAssign, nil)
	case pyast.KindLambda, pyast.KindLambdaWithinForInClause:
		// Its body is a function of its own.
	case pyast.KindCall:
		fn := n.Child(pyast.FieldFunction)
		w.expr(e, fn)
		w.expr(e, n.Child(pyast.FieldArguments))
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
		inner := e.push()
		for c := range n.Children() {
			if c.Kind() == pyast.KindForInClause {
				w.expr(inner, c.Child(pyast.FieldRight))
				w.target(inner, c.Child(pyast.FieldLeft), c.Child(pyast.FieldRight), c, DefFor, nil)
			} else if c.Kind() == pyast.KindIfClause {
				w.expr(inner, c.Nth(0))
			}
		}
		w.expr(inner, n.Child(pyast.FieldBody))
	case pyast.KindType:
	default:
		for c := range n.Children() {
			w.expr(e, c)
		}
	}
}

func (w *flower) imports(e *env, s pyast.Node) {
	m := w.f.Module
	if s.Kind() == pyast.KindImportStatement {
		for name := range s.ChildrenOf(pyast.FieldName) {
			if name.Kind() == pyast.KindAliasedImport {
				alias := name.Child(pyast.FieldAlias)
				w.bind(e, &Def{Path: alias.Text(), Kind: DefImport, Node: alias, Stmt: s, Qual: name.Child(pyast.FieldName).Text()})
				continue
			}
			first, _, _ := strings.Cut(name.Text(), ".")
			w.bind(e, &Def{Path: first, Kind: DefImport, Node: name, Stmt: s, Qual: first})
		}
		return
	}
	module := s.Child(pyast.FieldModuleName).Text()
	if s.Kind() == pyast.KindFutureImportStatement {
		return
	}
	join := func(name string) string {
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
