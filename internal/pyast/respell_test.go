package pyast

import (
	"strings"
	"testing"

	"github.com/ckpt-lsp/ckpt-lsp/internal/text"
)

// TestStarredElements holds texts whose stars the grammar does not know to the shape of those that it knows: with a name in the place
// of what stands behind the star, or with parentheses around it all.
func TestStarredElements(t *testing.T) {
	for _, c := range []struct{ source, like string }{
		{"x = a, *[1]", "x = a, *N"},
		{"x = *(a), b", "x = *N, b"},
		{"x = y = *(a), b", "x = y = *N, b"},
		{"x += a, *{1}", "x += a, *N"},
		{"h, *r = e, *[]", "h, *r = e, *N"},
		{"x = a, * (b)", "x = a, *N"},
		{"x = a, *'s', *f\"t\"", "x = a, *N, *N"},
		{"x = a, *(\n  b # c, *(d)\n), *(e)", "x = a, *N, *N"},
		{"def f():\n    return a, *(x for x in y)", "def f():\n    return a, *N"},
		{"def f():\n    return *[1], a", "def f():\n    return *N, a"},
		{"def f():\n    yield *(a), b", "def f():\n    yield *N, b"},
		{"for i in a, *(b):\n    pass", "for i in a, *N:\n    pass"},
		{"x[*(a), 1]", "x[*N, 1]"},
		{"f(x[*(a)], *(b), **(c))", "f(x[*N], *N, **N)"},
		{"x = a, *[1] * n + 2", "x = (a, *[1] * n + 2)"},
		{"x = a, *(b)(c).d[0]", "x = (a, *(b)(c).d[0])"},
		{"x = a, *-b", "x = (a, *-b)"},
		{"x = a, *await b", "x = (a, *await b)"},
		{"x = [*(a), b * (c), -(d)]\ny = a, *(b)", "x = [*N, b * N, -N]\ny = a, *N"},
	} {
		source := c.source + "\n"
		tree := mustParse(t, source)
		invariants(t, tree)
		got, want := shape(tree.Root()), shape(mustParse(t, c.like+"\n").Root())
		if like := mustParse(t, c.like); like.respelt || like.HasErrors() {
			t.Fatalf("%q is no Python that the grammar knows", c.like)
		}
		// What N stands for is not looked into, and parentheses are not compared.
		for _, operand := range []string{"(list (integer))", "(list)", "(set (integer))", "(parenthesized_expression (identifier))", "(parenthesized_expression (comment) (identifier))",
			"(string (string_start) (string_content) (string_end))", "(generator_expression (identifier) (for_in_clause (identifier) (identifier)))"} {
			if !strings.Contains(want, operand) {
				got, want = strings.ReplaceAll(got, operand, "(identifier)"), strings.ReplaceAll(want, operand, "(identifier)")
			}
		}
		want = strings.ReplaceAll(want, "(tuple ", "(expression_list ")
		if tree.HasErrors() || got != want {
			t.Errorf("%q is\n%s\nwant\n%s", c.source, got, want)
		}
		for n := range tree.Root().Descendants() {
			if n.Is(KindListSplat) && (source[n.Start()] != '*' || n.Nth(0).Text() != strings.TrimLeft(n.Text()[1:], " ")) {
				t.Errorf("%q unpacks %q: %q", c.source, n.Text(), n.Nth(0).Text())
			}
		}
	}
}

// TestStarredTargets holds targets whose star the grammar does not know to those without the star, which stands around what was after it.
func TestStarredTargets(t *testing.T) {
	for _, c := range []struct{ source, like string }{
		{"*(a), b = c", "(a), b = c"},
		{"a, *(b), c = d", "a, (b), c = d"},
		{"*[a, b], c = d", "[a, b], c = d"},
		{"a, * (b, c) = d", "a, (b, c) = d"},
		{"a = *(b), c = d", "a = (b), c = d"},
		{"(a, *(b)), c = d", "(a, (b)), c = d"},
		{"[a, *[b, c]] = d", "[a, [b, c]] = d"},
		{"*(a).b, c = d", "(a).b, c = d"},
		{"*(a)[0], c = d", "(a)[0], c = d"},
		{"for *(a), b in c: pass", "for (a), b in c: pass"},
		{"x = [a for *(a), b in c]", "x = [a for (a), b in c]"},
		{"if x:\n    *(a), b = c\n    a, *(b) = c\n", "if x:\n    (a), b = c\n    a, (b) = c\n"},
	} {
		source := c.source + "\n"
		tree := mustParse(t, source)
		invariants(t, tree)
		like := mustParse(t, c.like+"\n")
		if like.HasErrors() {
			t.Fatalf("%q is no Python that the grammar knows", c.like)
		}
		stars := 0
		got := shape(tree.Root())
		for n := range tree.Root().Descendants() {
			if !n.Is(KindListSplatPattern) {
				continue
			}
			stars++
			inner := shape(n.Nth(0))
			if source[n.Start()] != '*' || n.Nth(0).Text() != strings.TrimLeft(n.Text()[1:], " ") {
				t.Errorf("%q unpacks %q: %q", c.source, n.Text(), n.Nth(0).Text())
			}
			got = strings.Replace(got, "(list_splat_pattern "+inner+")", inner, 1)
		}
		if want := shape(like.Root()); tree.HasErrors() || got != want || stars != strings.Count(c.source, "*") {
			t.Errorf("%q is\n%s\nwant, with %d stars,\n%s", c.source, shape(tree.Root()), strings.Count(c.source, "*"), want)
		}
		if string(tree.Source()) != source {
			t.Errorf("%q reads %q", c.source, tree.Source())
		}
	}
}

// TestNewSyntax holds what the grammar does not know to be passed over: defaults of type parameters, and the t of t-strings.
func TestNewSyntax(t *testing.T) {
	for _, c := range []struct{ source, like string }{
		{"class A[T = int]:\n    pass", "class A[T      ]:\n    pass"},
		{"class A[T: int = bool, U = f(x)[1, 2], V]:\n    pass", "class A[T: int       , U             , V]:\n    pass"},
		{"class A[*Ts = *tuple[int], **P = [int, str]]:\n    pass", "class A[*Ts              , **P             ]:\n    pass"},
		{"def f[T = \"]\"](x=1): pass", "def f[T      ](x=1): pass"},
		{"type X[T = int] = list[T]", "type X[T      ] = list[T]"},
		{"x = t'a {b}'", "x = f'a {b}'"},
		{"x = tR\"\"\"a {b!r:>{w}}\"\"\"", "x = fR\"\"\"a {b!r:>{w}}\"\"\""},
		{"f(Rt'', t, 't')", "f(Rf'', t, 't')"},
		{"x = f'{t\"a{b}\"}'", "x = f'{f\"a{b}\"}'"},
		{"x = f'{t'a{b}'}'", "x = f'{f'a{b}'}'"},
		{"x = t'{t\"a{c}\"} {{t}} {d:{t\"e\"}}'", "x = f'{f\"a{c}\"} {{t}} {d:{f\"e\"}}'"},
		{"x = f'{t(t=t)!r} t'", "x = f'{t(t=t)!r} t'"},
		{"x = f\"\"\"{f(\n t'a')}\"\"\"", "x = f\"\"\"{f(\n f'a')}\"\"\""},
		{"x = f'{x:{t\"{y}\"}}' + t'a'", "x = f'{x:{f\"{y}\"}}' + f'a'"},
	} {
		tree := mustParse(t, c.source+"\n")
		invariants(t, tree)
		if got, want := shape(tree.Root()), shape(mustParse(t, c.like+"\n").Root()); tree.HasErrors() || got != want {
			t.Errorf("%q is\n%s\nwant\n%s", c.source, got, want)
		}
		if string(tree.Source()) != c.source+"\n" {
			t.Errorf("%q reads %q", c.source, tree.Source())
		}
	}
}

// TestBrokenStaysBroken holds that what is no Python is told, also beside what the grammar does not know.
func TestBrokenStaysBroken(t *testing.T) {
	for _, source := range []string{"x = *(a), b\ny = = 1\n", "x = a, *\n", "x = a *(\n", "x = t'a\n", "class A[T = ]]:\n  pass\n", "x = ,*(a)\n", "return a, *(b\n", "*(a), b == c\n*(\n", "*(a) + 1, b = c\n", "f'{t\"a\" b\"}'\n", "x[*(a) b]\n", "t'a' = = *[", "class A[\n"} {
		if tree := mustParse(t, source); !tree.HasErrors() {
			t.Errorf("%q is taken for Python", source)
		}
	}
}

// TestEditNewSyntax edits a text that the grammar does not know, and comes to what a fresh parse gives.
func TestEditNewSyntax(t *testing.T) {
	source := []byte("import torch\nx = a, *b\nfor i in x:\n    pass\n")
	d, err := Open(source)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	for _, e := range []struct{ old, new string }{{"*b", "*(b)"}, {"for", "y = t'{x}'\nfor"}, {"(b)", "(b), *[1]"}, {"x:", "x"}, {"in x", "in x:"}, {"t'", "f'"}, {"*(b)", "*b"}, {"*[1]", "*c"}} {
		at := strings.Index(string(source), e.old)
		edit := text.Edit{Span: text.Span{Start: at, End: at + len(e.old)}, New: e.new}
		want := mustParse(t, string(source[:at])+e.new+string(source[at+len(e.old):]))
		after := d.After([]text.Edit{edit})
		if (after == nil) != want.HasErrors() {
			t.Fatalf("after %q there is a tree: %v, want %v", e, after != nil, !want.HasErrors())
		}
		if after != nil {
			same(t, after, want, e.new)
		}
		source = want.source
		tree, err := d.Edit([]text.Edit{edit}, source)
		if err != nil {
			t.Fatal(err)
		}
		same(t, tree, want, e.new)
	}
}
