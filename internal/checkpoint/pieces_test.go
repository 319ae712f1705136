package checkpoint

import (
	"encoding/binary"
	"math"
	"os"
	"path/filepath"
	"testing"
)

// written is a file of float32 numbers, and tensors in it one after the other.
func written(t *testing.T, shapes [][]int64, numbers ...float32) []*Tensor {
	t.Helper()
	var data []byte
	for _, x := range numbers {
		data = binary.LittleEndian.AppendUint32(data, math.Float32bits(x))
	}
	path := filepath.Join(t.TempDir(), "part")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	f := &File{Path: path, Size: info.Size(), Modified: info.ModTime(), ByteOrder: "little"}
	var out []*Tensor
	at := int64(0)
	for _, shape := range shapes {
		x := &Tensor{DType: "float32", Shape: shape, Stride: contiguous(shape)}
		x.Storage = &Storage{File: f, Offset: at, Bytes: x.Bytes()}
		at += x.Bytes()
		out = append(out, x)
	}
	return out
}

// TestPieces holds tensors that are cut into pieces, along one dimension or two, to the same numbers in one piece.
func TestPieces(t *testing.T) {
	whole := []int64{2, 3}
	one := written(t, [][]int64{whole}, 0, 1, 2, 3, 4, 5)[0]
	want, err := (&Node{Kind: TensorNode, Tensor: one}).Digest(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for name, all := range map[string][]cut{
		"rows":    cuts([][]int64{{0, 0}, {1, 0}}, written(t, [][]int64{{1, 3}, {1, 3}}, 0, 1, 2, 3, 4, 5)),
		"columns": cuts([][]int64{{0, 0}, {0, 2}}, written(t, [][]int64{{2, 2}, {2, 1}}, 0, 1, 3, 4, 2, 5)),
		"both":    cuts([][]int64{{0, 0}, {0, 1}, {1, 0}, {1, 1}}, written(t, [][]int64{{1, 1}, {1, 2}, {1, 1}, {1, 2}}, 0, 1, 2, 3, 4, 5)),
	} {
		x := &Tensor{DType: "float32", Shape: whole, Stride: contiguous(whole), Storage: all[0].tensor.Storage, pieces: func() ([]cut, error) { return all, nil }}
		got, err := (&Node{Kind: TensorNode, Tensor: x}).Digest(t.Context())
		if err != nil || got != want {
			t.Errorf("%s: other values (%v)", name, err)
		}
	}
	a := cut{[]int64{0, 0}, &Tensor{Shape: []int64{2, 2}}}
	if b := (cut{[]int64{1, 1}, &Tensor{Shape: []int64{1, 2}}}); !a.meets(b) || !b.meets(a) || a.meets(cut{[]int64{0, 2}, b.tensor}) {
		t.Error("pieces meet where they have an element in common, and there alone")
	}
}

func cuts(at [][]int64, of []*Tensor) []cut {
	var out []cut
	for i := range at {
		out = append(out, cut{at[i], of[i]})
	}
	return out
}
