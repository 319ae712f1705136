package server

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.lsp.dev/jsonrpc2"

	"github.com/ckpt-lsp/ckpt-lsp/diagnostics"
	"github.com/ckpt-lsp/ckpt-lsp/internal/docs"
)

type hover struct {
	Contents struct{ Kind, Value string }
	Range    span
}

func (c *client) hover(uri string, line, character int) *hover {
	c.t.Helper()
	return result[*hover](c, "textDocument/hover", m{"textDocument": m{"uri": uri}, "position": at(line, character)})
}

func TestHover(t *testing.T) {
	c := start(t, nil)
	c.open(buggy, bugText+"x = 1  # ckpt-lsp: ignore[CKP901, missing-optimizer-state, CKP1]\n")
	got := c.hover(buggy, 2, 7)
	if got == nil || got.Contents.Kind != "markdown" || got.Range != (span{place{2, 6}, place{2, 9}}) {
		t.Fatalf("%+v", got)
	}
	for _, want := range []string{"CKP901", "bug-name", "error", "This is a bug.", "- step 1"} {
		if !strings.Contains(got.Contents.Value, want) {
			t.Errorf("%q lacks %q", got.Contents.Value, want)
		}
	}
	if got := c.hover(buggy, 0, 2); got != nil {
		t.Errorf("on nothing: %+v", got)
	}
	for character, want := range map[int]string{
		strings.Index("x = 1  # ckpt-lsp: ignore[CKP901", "CKP901") + 2:            "bug-name (CKP901)",
		strings.Index("x = 1  # ckpt-lsp: ignore[CKP901, missing-opt", "miss") + 9: "## Why it matters",
		61: "report nothing here", // CKP1 is no rule, and the comment is needless
	} {
		if got := c.hover(buggy, 4, character); got == nil || !strings.Contains(got.Contents.Value, want) {
			t.Errorf("in the comment at %d: %+v", character, got)
		}
	}
	for _, character := range []int{2, 11, 20} {
		if got := c.hover(buggy, 4, character); got != nil {
			t.Errorf("at %d: %+v", character, got)
		}
	}
}

func TestHoverAsPlainText(t *testing.T) {
	c := start(t, m{"textDocument": m{"hover": m{"contentFormat": []string{"plaintext"}}}})
	c.open(buggy, bugText+"x = 1  # ckpt-lsp: ignore[CKP101]\n")
	got := c.hover(buggy, 2, 7).Contents
	if want := "- CKP901 bug-name (error): This is a bug.\n\n- step 1"; got.Kind != "plaintext" || got.Value != want {
		t.Errorf("%s %q, want %q", got.Kind, got.Value, want)
	}
	got = c.hover(buggy, 4, strings.Index("x = 1  # ckpt-lsp: ignore[CKP101", "CKP101")).Contents
	if got.Kind != "plaintext" || !strings.Contains(got.Value, "\nExample\n\n    import torch") || strings.Contains(got.Value, fence) {
		t.Errorf("%s %s", got.Kind, got.Value)
	}
}

// TestHoverBesideFindings asks as a client that shows the findings itself: they are not said once more.
func TestHoverBesideFindings(t *testing.T) {
	c := connect(t)
	c.call("initialize", m{"processId": nil, "rootUri": nil, "capabilities": m{}, "initializationOptions": m{"showsFindings": true}})
	c.notify("initialized", m{})
	c.open(buggy, bugText)
	if got := c.hover(buggy, 2, 7); got == nil || got.Contents.Value != "- step 1" {
		t.Errorf("%+v", got)
	}
	c.open(quietURI, strings.TrimPrefix(quietText, "# ckpt-lsp: ignore-file\n"))
	if got := c.hover(quietURI, 12, 10); got == nil || !strings.HasPrefix(got.Contents.Value, "**Training checkpoint**: 2 of 4") || strings.Contains(got.Contents.Value, "CKP") {
		t.Errorf("%+v", got)
	}
}

// TestHoversAreReadable holds all pages to what every editor can show: no tables, and no line that ends within a paragraph.
func TestHoversAreReadable(t *testing.T) {
	for _, r := range diagnostics.Product.Rules() {
		code, before := false, ""
		for line := range strings.SplitSeq(flowing(docs.Page(r)), "\n") {
			if strings.HasPrefix(line, fence) {
				code = !code
			} else if !code && strings.HasPrefix(line, "|") {
				t.Errorf("%s has a table: %s", r.Code, line)
			} else if !code && before != "" && line != "" && !strings.HasPrefix(strings.TrimSpace(line), "- ") {
				t.Errorf("%s breaks a paragraph: %s / %s", r.Code, before, line)
			}
			if before = line; code || strings.HasPrefix(line, fence) {
				before = ""
			}
		}
	}
}

// TestHoversOnSavesSayNothingTwice holds the hovers on the saves of the scenarios to what they begin with, and to no sentence that is
// said twice or that the rules' pages say.
func TestHoversOnSavesSayNothingTwice(t *testing.T) {
	why := map[string]bool{}
	for _, r := range diagnostics.Product.Rules() {
		for _, section := range docs.Sections(r) {
			for _, sentence := range sentences(section.Markdown) {
				why[sentence] = true
			}
		}
	}
	files, err := filepath.Glob("../testdata/scenarios/*/train.py")
	if err != nil || len(files) == 0 {
		t.Fatalf("no scenarios: %v", err)
	}
	hovers := 0
	for _, file := range files {
		src, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		c := connect(t, func(s *session) { s.rules = diagnostics.Product })
		c.handshake(nil, "file:///nowhere")
		c.open(buggy, string(src))
		for _, lens := range result[[]struct{ Range span }](c, "textDocument/codeLens", m{"textDocument": m{"uri": buggy}}) {
			got := c.hover(buggy, lens.Range.Start.Line, lens.Range.Start.Character)
			if got == nil || !strings.HasPrefix(got.Contents.Value, "**Training checkpoint**: ") {
				t.Errorf("%s:%d: %+v", file, lens.Range.Start.Line+1, got)
				continue
			}
			hovers++
			said := map[string]bool{}
			for _, sentence := range sentences(got.Contents.Value) {
				if said[sentence] || why[sentence] {
					t.Errorf("%s:%d says twice, or from a page: %s", file, lens.Range.Start.Line+1, sentence)
				}
				said[sentence] = true
			}
		}
	}
	if hovers == 0 {
		t.Error("no scenario saves a training checkpoint")
	}
}

// sentences are those of a Markdown text that are longer than a few words.
func sentences(markdown string) (out []string) {
	for paragraph := range strings.SplitSeq(flowing(markdown), "\n") {
		for sentence := range strings.SplitSeq(strings.TrimRight(paragraph, "."), ". ") {
			if len(strings.Fields(sentence)) > 4 {
				out = append(out, sentence)
			}
		}
	}
	return out
}

func TestShowDocumentation(t *testing.T) {
	run := func(c *client, arguments ...any) message {
		return c.call("workspace/executeCommand", m{"command": showDocumentation, "arguments": arguments})
	}
	t.Run("as a message", func(t *testing.T) {
		c := start(t, nil)
		if r := run(c, "missing-optimizer-state"); r.Error != nil {
			t.Fatalf("%v", r.Error)
		}
		x := c.wait("a message", func(x message) bool { return x.Method == "window/showMessage" })
		if got := decode[struct{ Message string }](t, x.Params); !strings.HasPrefix(got.Message, "# missing-optimizer-state (CKP101)") {
			t.Errorf("%s", got.Message)
		}
	})
	for name, success := range map[string]bool{"as a document": true, "as a message after all": false} {
		t.Run(name, func(t *testing.T) {
			pages := make(chan string, 1)
			c := connect(t)
			c.answer = func(method string, params json.RawMessage) any {
				if method == "window/showDocument" {
					page, err := os.ReadFile(strings.TrimPrefix(decode[struct{ URI string }](t, params).URI, "file://"))
					if err != nil {
						t.Error(err)
					}
					pages <- string(page)
				}
				return m{"success": success}
			}
			c.handshake(m{"window": m{"showDocument": m{"support": true}}}, "file:///nowhere")
			if r := run(c, "CKP101"); r.Error != nil {
				t.Fatalf("%v", r.Error)
			}
			if page := <-pages; !strings.HasPrefix(page, "# missing-optimizer-state (CKP101)") {
				t.Errorf("%s", page)
			}
			if !success {
				c.wait("a message", func(x message) bool { return x.Method == "window/showMessage" })
			}
		})
	}
	t.Run("of several rules, in one page", func(t *testing.T) {
		c := start(t, nil)
		if r := run(c, "CKP101", "missing-scheduler-state"); r.Error != nil {
			t.Fatalf("%v", r.Error)
		}
		x := c.wait("a message", func(x message) bool { return x.Method == "window/showMessage" })
		got := decode[struct{ Message string }](t, x.Params).Message
		if !strings.HasPrefix(got, "# missing-optimizer-state (CKP101)") || !strings.Contains(got, "\n# missing-scheduler-state (CKP102)") {
			t.Errorf("%s", got)
		}
	})
	t.Run("wrongly", func(t *testing.T) {
		c := start(t, nil)
		for _, arguments := range [][]any{{}, {5}, {"CKP000"}, {"CKP101", "CKP000"}} {
			if r := run(c, arguments...); r.Error == nil || r.Error.Code != jsonrpc2.InvalidParams {
				t.Errorf("%v: %+v", arguments, r)
			}
		}
		if r := c.call("workspace/executeCommand", m{"command": "rm"}); r.Error == nil || r.Error.Code != jsonrpc2.InvalidParams {
			t.Errorf("%+v", r)
		}
	})
}

func TestFindingsInTheClientsTerms(t *testing.T) {
	plain := start(t, nil).open(buggy, bugText).Diagnostics
	full := start(t, m{"textDocument": m{"publishDiagnostics": m{"relatedInformation": true, "dataSupport": true, "tagSupport": m{"valueSet": []int{1, 2}}}}}).open(buggy, bugText).Diagnostics
	if len(plain) != 3 || len(full) != 3 {
		t.Fatalf("%+v %+v", plain, full)
	}
	for i, x := range full {
		if plain[i].Tags != nil || plain[i].Related != nil || plain[i].Data != nil {
			t.Errorf("more than the client asked for: %+v", plain[i])
		}
		odd := i == 1
		if x.Code != "CKP901" || x.Source != "ckpt-lsp" || (x.Severity == 4) != odd || (len(x.Tags) == 1) != odd || (len(x.Related) == 1) == odd || x.Data == nil {
			t.Errorf("%d: %+v", i, x)
		}
	}
}

func TestConfigurationIsReadAgain(t *testing.T) {
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	write := func(content string) {
		if err := os.WriteFile(filepath.Join(dir, "ckpt-lsp.toml"), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	uri := "file://" + filepath.ToSlash(dir) + "/a.py"
	c := connect(t)
	c.handshake(nil, "file://"+filepath.ToSlash(dir))
	if got := c.open(uri, bugText); len(got.Diagnostics) != 3 {
		t.Fatalf("%+v", got)
	}
	write(`ignore = ["bug-name"]`)
	c.notify("workspace/didChangeWatchedFiles", m{"changes": []any{m{"uri": "file://" + filepath.ToSlash(dir) + "/b.py", "type": 2}}})
	c.notify("workspace/didChangeWatchedFiles", m{"changes": []any{m{"uri": "file://" + filepath.ToSlash(dir) + "/ckpt-lsp.toml", "type": 1}}})
	if got := c.published(uri, 1); len(got.Diagnostics) != 0 {
		t.Errorf("ignored: %+v", got)
	}
	write(`severity = { bug-name = "information" }`)
	c.notify("workspace/didChangeConfiguration", m{"settings": m{}})
	if got := c.published(uri, 1); len(got.Diagnostics) != 3 || got.Diagnostics[0].Severity != 3 {
		t.Errorf("severity: %+v", got)
	}
	for _, content := range []string{"ignroe = []", `severity = { bug-name = "hint" }`, "ignroe = []"} { // this client does not watch files; it is told of a mistake once
		write(content)
		c.notify("textDocument/didSave", m{"textDocument": m{"uri": uri}})
		if got := c.published(uri, 1); len(got.Diagnostics) != 3 {
			t.Errorf("%s: %+v", content, got)
		}
	}
	x := c.wait("a message", func(x message) bool { return x.Method == "window/showMessage" })
	if got := decode[struct{ Message string }](t, x.Params); !strings.Contains(got.Message, "ckpt-lsp.toml:1:1") || !strings.Contains(got.Message, "ignroe") {
		t.Errorf("%s", got.Message)
	}
	c.call("textDocument/hover", m{"textDocument": m{"uri": uri}, "position": at(0, 0)})
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.inbox) > 0 {
		t.Errorf("unexpected: %s", show(c.inbox))
	}
}
