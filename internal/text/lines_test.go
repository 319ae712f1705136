package text

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestPosition(t *testing.T) {
	const source = "a\U0001F525é\r\nb\rc\n\nd"
	x := NewLineIndex([]byte(source))
	if x.Lines() != 5 {
		t.Errorf("%d lines, want 5", x.Lines())
	}
	for _, c := range []struct {
		offset, line     int
		utf8, utf16, u32 int
	}{
		{-1, 0, 0, 0, 0},
		{0, 0, 0, 0, 0},
		{1, 0, 1, 1, 1},
		{3, 0, 1, 1, 1}, // inside the flame
		{5, 0, 5, 3, 2},
		{7, 0, 7, 4, 3},
		{8, 0, 7, 4, 3}, // between \r and \n
		{9, 1, 0, 0, 0},
		{10, 1, 1, 1, 1},
		{11, 2, 0, 0, 0},
		{13, 3, 0, 0, 0},
		{15, 4, 1, 1, 1},
		{99, 4, 1, 1, 1},
	} {
		for enc, want := range map[Encoding]int{UTF8: c.utf8, UTF16: c.utf16, UTF32: c.u32} {
			if line, character := x.Position(c.offset, enc); line != c.line || character != want {
				t.Errorf("offset %d in encoding %d: %d:%d, want %d:%d", c.offset, enc, line, character, c.line, want)
			}
		}
	}
}

func TestOffsetClamps(t *testing.T) {
	x := NewLineIndex([]byte("a\U0001F525b\r\ncd"))
	for _, c := range []struct {
		line, character int
		enc             Encoding
		want            int
	}{
		{-1, 5, UTF16, 0}, {0, -1, UTF16, 0}, {0, 2, UTF16, 1}, {0, 3, UTF16, 5}, {0, 99, UTF16, 6}, {0, 2, UTF8, 1},
		{1, 1, UTF8, 9}, {1, 99, UTF32, 10}, {7, 0, UTF32, 10},
	} {
		if got := x.Offset(c.line, c.character, c.enc); got != c.want {
			t.Errorf("Offset(%d, %d, %d) = %d, want %d", c.line, c.character, c.enc, got, c.want)
		}
	}
}

func FuzzLineIndex(f *testing.F) {
	for _, s := range []string{"", "a\nb", "\r\n\r\r\n", "é\U0001F525\n\u2028x", "\xff\xc3\n\xed\xa0\x80", "\n"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		x := NewLineIndex(data)
		normal := strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(string(data))
		if want := strings.Count(normal, "\n") + 1; x.Lines() != want {
			t.Fatalf("%d lines, want %d", x.Lines(), want)
		}
		for _, enc := range []Encoding{UTF8, UTF16, UTF32} {
			for i := range x.Lines() {
				s := x.LineSpan(i)
				for at := s.Start; at <= s.End; {
					line, character := x.Position(at, enc)
					if back := x.Offset(line, character, enc); line != i || back != at && utf8.Valid(data) {
						t.Fatalf("offset %d -> %d:%d -> %d (line %d)", at, line, character, back, i)
					}
					if at == s.End {
						break
					}
					_, n := utf8.DecodeRune(data[at:s.End])
					at += n
				}
			}
			for offset := -1; offset <= len(data)+1; offset++ {
				x.Position(offset, enc)
			}
		}
	})
}
