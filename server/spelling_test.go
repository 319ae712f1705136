package server

import (
	"encoding/json"
	"strings"
	"testing"
)

// TestURIsAreEchoed holds that all that is sent of a document names it as the client does, not in the canonical form: a path with
// characters that need no encoding, with digits in the other case, and with encoded ones that need none.
func TestURIsAreEchoed(t *testing.T) {
	const train = `import torch
from models import Net, loader

model = Net()
optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
checkpoint = torch.load("last.pt", map_location="cpu", weights_only=True)
model.load_state_dict(checkpoint["model"])
for epoch in range(checkpoint["epoch"] + 1, 100):
    for x, y in loader:
        optimizer.zero_grad()
        model(x).loss(y).backward()
        optimizer.step()
    torch.save({"epoch": epoch, "model": model.state_dict()}, "last.pt")
`
	dir := newTree(t, map[string]string{"a+ö (1)/train.py": train, "a+ö (1)/other.py": train})
	root := "file://" + dir.root + "/a+%c3%b6%20(1)"
	written, other := root+"/%74rain.py", root+"/other.py"
	var requests []message // of the server
	for name, capabilities := range map[string]m{
		"at once":               {"workspace": m{"applyEdit": true, "workspaceEdit": m{"documentChanges": true}}},
		"changes":               {"workspace": m{"applyEdit": true}},
		"when an action is run": {"workspace": m{"applyEdit": true, "configuration": true, "workspaceEdit": lazy["workspace"].(m)["workspaceEdit"]}, "textDocument": lazy["textDocument"]},
		"asked for":             {"workspace": m{"applyEdit": true}, "textDocument": m{"diagnostic": m{"relatedDocumentSupport": true}}},
	} {
		t.Run(name, func(t *testing.T) {
			requests = nil
			c := connect(t)
			c.answer = func(method string, params json.RawMessage) any {
				requests = append(requests, message{Method: method, Params: params})
				if method == "workspace/configuration" {
					return []any{m{}}
				}
				return m{"applied": true}
			}
			c.handshake(capabilities, root)
			hold := func(what string, raw json.RawMessage, names bool) {
				t.Helper()
				if said := string(raw); strings.Contains(said, "%2B") || strings.Contains(said, "%28") || strings.Contains(said, "%C3%B6") {
					t.Errorf("%s is in the canonical form: %s", what, said)
				} else if names && !strings.Contains(said, `"`+written+`"`) {
					t.Errorf("%s does not name the document: %s", what, said)
				}
			}
			asks := func(method string, params m, names bool) json.RawMessage {
				t.Helper()
				r := c.call(method, params)
				if r.Error != nil {
					t.Fatalf("%s: %v", method, r.Error)
				}
				hold(method, r.Result, names)
				return r.Result
			}
			document := m{"uri": written}
			if name == "asked for" {
				c.show(written, train)
				hold("workspace/diagnostic", asks("workspace/diagnostic", m{"previousResultIds": []any{}}, true), true)
			} else {
				c.open(written, train)
			}
			key := m{"textDocument": document, "position": at(6, 34)}
			asks("textDocument/definition", key, true)
			key["context"] = m{"includeDeclaration": true}
			asks("textDocument/references", key, true)
			for _, a := range decode[[]m](t, asks("textDocument/codeAction", m{"textDocument": document, "range": between(at(12, 6), at(12, 6)), "context": m{"diagnostics": []any{}}}, true)) {
				if a["data"] != nil {
					asks("codeAction/resolve", a, true)
				}
			}
			lenses := decode[[]struct {
				Command struct {
					Command   string
					Arguments []any
				}
			}](t, asks("textDocument/codeLens", m{"textDocument": document}, true))
			asks("workspace/executeCommand", m{"command": lenses[0].Command.Command, "arguments": lenses[0].Command.Arguments}, false)
			hold("the edit", c.wait("an edit", func(x message) bool { return x.Method == "workspace/applyEdit" }).Params, true)
			for _, command := range []string{fixDocument, showContract, showTimeline, prove} {
				asks("workspace/executeCommand", m{"command": command, "arguments": []any{written}}, false)
			}
			asks("textDocument/definition", m{"textDocument": m{"uri": other}, "position": at(6, 34)}, false)
			c.close(written)
			if name != "asked for" {
				c.published(written, 0)
			}
			c.mu.Lock()
			defer c.mu.Unlock()
			for _, x := range append(requests, c.inbox...) {
				hold("a message of the server, "+x.Method, x.Params, false)
			}
		})
	}
}

// TestURIsOfOtherKindsAreEchoed does so for drive letters, and for the cells of a notebook as they come and go.
func TestURIsOfOtherKindsAreEchoed(t *testing.T) {
	c := start(t, nil)
	for _, u := range []string{"file:///C:/nowhere/a.py", "file:///c:/nowhere/b.py", "FILE:///C%3a/nowhere/c.py", "untitled:Untitled(1)"} {
		if got := c.open(u, bugText); len(got.Diagnostics) != 3 {
			t.Errorf("%s: %+v", u, got)
		}
		if got := c.actions(u, between(at(2, 7), at(2, 7)), m{}); len(got) == 0 || got[0].Edit.Changes[u] == nil {
			t.Errorf("%s: %+v", u, got)
		}
	}
	const first, second = "vscode-notebook-cell:/nowhere/a+b.ipynb#W0=", "vscode-notebook-cell:/nowhere/a+b.ipynb#W1="
	cell := func(u string) m { return m{"uri": u, "languageId": "python", "version": 1, "text": bugText} }
	c.notify("notebookDocument/didOpen", m{
		"notebookDocument":  m{"uri": "file:///nowhere/a+b.ipynb", "notebookType": "jupyter-notebook", "version": 1, "cells": []any{m{"kind": 2, "document": first}}},
		"cellTextDocuments": []any{cell(first)},
	})
	c.published(first, 1)
	c.notify("notebookDocument/didChange", m{
		"notebookDocument": m{"uri": "file:///nowhere/a+b.ipynb", "version": 2},
		"change": m{"cells": m{"structure": m{
			"array": m{"start": 1, "deleteCount": 0, "cells": []any{m{"kind": 2, "document": second}}}, "didOpen": []any{cell(second)},
		}}},
	})
	c.published(second, 1)
}
