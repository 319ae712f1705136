package server

import (
	"slices"
	"strings"
	"testing"

	"github.com/ckpt-lsp/ckpt-lsp/internal/text"
)

// action is LSP's CodeAction as far as tests read it.
type action struct {
	Title       string
	Kind        string
	IsPreferred bool
	Diagnostics []finding
	Command     struct {
		Command   string
		Arguments []any
	}
	Edit *edit
}

type edit struct {
	Changes         map[string][]textEdit
	DocumentChanges []struct {
		TextDocument struct {
			URI     string
			Version *int
		}
		Edits []textEdit
	}
}

type textEdit struct {
	Range   span
	NewText string
}

// apply gives a text after the action, as a client that counts in UTF-16 makes it.
func (a action) apply(t *testing.T, uri, before string) string {
	t.Helper()
	if a.Edit == nil {
		t.Fatalf("%q has no edit", a.Title)
	}
	edits := a.Edit.Changes[uri]
	for _, d := range a.Edit.DocumentChanges {
		edits = append(edits, d.Edits...)
	}
	return withEdits(t, before, edits, text.UTF16)
}

// withEdits is a text with edits made, as a client that counts in these units does.
func withEdits(t testing.TB, before string, edits []textEdit, units text.Encoding) string {
	t.Helper()
	lines := text.NewLineIndex([]byte(before))
	var out []text.Edit
	for _, e := range edits {
		offset := func(p place) int { return lines.Offset(p.Line, p.Character, units) }
		out = append(out, text.Edit{Span: text.Span{Start: offset(e.Range.Start), End: offset(e.Range.End)}, New: e.NewText})
	}
	after, err := text.Apply([]byte(before), out)
	if err != nil {
		t.Fatal(err)
	}
	return string(after)
}

func (c *client) actions(uri string, r m, context m) []action {
	c.t.Helper()
	if context["diagnostics"] == nil {
		context["diagnostics"] = []any{}
	}
	return result[[]action](c, "textDocument/codeAction", m{"textDocument": m{"uri": uri}, "range": r, "context": context})
}

func titles(actions []action) string {
	var out []string
	for _, a := range actions {
		out = append(out, a.Title)
	}
	return strings.Join(out, "; ")
}

const (
	buggy    = "file:///nowhere/a.py"
	bugText  = "import torch\n# 😀\n'😀', BUG < 1\nODD = BUG\n"
	onBug    = "Fix the bug; Suppress bug-name on this line; Suppress bug-name in this file; Show documentation of CKP901"
	fixAll   = "Fix all that ckpt-lsp can fix safely"
	lastLine = 3
)

func TestCodeActionsByRange(t *testing.T) {
	c := start(t, nil)
	c.open(buggy, bugText)
	on := strings.Replace
	rest := strings.TrimPrefix(onBug, "Fix the bug; ")
	odd := on(onBug, "Fix the bug", "Make it even (it may be wanted)", 1)
	for name, test := range map[string]struct {
		r       m
		context m
		want    string
	}{
		"cursor on it":             {between(at(2, 7), at(2, 7)), m{}, onBug},
		"cursor behind it":         {between(at(2, 9), at(2, 9)), m{}, onBug},
		"cursor on another":        {between(at(lastLine, 0), at(lastLine, 0)), m{}, odd},
		"elsewhere":                {between(at(0, 0), at(1, 5)), m{}, ""},
		"a selection around it":    {between(at(2, 0), at(3, 0)), m{}, onBug},
		"two statements":           {between(at(2, 0), at(lastLine, 3)), m{}, "Fix the bug; Make it even (it may be wanted); " + rest + "; " + rest},
		"up to it":                 {between(at(2, 0), at(2, 6)), m{}, ""},
		"beyond the text":          {between(at(77, 0), at(88, 1)), m{}, ""},
		"only quickfix":            {between(at(2, 7), at(2, 7)), m{"only": []string{"quickfix"}}, onBug},
		"only what it has not":     {between(at(2, 7), at(2, 7)), m{"only": []string{"refactor", "quickfix.other", "source.organizeImports"}}, ""},
		"only source":              {between(at(0, 0), at(0, 0)), m{"only": []string{"source"}}, fixAll},
		"only source.fixAll":       {between(at(0, 0), at(0, 0)), m{"only": []string{"source.fixAll"}}, fixAll},
		"only our fixAll":          {between(at(0, 0), at(0, 0)), m{"only": []string{"source.fixAll.ckpt-lsp"}}, fixAll},
		"only another's fixAll":    {between(at(0, 0), at(0, 0)), m{"only": []string{"source.fixAll.ruff"}}, ""},
		"only a part of the word":  {between(at(0, 0), at(0, 0)), m{"only": []string{"source.fix"}}, ""},
		"only everything":          {between(at(2, 7), at(2, 7)), m{"only": []string{""}}, onBug + "; " + fixAll},
		"both":                     {between(at(2, 7), at(2, 7)), m{"only": []string{"source.fixAll", "quickfix"}}, onBug + "; " + fixAll},
		"what the client names":    {between(at(2, 0), at(2, 0)), m{"diagnostics": []any{named(at(2, 6), at(2, 9), "CKP901")}}, onBug},
		"what another server says": {between(at(2, 0), at(2, 0)), m{"diagnostics": []any{named(at(2, 6), at(2, 9), "F821")}}, ""},
	} {
		if got := titles(c.actions(buggy, test.r, test.context)); got != test.want {
			t.Errorf("%s: %q, want %q", name, got, test.want)
		}
	}
	if got := c.actions("file:///nowhere/not-open.py", between(at(0, 0), at(9, 0)), m{}); len(got) != 0 {
		t.Errorf("a document that is not open: %+v", got)
	}
}

func named(start, end m, code string) m {
	return m{"range": between(start, end), "code": code, "source": "x", "message": "x"}
}

func TestCodeActionsDo(t *testing.T) {
	for name, versioned := range map[string]bool{"changes": false, "documentChanges": true} {
		t.Run(name, func(t *testing.T) {
			c := start(t, m{"workspace": m{"workspaceEdit": m{"documentChanges": versioned}}})
			c.open(buggy, bugText)
			got := c.actions(buggy, between(at(2, 7), at(2, 7)), m{})
			if len(got) != 4 {
				t.Fatalf("%s", titles(got))
			}
			for i, want := range []string{
				strings.Replace(bugText, "BUG", "True", 1),
				strings.Replace(bugText, "< 1\n", "< 1  # ckpt-lsp: ignore[bug-name]\n", 1),
				"# ckpt-lsp: ignore-file[bug-name]\n" + bugText,
			} {
				if after := got[i].apply(t, buggy, bugText); after != want {
					t.Errorf("%s gives %q, want %q", got[i].Title, after, want)
				}
				if got[i].Kind != "quickfix" || len(got[i].Diagnostics) != 1 || got[i].IsPreferred != (i == 0) {
					t.Errorf("%+v", got[i])
				}
				if _, plain := got[i].Edit.Changes[buggy]; plain == versioned {
					t.Errorf("%s: %+v", got[i].Title, got[i].Edit)
				}
				if versioned && *got[i].Edit.DocumentChanges[0].TextDocument.Version != 1 {
					t.Errorf("%s: wrong version", got[i].Title)
				}
			}
			if doc := got[3]; doc.Edit != nil || doc.Command.Command != showDocumentation || !slices.Equal(doc.Command.Arguments, []any{"CKP901"}) {
				t.Errorf("%+v", doc)
			}
			all := c.actions(buggy, between(at(0, 0), at(0, 0)), m{"only": []string{"source.fixAll"}})
			if want := strings.ReplaceAll(bugText, "BUG", "True"); len(all) != 1 || all[0].Kind != "source.fixAll.ckpt-lsp" || all[0].apply(t, buggy, bugText) != want {
				t.Errorf("fix all: %+v", all)
			}
		})
	}
}

// TestCodeActionsUseTheSnapshotOfTheirTime asks, changes, and asks again without waiting.
func TestCodeActionsUseTheSnapshotOfTheirTime(t *testing.T) {
	c := start(t, nil)
	c.open(buggy, bugText)
	params := m{"textDocument": m{"uri": buggy}, "range": between(at(0, 0), at(9, 0)), "context": m{"diagnostics": []any{}, "only": []string{"source.fixAll"}}}
	before := c.request("textDocument/codeAction", params)
	c.change(buggy, 2, m{"text": "import torch\n"})
	after := c.request("textDocument/codeAction", params)
	if got := decode[[]action](t, c.response(before).Result); titles(got) != fixAll {
		t.Errorf("before: %s", titles(got))
	}
	if got := decode[[]action](t, c.response(after).Result); len(got) != 0 {
		t.Errorf("after: %s", titles(got))
	}
}

func TestResolveGivesTheActionBack(t *testing.T) {
	c := start(t, nil)
	c.open(buggy, bugText)
	all := result[[]any](c, "textDocument/codeAction", m{"textDocument": m{"uri": buggy}, "range": between(at(2, 7), at(2, 7)), "context": m{"diagnostics": []any{}}})
	for _, a := range all {
		r := c.call("codeAction/resolve", a)
		before, after := decode[action](t, encode(t, a)), decode[action](t, r.Result)
		if before.Title != after.Title || (before.Edit == nil) != (after.Edit == nil) || before.Command.Command != after.Command.Command {
			t.Errorf("%+v became %+v", before, after)
		}
	}
}

// TestAFixThatMakesWayForMoreIsNotSafe asks for one that leaves more errors than there were.
func TestAFixThatMakesWayForMoreIsNotSafe(t *testing.T) {
	const uri, src = "file:///nowhere/worse.py", "import torch\nBUG = 1\nx = WORSE\n"
	on := between(at(2, 4), at(2, 4))
	for name, capabilities := range map[string]m{"at once": nil, "when it is chosen": lazy} {
		c := start(t, capabilities)
		c.open(uri, src)
		got := c.rawActions(uri, on)
		if len(got) == 0 || got[0]["title"] != "Double it (CKP901 bug-name follows)" || got[0]["isPreferred"] != nil {
			t.Fatalf("%s: %v", name, got)
		}
		if r := c.call("codeAction/resolve", got[0]); r.Error != nil || decode[action](t, r.Result).apply(t, uri, src) != "import torch\nBUG = 1\nx = BUG, BUG\n" {
			t.Errorf("%s: %+v", name, r)
		}
		for _, a := range c.rawActions(uri, on, "source.fixAll") {
			if r := c.call("codeAction/resolve", a); r.Error == nil && !strings.Contains(decode[action](t, r.Result).apply(t, uri, src), "WORSE") {
				t.Errorf("%s: all safe fixes: %+v", name, r)
			}
		}
	}
}
