package checkpoint

import (
	"context"
	"fmt"
	"hash/crc32"
	"io"
	"strings"
)

// Damage is a record of an archive whose bytes are not what was written.
type Damage struct {
	File, Record string
	// Tensors lie in it.
	Tensors []string
	Why     string
}

// Integrity is what a check of all bytes found.
type Integrity struct {
	// Records were checked, and Bytes in them.
	Records int
	Bytes   int64
	Damaged []Damage
	// Unchecked are files in which nothing says what their bytes are to be.
	Unchecked []string
	// Without says of files that they carry no checksums, though their kind does.
	Without []string
}

// Verify reads all records of the archives and compares their checksums; step is told how many bytes were read.
func (c *Checkpoint) Verify(ctx context.Context, step func(int64)) (*Integrity, error) {
	out := &Integrity{}
	for _, f := range c.Files {
		if f.zip == nil {
			out.Unchecked = append(out.Unchecked, f.Name)
			continue
		}
		err := f.reading(func(in io.ReaderAt) error { return f.verify(ctx, in, out, step) })
		if err != nil {
			return out, err
		}
	}
	return out, nil
}

func (f *File) verify(ctx context.Context, in io.ReaderAt, out *Integrity, step func(int64)) error {
	a := *f.zip
	a.file = in
	lies := map[string][]string{}
	for _, s := range f.Storages {
		for _, n := range s.Views {
			name := f.prefix + "data/" + s.Key
			if path := n.Path(); len(lies[name]) < 20 && (len(lies[name]) == 0 || lies[name][len(lies[name])-1] != path) {
				lies[name] = append(lies[name], path)
			}
		}
	}
	var damaged []Damage
	differ := 0
	for _, r := range a.records {
		why, read, err := a.check(ctx, r, step)
		if err != nil {
			return err
		}
		out.Records++
		out.Bytes += read
		if why == "" {
			continue
		}
		if strings.HasPrefix(why, "its checksum") {
			differ++
		}
		damaged = append(damaged, Damage{File: f.Name, Record: r.name, Tensors: lies[r.name], Why: why})
	}
	if differ == len(a.records) && differ > 1 {
		out.Without = append(out.Without, f.Name)
		return nil
	}
	out.Damaged = append(out.Damaged, damaged...)
	return nil
}

// check reads one record: why it is damaged, "" for a sound one.
func (a *archive) check(ctx context.Context, r record, step func(int64)) (why string, read int64, err error) {
	in, failed := a.open(r)
	if failed != nil {
		return failed.Error(), 0, nil
	}
	sum := crc32.NewIEEE()
	b := make([]byte, chunk)
	for {
		if err := ctx.Err(); err != nil {
			return "", read, err
		}
		n, failed := in.Read(b)
		sum.Write(b[:n])
		read += int64(n)
		step(int64(n))
		if failed == io.EOF {
			break
		}
		if failed != nil {
			return fmt.Sprintf("it cannot be read: %v", failed), read, nil
		}
	}
	switch {
	case read != r.size:
		return fmt.Sprintf("it holds %d bytes of %d", read, r.size), read, nil
	case sum.Sum32() != r.crc:
		return fmt.Sprintf("its checksum is %08x, and %08x was written", sum.Sum32(), r.crc), read, nil
	}
	return "", read, nil
}
