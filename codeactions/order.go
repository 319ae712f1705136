package codeactions

import (
	"fmt"
	"strings"

	"github.com/ckpt-lsp/ckpt-lsp/diagnostics"
	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
)

// seedFirst moves seeding statements in front of the statement that draws.
func seedFirst(s *sheet, r diagnostics.SeedFirst) (Fix, bool) {
	if !s.ownLine(r.Before) && strings.TrimSpace(string(s.src[lineStart(s.src, r.Before.Start()):r.Before.Start()])) != "" {
		return Fix{}, false
	}
	var moved strings.Builder
	for _, stmt := range r.Seeds {
		if !s.ownLine(stmt) {
			return Fix{}, false
		}
		start := lineStart(s.src, stmt.Start())
		moved.WriteString(string(s.src[start:lineEnd(s.src, stmt.End())]) + s.newline)
		s.replace(spanOf(start, nextLine(s.src, stmt.End())), "")
	}
	s.insert(lineStart(s.src, r.Before.Start()), moved.String())
	return s.fix(Fix{
		Title:         "Seed before anything is drawn",
		Applicability: diagnostics.Unsafe,
		Why:           "every run then draws different numbers",
	}), true
}

// sortItems sorts what a listing or set gives, before its order is used.
func sortItems(s *sheet, r diagnostics.SortItems) (Fix, bool) {
	key := ""
	switch {
	case r.ByNumber:
		name, of := "path", "str(path)"
		if r.Key != "" {
			name, of = "entry", "entry.name"
		}
		key = ", key=lambda " + name + ": " + s.numbersIn(of)
	case r.Key != "":
		key = ", key=" + r.Key
	}
	fix := Fix{Title: "Sort it", Applicability: diagnostics.Safe, Why: r.Reason}
	if r.Reason != "" {
		fix.Applicability = diagnostics.Unsafe
	}
	for _, n := range r.Inner {
		s.insert(n.Start(), "sorted(")
		s.insert(n.End(), ")")
	}
	s.sorted(r.Items, key)
	for _, n := range r.Others {
		if n.Tree() == r.Items.Tree() {
			s.sorted(n, key)
		}
	}
	return s.fix(fix), true
}

// sorted puts a call of sorted around an expression; list(names) becomes sorted(names).
func (s *sheet) sorted(n pyast.Node, key string) {
	if call := n.Parent().Parent(); n.Parent().Kind() == pyast.KindArgumentList && call.Child(pyast.FieldFunction).TextIs("list") {
		s.replace(call.Child(pyast.FieldFunction).Span(), "sorted")
		if key != "" {
			s.insert(n.End(), key)
		}
		return
	}
	s.insert(n.Start(), "sorted(")
	s.insert(n.End(), key+")")
}

// numbersIn is an expression for the numbers in a name, the first first.
func (s *sheet) numbersIn(name string) string {
	return fmt.Sprintf("[int(n) for n in %s.findall(r%s\\d+%s, %s)]", s.module("re"), s.quote, s.quote, name)
}

// fixSeed writes a seed that is the same in each run.
func fixSeed(s *sheet, r diagnostics.FixSeed) (Fix, bool) {
	fix := Fix{Title: "Use a fixed seed", Applicability: diagnostics.Unsafe, Why: "every run then draws the same numbers"}
	seed := defaultSeed
	if r.Worker {
		fix.Title = "Derive the seed from torch's worker seed"
		seed = s.module("torch") + ".initial_seed() % 2**32"
	}
	s.replace(r.Value.Span(), seed)
	return s.fix(fix), true
}

// ownGenerators make a generator of its own from a library whose global one a call draws from.
var ownGenerators = map[string]string{"numpy.random": ".RandomState(" + defaultSeed + ")", "random": ".Random(" + defaultSeed + ")"}

// seedSplit gives a random split a generator of its own.
func seedSplit(s *sheet, r diagnostics.SeedSplit) (Fix, bool) {
	fn := r.Call.Child(pyast.FieldFunction)
	switch {
	case r.Keyword == "generator":
		s.keyword(r.Call, r.Keyword, s.module("torch")+".Generator().manual_seed("+defaultSeed+")")
	case r.Keyword != "":
		s.keyword(r.Call, r.Keyword, defaultSeed)
	case fn.Kind() == pyast.KindAttribute:
		library := fn.Child(pyast.FieldObject)
		v := s.file.Eval.Eval(library, s.file.Eval.In(s.mod, library))
		if ownGenerators[v.Name] == "" {
			return Fix{}, false
		}
		s.insert(library.End(), ownGenerators[v.Name])
	default:
		return Fix{}, false
	}
	return s.fix(Fix{Title: "Seed the split", Applicability: diagnostics.Unsafe, Why: "the split differs from that of earlier runs"}), true
}

// setEnvironment sets an environment variable in front of a statement, unless it is set already.
func setEnvironment(s *sheet, r diagnostics.SetEnvironment) (Fix, bool) {
	stmt := statement(r.Before)
	if !s.ownLine(stmt) {
		return Fix{}, false
	}
	s.linesBefore(stmt, s.module("os")+".environ.setdefault("+s.str(r.Name)+", "+s.str(r.Value)+")")
	return s.fix(Fix{
		Title:         "Set " + r.Name,
		Applicability: diagnostics.Unsafe,
		Why:           "it counts only if nothing was computed on CUDA before, and takes some memory",
	}), true
}

// seedByRank adds the rank to a seed.
func seedByRank(s *sheet, r diagnostics.SeedByRank) (Fix, bool) {
	rank := r.Rank
	if rank == "" {
		rank = s.module("torch.distributed") + ".get_rank()"
	}
	if r.Seed.Is(pyast.KindConditionalExpression, pyast.KindBooleanOperator, pyast.KindLambda) {
		s.insert(r.Seed.Start(), "(")
		rank = ") + " + rank
	} else {
		rank = " + " + rank
	}
	s.insert(r.Seed.End(), rank)
	return s.fix(Fix{
		Title:         "Add the rank to the seed",
		Applicability: diagnostics.Unsafe,
		Why:           "models are built with other weights on each rank, and other draws differ too",
	}), true
}
