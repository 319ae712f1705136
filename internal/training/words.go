package training

import (
	"iter"
	"regexp"
	"slices"
	"strings"

	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
	"github.com/ckpt-lsp/ckpt-lsp/internal/pysem"
)

// involved are the files whose functions the entry points run, this one first.
func (f *File) involved() []*pysem.Module {
	if f.modules == nil {
		f.modules = []*pysem.Module{f.Module}
		for _, fn := range f.tracer.Entered() {
			if !slices.Contains(f.modules, fn.Module) {
				f.modules = append(f.modules, fn.Module)
			}
		}
	}
	return f.modules
}

// nodes are the nodes of the files involved.
func (f *File) nodes() iter.Seq[pyast.Node] {
	return func(yield func(pyast.Node) bool) {
		for _, m := range f.involved() {
			for n := range m.Tree.Root().Descendants() {
				if !yield(n) {
					return
				}
			}
		}
	}
}

// names reports whether any name in the files involved matches a pattern.
func (f *File) names(pattern *regexp.Regexp) bool {
	return slices.ContainsFunc(f.involved(), func(m *pysem.Module) bool { return m.Words().Names.Match(pattern) })
}

// speaks reports whether any name or string in the files involved matches a pattern.
func (f *File) speaks(pattern *regexp.Regexp) bool {
	return slices.ContainsFunc(f.involved(), func(m *pysem.Module) bool {
		w := m.Words()
		return w.Names.Match(pattern) || w.Strings.Match(pattern)
	})
}

// says reports whether any string in the files involved is as asked.
func (f *File) says(is func(string) bool) bool {
	return slices.ContainsFunc(f.involved(), func(m *pysem.Module) bool { return slices.ContainsFunc(m.Words().Strings.All, is) })
}

// SelectsBest reports whether the file names anything that keeps or stops at a best value.
func (f *File) SelectsBest() bool {
	return f.speaks(selection)
}

// HandlesPrefix reports whether the file knows of a key prefix: it names "module." in a string or strips it with a helper.
func (f *File) HandlesPrefix(prefix string) bool {
	if f.names(prefixHelper) || f.says(func(s string) bool { return strings.Contains(s, prefix+".") && !strings.Contains(s, " ") }) {
		return true
	}
	if !f.says(func(s string) bool { return s == prefix }) {
		return false
	}
	for n := range f.nodes() {
		if n.Kind() == pyast.KindStringContent && n.TextIs(prefix) && !reachesInto(n, prefix) && !namesKey(n.Parent()) {
			return true
		}
	}
	return false
}

// namesKey reports whether a string is a key of a dict, written out, read or asked for where it is then read, `if "module" in config:
// load(config["module"])`: a setting's name.
func namesKey(n pyast.Node) bool {
	switch p := n.Parent(); p.Kind() {
	case pyast.KindPair:
		return n.Field() == pyast.FieldKey
	case pyast.KindSubscript:
		return n.Field() == pyast.FieldSubscript
	case pyast.KindArgumentList:
		name := calledName(p.Parent())
		return name == "pop" || name == "get"
	case pyast.KindComparisonOperator:
		_, op, dict := comparison(p)
		read := dict.Text() + "[" + n.Text() + "]"
		return (op == "in" || op == "not in") && mentionsText(n.Ancestor(pyast.KindFunctionDefinition, pyast.KindModule), read)
	}
	return false
}

// reachesInto reports whether a string is what `hasattr(model, "module")` asks for, only to use something inside the module:
// `model.module.decoder`. That says nothing of the keys.
func reachesInto(n pyast.Node, prefix string) bool {
	call := n.Ancestor(pyast.KindCall)
	if !call.Child(pyast.FieldFunction).TextIs("hasattr") {
		return false
	}
	text := statementOf(call).Text()
	for rest := text; ; {
		_, behind, found := strings.Cut(rest, "."+prefix)
		if !found {
			return !strings.Contains(text, "state_dict")
		}
		if !strings.HasPrefix(behind, ".") && !strings.HasPrefix(behind, "(") {
			return false // the module itself is taken
		}
		rest = behind
	}
}
