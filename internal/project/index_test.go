package project

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"weak"

	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
	"github.com/ckpt-lsp/ckpt-lsp/internal/text"
)

const (
	helperText = `import torch


def save(model, path):
    torch.save(model.state_dict(), path)


def other():
    return 1
`
	trainText   = "import torch\nfrom helper import save\n\nmodel = torch.nn.Linear(1, 1)\nsave(model, 'x.pt')\n"
	throughText = "import torch\nimport package\n\nmodel = torch.nn.Linear(1, 1)\npackage.save(model, 'x.pt')\n"
)

// tracked is an index of some files that tells what an edit has it analyse again.
type tracked struct {
	t     *testing.T
	root  string
	index *Index
}

func track(t *testing.T, files map[string]string) (tracked, *Program) {
	root := tree(t, files)
	w := testWorkspace(root)
	x := tracked{t, root, NewIndex(w)}
	p := NewProgram(w)
	paths, _, _ := w.Files(t.Context(), []string{root})
	if err := x.index.Refresh(t.Context(), p, paths); err != nil {
		t.Fatal(err)
	}
	x.again(p, "")
	return x, p
}

// again brings the index up to a program and compares what was analysed for that, as names in order.
func (x tracked) again(p *Program, want string) {
	x.t.Helper()
	before := maps.Clone(x.index.states)
	for range 3 {
		for _, path := range x.index.Stale(p) {
			if err := x.index.Update(x.t.Context(), p, path); err != nil {
				x.t.Fatal(err)
			}
		}
	}
	var got []string
	for path, s := range x.index.states {
		if before[path] != s {
			got = append(got, x.name(path))
		}
	}
	for path := range before {
		if x.index.states[path] == nil {
			got = append(got, "-"+x.name(path))
		}
	}
	slices.Sort(got)
	if strings.Join(got, " ") != want {
		x.t.Errorf("analysed %q, want %q", got, want)
	}
}

func (x tracked) name(path string) string {
	rel, err := filepath.Rel(x.root, path)
	if err != nil {
		x.t.Fatal(err)
	}
	return filepath.ToSlash(rel)
}

func (x tracked) path(name string) string { return filepath.Join(x.root, filepath.FromSlash(name)) }

func (x tracked) with(p *Program, name, content string) *Program {
	return p.With(x.path(name), text.NewSource([]byte(content)), nil)
}

// TestExactlyWhatAnEditConcernsIsAnalysedAgain: those that looked into a file, directly or through others, when it means something
// else than before. A summary is of a whole file, so a function that nobody calls counts as much as one that all call.
func TestExactlyWhatAnEditConcernsIsAnalysedAgain(t *testing.T) {
	x, p := track(t, map[string]string{
		"helper.py": helperText, "train.py": trainText, "through.py": throughText, "package/__init__.py": "from helper import *\n",
		"alone.py": "import torch\nbad()\n", "idle.py": "import os\nimport quiet\n", "quiet.py": "x = 1\n",
	})
	x.again(x.with(p, "helper.py", "# a comment\n"+helperText), "helper.py")
	concerned := "helper.py through.py train.py" // package/__init__.py asks nothing of what it hands on
	p = x.with(p, "helper.py", strings.Replace(helperText, "state_dict()", "state_dict(), 1", 1))
	x.again(p, concerned)
	p = x.with(p, "helper.py", strings.Replace(helperText, "return 1", "return 2", 1))
	x.again(p, concerned)
	x.again(p, "")
	p = x.with(p, "alone.py", "import torch\n")
	x.again(p, "alone.py")
	p = x.with(p, "quiet.py", "import torch\nx = 1\n")
	x.again(p, "idle.py quiet.py")
	p = p.Without(x.path("helper.py"))
	x.again(p, concerned)
}

// TestFilesBeside: a file whose readers in the directory were looked at is analysed again when one of them changes, comes or goes.
func TestFilesBeside(t *testing.T) {
	saver := "import torch\nbeside()\n"
	reader := "import torch\nprint(torch.load('x.pt')['args'])\n"
	x, p := track(t, map[string]string{"train.py": saver, "read.py": reader, "quiet.py": "x = 1\n"})
	p = x.with(p, "read.py", strings.Replace(reader, "['args']", "['args'].width", 1))
	x.again(p, "read.py train.py")
	p = x.with(p, "quiet.py", "x = 2\n")
	x.again(p, "quiet.py")
	p = x.with(p, "quiet.py", reader)
	x.again(p, "quiet.py train.py")
	p = x.with(p, "more.py", reader)
	x.again(p, "train.py")
}

// TestScriptsThatOrderData are looked at, by the rules on orders alone, where a file beside them knows a framework.
func TestScriptsThatOrderData(t *testing.T) {
	listing := "import os\nids = {n: i for i, n in enumerate(os.listdir('data'))}\n"
	x, p := track(t, map[string]string{"number.py": listing, "plain.py": "x = 1\n", "tools/list.py": listing, "tools/plain.py": "x = 1\n", "train.py": trainText})
	looked := func(name string) string {
		switch s := x.index.known(x.path(name)); {
		case s.idle:
			return "idle"
		case s.orders:
			return "orders"
		}
		return "all"
	}
	check := func(want string) {
		t.Helper()
		var got []string
		for _, name := range []string{"number.py", "plain.py", "tools/list.py", "train.py"} {
			got = append(got, looked(name))
		}
		if strings.Join(got, " ") != want {
			t.Errorf("looked at %q, want %q", got, want)
		}
	}
	check("orders idle idle all")
	p = x.with(p, "tools/plain.py", "import torch\n")
	x.again(p, "tools/list.py tools/plain.py")
	check("orders idle orders all")
	p = x.with(p, "tools/plain.py", "x = 1\n")
	x.again(p, "tools/list.py tools/plain.py")
	p = x.with(p, "tools/more.py", "import torch\n")
	x.again(p, "tools/list.py")
	check("orders idle orders all")
}

// TestNamesOnTheDisk makes and removes files that imports may mean.
func TestNamesOnTheDisk(t *testing.T) {
	x, p := track(t, map[string]string{"sub/train.py": trainText, "alone.py": "import torch\nimport numpy\nbad()\n"})
	write := func(name, content string) {
		t.Helper()
		if err := os.WriteFile(x.path(name), []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("helper.py", helperText)
	p = p.Reread(x.path("helper.py"))
	x.again(p, "sub/train.py")
	write("sub/helper.py", helperText) // goes before
	p = p.Reread(x.path("sub/helper.py"))
	x.again(p, "sub/train.py")
	write("unrelated.py", helperText)
	p = p.Reread(x.path("unrelated.py"))
	x.again(p, "")
	if err := os.Remove(x.path("sub/helper.py")); err != nil {
		t.Fatal(err)
	}
	p = p.Reread(x.path("sub/helper.py"))
	x.again(p, "sub/train.py")
	if err := os.Remove(x.path("alone.py")); err != nil {
		t.Fatal(err)
	}
	p = p.Reread(x.path("alone.py"))
	x.again(p, "-alone.py")
	p = x.with(p, "sub/helper.py", helperText) // in an editor only
	x.again(p, "sub/train.py")
	p = p.Without(x.path("sub/helper.py"))
	x.again(p, "sub/train.py")
}

// TestEnteredFunctions: what a file's own entry points are depends on who calls them.
func TestEnteredFunctions(t *testing.T) {
	x, p := track(t, map[string]string{"helper.py": helperText, "train.py": trainText})
	if left := x.index.known(x.path("helper.py")).Left; !slices.Equal(left, []string{"save"}) {
		t.Errorf("left to train.py: %q", left)
	}
	p = x.with(p, "train.py", "import torch\n")
	x.again(p, "helper.py train.py")
	if left := x.index.known(x.path("helper.py")).Left; len(left) != 0 {
		t.Errorf("left to nobody: %q", left)
	}
	if missing := x.index.Keep([]string{x.path("helper.py"), x.path("new.py")}); !slices.Equal(missing, []string{x.path("new.py")}) || len(x.index.states) != 1 {
		t.Errorf("missing %q, %d states", missing, len(x.index.states))
	}
}

// TestOlderProgramsDoNotOverwrite analyses over an older program after a newer one.
func TestOlderProgramsDoNotOverwrite(t *testing.T) {
	x, p := track(t, map[string]string{"train.py": "import torch\nbad()\n"})
	next := x.with(p, "train.py", "import torch\nbad()\nbad()\n")
	for i, p := range []*Program{next, p, next} {
		a, err := x.index.Analyze(t.Context(), p, x.path("train.py"))
		if want := []int{2, 1, 2}[i]; err != nil || len(a.Diagnostics) != want {
			t.Errorf("%d findings, want %d (%v)", len(a.Diagnostics), want, err)
		}
	}
	x.again(next, "")
	stopped, stop := context.WithCancel(t.Context())
	stop()
	if _, err := x.index.Analyze(stopped, x.with(next, "train.py", "import torch\n"), x.path("train.py")); err == nil {
		t.Error("an analysis went on")
	}
	x.again(next, "")
}

// TestReleasedFindings holds that Release keeps the findings, and that a question for them finds anew what their fixes need.
func TestReleasedFindings(t *testing.T) {
	x, p := track(t, map[string]string{"a.py": "import torch\nbad()\n", "b.py": "import torch\nbad()\n"})
	x.index.Release([]string{x.path("b.py")})
	if a, b := x.index.known(x.path("a.py")), x.index.known(x.path("b.py")); a.facts != nil || len(a.found) != 1 || b.facts == nil {
		t.Errorf("a %+v, b %+v", a, b)
	}
	x.again(p, "")
	a, err := x.index.Analyze(t.Context(), p, x.path("a.py"))
	if err != nil || len(a.Diagnostics) != 1 || a.Diagnostics[0].Facts == nil || a.Diagnostics[0].Facts.Tree != a.Tree {
		t.Errorf("%+v (%v)", a, err)
	}
}

// TestSupersededTreesAreReleased edits a helper many times: hardly any of its trees is still held by what is known of the files
// that call it.
func TestSupersededTreesAreReleased(t *testing.T) {
	x, p := track(t, map[string]string{"helper.py": helperText, "train.py": trainText + "bad()\n", "through.py": trainText + "bad()\n"})
	var trees []weak.Pointer[pyast.Tree]
	for i := range 20 {
		p = x.with(p, "helper.py", fmt.Sprintf("%s%s\nx = %d\n", strings.Repeat("# a comment\n", i), helperText, i/4))
		tree, err := p.Unit(x.path("helper.py")).Tree()
		if err != nil {
			t.Fatal(err)
		}
		trees = append(trees, weak.Make(tree))
		for _, path := range x.index.Stale(p) {
			if _, err := x.index.Analyze(t.Context(), p, path); err != nil {
				t.Fatal(err)
			}
		}
	}
	runtime.GC()
	held := 0
	for _, tree := range trees {
		if tree.Value() != nil {
			held++
		}
	}
	if held > 2 { // the newest, and the one that the callers were analysed with
		t.Errorf("%d of %d trees are held", held, len(trees))
	}
	runtime.KeepAlive(p)
}
