package server

import (
	"bytes"
	"sync"
	"sync/atomic"

	"github.com/ckpt-lsp/ckpt-lsp/diagnostics"
	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
)

// gate holds up the analysis of texts with the name GATE while a test has it locked; beyond counts how often the rules after
// it were reached.
var (
	gate   sync.Mutex
	beyond atomic.Int32
)

// testRules are the rules of the sessions under test.
var testRules = diagnostics.Product.With()

var _ = testRules.Register(&diagnostics.Rule{Code: "CKP902", Name: "beyond-the-gate", Severity: diagnostics.Hint, Run: func(p *diagnostics.Pass) {
	if bytes.Contains(p.File.Tree.Source(), []byte("GATE")) {
		beyond.Add(1)
	}
}})

// A rule for tests: every name BUG is an error, with a safe fix that writes True, WORSE one whose fix, said to be safe,
// writes two more, and ODD one without effect, with an unsafe fix. Findings point at the head of the file.
var bugRule = testRules.Register(&diagnostics.Rule{
	Code: "CKP901", Name: "bug-name", Severity: diagnostics.Error,
	Run: func(p *diagnostics.Pass) {
		for n := range p.File.Tree.Root().Descendants() {
			if n.TextIs("GATE") {
				gate.Lock()
				//lint:ignore SA2001 waiting is all
				gate.Unlock()
			}
			switch {
			case n.Kind() == pyast.KindIdentifier && n.TextIs("BUG"):
				p.Report(diagnostics.Diagnostic{
					Span: n.Span(), Message: "This is a bug.", Detail: "- step 1", Related: []diagnostics.Related{{Message: "the file starts here"}},
					Remedies: []diagnostics.Remedy{diagnostics.Assign{Title: "Fix the bug", Value: n, New: "True", Safe: true}},
				})
			case n.Kind() == pyast.KindIdentifier && n.TextIs("WORSE"):
				p.Report(diagnostics.Diagnostic{
					Span: n.Span(), Message: "This gets worse.",
					Remedies: []diagnostics.Remedy{diagnostics.Assign{Title: "Double it", Value: n, New: "BUG, BUG", Safe: true}},
				})
			case n.Kind() == pyast.KindIdentifier && n.TextIs("ODD"):
				p.Report(diagnostics.Diagnostic{
					Span: n.Span(), Message: "This is odd.", Severity: diagnostics.Hint, Unnecessary: true,
					Remedies: []diagnostics.Remedy{diagnostics.Assign{Title: "Make it even", Value: n, New: "EVEN", Reason: "it may be wanted"}},
				})
			}
		}
	},
})
