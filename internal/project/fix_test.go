package project

import (
	"bytes"
	"cmp"
	"path/filepath"
	"testing"

	"github.com/ckpt-lsp/ckpt-lsp/diagnostics"
	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
	"github.com/ckpt-lsp/ckpt-lsp/internal/text"
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

// TestNoFixBreaksTheSyntax holds that a fix whose text would be none is not offered, and that one which comes through is not applied.
func TestNoFixBreaksTheSyntax(t *testing.T) {
	breaking := rules.With()
	breaking.Register(&diagnostics.Rule{Code: "CKP804", Name: "breaking-name", Severity: diagnostics.Warning, HasFix: true, Fix: diagnostics.Safe, Run: func(p *diagnostics.Pass) {
		for n := range p.File.Tree.Root().Descendants() {
			if n.Is(pyast.KindIdentifier) && n.TextIs("fragile") && n.Field() == pyast.FieldRight {
				p.Report(diagnostics.Diagnostic{Place: n.Place(), Message: "fragile", Remedies: []diagnostics.Remedy{
					diagnostics.Assign{Title: "Break it", Value: n, New: "= 1", Safe: true},
				}})
			}
		}
	}})
	const src = "import torch\n\nfragile = 1\nx = fragile\n"
	root := tree(t, map[string]string{"a.py": src})
	path := filepath.Join(root, "a.py")
	workspace := NewWorkspaceWith(root, Overrides{Rules: breaking})
	x, p := NewIndex(workspace), NewProgram(workspace)
	fixed, err := x.Fix(t.Context(), p, []string{path}, diagnostics.Safe)
	if err != nil || fixed[0].Err != nil || fixed[0].Changed() || len(fixed[0].Before.Diagnostics) != 1 || len(fixed[0].Before.Fixes()) > 0 {
		t.Errorf("offered: %+v, %v", fixed[0].Before.Fixes(), cmp.Or(err, fixed[0].Err))
	}
	broken := p.With(path, text.NewSource([]byte("import torch\n\nx = = 1\n")), nil)
	if err := x.again(t.Context(), broken, []string{path}, fixed); err != nil {
		t.Fatal(err)
	}
	if fixed[0].Err == nil || fixed[0].Changed() {
		t.Errorf("a broken text is taken: %q, %v", fixed[0].After.Source.Text, fixed[0].Err)
	}
}
