package server

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	"go.lsp.dev/jsonrpc2"
	"go.lsp.dev/protocol"

	_ "github.com/ckpt-lsp/ckpt-lsp/diagnostics/rules"
)

// lazy are the capabilities of a client that asks for edits when an action is chosen, and shows what cannot be made.
var lazy = m{
	"workspace":    m{"workspaceEdit": m{"documentChanges": true}},
	"textDocument": m{"codeAction": m{"dataSupport": true, "disabledSupport": true, "resolveSupport": m{"properties": []string{"edit"}}}},
}

// raw are actions as the client keeps them.
func (c *client) rawActions(uri string, r m, only ...string) []m {
	c.t.Helper()
	context := m{"diagnostics": []any{}}
	if len(only) > 0 {
		context["only"] = only
	}
	return result[[]m](c, "textDocument/codeAction", m{"textDocument": m{"uri": uri}, "range": r, "context": context})
}

// TestEditsComeWhenAnActionIsChosen holds that a resolved action has the edit that another client is handed at once.
func TestEditsComeWhenAnActionIsChosen(t *testing.T) {
	eager, c := start(t, m{"workspace": lazy["workspace"]}), start(t, lazy)
	eager.open(buggy, bugText)
	c.open(buggy, bugText)
	for _, only := range [][]string{nil, {"source.fixAll"}} {
		on := between(at(2, 7), at(2, 7))
		inline, offered := eager.rawActions(buggy, on, only...), c.rawActions(buggy, on, only...)
		if len(offered) == 0 || len(inline) != len(offered) {
			t.Fatalf("%v, inline %v", offered, inline)
		}
		for i, a := range offered {
			if (a["edit"] != nil) != strings.HasPrefix(a["title"].(string), "Suppress ") {
				t.Errorf("%s has its edit already, or not yet", a["title"])
			}
			r := c.call("codeAction/resolve", a)
			if r.Error != nil {
				t.Errorf("%s: %v", a["title"], r.Error)
				continue
			}
			if got, want := encode(t, decode[m](t, r.Result)["edit"]), encode(t, inline[i]["edit"]); string(got) != string(want) || (a["command"] == nil) == (string(got) == "null") {
				t.Errorf("%s: %s, inline %s", a["title"], got, want)
			}
		}
	}
}

func TestAnActionOfAnotherVersionIsRefused(t *testing.T) {
	c := start(t, lazy)
	c.open(buggy, bugText)
	actions := c.rawActions(buggy, between(at(2, 7), at(2, 7)))
	c.change(buggy, 2, m{"text": bugText + "\n"})
	c.published(buggy, 2)
	refused := 0
	for _, a := range actions {
		if a["data"] == nil {
			continue
		}
		if r := c.call("codeAction/resolve", a); r.Error == nil || r.Error.Code != protocol.CodeContentModified {
			t.Errorf("%s: %+v", a["title"], r)
		}
		refused++
	}
	if refused == 0 {
		t.Error("nothing is resolved later")
	}
}

// TestLyingDataIsRefused resolves with data that the server did not give.
func TestLyingDataIsRefused(t *testing.T) {
	c := start(t, lazy)
	c.open(buggy, bugText)
	data := c.rawActions(buggy, between(at(2, 7), at(2, 7)))[0]["data"].(m)
	lie := func(key string, value any) m {
		out := maps.Clone(data)
		out[key] = value
		return out
	}
	far := between(at(1<<31-1, 1<<31-1), at(0, 1<<31-1))
	for name, x := range map[string]struct {
		data any
		want jsonrpc2.Code
	}{
		"a number":              {5, jsonrpc2.InvalidParams},
		"a string":              {"x", jsonrpc2.InvalidParams},
		"a list":                {[]any{data}, jsonrpc2.InvalidParams},
		"a version of text":     {lie("version", "1"), jsonrpc2.InvalidParams},
		"a huge version":        {lie("version", json.Number("99999999999999999999")), jsonrpc2.InvalidParams},
		"a list of URIs":        {lie("uri", []string{buggy}), jsonrpc2.InvalidParams},
		"a range of text":       {lie("range", "all"), jsonrpc2.InvalidParams},
		"a range below nothing": {lie("range", between(at(-1, -1), at(0, 0))), jsonrpc2.InvalidParams},
		"nothing in it":         {m{}, protocol.CodeContentModified},
		"a negative version":    {lie("version", -1), protocol.CodeContentModified},
		"another document":      {lie("uri", "file:///nowhere/b.py"), protocol.CodeContentModified},
		"no URI":                {lie("uri", "\x00 ://%"), protocol.CodeContentModified},
		"another title":         {lie("title", "Delete everything"), protocol.CodeContentModified},
		"another kind":          {lie("kind", "source.organizeImports"), protocol.CodeContentModified},
		"far away":              {lie("range", far), protocol.CodeContentModified},
	} {
		r := c.call("codeAction/resolve", m{"title": "x", "kind": "quickfix", "data": x.data})
		if r.Error == nil || r.Error.Code != x.want {
			t.Errorf("%s: %+v, want code %d", name, r, x.want)
		}
	}
	if got := c.rawActions(buggy, between(at(2, 7), at(2, 7))); len(got) == 0 {
		t.Error("the server is not what it was")
	}
}

const (
	quietURI = "file:///nowhere/quiet.py"
	// quietText is a checkpoint whose findings are all silenced.
	quietText = `# ckpt-lsp: ignore-file
import torch
from model import Net, loader

model = Net()
optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
checkpoint = torch.load("last.pt", map_location="cpu", weights_only=True)
model.load_state_dict(checkpoint["model"])
for epoch in range(checkpoint["epoch"] + 1, 100):
    for x, y in loader:
        optimizer.zero_grad()
        model(x).loss(y).backward()
        optimizer.step()
    torch.save({"epoch": epoch, "model": model.state_dict()}, "last.pt")
`
)

// TestRewritesNeedNoFinding asks on a save of which nothing is reported.
func TestRewritesNeedNoFinding(t *testing.T) {
	on := between(at(13, 10), at(13, 10))
	c := start(t, lazy)
	if found := c.open(quietURI, quietText).Diagnostics; len(found) > 0 {
		t.Fatalf("%+v", found)
	}
	say := func(actions []m) (out []string) {
		for _, a := range actions {
			said := a["title"].(string) + " " + a["kind"].(string)
			if d, ok := a["disabled"].(m); ok {
				said += ": " + d["reason"].(string)
			}
			out = append(out, said)
		}
		return out
	}
	complete := "Complete this checkpoint (a resumed run then draws different numbers) refactor.rewrite"
	carry := []string{
		"Write the format and torch version (programs that read the file may not expect other keys) refactor.rewrite",
		"Also save the weights as safetensors (it needs the package safetensors, and a second file) refactor.rewrite",
	}
	if got := say(c.rawActions(quietURI, on)); !slices.Equal(got, append([]string{complete}, carry...)) {
		t.Errorf("in a menu: %q", got)
	}
	rank := "Save on rank 0, with a barrier refactor.rewrite: Nothing shows that several processes make this save."
	asked := c.rawActions(quietURI, on, "refactor.rewrite")
	if got := say(asked); !slices.Equal(got, append([]string{complete, rank}, carry...)) {
		t.Errorf("asked for: %q", got)
	}
	after := decode[action](t, c.call("codeAction/resolve", asked[0]).Result).apply(t, quietURI, quietText)
	for _, want := range []string{`"optimizer": optimizer.state_dict()`, `"rng_state": torch.get_rng_state()`, `optimizer.load_state_dict(checkpoint["optimizer"])`, "torch.set_rng_state("} {
		if !strings.Contains(after, want) {
			t.Errorf("no %s in\n%s", want, after)
		}
	}
	if got := c.rawActions(quietURI, between(at(5, 0), at(5, 0)), "refactor"); len(got) > 0 {
		t.Errorf("elsewhere: %q", say(got))
	}

	plain := start(t, nil) // shows nothing that cannot be made, and gets edits at once
	plain.open(quietURI, quietText)
	if got := plain.actions(quietURI, on, m{"only": []string{"refactor.rewrite"}}); len(got) != 3 || slices.ContainsFunc(got, func(a action) bool { return a.Edit == nil }) {
		t.Errorf("%+v", got)
	}
}
