package pysem

import (
	"fmt"
	"strings"
	"testing"

	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
)

// trainingFile is a training script of about the given number of lines: a trainer class, helpers, and a loop that runs them.
func trainingFile(lines int) string {
	var b strings.Builder
	b.WriteString("import os\nimport torch\nimport torch.nn as nn\nfrom torch import optim\n\n")
	calls := ""
	for i := 0; strings.Count(b.String(), "\n") < lines-15; i++ {
		fmt.Fprintf(&b, `
class Trainer%[1]d(nn.Module):
    def __init__(self, model, args, lr=0.1):
        super().__init__()
        self.model = model.to(args.device)
        self.optimizer = optim.SGD(self.model.parameters(), lr=lr, momentum=0.9)
        self.scheduler = optim.lr_scheduler.StepLR(self.optimizer, step_size=30, gamma=0.1)
        self.best, self.epoch = 0.0, args.start_epoch

    def train(self, loader, epochs):
        for epoch in range(self.epoch, epochs):
            total, count = 0.0, 0
            for step, (x, y) in enumerate(loader):
                if step %% 100 == 0 and self.rank == 0:
                    print(f"epoch {epoch} step {step}: {total / max(count, 1):.4f}")
                self.optimizer.zero_grad()
                with torch.autocast("cuda"):
                    loss = nn.functional.cross_entropy(self.model(x), y)
                loss.backward()
                self.optimizer.step()
                total += loss.item() * len(x)
                count += len(x)
            self.scheduler.step()
            acc = self.validate(loader)
            is_best = acc > self.best
            self.best = max(acc, self.best)
            if epoch %% 10 == 0 or is_best:
                save_checkpoint%[1]d({"epoch": epoch + 1, "model": self.model.state_dict()}, is_best, "out", epoch, self.optimizer)

    def validate(self, loader):
        correct = 0
        with torch.no_grad():
            for x, y in loader:
                correct += (self.model(x).argmax(1) == y).sum().item()
        return correct / len(loader)

def save_checkpoint%[1]d(state, is_best, out, epoch, optimizer=None):
    if optimizer is not None:
        state["optimizer"] = optimizer.state_dict()
    path = os.path.join(out, "checkpoint_%%03d.pt" %% epoch)
    torch.save(state, path)
    if is_best:
        torch.save(state, os.path.join(out, "best.pt"))

def resume%[1]d(path, trainer, args):
    if not os.path.exists(path):
        return None
    checkpoint = torch.load(path, map_location="cpu")
    trainer.model.load_state_dict(checkpoint["model"])
    try:
        trainer.optimizer.load_state_dict(checkpoint["optimizer"])
    except KeyError as error:
        print(f"no optimizer: {error}")
    args.start_epoch = checkpoint["epoch"]
    return checkpoint
`, i)
		calls += fmt.Sprintf("    t = Trainer%[1]d(build(args), args)\n    resume%[1]d(args.resume, t, args)\n    t.train(loader, args.epochs)\n", i)
	}
	b.WriteString("\ndef main():\n    args = parse()\n    args.start_epoch = 0\n    loader = make_loader(args)\n" + calls + "\nif __name__ == \"__main__\":\n    main()\n")
	return b.String()
}

var benchInteresting = map[string]bool{"step": true, "save": true, "load": true, "backward": true, "load_state_dict": true, "zero_grad": true}

func parsed(b *testing.B) *pyast.Tree {
	source := trainingFile(1000)
	tree, err := pyast.Parse([]byte(source))
	if err != nil || tree.HasErrors() {
		b.Fatal("the generated file does not parse", err)
	}
	b.SetBytes(int64(len(source)))
	b.ReportAllocs()
	return tree
}

func BenchmarkNew(b *testing.B) {
	tree := parsed(b)
	for b.Loop() {
		New("train.py", tree)
	}
}

func BenchmarkTrace(b *testing.B) {
	m := New("train.py", parsed(b))
	for b.Loop() {
		e := NewEvaluator()
		NewTracer(e, m, func(name string, _ bool) bool { return benchInteresting[name] }).Trace(e.Root(m.Top, nil))
	}
}
