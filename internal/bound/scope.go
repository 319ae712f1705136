package bound

import (
	"slices"
	"strings"

	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
)

// module is a file with its scopes.
type module struct {
	tree    *pyast.Tree
	scopes  []*scope        // outer before inner
	keys    map[string]bool // of the scopes, once they are asked for
	scopeAt map[int]*scope
	classAt map[int]*class
	classes map[string]*class
	// open says that names come from where nobody sees them: a star import, exec, globals().
	open bool
	// reaches are the functions and methods that each function names, as "f:name" and "m:name".
	reaches map[string]map[string]bool
	// functions are the functions of one name each, nil where there are several; once they are asked for.
	functions map[string]*scope
	// reached is reaches the other way round, once it is asked for.
	reached map[string][]string
	// handed are attributes that are assigned to objects other than an instance's own.
	handed map[string]bool
	// shared are names that a function binds for the scope around it.
	shared map[string]bool
	// declared are names that functions bind in the module by a global statement.
	declared map[string]State
}

// scope is the module, a function or a lambda.
type scope struct {
	m      *module
	node   pyast.Node
	name   string
	parent *scope
	class  *class // of a method
	params []param
	body   pyast.Node
	locals map[string]bool
	global map[string]bool
	// done is the walk through it, made when it is first asked for.
	done *walker
	made map[string]*val
	gave []*val // what a call of it returns; of a tuple, element by element
	busy bool
}

type param struct {
	name string
	none bool // its default is None
}

// class is a class statement.
type class struct {
	node    pyast.Node
	name    string
	scope   *scope
	bases   []pyast.Node
	own     map[string]bool // names of its body
	methods map[string]*scope
	order   []*scope
	assigns map[string][]assign
	dynamic bool // sets attributes by name
	start   *env // what its instances hold when they are made
	busy    bool
}

// assign is an assignment to an attribute of the instance.
type assign struct {
	in    *scope
	state State
	sure  bool // each run of the method makes it
}

func newModule(tree *pyast.Tree) *module {
	m := &module{
		tree: tree, scopeAt: map[int]*scope{}, classAt: map[int]*class{}, classes: map[string]*class{}, reaches: map[string]map[string]bool{},
		handed: map[string]bool{}, shared: map[string]bool{}, declared: map[string]State{},
	}
	top := &scope{m: m, node: tree.Root(), body: tree.Root(), locals: map[string]bool{}, global: map[string]bool{}}
	m.scopes = append(m.scopes, top)
	m.collect(tree.Root(), top, nil)
	return m
}

func (s *scope) top() bool { return s.parent == nil }

// self is the name of the instance in a method, or in a function inside one, and the class it is of.
func (s *scope) self() (string, *class) {
	for f := s; f != nil; f = f.parent {
		if f.class != nil {
			if len(f.params) == 0 || f.class.own["static "+f.name] {
				return "", nil
			}
			return f.params[0].name, f.class
		}
	}
	return "", nil
}

func (s *scope) key() string {
	if s.class != nil {
		return "m:" + s.name
	}
	return "f:" + s.name
}

// collect finds scopes and classes, and what each binds. cl is the class in whose body n stands.
func (m *module) collect(n pyast.Node, s *scope, cl *class) {
	switch n.Kind() {
	case pyast.KindFunctionDefinition:
		name := n.Child(pyast.FieldName).Text()
		m.bind(s, cl, name)
		f := m.newScope(n, s, cl)
		f.name = name
		f.params = params(n.Child(pyast.FieldParameters))
		if cl != nil {
			cl.methods[name] = f
			cl.order = append(cl.order, f)
			if p := n.Parent(); p.Kind() == pyast.KindDecoratedDefinition {
				for d := range p.Children() {
					if d.Kind() == pyast.KindDecorator && d.Nth(0).Text() == "staticmethod" {
						cl.own["static "+name] = true
					}
				}
			}
		}
		for _, p := range f.params {
			f.locals[p.name] = true
		}
		for p := range n.Child(pyast.FieldParameters).Children() {
			m.collect(p.Child(pyast.FieldValue), s, nil)
		}
		m.collect(f.body, f, nil)
		return
	case pyast.KindLambda, pyast.KindLambdaWithinForInClause:
		for p := range n.Child(pyast.FieldParameters).Children() {
			m.collect(p.Child(pyast.FieldValue), s, cl)
		}
		m.collect(n.Child(pyast.FieldBody), s, cl) // it is read with what stands around it
		return
	case pyast.KindClassDefinition:
		name := n.Child(pyast.FieldName).Text()
		m.bind(s, cl, name)
		c := &class{node: n, name: name, scope: s, own: map[string]bool{}, methods: map[string]*scope{}, assigns: map[string][]assign{}}
		for b := range n.Child(pyast.FieldSuperclasses).Children() {
			m.collect(b, s, nil)
			if b.Kind() != pyast.KindKeywordArgument {
				c.bases = append(c.bases, b)
			}
		}
		m.classAt[n.ID()] = c
		if m.classes[name] == nil {
			m.classes[name] = c
		}
		m.collect(n.Child(pyast.FieldBody), s, c)
		return
	case pyast.KindGlobalStatement, pyast.KindNonlocalStatement:
		for c := range n.Children() {
			s.global[c.Text()], m.shared[c.Text()] = true, true
			if n.Kind() == pyast.KindGlobalStatement {
				m.declared[c.Text()] |= Unbound
			}
		}
		return
	case pyast.KindImportStatement, pyast.KindImportFromStatement:
		for name := range n.ChildrenOf(pyast.FieldName) {
			if name.Kind() == pyast.KindAliasedImport {
				m.bind(s, cl, name.Child(pyast.FieldAlias).Text())
				continue
			}
			first, _, _ := strings.Cut(name.Text(), ".")
			m.bind(s, cl, first)
		}
		for c := range n.Children() {
			if c.Kind() == pyast.KindWildcardImport {
				m.open = true
			}
		}
		return
	case pyast.KindCasePattern:
		for d := range n.Descendants() {
			if d.Kind() == pyast.KindIdentifier {
				m.bind(s, cl, d.Text())
			}
		}
		return
	case pyast.KindIdentifier:
		m.named(s, n)
		return
	case pyast.KindAttribute:
		m.collect(n.Child(pyast.FieldObject), s, cl)
		if _, c := s.self(); c != nil && n.Child(pyast.FieldAttribute).TextIs("__dict__") {
			c.dynamic = true
		}
		m.reach(s, "m:"+n.Child(pyast.FieldAttribute).Text())
		return
	case pyast.KindKeywordArgument:
		m.collect(n.Child(pyast.FieldValue), s, cl)
		return
	case pyast.KindCall:
		m.unseen(s, n)
	case pyast.KindAssignment:
		left, right := n.Child(pyast.FieldLeft), n.Child(pyast.FieldRight)
		if !right.Valid() && cl == nil { // x: int binds nothing
			return
		}
		m.targets(s, cl, left, n)
	case pyast.KindAugmentedAssignment:
		m.targets(s, cl, n.Child(pyast.FieldLeft), n)
	case pyast.KindForStatement:
		m.targets(s, cl, n.Child(pyast.FieldLeft), n)
	case pyast.KindNamedExpression:
		m.targets(s, cl, n.Child(pyast.FieldName), n)
	case pyast.KindAsPattern:
		m.targets(s, cl, n.Child(pyast.FieldAlias).Nth(0), n)
	case pyast.KindDeleteStatement:
		for c := range n.Children() {
			if c.Kind() == pyast.KindIdentifier {
				m.bind(s, cl, c.Text())
			}
		}
	}
	for c := range n.Children() {
		m.collect(c, s, cl)
	}
}

func (m *module) newScope(n pyast.Node, parent *scope, cl *class) *scope {
	f := &scope{m: m, node: n, parent: parent, class: cl, body: n.Child(pyast.FieldBody), locals: map[string]bool{}, global: map[string]bool{}}
	m.scopes = append(m.scopes, f)
	m.scopeAt[n.ID()] = f
	return f
}

func (m *module) bind(s *scope, cl *class, name string) {
	if cl != nil {
		cl.own[name] = true
		return
	}
	s.locals[name] = true
	if s.global[name] && m.declared[name] != 0 {
		m.declared[name] |= Value
	}
}

// targets notes what an assignment binds.
func (m *module) targets(s *scope, cl *class, t pyast.Node, stmt pyast.Node) {
	switch t.Kind() {
	case pyast.KindIdentifier:
		m.bind(s, cl, t.Text())
	case pyast.KindAttribute:
		attr := t.Child(pyast.FieldAttribute).Text()
		self, c := s.self()
		if c == nil || !t.Child(pyast.FieldObject).TextIs(self) {
			m.handed[attr] = true
			return
		}
		c.assigns[attr] = append(c.assigns[attr], assign{s, literal(stmt, t), sure(stmt, s)})
	case pyast.KindSubscript:
	default:
		for c := range t.Children() {
			m.targets(s, cl, c, stmt)
		}
	}
}

// literal is the state that an assignment gives its one target, as far as its text tells.
func literal(stmt, target pyast.Node) State {
	right := stmt.Child(pyast.FieldRight)
	for right.Kind() == pyast.KindAssignment {
		right = right.Child(pyast.FieldRight)
	}
	for right.Kind() == pyast.KindParenthesizedExpression {
		right = right.Nth(0)
	}
	switch {
	case stmt.Kind() != pyast.KindAssignment || stmt.Child(pyast.FieldLeft) != target:
	case right.Kind() == pyast.KindNoneLiteral:
		return None
	case right.Kind() == pyast.KindConditionalExpression && (right.Nth(0).Kind() == pyast.KindNoneLiteral || right.Nth(2).Kind() == pyast.KindNoneLiteral):
		return None | Value
	}
	return Value
}

// sure reports whether each run of a function comes by a statement.
func sure(stmt pyast.Node, s *scope) bool {
	for p := stmt.Parent(); p.Valid() && p != s.body; p = p.Parent() {
		if !p.Is(pyast.KindExpressionStatement, pyast.KindBlock, pyast.KindWithStatement, pyast.KindAssignment) {
			return false
		}
	}
	return true
}

// named notes that a function names another.
func (m *module) named(s *scope, n pyast.Node) { m.reach(s, "f:"+n.Text()) }

func (m *module) reach(s *scope, key string) {
	if s.top() {
		return
	}
	for f := s; f != nil && !f.top(); f = f.parent {
		if m.reaches[f.key()] == nil {
			m.reaches[f.key()] = map[string]bool{}
		}
		m.reaches[f.key()][key] = true
	}
}

// unseen notes calls that bind what nobody sees.
func (m *module) unseen(s *scope, call pyast.Node) {
	fn := call.Child(pyast.FieldFunction)
	_, c := s.self()
	switch name := fn.Text(); name {
	case "exec", "globals":
		m.open = true
	case "setattr":
		if c != nil {
			c.dynamic = true
		}
	default:
		if fn.Kind() != pyast.KindAttribute || c == nil {
			return
		}
		if arg := call.Child(pyast.FieldArguments).Nth(0); fn.Child(pyast.FieldAttribute).Is(pyast.KindIdentifier) && registering[fn.Child(pyast.FieldAttribute).Text()] {
			if arg.Kind() != pyast.KindString {
				c.dynamic = true
				return
			}
			name := strings.Trim(arg.Text(), `"'`)
			c.assigns[name] = append(c.assigns[name], assign{s, Value, sure(call, s)})
		}
	}
}

// registering are the methods of a module that make an attribute of their first argument.
var registering = map[string]bool{"register_buffer": true, "register_parameter": true, "register_module": true, "add_module": true}

func params(list pyast.Node) []param {
	var out []param
	for p := range list.Children() {
		n := p
		if p.Is(pyast.KindDefaultParameter, pyast.KindTypedDefaultParameter) {
			n = p.Child(pyast.FieldName)
		}
		for n.Valid() && n.Kind() != pyast.KindIdentifier {
			n = n.Nth(0)
		}
		if n.Valid() && !p.Is(pyast.KindComment) {
			out = append(out, param{n.Text(), p.Child(pyast.FieldValue).Kind() == pyast.KindNoneLiteral})
		}
	}
	return out
}

// walker is a walk through the scope.
func (s *scope) walker() *walker {
	if s.done == nil {
		s.done = &walker{s: s, outer: map[string]*val{}, calls: map[string][]*env{}}
	}
	return s.done
}

// held is what a name that s does not bind holds there: what it holds in the scope around when s is called.
func (s *scope) held(name string) *val {
	for p := s.parent; p != nil; p = p.parent {
		if p.global[name] || !p.locals[name] && !(p.top() && s.m.declared[name] != 0) {
			continue
		}
		w := p.walker()
		w.run()
		if w.end == nil { // it is being walked
			return &val{state: Value}
		}
		var out *val
		for _, from := range w.leading(s.key()) {
			for _, e := range w.calls[from] {
				out = w.either(out, w.lookup(e, name))
			}
		}
		if out == nil {
			out = w.lookup(w.end, name)
		}
		if p.top() && s.m.declared[name]&Value != 0 {
			out = &val{state: out.state | Value, version: out.version}
		}
		return out
	}
	if builtin[name] || s.m.open {
		return &val{state: Value}
	}
	return &val{state: Unbound}
}

// leading are the functions, in order, whose calls in the scope lead to a function: itself, and those that call it by way of others.
func (w *walker) leading(to string) []string {
	if len(w.calls) == 0 {
		return nil
	}
	if from, ok := w.callers[to]; ok {
		return from
	}
	m := w.s.m
	if m.reached == nil {
		m.reached = map[string][]string{}
		for from, all := range m.reaches {
			for next := range all {
				m.reached[next] = append(m.reached[next], from)
			}
		}
	}
	var out []string
	seen := map[string]bool{to: true}
	for queue := []string{to}; len(queue) > 0; queue = queue[1:] {
		if w.calls[queue[0]] != nil {
			out = append(out, queue[0])
		}
		for _, from := range m.reached[queue[0]] {
			if !seen[from] {
				seen[from] = true
				queue = append(queue, from)
			}
		}
	}
	slices.Sort(out)
	if w.callers == nil {
		w.callers = map[string][]string{}
	}
	w.callers[to] = out
	return out
}

// attribute is what an attribute of the instance holds when a method is entered.
func (c *class) attribute(m *module, name string) *val {
	out := c.held(name)
	if out.state == None {
		return &val{state: None | Value} // what inherits from it, or uses it, may set it
	}
	if out.state&Unbound == 0 {
		return out
	}
	inherited, open := c.inherited(m, name, 0)
	switch {
	case inherited != nil:
		return inherited
	case c.dynamic || m.handed[name] || open && out.state == Unbound:
		return &val{state: out.state | Value, version: out.version, given: out.given}
	}
	return out
}

// mostBases bounds how far inheritance is followed; classes may name each other.
const mostBases = 8

// inherited is what an attribute holds by the bases at hand, nil if they do not have it. open says that there are others.
func (c *class) inherited(m *module, name string, depth int) (_ *val, open bool) {
	for _, b := range c.bases {
		base := m.classes[b.Text()]
		if base == nil || base == c || depth > mostBases {
			open = open || !b.TextIs("object")
			continue
		}
		if v := base.held(name); v.state != Unbound {
			return v, false
		}
		v, more := base.inherited(m, name, depth+1)
		if v != nil {
			return v, false
		}
		open = open || more || base.dynamic
	}
	return nil, open
}

// held is what the class itself gives an attribute.
func (c *class) held(name string) *val {
	if c.own[name] {
		return &val{state: Value}
	}
	start := &val{state: Unbound}
	if f := c.methods["__init__"]; f != nil {
		if c.start == nil && !c.busy {
			c.busy = true
			w := &walker{s: f, outer: map[string]*val{}, calls: map[string][]*env{}, making: true}
			w.run()
			c.start = w.end
			c.busy = false
		}
		if c.start != nil {
			if v := c.start.get(f.params0() + "." + name); v != nil {
				start = &val{state: c.start.now(v), given: own(v.given), loop: v.loop}
			}
		}
	}
	var other *scope
	several := false
	state := start.state
	for _, a := range c.assigns[name] {
		if a.in.name == "__init__" && a.in.class == c {
			continue
		}
		state |= a.state
		several = several || other != nil && other != a.in || !a.sure || a.state != Value
		other = a.in
	}
	if state == start.state {
		return start
	}
	out := &val{state: state}
	if !several && start.state&Value == 0 {
		// Where the method has run all that it makes is there.
		ran := fact{key: "ran:" + c.name + "." + other.name, text: "", holds: true}
		out.given = []given{{[]fact{ran}, Value}, {[]fact{{key: ran.key}}, start.state}}
	}
	return out
}

func (s *scope) params0() string {
	if len(s.params) == 0 {
		return ""
	}
	return s.params[0].name
}

// own are the conditions that mean the same in all methods: those on the instance alone.
func own(all []given) []given {
	return slices.DeleteFunc(slices.Clone(all), func(g given) bool {
		return slices.ContainsFunc(g.facts, func(f fact) bool { return !strings.HasPrefix(f.key, "self:") })
	})
}
