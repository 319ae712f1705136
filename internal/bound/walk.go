package bound

import (
	"slices"
	"strings"

	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
)

// walker goes through one scope and knows at each point what names hold.
type walker struct {
	s     *scope
	uses  map[int]Use     // nil where nobody asks
	first map[int]State   // what names hold in the first round of a loop
	outer map[string]*val // what names of other scopes hold
	calls map[string][]*env
	end   *env
	gave  []*val

	returns  []*env
	returned bool
	loops    []*loopEnv
	tries    []map[string]*val
	versions int
	quiet    bool // nothing is noted: a round that is walked again
	ran      bool
	// callers are the functions of calls by which a function that is named may come to run, once the walk is done and they are asked for.
	callers map[string][]string
	// making says that only what the method itself makes of the instance is of interest, alone that other scopes are not asked.
	making, alone bool
}

type loopEnv struct {
	base              *env
	breaks, continues []*env
}

func (w *walker) run() {
	if w.ran {
		return
	}
	w.ran = true
	root := &env{}
	for _, p := range w.s.params {
		v := &val{state: Value, version: w.s.node.ID()}
		if p.none {
			v.state |= None
		}
		root.set(p.name, v)
	}
	body := root.push()
	w.block(body, w.s.body)
	if !body.dead {
		w.returns = append(w.returns, body)
		w.give(nil)
	}
	w.join(root, w.returns...)
	w.end = root
}

// give notes what a function returns on one way: of a tuple its elements.
func (w *walker) give(vals []*val) {
	if vals == nil {
		vals = []*val{{state: None}}
	}
	switch {
	case !w.returned:
		w.gave, w.returned = vals, true
	case len(vals) != len(w.gave):
		w.gave = nil
	default:
		for i := range vals {
			w.gave[i] = &val{state: w.gave[i].state | vals[i].state}
		}
	}
}

// lookup is what a name holds at a point.
func (w *walker) lookup(e *env, path string) *val {
	if v := e.get(path); v != nil {
		return v
	}
	if root, attr, ok := strings.Cut(path, "."); ok {
		self, c := w.s.self()
		switch {
		case c == nil || root != self:
			return &val{state: Value}
		case w.making && !c.own[attr]:
			return &val{state: Unbound}
		}
		return w.remember(path, func() *val { return c.attribute(w.s.m, attr) })
	}
	if w.s.locals[path] && !w.s.global[path] {
		return &val{state: Unbound}
	}
	if w.alone || w.making {
		return &val{state: Value}
	}
	return w.remember(path, func() *val { return w.s.held(path) })
}

func (w *walker) remember(path string, ask func() *val) *val {
	v := w.outer[path]
	if v == nil {
		v = ask()
		w.outer[path] = v
	}
	return v
}

func (w *walker) bind(e *env, path string, at pyast.Node, v *val) {
	v = &val{state: v.state, given: v.given, version: at.ID() + 1}
	if w.s.m.shared[path] && w.s.locals[path] {
		v.state |= Value // a function inside binds it, too
	}
	for _, t := range w.tries {
		t[path] = w.either(t[path], v)
	}
	e.set(path, v)
}

func (w *walker) block(e *env, b pyast.Node) {
	for s := range b.Children() {
		w.stmt(e, s)
	}
}

func (w *walker) stmt(e *env, s pyast.Node) {
	switch s.Kind() {
	case pyast.KindIfStatement:
		w.test(e, s.Child(pyast.FieldCondition), s.Child(pyast.FieldConsequence), slices.Collect(s.ChildrenOf(pyast.FieldAlternative)))
	case pyast.KindForStatement:
		w.expr(e, s.Child(pyast.FieldRight))
		w.loop(e, s, func(body *env) { w.target(body, s.Child(pyast.FieldLeft), nil) })
	case pyast.KindWhileStatement:
		w.loop(e, s, func(body *env) {
			w.expr(body, s.Child(pyast.FieldCondition))
			w.assume(body, s.Child(pyast.FieldCondition), true)
		})
	case pyast.KindTryStatement:
		w.try(e, s)
	case pyast.KindWithStatement:
		for item := range s.Nth(0).Children() {
			value := item.Child(pyast.FieldValue)
			if value.Kind() == pyast.KindAsPattern {
				w.expr(e, value.Nth(0))
				w.target(e, value.Child(pyast.FieldAlias).Nth(0), nil)
				continue
			}
			w.expr(e, value)
		}
		w.block(e, s.Child(pyast.FieldBody))
	case pyast.KindReturnStatement:
		w.expr(e, s.Nth(0))
		if !e.dead {
			w.give(w.values(e, s.Nth(0)))
			w.returns = append(w.returns, e.view(nil))
		}
		e.dead = true
	case pyast.KindRaiseStatement:
		for c := range s.Children() {
			w.expr(e, c)
		}
		e.dead = true
	case pyast.KindBreakStatement, pyast.KindContinueStatement:
		if n := len(w.loops); n > 0 && !e.dead {
			l := w.loops[n-1]
			if s.Kind() == pyast.KindBreakStatement {
				l.breaks = append(l.breaks, e.view(l.base))
			} else {
				l.continues = append(l.continues, e.view(l.base))
			}
		}
		e.dead = true
	case pyast.KindFunctionDefinition:
		w.function(e, s)
	case pyast.KindClassDefinition:
		w.class(e, s)
	case pyast.KindDecoratedDefinition:
		for c := range s.Children() {
			if c.Kind() == pyast.KindDecorator {
				w.expr(e, c.Nth(0))
			} else {
				w.stmt(e, c)
			}
		}
	case pyast.KindImportStatement, pyast.KindImportFromStatement:
		for name := range s.ChildrenOf(pyast.FieldName) {
			if name.Kind() == pyast.KindAliasedImport {
				name = name.Child(pyast.FieldAlias)
			}
			first, _, _ := strings.Cut(name.Text(), ".")
			w.bind(e, first, name, &val{state: Value})
		}
	case pyast.KindDeleteStatement:
		for c := range s.Children() {
			w.expr(e, c)
			if path := w.path(c); path != "" {
				w.bind(e, path, c, &val{state: Unbound})
			}
		}
	case pyast.KindAssertStatement:
		w.expr(e, s.Nth(0))
		w.assume(e, s.Nth(0), true)
	case pyast.KindMatchStatement:
		w.match(e, s)
	case pyast.KindBlock, pyast.KindModule, pyast.KindError:
		w.block(e, s)
	case pyast.KindComment, pyast.KindGlobalStatement, pyast.KindNonlocalStatement, pyast.KindPassStatement, pyast.KindFutureImportStatement:
	default:
		for c := range s.Children() {
			w.expr(e, c)
			if ends(c) {
				e.dead = true
			}
		}
	}
}

// leaving are calls that do not come back.
var leaving = map[string]bool{"sys.exit": true, "exit": true, "quit": true, "os._exit": true, "os.abort": true}

func ends(n pyast.Node) bool {
	return n.Kind() == pyast.KindCall && leaving[n.Child(pyast.FieldFunction).Text()]
}

// test walks an if statement; the rest of its branches is the way on which its test fails.
func (w *walker) test(e *env, cond, body pyast.Node, rest []pyast.Node) {
	w.expr(e, cond)
	yes, no := w.facts(e, cond, true), w.facts(e, cond, false)
	then, other := e.push(), e.push()
	w.assume(then, cond, true)
	w.block(then, body)
	w.assume(other, cond, false)
	if len(rest) > 0 {
		if alt := rest[0]; alt.Kind() == pyast.KindElifClause {
			w.test(other, alt.Child(pyast.FieldCondition), alt.Child(pyast.FieldConsequence), rest[1:])
		} else {
			w.block(other, alt.Child(pyast.FieldBody))
		}
	}
	w.split(e, yes, no, then, other)
}

// loop walks a body twice: first for what the back edge brings to its head, then for the uses. The first round needs no second
// one of the loops inside.
func (w *walker) loop(e *env, s pyast.Node, head func(*env)) {
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
		w.join(before, append(l.continues, body, before.push())...)
	}
	w.quiet = quiet
	for k, v := range before.vars {
		if v.state&Unbound != 0 {
			before.set(k, &val{state: v.state, version: v.version, given: v.given, loop: true})
		}
	}
	done := before.push()
	cond := s.Child(pyast.FieldCondition)
	if cond.Valid() {
		w.assume(done, cond, false)
	}
	if alt := s.Child(pyast.FieldAlternative); alt.Valid() {
		w.block(done, alt.Child(pyast.FieldBody))
	}
	if cond.Kind() == pyast.KindTrue || cond.TextIs("1") {
		done.dead = true // it ends by break only
	}
	w.join(e, append(breaks, done)...)
}

func (w *walker) try(e *env, s pyast.Node) {
	body := e.push()
	tried := map[string]*val{}
	w.tries = append(w.tries, tried)
	w.block(body, s.Child(pyast.FieldBody))
	w.tries = w.tries[:len(w.tries)-1]
	entry := e.push() // a handler starts from anywhere in the body
	for path, v := range tried {
		entry.set(path, w.either(w.lookup(e, path), v))
	}
	ways := []*env{body}
	var finally pyast.Node
	for c := range s.Children() {
		switch c.Kind() {
		case pyast.KindExceptClause, pyast.KindExceptGroupClause:
			h := entry.push()
			name := ""
			for part := range c.Children() {
				switch part.Kind() {
				case pyast.KindBlock:
					w.block(h, part)
				case pyast.KindAsPattern:
					w.expr(h, part.Nth(0))
					name = part.Child(pyast.FieldAlias).Nth(0).Text()
					w.target(h, part.Child(pyast.FieldAlias).Nth(0), nil)
				default:
					w.expr(h, part)
				}
			}
			if name != "" {
				w.bind(h, name, c, &val{state: Unbound})
			}
			ways = append(ways, h)
		case pyast.KindElseClause:
			w.block(body, c.Child(pyast.FieldBody))
		case pyast.KindFinallyClause:
			finally = c
		}
	}
	w.join(e, ways...)
	for b := range finally.Children() {
		if b.Kind() != pyast.KindBlock {
			continue
		}
		quiet := w.quiet
		w.quiet = true
		w.block(e, b)
		w.quiet = quiet
		w.block(entry.push(), b) // on the way out with an exception less is known
	}
}

func (w *walker) match(e *env, s pyast.Node) {
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
				for n := range part.Descendants() {
					if n.Kind() == pyast.KindIdentifier {
						w.bind(branch, n.Text(), n, &val{state: Value})
					}
				}
				exhaustive = exhaustive || !part.Nth(0).Valid() && !c.Child(pyast.FieldGuard).Valid()
			default:
				w.expr(branch, part)
			}
		}
		ways = append(ways, branch)
	}
	if !exhaustive {
		ways = append(ways, e.push())
	}
	w.join(e, ways...)
}

func (w *walker) function(e *env, s pyast.Node) {
	for p := range s.Child(pyast.FieldParameters).Children() {
		w.expr(e, p.Child(pyast.FieldValue))
	}
	w.bind(e, s.Child(pyast.FieldName).Text(), s, &val{state: Value})
}

func (w *walker) class(e *env, s pyast.Node) {
	for b := range s.Child(pyast.FieldSuperclasses).Children() {
		w.expr(e, b)
	}
	w.block(e.push(), s.Child(pyast.FieldBody)) // its names are attributes
	w.bind(e, s.Child(pyast.FieldName).Text(), s, &val{state: Value})
}
