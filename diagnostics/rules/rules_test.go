package rules_test

import (
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
	"testing"

	"github.com/ckpt-lsp/ckpt-lsp/diagnostics"
	"github.com/ckpt-lsp/ckpt-lsp/internal/docs"
	"github.com/ckpt-lsp/ckpt-lsp/internal/litest"
	"github.com/ckpt-lsp/ckpt-lsp/internal/project"
	"github.com/ckpt-lsp/ckpt-lsp/internal/text"
)

const testdata = "../../testdata"

// TestLiterate runs the documents in testdata/rules.
func TestLiterate(t *testing.T) { litest.Run(t, filepath.Join(testdata, "rules")) }

// TestEveryRuleIsTested holds that each rule has its document.
func TestEveryRuleIsTested(t *testing.T) {
	for _, r := range diagnostics.Product.Rules() {
		if r.OnSuppressions {
			continue // tested beside the suppressions
		}
		if _, err := os.Stat(filepath.Join(testdata, "rules", r.Code+".md")); err != nil {
			t.Errorf("%s has no literate test: %v", r.Code, err)
		}
	}
}

// TestDocumentation holds the examples of the documentation to what they show: the first fires the rule and no other of its
// family, the second does not, and the safe fix of the first silences the rule.
func TestDocumentation(t *testing.T) {
	for _, r := range diagnostics.Product.Rules() {
		if r.OnSuppressions {
			continue
		}
		t.Run(r.Code, func(t *testing.T) {
			selector, err := diagnostics.Product.Selector(r.Code)
			if err != nil {
				t.Fatal(err)
			}
			w := project.NewWorkspaceWith(t.TempDir(), project.Overrides{Select: []diagnostics.Selector{selector}})
			for _, s := range docs.Sections(r) {
				if s.Title != "Example" && s.Title != "Use instead" {
					continue
				}
				if len(s.Code) == 0 {
					t.Fatalf("%s: no code under %q", r.Code, s.Title)
				}
				path := filepath.Join(w.Root(), "train.py")
				found := w.Analyze(path, text.NewSource([]byte(s.Code[0])), nil).Diagnostics
				if s.Title == "Use instead" {
					for _, d := range found {
						t.Errorf("%q is not silent: %s", s.Title, d.Message)
					}
					continue
				}
				if len(found) == 0 {
					t.Errorf("%q does not fire", s.Title)
				}
				if !r.HasFix || r.Fix != diagnostics.Safe {
					continue
				}
				fixed, err := litest.Settle(w, path, s.Code[0])
				if err != nil {
					t.Error(err)
				}
				for _, d := range w.Analyze(path, text.NewSource([]byte(fixed)), nil).Diagnostics {
					t.Errorf("the safe fix leaves: %s\n%s", d.Message, fixed)
				}
			}
		})
	}
}

// TestClean holds that sound programs are left alone: no warning, no error.
func TestClean(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(testdata, "clean", "*.py"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no programs in testdata/clean (%v)", err)
	}
	w := project.NewWorkspace(testdata)
	for _, path := range files {
		for _, d := range w.AnalyzeFile(path).Diagnostics {
			if d.Severity >= diagnostics.Warning {
				t.Errorf("%s: %s: [%s] %s", path, d.Severity, d.Rule.Code, d.Message)
			}
		}
	}
}

// TestScenarioFindings compares what train.py and hasty.py of each scenario are flagged for with expect.txt, whose lines read
// "file:line rule-name".
func TestScenarioFindings(t *testing.T) {
	expected, err := filepath.Glob(filepath.Join(testdata, "scenarios", "*", "expect.txt"))
	if err != nil || len(expected) != 6 {
		t.Fatalf("%d files expect.txt, want 6 (%v)", len(expected), err)
	}
	w := project.NewWorkspace(testdata)
	for _, path := range expected {
		var got []string
		for _, name := range []string{"train.py", "hasty.py"} {
			a := w.AnalyzeFile(filepath.Join(filepath.Dir(path), name))
			lines := text.NewLineIndex(a.Source.Text)
			for _, d := range a.Diagnostics {
				got = append(got, name+":"+strconv.Itoa(lines.Line(d.Span.Start)+1)+" "+d.Rule.Name)
			}
		}
		sort.Strings(got)
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if text := strings.Join(got, "\n") + "\n"; text != string(want) {
			t.Errorf("%s: found\n%swant\n%s", path, text, want)
		}
	}
}
