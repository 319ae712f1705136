package litest

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
	"github.com/ckpt-lsp/ckpt-lsp/internal/pysem"
)

// unbound are the names that a text reads and nothing binds, or that a function reads above all that binds them, each with its function.
// It is told from scopes alone and not from what fixes are held to, so that one checks the other.
func unbound(tree *pyast.Tree) []string {
	mod := pysem.New("x.py", tree)
	var out []string
	for n := range tree.Root().Descendants() {
		parameter := n.Ancestor(pyast.KindParameters, pyast.KindLambdaParameters)
		byDefault := n.Ancestor(pyast.KindDefaultParameter, pyast.KindTypedDefaultParameter).Child(pyast.FieldValue)
		if !reads(n) || parameter.Valid() && !(byDefault.Valid() && byDefault.Encloses(n)) || n.Ancestor(pyast.KindImportStatement, pyast.KindImportFromStatement, pyast.KindFutureImportStatement, pyast.KindGlobalStatement,
			pyast.KindType, pyast.KindCasePattern).Valid() || len(mod.Stars) > 0 || known[n.Text()] {
			continue
		}
		name, scope := n.Text(), mod.Scope(n)
		if ownTarget(n, name) {
			continue
		}
		found, above := false, false
		for f := scope; f != nil && !found; f = f.Parent {
			defs := slices.DeleteFunc(slices.Clone(f.Defs(name)), func(d *pysem.Def) bool {
				return d.Kind == pysem.DefItem || d.Kind == pysem.DefUpdate || d.Kind == pysem.DefRemove || d.Kind == pysem.DefMutate || d.Kind == pysem.DefPassed
			})
			found = len(defs) > 0
			above = found && f == scope && !slices.ContainsFunc(defs, func(d *pysem.Def) bool { return d.Node.Start() <= n.Start() })
		}
		if !found || above {
			out = append(out, fmt.Sprintf("%s in %s", name, scope.QualName()))
		}
	}
	return out
}

// known are the builtins that the examples, and fixes, use.
var known = func() map[string]bool {
	out := map[string]bool{}
	for _, n := range strings.Fields("print len range open int float str bool list dict set tuple sum min max sorted enumerate zip isinstance hasattr getattr setattr " +
		"type map filter any all abs round super vars object hash id iter next reversed property staticmethod classmethod __name__ __file__ " +
		"ValueError RuntimeError FileNotFoundError KeyboardInterrupt Exception OSError KeyError NotImplementedError StopIteration ImportError TypeError repr exit delattr locals globals") {
		out[n] = true
	}
	return out
}()

// ownTarget says that a name is of a comprehension around, or of a class body, which scopes do not tell.
func ownTarget(n pyast.Node, name string) bool {
	for p := n.Parent(); p.Valid(); p = p.Parent() {
		if p.Is(pyast.KindListComprehension, pyast.KindSetComprehension, pyast.KindDictionaryComprehension, pyast.KindGeneratorExpression) {
			for c := range p.Children() {
				if c.Kind() != pyast.KindForInClause {
					continue
				}
				if c.Child(pyast.FieldLeft).TextIs(name) {
					return true
				}
				for d := range c.Child(pyast.FieldLeft).Descendants() {
					if d.Kind() == pyast.KindIdentifier && d.TextIs(name) {
						return true
					}
				}
			}
		}
		if p.Kind() == pyast.KindClassDefinition {
			for d := range p.Child(pyast.FieldBody).Children() {
				if slices.Contains(assigned(d), name) || d.Child(pyast.FieldName).TextIs(name) {
					return true
				}
			}
		}
	}
	return false
}

// unasked are the uses of optional objects, as "x.", that stand under no test of the option or of the object.
func unasked(tree *pyast.Tree, optional []string) []string {
	var out []string
	for n := range tree.Root().Descendants() {
		p := n.Parent()
		if !reads(n) || !slices.Contains(optional, n.Text()) || p.Kind() != pyast.KindAttribute || p.Child(pyast.FieldObject) != n {
			continue
		}
		asked := false
		for q := p; q.Valid() && !asked; q = q.Parent() {
			test := q.Child(pyast.FieldCondition)
			if q.Kind() == pyast.KindConditionalExpression {
				test = q.Nth(1)
			}
			if q.Kind() == pyast.KindBooleanOperator {
				test = q.Child(pyast.FieldLeft)
			}
			asked = test.Valid() && !test.Encloses(n) && (strings.Contains(test.Text(), "args.flag") || strings.Contains(test.Text(), n.Text()))
		}
		if !asked {
			out = append(out, n.Text()+" outside of a test")
		}
	}
	return out
}

// more are the problems in after that are not in before.
func more(before, after []string) []string {
	left := slices.Clone(before)
	var out []string
	for _, p := range after {
		if i := slices.Index(left, p); i >= 0 {
			continue // what was wrong may be wrong twice
		}
		out = append(out, p)
	}
	return slices.Compact(slices.Sorted(slices.Values(out)))
}

// TestUnbound holds the check itself to the ways in which fixes were seen to break programs.
func TestUnbound(t *testing.T) {
	for source, want := range map[string]string{
		"def f():\n    swa = 1\ndef g():\n    return {'s': swa.state_dict()}\n":                                "[swa in g]",
		"def f(args):\n    save(path)\n    path = args\n":                                                      "[save in f path in f]",
		"import torch\nclass A:\n    n = 1\n    m = n\n    def f(self, x=3):\n        return [i for i in x]\n": "[]",
		"def f(x=late): ...\n": "[late in <module>]",
		"os.replace('a', 'b')\nimport os\nfor k, v in {}.items():\n    print(f'{k}{v}', _)\n": "[os in <module> _ in <module>]",
	} {
		tree, err := pyast.Parse([]byte(source))
		if err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprint(unbound(tree)); got != want {
			t.Errorf("%s: %s, want %s", source, got, want)
		}
	}
	tree, err := pyast.Parse([]byte("if args.flag: s.step()\nx = s.state_dict() if s else None\ny = s.state_dict()\n"))
	if err != nil {
		t.Fatal(err)
	}
	if got := unasked(tree, []string{"s"}); len(got) != 1 {
		t.Errorf("one use is outside of a test, not %v", got)
	}
}
