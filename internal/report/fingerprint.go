package report

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
)

// fingerprints are one text for each finding of a file that stays the same while lines above it come and go: the hash of the
// file's path, the rule, the source lines the finding spans without their white space, and its number among the findings that
// share all of these.
func fingerprints(f *File, places *places) []string {
	out := make([]string, len(f.Diagnostics))
	seen := map[string]int{}
	for i, d := range f.Diagnostics {
		at, _ := places.of("", d.Span)
		var lines []string
		for line := at.start.Line - 1; line < at.end.Line; line++ {
			span := at.index.LineSpan(line)
			lines = append(lines, strings.Join(strings.Fields(string(at.text[span.Start:span.End])), " "))
		}
		key := strings.Join([]string{f.Path, d.Rule.Code, strings.Join(lines, "\n")}, "\x00")
		sum := sha256.Sum256([]byte(fmt.Sprintf("%s\x00%d", key, seen[key])))
		seen[key]++
		out[i] = hex.EncodeToString(sum[:16])
	}
	return out
}
