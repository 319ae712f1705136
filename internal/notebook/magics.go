package notebook

import (
	"bytes"
	"regexp"

	"github.com/ckpt-lsp/ckpt-lsp/internal/text"
)

var (
	// cellMagic takes the whole cell, a lineMagic, a help request or a shell command the rest of its line.
	cellMagic = regexp.MustCompile(`^[ \t]*%%(\w*)`)
	lineMagic = regexp.MustCompile(`^[ \t]*[%!?]`)
	// assignedMagic stands on the right of an assignment, where no Python expression starts with such a sign.
	assignedMagic = regexp.MustCompile(`^[ \t]*[\w., \t\[\]*]+=[ \t]*[%!]`)
	// automagic is a line magic without its sign. Followed by another word it is not Python.
	automagic = regexp.MustCompile(`^(?:autoreload|cat|cd|conda|cp|load_ext|ls|mamba|matplotlib|mkdir|mv|pip3?|reload_ext|rm|rmdir|uv)[ \t]+(\.\.|[~/\w]+)`)
	operator  = regexp.MustCompile(`^(?:and|if|in|is|not|or)$`)
)

// pythonMagics are the cell magics that run the rest of the cell as Python, in the notebook's own process.
var pythonMagics = map[string]bool{
	"capture": true, "debug": true, "memit": true, "prun": true, "scalene": true, "time": true, "timeit": true, "wandb": true,
}

// What stands for a part that is made blank.
const (
	nothing = ' '
	unknown = '_' // a name of which nothing is known, where Python needs an expression or a statement
	mistake = ')' // no Python, and nothing that reaches beyond itself
)

// view is what a cell that ends with a line end says in Python: its text with all that IPython reads for itself made blank, byte
// for byte, and a statement that does not end in the cell, so that it cannot swallow the next cells. blanks are the places.
func view(cell []byte) (python []byte, blanks []text.Span) {
	python = bytes.Clone(cell)
	blank := func(start, end int, instead byte) {
		blanks = append(blanks, text.Span{Start: start, End: end})
		for i := start; i < end; i++ {
			if cell[i] != '\n' && cell[i] != '\r' {
				python[i] = ' '
			}
		}
		python[start] = instead
	}
	begun, body := false, byte(nothing) // whether a statement went before; what a block needs that was opened right before
	for at := 0; at < len(cell); {
		line := cell[at:text.LineEnd(cell, at)]
		start := at + len(line) - len(bytes.TrimLeft(line, " \t"))
		if m := cellMagic.FindSubmatch(line); m != nil && !begun {
			if !pythonMagics[string(m[1])] {
				blank(at, len(cell), nothing)
				return python, blanks
			}
			blank(at, at+len(line), nothing)
			at = min(at+len(line)+1, len(cell))
			continue
		}
		end, last := statementEnd(cell, at)
		switch m := automagic.FindSubmatch(line); {
		case lineMagic.Match(line) && !cellMagic.Match(line), m != nil && !operator.Match(m[1]):
			end = joinedEnd(cell, at)
			blank(start, end, body)
		case assignedMagic.Match(line):
			end = joinedEnd(cell, at)
			blank(at+len(assignedMagic.Find(line))-1, end, unknown)
		case last == '?': // asks for help
			end = at + len(line)
			blank(start, end, body)
		case last == 0: // a blank line or a comment
			at = min(end+1, len(cell))
			continue
		case end == len(cell): // not even its line end is the cell's
			blank(start, end, mistake)
		}
		if begun, body = true, nothing; last == ':' {
			body = unknown
		}
		at = min(end+1, len(cell))
	}
	return python, blanks
}

// joinedEnd is the end of the line with those that a backslash joins to it.
func joinedEnd(src []byte, at int) int {
	for {
		end := text.LineEnd(src, at)
		if end == len(src) || !bytes.HasSuffix(bytes.TrimRight(src[at:end], "\r"), []byte{'\\'}) {
			return end
		}
		at = end + 1
	}
}

// statementEnd is the end of the last line of a statement, over brackets, strings and joined lines; last is the statement's last
// byte, 0 if there is none.
func statementEnd(src []byte, at int) (end int, last byte) {
	depth := 0
	for at < len(src) {
		c := src[at]
		switch c {
		case '\n':
			if depth == 0 {
				return at, last
			}
		case '#':
			at = text.LineEnd(src, at)
			continue
		case '"', '\'':
			at, last = text.StringEnd(src, at), c
			continue
		case '\\':
			at++
			if at < len(src) && src[at] == '\r' {
				at++
			}
		case '(', '[', '{':
			depth++
		case ')', ']', '}':
			depth = max(depth-1, 0)
		}
		if c > ' ' {
			last = c
		}
		at++
	}
	return len(src), last
}
