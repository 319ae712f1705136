package codeactions

import (
	"fmt"

	"github.com/ckpt-lsp/ckpt-lsp/diagnostics"
	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
	"github.com/ckpt-lsp/ckpt-lsp/internal/text"
)

// saveThenDelete moves the deletion behind the save; where the save writes the same file, the deletion goes, and the file is
// replaced in one step.
func saveThenDelete(s *sheet, r diagnostics.SaveThenDelete) (Fix, bool) {
	deletion, save := siblings(r.Deletion.Node, r.Save.Node)
	if !deletion.Valid() || deletion == save || !deletesOnly(deletion) || !s.ownLine(deletion) && deletion.Kind() == pyast.KindExpressionStatement {
		return Fix{}, false
	}
	start, end := lineStart(s.src, deletion.Start()), lineEnd(s.src, deletion.End())
	moved := string(s.src[start:end])
	s.replace(text.Span{Start: start, End: nextLine(s.src, deletion.End())}, "")
	if r.Same {
		f, ok := atomicSave(s, diagnostics.AtomicSave{Save: r.Save})
		f.Applicability, f.Why = diagnostics.Unsafe, "for a moment there is a second file beside it"
		return f, ok
	}
	if !s.ownLine(save) && save.Kind() == pyast.KindExpressionStatement {
		return Fix{}, false
	}
	s.insert(lineEnd(s.src, save.End()), s.newline+moved)
	return s.fix(Fix{
		Title:         "Delete the old checkpoint after the new one is written",
		Applicability: diagnostics.Unsafe,
		Why:           "for a moment both are on the disk",
	}), true
}

// siblings are the statements of one block that hold two nodes, none where they stand in different functions.
func siblings(a, b pyast.Node) (pyast.Node, pyast.Node) {
	for x := statement(a); x.Valid() && !x.Is(pyast.KindFunctionDefinition, pyast.KindModule); x = x.Parent() {
		for y := statement(b); y.Valid() && !y.Is(pyast.KindFunctionDefinition, pyast.KindModule); y = y.Parent() {
			if x.Parent() == y.Parent() && x.Parent().Is(pyast.KindBlock, pyast.KindModule) {
				return x, y
			}
		}
	}
	return pyast.Node{}, pyast.Node{}
}

// deletesOnly says that a statement does nothing but delete, perhaps on a condition.
func deletesOnly(n pyast.Node) bool {
	for n.Kind() == pyast.KindIfStatement {
		body := n.Child(pyast.FieldConsequence)
		if n.Child(pyast.FieldAlternative).Valid() || body.Nth(1).Valid() {
			return false
		}
		n = body.Nth(0)
	}
	return n.Kind() == pyast.KindExpressionStatement
}

// spareBest filters a directory listing.
func spareBest(s *sheet, r diagnostics.SpareBest) (Fix, bool) {
	n := r.Listing
	s.replace(n.Span(), fmt.Sprintf("[path for path in %s if %s not in str(path)]", n.Text(), s.str("best")))
	return s.fix(Fix{
		Title:         "Leave the best checkpoint out of the clean-up",
		Applicability: diagnostics.Unsafe,
		Why:           "one file more is kept",
	}), true
}
