package codeactions

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/ckpt-lsp/ckpt-lsp/diagnostics"
	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
	"github.com/ckpt-lsp/ckpt-lsp/internal/pysem"
	"github.com/ckpt-lsp/ckpt-lsp/internal/training"
)

// atomicSave writes beside the file and renames, so that a kill at any moment leaves the old file or the new one.
func atomicSave(s *sheet, r diagnostics.AtomicSave) (Fix, bool) {
	stmt, path, ok := s.written(r.Save)
	if !ok {
		return Fix{}, false
	}
	target := path.Text()
	if strings.ContainsAny(target, "\r\n") || !path.Is(pyast.KindIdentifier, pyast.KindAttribute, pyast.KindString) && len(target) > 24 {
		// A long expression is named first.
		name := s.unused(stmt, "path")
		s.linesBefore(stmt, name+" = "+target)
		target = name
	}
	beside := s.beside(path, target)
	s.replace(path.Span(), beside)
	s.linesAfter(stmt, fmt.Sprintf("%s.replace(%s, %s)", s.module("os"), beside, target))
	return s.fix(Fix{Title: "Write beside the file and rename it", Applicability: applicability(r.Reason == ""), Why: r.Reason}), true
}

// written are the statement behind which the file of a save is written, and the expression of the file's name: of a file object that
// a with statement opens, that statement and the name that is opened. There are none for other file objects.
func (s *sheet) written(save *training.SaveSite) (stmt, path pyast.Node, ok bool) {
	stmt, path = statement(save.Node), pysem.Args(save.Node).Get(1, "f")
	if stmt.Kind() != pyast.KindExpressionStatement || stmt.Nth(0) != save.Node || !s.ownLine(stmt) || !path.Valid() {
		return stmt, path, false
	}
	with, object := opening(save)
	if !object {
		return stmt, path, true
	}
	return with, save.Written.Node, with.Valid()
}

// opening is the with statement that opens the file object that a save writes to, and whether it writes to one at all.
func opening(save *training.SaveSite) (with pyast.Node, object bool) {
	target := pysem.Args(save.Node).Get(1, "f")
	if !target.Valid() {
		return pyast.Node{}, false
	}
	if _, method, ok := save.Written.Value.Method(); ok && method == "open" {
		return pyast.Node{}, true
	}
	if save.Written.Node == target {
		return pyast.Node{}, false
	}
	for n := save.Written.Node; n.Valid() && n.Kind() != pyast.KindBlock; n = n.Parent() {
		if n.Kind() == pyast.KindWithStatement && n.Encloses(save.Node) {
			return n, true
		}
	}
	return pyast.Node{}, true
}

// beside is the expression of a temporary name in the same directory.
func (s *sheet) beside(path pyast.Node, target string) string {
	if path.Kind() == pyast.KindString && target == path.Text() {
		end := path.Text()
		q := len(end)
		for q > 0 && (end[q-1] == '"' || end[q-1] == '\'') {
			q--
		}
		return end[:q] + ".tmp" + end[q:]
	}
	q := s.quote
	if strings.Contains(target, q) {
		q = map[string]string{`"`: "'", "'": `"`}[q]
	}
	if strings.Contains(target, `"`) && strings.Contains(target, "'") {
		return "str(" + target + ") + " + s.str(".tmp")
	}
	return "f" + q + "{" + target + "}.tmp" + q
}

var bestWord = regexp.MustCompile(`(?i)best`)

// saveLast writes the payload of a best-only save to a file of its own, behind the test in each epoch.
func saveLast(s *sheet, r diagnostics.SaveLast) (Fix, bool) {
	save := r.Save
	args := pysem.Args(save.Node)
	name, ok := pysem.StringLiteral(save.Path.Node)
	behind := inBody(save.Node, save.Ctx, save.EpochLoop.Node.Child(pyast.FieldBody))
	if !ok || !bestWord.MatchString(name) || save.Dict == nil || args.Pos(0) != save.Dict.Literal || args.Pos(1) != save.Path.Node || len(args.Keyword) > 0 ||
		!behind.Is(pyast.KindIfStatement) || !s.ownLine(behind) || s.mod.Scope(save.Node) != s.mod.Scope(behind) || strings.Contains(args.Pos(0).Text(), "\n") {
		return Fix{}, false
	}
	last := bestWord.ReplaceAllString(name, "last")
	s.linesAfter(behind, fmt.Sprintf("%s(%s, %s)", save.Node.Child(pyast.FieldFunction).Text(), args.Pos(0).Text(), s.str(last)))
	return s.fix(Fix{
		Title:         "Write " + last + " in every epoch",
		Applicability: diagnostics.Unsafe,
		Why:           "it takes more disk and time, and only a resume from the new file gains by it",
	}), true
}

// keepBest saves the model beside when the validation metric is the best so far.
func keepBest(s *sheet, r diagnostics.KeepBest) (Fix, bool) {
	loop := r.Save.EpochLoop
	if loop == nil || r.Metric == "" {
		return Fix{}, false
	}
	body := loop.Node.Child(pyast.FieldBody)
	save := inBody(r.Save.Node, r.Save.Ctx, body)
	model := ""
	for _, c := range r.Save.Components {
		if c.Object != nil && c.Object.Kind == training.Model && c.Value.Node.Valid() && c.Role == training.RoleState {
			model = c.Value.Node.Text()
		}
	}
	if !save.Valid() || model == "" || s.mod.Scope(r.Save.Node) != s.mod.Scope(save) {
		return Fix{}, false
	}
	best, start, op := "best_"+strings.TrimPrefix(r.Metric[strings.LastIndexByte(r.Metric, '.')+1:], "val_"), "float("+s.str("inf")+")", "<"
	if r.Higher {
		start, op = "float("+s.str("-inf")+")", ">"
	}
	if len(s.mod.Scope(save).Defs(best)) > 0 {
		return Fix{}, false
	}
	tc := s.module("torch")
	s.linesBefore(loop.Node, best+" = "+start)
	s.linesBefore(save,
		fmt.Sprintf("if %s %s %s:", r.Metric, op, best),
		fmt.Sprintf("\t%s = float(%s)", best, r.Metric),
		fmt.Sprintf("\t%s.save(%s, %s)", tc, model, s.str("best.pt")),
	)
	return s.fix(Fix{
		Title:         fmt.Sprintf("Keep the best model by `%s`", r.Metric),
		Applicability: diagnostics.Unsafe,
		Why:           "it writes another file, best.pt",
	}), true
}
