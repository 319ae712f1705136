package pysem

import "testing"

func TestConstantsAndStrings(t *testing.T) {
	const head = "\nimport os\nfrom pathlib import Path\n"
	testLook(t, []lookCase{
		{"numbers", "\nLOOK(1_000)\nLOOK(0x10)\nLOOK(1e-3)\nLOOK(-2)\nLOOK(2 * 3 + 1)\nLOOK(7 // 2)\nLOOK(1 / 4)\nLOOK(2 ** 3)", []string{"1000", "16", "0.001", "-2", "7", "3", "0.25", "8"}},
		{"literals", "\nLOOK(True)\nLOOK(None)\nLOOK('a' 'b')\nLOOK(\"it\\'s\")\nLOOK(r'a\\n')", []string{"true", "None", "'ab'", "'it's'", `'a\n'`}},
		{"f-string", "\nfor e in r: LOOK(f'ckpt_{e:03d}_{n!r}.pt')", []string{"'ckpt_{each(r):03d}_{n}.pt'"}},
		{"f-string of constants", "\nd = 'out'\nv = 3\nLOOK(f'{d}/v{v}.pt')", []string{"'out/v3.pt'"}},
		{"concatenation", "\nd = 'out/'\nLOOK(d + 'ckpt_' + str(epoch) + '.pt')", []string{"'out/ckpt_{epoch}.pt'"}},
		{"percent", "\nLOOK('%s/ckpt_%03d.pt' % (d, e))\nLOOK('e%d.pt' % e)\nLOOK('100%%')\nLOOK('%(e)s.pt' % {'e': n})",
			[]string{"'{d:s}/ckpt_{e:03d}.pt'", "'e{e:d}.pt'", "'100%%'", "'{n:s}.pt'"}},
		{"format", "\nLOOK('{}/e{:02d}.pt'.format(d, e))\nLOOK('{1}{0}'.format(a, b))\nLOOK('{n!s}{{}}'.format(n=x))\nLOOK('{}'.format(*xs))",
			[]string{"'{d}/e{e:02d}.pt'", "'{b}{a}'", "'{x}{}'", "'{?}'"}},
		{"os.path.join", head + "LOOK(os.path.join('out', run, 'last.pt'))\nLOOK(os.path.join('out', *parts))", []string{"'out/{run}/last.pt'", "'out/{?}'"}},
		{"Path", head + "out = Path('out') / run\nLOOK(out / 'last.pt')\nLOOK(Path(args.dir) / f'{e}.pt')\nLOOK(Path('a', 'b'))\nLOOK(str(Path('a').resolve()))",
			[]string{"'out/{run}/last.pt'", "'{pathlib.Path()}/{e}.pt'", "'a/b'", "'a'"}},
		{"joined ways", "\nn = 'best' if c else 'last'\nLOOK(n + '.pt')", []string{"'best.pt' | 'last.pt'"}},
		{"grows without end", "\ns = 'a' + x\n" + repeat("s = s + s\n", 40) + "LOOK(s)", []string{"?"}},
		{"subscripts", "\nxs = [1, 2, 3]\nLOOK(xs[1])\nLOOK(xs[-1])\nLOOK(xs[0:2])\nLOOK(xs[9])\nLOOK((4, 5)[1])\nLOOK(q['k'])\nLOOK(q[1, 2])",
			[]string{"2", "3", "?", "?", "5", "q['k']", "q[?]"}},
		{"changed in a loop, bound outside", "\nimport os\nxs = []\ndef f():\n  for i in range(3):\n    os.remove('a')\n    xs.append(1)\n    LOOK(os.remove)\n    LOOK(xs)\nf()", []string{"os.remove", "[1, ?...]"}},
		{"lists grow", "\nxs = []\nxs.append(1)\nLOOK(xs)", []string{"[1, ?...]"}},
		{"getattr", "\nLOOK(getattr(torch.optim, 'SGD'))", []string{"torch.optim.SGD"}},
	})
}

func TestDicts(t *testing.T) {
	testLook(t, []lookCase{
		{"display", "\nLOOK({'a': 1, 'b': x})", []string{"{a: 1, b: x}"}},
		{"keys through names", "\nK = 'epoch'\nLOOK({K: 1, f'{K}_end': 2})", []string{"{epoch: 1, epoch_end: 2}"}},
		{"unknown key", "\nLOOK({'a': 1, k: 2})", []string{"{a: 1, ...}"}},
		{"spreads", "\na = {'x': 1}\nLOOK({**a, 'y': 2})\nLOOK({'y': 2, **b})", []string{"{x: 1, y: 2}", "{y: 2, ...}"}},
		{"spread of two ways", "\nif c: a = {'x': 1}\nelse: a = {'y': 2}\nLOOK({'x': 0, **a})", []string{"{x: 1 | 0, y?: 2}"}},
		{"dict call", "\nLOOK(dict(a=1, b=2))\nLOOK(dict({'a': 1}, b=2))\nLOOK(dict([('a', 1)]))\nLOOK(dict(x, a=1))\nLOOK(dict(**{'z': 3}))",
			[]string{"{a: 1, b: 2}", "{a: 1, b: 2}", "{a: 1}", "{a: 1, ...}", "{z: 3}"}},
		{"or", "\na = {'x': 1}\nLOOK(a | {'y': 2})\na |= {'z': 3}\nLOOK(a)", []string{"{x: 1, y: 2}", "{x: 1, z: 3}"}},
		{"item", "\nd = {'a': 1}\nd['b'] = 2\nd['a'] = 3\nLOOK(d)\nLOOK(d['a'])", []string{"{a: 3, b: 2}", "3"}},
		{"unknown item", "\nd = {'a': 1}\nd[k] = 2\nLOOK(d)\ne = {}\ne['a', 1] = 2\nLOOK(e)", []string{"{a: 1, ...}", "{...}"}},
		{"conditional item", "\nd = {'a': 1}\nif c: d['b'] = 2\nLOOK(d)\nd['c'] = 3\nLOOK(d)", []string{"{a: 1, b?: 2}", "{a: 1, b?: 2, c: 3}"}},
		{"item under many conditions", "\nd = {'a': 1}\n" + repeat("if c: d['b'] = 2\n", 9) + "LOOK(d)", []string{"{a: 1, b?: 2}"}},
		{"item on both ways", "\nd = {}\nif c: d['a'] = 1\nelse: d['a'] = 2\nLOOK(d)", []string{"{a: 1 | 2}"}},
		{"item on a None or dict", "\nd = None\nif c: d = {}\nd['a'] = 1\nLOOK(d)", []string{"{a: 1}"}},
		{"update", "\nd = {'a': 1}\nd.update({'b': 2}, c=3)\nLOOK(d)\nd.update(x)\nLOOK(d)", []string{"{a: 1, b: 2, c: 3}", "{a: 1, b: 2, c: 3, ...}"}},
		{"setdefault", "\nd = {'a': 1}\nd.setdefault('a', 5)\nd.setdefault('b', 2)\nLOOK(d)", []string{"{a: 1, b: 2}"}},
		{"del and pop", "\nd = {'a': 1, 'b': 2, 'c': 3}\ndel d['a']\nd.pop('b', None)\nLOOK(d)\nd.pop(k)\nLOOK(d)", []string{"{c: 3}", "{c?: 3}"}},
		{"clear", "\nd = {'a': 1}\nd.clear()\nLOOK(d)", []string{"{}"}},
		{"copy", "\nd = {'a': 1}\ne = d.copy()\ne['b'] = 2\nLOOK(e)\nLOOK(d)", []string{"{a: 1, b: 2}", "{a: 1}"}},
		{"get", "\nd = {'a': 1}\nLOOK(d.get('a'))\nLOOK(d.get('b'))", []string{"1", "{a: 1}.get()"}},
		{"in a loop", "\nd = {'a': 1}\nfor i in r:\n  d['b'] = i\n  d['c'] = 2\n  LOOK(d)\nLOOK(d)", []string{"{a: 1, b: each(r), c: 2}", "{a: 1, b?: each(r), c?: 2}"}},
		{"unknown keys in a loop", "\nd = {'a': 1}\nfor k in ks: d[k] = 2\nd['z'] = 3\nLOOK(d)", []string{"{a: 1, z: 3, ...}"}},
		{"sixty keys", "\nd = {}\n" + repeat("d['k'] = 1\n", 60) + "LOOK(d)", []string{"{k: 1}"}},
		{"of a module, in a function", "\nd = {'a': 1}\ndef f():\n  d['b'] = 2\n  LOOK(d)\nf()", []string{"{a: 1, b: 2}"}},
		{"of self", "\nclass T:\n  def __init__(self):\n    self.state = {'a': 1}\n  def save(self):\n    self.state['b'] = 2\n    LOOK(self.state)\nT().save()", []string{"{a: 1, b: 2}"}},
		{"of self, only round a loop", "\nclass T:\n  def __init__(self):\n    self.ema = EMA(3)\n  def run(self):\n    while True:\n      self.ema.update()\n      LOOK(self.ema)\n      self.ema.update()\nT().run()", []string{"EMA()"}},
		{"of a module, only round a loop", "\nd = {'a': 1}\ndef f():\n  for i in r:\n    LOOK(d)\n    d['b'] = 2\nf()", []string{"{a: 1, b: 2}"}},
		{"filled by a helper", "\ndef fill(state, opt):\n  state['opt'] = opt\n  if c: return\n  state['e'] = 1\nd = {'a': 1}\nfill(d, 5)\nLOOK(d)", []string{"{a: 1, opt: 5, e?: 1}"}},
		{"filled by a helper through update", "\ndef fill(state): state.update(b=2)\nd = {'a': 1}\nfill(state=d)\nLOOK(d)", []string{"{a: 1, b: 2}"}},
		{"comprehension", "\nLOOK({k: v for k, v in x})", []string{"?"}},
		{"loaded then changed", "\nd = torch.load('x')\nd['a'] = 1\nLOOK(d)", []string{"torch.load()"}},
		{"dict or loaded", "\nd = {}\nif c: d = torch.load('x')\nd['a'] = 1\nLOOK(d)", []string{"torch.load() | {a: 1}"}},
	})
}

func TestCalls(t *testing.T) {
	testLook(t, []lookCase{
		{"positions, keywords, defaults", "\ndef f(a, b=2, *, c=3):\n  LOOK((a, b, c))\nf(1)\nf(1, 5, c=6)\nf(b=1, a=0)", []string{"(1, 2, 3)", "(1, 5, 6)", "(0, 1, 3)"}},
		{"unknown caller", "\ndef f(a, b=2): LOOK((a, b))", []string{"(<a>, <b>)"}},
		{"missing", "\ndef f(a): LOOK(a)\nf()", []string{"?"}},
		{"*args", "\ndef f(a, *rest): LOOK((a, rest))\nf(1, 2, 3)\nt = (7, 8)\nf(*t)\nf(0, *t)\nf(*xs)", []string{"(1, (2, 3))", "(7, (8))", "(0, (7, 8))", "(?, ?)"}},
		{"**kwargs", "\ndef f(a=0, **kw): LOOK((a, kw))\nf(a=1, b=2)\nf(**{'a': 3, 'c': 4})\nf(**x)", []string{"(1, {b: 2})", "(3, {c: 4})", "(?, {...})"}},
		{"handed through", "\ndef g(state, path, extra=None): LOOK((state, path, extra))\ndef f(*args, **kwargs): g(*args, **kwargs)\nf({'a': 1}, 'x.pt', extra=2)", []string{"({a: 1}, 'x.pt', 2)"}},
		{"default of the definition", "\nx = 1\ndef f(a=x): LOOK(a)\nf()", []string{"1"}},
		{"return", "\ndef f(x): return x + 1\nLOOK(f(2))", []string{"3"}},
		{"return of several", "\ndef build(lr):\n  return Net(), SGD(lr)\nm, o = build(0.1)\nLOOK(o)\nLOOK(build(1)[0])", []string{"SGD()", "Net()"}},
		{"returns on ways", "\ndef f():\n  if c: return 1\n  return None\nLOOK(f())", []string{"1 | None"}},
		{"no return", "\ndef f(): pass\nLOOK(f())", []string{"None"}},
		{"generator", "\ndef f():\n  yield 1\nLOOK(f())", []string{"?"}},
		{"decorated", "\n@torch.no_grad()\ndef f(): return 1\n@weird\ndef g(): return 1\nLOOK(f())\nLOOK(g())", []string{"1", "def g()"}},
		{"recursion", "\ndef f(n): return f(n - 1)\nLOOK(f(3))", []string{"?"}},
		{"mutual recursion", "\ndef f(n):\n  LOOK(n)\n  return g(n)\ndef g(n): return f(n)\nLOOK(f(3))", []string{"3", "?"}},
		{"settings set elsewhere", "\ndef resume(args):\n  ckpt = torch.load(args.resume)\n  args.start = ckpt['epoch']\ndef main():\n  args = parse()\n  args.start = 0\n  resume(args)\n  LOOK(args.start)\nmain()",
			[]string{"0 | torch.load()['epoch']"}},
		{"settings set elsewhere only", "\ndef resume(args):\n  args.start = torch.load('x')['epoch']\ndef main(args):\n  resume(args)\n  LOOK(args.start)\nmain(parse())",
			[]string{"torch.load()['epoch'] | parse().start"}},
		{"settings set before", "\ndef resume(args): args.start = 9\ndef main(args):\n  resume(args)\n  args.start = 0\n  LOOK(args.start)\nmain(parse())", []string{"0"}},
		{"settings set round a loop", "\ndef f(args): args.n = 9\ndef main(args):\n  args.n = 0\n  for i in r:\n    LOOK(args.n)\n    f(args)\nmain(parse())", []string{"0 | 9"}},
		{"external", "\nLOOK(torch.load('a'))\nLOOK(torch.load('a').get('k'))", []string{"torch.load()", "torch.load().get()"}},
	})
}

func TestClasses(t *testing.T) {
	testLook(t, []lookCase{
		{"attribute from the constructor", "\nclass T:\n  def __init__(self, lr, n=3):\n    self.lr = lr\n    self.n = n\n  def run(self):\n    LOOK((self.lr, self.n))\nT(0.1).run()\nt = T(0.2, n=4)\nLOOK(t.lr)",
			[]string{"(0.1, 3)", "0.2"}},
		{"symbolic self", "\nclass T:\n  def __init__(self, lr): self.lr = lr\n  def run(self): LOOK(self.lr)", []string{"<lr>"}},
		{"set in setup", "\nclass T:\n  def setup(self): self.opt = SGD()\n  def run(self): LOOK(self.opt)", []string{"SGD()"}},
		{"set twice", "\nclass T:\n  def __init__(self): self.best = 0\n  def f(self): self.best = 1\n  def run(self): LOOK(self.best)", []string{"0 | 1"}},
		{"local set wins", "\nclass T:\n  def __init__(self): self.best = 0\n  def run(self):\n    self.best = 1\n    LOOK(self.best)", []string{"1"}},
		{"set by a method called between", "\nclass T:\n  def run(self):\n    self.epoch = 0\n    self.resume()\n    LOOK(self.epoch)\n  def resume(self): self.epoch = 7\nT().run()", []string{"0 | 7"}},
		{"inherited", "\nclass B:\n  def __init__(self, lr): self.lr = lr\nclass T(B):\n  def run(self): LOOK(self.lr)\nT(0.5).run()", []string{"0.5"}},
		{"super().__init__", "\nclass B:\n  def __init__(self, m):\n    self.m = m\nclass T(B):\n  def __init__(self, cfg, m):\n    super().__init__(m)\n    self.cfg = cfg\n  def run(self): LOOK((self.cfg, self.m))\nT(1, 2).run()",
			[]string{"(1, 2)"}},
		{"Base.__init__", "\nclass B:\n  def __init__(self, m):\n    self.m = m\nclass T(B):\n  def __init__(self, cfg, m):\n    B.__init__(self, m)\n  def run(self): LOOK(self.m)\nT(1, 2).run()", []string{"2"}},
		{"super() method runs on self", "\nclass B:\n  def run(self): LOOK(self.x())\n  def x(self): return 1\nclass T(B):\n  def run(self): super().run()\n  def x(self): return 2\nT().run()", []string{"2"}},
		{"template method", "\nclass B:\n  def run(self): LOOK(self.x())\nclass T(B):\n  def x(self): return 2\nT().run()", []string{"2"}},
		{"class attribute", "\nclass T:\n  lr = 0.1\n  def run(self): LOOK(self.lr)\nT().run()\nLOOK(T.lr)", []string{"0.1", "0.1"}},
		{"property", "\nclass T:\n  @property\n  def p(self): return 4\nLOOK(T().p)", []string{"4"}},
		{"static and class methods", "\nclass T:\n  @staticmethod\n  def s(a): return a\n  @classmethod\n  def c(cls, a): return cls\nLOOK(T.s(1))\nLOOK(T().s(2))\nLOOK(T.c(1))", []string{"1", "2", "class T"}},
		{"method through the class", "\nclass T:\n  def f(self, a): LOOK((self, a))\nt = T()\nT.f(t, 3)", []string{"(T(), 3)"}},
		{"return self attribute", "\nclass T:\n  def __init__(self, m): self.m = m\n  def get(self): return self.m\nLOOK(T(5).get())", []string{"5"}},
		{"external base", "\nclass Net(nn.Module):\n  def __init__(self): pass\nnet = Net()\nLOOK(net.parameters())", []string{"Net().parameters()"}},
		{"closure in a method", "\nclass T:\n  def __init__(self): self.x = 1\n  def run(self):\n    def f(): LOOK(self.x)\n    f()\nT().run()", []string{"1"}},
		{"two instances", "\nclass T:\n  def __init__(self, x): self.x = x\na, b = T(1), T(2)\nLOOK(a.x)\nLOOK(b.x)", []string{"1", "2"}},
		{"two instances of one call", "\nclass T:\n  def __init__(self, x): self.x = x\ndef make(x): return T(x)\na, b = make(1), make(2)\nLOOK(a.x)\nLOOK(b.x)", []string{"1", "2"}},
		{"instance in an instance", "\nclass O:\n  def __init__(self, lr): self.lr = lr\nclass T:\n  def __init__(self, lr): self.o = O(lr)\nLOOK(T(3).o.lr)", []string{"3"}},
		{"a class that makes itself", "\nclass N:\n  def __init__(self): self.next = N()\nLOOK(N().next.next)", []string{"N()"}},
		{"bases in a circle", "\nclass A(B): pass\nclass B(A): pass\nLOOK(A().x)", []string{"A().x"}},
		{"augmented attribute", "\nclass T:\n  def __init__(self): self.e = 0\n  def run(self):\n    self.e += 1\n    LOOK(self.e)", []string{"?+1"}},
	})
}
