package training

import (
	"regexp"
	"slices"
	"strings"

	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
	"github.com/ckpt-lsp/ckpt-lsp/internal/pysem"
	"github.com/ckpt-lsp/ckpt-lsp/internal/torch"
)

// SeedTest is a test for a seed's truth that decides whether to seed: it takes seed 0 for no seed.
type SeedTest struct {
	// Seed is the tested expression; Cond is the part of the condition to rewrite: the seed, or `not seed`.
	Seed, Cond pyast.Node
	Negated    bool
	// Call is what is guarded: the seeding, or the assignment of another seed.
	Call pyast.Node
	// Declared says that the seed is known to be an int or None.
	Declared bool
}

var seedName = regexp.MustCompile(`(?i)seed$|^seed`)

// SeedTests are the tests of the file that skip the seeding when the seed is 0. Seeds for which 0 stands for "none" by their
// default or help text are left out.
func (f *File) SeedTests() []SeedTest {
	var out []SeedTest
	for n := range f.Tree.Root().Descendants() {
		var cond, body pyast.Node
		switch n.Kind() {
		case pyast.KindIfStatement, pyast.KindElifClause:
			cond, body = n.Child(pyast.FieldCondition), n.Child(pyast.FieldConsequence)
		case pyast.KindConditionalExpression:
			cond, body = n.Nth(1), n.Nth(0)
		case pyast.KindBooleanOperator:
			if !n.Child(pyast.FieldOperator).TextIs("and") || n.Parent().Kind() != pyast.KindExpressionStatement {
				continue
			}
			cond, body = n.Child(pyast.FieldLeft), n.Child(pyast.FieldRight)
		default:
			continue
		}
		for _, part := range Conjuncts(cond) {
			t := SeedTest{Seed: part, Cond: part}
			if part.Kind() == pyast.KindNotOperator {
				t.Seed, t.Negated = part.Child(pyast.FieldArgument), true
			}
			if !t.Seed.Is(pyast.KindIdentifier, pyast.KindAttribute) || !seedName.MatchString(lastPart(t.Seed.Text())) {
				continue
			}
			if t.Call = f.seededWith(body, t); !t.Call.Valid() {
				continue
			}
			if zero, declared := f.seedDeclared(t.Seed); !zero {
				t.Declared = declared
				out = append(out, t)
			}
		}
	}
	return out
}

// Conjuncts are the parts of a condition that all must hold.
func Conjuncts(cond pyast.Node) []pyast.Node {
	switch {
	case cond.Kind() == pyast.KindParenthesizedExpression:
		return Conjuncts(cond.Nth(0))
	case cond.Kind() == pyast.KindBooleanOperator && cond.Child(pyast.FieldOperator).TextIs("and"):
		return append(Conjuncts(cond.Child(pyast.FieldLeft)), Conjuncts(cond.Child(pyast.FieldRight))...)
	}
	return []pyast.Node{cond}
}

// seededWith finds what a test decides in a body: the call that seeds with the tested seed, or, where the test is for its
// absence, the assignment that replaces it.
func (f *File) seededWith(body pyast.Node, t SeedTest) pyast.Node {
	seed := t.Seed.Text()
	for n := range body.Descendants() {
		switch n.Kind() {
		case pyast.KindAssignment:
			if t.Negated && n.Child(pyast.FieldLeft).TextIs(seed) {
				return n
			}
		case pyast.KindCall:
			fn := n.Child(pyast.FieldFunction)
			e, _ := torch.Lookup(f.qualified(fn))
			if t.Negated || e.Kind != torch.Seeder && !seeding.MatchString(calledName(n)) || f.repeatsUnseeded(fn, body) {
				continue
			}
			for a := range n.Child(pyast.FieldArguments).Descendants() {
				if a.Is(pyast.KindIdentifier, pyast.KindAttribute) && a.TextIs(seed) {
					return n
				}
			}
		}
	}
	return pyast.Node{}
}

// repeatsUnseeded reports whether what a method seeds is a generator object made before a body: it starts from the same number in
// each run where nothing seeds it.
func (f *File) repeatsUnseeded(method, body pyast.Node) bool {
	if method.Kind() != pyast.KindAttribute {
		return false
	}
	recv := method.Child(pyast.FieldObject)
	made := f.Eval.Eval(recv, f.Eval.In(f.moduleOf(recv), recv)).Alternatives()
	return !slices.ContainsFunc(made, func(a *pysem.Value) bool {
		e, _ := torch.Lookup(a.Callee())
		return e.Kind != torch.Generator || body.Encloses(a.Node)
	})
}

// zeroMeans is a help text that gives 0 a meaning of its own.
var zeroMeans = regexp.MustCompile(`\b0\b`)

// seedDeclared looks for the default of a seed, a parameter's or an option's. zero says that 0 stands for "no seed" there;
// declared that the seed is an int or None.
func (f *File) seedDeclared(seed pyast.Node) (zero, declared bool) {
	ctx := f.Eval.In(f.moduleOf(seed), seed)
	for _, a := range f.Eval.Eval(seed, ctx).Alternatives() {
		if truth, known := a.Truth(); known && a.Kind != pysem.NoneVal && !truth {
			return true, false
		}
	}
	if p := f.param(seed); p != nil {
		return f.noneOrInt(p.Default, p.Default.Valid())
	}
	option := "--" + lastPart(seed.Text())
	for _, fn := range f.Module.Funcs {
		for _, c := range fn.Calls {
			if !strings.HasSuffix(c.Child(pyast.FieldFunction).Text(), "add_argument") || !declares(c, option) {
				continue
			}
			args := pysem.Args(c)
			if help, ok := args.Keyword["help"]; ok && zeroMeans.MatchString(help.Text()) {
				return true, false
			}
			return f.noneOrInt(args.Keyword["default"], args.Keyword["type"].TextIs("int"))
		}
	}
	return false, false
}

// param is the parameter that a name is, nil for others.
func (f *File) param(n pyast.Node) *pysem.Param {
	scope := f.moduleOf(n).Scope(n)
	for i := range scope.Params {
		if scope.Params[i].Name == n.Text() {
			return &scope.Params[i]
		}
	}
	return nil
}

// noneOrInt judges a default; typed says that other values are ints.
func (f *File) noneOrInt(n pyast.Node, typed bool) (zero, declared bool) {
	v := f.Eval.Eval(n, f.Eval.In(f.moduleOf(n), n))
	switch {
	case !n.Valid(), v.Kind == pysem.NoneVal:
		return false, typed
	case v.Kind == pysem.Int:
		return v.Int == 0, true
	}
	truth, known := v.Truth()
	return known && !truth, false
}

// declares reports whether an add_argument call declares an option, dashes and underscores alike.
func declares(call pyast.Node, option string) bool {
	for _, a := range pysem.Args(call).Position {
		if s, ok := pysem.StringLiteral(a); ok && strings.ReplaceAll(s, "-", "_") == strings.ReplaceAll(option, "-", "_") {
			return true
		}
	}
	return false
}
