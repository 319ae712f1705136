package main

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/ckpt-lsp/ckpt-lsp/diagnostics"
	"github.com/ckpt-lsp/ckpt-lsp/internal/docs"
)

// TestReadmeListsTheRules holds the README's table to the rules of the product; -update writes it anew. Each is one with a source
// file in diagnostics/rules, so that no test's rule is among them.
func TestReadmeListsTheRules(t *testing.T) {
	const readme = "../../README.md"
	data, err := os.ReadFile(readme)
	if err != nil {
		t.Fatal(err)
	}
	var rows strings.Builder
	for _, r := range diagnostics.Product.Rules() {
		if docs.File(r) == "" {
			t.Errorf("%s %s is not in diagnostics/rules", r.Code, r.Name)
		}
		fmt.Fprintf(&rows, "| %s | %s | %s | %s | %s |\n", r.Code, r.Name, docs.Severity(r), docs.FixKind(r), r.Summary)
	}
	table := regexp.MustCompile(`(?m)(^\| CKP.*\n)+`)
	found := table.FindString(string(data))
	switch {
	case found == rows.String():
	case *update:
		if err := os.WriteFile(readme, []byte(strings.Replace(string(data), found, rows.String(), 1)), 0o644); err != nil {
			t.Fatal(err)
		}
	default:
		t.Errorf("the README lists\n%swant\n%s; run the test with -update", found, rows.String())
	}
}

// TestHelpFits holds what --help prints to the width of a page.
func TestHelpFits(t *testing.T) {
	names := []string{""}
	for _, c := range newRootCommand(diagnostics.Product).Commands() {
		names = append(names, c.Name())
	}
	for _, name := range names {
		out, err := command(t, append(strings.Fields(name), "--help")...)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		for line := range strings.Lines(out) {
			if n := len([]rune(strings.TrimRight(line, "\n"))); n > pageWidth {
				t.Errorf("%s --help has a line of %d columns: %s", name, n, line)
			}
		}
	}
}
