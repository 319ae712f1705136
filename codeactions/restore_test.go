package codeactions_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/ckpt-lsp/ckpt-lsp/diagnostics"
	_ "github.com/ckpt-lsp/ckpt-lsp/diagnostics/rules"
	"github.com/ckpt-lsp/ckpt-lsp/internal/litest"
	"github.com/ckpt-lsp/ckpt-lsp/internal/project"
)

// TestRestoredBehindInitialValue holds that a variable is restored behind the statement that begins it, alone or in a tuple, and
// under the condition of the load where that statement stands outside of it.
func TestRestoredBehindInitialValue(t *testing.T) {
	const source = `import torch
from model import Net, train, evaluate, args

model = Net()
optimizer = torch.optim.Adam(model.parameters())
start = 0
if args.resume:
    checkpoint = torch.load("last.pt", map_location="cpu", weights_only=True)
    model.load_state_dict(checkpoint["model"])
    optimizer.load_state_dict(checkpoint["optimizer"])
    start = checkpoint["epoch"] + 1
best, wait = 0.0, 0
for epoch in range(start, 100):
    train(model, optimizer)
    acc = evaluate(model)
    if acc > best:
        best, wait = acc, 0
    else:
        wait += 1
    torch.save({"epoch": epoch, "model": model.state_dict(), "optimizer": optimizer.state_dict()}, "last.pt")
    if wait >= 10:
        break
`
	const want = `import torch
from model import Net, train, evaluate, args

model = Net()
optimizer = torch.optim.Adam(model.parameters())
start = 0
if args.resume:
    checkpoint = torch.load("last.pt", map_location="cpu", weights_only=True)
    model.load_state_dict(checkpoint["model"])
    optimizer.load_state_dict(checkpoint["optimizer"])
    start = checkpoint["epoch"] + 1
best, wait = 0.0, 0
if args.resume and "wait" in checkpoint:
    wait = checkpoint["wait"]
for epoch in range(start, 100):
    train(model, optimizer)
    acc = evaluate(model)
    if acc > best:
        best, wait = acc, 0
    else:
        wait += 1
    torch.save({"epoch": epoch, "model": model.state_dict(), "optimizer": optimizer.state_dict(), "wait": wait}, "last.pt")
    if wait >= 10:
        break
`
	if got := settled(t, "missing-early-stop-state", source); got != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
}

// settled is a program after the safe fixes of a rule.
func settled(t *testing.T, rule, source string) string {
	selector, err := diagnostics.Product.Selector(rule)
	if err != nil {
		t.Fatal(err)
	}
	w := project.NewWorkspaceWith(t.TempDir(), project.Overrides{Select: []diagnostics.Selector{selector}})
	got, err := litest.Settle(w, filepath.Join(w.Root(), "train.py"), source)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// TestRestoredByFunction holds that a function which loads restores what it can name, and is handed what it cannot.
func TestRestoredByFunction(t *testing.T) {
	const source = `import torch
from model import Net, batches

def save(path, epoch, net, opt):
    torch.save({"epoch": epoch, "net": net.state_dict()SAVED}, path)

def load(path, netTAKEN):
    ckpt = torch.load(path, map_location="cpu", weights_only=True)
    net.load_state_dict(ckpt["net"])
RESTORED    return ckpt["epoch"] + 1

def main():
    net = Net()
    opt = torch.optim.Adam(net.parameters())
    start = load("last.pt", netHANDED)
    for epoch in range(start, 10):
        for x, y in batches:
            opt.zero_grad()
            net(x).loss(y).backward()
            opt.step()
        save("last.pt", epoch, net, opt)

main()
`
	for _, c := range []struct{ taken, handed, thenTaken, thenHanded, test string }{
		{", opt", ", opt", ", opt", ", opt", ""},
		{"", "", ", opt=None", ", opt=opt", "opt is not None and "},
	} {
		before := strings.NewReplacer("TAKEN", c.taken, "HANDED", c.handed, "SAVED", "", "RESTORED", "")
		after := strings.NewReplacer("TAKEN", c.thenTaken, "HANDED", c.thenHanded, "SAVED", `, "opt": opt.state_dict()`,
			"RESTORED", "    if "+c.test+"\"opt\" in ckpt:\n        opt.load_state_dict(ckpt[\"opt\"])\n")
		if got, want := settled(t, "missing-optimizer-state", before.Replace(source)), after.Replace(source); got != want {
			t.Errorf("%s\nwant\n%s", got, want)
		}
	}
}

// TestNotRestoredIntoLocal holds that no variable of a method that loads is taken for one of the method that trains.
func TestNotRestoredIntoLocal(t *testing.T) {
	const source = `import torch
from model import Net, batches, evaluate

class Trainer:
    def __init__(self):
        self.net = Net()
        self.opt = torch.optim.Adam(self.net.parameters())
        BEST = 0.0

    def save(self, path, epoch, best):
        torch.save({"epoch": epoch, "net": self.net.state_dict(), "opt": self.opt.state_dict(), "best": best}, path)

    def load(self, path):
        ckpt = torch.load(path, map_location="cpu", weights_only=True)
        self.net.load_state_dict(ckpt["net"])
        self.opt.load_state_dict(ckpt["opt"])
RESTORED        return ckpt["epoch"] + 1

    def fit(self):
        BEST = 0.0
        start = self.load("last.pt")
        for epoch in range(start, 10):
            for x, y in batches:
                self.opt.zero_grad()
                self.net(x).loss(y).backward()
                self.opt.step()
            acc = evaluate(self.net)
            if acc > BEST:
                BEST = acc
                torch.save(self.net.state_dict(), "best.pt")
            self.save("last.pt", epoch, BEST)

Trainer().fit()
`
	local := strings.NewReplacer("BEST", "best", "RESTORED", "").Replace(source)
	if got := settled(t, "best-reset-on-resume", local); got != local {
		t.Errorf("%s\nwant it as it was", got)
	}
	// An attribute outlasts the method, if nothing begins it again behind the load.
	attribute := strings.NewReplacer("    def fit(self):\n        BEST = 0.0\n", "    def fit(self):\n", "BEST", "self.best").Replace(source)
	before := strings.ReplaceAll(attribute, "RESTORED", "")
	want := strings.ReplaceAll(attribute, "RESTORED", "        if \"best\" in ckpt:\n            self.best = ckpt[\"best\"]\n")
	if got := settled(t, "best-reset-on-resume", before); got != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
}

// TestParameterIsAnother holds that a helper's parameter is not taken for an object of the same name that it is not handed.
func TestParameterIsAnother(t *testing.T) {
	const source = `import torch
from model import Net, Critic, batches

def save(path, epoch, net, critic, optimizer):
    torch.save({"epoch": epoch, "net": net.state_dict(), "critic": critic.state_dict(), "optim": optimizer.state_dict()}, path)

def load(path, net, critic, optimizer):
    ckpt = torch.load(path, map_location="cpu", weights_only=True)
    net.load_state_dict(ckpt["net"])
    critic.load_state_dict(ckpt["critic"])
    optimizer.load_state_dict(ckpt["optim"])
    return ckpt["epoch"] + 1

def main():
    net, critic = Net(), Critic()
    optimizer = torch.optim.Adam(net.parameters())
    optimizer_c = torch.optim.Adam(critic.parameters())
    start = load("last.pt", net, critic, optimizer_c)
    for epoch in range(start, 10):
        for x, y in batches:
            optimizer.zero_grad()
            net(x).loss(y).backward()
            optimizer.step()
            optimizer_c.zero_grad()
            critic(x).loss(y).backward()
            optimizer_c.step()
        save("last.pt", epoch, net, critic, optimizer_c)

main()
`
	if got := settled(t, "missing-optimizer-state", source); got != source {
		t.Errorf("%s\nwant it as it was", got)
	}
}
