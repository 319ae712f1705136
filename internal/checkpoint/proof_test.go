package checkpoint

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/ckpt-lsp/ckpt-lsp/internal/torch"
)

// truth is what testdata/make.py writes: what torch says of the files that it wrote.
type truth struct {
	Torch string
	Files map[string]struct {
		Tensors map[string]struct {
			DType    string
			Shape    []int64
			Digest   string
			NaN, Inf *int64
		}
		WeightsOnly *bool `json:"weights_only"`
		Refusal     string
	}
	Absent map[string]string
}

// TestTorch compares what is read with what torch says, file by file: names, shapes, dtypes, the bytes of all values, NaN and Inf, and
// whether weights_only=True takes it. CKPT_CHECKPOINTS names directories of make.py's; without it the files are made here.
func TestTorch(t *testing.T) {
	dirs := strings.Fields(os.Getenv("CKPT_CHECKPOINTS"))
	if len(dirs) == 0 {
		if os.Getenv("CKPT_PROOF") == "" {
			t.Skip("SKIPPED: CKPT_PROOF is not set, so no torch is run")
		}
		dir := t.TempDir()
		python := os.Getenv("CKPT_PYTHON")
		if python == "" {
			python = "/usr/bin/python3"
		}
		if out, err := exec.Command(python, "testdata/make.py", dir).CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		dirs = []string{dir}
	}
	for _, dir := range dirs {
		data, err := os.ReadFile(filepath.Join(dir, "truth.json"))
		if err != nil {
			t.Fatal(err)
		}
		var all truth
		if err := json.Unmarshal(data, &all); err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(os.RemoveAll(filepath.Join(dir, "migrated")), os.Mkdir(filepath.Join(dir, "migrated"), 0o755)); err != nil {
			t.Fatal(err)
		}
		tensors, refused := 0, 0
		for name, want := range all.Files {
			t.Run(all.Torch+"/"+name, func(t *testing.T) {
				c, err := Open(filepath.Join(dir, name))
				if err != nil {
					t.Fatal(err)
				}
				if len(c.Problems) > 0 {
					t.Errorf("problems: %v", c.Problems)
				}
				odd, err := c.Numbers(t.Context(), func(int64) {})
				if err != nil {
					t.Error(err)
				}
				got := map[string]*Node{}
				c.Root.Walk(func(n *Node) bool { // torch's side goes through dicts, sequences and modules
					if n.Kind == ObjectNode {
						return false
					}
					if n.real().Kind == TensorNode {
						got[n.Path()] = n
					}
					if n.Same != nil && n.real().Kind != TensorNode { // torch tells it under each of its names
						inside(n.Path(), n.Same, got)
					}
					return true
				})
				for path, w := range want.Tensors {
					n := got[path]
					if n == nil {
						t.Errorf("%s is not told", path)
						continue
					}
					tensors++
					x := n.real().Tensor
					if x.DType != w.DType || !slices.Equal(x.Shape, w.Shape) && len(x.Shape)+len(w.Shape) > 0 {
						t.Errorf("%s: %s %v, torch says %s %v", path, x.DType, x.Shape, w.DType, w.Shape)
					}
					if w.Digest != "" {
						sum, err := n.Digest(t.Context())
						if err != nil || hex.EncodeToString(sum[:]) != w.Digest {
							t.Errorf("%s: other values than torch's: %v", path, err)
						}
					}
					if _, ok := odd[n.real()]; !ok && w.NaN != nil && x.pieces != nil {
						t.Errorf("%s: its numbers are not counted", path)
					}
					if count, ok := odd[n.real()]; ok && w.NaN != nil && (count.NaN != *w.NaN || count.Inf != *w.Inf) {
						t.Errorf("%s: %v, torch counts %d NaN and %d infinite", path, count, *w.NaN, *w.Inf)
					}
				}
				for path := range got {
					if _, ok := want.Tensors[path]; !ok && c.Format != Pickle {
						t.Errorf("%s is told, and torch has none", path)
					}
				}
				if strings.HasSuffix(name, ".pt") && !strings.Contains(name, "/") {
					carried(t, c, filepath.Join(dir, "migrated", name+".safetensors"))
				}
				if want.WeightsOnly == nil {
					return
				}
				w := c.WeightsOnly()
				loads := len(w.Refused) == 0 && !parsed(all.Torch).Before(w.From)
				if loads != *want.WeightsOnly {
					t.Errorf("weights_only: %+v, torch says %v: %s", w, *want.WeightsOnly, want.Refusal)
				}
				if !loads {
					refused++
				}
				v, err := c.Verify(t.Context(), func(int64) {})
				if err != nil || len(v.Damaged) > 0 {
					t.Errorf("integrity: %+v, %v", v, err)
				}
			})
		}
		t.Logf("torch %s: %d files, %d tensors, %d files refused with weights_only=True; not made: %v", all.Torch, len(all.Files), tensors, refused, all.Absent)
	}
}

// carried migrates what can be migrated: make.py reads it with the library of safetensors.
func carried(t *testing.T, c *Checkpoint, path string) {
	if _, err := c.Migrate(t.Context(), path, "test", func(int64) {}); err != nil {
		known := []string{"no model is in it", "safetensors holds dense tensors alone", "safetensors has no such dtype", "it is not in the file as it is", "is not in the file as it is"}
		if !slices.ContainsFunc(known, func(why string) bool { return strings.Contains(err.Error(), why) }) {
			t.Errorf("migrating: %v", err)
		}
	}
}

// inside names the tensors of something that has a second name.
func inside(path string, n *Node, got map[string]*Node) {
	if n.Kind == ObjectNode {
		return
	}
	for _, c := range n.Children {
		if c.real().Kind == TensorNode {
			got[path+"/"+c.Key] = c
		}
		inside(path+"/"+c.Key, c.real(), got)
	}
}

func parsed(v string) torch.Version {
	parts := strings.Split(v, ".")
	major, _ := strconv.Atoi(parts[0])
	minor, _ := strconv.Atoi(parts[1])
	return torch.Version{Major: major, Minor: minor}
}
