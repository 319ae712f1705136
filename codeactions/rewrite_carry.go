package codeactions

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ckpt-lsp/ckpt-lsp/diagnostics"
	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
	"github.com/ckpt-lsp/ckpt-lsp/internal/pysem"
	"github.com/ckpt-lsp/ckpt-lsp/internal/text"
	"github.com/ckpt-lsp/ckpt-lsp/internal/training"
)

// writeVersions has a checkpoint say which format and which torch wrote it.
func writeVersions(q *question) (fix Fix, call text.Span, reason string, ok bool) {
	saves := q.saves()
	if len(saves) == 0 || !slices.ContainsFunc(saves, holdsStates) {
		return fix, call, "", false
	}
	s := saves[0]
	call = s.Node.Span()
	switch {
	case s.Kind == training.PayloadState:
		return fix, call, "the file is a state dict as it is, which has no place for a version", true
	case !writable(s) || s.Dict.Literal.Tree() != q.mod.Tree:
		return fix, call, "not all that this call saves is known", true
	}
	fix, ok = recordVersion(newSheet(q.file, q.mod), diagnostics.RecordVersion{Save: s})
	if !ok {
		return fix, call, "this checkpoint says both already", true
	}
	return fix, call, "", true
}

// holdsStates says that a save writes the state of a model or an optimizer.
func holdsStates(s *training.SaveSite) bool {
	return s.HasKind(training.Model) || s.HasKind(training.Optimizer)
}

// safetensorsWriter is the function that writes weights beside a checkpoint: each tensor whole and on its own, since tensors that share memory, and
// slices of others, are refused.
const safetensorsWriter = "save_safetensors"

func (s *sheet) writesSafetensors() {
	torch, os, safetensors := s.module("torch"), s.module("os"), s.module("safetensors.torch")
	lines := []string{
		"def " + safetensorsWriter + "(weights, path):",
		"\t'''Write the weights beside a checkpoint, as tensors and text alone.'''",
		"\ttensors = {",
		"\t\tname: tensor.cpu().clone(memory_format=" + torch + ".contiguous_format)",
		"\t\tfor name, tensor in weights.items()",
		"\t\tif " + torch + ".is_tensor(tensor)",
		"\t}",
		"\tversions = {'format': 'pt', 'format_version': '1', 'torch_version': str(" + torch + ".__version__)}",
		"\ttarget = " + os + ".path.splitext(str(path))[0] + '.safetensors'",
		"\t" + safetensors + ".save_file(tensors, target + '.tmp', metadata=versions)",
		"\t" + os + ".replace(target + '.tmp', target)",
	}
	for i := range lines {
		lines[i] = s.quoted(lines[i])
	}
	s.helper(safetensorsWriter, lines)
}

// alsoSafetensors writes the weights of a checkpoint as safetensors beside it, once the checkpoint is in its place.
func alsoSafetensors(q *question) (fix Fix, call text.Span, reason string, ok bool) {
	saves := q.saves()
	if len(saves) == 0 || !saves[0].HasKind(training.Model) || saves[0].Path.Buffer {
		return fix, call, "", false
	}
	save := saves[0]
	call = save.Node.Span()
	_, distributed := save.Distributed()
	s := newSheet(q.file, q.mod)
	stmt, path, written := s.finally(save)
	weights := s.models(save)
	switch {
	case save.Collective || distributed && !q.file.Guarded(save.Frame):
		return fix, call, "every process saves here", true
	case weights == "" || strings.HasPrefix(weights, "{"):
		return fix, call, "the weights of one model are not at hand here", true
	case !written:
		return fix, call, "the file's name is not at hand here", true
	case s.savesTensors(stmt):
		return fix, call, "they are saved so already", true
	case len(q.mod.Top.Defs(safetensorsWriter)) > 0 && !strings.Contains(s.text(q.mod.Top.Defs(safetensorsWriter)), "(weights, path):"):
		return fix, call, fmt.Sprintf("`%s` is something else in this file", safetensorsWriter), true
	}
	s.writesSafetensors()
	s.linesAfter(stmt, fmt.Sprintf("%s(%s, %s)", safetensorsWriter, weights, path))
	why := "it needs the package safetensors, and a second file"
	if len(save.Path.Progress) > 0 && save.Loop != nil {
		why += " beside each, which nothing removes"
	}
	return s.fix(Fix{Applicability: diagnostics.Unsafe, Why: why}), call, "", true
}

// finally are the statement after which the file of a save is whole and in its place, and its name there, as an expression that can be repeated.
func (s *sheet) finally(save *training.SaveSite) (stmt pyast.Node, name string, ok bool) {
	stmt, path, ok := s.written(save)
	if !ok {
		return stmt, "", false
	}
	if renamed := save.Path.Node; renamed.Valid() && renamed != save.Written.Node {
		behind := statement(renamed)
		if renamed.Tree() != s.mod.Tree || behind.Parent() != stmt.Parent() || behind.Start() < stmt.Start() || !s.ownLine(behind) {
			return stmt, "", false
		}
		stmt, path = behind, renamed
	}
	for n := range path.Descendants() {
		if n.Kind() == pyast.KindCall && !strings.HasSuffix(n.Child(pyast.FieldFunction).Text(), "join") {
			return stmt, "", false // which may give another name the next time
		}
	}
	return stmt, path.Text(), path.Kind() != pyast.KindCall && !strings.ContainsAny(path.Text(), "\r\n") || strings.HasSuffix(path.Child(pyast.FieldFunction).Text(), "join")
}

// savesTensors says that safetensors are written after a statement, in its block, or by code of the file's own.
func (s *sheet) savesTensors(stmt pyast.Node) bool {
	for n := stmt.Next(); n.Valid(); n = n.Next() {
		if n.Kind() == pyast.KindExpressionStatement && n.Nth(0).Kind() == pyast.KindCall && n.Nth(0).Child(pyast.FieldFunction).TextIs(safetensorsWriter) {
			return true
		}
	}
	return len(s.mod.Top.Defs(safetensorsWriter)) == 0 && s.mod.Words().Names.Has("safetensors")
}

// text is that of the statements that define a name.
func (s *sheet) text(defs []*pysem.Def) string {
	var out strings.Builder
	for _, d := range defs {
		out.WriteString(statement(d.Node).Text())
	}
	return out.String()
}

// reportDifference has a load that lets keys differ say which did.
func reportDifference(q *question) (fix Fix, call text.Span, reason string, ok bool) {
	for _, r := range q.file.Runs {
		for _, x := range r.Restores {
			if x.Node.Tree() != q.mod.Tree || !x.Node.Span().Overlaps(q.at) || x.Object == nil || x.Object.Kind != training.Model && x.Object.Kind != training.Averaged {
				continue
			}
			call = x.Node.Span()
			if by, _ := x.Lenient(); by == training.Strict {
				return fix, call, "strict is True here: a key that does not match is an error, which names it", true
			}
			if x.ResultUsed {
				return fix, call, "what did not match is looked at already", true
			}
			if fix, ok = reportMismatch(newSheet(q.file, q.mod), diagnostics.ReportMismatch{Restore: x}); !ok {
				return fix, call, "the call does not stand alone on its line", true
			}
			return fix, call, "", true
		}
	}
	return fix, call, "", false
}
