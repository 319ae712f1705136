package training

import (
	"fmt"

	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
	"github.com/ckpt-lsp/ckpt-lsp/internal/pysem"
)

// slot identifies the variable or attribute that an expression names, "" for other expressions. A parameter that its function
// does not assign is the variable that the caller passes.
func (f *File) slot(n pyast.Node, ctx *pysem.Ctx) string {
	switch n.Kind() {
	case pyast.KindAttribute:
		base := f.Eval.Eval(n.Child(pyast.FieldObject), ctx)
		if base.Kind == pysem.Unknown {
			return ""
		}
		return base.Key() + "." + n.Child(pyast.FieldAttribute).Text()
	case pyast.KindIdentifier:
		return f.variable(n.Text(), ctx)
	}
	return ""
}

func (f *File) variable(name string, ctx *pysem.Ctx) string {
	owner := ctx.Func
	for owner != nil && len(owner.Defs(name)) == 0 {
		owner = owner.Parent
	}
	if owner == nil {
		return ""
	}
	at := f.contextOf(owner, ctx)
	if p := onlyParam(owner.Defs(name)); p != nil {
		if x, ok := f.Eval.Bind(at, p); ok && x.Node.Is(pyast.KindIdentifier, pyast.KindAttribute) && x.Ctx != nil {
			return f.slot(x.Node, x.Ctx)
		}
	}
	return fmt.Sprintf("%p:%s", at, name)
}

// contextOf is the context of a function in the chain of callers, or the one without a known caller.
func (f *File) contextOf(fn *pysem.Func, ctx *pysem.Ctx) *pysem.Ctx {
	for c := ctx; c != nil; c = c.Parent {
		if c.Func == fn {
			return c
		}
	}
	return f.Eval.Root(fn, nil)
}

// onlyParam is the parameter that is a name's only binding; changes of the object in place are none.
func onlyParam(defs []*pysem.Def) *pysem.Param {
	var p *pysem.Param
	for _, d := range defs {
		switch d.Kind {
		case pysem.DefParam:
			p = d.Param
		case pysem.DefItem, pysem.DefUpdate, pysem.DefRemove, pysem.DefMutate, pysem.DefPassed:
		default:
			return nil
		}
	}
	return p
}
