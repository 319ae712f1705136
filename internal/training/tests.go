package training

import (
	"path"
	"strings"

	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
	"github.com/ckpt-lsp/ckpt-lsp/internal/pysem"
)

// Test reports whether the file holds tests.
func (f *File) Test() bool { return IsTest(f.Module) }

// IsTest reports whether a file holds tests, by its name and by what it imports or defines. An evaluation script that is called
// test.py does not.
func IsTest(m *pysem.Module) bool {
	base := path.Base(strings.ReplaceAll(m.Path, "\\", "/"))
	if base == "conftest.py" {
		return true
	}
	if !strings.HasPrefix(base, "test") && !strings.HasSuffix(base, "_test.py") && !strings.HasSuffix(base, "_tests.py") {
		return false
	}
	for _, fn := range m.Funcs {
		if strings.HasPrefix(fn.Name, "test_") {
			return true
		}
	}
	for n := range m.Tree.Root().Children() {
		if n.Is(pyast.KindImportStatement, pyast.KindImportFromStatement) && (strings.Contains(n.Text(), "pytest") || strings.Contains(n.Text(), "unittest")) {
			return true
		}
	}
	return false
}
