package pysem

import "strings"

// Resolver finds the module that a dotted name means in a file, as "utils.checkpoint" or, relative to the file's package,
// ".checkpoint"; nil for modules that are not at hand. It must be safe for concurrent use if evaluators on several goroutines
// share it.
type Resolver func(from *Module, name string) *Module

// Module is the module that a name means in a file, nil for those not at hand.
func (e *Evaluator) module(from *Module, name string) *Module {
	if e.resolve == nil || name == "" {
		return nil
	}
	m := e.resolve(from, name)
	if m != nil {
		e.consulted[m] = true
	}
	return m
}

// Consulted are the modules that imports led to so far, whether or not anything was found in them.
func (e *Evaluator) Consulted() map[*Module]bool { return e.consulted }

// imported is what an import of a dotted name gives: a module at hand, or what a module at hand calls so; nil for others.
func (e *Evaluator) imported(from *Module, qualified string) *Value {
	if e.resolve == nil {
		return nil
	}
	if m := e.module(from, qualified); m != nil {
		return &Value{Kind: ModuleVal, Node: m.Top.Node, Ctx: e.Root(m.Top, nil), Module: m, Name: qualified}
	}
	i := strings.LastIndexByte(qualified, '.')
	if i < 0 || i == len(qualified)-1 {
		return nil
	}
	parent := qualified[:i]
	if strings.Trim(parent, ".") == "" {
		parent = qualified[:i+1] // from . import name
	}
	if m := e.module(from, parent); m != nil && m != from {
		return e.exported(m, qualified[i+1:])
	}
	return nil
}

// exported is what another module calls name, in the end: its own definition, what it imported, a module of its package.
func (e *Evaluator) exported(m *Module, name string) *Value {
	if defs := m.Top.defs[name]; len(defs) > 0 {
		ctx := e.Root(m.Top, nil)
		return e.Defs(m.Top.Node, ctx, e.seen(ctx, m.Top, name))
	}
	if v, _ := e.starred(m, name); v != nil {
		return v
	}
	if sub := e.module(m, "."+name); sub != nil && sub != m {
		return &Value{Kind: ModuleVal, Node: sub.Top.Node, Ctx: e.Root(sub.Top, nil), Module: sub, Name: name}
	}
	return nil
}

// starred is what a name of a module means by its star imports; unresolved are those of modules that are not at hand.
func (e *Evaluator) starred(m *Module, name string) (v *Value, unresolved []string) {
	for i := len(m.Stars) - 1; i >= 0; i-- {
		star := e.module(m, m.Stars[i])
		if star == nil {
			unresolved = append(unresolved, m.Stars[i])
			continue
		}
		key := starKey{star, name}
		if star == m || e.starring[key] || strings.HasPrefix(name, "_") {
			continue
		}
		e.starring[key] = true // stars may form a cycle
		v := e.exported(star, name)
		delete(e.starring, key)
		if v != nil {
			return v, nil
		}
	}
	return nil, unresolved
}

type starKey struct {
	module *Module
	name   string
}

// Links are the modules that a file imports directly, or imports names from.
func (e *Evaluator) Links(m *Module) []*Module {
	if out, ok := e.linked[m]; ok {
		return out
	}
	var out []*Module
	seen := map[*Module]bool{m: true}
	add := func(to *Module) {
		if to != nil && !seen[to] {
			seen[to] = true
			out = append(out, to)
		}
	}
	for _, name := range m.Imports {
		if to := e.module(m, name); to != nil {
			add(to)
			continue
		}
		if v := e.imported(m, name); v != nil {
			switch v.Kind {
			case FuncVal:
				add(v.Func.Module)
			case ClassVal:
				add(v.Class.Module)
			}
		}
	}
	for _, name := range m.Stars {
		add(e.module(m, name))
	}
	e.linked[m] = out
	return out
}

// afar are the definitions that functions of imported modules make of an attribute of an object that is handed to them under
// the name that f calls it by: `def load(args, ...): args.start_epoch = ...`.
func (e *Evaluator) afar(path string, f *Func) []*Def {
	if e.resolve == nil {
		return nil
	}
	root, _, isPath := strings.Cut(path, ".")
	if !isPath || root == f.selfName() {
		return nil
	}
	var out []*Def
	for _, m := range e.Links(f.Module) {
		for _, d := range m.pathDefs[path] {
			if d.Func.takes(root) {
				out = append(out, d)
			}
		}
	}
	return out
}

// takes reports whether a function has a parameter of the name, other than its instance.
func (f *Func) takes(name string) bool {
	for i := range f.Params {
		if f.Params[i].Name == name {
			return !(i == 0 && f.Method())
		}
	}
	return false
}
