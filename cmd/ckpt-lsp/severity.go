package main

import (
	"cmp"

	"github.com/ckpt-lsp/ckpt-lsp/diagnostics"
	"github.com/ckpt-lsp/ckpt-lsp/internal/report"
)

// threshold is a flag that takes the severity from which on something is done; Off where it is not given.
type threshold diagnostics.Severity

func (t *threshold) String() string {
	if *t == threshold(diagnostics.Off) {
		return ""
	}
	return diagnostics.Severity(*t).String()
}

// Type is the value's name in the help.
func (*threshold) Type() string { return "severity" }

// Set reads the flag's value.
func (t *threshold) Set(name string) error {
	severity, err := diagnostics.ParseThreshold(name)
	*t = threshold(severity)
	return err
}

// count takes what came of a file into the report, and notes whether the run fails. The configuration that
// holds for the file decides, and flags before it; programs are told all unless a flag says otherwise.
func (c *checker) count(o *outcome, r *report.Report) {
	config, _ := c.workspace.Config(o.path)
	least := cmp.Or(diagnostics.Severity(c.severity), diagnostics.Hint)
	if report.ForPeople(c.format) && !c.statistics {
		least = cmp.Or(config.MinSeverity, diagnostics.Information)
	}
	if o.diff != "" {
		c.changed++
	}
	failOn := cmp.Or(config.FailOn, diagnostics.Warning)
	c.failed = c.failed || o.diff != ""
	for _, d := range o.file.Diagnostics {
		c.failed = c.failed || d.Severity >= failOn && !c.diff
	}
	shown := o.file.AtLeast(least, r.Hidden)
	if len(shown.Diagnostics) > 0 {
		r.Files = append(r.Files, shown)
	}
	r.Problems = append(r.Problems, o.problems...)
	r.Fixed += o.fixed
	if o.checked {
		r.Checked++
	} else {
		r.Unchecked++
	}
}
