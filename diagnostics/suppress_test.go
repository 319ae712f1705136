package diagnostics

import (
	"slices"
	"strings"
	"testing"

	"github.com/ckpt-lsp/ckpt-lsp/internal/text"
)

// lines of the findings that Check leaves, each "line code".
func left(t *testing.T, src string) []string {
	t.Helper()
	file := parse(t, src)
	ds, err := Check(file, Options{Rules: rules})
	if err != nil {
		t.Fatal(err)
	}
	out := []string{}
	for _, d := range ds {
		out = append(out, strings.Repeat(" ", text.NewLineIndex([]byte(src)).Line(d.Span.Start))+d.Rule.Code)
	}
	return out
}

func TestSuppression(t *testing.T) {
	for name, c := range map[string]struct {
		src  string
		want []string // a code behind as many blanks as there are lines before it
	}{
		"name":                      {"bad()  # ckpt-lsp: ignore[bad-call] why not\n", nil},
		"code":                      {"bad()  #ckpt-lsp:ignore[ckp801]", nil},
		"family":                    {"bad(worse())  # ckpt-lsp: ignore[CKP8xx]", nil},
		"several":                   {"bad(worse())  # ckpt-lsp: ignore[ worse-call , CKP801 ]", nil},
		"all":                       {"bad(worse())  # ckpt-lsp: ignore[ALL]", nil},
		"bare":                      {"bad(worse())  # ckpt-lsp: ignore", nil},
		"another rule":              {"bad(worse())  # ckpt-lsp: ignore[bad-call]", []string{"CKP802"}},
		"behind other text":         {"bad()  # noqa: E1 # ckpt-lsp: ignore[bad-call] # more", nil},
		"line above":                {"# ckpt-lsp: ignore[bad-call]\nbad()", []string{"CKP001", " CKP801"}},
		"in a string":               {"bad('# ckpt-lsp: ignore')", []string{"CKP801"}},
		"last line of a call":       {"bad(\n  1,\n)  # ckpt-lsp: ignore[bad-call]", nil},
		"end of the statement":      {"x = [\n  bad(),\n  1,\n]  # ckpt-lsp: ignore[bad-call]", nil},
		"middle of a call":          {"bad(\n  1,  # ckpt-lsp: ignore[bad-call]\n)", []string{"CKP801", " CKP001"}},
		"header":                    {"if bad(\n):  # ckpt-lsp: ignore[bad-call]\n    bad()", []string{"  CKP801"}},
		"body, not header":          {"if bad():\n    pass  # ckpt-lsp: ignore[bad-call]\n", []string{"CKP801", " CKP001"}},
		"file":                      {"#!/bin/python\n'''doc'''\n# ckpt-lsp: ignore-file[bad-call]\nimport a\nbad()\nbad(worse())", []string{"     CKP802"}},
		"file, bare":                {"# ckpt-lsp: ignore-file\nbad(worse())", nil},
		"file, too late":            {"import a\n# ckpt-lsp: ignore-file[bad-call]\nbad()", []string{" CKP001", "  CKP801"}},
		"unused":                    {"ok()  # ckpt-lsp: ignore[bad-call]", []string{"CKP001"}},
		"unused, bare":              {"ok()  # ckpt-lsp: ignore", []string{"CKP001"}},
		"unused in a list":          {"bad()  # ckpt-lsp: ignore[worse-call, bad-call]", []string{"CKP001"}},
		"unused, silenced":          {"ok()  # ckpt-lsp: ignore[bad-call, unused-suppression]", nil},
		"unused, bare is no excuse": {"# ckpt-lsp: ignore-file\nok()  # ckpt-lsp: ignore[bad-call]", []string{"CKP001", " CKP001"}},
		"rule that is off":          {"bad()  # ckpt-lsp: ignore[bad-call, quiet-call]", nil},
		"empty family":              {"bad()  # ckpt-lsp: ignore[CKP7]", []string{"CKP801", "CKP001"}},
		"unknown rule":              {"bad()  # ckpt-lsp: ignore[bad-cal]", []string{"CKP801", "CKP001"}},
		"no bracket":                {"bad()  # ckpt-lsp: ignore[bad-call", []string{"CKP801", "CKP001"}},
		"empty list":                {"bad()  # ckpt-lsp: ignore[]", []string{"CKP801", "CKP001"}},
		"unknown directive":         {"bad()  # ckpt-lsp: skip[bad-call]", []string{"CKP801", "CKP001"}},
		"broken file":               {"ok()  # ckpt-lsp: ignore[bad-call]\ndef (:\n", nil},
	} {
		want := c.want
		if want == nil {
			want = []string{}
		}
		if got := left(t, c.src); !slices.Equal(got, want) {
			t.Errorf("%s: left %q, want %q", name, got, want)
		}
	}
}

func TestUnusedIsJudgedOnlyForRulesThatRan(t *testing.T) {
	file := parse(t, "ok()  # ckpt-lsp: ignore[bad-call]\nok()  # ckpt-lsp: ignore\n")
	ds, _ := Check(file, Options{Rules: rules, Selection: Selection{Select: selectors(t, "CKP802", "CKP001")}})
	if len(ds) != 0 {
		t.Errorf("findings %v", ds)
	}
}

func TestUselessSuppressionRemoval(t *testing.T) {
	for src, want := range map[string]string{
		"x  # ckpt-lsp: ignore[bad-call] why\ny":                         "x\ny",
		"x  # note  # ckpt-lsp: ignore[bad-call]\ny":                     "x  # note\ny",
		"x  # ckpt-lsp: ignore[bad-call] # noqa\ny":                      "x  # noqa\ny",
		"a\r\n    # ckpt-lsp: ignore[bad-call]\r\ny":                     "a\r\ny",
		"a\n# ckpt-lsp: ignore":                                          "a\n",
		"bad()  # ckpt-lsp: ignore[bad-call, worse-call, nope]":          "bad()  # ckpt-lsp: ignore[bad-call]",
		"bad()  # ckpt-lsp: ignore[nope, worse-call,bad-call]":           "bad()  # ckpt-lsp: ignore[bad-call]",
		"bad()  # ckpt-lsp: ignore[nope,bad-call, worse-call]":           "bad()  # ckpt-lsp: ignore[bad-call]",
		"x  # ckpt-lsp: ignore[bad-call, worse-call]":                    "x",
		"x  # ckpt-lsp: ignore[bad-call] # ckpt-lsp: ignore[worse-call]": "x  ",
	} {
		file := parse(t, src)
		comments := readSuppressions(file.Tree, rules)
		if ds := comments.silence(Run(badRule, file, TorchVersion{})); len(ds) > 0 {
			t.Errorf("%q: left %v", src, ds)
		}
		comments.judge(map[*Rule]bool{badRule: true, worseRule: true, rules.Lookup("panics"): true})
		p := Pass{File: file, comments: comments}
		var edits []text.Edit
		for _, u := range p.UselessSuppressions() {
			edits = append(edits, text.Edit{Span: u.Remove})
		}
		got, err := text.Apply([]byte(src), edits)
		if err != nil || string(got) != want {
			t.Errorf("%q becomes %q (%v), want %q", src, got, err, want)
		}
	}
}
