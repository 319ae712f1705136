package project

import (
	"bytes"
	"path/filepath"
	"testing"

	"github.com/ckpt-lsp/ckpt-lsp/diagnostics"
	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
)

// TestAFixThatIsTakenBackLeavesItsFinding fixes a file whose only safe fix makes way for more warnings: the text stays, and so does what
// is found in it.
func TestAFixThatIsTakenBackLeavesItsFinding(t *testing.T) {
	worse := rules.With()
	worse.Register(&diagnostics.Rule{Code: "CKP803", Name: "worse-name", Severity: diagnostics.Warning, HasFix: true, Fix: diagnostics.Safe, Run: func(p *diagnostics.Pass) {
		for n := range p.File.Tree.Root().Descendants() {
			if n.Is(pyast.KindIdentifier) && n.TextIs("worse") && n.Field() == pyast.FieldRight {
				p.Report(diagnostics.Diagnostic{Place: n.Place(), Message: "worse", Remedies: []diagnostics.Remedy{
					diagnostics.Assign{Title: "Make it bad", Value: n, New: "bad(), bad()", Safe: true},
				}})
			}
		}
	}})
	const src = "import torch\n\n\ndef bad():\n    return 1\n\n\nworse = 2\nx = worse\n"
	root := tree(t, map[string]string{"a.py": src, "b.py": "import torch\n"})
	paths := []string{filepath.Join(root, "a.py"), filepath.Join(root, "b.py")}
	workspace := NewWorkspaceWith(root, Overrides{Rules: worse})
	fixed, err := NewIndex(workspace).Fix(t.Context(), NewProgram(workspace), paths, diagnostics.Safe)
	if err != nil {
		t.Fatal(err)
	}
	after := fixed[0].After
	if !bytes.Equal(after.Source.Text, []byte(src)) || fixed[0].Changed() {
		t.Errorf("the text is %q", after.Source.Text)
	}
	if len(after.Diagnostics) != 1 || after.Diagnostics[0].Rule.Code != "CKP803" || fixed[0].Cleared != 0 {
		t.Errorf("found are %+v, and %d are cleared", after.Diagnostics, fixed[0].Cleared)
	}
}
