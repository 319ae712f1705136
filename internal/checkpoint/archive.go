package checkpoint

import (
	"bytes"
	"compress/flate"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
)

// record is one file in a zip archive.
type record struct {
	name         string
	header       int64 // of the local header
	size, packed int64
	method       uint16
	crc          uint32
}

// archive is the directory of a zip archive. Only that is read; records are read when they are asked for.
type archive struct {
	file    io.ReaderAt
	size    int64
	records []record
	at      map[string]int
}

// Bounds of a zip archive's directory: 200 bytes a record are kept.
const (
	maxRecords   = 1 << 20
	maxDirectory = 256 << 20
)

// What stands in front of the parts of a zip archive.
var (
	zipLocal      = []byte("PK\x03\x04")
	zipEntry      = []byte("PK\x01\x02")
	zipDescriptor = []byte("PK\x07\x08")
	zipEnd        = []byte("PK\x05\x06")
	zipEnd64      = []byte("PK\x06\x06")
	zipLocator    = []byte("PK\x06\x07")
)

// errNoDirectory says that an archive breaks off.
var errNoDirectory = errors.New("the archive has no directory at its end: it was cut off, or not written to its end")

// at reads so many bytes at a place, all of them.
func readAt(f io.ReaderAt, size, at, n int64) ([]byte, error) {
	if at < 0 || n < 0 || at > size || n > size-at {
		return nil, io.ErrUnexpectedEOF
	}
	b := make([]byte, n)
	if _, err := f.ReadAt(b, at); err != nil {
		return nil, io.ErrUnexpectedEOF
	}
	return b, nil
}

// openArchive reads the directory.
func openArchive(f io.ReaderAt, size int64) (*archive, error) {
	a := &archive{file: f, size: size, at: map[string]int{}}
	const endSize, locatorSize, end64Size = 22, 20, 56
	tail := min(size, math.MaxUint16+endSize)
	b, err := readAt(f, size, size-tail, tail)
	if err != nil {
		return nil, err
	}
	end := bytes.LastIndex(b, zipEnd)
	if end < 0 || len(b)-end < endSize {
		return nil, errNoDirectory
	}
	count := int64(binary.LittleEndian.Uint16(b[end+10:]))
	length := int64(binary.LittleEndian.Uint32(b[end+12:]))
	start := int64(binary.LittleEndian.Uint32(b[end+16:]))
	if end >= locatorSize && bytes.HasPrefix(b[end-locatorSize:], zipLocator) {
		at := int64(binary.LittleEndian.Uint64(b[end-locatorSize+8:]))
		e, err := readAt(f, size, at, end64Size)
		if err != nil || !bytes.HasPrefix(e, zipEnd64) {
			return nil, errors.New("the archive's directory is not where its end says")
		}
		count, length, start = int64(binary.LittleEndian.Uint64(e[32:])), int64(binary.LittleEndian.Uint64(e[40:])), int64(binary.LittleEndian.Uint64(e[48:]))
	}
	if count < 0 || count > maxRecords || length < 0 || length > maxDirectory {
		return nil, fmt.Errorf("the archive's directory names %d records: more than are read", count)
	}
	directory, err := readAt(f, size, start, length)
	if err != nil {
		return nil, errors.New("the archive's directory is not where its end says")
	}
	for range count {
		r, rest, err := directoryEntry(directory)
		if err != nil {
			return nil, err
		}
		directory = rest
		if _, again := a.at[r.name]; !again {
			a.at[r.name] = len(a.records)
		}
		a.records = append(a.records, r)
	}
	return a, nil
}

// directoryEntry reads one entry, and gives what follows it.
func directoryEntry(b []byte) (record, []byte, error) {
	const fixed = 46
	if len(b) < fixed || !bytes.HasPrefix(b, zipEntry) {
		return record{}, nil, errors.New("the archive's directory is damaged")
	}
	le := binary.LittleEndian
	r := record{
		method: le.Uint16(b[10:]), crc: le.Uint32(b[16:]),
		packed: int64(le.Uint32(b[20:])), size: int64(le.Uint32(b[24:])), header: int64(le.Uint32(b[42:])),
	}
	name, extra, comment := int(le.Uint16(b[28:])), int(le.Uint16(b[30:])), int(le.Uint16(b[32:]))
	if len(b) < fixed+name+extra+comment {
		return record{}, nil, errors.New("the archive's directory is damaged")
	}
	r.name = string(b[fixed : fixed+name])
	for x := b[fixed+name : fixed+name+extra]; len(x) >= 4; {
		id, n := le.Uint16(x), int(le.Uint16(x[2:]))
		if x = x[4:]; n > len(x) {
			break
		}
		if field := x[:n]; id == 1 { // zip64: what is too large for its place, in this order
			for _, v := range []*int64{&r.size, &r.packed, &r.header} {
				if *v == math.MaxUint32 && len(field) >= 8 {
					*v, field = int64(le.Uint64(field)), field[8:]
				}
			}
		}
		x = x[n:]
	}
	if r.size < 0 || r.packed < 0 || r.header < 0 {
		return record{}, nil, errors.New("the archive's directory is damaged")
	}
	return r, b[fixed+name+extra+comment:], nil
}

// localSize is that of a local header without name and extra field.
const localSize = 30

// data is where a record's bytes begin.
func (a *archive) data(r record) (int64, error) {
	name, at, err := a.local(r.header)
	if err != nil {
		return 0, fmt.Errorf("%s: %w", r.name, err)
	}
	if name != r.name {
		return 0, fmt.Errorf("%s: another record stands in its place", r.name)
	}
	if r.packed > a.size-at {
		return 0, fmt.Errorf("%s: %w", r.name, io.ErrUnexpectedEOF)
	}
	return at, nil
}

// local reads a local header: the record's name, and where its bytes begin.
func (a *archive) local(at int64) (name string, data int64, err error) {
	h, err := readAt(a.file, a.size, at, localSize)
	if err != nil {
		return "", 0, err
	}
	if !bytes.HasPrefix(h, zipLocal) {
		return "", 0, errors.New("no record begins where the directory says")
	}
	n, extra := int64(binary.LittleEndian.Uint16(h[26:])), int64(binary.LittleEndian.Uint16(h[28:]))
	b, err := readAt(a.file, a.size, at+localSize, n)
	if err != nil {
		return "", 0, err
	}
	return string(b), at + localSize + n + extra, nil
}

// find is the record of a name.
func (a *archive) find(name string) (record, bool) {
	i, ok := a.at[name]
	if !ok {
		return record{}, false
	}
	return a.records[i], true
}

// open gives a record's content.
func (a *archive) open(r record) (io.Reader, error) {
	at, err := a.data(r)
	if err != nil {
		return nil, err
	}
	packed := io.NewSectionReader(a.file, at, r.packed)
	switch r.method {
	case 0:
		return packed, nil
	case 8:
		return io.LimitReader(flate.NewReader(packed), r.size), nil
	}
	return nil, fmt.Errorf("%s: packed in a way that torch does not read (method %d)", r.name, r.method)
}

// text is the content of a small record, "" where there is none.
func (a *archive) text(name string) string {
	const most = 4096
	r, ok := a.find(name)
	if !ok || r.size > most {
		return ""
	}
	in, err := a.open(r)
	if err != nil {
		return ""
	}
	b, err := io.ReadAll(io.LimitReader(in, most))
	if err != nil {
		return ""
	}
	return string(bytes.TrimSpace(b))
}
