//go:build unix

package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"unicode"
)

// TestNothingControlsTheTerminal holds what a process says of names, keys and text that come from elsewhere to be free of what a terminal
// obeys, whatever command says it.
func TestNothingControlsTheTerminal(t *testing.T) {
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	const evil = "\x1b[2J\x1b]0;t\a\u202e"
	source := "import torch\nsafe()  # " + evil + "\ntorch.save({'model" + evil + "': model.state_dict()}, 'c" + evil + ".pt')\nck = torch.load('c" + evil + ".pt')\nmodel.load_state_dict(ck['model" + evil + "'])\nx = = '" + evil + "'\n"
	header := `{"key\u001b[2J\u202e":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}`
	header += strings.Repeat(" ", 72-len(header))
	for _, args := range [][]string{{"check"}, {"check", "--diff"}, {"check", "--show-files"}, {"contract"}, {"contract", "train" + evil + ".py"}, {"inspect", "w" + evil + ".safetensors"}, {"inspect", "no" + evil},
		{"check", "no" + evil}, {"check", "--fix"}} {
		dir := t.TempDir()
		for name, text := range map[string]string{
			"train" + evil + ".py": source, "sound" + evil + ".py": strings.ReplaceAll(source, "x = =", "x ="),
			"w" + evil + ".safetensors": "\x48\x00\x00\x00\x00\x00\x00\x00" + header + "\x00\x00\x00\x00",
		} {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		c := &exec.Cmd{Path: program, Args: append([]string{"ckpt-lsp"}, args...), Dir: dir}
		said, err := c.CombinedOutput()
		if _, ended := err.(*exec.ExitError); err != nil && !ended || len(said) == 0 {
			t.Fatalf("%q: %v, %q", args, err, said)
		}
		for _, r := range string(said) {
			if unicode.IsControl(r) && r != '\n' && r != '\t' || unicode.Is(unicode.Bidi_Control, r) {
				t.Errorf("%q says %U:\n%q", args, r, said)
				break
			}
		}
		if !strings.Contains(string(said), `\u001b[2J`) {
			t.Errorf("%q does not come to say what is hidden:\n%s", args, said)
		}
	}
}
