package checkpoint

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/ckpt-lsp/ckpt-lsp/internal/files"
)

func migrated(t *testing.T, c *Checkpoint) (*Migration, *Checkpoint, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "out.safetensors")
	m, err := c.Migrate(t.Context(), path, "test", func(int64) {})
	if err != nil {
		if _, there := os.Stat(path); there == nil {
			t.Error("a file is there all the same")
		}
		return nil, nil, err
	}
	out, err := Open(path)
	if err != nil || len(out.Problems) > 0 {
		t.Fatal(err, out.Problems)
	}
	return m, out, nil
}

func TestMigrate(t *testing.T) {
	c := opened(t, "x.pt", seed(t, "compiled-ddp.pt"))
	m, out, err := migrated(t, c)
	if err != nil {
		t.Fatal(err)
	}
	if m.Tensors != 9 || !slices.Equal(m.Stripped, []string{"_orig_mod.", "module."}) || out.Files[0].Metadata["epoch"] != "3" || out.Files[0].Metadata["format_version"] != "1" ||
		out.Files[0].Metadata["torch_version"] == "" {
		t.Errorf("%+v, %v", m, out.Files[0].Metadata)
	}
	for _, n := range c.Root.Get("model").Children {
		x := out.Root.Get(strings.TrimPrefix(n.Key, "_orig_mod.module."))
		want, err := n.Digest(t.Context())
		if x == nil || err != nil {
			t.Fatalf("%s: %v, %v", n.Key, x, err)
		}
		if got, err := x.Digest(t.Context()); err != nil || got != want {
			t.Errorf("%s: other values, %v", n.Key, err)
		}
	}
	if d, err := Diff(t.Context(), out, out); err != nil || !d.Same() {
		t.Errorf("%+v, %v", d, err)
	}
}

// TestMigrateCompacts holds that a slice takes what its elements take, and shared tensors are written under each name.
func TestMigrateCompacts(t *testing.T) {
	m, out, err := migrated(t, opened(t, "x.pt", seed(t, "shared.pt")))
	if err != nil {
		t.Fatal(err)
	}
	half := out.Root.Get("half")
	if m.Tensors != 4 || !slices.Equal(m.Compacted, []string{"half"}) || half == nil || half.Tensor.Storage.Bytes != 20 || out.Root.Get("again") == nil {
		t.Errorf("%+v", m)
	}
}

// TestMigrateRefuses holds that nothing is written over, that a damaged file is not carried on, and that what safetensors cannot hold is named.
func TestMigrateRefuses(t *testing.T) {
	data := seed(t, "compiled-ddp.pt")
	c := opened(t, "x.pt", data)
	if _, err := c.Migrate(t.Context(), c.Path, "test", func(int64) {}); !errors.Is(err, files.ErrTaken) {
		t.Errorf("in place: %v", err)
	}
	if now, err := os.ReadFile(c.Path); err != nil || !bytes.Equal(now, data) {
		t.Error("the file was changed")
	}
	if _, _, err := migrated(t, opened(t, "x.pt", data[:3000])); err == nil || !strings.Contains(err.Error(), "cut off") {
		t.Errorf("a damaged file: %v", err)
	}
	if _, _, err := migrated(t, opened(t, "x.pkl", []byte("(dS'epoch'\nI1\ns."))); err == nil || !strings.Contains(err.Error(), "no model is in it") {
		t.Errorf("no model: %v", err)
	}
	laughs := "(dp0\n" // dicts that hold one another twice
	for i := range 60 {
		laughs += fmt.Sprintf("g%d\n0(dS'a'\ng%d\nsS'b'\ng%d\nsp%d\n", i, i, i, i+1)
	}
	d := opened(t, "x.pkl", []byte(laughs+"."))
	m, all := &Migration{}, []moved{}
	if m.collect("", d.Root, &all, map[*Node]bool{}); m.visits > maxNodes+200 {
		t.Errorf("%d visits", m.visits)
	}
	if err := os.WriteFile(c.Path, append(bytes.Clone(data), 0), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, _, err := migrated(t, c); err == nil || !strings.Contains(err.Error(), "changed meanwhile") {
		t.Errorf("changed meanwhile: %v", err)
	}
}
