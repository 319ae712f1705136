package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// TestNeovim runs diagnose, fix, cleared, saved in a real Neovim. Without nvim it is skipped, but never in CI.
func TestNeovim(t *testing.T) {
	nvim, err := exec.LookPath("nvim")
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("nvim is missing; .ci/run installs it")
		}
		t.Skip("SKIPPED: nvim is not installed, so no real editor was tried")
	}
	dir := t.TempDir()
	binary := filepath.Join(dir, "ckpt-lsp")
	if out, err := exec.Command("go", "build", "-o", binary, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	source, err := os.ReadFile(filepath.Join(scenarios, "1_resnet_resume", "train.py"))
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "train.py")
	if err := os.WriteFile(file, source, 0o600); err != nil {
		t.Fatal(err)
	}
	session := exec.Command(nvim, "--headless", "--clean", "-c", "luafile testdata/neovim/session.lua")
	session.Env = append(os.Environ(), "SERVER="+binary, "FILE="+file, "XDG_CACHE_HOME="+t.TempDir())
	if out, err := session.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	saved, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"optimizer_state_dict": optimizer.state_dict()`, `scheduler.load_state_dict(checkpoint["scheduler_state_dict"])`} {
		if !bytes.Contains(saved, []byte(want)) {
			t.Errorf("the saved file lacks %s", want)
		}
	}
}
