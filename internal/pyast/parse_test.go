package pyast

import (
	"bytes"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
)

// invariants holds a tree to its shape: children inside their parents and in order, links consistent, spans in the source.
func invariants(t *testing.T, tree *Tree) {
	t.Helper()
	if tree.Len() == 0 {
		t.Fatal("a tree has at least its root")
	}
	for i, r := range tree.nodes {
		switch {
		case r.start > r.end || int(r.end) > len(tree.source):
			t.Fatalf("node %d spans %d-%d of %d bytes", i, r.start, r.end, len(tree.source))
		case int(r.last) <= i || int(r.last) > len(tree.nodes):
			t.Fatalf("node %d ends at node %d of %d", i, r.last, len(tree.nodes))
		case i == 0:
			continue
		case int(r.parent) >= i:
			t.Fatalf("node %d has the parent %d behind it", i, r.parent)
		}
		p := tree.nodes[r.parent]
		if r.start < p.start || r.end > p.end || r.last > p.last {
			t.Fatalf("node %d (%v %d-%d) sticks out of its parent %d (%v %d-%d)", i, r.symbol, r.start, r.end, r.parent, p.symbol, p.start, p.end)
		}
		if r.next != 0 {
			n := tree.nodes[r.next]
			if n.parent != r.parent || r.next != r.last || n.start < r.end {
				t.Fatalf("node %d and its sibling %d do not fit", i, r.next)
			}
		}
	}
}

func mustParse(t testing.TB, source string) *Tree {
	t.Helper()
	tree, err := Parse([]byte(source))
	if err != nil {
		t.Fatal(err)
	}
	return tree
}

// TestAnyBytes parses what editors and file systems may hand over. The rest of a file is read behind whatever is wrong in it.
func TestAnyBytes(t *testing.T) {
	cases := map[string]string{
		"empty":             "",
		"blank":             "\n\n  \n",
		"NUL":               "a = 1\x00\nb = 2\n",
		"only NUL":          "\x00\x00",
		"byte order mark":   "\ufeffimport torch\n",
		"CRLF":              "if a:\r\n    b = 1\r\nc = 2\r\n",
		"lone CR":           "a = 1\rb = 2\r",
		"tabs":              "if a:\n\tb = 1\n        c = 2\n",
		"invalid UTF-8":     "s = '\xff\xfe'\nb = 2\n",
		"lone surrogate":    "s = '\xed\xa0\x80'\nb = 2\n",
		"astral":            "π = '𐐀'\n𐐀 = 1\n",
		"conflict markers":  "<<<<<<< HEAD\na = 1\n=======\na = 2\n>>>>>>> x\nb = 2\n",
		"Python 2":          "print 'x'\nexec code\nraise E, 'm'\n",
		"async keyword":     "x.cuda(async=True)\nb = 2\n",
		"unclosed":          "f(a, [b, {c: (d\n",
		"unclosed string":   "s = '''abc\nb = 2\n",
		"dangling dedent":   "        a\n    b\nc\n",
		"star in return":    "def f():\n    return a, *b\n",
		"match":             "match x:\n    case [1, *rest] if y:\n        pass\n",
		"walrus and lambda": "if (n := len(a)) > 1: f = lambda *a, **k: n\n",
		"type parameters":   "def f[T](x: T) -> T: ...\ntype A = int\n",
		"magics":            "%matplotlib inline\n!pip install x\nimport torch\n",
		"garbage":           strings.Repeat("}{)(][:;,.=+-*/%&|^~<>!@#$\\`?\"' \t\n", 200),
	}
	for name, source := range cases {
		t.Run(name, func(t *testing.T) {
			invariants(t, mustParse(t, source))
		})
	}
	for _, name := range []string{"NUL", "invalid UTF-8", "lone surrogate", "conflict markers", "async keyword"} {
		found := false
		for n := range mustParse(t, cases[name]).Root().Descendants() {
			found = found || n.Kind() == KindIdentifier && n.TextIs("b")
		}
		if !found {
			t.Errorf("%s: what stands behind it was not read", name)
		}
	}
}

// TestDeepNesting holds that what Python itself does not compile is declined, before anything walks down into it.
func TestDeepNesting(t *testing.T) {
	for name, nested := range map[string]func(depth int) string{
		"parentheses": func(n int) string { return strings.Repeat("(", n) + "x" + strings.Repeat(")", n) },
		"attributes":  func(n int) string { return "x" + strings.Repeat(".y", n) },
		"operators":   func(n int) string { return "x" + strings.Repeat(" + x", n) },
		"calls":       func(n int) string { return strings.Repeat("f(", n) + strings.Repeat(")", n) },
		"signs":       func(n int) string { return strings.Repeat("-", n) + "x" },
	} {
		t.Run(name, func(t *testing.T) {
			invariants(t, mustParse(t, nested(500)))
			if _, err := Parse([]byte(nested(100_000))); err != ErrTooDeep {
				t.Errorf("100,000 levels give %v, want %v", err, ErrTooDeep)
			}
		})
	}
	invariants(t, mustParse(t, strings.Repeat("[", 100_000)))
	var blocks strings.Builder
	for i := range 500 {
		fmt.Fprintf(&blocks, "%sif x:\n", strings.Repeat(" ", i))
	}
	blocks.WriteString(strings.Repeat(" ", 500) + "pass\n")
	invariants(t, mustParse(t, blocks.String()))
}

func TestSize(t *testing.T) {
	if testing.Short() {
		t.Skip("parses 5 MB")
	}
	big := bytes.Repeat([]byte("x = a_function_with_a_name(31415926)  # a comment\n"), 5<<20/50)
	tree, err := Parse(big)
	if err != nil {
		t.Fatal(err)
	}
	invariants(t, tree)
	if _, err := Parse(make([]byte, MaxSource+1)); err != ErrTooLarge {
		t.Errorf("a source over the limit gives %v, want %v", err, ErrTooLarge)
	}
	// Each token takes 250 bytes and more: they are counted before they are parsed.
	if _, err := Parse(bytes.Repeat([]byte("1,"), 5<<20)); err != ErrTooMany {
		t.Errorf("a line of five million numbers gives %v, want %v", err, ErrTooMany)
	}
	if _, err := Parse(bytes.Repeat([]byte("def ( ] = $ ?\n"), 16_000)); err != ErrTooSlow {
		t.Errorf("16,000 broken lines give %v, want %v", err, ErrTooSlow)
	}
}

// TestEmptyJoins holds that a long row of joined empty lines is passed over, wherever it stands.
func TestEmptyJoins(t *testing.T) {
	row := strings.Repeat("\\\n", 50_000)
	for name, c := range map[string]struct{ before, after string }{
		"between tokens": {"x = 1 + ", "2\ny = 3\n"},
		"after comment":  {"x = 1  # comment ", "y = 2\n"},
		"in brackets":    {"f(a, ", "b)\n"},
		"at the start":   {"", "x = 1\n"},
	} {
		got, want := mustParse(t, c.before+row+c.after), mustParse(t, c.before+"\\\n"+c.after)
		if shape(got.Root()) != shape(want.Root()) {
			t.Errorf("%s: %s, want %s", name, shape(got.Root()), shape(want.Root()))
		}
		if got.HasErrors() != want.HasErrors() || len(got.Source()) != len(c.before)+len(row)+len(c.after) {
			t.Errorf("%s: errors %v, %d bytes", name, got.HasErrors(), len(got.Source()))
		}
		invariants(t, got)
	}
}

// TestShapes holds the lowered form of what the layers above rely on.
func TestShapes(t *testing.T) {
	for _, c := range []struct{ source, want string }{
		{"a not in b", `(module (expression_statement (comparison_operator (identifier) (token) (identifier))))`},
		{"x.y(z, *a, k=1)", `(module (expression_statement (call (attribute (identifier) (identifier)) (argument_list (identifier) (list_splat (identifier)) (keyword_argument (identifier) (integer))))))`},
		{"f'{a:>3}'", `(module (expression_statement (string (string_start) (interpolation (identifier) (format_specifier)) (string_end))))`},
		{"for i in r:\n  pass", `(module (for_statement (identifier) (identifier) (block (pass_statement))))`},
		{"with a as b: c", `(module (with_statement (with_clause (with_item (as_pattern (identifier) (as_pattern_target (identifier))))) (block (expression_statement (identifier)))))`},
		{"a = b = c", `(module (expression_statement (assignment (identifier) (assignment (identifier) (identifier)))))`},
		{"x += 1", `(module (expression_statement (augmented_assignment (identifier) (token) (integer))))`},
	} {
		if got := shape(mustParse(t, c.source).Root()); got != c.want {
			t.Errorf("%q is\n%s\nwant\n%s", c.source, got, c.want)
		}
	}
}

func shape(n Node) string {
	s := "(" + n.Kind().String()
	for c := range n.Children() {
		s += " " + shape(c)
	}
	return s + ")"
}

// TestConcurrent parses and reads from many goroutines; run it with -race.
func TestConcurrent(t *testing.T) {
	source := trainingFile(200)
	shared := mustParse(t, source)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 10 {
				tree, err := Parse([]byte(source))
				if err != nil || tree.Len() != shared.Len() {
					t.Errorf("%v", err)
				}
				for n := range shared.Root().Descendants() {
					_ = n.Text()
				}
			}
		})
	}
	wg.Wait()
}

// TestDocumentsAreFreed opens many documents, closed and forgotten ones; run it under a memory limit to see more.
func TestDocumentsAreFreed(t *testing.T) {
	source := []byte(trainingFile(100))
	for i := range 300 {
		d, err := Open(source)
		if err != nil {
			t.Fatal(err)
		}
		if i%2 == 0 {
			d.Close()
			d.Close()
		}
	}
	runtime.GC()
}

// trainingFile is Python of about the number of lines, in the shapes of training scripts.
func trainingFile(lines int) string {
	var b strings.Builder
	b.WriteString("import os\nimport torch\nfrom torch import nn, optim\n\n")
	for i := 0; strings.Count(b.String(), "\n") < lines; i++ {
		fmt.Fprintf(&b, `
class Trainer%[1]d(nn.Module):
    """One of many."""

    def __init__(self, lr=1e-%[1]d, *args, **kwargs):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(%[1]d, 10), nn.ReLU(), nn.Linear(10, 1))
        self.optimizer = optim.SGD(self.parameters(), lr=lr, momentum=0.9)

    def fit(self, loader, epochs=%[1]d):
        for epoch in range(epochs):
            for step, (x, y) in enumerate(loader):
                loss = (self.layers(x) - y).pow(2).mean()  # squared error
                self.optimizer.zero_grad()
                loss.backward()
                self.optimizer.step()
            if epoch %% 10 == 0 and os.environ.get("RANK", "0") == "0":
                torch.save({"epoch": epoch, "model": self.state_dict()}, f"checkpoint_{epoch:03d}.pt")
`, i)
	}
	return b.String()
}
