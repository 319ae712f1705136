package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/ckpt-lsp/ckpt-lsp/internal/files"
	"github.com/ckpt-lsp/ckpt-lsp/internal/project"
	"github.com/ckpt-lsp/ckpt-lsp/internal/text"
)

// fixedFiles are files a.py, b.py and c.py of a directory with the text "old", fixed to "new"; those with partners are told.
func fixedFiles(t *testing.T, partners ...[]int) (dir string, fixed []project.Fixed) {
	t.Helper()
	dir = t.TempDir()
	for i, name := range []string{"a.py", "b.py", "c.py"} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte("old"), 0o600); err != nil {
			t.Fatal(err)
		}
		fixed = append(fixed, project.Fixed{
			Before:   &project.Analysis{Path: path, Source: text.NewSource([]byte("old"))},
			After:    &project.Analysis{Path: path, Source: text.NewSource([]byte("new"))},
			Partners: partners[i],
		})
	}
	return dir, fixed
}

// texts are the contents of a directory's files, by name.
func texts(t *testing.T, dir string) string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, e := range entries {
		data, _ := os.ReadFile(filepath.Join(dir, e.Name())) // a directory has none
		out = append(out, e.Name()+"="+string(data))
	}
	return strings.Join(out, " ")
}

// TestSaveWholeFixes holds that files that a fix changes together are written together or not at all, and the others all the same.
func TestSaveWholeFixes(t *testing.T) {
	dir, fixed := fixedFiles(t, []int{2}, nil, []int{0})
	if err := os.Chmod(filepath.Join(dir, "c.py"), 0o400); err != nil {
		t.Fatal(err)
	}
	written, _ := save(context.Background(), fixed)
	if got := texts(t, dir); got != "a.py=old b.py=new c.py=old" {
		t.Errorf("the files are %s", got)
	}
	if len(written) != 1 || filepath.Base(written[0]) != "b.py" {
		t.Errorf("written %v", written)
	}
	if fixed[2].Err == nil || !strings.HasSuffix(fixed[2].Err.Error(), "cannot be written: the file is read-only") || fixed[0].Err == nil ||
		!strings.Contains(fixed[0].Err.Error(), "c.py too was not applied") || fixed[1].Err != nil || fixed[0].Changed() {
		t.Errorf("errors %v, %v, %v", fixed[0].Err, fixed[1].Err, fixed[2].Err)
	}
}

// TestSaveLosesNoUpdate holds that a file which somebody wrote since it was read is left alone, with what was fixed together with it.
func TestSaveLosesNoUpdate(t *testing.T) {
	dir, fixed := fixedFiles(t, []int{2}, nil, []int{0})
	if err := os.WriteFile(filepath.Join(dir, "c.py"), []byte("their"), 0o600); err != nil {
		t.Fatal(err)
	}
	save(context.Background(), fixed)
	if got := texts(t, dir); got != "a.py=old b.py=new c.py=their" {
		t.Errorf("the files are %s", got)
	}
	if !errors.Is(fixed[2].Err, files.ErrChanged) || fixed[0].Err == nil || fixed[1].Err != nil {
		t.Errorf("errors %v, %v, %v", fixed[0].Err, fixed[1].Err, fixed[2].Err)
	}
}

// ending is a context that ends when it has been asked for so often.
type ending struct {
	context.Context
	left *atomic.Int64
}

func (e ending) Err() error {
	if e.left.Add(-1) < 0 {
		return context.Canceled
	}
	return nil
}

// TestSaveStopsBetweenFiles holds that an end lets the file, or the fix, that is under way come to its own.
func TestSaveStopsBetweenFiles(t *testing.T) {
	dir, fixed := fixedFiles(t, []int{1}, []int{0}, nil)
	var left atomic.Int64
	left.Store(1)
	written, _ := save(ending{context.Background(), &left}, fixed)
	if got := texts(t, dir); got != "a.py=new b.py=new c.py=old" && got != "a.py=old b.py=old c.py=new" {
		t.Errorf("the files are %s", got)
	}
	told := interrupted{context.Canceled, written, true}.Error()
	for _, name := range []string{"a.py", "b.py", "c.py"} {
		data, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if said := slices.ContainsFunc(written, func(w string) bool { return filepath.Base(w) == name }); said != (string(data) == "new") || said != strings.Contains(told, name) {
			t.Errorf("%s is %q, and it is said: %s", name, data, told)
		}
	}
}
