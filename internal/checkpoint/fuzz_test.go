package checkpoint

import (
	"bytes"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/ckpt-lsp/ckpt-lsp/internal/checkpoint/pickle"
)

// Bounds that no input of a few kilobytes may break.
const (
	fuzzTime   = 5 * time.Second
	fuzzMemory = 256 << 20
)

// seeds are small files that torch wrote (testdata/make.py), with a suffix.
func seeds(f *testing.F, suffixes ...string) {
	for _, suffix := range suffixes {
		paths, err := filepath.Glob("testdata/seeds/*" + suffix)
		if err != nil || len(paths) == 0 {
			f.Fatalf("no seeds %s: %v", suffix, err)
		}
		for _, p := range paths {
			data, err := os.ReadFile(p)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(data)
		}
	}
}

// bounded fails where reading takes longer, or allocates more, than it may.
func bounded(t *testing.T, read func()) {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	start := time.Now()
	read()
	took := time.Since(start)
	runtime.ReadMemStats(&after)
	if took > fuzzTime {
		t.Errorf("it took %v", took)
	}
	if grown := after.TotalAlloc - before.TotalAlloc; grown > fuzzMemory {
		t.Errorf("it allocated %d bytes", grown)
	}
}

// all reads a file and tells all of it.
func all(t *testing.T, data []byte) *File {
	f := &File{Name: "x", Path: "x", Size: int64(len(data)), ByteOrder: "little", limits: pickle.DefaultLimits}
	bounded(t, func() {
		f.read(bytes.NewReader(data))
		c := &Checkpoint{Path: "x"}
		c.take(f)
		c.finish()
		c.Report(nil, nil)
	})
	for _, s := range f.Storages {
		if s.Offset >= 0 && !s.Missing && (s.Offset > f.Size || s.Bytes > f.Size-s.Offset) {
			t.Errorf("storage %q lies beyond the end: %d + %d of %d", s.Key, s.Offset, s.Bytes, f.Size)
		}
	}
	return f
}

func FuzzPickle(f *testing.F) {
	seeds(f, ".pkl", ".metadata")
	f.Add([]byte("cos\nsystem\n(S'echo'\ntR."))
	f.Add([]byte("(lp0\nI1\naI01\naL5L\naF1.5\naVx\na(dp1\nS'a'\nNs."))
	f.Add([]byte("\x80\x04\x95\x10\x00\x00\x00\x00\x00\x00\x00\x8c\x02os\x94\x8c\x06system\x94\x93\x94\x8c\x01x\x85R."))
	f.Fuzz(func(t *testing.T, data []byte) {
		bounded(t, func() {
			p, err := pickle.Read(bytes.NewReader(data), pickle.DefaultLimits)
			if err == nil && (p.Size <= 0 || p.Size > int64(len(data))) {
				t.Errorf("a pickle of %d bytes in %d", p.Size, len(data))
			}
			file := &File{}
			n := file.tree(p.Root, nil)
			n.link(nil)
			(&Checkpoint{Root: n, Files: []*File{file}}).Report(nil, nil)
		})
	})
}

func FuzzFile(f *testing.F) {
	seeds(f, ".pt", ".safetensors", ".pkl")
	f.Fuzz(func(t *testing.T, data []byte) { all(t, data) })
}

func FuzzZip(f *testing.F) {
	seeds(f, ".pt")
	f.Fuzz(func(t *testing.T, data []byte) {
		bounded(t, func() {
			a, err := openArchive(bytes.NewReader(data), int64(len(data)))
			if err != nil {
				return
			}
			for _, r := range a.records {
				if _, _, err := a.check(t.Context(), r, func(int64) {}); err != nil {
					t.Error(err)
				}
			}
		})
	})
}

func FuzzSafeTensors(f *testing.F) {
	seeds(f, ".safetensors")
	f.Add([]byte("\x40\x00\x00\x00\x00\x00\x00\x00{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}      \x00\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, data []byte) {
		file := &File{Name: "x", Size: int64(len(data)), ByteOrder: "little", limits: pickle.DefaultLimits}
		bounded(t, func() {
			file.readSafeTensors(bytes.NewReader(data))
			file.root.link(nil)
		})
	})
}
