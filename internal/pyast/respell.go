package pyast

import (
	"bytes"
	"strings"

	"github.com/ckpt-lsp/ckpt-lsp/internal/text"
)

// The grammar does not know some of Python: starred elements without parentheses around them whose star stands before anything but a
// name (`x = *[1], b`, `for i in a, *(b):`, `x[*(a), 1]`), also among targets (`*(a), b = c`), defaults of type parameters (PEP 696), and
// t-strings (PEP 750). Where a text holds errors, these are spelt in a way that it knows and that is as long, and the tree is put right
// again: the star is parsed as a minus, that of a target as the bracket after it, a default is blanked, and a t-string is an f-string.

// respell gives a text as the grammar knows it, and the offsets of the stars that are spelt otherwise, with those of the brackets that they
// stand for; 0 for a star that is parsed as a minus. It is nil where there is nothing to spell otherwise.
func respell(source []byte) (respelt []byte, stars map[int]int) {
	s := &speller{in: source, out: bytes.Clone(source), stars: map[int]int{}}
	for s.at < len(s.in) {
		s.token()
	}
	if len(s.stars) == 0 && bytes.Equal(s.out, s.in) {
		return nil, nil
	}
	return s.out, s.stars
}

// speller goes over a text token by token, as far as that takes.
type speller struct {
	in, out []byte
	at      int
	depth   int // of brackets
	stars   map[int]int
	// open are the brackets around, true for those around the elements of a tuple or a list, and others how many are not; targets are the
	// stars before brackets in the statement that may be targets: they are where an equals sign comes after, or `in` after `for`.
	open    []bool
	others  int
	targets []int
	loop    bool   // after `for`
	before  string // the token before
	names   bool   // what it introduces is named next: class, def, type
}

// splatted are the tokens behind which a star unpacks.
var splatted = map[string]bool{",": true, "=": true, "(": true, "[": true, "{": true, "return": true, "yield": true, "in": true, "for": true, "\n": true, "": true}

func (s *speller) token() {
	switch c := s.in[s.at]; {
	case c == '\n' && s.depth == 0:
		s.end(1)
	case c == ' ', c == '\t', c == '\f', c == '\r', c == '\n':
		s.at++
	case c == '\\':
		s.at = min(s.at+2, len(s.in))
	case c == '#':
		s.at = text.LineEnd(s.in, s.at)
	case c == '"', c == '\'':
		s.literal()
		s.before = "string"
	case isWord(c):
		s.word()
	case c == '*' && s.at+1 < len(s.in) && s.in[s.at+1] == '*':
		s.end(2)
	case c == '*' && splatted[s.before] && s.beforeOperand():
		s.out[s.at] = '-'
		s.stars[s.at] = 0
		if s.bracket() > 0 && s.others == 0 {
			s.targets = append(s.targets, s.at)
		}
		s.end(1)
	default:
		switch c {
		case '(', '[', '{':
			s.depth++
			elements := c != '{' && (splatted[s.before] || s.before == "*")
			s.open = append(s.open, elements)
			if !elements {
				s.others++
			}
		case ')', ']', '}':
			s.depth = max(s.depth-1, 0)
			if n := len(s.open); n > 0 {
				if !s.open[n-1] {
					s.others--
				}
				s.open = s.open[:n-1]
			}
		case ';':
			s.targets = nil
		case '=':
			if s.depth == 0 && s.assigns() {
				s.bind()
			}
		}
		s.end(1)
	}
}

// assigns reports whether the equals sign at hand is one by itself.
func (s *speller) assigns() bool {
	return (s.at == 0 || bytes.IndexByte([]byte("=!<>:+-*/%@&|^"), s.in[s.at-1]) < 0) && !bytes.HasPrefix(s.in[s.at:], []byte("=="))
}

// bracket is the offset of the bracket after the star at hand, 0 where something else stands there.
func (s *speller) bracket() int {
	at := s.at + 1
	for at < len(s.in) && (s.in[at] == ' ' || s.in[at] == '\t') {
		at++
	}
	if at < len(s.in) && (s.in[at] == '(' || s.in[at] == '[') {
		return at
	}
	return 0
}

// bind spells the stars before an assignment as targets: the bracket after the star begins where the star does.
func (s *speller) bind() {
	at := s.at
	for _, star := range s.targets {
		s.at = star
		bracket := s.bracket()
		s.out[star], s.out[bracket] = s.in[bracket], ' '
		s.stars[star] = bracket
	}
	s.at, s.targets = at, nil
}

// literal passes a string; what stands in the replacement fields of a format is spelt as the grammar knows it, too.
func (s *speller) literal() {
	end := text.StringEnd(s.in, s.at)
	if isPrefix([]byte(s.before)) && strings.ContainsAny(s.before, "fFtT") {
		inner := &speller{in: s.in[:end], out: s.out[:end], stars: s.stars}
		for at := s.at; at < end; at++ {
			switch s.in[at] {
			case '\\':
				at++
			case '{':
				if at++; at < end && s.in[at] != '{' {
					at = inner.field(at)
				}
			}
		}
	}
	s.at = end
}

// field passes a replacement field after its bracket, up to what ends it: in the format specification after a colon fields begin anew.
func (s *speller) field(at int) int {
	*s = speller{in: s.in, out: s.out, stars: s.stars, at: at, before: "{"}
	for s.at < len(s.in) && (s.depth > 0 || s.in[s.at] != '}' && s.in[s.at] != ':') {
		s.token()
	}
	return s.at
}

// end ends a token of so many bytes.
func (s *speller) end(size int) {
	s.before, s.names = string(s.in[s.at:s.at+size]), false
	if s.before == "\n" {
		s.targets, s.loop = nil, false
	}
	s.at += size
}

// word passes a name, a keyword or a number, and what is to be spelt otherwise behind it.
func (s *speller) word() {
	start := s.at
	for s.at < len(s.in) && isWord(s.in[s.at]) {
		s.at++
	}
	word := s.in[start:s.at]
	if isPrefix(word) && s.at < len(s.in) && (s.in[s.at] == '"' || s.in[s.at] == '\'') {
		for i, c := range word {
			if c == 't' || c == 'T' {
				s.out[start+i] = 'f'
			}
		}
		s.before = string(word)
		return // the string is next
	}
	named := s.names
	s.before = string(word)
	switch s.before {
	case "for":
		s.loop, s.targets = true, nil
	case "in":
		if s.loop {
			s.bind()
		}
		s.loop = false
	}
	s.names = s.before == "class" || s.before == "def" || s.before == "type"
	if named && s.at < len(s.in) && s.in[s.at] == '[' {
		s.parameters()
	}
}

// isPrefix reports whether a word can stand before a string.
func isPrefix(word []byte) bool {
	return len(word) <= 2 && len(bytes.Trim(word, "rRbBuUfFtT")) == 0
}

// parameters blanks the defaults of type parameters.
func (s *speller) parameters() {
	depth, from := 0, -1
	for i := s.at; i < len(s.in); i++ {
		c := s.in[i]
		if from >= 0 && (depth == 1 && c == ',' || depth == 1 && c == ']') {
			for k := from; k < i; k++ {
				if s.out[k] != '\n' && s.out[k] != '\r' {
					s.out[k] = ' '
				}
			}
			from = -1
		}
		switch c {
		case '(', '[', '{':
			depth++
		case ')', ']', '}':
			if depth--; depth == 0 {
				s.at = i
				return
			}
		case '"', '\'':
			i = text.StringEnd(s.in, i) - 1
		case '#':
			i = text.LineEnd(s.in, i) - 1
		case '=':
			if depth == 1 && from < 0 {
				from = i
			}
		}
	}
}

// beforeOperand reports whether the star at hand stands before something that the grammar takes behind a minus and not behind a star.
func (s *speller) beforeOperand() bool {
	rest := bytes.TrimLeft(s.in[s.at+1:], " \t")
	size := 0
	for size < len(rest) && isWord(rest[size]) {
		size++
	}
	switch word := rest[:size]; {
	case len(rest) == 0:
		return false
	case size == 0:
		return bytes.IndexByte([]byte("([{\"'-+~"), rest[0]) >= 0
	case rest[0] >= '0' && rest[0] <= '9', string(word) == "await":
		return true
	default:
		return isPrefix(word) && size < len(rest) && (rest[size] == '"' || rest[size] == '\'')
	}
}

func isWord(c byte) bool {
	return c == '_' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c >= 0x80
}

// node is a record with its children, for what cannot be done in an array.
type node struct {
	record
	children []*node
}

// nested makes nodes of records.
func nested(records []record) *node {
	all := make([]node, len(records))
	for i, r := range records {
		all[i].record = r
		if i > 0 {
			parent := &all[r.parent]
			parent.children = append(parent.children, &all[i])
		}
	}
	return &all[0]
}

// flat makes records of nodes again.
func (n *node) flat(records []record, parent uint32) []record {
	at := uint32(len(records))
	n.parent, n.next = parent, 0
	records = append(records, n.record)
	last := uint32(0)
	for _, c := range n.children {
		if last > 0 {
			records[last].next = uint32(len(records))
		}
		last = uint32(len(records))
		records = c.flat(records, at)
	}
	records[at].last = uint32(len(records))
	return records
}

// operations are the kinds of expressions that begin with what a star is parsed as, where the star is of all of them.
var operations = map[Kind]bool{
	KindUnaryOperator: true, KindBinaryOperator: true, KindComparisonOperator: true, KindBooleanOperator: true, KindConditionalExpression: true,
}

// holders are the kinds of nodes of which targets are parts.
var holders = map[Kind]bool{KindPatternList: true, KindTuplePattern: true, KindListPattern: true}

// starred gives the children of a node the stars back that were spelt otherwise.
func (n *node) starred(stars map[int]int) {
	for i, c := range n.children {
		switch bracket, ok := stars[int(c.start)]; {
		case ok && bracket == 0 && operations[c.symbol]:
			splat := record{start: c.start, end: c.end, symbol: KindListSplat, field: c.field, flags: c.flags}
			operand := c.operand()
			operand.field = 0
			c = &node{splat, []*node{operand}}
			n.children[i] = c
		case bracket > 0 && holders[n.symbol]:
			splat := record{start: c.start, end: c.end, symbol: KindListSplatPattern, field: c.field, flags: c.flags}
			c.field = 0
			c.begin(c.start, uint32(bracket))
			c = &node{splat, []*node{c}}
			n.children[i] = c
		}
		c.starred(stars)
	}
}

// begin moves the beginning of a node, and of what begins with it.
func (n *node) begin(from, to uint32) {
	for ; n.start == from; n = n.children[0] {
		n.start = to
		if len(n.children) == 0 {
			return
		}
	}
}

// operand is an operation without the minus that it begins with.
func (n *node) operand() *node {
	if len(n.children) < 2 || !operations[n.children[0].symbol] && n.symbol != KindUnaryOperator {
		return n // it holds an error
	}
	if n.symbol == KindUnaryOperator {
		return n.children[len(n.children)-1]
	}
	first := n.children[0].operand()
	first.field = n.children[0].field
	n.children[0] = first
	n.start = first.start
	return n
}

// errors counts the places of a tree that do not fit the grammar.
func (t *Tree) errors() (count int) {
	for _, r := range t.nodes {
		if r.flags&(flagError|flagMissing) != 0 {
			count++
		}
	}
	return count
}
