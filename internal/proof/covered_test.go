package proof

import (
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/ckpt-lsp/ckpt-lsp/codeactions"
	"github.com/ckpt-lsp/ckpt-lsp/diagnostics"
	_ "github.com/ckpt-lsp/ckpt-lsp/diagnostics/rules"
	"github.com/ckpt-lsp/ckpt-lsp/internal/docs"
	"github.com/ckpt-lsp/ckpt-lsp/internal/project"
)

// TestEveryFixIsProven holds that there is a program for every rule that has a fix, for every kind of remedy and for every rewrite.
func TestEveryFixIsProven(t *testing.T) {
	all, err := allPrograms()
	if err != nil {
		t.Fatal(err)
	}
	left := map[string]bool{}
	for _, r := range diagnostics.Product.Rules() {
		if docs.FixKind(r) != "none" {
			left[r.Code] = true
		}
	}
	for _, name := range remedies(t) {
		left[name] = true
	}
	for _, title := range codeactions.RewriteTitles() {
		left[title] = true
	}
	for _, p := range all {
		for _, r := range p.Rewrites { // Fix fails where one is not offered
			delete(left, r.Title)
		}
		for _, name := range p.Fix {
			if name == "all" {
				continue
			}
			rule, err := ruleNamed(name)
			if err != nil {
				t.Errorf("%s: %v", p.Name, err)
				continue
			}
			applied := applied(t, p, rule)
			if len(applied) == 0 {
				t.Errorf("%s: %s reports nothing that the program's fix would mend", p.Name, name)
				continue
			}
			delete(left, rule.Code)
			for _, remedy := range applied {
				delete(left, remedy)
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(left)) {
		t.Errorf("no program in testdata/proof proves %s", name)
	}
}

// remedies are the names of all remedy types.
func remedies(t *testing.T) []string {
	file, err := parser.ParseFile(token.NewFileSet(), "../../diagnostics/remedy.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, d := range file.Decls {
		if f, ok := d.(*ast.FuncDecl); ok && f.Name.Name == "remedy" {
			out = append(out, f.Recv.List[0].Type.(*ast.Ident).Name)
		}
	}
	if len(out) == 0 {
		t.Fatal("no remedies are found")
	}
	return out
}

// applied are the names of the remedies that a program's fixes take from what a rule reports in the flawed program: those that give
// an action with the program's title, or the first that gives one.
func applied(t *testing.T, p *Program, rule *diagnostics.Rule) []string {
	dir := t.TempDir()
	if err := write(dir, p.Files); err != nil {
		t.Fatal(err)
	}
	var paths []string
	for _, name := range slices.Sorted(maps.Keys(p.Files)) {
		if strings.HasSuffix(name, ".py") {
			paths = append(paths, filepath.Join(dir, filepath.FromSlash(name)))
		}
	}
	w := project.NewWorkspace(dir)
	analyses, err := project.NewIndex(w).AnalyzeAll(t.Context(), project.NewProgram(w), paths)
	if err != nil {
		t.Fatal(err)
	}
	var first, titled []string
	for _, a := range analyses {
		for _, d := range a.Diagnostics {
			if d.Rule != rule {
				continue
			}
			found := false
			for _, r := range d.Remedies {
				alone := d
				alone.Remedies = []diagnostics.Remedy{r}
				for _, f := range codeactions.Fixes(a.Tree, []diagnostics.Diagnostic{alone}) {
					name := reflect.TypeOf(r).Name()
					if !found {
						first = append(first, name)
					}
					found = true
					if p.Title != "" && strings.Contains(f.Title, p.Title) {
						titled = append(titled, name)
					}
				}
			}
		}
	}
	if len(titled) > 0 {
		return titled
	}
	return first
}
