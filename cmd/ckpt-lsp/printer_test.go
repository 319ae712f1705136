package main

import (
	"os"
	"path/filepath"
	"testing"
)

// TestPrinter writes texts in pieces of every size, and finds the same in the file.
func TestPrinter(t *testing.T) {
	const link = "\x1b]8;;https://example.org/x\x1b\\CKP1\x1b]8;;\x1b\\"
	for _, c := range []struct{ in, plain, styled string }{
		{"naïve 日本\r\n\tx\n", "naïve 日本\r\n\tx\n", "naïve 日本\r\n\tx\n"},
		{"\x1b[31mred\x1b[0m " + link + ".", `\u001b[31mred\u001b[0m \u001b]8;;https://example.org/x\u001b\CKP1\u001b]8;;\u001b\.`, "\x1b[31mred\x1b[0m " + link + "."},
		{"\x1b[8mhidden\rover\x1b[2J\x1b]0;t\a.", `\u001b[8mhidden\u000dover\u001b[2J\u001b]0;t\u0007.`, `\u001b[8mhidden\u000dover\u001b[2J\u001b]0;t\u0007.`},
		{"\x1b]8;;file:///x\x1b\\.", `\u001b]8;;file:///x\u001b\.`, `\u001b]8;;file:///x\u001b\.`},
		{"\u009b.", `\u009b.`, `\u009b.`},
	} {
		for _, styled := range []bool{false, true} {
			want := c.plain
			if styled {
				want = c.styled
			}
			for size := 1; size <= len(c.in); size++ {
				path := filepath.Join(t.TempDir(), "out")
				file, err := os.Create(path)
				if err != nil {
					t.Fatal(err)
				}
				p := &printer{file: file, styled: styled}
				for at := 0; at < len(c.in); at += size {
					piece := []byte(c.in[at:min(at+size, len(c.in))])
					if n, err := p.Write(piece); n != len(piece) || err != nil {
						t.Errorf("written %d, %v", n, err)
					}
				}
				file.Close()
				if got, err := os.ReadFile(path); err != nil || string(got) != want {
					t.Errorf("%q in pieces of %d, styled %v: %q, want %q", c.in, size, styled, got, want)
				}
			}
		}
	}
}
