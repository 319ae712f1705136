package checkpoint

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"io"
	"slices"

	"github.com/ckpt-lsp/ckpt-lsp/internal/files"
)

// chunk is how many bytes of numbers are held at a time, and mostHeld how many of a tensor that does not lie in order.
const (
	chunk    = 1 << 20
	mostHeld = 256 << 20
)

// errNotStored says that a tensor's numbers are not in the file as they are.
var errNotStored = errors.New("its numbers are not in the file as they are")

// values hands out the bytes of a tensor's elements in their order, some at a time.
func (t *Tensor) values(ctx context.Context, in io.ReaderAt, take func([]byte) error) error {
	s := t.Storage
	bits := int64(dtypeBits[t.DType])
	if s == nil || s.Offset < 0 || s.Missing || bits < 8 {
		return errNotStored
	}
	width := bits / 8
	n := t.Elements()
	if n <= 0 {
		return nil
	}
	base := s.Offset + t.Start*width
	if slices.Equal(t.Stride, contiguous(t.Shape)) || n == 1 {
		return stream(ctx, in, base, n*width, take)
	}
	span := int64(1)
	for i, d := range t.Shape {
		span += (d - 1) * t.Stride[i]
	}
	if span*width > mostHeld {
		return fmt.Errorf("its elements lie scattered over %d bytes", span*width)
	}
	held := make([]byte, span*width)
	if n, err := in.ReadAt(held, base); n < len(held) {
		return err
	}
	return t.gather(ctx, held, width, take)
}

// stream hands out bytes of a file.
func stream(ctx context.Context, in io.ReaderAt, at, n int64, take func([]byte) error) error {
	b := make([]byte, min(chunk, n))
	for n > 0 {
		if err := ctx.Err(); err != nil {
			return err
		}
		b = b[:min(int64(len(b)), n)]
		if n, err := in.ReadAt(b, at); n < len(b) {
			return err
		}
		if err := take(b); err != nil {
			return err
		}
		at, n = at+int64(len(b)), n-int64(len(b))
	}
	return nil
}

// gather hands out elements in the order of their places in the tensor.
func (t *Tensor) gather(ctx context.Context, held []byte, width int64, take func([]byte) error) error {
	at := make([]int64, len(t.Shape))
	b := make([]byte, 0, chunk)
	for {
		place := int64(0)
		for i, x := range at {
			place += x * t.Stride[i]
		}
		b = append(b, held[place*width:(place+1)*width]...)
		if len(b)+int(width) > chunk {
			if err := errors.Join(ctx.Err(), take(b)); err != nil {
				return err
			}
			b = b[:0]
		}
		i := len(at) - 1
		for ; i >= 0; i-- {
			if at[i]++; at[i] < t.Shape[i] {
				break
			}
			at[i] = 0
		}
		if i < 0 {
			return take(b)
		}
	}
}

// Odd is how many of a tensor's numbers are none.
type Odd struct{ NaN, Inf int64 }

// Numbers counts what is NaN and infinite, tensor by tensor; step is told how many bytes were read. Tensors whose numbers are not read are
// left out.
func (c *Checkpoint) Numbers(ctx context.Context, step func(int64)) (map[*Node]Odd, error) {
	out := map[*Node]Odd{}
	for f, tensors := range c.byFile() {
		err := f.reading(func(in io.ReaderAt) error {
			for _, n := range tensors {
				odd, ok := oddness[n.Tensor.DType]
				if !ok {
					continue
				}
				var count Odd
				big := f.ByteOrder == "big"
				err := n.Tensor.values(ctx, in, func(b []byte) error {
					odd(b, big, &count)
					step(int64(len(b)))
					return nil
				})
				if ctx.Err() != nil {
					return ctx.Err()
				}
				if err == nil {
					out[n] = count
				}
			}
			return nil
		})
		if err != nil {
			return out, err
		}
	}
	for _, n := range c.cutTensors() {
		odd, ok := oddness[n.Tensor.DType]
		if !ok {
			continue
		}
		all, err := n.Tensor.pieces()
		var count Odd
		if err == nil {
			err = each(ctx, all, func(_ cut, b []byte) error {
				odd(b, false, &count)
				step(int64(len(b)))
				return nil
			})
		}
		if ctx.Err() != nil {
			return out, ctx.Err()
		}
		if err == nil {
			out[n] = count
		}
	}
	return out, nil
}

// byFile are the tensors that lie in storages, by the file.
func (c *Checkpoint) byFile() map[*File][]*Node {
	out := map[*File][]*Node{}
	for _, n := range c.Tensors() {
		if s := n.Tensor.Storage; s != nil && s.File != nil && s.Offset >= 0 {
			out[s.File] = append(out[s.File], n)
		}
	}
	return out
}

// reading opens the file once more.
func (f *File) reading(do func(io.ReaderAt) error) error {
	in, info, err := files.Open(f.Path)
	if err != nil {
		return err
	}
	defer in.Close()
	if info.Size() != f.Size || !info.ModTime().Equal(f.Modified) {
		return fmt.Errorf("%s: it was changed meanwhile", f.Path)
	}
	return do(in)
}

// oddness counts the numbers of each dtype that are none.
var oddness = map[string]func(b []byte, big bool, count *Odd){
	"float64": wide(8, func(x uint64) (uint64, uint64) { return x >> 52 & 0x7ff, x << 12 }, 0x7ff), "complex128": wide(8, func(x uint64) (uint64, uint64) { return x >> 52 & 0x7ff, x << 12 }, 0x7ff),
	"float32": wide(4, func(x uint64) (uint64, uint64) { return x >> 23 & 0xff, x & 0x7fffff }, 0xff), "complex64": wide(4, func(x uint64) (uint64, uint64) { return x >> 23 & 0xff, x & 0x7fffff }, 0xff),
	"float16": wide(2, func(x uint64) (uint64, uint64) { return x >> 10 & 0x1f, x & 0x3ff }, 0x1f), "complex32": wide(2, func(x uint64) (uint64, uint64) { return x >> 10 & 0x1f, x & 0x3ff }, 0x1f),
	"bfloat16":        wide(2, func(x uint64) (uint64, uint64) { return x >> 7 & 0xff, x & 0x7f }, 0xff),
	"float8_e5m2":     wide(1, func(x uint64) (uint64, uint64) { return x >> 2 & 0x1f, x & 3 }, 0x1f),
	"float8_e4m3fn":   single(func(x byte) bool { return x&0x7f == 0x7f }),
	"float8_e4m3fnuz": single(func(x byte) bool { return x == 0x80 }), "float8_e5m2fnuz": single(func(x byte) bool { return x == 0x80 }),
	"float8_e8m0fnu": single(func(x byte) bool { return x == 0xff }),
}

// wide counts in numbers of so many bytes with an exponent that is all ones where they are none.
func wide(width int, split func(uint64) (exponent, fraction uint64), ones uint64) func([]byte, bool, *Odd) {
	return func(b []byte, big bool, count *Odd) {
		var order binary.ByteOrder = binary.LittleEndian
		if big {
			order = binary.BigEndian
		}
		for ; len(b) >= width; b = b[width:] {
			var x uint64
			switch width {
			case 8:
				x = order.Uint64(b)
			case 4:
				x = uint64(order.Uint32(b))
			case 2:
				x = uint64(order.Uint16(b))
			default:
				x = uint64(b[0])
			}
			exponent, fraction := split(x)
			switch {
			case exponent != ones:
			case fraction == 0:
				count.Inf++
			default:
				count.NaN++
			}
		}
	}
}

func single(nan func(byte) bool) func([]byte, bool, *Odd) {
	return func(b []byte, _ bool, count *Odd) {
		for _, x := range b {
			if nan(x) {
				count.NaN++
			}
		}
	}
}

// Digest is a digest of a tensor's values in their order, whatever their place in the file.
func (n *Node) Digest(ctx context.Context) (sum [sha256.Size]byte, err error) {
	t := n.real().Tensor
	if t == nil || t.Storage == nil || t.Storage.File == nil {
		return sum, errNotStored
	}
	var h hash.Hash
	if t.pieces != nil {
		h = sha256.New()
		err = t.whole(ctx, func(b []byte) error {
			_, err := h.Write(b)
			return err
		})
		if err == nil {
			h.Sum(sum[:0])
		}
		return sum, err
	}
	err = t.Storage.File.reading(func(in io.ReaderAt) error {
		h = sha256.New()
		return t.values(ctx, in, func(b []byte) error {
			_, err := h.Write(b)
			return err
		})
	})
	if err == nil {
		h.Sum(sum[:0])
	}
	return sum, err
}
