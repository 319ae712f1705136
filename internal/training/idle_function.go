package training

import (
	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
)

// Uncalled reports whether a place stands in a function of a script that the script names nowhere: another program may import it, but
// a script is there to be run. Functions of modules that run nothing themselves are there for others.
func (f *File) Uncalled(n pyast.Node) bool {
	var outer pyast.Node
	for p := n; p.Valid(); p = p.Parent() {
		if p.Kind() == pyast.KindFunctionDefinition {
			outer = p
		}
		if p.Kind() == pyast.KindClassDefinition {
			return false
		}
	}
	if !outer.Valid() || !f.runs(n.Tree()) {
		return false
	}
	f.Eval.Work.Spend(n.Tree().Len() / 16) // a look at each node
	name := outer.Child(pyast.FieldName).Text()
	for d := range n.Tree().Root().Descendants() {
		if d.Kind() == pyast.KindIdentifier && d.TextIs(name) && !outer.Encloses(d) {
			return false
		}
	}
	return true
}

// runs is runs of the module of a tree, which is looked at once.
func (f *File) runs(tree *pyast.Tree) bool {
	does, known := f.running[tree]
	if !known {
		if f.running == nil {
			f.running = map[*pyast.Tree]bool{}
		}
		does = runs(tree.Root())
		f.running[tree] = does
	}
	return does
}

// runs reports whether a module does more than define and set things: it loops or calls, be it under a test for __main__.
func runs(module pyast.Node) bool {
	for stmt := range module.Children() {
		switch stmt.Kind() {
		case pyast.KindForStatement, pyast.KindWhileStatement, pyast.KindWithStatement:
			return true
		case pyast.KindIfStatement:
			if stmt.Child(pyast.FieldCondition).Names("__name__") {
				return true
			}
		}
	}
	return false
}
