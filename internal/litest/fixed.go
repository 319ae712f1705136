package litest

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ckpt-lsp/ckpt-lsp/diagnostics"
	"github.com/ckpt-lsp/ckpt-lsp/internal/project"
	"github.com/ckpt-lsp/ckpt-lsp/internal/text"
)

var update = flag.Bool("litest.update", false, "write what fixes come to into the ```diff blocks of the literate tests")

// compare holds what the fixes of files come to against the block.
func (f *Fixed) compare(t *testing.T, files []Example, w *project.Workspace, paths []string) {
	t.Helper()
	atLeast := diagnostics.Safe
	if f.Unsafe {
		atLeast = diagnostics.Unsafe
	}
	p := project.NewProgram(w)
	for i, e := range files {
		p = p.With(paths[i], text.NewSource([]byte(e.Source)), nil)
	}
	fixed, err := project.NewIndex(w).Fix(t.Context(), p, paths, atLeast)
	if err != nil {
		t.Fatal(err)
	}
	var got strings.Builder
	for i, x := range fixed {
		if x.Err != nil {
			t.Errorf("%s:%d: %v", files[i].Doc, files[i].Line, x.Err)
		}
		if x.Changed() {
			got.WriteString(text.Diff(filepath.ToSlash(files[i].File), x.Before.Source.Text, x.After.Source.Text))
		}
	}
	if got.String() == f.Diff {
		return
	}
	if *update {
		f.Diff = got.String()
		return
	}
	t.Errorf("%s:%d: the fixes come to\n%s\nwant\n%s", files[0].Doc, files[0].Line, got.String(), f.Diff)
}

// rewrite puts the diffs that have come out into a document.
func rewrite(t *testing.T, doc string, examples []Example) {
	t.Helper()
	if !*update {
		return
	}
	data, err := os.ReadFile(doc)
	if err != nil {
		t.Fatal(err)
	}
	text := string(data)
	for i := len(examples) - 1; i >= 0; i-- {
		if f := examples[i].Fixed; f != nil {
			text = text[:f.From] + f.Diff + text[f.To:]
		}
	}
	if text != string(data) {
		if err := os.WriteFile(doc, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}
