// Package pyast is the wall around tree-sitter: source text goes in, an immutable Go tree comes out.
//
// The C tree is flattened in one call into an array of records in preorder; nothing above this package sees a C pointer, so
// trees can be shared by goroutines and kept in snapshots. A Document keeps the C tree of its latest text for incremental
// reparsing and must be closed.
package pyast

// #include "flatten.h"
import "C"

import (
	"cmp"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"unsafe"

	_ "github.com/smacker/go-tree-sitter" // links tree-sitter's C runtime
	grammar "github.com/tree-sitter/tree-sitter-python/bindings/go"

	"github.com/ckpt-lsp/ckpt-lsp/internal/text"
)

// MaxSource is the largest source, in bytes, that is parsed. Tree-sitter's own memory is about 22 times the source.
const MaxSource = 16 << 20

// MaxTokens is the largest number of tokens, roughly counted, of a source that is parsed. A token takes about 250 bytes while it is.
const MaxTokens = 1 << 20

// What is wrong with a source that is not parsed. Python itself does not compile what is nested so deeply.
var (
	ErrTooLarge = fmt.Errorf("the file is larger than %d MiB", MaxSource>>20)
	ErrTooMany  = fmt.Errorf("the file has more than %d tokens", MaxTokens)
	ErrTooSlow  = errors.New("the file holds too many syntax errors in a row")
	ErrTooDeep  = fmt.Errorf("the file nests expressions or statements more than %d levels deep", C.CKPT_MOST_DEPTH)
)

var errNoMemory = errors.New("tree-sitter could not build a tree (out of memory)")

// record is the Go face of ckpt_record.
type record struct {
	start, end, parent, next uint32
	symbol                   Kind
	field, flags             uint8
	last                     uint32
}

const (
	flagNamed    = C.CKPT_NAMED
	flagMissing  = C.CKPT_MISSING
	flagError    = C.CKPT_ERROR
	flagHasError = C.CKPT_HAS_ERROR
	flagExtra    = C.CKPT_EXTRA
)

// parsers are reused: making one costs more than parsing a small file. They live as long as the process.
var parsers = make(chan *C.TSParser, max(4, runtime.GOMAXPROCS(0)))

func takeParser() *C.TSParser {
	select {
	case p := <-parsers:
		return p
	default:
	}
	p := C.ts_parser_new()
	if !C.ts_parser_set_language(p, (*C.TSLanguage)(grammar.Language())) {
		panic("pyast: the Python grammar's ABI does not fit the linked tree-sitter runtime")
	}
	return p
}

func giveParser(p *C.TSParser) {
	select {
	case parsers <- p:
	default:
		C.ts_parser_delete(p)
	}
}

// Parse reads a whole source. Any bytes give a tree; text that is not Python becomes error nodes.
// It fails only on sources beyond the limits and when memory runs out.
func Parse(source []byte) (*Tree, error) {
	ctree, tree, err := parse(nil, source)
	if ctree != nil {
		C.ts_tree_delete(ctree)
	}
	return tree, err
}

func parse(old *C.TSTree, source []byte) (*C.TSTree, *Tree, error) {
	if len(source) > MaxSource {
		return nil, nil, ErrTooLarge
	}
	if tokens(source) > MaxTokens {
		return nil, nil, ErrTooMany
	}
	parser := takeParser()
	defer giveParser(parser)
	written, joined := withoutEmptyJoins(source)
	if joined {
		old = nil
	}
	parsed := C.ckpt_parse(parser, old, start(written), C.uint32_t(len(written)))
	runtime.KeepAlive(written)
	if parsed.tree == nil {
		return nil, nil, ErrTooSlow
	}
	tree := take(parsed, source)
	if tree == nil {
		C.ts_tree_delete(parsed.tree)
		if parsed.too_deep {
			return nil, nil, ErrTooDeep
		}
		return nil, nil, errNoMemory
	}
	tree.respelt = joined
	if tree.HasErrors() {
		if better := again(parser, tree); better != nil {
			tree = better
		}
	}
	return parsed.tree, tree, nil
}

// again parses the text of a tree with errors as the grammar knows it, and gives the tree of that if there are fewer; else nil.
func again(parser *C.TSParser, tree *Tree) *Tree {
	respelt, stars := respell(tree.source)
	if respelt == nil {
		return nil
	}
	respelt, _ = withoutEmptyJoins(respelt)
	parsed := C.ckpt_parse(parser, nil, start(respelt), C.uint32_t(len(respelt)))
	runtime.KeepAlive(respelt)
	if parsed.tree == nil {
		return nil
	}
	defer C.ts_tree_delete(parsed.tree)
	better := take(parsed, tree.source)
	if better == nil || better.errors() >= tree.errors() {
		return nil
	}
	better.respelt = true
	if len(stars) > 0 {
		root := nested(better.nodes)
		root.starred(stars)
		better.nodes = root.flat(make([]record, 0, len(better.nodes)), 0)
	}
	return better
}

// take copies the flattened records into Go memory and frees them; nil means that C had no memory for them.
func take(parsed C.ckpt_parsed, source []byte) *Tree {
	if parsed.records == nil {
		return nil
	}
	nodes := make([]record, parsed.count)
	copy(nodes, unsafe.Slice((*record)(unsafe.Pointer(parsed.records)), parsed.count))
	C.free(unsafe.Pointer(parsed.records))
	return &Tree{source: source, nodes: nodes}
}

// Document is a source that is edited: it keeps what an incremental reparse needs. Its methods may be called from any
// goroutine; the trees it hands out stay valid after Close.
type Document struct {
	mu    sync.Mutex
	ctree *C.TSTree
	tree  *Tree
}

// Open parses a source that will be edited. Close must be called.
func Open(source []byte) (*Document, error) {
	ctree, tree, err := parse(nil, source)
	if err != nil {
		return nil, err
	}
	return &Document{ctree: ctree, tree: tree}, nil
}

// lower flattens the latest C tree once more, to measure what that costs.
func (d *Document) lower() *Tree { return take(C.ckpt_flatten(d.ctree), d.tree.source) }

// Tree is the tree of the latest text.
func (d *Document) Tree() *Tree {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.tree
}

// Edit reparses after edits, which apply one after another as in an LSP didChange (each span refers to the text that the
// edits before it left), and returns the new tree. When the old or the new tree holds errors the text is parsed afresh:
// tree-sitter's incremental reparse is exact only for sound trees.
// On an error the document keeps its old text and must be opened anew.
func (d *Document) Edit(edits []text.Edit, source []byte) (*Tree, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	old := d.ctree
	if !d.tree.exact() {
		old = nil
	}
	if old != nil {
		// Points are not used by this package, only by the grammar's column tracking, which the external scanner takes from
		// the lexer; rows and columns are kept consistent all the same.
		current := d.tree.source
		for _, e := range edits {
			if e.Start < 0 || e.End < e.Start || e.End > len(current) {
				return nil, fmt.Errorf("edit %d-%d lies outside the text of %d bytes", e.Start, e.End, len(current))
			}
			current = edit(old, current, e)
		}
	}
	ctree, tree, err := parse(old, source)
	if err != nil {
		return nil, err
	}
	if old != nil && !tree.exact() {
		C.ts_tree_delete(ctree)
		if ctree, tree, err = parse(nil, source); err != nil {
			return nil, err
		}
	}
	C.ts_tree_delete(d.ctree)
	d.ctree, d.tree = ctree, tree
	return tree, nil
}

// fewEdits are so many that telling the C tree of each, which reads the text, costs less than to parse it.
const fewEdits = 20

// After is the tree of the text after edits, which are made at once as text.Apply makes them; nil where they cannot be made, or the
// text would hold errors. The document stays as it is. Few edits cost less than parsing the edited text.
func (d *Document) After(edits []text.Edit) *Tree {
	d.mu.Lock()
	defer d.mu.Unlock()
	after, err := text.Apply(d.tree.source, edits)
	if err != nil {
		return nil
	}
	if d.tree.exact() && len(edits) <= fewEdits {
		old := C.ts_tree_copy(d.ctree)
		defer C.ts_tree_delete(old)
		// From the last to the first: what stands before an edit is where it was.
		inOrder := slices.SortedStableFunc(slices.Values(edits), func(a, b text.Edit) int { return cmp.Or(b.Start-a.Start, b.End-a.End) })
		current := d.tree.source
		for _, e := range inOrder {
			current = edit(old, current, e)
		}
		if tree := errorFree(old, after); tree != nil {
			return tree
		}
	}
	return errorFree(nil, after)
}

// edit tells a C tree of an edit to its text, and gives the text after it.
func edit(tree *C.TSTree, current []byte, e text.Edit) []byte {
	start, oldEnd := pointAt(current, e.Start), pointAt(current, e.End)
	next := slices.Concat(current[:e.Start], []byte(e.New), current[e.End:])
	input := C.TSInputEdit{
		start_byte: C.uint32_t(e.Start), old_end_byte: C.uint32_t(e.End), new_end_byte: C.uint32_t(e.Start + len(e.New)),
		start_point: start, old_end_point: oldEnd, new_end_point: pointAt(next, e.Start+len(e.New)),
	}
	C.ts_tree_edit(tree, &input)
	return next
}

// errorFree is the tree of a source without errors, with what is known from the tree of its text before edits, nil for nothing.
func errorFree(old *C.TSTree, source []byte) *Tree {
	ctree, tree, err := parse(old, source)
	if err != nil {
		return nil
	}
	C.ts_tree_delete(ctree)
	if tree.HasErrors() {
		return nil
	}
	return tree
}

// start is where a source begins in memory; an empty one begins somewhere, too.
func start(source []byte) *C.char {
	if len(source) == 0 {
		return (*C.char)(unsafe.Pointer(unsafe.StringData("\x00")))
	}
	return (*C.char)(unsafe.Pointer(&source[0]))
}

// Close frees the C tree. The document must not be edited afterwards.
func (d *Document) Close() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.ctree != nil {
		C.ts_tree_delete(d.ctree)
		d.ctree = nil
	}
}

func pointAt(source []byte, offset int) C.TSPoint {
	row, column := 0, 0
	for _, b := range source[:offset] {
		if b == '\n' {
			row++
			column = 0
		} else {
			column++
		}
	}
	return C.TSPoint{row: C.uint32_t(row), column: C.uint32_t(column)}
}

// grammarName is the grammar's own name for a kind.
func grammarName(k Kind) string {
	return C.GoString(C.ts_language_symbol_name((*C.TSLanguage)(grammar.Language()), C.TSSymbol(k)))
}
