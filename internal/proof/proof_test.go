package proof

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ckpt-lsp/ckpt-lsp/internal/prove"
)

const programs = "../../testdata/proof"

// atOnce is how many programs run side by side.
var atOnce = max(2, runtime.NumCPU())

func TestMain(m *testing.M) {
	prove.Guard()
	os.Exit(m.Run())
}

// TestProof shows of every program that it lacks what it is to have, and that its fixes give it that.
func TestProof(t *testing.T) {
	if testing.Short() {
		t.Skip("SKIPPED: runs PyTorch for minutes")
	}
	if os.Getenv("CKPT_PROOF") == "" {
		t.Skip("SKIPPED: takes minutes; run it with CKPT_PROOF=1 go test ./internal/proof -run TestProof -timeout 30m")
	}
	version, err := python(t.Context(), "import torch; print(torch.__version__)")
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatalf("%s has no torch: %v", interpreter(), err)
		}
		t.Skipf("SKIPPED: %s has no torch (CKPT_PROOF_PYTHON names another): %v", interpreter(), err)
	}
	all, err := allPrograms()
	if err != nil {
		t.Fatal(err)
	}
	// A library takes its number of threads from the environment when it is loaded.
	t.Setenv("OMP_NUM_THREADS", "1")
	if zygote, err = prove.NewZygote(interpreter()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := zygote.Close(); err != nil {
			t.Error(err)
		}
	})
	r := &results{torch: version, of: map[string]map[string]result{}}
	if *update {
		t.Cleanup(func() {
			if err := r.write(all); err != nil {
				t.Error(err)
			}
		})
	}
	slots := make(chan struct{}, atOnce)
	for _, p := range all {
		t.Run(p.Name, func(t *testing.T) {
			t.Parallel()
			slots <- struct{}{}
			defer func() { <-slots }()
			if !prove.AtLeast(version, p.Torch) {
				t.Skipf("SKIPPED: needs torch %s, this is %s", p.Torch, version)
			}
			for _, need := range p.Needs {
				if _, err := python(t.Context(), "import "+need); err != nil {
					if os.Getenv("CI") != "" {
						t.Fatalf("needs %s, which .ci/run installs: %v", need, err)
					}
					t.Skipf("SKIPPED: needs %s: %v", need, err)
				}
			}
			show(t, p, r)
		})
	}
}

// show holds a program to its properties before and after its fixes.
func show(t *testing.T, p *Program, r *results) {
	if p.Each != nil {
		showEach(t, p, r)
		return
	}
	fixed, err := Fix(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	for kind, property := range p.properties() {
		for _, stage := range []struct {
			name  string
			files map[string]string
		}{{"flawed", p.Files}, {"fixed", fixed}} {
			said, err := answer(t.Context(), p, stage.files, kind, property)
			if err == nil {
				err = judge(kind, said, property, stage.name == "fixed")
			}
			if err != nil {
				t.Errorf("%s, the %s program: %v\nthe program is\n%s", kind, stage.name, err, listing(stage.files))
				continue
			}
			r.note(p.Name, kind, stage.name, said, property)
		}
	}
}

// showEach holds a program to what it says, as written and after its safe fixes, and after each fix alone.
func showEach(t *testing.T, p *Program, r *results) {
	safe, alone, err := fixedOnes(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	property := &Property{Commands: p.Each.Commands}
	says := func(v variant, want, same string) string {
		said, err := run(t.Context(), p, v.files, property)
		said = withoutWarnings(steady(said))
		if err == nil && want == "" && said != same {
			err = fmt.Errorf("want what it says as written,\n%s\nit says\n%s", same, said)
		}
		if err == nil && want != "" {
			err = judge(kindRun, said, &Property{Fixed: want}, true)
		}
		if err != nil {
			t.Errorf("%s: %v\nthe program is\n%s", v.what, err, listing(v.files))
		}
		return said
	}
	written := says(variant{what: "as written", files: p.Files}, p.Each.Written, "")
	what := "no safe fix"
	if safe != nil {
		what = "the safe fixes"
		if p.Each.None {
			t.Errorf("a safe fix is offered; it comes to\n%s", listing(safe.files))
		}
		says(*safe, p.Each.Safe, written)
	}
	for _, v := range alone {
		want := ""
		for _, rule := range v.rules {
			want = cmp.Or(want, p.Each.Alone[rule])
		}
		says(v, want, written)
	}
	r.noteEach(p.Name, lineOf(written, p.Each.Written), fmt.Sprintf("%s, and %d fixes each alone, hold", what, len(alone)))
}

// withoutWarnings is what was said without Python's warnings, which name lines that a fix moves, and what torch's libraries log of the
// machine, with the time.
func withoutWarnings(said string) string {
	return warning.ReplaceAllString(said, "")
}

var warning = regexp.MustCompile(`(?m)^\S*:\d+: \w*Warning: .*\n(  .*\n)?|^\[W\d+ .*\n|^\[[\d.]+\] \[.*\n|^Error in cpuinfo: .*\n`)

func listing(files map[string]string) string {
	var out strings.Builder
	for _, name := range slices.Sorted(maps.Keys(files)) {
		fmt.Fprintf(&out, "-- %s --\n%s", name, files[name])
	}
	return out.String()
}

// python runs a line of Python and gives the last line that it prints: libraries complain in front of it where /proc is missing.
func python(ctx context.Context, line string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, interpreter(), "-c", line)
	cmd.Env = append(os.Environ(), environment...)
	out, err := cmd.Output()
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	return lines[len(lines)-1], err
}

// allPrograms are those of the files and the generated ones.
func allPrograms() ([]*Program, error) {
	all, err := Load(programs)
	if err == nil && len(all) == 0 {
		err = fmt.Errorf("no programs are in %s", programs)
	}
	return append(all, Matrix()...), err
}

// TestFixesApply holds that every program is reported by the rules that it names, and that their fixes clear what they report. It
// needs no torch.
func TestFixesApply(t *testing.T) {
	all, err := allPrograms()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range all {
		t.Run(p.Name, func(t *testing.T) {
			t.Parallel()
			if p.Each != nil { // whatever is offered
				if _, _, err := fixedOnes(t.Context(), p); err != nil {
					t.Fatal(err)
				}
				return
			}
			fixed, err := Fix(t.Context(), p)
			if err != nil {
				t.Fatal(err)
			}
			t.Logf("the fixed program is\n%s", listing(fixed))
		})
	}
}
