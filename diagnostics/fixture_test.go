package diagnostics

import (
	"fmt"
	"testing"

	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
	"github.com/ckpt-lsp/ckpt-lsp/internal/training"
)

// Rules for tests: each reports the calls of the function that it is named after.
var (
	rules     = &Registry{}
	badRule   = callRule("CKP801", "bad-call", "bad", Warning)
	worseRule = callRule("CKP802", "worse-call", "worse", Error)
	quietRule = callRule("CKP901", "quiet-call", "bad", Off)
	_         = rules.Register(&Rule{Code: "CKP001", Name: "unused-suppression", Severity: Hint, OnSuppressions: true, Run: func(p *Pass) {
		for _, u := range p.UselessSuppressions() {
			p.Report(Diagnostic{Span: u.Span, Message: u.Message})
		}
	}})
	_ = rules.Register(&Rule{Code: "CKP803", Name: "panics", Severity: Hint, Run: func(p *Pass) {
		for n := range p.File.Tree.Root().Descendants() {
			if n.TextIs("explode") {
				panic("boom")
			}
		}
	}})
)

func callRule(code, name, function string, s Severity) *Rule {
	return rules.Register(&Rule{Code: code, Name: name, Severity: s, Run: func(p *Pass) {
		for n := range p.File.Tree.Root().Descendants() {
			if n.Is(pyast.KindCall) && n.Child(pyast.FieldFunction).TextIs(function) {
				p.Report(Diagnostic{Span: n.Span(), Message: fmt.Sprintf("%s at %d", function, n.Start())})
			}
		}
	}})
}

func parse(t testing.TB, src string) *training.File {
	t.Helper()
	tree, err := pyast.Parse([]byte(src))
	if err != nil {
		t.Fatal(err)
	}
	return training.Analyze("t.py", tree)
}

func selectors(t testing.TB, refs ...string) []Selector {
	t.Helper()
	var out []Selector
	for _, ref := range refs {
		s, err := rules.Selector(ref)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, s)
	}
	return out
}
