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
			fits, _, err := Against(t.Context(), w, project.NewProgram(w), []string{program}, c, Plan{}, Options{Show: filepath.Base})
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
	c, err := checkpoint.Open("../checkpoint/testdata/seeds/compiled-ddp.pt")
	if err != nil {
		t.Fatal(err)
	}
	const (
		step   = "optimizer.zero_grad()\n        model(x).loss(y).backward()\n        optimizer.step()\n"
		epochs = "\nfor epoch in range(200):\n    for x, y in loader:\n        " + step + "    if epoch % 2 == 0:\n        torch.save({'model': model.state_dict(), 'epoch': epoch}, f'model_{epoch}.pt')\n"
		steps  = "\nx, y = next(iter(loader))\nfor step in range(1, 1001):\n    if True:\n        " + step + "    if step % 100 == 0:\n        torch.save({'model': model.state_dict(), 'step': step}, f'model_{step}.pt')\n"
		global = "\nglobal_step = 0\nfor epoch in range(3):\n    for x, y in loader:\n        " + step + "        global_step += 1\n        if global_step % 50 == 0:\n            torch.save({'model': model.state_dict(), 'step': global_step}, f'model_{global_step}.pt')\n"
	)
	for _, test := range []struct {
		program string
		plan    Plan
		files   int64
		planned string
	}{
		{epochs, Plan{}, 100, "200 epochs in the program"},
		{epochs, Plan{Epochs: 50, Steps: 7}, 25, "50 epochs, as asked"},
		{steps, Plan{}, 10, "1000 steps in the program"},
		{steps, Plan{Steps: 2000}, 20, "2000 steps, as asked"},
		{global, Plan{}, 0, ""}, // how long the loader is nobody knows
		{global, Plan{Steps: 600}, 12, "600 steps, as asked"},
	} {
		if err := os.WriteFile(program, []byte(head+test.program), 0o600); err != nil {
			t.Fatal(err)
		}
		w := project.NewWorkspace(dir)
		_, policies, err := Against(t.Context(), w, project.NewProgram(w), []string{program}, c, test.plan, Options{Show: filepath.Base})
		if test.files == 0 && err == nil && len(policies) == 0 {
			continue
		}
		if err != nil || len(policies) != 1 || policies[0].Planned != test.planned {
			t.Errorf("%+v: %+v, %v", test, policies, err)
			continue
		}
		files := test.files
		p := policies[0]
		if got, want := []int64{p.Files, p.All, p.Model, p.Last, p.Best}, []int64{files, files * c.Size, files * 272, 3 * c.Size, 2 * c.Size}; !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", test.planned, got, want)
		}
	}
}
