package main

import (
	"bytes"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/ckpt-lsp/ckpt-lsp/diagnostics"
)

var update = flag.Bool("update", false, "write the expected files under testdata, and the table of rules in the README, anew")

const scenarios = "../../testdata/scenarios"

// command runs ckpt-lsp in this process and gives what it prints.
func command(t *testing.T, args ...string) (string, error) {
	t.Helper()
	var out bytes.Buffer
	root := newRootCommand(diagnostics.Product)
	root.SetArgs(args)
	root.SetOut(&out)
	root.SetErr(&out)
	err := root.Execute()
	return out.String(), err
}

// TestFirstContact holds what the README has people try first to what fits two screens: each of the six programs, and nothing beside.
func TestFirstContact(t *testing.T) {
	const screens = 2 * 50
	out, err := command(t, "check", scenarios)
	if !errors.Is(err, errFindings) {
		t.Errorf("it ends with %v", err)
	}
	files := map[string]bool{}
	for _, at := range regexp.MustCompile(`(?m)^(\S+\.py):\d+:\d+: `).FindAllStringSubmatch(out, -1) {
		files[at[1]] = true
	}
	programs, _ := filepath.Glob(filepath.Join(scenarios, "*", "train.py"))
	for _, path := range programs {
		if !files[filepath.ToSlash(path)] {
			t.Errorf("nothing is said of %s", path)
		}
	}
	if lines := strings.Count(out, "\n"); len(files) != len(programs) || lines > screens {
		t.Errorf("%d lines of %d files, want at most %d of %d:\n%s", lines, len(files), screens, len(programs), out)
	}
}

// TestScenarios makes each scenario's fixed.py from its train.py, first with the safe fixes, then with the quick fixes that
// quickfixes.txt names, and holds it to be clean. What train.py and hasty.py are flagged for stands in expect.txt, which the
// literate tests read.
func TestScenarios(t *testing.T) {
	dirs, err := filepath.Glob(filepath.Join(scenarios, "*", "train.py"))
	if err != nil || len(dirs) != 6 {
		t.Fatalf("%d scenarios, want 6 (%v)", len(dirs), err)
	}
	for _, train := range dirs {
		dir := filepath.Dir(train)
		t.Run(filepath.Base(dir), func(t *testing.T) {
			source, err := os.ReadFile(train)
			if err != nil {
				t.Fatal(err)
			}
			fixed := filepath.Join(t.TempDir(), "train.py")
			if err := os.WriteFile(fixed, source, 0o600); err != nil {
				t.Fatal(err)
			}
			named, err := os.ReadFile(filepath.Join(dir, "quickfixes.txt"))
			if err != nil {
				t.Fatal(err)
			}
			_, _ = command(t, "check", "--fix", fixed) // findings that are left are an error here
			if rules := strings.Fields(string(named)); len(rules) > 0 {
				_, _ = command(t, "check", "--fix", "--unsafe-fixes", "--select", strings.Join(rules, ","), fixed)
			}
			got, err := os.ReadFile(fixed)
			if err != nil {
				t.Fatal(err)
			}
			golden := filepath.Join(dir, "fixed.py")
			if *update {
				if err := os.WriteFile(golden, got, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got, want) {
				t.Errorf("the fixes make\n%s\nwant %s; if that is meant, run the test with -update", got, golden)
			}
			if out, err := command(t, "check", "--fail-on", "hint", golden); err != nil {
				t.Errorf("fixed.py is not clean: %v\n%s", err, out)
			}
		})
	}
}
