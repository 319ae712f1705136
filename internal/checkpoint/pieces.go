package checkpoint

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
)

// cut is a piece of a tensor: a tensor of its own, and where it begins in the whole.
type cut struct {
	at     []int64
	tensor *Tensor
}

// mostCuts is how many pieces of one tensor are put together.
const mostCuts = 4096

// errNotWhole says that the pieces of a tensor are not all of it, once each.
var errNotWhole = errors.New("its pieces are not all of it, once each")

// cuts reads the pieces of a tensor, and holds that they are all of it, once each.
func (d *shards) cuts(whole *Tensor, at []piece) ([]cut, error) {
	if len(at) > mostCuts {
		return nil, fmt.Errorf("it is cut into %d pieces", len(at))
	}
	var out []cut
	elements := int64(0)
	for _, p := range at {
		part := d.part(p)
		if part == nil || part.root == nil || part.root.Tensor == nil || part.Problem != "" {
			return nil, errNotStored
		}
		t := part.root.Tensor
		if t.DType != whole.DType || len(t.Shape) != len(whole.Shape) || len(p.at) != len(whole.Shape) {
			return nil, errNotWhole
		}
		for i := range p.at {
			if p.at[i] > whole.Shape[i]-t.Shape[i] { // sums may be more than fits
				return nil, errNotWhole
			}
		}
		elements += max(0, t.Elements())
		if t.Elements() > 0 {
			out = append(out, cut{p.at, t})
		}
	}
	slices.SortFunc(out, func(a, b cut) int { return slices.Compare(a.at, b.at) })
	for i, a := range out {
		for _, b := range out[i+1:] {
			if a.meets(b) {
				return nil, errNotWhole
			}
		}
	}
	if elements != whole.Elements() {
		return nil, errNotWhole
	}
	return out, nil
}

// meets reports whether two pieces have an element in common.
func (c cut) meets(other cut) bool {
	for i := range c.at {
		if c.at[i]+c.tensor.Shape[i] <= other.at[i] || other.at[i]+other.tensor.Shape[i] <= c.at[i] {
			return false
		}
	}
	return true
}

// banded reports whether pieces follow upon each other in the order of the elements: cut along the first dimension alone.
func banded(whole *Tensor, all []cut) bool {
	return !slices.ContainsFunc(all, func(c cut) bool { return !slices.Equal(c.tensor.Shape[1:], whole.Shape[1:]) })
}

// whole hands out the bytes of a tensor's elements in their order, piece by piece where they follow upon each other, and else put together
// in memory.
func (t *Tensor) whole(ctx context.Context, take func([]byte) error) error {
	all, err := t.pieces()
	if err != nil {
		return err
	}
	if len(t.Shape) == 0 || banded(t, all) {
		return each(ctx, all, func(_ cut, b []byte) error { return take(b) })
	}
	if t.Bytes() > mostHeld {
		return fmt.Errorf("its pieces lie across %d bytes", t.Bytes())
	}
	width := int64(dtypeBits[t.DType]) / 8
	out := make([]byte, t.Bytes())
	var last *Tensor
	done := int64(0)
	err = each(ctx, all, func(c cut, b []byte) error {
		if c.tensor != last {
			last, done = c.tensor, 0
		}
		for ; int64(len(b)) >= width; b = b[width:] {
			copy(out[c.place(done, t.Stride)*width:], b[:width])
			done++
		}
		return nil
	})
	if err != nil {
		return err
	}
	return take(out)
}

// place is where an element of a piece, counted in its order, stands in the whole.
func (c cut) place(i int64, stride []int64) int64 {
	place := int64(0)
	for dim := len(c.at) - 1; dim >= 0; dim-- {
		n := c.tensor.Shape[dim]
		place += (c.at[dim] + i%n) * stride[dim]
		i /= n
	}
	return place
}

// each hands out the bytes of pieces, one piece after the other.
func each(ctx context.Context, all []cut, take func(cut, []byte) error) error {
	for _, c := range all {
		s := c.tensor.Storage
		if s == nil || s.File == nil {
			return errNotStored
		}
		err := s.File.reading(func(in io.ReaderAt) error {
			return c.tensor.values(ctx, in, func(b []byte) error { return take(c, b) })
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// cutTensors are the tensors that lie in pieces, by their paths.
func (c *Checkpoint) cutTensors() []*Node {
	out := slices.DeleteFunc(c.Tensors(), func(n *Node) bool { return n.Tensor.pieces == nil })
	slices.SortFunc(out, func(a, b *Node) int { return cmp.Compare(a.Path(), b.Path()) })
	return out
}
