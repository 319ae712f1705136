package text

import (
	"fmt"
	"strings"

	"github.com/agnivade/levenshtein"
)

// DidYouMean is a question to append to what is said of a misspelt word: "; did you mean "check"?". It is empty where no candidate is
// near.
func DidYouMean(word string, candidates []string) string {
	if near := Nearest(word, candidates); near != "" {
		return fmt.Sprintf("; did you mean %q?", near)
	}
	return ""
}

// Nearest is the candidate that a misspelt or shortened word most likely means, empty if none is close.
func Nearest(word string, candidates []string) string {
	word = strings.ToLower(word)
	best, distance := "", max(2, len(word)/3)+1
	for _, c := range candidates {
		lower := strings.ToLower(c)
		d := levenshtein.ComputeDistance(word, lower)
		if len(word) > 3 && strings.HasPrefix(lower, word) {
			d = 1
		}
		if d < distance {
			best, distance = c, d
		}
	}
	return best
}
