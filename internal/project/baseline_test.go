package project

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// baselined is a workspace whose files are in its baseline as they are.
func baselined(t *testing.T, files map[string]string, args ...string) (string, *Baseline) {
	t.Helper()
	root := tree(t, files)
	b := &Baseline{Path: filepath.Join(root, BaselineFile)}
	for i := range args {
		args[i] = filepath.Join(root, args[i])
	}
	b.Add(analyses(t, root, args...), args)
	data, err := b.Encode()
	if err != nil {
		t.Fatal(err)
	}
	writeOver(t, b.Path, string(data))
	return root, b
}

func analyses(t *testing.T, root string, args ...string) []*Analysis {
	t.Helper()
	w := testWorkspace(root)
	files, _, errs := w.Files(t.Context(), args)
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	found, err := NewIndex(w).AnalyzeAll(t.Context(), NewProgram(w), files)
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func TestBaselineIsReadAsItIsWritten(t *testing.T) {
	_, b := baselined(t, map[string]string{"b.py": "import torch\nbad()\nbad()\n", "a/x.py": "import torch\nbad()\n"}, ".")
	read, err := ReadBaseline(b.Path)
	if err != nil || !slices.Equal(read.Findings, b.Findings) || !slices.Equal(read.Paths, []string{"."}) || len(read.Findings) != 3 {
		t.Errorf("wrote %+v, read %+v (%v)", b, read, err)
	}
	if !slices.IsSortedFunc(read.Findings, Old.compare) || read.Findings[1].Fingerprint == read.Findings[2].Fingerprint {
		t.Errorf("findings %+v", read.Findings)
	}
}

// TestBaselineFollowsEdits says of edits how many findings are new, old and gone.
func TestBaselineFollowsEdits(t *testing.T) {
	const before = "import torch\nbad(1)\nbad(2)\nbad(2)\n"
	for name, c := range map[string]struct {
		after         string
		new, old, out int
	}{
		"as it was":       {before, 0, 3, 0},
		"moved":           {"import torch\n\n\n# x\n" + before, 0, 3, 0},
		"indented":        {"import torch\nif x:\n\tbad(1)\n\tbad(2)\n\tbad(2)\n", 0, 3, 0},
		"one more":        {before + "bad(3)\n", 1, 3, 0},
		"one more alike":  {before + "bad(2)\n", 1, 3, 0},
		"one of two gone": {"import torch\nbad(1)\nbad(2)\n", 0, 2, 1},
		"changed":         {"import torch\nbad(10)\nbad(2)\nbad(2)\n", 1, 2, 1},
		"all gone":        {"import torch\n", 0, 0, 3},
		"irrelevant":      {"x = 1\n", 0, 0, 3},
		"not Python":      {"import torch\ndef (:\nbad(1)\n", 0, 0, 0},
		"a rule failed":   {"import torch\nexplode\n", 0, 0, 0}, // another one, and the file is not known as a whole
	} {
		root, _ := baselined(t, map[string]string{"x.py": before}, ".")
		writeOver(t, filepath.Join(root, "x.py"), c.after)
		a := analyses(t, root, root)[0]
		if len(a.Diagnostics) != c.new || len(a.Old) != c.old || len(a.Gone) != c.out {
			t.Errorf("%s: %d new, %d old, %d gone; want %d, %d, %d", name, len(a.Diagnostics), len(a.Old), len(a.Gone), c.new, c.old, c.out)
		}
	}
}

func TestBaselineCovers(t *testing.T) {
	root, b := baselined(t, map[string]string{"src/x.py": "import torch\nbad()\n", "tools/y.py": "import torch\nbad()\n", "z.py": ""}, "src", "tools/y.py")
	if want := []string{"src", "tools/y.py"}; !slices.Equal(b.Paths, want) {
		t.Errorf("paths %q, want %q", b.Paths, want)
	}
	for args, want := range map[string]bool{".": true, "src tools": true, "src tools/y.py": true, "src": false, "src/x.py tools/y.py": false, "..": true} {
		var full []string
		for _, arg := range strings.Fields(args) {
			full = append(full, filepath.Join(root, arg))
		}
		if got := b.Covers(full); got != want {
			t.Errorf("%s covers it: %v, want %v", args, got, want)
		}
	}
	b.Add(nil, []string{filepath.Join(root, "src", "x.py")})
	if len(b.Paths) != 2 {
		t.Errorf("paths %q after a path that is among them already", b.Paths)
	}
	if b.Add(nil, []string{root}); !slices.Equal(b.Paths, []string{"."}) {
		t.Errorf("paths %q after the root", b.Paths)
	}
	if gone := b.Unchecked([]string{filepath.Join(root, "src")}, nil); len(gone) != 1 || gone[0].Path != "src/x.py" {
		t.Errorf("not checked: %+v", gone)
	}
}

// TestReloadReadsBaselines holds that a workspace notices a baseline that comes, changes or goes.
func TestReloadReadsBaselines(t *testing.T) {
	root, b := baselined(t, map[string]string{"x.py": "import torch\nbad()\n"}, ".")
	w := testWorkspace(root)
	path := filepath.Join(root, "x.py")
	for _, step := range []struct {
		content string
		found   int
	}{{`{"version": 1}`, 1}, {"", 1}} {
		w.AnalyzeFile(path)
		if w.Reload() {
			t.Error("reloaded without a change")
		}
		w.AnalyzeFile(path)
		writeOver(t, b.Path, step.content)
		if !w.Reload() {
			t.Errorf("no reload for %q", step.content)
		}
		if n := len(w.AnalyzeFile(path).Diagnostics); n != step.found {
			t.Errorf("%q: %d findings, want %d", step.content, n, step.found)
		}
	}
}
