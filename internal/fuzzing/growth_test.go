package fuzzing

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"

	_ "github.com/ckpt-lsp/ckpt-lsp/diagnostics/rules"
	"github.com/ckpt-lsp/ckpt-lsp/internal/project"
	"github.com/ckpt-lsp/ckpt-lsp/internal/training"
)

const head = "import torch\nfrom x import args, loader\nmodel = torch.nn.Linear(4, 2)\noptimizer = torch.optim.SGD(model.parameters(), lr=0.1)\n"

const loop = "for epoch in range(10):\n    for x, y in loader:\n        optimizer.zero_grad()\n        model(x).sum().backward()\n        optimizer.step()\n"

// each writes a text once for each number.
func each(n int, format string) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(strings.ReplaceAll(strings.ReplaceAll(format, "NEXT", fmt.Sprint(i+1)), "N", fmt.Sprint(i)))
	}
	return b.String()
}

// copied is a training program of its own, with the mistakes that its fixes need.
const copied = `
def trainN(args):
    model = torch.nn.Linear(4, 2)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    start = 0
    if args.resume:
        ck = torch.load("ckN.pt")
        model.load_state_dict(ck["model"])
        start = ck["epoch"]
    for epoch in range(start, 10):
        for x, y in loader:
            loss = model(x).sum()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        torch.save({"model": model.state_dict(), "epoch": epoch}, "ckN.pt")
`

// growing are inputs that grow with a number, and how large that is where they are measured first. Each of them once took time or memory
// that grew with its square, or faster.
var growing = []struct {
	name   string
	n      int
	most   float64 // how much more twice the input may take
	source func(n int) string
}{
	{"programs with fixes", 60, 3.3, func(n int) string { return head + each(n, copied) }},
	{"a dict display", 1000, 2.8, func(n int) string { return head + "d = {" + each(n, "'kN': N, ") + "}\ntorch.save(d, 'x.pt')\n" }},
	{"updates of a dict", 1000, 2.8, func(n int) string {
		return head + loop + "    d = {}\n" + each(n, "    d.update({'kN': model.state_dict()})\n") + "    torch.save(d, 'x.pt')\n"
	}},
	{"keywords", 1000, 2.8, func(n int) string {
		return head + "def f(**k):\n    torch.save(k, 'x')\nf(" + each(n, "kN=N, ") + ")\n"
	}},
	{"calls from one to the next", 400, 2.8, func(n int) string {
		return head + each(n, "def fN(x):\n    return fNEXT(x)\n") + fmt.Sprintf("def f%d(x):\n    torch.save(x, 'a.pt')\nf0(1)\n", n)
	}},
	{"classes", 400, 2.8, func(n int) string {
		return head + each(n, "class CN(torch.nn.Module):\n    def __init__(self):\n        super().__init__()\n        self.l = torch.nn.Linear(1, 1)\nmN = CN()\n")
	}},
	{"calls of one function", 500, 2.8, func(n int) string { return head + "def f(x):\n    torch.save(x, 'x')\n" + each(n, "f(N)\n") }},
	{"diamonds of super()", 20, 5, func(n int) string {
		return head + "class A0:\n    def save(self):\n        torch.save(self, 'a')\n" + each(n, "class LN(AN):\n    def save(self):\n        super().save()\n"+
			"class RN(AN):\n    def save(self):\n        super().save()\nclass ANEXT(LN, RN):\n    def save(self):\n        super().save()\n") + fmt.Sprintf("A%d().save()\n", n)
	}},
	{"seeds", 300, 2.8, func(n int) string { return head + each(n, "torch.manual_seed(N)\n") }},
	{"decorated functions", 400, 2.8, func(n int) string {
		return head + "def deco(f):\n    def w(*a, **k):\n        return f(*a, **k)\n    return w\n" + each(n, "@deco\ndef sN(x):\n    torch.save(x, 'N')\nsN(model)\n")
	}},
}

// slow are inputs whose processor time grew with their square though neither steps nor memory did: texts were matched again and again.
var slow = []struct {
	name   string
	n      int
	source func(n int) string
}{
	{"best metrics", 256, func(n int) string {
		return head + each(n, "bestN = 0\n") + loop + each(n, "    aN = evaluate(model)\n    if aN > bestN:\n        bestN = aN\n        torch.save({'model': model.state_dict(), 'best': bestN}, 'bestN.pt')\n")
	}},
	{"deletions", 256, func(n int) string {
		return head + "import os\n" + loop + each(n, "    torch.save(model.state_dict(), f'cN_{epoch}.pt')\n    os.remove(f'cN_{epoch-1}.pt')\n")
	}},
	{"jumps in a loop", 512, func(n int) string {
		return head + loop + each(n, "    if args.aN:\n        continue\n") + "    torch.save({'model': model.state_dict()}, 'c.pt')\n"
	}},
	{"samplers", 256, func(n int) string {
		return head + "from torch.utils.data import DataLoader, DistributedSampler\n" + each(n, "sN = DistributedSampler(args.d)\ndN = DataLoader(args.d, sampler=sN)\n") + loop + each(n, "    for x in dN:\n        optimizer.step()\n")
	}},
	{"files of one with statement", 256, func(n int) string {
		return head + "with " + strings.TrimSuffix(each(n, "open('cN') as fN, "), ", ") + ":\n" + each(n, "    torch.save(model, fN)\n")
	}},
	{"functions that train", 256, func(n int) string {
		return head + each(n, "def trainN():\n"+strings.ReplaceAll("    "+loop+"    torch.save({'model': model.state_dict()}, 'cN.pt')", "\n", "\n    ")+"\ntrainN()\n")
	}},
}

// cost is what it takes to analyse a text and to write its fixes: steps, and bytes that are allocated.
func cost(t *testing.T, source string) (steps int, allocated uint64) {
	t.Helper()
	path := t.TempDir() + "/train.py"
	w := project.NewWorkspace(t.TempDir())
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	a := w.AnalyzeBytes(path, []byte(source))
	a.Fixes()
	runtime.ReadMemStats(&after)
	if len(a.Problems) > 0 {
		t.Fatal(a.Problems)
	}
	p := project.NewProgram(w).With(path, a.Source, nil)
	if err := project.NewIndex(w).Visit(context.Background(), p, []string{path}, func(f *training.File) { steps = f.Eval.Work.Steps }); err != nil {
		t.Fatal(err)
	}
	return steps, after.TotalAlloc - before.TotalAlloc
}

// TestGrowth holds that twice the input takes about twice the steps and the memory: not four times, and where pairs are compared not more.
func TestGrowth(t *testing.T) {
	for _, g := range growing {
		t.Run(g.name, func(t *testing.T) {
			steps, allocated := cost(t, g.source(g.n))
			twiceSteps, twiceAllocated := cost(t, g.source(2*g.n))
			if by := float64(twiceSteps) / float64(steps); by > g.most {
				t.Errorf("%d steps, and %d for twice the input: %.1f times", steps, twiceSteps, by)
			}
			if by := float64(twiceAllocated) / float64(allocated); by > g.most {
				t.Errorf("%d bytes, and %d for twice the input: %.1f times", allocated, twiceAllocated, by)
			}
		})
	}
}

// TestTooMuch holds that what would take too many steps is told as far as it is known, with what is left out, and always the same.
func TestTooMuch(t *testing.T) {
	if testing.Short() {
		t.Skip("takes twelve million steps")
	}
	// Whatever may load what another saves is compared with it.
	source := head + each(600, "cN = torch.load('ckN.pt')\nmodel.load_state_dict(cN['model'])\n") + loop + each(600, "    torch.save({'model': model.state_dict(), 'epoch': epoch}, 'ckN.pt')\n")
	var said []string
	for range 2 {
		a := project.NewWorkspace(t.TempDir()).AnalyzeBytes(t.TempDir()+"/train.py", []byte(source))
		if len(a.Diagnostics) == 0 || !a.Checked || len(a.Problems) != 1 {
			t.Fatalf("%d findings, checked %v, problems %v", len(a.Diagnostics), a.Checked, a.Problems)
		}
		p := a.Problems[0]
		if p.Fatal || !p.Unfinished || !strings.Contains(p.Message, "too many steps") || !strings.Contains(p.Message, "CKP707") || strings.Contains(p.Message, "CKP101,") {
			t.Errorf("%+v", p)
		}
		said = append(said, fmt.Sprint(p.Message, len(a.Diagnostics)))
	}
	if said[0] != said[1] {
		t.Errorf("first %s, then %s", said[0], said[1])
	}
}

// TestDeclined holds that what cannot be read is declined, with a reason, before it takes time or memory.
func TestDeclined(t *testing.T) {
	for name, c := range map[string]struct{ source, says string }{
		"a line of numbers": {"import torch\nx = [" + strings.Repeat("1,", 3<<20) + "]\n", "more than 1048576 tokens"},
		"deep nesting":      {"import torch\nx = " + strings.Repeat("-", 50_000) + "1\n", "more than 3000 levels deep"},
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		a := project.NewWorkspace(t.TempDir()).AnalyzeBytes("train.py", []byte(c.source))
		runtime.ReadMemStats(&after)
		if len(a.Problems) == 0 || a.Problems[0].Fatal || !strings.Contains(a.Problems[0].Message, c.says) {
			t.Errorf("%s: %v", name, a.Problems)
		}
		const workspace = 2 << 20 // what an analysis takes whatever it reads, more under the race detector
		if used := after.TotalAlloc - before.TotalAlloc; used > workspace+uint64(10*len(c.source)) {
			t.Errorf("%s: %d bytes for a text of %d", name, used, len(c.source))
		}
	}
}

// TestFixesTogether holds that a file with many fixes has those that each program in it has alone.
func TestFixesTogether(t *testing.T) {
	fixes := func(n int) (titles []string) {
		a := project.NewWorkspace(t.TempDir()).AnalyzeBytes("train.py", []byte(head+each(n, copied)))
		for _, f := range a.Fixes() {
			titles = append(titles, fmt.Sprintf("%s %v", f.Title, f.Applicability))
		}
		slices.Sort(titles)
		return titles
	}
	// Two are judged alone, and 64 in one trial.
	two, many := fixes(2), fixes(64)
	if len(two) == 0 || len(many) != 32*len(two) {
		t.Fatalf("%d fixes of two programs, %d of 64", len(two), len(many))
	}
	for i, title := range many {
		if two[i/32] != title {
			t.Fatalf("%q, want %q", title, two[i/32])
		}
	}
}
