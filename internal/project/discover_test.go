package project

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func writeOver(t testing.TB, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

// found are the files below the root, relative to it.
func found(t *testing.T, root string, args ...string) []string {
	t.Helper()
	for i, a := range args {
		args[i] = filepath.Join(root, a)
	}
	files, problems, configErrors := testWorkspace(root).Files(t.Context(), args)
	if len(problems)+len(configErrors) > 0 {
		t.Errorf("problems %v %v", problems, configErrors)
	}
	out := []string{}
	for _, f := range files {
		out = append(out, filepath.ToSlash(strings.TrimPrefix(f, root+string(filepath.Separator))))
	}
	return out
}

func TestFiles(t *testing.T) {
	root := tree(t, map[string]string{
		".git/info/exclude":      "local.py\n",
		".gitignore":             "# comment\n*.gen.py\n!keep.gen.py\n/top.py\nout/\nsub/*/deep.py\n\\#hash.py\nspace.py  \n",
		"a.py":                   "",
		"b.pyw":                  "",
		"c.txt":                  "",
		"local.py":               "",
		"x.gen.py":               "",
		"keep.gen.py":            "",
		"top.py":                 "",
		"out/x.py":               "",
		"space.py":               "",
		"#hash.py":               "",
		"sub/top.py":             "",
		"sub/.gitignore":         "!x.gen.py\nmine.py\r\n",
		"sub/x.gen.py":           "",
		"sub/y.gen.py":           "",
		"sub/mine.py":            "",
		"sub/1/deep.py":          "",
		"sub/1/2/deep.py":        "",
		"myenv/pyvenv.cfg":       "",
		"myenv/lib/x.py":         "",
		"venv/x.py":              "",
		".venv/x.py":             "",
		"node_modules/p/x.py":    "",
		"lib/site-packages/x.py": "",
		"build/x.py":             "",
		"p/__pycache__/x.py":     "",
		".tox/x.py":              "",
		"conf/ckpt-lsp.toml":     "exclude = ['skipped', '*.tmp.py']",
		"conf/skipped/x.py":      "",
		"conf/build/x.py":        "",
		"conf/x.tmp.py":          "",
	})
	if err := os.Symlink(root, filepath.Join(root, "sub", "loop")); err != nil {
		t.Skip("no symbolic links here:", err)
	}
	want := []string{"a.py", "b.pyw", "conf/build/x.py", "keep.gen.py", "sub/1/2/deep.py", "sub/top.py", "sub/x.gen.py"}
	if got := found(t, root, "."); !slices.Equal(got, want) {
		t.Errorf("found %q\nwant  %q", got, want)
	}
	for name, c := range map[string]struct{ args, want []string }{
		"a directory below":     {[]string{"sub"}, []string{"sub/1/2/deep.py", "sub/top.py", "sub/x.gen.py"}},
		"files as named":        {[]string{"c.txt", "top.py", "venv/x.py"}, []string{"c.txt", "top.py", "venv/x.py"}},
		"an excluded directory": {[]string{"venv"}, []string{"venv/x.py"}},
		"twice":                 {[]string{"sub", "sub/top.py", "sub"}, []string{"sub/1/2/deep.py", "sub/top.py", "sub/x.gen.py"}},
	} {
		if got := found(t, root, c.args...); !slices.Equal(got, c.want) {
			t.Errorf("%s: found %q, want %q", name, got, c.want)
		}
	}
}

func TestFilesReportsProblems(t *testing.T) {
	root := tree(t, map[string]string{"a/ckpt-lsp.toml": "x = 1", "a/b/x.py": "", "a/y.py": ""})
	_, problems, configErrors := testWorkspace(root).Files(t.Context(), []string{filepath.Join(root, "none.py"), root})
	if len(problems) != 1 || !problems[0].Fatal || !strings.Contains(problems[0].Message, "no such file") {
		t.Errorf("problems %v", problems)
	}
	if len(configErrors) != 1 {
		t.Errorf("configuration errors %v, want one for the one broken file", configErrors)
	}
}

func TestPatterns(t *testing.T) {
	for _, c := range []struct {
		pattern, path string
		isDir         bool
		want          verdict
	}{
		{"*.py", "a/b.py", false, leaveOut},
		{"/*.py", "a/b.py", false, silent},
		{"a/b.py", "a/b.py", false, leaveOut},
		{"a/b.py", "x/a/b.py", false, silent},
		{"**/b.py", "x/y/b.py", false, leaveOut},
		{"a/**", "a/x/y.py", false, leaveOut},
		{"a/**/z.py", "a/z.py", false, leaveOut},
		{"dir/", "dir", false, silent},
		{"dir/", "x/dir", true, leaveOut},
		{"[ab].py", "a.py", false, leaveOut},
		{"[!ab].py", "a.py", false, silent},
		{"a?.py", "ab.py", false, leaveOut},
		{"{a,b}.py", "a.py", false, silent},
		{"!a.py", "a.py", false, keep},
		{`\!a.py`, "!a.py", false, leaveOut},
		{"[", "[", false, silent},
		{"", "a", false, silent},
		{"./a.py", "a.py", false, leaveOut},
	} {
		p := newPatterns("/r", []string{c.pattern})
		if got := p.of("/r/"+c.path, c.isDir); got != c.want {
			t.Errorf("%q says %d of %s, want %d", c.pattern, got, c.path, c.want)
		}
	}
}

func TestNotebooksAreFound(t *testing.T) {
	root := tree(t, map[string]string{
		"a.ipynb":                               `{"nbformat": 4, "cells": [], "metadata": {"kernelspec": {"language": "python"}}}`,
		"torn.ipynb":                            `{"nbformat": 4`, // a problem to be told
		"r.ipynb":                               `{"nbformat": 4, "cells": [], "metadata": {"language_info": {"name": "R"}}}`,
		"old.ipynb":                             `{"nbformat": 3, "metadata": {"language": "R"}, "worksheets": []}`,
		"legacy.ipynb":                          `{"nbformat": 4, "cells": []}`,
		".ipynb_checkpoints/a-checkpoint.ipynb": `{"nbformat": 4, "cells": []}`,
		".gitignore":                            "legacy.ipynb\n",
		".git/HEAD":                             "",
	})
	if got, want := found(t, root, "."), []string{"a.ipynb", "old.ipynb", "torn.ipynb"}; !slices.Equal(got, want) {
		t.Errorf("found %v, want %v", got, want)
	}
	if got := found(t, root, "r.ipynb"); len(got) != 1 {
		t.Errorf("a notebook that is named is left out")
	}
}

func TestDirectories(t *testing.T) {
	root := tree(t, map[string]string{"repo/.git/": "", "repo/a/src/x.py": "", "repo/a/build/y.py": "", "repo/a/empty/": "", "bare/src/x.py": ""})
	w := testWorkspace(root)
	for args, want := range map[string]string{
		"repo/a":          "repo/a repo/a/empty repo/a/src | repo",
		"repo/a/src/x.py": "repo/a/src | repo repo/a",
		"repo":            "repo repo/a repo/a/empty repo/a/src |",
		"bare":            "bare bare/src |",
		"bare/src/x.py":   "bare/src |",
	} {
		within, above := w.Directories(t.Context(), []string{filepath.Join(root, args)})
		var said []string
		for _, list := range [][]string{within, above} {
			for _, dir := range list {
				rel, _ := filepath.Rel(root, dir)
				said = append(said, filepath.ToSlash(rel))
			}
			if len(said) == len(within) && !slices.Contains(said, "|") {
				said = append(said, "|")
			}
		}
		if got := strings.Join(said, " "); got != want {
			t.Errorf("%s: %q, want %q", args, got, want)
		}
	}
}

// TestFilesWithin holds that discovery looks at no more than its bounds allow, and ends with its context.
func TestFilesWithin(t *testing.T) {
	root := tree(t, map[string]string{"a.py": "12345", "b.py": "12345", "sub/c.py": "12345", "sub/data.bin": "123456789", "sub/more.bin": ""})
	all := Bounds{Files: 3, Bytes: 15, Names: 6}
	for name, c := range map[string]struct {
		bounds   Bounds
		exceeded bool
	}{
		"all":   {all, false},
		"files": {Bounds{all.Files - 1, all.Bytes, all.Names}, true},
		"bytes": {Bounds{all.Files, all.Bytes - 1, all.Names}, true},
		"names": {Bounds{all.Files, all.Bytes, all.Names - 1}, true},
	} {
		found, exceeded := testWorkspace(root).FilesWithin(t.Context(), c.bounds)
		if exceeded != c.exceeded || !exceeded && len(found) != 3 || exceeded && len(found) > 2 {
			t.Errorf("%s: %v, exceeded %v", name, found, exceeded)
		}
	}
	ended, end := context.WithCancel(t.Context())
	end()
	if found, _, _ := testWorkspace(root).Files(ended, []string{root}); len(found) > 0 {
		t.Errorf("found after the end: %v", found)
	}
}
