package training

import (
	"slices"
	"strings"

	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
	"github.com/ckpt-lsp/ckpt-lsp/internal/pysem"
	"github.com/ckpt-lsp/ckpt-lsp/internal/torch"
)

// UnstableOp is an operation of a model that is documented as nondeterministic on CUDA.
type UnstableOp struct {
	torch.Nondeterminism
	Call pyast.Node
	// Argument is the argument that makes it so as `mode="bilinear"`, "" for none.
	Argument string
}

// UnstableOps are the first of each such operation in each model class of the file or of the run, and in what builds models
// outside of classes.
func (r *Run) UnstableOps() []UnstableOp {
	f := r.File
	var out []UnstableOp
	for _, c := range r.modelClasses() {
		out = append(out, f.unstableIn(c.Module, c.Node)...)
	}
	for _, fn := range f.Module.Funcs {
		if fn.Node.Ancestor(pyast.KindClassDefinition).Valid() {
			continue
		}
		for _, c := range fn.Calls {
			if op, ok := f.unstable(f.Module, c); ok && layer(op.Name) && !(op.Backward && (evaluates(fn) || f.onlyShows(c))) {
				out = append(out, op)
			}
		}
	}
	return out
}

// evaluates reports whether a function works without gradients: no backward pass comes of what it builds.
func evaluates(fn *pysem.Func) bool {
	without := false
	for _, c := range fn.Calls {
		switch calledName(c) {
		case "no_grad", "inference_mode":
			without = true
		case "backward", "step", "fit", "train":
			return false
		}
	}
	return without
}

// onlyShows reports whether a layer is built to be called and its results to be printed or dropped: no backward pass goes through it.
func (f *File) onlyShows(built pyast.Node) bool {
	return f.eachUse(assigned(built), func(n pyast.Node) bool {
		call := n.Parent()
		return call.Kind() == pyast.KindCall && n.Field() == pyast.FieldFunction && f.printed(call, 0)
	})
}

// printed reports whether a value is printed or dropped, and nothing else, by way of names and attributes of it.
func (f *File) printed(n pyast.Node, depth int) bool {
	const deep = 4
	for n.Parent().Kind() == pyast.KindAttribute && n.Field() == pyast.FieldObject {
		n = n.Parent()
	}
	switch p := n.Parent(); p.Kind() {
	case pyast.KindExpressionStatement:
		return n.Kind() == pyast.KindCall
	case pyast.KindArgumentList:
		return f.qualified(p.Parent().Child(pyast.FieldFunction)) == "builtins.print"
	case pyast.KindAssignment:
		return depth < deep && f.eachUse(p.Child(pyast.FieldLeft), func(use pyast.Node) bool { return f.printed(use, depth+1) })
	}
	return false
}

// eachUse reports whether a target is a name of a function or module that is read, and each reading of it is as asked.
func (f *File) eachUse(target pyast.Node, ok func(pyast.Node) bool) bool {
	if target.Kind() != pyast.KindIdentifier {
		return false
	}
	used := false
	for _, n := range f.inScope(target) {
		if isTarget(n) {
			continue
		}
		if used = true; !ok(n) {
			return false
		}
	}
	return used
}

// layer reports whether an operation is a module's class: it is part of a model wherever it is built.
func layer(name string) bool {
	last := name[strings.LastIndexByte(name, '.')+1:]
	return strings.HasPrefix(name, "torch.nn.") && last[0] >= 'A' && last[0] <= 'Z'
}

// modelClasses are the model classes of the file, and those of others that the run builds, with the models they are built of.
func (r *Run) modelClasses() []*pysem.Class {
	f := r.File
	var out []*pysem.Class
	add := func(c *pysem.Class) {
		if !slices.Contains(out, c) && f.isModule(c) {
			out = append(out, c)
		}
	}
	for _, c := range f.Module.Classes {
		add(c)
	}
	for _, ev := range r.Events {
		if ev.Kind == pysem.EventCall {
			for _, a := range f.Eval.Eval(ev.Node.Child(pyast.FieldFunction), ev.Ctx).Alternatives() {
				if a.Kind == pysem.ClassVal {
					add(a.Class)
				}
			}
		}
	}
	for i := 0; i < len(out); i++ {
		for n := range out[i].Node.Descendants() {
			if n.Kind() != pyast.KindCall {
				continue
			}
			fn := n.Child(pyast.FieldFunction)
			if v := f.Eval.Eval(fn, f.Eval.In(out[i].Module, fn)); v.Kind == pysem.ClassVal {
				add(v.Class)
			}
		}
	}
	return out
}

// unstableIn are the first of each nondeterministic operation below a node.
func (f *File) unstableIn(m *pysem.Module, root pyast.Node) []UnstableOp {
	var out []UnstableOp
	seen := map[string]bool{}
	for n := range root.Descendants() {
		if n.Kind() != pyast.KindCall {
			continue
		}
		if op, ok := f.unstable(m, n); ok && !seen[op.Name] {
			seen[op.Name] = true
			out = append(out, op)
		}
	}
	return out
}

// unstable judges one call.
func (f *File) unstable(m *pysem.Module, call pyast.Node) (UnstableOp, bool) {
	fn := call.Child(pyast.FieldFunction)
	name := calleeName(f.Eval.Eval(fn, f.Eval.In(m, fn)))
	if name == "" && fn.Kind() == pyast.KindAttribute {
		name = "Tensor." + fn.Child(pyast.FieldAttribute).Text()
	}
	n, ok := torch.Nondeterministic(name)
	if !ok {
		return UnstableOp{}, false
	}
	op := UnstableOp{Nondeterminism: n, Call: call}
	if n.Argument == "" {
		return op, true
	}
	arg := pysem.Args(call).Get(n.Position, n.Argument)
	if !arg.Valid() {
		return op, false
	}
	op.Argument = n.Argument + "=" + strings.Join(strings.Fields(arg.Text()), " ")
	v := f.Eval.Eval(arg, f.Eval.In(m, arg))
	switch {
	case n.Unless1:
		return op, otherThanOne(v)
	case n.Values != nil:
		text, ok := v.Text()
		return op, ok && slices.Contains(n.Values, text)
	}
	return op, v.Kind != pysem.NoneVal
}

// otherThanOne reports whether an output size is known and is not 1 in every direction.
func otherThanOne(v *pysem.Value) bool {
	sizes := []*pysem.Value{v}
	if v.Kind == pysem.Tuple || v.Kind == pysem.List {
		sizes = v.Elems
	}
	other := false
	for _, s := range sizes {
		if s.Kind != pysem.Int && s.Kind != pysem.NoneVal {
			return false
		}
		other = other || s.Kind == pysem.NoneVal || s.Int != 1
	}
	return other
}
