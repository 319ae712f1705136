package main

import (
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/mattn/go-shellwords"

	"github.com/ckpt-lsp/ckpt-lsp/diagnostics"
)

// shellBlock is a block of a page that people copy from, or one that shows what is printed.
var shellBlock = regexp.MustCompile("(?s)```(sh|console)\n(.*?)```")

// blocks are the blocks of a kind in the README and the pages that a newcomer reads, by page.
func blocks(t *testing.T, kind string) map[string][]string {
	t.Helper()
	pages, err := filepath.Glob("../../docs/*.md")
	for _, more := range []string{"../../docs/*/*.md", "../../editors/*.md", "../../README.md"} {
		found, failed := filepath.Glob(more)
		pages, err = append(pages, found...), errors.Join(err, failed)
	}
	if err != nil {
		t.Fatal(err)
	}
	out := map[string][]string{}
	for _, page := range pages {
		data, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range shellBlock.FindAllStringSubmatch(string(data), -1) {
			if m[1] == kind {
				out[page] = append(out[page], m[2])
			}
		}
	}
	return out
}

// inScenario goes to a project as the pages have it: train.py is the first scenario, a copy of it is in src.
func inScenario(t *testing.T) {
	t.Helper()
	source, err := os.ReadFile(filepath.Join(scenarios, "1_resnet_resume", "train.py"))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for _, path := range []string{"train.py", "src/train.py"} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, path)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, path), source, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, path := range []string{"last.pt", "other.pt"} { // checkpoints
		data, err := os.ReadFile("../../internal/checkpoint/testdata/seeds/compiled-ddp.pt")
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, path), data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	t.Chdir(dir)
}

// TestCommandsOfThePages runs every command of the README and of the pages as it is written there. Those that do not end, or run a script, are only
// understood.
func TestCommandsOfThePages(t *testing.T) {
	pages, ran := blocks(t, "sh"), 0
	for page, all := range pages {
		t.Run(filepath.Base(page), func(t *testing.T) {
			inScenario(t)
			for line := range strings.Lines(strings.Join(all, "")) {
				if understood(t, line) {
					ran++
				}
			}
		})
	}
	if ran < 15 {
		t.Errorf("only %d commands were found", ran)
	}
}

// understood runs one line of a page, if it is a command of ours.
func understood(t *testing.T, line string) bool {
	t.Helper()
	if !strings.HasPrefix(line, "ckpt-lsp ") {
		return false
	}
	words, err := shellwords.Parse(line)
	if err != nil {
		t.Errorf("%s: %v", line, err)
	}
	if i := slices.IndexFunc(words, func(w string) bool { return strings.HasPrefix(w, "#") }); i >= 0 {
		words = words[:i]
	}
	if words[1] == "prove" || slices.Contains(words, "--watch") {
		cmd, rest, err := newRootCommand(diagnostics.Product).Find(words[1:])
		if err == nil {
			err = cmd.ParseFlags(rest)
		}
		if err != nil {
			t.Errorf("%s: %v", line, err)
		}
	} else if out, err := command(t, words[1:]...); err != nil && !errors.Is(err, errFindings) {
		t.Errorf("%s: %v\n%s", line, err, out)
	}
	return true
}

// TestOutputInThePages holds what the pages show of a run to what is printed. A proof takes minutes: the proof suite runs it.
func TestOutputInThePages(t *testing.T) {
	pages, compared := blocks(t, "console"), 0
	inScenario(t)
	for page, all := range pages {
		for _, block := range all {
			first, shown, _ := strings.Cut(block, "\n")
			asked, ok := strings.CutPrefix(first, "$ ckpt-lsp ")
			if !ok {
				asked, shown = "check train.py", block
			}
			if strings.HasPrefix(asked, "prove ") {
				continue
			}
			compared++
			if out, _ := command(t, strings.Fields(asked)...); !strings.Contains(out, shown) {
				t.Errorf("%s: ckpt-lsp %s prints\n%s\nand the page shows\n%s", page, asked, out, shown)
			}
		}
	}
	if compared < 2 {
		t.Errorf("only %d runs were compared", compared)
	}
}
