package pyast

import "testing"

func TestKindsMatchGrammar(t *testing.T) {
	for kind, name := range kindNames {
		if got := grammarName(kind); got != name {
			t.Errorf("kind %d is %q in the grammar, %q in the table", kind, got, name)
		}
	}
}

func TestShape(t *testing.T) {
	tree, err := Parse([]byte("def f(a, *b):\n  # c\n  if a not in b: return a[1:2]\n"))
	if err != nil {
		t.Fatal(err)
	}
	for n := range tree.Root().Descendants() {
		d := 0
		for p := n.Parent(); p.Valid(); p = p.Parent() {
			d++
		}
		t.Logf("%*s%v %v %q", 2*d, "", n.Kind(), fieldNames[n.Field()], n.Text())
	}
}
