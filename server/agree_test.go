package server

import (
	"fmt"
	"maps"
	"path/filepath"
	"reflect"
	"slices"
	"testing"

	"github.com/ckpt-lsp/ckpt-lsp/diagnostics"
	"github.com/ckpt-lsp/ckpt-lsp/internal/docs"
	"github.com/ckpt-lsp/ckpt-lsp/internal/litest"
	"github.com/ckpt-lsp/ckpt-lsp/internal/project"
	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
	"github.com/ckpt-lsp/ckpt-lsp/internal/text"
)

// TestEditorAndTerminalAgree opens the example of every rule: the findings are those of check, each fix leaves Python, and
// fixing all leaves nothing to fix.
func TestEditorAndTerminalAgree(t *testing.T) {
	everything := between(at(0, 0), at(1<<20, 0))
	workspace := project.NewWorkspace("/nowhere")
	for _, rule := range diagnostics.Product.Rules() {
		sections := docs.Sections(rule)
		for _, s := range sections {
			for i, code := range s.Code {
				t.Run(fmt.Sprintf("%s/%s/%d", rule.Code, s.Title, i), func(t *testing.T) {
					const uri = "file:///nowhere/train.py"
					c := start(t, nil)
					got := c.open(uri, code).Diagnostics
					want := workspace.Analyze("/nowhere/train.py", text.NewSource([]byte(code)), nil).Diagnostics
					if len(got) != len(want) {
						t.Fatalf("%d findings, check has %d", len(got), len(want))
					}
					lines := text.NewLineIndex([]byte(code))
					for i, x := range want {
						line, character := lines.Position(x.Span.Start, text.UTF16)
						if got[i].Code != x.Rule.Code || got[i].Range.Start != (place{line, character}) {
							t.Errorf("%+v, check has %s at %d:%d", got[i], x.Rule.Code, line, character)
						}
					}
					for _, a := range c.actions(uri, everything, m{}) {
						if a.Edit == nil {
							continue
						}
						if tree, err := pyast.Parse([]byte(a.apply(t, uri, code))); err != nil || tree.HasErrors() {
							t.Errorf("%q leaves %s", a.Title, a.apply(t, uri, code))
						}
					}
					only := m{"only": []string{"source.fixAll.ckpt-lsp"}}
					for _, a := range c.actions(uri, everything, only) {
						fixed := a.apply(t, uri, code)
						c.change(uri, 2, m{"text": fixed})
						if again := c.actions(uri, everything, only); len(again) > 0 {
							t.Errorf("fixing all leaves something to fix in\n%s", fixed)
						}
					}
				})
			}
		}
	}
}

// projects are the examples of the rules that consist of several files, by rule and name: the files' texts by path.
func projects(t *testing.T) map[string]map[string]string {
	t.Helper()
	out := map[string]map[string]string{}
	for _, rule := range diagnostics.Product.Rules() {
		examples, err := litest.Parse(filepath.Join("../testdata/rules", rule.Code+".md"), rule.Code)
		if err != nil {
			continue // a rule for tests
		}
		for _, e := range examples {
			if e.Project == "" {
				continue
			}
			name := rule.Code + "/" + e.Project
			if out[name] == nil {
				out[name] = map[string]string{}
			}
			out[name][e.File] = e.Source
			if e.Config != "" {
				out[name]["ckpt-lsp.toml"] = e.Config
			}
		}
	}
	if len(out) == 0 {
		t.Fatal("no examples of several files")
	}
	return out
}

// TestEditorAndTerminalAgreeAcrossFiles opens the files of every example that has several: each alone, and all, where the disk
// holds something else than the buffers. What the editor shows is what check finds in the workspace.
func TestEditorAndTerminalAgreeAcrossFiles(t *testing.T) {
	for name, files := range projects(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newTree(t, files)
			want := f.checked(t)
			python := slices.DeleteFunc(slices.Sorted(maps.Keys(files)), func(name string) bool { return filepath.Ext(name) != ".py" })
			agree := func(c *client, opened []string) {
				t.Helper()
				c.settle()
				for _, name := range opened {
					history := c.history(f.uri(name))
					got := map[string][]place{}
					for _, x := range history[len(history)-1].Diagnostics {
						key := f.uri(name) + " " + x.Code
						got[key] = append(got[key], x.Range.Start)
					}
					for key, places := range want {
						if len(key) > len(f.uri(name)) && key[:len(f.uri(name))+1] == f.uri(name)+" " && !reflect.DeepEqual(got[key], places) {
							t.Errorf("%v open: %s at %v, check has %v", opened, key, got[key], places)
						}
					}
					for key, places := range got {
						if want[key] == nil {
							t.Errorf("%v open: %s at %v, check has none", opened, key, places)
						}
					}
				}
			}
			for _, name := range python {
				c := f.start(t)
				c.show(f.uri(name), files[name])
				agree(c, []string{name})
			}
			// Nothing is on the disk but in the buffers.
			for _, name := range python {
				f.write(t, name, "import torch\n")
			}
			c := f.start(t)
			for _, name := range python {
				c.show(f.uri(name), files[name])
			}
			agree(c, python)
		})
	}
}
