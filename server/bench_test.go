package server

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// trainingFile is a training program of about the given number of lines: one loop that saves and resumes, and modules as they
// fill such files.
func trainingFile(lines int) string {
	var b strings.Builder
	b.WriteString(trainingLoop)
	for i := 0; strings.Count(b.String(), "\n") < lines; i++ {
		fmt.Fprintf(&b, block, i)
	}
	return b.String()
}

const trainingLoop = `import random

import numpy as np
import torch
from torch import nn, optim
from torch.utils.data import DataLoader

torch.manual_seed(42)


def save_checkpoint(path, model, optimizer, epoch):
    torch.save({"epoch": epoch, "model": model.state_dict()}, path)


def main(args, dataset):
    model = Block0(64)
    optimizer = optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    scheduler = optim.lr_scheduler.StepLR(optimizer, 30, 0.1)
    loader = DataLoader(dataset, batch_size=32, shuffle=True, num_workers=4)
    start_epoch, best = 0, 0.0
    if args.resume:
        checkpoint = torch.load(args.resume)
        model.load_state_dict(checkpoint["model"])
        start_epoch = checkpoint["epoch"]
    for epoch in range(start_epoch, 100):
        for x, y in loader:
            x = x + np.random.normal(size=x.shape)
            loss = nn.functional.cross_entropy(model(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        save_checkpoint(f"checkpoint_{epoch}.pt", model, optimizer, epoch)
        scheduler.step()
`

const block = `

class Block%[1]d(nn.Module):
    """A block with a skip connection."""

    def __init__(self, width, dropout=0.1):
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.lift = nn.Linear(width, 4 * width)
        self.drop = nn.Linear(4 * width, width)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x, mask=None):
        y = self.lift(self.norm(x))
        if mask is not None:
            y = y * mask.unsqueeze(-1)
        for step in range(%[1]d %% 7):
            y = torch.relu(y) + step
        return x + self.dropout(self.drop(y))


def train_block%[1]d(block, loader, device="cuda"):
    total, seen = 0.0, 0
    for x, y in loader:
        x, y = x.to(device, non_blocking=True), y.to(device)
        out = block(x)
        total += nn.functional.mse_loss(out, y, reduction="sum").item()
        seen += y.size(0)
    print(f"block %[1]d: {total / max(seen, 1):.4f} over {seen}")
    return total / max(seen, 1)
`

// BenchmarkKeystroke types into a document over a pipe, one character a change, and measures the time from sending didChange
// to having received publishDiagnostics.
func BenchmarkKeystroke(b *testing.B) {
	const uri = "file:///nowhere/train.py"
	for _, lines := range []int{300, 1_000, 10_000} {
		b.Run(fmt.Sprintf("%dlines", lines), func(b *testing.B) {
			c := start(b, nil)
			c.open(uri, trainingFile(lines))
			line := strings.Count(trainingLoop[:strings.Index(trainingLoop, "optimizer.step()")], "\n")
			var took []time.Duration
			word := `# a comment, typed `
			for i := 0; b.Loop(); i++ {
				character := len("            optimizer.step()") + i%len(word)
				changes := []any{m{"range": between(at(line, character), at(line, character)), "text": word[i%len(word):][:1]}}
				if i%len(word) == 0 && i > 0 { // begin the line again
					changes = slices.Insert(changes, 0, any(m{"range": between(at(line, character), at(line, character+len(word))), "text": ""}))
				}
				began := time.Now()
				c.change(uri, i+2, changes...)
				c.published(uri, i+2)
				took = append(took, time.Since(began))
			}
			slices.Sort(took)
			b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "p50-ms")
			b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "p99-ms")
		})
	}
}

// BenchmarkManyEdits changes one character in each of 1,000 lines of 10,000 with one didChange, as replacing in an editor does.
func BenchmarkManyEdits(b *testing.B) {
	const uri = "file:///nowhere/train.py"
	c := start(b, nil)
	c.open(uri, trainingFile(10_000))
	for i := 0; b.Loop(); i++ {
		var changes []any
		for line := range 1_000 {
			changes = append(changes, m{"range": between(at(100+9*line, 0), at(100+9*line, 0)), "text": "#"})
		}
		c.change(uri, i+2, changes...)
		c.published(uri, i+2)
	}
}

// BenchmarkFeatures asks a server for what an editor shows besides findings, and measures the time from the request to the answer:
// of a document that stands as it was (again), and of one in which a character was typed just before (typed), the time of the edit
// included.
func BenchmarkFeatures(b *testing.B) {
	const uri = "file:///nowhere/train.py"
	place := func(of string) m {
		before := trainingLoop[:strings.Index(trainingLoop, of)]
		line := strings.Count(before, "\n")
		return at(line, len(before)-strings.LastIndex(before, "\n")-1)
	}
	document := m{"uri": uri}
	features := []struct {
		name, method string
		params       m
	}{
		{"hover", "textDocument/hover", m{"position": place("torch.save(")}},
		{"lens", "textDocument/codeLens", m{}},
		{"hints", "textDocument/inlayHint", m{"range": between(at(0, 0), at(60, 0))}},
		{"links", "textDocument/documentLink", m{}},
		{"definition", "textDocument/definition", m{"position": place(`model"])`)}},
		{"completion-key", "textDocument/completion", m{"position": place(`epoch"]`)}},
		{"completion-entry", "textDocument/completion", m{"position": place(`"model": model.state_dict()}, path`)}},
		{"completion-elsewhere", "textDocument/completion", m{"position": place("optimizer.step()")}},
		{"actions", "textDocument/codeAction", m{"range": between(place("torch.save("), place("torch.save(")), "context": m{"diagnostics": []any{}}}},
	}
	for _, lines := range []int{1_000, 10_000} {
		for _, f := range features {
			f.params["textDocument"] = document
			for _, typed := range []bool{false, true} {
				name := map[bool]string{false: "again", true: "typed"}[typed]
				b.Run(fmt.Sprintf("%s/%dlines/%s", f.name, lines, name), func(b *testing.B) {
					c := start(b, nil)
					c.notify("workspace/didChangeConfiguration", m{"settings": m{"ckpt-lsp": m{"inlayHints": true}}})
					c.open(uri, trainingFile(lines))
					if r := c.call(f.method, f.params); r.Error != nil || string(r.Result) == "null" && f.name != "completion-elsewhere" {
						b.Fatalf("%s answers %s, %v", f.method, r.Result, r.Error)
					}
					for i := 0; b.Loop(); i++ {
						if typed {
							c.change(uri, i+2, m{"range": between(at(6, 0), at(6, i%2)), "text": " "[i%2:]})
						}
						c.call(f.method, f.params)
					}
				})
			}
		}
	}
}
