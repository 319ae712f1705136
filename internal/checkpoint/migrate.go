package checkpoint

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"

	"github.com/ckpt-lsp/ckpt-lsp/internal/files"
)

// Migration is what was written.
type Migration struct {
	Path     string            `json:"path"`
	Tensors  int               `json:"tensors"`
	Bytes    int64             `json:"bytes"`
	Metadata map[string]string `json:"metadata"`
	Stripped []string          `json:"stripped"`
	// Compacted are tensors that kept a larger storage, Left what is no tensor and is not in the new file.
	Compacted []string `json:"compacted"`
	Left      []string `json:"left"`
	visits    int
}

// formatVersion is that of the files that are written.
const formatVersion = "1"

// moved is a tensor with its new name.
type moved struct {
	name   string
	node   *Node
	digest [sha256.Size]byte
}

// Migrate writes the model alone into a new safetensors file: prefixes are stripped, each tensor takes what its elements take, and metadata
// tell the versions as text. The file is read back and compared before it gets its name; what is there already is left alone.
func (c *Checkpoint) Migrate(ctx context.Context, path, writer string, step func(int64)) (*Migration, error) {
	m := &Migration{Path: path, Stripped: []string{}, Compacted: []string{}, Left: []string{}}
	if len(c.Problems) > 0 {
		return nil, fmt.Errorf("%s: %s", c.Path, c.Problems[0])
	}
	tensors, err := m.tensors(c.Contents())
	if err != nil {
		return nil, fmt.Errorf("%s: %w", c.Path, err)
	}
	m.Metadata = c.metadata(writer)
	header, err := safeHeaderOf(tensors, m.Metadata)
	if err != nil {
		return nil, err
	}
	m.Tensors, m.Bytes = len(tensors), int64(len(header))
	for _, t := range tensors {
		m.Bytes += t.node.Tensor.Bytes()
	}
	err = files.Create(path, func(w io.Writer) error {
		if _, err := w.Write(header); err != nil {
			return err
		}
		for i := range tensors {
			if err := tensors[i].copy(ctx, w, step); err != nil {
				return fmt.Errorf("%s: %w", tensors[i].name, err)
			}
		}
		return nil
	}, func(beside string) error { return readBack(ctx, beside, tensors) })
	if err != nil {
		return nil, err
	}
	return m, nil
}

// tensors are those of the model, by their new names.
func (m *Migration) tensors(contents *Contents) ([]moved, error) {
	model := contents.Has(Model)
	if model == nil {
		return nil, errors.New("no model is in it that could be written")
	}
	var out []moved
	taken := map[string]bool{}
	for _, n := range model.Nodes {
		var all []moved
		m.collect("", n, &all, map[*Node]bool{})
		var names []string
		for _, t := range all {
			names = append(names, t.name)
		}
		if m.visits > maxNodes {
			return nil, fmt.Errorf("its model holds more than %d values", maxNodes)
		}
		prefixes := Prefixes(names)
		for _, p := range prefixes {
			if !slices.Contains(m.Stripped, p) {
				m.Stripped = append(m.Stripped, p)
			}
		}
		for _, t := range all {
			t.name = Strip(t.name, prefixes)
			if len(model.Nodes) > 1 && n.Kind != TensorNode { // several models: each keeps the key that it stands under
				t.name = strings.ReplaceAll(n.Path(), "/", ".") + "." + t.name
			}
			if taken[t.name] {
				return nil, fmt.Errorf("two tensors would be called %s", t.name)
			}
			taken[t.name] = true
			if why := unsafe(t.node.Tensor); why != "" {
				return nil, fmt.Errorf("%s %s", t.node.Path(), why)
			}
			if t.node.Tensor.Slice() {
				m.Compacted = append(m.Compacted, t.name)
			}
			out = append(out, t)
		}
	}
	// Wide elements come first, so that all lie on places that are multiples of their size.
	slices.SortStableFunc(out, func(a, b moved) int {
		return cmp.Or(dtypeBits[b.node.Tensor.DType]-dtypeBits[a.node.Tensor.DType], strings.Compare(a.name, b.name))
	})
	return out, nil
}

// collect finds the tensors below a node, with dots between the keys.
func (m *Migration) collect(name string, n *Node, out *[]moved, on map[*Node]bool) {
	n = n.real()
	if m.visits++; m.visits > maxNodes { // dicts that hold one another twice double by level
		return
	}
	switch {
	case n.Kind == TensorNode:
		*out = append(*out, moved{name: cmp.Or(name, n.Key, "tensor"), node: n})
	case on[n]:
	case n.Kind == DictNode || n.Kind == ModuleNode:
		on[n] = true
		for _, c := range n.Children {
			m.collect(strings.TrimPrefix(name+"."+c.Key, "."), c, out, on)
		}
		delete(on, n)
	default:
		m.Left = append(m.Left, name)
	}
}

// unsafe says why safetensors cannot hold a tensor, "" where it can.
func unsafe(t *Tensor) string {
	switch {
	case t.Layout != "":
		return fmt.Sprintf("is %s: safetensors holds dense tensors alone", t.Layout)
	case safeName(t.DType) == "" || strings.HasPrefix(t.DType, "complex"): // C64 is newer than most libraries that read it
		return fmt.Sprintf("is %s: safetensors has no such dtype", t.DType)
	case t.Elements() > 0 && (t.Storage == nil || t.Storage.Missing || t.Storage.Offset < 0):
		return "is not in the file as it is: its numbers are packed, spread over pieces, or missing"
	}
	return ""
}

// metadata are what the new file says of itself.
func (c *Checkpoint) metadata(writer string) map[string]string {
	out := map[string]string{"format": "pt", "format_version": formatVersion, "torch_version": "unknown", "source": filepath.Base(c.Path), "written_by": writer}
	contents := c.Contents()
	for _, v := range contents.Versions {
		key := v.Key[strings.LastIndexByte(v.Key, '/')+1:]
		if value := strings.Trim(v.Value, `"`); strings.Contains(strings.ToLower(key), "torch") && !strings.Contains(strings.ToLower(key), "lightning") {
			out["torch_version"] = value
		}
	}
	for _, f := range c.Files {
		if w := f.written(); f.Format == TorchZip && w != "" && out["torch_version"] == "unknown" {
			out["torch_version"] = "unknown: " + w
		}
	}
	for _, p := range contents.Progress {
		if !strings.Contains(p.Key, "/") {
			out[p.Key] = p.Value
		}
	}
	return out
}

// safeHeaderOf is the header of a file with these tensors one after another.
func safeHeaderOf(tensors []moved, metadata map[string]string) ([]byte, error) {
	header := map[string]any{"__metadata__": metadata}
	at := int64(0)
	for _, t := range tensors {
		if t.name == "__metadata__" {
			return nil, errors.New("a tensor is called __metadata__")
		}
		end := at + t.node.Tensor.Bytes()
		header[t.name] = safeTensor{safeName(t.node.Tensor.DType), append([]int64{}, t.node.Tensor.Shape...), []int64{at, end}}
		at = end
	}
	text, err := json.Marshal(header)
	if err != nil {
		return nil, err
	}
	for len(text)%8 != 0 {
		text = append(text, ' ')
	}
	if len(text) > maxHeader {
		return nil, errors.New("its header would be longer than safetensors reads")
	}
	return append(binary.LittleEndian.AppendUint64(nil, uint64(len(text))), text...), nil
}

// copy writes the elements in their order, least byte first, and keeps their digest.
func (t *moved) copy(ctx context.Context, w io.Writer, step func(int64)) error {
	x := t.node.Tensor
	sum := sha256.New()
	if x.Elements() > 0 {
		f := x.Storage.File
		width := dtypeBits[x.DType] / 8
		if strings.HasPrefix(x.DType, "complex") {
			width /= 2
		}
		err := f.reading(func(in io.ReaderAt) error {
			return x.values(ctx, in, func(b []byte) error {
				if f.ByteOrder == "big" {
					for i := 0; i+width <= len(b); i += width {
						slices.Reverse(b[i : i+width])
					}
				}
				sum.Write(b)
				step(int64(len(b)))
				_, err := w.Write(b)
				return err
			})
		})
		if err != nil {
			return err
		}
	}
	sum.Sum(t.digest[:0])
	return nil
}

// readBack compares a file that was written with what was to be written.
func readBack(ctx context.Context, path string, tensors []moved) error {
	c, err := Open(path)
	if err != nil {
		return err
	}
	if len(c.Problems) > 0 {
		return fmt.Errorf("read back, the new file is damaged: %s", c.Problems[0])
	}
	for _, t := range tensors {
		n := c.Root.Get(t.name)
		if n == nil || n.Tensor == nil || n.Tensor.DType != t.node.Tensor.DType || !slices.Equal(n.Tensor.Shape, t.node.Tensor.Shape) {
			return fmt.Errorf("read back, the new file has no %s as it was", t.name)
		}
		if got, err := n.Digest(ctx); err != nil || got != t.digest {
			return errors.Join(fmt.Errorf("read back, %s has other values", t.name), err)
		}
	}
	return nil
}
