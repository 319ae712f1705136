package editors

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ckpt-lsp/ckpt-lsp/internal/lsptest"
)

// patience is how long an editor's session may last. It is not a measure of speed.
const patience = time.Minute

// scenario is the file that the editors mend.
const scenario = "../testdata/scenarios/1_resnet_resume/train.py"

// programs are built once: the server as a person gets it, linked statically so that it runs in every system, and the proxy.
var programs struct{ dir, server, proxy string }

func TestMain(m *testing.M) { os.Exit(withPrograms(m)) }

func withPrograms(m *testing.M) int {
	dir, err := os.MkdirTemp("", "ckpt-lsp-editors-")
	if err == nil {
		defer os.RemoveAll(dir)
		programs.dir, programs.server, programs.proxy = dir, filepath.Join(dir, "server"), filepath.Join(dir, "proxy")
		err = build(programs.server, "../cmd/ckpt-lsp", "-tags", "netgo,osusergo", "-ldflags", `-linkmode external -extldflags "-static"`)
	}
	if err == nil {
		err = build(programs.proxy, "../internal/lsptest/proxy", "-tags", "netgo,osusergo")
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return m.Run()
}

func build(to, from string, flags ...string) error {
	out, err := exec.Command("go", append(append([]string{"build", "-o", to}, flags...), from)...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("go build %s: %w\n%s", from, err, out)
	}
	return nil
}

// desk is a system in which an editor runs, and a home there: on the PATH is a ckpt-lsp that is the recording proxy.
type desk struct {
	t *testing.T
	// system is the directory of another Debian, or empty for this one.
	system string
	// home is the home directory, as this system sees it.
	home string
}

// here is a desk on this machine. A program that is missing skips the test, but never in CI.
func here(t *testing.T, program string) *desk {
	t.Helper()
	if _, err := exec.LookPath(program); err != nil {
		missing(t, program+" is not installed; .ci/run installs it")
	}
	return setUp(t, "", t.TempDir())
}

// in is a desk in the Debian of a directory that an environment variable names; .ci/run has a tier of its own for these.
func in(t *testing.T, variable, program string) *desk {
	t.Helper()
	system := os.Getenv(variable)
	if system == "" {
		t.Skipf("SKIPPED: %s names no system with a newer %s", variable, program)
	}
	if _, err := os.Stat(filepath.Join(system, "usr/bin", program)); err != nil {
		t.Fatal(err)
	}
	home, err := os.MkdirTemp(filepath.Join(system, "tmp"), "ckpt-lsp-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(home) })
	return setUp(t, system, home)
}

func missing(t *testing.T, why string) {
	t.Helper()
	if os.Getenv("CI") != "" {
		t.Fatal(why)
	}
	t.Skip("SKIPPED: " + why)
}

func setUp(t *testing.T, system, home string) *desk {
	t.Helper()
	d := &desk{t, system, home}
	d.copy(programs.server, "server")
	d.copy(programs.proxy, "bin/ckpt-lsp")
	d.copy(scenario, "work/train.py")
	t.Cleanup(d.checkMessages)
	return d
}

// copy copies a file to a path in the home directory.
func (d *desk) copy(from, to string) {
	d.t.Helper()
	data, err := os.ReadFile(from)
	if err != nil {
		d.t.Fatal(err)
	}
	d.write(to, string(data))
}

func (d *desk) write(to, content string) {
	d.t.Helper()
	to = filepath.Join(d.home, to)
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		d.t.Fatal(err)
	}
	if err := os.WriteFile(to, []byte(content), 0o755); err != nil {
		d.t.Fatal(err)
	}
}

func (d *desk) read(name string) string {
	d.t.Helper()
	data, err := os.ReadFile(filepath.Join(d.home, name))
	if err != nil {
		d.t.Fatal(err)
	}
	return string(data)
}

// path is a file of the home directory as the editor sees it.
func (d *desk) path(name string) string {
	return strings.TrimPrefix(filepath.Join(d.home, name), d.system)
}

// command is a command line at this desk.
func (d *desk) command(argv ...string) []string {
	home := d.path("")
	env := []string{
		"env", "-i", "HOME=" + home, "XDG_CONFIG_HOME=" + home + "/.config", "XDG_DATA_HOME=" + home + "/.data", "XDG_STATE_HOME=" + home + "/.state",
		"XDG_CACHE_HOME=" + home + "/.cache", "TMPDIR=/tmp", "PATH=" + home + "/bin:/usr/bin:/bin", "LANG=C.UTF-8", "TERM=xterm-256color", "SHELL=/bin/sh",
		"PROXY_SERVER=" + d.path("server"), "PROXY_LOG=" + d.path("session.log"), "FILE=" + d.path("work/train.py"),
		"sh", "-c", `cd "$HOME/work" && exec "$@"`, "sh",
	}
	line := append(env, argv...)
	if d.system != "" {
		line = append([]string{"chroot", d.system}, line...)
	}
	return line
}

// run runs an editor until it ends.
func (d *desk) run(argv ...string) {
	d.t.Helper()
	ctx, cancel := context.WithTimeout(d.t.Context(), patience)
	defer cancel()
	line := d.command(argv...)
	cmd := exec.CommandContext(ctx, line[0], line[1:]...)
	cmd.WaitDelay = time.Second
	if out, err := cmd.CombinedOutput(); err != nil {
		d.t.Fatalf("%v\n%s", err, out)
	}
}

// checkMessages holds all that the editor and the server said to LSP.
func (d *desk) checkMessages() {
	sessions, err := lsptest.CheckLog(filepath.Join(d.home, "session.log"))
	if err != nil {
		d.t.Error(err)
		return
	}
	if len(sessions) == 0 {
		d.t.Error("nothing was recorded")
	}
	for _, s := range sessions {
		d.t.Logf("%s: %d kinds of messages", s.Client, len(s.Methods))
		for _, p := range s.Problems {
			d.t.Errorf("%s: %s", s.Client, p)
		}
	}
}

// sent counts the messages of a kind, as in "client textDocument/hover", in all sessions.
func (d *desk) sent(kind string) int {
	d.t.Helper()
	sessions, err := lsptest.CheckLog(filepath.Join(d.home, "session.log"))
	if err != nil {
		d.t.Fatal(err)
	}
	n := 0
	for _, s := range sessions {
		n += s.Methods[kind]
	}
	return n
}

// completed is the scenario with the fix "Complete this checkpoint" made.
func completed(t *testing.T) string {
	t.Helper()
	return fixed(t, "--select", "missing-optimizer-state,missing-scheduler-state")
}

// fixed is the scenario as `ckpt-lsp check --fix` leaves it.
func fixed(t *testing.T, flags ...string) string {
	t.Helper()
	data, err := os.ReadFile(scenario)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "train.py")
	if err := os.WriteFile(file, data, 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(programs.server, append([]string{"check", "--fix", "--exit-zero", file}, flags...)...).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	after, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Equal(after, data) {
		t.Fatal("the fix changes nothing")
	}
	return string(after)
}

// saved compares the file that the editor saved with what is expected.
func (d *desk) saved(want string) {
	d.t.Helper()
	if got := d.read("work/train.py"); got != want {
		d.t.Errorf("saved\n%s\nwant\n%s", got, want)
	}
}

// findings are the lines and codes that `check` finds in the saved file, as in "64 CKP101".
func (d *desk) findings() []string {
	d.t.Helper()
	out, err := exec.Command(programs.server, "check", "--exit-zero", "--format", "json", filepath.Join(d.home, "work/train.py")).Output()
	if err != nil {
		d.t.Fatal(err)
	}
	var report struct {
		Diagnostics []struct {
			Code  string
			Range struct{ Start struct{ Line int } }
		}
	}
	if err := json.Unmarshal(out, &report); err != nil {
		d.t.Fatal(err)
	}
	var found []string
	for _, x := range report.Diagnostics {
		found = append(found, fmt.Sprintf("%d %s", x.Range.Start.Line, x.Code))
	}
	slices.Sort(found)
	return found
}
