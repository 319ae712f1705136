package checkpoint

import (
	"context"
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/ckpt-lsp/ckpt-lsp/internal/checkpoint/pickle"
)

// Difference is what differs between two checkpoints.
type Difference struct {
	// Equal is how many keys have the same values.
	Equal      int      `json:"equal"`
	OnlyFirst  []string `json:"only_first"`
	OnlySecond []string `json:"only_second"`
	Changed    []Change `json:"changed"`
	// Unread are tensors whose values are not compared.
	Unread []string `json:"unread"`
}

// Change is a key with something else under it.
type Change struct {
	Key string `json:"key"`
	// What is other: kind, dtype, shape or values. First and Second are what stands there; of values, digests.
	What   string `json:"what"`
	First  string `json:"first"`
	Second string `json:"second"`
}

// Same reports whether nothing differs, and all was compared.
func (d *Difference) Same() bool {
	return len(d.OnlyFirst)+len(d.OnlySecond)+len(d.Changed)+len(d.Unread) == 0
}

// leaf is a key with a value that is compared.
type leaf struct {
	path string
	node *Node
}

// leaves are those below a node, those of another name too; what holds itself is told once on a way.
func leaves(n *Node) []leaf {
	var out []leaf
	on := map[*Node]bool{}
	var walk func(path string, n *Node)
	walk = func(path string, n *Node) {
		n = n.real()
		if on[n] || len(out) >= maxNodes {
			return
		}
		if len(n.Children) == 0 {
			out = append(out, leaf{path, n})
			return
		}
		on[n] = true
		for _, c := range n.Children {
			walk(strings.TrimPrefix(path+"/"+c.Key, "/"), c)
		}
		delete(on, n)
	}
	if n != nil {
		walk("", n)
	}
	return out
}

// Diff compares two checkpoints, key by key: kinds, dtypes, shapes, and the values by their digests.
func Diff(ctx context.Context, a, b *Checkpoint) (*Difference, error) {
	d := &Difference{OnlyFirst: []string{}, OnlySecond: []string{}, Changed: []Change{}, Unread: []string{}}
	other := map[string]*Node{}
	for _, l := range leaves(b.Root) {
		other[l.path] = l.node
	}
	seen := map[string]bool{}
	for _, l := range leaves(a.Root) {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		seen[l.path] = true
		if second := other[l.path]; second != nil {
			d.leaf(ctx, l.path, l.node, second)
		} else {
			d.OnlyFirst = append(d.OnlyFirst, l.path)
		}
	}
	for _, l := range leaves(b.Root) {
		if !seen[l.path] {
			d.OnlySecond = append(d.OnlySecond, l.path)
		}
	}
	return d, ctx.Err()
}

func (d *Difference) leaf(ctx context.Context, path string, a, b *Node) {
	change := func(what, first, second string) { d.Changed = append(d.Changed, Change{path, what, first, second}) }
	switch {
	case a.Kind != b.Kind:
		change("kind", string(a.Kind), string(b.Kind))
	case a.Kind != TensorNode:
		if first, second := shown(a), shown(b); first != second {
			change("values", first, second)
			return
		}
		d.Equal++
	case a.Tensor.DType != b.Tensor.DType:
		change("dtype", a.Tensor.DType, b.Tensor.DType)
	case fmt.Sprint(a.Tensor.Shape) != fmt.Sprint(b.Tensor.Shape):
		change("shape", fmt.Sprint(a.Tensor.Shape), fmt.Sprint(b.Tensor.Shape))
	case a.Tensor.Elements() == 0:
		d.Equal++
	default:
		first, err := a.Digest(ctx)
		second, also := b.Digest(ctx)
		switch {
		case err != nil || also != nil:
			d.Unread = append(d.Unread, path)
		case first != second:
			change("values", hex.EncodeToString(first[:6]), hex.EncodeToString(second[:6]))
		default:
			d.Equal++
		}
	}
}

// shown is a value that is no tensor, so that equal ones look alike.
func shown(n *Node) string {
	if t, ok := n.Value.(*pickle.Text); ok {
		return fmt.Sprintf("%s %08x", n.Text, t.Sum)
	}
	return strings.TrimSpace(n.Class + " " + n.Text)
}
