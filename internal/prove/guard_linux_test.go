package prove

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestGuardHoldsPrograms has programs that are no Python, and Python that does not load the shim, change what lies outside: the kernel
// refuses. What lies inside, and shared memory, they change.
func TestGuardHoldsPrograms(t *testing.T) {
	if Unheld() != "" {
		t.Skipf("SKIPPED: %s", Unheld())
	}
	python := anyPython(t)
	dir, outside := holding(t)
	before := state(t, outside)
	for _, command := range []string{
		"echo x > %s/file", "echo x >> %s/file", "echo x > %s/new", "rm %s/file", "rm -r %s/dir", "mkdir %s/made", "mv %s/file mine", "mv own %s/own", "cp own %s/file",
		"ln %s/file mine", "ln own %s/mine", "ln -s own %s/mine", "truncate -s 0 %s/file", "mkfifo %s/pipe", "echo x > escape/file #%s", "echo x > tofile #%s",
		python + " -I -c 'open(\"%s/file\", \"w\")'", "env -i " + python + " -c 'open(\"%s/file\", \"a\")'",
		python + " -c 'import ctypes; f = ctypes.CDLL(None).fopen; f.restype = ctypes.c_void_p; exit(0 if f(b\"%s/file\", b\"w\") else 1)'",
	} {
		if output, err := guardedRun(t, dir, "/bin/sh", "-c", fmt.Sprintf(command, outside)); err == nil {
			t.Errorf("%s succeeds: %s", command, output)
		}
	}
	if after := state(t, outside); after != before {
		t.Errorf("outside was\n%s\nand is\n%s", before, after)
	}
	const inside = "echo x > a && mkdir -p d/e && mv a d/e/b && ln d/e/b d/c && cp d/c f && rm -r d && echo x > /dev/null && : > /dev/shm/$$ && rm /dev/shm/$$ && cat " + "f"
	if output, err := guardedRun(t, dir, "/bin/sh", "-c", inside); err != nil || output != "x\n" {
		t.Errorf("inside: %q, %v", output, err)
	}
}

// TestGuardGivesTheStatus holds that a guard ends as what it guards, whose output and input are its own.
func TestGuardGivesTheStatus(t *testing.T) {
	for command, want := range map[string]string{"exit 0": "", "exit 3": "exit status 3", "kill -9 $$": "signal: killed", "kill -TERM $$": "signal: terminated"} {
		_, err := guardedRun(t, t.TempDir(), "/bin/sh", "-c", command)
		if got := fmt.Sprint(err); want == "" && err != nil || want != "" && got != want {
			t.Errorf("%s: %s, want %q", command, got, want)
		}
	}
	if _, err := guardedRun(t, t.TempDir(), "/no/such/program"); err == nil || err.Error() != "exit status "+strconv.Itoa(notStarted) {
		t.Errorf("a program that is not there: %v", err)
	}
}

// leaving starts processes of every kind, each of which writes its number into a file of the directory and sleeps: in the background, in
// a session of its own, as an orphan, and one that no signal but one ends.
const leaving = `
sleep 1000 & echo $! > background
setsid sleep 1000 & echo $! > session
(setsid sh -c 'echo $$ > orphan; exec sleep 1000' &) &
(trap '' TERM INT HUP; sh -c 'trap "" TERM INT HUP; echo $$ > stubborn; exec sleep 1000' &) &
while ! [ -s orphan ] || ! [ -s stubborn ]; do sleep 0.01; done
echo $$ > main
`

// pids are the numbers that processes have written, once they have.
func pids(t *testing.T, dir string) map[string]string {
	t.Helper()
	out := map[string]string{}
	for until := time.Now().Add(20 * time.Second); time.Now().Before(until); time.Sleep(10 * time.Millisecond) {
		for _, name := range []string{"background", "session", "orphan", "stubborn", "main"} {
			if data, err := os.ReadFile(filepath.Join(dir, name)); err == nil && strings.HasSuffix(string(data), "\n") {
				out[name] = strings.TrimSpace(string(data))
			}
		}
		if len(out) == 5 {
			return out
		}
	}
	t.Fatalf("started are %v", out)
	return nil
}

// TestGuardLeavesNoProcess holds that all that a run started ends with it.
func TestGuardLeavesNoProcess(t *testing.T) {
	dir := t.TempDir()
	if output, err := guardedRun(t, dir, "/bin/sh", "-c", leaving); err != nil {
		t.Fatal(err, output)
	}
	for name, pid := range pids(t, dir) {
		if _, err := os.Stat("/proc/" + pid); err == nil {
			t.Errorf("the %s process is left", name)
		}
	}
}

// TestGuardOutlivesProve kills prove, which can do nothing more then: all that it started ends.
func TestGuardOutlivesProve(t *testing.T) {
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []syscall.Signal{syscall.SIGKILL, syscall.SIGTERM} {
		dir := t.TempDir()
		told, err := json.Marshal(order{Write: []string{dir}, Command: []string{"/bin/sh", "-c", "cd " + dir + "\n" + leaving + "\nsleep 1000"}})
		if err != nil {
			t.Fatal(err)
		}
		c := exec.Command(program)
		c.Env = append(os.Environ(), runAsProve+"="+string(told))
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		started := pids(t, dir)
		if err := errors.Join(c.Process.Signal(s)); err != nil {
			t.Fatal(err)
		}
		_ = c.Wait()
		for name, pid := range started {
			if !gone(filepath.Join("/proc", pid, "stat")) {
				t.Errorf("%v: the %s process is left", s, name)
			}
		}
	}
}

// TestGuardIsKilled kills the guard itself: what it started directly ends.
func TestGuardIsKilled(t *testing.T) {
	dir := t.TempDir()
	p, err := newProgram(order{Write: []string{dir}, Command: []string{"/bin/sh", "-c", "cd " + dir + "; echo $$ > main; exec sleep 1000"}})
	if err != nil {
		t.Fatal(err)
	}
	if err := p.start(); err != nil {
		t.Fatal(err)
	}
	var pid string
	for until := time.Now().Add(20 * time.Second); pid == "" && time.Now().Before(until); time.Sleep(10 * time.Millisecond) {
		data, _ := os.ReadFile(filepath.Join(dir, "main"))
		pid = strings.TrimSpace(string(data))
	}
	if err := p.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = p.wait()
	if !gone(filepath.Join("/proc", pid, "stat")) {
		t.Error("the command is left")
	}
}

// TestChildren names the processes whose parent this one is, whatever they are called.
func TestChildren(t *testing.T) {
	c := exec.Command("/bin/sh", "-c", "exec -a ') S 1 (' sleep 1000 2>/dev/null || exec sleep 1000")
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	if got := children(); !slices.Contains(got, c.Process.Pid) || slices.Contains(got, os.Getpid()) || slices.Contains(got, os.Getppid()) {
		t.Errorf("the children are %v, want %d among them", got, c.Process.Pid)
	}
	_ = c.Process.Kill()
	_ = c.Wait()
}
