package text

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/aymanbagabas/go-udiff"
)

// Apply makes all edits at once; their spans refer to src. Insertions at one place are made in the order given, before a
// replacement that starts there. It fails on edits that overlap or lie outside the text.
func Apply(src []byte, edits []Edit) ([]byte, error) {
	sorted := slices.Clone(edits)
	slices.SortStableFunc(sorted, func(a, b Edit) int { return cmp.Or(a.Start-b.Start, a.End-b.End) })
	out := make([]byte, 0, len(src))
	at := 0
	for _, e := range sorted {
		if e.Start < 0 || e.End < e.Start || e.End > len(src) {
			return nil, fmt.Errorf("edit %d-%d lies outside the text of %d bytes", e.Start, e.End, len(src))
		}
		if e.Start < at {
			return nil, fmt.Errorf("edit %d-%d overlaps an edit that ends at %d", e.Start, e.End, at)
		}
		out = append(out, src[at:e.Start]...)
		out = append(out, e.New...)
		at = e.End
	}
	return append(out, src[at:]...), nil
}

// Changes are edits, at line ends, that lead from one text to another.
func Changes(before, after []byte) []Edit {
	var out []Edit
	for _, e := range udiff.Lines(string(before), string(after)) {
		out = append(out, Edit{Span{e.Start, e.End}, e.New})
	}
	return out
}

// Diff is a unified diff of two versions of the file at path, empty if they are equal.
func Diff(path string, before, after []byte) string {
	path = Printable(path)
	return udiff.Unified(path, path, string(before), string(after))
}
