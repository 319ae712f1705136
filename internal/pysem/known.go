package pysem

import (
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
)

var builtinNames = func() map[string]bool {
	names := map[string]bool{}
	for _, n := range strings.Fields(`ArithmeticError AssertionError AttributeError BaseException BlockingIOError BrokenPipeError
		BufferError BytesWarning ChildProcessError ConnectionAbortedError ConnectionError ConnectionRefusedError
		ConnectionResetError DeprecationWarning EOFError Ellipsis EnvironmentError Exception ExceptionGroup FileExistsError
		FileNotFoundError FloatingPointError FutureWarning GeneratorExit IOError ImportError ImportWarning IndentationError
		IndexError InterruptedError IsADirectoryError KeyError KeyboardInterrupt LookupError MemoryError ModuleNotFoundError
		NameError NotADirectoryError NotImplemented NotImplementedError OSError OverflowError PermissionError
		ProcessLookupError RecursionError ReferenceError ResourceWarning RuntimeError RuntimeWarning StopAsyncIteration
		StopIteration SyntaxError SyntaxWarning SystemError SystemExit TabError TimeoutError TypeError UnboundLocalError
		UnicodeDecodeError UnicodeEncodeError UnicodeError UnicodeWarning UserWarning ValueError Warning ZeroDivisionError
		__debug__ __doc__ __file__ __import__ __name__ abs aiter all anext any ascii bin bool breakpoint bytearray bytes callable
		chr classmethod compile complex copyright credits delattr dict dir divmod enumerate eval exec exit filter float format
		frozenset getattr globals hasattr hash help hex id input int isinstance issubclass iter len license list locals map max
		memoryview min next object oct open ord pow print property quit range repr reversed round set setattr slice sorted
		staticmethod str sum super tuple type vars zip`) {
		names[n] = true
	}
	return names
}()

func isBuiltin(name string) bool { return builtinNames[name] }

// external evaluates calls of library functions whose result matters to paths, dicts and numbers; nil leaves the call as it is.
func (e *Evaluator) external(n pyast.Node, name string, ctx *Ctx) *Value {
	args := Args(n)
	arg := func(i int) *Value { return e.Eval(args.Pos(i), ctx) }
	if strings.HasSuffix(name, ".join") && len(args.Position) > 1 {
		name = "os.path.join" // handed on by another module
	}
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
			vs = append(vs, lit("/"), unknown)
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
	case "os.path.basename", "os.path.dirname":
		if v := arg(0); v.Kind == Str {
			return namePart(n, v, map[string]string{"os.path.basename": "name", "os.path.dirname": "parent"}[name], ctx)
		}
	case "os.path.splitext":
		if v := arg(0); v.Kind == Str {
			if stem, suffix, ok := splitSuffix(v.Parts); ok {
				return &Value{Kind: Tuple, Node: n, Ctx: ctx, Elems: []*Value{{Kind: Str, Node: n, Ctx: ctx, Parts: stem}, lit(suffix)}}
			}
		}
	case "builtins.str":
		if len(args.Position) == 1 {
			return &Value{Kind: Str, Node: n, Ctx: ctx, Parts: hole(arg(0), "")}
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
	case "importlib.import_module", "builtins.__import__":
		if v := e.importedByName(args, ctx); v != nil {
			return v
		}
	case "builtins.super":
		if ctx.Self != nil && ctx.Func.methodClass() != nil {
			for _, base := range e.Bases(ctx.Func.methodClass()) {
				if ctx.Self.Kind == Instance {
					return &Value{Kind: Instance, Class: base, Node: n, Ctx: ctx, Other: ctx.Self}
				}
			}
		}
	case "copy.copy":
		return arg(0)
	case "builtins.type":
		if v := arg(0); v.Kind == Instance && len(args.Position) == 1 {
			return &Value{Kind: ClassVal, Node: n, Ctx: ctx, Class: v.Class}
		}
	case "dataclasses.asdict", "builtins.vars":
		if d := e.fields(arg(0)); d != nil {
			return &Value{Kind: Dict, Node: n, Ctx: ctx, Dict: d}
		}
	}
	return nil
}

// importedByName is the module that import_module(name, package) gives, nil where the name is not known or the module not at hand.
func (e *Evaluator) importedByName(args ArgList, ctx *Ctx) *Value {
	name, ok := e.Eval(args.Get(0, "name"), ctx).Text()
	if !ok {
		return nil
	}
	if rest, relative := strings.CutPrefix(name, "."); relative {
		if in, known := e.Eval(args.Get(1, "package"), ctx).Text(); known && !strings.HasPrefix(rest, ".") {
			name = in + name
		}
	}
	m := e.module(ctx.Func.Module, name)
	if m == nil {
		return &Value{Kind: External, Name: name}
	}
	return &Value{Kind: ModuleVal, Node: m.Top.Node, Ctx: e.Root(m.Top, nil), Module: m, Name: name}
}

// fields are what an instance of a dataclass was constructed with, nil for other values.
func (e *Evaluator) fields(v *Value) *DictValue {
	if v.Kind != Instance || !v.Node.Valid() || v.Ctx == nil || !v.Class.dataclass() {
		return nil
	}
	passed := e.Passed(v.Node, v.Ctx)
	d := &DictValue{Literal: v.Node, Open: passed.Open || passed.Keyword.Open}
	names := v.Class.fieldNames()
	for i, x := range passed.Position {
		if i >= len(names) {
			return nil
		}
		d.set(Entry{Key: names[i], KeyNode: x.Node, Pair: x.Node, Value: x})
	}
	return d.with(passed.Keyword.Entries...)
}

// dataclass reports whether a class has the dataclass decorator.
func (c *Class) dataclass() bool {
	return slices.ContainsFunc(c.decorators(), func(n pyast.Node) bool {
		if n.Kind() == pyast.KindCall {
			n = n.Child(pyast.FieldFunction)
		}
		return lastName(n) == "dataclass"
	})
}

// fieldNames are the annotated names of a class body, in order.
func (c *Class) fieldNames() []string {
	var out []string
	for s := range c.Node.Child(pyast.FieldBody).Children() {
		if a := s.Nth(0); s.Kind() == pyast.KindExpressionStatement && a.Kind() == pyast.KindAssignment && a.Child(pyast.FieldType).Valid() {
			out = append(out, a.Child(pyast.FieldLeft).Text())
		}
	}
	return out
}

// method evaluates method calls on values that are known; nil leaves the call as it is.
func (e *Evaluator) method(n pyast.Node, callee *Value, ctx *Ctx) *Value {
	base, args := callee.Base, Args(n)
	switch base.Kind {
	case Instance:
		if e.Fluent[callee.Name] {
			return base
		}
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
		case "lower", "upper", "capitalize", "split", "rsplit", "partition", "rpartition":
			if text, ok := base.Text(); ok {
				return e.textMethod(n, callee.Name, text, args, ctx)
			}
		case "joinpath":
			return concat(n, ctx, base, lit("/"), e.Eval(args.Pos(0), ctx))
		case "with_suffix", "with_name", "with_stem":
			return e.renamed(n, base, callee.Name, e.Eval(args.Pos(0), ctx), ctx)
		case "strip", "rstrip", "lstrip", "resolve", "absolute", "expanduser", "as_posix":
			return base
		}
	case Dict:
		switch callee.Name {
		case "copy":
			return base
		case "get", "pop", "setdefault":
			key := e.Eval(args.Pos(0), ctx)
			if name, ok := key.Text(); ok {
				if x, ok := base.Dict.Get(name); ok {
					return e.Expr(x.Value)
				}
			}
			whole := e.Eval(n.Child(pyast.FieldFunction).Child(pyast.FieldObject), ctx) // on all ways it may have come about
			if any := e.registered(whole.AsDict(), key); len(any) > 0 {
				return join(n, ctx, any...)
			}
		}
	}
	return nil
}

// textMethod is what a method of a text that is known gives: text, or a list or tuple of texts; nil where its arguments are not known.
func (e *Evaluator) textMethod(n pyast.Node, name, text string, args ArgList, ctx *Ctx) *Value {
	made := func(s string) *Value { return &Value{Kind: Str, Node: n, Ctx: ctx, Parts: []Part{{Lit: s}}} }
	switch name {
	case "lower":
		return made(strings.ToLower(text))
	case "upper":
		return made(strings.ToUpper(text))
	case "capitalize":
		_, first := utf8.DecodeRuneInString(text)
		return made(strings.ToUpper(text[:first]) + strings.ToLower(text[first:]))
	}
	sep, ok := e.Eval(args.Get(0, "sep"), ctx).Text()
	most := e.Eval(args.Get(1, "maxsplit"), ctx)
	if !ok || sep == "" || args.May() || len(args.Position) > 1 && most.Kind != Int {
		return nil
	}
	parts := strings.Split(text, sep)
	limit := len(parts)
	if most.Kind == Int && most.Int >= 0 {
		limit = min(limit, int(most.Int)+1)
	}
	kind := List
	switch name {
	case "split":
		parts = strings.SplitN(text, sep, limit)
	case "rsplit":
		parts = append([]string{strings.Join(parts[:len(parts)-limit+1], sep)}, parts[len(parts)-limit+1:]...)
	case "partition":
		kind = Tuple
		head, tail, found := strings.Cut(text, sep)
		if parts = []string{head, sep, tail}; !found {
			parts[1] = ""
		}
	case "rpartition":
		kind = Tuple
		last := parts[len(parts)-1]
		if parts = []string{strings.Join(parts[:len(parts)-1], sep), sep, last}; parts[0] == "" && !strings.HasPrefix(text, sep) {
			parts[1] = ""
		}
	default:
		return nil
	}
	out := &Value{Kind: kind, Node: n, Ctx: ctx}
	for _, part := range parts {
		out.Elems = append(out.Elems, made(part))
	}
	return out
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

// with is the dict with entries set one after another; d is not changed.
func (d *DictValue) with(entries ...Entry) *DictValue {
	if d.Open && len(d.Entries) >= maxEntries && !slices.ContainsFunc(entries, func(x Entry) bool { _, known := d.Get(x.Key); return known }) {
		return d
	}
	out := &DictValue{Open: d.Open, Rest: d.Rest, Literal: d.Literal, Entries: append(make([]Entry, 0, len(d.Entries)+len(entries)), d.Entries...)}
	for _, x := range entries {
		out.set(x)
	}
	return out
}

// set sets an entry of a dict that is being built: nobody else has it, or its entries, yet.
func (d *DictValue) set(x Entry) {
	i := slices.IndexFunc(d.Entries, func(old Entry) bool { return old.Key == x.Key })
	switch {
	case i < 0 && len(d.Entries) >= maxEntries:
		d.Open = true
		return
	case i < 0:
		d.Entries = append(d.Entries, x)
		return
	}
	if old := d.Entries[i]; x.Maybe {
		x.Value, x.Maybe = x.Value.or(old.Value), old.Maybe
	}
	d.Entries[i] = x
}

func (d *DictValue) without(key string) *DictValue {
	out := &DictValue{Open: d.Open, Rest: d.Rest, Literal: d.Literal}
	for _, old := range d.Entries {
		if old.Key != key {
			out.Entries = append(out.Entries, old)
		}
	}
	return out
}

// maybe is the dict with every key in doubt.
func (d *DictValue) maybe() *DictValue {
	out := &DictValue{Open: d.Open, Rest: d.Rest, Literal: d.Literal, Entries: slices.Clone(d.Entries)}
	for i := range out.Entries {
		out.Entries[i].Maybe = true
	}
	return out
}

func (d *DictValue) opened() *DictValue {
	return &DictValue{Entries: d.Entries, Open: true, Rest: d.Rest, Literal: d.Literal}
}

// holding is the dict with a value under a key that is not known.
func (d *DictValue) holding(x Expr) *DictValue {
	out := d.opened()
	if len(d.Rest) < maxAlternatives && !slices.ContainsFunc(d.Rest, x.same) {
		out.Rest = append(d.Rest[:len(d.Rest):len(d.Rest)], x)
	}
	return out
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
			d.set(Entry{Key: key, KeyNode: k, Pair: c, Value: Expr{Node: c.Child(pyast.FieldValue), Ctx: ctx}})
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
	other := v.AsDict()
	if other == nil {
		return d.opened()
	}
	out := d.with(other.Entries...)
	out.Open = out.Open || other.Open
	for _, x := range other.Rest {
		out = out.holding(x)
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
						d.set(Entry{Key: key, KeyNode: pair.Elems[0].Node, Pair: pair.Node, Value: Expr{Val: pair.Elems[1]}})
						continue
					}
				}
				d = d.opened()
			}
			continue
		}
		d = d.merge(v)
	}
	return &Value{Kind: Dict, Node: n, Ctx: ctx, Dict: e.withKeywords(d, n, ctx)}
}

func (e *Evaluator) withKeywords(d *DictValue, call pyast.Node, ctx *Ctx) *DictValue {
	d = d.with()
	for c := range call.Child(pyast.FieldArguments).Children() {
		if c.Kind() == pyast.KindKeywordArgument {
			name := c.Child(pyast.FieldName)
			d.set(Entry{Key: name.Text(), KeyNode: name, Pair: c, Value: Expr{Node: c.Child(pyast.FieldValue), Ctx: ctx}})
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
	}
	// Where only rounds of a loop lead here, the object is older than the function.
	if target := mutationTarget(d); target.Valid() && (len(d.Prev) == 0 || prev == bottom) {
		prev = e.outerPath(target, d, ctx)
	}
	if prev == bottom && len(d.Prev) > 0 && d.Func.onlyChanges(d.Path) {
		// In a loop, only the round before stands in front of it; the first round has it from outside.
		if target := mutationTarget(d); target.Valid() {
			prev = e.outerPath(target, d, ctx)
		}
	}
	if prev == bottom {
		return bottom
	}
	// Ways on which the key is set already or not yet join here; a key that only some ways wrote is kept as maybe there.
	var base *Value
	var others []*Value
	for _, a := range prev.Alternatives() {
		switch {
		case a.Kind != Dict:
			others = append(others, e.mutatedOther(d, a, ctx))
		case base == nil:
			base = a
		default:
			base = joinDicts(base, a)
		}
	}
	if base == nil {
		return join(d.Node, ctx, others...)
	}
	dv := base.Dict
	switch d.Kind {
	case DefItem:
		key, ok := e.Eval(d.Key, ctx).Text()
		if !ok {
			dv = dv.opened()
			if d.Value.Valid() && len(d.Index) == 0 {
				dv = dv.holding(Expr{Node: d.Value, Ctx: ctx})
			}
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
		dv = e.withKeywords(dv, d.Value, ctx)
	case DefRemove:
		if key, ok := e.Eval(d.Key, ctx).Text(); ok {
			dv = dv.without(key)
		} else {
			dv = dv.maybe()
		}
	case DefPassed:
		if after := e.passed(d, ctx); after != nil {
			return join(d.Node, ctx, append(others, after)...)
		}
		dv = dv.opened()
	case DefMutate:
		if method := lastName(d.Value.Child(pyast.FieldFunction)); method == "clear" {
			dv = &DictValue{Literal: dv.Literal}
		} else if method == "popitem" {
			dv = dv.maybe()
		} else {
			dv = dv.opened()
		}
	}
	return join(d.Node, ctx, append(others, &Value{Kind: Dict, Node: base.Node, Ctx: base.Ctx, Dict: dv})...)
}

// onlyChanges reports whether the function changes the object of a name or path in place, and never binds it.
func (f *Func) onlyChanges(path string) bool {
	for _, d := range f.defs[path] {
		switch d.Kind {
		case DefItem, DefUpdate, DefRemove, DefMutate, DefPassed:
		default:
			return false
		}
	}
	return len(f.defs[path]) > 0
}

// passed is what a dict holds after a function at hand, which it was passed to, changed it; nil when that cannot be told.
func (e *Evaluator) passed(d *Def, ctx *Ctx) *Value {
	callee := e.Eval(d.Value.Child(pyast.FieldFunction), ctx)
	if callee.Kind != FuncVal || ctx.depth >= maxCallDepth || recursive(ctx, callee.Func) {
		return nil
	}
	f := callee.Func
	inner := e.Enter(f, d.Value, ctx, callee.Base)
	for i := range f.Params {
		p := &f.Params[i]
		x, ok := e.Bind(inner, p)
		if !ok || x.Node != d.Node || len(f.after[p.Name]) == 0 {
			continue
		}
		if v := e.Defs(d.Node, inner, f.after[p.Name]); v.AsDict() != nil {
			return v
		}
	}
	return nil
}

// mutatedOther is a value that is no dict after a mutation: lists grow, what a call gave remembers the keys that are added to it, other
// objects stay what they are.
func (e *Evaluator) mutatedOther(d *Def, a *Value, ctx *Ctx) *Value {
	if a.Kind == Call && d.Kind == DefItem && len(a.Added) < maxAlternatives {
		if key, ok := e.Eval(d.Key, ctx).Text(); ok && len(d.Index) == 0 {
			out := *a
			added := (&DictValue{Entries: a.Added}).with(Entry{Key: key, KeyNode: d.Key, Pair: d.Stmt, Value: Expr{Node: d.Value, Ctx: ctx}})
			out.Added = added.Entries
			return &out
		}
	}
	if a.Kind != List {
		return a
	}
	out := *a
	out.Open = true
	if d.Kind == DefMutate {
		if arg := Args(d.Value).Pos(0); arg.Valid() && len(a.Elems) < 2*maxAlternatives {
			out.Elems = append(out.Elems[:len(out.Elems):len(out.Elems)], e.Eval(arg, ctx))
		}
	}
	out.size = 0
	return &out
}

// mutationTarget is the expression whose object a definition changes.
func mutationTarget(d *Def) pyast.Node {
	switch {
	case d.Kind == DefPassed:
		return d.Node
	case d.Node.Kind() == pyast.KindSubscript:
		return d.Node.Child(pyast.FieldValue)
	}
	return d.Node.Child(pyast.FieldFunction).Child(pyast.FieldObject)
}

// outerPath is what a mutated name was before, when nothing in the function itself says so.
func (e *Evaluator) outerPath(target pyast.Node, d *Def, ctx *Ctx) *Value {
	if target.Kind() == pyast.KindAttribute {
		base := e.Eval(target.Child(pyast.FieldObject), ctx)
		if base.Kind == Instance {
			var others []*Def
			for _, o := range e.attr(base.Class, target.Child(pyast.FieldAttribute).Text()) {
				if o != d {
					others = append(others, o)
				}
			}
			return e.attrDefs(base, others, target, ctx)
		}
		return unknown
	}
	for f := ctx.Func.Parent; f != nil; f = f.Parent {
		if defs := slices.DeleteFunc(slices.Clone(e.seen(ctx, f, target.Text())), func(o *Def) bool { return o == d }); len(defs) > 0 {
			return e.Defs(target, e.outer(ctx, f), defs)
		}
	}
	return unknown
}

// joinDicts is a dict that is a on some ways and b on others: keys that are not in both may be missing.
func joinDicts(a, b *Value) *Value {
	d := &DictValue{Open: a.Dict.Open || b.Dict.Open, Rest: a.Dict.Rest, Literal: a.Dict.Literal}
	for _, x := range b.Dict.Rest {
		d = d.holding(x)
	}
	for _, x := range a.Dict.Entries {
		y, ok := b.Dict.Get(x.Key)
		x.Maybe = x.Maybe || y.Maybe || !ok
		if ok {
			x.Value = x.Value.or(y.Value)
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
