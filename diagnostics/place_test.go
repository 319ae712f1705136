package diagnostics

import (
	"testing"

	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
	"github.com/ckpt-lsp/ckpt-lsp/internal/text"
)

// suppressed applies the edit and requires that exactly the finding is gone, and that a second edit changes nothing.
func suppressed(t *testing.T, src string, write func(*pyast.Tree, Diagnostic, *Registry) text.Edit) string {
	t.Helper()
	file := parse(t, src)
	ds := Run(badRule, file, TorchVersion{})
	if len(ds) == 0 {
		t.Fatalf("no finding in %q", src)
	}
	edit := write(file.Tree, ds[0], rules)
	out, err := text.Apply([]byte(src), []text.Edit{edit})
	if err != nil {
		t.Fatal(err)
	}
	after := parse(t, string(out))
	if after.Tree.HasErrors() != file.Tree.HasErrors() {
		t.Errorf("%q becomes %q, which does not parse", src, out)
	}
	found := Run(badRule, after, TorchVersion{})
	if kept := readSuppressions(after.Tree, rules).silence(found); len(kept) >= len(found) {
		t.Errorf("%q becomes %q, which silences nothing", src, out)
	}
	if e := write(after.Tree, found[0], rules); e != (text.Edit{}) {
		t.Errorf("%q is silenced already, but %+v was offered", out, e)
	}
	return string(out)
}

func TestSuppressLine(t *testing.T) {
	const mark = "  # ckpt-lsp: ignore[bad-call]"
	for src, want := range map[string]string{
		"bad()":                  "bad()" + mark,
		"bad()\r\nx\r\n":         "bad()" + mark + "\r\nx\r\n",
		"bad()  \nx":             "bad()  # ckpt-lsp: ignore[bad-call]\nx",
		"bad()  # note\nx":       "bad()  # note" + mark + "\nx",
		"bad(\n  1,\n)\n":        "bad(" + mark + "\n  1,\n)\n",
		"bad('''\n''')\nx":       "bad('''\n''')" + mark + "\nx",
		"bad('''\n''',\n 2)\nx":  "bad('''\n''',\n 2)" + mark + "\nx",
		"x = 1 + \\\n  bad()\n":  "x = 1 + \\\n  bad()" + mark + "\n",
		"x = bad() + \\\n  1\ny": "x = bad() + \\\n  1" + mark + "\ny",
		"with bad() as a, \\\n   f() as b:\n  pass":          "with bad() as a, \\\n   f() as b:" + mark + "\n  pass",
		"x = f'''\n{bad()}\n'''\n":                           "x = f'''\n{bad()}\n'''" + mark + "\n",
		"bad()  # ckpt-lsp: ignore[worse-call] r\n":          "bad()  # ckpt-lsp: ignore[worse-call, bad-call] r\n",
		"bad('''\n''')  # ckpt-lsp: ignore[worse-call]":      "bad('''\n''')  # ckpt-lsp: ignore[worse-call, bad-call]",
		"bad(\n  1,\n)  # ckpt-lsp: ignore[worse-call]\n":    "bad(\n  1,\n)  # ckpt-lsp: ignore[worse-call, bad-call]\n",
		"x = [\n  bad(),\n]  # ckpt-lsp: ignore[worse-call]": "x = [\n  bad(),\n]  # ckpt-lsp: ignore[worse-call, bad-call]",
		"bad(\n  1,  # ckpt-lsp: ignore[worse-call]\n)":      "bad(" + mark + "\n  1,  # ckpt-lsp: ignore[worse-call]\n)",
		"bad()  # noqa  # ckpt-lsp: skip[bad-call]":          "bad()  # noqa  # ckpt-lsp: skip[bad-call]" + mark,
		"if bad():\n  # note\n  pass":                        "if bad():" + mark + "\n  # note\n  pass",
		"bad()  # a \\\nx":                                   "bad()  # a \\" + mark + "\nx",
		"bad(); x = '''\n'''\ny":                             "bad(); x = '''\n'''" + mark + "\ny",
	} {
		if got := suppressed(t, src, SuppressLine); got != want {
			t.Errorf("%q becomes\n%s\nwant\n%s", src, got, want)
		}
	}
}

func TestSuppressFile(t *testing.T) {
	const mark = "# ckpt-lsp: ignore-file[bad-call]"
	for src, want := range map[string]string{
		"bad()":      mark + "\nbad()",
		"x\r\nbad()": mark + "\r\nx\r\nbad()",
		"#!/usr/bin/env python\n# -*- coding: utf-8 -*-\n'doc'\nbad()": "#!/usr/bin/env python\n# -*- coding: utf-8 -*-\n" + mark + "\n'doc'\nbad()",
		"# Copyright\nbad()": mark + "\n# Copyright\nbad()",
		"# ckpt-lsp: ignore-file[worse-call] why\nbad()\n": "# ckpt-lsp: ignore-file[worse-call, bad-call] why\nbad()\n",
	} {
		alone := func(tree *pyast.Tree, d Diagnostic, rules *Registry) text.Edit {
			return SuppressFile(tree, []Diagnostic{d, d}, rules)
		}
		if got := suppressed(t, src, alone); got != want {
			t.Errorf("%q becomes\n%s\nwant\n%s", src, got, want)
		}
	}
}
