package checkpoint

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// maxHeader is how long the header of a safetensors file may be: its own library reads no more.
const maxHeader = 100_000_000

// safeTypes are the dtypes of safetensors.
var safeTypes = map[string]string{
	"F64": "float64", "F32": "float32", "F16": "float16", "BF16": "bfloat16", "I64": "int64", "I32": "int32", "I16": "int16", "I8": "int8",
	"U64": "uint64", "U32": "uint32", "U16": "uint16", "U8": "uint8", "BOOL": "bool", "F8_E4M3": "float8_e4m3fn", "F8_E5M2": "float8_e5m2",
	"F8_E8M0": "float8_e8m0fnu", "F4": "float4", "F6_E2M3": "float6_e2m3", "F6_E3M2": "float6_e3m2", "C64": "complex64",
}

// safeName is how safetensors calls a dtype, "" where it has none.
func safeName(dtype string) string {
	for name, of := range safeTypes {
		if of == dtype {
			return name
		}
	}
	return ""
}

// isSafeTensors reports whether a file begins as one of safetensors does: the length of a header, and the header.
func isSafeTensors(head []byte) bool {
	if len(head) < 9 || head[8] != '{' {
		return false
	}
	n := binary.LittleEndian.Uint64(head)
	return n >= 2 && n <= maxHeader
}

// safeTensor is what the header says of a tensor.
type safeTensor struct {
	DType   string  `json:"dtype"`
	Shape   []int64 `json:"shape"`
	Offsets []int64 `json:"data_offsets"`
}

// readSafeTensors reads the header, which says all.
func (f *File) readSafeTensors(in io.ReaderAt) {
	f.Format = SafeTensors
	length, err := readAt(in, f.Size, 0, 8)
	if err != nil {
		f.problem("%v", err)
		return
	}
	n := int64(binary.LittleEndian.Uint64(length))
	if n > f.Size-8 {
		f.problem("it was cut off in its header, of whose %d bytes it holds %d", n, f.Size-8)
		return
	}
	header, err := readAt(in, f.Size, 8, n)
	if err != nil {
		f.problem("%v", err)
		return
	}
	if err := f.safeHeader(header, 8+n); err != nil {
		f.problem("its header is damaged: %v", err)
	}
}

// safeHeader makes the tree of a header, in the order of the tensors in the file.
func (f *File) safeHeader(header []byte, data int64) error {
	d := json.NewDecoder(bytes.NewReader(header))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return errors.New("it is no object")
	}
	root := &Node{Kind: DictNode}
	seen := map[string]bool{}
	for d.More() {
		t, err := d.Token()
		if err != nil {
			return err
		}
		key, _ := t.(string)
		if seen[key] {
			return fmt.Errorf("%q stands in it twice", clip(key, 60))
		}
		seen[key] = true
		if key == "__metadata__" {
			if err := d.Decode(&f.Metadata); err != nil {
				return err
			}
			continue
		}
		var s safeTensor
		if err := d.Decode(&s); err != nil {
			return err
		}
		if len(root.Children) >= maxNodes {
			return fmt.Errorf("it names more than %d tensors", maxNodes)
		}
		n, err := f.safeNode(key, s, data)
		if err != nil {
			return err
		}
		root.Children = append(root.Children, n)
	}
	if _, err := d.Token(); err != nil {
		return err
	}
	slices.SortStableFunc(root.Children, func(a, b *Node) int {
		x, y := a.Tensor.Storage, b.Tensor.Storage
		switch {
		case x.Offset != y.Offset:
			return compare(x.Offset, y.Offset)
		case x.Bytes != y.Bytes:
			return compare(x.Bytes, y.Bytes)
		}
		return strings.Compare(a.Key, b.Key)
	})
	root.Len = int64(len(root.Children))
	f.root = root
	end := data
	for _, n := range root.Children {
		s := n.Tensor.Storage
		f.Storages = append(f.Storages, s)
		s.Missing = s.Offset > f.Size || s.Bytes > f.Size-s.Offset
		switch {
		case s.Offset != end:
			f.problem("%s begins at byte %d of the data, and what is before it ends at %d: safetensors refuses holes and overlaps", clip(n.Key, 60), s.Offset-data, end-data)
		case s.Missing:
			f.problem("it was cut off in %s, of whose %d bytes it holds %d", clip(n.Key, 60), s.Bytes, max(0, f.Size-s.Offset))
		}
		end = s.Offset + s.Bytes
	}
	if f.Problem == "" && end != f.Size {
		f.problem("%d bytes follow the last tensor: safetensors refuses them", f.Size-end)
	}
	return nil
}

func compare(a, b int64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// safeNode makes the node of one tensor.
func (f *File) safeNode(key string, s safeTensor, data int64) (*Node, error) {
	if len(s.Offsets) != 2 || s.Offsets[0] < 0 || s.Offsets[1] < s.Offsets[0] || s.Offsets[1] > 1<<60 {
		return nil, fmt.Errorf("%q has no place", clip(key, 60))
	}
	t := &Tensor{DType: safeTypes[s.DType], Shape: s.Shape}
	if t.DType == "" {
		t.DType = s.DType
	}
	if t.Elements() < 0 || len(s.Shape) > 64 {
		return nil, fmt.Errorf("the shape of %q is none", clip(key, 60))
	}
	t.Stride = contiguous(s.Shape)
	t.Storage = &Storage{Key: key, DType: t.DType, File: f, Offset: data + s.Offsets[0], Bytes: s.Offsets[1] - s.Offsets[0]}
	if _, known := dtypeBits[t.DType]; known && t.Bytes() != t.Storage.Bytes {
		return nil, fmt.Errorf("%q has %d bytes, and its shape %v of %s takes %d", clip(key, 60), t.Storage.Bytes, s.Shape, s.DType, t.Bytes())
	}
	return &Node{Key: key, Kind: TensorNode, Tensor: t}, nil
}

// contiguous are the strides of a tensor that lies in order.
func contiguous(shape []int64) []int64 {
	out := make([]int64, len(shape))
	n := int64(1)
	for i := len(shape) - 1; i >= 0; i-- {
		out[i] = n
		n *= max(1, shape[i])
	}
	return out
}
