package diagnostics

import (
	"slices"
	"strings"

	"github.com/ckpt-lsp/ckpt-lsp/internal/training"
)

// Rule is one check. Its file in diagnostics/rules holds the documentation as the doc comment of the variable that registers it.
type Rule struct {
	// Code is stable, as "CKP101".
	Code string
	// Name reads as "allow <name>", as "missing-optimizer-state".
	Name string
	// Summary is one line without a full stop.
	Summary string
	// Severity is the default; Off rules must be selected.
	Severity Severity
	// Also are the other severities that findings have; "What it does" says when.
	Also []Severity
	// Fix is the applicability of the best fix for a finding; HasFix says whether there is any.
	Fix    Applicability
	HasFix bool
	// FixAlso are other applicabilities that the best fix has; "Fix safety" says when.
	FixAlso []Applicability
	// Orders says that the rule is about the order of data, which scripts that know no framework decide as well.
	Orders bool
	// Since is the ckpt-lsp version that introduced the rule.
	Since string
	// OnSuppressions rules run last and look at the suppression comments themselves; a bare comment does not silence them.
	OnSuppressions bool
	// Run asks the pass for facts and reports.
	Run func(*Pass)
}

// Severities are all severities that findings have, as far as no configuration chooses another, worst first.
func (r *Rule) Severities() []Severity {
	out := slices.Clone(r.Also)
	if r.Severity != Off {
		out = append(out, r.Severity)
	} else if len(out) == 0 {
		out = append(out, Hint)
	}
	slices.SortFunc(out, func(a, b Severity) int { return int(b) - int(a) })
	return out
}

// Fixes are all applicabilities that the best fix for a finding has, safest first; empty where no finding has a fix.
func (r *Rule) Fixes() []Applicability {
	if !r.HasFix {
		return nil
	}
	out := append(slices.Clone(r.FixAlso), r.Fix)
	slices.SortFunc(out, func(a, b Applicability) int { return int(b) - int(a) })
	return out
}

// Family is the hundred of the code, as "CKP1".
func (r *Rule) Family() string { return r.Code[:4] }

// TorchVersion is the project's lowest torch version as {major, minor}; the zero value means unknown, to be read as current.
type TorchVersion struct {
	Major, Minor int
	// Below is the first version above that the project rules out, as {major, minor}; zero where it rules out none.
	Below [2]int
}

// Never reports whether the project rules out major.minor and all later versions.
func (v TorchVersion) Never(major, minor int) bool {
	return v.Below != [2]int{} && (v.Below[0] < major || v.Below[0] == major && v.Below[1] <= minor)
}

// Before reports whether the version is known and lower than major.minor.
func (v TorchVersion) Before(major, minor int) bool {
	return v != TorchVersion{} && (v.Major < major || v.Major == major && v.Minor < minor)
}

// Pass is one rule's look at one file.
type Pass struct {
	// File holds the training facts.
	File *training.File
	// Torch is the version the project states.
	Torch TorchVersion

	rule     *Rule
	report   func(Diagnostic)
	comments *suppressions
}

// NeverTorch reports whether the project rules out torch major.minor and all later versions, by what it states or by modules that
// it imports and they no longer have.
func (p *Pass) NeverTorch(major, minor int) bool {
	if p.Torch.Never(major, minor) {
		return true
	}
	below, known := p.File.TorchBelow()
	return known && TorchVersion{Below: [2]int{below.Major, below.Minor}}.Never(major, minor)
}

// Report files a finding. Rule, the path and span of places and, where the rule left it zero, Severity are filled in.
func (p *Pass) Report(d Diagnostic) {
	d.Rule, d.Facts = p.rule, p.File
	if d.Place.Tree != nil && d.Place.Tree.At(d.Place.Start).Skipped() {
		return // what is never run does nothing wrong
	}
	if d.Place.Tree != nil {
		d.Path, d.Span = p.File.PathOf(d.Place.Tree), d.Place.Span
	}
	for i, r := range d.Related {
		if r.Place.Tree == nil {
			continue
		}
		d.Related[i].Span = r.Place.Span
		switch {
		case r.Place.Tree == d.Place.Tree: // beside the finding
		case r.Place.Tree == p.File.Tree:
			d.Related[i].Path = p.File.Path
		default:
			d.Related[i].Path = p.File.PathOf(r.Place.Tree)
		}
	}
	if d.Severity == Off {
		d.Severity = max(p.rule.Severity, Hint)
	}
	p.report(d)
}

// Run applies one rule to one file and returns its findings by position, duplicates removed.
func Run(r *Rule, file *training.File, torch TorchVersion) []Diagnostic {
	return run(r, file, torch, &suppressions{tree: file.Tree, rules: Product})
}

func run(r *Rule, file *training.File, torch TorchVersion, comments *suppressions) []Diagnostic {
	var out []Diagnostic
	p := &Pass{File: file, Torch: torch, rule: r, comments: comments, report: func(d Diagnostic) { out = append(out, d) }}
	r.Run(p)
	slices.SortStableFunc(out, func(a, b Diagnostic) int {
		if a.Span.Start != b.Span.Start {
			return a.Span.Start - b.Span.Start
		}
		return strings.Compare(a.Message, b.Message)
	})
	return slices.CompactFunc(out, func(a, b Diagnostic) bool { return a.Span == b.Span && a.Message == b.Message })
}
