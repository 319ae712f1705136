package litest

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/ckpt-lsp/ckpt-lsp/codeactions"
	"github.com/ckpt-lsp/ckpt-lsp/diagnostics"
	"github.com/ckpt-lsp/ckpt-lsp/internal/docs"
	"github.com/ckpt-lsp/ckpt-lsp/internal/project"
	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
	"github.com/ckpt-lsp/ckpt-lsp/internal/text"
)

// TestFixesInWrappings writes the example of every rule, and of the literate tests those with findings, in the forms in which people
// write programs, and tries all fixes of what is found there: each alone, and the safe ones together. They leave texts that parse, bind
// the names that they use, ask before they use what is optional, settle, and make way for no new error or warning.
func TestFixesInWrappings(t *testing.T) {
	fired, fixes := map[string]int{}, map[string]int{}
	try := func(t *testing.T, code, source string, forms []wrapping) {
		p := newScript(source)
		if p == nil || len(p.head)+len(p.rest) == 0 {
			return
		}
		for _, w := range forms {
			files, optional := w.wrap(p)
			if files == nil {
				continue
			}
			n, found := tryFixes(t, code+" "+w.name, code, files, optional)
			fixes[w.name] += n
			if found {
				fired[w.name]++
			}
		}
	}
	for _, r := range diagnostics.Product.Rules() {
		for _, s := range docs.Sections(r) {
			if s.Title == "Example" {
				for _, source := range s.Code {
					try(t, r.Code, source, wrappings)
				}
			}
		}
	}
	written, err := filepath.Glob("../../testdata/rules/CKP*.md")
	if err != nil || len(written) == 0 {
		t.Fatalf("no literate tests: %v", err)
	}
	some := slices.DeleteFunc(slices.Clone(wrappings), func(w wrapping) bool { return !w.deep })
	for _, doc := range written {
		rule := strings.TrimSuffix(filepath.Base(doc), ".md")
		examples, err := Parse(doc, rule)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range examples {
			if e.Project == "" && e.Config == "" && len(e.Expected) > 0 {
				try(t, fmt.Sprintf("%s:%d", rule, e.Line), e.Source, some)
			}
		}
	}
	for _, w := range wrappings {
		t.Logf("%s: %d programs with findings, %d fixes", w.name, fired[w.name], fixes[w.name])
		if fixes[w.name] == 0 {
			t.Errorf("no fix is tried where programs are written %s", w.name)
		}
	}
}

// tryFixes tries the fixes for a program, and tells how many there are and whether the rule has anything to say.
func tryFixes(t *testing.T, what, code string, files map[string]string, optional []string) (fixes int, found bool) {
	t.Helper()
	dir := t.TempDir()
	var paths []string
	for _, name := range slices.Sorted(maps.Keys(files)) {
		path := filepath.Join(dir, name)
		paths = append(paths, path)
		if err := os.WriteFile(path, []byte(files[name]), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	every, err := diagnostics.Product.Selector("ALL")
	if err != nil {
		t.Fatal(err)
	}
	w := project.NewWorkspaceWith(dir, project.Overrides{Select: []diagnostics.Selector{every}})
	all, err := project.NewIndex(w).AnalyzeAll(t.Context(), project.NewProgram(w), paths)
	if err != nil {
		t.Fatal(err)
	}
	before := make([][]string, len(all))
	for i, a := range all {
		if a.Tree == nil {
			continue
		}
		if a.Tree.HasErrors() {
			t.Fatalf("%s: the form does not parse:\n%s", what, a.Source.Text)
		}
		before[i] = append(unbound(a.Tree), unasked(a.Tree, optional)...)
		for _, d := range a.Diagnostics {
			found = found || strings.HasPrefix(code, d.Rule.Code)
		}
	}
	check := func(title string, i int, after []byte, optional []string) {
		tree, err := pyast.Parse(after)
		if err != nil || tree.HasErrors() {
			t.Errorf("%s: %q breaks the syntax:\n%s", what, title, after)
			return
		}
		for _, name := range more(before[i], append(unbound(tree), unasked(tree, optional)...)) {
			t.Errorf("%s: %q: %s\n%s", what, title, name, after)
		}
	}
	for i, a := range all {
		if a.Tree == nil {
			continue
		}
		for _, f := range a.Fixes() {
			if f.Applicability == diagnostics.Display {
				continue
			}
			fixes++
			sure := optional
			if f.Applicability == diagnostics.Unsafe {
				sure = nil // it may say that it is not certain
			}
			for _, e := range f.Edits {
				to := i
				if e.Path != "" {
					to = slices.Index(paths, e.Path)
				}
				after, err := text.Apply(all[to].Source.Text, e.Edits)
				if err != nil {
					t.Errorf("%s: %q: %v", what, f.Title, err)
					continue
				}
				check(f.Title, to, after, sure)
			}
		}
	}
	if carried[code[:6]] {
		fixes += tryRewrites(t, what, w, paths, all, check)
	}
	fixed, err := project.NewIndex(w).Fix(t.Context(), project.NewProgram(w), paths, diagnostics.Safe)
	if err != nil {
		t.Fatal(err)
	}
	var was, is []diagnostics.Diagnostic
	for i, f := range fixed {
		if f.Err != nil {
			t.Errorf("%s: %v\n%s", what, f.Err, f.Before.Source.Text)
		}
		was, is = append(was, f.Before.Diagnostics...), append(is, f.After.Diagnostics...)
		if f.Changed() {
			check("all safe fixes", i, f.After.Source.Text, optional)
			again := codeactions.Compatible(f.After.Fixes(), diagnostics.Safe)
			for _, a := range again {
				if len(a.Edits) == 1 {
					t.Errorf("%s: %q is offered again after all safe fixes:\n%s", what, a.Title, f.After.Source.Text)
				}
			}
		}
	}
	for _, d := range project.Introduced(was, is) {
		t.Errorf("%s: the safe fixes introduce %s: %s\n%s", what, d.Rule.Code, d.Message, fixed[0].After.Source.Text)
	}
	return fixes, found
}

// carried are the rules in whose examples the rewrites of saves and loads are tried, too.
var carried = map[string]bool{"CKP110": true, "CKP503": true, "CKP601": true}

// tryRewrites tries what is offered on the saves and loads of a program, whether or not a rule reports them, and tells how many there are.
func tryRewrites(t *testing.T, what string, w *project.Workspace, paths []string, all []*project.Analysis, check func(title string, i int, after []byte, optional []string)) (n int) {
	t.Helper()
	index, program := project.NewIndex(w), project.NewProgram(w)
	for i, a := range all {
		if a.Tree == nil {
			continue
		}
		for c := range a.Tree.Root().Descendants() {
			if called := c.Child(pyast.FieldFunction).Text(); c.Kind() != pyast.KindCall || !strings.HasSuffix(called, ".save") && !strings.HasSuffix(called, ".load_state_dict") {
				continue
			}
			rewrites, err := index.Rewrites(t.Context(), program, paths[i], text.Span{Start: c.Start(), End: c.Start()})
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range rewrites {
				if r.Once && len(r.Edits) == 1 && r.Edits[0].Path == "" {
					askAgain(t, what, index, program, a, c, r)
				}
				for _, e := range r.Edits {
					n++
					to := i
					if e.Path != "" {
						to = slices.Index(paths, e.Path)
					}
					after, err := text.Apply(all[to].Source.Text, e.Edits)
					if err != nil {
						t.Errorf("%s: %q: %v", what, r.Title, err)
						continue
					}
					check(r.Title, to, after, nil)
				}
			}
		}
	}
	return n
}

// askAgain holds a rewrite from which nothing follows to that: where it was made, it is not offered again.
func askAgain(t *testing.T, what string, index *project.Index, program *project.Program, a *project.Analysis, call pyast.Node, r codeactions.Rewrite) {
	t.Helper()
	after, err := text.Apply(a.Source.Text, r.Edits[0].Edits)
	if err != nil {
		t.Fatal(err)
	}
	tree, err := pyast.Parse(after)
	if err != nil {
		t.Fatal(err)
	}
	called := func(tree *pyast.Tree) []pyast.Node {
		var out []pyast.Node
		for c := range tree.Root().Descendants() {
			if c.Kind() == pyast.KindCall && c.Child(pyast.FieldFunction).TextIs(call.Child(pyast.FieldFunction).Text()) {
				out = append(out, c)
			}
		}
		return out
	}
	before, calls := called(a.Tree), called(tree)
	if len(before) != len(calls) {
		t.Fatalf("%s: %q: %d calls of %s, and %d before", what, r.Title, len(calls), call.Child(pyast.FieldFunction).Text(), len(before))
	}
	again := calls[slices.Index(before, call)].Start()
	more, err := index.Rewrites(t.Context(), program.With(a.Path, text.NewSource(after), tree), a.Path, text.Span{Start: again, End: again})
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range more {
		if m.Name == r.Name && len(m.Edits) > 0 {
			t.Errorf("%s: %q is offered again", what, r.Title)
		}
	}
}
