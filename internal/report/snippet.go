package report

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/mattn/go-runewidth"
)

// mostLines is how many lines of a place are shown.
const mostLines = 4

// tabWidth is how wide a tab is drawn.
const tabWidth = 4

// mark is a place to be marked in the source.
type mark struct {
	place
	sign  string // what it is underlined with
	label string // stands behind the underline, or below it
}

// addTo adds a mark to others, unless one of them says as much of the place.
func (m mark) addTo(marks []mark) []mark {
	for i, o := range marks {
		if m.path != o.path || m.cell != o.cell || m.span != o.span {
			continue
		}
		if strings.HasPrefix(m.label, o.label) {
			marks[i].label = m.label
			return marks
		}
		if strings.HasPrefix(o.label, m.label) {
			return marks
		}
	}
	return append(marks, m)
}

// snippet draws the lines of places of one file, in their order, with marks below, within width columns. What is said of a whole line
// stands after it where there is room:
//
//	38 |     optimizer.step()  <- the optimizer steps here
//	41 |     torch.save(state, path)
//	   |     ^^^^^^^^^^^^^^^^^^^^^^^
//
// gutter is the width of the column of line numbers.
func (p painter) snippet(marks []mark, gutter int) string {
	slices.SortStableFunc(marks, func(a, b mark) int { return cmp.Or(a.span.Start-b.span.Start, a.span.End-b.span.End) })
	var out strings.Builder
	blank := p.dim(fmt.Sprintf("%*s |", gutter, ""))
	width := p.Width - gutter - 3
	drawn := "" // the last line of source, with its number
	for _, at := range marks {
		last := min(at.end.Line, at.start.Line+mostLines-1)
		for line := at.start.Line; line <= last; line++ {
			span := at.index.LineSpan(line - 1)
			from, to := span.Start, min(at.span.End, span.End)
			if line == at.start.Line {
				from = max(at.span.Start, span.Start)
			} else if line == at.end.Line && to == span.Start {
				break // ends before the line's first character
			}
			shown, column, size := drawLine(at.text[span.Start:span.End], from-span.Start, to-span.Start, line > at.start.Line, width)
			source := strings.TrimRight(p.dim(fmt.Sprintf("%*d |", gutter, line))+" "+shown, " ")
			said := "  <- " + at.label
			if source != drawn && at.label != "" && at.start.Line == at.end.Line && len(bytes.TrimSpace(at.text[span.Start:span.End])) == at.span.Len() &&
				runewidth.StringWidth(shown+said) <= width {
				fmt.Fprintln(&out, source+p.mark(at.sign, said))
				drawn = source
				continue
			}
			if source != drawn {
				fmt.Fprintln(&out, source)
				drawn = source
			}
			behind, below := "", ""
			if line == last && last < at.end.Line {
				behind = " ..."
			}
			if line == last && at.label != "" {
				// What is said matters more than where its place ends: the underline makes way, down to a sign or two.
				behind += " " + at.label
				if room := width - column - runewidth.StringWidth(behind); room >= 2 {
					size = min(size, room)
				} else {
					behind, below = "", at.label
				}
			}
			fmt.Fprintf(&out, "%s %s%s\n", blank, strings.Repeat(" ", column), p.mark(at.sign, strings.Repeat(at.sign, size)+behind))
			if below != "" {
				indent := strings.Repeat(" ", max(0, min(column, width-runewidth.StringWidth(below))))
				for text := range strings.SplitSeq(Wrap(below, width, indent, indent), "\n") {
					fmt.Fprintf(&out, "%s %s\n", blank, p.mark(at.sign, text))
				}
			}
		}
	}
	return out.String()
}

// drawLine makes a source line fit for a terminal: tabs become blanks, control characters become visible, and what does not
// fit into width is cut on either side of the part from byte from to byte to, which gets the marks at the column given back.
func drawLine(line []byte, from, to int, skipBlanks bool, width int) (shown string, column, size int) {
	var cells []string
	start, end, at := -1, 0, 0
	for i := 0; i < len(line); {
		r, n := utf8.DecodeRune(line[i:])
		cell := string(r)
		switch {
		case r == '\t':
			cell = strings.Repeat(" ", tabWidth-at%tabWidth)
		case unicode.IsControl(r) || r == utf8.RuneError || !unicode.IsGraphic(r):
			cell = "\uFFFD"
		}
		if i >= from && start < 0 && !(skipBlanks && unicode.IsSpace(r)) {
			start = at
		}
		at += runewidth.StringWidth(cell)
		if i < to {
			end = at
		}
		cells = append(cells, cell)
		i += n
	}
	if start < 0 {
		start = at
	}
	full := strings.Join(cells, "")
	size = max(end-start, 1)
	if at <= width || width < 20 {
		return full, start, size
	}
	skip := 0
	if end > width-1 && start > width/2 {
		skip = max(0, min(start-width/4, end-width+2))
	}
	shown = full
	if skip > 0 {
		shown = "…" + runewidth.TruncateLeft(shown, skip+1, "")
	}
	shown = runewidth.Truncate(shown, width, "…")
	return shown, start - skip, min(size, width-(start-skip))
}

// gutterFor is how many columns the line numbers of the places need.
func gutterFor(places []mark) int {
	most := 1
	for _, p := range places {
		most = max(most, len(fmt.Sprint(min(p.end.Line, p.start.Line+mostLines-1))))
	}
	return most
}
