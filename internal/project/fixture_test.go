package project

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ckpt-lsp/ckpt-lsp/diagnostics"
	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
)

// Rules for tests. The first reports calls of bad(), and looks at the files beside one that calls beside(); the second panics on a file that calls explode().
var (
	rules   = diagnostics.Product.With()
	badRule = rules.Register(&diagnostics.Rule{Code: "CKP801", Name: "bad-call", Severity: diagnostics.Warning, Run: func(p *diagnostics.Pass) {
		for n := range p.File.Tree.Root().Descendants() {
			if n.Is(pyast.KindCall) && n.Child(pyast.FieldFunction).TextIs("beside") {
				p.File.Beside()
			}
			if n.Is(pyast.KindCall) && n.Child(pyast.FieldFunction).TextIs("bad") {
				p.Report(diagnostics.Diagnostic{Span: n.Span(), Message: "bad"})
			}
		}
	}})
	_ = rules.Register(&diagnostics.Rule{Code: "CKP802", Name: "explosive-call", Severity: diagnostics.Hint, Run: func(p *diagnostics.Pass) {
		for n := range p.File.Tree.Root().Descendants() {
			if n.TextIs("explode") {
				panic("boom")
			}
		}
	}})
)

// testWorkspace is a workspace that has the rules for tests.
func testWorkspace(root string) *Workspace { return NewWorkspaceWith(root, Overrides{Rules: rules}) }

// tree writes files ("name" to content; a name that ends in a slash is a directory) below a new directory.
func tree(t testing.TB, files map[string]string) string {
	t.Helper()
	root, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range files {
		path := filepath.Join(root, filepath.FromSlash(name))
		dir := filepath.Dir(path)
		if strings.HasSuffix(name, "/") {
			dir = path
		}
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		if dir == path {
			continue
		}
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return root
}
