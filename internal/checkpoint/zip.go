package checkpoint

import (
	"errors"
	"io"
	"strings"

	"github.com/ckpt-lsp/ckpt-lsp/internal/checkpoint/pickle"
)

// readZip reads the pickle of a zip archive, and where the storages lie.
func (f *File) readZip(in io.ReaderAt) {
	f.Format = TorchZip
	a, err := openArchive(in, f.Size)
	if errors.Is(err, errNoDirectory) {
		f.readBroken(in, err)
		return
	}
	if err != nil {
		f.problem("%v", err)
		return
	}
	f.zip = a
	for _, r := range a.records {
		if prefix, ok := strings.CutSuffix(r.name, "/data.pkl"); ok && !strings.Contains(prefix, "/") {
			f.prefix = prefix + "/"
		}
	}
	main, ok := a.find(f.prefix + "data.pkl")
	if !ok {
		f.Format = ""
		f.problem("it is a zip archive without data.pkl: torch.save did not write it")
		return
	}
	if _, ok := a.find(f.prefix + "constants.pkl"); ok {
		f.Format = TorchScript
	}
	if order := a.text(f.prefix + "byteorder"); order != "" {
		f.ByteOrder = order
	}
	r, err := a.open(main)
	if err != nil {
		f.problem("%v", err)
		return
	}
	p, err := pickle.Read(r, f.limits)
	f.Pickles = append(f.Pickles, p)
	if err != nil {
		f.problem("data.pkl breaks off %v", err)
	}
	t := f.tree(p.Root, f.zipStorage)
	f.root = t
}

// zipStorage finds where a storage lies in the archive.
func (f *File) zipStorage(s *Storage) {
	r, ok := f.zip.find(f.prefix + "data/" + s.Key)
	if !ok {
		s.Missing = true
		f.problem("%sdata/%s is missing: the tensor's numbers are not in the archive", f.prefix, s.Key)
		return
	}
	if r.size < s.Bytes {
		s.Missing = true
		f.problem("%s holds %d bytes, and the tensor has %d", r.name, r.size, s.Bytes)
		return
	}
	at, err := f.zip.data(r)
	switch {
	case err != nil:
		s.Missing = true
		f.problem("%v", err)
	case r.method == 0:
		s.Offset = at
	}
}

// readBroken tells what an archive without a directory still holds: its first record is the pickle, which says how long the others are.
func (f *File) readBroken(in io.ReaderAt, why error) {
	a := &archive{file: in, size: f.Size, at: map[string]int{}}
	name, at, err := a.local(0)
	prefix, ok := strings.CutSuffix(name, "data.pkl")
	if err != nil || !ok {
		f.problem("%v", why)
		return
	}
	f.prefix = prefix
	p, err := pickle.Read(io.NewSectionReader(in, at, max(0, f.Size-at)), f.limits)
	f.Pickles = append(f.Pickles, p)
	if err != nil {
		f.problem("%v; it breaks off in data.pkl, %v", why, err)
		return
	}
	found := map[string]*Storage{}
	f.root = f.tree(p.Root, func(s *Storage) { s.Missing = true; found[prefix+"data/"+s.Key] = s })
	whole, last := 0, ""
	next := at + p.Size
	for range maxRecords {
		next += f.descriptor(in, next)
		name, at, err := a.local(next)
		if err != nil {
			break
		}
		last = name
		s := found[name]
		if s == nil {
			size, ok := f.small(in, at)
			if !ok {
				break
			}
			next = at + size
			continue
		}
		if s.Bytes > f.Size-at {
			f.problem("%v; it breaks off in %s, of whose %d bytes it holds %d; %d of %d storages are whole", why, name, s.Bytes, max(0, f.Size-at), whole, len(found))
			return
		}
		s.Offset, s.Missing = at, false
		next = at + s.Bytes
		whole++
	}
	f.problem("%v; it breaks off behind %s; %d of %d storages are whole", why, orThe(last, "data.pkl"), whole, len(found))
}

func orThe(name, other string) string {
	if name == "" {
		return other
	}
	return name
}

// descriptor is how long what follows a record's bytes is: a signature, a checksum, and sizes of four or eight bytes.
func (f *File) descriptor(in io.ReaderAt, at int64) int64 {
	b := make([]byte, 28)
	n, _ := in.ReadAt(b, at)
	b = b[:n]
	if !strings.HasPrefix(string(b), string(zipDescriptor)) {
		return 0
	}
	for _, size := range []int{16, 24} {
		if len(b) >= size+4 && strings.HasPrefix(string(b[size:]), "PK") {
			return int64(size)
		}
	}
	return 16
}

// small is the length of a record of a few bytes, such as the version: up to its descriptor.
func (f *File) small(in io.ReaderAt, at int64) (int64, bool) {
	b := make([]byte, 4096)
	n, _ := in.ReadAt(b, at)
	i := strings.Index(string(b[:n]), string(zipDescriptor))
	return int64(i), i >= 0
}

// written says what wrote the file, as far as its format tells.
func (f *File) written() string {
	if f.Format == Pickle && f.Name != ".metadata" {
		return "it is a plain pickle: torch.load does not read it, and pickle.load runs whatever it names"
	}
	if f.zip == nil || f.Format != TorchZip {
		return ""
	}
	if _, ok := f.zip.find(f.prefix + "byteorder"); ok {
		return "torch 2.1 or newer wrote it (the archive names its byte order)"
	}
	return "torch 1.6 to 2.0 wrote it (the archive does not name its byte order)"
}
