// Package checkpoint reads the files of checkpoints without torch and without unpickling them: what they hold is interpreted as data,
// nothing is imported or called, and the numbers in tensors are read only where somebody asks for them.
package checkpoint

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/ckpt-lsp/ckpt-lsp/internal/checkpoint/pickle"
	"github.com/ckpt-lsp/ckpt-lsp/internal/files"
)

// Format is how a file is written.
type Format string

// Formats of files and folders.
const (
	TorchZip    Format = "torch"              // torch.save since 1.6
	TorchLegacy Format = "torch (before 1.6)" // torch.save before, and with _use_new_zipfile_serialization=False
	TorchTar    Format = "torch (before 0.1.10)"
	TorchScript Format = "TorchScript"
	Pickle      Format = "pickle"
	SafeTensors Format = "safetensors"
	Sharded     Format = "sharded"
	DCP         Format = "torch.distributed.checkpoint"
	Folder      Format = "folder"
	Empty       Format = "empty"
)

// Checkpoint is what a file, or a folder of files, holds.
type Checkpoint struct {
	Path     string
	Format   Format
	Layout   string // of the program that wrote it: Lightning, Accelerate, Transformers Trainer, DeepSpeed
	Size     int64
	Modified time.Time
	// Files are those that it is made of: one with the path itself where it is a file.
	Files []*File
	// Root is the tree of keys, nil where it cannot be read.
	Root *Node
	// Notes are what else was found out of it; Problems what is wrong with it, the worst first.
	Notes, Problems []string
	limits          pickle.Limits
}

// File is one file of a checkpoint.
type File struct {
	// Name is relative to the folder.
	Name     string
	Path     string
	Format   Format
	Size     int64
	Modified time.Time
	// Pickles are what was read of the pickles in it.
	Pickles []*pickle.Pickle
	// Storages are the pieces of data that tensors lie in, in the order of the file.
	Storages []*Storage
	// ByteOrder is "little" or "big".
	ByteOrder string
	// Metadata are the texts that a safetensors file has beside its tensors.
	Metadata map[string]string
	// Problem says what is wrong with it, "" for a sound one.
	Problem string
	limits  pickle.Limits
	root    *Node
	zip     *archive
	prefix  string // of the names of records
}

// Storage is a piece of data that one tensor or several lie in.
type Storage struct {
	Key    string
	DType  string // "" where it is untyped
	Device string
	// Bytes is how many there are; Offset where they begin in the file, -1 where they are packed, missing or elsewhere.
	Bytes, Offset int64
	File          *File
	// Views are the tensors that lie in it.
	Views []*Node
	// Missing says that the file does not hold it, or not all of it.
	Missing bool
}

// Tensor is what is known of a tensor, or of an array of numpy.
type Tensor struct {
	DType   string
	Shape   []int64
	Stride  []int64
	Start   int64 // in elements of the storage
	Storage *Storage
	Layout  string // "" for strided
	// Parts are the tensors that a sparse, nested or otherwise composed one is made of.
	Parts []*Node
	// Numpy says that it is an array.
	Numpy bool
	// pieces reads where the pieces lie that a distributed checkpoint has cut it into; nil for a tensor in one.
	pieces func() ([]cut, error)
}

// Elements is how many there are, -1 where nobody can have so many.
func (t *Tensor) Elements() int64 { return product(t.Shape) }

// Bytes is how many its elements take.
func (t *Tensor) Bytes() int64 {
	if len(t.Parts) > 0 {
		var sum int64
		for _, p := range t.Parts {
			if p.Tensor != nil {
				sum += max(0, p.Tensor.Bytes())
			}
		}
		return sum
	}
	n := t.Elements()
	bits, ok := dtypeBits[t.DType]
	if n < 0 || !ok || n > (1<<60)/max(1, int64(bits)) {
		return 0
	}
	return (n*int64(bits) + 7) / 8
}

// Slice reports whether a strided tensor takes a part of its storage only.
func (t *Tensor) Slice() bool {
	return t.Storage != nil && t.Layout == "" && t.Bytes() < t.Storage.Bytes
}

// product multiplies sizes, and gives -1 where that is no size.
func product(shape []int64) int64 {
	n := int64(1)
	for _, d := range shape {
		if d < 0 || d > 0 && n > (1<<60)/d {
			return -1
		}
		n *= d
	}
	return n
}

// Node is one key of a checkpoint and what it holds.
type Node struct {
	Key  string
	Kind Kind
	// Text is what is shown of a value; Class the class of an object.
	Text, Class string
	// Len is how many items there are, of which Children may be the first only.
	Len      int64
	Children []*Node
	Tensor   *Tensor
	// Same is the node that this one is another name of.
	Same *Node
	// Value is what stands in the pickle, nil elsewhere.
	Value  pickle.Value
	parent *Node
}

// Kind is what a node is.
type Kind string

// Kinds of nodes.
const (
	DictNode   Kind = "dict"
	ListNode   Kind = "list"
	TensorNode Kind = "tensor"
	TextNode   Kind = "text"
	NumberNode Kind = "number"
	BoolNode   Kind = "bool"
	NoneNode   Kind = "none"
	ObjectNode Kind = "object"
	ModuleNode Kind = "module" // a whole nn.Module
	SameNode   Kind = "same"
)

// Get is a child by its key, nil where there is none.
func (n *Node) Get(key string) *Node {
	if n == nil {
		return nil
	}
	for _, c := range n.Children {
		if c.Key == key {
			return c.real()
		}
	}
	return nil
}

// real is the node itself, or the one that it is another name of.
func (n *Node) real() *Node {
	if n != nil && n.Same != nil {
		return n.Same
	}
	return n
}

// Path is the keys that lead to the node.
func (n *Node) Path() string {
	var keys []string
	for ; n != nil && n.parent != nil; n = n.parent {
		keys = append(keys, n.Key)
	}
	slices.Reverse(keys)
	return strings.Join(keys, "/")
}

// Walk visits the node and all below it that are not told elsewhere; visit says whether to go on below.
func (n *Node) Walk(visit func(*Node) bool) {
	if n == nil || !visit(n) {
		return
	}
	for _, c := range n.Children {
		c.Walk(visit)
	}
}

// Bytes is what the tensors below take in files: a storage that several share counts where it is first met.
func (n *Node) Bytes() int64 {
	seen := map[*Storage]bool{}
	return n.bytes(seen)
}

func (n *Node) bytes(seen map[*Storage]bool) (sum int64) {
	n.Walk(func(x *Node) bool {
		if x.Tensor != nil {
			sum += x.Tensor.stored(seen)
		}
		return true
	})
	return sum
}

// stored are the bytes of the storages that were not seen yet.
func (t *Tensor) stored(seen map[*Storage]bool) (sum int64) {
	if t.Storage != nil && !seen[t.Storage] {
		seen[t.Storage] = true
		sum += t.Storage.Bytes
	}
	for _, p := range t.Parts {
		if p.Tensor != nil {
			sum += p.Tensor.stored(seen)
		}
	}
	return sum
}

// Tensors are the nodes of tensors in their order.
func (c *Checkpoint) Tensors() []*Node {
	var out []*Node
	c.Root.Walk(func(n *Node) bool {
		if n.Kind == TensorNode {
			out = append(out, n)
		}
		return true
	})
	return out
}

// ErrNone says that a path leads to nothing that is a checkpoint.
var ErrNone = errors.New("no checkpoint")

// Open reads what a file or folder holds. The error says that there is nothing to tell; what is wrong with a checkpoint is told in it.
func Open(path string) (*Checkpoint, error) { return open(path, pickle.DefaultLimits) }

// briefLimits are kept to in a fraction of a second.
var briefLimits = pickle.Limits{Ops: 5_000_000, Cells: 500_000, Text: 8 << 20, Keep: 4 << 10, Items: 1000, Stack: 1 << 18}

// OpenBriefly is Open for who waits: of a checkpoint that is large beyond use less is told.
func OpenBriefly(path string) (*Checkpoint, error) { return open(path, briefLimits) }

func open(path string, limits pickle.Limits) (*Checkpoint, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	c := &Checkpoint{Path: path, Modified: info.ModTime(), limits: limits}
	switch {
	case info.IsDir():
		err = c.folder()
	case strings.HasSuffix(path, ".index.json"):
		err = c.index()
	default:
		var f *File
		if f, err = openFile(path, filepath.Base(path), limits); err == nil {
			c.take(f)
		}
	}
	if err != nil {
		return nil, err
	}
	c.finish()
	return c, nil
}

// take makes a file the whole of the checkpoint.
func (c *Checkpoint) take(f *File) {
	c.Files, c.Format, c.Size, c.Root, c.Modified = []*File{f}, f.Format, f.Size, f.root, f.Modified
}

// finish completes what is known once all files are read.
func (c *Checkpoint) finish() {
	c.Root.link(nil)
	for _, f := range c.Files {
		if f.Problem != "" {
			problem := f.Problem
			if len(c.Files) > 1 || c.Format == Folder {
				problem = f.Name + ": " + problem
			}
			c.Problems = append(c.Problems, problem)
		}
		if f.Modified.After(c.Modified) {
			c.Modified = f.Modified
		}
	}
	for _, n := range c.Tensors() {
		n.views(n)
	}
	if c.Layout == "" {
		c.Layout = layoutOf(c.Root)
	}
}

// link sets the parents.
func (n *Node) link(parent *Node) {
	if n == nil {
		return
	}
	n.parent = parent
	for _, c := range n.Children {
		c.link(n)
	}
}

// views enters a tensor with the storages that it lies in.
func (n *Node) views(of *Node) {
	if s := n.Tensor.Storage; s != nil {
		s.Views = append(s.Views, of)
	}
	for _, p := range n.Tensor.Parts {
		if p.Tensor != nil {
			p.views(of)
		}
	}
}

// openFile reads one file by what is in it, whatever it is called.
func openFile(path, name string, limits pickle.Limits) (*File, error) {
	in, info, err := files.Open(path)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	f := &File{Name: name, Path: path, Size: info.Size(), Modified: info.ModTime(), ByteOrder: "little", limits: limits}
	f.read(in)
	return f, nil
}

// read finds out the format and reads what is not data.
func (f *File) read(in io.ReaderAt) {
	head := make([]byte, min(f.Size, 1024))
	if _, err := in.ReadAt(head, 0); err != nil && err != io.EOF {
		f.Problem = err.Error()
		return
	}
	switch {
	case f.Size == 0:
		f.Format, f.Problem = Empty, "the file is empty"
	case strings.HasPrefix(string(head), "PK"):
		f.readZip(in)
	case isSafeTensors(head):
		f.readSafeTensors(in)
	case isTar(head):
		f.Format, f.Problem = TorchTar, "it is a tar archive, as torch wrote before 0.1.10: only torch reads it"
	case head[0] == 0x80 || strings.ContainsRune("(}])lc", rune(head[0])):
		f.readPickles(in)
	case strings.Trim(string(head), "\x00") == "":
		f.Problem = "it begins with zeros: it was not written, or its blocks were lost"
	case strings.HasPrefix(string(head), "version https://git-lfs"):
		f.Problem = "it is a pointer of Git LFS: the file itself was not fetched (git lfs pull)"
	default:
		f.Problem = fmt.Sprintf("it begins with %q, as no checkpoint does", clip(string(head), 16))
	}
}

func isTar(head []byte) bool { return len(head) > 262 && string(head[257:262]) == "ustar" }

func clip(s string, n int) string {
	if r := []rune(s); len(r) > n {
		return string(r[:n-1]) + "…"
	}
	return s
}

// problem keeps the first thing that is wrong.
func (f *File) problem(format string, args ...any) {
	f.Problem = cmp.Or(f.Problem, fmt.Sprintf(format, args...))
}
