package diagnostics

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/ckpt-lsp/ckpt-lsp/internal/text"
)

// Fingerprints are one text for each finding of a file that stays the same while lines above it come and go: the hash of the
// file's path, the rule, the source lines the finding spans without their white space, and its number among the findings that
// share all of these.
func Fingerprints(path string, src *text.Source, found []Diagnostic) []string {
	out := make([]string, len(found))
	seen := map[string]int{}
	whole := text.NewLineIndex(src.Text)
	for i, d := range found {
		in, index, span := src.Text, whole, d.Span
		if cell, ok := src.CellAt(span.Start); ok {
			in, index = cell.Text, text.NewLineIndex(cell.Text)
			span = text.Span{Start: span.Start - cell.Span.Start, End: min(span.End, cell.Span.End) - cell.Span.Start}
		}
		var lines []string
		for line := index.Line(span.Start); line <= index.Line(span.End); line++ {
			at := index.LineSpan(line)
			lines = append(lines, strings.Join(strings.Fields(string(in[at.Start:at.End])), " "))
		}
		key := strings.Join([]string{path, d.Rule.Code, strings.Join(lines, "\n")}, "\x00")
		sum := sha256.Sum256([]byte(fmt.Sprintf("%s\x00%d", key, seen[key])))
		seen[key]++
		out[i] = hex.EncodeToString(sum[:16])
	}
	return out
}
