// Package pysem says what the names and expressions of a Python file mean: imports and aliases, scopes, reaching definitions,
// values (constants, string shapes, dicts, calls), and the order in which a program's calls happen, seen through the helpers it
// calls. Everything it does not know is the Unknown value; nothing is guessed.
package pysem

import (
	"strings"
	"sync"

	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
)

// Module is one file with its scopes resolved. It is immutable after New and safe for concurrent reading; evaluation state
// lives in an Evaluator.
type Module struct {
	// Path is as the caller named it; Tree is the file's syntax.
	Path string
	Tree *pyast.Tree
	// Top is the module body, treated as a function without parameters.
	Top *Func
	// Funcs are all functions, methods and lambdas in source order, Top first; Classes all classes.
	Funcs   []*Func
	Classes []*Class
	// Stars are the modules of `from m import *`, in order.
	Stars []string
	// Imports are the dotted names that imports anywhere in the file name: modules, or names of modules.
	Imports []string

	funcAt    map[int]*Func  // by node ID of the definition
	classAt   map[int]*Class // by node ID of the definition
	uses      map[int][]*Def // reaching definitions by node ID of a name or dotted path
	pathDefs  map[string][]*Def
	named     map[string][]*Func // functions and methods by name
	enclosing []*Func            // scope by node ID
	classes   map[string]*Class  // the first class of each name
	free      map[string]bool    // names that some function reads without defining them
	// callDefs are the definitions of names read by functions inside that reach a call, by the call's node ID.
	callDefs map[int]map[string][]*Def

	gather sync.Once
	words  Words

	written sync.Once
	style   Style
}

// Func is a function, method, lambda or the module body.
type Func struct {
	Module *Module
	// Node is the function_definition, the lambda, or the module.
	Node pyast.Node
	// Name is "" for lambdas and "<module>" for the module body.
	Name string
	// Class is set for methods; Parent is the enclosing function (Top for module-level functions).
	Class  *Class
	Parent *Func
	Params []Param
	// Decorators are the decorator expressions.
	Decorators []pyast.Node
	Body       pyast.Node
	// Returns are the returned expressions, Yielded the yielded ones; Yields says that calls give a generator.
	Returns, Yielded []pyast.Node
	Yields           bool
	// Calls are the call nodes directly in this function, nested functions left out.
	Calls []pyast.Node

	defs               map[string][]*Def
	globals, nonlocals map[string]bool
	static             bool
	// mutates are the names whose objects the function changes in place, fills such attributes of self; after are the definitions that
	// reach its end: of such parameters and attributes, and of all names for the module body.
	mutates, fills map[string]bool
	after          map[string][]*Def
}

// Param is one declared parameter.
type Param struct {
	Name string
	// Default is the default's expression, if any.
	Default pyast.Node
	// Star is 1 for *args, 2 for **kwargs.
	Star int
	// KeywordOnly parameters cannot be given by position.
	KeywordOnly bool
	Node        pyast.Node
}

// Method reports whether calls through an instance pass the instance as first argument.
func (f *Func) Method() bool { return f.Class != nil && !f.static && len(f.Params) > 0 }

// FirstPassed is the first parameter that a call passes something for, nil where there is none.
func (f *Func) FirstPassed() *Param {
	for i := range f.Params {
		if i > 0 || !f.Method() {
			return &f.Params[i]
		}
	}
	return nil
}

// QualName is "Class.method" or the function's name.
func (f *Func) QualName() string {
	if f.Class != nil {
		return f.Class.Name + "." + f.Name
	}
	return f.Name
}

// Defs are all definitions of a name or dotted path in this function, in source order, flow ignored.
func (f *Func) Defs(path string) []*Def { return f.defs[path] }

// Class is a class definition.
type Class struct {
	Module  *Module
	Node    pyast.Node
	Name    string
	Bases   []pyast.Node
	Methods map[string]*Func
	// Attrs are the definitions of `self.x` in methods and of `x` in the class body.
	Attrs map[string][]*Def
	// Scope is the function the class statement stands in.
	Scope *Func
}

// DefKind says how a name got its value.
type DefKind uint8

// Kinds of definitions.
const (
	DefAssign  DefKind = iota // x = v, walrus, annotated assignment
	DefAug                    // x += v; Prev are the definitions before
	DefItem                   // x[k] = v; Prev are the definitions before
	DefUpdate                 // x.update(v), x.setdefault(k, v): Value is the call; Prev are the definitions before
	DefRemove                 // del x[k], x.pop(k): Prev are the definitions before
	DefMutate                 // another mutating method (append, ...): Value is the call; Prev are the definitions before
	DefFor                    // for x in v, comprehension
	DefWith                   // with v as x
	DefExcept                 // except E as x
	DefImport                 // Qual is the imported name
	DefFunc                   // def x
	DefClass                  // class x
	DefParam                  // parameter
	DefDelete                 // del x
	DefPassed                 // passed to a function at hand that changes it in place: Value is the call; Prev are the definitions before
	DefUnknown                // match captures and the like
)

// Def is one definition of a name ("x") or dotted path ("self.x", "args.start_epoch").
type Def struct {
	Path string
	Kind DefKind
	Func *Func
	// Node is the target; Stmt is the statement or clause; Value the right-hand side; Key the subscript of a DefItem.
	Node, Stmt, Value, Key pyast.Node
	// Index leads to the element of Value when a tuple is unpacked; -1 stands for a starred target.
	Index []int
	Prev  []*Def
	// Qual is the dotted name of an import, with leading dots for relative ones.
	Qual  string
	Param *Param
	// Target is the function or class that a def or class statement binds.
	Target *Func
	Class  *Class
}

// New resolves a tree.
func New(path string, tree *pyast.Tree) *Module {
	m := &Module{
		Path: path, Tree: tree,
		funcAt: map[int]*Func{}, classAt: map[int]*Class{}, uses: map[int][]*Def{}, pathDefs: map[string][]*Def{},
		named: map[string][]*Func{}, enclosing: make([]*Func, tree.Len()), classes: map[string]*Class{}, free: map[string]bool{},
		callDefs: map[int]map[string][]*Def{},
	}
	m.Top = &Func{Module: m, Node: tree.Root(), Name: "<module>", Body: tree.Root(), defs: map[string][]*Def{}}
	m.Funcs = append(m.Funcs, m.Top)
	m.collect(tree.Root(), m.Top, nil)
	var outer []*flower
	for i, f := range m.Funcs {
		w := newFlower(f)
		w.run()
		// Functions inside a function follow it in the list.
		if i+1 < len(m.Funcs) && m.Funcs[i+1].Node.Start() < f.Node.End() {
			outer = append(outer, w)
		}
	}
	for _, w := range outer {
		w.watch()
	}
	return m
}

// collect finds functions and classes, and assigns each node to its scope.
func (m *Module) collect(n pyast.Node, scope *Func, class *Class) {
	m.enclosing[n.ID()] = scope
	switch n.Kind() {
	case pyast.KindFunctionDefinition:
		f := m.newFunc(n, scope, class)
		f.Name = n.Child(pyast.FieldName).Text()
		f.Body = n.Child(pyast.FieldBody)
		if class != nil {
			class.Methods[f.Name] = f
		}
		m.named[f.Name] = append(m.named[f.Name], f)
		for c := range n.Children() {
			if c == f.Body {
				m.collect(c, f, nil)
				continue
			}
			m.collect(c, scope, nil)
		}
		return
	case pyast.KindLambda, pyast.KindLambdaWithinForInClause:
		f := m.newFunc(n, scope, nil)
		f.Body = n.Child(pyast.FieldBody)
		f.Returns = []pyast.Node{f.Body}
		for c := range n.Children() {
			inner := scope
			if c == f.Body {
				inner = f
			}
			m.collect(c, inner, nil)
		}
		return
	case pyast.KindClassDefinition:
		c := &Class{Module: m, Node: n, Name: n.Child(pyast.FieldName).Text(), Methods: map[string]*Func{}, Attrs: map[string][]*Def{}, Scope: scope}
		for b := range n.Child(pyast.FieldSuperclasses).Children() {
			if b.Kind() != pyast.KindKeywordArgument {
				c.Bases = append(c.Bases, b)
			}
		}
		m.Classes = append(m.Classes, c)
		if m.classes[c.Name] == nil {
			m.classes[c.Name] = c
		}
		m.classAt[n.ID()] = c
		for child := range n.Children() {
			m.collect(child, scope, c)
		}
		return
	case pyast.KindReturnStatement:
		scope.Returns = append(scope.Returns, n.Nth(0))
	case pyast.KindYield:
		scope.Yields = true
		if y := n.Nth(0); y.Valid() {
			scope.Yielded = append(scope.Yielded, y)
		}
	case pyast.KindCall:
		scope.Calls = append(scope.Calls, n)
		if fn := n.Child(pyast.FieldFunction); fn.Kind() == pyast.KindAttribute {
			if _, ok := mutators[fn.Child(pyast.FieldAttribute).Text()]; ok {
				scope.changes(fn.Child(pyast.FieldObject))
			}
		}
	case pyast.KindAssignment, pyast.KindAugmentedAssignment:
		scope.changes(n.Child(pyast.FieldLeft).Child(pyast.FieldValue))
	case pyast.KindDeleteStatement:
		scope.changes(n.Nth(0).Child(pyast.FieldValue))
	case pyast.KindGlobalStatement:
		scope.globals = declare(scope.globals, n)
	case pyast.KindNonlocalStatement:
		scope.nonlocals = declare(scope.nonlocals, n)
	}
	// A class body's own blocks keep the class, so that methods inside `if` belong to it.
	for c := range n.Children() {
		m.collect(c, scope, class)
	}
}

// changes notes that the object of a name is changed in place.
func (f *Func) changes(n pyast.Node) {
	if n.Kind() == pyast.KindIdentifier {
		if f.mutates == nil {
			f.mutates = map[string]bool{}
		}
		f.mutates[n.Text()] = true
	}
	if self := f.selfName(); self != "" && n.Kind() == pyast.KindAttribute && n.Child(pyast.FieldObject).TextIs(self) {
		if f.fills == nil {
			f.fills = map[string]bool{}
		}
		f.fills[n.Text()] = true
	}
}

// declare adds the names of a global or nonlocal statement to a set.
func declare(set map[string]bool, statement pyast.Node) map[string]bool {
	if set == nil {
		set = map[string]bool{}
	}
	for c := range statement.Children() {
		set[c.Text()] = true
	}
	return set
}

func (m *Module) newFunc(n pyast.Node, scope *Func, class *Class) *Func {
	f := &Func{Module: m, Node: n, Class: class, Parent: scope, defs: map[string][]*Def{}}
	if p := n.Parent(); p.Kind() == pyast.KindDecoratedDefinition {
		for d := range p.Children() {
			if d.Kind() == pyast.KindDecorator {
				f.Decorators = append(f.Decorators, d.Nth(0))
				if d.Nth(0).TextIs("staticmethod") {
					f.static = true
				}
			}
		}
	}
	f.Params = params(n.Child(pyast.FieldParameters))
	m.Funcs = append(m.Funcs, f)
	m.funcAt[n.ID()] = f
	return f
}

func params(list pyast.Node) []Param {
	var out []Param
	keywordOnly := false
	for p := range list.Children() {
		switch p.Kind() {
		case pyast.KindIdentifier:
			out = append(out, Param{Name: p.Text(), KeywordOnly: keywordOnly, Node: p})
		case pyast.KindTypedParameter:
			inner := p.Nth(0)
			switch inner.Kind() {
			case pyast.KindListSplatPattern:
				out = append(out, Param{Name: inner.Nth(0).Text(), Star: 1, Node: p})
				keywordOnly = true
			case pyast.KindDictionarySplatPattern:
				out = append(out, Param{Name: inner.Nth(0).Text(), Star: 2, Node: p})
			default:
				out = append(out, Param{Name: inner.Text(), KeywordOnly: keywordOnly, Node: p})
			}
		case pyast.KindDefaultParameter, pyast.KindTypedDefaultParameter:
			out = append(out, Param{Name: p.Child(pyast.FieldName).Text(), Default: p.Child(pyast.FieldValue), KeywordOnly: keywordOnly, Node: p})
		case pyast.KindListSplatPattern:
			out = append(out, Param{Name: p.Nth(0).Text(), Star: 1, Node: p})
			keywordOnly = true
		case pyast.KindDictionarySplatPattern:
			out = append(out, Param{Name: p.Nth(0).Text(), Star: 2, Node: p})
		case pyast.KindKeywordSeparator:
			keywordOnly = true
		}
	}
	return out
}

// elsewhere stands for the functions of other files.
var elsewhere = &Func{Name: "<elsewhere>"}

// Scope is the function a node stands in; for a node of another file it is one that is not in this.
func (m *Module) Scope(n pyast.Node) *Func {
	if n.Valid() && n.Tree() != m.Tree {
		return elsewhere
	}
	for ; n.Valid(); n = n.Parent() {
		if f := m.enclosing[n.ID()]; f != nil {
			return f
		}
	}
	return m.Top
}

// FuncAt is the function defined by a node, nil if there is none.
func (m *Module) FuncAt(n pyast.Node) *Func {
	if n.Tree() != m.Tree {
		return nil
	}
	return m.funcAt[n.ID()]
}

// dotted is the path of a name or of attributes on a name ("self.a.b"), "" for any other expression.
func dotted(n pyast.Node) string {
	switch n.Kind() {
	case pyast.KindIdentifier:
		return n.Text()
	case pyast.KindAttribute:
		for b := n; ; b = b.Child(pyast.FieldObject) {
			switch b.Kind() {
			case pyast.KindIdentifier:
				s := n.Text()
				if strings.ContainsAny(s, " \t\r\n\\#(") {
					return strings.Join(strings.FieldsFunc(s, func(r rune) bool { return strings.ContainsRune(" \t\r\n\\", r) }), "")
				}
				return s
			case pyast.KindAttribute:
				continue
			}
			return ""
		}
	}
	return ""
}
