package diagnostics

import (
	"cmp"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"

	"github.com/ckpt-lsp/ckpt-lsp/internal/training"
)

// Options are what configuration says about one file.
type Options struct {
	Selection
	// Exempt are left out of this file whatever the selection says.
	Exempt []Selector
	// Torch is the version the project states.
	Torch TorchVersion
	// Stop, once closed, makes Check give up before the next rule; what it returns then is not whole. It may be nil.
	Stop <-chan struct{}
}

func (o Options) stopped() bool {
	select {
	case <-o.Stop:
		return true
	default:
		return false
	}
}

// RuleError says that a rule panicked. It is a defect of ckpt-lsp.
type RuleError struct {
	Rule  *Rule
	Cause any
	Stack []byte
}

func (e *RuleError) Error() string {
	return fmt.Sprintf("internal error in rule %s %s: %v", e.Rule.Code, e.Rule.Name, e.Cause)
}

// Check runs the selected rules over one file and takes out what suppression comments silence. The findings are ordered by
// position, then code. A rule that panics loses its findings and is named in the error (*RuleError, joined); the others'
// findings are returned all the same.
func Check(file *training.File, o Options) ([]Diagnostic, error) {
	var found []Diagnostic
	var failed []error
	ran := map[*Rule]bool{}
	run := func(r *Rule, comments *suppressions) {
		severity, ok := o.Of(r)
		if !ok || o.stopped() || slices.ContainsFunc(o.Exempt, func(s Selector) bool { return s.Selects(r) }) {
			return
		}
		ds, err := runOne(r, file, o.Torch, comments)
		if err != nil {
			failed = append(failed, err)
			return
		}
		ran[r] = true
		_, overridden := o.Severity[r]
		for _, d := range ds {
			if overridden {
				d.Severity = severity
			}
			found = append(found, d)
		}
	}
	for _, r := range registry {
		if !r.OnSuppressions {
			run(r, nil)
		}
	}
	comments := readSuppressions(file.Tree)
	found = comments.silence(found)
	comments.judge(ran)
	kept := len(found)
	for _, r := range registry {
		if r.OnSuppressions {
			run(r, comments)
		}
	}
	found = append(found[:kept:kept], comments.silence(found[kept:])...)
	slices.SortStableFunc(found, func(a, b Diagnostic) int {
		return cmp.Or(a.Span.Start-b.Span.Start, cmp.Compare(a.Rule.Code, b.Rule.Code), a.Span.End-b.Span.End)
	})
	return found, errors.Join(failed...)
}

func runOne(r *Rule, file *training.File, torch TorchVersion, comments *suppressions) (ds []Diagnostic, err error) {
	defer func() {
		if cause := recover(); cause != nil {
			ds, err = nil, &RuleError{r, cause, debug.Stack()}
		}
	}()
	return run(r, file, torch, comments), nil
}
