package main

import (
	"cmp"
	"errors"
	"fmt"
	"strings"

	"github.com/ckpt-lsp/ckpt-lsp/diagnostics"
	"github.com/ckpt-lsp/ckpt-lsp/internal/project"
	"github.com/ckpt-lsp/ckpt-lsp/internal/report"
)

const (
	addSuppressions = "add-suppressions"
	// noReason is what the help shows, and stands for a reason that was left out: what follows the flag then is a path.
	noReason = "REASON"
)

// checkReason tells of a reason that is missing or cannot stand in a comment, and of options that do not go with it.
func (c *checker) checkReason() error {
	reason := strings.TrimSpace(c.reason)
	switch {
	case c.reason == "":
		return nil
	case c.reason == noReason || reason == "":
		return fmt.Errorf("--%s: say why, as --%s=\"exact resume is not needed\"", addSuppressions, addSuppressions)
	case strings.ContainsAny(reason, "\r\n"):
		return fmt.Errorf("--%s: the reason must be one line", addSuppressions)
	case c.fix || c.diff:
		return fmt.Errorf("--%s cannot be used with --fix or --diff; fix first, then suppress what is left", addSuppressions)
	}
	c.reason = reason
	return nil
}

// errStandardInput says that a text which came in has no file to write suppressions into, or to watch.
var errStandardInput = errors.New("--" + addSuppressions + " and --watch need files; standard input is none")

// meant reports whether a finding is to be suppressed: every one that is selected, unless --severity says which.
func (c *checker) meant(d diagnostics.Diagnostic) bool {
	return d.Severity >= cmp.Or(diagnostics.Severity(c.severity), diagnostics.Hint)
}

// tellSilenced says how many findings suppressions were written for.
func (c *checker) tellSilenced(fixed []project.Fixed) {
	count, files := 0, 0
	for _, f := range fixed {
		if f.Err == nil && f.Changed() {
			count, files = count+f.Cleared, files+1
		}
	}
	if !c.quiet {
		fmt.Fprintf(c.err, "Suppressed %s in %s.\n", report.Count(count, "finding"), report.Count(files, "file"))
	}
}
