package project

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"sync"

	"github.com/ckpt-lsp/ckpt-lsp/diagnostics"
	"github.com/ckpt-lsp/ckpt-lsp/internal/notebook"
	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
	"github.com/ckpt-lsp/ckpt-lsp/internal/pysem"
	"github.com/ckpt-lsp/ckpt-lsp/internal/text"
	"github.com/ckpt-lsp/ckpt-lsp/internal/training"
)

// Index remembers what was found by way of each file's entry points, and tells what of it an edit leaves standing. It is safe for
// concurrent use; every question names the program it is asked of. A question works on a copy of what is known and hands back
// what it learnt, unless something newer is known by then.
type Index struct {
	workspace *Workspace

	mu      sync.Mutex
	states  map[string]*state    // by absolute path; a state does not change once it is done
	finding map[string][]*state  // the analyses that found something, by the file they found it in; nil when that is to be gathered anew
	learned map[string]bool      // what this copy knows better
	show    func(*training.File) // see Visit

	// Analyzed is called when a file was looked at, by several goroutines at once. It may be nil.
	Analyzed func()
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
	// Entries are the functions of this file that nothing in it calls, or whose class inherits such; Left are those of them that were left to the files
	// that enter them.
	Entries []string `json:"entries,omitempty"`
	Left    []string `json:"left,omitempty"`
	// Alone are the functions, of this file and of others, that its entry points have some ranks call and not all, by path.
	Alone map[string][]string `json:"alone,omitempty"`
	// Test says that the file holds tests, which call functions in ways that programs do not.
	Test bool `json:"test,omitempty"`
}

// state is the analysis of one file's entry points.
type state struct {
	Summary
	age      int // of the program it is of
	links    *links
	facts    *training.File
	work     *pysem.Work
	found    map[string][]diagnostics.Diagnostic // by absolute path
	touched  map[string]*text.Source             // the texts that findings and related places stand in
	looked   map[string]*text.Source             // the texts that were looked at for what makes them relevant
	ran      diagnostics.Ran
	problems []Problem
	orders   bool // only rules on the order of data can apply to it
	idle     bool // no rule can apply to what the file's entry points do
	slim     bool // the findings are known without what it takes to fix them
	done     bool // concluded and found
}

// NewIndex is an empty index.
func NewIndex(w *Workspace) *Index { return &Index{workspace: w, states: map[string]*state{}} }

// Clone is an index that knows the same and goes its own way.
func (x *Index) Clone() *Index {
	x.mu.Lock()
	defer x.mu.Unlock()
	return &Index{workspace: x.workspace, states: maps.Clone(x.states), learned: map[string]bool{}, show: x.show, Analyzed: x.Analyzed}
}

// CloneFor is a clone that has forgotten what is known of programs newer than p, which would not make way for what p says.
func (x *Index) CloneFor(p *Program) *Index {
	own := x.Clone()
	for path, s := range own.states {
		if s.age > p.age {
			delete(own.states, path)
		}
	}
	return own
}

// adopt takes over what a copy learnt of a program. What is not done is left behind.
func (x *Index) adopt(own *Index, p *Program) {
	x.mu.Lock()
	defer x.mu.Unlock()
	for path := range own.learned {
		if known := x.states[path]; known != nil && known.age > p.age {
			continue
		}
		switch s := own.states[path]; {
		case s == nil:
			x.learn(path, nil)
		case s.done:
			x.learn(path, s)
		}
	}
}

// learn takes a state for what is known of a file, nil for nothing. The lock is held.
func (x *Index) learn(path string, s *state) {
	x.finding = nil
	if s == nil {
		delete(x.states, path)
	} else {
		x.states[path] = s
	}
	if x.learned != nil {
		x.learned[path] = true
	}
}

func (x *Index) known(path string) *state {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.states[path]
}

// Summaries are those of all files analysed so far, by path.
func (x *Index) Summaries() []Summary {
	x.mu.Lock()
	defer x.mu.Unlock()
	var out []Summary
	for _, s := range x.states {
		if !s.idle {
			out = append(out, s.Summary)
		}
	}
	slices.SortFunc(out, func(a, b Summary) int { return strings.Compare(a.Path, b.Path) })
	return out
}

// Forget drops what is known of a file that is gone.
func (x *Index) Forget(path string) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.learn(absolute(path), nil)
}

// Keep forgets all files but those at the paths and gives those of them that were not looked at yet.
func (x *Index) Keep(paths []string) (missing []string) {
	x.mu.Lock()
	defer x.mu.Unlock()
	keep := map[string]bool{}
	for _, path := range paths {
		path = absolute(path)
		if keep[path] = true; x.states[path] == nil {
			missing = append(missing, path)
		}
	}
	for path := range x.states {
		if !keep[path] {
			x.learn(path, nil)
		}
	}
	return missing
}

// Release drops what it takes to fix findings, and with it the trees, but for what was found in the files at the paths. The
// findings stay; Analyze finds them anew when it is asked for their file.
func (x *Index) Release(paths []string) {
	x.mu.Lock()
	defer x.mu.Unlock()
	for path, s := range x.states {
		if s.facts == nil || !s.done || slices.ContainsFunc(paths, func(path string) bool { return len(s.found[absolute(path)]) > 0 }) {
			continue
		}
		slim := *s
		slim.facts, slim.slim, slim.found = nil, true, map[string][]diagnostics.Diagnostic{}
		slim.links = &links{program: s.links.program, names: s.links.names, paths: s.links.paths}
		for path, found := range s.found {
			for _, d := range found {
				d.Place, d.Remedies, d.Facts = pyast.Place{}, nil, nil
				d.Related = slices.Clone(d.Related)
				for i := range d.Related {
					d.Related[i].Place = pyast.Place{}
				}
				slim.found[path] = append(slim.found[path], d)
			}
		}
		x.states[path] = &slim
	}
	x.finding = nil
}

// Stale are the analysed files whose findings an edit may have changed: they, or a file they look into, read otherwise now, or
// an import leads elsewhere.
func (x *Index) Stale(p *Program) []string {
	x.mu.Lock()
	states := slices.Collect(maps.Values(x.states))
	entered := map[string]map[string]bool{}
	for _, s := range states {
		for path := range s.Enters {
			if entered[path] == nil {
				entered[path] = x.entered(path)
			}
		}
	}
	x.mu.Unlock()
	var out []string
	for _, s := range states {
		if !s.holds(p, entered[s.Path]) {
			out = append(out, s.Path)
		}
	}
	slices.Sort(out)
	return out
}

// entered are the functions of a file that the entry points of others run. The lock is held.
func (x *Index) entered(path string) map[string]bool {
	out := map[string]bool{}
	for _, s := range x.states {
		if !s.Test {
			for _, f := range s.Enters[path] {
				out[f] = true
			}
		}
	}
	return out
}

// enteredIn is entered for those who do not hold the lock.
func (x *Index) enteredIn(path string) map[string]bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.entered(path)
}

// holds reports whether an analysis would come out the same over a program, where other files enter these functions of the file.
func (s *state) holds(p *Program, entered map[string]bool) bool {
	if !s.done {
		return false
	}
	for path, src := range s.touched {
		if now, _ := p.Unit(path).Source(); now != src {
			return false
		}
	}
	for path, src := range s.looked {
		if now, _ := p.Unit(path).Source(); now != src && relevant(now) != relevant(src) {
			return false
		}
	}
	if !s.links.hold(p) {
		return false
	}
	if s.idle {
		return true
	}
	if p.Unit(s.Path).Digest() != s.Digest || !slices.Equal(s.Left, s.left(entered)) {
		return false
	}
	for path, digest := range s.Consulted {
		if p.Unit(path).Digest() != digest {
			return false
		}
	}
	return true
}

// left are the entry points of a file that other files enter.
func (s *state) left(entered map[string]bool) []string {
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
	own := x.Clone()
	defer x.adopt(own, p)
	key := absolute(path)
	own.conclude(ctx, own.trace(ctx, p, key, true))
	Map(own.tellers(key), func(other string) bool {
		own.conclude(ctx, own.trace(ctx, p, other, true))
		return true
	})
	return own.Known(ctx, p, path)
}

// Update analyses the entry points of one file, where what is known of them does not hold any more. It fails only with the
// context.
func (x *Index) Update(ctx context.Context, p *Program, path string) error {
	own := x.Clone()
	defer x.adopt(own, p)
	own.conclude(ctx, own.trace(ctx, p, absolute(path), false))
	return ctx.Err()
}

// Visit hands the facts of files to a function, those with the callers' parts in them, one file at a time and in no order. The facts
// may not be kept. Visit fails only with the context.
func (x *Index) Visit(ctx context.Context, p *Program, paths []string, visit func(*training.File)) error {
	var one sync.Mutex
	own := x.Clone()
	own.show = func(f *training.File) {
		one.Lock()
		defer one.Unlock()
		visit(f)
	}
	return own.Refresh(ctx, p, paths)
}

// Refresh analyses the entry points of files, where what is known of them does not hold any more, on all processors.
func (x *Index) Refresh(ctx context.Context, p *Program, paths []string) error {
	own := x.Clone()
	defer x.adopt(own, p)
	// Importers come first: once they are traced it is known what of a file they enter, and its facts are given up before the
	// next file's are gathered. Only files that import each other in a circle are kept together.
	for _, level := range importersFirst(p, paths) {
		Map(level, func(circle []string) bool {
			traced := make([]*state, len(circle))
			for i, path := range circle {
				traced[i] = own.trace(ctx, p, path, false)
			}
			for _, s := range traced {
				own.conclude(ctx, s)
				if own.Analyzed != nil {
					own.Analyzed()
				}
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
		a, _ := x.Known(ctx, p, path)
		return a
	})
	return out, ctx.Err()
}

// Known is what was found in one file so far; nothing is analysed. It fails only with the context.
func (x *Index) Known(ctx context.Context, p *Program, path string) (*Analysis, error) {
	key := absolute(path)
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
			a.Problems = append(a.Problems, syntaxError(path, src, a.Tree))
		}
	}
	x.mu.Lock()
	own := x.states[key]
	var found []diagnostics.Diagnostic
	var ran diagnostics.Ran
	if own != nil {
		ran = own.ran
		a.Checked = own.idle || ran != nil
		for _, problem := range own.problems {
			problem.Path = path
			a.Problems = append(a.Problems, problem)
		}
	}
	found = x.merged(key, src)
	x.mu.Unlock()
	if b := x.workspace.Baseline(path); b != nil {
		defer func() {
			whole := a.Checked && len(a.Problems) == 0
			b.split(a, func(r *diagnostics.Rule) bool {
				return whole && options.Runs(r) && (ran == nil || ran[r] || r.OnSuppressions)
			}, x.workspace.overrides.Rules)
		}()
	}
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

// tellers are the other files of which what is told of a file is known. Those that found the same as others are left out.
func (x *Index) tellers(path string) []string {
	x.mu.Lock()
	defer x.mu.Unlock()
	told := x.told(path, nil)
	var out []string
	for _, s := range told {
		if s.Path != path && !slices.Contains(out, s.Path) {
			out = append(out, s.Path)
		}
	}
	slices.Sort(out)
	return out
}

// merged is what was found in a file that reads so, by way of all: where several find the same rule broken at one place, one of
// them tells. The lock is held.
func (x *Index) merged(path string, src *text.Source) []diagnostics.Diagnostic {
	told := x.told(path, src)
	var out []diagnostics.Diagnostic
	for _, s := range x.finders(path, src) {
		for _, d := range s.found[path] {
			if told[spot{d.Rule, d.Span}] == s {
				d.Path = ""
				d.Remedies = slices.DeleteFunc(slices.Clone(d.Remedies), func(r diagnostics.Remedy) bool { return x.hangs(d.Facts, r) })
				out = append(out, d)
			}
		}
	}
	return out
}

// hangs reports whether a remedy has every process wait in a function that some program at hand calls on some ranks only. The lock is
// held.
func (x *Index) hangs(facts *training.File, r diagnostics.Remedy) bool {
	joint, ok := r.(diagnostics.Joint)
	if !ok || !joint.Joins().Valid() {
		return false
	}
	path, function := cmp.Or(facts.PathOf(joint.Joins().Tree()), facts.Module.Path), facts.ScopeOf(joint.Joins()).QualName()
	for _, s := range x.states {
		if !s.Test && slices.Contains(s.Alone[path], function) {
			return true
		}
	}
	return false
}

// spot is where a rule is broken.
type spot struct {
	rule *diagnostics.Rule
	span text.Span
}

// told are the analyses that tell of what was found in a file: those that find it most severe, the first of them. The lock is
// held.
func (x *Index) told(path string, src *text.Source) map[spot]*state {
	told := map[spot]*state{}
	strongest := map[spot]diagnostics.Severity{}
	for _, s := range x.finders(path, src) {
		for _, d := range s.found[path] {
			at := spot{d.Rule, d.Span}
			if told[at] == nil || d.Severity > strongest[at] {
				told[at], strongest[at] = s, d.Severity
			}
		}
	}
	return told
}

// finders are the analyses that found something in a file, as it reads now or, with a nil source, at any time: its own before
// those of others, and tests last. The lock is held.
func (x *Index) finders(path string, src *text.Source) []*state {
	if x.finding == nil {
		x.finding = map[string][]*state{}
		for _, s := range x.states {
			for path, found := range s.found {
				if s.done && len(found) > 0 {
					x.finding[path] = append(x.finding[path], s)
				}
			}
		}
	}
	var out []*state
	for _, s := range x.finding[path] {
		if src == nil || s.touched[path] == src {
			out = append(out, s)
		}
	}
	slices.SortFunc(out, func(a, b *state) int {
		return cmp.Or(boolRank(a.Path != path)-boolRank(b.Path != path), boolRank(a.Test)-boolRank(b.Test), strings.Compare(a.Path, b.Path))
	})
	return out
}

func boolRank(b bool) int {
	if b {
		return 1
	}
	return 0
}

// trace walks a file's entry points, unless what is known of them holds; whole says that fixes are asked for. The result is not
// concluded if it is new.
func (x *Index) trace(ctx context.Context, p *Program, path string, whole bool) (s *state) {
	if known := x.known(path); known != nil && !(whole && known.slim) && known.holds(p, x.enteredIn(path)) {
		return known
	}
	u := p.Unit(path)
	src, err := u.Source()
	if ctx.Err() != nil {
		return nil
	}
	if err != nil {
		x.Forget(path)
		return nil
	}
	s = &state{
		Summary: Summary{Path: path}, age: p.age, work: &pysem.Work{}, links: newLinks(p),
		found: map[string][]diagnostics.Diagnostic{}, touched: map[string]*text.Source{path: src}, looked: map[string]*text.Source{},
	}
	if !s.concerned(src) {
		s.idle, s.done = true, true
	} else if u.Module() == nil {
		x.Forget(path)
		return nil
	}
	defer func() {
		if cause := recover(); cause != nil {
			s.problems = append(s.problems, internalError(path, cause, debug.Stack()))
			s.facts, s.done = nil, true
		}
		if s.done {
			s.links.seal()
		}
		x.mu.Lock()
		defer x.mu.Unlock()
		x.learn(path, s)
	}()
	if s.done {
		return s
	}
	s.Digest, s.Test = u.Digest(), training.IsTest(u.Module())
	s.work.Limit(mostSteps)
	var resolve pysem.Resolver
	if !s.Test { // tests call the functions of other files in ways that programs do not
		resolve = s.links.module
	}
	s.facts = training.TraceWith(u.Module(), resolve, s.work)
	s.work.Limit(0)
	s.facts.Beside = func() []*pysem.Module { return s.links.beside(path) }
	s.Enters = map[string][]string{}
	for _, f := range s.facts.Entered() {
		if s.tells(f.Module.Path) {
			s.Enters[f.Module.Path] = append(s.Enters[f.Module.Path], f.QualName())
		}
	}
	for _, names := range s.Enters {
		slices.Sort(names)
	}
	for _, r := range s.facts.Runs[1:] {
		for _, f := range r.Begins() {
			s.Entries = append(s.Entries, f.QualName())
		}
	}
	return s
}

// tells reports whether what is found in a file by way of this one is told. A notebook tells of itself alone: how it tries out a
// module is no fault of the module, and the editor, which sees no notebooks, finds in modules what check finds.
func (s *state) tells(path string) bool { return path == s.Path || !notebook.Is(s.Path) }

// concerned reports whether rules can apply to what a file's entry points do: to its own text, or to that of a file it imports. A script
// that orders data counts with the files beside it, which train on them.
func (s *state) concerned(src *text.Source) bool {
	if relevant(src) {
		return true
	}
	for name := range importLines(src.Text) {
		to := s.links.find(s.Path, name)
		if to == "" {
			continue
		}
		other, _ := s.links.program.Unit(to).Source()
		if s.looked[to] = other; relevant(other) {
			return true
		}
	}
	s.orders = orders(src.Text) && s.trainedBeside()
	return s.orders
}

// trainedBeside reports whether a file beside this one is relevant.
func (s *state) trainedBeside() bool {
	dir := filepath.Dir(s.Path)
	besides := s.links.program.pythonIn(dir)
	for _, path := range besides {
		if path == s.Path {
			continue
		}
		other, _ := s.links.program.Unit(path).Source()
		if s.looked[path] = other; relevant(other) {
			return true
		}
	}
	s.links.dir, s.links.besides = dir, besides // until a file comes that is
	return false
}

// importLines are the names of modules, with their leading dots, in the lines of a text that look like imports, in order. It is there to
// be faster than parsing: each file of a project is asked.
func importLines(src []byte) iter.Seq[string] {
	return func(yield func(string) bool) {
		for line := range bytes.Lines(src) {
			line = bytes.TrimLeft(line, " \t")
			rest, ok := bytes.CutPrefix(line, []byte("from"))
			if !ok {
				rest, ok = bytes.CutPrefix(line, []byte("import"))
			}
			name := bytes.TrimLeft(rest, " \t")
			if !ok || len(name) == len(rest) {
				continue
			}
			end := bytes.IndexFunc(name, func(r rune) bool {
				return r != '.' && r != '_' && (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z')
			})
			if end < 0 {
				end = len(name)
			}
			if !yield(string(name[:end])) {
				return
			}
		}
	}
}

// relevant is Relevant for a text that may be nil, where the file cannot be read.
func relevant(src *text.Source) bool { return src != nil && Relevant(src.Text) }

// rests notes what the analysis rests on: the files that were looked into, and the texts that findings point to.
func (s *state) rests(found []diagnostics.Diagnostic) {
	s.Consulted = map[string]string{}
	for m := range s.facts.Eval.Consulted() {
		if m != s.facts.Module {
			s.Consulted[m.Path] = s.links.program.Unit(m.Path).Digest()
		}
	}
	for _, path := range s.links.besides {
		u := s.links.program.Unit(path)
		if src, _ := u.Source(); relevant(src) {
			s.Consulted[path] = u.Digest()
		} else {
			s.looked[path] = src
		}
	}
	for _, m := range s.links.modules { // those that the files beside it lead to among them
		if m != nil && len(s.links.besides) > 0 && m != s.facts.Module {
			s.Consulted[m.Path] = s.links.program.Unit(m.Path).Digest()
		}
	}
	point := func(path string) {
		if path != "" && s.touched[path] == nil {
			s.touched[path], _ = s.links.program.Unit(path).Source()
		}
	}
	for _, d := range found {
		point(d.Path)
		for _, r := range d.Related {
			point(r.Path)
		}
	}
}

// conclude runs the rules over what was traced.
func (x *Index) conclude(ctx context.Context, s *state) {
	if s == nil || s.done || ctx.Err() != nil {
		return
	}
	defer func() {
		if cause := recover(); cause != nil {
			s.problems = append(s.problems, internalError(s.Path, cause, debug.Stack()))
			if cause == (pysem.Exhausted{}) {
				s.facts, s.done = nil, true
			}
		}
		s.links.seal()
	}()
	s.work.Limit(max(mostSteps-s.work.Steps, 1))
	defer s.work.Limit(0)
	left := s.left(x.enteredIn(s.Path))
	s.Left = left
	s.facts.Conclude(func(f *pysem.Func) bool { return slices.Contains(left, f.QualName()) })
	options, _ := x.workspace.options(s.Path)
	options.Stop, options.OnlyOrders = ctx.Done(), s.orders
	found, ran, err := diagnostics.Find(s.facts, options)
	if ctx.Err() != nil {
		x.Forget(s.Path) // half of the findings
		return
	}
	if x.show != nil {
		x.show(s.facts)
	}
	s.rests(found)
	s.Alone = map[string][]string{}
	for _, f := range s.facts.ByOneRank() {
		s.Alone[f.Module.Path] = append(s.Alone[f.Module.Path], f.QualName())
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	s.ran = ran
	for _, d := range found {
		if path := cmp.Or(d.Path, s.Path); s.tells(path) {
			s.found[path] = append(s.found[path], d)
		}
	}
	a := &Analysis{Path: s.Path}
	a.failed(err)
	s.problems = append(s.problems, a.Problems...)
	s.facts.Eval.Forget()
	x.finding = nil
	if s.done = true; len(found) == 0 {
		s.facts = nil // nobody asks for fixes
	}
}

// mostSteps is how many steps the analysis of one file may take, with what it looks at in others: some times what the largest programs
// need, and about a second. Findings do not depend on the time that the steps take.
const mostSteps = 6_000_000

func internalError(path string, cause any, stack []byte) Problem {
	if cause == (pysem.Exhausted{}) {
		return Problem{Path: path, Message: "it takes too many steps to check it; it is not checked", Unfinished: true}
	}
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
		var unfinished *diagnostics.Unfinished
		if errors.As(err, &unfinished) {
			a.Problems = append(a.Problems, Problem{Path: a.Path, Message: err.Error(), Unfinished: true})
			continue
		}
		var stack []byte
		var failed *diagnostics.RuleError
		if errors.As(err, &failed) {
			stack = failed.Stack
		}
		a.fail(err.Error(), stack)
	}
}
