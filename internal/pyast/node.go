package pyast

import (
	"iter"

	"github.com/ckpt-lsp/ckpt-lsp/internal/text"
)

// Tree is the immutable syntax tree of one source. It is safe for concurrent use.
type Tree struct {
	source  []byte
	nodes   []record
	respelt bool // is that of a text that the grammar does not know; see respell
}

// exact reports whether the tree is what tree-sitter made of the text itself, without errors.
func (t *Tree) exact() bool { return !t.respelt && !t.HasErrors() }

// Source is the text the tree was made from. It must not be changed.
func (t *Tree) Source() []byte { return t.source }

// Root is the module node.
func (t *Tree) Root() Node { return Node{t, 0} }

// Len is the number of nodes.
func (t *Tree) Len() int { return len(t.nodes) }

// HasErrors reports whether any part of the source did not fit the grammar.
func (t *Tree) HasErrors() bool { return t.nodes[0].flags&(flagHasError|flagError) != 0 }

// Node is the node with the given ID, as Node.ID gave it.
func (t *Tree) Node(id int) Node { return Node{t, int32(id)} }

// At is the smallest named node whose span contains the offset.
func (t *Tree) At(offset int) Node {
	n := t.Root()
	for {
		next := Node{}
		for c := range n.Children() {
			if c.Start() <= offset && offset < c.End() {
				next = c
				break
			}
		}
		if !next.Valid() {
			return n
		}
		n = next
	}
}

// Node is a handle to one node of a tree; the zero Node is "none" and answers every question with nothing. Only named nodes
// and tokens with a field (operators) exist. Nodes are comparable.
type Node struct {
	t *Tree
	i int32
}

// Valid reports whether there is a node.
func (n Node) Valid() bool { return n.t != nil }

// ID numbers the node in its tree, in preorder from 0. IDs below last of a subtree are contiguous.
func (n Node) ID() int { return int(n.i) }

// Tree is the tree the node belongs to.
func (n Node) Tree() *Tree { return n.t }

// Kind is the node's grammar symbol, KindNone for no node.
func (n Node) Kind() Kind {
	if n.t == nil {
		return KindNone
	}
	return n.t.nodes[n.i].symbol
}

// Is reports whether the node is of one of the kinds.
func (n Node) Is(kinds ...Kind) bool {
	if n.t == nil {
		return false
	}
	k := n.t.nodes[n.i].symbol
	for _, x := range kinds {
		if k == x {
			return true
		}
	}
	return false
}

// Field is the node's role in its parent.
func (n Node) Field() Field {
	if n.t == nil {
		return FieldNone
	}
	return Field(n.t.nodes[n.i].field)
}

// Start is the offset of the first byte.
func (n Node) Start() int {
	if n.t == nil {
		return 0
	}
	return int(n.t.nodes[n.i].start)
}

// End is the offset after the last byte.
func (n Node) End() int {
	if n.t == nil {
		return 0
	}
	return int(n.t.nodes[n.i].end)
}

// Span is the node's byte range.
func (n Node) Span() text.Span { return text.Span{Start: n.Start(), End: n.End()} }

// Place is a span of one of the files under analysis.
type Place struct {
	Tree *Tree
	text.Span
}

// Place is where the node stands.
func (n Node) Place() Place { return Place{n.t, n.Span()} }

// Text is the node's source text.
func (n Node) Text() string {
	if n.t == nil {
		return ""
	}
	r := &n.t.nodes[n.i]
	return string(n.t.source[r.start:r.end])
}

// TextIs compares the node's text without copying it.
func (n Node) TextIs(s string) bool {
	if n.t == nil {
		return false
	}
	r := &n.t.nodes[n.i]
	return string(n.t.source[r.start:r.end]) == s
}

// Named reports whether the node is a named node rather than a token.
func (n Node) Named() bool { return n.t != nil && n.t.nodes[n.i].flags&flagNamed != 0 }

// Missing reports whether the parser inserted the node to go on after an error.
func (n Node) Missing() bool { return n.t != nil && n.t.nodes[n.i].flags&flagMissing != 0 }

// HasError reports whether the node or a descendant is an error.
func (n Node) HasError() bool {
	return n.t != nil && n.t.nodes[n.i].flags&(flagHasError|flagError) != 0
}

// Parent is the enclosing node, none for the root.
func (n Node) Parent() Node {
	if n.t == nil || n.i == 0 {
		return Node{}
	}
	return Node{n.t, int32(n.t.nodes[n.i].parent)}
}

// Next is the following sibling, comments included.
func (n Node) Next() Node {
	if n.t == nil || n.t.nodes[n.i].next == 0 {
		return Node{}
	}
	return Node{n.t, int32(n.t.nodes[n.i].next)}
}

// Prev is the sibling before, comments included.
func (n Node) Prev() Node {
	var before Node
	for c := n.Parent().first(); c.Valid() && c != n; c = c.Next() {
		before = c
	}
	return before
}

func (n Node) first() Node {
	if n.t == nil || n.t.nodes[n.i].last == uint32(n.i)+1 {
		return Node{}
	}
	return Node{n.t, n.i + 1}
}

// Children yields the children in order, without comments.
func (n Node) Children() iter.Seq[Node] {
	return func(yield func(Node) bool) {
		for c := n.first(); c.Valid(); c = c.Next() {
			if c.t.nodes[c.i].flags&flagExtra != 0 && c.t.nodes[c.i].flags&flagError == 0 {
				continue
			}
			if !yield(c) {
				return
			}
		}
	}
}

// Child is the first child with the field, none if there is none.
func (n Node) Child(f Field) Node {
	for c := n.first(); c.Valid(); c = c.Next() {
		if c.t.nodes[c.i].field == uint8(f) {
			return c
		}
	}
	return Node{}
}

// ChildrenOf yields the children with the field.
func (n Node) ChildrenOf(f Field) iter.Seq[Node] {
	return func(yield func(Node) bool) {
		for c := n.first(); c.Valid(); c = c.Next() {
			if c.t.nodes[c.i].field == uint8(f) && !yield(c) {
				return
			}
		}
	}
}

// Nth is the i-th child (from 0), without comments.
func (n Node) Nth(i int) Node {
	for c := range n.Children() {
		if i == 0 {
			return c
		}
		i--
	}
	return Node{}
}

// Descendants yields the node and everything below it in preorder, comments included.
func (n Node) Descendants() iter.Seq[Node] {
	return func(yield func(Node) bool) {
		if n.t == nil {
			return
		}
		for i := n.i; i < int32(n.t.nodes[n.i].last); i++ {
			if !yield(Node{n.t, i}) {
				return
			}
		}
	}
}

// Encloses reports whether o is the node or lies below it.
func (n Node) Encloses(o Node) bool {
	return n.t != nil && n.t == o.t && n.i <= o.i && o.i < int32(n.t.nodes[n.i].last)
}

// Names reports whether the name occurs in the node, be it as a part of a dotted one.
func (n Node) Names(name string) bool {
	for d := range n.Descendants() {
		if d.Kind() == KindIdentifier && d.TextIs(name) {
			return true
		}
	}
	return false
}

// Skipped reports whether a statement before the node, in the same block or one around it, always leaves that block, so that the node
// is never run.
func (n Node) Skipped() bool {
	for s := n; s.Valid(); s = s.Parent() {
		if !s.Parent().Is(KindBlock, KindModule) {
			continue
		}
		for before := range s.Parent().Children() {
			if before.Start() >= s.Start() {
				break
			}
			if before.Is(KindRaiseStatement, KindReturnStatement, KindContinueStatement, KindBreakStatement) {
				return true
			}
		}
	}
	return false
}

// Ancestor is the nearest node above of one of the kinds.
func (n Node) Ancestor(kinds ...Kind) Node {
	for p := n.Parent(); p.Valid(); p = p.Parent() {
		if p.Is(kinds...) {
			return p
		}
	}
	return Node{}
}
