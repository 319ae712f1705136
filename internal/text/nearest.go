package text

import (
	"strings"

	"github.com/agnivade/levenshtein"
)

// Nearest is the candidate that a misspelt word most likely means, empty if none is close.
func Nearest(word string, candidates []string) string {
	best, distance := "", max(2, len(word)/3)+1
	for _, c := range candidates {
		if d := levenshtein.ComputeDistance(strings.ToLower(word), strings.ToLower(c)); d < distance {
			best, distance = c, d
		}
	}
	return best
}
