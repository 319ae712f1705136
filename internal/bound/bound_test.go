package bound

import (
	"fmt"
	"strings"
	"testing"

	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
)

// TestUses compares the uses that may fail, one a line, with the comments: `# x: unbound`, `# x: none under a`, `# x: never`.
func TestUses(t *testing.T) {
	for name, source := range map[string]string{
		"a branch": `
def f(args):
    if args.sched:
        scheduler = object()
    scheduler.step()  # scheduler: unbound under args.sched
    scheduler.step()
`,
		"the same test": `
def f(args):
    scheduler = None
    if args.sched:
        scheduler = object()
        warmup = object()
    print(scheduler)
    scheduler.step()  # scheduler: none under args.sched
    warmup.step()
`,
		"the same test again": `
def f(args):
    if args.sched and args.train:
        scheduler = object()
    if args.train and args.sched:
        scheduler.step()
    if args.sched:
        scheduler.step()  # scheduler: unbound under args.sched and args.train
`,
		"one of several": `
def f(kind):
    if kind == "new":
        model = 1
    elif kind == "resume":
        model, checkpoint = 2, 3
    elif kind == "other":
        model = 4
    model.x  # model: unbound
    if kind == "resume":
        checkpoint.x  # checkpoint: unbound under kind == "resume"
        checkpoint.y
    checkpoint.z  # checkpoint: unbound under kind == "resume"
`,
		"another test by then": `
def f(flag):
    if flag:
        x = 1
    flag = input()
    if flag:
        print(x)  # x: unbound under flag
`,
		"left early": `
def f(flag, scheduler=None):
    if not flag:
        return
    if scheduler is None:
        raise ValueError
    scheduler.step()
`,
		"a default": `
def f(scheduler=None):
    scheduler.step()  # scheduler: none
`,
		"asked first": `
def f(scheduler=None, scaler=None):
    if scheduler is not None:
        scheduler.step()
    state = scheduler.state_dict() if scheduler else None
    ok = scaler and scaler.get_scale()
    assert scaler is not None
    scaler.update()
    state.x  # state: none under scheduler
`,
		"a loop": `
def f(loader):
    for x in loader:
        loss = x.sum()
    print(loss)  # loss: unbound
    while True:
        y = 1
        if y:
            break
    print(y)
`,
		"round and round": `
def f(loader):
    for x in loader:
        if x:
            print(seen)  # seen: never
        seen = x
`,
		"an exception": `
try:
    import apex
except ImportError:
    apex = None
try:
    import amp
    n = 1
except ImportError:
    pass
apex.init  # apex: none
amp.init  # amp: unbound
print(n)  # n: unbound
try:
    pass
except ValueError as e:
    print(e)
print(e)  # e: never
`,
		"another function's": `
def f():
    local = 1

def g():
    print(local)  # local: never
    print(len([]), __name__)
`,
		"a module's name": `
def f():
    print(early)  # early: never
    print(late)
    print(main)  # main: unbound

early = 1
del early
late = 1
f()
main = 2
f()
`,
		"called too early": `
def f():
    print(late)  # late: unbound

f()
late = 1
f()
`,
		"by way of another": `
def g():
    f()

def f():
    print(args)

if __name__ == "__main__":
    args = input()
    g()
`,
		"a function inside": `
def f():
    def save():
        print(model, optimizer)  # optimizer: unbound
    model = 1
    save()
    optimizer = 2
    save()
`,
		"a comprehension": `
def f(rows):
    a = [row for row in rows if row]
    print(row)  # row: never
    b = {k: v for k, v in rows}
    return a, b, lambda z: z + a
`,
		"evaluated at once": `
def f(x=y): ...  # y: never

class A:
    z = 1
    w = z

    def g(self):
        print(z)  # z: never
y = 1
`,
		"a star import": `
from m import *
print(anything)
`,
		"global": `
best = None

def train():
    global best, other
    best = 1
    other = 2

def show():
    best.x  # best: none
    print(other)  # other: unbound
`,
		"what a function returns": `
def build(args):
    if args.sched:
        return 1, object()
    return 1, None

def main(args):
    model, scheduler = build(args)
    model.step()
    scheduler.step()  # scheduler: none
`,
		"attributes": `
class Trainer:
    limit = 1

    def __init__(self, cfg):
        self.cfg = cfg
        self.scheduler = None
        self.ema = None
        if self.cfg.sched:
            self.scheduler = object()
        if cfg.other:
            self.other = 1
        self.build()

    def build(self):
        self.optimizer = object()

    def setup(self):
        self.ema, self.swa = object(), object()

    def save(self):
        self.optimizer.state_dict()
        self.scheduler.state_dict()  # self.scheduler: none under self.cfg.sched
        print(self.limit, self.save)
        print(self.other)  # self.other: unbound
        print(self.nothing)  # self.nothing: never
        self.swa.state_dict()  # self.swa: unbound
        self.ema.state_dict()

class Child(Trainer):
    def load(self):
        self.optimizer.load()
        self.nothing.load()  # self.nothing: never
`,
		"a class with bases elsewhere": `
from m import Base

class A(Base):
    def f(self):
        print(self.x)  # self.x: unbound
`,
	} {
		t.Run(name, func(t *testing.T) {
			tree, err := pyast.Parse([]byte(source))
			if err != nil || tree.HasErrors() {
				t.Fatalf("the source does not parse: %v", err)
			}
			got := map[int]string{}
			for _, u := range Uses(tree) {
				what := ""
				switch {
				case u.Sure():
					what = "never"
				case u.Risk()&Unbound != 0:
					what = "unbound"
				case u.Risk() != 0:
					what = "none"
				default:
					continue
				}
				if u.Under != "" {
					what += " under " + u.Under
				}
				line := strings.Count(source[:u.Node.Start()], "\n")
				got[line] += fmt.Sprintf("%s: %s", u.Path, what)
			}
			for i, line := range strings.Split(source, "\n") {
				_, want, _ := strings.Cut(line, "  # ")
				if got[i] != want {
					t.Errorf("line %d, %s: %q, want %q", i, strings.TrimSpace(line), got[i], want)
				}
			}
		})
	}
}
