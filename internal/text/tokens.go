package text

import "bytes"

// LineEnd is the offset of the end of the line that an offset stands in.
func LineEnd(source []byte, at int) int {
	if n := bytes.IndexByte(source[at:], '\n'); n >= 0 {
		return at + n
	}
	return len(source)
}

// StringEnd is the offset behind the Python string that begins at a quote; that of the line's end where a string does not end in its line.
func StringEnd(source []byte, at int) int {
	quote := source[at : at+1]
	if long := bytes.Repeat(quote, 3); bytes.HasPrefix(source[at:], long) {
		quote = long
	}
	for at += len(quote); at < len(source); at++ {
		switch {
		case source[at] == '\\':
			at++
		case bytes.HasPrefix(source[at:], quote):
			return at + len(quote)
		case source[at] == '\n' && len(quote) == 1:
			return at
		}
	}
	return len(source)
}
