package docs

import (
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/ckpt-lsp/ckpt-lsp/diagnostics"
)

// TestEveryRuleIsDocumented holds each rule to the form that DESIGN asks of it.
func TestEveryRuleIsDocumented(t *testing.T) {
	codes, names := map[string]bool{}, map[string]bool{}
	for _, r := range diagnostics.Product.Rules() {
		if codes[r.Code] || names[r.Name] {
			t.Errorf("%s %s: code or name is taken", r.Code, r.Name)
		}
		codes[r.Code], names[r.Name] = true, true
		if r.Summary == "" || strings.HasSuffix(r.Summary, ".") || r.Since == "" || r.Run == nil {
			t.Errorf("%s: summary without full stop, since and run are needed: %+v", r.Code, r)
		}
		want := strings.ToLower(r.Code) + "_" + strings.ReplaceAll(r.Name, "-", "_") + ".go"
		if got := File(r); got != want {
			t.Errorf("%s is in %q, want %q, with a doc comment above diagnostics.Register", r.Code, got, want)
			continue
		}
		var titles []string
		for _, s := range Sections(r) {
			if s.Title != Limits {
				titles = append(titles, s.Title)
			}
			if s.Markdown == "" {
				t.Errorf("%s: section %q is empty", r.Code, s.Title)
			}
			if code := s.Title == "Example" || s.Title == "Use instead"; code && len(s.Code) == 0 {
				t.Errorf("%s: section %q has no code (lines that begin with a tab)", r.Code, s.Title)
			}
		}
		if !slices.Equal(titles, Titles) {
			t.Errorf("%s has the sections %q, want %q", r.Code, titles, Titles)
		}
	}
}

const source = `package rules

// Other is no rule.
var Other = 1

// # What it does
//
// Reports _this_ and ` + "`that`" + `:
//   - one
//   - two
//
// # Example
//
// Before:
//
//	a = 1
//
//	if a:
//	    b = 2
//
// After, then
//
//	c = 3
var _ = diagnostics.Register(&diagnostics.Rule{
	Name: "x-y", Code: "CKP999",
	Run: func(p *diagnostics.Pass) { _ = T{Code: "CKP000"} },
})
`

func TestRead(t *testing.T) {
	pages, err := read(fstest.MapFS{"ckp999_x_y.go": {Data: []byte(source)}, "doc.go": {Data: []byte("package rules")}})
	if err != nil || len(pages) != 1 {
		t.Fatalf("pages %v, error %v", pages, err)
	}
	p := pages["CKP999"]
	if p.file != "ckp999_x_y.go" || len(p.sections) != 2 {
		t.Fatalf("page %+v", p)
	}
	if want := "Reports _this_ and `that`:\n  - one\n  - two"; p.sections[0].Markdown != want {
		t.Errorf("markdown %q, want %q", p.sections[0].Markdown, want)
	}
	s := p.sections[1]
	if want := []string{"a = 1\n\nif a:\n    b = 2\n", "c = 3\n"}; !slices.Equal(s.Code, want) {
		t.Errorf("code %q, want %q", s.Code, want)
	}
	if want := "Before:\n\n```python\na = 1\n\nif a:\n    b = 2\n```\n\nAfter, then\n\n```python\nc = 3\n```"; s.Markdown != want {
		t.Errorf("markdown %q, want %q", s.Markdown, want)
	}
}

func TestReadRefusesBrokenSource(t *testing.T) {
	if _, err := read(fstest.MapFS{"a.go": {Data: []byte("package")}}); err == nil {
		t.Error("no error")
	}
}

func TestPage(t *testing.T) {
	page := Page(diagnostics.Product.Lookup("CKP001"))
	for _, want := range []string{"# unused-suppression (CKP001)\n", "Severity: hint. Fix: safe.", "\n## Why it matters\n", "```python\nimport torch\n"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q:\n%s", want, page)
		}
	}
}
