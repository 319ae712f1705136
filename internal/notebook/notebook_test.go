package notebook

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ckpt-lsp/ckpt-lsp/internal/text"
)

func decode(t *testing.T, data string) *text.Source {
	t.Helper()
	src, err := Decode([]byte(data))
	if err != nil {
		t.Fatal(err)
	}
	return src
}

// of is a notebook with code cells that have these sources, as JSON.
func of(sources ...string) string {
	var cells []string
	for _, s := range sources {
		cells = append(cells, `{"outputs":[ ],  "cell_type" : "code", "source" :`+s+`, "metadata":{}}`)
	}
	return `{"nbformat":4,` + "\n\t" + `"cells":[` + strings.Join(cells, ",\n") + "] }\n\n"
}

func TestCells(t *testing.T) {
	src := decode(t, `{"cells": [
		{"cell_type": "markdown", "source": ["# not code\n"]},
		{"cell_type": "code", "source": ["import torch\n", "!ls"]},
		{"cell_type": "raw", "source": "no"},
		{"cell_type": "code", "metadata": {"vscode": {"languageId": "shellscript"}}, "source": "ls"},
		{"source": "x = 'é'\n", "cell_type": "code"},
		{"cell_type": "code"},
		{"cell_type": "code", "source": []}
	]}`)
	if want := "import torch\n   \nx = 'é'\n\n\n\n"; string(src.Text) != want {
		t.Errorf("the text is %q, want %q", src.Text, want)
	}
	var numbers []int
	at := 0
	for _, c := range src.Cells() {
		if c.Span.Start != at || c.Span.Len() != len(c.Text) {
			t.Errorf("cell %d spans %v of %q", c.Number, c.Span, c.Text)
		}
		at = c.Span.End
		numbers = append(numbers, c.Number)
	}
	if len(numbers) != 4 || numbers[0] != 2 || numbers[1] != 5 || numbers[3] != 7 || at != len(src.Text) {
		t.Errorf("the cells are %v up to %d", numbers, at)
	}
	if c, _ := src.CellAt(strings.Index(string(src.Text), "x =")); c.Number != 5 {
		t.Errorf("x stands in cell %d", c.Number)
	}
}

func TestNoNotebook(t *testing.T) {
	for data, want := range map[string]string{
		"":                               "ends too early",
		"\xef\xbb\xbf":                   "ends too early",
		`{"cells": [`:                    "ends too early",
		`{"cells": [{"source": "`:        "ends too early",
		`{"cells": []} x`:                "something stands behind",
		`{"cells": {}}`:                  "{ stands where [ should",
		`[]`:                             "[ stands where { should",
		`null`:                           "<nil> stands where { should",
		`{"cells": [3]}`:                 "3 stands where { should",
		`{"cells": [{"source": 3}]}`:     "cannot unmarshal number",
		`{"cells": [{"source": [[]]}]}`:  "cannot unmarshal array",
		`{"cells": [{"cell_type": 3}]}`:  "cannot unmarshal number",
		`{}`:                             "no cells",
		`{"nbformat": "4", "cells": []}`: "cannot unmarshal string",
		`{"nbformat": 3, "worksheets": [{"cells": []}]}`:                          "format 3",
		"version https://git-lfs.github.com/spec/v1":                              "invalid character",
		`{"cells": [], "metadata": {"language_info": {"name": "R"}}}`:             "language is R, not Python",
		`{"cells": [], "metadata": {"kernelspec": {"language": "julia"}}}`:        "language is julia, not Python",
		`{"cells": [], "metadata": {"kernelspec": [], "language_info": "x"}} {}`:  "something stands behind",
		`{"cells": [{"cell_type": "code", "source": null, "metadata": 3}], "x":}`: "invalid character",
	} {
		_, err := Decode([]byte(data))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s gives %v, want %q", data, err, want)
		}
		var foreign *ForeignError
		if errors.As(err, &foreign) != strings.Contains(want, "language") {
			t.Errorf("%s gives %T", data, err)
		}
	}
}

// replace is the edit that replaces a part of a text, which it names.
func replace(t *testing.T, src *text.Source, part, with string) text.Edit {
	t.Helper()
	at := bytes.Index(src.Text, []byte(part))
	if at < 0 {
		t.Fatalf("no %q in %q", part, src.Text)
	}
	return text.Edit{Span: text.Span{Start: at, End: at + len(part)}, New: with}
}

func TestWriteBack(t *testing.T) {
	for name, c := range map[string]struct{ source, part, with, want string }{
		"string":          {`"a = 1\nb = 2"`, "2", "\"é\"\nc", `"a = 1\nb = \"\u00e9\"\nc"`},
		"string with end": {`"a = 1\n"`, "1", "<2>", `"a = <2>\n"`},
		"list":            {"[\n  \"a = 1\\n\",\n  \"b = 2\"\n ]", "1", "3", "[\n  \"a = 3\\n\",\n  \"b = 2\"\n ]"},
		"line more":       {"[\n  \"a = 1\\n\",\n  \"b = 2\"\n ]", "2", "2\nc = 3", "[\n  \"a = 1\\n\",\n  \"b = 2\\n\",\n  \"c = 3\"\n ]"},
		"line less":       {`["a\n", "b\n", "c"]`, "b\n", "", `["a\n", "c"]`},
		"last line less":  {`["a\n", "b"]`, "b\n", "", `["a"]`},
		"one line":        {"[\n\t\"a\"\n]", "a", "a\nb", "[\n\t\"a\\n\",\n\t\"b\"\n]"},
		"one short line":  {`["a"]`, "a", "a\nb", `["a\n", "b"]`},
		"spelling stays":  {`["\u0061\n", "'\/'\n", "\u00e9"]`, "a", "b", `["b\n", "'\/'\n", "\u00e9"]`},
		"layout stays":    {"[ \"a\\n\",\n\t\"b\\n\" ,\"c\"]", "b", "d", "[ \"a\\n\",\n\t\"d\\n\" ,\"c\"]"},
		"first line less": {`["a\n" ,"b"]`, "a\n", "", `["b"]`},
		"first line more": {`["a\n" ,"b"]`, "a", "c\na", `["c\n" ,"a\n" ,"b"]`},
		"middle more":     {`["a\n" ,"b"]`, "b", "c\nb", `["a\n" ,"c\n" ,"b"]`},
		"line added":      {`["a\n"]`, "a\n", "a\nb\n", `["a\n", "b\n"]`},
		"no lines":        {`["\na", "\nb"]`, "b", "c", `["\n", "a\n", "c"]`},
		"emptied":         {`["a"]`, "a", "", `[]`},
		"filled":          {`[ ]`, "\n", "a\nb\n", `["a\n", "b"]`},
		"plane 1":         {`"x"`, "x", "'\U0001F525'", `"'\ud83d\udd25'"`},
		"magic stays":     {`"!ls\nx"`, "x", "y", `"!ls\ny"`},
	} {
		t.Run(name, func(t *testing.T) {
			const other = `["z = \"\/\u0041\"\n", "0"]`
			src := decode(t, of(c.source, other))
			next, err := src.Edit([]text.Edit{replace(t, src, c.part, c.with)})
			if err != nil {
				t.Fatal(err)
			}
			got, err := next.Encode()
			if err != nil {
				t.Fatal(err)
			}
			if want := of(c.want, other); string(got) != want {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
			if again := decode(t, string(got)); !bytes.Equal(again.Text, next.Text) {
				t.Errorf("what was written reads %q, not %q", again.Text, next.Text)
			}
		})
	}
}

// Where a notebook has characters beyond ASCII, so has what is written.
func TestCharactersAreWrittenAsTheyAre(t *testing.T) {
	src := decode(t, "\xef\xbb\xbf"+of(`"x = 'é'"`))
	next, err := src.Edit([]text.Edit{replace(t, src, "x", "ü")})
	if err != nil {
		t.Fatal(err)
	}
	if got, _ := next.Encode(); string(got) != "\xef\xbb\xbf"+of(`"ü = 'é'"`) {
		t.Errorf("got %s", got)
	}
}

func TestAccepts(t *testing.T) {
	for name, c := range map[string]struct {
		cells      []string
		part, with string
		want       bool
	}{
		"in a cell":            {[]string{`"a"`, `"b"`}, "b", "c", true},
		"over a boundary":      {[]string{`"a"`, `"b"`}, "a\nb", "c", false},
		"a line up to its end": {[]string{`"a"`, `"b"`}, "a\n", "", true},
		"a magic":              {[]string{`"a\n!ls\nb"`}, "a\n   ", "c", false},
		"above a magic":        {[]string{`"a\n!ls\nb"`}, "a\n", "c\nd\n", true},
		"joined to a magic":    {[]string{`"a\n!ls\nb"`}, "a\n", "c", false},
		"below a magic":        {[]string{`"!ls\nb"`}, "b", "c", true},
		"joined below a magic": {[]string{`"!ls\nb"`}, "\nb", "c", false},
		"above a cell magic":   {[]string{`"%%time\nb"`}, "", "import os\n", false},
		"into a cell magic":    {[]string{`"%%bash\nb"`}, "     ", "x", false},
		"makes a magic":        {[]string{`"a\nb"`}, "b", "!ls", false},
		"opens a string":       {[]string{`"a\n!ls"`}, "a", "'''", false},
		"in an open bracket":   {[]string{`"a\nf("`}, ")", "", false},
		"beside one":           {[]string{`"a\nf("`}, "a", "b", true},
		"half a character":     {[]string{`"a = '🔥'"`}, "\xf0", "b", false},
		"cannot be written":    {[]string{`"a = '\ud800'"`}, "a", "b", false},
	} {
		src := decode(t, of(c.cells...))
		e := replace(t, src, c.part, c.with)
		if got := src.Accepts([]text.Edit{e}); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
		if _, err := src.Edit([]text.Edit{e}); (err == nil) != c.want {
			t.Errorf("%s: the edit gives %v", name, err)
		}
	}
}

// Edits that make sense together only are looked at together.
func TestAcceptsTogether(t *testing.T) {
	src := decode(t, of(`"a"`, `"for x in names: f(x)"`))
	open, shut := replace(t, src, " names", " sorted(names"), replace(t, src, ": ", "): ")
	if src.Accepts([]text.Edit{open}) || !src.Accepts([]text.Edit{shut, open}) {
		t.Error("a pair of brackets is not one edit")
	}
	next, err := src.Edit([]text.Edit{open, shut, replace(t, src, "a", "b")})
	if err != nil || string(next.Text) != "b\nfor x in sorted(names): f(x)\n" {
		t.Errorf("got %v (%v)", next, err)
	}
}

func FuzzRoundTrip(f *testing.F) {
	paths, err := filepath.Glob("../../testdata/notebooks/*.ipynb")
	if err != nil || len(paths) == 0 {
		f.Fatal("no notebooks", err)
	}
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data, 20, 25, "x = 1\n")
	}
	f.Add([]byte(of(`["a\n", "!ls\n", "é = '\ud83d\udd25'"]`, `"%%time\nb?\n"`, `[]`, `null`)), 0, 2, "c\r\n'")
	f.Add([]byte(of(`"if x:\n\t!ls \\\n  y\nx = %cd"`)), 3, 3, "\\")
	f.Add([]byte(of(`["\ud800"]`)), 0, 0, "\x00")
	f.Fuzz(func(t *testing.T, data []byte, start, end int, with string) {
		src, err := Decode(data)
		if err != nil {
			return
		}
		if got, err := src.Encode(); err != nil || !bytes.Equal(got, data) {
			t.Fatalf("unchanged, the notebook reads %q (%v)", got, err)
		}
		at := 0
		for _, c := range src.Cells() {
			if c.Span.Start != at || c.Span.Len() != len(c.Text) || bytes.Count(c.Text, []byte{'\n'}) != bytes.Count(src.Text[c.Span.Start:c.Span.End], []byte{'\n'}) {
				t.Fatalf("cell %d at %v does not fit its text %q", c.Number, c.Span, c.Text)
			}
			at = c.Span.End
		}
		if at != len(src.Text) {
			t.Fatalf("the cells end at %d of %d", at, len(src.Text))
		}
		e := text.Edit{Span: text.Span{Start: start, End: end}, New: strings.ToValidUTF8(with, "?")}
		if !src.Accepts([]text.Edit{e}) {
			return
		}
		next, err := src.Edit([]text.Edit{e})
		if err != nil {
			t.Fatal(err)
		}
		got, err := next.Encode()
		if err != nil || !json.Valid(bytes.TrimPrefix(got, []byte("\xef\xbb\xbf"))) {
			t.Fatalf("wrote %q (%v)", got, err)
		}
		again, err := Decode(got)
		if err != nil || !bytes.Equal(again.Text, next.Text) {
			t.Fatalf("what was written reads %q, want %q (%v)", again.Text, next.Text, err)
		}
	})
}
