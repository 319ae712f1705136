package rules

import "github.com/ckpt-lsp/ckpt-lsp/diagnostics"

// # What it does
//
// Reports suppression comments that silence nothing: no rule they name reports anything there, or they are misspelt.
// A rule that does not run (not selected, or ignored by the configuration) is not held against a comment that names it.
//
// # Why it matters
//
// A comment that outlived its finding hides the next one on the same line. A misspelt one (an unknown rule, a list without
// its closing bracket, an `ignore-file` below the first statement) hides nothing though its author thinks it does.
//
// # Example
//
//	import torch
//
//	x = torch.zeros(3)  # ckpt-lsp: ignore[unsafe-load]
//
// # Use instead
//
//	import torch
//
//	x = torch.zeros(3)
//
// # Fix safety
//
// Safe: the fix deletes the comment, or the rules in it that silence nothing. Only comments change.
//
// # Related rules
//
// None: this rule looks at the comments that silence the others.
//
// # References
//
//   - https://docs.astral.sh/ruff/rules/unused-noqa/
var _ = diagnostics.Register(&diagnostics.Rule{
	Code:           "CKP001",
	Name:           "unused-suppression",
	Summary:        "A suppression comment silences nothing",
	Severity:       diagnostics.Hint,
	Fix:            diagnostics.Safe,
	HasFix:         true,
	Since:          "0.1.0",
	OnSuppressions: true,
	Run: func(p *diagnostics.Pass) {
		for _, u := range p.UselessSuppressions() {
			d := diagnostics.Diagnostic{
				Span:        u.Span,
				Message:     u.Message,
				Unnecessary: true,
				Remedies:    []diagnostics.Remedy{diagnostics.RemoveSuppression{Span: u.Remove}},
			}
			if u.Mistaken {
				d.Severity = diagnostics.Warning
			}
			p.Report(d)
		}
	},
})
