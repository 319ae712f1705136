package server

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"go.lsp.dev/jsonrpc2"
	"go.lsp.dev/uri"

	"github.com/ckpt-lsp/ckpt-lsp/internal/project"
)

// nameless are URIs that name no file.
var nameless = []string{"", "file:", "file://", "file:///", "file:////", "file://%00", "file:///a%00b", "file:///a/..", "/"}

// TestFilePath tells the URIs of files from those that name none.
func TestFilePath(t *testing.T) {
	for _, u := range nameless {
		if path, ok := filePath(uri.URI(u)); ok || namesDocument(uri.URI(u)) == nil {
			t.Errorf("%q is the file %q", u, path)
		}
	}
	if path, ok := filePath("file:///a/b%20c.py"); !ok || path != "/a/b c.py" || namesDocument("file:///a/b%20c.py") != nil {
		t.Errorf("a file is %q, %v", path, ok)
	}
	if path, ok := filePath("untitled:Untitled-1"); ok || namesDocument("untitled:Untitled-1") != nil {
		t.Errorf("what is no file is %q", path)
	}
}

// TestNoFolder holds that what names no folder is none: the whole disk is not looked at.
func TestNoFolder(t *testing.T) {
	for _, u := range nameless {
		for how, params := range map[string]m{
			"root":    {"rootUri": u},
			"folders": {"rootUri": nil, "workspaceFolders": []any{m{"uri": u, "name": "x"}}},
			"path":    {"rootUri": nil, "rootPath": "/"},
		} {
			c := connect(t)
			params["processId"], params["capabilities"] = nil, m{"textDocument": m{"diagnostic": m{}}}
			r := c.call("initialize", params)
			if r.Error != nil && r.Error.Code != jsonrpc2.InvalidParams {
				t.Errorf("%s %q: %v", how, u, r.Error)
				continue
			}
			if r.Error != nil {
				continue // the URI is none even for the library
			}
			c.notify("initialized", m{})
			for _, f := range c.session.view.Load().folders {
				if f.rooted {
					t.Errorf("%s %q: the server works in %s", how, u, f.workspace.Root())
				}
			}
			known := workspacePull{}
			if got, _ := known.answer(c, known.request(c)); len(got) != 0 {
				t.Errorf("%s %q: %+v", how, u, got)
			}
		}
	}
}

// TestNoDocument holds that a document that is none is not taken, and that the server goes on.
func TestNoDocument(t *testing.T) {
	f := newTree(t, map[string]string{"a.py": ""})
	c := start(t, nil)
	for _, u := range nameless {
		c.show(u, "import torch\nBUG\n")
		c.notify("notebookDocument/didOpen", m{"notebookDocument": m{"uri": u, "notebookType": "jupyter-notebook", "version": 1, "cells": []any{}}, "cellTextDocuments": []any{}})
		c.notify("workspace/didChangeWatchedFiles", m{"changes": []any{m{"uri": u, "type": 1}}})
		c.notify("workspace/didChangeWorkspaceFolders", m{"event": m{"added": []any{m{"uri": u, "name": "x"}}, "removed": []any{}}})
		for _, command := range []string{prove, showContract, showTimeline} {
			if r := c.call("workspace/executeCommand", m{"command": command, "arguments": []any{u}}); r.Error == nil {
				t.Errorf("%s of %q is answered: %s", command, u, r.Result)
			}
		}
	}
	if got := c.open(f.uri("a.py"), "import torch\nBUG\n"); len(got.Diagnostics) != 1 {
		t.Errorf("%+v", got)
	}
	if docs := c.session.view.Load().docs; len(docs) != 1 {
		t.Errorf("%d documents", len(docs))
	}
}

// TestLargeFolder holds that of a folder that is too large the open documents alone are told, and the rest is not read.
func TestLargeFolder(t *testing.T) {
	const opened = "import torch\nimport nowhere\nBUG\n" // what is looked for in vain is not looked for in the files beside it
	f := newTree(t, map[string]string{"open.py": opened, "closed.py": "import torch\nBUG\n"})
	const size = 60 << 20 // of one file; together they are more than a folder may have
	for i := range mostLooked.Bytes/size + 1 {
		path := filepath.Join(f.root, fmt.Sprintf("large%d.py", i))
		f.write(t, filepath.Base(path), "")
		if err := os.Truncate(path, size); err != nil {
			t.Fatal(err)
		}
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	c, _ := pulling(t, "file://"+f.root)
	c.show(f.uri("open.py"), opened+"BUG\n")
	c.settle()
	known := workspacePull{}
	got, _ := known.answer(c, known.request(c))
	if len(got) != 1 || len(got[f.uri("open.py")]) != 2 {
		t.Errorf("%+v", got)
	}
	if runtime.ReadMemStats(&after); after.TotalAlloc-before.TotalAlloc > size {
		t.Errorf("%d MB were allocated", (after.TotalAlloc-before.TotalAlloc)>>20)
	}
}

// TestDiscoveryEnds holds that who looks for files does not wait longer than he wants to, be it for others, and that half of the files are
// not taken for all.
func TestDiscoveryEnds(t *testing.T) {
	f := newTree(t, map[string]string{"a.py": "", "sub/b.py": ""})
	w := project.NewWorkspace(f.root)
	l := newListing()
	ended, end := context.WithCancel(t.Context())
	end()
	if paths, _, err := l.in(ended, w); err == nil {
		t.Errorf("found after the end: %v", paths)
	}
	if paths, exceeded, err := l.in(t.Context(), w); len(paths) != 2 || exceeded || err != nil {
		t.Errorf("found are %v, %v, %v", paths, exceeded, err)
	}
	busy := newListing()
	busy.turn <- struct{}{}
	if _, _, err := busy.in(ended, w); err == nil {
		t.Error("it waits for another who looks")
	}
}
