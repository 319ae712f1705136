package training

import (
	"regexp"
	"slices"

	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
	"github.com/ckpt-lsp/ckpt-lsp/internal/pysem"
)

// ClassState is what a class of the file gives by state_dict and takes back by load_state_dict, all keys of which are known.
type ClassState struct {
	Class       *pysem.Class
	Gives, Take *pysem.Func
	Given       *pysem.DictValue
	// Reads are the keys that load_state_dict reads, by its own text or by that of a class above it.
	Reads []KeyRead
}

// ClassStates are those of the file's classes.
func (f *File) ClassStates() []ClassState {
	var out []ClassState
	for _, c := range f.Module.Classes {
		s := ClassState{Class: c, Gives: c.Methods["state_dict"], Take: c.Methods["load_state_dict"]}
		if s.Gives == nil || s.Take == nil || s.Gives.Yields || len(s.Gives.Returns) == 0 {
			continue
		}
		ctx := f.Eval.Root(s.Gives, nil)
		whole := true
		var given *pysem.DictValue
		for _, n := range s.Gives.Returns {
			d := f.Eval.Eval(n, ctx).AsDict()
			if d == nil || d.Open || given != nil {
				whole = false
				break
			}
			given = d
		}
		reads, known := f.takenKeys(s.Take, 0)
		if !whole || !known || len(reads) == 0 {
			continue
		}
		s.Given, s.Reads = given, reads
		out = append(out, s)
	}
	return out
}

// takenKeys are the keys that a load_state_dict reads from what it is handed; known is false where that goes out of sight.
func (f *File) takenKeys(fn *pysem.Func, depth int) (reads []KeyRead, known bool) {
	p := fn.FirstPassed()
	if p == nil || depth > 4 {
		return nil, false
	}
	ctx := f.Eval.Root(fn, nil)
	for n := range fn.Body.Descendants() {
		if n.Kind() != pyast.KindIdentifier || !n.TextIs(p.Name) || n.Field() == pyast.FieldAttribute || n.Field() == pyast.FieldName {
			continue
		}
		if v := f.Eval.Eval(n, ctx); v.Kind != pysem.ParamVal || v.Name != p.Name {
			return nil, false
		}
		more, ok := f.takenBy(n, ctx, depth)
		if !ok {
			return nil, false
		}
		reads = append(reads, more...)
	}
	return reads, true
}

// takenBy are the keys that one use of the dict reads.
func (f *File) takenBy(n pyast.Node, ctx *pysem.Ctx, depth int) (reads []KeyRead, known bool) {
	use := n.Parent()
	switch use.Kind() {
	case pyast.KindSubscript:
		if key, ok := f.Eval.Eval(use.Child(pyast.FieldSubscript), ctx).Text(); ok && use.Field() != pyast.FieldLeft {
			return []KeyRead{{Key: key, Node: use, Ctx: ctx}}, true
		}
	case pyast.KindComparisonOperator:
		if _, op, right := comparison(use); right == n && (op == "in" || op == "not in") {
			if key, ok := f.Eval.Eval(use.Nth(0), ctx).Text(); ok {
				return []KeyRead{{Key: key, Node: use, Ctx: ctx, Tested: true}}, true
			}
		}
	case pyast.KindAttribute:
		call := use.Parent()
		if name := use.Child(pyast.FieldAttribute); call.Kind() == pyast.KindCall && (name.TextIs("get") || name.TextIs("pop")) {
			args := pysem.Args(call)
			if key, ok := f.Eval.Eval(args.Pos(0), ctx).Text(); ok {
				return []KeyRead{{Key: key, Node: call, Ctx: ctx, Default: name.TextIs("get") || args.Pos(1).Valid()}}, true
			}
		}
	case pyast.KindArgumentList:
		call := use.Parent()
		fn := call.Child(pyast.FieldFunction)
		if fn.Kind() == pyast.KindAttribute && fn.Child(pyast.FieldAttribute).TextIs("load_state_dict") && fn.Child(pyast.FieldObject).TextIs("super()") {
			if above := f.Eval.Eval(fn, ctx); above.Kind == pysem.FuncVal {
				return f.takenKeys(above.Func, depth+1)
			}
		}
	}
	return nil, false
}

// reads reports whether a key is read, or asked for.
func (s ClassState) reads(key string) bool {
	return slices.ContainsFunc(s.Reads, func(r KeyRead) bool { return r.Key == key })
}

// Dropped are the keys that are given and never taken back, of attributes that are carried on as the program runs and that
// load_state_dict does not name.
func (s ClassState) Dropped() []pysem.Entry {
	var out []pysem.Entry
	for _, x := range s.Given.Entries {
		name, ok := s.attribute(x)
		if ok && !s.reads(x.Key) && s.carries(name) && !s.names(s.Take, name) {
			out = append(out, x)
		}
	}
	return out
}

// attribute is the attribute of the instance that an entry holds as it is.
func (s ClassState) attribute(x pysem.Entry) (name string, ok bool) {
	n := x.Value.Node
	if n.Kind() != pyast.KindAttribute || !n.Child(pyast.FieldObject).TextIs("self") {
		return "", false
	}
	return n.Child(pyast.FieldAttribute).Text(), true
}

// carries reports whether a method of the class makes the value of an attribute from the one before: adds to it, or sets it under a
// comparison with it.
func (s ClassState) carries(attribute string) bool {
	return slices.ContainsFunc(s.Class.Attrs[attribute], func(d *pysem.Def) bool {
		if d.Func.Class != s.Class || d.Func == s.Take || d.Func.Name == "__init__" {
			return false
		}
		return d.Kind == pysem.DefAug || d.Value.Names(attribute) || d.Stmt.Ancestor(pyast.KindIfStatement).Child(pyast.FieldCondition).Names(attribute)
	})
}

// names reports whether a method, or one of the class that it calls, names an attribute.
func (s ClassState) names(fn *pysem.Func, attribute string) bool {
	seen := map[*pysem.Func]bool{}
	for todo := []*pysem.Func{fn}; len(todo) > 0; todo = todo[1:] {
		if seen[todo[0]] {
			continue
		}
		seen[todo[0]] = true
		if todo[0].Body.Names(attribute) {
			return true
		}
		for _, call := range todo[0].Calls {
			if m := s.Class.Methods[calledName(call)]; m != nil {
				todo = append(todo, m)
			}
		}
	}
	return false
}

// Never are the keys that load_state_dict reads and state_dict never gives. One with a default may be that of an older version: it counts
// where the class names such a thing elsewhere, and nothing else of the state takes its place.
func (s ClassState) Never() []KeyRead {
	var out []KeyRead
	for _, r := range s.Reads {
		_, given := s.Given.Get(r.Key)
		asked := slices.ContainsFunc(s.Reads, func(o KeyRead) bool { return o.Key == r.Key && (o.Tested || o.Node != r.Node && o.Default) })
		tried := r.Node.Ancestor(pyast.KindTryStatement, pyast.KindFunctionDefinition).Is(pyast.KindTryStatement)
		if !given && !r.Tested && !asked && !tried && (!r.Default || s.meant(r)) {
			out = append(out, r)
		}
	}
	return out
}

// meant reports whether a key that is read with a constant for a default is the name of something that the class works with.
func (s ClassState) meant(r KeyRead) bool {
	instead := pysem.Args(r.Node).Pos(1)
	if instead.Valid() && !instead.Is(pyast.KindInteger, pyast.KindFloat, pyast.KindString, pyast.KindNoneLiteral, pyast.KindTrue, pyast.KindFalse) || r.Node.Parent().Is(pyast.KindBooleanOperator) {
		return false
	}
	for n := range s.Class.Node.Child(pyast.FieldBody).Descendants() {
		if n.Kind() == pyast.KindIdentifier && n.TextIs(r.Key) && !s.Take.Node.Encloses(n) && !s.Gives.Node.Encloses(n) {
			return true
		}
	}
	return false
}

// takesUp are the names by which programs take up what they saved.
var takesUp = regexp.MustCompile(`(?i)^load$|^(load|resume|restore)_?\w*(state|checkpoint|ckpt|snapshot|training|model)|^(resume|restore)\w*$`)

// Idle reports whether the files of the directory that use a class take up nothing that was saved, so that its load_state_dict is never
// called there. Where no file uses it, it is for others.
func (f *File) Idle(s ClassState) bool {
	if f.Beside == nil {
		return false
	}
	used := false
	for _, m := range f.Beside() {
		if names := &m.Words().Names; m != f.Module && names.Has(s.Class.Name) {
			if names.Match(takesUp) {
				return false
			}
			used = true
		}
	}
	return used && !slices.ContainsFunc(f.Module.Funcs, func(fn *pysem.Func) bool {
		return fn.Class != s.Class && slices.ContainsFunc(fn.Calls, func(call pyast.Node) bool { return takesUp.MatchString(calledName(call)) })
	})
}
