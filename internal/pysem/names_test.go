package pysem

import "testing"

func TestImports(t *testing.T) {
	testLook(t, []lookCase{
		{"alias", "\nimport torch as th\nLOOK(th.save)", []string{"torch.save"}},
		{"from", "\nfrom torch import optim\nLOOK(optim.SGD)", []string{"torch.optim.SGD"}},
		{"from alias in parentheses", "\nfrom torch import (\n  nn as n,\n  optim,\n)\nLOOK(n.Linear)\nLOOK(optim)", []string{"torch.nn.Linear", "torch.optim"}},
		{"dotted alias", "\nimport torch.nn.functional as F\nLOOK(F.relu)", []string{"torch.nn.functional.relu"}},
		{"dotted binds its first name", "\nimport torch.nn\nLOOK(torch.optim.SGD)", []string{"torch.optim.SGD"}},
		{"two at once", "\nimport os, torch as th\nLOOK(os.path.join)\nLOOK(th)", []string{"os.path.join", "torch"}},
		{"relative", "\nfrom . import dist\nfrom .utils import save\nfrom ..a.b import c as d\nLOOK(dist.rank)\nLOOK(save)\nLOOK(d)",
			[]string{".dist.rank", ".utils.save", "..a.b.c"}},
		{"in a function", "\ndef f():\n  import torch\n  LOOK(torch.save)\nf()", []string{"torch.save"}},
		{"in a branch", "\nif a:\n  from x import Adam\nelse:\n  from y import Adam\nLOOK(Adam)", []string{"x.Adam | y.Adam"}},
		{"late", "\ndef f():\n  LOOK(optim.SGD)\nfrom torch import optim\nf()", []string{"torch.optim.SGD"}},
		{"try except", "\ntry:\n  from apex import amp\nexcept ImportError:\n  amp = None\nLOOK(amp.initialize)", []string{"apex.amp.initialize"}},
		{"try except, two modules", "\ntry:\n  import a as m\nexcept ImportError:\n  import b as m\nLOOK(m.f)", []string{"a.f | b.f"}},
		{"one star", "\nfrom utils import *\nLOOK(save_on_master)\nLOOK(print)\nLOOK(delattr)", []string{"utils.save_on_master", "print", "delattr"}},
		{"two stars", "\nfrom a import *\nfrom b import *\nLOOK(save)\nLOOK(len)", []string{"?", "len"}},
		{"own name hides an import", "\nfrom a import save\ndef save(x): pass\nLOOK(save)", []string{"def save"}},
		{"a method is no module name", "\nfrom a import save\nclass S:\n  def save(self): pass\n  lr = 1\ndef f():\n  LOOK(save)\n  LOOK(lr)\nf()", []string{"a.save", "lr"}},
	})
}

func TestScopes(t *testing.T) {
	testLook(t, []lookCase{
		{"module constant", "\nLR = 0.1\ndef f():\n  LOOK(LR)\nf()", []string{"0.1"}},
		{"local hides", "\nx = 1\ndef f():\n  x = 2\n  LOOK(x)\nf()\nLOOK(x)", []string{"2", "1"}},
		{"closure", "\ndef f(a):\n  b = 2\n  def g():\n    LOOK(a)\n    LOOK(b)\n  g()\nf(1)", []string{"1", "2"}},
		{"global", "\nbest = 0\ndef f():\n  global best\n  LOOK(best)\n  best = 5\n  LOOK(best)\ndef g():\n  LOOK(best)\nf()\ng()",
			[]string{"0 | 5", "5", "0 | 5"}},
		{"global set behind the back", "\nbest = 0\ndef resume():\n  global best\n  best = torch.load('x')['best']\nresume()\nLOOK(best)",
			[]string{"0 | torch.load()['best']"}},
		{"global set before only", "\ndef resume():\n  global best\n  best = 7\nresume()\nbest = 0\nLOOK(best)", []string{"0"}},
		{"nonlocal", "\ndef f():\n  n = 0\n  def g():\n    nonlocal n\n    n = 3\n  def h():\n    LOOK(n)\n  g()\n  h()\nf()", []string{"0 | 3"}},
		{"class body", "\nx = 1\nclass C:\n  x = 2\n  LOOK(x)\n  def f(self):\n    LOOK(x)\nLOOK(C.x)\nC().f()", []string{"2", "1", "2"}},
		{"lambda", "\ny = 3\nf = lambda e, k=y: LOOK(e + k)\nLOOK(f(1))", []string{"4", "LOOK()"}},
		{"lambda called", "\nf = lambda e: e + 1\nLOOK(f(2))", []string{"3"}},
		{"comprehension variable stays inside", "\nfrom a import f\ng = [f for f in fs]\nLOOK(f)\ndef h():\n  LOOK(f)\nh()", []string{"a.f", "a.f"}},
		{"comprehension body", "\nxs = [LOOK(x) for x in names]", []string{"each(names)"}},
		{"walrus leaves a comprehension", "\nm = 1\nif any((m := x) for x in [4]):\n  LOOK(m)", []string{"1 | each([4])"}},
		{"a function sees what reaches its call", "\nmodel = Net()\nmodel = DDP(model)\ndef train():\n  LOOK(model)\ntrain()", []string{"DDP()"}},
		{"a call between two definitions", "\nlr = 1\ndef f():\n  LOOK(lr)\nf()\nlr = 2", []string{"1"}},
		{"an uncalled function sees the module's end", "\nmodel = Net()\nmodel = DDP(model)\ndef train():\n  LOOK(model)", []string{"DDP()"}},
		{"through another call", "\nlr = 1\ndef g():\n  LOOK(lr)\ndef f():\n  g()\nlr = 2\nf()\nlr = 3", []string{"2"}},
	})
}

func TestReachingDefinitions(t *testing.T) {
	testLook(t, []lookCase{
		{"if", "\nx = 1\nif c: x = 2\nLOOK(x)", []string{"1 | 2"}},
		{"if else", "\nx = 1\nif c: x = 2\nelse: x = 3\nLOOK(x)", []string{"2 | 3"}},
		{"elif", "\nif a: x = 1\nelif b: x = 2\nelif c: x = 3\nelse: x = 4\nLOOK(x)", []string{"1 | 2 | 3 | 4"}},
		{"a branch that raises", "\nif a: x = 1\nelse:\n  x = 2\n  raise E\nLOOK(x)", []string{"1"}},
		{"early return", "\ndef f():\n  x = 1\n  if a:\n    x = 2\n    return\n  LOOK(x)\nf()", []string{"1"}},
		{"for", "\nx = 1\nfor i in r:\n  LOOK(x)\n  x = 2\nLOOK(x)", []string{"1 | 2", "1 | 2"}},
		{"for target", "\nfor i, (a, b) in enumerate(xs): LOOK(b)", []string{"each(enumerate())#1#1"}},
		{"break keeps its value", "\nx = 0\nfor i in r:\n  x = 1\n  if c: break\n  x = None\nLOOK(x)", []string{"1 | 0 | None"}},
		{"continue keeps its value", "\nx = 0\nfor i in r:\n  LOOK(x)\n  x = 1\n  if c: continue\n  x = 2", []string{"0 | 1 | 2"}},
		{"while true", "\nx = 0\nwhile True:\n  x = 1\n  if c: break\n  x = 2\nLOOK(x)", []string{"1"}},
		{"for else", "\nfor i in r:\n  if c:\n    x = 1\n    break\nelse:\n  x = 2\nLOOK(x)", []string{"1 | 2"}},
		{"nested loops", "\nx = 0\nfor i in r:\n  for j in r:\n    for k in r:\n      LOOK(x)\n      x = 1\n    x = 2\n  x = 3", []string{"0 | 3 | 2 | 1"}},
		{"try", "\nx = 0\ntry:\n  x = 1\n  x = f()\nexcept E:\n  LOOK(x)\nLOOK(x)", []string{"0 | 1 | f()", "f() | 0 | 1"}},
		{"try else finally", "\ntry:\n  x = 1\nexcept E:\n  x = 2\nelse:\n  x = 3\nfinally:\n  y = 4\nLOOK(x)\nLOOK(y)", []string{"3 | 2", "4"}},
		{"return inside try with finally", "\ndef f():\n  x = 0\n  try:\n    x = 1\n    return x\n  finally:\n    LOOK(x)\nf()", []string{"0 | 1"}},
		{"with", "\nwith open('a') as f, g() as (p, q):\n  LOOK(f)\n  LOOK(q)", []string{"open()", "g()#1"}},
		{"except target", "\ntry: pass\nexcept E as err:\n  LOOK(err)", []string{"?"}},
		{"match", "\nx = 0\nmatch cmd:\n  case 'a': x = 1\n  case 'b': x = 2\nLOOK(x)", []string{"0 | 1 | 2"}},
		{"match all", "\nx = 0\nmatch cmd:\n  case 'a': x = 1\n  case _: x = 2\nLOOK(x)", []string{"1 | 2"}},
		{"match captures", "\nPoint = 7\nmatch cmd:\n  case Point(x=px): LOOK(px)\n  case [a, *rest]: LOOK(a)\nLOOK(Point)", []string{"?", "?", "7"}},
		{"augmented", "\nx = 1\nx += 2\nLOOK(x)", []string{"3"}},
		{"augmented in a branch", "\nx = 1\nif c: x += 2\nLOOK(x)", []string{"1 | 3"}},
		{"tuple target", "\na, b = 1, 2\nLOOK(b)", []string{"2"}},
		{"nested tuple target", "\n(a, [b, c]) = f(), [3, 4]\nLOOK(a)\nLOOK(c)", []string{"f()", "4"}},
		{"swap", "\na, b = 1, 2\na, b = b, a\nLOOK(a)", []string{"2"}},
		{"starred", "\na, *b, c = 1, 2, 3\nLOOK(a)\nLOOK(b)", []string{"1", "?"}},
		{"chained", "\na = b = 5\nLOOK(a)\nLOOK(b)", []string{"5", "5"}},
		{"annotated", "\na: int = 5\nb: int\nLOOK(a)", []string{"5"}},
		{"walrus", "\nif (n := 4) > 3: LOOK(n)", []string{"4"}},
		{"del", "\nx = 1\ndel x\nx = 2\nLOOK(x)", []string{"2"}},
		{"attribute path", "\na.b = 1\nLOOK(a.b)\na = f()\nLOOK(a.b)", []string{"1", "f().b"}},
		{"conditional", "\nLOOK(1 if c else 2)\nLOOK(1 if True else 2)", []string{"1 | 2", "1"}},
		{"and or", "\nLOOK(None or 3)\nLOOK(a or 3)\nLOOK(0 and f())", []string{"3", "a or 3", "0"}},
		{"too many ways", "\nif a: x=1\nelif a: x=2\nelif a: x=3\nelif a: x=4\nelif a: x=5\nelif a: x=6\nelif a: x=7\nelse: x=8\nLOOK(x)", []string{"?"}},
		{"round a loop by itself", "\nx = 0\nfor i in r: x = x + 1\nLOOK(x)", []string{"0 | 1 | ?+1"}},
	})
}
