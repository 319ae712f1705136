package checkpoint

import (
	"encoding/binary"
	"io"
	"math/big"

	"github.com/ckpt-lsp/ckpt-lsp/internal/checkpoint/pickle"
)

// legacyMagic is the number that files of torch before 1.6 begin with.
var legacyMagic, _ = new(big.Int).SetString("1950a86a20f9469cfc6c", 16)

// readPickles reads a file of pickles: of torch before 1.6 a number, a version, what the machine was, the object, the keys of its
// storages, and these; of others the object alone.
func (f *File) readPickles(in io.ReaderAt) {
	s := pickle.NewSource(io.NewSectionReader(in, 0, f.Size))
	next := func() *pickle.Pickle {
		p, err := s.Next(f.limits)
		if err != nil {
			f.problem("the pickle breaks off %v", err)
		}
		return p
	}
	first := next()
	if magic, ok := first.Root.(*big.Int); !ok || magic.Cmp(legacyMagic) != 0 {
		f.Format, f.Pickles = Pickle, []*pickle.Pickle{first}
		f.root = f.tree(first.Root, nil)
		if f.Problem == "" && s.Offset() < f.Size {
			f.more(s)
		}
		return
	}
	f.Format = TorchLegacy
	next()
	system := next()
	if d, ok := system.Root.(*pickle.Dict); ok {
		if little, ok := d.Get("little_endian"); ok && little == false {
			f.ByteOrder = "big"
		}
	}
	object := next()
	f.Pickles = []*pickle.Pickle{object}
	f.root = f.tree(object.Root, func(s *Storage) { s.Missing = true })
	if f.Problem != "" {
		return
	}
	keys := next()
	l, ok := keys.Root.(*pickle.List)
	if !ok {
		f.problem("the list of storages is missing")
		return
	}
	f.legacyStorages(in, s.Offset(), l.Items)
}

// more tells of what follows the first pickle.
func (f *File) more(s *pickle.Source) {
	for range 1000 {
		if s.Offset() >= f.Size {
			return
		}
		p, err := s.Next(f.limits)
		if err != nil {
			return // bytes behind the end, which nobody reads
		}
		f.Pickles = append(f.Pickles, p)
	}
}

// legacyStorages finds the storages, which follow one another: a count of elements of eight bytes, and the elements.
func (f *File) legacyStorages(in io.ReaderAt, at int64, keys []pickle.Value) {
	byKey := map[string]*Storage{}
	for _, s := range f.Storages {
		byKey[s.Key] = s
	}
	for i, k := range keys {
		key, _ := pickle.String(k)
		s := byKey[key]
		if s == nil {
			f.problem("storage %q stands in the list, and no tensor lies in it", clip(key, 40))
			return
		}
		head, err := readAt(in, f.Size, at, 8)
		if err != nil {
			f.problem("it was cut off: %d of %d storages are whole", i, len(keys))
			return
		}
		count := int64(binary.LittleEndian.Uint64(head))
		bits := int64(8)
		if b := dtypeBits[s.DType]; b > 0 {
			bits = int64(b)
		}
		if f.ByteOrder == "big" {
			count = int64(binary.BigEndian.Uint64(head))
		}
		if count != s.Bytes*8/bits {
			f.problem("storage %q holds %d elements, and its tensors have %d", clip(key, 40), count, s.Bytes*8/bits)
			return
		}
		at += 8
		if s.Bytes > f.Size-at {
			f.problem("it was cut off in storage %q, of whose %d bytes it holds %d; %d of %d storages are whole", clip(key, 40), s.Bytes, f.Size-at, i, len(keys))
			return
		}
		s.Offset, s.Missing = at, false
		at += s.Bytes
	}
	if at < f.Size {
		f.Problem = "" // bytes behind the end harm nobody
	}
}
