package diagnostics

import (
	"cmp"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
	"github.com/ckpt-lsp/ckpt-lsp/internal/pysem"
	"github.com/ckpt-lsp/ckpt-lsp/internal/training"
)

// Options are what configuration says about one file.
type Options struct {
	Selection
	// Rules are the rules that there are; nil means the product's.
	Rules *Registry
	// Exempt are left out of this file whatever the selection says.
	Exempt []Selector
	// Fixable, every rule where it is empty, less Unfixable are the rules whose findings have fixes. The more precise of the two wins, and
	// Unfixable on a tie.
	Fixable, Unfixable []Selector
	// OnlyOrders leaves out all rules but those on the order of data.
	OnlyOrders bool
	// Torch is the version the project states.
	Torch TorchVersion
	// Stop, once closed, makes Check give up before the next rule; what it returns then is not whole. It may be nil.
	Stop <-chan struct{}
}

func (o Options) registry() *Registry {
	if o.Rules == nil {
		return Product
	}
	return o.Rules
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

// Unfinished says that the analysis of a file took more steps than it may, and which rules were left out.
type Unfinished struct{ Left []*Rule }

func (e *Unfinished) Error() string {
	codes := make([]string, len(e.Left))
	for i, r := range e.Left {
		codes[i] = r.Code
	}
	return "it takes too many steps to check all of it; not checked for " + strings.Join(codes, ", ")
}

// Check runs the selected rules over one file and takes out what suppression comments silence. The findings are ordered by
// position, then code. A rule that panics loses its findings and is named in the error (*RuleError, joined); the others'
// findings are returned all the same.
func Check(file *training.File, o Options) ([]Diagnostic, error) {
	found, ran, err := Find(file, o)
	kept, unused := Settle(file.Tree, found, ran, o)
	return kept, errors.Join(err, unused)
}

// Ran are the rules that ran without failing.
type Ran map[*Rule]bool

// Find runs the selected rules over what the entry points of one file do. Findings may stand in other files; comments silence
// nothing yet. Errors are those of Check, and *Unfinished where the steps that the file's facts may take are used up.
func Find(file *training.File, o Options) (found []Diagnostic, ran Ran, err error) {
	var failed []error
	var left []*Rule
	ran = Ran{}
	for _, r := range o.registry().rules {
		if r.OnSuppressions || !o.Runs(r) {
			continue
		}
		if len(left) > 0 {
			left = append(left, r)
			continue
		}
		ds, err := runOne(r, file, o.Torch, nil)
		if err == errExhausted {
			left = append(left, r)
			continue
		}
		if err != nil {
			failed = append(failed, err)
			continue
		}
		ran[r] = true
		found = append(found, o.graded(r, ds)...)
	}
	if len(left) > 0 {
		failed = append(failed, &Unfinished{left})
	}
	return found, ran, errors.Join(failed...)
}

var errExhausted = errors.New("the steps are used up")

// Everything is what all rules of the product find in what the entry points of one file do, whatever is selected or silenced. A rule that panics
// finds nothing.
func Everything(file *training.File, torch TorchVersion) []Diagnostic {
	var found []Diagnostic
	for _, r := range Product.rules {
		if !r.OnSuppressions {
			ds, _ := runOne(r, file, torch, nil)
			found = append(found, ds...)
		}
	}
	return found
}

// Told is what a few rules of the product, by their codes, find as Everything does.
func Told(file *training.File, codes []string) []Diagnostic {
	var found []Diagnostic
	for _, r := range Product.rules {
		if slices.Contains(codes, r.Code) {
			ds, _ := runOne(r, file, TorchVersion{}, nil)
			found = append(found, ds...)
		}
	}
	return found
}

// Runs reports whether a rule is selected and time is left for it.
func (o Options) Runs(r *Rule) bool {
	_, selected := o.Of(r)
	return selected && (r.Orders || !o.OnlyOrders) && !o.stopped() && !slices.ContainsFunc(o.Exempt, func(s Selector) bool { return s.Selects(r) })
}

// fixes reports whether findings of a rule have fixes.
func (o Options) fixes(r *Rule) bool {
	fixable := heaviest(o.Fixable, r)
	if len(o.Fixable) == 0 {
		fixable = byDefault
	}
	return fixable > heaviest(o.Unfixable, r)
}

// graded gives findings the severity that the configuration states for their rule.
func (o Options) graded(r *Rule, ds []Diagnostic) []Diagnostic {
	if _, overridden := o.Severity[r]; overridden {
		severity, _ := o.Of(r)
		for i := range ds {
			ds[i].Severity = severity
		}
	}
	return ds
}

// Settle takes what was found in one file, by whichever file's analysis, leaves out what its options and comments silence, and
// adds what is to be said of the comments; findings that are not to be fixed lose their remedies. ran are the rules that ran over the file itself, nil where none did.
func Settle(tree *pyast.Tree, found []Diagnostic, ran Ran, o Options) ([]Diagnostic, error) {
	found = slices.DeleteFunc(slices.Clone(found), func(d Diagnostic) bool { return !o.Runs(d.Rule) })
	comments := readSuppressions(tree, o.registry())
	found = comments.silence(found)
	var failed []error
	if ran != nil {
		comments.judge(ran)
		kept := len(found)
		for _, r := range o.registry().rules {
			if !r.OnSuppressions || !o.Runs(r) {
				continue
			}
			ds, err := runOne(r, nil, o.Torch, comments)
			if err != nil {
				failed = append(failed, err)
			}
			found = append(found, o.graded(r, ds)...)
		}
		found = append(found[:kept:kept], comments.silence(found[kept:])...)
	}
	for i := range found {
		if !o.fixes(found[i].Rule) {
			found[i].Remedies = nil
		}
	}
	slices.SortStableFunc(found, func(a, b Diagnostic) int {
		return cmp.Or(a.Span.Start-b.Span.Start, cmp.Compare(a.Rule.Code, b.Rule.Code), a.Span.End-b.Span.End)
	})
	return found, errors.Join(failed...)
}

func runOne(r *Rule, file *training.File, torch TorchVersion, comments *suppressions) (ds []Diagnostic, err error) {
	defer func() {
		switch cause := recover(); cause {
		case nil:
		case pysem.Exhausted{}:
			ds, err = nil, errExhausted
		default:
			ds, err = nil, &RuleError{r, cause, debug.Stack()}
		}
	}()
	return run(r, file, torch, comments), nil
}
