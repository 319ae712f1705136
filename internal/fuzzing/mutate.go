package fuzzing

import (
	"slices"
	"strings"
)

// Mutant is a text that real ones are made of, by choices that bytes take: lines of one in another, and the ways of writing that generated
// programs are given, too.
func Mutant(data []byte, real []string) string {
	c := &chooser{data}
	pick := func() []string { return strings.SplitAfter(real[(c.n(256)*256+c.n(256))%len(real)], "\n") }
	lines := pick()
	for range c.n(4) {
		other := pick()
		from := c.n(256) * len(other) / 256
		part := other[from:min(from+1+c.n(12), len(other))]
		at := c.n(256) * len(lines) / 256
		switch c.n(3) {
		case 0: // put in, as far in as the line that stands there
			depth := len(lines[at]) - len(strings.TrimLeft(lines[at], " "))
			own := len(part[0]) - len(strings.TrimLeft(part[0], " "))
			var moved []string
			for _, l := range part {
				if depth > own {
					l = strings.Repeat(" ", depth-own) + l
				}
				moved = append(moved, l)
			}
			lines = slices.Insert(slices.Clone(lines), at, moved...)
		case 1: // in the place of as many
			lines = slices.Concat(lines[:at], part, lines[min(at+len(part), len(lines)):])
		case 2: // left out
			lines = slices.Concat(lines[:at], lines[min(at+1+c.n(6), len(lines)):])
		}
		if len(lines) == 0 {
			lines = other
		}
	}
	return c.spelt(strings.Join(lines, ""))
}
