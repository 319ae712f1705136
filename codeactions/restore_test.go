package codeactions_test

import (
	"path/filepath"
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
	selector, err := diagnostics.ParseSelector("missing-early-stop-state")
	if err != nil {
		t.Fatal(err)
	}
	w := project.NewWorkspaceWith(t.TempDir(), project.Overrides{Select: []diagnostics.Selector{selector}})
	got, err := litest.Settle(w, filepath.Join(w.Root(), "train.py"), source)
	if err != nil || got != want {
		t.Errorf("%v\n%s\nwant\n%s", err, got, want)
	}
}
