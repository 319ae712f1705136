package main

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// rooms are the project's packages, each behind all that it may import: data flows one way along this list.
var rooms = []string{
	"internal/schematest", "internal/files", "internal/text", "internal/notebook", "internal/pyast", "internal/bound", "internal/pysem", "internal/torch", "internal/training", "internal/checkpoint/pickle", "internal/checkpoint", "diagnostics", "diagnostics/rules",
	"codeactions", "internal/project", "internal/contract", "internal/timeline", "internal/insight", "internal/docs", "internal/docs/site", "internal/report", "internal/litest", "internal/prove", "internal/prove/page",
	"internal/lsptest", "internal/lsptest/proxy", "server", "internal/proof", "cmd/ckpt-lsp", "internal/fuzzing", "internal/fuzzing/repositories", "internal/mutants", "release", "editors",
}

// walls are foreign packages that only one room may know.
var walls = map[string]string{"go.lsp.dev/": "server", "github.com/smacker/go-tree-sitter": "internal/pyast", "github.com/tree-sitter/": "internal/pyast"}

// TestImportsPointOneWay holds the packages to the order of docs/architecture.md.
func TestImportsPointOneWay(t *testing.T) {
	const module = "github.com/ckpt-lsp/ckpt-lsp/"
	out, err := exec.Command("go", "list", "-f", `{{.ImportPath}} {{join .Imports " "}}`, module+"...").Output()
	if err != nil {
		t.Skipf("SKIPPED: the go command cannot list the packages: %v", err)
	}
	listed := 0
	for line := range strings.Lines(string(out)) {
		fields := strings.Fields(line)
		room := strings.TrimPrefix(fields[0], module)
		at := slices.Index(rooms, room)
		if at < 0 {
			t.Errorf("%s is not in the plan of the house: add it to rooms, and to docs/architecture.md", room)
			continue
		}
		listed++
		for _, imported := range fields[1:] {
			if to, own := strings.CutPrefix(imported, module); own && slices.Index(rooms, to) >= at {
				t.Errorf("%s imports %s, which stands behind it", room, to)
			}
			for wall, owner := range walls {
				if strings.HasPrefix(imported, wall) && room != owner {
					t.Errorf("%s imports %s, which only %s may", room, imported, owner)
				}
			}
		}
	}
	if listed != len(rooms) {
		t.Errorf("%d packages listed, the plan has %d", listed, len(rooms))
	}
}
