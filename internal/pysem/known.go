package pysem

import (
	"slices"
	"strings"

	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
)

var builtinNames = strings.Fields(`abs all any bool bytes callable chr dict dir enumerate eval exec filter float format frozenset
getattr globals hasattr hash id input int isinstance issubclass iter len list locals map max min next object open ord pow
print property range repr reversed round set setattr slice sorted staticmethod str sum super tuple type vars zip
Exception KeyError ValueError RuntimeError FileNotFoundError IOError OSError NotImplementedError __name__ __file__`)

func isBuiltin(name string) bool { return slices.Contains(builtinNames, name) }

// external evaluates calls of library functions whose result matters to paths, dicts and numbers; nil leaves the call as it is.
func (e *Evaluator) external(n pyast.Node, name string, ctx *Ctx) *Value {
	args := Args(n)
	arg := func(i int) *Value { return e.Eval(args.Pos(i), ctx) }
	switch name {
	case "os.path.join", "posixpath.join":
		var vs []*Value
		for i, p := range args.Position {
			if i > 0 {
				vs = append(vs, lit("/"))
			}
			vs = append(vs, e.Eval(p, ctx))
		}
		if args.Star {
			vs = append(vs, unknown)
		}
		return concat(n, ctx, vs...)
	case "os.fspath", "os.path.abspath", "os.path.expanduser", "os.path.realpath", "os.path.normpath", "pathlib.Path", "pathlib.PurePath":
		if len(args.Position) == 1 {
			if v := arg(0); v.Kind == Str {
				return v
			}
		}
		if len(args.Position) > 1 {
			return e.external(n, "os.path.join", ctx)
		}
	case "builtins.str":
		if len(args.Position) == 1 {
			if v := arg(0); v.Kind == Str {
				return v
			} else if v.Kind == Int {
				return &Value{Kind: Str, Node: n, Ctx: ctx, Parts: []Part{{Hole: v}}}
			}
			return &Value{Kind: Str, Node: n, Ctx: ctx, Parts: []Part{{Hole: arg(0)}}}
		}
	case "builtins.int", "builtins.float":
		if v := arg(0); v.Kind == Int || v.Kind == Float && name == "builtins.float" {
			return v
		}
	case "builtins.dict", "collections.OrderedDict":
		return e.dictCall(n, args, ctx)
	case "builtins.getattr":
		if s, ok := arg(1).Text(); ok {
			return e.Member(arg(0), s, n, ctx)
		}
	case "builtins.super":
		if ctx.Self != nil && ctx.Func.methodClass() != nil {
			for _, b := range ctx.Func.methodClass().Bases {
				if base := ctx.Func.methodClass().baseClass(b); base != nil {
					return &Value{Kind: Instance, Class: base, Node: ctx.Self.Node, Ctx: ctx.Self.Ctx}
				}
			}
		}
	case "copy.copy":
		return arg(0)
	}
	return nil
}

// method evaluates method calls on values that are known; nil leaves the call as it is.
func (e *Evaluator) method(n pyast.Node, callee *Value, ctx *Ctx) *Value {
	base, args := callee.Base, Args(n)
	switch base.Kind {
	case Str:
		switch callee.Name {
		case "format":
			format, ok := base.Text()
			if !ok || args.May() {
				return concat(n, ctx, unknown)
			}
			var pos []*Value
			for _, p := range args.Position {
				pos = append(pos, e.Eval(p, ctx))
			}
			named := map[string]*Value{}
			for k, v := range args.Keyword {
				named[k] = e.Eval(v, ctx)
			}
			if parts, ok := braces(format, pos, named); ok {
				return &Value{Kind: Str, Node: n, Ctx: ctx, Parts: parts}
			}
		case "joinpath":
			return concat(n, ctx, base, lit("/"), e.Eval(args.Pos(0), ctx))
		case "strip", "rstrip", "lstrip", "resolve", "absolute", "expanduser", "as_posix":
			return base
		}
	case Dict:
		switch callee.Name {
		case "copy":
			return base
		case "get", "pop", "setdefault":
			if key, ok := e.Eval(args.Pos(0), ctx).Text(); ok {
				if x, ok := base.Dict.Get(key); ok {
					return e.Expr(x.Value)
				}
			}
		}
	}
	return nil
}

// Get finds a key that is written on every way or some.
func (d *DictValue) Get(key string) (Entry, bool) {
	for _, x := range d.Entries {
		if x.Key == key {
			return x, true
		}
	}
	return Entry{}, false
}

// with is the dict with one entry set; d is not changed.
func (d *DictValue) with(x Entry) *DictValue {
	out := &DictValue{Open: d.Open, Literal: d.Literal}
	done := false
	for _, old := range d.Entries {
		if old.Key == x.Key {
			out.Entries = append(out.Entries, x)
			done = true
			continue
		}
		out.Entries = append(out.Entries, old)
	}
	if !done {
		out.Entries = append(out.Entries, x)
	}
	return out
}

func (d *DictValue) without(key string) *DictValue {
	out := &DictValue{Open: d.Open, Literal: d.Literal}
	for _, old := range d.Entries {
		if old.Key != key {
			out.Entries = append(out.Entries, old)
		}
	}
	return out
}

func (d *DictValue) opened() *DictValue {
	return &DictValue{Entries: d.Entries, Open: true, Literal: d.Literal}
}

func (e *Evaluator) dict(n pyast.Node, ctx *Ctx) *Value {
	d := &DictValue{Literal: n}
	for c := range n.Children() {
		switch c.Kind() {
		case pyast.KindPair:
			k := c.Child(pyast.FieldKey)
			key, ok := e.Eval(k, ctx).Text()
			if !ok {
				d = d.opened()
				continue
			}
			d = d.with(Entry{Key: key, KeyNode: k, Pair: c, Value: Expr{Node: c.Child(pyast.FieldValue), Ctx: ctx}})
		case pyast.KindDictionarySplat:
			d = d.merge(e.Eval(c.Nth(0), ctx))
		default:
			d = d.opened()
		}
	}
	return &Value{Kind: Dict, Node: n, Ctx: ctx, Dict: d}
}

// merge is d updated with v.
func (d *DictValue) merge(v *Value) *DictValue {
	if v.Kind != Dict {
		return d.opened()
	}
	out := d
	for _, x := range v.Dict.Entries {
		out = out.with(x)
	}
	if v.Dict.Open {
		out = out.opened()
	}
	return out
}

func (e *Evaluator) dictCall(n pyast.Node, args ArgList, ctx *Ctx) *Value {
	d := &DictValue{Literal: n}
	for _, p := range args.Position {
		v := e.Eval(p, ctx)
		if v.Kind == List || v.Kind == Tuple {
			if v.Open {
				d = d.opened()
			}
			for _, pair := range v.Elems {
				if (pair.Kind == Tuple || pair.Kind == List) && len(pair.Elems) == 2 {
					if key, ok := pair.Elems[0].Text(); ok {
						d = d.with(Entry{Key: key, KeyNode: pair.Elems[0].Node, Pair: pair.Node, Value: Expr{Val: pair.Elems[1]}})
						continue
					}
				}
				d = d.opened()
			}
			continue
		}
		d = d.merge(v)
	}
	return &Value{Kind: Dict, Node: n, Ctx: ctx, Dict: e.withKeywords(d, n, args, ctx)}
}

func (e *Evaluator) withKeywords(d *DictValue, call pyast.Node, args ArgList, ctx *Ctx) *DictValue {
	for c := range call.Child(pyast.FieldArguments).Children() {
		if c.Kind() == pyast.KindKeywordArgument {
			name := c.Child(pyast.FieldName)
			d = d.with(Entry{Key: name.Text(), KeyNode: name, Pair: c, Value: Expr{Node: c.Child(pyast.FieldValue), Ctx: ctx}})
		}
		if c.Kind() == pyast.KindDictionarySplat {
			d = d.merge(e.Eval(c.Nth(0), ctx))
		}
	}
	return d
}

// mutated is the value of a name after a definition that changed the object it had: keys set, updated or removed.
func (e *Evaluator) mutated(d *Def, ctx *Ctx) *Value {
	prev := unknown
	if len(d.Prev) > 0 {
		prev = e.Defs(d.Node, ctx, d.Prev)
	} else if target := mutationTarget(d.Node); target.Valid() {
		prev = e.outerPath(target, d, ctx)
	}
	// Ways on which the key is set already or not yet join here; a key that only some ways wrote is kept as maybe there.
	var base *Value
	for _, a := range prev.Alternatives() {
		if a.Kind == Dict {
			if base == nil {
				base = a
				continue
			}
			base = joinDicts(base, a)
		} else if a.Kind != NoneVal {
			return e.mutatedOther(d, prev, a)
		}
	}
	if base == nil {
		return prev
	}
	dv := base.Dict
	switch d.Kind {
	case DefItem:
		key, ok := e.Eval(d.Key, ctx).Text()
		if !ok {
			dv = dv.opened()
			break
		}
		value := Expr{Node: d.Value, Ctx: ctx}
		if !d.Value.Valid() {
			value = Expr{Val: unknown}
		} else if len(d.Index) > 0 {
			value = Expr{Val: e.unpack(e.Eval(d.Value, ctx), d.Index)}
		}
		dv = dv.with(Entry{Key: key, KeyNode: d.Key, Pair: d.Stmt, Value: value})
	case DefUpdate:
		args := Args(d.Value)
		if d.Value.Child(pyast.FieldFunction).Child(pyast.FieldAttribute).TextIs("setdefault") {
			if key, ok := e.Eval(args.Pos(0), ctx).Text(); ok {
				if _, has := dv.Get(key); !has {
					dv = dv.with(Entry{Key: key, KeyNode: args.Pos(0), Pair: d.Value, Value: Expr{Node: args.Pos(1), Ctx: ctx}})
				}
				break
			}
			dv = dv.opened()
			break
		}
		for _, p := range args.Position {
			dv = dv.merge(e.Eval(p, ctx))
		}
		dv = e.withKeywords(dv, d.Value, args, ctx)
	case DefRemove:
		if key, ok := e.Eval(d.Key, ctx).Text(); ok {
			dv = dv.without(key)
		}
	default:
		dv = dv.opened()
	}
	return &Value{Kind: Dict, Node: base.Node, Ctx: base.Ctx, Dict: dv}
}

// mutatedOther is a value that is no dict after a mutation: lists grow, other objects stay what they are.
func (e *Evaluator) mutatedOther(d *Def, prev, a *Value) *Value {
	if a.Kind == List && prev == a {
		out := *a
		out.Open = true
		if d.Kind == DefMutate {
			if arg := Args(d.Value).Pos(0); arg.Valid() && len(a.Elems) < 2*maxAlternatives {
				out.Elems = append(out.Elems[:len(out.Elems):len(out.Elems)], e.Eval(arg, e.contextOf(d, a)))
			}
		}
		return &out
	}
	return prev
}

func (e *Evaluator) contextOf(d *Def, a *Value) *Ctx {
	if a.Ctx != nil && a.Ctx.Func == d.Func {
		return a.Ctx
	}
	return e.Root(d.Func, nil)
}

func mutationTarget(n pyast.Node) pyast.Node {
	switch n.Kind() {
	case pyast.KindSubscript:
		return n.Child(pyast.FieldValue)
	case pyast.KindCall:
		return n.Child(pyast.FieldFunction).Child(pyast.FieldObject)
	}
	return pyast.Node{}
}

// outerPath is what a mutated name was before, when nothing in the function itself says so.
func (e *Evaluator) outerPath(target pyast.Node, d *Def, ctx *Ctx) *Value {
	if target.Kind() == pyast.KindAttribute {
		base := e.Eval(target.Child(pyast.FieldObject), ctx)
		if base.Kind == Instance {
			var others []*Def
			for _, o := range base.Class.attr(target.Child(pyast.FieldAttribute).Text()) {
				if o != d {
					others = append(others, o)
				}
			}
			return e.attrDefs(base, others, target, ctx)
		}
		return unknown
	}
	for f := ctx.Func.Parent; f != nil; f = f.Parent {
		if defs := f.defs[target.Text()]; len(defs) > 0 {
			return e.Defs(target, e.outer(ctx, f), defs)
		}
	}
	return unknown
}

// joinDicts is a dict that is a on some ways and b on others: keys that are not in both may be missing.
func joinDicts(a, b *Value) *Value {
	d := &DictValue{Open: a.Dict.Open || b.Dict.Open, Literal: a.Dict.Literal}
	for _, x := range a.Dict.Entries {
		if y, ok := b.Dict.Get(x.Key); !ok || y.Maybe {
			x.Maybe = true
		}
		d.Entries = append(d.Entries, x)
	}
	for _, y := range b.Dict.Entries {
		if _, ok := a.Dict.Get(y.Key); !ok {
			y.Maybe = true
			d.Entries = append(d.Entries, y)
		}
	}
	return &Value{Kind: Dict, Node: a.Node, Ctx: a.Ctx, Dict: d}
}

// AsDict is v as a dict when all its alternatives are dicts (None left aside), joined; nil otherwise.
func (v *Value) AsDict() *DictValue {
	var out *Value
	for _, a := range v.Alternatives() {
		switch {
		case a.Kind == NoneVal:
		case a.Kind != Dict:
			return nil
		case out == nil:
			out = a
		default:
			out = joinDicts(out, a)
		}
	}
	if out == nil {
		return nil
	}
	return out.Dict
}
