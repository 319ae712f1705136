package contract

import (
	"os"
	"path/filepath"
	"testing"

	_ "github.com/ckpt-lsp/ckpt-lsp/diagnostics/rules"
	"github.com/ckpt-lsp/ckpt-lsp/internal/project"
	"github.com/ckpt-lsp/ckpt-lsp/internal/text"
)

const train = `import torch
model = torch.nn.Linear(1, 1)
optimizer = torch.optim.Adam(model.parameters())
checkpoint = torch.load("last.pt", weights_only=True)
model.load_state_dict(checkpoint["model"])
print(checkpoint["a|b"])
for epoch in range(3):
    model(torch.ones(1)).backward()
    optimizer.step()
    torch.save({"model": model.state_dict(), "a|b": 1 | 2, "forgotten": 3}, "last.pt")
`

const page = "# Checkpoint contract of train.py\n" + `
## ` + "`train.py:10` writes `last.pt`" + `

` + "`train.py:4` reads `last.pt`." + `

| key | written | read | what becomes of it |
|---|---|---|---|
| ` + "`model` | line 10 `model.state_dict()` | line 5 | restored into model |" + `
| ` + "`a\\|b` | line 10 `1 \\| 2` | line 6 | read |" + `
| ` + "`forgotten` | line 10 `3` | - | not read here |" + `
`

// TestUnsavedTextsCount reads a text that the disk does not hold.
func TestUnsavedTextsCount(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "train.py")
	if err := os.WriteFile(path, []byte("import torch\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	w := project.NewWorkspace(dir)
	p := project.NewProgram(w)
	for _, c := range []struct {
		what    string
		program *project.Program
		want    string
	}{
		{"saved", p, "# Checkpoint contract of train.py\n\nNo checkpoint with keys is saved or loaded here.\n"},
		{"unsaved", p.With(path, text.NewSource([]byte(train)), nil), page},
	} {
		got, err := Read(t.Context(), w, c.program, []string{path}, Options{Show: filepath.Base})
		if err != nil {
			t.Fatal(err)
		}
		if got := Markdown("train.py", got); got != c.want {
			t.Errorf("%s:\n%s\nwant\n%s", c.what, got, c.want)
		}
	}
}

func TestCode(t *testing.T) {
	for s, want := range map[string]string{"": "", "a": "`a`", "a`b": "`` a`b ``"} {
		if got := Code(s); got != want {
			t.Errorf("%q gives %q", s, got)
		}
	}
}
