package server

import (
	"fmt"
	"testing"

	"github.com/ckpt-lsp/ckpt-lsp/diagnostics"
	"github.com/ckpt-lsp/ckpt-lsp/internal/docs"
	"github.com/ckpt-lsp/ckpt-lsp/internal/project"
	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
	"github.com/ckpt-lsp/ckpt-lsp/internal/text"
)

// TestEditorAndTerminalAgree opens the example of every rule: the findings are those of check, each fix leaves Python, and
// fixing all leaves nothing to fix.
func TestEditorAndTerminalAgree(t *testing.T) {
	everything := between(at(0, 0), at(1<<20, 0))
	workspace := project.NewWorkspace("/work")
	for _, rule := range diagnostics.Rules() {
		sections := docs.Sections(rule)
		for _, s := range sections {
			for i, code := range s.Code {
				t.Run(fmt.Sprintf("%s/%s/%d", rule.Code, s.Title, i), func(t *testing.T) {
					const uri = "file:///work/train.py"
					c := start(t, nil)
					got := c.open(uri, code).Diagnostics
					want := workspace.Analyze("/work/train.py", text.NewSource([]byte(code)), nil).Diagnostics
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
