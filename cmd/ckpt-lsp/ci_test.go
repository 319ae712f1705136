package main

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// action is what action.yml says, as far as a runner needs it here.
type action struct {
	Inputs map[string]struct{ Default string }
	Runs   struct{ Steps []actionStep }
}

type actionStep struct {
	ID, Shell, Run, Uses, If string
	Env, With                map[string]string
	Dir                      string `yaml:"working-directory"`
}

// runner runs the steps of the action as GitHub's runner does: each in a shell of its own, with files for what it hands on.
type runner struct {
	t                 *testing.T
	action            action
	values            map[string]string // of expressions
	dir, temp, bin    string
	release           string // the folder that curl takes from
	os, arch          string
	said              string
	uploaded          string
	pathFile, outputs string
}

const finding = "import torch\n\nmodel = torch.nn.Linear(2, 2)\ntorch.save({\"model\": model.state_dict}, \"last.pt\")\n"

func newRunner(t *testing.T, source string, inputs map[string]string) *runner {
	t.Helper()
	if _, err := exec.LookPath("bash"); err != nil || runtime.GOOS == "windows" {
		t.Skip("SKIPPED: no bash")
	}
	r := &runner{t: t, values: map[string]string{}, dir: t.TempDir(), temp: t.TempDir(), bin: t.TempDir(), release: t.TempDir(), os: "Linux", arch: "X64"}
	readYAML(t, "../../action.yml", &r.action)
	for name, input := range r.action.Inputs {
		r.values["inputs."+name] = input.Default
	}
	for name, value := range inputs {
		if _, ok := r.values["inputs."+name]; !ok {
			t.Fatalf("the action has no input %s", name)
		}
		r.values["inputs."+name] = value
	}
	write(t, filepath.Join(r.dir, "train.py"), source)
	r.pathFile, r.outputs = filepath.Join(r.temp, "path"), filepath.Join(r.temp, "outputs")
	address := "https://github.com/ckpt-lsp/ckpt-lsp/releases/download/v" + r.values["inputs.version"] + "/"
	write(t, filepath.Join(r.bin, "curl"), `#!/bin/sh
while [ $# -gt 0 ]; do
  case $1 in
    --remote-name) cp "`+r.release+`/${2#`+address+`}" . || exit 22; shift 2 ;;
    --retry) shift 2 ;;
    *) shift ;;
  esac
done
`)
	r.publish("linux-x64", "tar.gz")
	return r
}

// publish makes the archive of a platform as the release has it, with this very program as the binary.
func (r *runner) publish(platform, kind string) {
	r.t.Helper()
	name, content := "ckpt-lsp-"+platform, "#!/bin/sh\nexec "+self(r.t)+" \"$@\"\n"
	var archive bytes.Buffer
	switch kind {
	case "zip":
		w := zip.NewWriter(&archive)
		header := &zip.FileHeader{Name: name + "/ckpt-lsp"}
		header.SetMode(0o755)
		f, err := w.CreateHeader(header)
		if err != nil {
			r.t.Fatal(err)
		}
		if _, err := io.WriteString(f, content); err != nil {
			r.t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			r.t.Fatal(err)
		}
	case "tar.gz":
		zipped := gzip.NewWriter(&archive)
		w := tar.NewWriter(zipped)
		if err := w.WriteHeader(&tar.Header{Name: name + "/ckpt-lsp", Mode: 0o755, Size: int64(len(content))}); err != nil {
			r.t.Fatal(err)
		}
		if _, err := io.WriteString(w, content); err != nil {
			r.t.Fatal(err)
		}
		if err := errors.Join(w.Close(), zipped.Close()); err != nil {
			r.t.Fatal(err)
		}
	}
	file := name + "." + kind
	write(r.t, filepath.Join(r.release, file), archive.String())
	write(r.t, filepath.Join(r.release, "SHA256SUMS"), fmt.Sprintf("%x  other.tar.gz\n%x  %s\n", sha256.Sum256(nil), sha256.Sum256(archive.Bytes()), file))
}

// self is this program under the name that makes it ckpt-lsp (testscript.Main).
func self(t *testing.T) string {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(t.TempDir(), "ckpt-lsp")
	if err := os.Symlink(program, link); err != nil {
		t.Fatal(err)
	}
	return link
}

var expression = regexp.MustCompile(`\$\{\{ *([a-z.-]+) *\}\}`)

func (r *runner) evaluate(s string) string {
	return expression.ReplaceAllStringFunc(s, func(e string) string {
		value, ok := r.values[expression.FindStringSubmatch(e)[1]]
		if !ok && !strings.Contains(e, "steps.") {
			r.t.Fatalf("%s is not known here", e)
		}
		return value
	})
}

// run does the steps, and gives the exit code of the first that fails.
func (r *runner) run() (code int) {
	r.t.Helper()
	for _, step := range r.action.Runs.Steps {
		if step.Uses != "" {
			if step.If != "always() && steps.check.outputs.sarif != ''" {
				r.t.Fatalf("a runner with more conditions is needed for %q", step.If)
			}
			if r.values["steps.check.outputs.sarif"] != "" {
				r.uploaded = r.evaluate(step.With["sarif_file"])
			}
			continue
		}
		if code == 0 {
			code = r.step(step)
		}
	}
	return code
}

func (r *runner) step(step actionStep) int {
	r.t.Helper()
	if expression.MatchString(step.Run) {
		r.t.Errorf("an input stands in a script, where it may say anything; hand it over as a variable:\n%s", step.Run)
	}
	path := r.bin + ":/usr/bin:/bin"
	if added, err := os.ReadFile(r.pathFile); err == nil {
		path = strings.TrimSpace(string(added)) + ":" + path
	}
	cmd := exec.Command("bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step.Run)
	cmd.Dir = filepath.Join(r.dir, r.evaluate(step.Dir))
	cmd.Env = []string{"PATH=" + path, "RUNNER_OS=" + r.os, "RUNNER_ARCH=" + r.arch, "RUNNER_TEMP=" + r.temp, "GITHUB_PATH=" + r.pathFile, "GITHUB_OUTPUT=" + r.outputs, "GITHUB_ACTIONS=true"}
	for name, value := range step.Env {
		cmd.Env = append(cmd.Env, name+"="+r.evaluate(value))
	}
	out, err := cmd.CombinedOutput()
	r.said += string(out)
	written, _ := os.ReadFile(r.outputs)
	for line := range strings.Lines(string(written)) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		r.values["steps."+step.ID+".outputs."+name] = value
	}
	var failed *exec.ExitError
	if err != nil && !errors.As(err, &failed) {
		r.t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode()
}

func TestActionFailsAndAnnotates(t *testing.T) {
	r := newRunner(t, finding, nil)
	if code := r.run(); code != 1 || !strings.Contains(r.said, "::error ") || !strings.Contains(r.said, "file=train.py,line=4") {
		t.Errorf("exit code %d:\n%s", code, r.said)
	}
	if r.uploaded != "" {
		t.Errorf("%s is uploaded without being asked for", r.uploaded)
	}
}

func TestActionPasses(t *testing.T) {
	r := newRunner(t, "import torch\n", nil)
	if code := r.run(); code != 0 || strings.Contains(r.said, "::") {
		t.Errorf("exit code %d:\n%s", code, r.said)
	}
}

func TestActionUploadsSARIF(t *testing.T) {
	r := newRunner(t, finding, map[string]string{"upload-sarif": "true", "annotate": "false", "args": "--select CKP112 *.py"})
	if code := r.run(); code != 1 || strings.Contains(r.said, "::error") || !strings.Contains(r.said, "train.py:4:") {
		t.Errorf("exit code %d:\n%s", code, r.said)
	}
	data, err := os.ReadFile(r.uploaded)
	if err != nil {
		t.Fatal(err)
	}
	var log struct {
		Runs []struct{ Results []struct{ RuleID string } }
	}
	if err := json.Unmarshal(data, &log); err != nil || len(log.Runs) != 1 || len(log.Runs[0].Results) != 1 || log.Runs[0].Results[0].RuleID != "CKP112" {
		t.Errorf("%v: %s", err, data)
	}
}

func TestActionRunsInAFolder(t *testing.T) {
	r := newRunner(t, finding, map[string]string{"working-directory": "sound"})
	if err := os.Mkdir(filepath.Join(r.dir, "sound"), 0o755); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(r.dir, "sound", "model.py"), "import torch\n")
	if code := r.run(); code != 0 {
		t.Errorf("exit code %d:\n%s", code, r.said)
	}
}

func TestActionRefusesAnotherFile(t *testing.T) {
	r := newRunner(t, "import torch\n", nil)
	write(t, filepath.Join(r.release, "ckpt-lsp-linux-x64.tar.gz"), "something else")
	if code := r.run(); code == 0 || !strings.Contains(r.said, "FAILED") {
		t.Errorf("exit code %d:\n%s", code, r.said)
	}
}

func TestActionChoosesThePlatform(t *testing.T) {
	platforms := []struct{ os, arch, platform, kind string }{
		{"Linux", "ARM64", "linux-arm64", "tar.gz"}, {"macOS", "ARM64", "darwin-arm64", "tar.gz"}, {"macOS", "X64", "darwin-x64", "tar.gz"},
		{"Windows", "X64", "windows-x64", "zip"}, {"Windows", "ARM64", "windows-arm64", "zip"},
	}
	for _, on := range platforms {
		if _, err := exec.LookPath("unzip"); err != nil && on.kind == "zip" {
			if os.Getenv("CI") != "" {
				t.Error("unzip is missing")
			}
			t.Logf("SKIPPED %s: no unzip", on.platform)
			continue
		}
		r := newRunner(t, "import torch\n", nil)
		r.os, r.arch = on.os, on.arch
		r.publish(on.platform, on.kind)
		if code := r.run(); code != 0 {
			t.Errorf("%v: exit code %d:\n%s", on, code, r.said)
		}
	}
	for _, on := range []struct{ os, arch string }{{"Linux", "X86"}, {"FreeBSD", "X64"}} {
		r := newRunner(t, "import torch\n", nil)
		r.os, r.arch = on.os, on.arch
		if code := r.run(); code != 1 || !strings.Contains(r.said, "::error::ckpt-lsp has no binary for ") {
			t.Errorf("%v: exit code %d:\n%s", on, code, r.said)
		}
	}
}

// TestGitLabExample runs the script of the example as GitLab does: line for line, in one shell, up to the first that fails.
func TestGitLabExample(t *testing.T) {
	var pipeline map[string]struct {
		Script    []string
		Artifacts struct{ Reports struct{ CodeQuality string } }
	}
	readYAML(t, "../../docs/ci/gitlab-ci.yml", &pipeline)
	job := pipeline["ckpt-lsp"]
	for source, want := range map[string]int{finding: 1, "import torch\n": 0} {
		dir, bin := t.TempDir(), t.TempDir()
		write(t, filepath.Join(dir, "train.py"), source)
		write(t, filepath.Join(bin, "pip"), "#!/bin/sh\nln -s "+self(t)+" "+bin+"/ckpt-lsp\n")
		cmd := exec.Command("bash", "-eo", "pipefail", "-c", strings.Join(job.Script, "\n"))
		cmd.Dir, cmd.Env = dir, []string{"PATH=" + bin + ":/usr/bin:/bin"}
		out, _ := cmd.CombinedOutput()
		if code := cmd.ProcessState.ExitCode(); code != want {
			t.Errorf("exit code %d, want %d:\n%s", code, want, out)
		}
		data, err := os.ReadFile(filepath.Join(dir, job.Artifacts.Reports.CodeQuality))
		if err != nil {
			t.Fatal(err)
		}
		var issues []struct {
			Location struct{ Path string }
		}
		if err := json.Unmarshal(data, &issues); err != nil || len(issues) != want || want == 1 && issues[0].Location.Path != "train.py" {
			t.Errorf("%v: %s", err, data)
		}
	}
}

// TestStatedVersion holds the files that name a release to the one that the changelog tells of last.
func TestStatedVersion(t *testing.T) {
	changelog, err := os.ReadFile("../../CHANGELOG.md")
	if err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile(`(?m)^## ([0-9]+\.[0-9]+\.[0-9]+)`).FindSubmatch(changelog)
	if m == nil {
		t.Fatal("the changelog tells of no release")
	}
	for version, want := range map[string]string{string(m[1]): "", "99.0.0": "stated.sh: CHANGELOG.md does not name 99.0.0\n"} {
		out, err := exec.Command("../../release/stated.sh", "v"+version).CombinedOutput()
		if string(out) != want || (err == nil) != (want == "") {
			t.Errorf("%s: %v %s", version, err, out)
		}
	}
}

func readYAML(t *testing.T, path string, into any) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal(data, into); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
}

// write writes a file that can also be run.
func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o755); err != nil {
		t.Fatal(err)
	}
}
