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
