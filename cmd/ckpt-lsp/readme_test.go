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

// TestReadmeListsTheRules holds the README's table to the rules that there are; -update writes it anew.
func TestReadmeListsTheRules(t *testing.T) {
	const readme = "../../README.md"
	data, err := os.ReadFile(readme)
	if err != nil {
		t.Fatal(err)
	}
	var rows strings.Builder
	for _, r := range diagnostics.Rules() {
		fmt.Fprintf(&rows, "| %s | %s | %s | %s | %s |\n", r.Code, r.Name, r.Severity, docs.FixKind(r), r.Summary)
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
