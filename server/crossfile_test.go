package server

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"go.lsp.dev/protocol"

	"github.com/ckpt-lsp/ckpt-lsp/internal/project"
	"github.com/ckpt-lsp/ckpt-lsp/internal/text"
)

// tree is a workspace on the disk.
type tree struct{ root string }

func newTree(t testing.TB, files map[string]string) tree {
	t.Helper()
	root, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	f := tree{root}
	for name, content := range files {
		f.write(t, name, content)
	}
	return f
}

func (f tree) write(t testing.TB, name, content string) {
	t.Helper()
	path := filepath.Join(f.root, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

func (f tree) uri(name string) string { return "file://" + f.root + "/" + name }

// start connects a client that works in the folder.
func (f tree) start(t testing.TB) *client {
	t.Helper()
	c := connect(t)
	c.handshake(nil, "file://"+f.root)
	return c
}

// changed tells the server of a file on the disk: 1 for made, 2 for changed, 3 for deleted.
func (f tree) changed(c *client, name string, how int) {
	c.notify("workspace/didChangeWatchedFiles", m{"changes": []any{m{"uri": f.uri(name), "type": how}}})
}

func (c *client) close(uri string) {
	c.notify("textDocument/didClose", m{"textDocument": m{"uri": uri}})
}

// sync waits until all that was sent is taken, and all that was published arrived.
func (c *client) sync() {
	c.t.Helper()
	c.call("textDocument/hover", m{"textDocument": m{"uri": "file:///none.py"}, "position": at(0, 0)})
}

// settle waits until the server has nothing more to find.
func (c *client) settle() {
	c.t.Helper()
	c.sync()
	for deadline := time.Now().Add(patience); ; {
		v := c.session.view.Load()
		select {
		case <-v.settled:
			if c.session.view.Load() == v {
				c.sync()
				return
			}
		case <-time.After(10 * time.Millisecond):
			if time.Now().After(deadline) {
				c.t.Fatal("the server does not settle")
			}
		}
	}
}

// history are all publications for a document so far.
func (c *client) history(uri string) []publication {
	c.mu.Lock()
	defer c.mu.Unlock()
	var out []publication
	for _, x := range c.inbox {
		var p publication
		if x.Method == "textDocument/publishDiagnostics" && json.Unmarshal(x.Params, &p) == nil && p.URI == uri {
			out = append(out, p)
		}
	}
	return out
}

// shown are the errors and warnings of a rule that the editor shows in a document once the server has settled.
func (c *client) shown(uri, code string) []finding {
	c.t.Helper()
	c.settle()
	history := c.history(uri)
	if len(history) == 0 {
		c.t.Fatalf("nothing was published for %s", uri)
	}
	var out []finding
	for _, x := range history[len(history)-1].Diagnostics {
		if x.Code == code && x.Severity <= 2 {
			out = append(out, x)
		}
	}
	return out
}

// show opens a document without waiting for its findings.
func (c *client) show(uri, text string) {
	c.notify("textDocument/didOpen", m{"textDocument": m{"uri": uri, "languageId": "python", "version": 1, "text": text}})
}

const (
	// caller trains and leaves saving to files.py; every rank saves, which is found in files.py.
	caller = `import torch
import torch.distributed as dist
from torch.nn.parallel import DistributedDataParallel as DDP
from files import write
from model import Net, loader


def main():
    dist.init_process_group("nccl")
    model = DDP(Net())
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for epoch in range(10):
        for x, y in loader:
            model(x).loss(y).backward()
            optimizer.step()
        write(model.module, "model.pt")
`
	writer = `import torch


def write(model, path):
    torch.save(model.state_dict(), path)
`
	// resuming leaves the optimizer out of what checkpoint.py writes.
	resuming = `import torch
import checkpoint
from model import Net, loader

model = Net()
optimizer = torch.optim.Adam(model.parameters())
start = checkpoint.load(model, "last.pt")
for epoch in range(start, 10):
    for x, y in loader:
        optimizer.zero_grad()
        model(x).loss(y).backward()
        optimizer.step()
    checkpoint.save({"epoch": epoch, "model": model.state_dict()}, "last.pt")
`
	writing = `import torch


def save(state, path):
    torch.save(state, path)


def load(model, path):
    state = torch.load(path, map_location="cpu", weights_only=True)
    model.load_state_dict(state["model"])
    return state["epoch"] + 1
`
	incomplete = "CKP101"
	allRanks   = "CKP301"
)

// talking only says that it writes.
var talking = strings.Replace(writing, "torch.save(state, path)", "print(path)", 1)

func (c *client) wants(what, uri, code string, want int) {
	c.t.Helper()
	if got := c.shown(uri, code); len(got) != want {
		c.t.Fatalf("%s: %d findings of %s, want %d: %+v", what, len(got), code, want, got)
	}
}

// TestCrossFileEdits edits the helper: what is found in the file that calls it follows, with the caller's own version.
func TestCrossFileEdits(t *testing.T) {
	f := newTree(t, map[string]string{"train.py": resuming, "checkpoint.py": talking})
	c := f.start(t)
	train, helper := f.uri("train.py"), f.uri("checkpoint.py")
	c.show(train, resuming)
	c.show(helper, talking)
	c.wants("at first", train, incomplete, 0)
	c.change(helper, 2, m{"text": writing})
	c.wants("the helper writes", train, incomplete, 1)
	if p := c.history(train); *p[len(p)-1].Version != 1 {
		t.Errorf("published as %+v", p[len(p)-1])
	}
	c.change(train, 2, m{"text": "# a comment\n" + resuming})
	c.wants("the caller changes", train, incomplete, 1)
	c.change(helper, 3, m{"text": talking})
	c.wants("the helper talks", train, incomplete, 0)
	if p := c.history(train); *p[len(p)-1].Version != 2 {
		t.Errorf("published as %+v", p[len(p)-1])
	}
	published := len(c.history(train))
	c.change(helper, 4, m{"text": "# a comment\n" + talking})
	c.settle()
	if got := len(c.history(train)); got != published {
		t.Errorf("a comment in the helper published the caller again")
	}
}

// TestCrossFileBuffers holds that unsaved text counts until the document is closed.
func TestCrossFileBuffers(t *testing.T) {
	f := newTree(t, map[string]string{"train.py": resuming, "checkpoint.py": talking})
	c := f.start(t)
	train, helper := f.uri("train.py"), f.uri("checkpoint.py")
	c.show(helper, writing)
	c.show(train, resuming)
	c.wants("unsaved", train, incomplete, 1)
	c.close(helper)
	c.wants("closed without saving", train, incomplete, 0)
	c.show(helper, writing)
	c.wants("opened again", train, incomplete, 1)
	f.write(t, "checkpoint.py", writing)
	c.notify("textDocument/didSave", m{"textDocument": m{"uri": helper}})
	c.close(helper)
	c.wants("closed after saving", train, incomplete, 1)
}

// TestCrossFileDisk changes, makes, renames and deletes files on the disk.
func TestCrossFileDisk(t *testing.T) {
	f := newTree(t, map[string]string{"train.py": resuming})
	c := f.start(t)
	train := f.uri("train.py")
	c.show(train, resuming)
	c.wants("no helper", train, incomplete, 0)
	f.write(t, "checkpoint.py", writing)
	f.changed(c, "checkpoint.py", 1)
	c.wants("made", train, incomplete, 1)
	f.write(t, "checkpoint.py", talking)
	f.changed(c, "checkpoint.py", 2)
	c.wants("changed", train, incomplete, 0)
	f.write(t, "checkpoint.py", writing)
	f.changed(c, "checkpoint.py", 2)
	c.wants("changed back", train, incomplete, 1)
	f.rename(t, "checkpoint.py", "other.py")
	f.changed(c, "checkpoint.py", 3)
	f.changed(c, "other.py", 1)
	c.wants("renamed", train, incomplete, 0)
	f.rename(t, "other.py", "checkpoint.py")
	f.changed(c, "other.py", 3)
	f.changed(c, "checkpoint.py", 1)
	c.wants("renamed back", train, incomplete, 1)
	if err := os.Remove(filepath.Join(f.root, "checkpoint.py")); err != nil {
		t.Fatal(err)
	}
	f.changed(c, "checkpoint.py", 3)
	c.wants("deleted", train, incomplete, 0)
}

func (f tree) rename(t *testing.T, from, to string) {
	t.Helper()
	if err := os.Rename(filepath.Join(f.root, from), filepath.Join(f.root, to)); err != nil {
		t.Fatal(err)
	}
}

// TestCrossFileEntries opens a helper that only closed files of the workspace call.
func TestCrossFileEntries(t *testing.T) {
	f := newTree(t, map[string]string{"train.py": caller, "files.py": writer, "ckpt-lsp.toml": "exclude = ['old']\n"})
	c := f.start(t)
	helper := f.uri("files.py")
	c.show(helper, writer)
	c.wants("called by a closed file", helper, allRanks, 1)
	if got := c.history(f.uri("train.py")); len(got) != 0 {
		t.Errorf("published for a closed file: %+v", got)
	}
	c.change(helper, 2, m{"text": "# a comment\n" + writer})
	if got := c.shown(helper, allRanks); len(got) != 1 || got[0].Range.Start.Line != 5 {
		t.Errorf("after a line was inserted: %+v", got)
	}
	for _, p := range c.history(helper)[1:] { // the first is before the workspace was looked at
		if len(p.Diagnostics) == 0 && *p.Version == 2 {
			t.Errorf("the finding went away for a moment: %+v", p)
		}
	}
	guarded := strings.Replace(caller, "        write(", "        if dist.get_rank() == 0:\n            write(", 1)
	f.write(t, "train.py", guarded)
	f.changed(c, "train.py", 2)
	c.wants("guarded", helper, allRanks, 0)
	f.write(t, "old/train.py", strings.Replace(caller, "from files", "from ..files", 1))
	f.changed(c, "old/train.py", 1)
	c.wants("called by an excluded file", helper, allRanks, 0)
	f.write(t, "new.py", caller)
	f.changed(c, "new.py", 1)
	c.wants("called by a new file", helper, allRanks, 1)
	c.show(f.uri("new.py"), "import torch\n")
	c.wants("no more in the editor", helper, allRanks, 0)
}

// TestCrossFileFixes fixes what the entry points of a closed file lead to.
func TestCrossFileFixes(t *testing.T) {
	f := newTree(t, map[string]string{"train.py": caller, "files.py": writer})
	c := f.start(t)
	helper := f.uri("files.py")
	c.show(helper, writer)
	got := c.shown(helper, allRanks)
	if len(got) != 1 {
		t.Fatalf("%+v", got)
	}
	line := got[0].Range.Start.Line
	var fixed string
	for _, a := range c.actions(helper, between(at(line, 4), at(line, 4)), m{}) {
		if a.Edit != nil && !strings.HasPrefix(a.Title, "Suppress") && len(a.Diagnostics) == 1 && a.Diagnostics[0].Code == allRanks {
			fixed = a.apply(t, helper, writer)
		}
	}
	if fixed == "" {
		t.Fatal("no fix for what the closed file's entry points lead to")
	}
	c.change(helper, 2, m{"text": fixed})
	c.wants("fixed", helper, allRanks, 0)
}

// TestStaleCrossFileFindings holds an analysis of the caller up while a newer version of it comes: its findings are not
// published any more.
func TestStaleCrossFileFindings(t *testing.T) {
	f := newTree(t, map[string]string{"train.py": resuming, "checkpoint.py": talking})
	c := f.start(t)
	train, helper := f.uri("train.py"), f.uri("checkpoint.py")
	c.show(train, resuming+"GATE\n")
	c.show(helper, talking)
	c.settle()
	gate.Lock()
	c.change(helper, 2, m{"text": writing})
	time.Sleep(3 * c.session.pause) // the caller is being analysed, or will be
	c.change(train, 2, m{"text": resuming})
	for deadline := time.Now().Add(patience); !slices.ContainsFunc(c.history(train), func(p publication) bool { return *p.Version == 2 }); {
		if time.Sleep(time.Millisecond); time.Now().After(deadline) {
			t.Fatal("the newer version waits for the older one")
		}
	}
	gate.Unlock()
	c.wants("in the end", train, incomplete, 1)
	for _, p := range c.history(train) {
		if p.Version != nil && *p.Version == 1 && slices.ContainsFunc(p.Diagnostics, func(x finding) bool { return x.Code == incomplete }) {
			t.Errorf("findings of the older version were published: %+v", p)
		}
	}
}

// TestCrossFileTyping types into both files without waiting: no version goes back, and in the end the editor shows what check
// finds.
func TestCrossFileTyping(t *testing.T) {
	f := newTree(t, map[string]string{"train.py": resuming, "checkpoint.py": talking})
	c := connect(t, func(s *session) { s.pause = time.Millisecond })
	c.handshake(nil, "file://"+f.root)
	train, helper := f.uri("train.py"), f.uri("checkpoint.py")
	c.show(train, resuming)
	c.show(helper, talking)
	for version := 2; version < 60; version++ {
		c.change(helper, version, m{"text": []string{talking, writing}[version%2]})
		c.change(train, version, m{"text": strings.Repeat("#\n", version) + resuming})
		if version%3 == 0 {
			time.Sleep(time.Duration(version) * time.Millisecond / 3)
		}
	}
	if got := c.shown(train, incomplete); len(got) != 1 {
		t.Errorf("%+v", got)
	}
	for _, uri := range []string{train, helper} {
		last := 0
		for _, p := range c.history(uri) {
			if *p.Version < last {
				t.Errorf("%s: version %d after %d", uri, *p.Version, last)
			}
			last = *p.Version
		}
		if last != 59 {
			t.Errorf("%s: the last version is %d", uri, last)
		}
	}
}

// checked are where check finds what in the workspace, by URI and code.
func (f tree) checked(t testing.TB) map[string][]place {
	t.Helper()
	w := project.NewWorkspace(f.root)
	paths, _, _ := w.Files(t.Context(), []string{f.root})
	all, err := project.NewIndex(w).AnalyzeAll(t.Context(), project.NewProgram(w), paths)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string][]place{}
	for _, a := range all {
		lines := text.NewLineIndex(a.Source.Text)
		for _, d := range a.Diagnostics {
			line, character := lines.Position(d.Span.Start, text.UTF16)
			key := "file://" + a.Path + " " + d.Rule.Code
			out[key] = append(out[key], place{line, character})
		}
	}
	return out
}

// TestCrossFileWithoutWatching saves a document in a client that does not tell of the disk.
func TestCrossFileWithoutWatching(t *testing.T) {
	f := newTree(t, map[string]string{"train.py": resuming, "checkpoint.py": talking})
	c := f.start(t)
	train := f.uri("train.py")
	save := func() { c.notify("textDocument/didSave", m{"textDocument": m{"uri": train}}) }
	c.show(train, resuming)
	c.wants("at first", train, incomplete, 0)
	f.write(t, "checkpoint.py", writing)
	save()
	c.wants("the helper changed", train, incomplete, 1)
	index := c.session.view.Load().folders[0].index
	save()
	if c.wants("nothing changed", train, incomplete, 1); c.session.view.Load().folders[0].index != index {
		t.Error("all was forgotten for nothing")
	}
	f.write(t, "ckpt-lsp.toml", "ignore = ['CKP101']\n")
	save()
	c.wants("the configuration changed", train, incomplete, 0)
}

// TestStaleFixOfTwoFiles changes the other file after a fix of both is offered: what is chosen then is of the text that is there, or is
// refused.
func TestStaleFixOfTwoFiles(t *testing.T) {
	f := newTree(t, map[string]string{"train.py": resuming, "checkpoint.py": talking})
	c := connect(t)
	c.handshake(lazy, "file://"+f.root)
	train, helper := f.uri("train.py"), f.uri("checkpoint.py")
	c.show(helper, writing) // is not saved
	c.show(train, resuming)
	c.wants("at first", train, incomplete, 1)
	save := between(at(12, 4), at(12, 4))
	offered := c.rawActions(train, save)[0]
	if title := offered["title"]; title != "Complete this checkpoint" {
		t.Fatalf("offered first: %v", title)
	}
	moved := "# a line\n" + writing
	c.change(helper, 2, m{"text": moved})
	check := func(when string, r message) {
		t.Helper()
		got := decode[action](t, r.Result)
		if got.Edit == nil || len(got.Edit.DocumentChanges) != 2 {
			t.Fatalf("%s: %+v", when, got)
		}
		for _, d := range got.Edit.DocumentChanges {
			version, before, want := 1, resuming, "\"optimizer\": optimizer.state_dict()"
			if d.TextDocument.URI == helper {
				version, before, want = 2, moved, "    if optimizer is not None"
			}
			if d.TextDocument.Version == nil || *d.TextDocument.Version != version {
				t.Errorf("%s: %+v, want version %d", when, d.TextDocument, version)
			}
			if after := withEdits(t, before, d.Edits, text.UTF16); !strings.Contains(after, want) {
				t.Errorf("%s: no %s in\n%s", when, want, after)
			}
		}
	}
	if r := c.call("codeAction/resolve", offered); r.Error == nil {
		check("at once", r)
	} else if r.Error.Code != protocol.CodeContentModified {
		t.Errorf("at once: %+v", r.Error)
	}
	c.settle()
	check("settled", c.call("codeAction/resolve", offered))
	c.change(helper, 3, m{"text": talking})
	c.settle()
	if r := c.call("codeAction/resolve", offered); r.Error == nil || r.Error.Code != protocol.CodeContentModified {
		t.Errorf("nothing is missing any more: %+v", r)
	}
}
