package codeactions

import (
	"strings"

	"github.com/ckpt-lsp/ckpt-lsp/diagnostics"
	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
)

// ofAll are the names for the rank among all processes, by those for the rank within the node, and likewise for predicates.
var ofAll = map[string][]string{
	"local_rank":            {"global_rank", "world_rank", "rank"},
	"LOCAL_RANK":            {"GLOBAL_RANK", "WORLD_RANK", "RANK", "rank"},
	"is_local_main_process": {"is_main_process"},
	"is_local_process_zero": {"is_world_process_zero"},
}

// predicates are those names that the object of a framework has beside the other one, so that they need not be in the file.
var predicates = map[string]bool{"is_local_main_process": true, "is_local_process_zero": true}

// globalRank asks for the rank among all processes: by the name that the file has for it, else of the process group.
func globalRank(s *sheet, r diagnostics.GlobalRank) (Fix, bool) {
	fix := Fix{
		Title:         "Test the rank among all processes",
		Applicability: diagnostics.Unsafe,
		Why:           "where each node has a disk of its own, the other nodes no longer have the file",
	}
	for n := range r.Test.Descendants() {
		if n.Kind() == pyast.KindStringContent && n.TextIs("LOCAL_RANK") { // os.environ["LOCAL_RANK"]
			s.replace(n.Span(), "RANK")
			return s.fix(fix), true
		}
		if n.Kind() != pyast.KindIdentifier {
			continue
		}
		for _, name := range ofAll[n.Text()] {
			if predicates[n.Text()] && n.Parent().Kind() == pyast.KindAttribute || s.known(n, name) {
				s.replace(n.Span(), name)
				return s.fix(fix), true
			}
		}
		if _, ok := ofAll[n.Text()]; ok && !predicates[n.Text()] {
			operand := n
			for p := n.Parent(); p.Is(pyast.KindAttribute, pyast.KindCall); p = p.Parent() {
				operand = p
			}
			s.replace(operand.Span(), s.groupRank(r))
			return s.fix(fix), true
		}
	}
	return Fix{}, false
}

// known says that a name stands for something where a name of its kind is used: a variable in reach, or an attribute that the
// file asks of the same object.
func (s *sheet) known(n pyast.Node, name string) bool {
	if p := n.Parent(); p.Kind() == pyast.KindAttribute && n.Field() == pyast.FieldAttribute {
		object := p.Child(pyast.FieldObject).Text()
		for x := range s.mod.Tree.Root().Descendants() {
			if x.Kind() == pyast.KindAttribute && x.Child(pyast.FieldAttribute).TextIs(name) && x.Child(pyast.FieldObject).TextIs(object) {
				return true
			}
		}
		return false
	}
	for f := s.mod.Scope(n); f != nil; f = f.Parent {
		if len(f.Defs(name)) > 0 {
			return true
		}
	}
	return false
}

// groupRank asks the process group, if there is one for sure; without one the only process is the main one.
func (s *sheet) groupRank(r diagnostics.GlobalRank) string {
	dist := s.module("torch.distributed")
	if r.Grouped && !strings.Contains(r.Test.Text(), "-1") {
		return dist + ".get_rank()"
	}
	return "(" + dist + ".get_rank() if " + dist + ".is_initialized() else 0)"
}
