package project

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"

	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
	"github.com/ckpt-lsp/ckpt-lsp/internal/pysem"
)

// These bound what is read to find out what a directory's files put on sys.path: the files in it, and the bytes of one. Beyond them lie no
// folders of programs, and no programs.
const (
	mostBeside = 250
	mostOfOne  = 1 << 20
)

// searched are the directories of the project that the Python files of a directory put on sys.path, in the order of the files.
func (p *Program) searched(dir string) []string {
	p.disk.mu.Lock()
	out, ok := p.disk.searched[dir]
	p.disk.mu.Unlock()
	if ok {
		return out
	}
	beside := p.pythonIn(dir)
	if len(beside) > mostBeside {
		beside = nil
	}
	for _, path := range beside {
		if info, err := os.Stat(path); p.open[path] == nil && (err != nil || info.Size() > mostOfOne) {
			continue
		}
		for _, d := range p.Unit(path).searches(p.root) {
			if !slices.Contains(out, d) {
				out = append(out, d)
			}
		}
	}
	p.disk.mu.Lock()
	p.disk.searched[dir] = out
	p.disk.mu.Unlock()
	return out
}

// searches are the directories below root that a file puts on sys.path.
func (u *Unit) searches(root string) []string {
	u.adding.Do(func() {
		src, err := u.Source()
		if err != nil || !bytes.Contains(src.Text, []byte("sys.path")) {
			return
		}
		if m := u.Module(); m != nil {
			u.adds = pathAdditions(m)
		}
	})
	var out []string
	for _, dir := range u.adds {
		ways := []string{dir}
		if !filepath.IsAbs(dir) { // where the program is started
			ways = []string{filepath.Join(filepath.Dir(u.Path), dir), filepath.Join(root, dir)}
		}
		for _, way := range ways {
			if rel, err := filepath.Rel(root, way); err == nil && filepath.IsLocal(rel) {
				out = append(out, filepath.Clean(way))
			}
		}
	}
	return out
}

// pathAdditions are the directories that a module puts on sys.path, itself or by a function of its own: absolute ones, as far as they follow
// from where its file stands, and names that are relative to where the program is started.
func pathAdditions(m *pysem.Module) []string {
	e := pysem.NewEvaluator()
	var calls []pyast.Node
	for _, f := range m.Funcs {
		calls = append(calls, f.Calls...)
	}
	var out []string
	add := func(v *pysem.Value) {
		for _, a := range v.Alternatives() {
			if dir := placeOf(e, m, a); dir != "" && !slices.Contains(out, dir) {
				out = append(out, dir)
			}
		}
	}
	for _, call := range calls {
		fn := call.Child(pyast.FieldFunction)
		position := slices.Index([]string{"append", "insert"}, fn.Child(pyast.FieldAttribute).Text())
		list := fn.Child(pyast.FieldObject) // what a call of append before has changed
		if position < 0 || !list.Child(pyast.FieldAttribute).TextIs("path") || e.Eval(list.Child(pyast.FieldObject), e.In(m, call)).Name != "sys" {
			continue
		}
		v := e.Eval(pysem.Args(call).Pos(position), e.In(m, call))
		if v.Kind != pysem.ParamVal {
			add(v)
			continue
		}
		of := m.Scope(call) // a function that adds what it is given
		at := slices.IndexFunc(of.Params, func(p pysem.Param) bool { return p.Name == v.Name })
		for _, c := range calls {
			ctx := e.In(m, c)
			if f := e.Eval(c.Child(pyast.FieldFunction), ctx); at >= 0 && f.Kind == pysem.FuncVal && f.Func == of {
				add(e.Eval(pysem.Args(c).Get(at, v.Name), ctx))
			}
		}
	}
	return out
}

// placeOf is the path that a value stands for, relative to where the program is started unless it is made from `__file__`; "" for what is not
// known.
func placeOf(e *pysem.Evaluator, m *pysem.Module, v *pysem.Value) string {
	if v.Node.TextIs("__file__") {
		return m.Path
	}
	of := func(n pyast.Node) string { return placeOf(e, m, e.Eval(n, v.Ctx)) }
	above := func(place string, up int64) string {
		for ; place != "" && up > 0; up-- {
			place = filepath.Dir(place)
		}
		return place
	}
	switch callee := v.Callee(); {
	case v.Kind == pysem.Str:
		return joinedPlace(e, m, v.Parts)
	case v.Kind == pysem.External:
		return namedPlaces[v.Name]
	case callee == "os.getcwd", callee == "pathlib.Path.cwd":
		return "."
	case callee == "os.path.dirname":
		return above(of(pysem.Args(v.Node).Pos(0)), 1)
	case samePlace[callee]:
		return of(pysem.Args(v.Node).Pos(0))
	case v.Kind == pysem.Attr && v.Name == "parent":
		return above(placeOf(e, m, v.Base), 1)
	case v.Kind == pysem.Item && v.Base.Kind == pysem.Attr && v.Base.Name == "parents" && v.Other.Kind == pysem.Int && v.Other.Int >= 0: // Path(__file__).parents[1]
		return above(placeOf(e, m, v.Base.Base), v.Other.Int+1)
	}
	if recv, method, ok := v.Method(); ok && (method == "resolve" || method == "absolute" || method == "as_posix") {
		return placeOf(e, m, recv)
	}
	return ""
}

// samePlace are functions that give the path that they are given.
var samePlace = map[string]bool{
	"os.path.abspath": true, "os.path.realpath": true, "os.path.normpath": true, "os.path.expanduser": true, "os.fspath": true,
	"pathlib.Path": true, "pathlib.PurePath": true, "builtins.str": true,
}

var namedPlaces = map[string]string{"os.pardir": "..", "os.path.pardir": "..", "os.curdir": ".", "os.path.curdir": "."}

// joinedPlace is the path that a string spells, which may begin with a place.
func joinedPlace(e *pysem.Evaluator, m *pysem.Module, parts []pysem.Part) string {
	place := ""
	for i, part := range parts {
		switch {
		case part.Hole == nil:
			place += part.Lit
		case i > 0 && part.Hole.Kind != pysem.External: // what follows a place is text
			return ""
		default:
			of := placeOf(e, m, part.Hole)
			if of == "" {
				return ""
			}
			place += of
		}
	}
	return filepath.Clean(place)
}
