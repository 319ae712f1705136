package main

import (
	"bufio"
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fsnotify/fsnotify"

	"github.com/ckpt-lsp/ckpt-lsp/internal/project"
	"github.com/ckpt-lsp/ckpt-lsp/internal/report"
)

// TestWatch changes files under a check that watches them, and reads what it says of each change. It waits for lines, not for time.
func TestWatch(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	if err := os.Mkdir(".git", 0o755); err != nil { // nothing above is watched
		t.Fatal(err)
	}
	write := func(path, content string) {
		t.Helper()
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("a.py", "import torch\nsafe()\n")
	out, in := io.Pipe()
	c := &checker{rules: scripted(), format: "concise", out: in, err: in, reportTo: in}
	c.style = func(io.Writer) report.Style { return report.Style{Width: pageWidth} }
	if err := c.prepare(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() {
		err := c.follow(ctx, []string{"."})
		in.Close()
		ended <- err
	}()
	lines := bufio.NewScanner(out)
	until := func(wanted string) {
		t.Helper()
		for lines.Scan() {
			if strings.Contains(lines.Text(), wanted) {
				return
			}
		}
		t.Fatalf("it ended without a line with %q", wanted)
	}
	until("a.py:2:1: warning[CKP801]")
	until("Watching")
	write("a.py", "import torch\nsafe(safe=True)\n")
	until("Changed: a.py")
	until("No findings in 1 file.")
	until("Watching")
	write("new/b.py", "import torch\nunsafe()\n")
	until("new/b.py:2:1: warning[CKP802]")
	until("Watching")
	write("ckpt-lsp.toml", "ignore = ['CKP802']\n")
	until("Changed: ckpt-lsp.toml")
	until("No findings in 2 files.")
	until("Watching")
	write("ckpt-lsp.toml", "ignroe = []\n")
	until("ckpt-lsp.toml:1:1: unknown key")
	until("Watching")
	if err := os.Remove("ckpt-lsp.toml"); err != nil {
		t.Fatal(err)
	}
	until("new/b.py:2:1: warning[CKP802]")
	until("Watching")
	if err := os.RemoveAll("new"); err != nil {
		t.Fatal(err)
	}
	until("No findings in 1 file.")
	until("Watching")
	cancel()
	if err := <-ended; err != nil {
		t.Errorf("it ended with %v", err)
	}
}

// TestWatchEndsWaiting holds that files which change without an end do not keep a check from being made.
func TestWatchEndsWaiting(t *testing.T) {
	dir := t.TempDir()
	ctx, cancel := context.WithCancel(t.Context())
	events := make(chan fsnotify.Event)
	go func() {
		for {
			select {
			case events <- fsnotify.Event{Name: filepath.Join(dir, "a.py"), Op: fsnotify.Write}:
			case <-ctx.Done():
				return
			}
		}
	}()
	c := &checker{workspace: project.NewWorkspace(dir)}
	changed := c.change(ctx, &fsnotify.Watcher{Events: events}, []string{dir})
	cancel()
	if len(changed) != 1 || !strings.HasSuffix(changed[0], "a.py") {
		t.Errorf("changed: %q", changed)
	}
	if changed := c.change(ctx, &fsnotify.Watcher{}, nil); changed != nil {
		t.Errorf("changed after the end: %q", changed)
	}
}
