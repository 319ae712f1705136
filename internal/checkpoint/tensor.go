package checkpoint

import (
	"encoding/binary"
	"math"
	"strconv"
	"strings"

	"github.com/ckpt-lsp/ckpt-lsp/internal/checkpoint/pickle"
)

// dtypeBits are the sizes of an element.
var dtypeBits = map[string]int{
	"float64": 64, "float32": 32, "float16": 16, "bfloat16": 16, "complex128": 128, "complex64": 64, "complex32": 32,
	"int64": 64, "int32": 32, "int16": 16, "int8": 8, "uint64": 64, "uint32": 32, "uint16": 16, "uint8": 8, "bool": 8,
	"float8_e4m3fn": 8, "float8_e5m2": 8, "float8_e4m3fnuz": 8, "float8_e5m2fnuz": 8, "float8_e8m0fnu": 8, "float4_e2m1fn_x2": 8,
	"qint8": 8, "quint8": 8, "qint32": 32, "quint4x2": 8, "quint2x4": 8,
	"bits8": 8, "bits16": 16, "bits1x8": 8, "bits2x4": 8, "bits4x2": 8,
	// of safetensors, which packs them
	"float4": 4, "float6_e2m3": 6, "float6_e3m2": 6,
}

// storageTypes are the dtypes of the classes of storages.
var storageTypes = map[string]string{
	"Double": "float64", "Float": "float32", "Half": "float16", "BFloat16": "bfloat16", "ComplexDouble": "complex128", "ComplexFloat": "complex64",
	"Long": "int64", "Int": "int32", "Short": "int16", "Char": "int8", "Byte": "uint8", "Bool": "bool",
	"QInt8": "qint8", "QUInt8": "quint8", "QInt32": "qint32", "QUInt4x2": "quint4x2", "QUInt2x4": "quint2x4",
}

// dtypeNames are the further names that torch has for dtypes.
var dtypeNames = map[string]string{"double": "float64", "float": "float32", "half": "float16", "cdouble": "complex128", "cfloat": "complex64", "chalf": "complex32", "long": "int64", "int": "int32", "short": "int16"}

// dtypeOf is the dtype that a global names.
func dtypeOf(v pickle.Value) string {
	g, ok := v.(*pickle.Global)
	if !ok || g.Module != "torch" {
		return ""
	}
	if full := dtypeNames[g.Name]; full != "" {
		return full
	}
	return g.Name
}

// storage is the storage that a persistent id names, nil for others. Tensors that share it get the same one.
func (b *builder) storage(v pickle.Value) *Storage {
	typed := "" // the dtype that is put over it
	if o, ok := v.(*pickle.Object); ok && strings.HasSuffix(o.Class(), "TypedStorage") {
		v = field(o, "_untyped_storage")
	}
	p, ok := v.(*pickle.Persistent)
	if !ok {
		return nil
	}
	id, ok := p.ID.(*pickle.List)
	if !ok || len(id.Items) < 5 {
		return nil
	}
	word, _ := pickle.String(id.Items[0])
	key, named := pickle.String(id.Items[2])
	if !named {
		if n, ok := pickle.Int(id.Items[2]); ok { // as DeepSpeed and TorchScript of old write it
			key, named = strconv.FormatInt(n, 10), true
		}
	}
	size, sized := pickle.Int(id.Items[4])
	g, classed := id.Items[1].(*pickle.Global)
	if word != "storage" || !named || !sized || !classed || size < 0 || size > 1<<56 {
		return nil
	}
	// A view has a storage of its own in files of old: (key, offset, size).
	if s := b.storages[key]; s != nil {
		return s
	}
	s := &Storage{Key: key, File: b.file, Offset: -1, DType: typed}
	s.Device, _ = pickle.String(id.Items[3])
	if name, ok := strings.CutSuffix(g.Name, "Storage"); ok {
		s.DType = storageTypes[name]
	}
	s.Bytes = size
	if bits := dtypeBits[s.DType]; bits > 0 {
		s.Bytes = size * int64(bits) / 8
	}
	b.storages[key] = s
	b.file.Storages = append(b.file.Storages, s)
	if b.place != nil {
		b.place(s)
	}
	return s
}

// sizes are the numbers of a tuple, or of a torch.Size.
func sizes(v pickle.Value) ([]int64, bool) {
	if o, ok := v.(*pickle.Object); ok && o.Class() == "torch.Size" {
		v = o.Argument(0)
	}
	l, ok := v.(*pickle.List)
	if !ok || l.Len != int64(len(l.Items)) || len(l.Items) > 64 {
		return nil, false
	}
	out := make([]int64, len(l.Items))
	for i, x := range l.Items {
		n, ok := pickle.Int(x)
		if !ok || n < 0 {
			return nil, false
		}
		out[i] = n
	}
	return out, true
}

// strided makes a tensor of a storage, an offset, a size and strides, if it lies within the storage.
func (b *builder) strided(o *pickle.Object, dtype string) *Tensor {
	s := b.storage(o.Argument(0))
	start, ok := pickle.Int(o.Argument(1))
	shape, shaped := sizes(o.Argument(2))
	stride, strided := sizes(o.Argument(3))
	if s == nil || !ok || !shaped || !strided || len(shape) != len(stride) || start < 0 {
		return nil
	}
	t := &Tensor{DType: dtype, Shape: shape, Stride: stride, Start: start, Storage: s}
	if dtype == "" {
		t.DType = s.DType
	}
	if !t.inside() {
		b.file.problem("a tensor of shape %v reaches beyond its storage of %d bytes", shape, s.Bytes)
		t.Storage = nil
	}
	return t
}

// inside reports whether all elements lie in the storage.
func (t *Tensor) inside() bool {
	bits := int64(dtypeBits[t.DType])
	if t.Elements() == 0 || bits == 0 {
		return true
	}
	last := t.Start
	for i, d := range t.Shape {
		if d > 1 && t.Stride[i] > (1<<58)/d {
			return false
		}
		if last += (d - 1) * t.Stride[i]; last < 0 || last > 1<<58 {
			return false
		}
	}
	return (last+1) <= (1<<60)/bits && (last+1)*bits <= t.Storage.Bytes*8
}

// rebuilders make tensors of what torch's functions of these names are called with. They call nothing.
var rebuilders map[string]func(*builder, *pickle.Object) *Tensor

func init() {
	first := func(b *builder, o *pickle.Object) *Tensor { return b.tensor(o.Argument(0)) }
	rebuilders = map[string]func(*builder, *pickle.Object) *Tensor{
		"torch._utils._rebuild_tensor":    func(b *builder, o *pickle.Object) *Tensor { return b.strided(o, "") },
		"torch._utils._rebuild_tensor_v2": func(b *builder, o *pickle.Object) *Tensor { return b.strided(o, "") },
		"torch._utils._rebuild_tensor_v3": func(b *builder, o *pickle.Object) *Tensor { return b.strided(o, dtypeOf(o.Argument(6))) },
		"torch._utils._rebuild_qtensor": func(b *builder, o *pickle.Object) *Tensor {
			return b.strided(o, "")
		},
		"torch._utils._rebuild_parameter":            first,
		"torch._utils._rebuild_parameter_with_state": first,
		"torch.nn.parameter.Parameter":               first,
		"torch.nn.parameter.Buffer":                  first,
		"torch._utils._rebuild_sparse_tensor":        func(b *builder, o *pickle.Object) *Tensor { return b.sparse(o) },
		"torch._utils._rebuild_sparse_csr_tensor":    func(b *builder, o *pickle.Object) *Tensor { return b.sparse(o) },
		"torch._utils._rebuild_nested_tensor": func(b *builder, o *pickle.Object) *Tensor {
			return b.parts("nested", o.Argument(0), o.Argument(1), o.Argument(2), o.Argument(3))
		},
		"torch._utils._rebuild_meta_tensor_no_storage": func(_ *builder, o *pickle.Object) *Tensor {
			shape, ok := sizes(o.Argument(1))
			if !ok {
				return nil
			}
			return &Tensor{DType: dtypeOf(o.Argument(0)), Shape: shape, Layout: "meta"}
		},
		"torch._utils._rebuild_wrapper_subclass": func(_ *builder, o *pickle.Object) *Tensor {
			shape, ok := sizes(o.Argument(2))
			if !ok {
				return nil
			}
			return &Tensor{DType: dtypeOf(o.Argument(1)), Shape: shape, Layout: "wrapper"}
		},
		"torch._tensor._rebuild_from_type_v2": func(b *builder, o *pickle.Object) *Tensor {
			args, ok := o.Argument(2).(*pickle.List)
			if !ok {
				return nil
			}
			t := b.tensor(&pickle.Object{Made: o.Argument(0), Args: args})
			b.local(t, o.Argument(3))
			return t
		},
		"torch._tensor._rebuild_from_type": func(b *builder, o *pickle.Object) *Tensor {
			return b.tensor(&pickle.Object{Made: o.Argument(0), Args: o.Argument(2)})
		},
		"torch._utils._rebuild_device_tensor_from_numpy": func(b *builder, o *pickle.Object) *Tensor {
			t := b.tensor(o.Argument(0))
			if t != nil {
				t.Numpy = false
			}
			return t
		},
		"torch._utils._rebuild_device_tensor_from_cpu_tensor": first,
		"numpy.core.multiarray._reconstruct":                  func(_ *builder, o *pickle.Object) *Tensor { return numpyArray(o) },
		"numpy._core.multiarray._reconstruct":                 func(_ *builder, o *pickle.Object) *Tensor { return numpyArray(o) },
	}
}

// tensor is what a value rebuilds, nil where that is no tensor.
func (b *builder) tensor(v pickle.Value) *Tensor {
	o, ok := v.(*pickle.Object)
	if !ok || b.nodes > maxNodes {
		return nil
	}
	b.nodes++
	if make := rebuilders[o.Class()]; make != nil {
		return make(b, o)
	}
	return b.oldTensor(o)
}

// local takes the part of a distributed tensor that this file holds.
func (b *builder) local(t *Tensor, state pickle.Value) {
	states := []pickle.Value{state}
	if l, ok := state.(*pickle.List); ok { // attributes, and those in slots
		states = l.Items
	}
	for _, s := range states {
		d, ok := s.(*pickle.Dict)
		if t == nil || !ok {
			continue
		}
		if v, has := d.Get("_local_tensor"); has {
			t.Layout = "distributed"
			t.Parts = []*Node{{Key: "_local_tensor", Kind: TensorNode, Tensor: b.tensor(v)}}
		}
	}
}

// sparse makes a tensor of a layout, its parts and its size.
func (b *builder) sparse(o *pickle.Object) *Tensor {
	layout := ""
	if l, ok := o.Argument(0).(*pickle.Object); ok {
		layout, _ = pickle.String(l.Argument(0))
	}
	data, ok := o.Argument(1).(*pickle.List)
	if !ok {
		return nil
	}
	var parts []pickle.Value
	var shape []int64
	for _, x := range data.Items {
		if s, ok := sizes(x); ok {
			shape = s
			continue
		}
		parts = append(parts, x)
	}
	t := b.parts(strings.TrimPrefix(layout, "torch."), parts...)
	if t != nil && len(shape) > 0 {
		t.Shape = shape
	}
	return t
}

// parts makes a tensor that is made of several; its dtype is that of its values.
func (b *builder) parts(layout string, values ...pickle.Value) *Tensor {
	t := &Tensor{Layout: layout}
	for i, v := range values {
		if p := b.tensor(v); p != nil {
			t.Parts = append(t.Parts, &Node{Key: strconv.Itoa(i), Kind: TensorNode, Tensor: p})
			if layout != "nested" || t.DType == "" {
				t.DType = p.DType
			}
			if t.Shape == nil {
				t.Shape = p.Shape
			}
		}
	}
	if len(t.Parts) == 0 {
		return nil
	}
	return t
}

// oldTensor is a tensor as torch wrote it before 0.4: a class of tensors and a state.
func (b *builder) oldTensor(o *pickle.Object) *Tensor {
	class := o.Class()
	if !strings.HasPrefix(class, "torch.") || !strings.HasSuffix(class, "Tensor") {
		return nil
	}
	if l, ok := o.State.(*pickle.List); ok && len(l.Items) >= 4 {
		return b.strided(&pickle.Object{Args: l}, "")
	}
	return nil
}

// numpyKinds are the dtypes of numpy by their letters, and numbers of bytes.
var numpyKinds = map[string]string{"f2": "float16", "f4": "float32", "f8": "float64", "i1": "int8", "i2": "int16", "i4": "int32", "i8": "int64", "u1": "uint8", "u2": "uint16", "u4": "uint32", "u8": "uint64", "b1": "bool", "c8": "complex64", "c16": "complex128"}

// numpyType is the dtype that an object of numpy.dtype is, and whether its bytes stand in the order of big ends.
func numpyType(v pickle.Value) (dtype string, big bool) {
	o, ok := v.(*pickle.Object)
	if !ok || o.Class() != "numpy.dtype" {
		return "", false
	}
	name, _ := pickle.String(o.Argument(0))
	if l, ok := o.State.(*pickle.List); ok && len(l.Items) > 1 {
		order, _ := pickle.String(l.Items[1])
		big = order == ">"
	}
	name = strings.TrimLeft(name, "<>|=")
	if known := numpyKinds[name]; known != "" {
		return known, big
	}
	return name, big
}

// numpyArray reads an array's shape and dtype.
func numpyArray(o *pickle.Object) *Tensor {
	l, ok := o.State.(*pickle.List)
	if !ok || len(l.Items) < 5 {
		return nil
	}
	shape, ok := sizes(l.Items[1])
	if !ok {
		return nil
	}
	dtype, _ := numpyType(l.Items[2])
	return &Tensor{DType: dtype, Shape: shape, Numpy: true}
}

// numpyScalar is a number of numpy as it is shown.
func numpyScalar(o *pickle.Object) string {
	f, ok := numpyFloat(o)
	if !ok {
		return "a numpy scalar"
	}
	dtype, _ := numpyType(o.Argument(0))
	if strings.HasPrefix(dtype, "float") {
		return number(f)
	}
	return strconv.FormatFloat(f, 'f', -1, 64)
}

// numpyFloat is the number that a scalar of numpy is.
func numpyFloat(o *pickle.Object) (float64, bool) {
	dtype, big := numpyType(o.Argument(0))
	b := bytesOf(o.Argument(1))
	var order binary.ByteOrder = binary.LittleEndian
	if big {
		order = binary.BigEndian
	}
	switch {
	case dtype == "float64" && len(b) == 8:
		return math.Float64frombits(order.Uint64(b)), true
	case dtype == "float32" && len(b) == 4:
		return float64(math.Float32frombits(order.Uint32(b))), true
	case dtype == "int64" && len(b) == 8:
		return float64(int64(order.Uint64(b))), true
	case dtype == "int32" && len(b) == 4:
		return float64(int32(order.Uint32(b))), true
	case (dtype == "uint8" || dtype == "bool" || dtype == "int8") && len(b) == 1:
		return float64(b[0]), true
	}
	return 0, false
}
