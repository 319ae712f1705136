package server

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"go.lsp.dev/jsonrpc2"
)

// docReport and workspaceReport are LSP's reports as far as tests read them.
type docReport struct {
	Kind     string
	ResultID string `json:"resultId"`
	Items    []finding
}

type fileReport struct {
	docReport
	URI     string
	Version *int
}

// pulling is a client that asks for findings and counts how often it is told to ask again.
func pulling(t *testing.T, root string) (c *client, refreshed chan bool) {
	refreshed = make(chan bool, 100)
	c = connect(t)
	c.answer = func(method string, _ json.RawMessage) any {
		if method == "workspace/diagnostic/refresh" {
			refreshed <- true
		}
		return nil
	}
	c.handshake(m{
		"textDocument": m{"diagnostic": m{"dynamicRegistration": false}, "publishDiagnostics": m{}},
		"workspace":    m{"diagnostics": m{"refreshSupport": true}},
	}, root)
	return c, refreshed
}

func (c *client) pull(uri, previous string) docReport {
	c.t.Helper()
	params := m{"textDocument": m{"uri": uri}}
	if previous != "" {
		params["previousResultId"] = previous
	}
	return result[docReport](c, "textDocument/diagnostic", params)
}

func TestPull(t *testing.T) {
	const uri = "file:///nowhere/a.py"
	c, _ := pulling(t, "file:///nowhere")
	if got := c.pull(uri, ""); got.Kind != "full" || len(got.Items) != 0 {
		t.Errorf("of what is not open: %+v", got)
	}
	c.show(uri, "import torch\nBUG\n")
	first := c.pull(uri, "")
	if first.Kind != "full" || len(first.Items) != 1 || first.ResultID == "" {
		t.Fatalf("%+v", first)
	}
	if got := c.pull(uri, first.ResultID); got.Kind != "unchanged" || got.ResultID != first.ResultID {
		t.Errorf("again: %+v", got)
	}
	c.change(uri, 2, m{"text": "import torch\nBUG\n# the same is found\n"})
	if got := c.pull(uri, first.ResultID); got.Kind != "unchanged" {
		t.Errorf("another version, the same findings: %+v", got)
	}
	c.change(uri, 3, m{"text": "import torch\n\nBUG\n"})
	if got := c.pull(uri, first.ResultID); got.Kind != "full" || len(got.Items) != 1 || got.Items[0].Range.Start.Line != 2 {
		t.Errorf("moved: %+v", got)
	}
	c.settle()
	if got := c.history(uri); len(got) > 0 {
		t.Errorf("pushed as well: %+v", got)
	}
	c.close(uri)
	if got := c.pull(uri, first.ResultID); got.Kind != "full" || len(got.Items) != 0 {
		t.Errorf("closed: %+v", got)
	}
}

// TestPullOfAnOlderVersion: a question that a newer version overtakes is not answered with findings of the older one.
func TestPullOfAnOlderVersion(t *testing.T) {
	const uri = "file:///nowhere/a.py"
	c, _ := pulling(t, "file:///nowhere")
	c.show(uri, "import torch\n")
	c.pull(uri, "")
	gate.Lock()
	c.change(uri, 2, m{"text": "import torch\nGATE\nBUG\n"})
	id := c.request("textDocument/diagnostic", m{"textDocument": m{"uri": uri}})
	c.sync()
	c.change(uri, 3, m{"text": "import torch\n"})
	c.sync()
	gate.Unlock()
	if r := c.response(id); r.Error == nil || r.Error.Code != jsonrpc2.Code(-32802) {
		t.Errorf("%s %+v", r.Result, r.Error)
	}
	if got := c.pull(uri, ""); len(got.Items) != 0 {
		t.Errorf("%+v", got)
	}
}

// TestRefresh: what an edit of one file means to the findings in another, the client is told to ask for.
func TestRefresh(t *testing.T) {
	f := newTree(t, map[string]string{"train.py": resuming, "checkpoint.py": writing})
	c, refreshed := pulling(t, "file://"+f.root)
	train, helper := f.uri("train.py"), f.uri("checkpoint.py")
	c.show(train, resuming)
	c.show(helper, writing)
	lacks := func() bool {
		return slices.ContainsFunc(c.pull(train, "").Items, func(x finding) bool { return x.Code == incomplete })
	}
	c.settle()
	if !lacks() {
		t.Fatal("nothing is found at first")
	}
	for len(refreshed) > 0 {
		<-refreshed
	}
	c.change(helper, 2, m{"text": talking})
	select {
	case <-refreshed:
	case <-time.After(patience):
		t.Fatal("no refresh")
	}
	if lacks() {
		t.Error("the helper does not save any more")
	}
}

// workspacePull asks for the findings in all files but those that the client knows, and keeps what it is told.
type workspacePull map[string]string

func (known workspacePull) request(c *client) int {
	previous := []any{}
	for uri, id := range known {
		previous = append(previous, m{"uri": uri, "value": id})
	}
	return c.request("workspace/diagnostic", m{"previousResultIds": previous})
}

func (known workspacePull) answer(c *client, id int) (changed map[string][]finding, unchanged int) {
	c.t.Helper()
	r := c.response(id)
	if r.Error != nil {
		c.t.Fatal(r.Error)
	}
	changed = map[string][]finding{}
	for _, item := range decode[struct{ Items []fileReport }](c.t, r.Result).Items {
		if known[item.URI] = item.ResultID; item.Kind == "unchanged" {
			unchanged++
			continue
		}
		changed[item.URI] = item.Items
	}
	return changed, unchanged
}

func TestWorkspacePull(t *testing.T) {
	f := newTree(t, map[string]string{
		"bug.py": "import torch\nBUG\n", "none.py": "import torch\n", "sub/train.py": resuming, "sub/checkpoint.py": writing, "sub/model.py": "",
		"venv/lib/x.py": "import torch\nBUG\n", "notes.txt": "import torch\nBUG\n",
	})
	c, _ := pulling(t, "file://"+f.root)
	known := workspacePull{}
	got, _ := known.answer(c, known.request(c))
	if len(got) != 3 || len(got[f.uri("bug.py")]) != 1 || len(got[f.uri("sub/checkpoint.py")]) != 1 || len(got[f.uri("sub/train.py")]) == 0 {
		t.Fatalf("%+v", got)
	}

	// Where nothing is new the answer waits.
	id := known.request(c)
	c.settle()
	c.show(f.uri("none.py"), "import torch\nBUG\nBUG\n")
	got, unchanged := known.answer(c, id)
	if len(got) != 1 || len(got[f.uri("none.py")]) != 2 || unchanged != 3 {
		t.Errorf("opened: %+v, %d unchanged", got, unchanged)
	}
	f.write(t, "bug.py", "import torch\n")
	f.changed(c, "bug.py", 2)
	if got, _ = known.answer(c, known.request(c)); len(got) != 1 || got[f.uri("bug.py")] == nil || len(got[f.uri("bug.py")]) != 0 {
		t.Errorf("mended on the disk: %+v", got)
	}
	if err := os.Remove(filepath.Join(f.root, "sub", "train.py")); err != nil {
		t.Fatal(err)
	}
	f.changed(c, "sub/train.py", 3)
	if got, _ = known.answer(c, known.request(c)); len(got) != 2 || got[f.uri("sub/train.py")] == nil || len(got[f.uri("sub/train.py")])+len(got[f.uri("sub/checkpoint.py")]) != 0 {
		t.Errorf("deleted: %+v", got)
	}

	// A question that waits ends with its cancellation, and with the session.
	id = known.request(c)
	c.sync()
	c.notify("$/cancelRequest", m{"id": id})
	if r := c.response(id); r.Error == nil || r.Error.Code != jsonrpc2.Code(-32800) {
		t.Errorf("%+v", r)
	}
	id = known.request(c)
	c.sync()
	c.call("shutdown", nil)
	if r := c.response(id); r.Error == nil {
		t.Errorf("%+v", r)
	}
}

// TestWorkspacePullOfNothing: a client without a folder gets an answer, too.
func TestWorkspacePullOfNothing(t *testing.T) {
	c := connect(t)
	c.call("initialize", m{"processId": nil, "rootUri": nil, "capabilities": m{"textDocument": m{"diagnostic": m{}}}})
	c.notify("initialized", m{})
	known := workspacePull{}
	if got, _ := known.answer(c, known.request(c)); len(got) != 0 {
		t.Errorf("%+v", got)
	}
}
