package pysem

import (
	"fmt"
	"strings"
	"testing"
)

// events writes a trace: calls by the text of their callee, with what encloses them from the inside out.
func events(t *testing.T, source string, kinds ...EventKind) []string {
	t.Helper()
	m := module(t, source)
	e := NewEvaluator()
	tracer := NewTracer(e, m, func(name string, _ bool) bool { return name == "step" || name == "save" })
	var out []string
	for _, ev := range tracer.Trace(e.Root(m.Top, nil)) {
		wanted := false
		for _, k := range kinds {
			wanted = wanted || ev.Kind == k
		}
		if !wanted {
			continue
		}
		var s string
		switch ev.Kind {
		case EventCall:
			s = ev.Node.Nth(0).Text()
		case EventAssign:
			s = ev.Node.Nth(0).Text() + "="
		case EventReturn:
			s = "return"
		case EventLoop:
			s = "loop"
		case EventLoopEnd:
			s = "end"
		case EventLeave:
			s = "leave " + ev.Node.Nth(0).Text()
		}
		for f := range ev.Enclosing() {
			s += " < " + showFrame(f)
		}
		out = append(out, s)
	}
	return out
}

func showFrame(f *Frame) string {
	switch f.Kind {
	case FrameIf:
		s := "if "
		if f.Early {
			s = "past "
		}
		if !f.Positive {
			s += "not "
		}
		return s + f.Cond.Text()
	case FrameLoop:
		return "loop " + f.Node.Nth(0).Text()
	case FrameWith:
		return "with " + f.Node.Text()
	case FrameTry:
		return "try"
	case FrameExcept:
		return "except"
	case FrameDecorator:
		return "@" + f.Node.Text()
	case FrameCase:
		return "case"
	}
	return fmt.Sprint(f.Kind)
}

func TestTraceFrames(t *testing.T) {
	cases := []struct {
		name, source string
		want         []string
	}{
		{"if", "\nif a: step()\nstep()", []string{"step < if a", "step"}},
		{"elif and else", "\nif a: step()\nelif b: step()\nelse: step()", []string{"step < if a", "step < if b < if not a", "step < if not b < if not a"}},
		{"condition", "\nif step(): pass", []string{"step"}},
		{"early return", "\ndef f():\n  if rank != 0:\n    return\n  step()\nf()\nstep()", []string{"f", "step < past not rank != 0", "step"}},
		{"early return of an else", "\ndef f():\n  if rank == 0: pass\n  else: return\n  step()\nf()", []string{"f", "step < past rank == 0"}},
		{"early continue", "\nfor i in r:\n  if i % 10: continue\n  step()\nstep()", []string{"step < past not i % 10 < loop i", "step"}},
		{"early raise, exit", "\nif a: raise E\nif b:\n  sys.exit()\nstep()", []string{"sys.exit < if b < past not a", "step < past not b < past not a"}},
		{"elif that leaves guards nothing alone", "\ndef f():\n  if a: x()\n  elif b: return\n  step()\nf()", []string{"f", "x < if a", "step"}},
		{"if and elif that leave", "\ndef f():\n  if a: return\n  elif b: return\n  step()\nf()", []string{"f", "step < past not b < past not a"}},
		{"only the elif goes on", "\ndef f():\n  if a: return\n  elif b: pass\n  else: return\n  step()\nf()", []string{"f", "step < past b < past not a"}},
		{"early inside with", "\ndef f():\n  with x:\n    if a: return\n    step()\n  step()\nf()", []string{"f", "step < past not a < with x", "step < past not a"}},
		{"assert", "\nassert rank == 0, 'no'\nstep()", []string{"step < past rank == 0"}},
		{"and, or", "\na and step()\nb or step()", []string{"step < if a", "step < if not b"}},
		{"ternary", "\nstep(1) if a else step(2)", []string{"step < if a", "step < if not a"}},
		{"loops", "\nfor i in r:\n  while c:\n    step()\n  else:\n    step()", []string{"step < loop c < loop i", "step < loop i"}},
		{"loop across a call", "\ndef train():\n  step()\nfor e in r: train()", []string{"train < loop e", "step < loop e"}},
		{"comprehension", "\n[step(x) for x in step() if step(x)]", []string{"step", "step < loop step(x)", "step < if step(x) < loop step(x)"}},
		{"with", "\nwith torch.no_grad(), amp() as a:\n  step()", []string{"torch.no_grad", "amp < with torch.no_grad()", "step < with amp() < with torch.no_grad()"}},
		{"try", "\ntry: step()\nexcept E: step()\nelse: step()\nfinally: step()", []string{"step < try", "step < except", "step", "step"}},
		{"match", "\nmatch x:\n  case 1: step()", []string{"step < case"}},
		{"decorator", "\n@rank_zero_only\ndef f(): step()\nf()", []string{"f", "step < @rank_zero_only"}},
		{"guard around a call", "\ndef f():\n  if b: step()\nif a: f()", []string{"f < if a", "step < if b < if a"}},
		{"main", "\ndef main(): step()\nif __name__ == '__main__':\n  main()", []string{"main", "step"}},
		{"main the other way round", "\nif '__main__' == __name__:\n  step()", []string{"step"}},
		{"in an f-string", "\nprint(f'{step()}')", []string{"step", "print"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got := events(t, c.source, EventCall)
			if strings.Join(got, "\n") != strings.Join(c.want, "\n") {
				t.Errorf("got\n\t%s\nwant\n\t%s\nsource:%s", strings.Join(got, "\n\t"), strings.Join(c.want, "\n\t"), c.source)
			}
		})
	}
}

func TestTraceOrder(t *testing.T) {
	all := []EventKind{EventCall, EventAssign, EventReturn, EventLoop, EventLoopEnd, EventLeave}
	cases := []struct {
		name, source, want string
	}{
		{"arguments first", "\nx = f(g(), k=h())", "g h f x="},
		{"a call before what it runs", "\ndef f():\n  step()\n  return 1\nx = f()", "f step return leave f x="},
		{"what is of no interest is not entered", "\ndef f():\n  g()\nf()", "f"},
		{"loop", "\nfor i in r():\n  step()\nelse:\n  g()", "r loop step end g"},
		{"self", "\nclass T:\n  def __init__(self): self.x = build()\n  def run(self): self.one()\n  def one(self): step()\nt = T()\nt.run()", "T t= t.run self.one step leave self.one leave t.run"},
		{"constructor", "\nclass T:\n  def __init__(self): step()\nT()", "T step leave T"},
		{"inherited", "\nclass B:\n  def run(self): self.one()\nclass T(B):\n  def one(self): step()\nT().run()", "T T().run self.one step leave self.one leave T().run"},
		{"called instance", "\nclass T:\n  def __call__(self): step()\nT()()", "T T() step leave T()"},
		{"handed to spawn", "\ndef worker(rank, args): step()\ndef main(): mp.spawn(worker, nprocs=2)\nmain()", "main mp.spawn step leave mp.spawn leave main"},
		{"handed by keyword", "\ndef worker(): step()\nrun(target=worker)", "run step leave run"},
		{"callback", "\ndef f(cb): cb()\ndef g(): step()\nf(g)", "f cb step leave cb leave f"},
		{"recursion", "\ndef f(): step(); f()\nf()", "f step f leave f"},
		{"mutual recursion", "\ndef f(): g()\ndef g():\n  f()\n  step()\ng()", "g f g leave f step leave g"},
		{"two functions of one name", "\nif a:\n  def f(): step()\nelse:\n  def f(): save()\nf()", "f step leave f save leave f"},
		{"lambda", "\nf = lambda: step()\nf()", "f= f step leave f"},
		{"nested function", "\ndef f():\n  def g(): step()\n  g()\nf()", "f g step leave g leave f"},
		{"class method", "\nclass T:\n  @classmethod\n  def make(cls):\n    step()\nT.make()", "T.make step leave T.make"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			var got []string
			for _, s := range events(t, c.source, all...) {
				name, _, _ := strings.Cut(s, " < ")
				got = append(got, name)
			}
			if s := strings.Join(got, " "); s != c.want {
				t.Errorf("got  %s\nwant %s\nsource:%s", s, c.want, c.source)
			}
		})
	}
}

// TestTraceContexts checks that events carry the context that binds parameters across calls.
func TestTraceContexts(t *testing.T) {
	testLook(t, []lookCase{
		{"three deep", "\ndef a(x): b(x + 1)\ndef b(y): c(z=y)\ndef c(z): LOOK(z)\nfor e in r: a(e)", []string{"each(r)+1"}},
		{"twice", "\ndef f(x): LOOK(x)\nf(1)\nf(2)", []string{"1", "2"}},
		{"spawned parameters are symbolic", "\ndef worker(rank, n): LOOK(rank)\nmp.spawn(worker, args=(2,))", []string{"<rank>"}},
		{"save_on_master", "\ndef save_on_master(*args, **kwargs):\n  if is_main(): LOOK(args[0])\ndef main(opt):\n  ckpt = {'epoch': 1}\n  if opt: ckpt['opt'] = opt\n  save_on_master(ckpt, 'x.pt')\nmain(5)",
			[]string{"{epoch: 1, opt?: 5}"}},
		{"a method of an instance at hand", "\nclass T:\n  def __init__(self, opt): self.opt = opt\n  def save(self, path): LOOK((self.opt, path))\ndef main():\n  t = T(SGD())\n  t.save('a')\nmain()", []string{"(SGD(), 'a')"}},
	})
}

// TestPassed checks that the arguments of calls of outside functions are seen through stars.
func TestPassed(t *testing.T) {
	m := module(t, "\ndef save_on_master(*args, **kwargs):\n  torch.save(*args, **kwargs)\nsave_on_master({'a': 1}, f='x.pt')")
	e := NewEvaluator()
	for _, ev := range NewTracer(e, m, func(name string, _ bool) bool { return name == "save" }).Trace(e.Root(m.Top, nil)) {
		if ev.Kind != EventCall || !ev.Node.Nth(0).TextIs("torch.save") {
			continue
		}
		args := e.Passed(ev.Node, ev.Ctx)
		obj, ok := args.Get(0, "obj")
		if !ok || show(e, e.Expr(obj)) != "{a: 1}" {
			t.Errorf("obj is %s", show(e, e.Expr(obj)))
		}
		path, ok := args.Get(1, "f")
		if !ok || show(e, e.Expr(path)) != "'x.pt'" {
			t.Errorf("f is %s", show(e, e.Expr(path)))
		}
		if args.May() {
			t.Error("all arguments are known")
		}
		return
	}
	t.Fatal("torch.save is not in the trace")
}

// TestVisited checks that functions walked into are told from those that nothing reaches.
func TestVisited(t *testing.T) {
	m := module(t, "\ndef f(): step()\ndef g(): step()\nf()")
	e := NewEvaluator()
	tracer := NewTracer(e, m, func(name string, _ bool) bool { return name == "step" })
	tracer.Trace(e.Root(m.Top, nil))
	if !tracer.Visited(m.Funcs[1]) || tracer.Visited(m.Funcs[2]) {
		t.Error("f is visited, g is not")
	}
}
