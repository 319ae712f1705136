package server

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.lsp.dev/jsonrpc2"
	"go.lsp.dev/protocol"
)

func (c *client) command(name string, arguments ...any) message {
	c.t.Helper()
	return c.call("workspace/executeCommand", m{"command": name, "arguments": arguments})
}

// told is what the user is shown next.
func (c *client) told() string {
	c.t.Helper()
	x := c.wait("a message", func(x message) bool { return x.Method == "window/showMessage" })
	return decode[struct{ Message string }](c.t, x.Params).Message
}

func TestFixAllByCommand(t *testing.T) {
	for name, x := range map[string]struct {
		answer any
		says   string // "" for nothing
	}{
		"applied": {m{"applied": true}, ""},
		"refused": {m{"applied": false, "failureReason": "it is read-only"}, fixAllTitle + ": the editor did not make the edits: it is read-only."},
	} {
		t.Run(name, func(t *testing.T) {
			edits := make(chan action, 1)
			c := connect(t)
			c.answer = func(method string, params json.RawMessage) any {
				if method == "workspace/applyEdit" {
					edits <- decode[action](t, params)
				}
				return x.answer
			}
			c.handshake(m{"workspace": m{"applyEdit": true, "workspaceEdit": m{"documentChanges": true}}}, "file:///nowhere")
			c.open(buggy, bugText)
			if r := c.command(fixDocument, buggy); r.Error != nil {
				t.Fatal(r.Error)
			}
			e := <-edits
			if got, want := e.apply(t, buggy, bugText), strings.ReplaceAll(bugText, "BUG", "True"); got != want || *e.Edit.DocumentChanges[0].TextDocument.Version != 1 {
				t.Errorf("%q, want %q for version 1", got, want)
			}
			if x.says != "" {
				if got := c.told(); got != x.says {
					t.Errorf("%s", got)
				}
			}
		})
	}
}

func TestProveGivesACommandLine(t *testing.T) {
	dir := t.TempDir()
	script := filepath.Join(dir, "my train.py")
	if err := os.WriteFile(script, []byte("import torch\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := start(t, nil)
	uri := "file://" + filepath.ToSlash(dir) + "/my%20train.py"
	got := result[commandLine](c, "workspace/executeCommand", m{"command": prove, "arguments": []any{uri}})
	if !slices.Equal(got.Argv, []string{self, "prove", "--", "python", "my train.py"}) || got.Dir != dir {
		t.Errorf("%+v", got)
	}
	if got := c.told(); !strings.HasSuffix(got, " prove -- python 'my train.py'") {
		t.Errorf("%s", got)
	}
	for _, uri := range []string{"untitled:Untitled-1", "file:///nowhere/a.ipynb", "vscode-notebook-cell:/nowhere/a.ipynb#C1", "file:///nowhere/missing.py", ""} {
		if r := c.command(prove, uri); r.Error == nil || r.Error.Code != jsonrpc2.InvalidParams {
			t.Errorf("%s: %+v", uri, r)
		}
	}
}

// TestCommandsRefuseWhatCannotBeMeant runs each with arguments that are none of its own.
func TestCommandsRefuseWhatCannotBeMeant(t *testing.T) {
	c := start(t, nil)
	c.open(buggy, bugText)
	lens := m{"uri": buggy, "version": 1, "codes": []string{"CKP901"}, "position": at(2, 6)}
	with := func(key string, value any) m {
		out := maps.Clone(lens)
		out[key] = value
		return out
	}
	for name, x := range map[string]struct {
		command   string
		arguments []any
		want      jsonrpc2.Code
	}{
		"fix all of nothing":       {fixDocument, nil, jsonrpc2.InvalidParams},
		"fix all of a number":      {fixDocument, []any{5}, jsonrpc2.InvalidParams},
		"fix all that is not open": {fixDocument, []any{"file:///nowhere/b.py"}, jsonrpc2.InvalidParams},
		"fix nothing":              {applyFix, nil, jsonrpc2.InvalidParams},
		"fix a string":             {applyFix, []any{"x"}, jsonrpc2.InvalidParams},
		"fix what is not open":     {applyFix, []any{with("uri", "file:///nowhere/b.py")}, jsonrpc2.InvalidParams},
		"fix no rule":              {applyFix, []any{with("codes", []string{})}, jsonrpc2.InvalidParams},
		"fix a number":             {applyFix, []any{with("codes", 5)}, jsonrpc2.InvalidParams},
		"fix a huge version":       {applyFix, []any{with("version", json.Number("99999999999999999999"))}, jsonrpc2.InvalidParams},
		"fix another version":      {applyFix, []any{with("version", 7)}, protocol.CodeContentModified},
		"fix another rule":         {applyFix, []any{with("codes", []string{"CKP101"})}, protocol.CodeContentModified},
		"contract of a list":       {showContract, []any{[]any{}}, jsonrpc2.InvalidParams},
		"contract of no file":      {showContract, []any{"untitled:x"}, jsonrpc2.InvalidParams},
		"timeline of nothing":      {showTimeline, nil, jsonrpc2.InvalidParams},
		"timeline of no file":      {showTimeline, []any{"untitled:x"}, jsonrpc2.InvalidParams},
		"timeline of no epoch":     {showTimeline, []any{buggy, "x"}, jsonrpc2.InvalidParams},
		"timeline of three":        {showTimeline, []any{buggy, 1, 2}, jsonrpc2.InvalidParams},
	} {
		if r := c.command(x.command, x.arguments...); r.Error == nil || r.Error.Code != x.want {
			t.Errorf("%s: %+v, want code %d", name, r, x.want)
		}
	}
}

// TestTimeline draws an unsaved text, for a client that draws it and for one that is shown the text.
func TestTimeline(t *testing.T) {
	const uri = "file:///nowhere/train.py"
	const program = `import torch
from model import Net, loader

model = Net()
optimizer = torch.optim.Adam(model.parameters())
start = 0
if True:
    checkpoint = torch.load("last.pt", map_location="cpu", weights_only=True)
    model.load_state_dict(checkpoint["model"])
    optimizer.load_state_dict(checkpoint["optimizer"])
    start = checkpoint["epoch"]
for epoch in range(start, 10):
    for x, y in loader:
        model(x).loss(y).backward()
        optimizer.step()
    torch.save({"epoch": epoch, "model": model.state_dict(), "optimizer": optimizer.state_dict()}, "last.pt")
`
	for name, draws := range map[string]bool{"draws": true, "does not": false} {
		t.Run(name, func(t *testing.T) {
			c := connect(t)
			c.call("initialize", m{"processId": nil, "rootUri": nil, "capabilities": m{}, "initializationOptions": m{"pictures": draws}})
			c.notify("initialized", m{})
			c.open(uri, program)
			got := result[drawn](c, "workspace/executeCommand", m{"command": showTimeline, "arguments": []any{uri, 3}})
			if !strings.Contains(got.Text, "Epoch 3 runs twice") || !strings.HasPrefix(got.SVG, "<svg ") || got.Title != "Timeline of train.py" {
				t.Errorf("%+v", got)
			}
			if draws {
				return
			}
			if got := c.told(); !strings.Contains(got, "Epoch 3 runs twice") {
				t.Errorf("%s", got)
			}
		})
	}
}
