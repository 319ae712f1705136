package text

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Printable is a text in which control characters, and what turns the direction of text around, are written as escapes (\u001b), so
// that it can be printed in one line of a terminal and says what it seems to say. Bytes that are no UTF-8 become U+FFFD.
func Printable(s string) string { return printable(s, false) }

// PrintableLines is Printable but for line ends and tabs, which stay.
func PrintableLines(s string) string { return printable(s, true) }

func printable(s string, lines bool) string {
	if strings.IndexFunc(s, hidden) < 0 && utf8.ValidString(s) {
		return s
	}
	var out strings.Builder
	for i, r := range s {
		switch {
		case lines && (r == '\n' || r == '\t' || r == '\r' && strings.HasPrefix(s[i+1:], "\n")):
			out.WriteRune(r)
		case hidden(r):
			fmt.Fprintf(&out, `\u%04x`, r)
		default:
			out.WriteRune(r)
		}
	}
	return out.String()
}

// hidden reports whether a character does something where it is printed instead of being seen.
func hidden(r rune) bool {
	return unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r == '\u2028' || r == '\u2029'
}
