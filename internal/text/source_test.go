package text

import (
	"errors"
	"strings"
	"testing"
)

func TestDecodeRoundTrip(t *testing.T) {
	for name, c := range map[string]struct{ data, text string }{
		"empty":                {"", ""},
		"utf-8":                {"x = 'é'\n", "x = 'é'\n"},
		"byte order mark":      {"\xef\xbb\xbfx = 1\r\n", "x = 1\r\n"},
		"mark and cookie":      {"\xef\xbb\xbf# coding: utf-8\n", "# coding: utf-8\n"},
		"latin-1":              {"# -*- coding: latin-1 -*-\nx = '\xe9\x80'\n", "# -*- coding: latin-1 -*-\nx = 'é\u0080'\n"},
		"cp1252":               {"#!/usr/bin/python\n# vim: set fileencoding=cp1252 :\n'\x80'", "#!/usr/bin/python\n# vim: set fileencoding=cp1252 :\n'€'"},
		"iso-8859-15":          {"# coding=iso-8859-15\n'\xa4'", "# coding=iso-8859-15\n'€'"},
		"koi8-r":               {"# coding: koi8_r\n'\xc1'", "# coding: koi8_r\n'а'"},
		"shift_jis":            {"# coding: shift_jis\n'\x82\xa0'", "# coding: shift_jis\n'あ'"},
		"gbk":                  {"# coding: gbk\n'\xc4\xe3'", "# coding: gbk\n'你'"},
		"ascii":                {"# coding: ascii\nx", "# coding: ascii\nx"},
		"second line only":     {"\n# coding: latin-1\n'\xe9'", "\n# coding: latin-1\n'é'"},
		"carriage returns":     {"#\r# coding: latin-1\r'\xe9'\r", "#\r# coding: latin-1\r'é'\r"},
		"cookie in third line": {"\n\n# coding: latin-1\n'é'", "\n\n# coding: latin-1\n'é'"},
		"cookie behind code":   {"x = 1\n# coding: latin-1\n'é'", "x = 1\n# coding: latin-1\n'é'"},
		"NUL":                  {"x\x00y", "x\x00y"},
	} {
		s, err := Decode([]byte(c.data))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if string(s.Text) != c.text {
			t.Errorf("%s: text %q, want %q", name, s.Text, c.text)
		}
		if back, err := s.Encode(); err != nil || string(back) != c.data {
			t.Errorf("%s: encoded %q %v, want %q", name, back, err, c.data)
		}
	}
}

func TestDecodeErrors(t *testing.T) {
	for name, c := range map[string]struct {
		data   string
		offset int
		says   string
	}{
		"not utf-8":           {"x = '\xe9'", 5, "0xe9"},
		"behind a mark":       {"\xef\xbb\xbfx\xff", 4, "0xff"},
		"utf-16":              {"\xff\xfex\x00", 0, "0xff"},
		"not ascii":           {"# coding: ascii\n\xc3\xa9", 16, "ascii"},
		"unknown":             {"# coding: klingon\n", 10, `unknown encoding "klingon"`},
		"mark against cookie": {"\xef\xbb\xbf# coding: latin-1\n", 13, "byte order mark"},
		"cut shift_jis":       {"# coding: shift_jis\n'\x82", 21, "cannot be decoded"},
	} {
		_, err := Decode([]byte(c.data))
		var bad *DecodeError
		if !errors.As(err, &bad) {
			t.Errorf("%s: error %v", name, err)
			continue
		}
		if bad.Offset != c.offset || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v (offset %d), want offset %d and %q", name, err, bad.Offset, c.offset, c.says)
		}
	}
}

func TestEncodeRefusesForeignCharacters(t *testing.T) {
	for _, cookie := range []string{"latin-1", "ascii", "shift_jis"} {
		s, err := Decode([]byte("# coding: " + cookie + "\n"))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.With([]byte("'\U0001F525'")).Encode(); err == nil || !strings.Contains(err.Error(), cookie) {
			t.Errorf("%s: error %v", cookie, err)
		}
	}
}

func TestNearest(t *testing.T) {
	candidates := []string{"select", "ignore", "exclude", "missing-rng-state"}
	for word, want := range map[string]string{"selct": "select", "IGNORE": "ignore", "missing-rng": "missing-rng-state", "zzz": "", "": ""} {
		if got := Nearest(word, candidates); got != want {
			t.Errorf("Nearest(%q) = %q, want %q", word, got, want)
		}
	}
}
