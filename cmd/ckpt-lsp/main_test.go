package main

import (
	"os"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/ckpt-lsp/ckpt-lsp/diagnostics"
	"github.com/ckpt-lsp/ckpt-lsp/internal/prove"
	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
)

// scripted are the rules that the scripts speak of, beside the product's. Calls of safe() want safe=True, calls of unsafe() want unsafe=True, and
// the fix of an assignment to endless never clears it. Who looks at interrupt is interrupted, and who looks at meddle finds the file written by
// somebody else.
func scripted() *diagnostics.Registry {
	quiet := keywordRule("CKP901", "quiet-call", "quiet", diagnostics.SetKeyword{Title: "Pass quiet=True", Name: "quiet", Value: "True", Safe: true})
	quiet.Severity = diagnostics.Off
	explosive := &diagnostics.Rule{Code: "CKP803", Name: "explosive-call", Severity: diagnostics.Hint, Run: func(p *diagnostics.Pass) {
		for n := range p.File.Tree.Root().Descendants() {
			if n.TextIs("explode") {
				panic("boom")
			}
		}
	}}
	endless := &diagnostics.Rule{Code: "CKP804", Name: "endless-fix", Severity: diagnostics.Warning, HasFix: true, Run: func(p *diagnostics.Pass) {
		for n := range p.File.Tree.Root().Descendants() {
			if n.Is(pyast.KindAssignment) && n.Child(pyast.FieldLeft).TextIs("endless") {
				value := n.Child(pyast.FieldRight)
				p.Report(diagnostics.Diagnostic{Span: n.Span(), Message: "Goes on.", Remedies: []diagnostics.Remedy{
					diagnostics.Assign{Title: "Go on", Value: value, New: value.Text() + "0", Safe: true},
				}})
			}
		}
	}}
	interrupting := &diagnostics.Rule{Code: "CKP805", Name: "interrupting-call", Severity: diagnostics.Hint, Run: func(p *diagnostics.Pass) {
		for n := range p.File.Tree.Root().Descendants() {
			if n.TextIs("interrupt") {
				if self, err := os.FindProcess(os.Getpid()); err != nil || self.Signal(os.Interrupt) != nil {
					panic("the process cannot be interrupted")
				}
				select {}
			}
		}
	}}
	meddling := &diagnostics.Rule{Code: "CKP806", Name: "meddling-call", Severity: diagnostics.Hint, Run: func(p *diagnostics.Pass) {
		for n := range p.File.Tree.Root().Descendants() {
			if n.TextIs("meddle") {
				if err := os.WriteFile(p.File.Module.Path, []byte("theirs\n"), 0o600); err != nil {
					panic(err)
				}
			}
		}
	}}
	return diagnostics.Product.With(interrupting, meddling, explosive, endless, quiet,
		keywordRule("CKP801", "safe-call", "safe", diagnostics.SetKeyword{Title: "Pass safe=True", Name: "safe", Value: "True", Safe: true}),
		keywordRule("CKP802", "unsafe-call", "unsafe", diagnostics.SetKeyword{Title: "Pass unsafe=True", Name: "unsafe", Value: "True", Reason: "it may change"}))
}

func keywordRule(code, name, function string, remedy diagnostics.SetKeyword) *diagnostics.Rule {
	return &diagnostics.Rule{Code: code, Name: name, Summary: "A call of " + function + "()", Severity: diagnostics.Warning, HasFix: true, Run: func(p *diagnostics.Pass) {
		for n := range p.File.Tree.Root().Descendants() {
			if n.Is(pyast.KindCall) && n.Child(pyast.FieldFunction).TextIs(function) && n.Child(pyast.FieldArguments).TextIs("()") {
				fix := remedy
				fix.Call = n
				p.Report(diagnostics.Diagnostic{Span: n.Span(), Message: "Calls " + function + "() without its argument.", Remedies: []diagnostics.Remedy{fix}})
			}
		}
	}}
}

func TestMain(m *testing.M) {
	prove.Guard()
	testscript.Main(m, map[string]func(){"ckpt-lsp": func() { os.Exit(run(scripted())) }})
}

func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{Dir: "testdata/script", RequireExplicitExec: true, UpdateScripts: *update})
}
