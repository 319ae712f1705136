//go:build unix

package project

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ckpt-lsp/ckpt-lsp/internal/files"
)

// pipe makes a named pipe, which nobody writes to.
func pipe(t *testing.T, path string) {
	t.Helper()
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestUntrustedFiles checks a program among files that never end or never begin: what it imports, what says how it is checked, and what
// says which torch it needs.
func TestUntrustedFiles(t *testing.T) {
	for _, name := range []string{
		"helper.py", ".gitignore", "pyproject.toml", "ckpt-lsp.toml", "requirements.txt", "setup.py", "setup.cfg", "environment.yml", "uv.lock",
		"included.txt", BaselineFile, "notebook.ipynb",
	} {
		for what, put := range map[string]func(path string){
			"pipe":   func(path string) { pipe(t, path) },
			"device": func(path string) { link(t, "/dev/zero", path) },
			"stdin":  func(path string) { link(t, "/dev/stdin", path) },
			"large": func(path string) {
				writeOver(t, path, "")
				if err := os.Truncate(path, files.Most+1); err != nil {
					t.Fatal(err)
				}
			},
		} {
			t.Run(name+"/"+what, func(t *testing.T) {
				root := tree(t, map[string]string{".git/": "", "train.py": "import torch\nimport helper\nhelper.run()\nbad()\n", "package/setup.cfg": "", "requirements.txt": "-r included.txt\n"})
				os.Remove(filepath.Join(root, name))
				put(filepath.Join(root, name))
				done := make(chan bool)
				go func() {
					defer close(done)
					w := testWorkspace(root)
					paths, _, errs := w.Files(t.Context(), []string{root})
					_, err := w.Config(filepath.Join(root, "train.py"))
					if broken := name == "ckpt-lsp.toml" || name == "pyproject.toml" || name == BaselineFile; broken != (err != nil) || err != nil && !strings.Contains(err.Error(), name) || broken != (len(errs) > 0) {
						t.Errorf("the configuration: %v, %v", err, errs)
					}
					all, err := NewIndex(w).AnalyzeAll(t.Context(), NewProgram(w), paths)
					if err != nil {
						t.Error(err)
					}
					for _, a := range all {
						if filepath.Base(a.Path) == "train.py" && len(a.Diagnostics) != 1 {
							t.Errorf("%d findings", len(a.Diagnostics))
						}
					}
				}()
				select {
				case <-done:
				case <-time.After(20 * time.Second):
					t.Fatal("it does not end")
				}
			})
		}
	}
}

func link(t *testing.T, to, path string) {
	t.Helper()
	if err := os.Symlink(to, path); err != nil {
		t.Fatal(err)
	}
}

// TestImportsThroughLinks follows symbolic links to files wherever they lead, and those to directories within the project alone.
func TestImportsThroughLinks(t *testing.T) {
	outside := tree(t, map[string]string{"elsewhere.py": "", "far/module.py": ""})
	root := tree(t, map[string]string{".git/": "", "app/train.py": "", "shared/module.py": ""})
	link(t, filepath.Join(outside, "elsewhere.py"), filepath.Join(root, "app", "linked.py"))
	link(t, filepath.Join(outside, "far"), filepath.Join(root, "app", "far"))
	link(t, filepath.Join(root, "shared"), filepath.Join(root, "app", "near"))
	link(t, "/", filepath.Join(root, "app", "disk"))
	p := NewProgram(testWorkspace(filepath.Join(root, "app")))
	for name, want := range map[string]string{"linked": "app/linked.py", "near.module": "app/near/module.py", "far.module": "", "disk." + strings.ReplaceAll(strings.Trim(outside, "/"), "/", ".") + ".elsewhere": ""} {
		if want != "" {
			want = filepath.Join(root, want)
		}
		if got := p.find(filepath.Join(root, "app", "train.py"), name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
}

// TestUnreadableSource says why a file that is named is not checked.
func TestUnreadableSource(t *testing.T) {
	root := tree(t, nil)
	path := filepath.Join(root, "zero.py")
	link(t, "/dev/zero", path)
	a := testWorkspace(root).AnalyzeFile(path)
	if len(a.Problems) != 1 || !a.Problems[0].Fatal || !strings.Contains(a.Problems[0].Message, files.ErrNotRegular.Error()) {
		t.Errorf("%v", a.Problems)
	}
	if _, err := ReadBaseline(path); !errors.Is(err, files.ErrNotRegular) {
		t.Errorf("a baseline: %v", err)
	}
}
