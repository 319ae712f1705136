package litest

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/ckpt-lsp/ckpt-lsp/codeactions"
	"github.com/ckpt-lsp/ckpt-lsp/diagnostics"
	"github.com/ckpt-lsp/ckpt-lsp/internal/project"
	"github.com/ckpt-lsp/ckpt-lsp/internal/text"
)

// Run checks every document CKPxxx.md in a directory.
func Run(t *testing.T, dir string) {
	docs, err := filepath.Glob(filepath.Join(dir, "CKP*.md"))
	if err != nil || len(docs) == 0 {
		t.Fatalf("no documents in %s (%v)", dir, err)
	}
	for _, doc := range docs {
		rule := strings.TrimSuffix(filepath.Base(doc), ".md")
		t.Run(rule, func(t *testing.T) {
			examples, err := Parse(doc, rule)
			if err != nil {
				t.Fatal(err)
			}
			if len(examples) == 0 {
				t.Fatalf("%s has no ```py block", doc)
			}
			seen, projects := observed{}, map[string][]Example{}
			for _, e := range examples {
				if e.Project != "" {
					projects[e.Project] = append(projects[e.Project], e)
					continue
				}
				e.check(t, seen)
			}
			for name, files := range projects {
				t.Run(name, func(t *testing.T) { checkProject(t, files, seen) })
			}
			seen.compare(t, rule)
			rewrite(t, doc, examples)
		})
	}
}

// analysis is an example's engine: one workspace with the example's configuration.
type analysis struct {
	workspace *project.Workspace
	path      string
}

func (e Example) engine(t *testing.T, selected ...string) analysis {
	t.Helper()
	dir := t.TempDir()
	if e.Config != "" {
		if err := os.WriteFile(filepath.Join(dir, "ckpt-lsp.toml"), []byte(e.Config), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var selectors []diagnostics.Selector
	for _, s := range selected {
		selector, err := diagnostics.Product.Selector(strings.TrimSpace(s))
		if err != nil {
			t.Fatalf("%s:%d: %v", e.Doc, e.Line, err)
		}
		selectors = append(selectors, selector)
	}
	return analysis{project.NewWorkspaceWith(dir, project.Overrides{Select: selectors}), filepath.Join(dir, e.File)}
}

func (a analysis) of(source string) *project.Analysis {
	return a.workspace.Analyze(a.path, text.NewSource([]byte(source)), nil)
}

// check compares an example's findings with its comments, one to one, and tries its fixes.
func (e Example) check(t *testing.T, seen observed) {
	t.Helper()
	engine := e.engine(t, e.Rules...)
	found := engine.of(e.Source)
	if found.ConfigError != nil {
		t.Errorf("%s:%d: %v", e.Doc, e.Line, found.ConfigError)
	}
	for _, p := range found.Problems {
		if p.Fatal {
			t.Errorf("%s:%d: %v", e.Doc, e.Line, p)
		}
	}
	seen.add(engine.workspace, found)
	e.compare(t, found)
	e.suppressions(t, engine, found)
	e.fixes(t, engine, found)
	if e.Fixed != nil {
		e.Fixed.compare(t, []Example{e}, engine.workspace, []string{engine.path})
	}
}

// checkProject compares the findings in files that are analysed together with their comments, and holds that the safe fixes come
// to an end and leave files that parse.
func checkProject(t *testing.T, files []Example, seen observed) {
	t.Helper()
	engine := files[0].engine(t, files[0].Rules...)
	dir := filepath.Dir(engine.path)
	var paths []string
	for _, e := range files {
		path := filepath.Join(dir, filepath.FromSlash(e.File))
		paths = append(paths, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(e.Source), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	found, err := project.NewIndex(engine.workspace).AnalyzeAll(t.Context(), project.NewProgram(engine.workspace), paths)
	if err != nil {
		t.Fatal(err)
	}
	before := 0
	for i, e := range files {
		seen.add(engine.workspace, found[i])
		e.compare(t, found[i])
		before += len(found[i].Diagnostics)
	}
	fixed, err := project.NewIndex(engine.workspace).Fix(t.Context(), project.NewProgram(engine.workspace), paths, diagnostics.Safe)
	if err != nil {
		t.Fatal(err)
	}
	after := 0
	for i, f := range fixed {
		for _, d := range project.Introduced(found[i].Diagnostics, f.After.Diagnostics) {
			t.Errorf("%s:%d: the safe fixes introduce %s: %s\n%s", files[i].Doc, files[i].Line, d.Rule.Code, d.Message, f.After.Source.Text)
		}
		if f.Err != nil {
			t.Errorf("%s:%d: %v", files[i].Doc, files[i].Line, f.Err)
		}
		if f.After.Tree != nil && f.After.Tree.HasErrors() {
			t.Errorf("%s:%d: the fixes break the syntax:\n%s", files[i].Doc, files[i].Line, f.After.Source.Text)
		}
		after += len(f.After.Diagnostics)
	}
	if after > before {
		t.Errorf("%s:%d: %d findings become %d by the fixes", files[0].Doc, files[0].Line, before, after)
	}
	if last := files[len(files)-1]; last.Fixed != nil {
		last.Fixed.compare(t, files, engine.workspace, paths)
	}
}

// longest is how many characters the first sentence of a message may have, which editors show in one line.
const longest = 140

// firstSentence is a message up to its first full stop that a space follows.
func firstSentence(message string) string {
	first, _, more := strings.Cut(message, ". ")
	if more {
		first += "."
	}
	return first
}

// compare holds an example's findings against its comments, one to one.
func (e Example) compare(t *testing.T, found *project.Analysis) {
	t.Helper()
	lines := text.NewLineIndex([]byte(e.Source))
	left := slices.Clone(e.Expected)
	for _, d := range found.Diagnostics {
		if first := firstSentence(d.Message); utf8.RuneCountInString(first) > longest {
			t.Errorf("%s:%d: %s: the first sentence has %d characters, want at most %d: %s", e.Doc, e.Line, d.Rule.Code, utf8.RuneCountInString(first), longest, first)
		}
		if d.Span.Start < 0 || d.Span.End > len(e.Source) || d.Span.Start > d.Span.End {
			t.Errorf("%s:%d: %s has the span %v outside the text", e.Doc, e.Line, d.Rule.Code, d.Span)
			continue
		}
		line := lines.Line(d.Span.Start) + 1
		i := slices.IndexFunc(left, func(x Expectation) bool {
			return x.Line == line && (x.Rule == d.Rule.Code || x.Rule == d.Rule.Name) && x.Severity == d.Severity.String() && strings.Contains(d.Message, x.Message)
		})
		if i < 0 {
			t.Errorf("%s:%d: unexpected %s: [%s] %s", e.Doc, e.Line+line-1, d.Severity, d.Rule.Code, d.Message)
			continue
		}
		left = slices.Delete(left, i, i+1)
	}
	for _, x := range left {
		t.Errorf("%s:%d: not found: %s: [%s] %s", e.Doc, e.Line+x.Line-1, x.Severity, x.Rule, x.Message)
	}
}

// suppressions holds that the comment for a finding silences it and no other.
func (e Example) suppressions(t *testing.T, engine analysis, found *project.Analysis) {
	t.Helper()
	for i, d := range found.Diagnostics {
		if d.Rule.OnSuppressions {
			continue
		}
		edit := diagnostics.SuppressLine(found.Tree, d, diagnostics.Product)
		after, err := text.Apply([]byte(e.Source), []text.Edit{edit})
		if err != nil {
			t.Errorf("%s:%d: suppressing %s: %v", e.Doc, e.Line, d.Rule.Code, err)
			continue
		}
		// One comment silences all findings of its rule on its line.
		line := text.NewLineIndex([]byte(e.Source))
		want := 0
		for j, o := range found.Diagnostics {
			if j != i && (o.Rule != d.Rule || line.Line(o.Span.Start) != line.Line(d.Span.Start)) {
				want++
			}
		}
		if got := len(engine.of(string(after)).Diagnostics); got != want {
			t.Errorf("%s:%d: after suppressing %s there are %d findings, want %d:\n%s", e.Doc, e.Line, d.Rule.Code, got, want, after)
		}
	}
}

// fixes holds what every fix promises: the text still parses, the finding is gone, none of the same hundred is new, and applying
// the safe ones comes to an end.
func (e Example) fixes(t *testing.T, engine analysis, found *project.Analysis) {
	t.Helper()
	if found.Tree == nil {
		return
	}
	for _, f := range codeactions.Fixes(found.Tree, found.Diagnostics) {
		if f.Applicability == diagnostics.Display || !alone(f) {
			continue
		}
		after, err := text.Apply([]byte(e.Source), f.Edits[0].Edits)
		if err != nil {
			t.Errorf("%s:%d: %q: %v", e.Doc, e.Line, f.Title, err)
			continue
		}
		fixed := engine.of(string(after))
		if fixed.Tree == nil || fixed.Tree.HasErrors() && !found.Tree.HasErrors() {
			t.Errorf("%s:%d: %q breaks the syntax:\n%s", e.Doc, e.Line, f.Title, after)
			continue
		}
		before, now := count(found.Diagnostics), count(fixed.Diagnostics)
		for _, i := range f.Resolves {
			before[key(found.Diagnostics[i])]--
		}
		for k, n := range now {
			if n > before[k] {
				t.Errorf("%s:%d: %q leaves or adds %s:\n%s", e.Doc, e.Line, f.Title, k, after)
			}
		}
	}
	settled, err := Settle(engine.workspace, engine.path, e.Source)
	if err != nil {
		t.Errorf("%s:%d: %v", e.Doc, e.Line, err)
		return
	}
	for _, d := range project.Introduced(found.Diagnostics, engine.of(settled).Diagnostics) {
		t.Errorf("%s:%d: the safe fixes introduce %s: %s\n%s", e.Doc, e.Line, d.Rule.Code, d.Message, settled)
	}
}

func key(d diagnostics.Diagnostic) string { return d.Rule.Code }

func count(ds []diagnostics.Diagnostic) map[string]int {
	out := map[string]int{}
	for _, d := range ds {
		out[key(d)]++
	}
	return out
}

// Settle applies the safe fixes until nothing changes, and gives the text it comes to.
func Settle(w *project.Workspace, path, source string) (string, error) {
	for range 20 {
		a := w.Analyze(path, text.NewSource([]byte(source)), nil)
		if a.Tree == nil {
			return source, nil
		}
		var edits []text.Edit
		for _, f := range codeactions.Compatible(codeactions.Fixes(a.Tree, a.Diagnostics), diagnostics.Safe) {
			if alone(f) {
				edits = append(edits, f.Edits[0].Edits...)
			}
		}
		if len(edits) == 0 {
			return source, nil
		}
		after, err := text.Apply([]byte(source), edits)
		if err != nil {
			return source, err
		}
		if string(after) == source {
			return source, nil
		}
		source = string(after)
	}
	return source, fmt.Errorf("the safe fixes do not settle; the last text is\n%s", source)
}

// alone says that a fix changes the file that it was asked for and no other.
func alone(f codeactions.Fix) bool { return len(f.Edits) == 1 && f.Edits[0].Path == "" }
