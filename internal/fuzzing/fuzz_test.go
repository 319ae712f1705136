package fuzzing

import (
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
)

// real are the programs of the repository's tests.
func real(t testing.TB) (out []string) {
	t.Helper()
	for _, pattern := range []string{"scenarios/*/*.py", "clean/*.py", "rules/*.md"} {
		paths, err := filepath.Glob(filepath.Join("../../testdata", pattern))
		if err != nil || len(paths) == 0 {
			t.Fatalf("%s: %v", pattern, err)
		}
		for _, path := range paths {
			data, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if !strings.HasSuffix(path, ".md") {
				out = append(out, string(data))
				continue
			}
			for _, m := range fenced.FindAllStringSubmatch(string(data), -1) {
				out = append(out, m[1])
			}
		}
	}
	return out
}

var fenced = regexp.MustCompile("(?s)\n```py[^\n]*\n(.*?)\n```")

// seeds is how many seeds a test runs: CKPT_SEEDS, or few.
func seeds(t testing.TB, few uint64) (from, to uint64) {
	t.Helper()
	if testing.Short() {
		few = 10
	}
	from, _ = strconv.ParseUint(os.Getenv("CKPT_SEED"), 10, 64)
	if n, err := strconv.ParseUint(os.Getenv("CKPT_SEEDS"), 10, 64); err == nil {
		few = n
	}
	return from, from + few
}

func hold(t *testing.T, files map[string]string) {
	t.Helper()
	if wrong := Wrong(files); len(wrong) > 0 {
		least := minimal(files, wrong[0])
		t.Errorf("%s\n%s", strings.Join(Wrong(least), "\n"), Named(least))
	}
}

// minimal leaves lines out of files as long as the same goes wrong, and they stay Python.
func minimal(files map[string]string, wrong string) map[string]string {
	sound := func(files map[string]string) int {
		count := 0
		for _, source := range files {
			if tree, err := pyast.Parse([]byte(source)); err == nil && !tree.HasErrors() {
				count++
			}
		}
		return count
	}
	same := func(less map[string]string) bool {
		if sound(less) < sound(files) {
			return false
		}
		now := Wrong(less)
		return len(now) > 0 && now[0][:min(len(now[0]), 30)] == wrong[:min(len(wrong), 30)]
	}
	for _, name := range names(files) {
		lines := strings.SplitAfter(files[name], "\n")
		for size := len(lines); size > 0; size /= 2 {
			for at := 0; at < len(lines); {
				less := slices.Concat(lines[:at], lines[min(at+size, len(lines)):])
				without := maps.Clone(files)
				without[name] = strings.Join(less, "")
				if same(without) {
					files, lines = without, less
				} else {
					at += size
				}
			}
		}
	}
	return files
}

// TestKept runs what once went wrong, each input as small as it could be made.
func TestKept(t *testing.T) {
	paths, err := filepath.Glob("testdata/kept/*.py")
	if err != nil || len(paths) == 0 {
		t.Fatal(err)
	}
	for _, path := range paths {
		t.Run(filepath.Base(path), func(t *testing.T) {
			data, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			hold(t, map[string]string{"train.py": string(data)})
		})
	}
}

// TestPrograms holds the engine to what is true of every program, over generated ones; a failure names its seed.
func TestPrograms(t *testing.T) {
	from, to := seeds(t, 150)
	for seed := from; seed < to; seed++ {
		t.Run(strconv.FormatUint(seed, 10), func(t *testing.T) { hold(t, Program(Bytes(seed, 400))) })
	}
}

// TestMutants does so over mutants of real programs.
func TestMutants(t *testing.T) {
	texts := real(t)
	from, to := seeds(t, 150)
	for seed := from; seed < to; seed++ {
		t.Run(strconv.FormatUint(seed, 10), func(t *testing.T) {
			hold(t, map[string]string{"train.py": "import torch\n" + Mutant(Bytes(seed, 100), texts)})
		})
	}
}

func FuzzPrograms(f *testing.F) {
	for seed := range uint64(20) {
		f.Add(Bytes(seed, 400))
	}
	f.Fuzz(func(t *testing.T, data []byte) { hold(t, Program(data)) })
}

func FuzzMutants(f *testing.F) {
	texts := real(f)
	for seed := range uint64(20) {
		f.Add(Bytes(seed, 100))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		hold(t, map[string]string{"train.py": "import torch\n" + Mutant(data, texts)})
	})
}
