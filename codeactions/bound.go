package codeactions

import (
	"slices"
	"strings"

	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
	"github.com/ckpt-lsp/ckpt-lsp/internal/pysem"
	"github.com/ckpt-lsp/ckpt-lsp/internal/training"
)

// standing is what is known of a name, or a path such as self.scaler, at a place.
type standing struct {
	// bound says that it has a value on every way to the place, or wherever the condition holds that it was made under.
	bound bool
	// cond is what must be asked first: that it is not None, or the option that it was made under. "" asks nothing.
	cond string
}

// standing follows a name back from a place through what runs before it, into the callers that the contexts tell.
func (s *sheet) standing(path string, at pyast.Node, ctxs ...*pysem.Ctx) standing {
	out := standing{}
	for i, ctx := range ctxs {
		x := s.standingIn(path, at, ctx)
		if !x.bound || i > 0 && x.cond != out.cond && x.cond != "" && out.cond != "" {
			return standing{}
		}
		out.bound = true
		if x.cond != "" {
			out.cond = x.cond
		}
	}
	return out
}

func (s *sheet) standingIn(path string, at pyast.Node, ctx *pysem.Ctx) standing {
	fn := s.mod.Scope(at)
	for ctx != nil && ctx.Func != fn {
		ctx = ctx.Parent
	}
	b := &binding{sheet: s, path: path}
	return b.result(at, b.before(at, fn, ctx, 0))
}

// result is what the search has come to for a place.
func (b *binding) result(at pyast.Node, given bool) standing {
	asked := b.asked(at)
	switch path := b.path; {
	case !given && len(b.conds) > 0 && len(b.conds) == len(b.defs) && b.alike():
		// Made under an option and nowhere else: what stands under the same option has it.
		if slices.Contains(asked, b.conds[0]) {
			return standing{bound: true}
		}
		return standing{bound: true, cond: b.conds[0]}
	case !given:
		return standing{}
	case b.none && !b.used && !slices.Contains(asked, path+" is not None") && !slices.Contains(asked, path):
		return standing{bound: true, cond: path + " is not None"}
	}
	return standing{bound: true}
}

// binding is the search for what gives a path its value.
type binding struct {
	*sheet
	path string
	// defs are the definitions that may reach the place; conds the options that they stand under, where they do.
	defs  []*pysem.Def
	conds []string
	// none says that the value may be None; used that it was used in front of the place as if it were not.
	none, used bool
}

func (b *binding) alike() bool {
	return !slices.ContainsFunc(b.conds, func(c string) bool { return c != b.conds[0] })
}

// before reports whether the path surely has a value where a node of a function runs.
func (b *binding) before(at pyast.Node, fn *pysem.Func, ctx *pysem.Ctx, depth int) bool {
	root, attr, dotted := strings.Cut(b.path, ".")
	if depth > 8 || fn == nil {
		return false
	}
	if b.walk(at, fn, ctx) {
		return true
	}
	if !dotted {
		if slices.ContainsFunc(fn.Params, func(p pysem.Param) bool { return p.Name == root }) {
			b.parameter(fn, root, ctx)
			return true
		}
		if len(fn.Defs(root)) > 0 {
			return false
		}
		return b.outer(fn, ctx, depth)
	}
	if class := classOf(fn); class != nil && root == fn.Params[0].Name {
		if ctx != nil && ctx.Parent != nil && classOf(ctx.Parent.Func) == class && ctx.Call.Child(pyast.FieldFunction).Child(pyast.FieldObject).TextIs(ctx.Parent.Func.Params[0].Name) {
			// Called by a method of the same object.
			if at := ctx.Call; b.before(at, ctx.Parent.Func, ctx.Parent, depth+1) {
				return true
			}
			return false
		}
		return b.attribute(class, attr)
	}
	if !b.sheet.standingIn(root, at, ctx).bound {
		return false
	}
	return b.member(root, attr, at, ctx)
}

// outer looks for a name of an enclosing function, at the call that leads from there or at its end.
func (b *binding) outer(fn *pysem.Func, ctx *pysem.Ctx, depth int) bool {
	for f := fn.Parent; f != nil; f = f.Parent {
		if len(f.Defs(b.path)) == 0 {
			continue
		}
		for c := ctx; c != nil; c = c.Parent {
			if c.Parent != nil && c.Parent.Func == f {
				return b.before(c.Call, f, c.Parent, depth+1)
			}
		}
		if slices.ContainsFunc(f.Params, func(p pysem.Param) bool { return p.Name == b.path }) {
			b.parameter(f, b.path, nil)
			return true
		}
		return b.block(f.Body, pyast.Node{}, f, b.file.Eval.Root(f, nil))
	}
	return false
}

// classOf is the class whose method a function is, nil for others.
func classOf(fn *pysem.Func) *pysem.Class {
	if fn == nil || !fn.Method() {
		return nil
	}
	return fn.Class
}

// parameter notes what a caller hands over.
func (b *binding) parameter(fn *pysem.Func, name string, ctx *pysem.Ctx) {
	for _, d := range fn.Defs(name) {
		if d.Kind != pysem.DefParam {
			continue
		}
		if ctx == nil || ctx.Root() {
			b.none = b.none || d.Param.Default.TextIs("None")
			continue
		}
		b.note(d, ctx)
	}
}

// note takes in the value of a definition that may reach the place.
func (b *binding) note(d *pysem.Def, ctx *pysem.Ctx) {
	if ctx == nil || ctx.Func != d.Func {
		ctx = b.file.Eval.Root(d.Func, nil)
	}
	for _, v := range b.file.Eval.Def(d, ctx).Alternatives() {
		b.none = b.none || v.Kind == pysem.NoneVal
	}
}

// attribute says that __init__, of the class or of one that it inherits from, surely sets an attribute, or the class body does.
func (b *binding) attribute(class *pysem.Class, attr string) bool {
	if init := b.file.Eval.MethodOf(class, "__init__"); init != nil && len(init.Params) > 0 {
		inner := &binding{sheet: b.sheet, path: init.Params[0].Name + "." + attr}
		ctx := b.file.Eval.Root(init, nil)
		given := inner.block(init.Body, pyast.Node{}, init, ctx)
		b.none = b.none || inner.none
		b.defs, b.conds = append(b.defs, inner.defs...), append(b.conds, b.own(inner, init)...)
		if given {
			for _, d := range class.Attrs[attr] {
				if d.Func != init {
					b.note(d, nil)
				}
			}
			return true
		}
	}
	return slices.ContainsFunc(class.Attrs[attr], func(d *pysem.Def) bool {
		if d.Node.Ancestor(pyast.KindFunctionDefinition, pyast.KindClassDefinition).Kind() != pyast.KindClassDefinition {
			return false
		}
		b.note(d, nil)
		return true
	})
}

// own are the conditions of __init__ that can be asked elsewhere: of attributes of the object.
func (b *binding) own(inner *binding, init *pysem.Func) []string {
	var out []string
	for _, c := range inner.conds {
		if strings.HasPrefix(strings.TrimPrefix(c, "not "), init.Params[0].Name+".") {
			out = append(out, c)
		}
	}
	return out
}

// member says that an object at hand has an attribute: its class declares it, or sets it when it is made.
func (b *binding) member(root, attr string, at pyast.Node, ctx *pysem.Ctx) bool {
	if strings.Contains(attr, ".") {
		return false
	}
	for _, d := range b.mod.Scope(at).Defs(root) {
		if ctx == nil || ctx.Func != d.Func {
			ctx = b.file.Eval.Root(d.Func, nil)
		}
		for _, v := range b.file.Eval.Def(d, ctx).Alternatives() {
			if v.Kind != pysem.Instance {
				return false
			}
			m := b.file.Eval.Member(v, attr, at, ctx)
			for _, a := range m.Alternatives() {
				b.none = b.none || a.Kind == pysem.NoneVal
			}
			if !declares(v.Class, attr) && !b.attribute(v.Class, attr) {
				return false
			}
		}
	}
	return true
}

// declares says that a class body names an attribute with its type, as a dataclass does.
func declares(c *pysem.Class, attr string) bool {
	for s := range c.Node.Child(pyast.FieldBody).Children() {
		if a := s.Nth(0); s.Kind() == pyast.KindExpressionStatement && a.Kind() == pyast.KindAssignment && a.Child(pyast.FieldLeft).TextIs(attr) {
			return true
		}
	}
	return false
}

// walk goes back from a node to the head of its function.
func (b *binding) walk(at pyast.Node, fn *pysem.Func, ctx *pysem.Ctx) bool {
	for n := at; n.Valid() && n != fn.Body; n = n.Parent() {
		p := n.Parent()
		if p.Is(pyast.KindBlock, pyast.KindModule) {
			if b.block(p, n, fn, ctx) {
				return true
			}
		}
		switch {
		case p.Kind() == pyast.KindForStatement && n.Field() == pyast.FieldBody:
			if b.binds(p.Child(pyast.FieldLeft)) {
				return true
			}
			b.rest(p.Child(pyast.FieldBody), ctx) // what the round before has left
		case p.Kind() == pyast.KindWhileStatement && n.Field() == pyast.FieldBody:
			b.rest(p.Child(pyast.FieldBody), ctx)
		case p.Kind() == pyast.KindWithStatement && n.Field() == pyast.FieldBody:
			if b.binds(p.Nth(0)) {
				return true
			}
		}
	}
	return false
}

// block looks through the statements of a block from its end, or from one of them, to its head.
func (b *binding) block(block, from pyast.Node, fn *pysem.Func, ctx *pysem.Ctx) bool {
	var before []pyast.Node
	for c := range block.Children() {
		if c == from {
			break
		}
		before = append(before, c)
	}
	for _, stmt := range slices.Backward(before) {
		if b.statement(stmt, fn, ctx) {
			return true
		}
	}
	return false
}

// statement takes in a statement that runs in front of the place, and says whether it surely gives the path a value.
func (b *binding) statement(stmt pyast.Node, fn *pysem.Func, ctx *pysem.Ctx) bool {
	b.used = b.used || len(b.defs) == 0 && uses(stmt, b.path)
	b.rest(stmt, ctx)
	return b.gives(stmt, fn, ctx, 0)
}

// rest takes in the definitions that a statement makes, wherever in it they stand.
func (b *binding) rest(stmt pyast.Node, ctx *pysem.Ctx) {
	fn := b.mod.Scope(stmt)
	if fn == nil {
		return
	}
	for _, d := range fn.Defs(b.path) {
		if d.Kind == pysem.DefParam || !stmt.Encloses(d.Node) || slices.Contains(b.defs, d) {
			continue
		}
		b.defs = append(b.defs, d)
		b.note(d, ctx)
		if cond := b.optional(d); cond != "" {
			b.conds = append(b.conds, cond)
		}
	}
}

// optional is the one condition that a definition stands under in its function, where it can be asked again; "" otherwise.
func (b *binding) optional(d *pysem.Def) string {
	stmt := statement(d.Node)
	block := stmt.Parent()
	p := block.Parent()
	if !assigns(stmt, b.path) || p.Kind() != pyast.KindIfStatement || block.Field() != pyast.FieldConsequence {
		return ""
	}
	for o := p.Parent(); o.Valid() && o != d.Func.Body; o = o.Parent() {
		if o.Is(pyast.KindIfStatement, pyast.KindForStatement, pyast.KindWhileStatement, pyast.KindTryStatement) {
			return ""
		}
	}
	return b.repeatable(p.Child(pyast.FieldCondition))
}

// repeatable is the text of a condition that gives the same answer wherever it is asked again: of options and names that are set
// once. It is "" for others.
func (s *sheet) repeatable(cond pyast.Node) string {
	text := cond.Text()
	if strings.ContainsAny(text, "\r\n") || strings.Contains(text, ":=") {
		return ""
	}
	fn := s.mod.Scope(cond)
	for d := range cond.Descendants() {
		switch d.Kind() {
		case pyast.KindCall, pyast.KindSubscript, pyast.KindLambda, pyast.KindListComprehension, pyast.KindGeneratorExpression:
			return ""
		case pyast.KindIdentifier:
			if d.Field() != pyast.FieldAttribute && len(fn.Defs(d.Text())) > 1 {
				return ""
			}
		case pyast.KindAttribute:
			if len(fn.Defs(d.Text())) > 1 {
				return ""
			}
		}
	}
	if cond.Kind() == pyast.KindConditionalExpression || cond.Kind() == pyast.KindBooleanOperator && cond.Child(pyast.FieldOperator).TextIs("or") {
		return "(" + text + ")"
	}
	return text
}

// asked are the conditions that hold where a node stands, as far as its function asks them.
func (b *binding) asked(at pyast.Node) []string {
	var out []string
	for n := at; n.Valid() && !n.Is(pyast.KindFunctionDefinition, pyast.KindModule); n = n.Parent() {
		p := n.Parent()
		if p.Is(pyast.KindIfStatement, pyast.KindElifClause) && n.Field() == pyast.FieldConsequence {
			for _, part := range training.Conjuncts(p.Child(pyast.FieldCondition)) {
				out = append(out, part.Text())
			}
		}
	}
	return out
}

// gives says that a statement which ends gives the path a value on every way through it.
func (b *binding) gives(stmt pyast.Node, fn *pysem.Func, ctx *pysem.Ctx, depth int) bool {
	switch stmt.Kind() {
	case pyast.KindExpressionStatement:
		a := stmt.Nth(0)
		for a.Kind() == pyast.KindAssignment {
			if a.Child(pyast.FieldRight).Valid() && b.binds(a.Child(pyast.FieldLeft)) {
				return true
			}
			a = a.Child(pyast.FieldRight)
		}
		if a.Kind() == pyast.KindAwait {
			a = a.Nth(0)
		}
		return a.Kind() == pyast.KindCall && depth < 4 && b.calls(a, fn, depth)
	case pyast.KindIfStatement:
		return b.every(stmt, fn, ctx, depth)
	case pyast.KindWithStatement:
		return b.binds(stmt.Nth(0)) || b.ends(stmt.Child(pyast.FieldBody), fn, ctx, depth)
	case pyast.KindTryStatement:
		given := b.ends(stmt.Child(pyast.FieldBody), fn, ctx, depth)
		for c := range stmt.Children() {
			switch c.Kind() {
			case pyast.KindExceptClause:
				for part := range c.Children() {
					if part.Kind() == pyast.KindBlock {
						given = given && (b.ends(part, fn, ctx, depth) || leaves(part))
					}
				}
			case pyast.KindFinallyClause:
				for part := range c.Children() {
					if part.Kind() == pyast.KindBlock && b.ends(part, fn, ctx, depth) {
						return true
					}
				}
			}
		}
		return given
	case pyast.KindFunctionDefinition, pyast.KindClassDefinition:
		return stmt.Child(pyast.FieldName).TextIs(b.path)
	case pyast.KindImportStatement, pyast.KindImportFromStatement:
		return slices.ContainsFunc(fn.Defs(b.path), func(d *pysem.Def) bool { return d.Stmt == stmt })
	}
	return false
}

// every says that all branches of an if statement give a value, or leave the function.
func (b *binding) every(stmt pyast.Node, fn *pysem.Func, ctx *pysem.Ctx, depth int) bool {
	ok, complete := true, false
	branch := func(block pyast.Node) { ok = ok && (leaves(block) || b.ends(block, fn, ctx, depth)) }
	branch(stmt.Child(pyast.FieldConsequence))
	for alt := range stmt.ChildrenOf(pyast.FieldAlternative) {
		if alt.Kind() == pyast.KindElifClause {
			branch(alt.Child(pyast.FieldConsequence))
			continue
		}
		complete = true
		branch(alt.Child(pyast.FieldBody))
	}
	return ok && complete
}

// ends says that a block gives the path a value before it ends.
func (b *binding) ends(block pyast.Node, fn *pysem.Func, ctx *pysem.Ctx, depth int) bool {
	for c := range block.Children() {
		if b.gives(c, fn, ctx, depth+1) {
			return true
		}
	}
	return false
}

// calls says that a call of a method of the same object, or of the class it inherits from, sets the attribute.
func (b *binding) calls(call pyast.Node, fn *pysem.Func, depth int) bool {
	class, callee := classOf(fn), call.Child(pyast.FieldFunction)
	_, attr, dotted := strings.Cut(b.path, ".")
	if class == nil || !dotted || callee.Kind() != pyast.KindAttribute {
		return false
	}
	var method *pysem.Func
	name := callee.Child(pyast.FieldAttribute).Text()
	switch of := callee.Child(pyast.FieldObject); {
	case of.TextIs(fn.Params[0].Name):
		method = b.file.Eval.MethodOf(class, name)
	case of.Kind() == pyast.KindCall && of.Child(pyast.FieldFunction).TextIs("super"):
		for _, base := range b.file.Eval.Bases(class) {
			if method = b.file.Eval.MethodOf(base, name); method != nil {
				break
			}
		}
	}
	if method == nil || classOf(method) == nil || method == fn {
		return false
	}
	inner := &binding{sheet: b.sheet, path: method.Params[0].Name + "." + attr}
	return inner.ends(method.Body, method, nil, depth)
}

// binds says that an assignment's target, or a with item, holds the path.
func (b *binding) binds(target pyast.Node) bool {
	if target.TextIs(b.path) {
		return true
	}
	if target.Is(pyast.KindPatternList, pyast.KindTuplePattern, pyast.KindListPattern, pyast.KindWithClause, pyast.KindWithItem, pyast.KindAsPattern, pyast.KindAsPatternTarget) {
		for c := range target.Children() {
			if (target.Kind() != pyast.KindAsPattern || c.Field() == pyast.FieldAlias) && b.binds(c) {
				return true
			}
		}
	}
	return false
}

// leaves says that a block never gets to its end.
func leaves(block pyast.Node) bool {
	var last pyast.Node
	for c := range block.Children() {
		if c.Kind() != pyast.KindComment {
			last = c
		}
	}
	return last.Is(pyast.KindReturnStatement, pyast.KindRaiseStatement, pyast.KindContinueStatement, pyast.KindBreakStatement)
}

// uses says that a statement surely reads an attribute of what the path names, so that it is not None: no test stands around that.
func uses(stmt pyast.Node, path string) bool {
	for d := range stmt.Descendants() {
		if d.Kind() != pyast.KindAttribute || !d.Child(pyast.FieldObject).TextIs(path) {
			continue
		}
		sure := true
		for n := d; n != stmt && sure; n = n.Parent() {
			p := n.Parent()
			switch p.Kind() {
			case pyast.KindIfStatement, pyast.KindElifClause, pyast.KindWhileStatement:
				sure = n.Field() == pyast.FieldCondition && p.Kind() != pyast.KindElifClause
			case pyast.KindElseClause, pyast.KindConditionalExpression, pyast.KindLambda, pyast.KindFunctionDefinition, pyast.KindClassDefinition, pyast.KindTryStatement:
				sure = false
			case pyast.KindBooleanOperator:
				sure = n.Field() == pyast.FieldLeft
			}
		}
		if sure {
			return true
		}
	}
	return false
}
