package codeactions

import (
	"slices"
	"strings"

	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
	"github.com/ckpt-lsp/ckpt-lsp/internal/pysem"
	"github.com/ckpt-lsp/ckpt-lsp/internal/training"
)

// hand gives a function that saves or loads one more parameter for an object that it has no name for, None by default, and passes the
// object where its callers have it. It is the parameter's name, "" where that cannot be done.
func (p *pages) hand(o *training.Object, fn *pysem.Func, ctxs ...*pysem.Ctx) string {
	name := ""
	var calls []pyast.Node
	var given []string
	for _, ctx := range ctxs {
		call, written := p.giver(o, fn, ctx)
		if !call.Valid() {
			return ""
		}
		if !slices.Contains(calls, call) {
			calls, given = append(calls, call), append(given, written)
		}
		if name == "" {
			name = strings.Trim(lastName(written), "_")
		}
	}
	s := p.of(fn.Node)
	if s == nil || name == "" || len(fn.Defs(name)) > 0 || fn.Body.Names(name) || !s.parameter(fn, name) {
		return ""
	}
	for i, call := range calls {
		p.of(call).keyword(call, name, given[i])
	}
	return name
}

// giver is the call of a function by one that surely has the object, and how that one writes it.
func (p *pages) giver(o *training.Object, fn *pysem.Func, ctx *pysem.Ctx) (call pyast.Node, given string) {
	if fn == nil || fn.Node.Kind() != pyast.KindFunctionDefinition || ctx == nil || ctx.Func != fn || ctx.Parent == nil || ctx.Call.Kind() != pyast.KindCall || pysem.Args(ctx.Call).May() {
		return call, ""
	}
	caller := p.of(ctx.Call)
	if caller == nil || caller.mod.Scope(ctx.Call) != ctx.Parent.Func || o.Value != nil && o.Value.Kind == pysem.External {
		return call, ""
	}
	given = caller.name(o, ctx.Call, ctx.Parent)
	if given == "" {
		return call, ""
	}
	if held := caller.standing(given, ctx.Call, ctx.Parent); !held.bound || held.cond != "" && held.cond != given+" is not None" {
		return call, ""
	}
	return ctx.Call, given
}

// parameter gives a function one more parameter, which is None by default.
func (s *sheet) parameter(fn *pysem.Func, name string) bool {
	list := fn.Node.Child(pyast.FieldParameters)
	var last pyast.Node
	for c := range list.Children() {
		switch c.Kind() {
		case pyast.KindListSplatPattern, pyast.KindComment:
			return false
		case pyast.KindDictionarySplatPattern:
			s.insert(c.Start(), name+"=None, ")
			return true
		}
		last = c
	}
	if !last.Valid() {
		s.insert(list.End()-1, name+"=None")
		return true
	}
	s.insert(last.End(), ", "+name+"=None")
	return true
}
