package text

import "testing"

func TestPrintable(t *testing.T) {
	for _, c := range []struct{ in, one, lines string }{
		{"naïve 日本\u200b", "naïve 日本\u200b", "naïve 日本\u200b"},
		{"a\tb\r\nc\n", `a\u0009b\u000d\u000ac\u000a`, "a\tb\r\nc\n"},
		{"\rover\x1b[31m\x07\x00\x7f", `\u000dover\u001b[31m\u0007\u0000\u007f`, `\u000dover\u001b[31m\u0007\u0000\u007f`},
		{"\u009b31m \u0085", `\u009b31m \u0085`, `\u009b31m \u0085`},
		{"\u202egnp.exe\u2066 \u2028", `\u202egnp.exe\u2066 \u2028`, `\u202egnp.exe\u2066 \u2028`},
		{"\xff\x9b", "\uFFFD\uFFFD", "\uFFFD\uFFFD"},
	} {
		if got := Printable(c.in); got != c.one {
			t.Errorf("%q in a line: %q, want %q", c.in, got, c.one)
		}
		if got := PrintableLines(c.in); got != c.lines {
			t.Errorf("%q: %q, want %q", c.in, got, c.lines)
		}
	}
}
