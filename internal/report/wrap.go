package report

import (
	"strings"

	"github.com/mattn/go-runewidth"
)

// Wrap breaks a text at blanks so that its lines stay within width columns where words allow. The first line begins with
// first, the others with rest. Line breaks in the text are kept.
func Wrap(s string, width int, first, rest string) string {
	var out strings.Builder
	indent := first
	for i, paragraph := range strings.Split(s, "\n") {
		if i > 0 {
			out.WriteByte('\n')
		}
		line := indent
		used := runewidth.StringWidth(indent)
		empty := true
		for word := range strings.FieldsSeq(paragraph) {
			size := runewidth.StringWidth(word)
			if !empty && used+1+size > width {
				out.WriteString(line + "\n")
				indent = rest
				line, used, empty = indent, runewidth.StringWidth(indent), true
			}
			if !empty {
				line += " "
				used++
			}
			line += word
			used += size
			empty = false
		}
		out.WriteString(strings.TrimRight(line, " "))
		indent = rest
	}
	return out.String()
}
