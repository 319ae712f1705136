package pyast

import "testing"

func TestKindsMatchGrammar(t *testing.T) {
	for kind, name := range kindNames {
		if got := grammarName(kind); got != name {
			t.Errorf("kind %d is %q in the grammar, %q in the table", kind, got, name)
		}
	}
}
