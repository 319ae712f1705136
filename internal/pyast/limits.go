package pyast

import (
	"bytes"
	"slices"
)

// fewTokens is so short a source, in bytes, that its tokens need not be counted.
const fewTokens = MaxTokens

// tokens is how many tokens a source has at most, words in strings and comments among them.
func tokens(source []byte) int {
	if len(source) <= fewTokens {
		return 0
	}
	count, word := 0, false
	for _, c := range source {
		space := c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\\' || c == '\f'
		if !space && !(word && isWord(c)) {
			count++
		}
		word = isWord(c)
	}
	return count
}

// mostEmptyJoins is how many lines in a row may hold nothing but the backslash that joins them to the next: the grammar reads them all
// again from each.
const mostEmptyJoins = 64

// withoutEmptyJoins is a text of the same length in which long rows of such lines are spaces.
func withoutEmptyJoins(source []byte) (_ []byte, joined bool) {
	out := source
	for _, join := range [][]byte{[]byte("\\\n"), []byte("\\\r\n")} {
		row := bytes.Repeat(join, mostEmptyJoins)
		for at := 0; ; {
			i := bytes.Index(source[at:], row)
			if i < 0 {
				break
			}
			if !joined {
				out, joined = slices.Clone(source), true
			}
			at += i + len(join) // the first stays: it may end a comment
			for ; bytes.HasPrefix(source[at:], join); at += len(join) {
				copy(out[at:], bytes.Repeat([]byte(" "), len(join)))
			}
		}
	}
	return out, joined
}
