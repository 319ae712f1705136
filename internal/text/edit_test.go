package text

import (
	"strings"
	"testing"
)

func TestApply(t *testing.T) {
	for name, c := range map[string]struct {
		edits []Edit
		want  string // "" for an error
	}{
		"none":                   {nil, "0123456789"},
		"out of order":           {[]Edit{{Span{8, 9}, "x"}, {Span{0, 2}, ""}}, "234567x9"},
		"insertions keep order":  {[]Edit{{Span{3, 3}, "a"}, {Span{3, 3}, "b"}}, "012ab3456789"},
		"insertion, replacement": {[]Edit{{Span{3, 5}, "R"}, {Span{3, 3}, "i"}}, "012iR56789"},
		"neighbours":             {[]Edit{{Span{3, 5}, "a"}, {Span{5, 7}, "b"}}, "012ab789"},
		"at both ends":           {[]Edit{{Span{10, 10}, "z"}, {Span{0, 0}, "a"}}, "a0123456789z"},
		"overlap":                {[]Edit{{Span{3, 6}, "a"}, {Span{5, 7}, "b"}}, ""},
		"insertion inside":       {[]Edit{{Span{3, 6}, "a"}, {Span{5, 5}, "b"}}, ""},
		"outside":                {[]Edit{{Span{3, 11}, "a"}}, ""},
		"backwards":              {[]Edit{{Span{4, 3}, "a"}}, ""},
		"negative":               {[]Edit{{Span{-1, 3}, "a"}}, ""},
	} {
		got, err := Apply([]byte("0123456789"), c.edits)
		if (err != nil) != (c.want == "") || err == nil && string(got) != c.want {
			t.Errorf("%s: %q, %v, want %q", name, got, err, c.want)
		}
	}
}

func TestDiff(t *testing.T) {
	if d := Diff("a.py", []byte("x\n"), []byte("x\n")); d != "" {
		t.Errorf("equal texts differ: %q", d)
	}
	d := Diff("a.py", []byte("x\r\ny\r\n"), []byte("x\r\nz"))
	for _, want := range []string{"--- a.py\n+++ a.py\n", " x\r\n", "-y\r\n", "+z\n", "\\ No newline at end of file"} {
		if !strings.Contains(d, want) {
			t.Errorf("the diff lacks %q:\n%s", want, d)
		}
	}
}

func TestChanges(t *testing.T) {
	for _, c := range [][2]string{
		{"", ""}, {"a\nb\nc\n", "a\nb\nc\n"}, {"a\nb\nc\n", "a\nB\nc\n"}, {"a\r\nb", "x\r\na\r\nb\r\n"}, {"", "é\n"}, {"a\rb\rc", "a\rB\rc"}, {"😀\n\n", "\n😀"},
	} {
		got, err := Apply([]byte(c[0]), Changes([]byte(c[0]), []byte(c[1])))
		if err != nil || string(got) != c[1] {
			t.Errorf("from %q: %q, want %q (%v)", c[0], got, c[1], err)
		}
	}
}

func FuzzApply(f *testing.F) {
	f.Add([]byte("hello world"), 0, 5, "bye", 6, 11, "moon")
	f.Add([]byte("hello"), 3, 3, "a", 3, 3, "b")
	f.Add([]byte(""), 0, 0, "", -1, 9, "x")
	f.Fuzz(func(t *testing.T, src []byte, s1, e1 int, n1 string, s2, e2 int, n2 string) {
		before := string(src)
		out, err := Apply(src, []Edit{{Span{s1, e1}, n1}, {Span{s2, e2}, n2}})
		if string(src) != before {
			t.Fatal("the source was changed")
		}
		if err != nil {
			return
		}
		if want := len(src) - (e1 - s1) - (e2 - s2) + len(n1) + len(n2); len(out) != want {
			t.Fatalf("%d bytes, want %d", len(out), want)
		}
	})
}
