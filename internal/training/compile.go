package training

import (
	"strings"

	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
	"github.com/ckpt-lsp/ckpt-lsp/internal/pysem"
)

// Compiled reads a `model.state_dict()`: Wrapped says that torch.compile puts `_orig_mod.` into its keys, at least on some ways
// through the program.
func (f *File) Compiled(state *pysem.Value) Wrapping {
	if v := f.stateOf(state); v != nil {
		return f.compiled(v, 0)
	}
	return WrapUnknown
}

// stateOf is what the `model` of a `model.state_dict()` is, on all ways through the program; nil for other values. (The value of
// the call itself knows one of the ways.)
func (f *File) stateOf(state *pysem.Value) *pysem.Value {
	if _, m, ok := state.Method(); ok && m == "state_dict" {
		return f.Eval.Eval(state.Node.Child(pyast.FieldFunction).Child(pyast.FieldObject), state.Ctx)
	}
	return nil
}

// CompiledOf reads the model that a restore loads into.
func (f *File) CompiledOf(x *Restore) Wrapping {
	if x.Value == nil {
		return WrapUnknown
	}
	return f.compiled(x.Value, 0)
}

func (f *File) compiled(v *pysem.Value, depth int) Wrapping {
	if depth > 8 {
		return WrapUnknown
	}
	out := Bare
	for _, a := range v.Alternatives() {
		switch f.compiledOne(a, depth) {
		case WrapUnknown:
			return WrapUnknown
		case Wrapped:
			out = Wrapped
		}
	}
	return out
}

func (f *File) compiledOne(a *pysem.Value, depth int) Wrapping {
	f.Eval.Work.Spend(12) // names are matched
	switch a.Kind {
	case pysem.Instance:
		return Bare
	case pysem.Attr:
		switch a.Name {
		case "_orig_mod":
			return Bare
		case "module":
			return f.compiled(f.owner(a), depth+1)
		}
	case pysem.Call:
		callee := a.Callee()
		switch {
		case callee == "torch.compile":
			return Wrapped
		case moduleWrapper.MatchString(callee):
			args := pysem.Args(a.Node)
			return f.compiled(f.Eval.Eval(args.Get(0, "module"), a.Ctx), depth+1)
		}
		if recv, m, ok := a.Method(); ok && objectMethods[m] && m != "compile" {
			return f.compiled(recv, depth+1)
		}
		// A class or factory of another file makes a bare model as far as its name tells.
		if callee != "" && !strings.HasPrefix(callee, "builtins.") && !wrapsByName.MatchString(callee) {
			return Bare
		}
	}
	return WrapUnknown
}

// owner is what an attribute is asked of, on all ways through the program.
func (f *File) owner(a *pysem.Value) *pysem.Value {
	if a.Node.Kind() == pyast.KindAttribute && a.Ctx != nil {
		return f.Eval.Eval(a.Node.Child(pyast.FieldObject), a.Ctx)
	}
	return a.Base
}

// CompiledAt is the call of torch.compile that made the outermost module of a value, and whether it is that on every way through
// the program; none where another wrapper stands around it.
func (f *File) CompiledAt(v *pysem.Value) (call pyast.Node, always bool) {
	if model := f.stateOf(v); model != nil {
		v = model
	}
	always = true
	for _, a := range v.Alternatives() {
		for {
			inner, m, ok := a.Method()
			if !ok || !objectMethods[m] {
				break
			}
			a = inner
		}
		if a.Kind == pysem.Attr && a.Name == "module" { // DDP(torch.compile(model)).module
			a = f.wrappedIn(f.owner(a))
		}
		if a.Callee() == "torch.compile" {
			call = a.Node
		} else {
			always = false
		}
	}
	return call, always && call.Valid()
}

// wrappedIn is the module inside a data-parallel wrapper, where a value is nothing but one on the ways that have an inside.
func (f *File) wrappedIn(v *pysem.Value) *pysem.Value {
	for _, a := range v.Alternatives() {
		if moduleWrapper.MatchString(a.Callee()) {
			return f.Eval.Eval(pysem.Args(a.Node).Get(0, "module"), a.Ctx)
		}
	}
	return v
}

// HandlesCompiled reports whether the file knows of the prefix of compiled modules: it names it in a string, other than to ask
// for the module inside, or calls a helper that strips prefixes by its name.
func (f *File) HandlesCompiled() bool {
	if f.names(prefixHelper) {
		return true
	}
	for n := range f.Tree.Root().Descendants() {
		if n.Kind() != pyast.KindStringContent || !strings.Contains(n.Text(), "_orig_mod") {
			continue
		}
		if call := n.Ancestor(pyast.KindCall); !call.Child(pyast.FieldFunction).TextIs("getattr") {
			return true
		}
	}
	return false
}
