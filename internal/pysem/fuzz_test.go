package pysem

import (
	"strings"
	"testing"

	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
)

// FuzzModule checks that any text is read to an end: resolved, traced from every function, and every expression evaluated.
func FuzzModule(f *testing.F) {
	for _, s := range []string{
		"", "\x00", "x = x", "def f(): return f()\nf()", "x = 1\nwhile x:\n  x = x[x]\n  x += x\n",
		"class A(A):\n  def __init__(self): self.a = A(); self.a.b = self.a\n  x = x\nA().a.a.b",
		"class A(B): pass\nclass B(A):\n  @property\n  def p(self): return self.p\nB().p",
		"d = {}\nfor k in d:\n  d[k] = d\n  d.update(d, **d)\n  d.pop(d)\nd |= d\nd = {**d, 'a': d}\n",
		"def f(*a, **k): return f(*a, f, **k, x=a)\nf(*f(), **f())\n",
		"def f(g): return g(g)\nf(f)\n", "y = (lambda x: x(x))(lambda x: x(x))\n",
		"def f(a):\n  a['k'] = a\n  f(a)\n  g(a)\ndef g(b):\n  b.update(f(b))\n  return b\nf({})\n",
		"global x\nnonlocal y\ndef f():\n  nonlocal x\n  global x\n  x = x\n",
		"s = 'a'\n" + strings.Repeat("s = s + s % s\n", 30), strings.Repeat("for i in i:\n ", 3) + "break\n",
		"match x:\n  case A.B(c, d=e) | [*f] as g: pass\n", "try:\n  return\nexcept* E as e: pass\nfinally: break\n",
		"[(y := y) for x in x if (x := y) for z in (lambda: x)]\n", "a.b.c = a\na.b = a.b.c\na = a.b.c\ndel a.b, a[0], (a, b)\n",
		"'{:{w}} {0!r} {'.format(x)\n'%(a)s %% %' % x\nf'{x!r:>{w}} {{}} {x=}'\n",
		"if a: return\nelif b: f(\nelse: [x for", "class C:\n  def m(self): super().m(); C.m(self); C.m()\n  __call__ = m\nC()()\n",
		nested(20, "try: a()\n%[1]sfinally:\n"), nested(20, "for x in x:\n"),
		strings.Repeat("d['k'] = d\n", 300), strings.Repeat("if c: x = 1\n", 300) + "f(x)\n",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, source string) {
		if len(source) > 4000 {
			t.Skip("long texts say nothing that short ones do not")
		}
		tree, err := pyast.Parse([]byte(source))
		if err != nil {
			t.Skip(err)
		}
		readAll(New("train.py", tree))
	})
}

// nested stands a statement in itself, depth times; %[1]s is its own indentation.
func nested(depth int, statement string) string {
	var b strings.Builder
	for i := range depth {
		indent := strings.Repeat(" ", i)
		b.WriteString(indent + strings.ReplaceAll(statement, "%[1]s", indent))
	}
	return b.String() + strings.Repeat(" ", depth) + "x = f(x)\n"
}

// readAll asks everything of a module.
func readAll(m *Module) {
	e := NewEvaluator()
	tracer := NewTracer(e, m, func(name string, _ bool) bool { return len(name)%2 == 1 })
	for _, f := range m.Funcs {
		for _, ev := range tracer.Trace(e.Root(f, nil)) {
			e.Eval(ev.Node, ev.Ctx)
		}
	}
	for n := range m.Tree.Root().Descendants() {
		v := e.Eval(n, e.In(m, n))
		v.AsDict()
		v.Linear()
		v.Truth()
		v.KeyRead()
		v.Known()
		_ = v.Key()
	}
}
