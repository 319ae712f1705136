package codeactions

import (
	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
	"github.com/ckpt-lsp/ckpt-lsp/internal/pysem"
)

// tell is a call that tells something at a place: by the logger that the module makes, by warnings where the module has them, and by
// print otherwise. message is an expression.
func (s *sheet) tell(at pyast.Node, message string) string {
	for n := range s.mod.Tree.Root().Children() {
		if n.Start() >= at.Start() && s.mod.Scope(at) == s.mod.Top {
			break // not made yet
		}
		if name := s.logger(n); name != "" && s.topLevel(at, name) {
			return name + ".warning(" + message + ")"
		}
	}
	if warnings := s.imported("warnings"); warnings != "" && s.topLevel(at, warnings) {
		return warnings + ".warn(" + message + ")"
	}
	return "print(" + message + ")"
}

// logger is the name that a statement of the module's body gives a logger, "" for other statements.
func (s *sheet) logger(stmt pyast.Node) string {
	switch stmt.Kind() {
	case pyast.KindExpressionStatement:
		a := stmt.Nth(0)
		right := a.Child(pyast.FieldRight)
		if a.Kind() == pyast.KindAssignment && a.Child(pyast.FieldLeft).Kind() == pyast.KindIdentifier && right.Kind() == pyast.KindCall &&
			s.file.Eval.Eval(right, s.file.Eval.In(s.mod, right)).Callee() == "logging.getLogger" {
			return a.Child(pyast.FieldLeft).Text()
		}
	case pyast.KindImportFromStatement:
		for d := range stmt.Descendants() {
			for _, def := range s.mod.Top.Defs(d.Text()) {
				if d.Kind() == pyast.KindIdentifier && def.Kind == pysem.DefImport && def.Stmt == stmt && def.Qual == "loguru.logger" {
					return def.Path
				}
			}
		}
	}
	return ""
}

// topLevel says that a name means at a place what the module's body calls so, once.
func (s *sheet) topLevel(at pyast.Node, name string) bool {
	for f := s.mod.Scope(at); f != nil && f != s.mod.Top; f = f.Parent {
		if len(f.Defs(name)) > 0 {
			return false
		}
	}
	return len(s.mod.Top.Defs(name)) == 1
}
