package checkpoint

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ckpt-lsp/ckpt-lsp/internal/checkpoint/pickle"
	"github.com/ckpt-lsp/ckpt-lsp/internal/schematest"
)

func seed(t *testing.T, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", "seeds", name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func opened(t *testing.T, name string, data []byte) *Checkpoint {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestMalicious holds that what a pickle would run is named, that nothing is run, and that what is bounded stays so.
func TestMalicious(t *testing.T) {
	flag := filepath.Join(t.TempDir(), "ran")
	command := "touch " + flag
	for name, test := range map[string]struct{ pickle, danger string }{
		"system":     {"cposix\nsystem\n(S'" + command + "'\ntR.", "runs commands"},
		"old module": {"c__builtin__\neval\n(S'1'\ntR.", "runs Python code"},
		"stack":      {"\x80\x04\x8c\x02os\x8c\x06system\x93\x8c\x01x\x85R.", "runs commands"},
		"instance":   {"(S'" + command + "'\nios\nsystem\n.", "runs commands"},
		"dotted":     {"\x80\x04\x8c\x05torch\x8c\x17serialization.os.system\x93\x8c\x01x\x85R.", "reaches other modules through attributes"},
		"object":     {"(csubprocess\nPopen\nS'x'\no.", "runs commands"},
		"torch":      {"ctorch\nload\n(S'x'\ntR.", "unpickles other bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			c := opened(t, "x.pkl", []byte(test.pickle))
			imports := c.Imports()
			if len(imports) != 1 || imports[0].Danger != test.danger || !imports[0].Called {
				t.Errorf("imports %+v, problems %v", imports, c.Problems)
			}
		})
	}
	if _, err := os.Stat(flag); err == nil {
		t.Fatal("the pickle was run")
	}
}

// TestBounds holds that pickles that grow without end end in an error, soon.
func TestBounds(t *testing.T) {
	laughs := "\x80\x02]q\x00" // lists of lists of lists, each twice in the next
	for i := range 200 {
		laughs += fmt.Sprintf("(h%ch%ce]q%c", byte(i), byte(i), byte(i+1))
	}
	for name, data := range map[string]string{
		"length":       "\x80\x02X\xff\xff\xff\x7fx",
		"length of 64": "\x80\x04\x8e\xff\xff\xff\xff\xff\xff\xff\x7fx.",
		"negative":     "\x80\x04\x8e\xff\xff\xff\xff\xff\xff\xff\xffx.",
		"marks":        strings.Repeat("(", 3<<20) + ".",
		"deep":         strings.Repeat("]", 500) + strings.Repeat("a", 499) + ".",
		"tuples":       "N" + strings.Repeat("\x85", 5<<20) + ".",
		"stack":        strings.Repeat("N", 3<<20) + ".",
		"cycle":        "]q\x00h\x00a.",
		"laughs":       laughs + ".",
		"integer":      "\x8b\xff\xff\xff\x7f1.",
		"line":         "S'" + strings.Repeat("x", 3<<20),
		"empty":        "(",
	} {
		t.Run(name, func(t *testing.T) {
			start := time.Now()
			f := &File{Size: int64(len(data)), ByteOrder: "little", limits: pickle.DefaultLimits}
			f.read(strings.NewReader(data))
			c := &Checkpoint{Path: "x"}
			c.take(f)
			c.finish()
			c.Report(nil, nil)
			if took := time.Since(start); took > 5*time.Second {
				t.Errorf("it took %v", took)
			}
		})
	}
}

// TestTruncated holds that a file that was cut off says where, and how much is whole.
func TestTruncated(t *testing.T) {
	for name, wants := range map[string]map[int]string{
		"shared.pt":         {100: "it breaks off in data.pkl", 700: "of whose 12 bytes it holds 0; 1 of 2 storages are whole", 1300: "2 of 2 storages are whole"},
		"legacy.pt":         {100: "the pickle breaks off", 340: "of whose 12 bytes it holds 1; 0 of 1 storages are whole"},
		"small.safetensors": {20: "cut off in its header", 163: "it was cut off in b, of whose 6 bytes it holds 3"},
		"plain.pkl":         {100: "the pickle breaks off"},
	} {
		data := seed(t, name)
		for at, want := range wants {
			if c := opened(t, name, data[:at]); len(c.Problems) == 0 || !strings.Contains(c.Problems[0], want) {
				t.Errorf("%s of %d bytes at %d: %q, want %q", name, len(data), at, c.Problems, want)
			}
		}
		for at := range data { // whatever the place, something is said
			if c := opened(t, name, data[:at]); len(c.Problems) == 0 {
				t.Errorf("%s at %d: nothing is said", name, at)
			}
		}
	}
}

// TestVerify holds that a flipped bit in any record is found.
func TestVerify(t *testing.T) {
	data := seed(t, "compiled-ddp.pt")
	c := opened(t, "x.pt", data)
	for _, s := range c.Files[0].Storages {
		flipped := bytes.Clone(data)
		flipped[s.Offset] ^= 1
		damaged := opened(t, "x.pt", flipped)
		got, err := damaged.Verify(t.Context(), func(int64) {})
		if err != nil || len(got.Damaged) != 1 || got.Damaged[0].Tensors[0] != s.Views[0].Path() {
			t.Errorf("%s: %+v, %v", s.Key, got, err)
		}
	}
	if got, err := c.Verify(t.Context(), func(int64) {}); err != nil || len(got.Damaged) > 0 || got.Records == 0 {
		t.Errorf("sound: %+v, %v", got, err)
	}
}

// TestHuge holds that of a file of 100 GB only the header is read.
func TestHuge(t *testing.T) {
	const tensors, each = 100, 1 << 30
	header := map[string]any{}
	for i := range tensors {
		header[fmt.Sprintf("layer%d.weight", i)] = map[string]any{"dtype": "F32", "shape": []int{each / 4}, "data_offsets": []int64{int64(i) * each, int64(i+1) * each}}
	}
	h, err := json.Marshal(header)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "huge.safetensors")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.Write(append(binary.LittleEndian.AppendUint64(nil, uint64(len(h))), h...)); err != nil {
		t.Fatal(err)
	}
	if err := f.Truncate(int64(8+len(h)) + tensors*each); err != nil {
		t.Skipf("SKIPPED: no sparse files here: %v", err)
	}
	read := &counting{ReaderAt: f}
	file := &File{Name: "x", Size: int64(8+len(h)) + tensors*each, ByteOrder: "little", limits: pickle.DefaultLimits}
	file.read(read)
	if file.Problem != "" || len(file.Storages) != tensors || read.n > 1<<20 {
		t.Errorf("%d bytes were read, %d storages, %q", read.n, len(file.Storages), file.Problem)
	}
	c, err := Open(path)
	if err != nil || c.Root.Bytes() != tensors*each {
		t.Errorf("%v, %v", c, err)
	}
}

type counting struct {
	io.ReaderAt
	n int64
}

func (c *counting) ReadAt(p []byte, at int64) (int, error) {
	n, err := c.ReaderAt.ReadAt(p, at)
	c.n += int64(n)
	return n, err
}

// TestHeaders holds that safetensors that its own library refuses are called damaged.
func TestHeaders(t *testing.T) {
	for name, header := range map[string]string{
		"a hole":       `{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}`,
		"an overlap":   `{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}`,
		"a size":       `{"a":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}}`,
		"twice":        `{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}`,
		"more than is": `{"a":{"dtype":"F32","shape":[1000000000000],"data_offsets":[0,4000000000000]}}`,
		"no place":     `{"a":{"dtype":"F32","shape":[2]}}`,
		"negative":     `{"a":{"dtype":"F32","shape":[-2],"data_offsets":[0,8]}}`,
		"overflow":     `{"a":{"dtype":"F32","shape":[9223372036854775807,9223372036854775807],"data_offsets":[0,8]}}`,
		"bytes behind": `{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}`,
		"no JSON":      `{"a":`,
	} {
		data := append(binary.LittleEndian.AppendUint64(nil, uint64(len(header))), header...)
		if c := opened(t, "x.safetensors", append(data, 0, 0, 0, 0, 0, 0, 0, 0)); len(c.Problems) == 0 {
			t.Errorf("%s: nothing is said", name)
		}
	}
}

// TestSchema holds what is printed as JSON to its schema.
func TestSchema(t *testing.T) {
	schema := schematest.Compile(t, Schema)
	paths, err := filepath.Glob("testdata/seeds/*")
	if err != nil || len(paths) == 0 {
		t.Fatal(paths, err)
	}
	for _, path := range paths {
		c, err := Open(path)
		if err != nil {
			t.Fatal(err)
		}
		integrity, err := c.Verify(t.Context(), func(int64) {})
		if err != nil {
			t.Fatal(err)
		}
		numbers, err := c.Numbers(t.Context(), func(int64) {})
		if err != nil {
			t.Fatal(err)
		}
		d, err := Diff(t.Context(), c, c)
		if err != nil || len(d.OnlyFirst)+len(d.Changed)+len(d.OnlySecond) > 0 {
			t.Errorf("%s differs from itself: %+v, %v", path, d, err)
		}
		out, err := json.Marshal(map[string]any{"checkpoints": []*Report{c.Report(integrity, numbers)}, "difference": d})
		if err != nil {
			t.Fatal(err)
		}
		schematest.Holds(t, schema, path, out)
	}
}

func TestPrefixes(t *testing.T) {
	for _, test := range []struct {
		names, prefixes []string
		bare            string
	}{
		{[]string{"a.weight", "module.b"}, nil, "a.weight"},
		{[]string{"module.a.weight", "module.module.b"}, []string{"module."}, "a.weight"},
		{[]string{"_orig_mod.module.a"}, []string{"_orig_mod.", "module."}, "a"},
		{[]string{"module._orig_mod.a"}, []string{"module.", "_orig_mod."}, "a"},
		{[]string{"_fsdp_wrapped_module.a._fsdp_wrapped_module.w", "_fsdp_wrapped_module.b"}, []string{"_fsdp_wrapped_module."}, "a.w"},
		{[]string{"encoder._orig_mod.w", "head"}, []string{"_orig_mod."}, "encoder.w"},
	} {
		got := Prefixes(test.names)
		slices.Sort(got)
		want := slices.Sorted(slices.Values(test.prefixes))
		if bare := Strip(test.names[0], Prefixes(test.names)); !slices.Equal(got, want) || bare != test.bare {
			t.Errorf("%v: %v, %q", test.names, got, bare)
		}
	}
}

func TestPickleOfOld(t *testing.T) {
	p, err := pickle.Read(strings.NewReader("(lp0\nI1\naI01\naL5L\naF1.5\naVx\na."), pickle.DefaultLimits)
	if l, ok := p.Root.(*pickle.List); err != nil || !ok || l.Len != 5 || l.Items[1] != true || l.Items[2] != int64(5) {
		t.Errorf("%+v, %v", p.Root, err)
	}
}
