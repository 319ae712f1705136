package prove

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestLaunchers proves scripts that launchers start and frameworks save: all of them repeat themselves and resume exactly. Lightning
// saves into memory and then writes a file, which is safe.
func TestLaunchers(t *testing.T) {
	name := python(t)
	t.Setenv("USE_LIBUV", "0") // which Debian's torch lacks
	t.Setenv("HF_HUB_OFFLINE", "1")
	bin := t.TempDir()
	t.Setenv("PATH", bin+string(os.PathListSeparator)+os.Getenv("PATH"))
	for _, test := range []struct {
		script, needs, launcher string
		command                 []string
		ranks                   int
		questions               []Question
	}{
		// The options make up for torch 1.13, whose torchrun fails under Python 3.11 without them.
		{"torchrun", "torch.distributed.run", "torch.distributed.run", []string{"torchrun", "--standalone", "--nproc_per_node", "2", "--redirects", "1", "--tee", "1", "train.py"}, 2, []Question{Repeat, Resume}},
		{"accelerate", "accelerate", "accelerate.commands.accelerate_cli", []string{"accelerate", "launch", "--cpu", "train.py"}, 0, []Question{Repeat, Resume}},
		{"lightning", "lightning", "", []string{name, "train.py"}, 0, nil},
		{"trainer", "transformers", "", []string{name, "train.py"}, 0, []Question{Repeat, Resume}},
	} {
		t.Run(test.script, func(t *testing.T) {
			if out, err := exec.Command(name, "-c", "import "+test.needs).CombinedOutput(); err != nil {
				t.Skipf("SKIPPED: %s has no %s, which .ci/run installs beside the newer torch\n%s", name, test.needs, out)
			}
			source, err := os.ReadFile(filepath.Join("testdata", "launch", test.script+".py"))
			if err != nil {
				t.Fatal(err)
			}
			dir := directory(t, string(source))
			if test.launcher != "" {
				launcher := "#!" + name + "\nimport sys\nfrom " + test.launcher + " import main\nsys.exit(main())\n" // as pip writes it
				if err := os.WriteFile(filepath.Join(bin, test.command[0]), []byte(launcher), 0o700); err != nil {
					t.Fatal(err)
				}
			}
			if test.script == "torchrun" {
				c := exec.Command("torchrun", append(test.command[1:len(test.command)-1:len(test.command)-1], "/dev/null")...)
				if out, err := c.CombinedOutput(); err != nil && strings.Contains(string(out), "libuv") {
					t.Skipf("SKIPPED: this torch has no libuv, and its torchrun does not run without")
				}
			}
			r, err := Run(t.Context(), Options{Command: test.command, Dir: dir, Questions: test.questions, Kills: 3, Timeout: 2 * time.Minute})
			if err != nil {
				t.Fatal(err)
			}
			if !r.Proven() || r.Ranks != test.ranks {
				t.Errorf("%d ranks, want %d; all is to be proven", r.Ranks, test.ranks)
				for _, told := range r.Tell() {
					t.Error(told.Asked, told.Verdict, told.Text, told.Details, told.Printed)
				}
			}
			if r.Overhead == nil || r.Overhead.Watching <= 0 || r.Overhead.Script <= 0 || r.Runs < 4 || r.Seconds <= 0 {
				t.Errorf("watching took %v, %d runs, %v s", r.Overhead, r.Runs, r.Seconds)
			}
		})
	}
}
