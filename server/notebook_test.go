package server

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/ckpt-lsp/ckpt-lsp/internal/text"
)

// nb is a notebook as a client keeps it.
type nb struct {
	c        *client
	uri      string
	version  int
	versions map[string]int
}

func cellURI(name string) string { return "vscode-notebook-cell:/nowhere/x.ipynb#" + name }

func cellItem(name, language, text string) m {
	return m{"uri": cellURI(name), "languageId": language, "version": 1, "text": text}
}

func cellRef(name string, kind int) m { return m{"kind": kind, "document": cellURI(name)} }

// openNotebook opens a notebook whose cells are named a, b and so on; a text that starts with # and a blank is Markdown.
func (c *client) openNotebook(cells ...string) *nb {
	n := &nb{c: c, uri: "file:///nowhere/x.ipynb", version: 1, versions: map[string]int{}}
	var refs, items []any
	for i, text := range cells {
		name, kind, language := string(rune('a'+i)), 2, "python"
		if strings.HasPrefix(text, "# ") {
			kind, language = 1, "markdown"
		}
		refs, items = append(refs, cellRef(name, kind)), append(items, cellItem(name, language, text))
		n.versions[name] = 1
	}
	c.notify("notebookDocument/didOpen", m{
		"notebookDocument":  m{"uri": n.uri, "notebookType": "jupyter-notebook", "version": 1, "cells": refs},
		"cellTextDocuments": items,
	})
	return n
}

func (n *nb) change(cells m) {
	n.version++
	n.c.notify("notebookDocument/didChange", m{"notebookDocument": m{"uri": n.uri, "version": n.version}, "change": m{"cells": cells}})
}

// write changes the text of a cell.
func (n *nb) write(name string, changes ...any) {
	n.versions[name]++
	n.change(m{"textContent": []any{m{"document": m{"uri": cellURI(name), "version": n.versions[name]}, "changes": changes}}})
}

// found waits until all is found and gives the places of a rule's findings as the client has them, by cell.
func (n *nb) found(code string) string {
	n.c.t.Helper()
	n.c.settle()
	last := map[string]publication{}
	n.c.mu.Lock()
	for _, x := range n.c.inbox {
		var p publication
		if x.Method == "textDocument/publishDiagnostics" && json.Unmarshal(x.Params, &p) == nil {
			last[p.URI] = p
		}
	}
	n.c.mu.Unlock()
	var out []string
	for uri, p := range last {
		name := strings.TrimPrefix(uri, cellURI(""))
		for _, x := range p.Diagnostics {
			if x.Code == code {
				out = append(out, fmt.Sprintf("%s:%d:%d", name, x.Range.Start.Line, x.Range.Start.Character))
			}
		}
		if p.Version != nil && *p.Version != n.versions[name] {
			n.c.t.Errorf("%s has version %d, not %d", name, *p.Version, n.versions[name])
		}
	}
	slices.Sort(out)
	return strings.Join(out, " ")
}

func TestNotebook(t *testing.T) {
	c := start(t, nil)
	n := c.openNotebook("import torch\n%matplotlib inline\nBUG", "# BUG is Markdown", "é = BUG\n", "")
	check := func(what, want string) {
		t.Helper()
		if got := n.found("CKP901"); got != want {
			t.Errorf("%s: %q, want %q", what, got, want)
		}
	}
	check("opened", "a:2:0 c:0:4")
	n.write("c", m{"range": between(at(0, 0), at(0, 1)), "text": "😀"}, m{"range": between(at(1, 0), at(1, 0)), "text": "\nBUG"})
	check("typed", "a:2:0 c:0:5 c:2:0") // the new character counts twice
	n.write("c", m{"text": "BUG"})
	check("replaced", "a:2:0 c:0:0")

	// New cells, a moved one, and one that is gone.
	n.versions["e"] = 1
	n.change(m{"structure": m{"array": m{"start": 1, "deleteCount": 0, "cells": []any{cellRef("e", 2)}}, "didOpen": []any{cellItem("e", "python", "BUG, BUG")}}})
	check("added", "a:2:0 c:0:0 e:0:0 e:0:5")
	n.change(m{"structure": m{"array": m{"start": 0, "deleteCount": 2, "cells": []any{cellRef("e", 2), cellRef("a", 2)}}}})
	check("moved", "a:2:0 c:0:0 e:0:0 e:0:5")
	n.change(m{"structure": m{"array": m{"start": 0, "deleteCount": 1}, "didClose": []any{m{"uri": cellURI("e")}}}})
	check("removed", "a:2:0 c:0:0")
	n.change(m{"data": []any{cellRef("c", 1)}})
	check("made Markdown", "a:2:0")
	n.change(m{"data": []any{cellRef("c", 2)}})
	check("made code", "a:2:0 c:0:0")

	c.notify("notebookDocument/didSave", m{"notebookDocument": m{"uri": n.uri}})
	c.notify("notebookDocument/didClose", m{"notebookDocument": m{"uri": n.uri}, "cellTextDocuments": []any{m{"uri": cellURI("a")}, m{"uri": cellURI("c")}}})
	check("closed", "")
}

// TestNotebookFacts: what one cell defines the next ones know, and a fix lies in its cell.
func TestNotebookFacts(t *testing.T) {
	c := start(t, m{"workspace": m{"workspaceEdit": m{"documentChanges": true}}})
	n := c.openNotebook(
		"import torch\nfrom model import Net, loader\nmodel = Net()\noptimizer = torch.optim.Adam(model.parameters())",
		"checkpoint = torch.load('last.pt', map_location='cpu', weights_only=True)\nmodel.load_state_dict(checkpoint['model'])\nstart = checkpoint['epoch'] + 1",
		"for epoch in range(start, 10):\n    for x, y in loader:\n        optimizer.zero_grad()\n        model(x).loss(y).backward()\n        optimizer.step()\n    torch.save({'epoch': epoch, 'model': model.state_dict()}, 'last.pt')",
	)
	if got := n.found("CKP101"); got != "c:5:4" {
		t.Fatalf("%q", got)
	}
	actions := result[[]struct {
		Title string
		Edit  struct {
			DocumentChanges []struct {
				TextDocument struct {
					URI     string
					Version *int
				}
				Edits []textEdit
			}
		}
	}](c, "textDocument/codeAction", m{"textDocument": m{"uri": cellURI("c")}, "range": between(at(5, 6), at(5, 6)), "context": m{"diagnostics": []any{}, "only": []string{"quickfix"}}})
	for _, a := range actions {
		if !strings.HasPrefix(a.Title, "Complete this checkpoint") {
			continue
		}
		var touched []string
		for _, change := range a.Edit.DocumentChanges {
			if change.TextDocument.Version == nil || *change.TextDocument.Version != 1 {
				t.Errorf("version %v", change.TextDocument.Version)
			}
			for _, e := range change.Edits {
				touched = append(touched, strings.TrimPrefix(change.TextDocument.URI, cellURI(""))+":"+strings.TrimSpace(e.NewText))
			}
		}
		slices.Sort(touched)
		all := strings.Join(touched, "\n")
		if !strings.HasPrefix(all, "b:if 'optimizer' in checkpoint:") || !strings.Contains(all, "optimizer.load_state_dict(checkpoint['optimizer'])\nc:") || !strings.Contains(all, "optimizer.state_dict()") {
			t.Errorf("%s", all)
		}
		return
	}
	t.Errorf("no fix among %+v", actions)
}

// TestNotebookFixAll: all safe fixes of the notebook, asked for in any of its cells.
func TestNotebookFixAll(t *testing.T) {
	c := start(t, m{"workspace": m{"workspaceEdit": m{"documentChanges": true}}})
	n := c.openNotebook("import torch\n!ls BUG\nBUG", "x = 1", "%time BUG\ny = BUG")
	if got := n.found("CKP901"); got != "a:2:0 c:1:4" {
		t.Fatalf("%q", got)
	}
	for _, name := range []string{"a", "b"} {
		actions := result[json.RawMessage](c, "textDocument/codeAction", m{"textDocument": m{"uri": cellURI(name)}, "range": between(at(0, 0), at(0, 0)), "context": m{"diagnostics": []any{}, "only": []string{"source.fixAll"}}})
		if got := string(actions); !strings.Contains(got, `"newText":"True"`) || !strings.Contains(got, `"newText":"y = True"`) || !strings.Contains(got, cellURI("a")) || !strings.Contains(got, cellURI("c")) {
			t.Errorf("%s", got)
		}
	}
}

// TestNotebookPull: to a client that asks, the findings in cells are sent all the same, and once.
func TestNotebookPull(t *testing.T) {
	c, _ := pulling(t, "file:///nowhere")
	n := c.openNotebook("import torch\nBUG", "# text", "BUG\nBUG")
	for _, name := range []string{"a", "b", "c"} {
		if got := c.pull(cellURI(name), ""); len(got.Items) != 0 {
			t.Errorf("%s: %+v", name, got)
		}
	}
	if got := n.found("CKP901"); got != "a:1:0 c:0:0 c:1:0" {
		t.Errorf("%q", got)
	}
}

// TestNotebookOfALyingClient survives changes that fit nothing.
func TestNotebookOfALyingClient(t *testing.T) {
	c := start(t, nil)
	n := c.openNotebook("import torch\nBUG")
	for _, cells := range []m{
		{"structure": m{"array": m{"start": 99, "deleteCount": 99, "cells": []any{cellRef("z", 2)}}}},
		{"structure": m{"array": m{"start": 0, "deleteCount": 4000000000}}},
		{"textContent": []any{m{"document": m{"uri": cellURI("none"), "version": 1}, "changes": []any{m{"text": "x"}}}}},
		{"data": []any{cellRef("none", 2)}},
		{"structure": m{"array": m{"start": 0, "deleteCount": 0, "cells": []any{cellRef("a", 2), cellRef("a", 2)}}, "didOpen": []any{cellItem("a", "python", "import torch\nBUG")}}},
	} {
		n.change(cells)
	}
	c.notify("notebookDocument/didChange", m{"notebookDocument": m{"uri": "file:///other.ipynb", "version": 1}, "change": m{}})
	c.change(n.uri, 9, m{"text": "no cell"})
	c.notify("textDocument/didChange", m{"textDocument": m{"uri": cellURI("a"), "version": 9}, "contentChanges": []any{m{"text": "no document"}}})
	c.settle()
	c.call("textDocument/hover", m{"textDocument": m{"uri": cellURI("a")}, "position": at(1, 1)})
	c.open("file:///nowhere/a.py", "import torch\n")
}

// TestEditsBehindTheLastLine: between cells stands a line end that the client does not have.
func TestEditsBehindTheLastLine(t *testing.T) {
	b := book{{uri: "c:1", code: true, python: true, text: []byte("é = 1")}}
	d := b.document("file:///x.ipynb", 1)
	s := &session{features: features{units: encodings[2].units}}
	end := len("é = 1")
	for name, c := range map[string]struct {
		edit text.Edit
		want string
	}{
		"at the end": {text.Edit{Span: text.Span{Start: end, End: end}, New: "0"}, "é = 10"},
		"behind it":  {text.Edit{Span: text.Span{Start: end + 1, End: end + 1}, New: "x\n"}, "é = 1\nx"},
		"over it":    {text.Edit{Span: text.Span{Start: 0, End: end + 1}, New: "x\ny\n"}, "x\ny"},
		"within":     {text.Edit{Span: text.Span{Start: 2, End: 2}, New: " \n"}, "é \n = 1"},
	} {
		t.Run(name, func(t *testing.T) {
			got := s.textEdits(&d.cells[0], []text.Edit{c.edit})[0]
			at := s.units.span(&d.cells[0], got.Range)
			if after := "é = 1"[:at.Start] + got.NewText + "é = 1"[at.End:]; after != c.want {
				t.Errorf("%q, want %q", after, c.want)
			}
		})
	}
}
