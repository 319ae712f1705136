package project

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"runtime/debug"
	"slices"
	"strings"
	"sync"

	"github.com/ckpt-lsp/ckpt-lsp/diagnostics"
	"github.com/ckpt-lsp/ckpt-lsp/internal/pysem"
	"github.com/ckpt-lsp/ckpt-lsp/internal/text"
	"github.com/ckpt-lsp/ckpt-lsp/internal/training"
)

// Index remembers what was found by way of each file's entry points, and tells what of it an edit leaves standing. It is safe for
// concurrent use; every question names the program it is asked of.
type Index struct {
	workspace *Workspace

	work   sync.Mutex // one analysis at a time, where files are not analysed together
	mu     sync.Mutex
	states map[string]*state // by absolute path; a state does not change once it is done
}

// Summary is what the analysis of one file rests on and what it means for others.
type Summary struct {
	// Path is the file's absolute path; Digest stands for what it says.
	Path   string `json:"path"`
	Digest string `json:"digest"`
	// Consulted are the digests of the files that were looked into.
	Consulted map[string]string `json:"consulted,omitempty"`
	// Enters are the functions of other files that this file's entry points run, by path.
	Enters map[string][]string `json:"enters,omitempty"`
	// Entries are the functions of this file that nothing in it calls; Left are those of them that were left to the files
	// that enter them.
	Entries []string `json:"entries,omitempty"`
	Left    []string `json:"left,omitempty"`
	// Test says that the file holds tests, which call functions in ways that programs do not.
	Test bool `json:"test,omitempty"`
}

// state is the analysis of one file's entry points.
type state struct {
	Summary
	program  *Program // the one it is of, until it is done
	facts    *training.File
	found    map[string][]diagnostics.Diagnostic // by absolute path
	touched  map[string]*text.Source             // the texts that findings and related places stand in
	ran      diagnostics.Ran
	problems []Problem
	done     bool // concluded and found
}

// NewIndex is an empty index.
func NewIndex(w *Workspace) *Index { return &Index{workspace: w, states: map[string]*state{}} }

// Summaries are those of all files analysed so far, by path.
func (x *Index) Summaries() []Summary {
	x.mu.Lock()
	defer x.mu.Unlock()
	var out []Summary
	for _, s := range x.states {
		out = append(out, s.Summary)
	}
	slices.SortFunc(out, func(a, b Summary) int { return strings.Compare(a.Path, b.Path) })
	return out
}

// Forget drops what is known of a file that is gone.
func (x *Index) Forget(path string) {
	x.mu.Lock()
	defer x.mu.Unlock()
	delete(x.states, absolute(path))
}

// Stale are the analysed files whose findings an edit may have changed: they, or a file they look into, read otherwise now.
func (x *Index) Stale(p *Program) []string {
	x.mu.Lock()
	states := make([]*state, 0, len(x.states))
	for _, s := range x.states {
		states = append(states, s)
	}
	x.mu.Unlock()
	var out []string
	for _, s := range states {
		if !x.holds(p, s) {
			out = append(out, s.Path)
		}
	}
	slices.Sort(out)
	return out
}

// holds reports whether an analysis would come out the same over a program.
func (x *Index) holds(p *Program, s *state) bool {
	if !s.done || p.Unit(s.Path).Digest() != s.Digest || !slices.Equal(s.Left, x.left(s)) {
		return false
	}
	for path, digest := range s.Consulted {
		if p.Unit(path).Digest() != digest {
			return false
		}
	}
	for path, src := range s.touched {
		if now, _ := p.Unit(path).Source(); now != src {
			return false
		}
	}
	return true
}

// left are the entry points of a file that other files enter.
func (x *Index) left(s *state) []string {
	x.mu.Lock()
	defer x.mu.Unlock()
	entered := map[string]bool{}
	for _, o := range x.states {
		if o.Path != s.Path && !o.Test {
			for _, f := range o.Enters[s.Path] {
				entered[f] = true
			}
		}
	}
	var out []string
	for _, f := range s.Entries {
		if entered[f] {
			out = append(out, f)
		}
	}
	return out
}

// Analyze is what is found in one file, by way of its own entry points and of those of the files at hand that enter it. It
// fails only with the context.
func (x *Index) Analyze(ctx context.Context, p *Program, path string) (*Analysis, error) {
	x.work.Lock()
	defer x.work.Unlock()
	return x.analyze(ctx, p, path, true)
}

// Update analyses the entry points of one file, where what is known of them does not hold any more. It fails only with the
// context.
func (x *Index) Update(ctx context.Context, p *Program, path string) error {
	x.work.Lock()
	defer x.work.Unlock()
	x.conclude(ctx, x.trace(ctx, p, absolute(path)))
	return ctx.Err()
}

// Clone is an index that knows the same and goes its own way.
func (x *Index) Clone() *Index {
	x.mu.Lock()
	defer x.mu.Unlock()
	return &Index{workspace: x.workspace, states: maps.Clone(x.states)}
}

// Refresh analyses the entry points of files, where what is known of them does not hold any more, on all processors.
func (x *Index) Refresh(ctx context.Context, p *Program, paths []string) error {
	// Importers come first: once they are traced it is known what of a file they enter, and its facts are given up before the
	// next file's are gathered. Only files that import each other in a circle are kept together.
	for _, level := range importersFirst(p, paths) {
		Map(level, func(circle []string) bool {
			traced := make([]*state, len(circle))
			for i, path := range circle {
				traced[i] = x.trace(ctx, p, path)
			}
			for _, s := range traced {
				x.conclude(ctx, s)
			}
			return true
		})
	}
	return ctx.Err()
}

// AnalyzeAll is Analyze for files that are all looked at together.
func (x *Index) AnalyzeAll(ctx context.Context, p *Program, paths []string) ([]*Analysis, error) {
	if err := x.Refresh(ctx, p, paths); err != nil {
		return nil, err
	}
	out := Map(paths, func(path string) *Analysis {
		a, _ := x.analyze(ctx, p, path, false)
		return a
	})
	return out, ctx.Err()
}

func (x *Index) analyze(ctx context.Context, p *Program, path string, fresh bool) (*Analysis, error) {
	key := absolute(path)
	if fresh {
		// The file first, then those that find something in it.
		x.conclude(ctx, x.trace(ctx, p, key))
		for _, other := range x.finders(key) {
			x.conclude(ctx, x.trace(ctx, p, other))
		}
	}
	a := &Analysis{Path: path}
	src, err := p.Unit(key).Source()
	a.Source = src
	var options diagnostics.Options
	options, a.ConfigError = x.workspace.options(path)
	if err != nil {
		a.Problems = append(a.Problems, unreadable(path, err))
		return a, ctx.Err()
	}
	if Relevant(src.Text) {
		if a.Tree, err = p.Unit(key).Tree(); err != nil {
			a.Problems = append(a.Problems, Problem{Path: path, Message: err.Error() + "; it is not checked"})
			return a, ctx.Err()
		}
		if a.Tree.HasErrors() {
			a.Problems = append(a.Problems, syntaxError(path, a.Tree))
		}
	}
	x.mu.Lock()
	own := x.states[key]
	var found []diagnostics.Diagnostic
	var ran diagnostics.Ran
	if own != nil {
		ran = own.ran
		for _, problem := range own.problems {
			problem.Path = path
			a.Problems = append(a.Problems, problem)
		}
	}
	found = x.merged(key)
	x.mu.Unlock()
	if ran == nil && len(found) == 0 {
		return a, ctx.Err()
	}
	if a.Tree == nil { // no rule applies to the file, but others lead to it
		if a.Tree, err = p.Unit(key).Tree(); err != nil {
			return a, ctx.Err()
		}
	}
	a.Diagnostics, err = diagnostics.Settle(a.Tree, found, ran, options)
	a.failed(err)
	return a, ctx.Err()
}

// finders are the other files by way of whose entry points something was found in a file.
func (x *Index) finders(path string) []string {
	x.mu.Lock()
	defer x.mu.Unlock()
	var out []string
	for _, s := range x.states {
		if s.Path != path && len(s.found[path]) > 0 {
			out = append(out, s.Path)
		}
	}
	slices.Sort(out)
	return out
}

// merged is what was found in a file, by way of all: where several find the same rule broken at one place, one of them tells,
// the file itself before others. The lock is held.
func (x *Index) merged(path string) []diagnostics.Diagnostic {
	type spot struct {
		rule *diagnostics.Rule
		span text.Span
	}
	var owners []*state
	for _, s := range x.states {
		if s.done && len(s.found[path]) > 0 {
			owners = append(owners, s)
		}
	}
	slices.SortFunc(owners, func(a, b *state) int {
		return cmp.Or(boolRank(a.Path != path)-boolRank(b.Path != path), boolRank(a.Test)-boolRank(b.Test), strings.Compare(a.Path, b.Path))
	})
	told := map[spot]*state{}
	strongest := map[spot]diagnostics.Severity{}
	for _, s := range owners {
		for _, d := range s.found[path] {
			at := spot{d.Rule, d.Span}
			if told[at] == nil || d.Severity > strongest[at] {
				told[at], strongest[at] = s, d.Severity
			}
		}
	}
	var out []diagnostics.Diagnostic
	for _, s := range owners {
		for _, d := range s.found[path] {
			if told[spot{d.Rule, d.Span}] == s {
				d.Path = ""
				out = append(out, d)
			}
		}
	}
	return out
}

func boolRank(b bool) int {
	if b {
		return 1
	}
	return 0
}

// trace walks a file's entry points, unless what is known of them holds. The result is not concluded if it is new.
func (x *Index) trace(ctx context.Context, p *Program, path string) (s *state) {
	x.mu.Lock()
	known := x.states[path]
	x.mu.Unlock()
	if known != nil && x.holds(p, known) {
		return known
	}
	u := p.Unit(path)
	src, err := u.Source()
	if err != nil || ctx.Err() != nil || !p.relevant(path, src.Text) || u.Module() == nil {
		if ctx.Err() == nil {
			x.Forget(path)
		}
		return nil
	}
	s = &state{program: p, Summary: Summary{Path: path}, found: map[string][]diagnostics.Diagnostic{}, touched: map[string]*text.Source{path: src}}
	defer func() {
		if cause := recover(); cause != nil {
			s.problems = append(s.problems, internalError(path, cause, debug.Stack()))
			s.facts, s.done = nil, true
		}
		x.mu.Lock()
		x.states[path] = s
		x.mu.Unlock()
	}()
	s.Digest, s.Test = u.Digest(), training.IsTest(u.Module())
	var resolve pysem.Resolver
	if !s.Test { // tests call the functions of other files in ways that programs do not
		resolve = p.Module
	}
	s.facts = training.Trace(u.Module(), resolve)
	s.Enters = map[string][]string{}
	for _, f := range s.facts.Entered() {
		s.Enters[f.Module.Path] = append(s.Enters[f.Module.Path], f.QualName())
	}
	for _, names := range s.Enters {
		slices.Sort(names)
	}
	for _, r := range s.facts.Runs[1:] {
		s.Entries = append(s.Entries, r.Entry.QualName())
	}
	return s
}

// rests notes what the analysis rests on: the files that were looked into, and the texts that findings point to.
func (s *state) rests(found []diagnostics.Diagnostic) {
	s.Consulted = map[string]string{}
	for m := range s.facts.Eval.Consulted() {
		if m != s.facts.Module {
			s.Consulted[m.Path] = s.program.Unit(m.Path).Digest()
		}
	}
	point := func(path string) {
		if path != "" && s.touched[path] == nil {
			s.touched[path], _ = s.program.Unit(path).Source()
		}
	}
	for _, d := range found {
		point(d.Path)
		for _, r := range d.Related {
			point(r.Path)
		}
	}
	s.program = nil
}

// conclude runs the rules over what was traced.
func (x *Index) conclude(ctx context.Context, s *state) {
	if s == nil || s.done || ctx.Err() != nil {
		return
	}
	defer func() {
		if cause := recover(); cause != nil {
			s.problems = append(s.problems, internalError(s.Path, cause, debug.Stack()))
		}
	}()
	left := x.left(s)
	s.Left = left
	s.facts.Conclude(func(f *pysem.Func) bool { return slices.Contains(left, f.QualName()) })
	options, _ := x.workspace.options(s.Path)
	options.Stop = ctx.Done()
	found, ran, err := diagnostics.Find(s.facts, options)
	if ctx.Err() != nil {
		x.Forget(s.Path) // half of the findings
		return
	}
	s.rests(found)
	x.mu.Lock()
	defer x.mu.Unlock()
	s.ran = ran
	for _, d := range found {
		path := cmp.Or(d.Path, s.Path)
		s.found[path] = append(s.found[path], d)
	}
	a := &Analysis{Path: s.Path}
	a.failed(err)
	s.problems = append(s.problems, a.Problems...)
	s.done = true
	s.facts.Eval.Forget() // few fixes are asked for
	s.facts = nil         // their remedies hold what they need
}

func internalError(path string, cause any, stack []byte) Problem {
	a := &Analysis{Path: path}
	a.fail(fmt.Sprintf("internal error: %v", cause), stack)
	return a.Problems[0]
}

// failed notes the rules that failed.
func (a *Analysis) failed(err error) {
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return
	}
	for _, err := range joined.Unwrap() {
		var stack []byte
		var failed *diagnostics.RuleError
		if errors.As(err, &failed) {
			stack = failed.Stack
		}
		a.fail(err.Error(), stack)
	}
}
