package pysem

import (
	"slices"

	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
)

// Registries are dicts that decorators fill: `@register("name")` puts the class below it under the name.

// maxModules bounds the modules that are searched for what a decorator stands on.
const maxModules = 64

// entered is a class or function that a decorator puts into a registry, under a key that is not known where it is nil.
type entered struct {
	key, value *Value
}

// registered are the values that decorators put into a dict, under a key if it is known: a bound of what the dict holds there.
func (e *Evaluator) registered(d *DictValue, key *Value) []*Value {
	if d == nil {
		return nil
	}
	var out []*Value
	want, known := key.Text()
	for _, x := range slices.Concat(d.Rest, e.puts(d)) {
		p := e.Expr(x)
		if p.Kind != ParamVal || p.Ctx == nil || p.Ctx.Func.FirstPassed() == nil || p.Ctx.Func.FirstPassed().Name != p.Name {
			continue
		}
		for _, r := range e.decoratedBy(p.Ctx.Func) {
			if have, named := text(r.key); known && named && have != want {
				continue
			}
			out = append(out, r.value)
		}
	}
	if len(out) > maxAlternatives {
		return nil
	}
	return out
}

// puts are what functions of a module put into a dict that the module names.
func (e *Evaluator) puts(d *DictValue) []Expr {
	at := d.Literal.Parent()
	if at.Kind() != pyast.KindAssignment || at.Child(pyast.FieldLeft).Kind() != pyast.KindIdentifier {
		return nil
	}
	name := at.Child(pyast.FieldLeft).Text()
	var out []Expr
	for _, m := range e.atHand() {
		if m.Tree != d.Literal.Tree() || m.Scope(at) != m.Top {
			continue
		}
		for _, f := range m.Funcs {
			for _, def := range f.defs[name] {
				if def.Kind == DefItem && len(def.Index) == 0 && f.onlyChanges(name) {
					out = append(out, Expr{Node: def.Value, Ctx: e.Root(f, nil)})
				}
			}
		}
	}
	return out
}

func text(v *Value) (string, bool) {
	if v == nil {
		return "", false
	}
	return v.Text()
}

// decoratedBy are the classes and functions that a function is the decorator of, or is what a call that decorates them returns.
func (e *Evaluator) decoratedBy(f *Func) []entered {
	if out, ok := e.decorated[f]; ok {
		return out
	}
	e.decorated[f] = nil // which one decorator leads to does not hang on itself
	var out []entered
	for _, m := range e.atHand() {
		ctx := e.Root(m.Top, nil)
		look := func(decorators []pyast.Node, v *Value) {
			for _, d := range decorators {
				if by := e.Eval(d, ctx); by.Kind == FuncVal && by.Func == f {
					x := entered{value: v}
					if d.Kind() == pyast.KindCall {
						x.key = e.Eval(Args(d).Pos(0), ctx)
					}
					out = append(out, x)
				}
			}
		}
		for _, c := range m.Classes {
			look(c.decorators(), &Value{Kind: ClassVal, Node: c.Node, Ctx: ctx, Class: c})
		}
		for _, g := range m.Funcs {
			if g.Parent == m.Top && g.Class == nil {
				look(g.Decorators, &Value{Kind: FuncVal, Node: g.Node, Ctx: ctx, Func: g})
			}
		}
	}
	e.decorated[f] = out
	return out
}

// decorators are the decorator expressions of a class.
func (c *Class) decorators() []pyast.Node {
	var out []pyast.Node
	if p := c.Node.Parent(); p.Kind() == pyast.KindDecoratedDefinition {
		for d := range p.Children() {
			if d.Kind() == pyast.KindDecorator {
				out = append(out, d.Nth(0))
			}
		}
	}
	return out
}

// atHand are the modules that the file under analysis leads to, itself first.
func (e *Evaluator) atHand() []*Module {
	if e.home == nil {
		return nil
	}
	out := []*Module{e.home}
	for i := 0; i < len(out) && len(out) < maxModules; i++ {
		for _, m := range e.Links(out[i]) {
			if !slices.Contains(out, m) && len(out) < maxModules {
				out = append(out, m)
			}
		}
	}
	return out
}
