package pyast

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"unicode/utf8"

	"github.com/ckpt-lsp/ckpt-lsp/internal/text"
)

// same fails when two trees of one source differ.
func same(t *testing.T, got, want *Tree, what string) {
	t.Helper()
	if slices.Equal(got.nodes, want.nodes) {
		return
	}
	for i := range min(len(got.nodes), len(want.nodes)) {
		if got.nodes[i] != want.nodes[i] {
			t.Fatalf("%s: node %d is %v, a fresh parse has %v\n%s", what, i, got.nodes[i], want.nodes[i], got.source)
		}
	}
	t.Fatalf("%s: %d nodes, a fresh parse has %d", what, len(got.nodes), len(want.nodes))
}

// pieces are what people type, paste and delete.
var pieces = []string{
	"x", " ", "\n", "    ", "\t", "(", ")", "[", "]", "{", "}", ":", ",", "=", "\"", "'", "\"\"\"", "#", "\\", ".", "é", "𐐀", "if x:\n", "def f(a, *b):\n    return a\n",
	"for i in range(3):\n    pass\n", "optimizer.step()", "torch.save({\"model\": m}, \"a.pt\")", "\r\n", "lambda: 0", "@", "async ", "await ", "f\"{a}\"", "else:\n", "try:\n",
}

// typist makes random edits whose ends lie between characters.
type typist struct {
	random *rand.Rand
	source []byte
	undo   []text.Edit
}

func (w *typist) boundary(at int) int {
	for at > 0 && at < len(w.source) && !utf8.RuneStart(w.source[at]) {
		at--
	}
	return at
}

func (w *typist) edit() text.Edit {
	if n := len(w.undo); n > 0 && w.random.IntN(4) == 0 {
		e := w.undo[n-1]
		w.undo = w.undo[:n-1]
		return e
	}
	at := w.boundary(w.random.IntN(len(w.source) + 1))
	end := at
	if w.random.IntN(3) == 0 {
		end = w.boundary(min(len(w.source), at+w.random.IntN(20)))
	}
	e := text.Edit{Span: text.Span{Start: at, End: max(at, end)}}
	if w.random.IntN(4) > 0 {
		e.New = pieces[w.random.IntN(len(pieces))]
	}
	w.undo = append(w.undo, text.Edit{Span: text.Span{Start: e.Start, End: e.Start + len(e.New)}, New: string(w.source[e.Start:e.End])})
	return e
}

func (w *typist) apply(t *testing.T, e text.Edit) {
	t.Helper()
	next, err := text.Apply(w.source, []text.Edit{e})
	if err != nil {
		t.Fatal(err)
	}
	w.source = next
}

// TestSoak types 10,000 random edits into a training file and compares with a fresh parse at every 100th.
func TestSoak(t *testing.T) {
	if testing.Short() {
		t.Skip("types 10,000 edits")
	}
	w := &typist{random: rand.New(rand.NewPCG(1, 2)), source: []byte(trainingFile(100))}
	d, err := Open(w.source)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	for i := 1; i <= 10_000; i++ {
		e := w.edit()
		parses := i%20 == 0 && d.After([]text.Edit{e}) != nil
		w.apply(t, e)
		tree, err := d.Edit([]text.Edit{e}, w.source)
		if err != nil {
			t.Fatal(err)
		}
		if i%20 == 0 && parses == tree.HasErrors() {
			t.Fatalf("edit %d, %+v: After says that it parses: %t, the tree has errors: %t", i, e, parses, tree.HasErrors())
		}
		if i%100 == 0 {
			fresh := mustParse(t, string(w.source))
			same(t, tree, fresh, fmt.Sprintf("after %d edits", i))
		}
		if i%500 == 0 { // back to sound text, so that incremental reparsing is exercised too
			w.source, w.undo = []byte(trainingFile(100)), nil
			d.Close()
			if d, err = Open(w.source); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// TestAfter compares what is said of several edits at once with a parse of the text that they leave.
func TestAfter(t *testing.T) {
	source := trainingFile(60)
	d, err := Open([]byte(source))
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	random := rand.New(rand.NewPCG(3, 4))
	said := map[bool]int{}
	for range 500 {
		var edits []text.Edit
		for at := 0; ; {
			at += random.IntN(len(source) / 3)
			if at >= len(source) {
				break
			}
			end := min(len(source), at+random.IntN(2)*random.IntN(3))
			edits = append(edits, text.Edit{Span: text.Span{Start: at, End: end}, New: []string{"", " ", "x", "\n", "\n\n", "pass\n", "(", "#"}[random.IntN(8)]})
			at = end
		}
		random.Shuffle(len(edits), func(i, j int) { edits[i], edits[j] = edits[j], edits[i] })
		after, err := text.Apply([]byte(source), edits)
		if err != nil {
			t.Fatal(err)
		}
		tree := d.After(edits)
		parses := tree != nil
		fresh := mustParse(t, string(after))
		if parses {
			same(t, tree, fresh, fmt.Sprintf("%+v", edits))
		}
		if parses == fresh.HasErrors() {
			t.Fatalf("%+v: After says that it parses: %t, the tree has errors: %t", edits, parses, fresh.HasErrors())
		}
		said[parses]++
	}
	if said[true] == 0 || said[false] == 0 {
		t.Errorf("the edits are all of one kind: %v", said)
	}
	if d.After(nil) == nil || d.After([]text.Edit{{Span: text.Span{Start: 1, End: len(source) + 1}}}) != nil {
		t.Error("no edits leave a sound text; an edit outside of it leaves none")
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"", "a = 1\n", "if x:\n\ty\n", "\x00", "\xff", "def f(", "'''", "f'{", "class A:\n  def b(self): return {**c}\n", "match x:\n case 1: pass\n", "a\rb", "\\\n", "x = a, *(b) + c\n", "x = *[", "x[*-a < b, *(c]\n", "class A[T = int, *U = *(v)]: pass\n", "t'{a!r:{*(b), c}}'\n"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, source []byte) {
		tree, err := Parse(source)
		if err != nil {
			t.Skip()
		}
		invariants(t, tree)
	})
}

func FuzzEdit(f *testing.F) {
	for seed := range uint64(8) {
		f.Add(seed, uint8(20))
	}
	f.Fuzz(func(t *testing.T, seed uint64, count uint8) {
		w := &typist{random: rand.New(rand.NewPCG(seed, 7)), source: []byte(trainingFile(40))}
		d, err := Open(w.source)
		if err != nil {
			t.Fatal(err)
		}
		defer d.Close()
		for i := range count {
			e := w.edit()
			w.apply(t, e)
			tree, err := d.Edit([]text.Edit{e}, w.source)
			if err != nil {
				t.Fatal(err)
			}
			invariants(t, tree)
			same(t, tree, mustParse(t, string(w.source)), fmt.Sprintf("seed %d, edit %d", seed, i))
		}
	})
}
