// Package text holds source text and what can be said of it without knowing Python: byte spans, line and column
// positions, encodings, and edits.
package text

// Span is a half-open range [Start, End) of byte offsets into a decoded source text.
type Span struct{ Start, End int }

// Contains reports whether offset lies in the span; the end counts as inside, as a cursor may stand there.
func (s Span) Contains(offset int) bool { return s.Start <= offset && offset <= s.End }

// Overlaps reports whether the two spans share a byte or touch where one of them is empty.
func (s Span) Overlaps(o Span) bool {
	if s.Start == s.End || o.Start == o.End {
		return s.Start <= o.End && o.Start <= s.End
	}
	return s.Start < o.End && o.Start < s.End
}

// Len is the span's length in bytes.
func (s Span) Len() int { return s.End - s.Start }

// Edit replaces the text at Span with New. An empty span inserts.
type Edit struct {
	Span
	New string
}
