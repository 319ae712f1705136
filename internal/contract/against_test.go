package contract

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/ckpt-lsp/ckpt-lsp/internal/checkpoint"
	"github.com/ckpt-lsp/ckpt-lsp/internal/project"
)

const head = `import torch
from model import Net, loader

model = Net()
optimizer = torch.optim.Adam(model.parameters())
`

// TestAgainst holds programs against a file with the keys model (names begin with _orig_mod.module.) and epoch.
func TestAgainst(t *testing.T) {
	data, err := os.ReadFile("../checkpoint/testdata/seeds/compiled-ddp.pt")
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		program string
		keys    string
		advice  string
		misfits bool
	}{
		"missing and left": {`
checkpoint = torch.load("last.pt", weights_only=True)
optimizer.load_state_dict(checkpoint["optimizer"])
print(checkpoint["epochs"], checkpoint.get("best"))
`, "model left, epoch left, optimizer missing, epochs missing near epoch, best optional", "", true},
		"a bare model": {`
checkpoint = torch.load("last.pt", weights_only=True)
model.load_state_dict(checkpoint["model"], strict=False)
print(checkpoint["epoch"])
`, "model restored into model, epoch read", "strip _orig_mod., module. from the names: `model` is not wrapped, and strict=False loads nothing and says nothing", true},
		"names are changed": {`
checkpoint = torch.load("last.pt", weights_only=True)
model.load_state_dict({k.removeprefix("_orig_mod.module."): v for k, v in checkpoint["model"].items()})
print(checkpoint["epoch"])
`, "model read, epoch read", "", false},
		"the whole file": {`
model.load_state_dict(torch.load("last.pt", weights_only=True))
`, " restored into model", `restore it from checkpoint["model"]: all of the file is handed to model.load_state_dict`, true},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			file, program := filepath.Join(dir, "last.pt"), filepath.Join(dir, "train.py")
			for path, content := range map[string]string{file: string(data), program: head + test.program + "\ntorch.load('other.pt')['x']\n"} {
				if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			c, err := checkpoint.Open(file)
			if err != nil {
				t.Fatal(err)
			}
			w := project.NewWorkspace(dir)
			fits, _, err := Against(t.Context(), w, project.NewProgram(w), []string{program}, c, 0, Options{Show: filepath.Base})
			if err != nil || len(fits) != 1 || !fits[0].Named {
				t.Fatalf("%+v, %v", fits, err)
			}
			var keys []string
			for _, k := range fits[0].Keys {
				said := k.Name + " " + k.State
				if k.Restored != "" {
					said += " into " + k.Restored
				}
				if k.Nearest != "" {
					said += " near " + k.Nearest
				}
				keys = append(keys, said)
			}
			if got := strings.Join(keys, ", "); got != test.keys {
				t.Errorf("keys %s, want %s", got, test.keys)
			}
			if got := strings.Join(fits[0].Advice, "\n"); got != test.advice || fits[0].Misfits() != test.misfits {
				t.Errorf("advice %q, want %q; misfits %v", got, test.advice, fits[0].Misfits())
			}
		})
	}
}

// TestPolicies holds what is said of disk space to the file's sizes.
func TestPolicies(t *testing.T) {
	dir := t.TempDir()
	program := filepath.Join(dir, "train.py")
	if err := os.WriteFile(program, []byte(head+`
for epoch in range(200):
    for x, y in loader:
        optimizer.zero_grad()
        model(x).loss(y).backward()
        optimizer.step()
    if epoch % 2 == 0:
        torch.save({"model": model.state_dict(), "epoch": epoch}, f"model_{epoch}.pt")
`), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := checkpoint.Open("../checkpoint/testdata/seeds/compiled-ddp.pt")
	if err != nil {
		t.Fatal(err)
	}
	w := project.NewWorkspace(dir)
	for epochs, files := range map[int64]int64{0: 100, 50: 25} {
		_, policies, err := Against(t.Context(), w, project.NewProgram(w), []string{program}, c, epochs, Options{Show: filepath.Base})
		if err != nil || len(policies) != 1 {
			t.Fatalf("%+v, %v", policies, err)
		}
		p := policies[0]
		if got, want := []int64{p.Files, p.All, p.Model, p.Last, p.Best}, []int64{files, files * c.Size, files * 272, 3 * c.Size, 2 * c.Size}; !slices.Equal(got, want) {
			t.Errorf("%d epochs: %v, want %v", epochs, got, want)
		}
	}
}
