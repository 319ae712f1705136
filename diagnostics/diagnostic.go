// Package diagnostics is the frame the rules hang in: what a rule is, what it may ask, what it reports, and the runner that
// applies selection, severity and suppression comments.
package diagnostics

import (
	"fmt"

	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
	"github.com/ckpt-lsp/ckpt-lsp/internal/text"
	"github.com/ckpt-lsp/ckpt-lsp/internal/training"
)

// Severity says how sure and how bad: Error will crash, hang or corrupt; Warning means a resumed or repeated run will differ
// in a way that matters, proven from the code; Information means it may; Hint is good practice.
type Severity uint8

// Severities, weakest first. Off rules run only when selected by name or code, or with ALL; they then report as Hint.
const (
	Off Severity = iota
	Hint
	Information
	Warning
	Error
)

var severityNames = [...]string{"off", "hint", "information", "warning", "error"}

// String is the severity's name in configuration and JSON.
func (s Severity) String() string { return severityNames[s] }

// ParseSeverity reads a name as String writes it; "info" is accepted too.
func ParseSeverity(name string) (Severity, error) {
	if name == "info" {
		return Information, nil
	}
	for i, n := range severityNames {
		if n == name {
			return Severity(i), nil
		}
	}
	return Off, fmt.Errorf("unknown severity %q (valid: error, warning, information, hint, off)", name)
}

// ParseThreshold reads the severity from which on something is done; off is none.
func ParseThreshold(name string) (Severity, error) {
	s, err := ParseSeverity(name)
	if err == nil && s != Off {
		return s, nil
	}
	return Off, fmt.Errorf("unknown severity %q%s (valid: error, warning, information, hint)", name, text.DidYouMean(name, severityNames[Hint:]))
}

// Applicability says who may apply a fix.
type Applicability uint8

const (
	// Display is a suggestion to read, never applied by --fix or fixAll.
	Display Applicability = iota
	// Unsafe may change behaviour: offered one at a time, and says why.
	Unsafe
	// Safe keeps the meaning or plainly repairs it: part of source.fixAll and check --fix.
	Safe
)

var applicabilityNames = [...]string{"display", "unsafe", "safe"}

// String is the applicability's name in documentation and JSON.
func (a Applicability) String() string { return applicabilityNames[a] }

// Diagnostic is one finding.
type Diagnostic struct {
	Rule     *Rule
	Severity Severity
	// Place is where the user must act. Rules set it; Path and Span say the same in the end: the file, "" for the one under
	// analysis, and bytes of its decoded source.
	Place pyast.Place
	Path  string
	Span  text.Span
	// Message names the object and the consequence in one or two plain sentences.
	Message string
	// Detail is optional Markdown shown on hover below the message (learning rates, timelines): paragraphs and lists, as not all editors show tables.
	Detail string
	// Related points at the other half of the story, such as the load of a save.
	Related []Related
	// Remedies name what would mend it, best first; package codeactions writes the edits.
	Remedies []Remedy
	// Facts are what the finding was read from: those of the file whose entry points lead to it, which may be another one.
	Facts *training.File
	// Unnecessary marks code that has no effect, which editors fade.
	Unnecessary bool
}

// Related is a place that explains a finding.
type Related struct {
	// Place is set by rules; Path, "" for the finding's own file, and Span follow from it.
	Place   pyast.Place
	Path    string
	Span    text.Span
	Message string
}

// Remedy names a repair as data: which object, what is missing. Each type in remedy.go has one writer in package codeactions.
type Remedy interface{ remedy() }
