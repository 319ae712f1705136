package project

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ckpt-lsp/ckpt-lsp/diagnostics"
	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
	"github.com/ckpt-lsp/ckpt-lsp/internal/text"
)

func TestAnalyzeBytes(t *testing.T) {
	w := testWorkspace(t.TempDir())
	for name, c := range map[string]struct {
		data     string
		findings int
		problem  string // "" for none
		fatal    bool
	}{
		"finding":      {"import torch\nbad()\n", 1, "", false},
		"no framework": {"bad()\n", 0, "", false},
		"syntax error": {"import torch\nbad()\ndef f(:\n", 1, "x.py:3:7: syntax error", false},
		"undecodable":  {"import torch\n'\xff'\n", 0, "x.py: byte 14: 0xff", false},
		"not decoded":  {"'\xff'\n", 0, "", false},
		"latin-1":      {"# coding: latin-1\nimport torch; '\xff'; bad()\n", 1, "", false},
		"panic":        {"import torch\nbad(explode())\n", 1, "x.py: internal error in rule CKP802 explosive-call: boom; please report", true},
		"too large":    {"import torch\n" + strings.Repeat("#", pyast.MaxSource), 0, "x.py: the file is larger than", false},
		"suppressed":   {"import torch\nbad()  # ckpt-lsp: ignore[bad-call]\n", 0, "", false},
	} {
		a := w.AnalyzeBytes("x.py", []byte(c.data))
		if len(a.Diagnostics) != c.findings {
			t.Errorf("%s: findings %v", name, a.Diagnostics)
		}
		var problem string
		if len(a.Problems) > 0 {
			problem = a.Problems[0].Error()
		}
		if !strings.HasPrefix(problem, c.problem) || (problem == "") != (c.problem == "") || problem != "" && a.Problems[0].Fatal != c.fatal {
			t.Errorf("%s: problems %v, want %q, fatal %v", name, a.Problems, c.problem, c.fatal)
		}
	}
}

func TestAnalyzeFileThatCannotBeRead(t *testing.T) {
	a := testWorkspace(".").AnalyzeFile("none.py")
	if len(a.Problems) != 1 || !a.Problems[0].Fatal || !strings.HasPrefix(a.Problems[0].Error(), "none.py: cannot be read: no such file") {
		t.Errorf("problems %v", a.Problems)
	}
}

func TestAnalyzeTakesATree(t *testing.T) {
	src := text.NewSource([]byte("import torch\nbad()\n"))
	tree, err := pyast.Parse(src.Text)
	if err != nil {
		t.Fatal(err)
	}
	a := testWorkspace(".").Analyze("x.py", src, tree)
	if a.Tree != tree || len(a.Diagnostics) != 1 {
		t.Errorf("analysis %+v", a)
	}
}

func TestOverrides(t *testing.T) {
	root := tree(t, map[string]string{"ckpt-lsp.toml": "ignore = ['bad-call']", "x.py": "import torch\nbad()\n"})
	selector, err := rules.Selector("CKP801")
	if err != nil {
		t.Fatal(err)
	}
	one := []diagnostics.Selector{selector}
	for name, c := range map[string]struct {
		o    Overrides
		want int
	}{
		"none": {Overrides{}, 0}, "select": {Overrides{Select: one}, 1}, "select and ignore": {Overrides{Select: one, Ignore: one}, 0}, "ignore": {Overrides{Ignore: one}, 0},
	} {
		c.o.Rules = rules
		if got := len(NewWorkspaceWith(root, c.o).AnalyzeFile(filepath.Join(root, "x.py")).Diagnostics); got != c.want {
			t.Errorf("%s: %d findings, want %d", name, got, c.want)
		}
	}
}

// TestConcurrentUse is for the race detector.
func TestConcurrentUse(t *testing.T) {
	files := map[string]string{}
	for i := range 20 {
		files[fmt.Sprintf("d%d/x.py", i)] = "import torch\nbad()\n"
	}
	root := tree(t, files)
	w := testWorkspace(root)
	paths, _, _ := w.Files(t.Context(), []string{root})
	got := Map(paths, func(path string) string {
		w.Reload()
		return fmt.Sprint(filepath.Dir(path), len(w.AnalyzeFile(path).Diagnostics))
	})
	for i, path := range paths {
		if want := fmt.Sprint(filepath.Dir(path), 1); got[i] != want {
			t.Errorf("result %d is %q, want %q", i, got[i], want)
		}
	}
}

func TestUnreadableDirectory(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Skip("root reads everything")
	}
	root := tree(t, map[string]string{"shut/x.py": "", "y.py": ""})
	if err := os.Chmod(filepath.Join(root, "shut"), 0); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.Chmod(filepath.Join(root, "shut"), 0o755) })
	files, problems, _ := testWorkspace(root).Files(t.Context(), []string{root})
	if len(files) != 1 || len(problems) != 1 || !problems[0].Fatal {
		t.Errorf("files %v, problems %v", files, problems)
	}
}

func TestRelevant(t *testing.T) {
	for data, want := range map[string]bool{
		"from pytorch_lightning import Trainer\n": true,
		"from trl import SFTConfig, SFTTrainer\n": true,
		"import trl\n": true,
		"from trl.trainer.sft_config import SFTConfig\n":          true,
		"from sentence_transformers import SentenceTransformer\n": true,
		"import numpy\n# ctrl-c stops it\n":                       false,
	} {
		if got := Relevant([]byte(data)); got != want {
			t.Errorf("%q: relevant %v, want %v", data, got, want)
		}
	}
}
