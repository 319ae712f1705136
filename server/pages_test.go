package server

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var describes = m{"textDocument": m{"publishDiagnostics": m{"codeDescriptionSupport": true}}}

// pageOf is the file of the page that a finding's code leads to.
func pageOf(t *testing.T, f finding) string {
	t.Helper()
	path, isFile := strings.CutPrefix(f.Description.Href, "file://")
	if !isFile {
		t.Fatalf("the code leads to %q", f.Description.Href)
	}
	return path
}

func TestCodesLeadToPagesOffline(t *testing.T) {
	c := start(t, describes)
	cache := c.session.pages.cache
	if files, err := filepath.Glob(filepath.Join(cache, "*")); err != nil || len(files) > 0 {
		t.Fatalf("written before anything is reported: %v %v", files, err)
	}
	found := c.open(buggy, bugText).Diagnostics
	path := pageOf(t, found[0])
	page, err := os.ReadFile(path)
	if err != nil || !strings.HasPrefix(string(page), "# bug-name (CKP901)") || !strings.HasPrefix(path, cache) || filepath.Base(path) != "CKP901.md" {
		t.Errorf("%s: %s %v", path, page, err)
	}
	if files, err := filepath.Glob(filepath.Join(filepath.Dir(path), "*")); err != nil || len(files) != 1 {
		t.Errorf("more than what is reported: %v %v", files, err)
	}
	c.in.Close()
	c.exits(1)
	if _, err := os.Stat(path); err != nil {
		t.Errorf("the link does not outlast the session: %v", err)
	}

	// Another session finds the page, and mends one that is spoilt.
	if err := os.WriteFile(path, []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	again := start(t, describes, func(s *session) { s.pages.cache = cache })
	if got := pageOf(t, again.open(buggy, bugText).Diagnostics[0]); got != path {
		t.Errorf("%s, then %s", path, got)
	}
	if now, err := os.ReadFile(path); err != nil || string(now) != string(page) {
		t.Errorf("%s %v", now, err)
	}
}

func TestCodesLeadNowhereUnasked(t *testing.T) {
	c := start(t, nil)
	if got := c.open(buggy, bugText).Diagnostics[0].Description.Href; got != "" {
		t.Errorf("%s", got)
	}
	if files, err := os.ReadDir(c.session.pages.cache); err != nil || len(files) > 0 {
		t.Errorf("%v %v", files, err)
	}
}

// TestPagesWithoutACache has the cache where no directory can be: below a file.
func TestPagesWithoutACache(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	c := start(t, describes, func(s *session) { s.pages.cache = file })
	path := pageOf(t, c.open(buggy, bugText).Diagnostics[0])
	if page, err := os.ReadFile(path); err != nil || !strings.HasPrefix(string(page), "# bug-name") {
		t.Errorf("%s %v", page, err)
	}
	c.in.Close()
	c.exits(1)
	if _, err := os.Stat(filepath.Dir(path)); !os.IsNotExist(err) {
		t.Errorf("%s stays behind", path)
	}
}

// TestPagesThatCannotBeWritten leaves the link out.
func TestPagesThatCannotBeWritten(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("TMPDIR", file)
	c := start(t, describes, func(s *session) { s.pages.cache = file })
	if got := c.open(buggy, bugText).Diagnostics; len(got) != 3 || got[0].Description.Href != "" {
		t.Errorf("%+v", got)
	}
}

func TestTheDocumentationIsThePageOfTheCode(t *testing.T) {
	shown := make(chan string, 1)
	c := connect(t)
	c.answer = func(_ string, params json.RawMessage) any {
		shown <- decode[struct{ URI string }](t, params).URI
		return m{"success": true}
	}
	c.handshake(m{"textDocument": describes["textDocument"], "window": m{"showDocument": m{"support": true}}}, "file:///nowhere")
	href := c.open(buggy, bugText).Diagnostics[0].Description.Href
	if r := c.call("workspace/executeCommand", m{"command": showDocumentation, "arguments": []string{"bug-name"}}); r.Error != nil {
		t.Fatal(r.Error)
	}
	if got := <-shown; got != href {
		t.Errorf("%s, want %s", got, href)
	}
}
