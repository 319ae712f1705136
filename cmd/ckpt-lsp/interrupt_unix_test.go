//go:build unix

package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestSignalsLeaveNothing ends `check --fix` by a signal while it writes: what it says was written is, whole, and nothing stands beside.
func TestSignalsLeaveNothing(t *testing.T) {
	const files = 400
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP} {
		dir := t.TempDir()
		for i := range files {
			if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("f%03d.py", i)), []byte("import torch\nsafe()\n"), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		var said bytes.Buffer
		c := &exec.Cmd{Path: program, Args: []string{"ckpt-lsp", "check", "--fix", "--quiet", "."}, Dir: dir, Stderr: &said}
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		go func() {
			for { // until the first text is written
				if fixed, _ := filepath.Glob(filepath.Join(dir, ".ckpt-lsp-*")); len(fixed) > 0 {
					_ = c.Process.Signal(s)
					return
				}
				if t.Context().Err() != nil {
					return
				}
				time.Sleep(100 * time.Microsecond)
			}
		}()
		_ = c.Wait()
		written := 0
		entries, err := os.ReadDir(dir)
		if err != nil || len(entries) != files {
			t.Errorf("%v: %d files, %v", s, len(entries), err)
		}
		for _, e := range entries {
			switch text, _ := os.ReadFile(filepath.Join(dir, e.Name())); string(text) {
			case "import torch\nsafe(safe=True)\n":
				written++
				if !strings.Contains(said.String(), e.Name()) {
					t.Errorf("%v: %s is written, and it is not said", s, e.Name())
				}
			case "import torch\nsafe()\n":
			default:
				t.Errorf("%v: %s is %q", s, e.Name(), text)
			}
		}
		if code := c.ProcessState.ExitCode(); written < files && code != exitSignal+int(s) {
			t.Errorf("%v: %d written, exit code %d: %s", s, written, code, said.String())
		}
		if written == files || written == 0 {
			t.Logf("%v came before or behind all %d files", s, files)
		}
	}
}

// TestSignalsEndTheServer ends a server by a signal while the client reads a page of it: the page goes with it.
func TestSignalsEndTheServer(t *testing.T) {
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP} {
		work, temporary, cache := t.TempDir(), t.TempDir(), t.TempDir()
		if err := os.WriteFile(filepath.Join(work, "train.py"), []byte("import torch\nsafe()\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		c := &exec.Cmd{Path: program, Args: []string{"ckpt-lsp", "server"}, Dir: work, Stderr: os.Stderr,
			Env: append(os.Environ(), "TMPDIR="+temporary, "XDG_CACHE_HOME="+cache, "HOME="+cache)}
		in, err := c.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		for _, message := range []string{
			fmt.Sprintf(`{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"processId":null,"rootUri":"file://%s","capabilities":{"window":{"showDocument":{"support":true}}}}}`, work),
			`{"jsonrpc":"2.0","method":"initialized","params":{}}`,
			`{"jsonrpc":"2.0","id":2,"method":"workspace/executeCommand","params":{"command":"ckpt-lsp.contract","arguments":[]}}`,
		} {
			fmt.Fprintf(in, "Content-Length: %d\r\n\r\n%s", len(message), message)
		}
		var pages []string
		for end := time.Now().Add(30 * time.Second); len(pages) == 0 && time.Now().Before(end); time.Sleep(time.Millisecond) {
			pages, _ = filepath.Glob(filepath.Join(temporary, "*", "contract-*.md"))
		}
		if len(pages) == 0 {
			t.Errorf("%v: there is no page to begin with", s)
		}
		if children, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%[1]d/children", c.Process.Pid)); err == nil && len(children) > 0 {
			t.Errorf("%v: the server has children: %s", s, children)
		}
		if err := c.Process.Signal(s); err != nil {
			t.Fatal(err)
		}
		ended := make(chan struct{})
		go func() {
			_ = c.Wait()
			close(ended)
		}()
		select {
		case <-ended:
		case <-time.After(30 * time.Second):
			_ = c.Process.Kill()
			t.Fatalf("%v does not end the server", s)
		}
		if code := c.ProcessState.ExitCode(); code != exitSignal+int(s) {
			t.Errorf("%v: exit code %d", s, code)
		}
		for _, dir := range []string{temporary, work} {
			entries, err := os.ReadDir(dir)
			for _, e := range entries {
				if e.Name() != "train.py" {
					t.Errorf("%v leaves %s", s, filepath.Join(dir, e.Name()))
				}
			}
			if err != nil {
				t.Error(err)
			}
		}
	}
}
