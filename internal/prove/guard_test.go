package prove

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// runAsProve has the test's program do what prove does, for tests that kill it: start a command under a guard, and wait for it.
const runAsProve = "CKPT_PROVE_TEST"

func TestMain(m *testing.M) {
	Guard()
	if told := os.Getenv(runAsProve); told != "" {
		var o order
		if err := json.Unmarshal([]byte(told), &o); err != nil {
			panic(err)
		}
		p, err := newProgram(o)
		if err != nil {
			panic(err)
		}
		p.Stdout, p.Stderr = os.Stdout, os.Stderr
		if err := errors.Join(p.start(), p.wait()); err != nil {
			panic(err)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// anyPython is an interpreter, with torch or without.
func anyPython(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"/usr/bin/python3", "python3", "python"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	if os.Getenv("CI") != "" {
		t.Fatal("there is no Python")
	}
	t.Skip("SKIPPED: there is no Python")
	return ""
}

// guardedRun runs a command under a guard with the shim's guard in its Python processes, in a directory that alone it may write to.
func guardedRun(t *testing.T, dir string, command ...string) (output string, err error) {
	t.Helper()
	shim := filepath.Join(t.TempDir(), "shim")
	if err := os.Mkdir(shim, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := writeShim(shim); err != nil {
		t.Fatal(err)
	}
	o := order{Write: []string{dir}, Command: command}
	allowed, err := o.environment()
	if err != nil {
		t.Fatal(err)
	}
	printed, err := os.Create(filepath.Join(t.TempDir(), "output"))
	if err != nil {
		t.Fatal(err)
	}
	defer printed.Close()
	started, err := launch{
		command: command, write: o.Write, dir: dir, output: printed, env: append(os.Environ(), allowed, "PYTHONPATH="+shim, "PYTHONDONTWRITEBYTECODE=1"),
	}.start()
	if err != nil {
		t.Fatal(err)
	}
	err = started.wait(context.Background(), time.Minute)
	data, _ := os.ReadFile(printed.Name())
	return string(data), err
}

// changing are the ways in which Python changes a file system, each of which must fail at what lies outside.
const changing = `
import os, pathlib, shutil, sys

outside, escape = sys.argv[1], sys.argv[2]

def path(name, root=outside):
    return os.path.join(root, name)

WAYS = {
    "write": lambda: open(path("file"), "w"),
    "append": lambda: open(path("file"), "a"),
    "update": lambda: open(path("file"), "r+b"),
    "create": lambda: open(path("new"), "x"),
    "os.open": lambda: os.open(path("file"), os.O_WRONLY | os.O_TRUNC),
    "Path": lambda: pathlib.Path(path("file")).write_text("x"),
    "bytes": lambda: open(os.fsencode(path("file")), "wb"),
    "up and down": lambda: open(os.path.join("..", os.path.basename(outside), "file"), "w"),
    "through a link": lambda: open(path("file", escape), "w"),
    "link to a file": lambda: open("tofile", "w"),
    "through __file__": lambda: open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", os.path.basename(outside), "file"), "w"),
    "remove": lambda: os.remove(path("file")),
    "unlink": lambda: pathlib.Path(path("file")).unlink(),
    "remove in a directory": lambda: os.unlink("file", dir_fd=os.open(outside, os.O_RDONLY)),
    "rmdir": lambda: os.rmdir(path("dir")),
    "mkdir": lambda: os.mkdir(path("made")),
    "makedirs": lambda: os.makedirs(path("made/more")),
    "rename away": lambda: os.rename(path("file"), "mine"),
    "rename there": lambda: os.rename("own", path("own")),
    "replace": lambda: os.replace("own", path("file")),
    "move": lambda: shutil.move("own", path("own")),
    "copy": lambda: shutil.copyfile("own", path("file")),
    "rmtree": lambda: shutil.rmtree(path("dir")),
    "link away": lambda: os.link(path("file"), "mine"),
    "link there": lambda: os.link("own", path("mine")),
    "symlink there": lambda: os.symlink("own", path("mine")),
    "truncate": lambda: os.truncate(path("file"), 0),
    "chmod": lambda: os.chmod(path("file"), 0o777),
    "chmod of a descriptor": lambda: os.chmod(os.open(path("file"), os.O_RDONLY), 0o777),
    "utime": lambda: os.utime(path("file"), (1, 1)),
    "sqlite": lambda: __import__("sqlite3").connect(path("base.db")).execute("create table t (x)"),
}
failed = False
for name, way in WAYS.items():
    try:
        way()
        print("NOT REFUSED", name)
    except PermissionError as error:
        said = str(error)
        if "ckpt-lsp prove: train.py:" not in said or "--allow-write " + outside not in said:
            print("NOT TOLD", name, said)
    except Exception as error:
        print("OTHERWISE", name, repr(error))
for name in ("in", "in/sub"):
    os.makedirs(name, exist_ok=True)
    with open(name + "/x", "w") as f:
        f.write("x")
os.rename("in/x", "in/sub/y")
os.link("in/sub/y", "in/z")
os.symlink("z", "in/link")
shutil.rmtree("in")
open(os.devnull, "w").write("x")
r, w = os.pipe()
os.write(w, b"x")
print("done")
`

// holding makes a directory for a run, and one outside with a file and a directory.
func holding(t *testing.T) (dir, outside string) {
	t.Helper()
	root, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	dir, outside = filepath.Join(root, "copy"), filepath.Join(root, "outside")
	for path, text := range map[string]string{"copy/train.py": changing, "copy/own": "own", "outside/file": "theirs", "outside/dir/file": "theirs"} {
		path = filepath.Join(root, path)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(os.Symlink(outside, filepath.Join(dir, "escape")), os.Symlink(filepath.Join(outside, "file"), filepath.Join(dir, "tofile"))); err != nil {
		t.Skipf("SKIPPED: no symbolic links here: %v", err)
	}
	return dir, outside
}

// state is all of a directory: names, modes, times and texts.
func state(t *testing.T, dir string) string {
	t.Helper()
	var out []string
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		text := []byte(nil)
		if info.Mode().IsRegular() { // what somebody made may be a pipe
			if text, err = os.ReadFile(path); err != nil {
				return err
			}
		}
		out = append(out, fmt.Sprintln(path, info.Mode(), info.ModTime(), string(text)))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(out, "")
}

// TestGuardHoldsPython tries to change what lies outside in every way that Python has. It is refused before anything is done, with the
// place and what allows it, also where the kernel does not help.
func TestGuardHoldsPython(t *testing.T) {
	python := anyPython(t)
	for _, without := range []string{"", "1"} {
		t.Setenv("CKPT_PROVE_WITHOUT_LANDLOCK", without)
		dir, outside := holding(t)
		before := state(t, outside)
		for _, how := range [][]string{
			{python, "train.py", outside, "escape"},
			{python, "-c", "import subprocess, sys; sys.exit(subprocess.call([sys.executable] + sys.argv[1:]))", "train.py", outside, "escape"},
		} {
			output, err := guardedRun(t, dir, how...)
			if err != nil || output != "done\n" {
				t.Errorf("%q, without Landlock %q: %v\n%s", how[1], without, err, output)
			}
		}
		if after := state(t, outside); after != before {
			t.Errorf("without Landlock %q: outside was\n%s\nand is\n%s", without, before, after)
		}
	}
}

// TestCopyTreeLinks holds that a link in a copy leads into the copy where the original leads into the original, and elsewhere as before.
func TestCopyTreeLinks(t *testing.T) {
	root, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	from, to, again := filepath.Join(root, "from"), filepath.Join(root, "far", "away", "to"), filepath.Join(root, "again")
	for _, dir := range []string{"from/sub/deep", "from/data", "elsewhere", "far/away"} {
		if err := os.MkdirAll(filepath.Join(root, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	links := map[string]string{
		"sub/deep/absolute": filepath.Join(from, "data"), "root": from, "sub/relative": "../data", "data/self": ".", "out": filepath.Join(root, "elsewhere"),
		"sub/up": "../../elsewhere",
	}
	for name, points := range links {
		if err := os.Symlink(points, filepath.Join(from, name)); err != nil {
			t.Skipf("SKIPPED: no symbolic links here: %v", err)
		}
	}
	if err := errors.Join(copyTree(from, to, nil), copyTree(to, again, nil)); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"sub/deep/absolute": "data", "root": ".", "sub/relative": "data", "data/self": "data", "out": "", "sub/up": ""} {
		for _, tree := range []string{to, again} {
			lead := filepath.Join(root, "elsewhere")
			if want != "" {
				lead = filepath.Join(tree, want)
			}
			if got, err := filepath.EvalSymlinks(filepath.Join(tree, name)); err != nil || got != lead {
				t.Errorf("%s of %s leads to %s (%v), want %s", name, filepath.Base(tree), got, err, lead)
			}
		}
	}
}

// TestScratchOfDeadRuns holds that a proof removes what one left behind that did not come to its end, and nothing else.
func TestScratchOfDeadRuns(t *testing.T) {
	temporary := t.TempDir()
	t.Setenv("TMPDIR", temporary)
	t.Setenv("TMP", temporary)
	running, err := newScratch()
	if err != nil {
		t.Fatal(err)
	}
	dead, err := newScratch()
	if err != nil {
		t.Fatal(err)
	}
	other := filepath.Join(temporary, "ckpt-lsp-prove-notes")
	if err := errors.Join(dead.lock.Unlock(), os.Mkdir(other, 0o700), os.WriteFile(filepath.Join(dead.dir, "big"), nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	there := func() (out []string) {
		for _, dir := range []string{running.dir, dead.dir, other} {
			if _, err := os.Stat(dir); err == nil {
				out = append(out, filepath.Base(dir))
			}
		}
		return out
	}
	if sweep(); len(there()) != 3 {
		t.Errorf("left of what was just made: %v", there())
	}
	past := time.Now().Add(-2 * settled)
	for _, dir := range []string{running.dir, dead.dir, other} {
		if err := os.Chtimes(dir, past, past); err != nil {
			t.Fatal(err)
		}
	}
	if sweep(); !slices.Equal(there(), []string{filepath.Base(running.dir), filepath.Base(other)}) {
		t.Errorf("left: %v", there())
	}
	if running.remove(); len(there()) != 1 {
		t.Errorf("left in the end: %v", there())
	}
}

// TestAllowWrite holds that what is allowed must be there.
func TestAllowWrite(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "out"), 0o700); err != nil {
		t.Fatal(err)
	}
	real, err := filepath.EvalSymlinks(dir)
	if err != nil {
		t.Fatal(err)
	}
	s := &session{options: Options{Dir: real, AllowWrite: []string{"out", dir}}}
	if err := s.allow(); err != nil || !slices.Equal(s.allowed, []string{filepath.Join(real, "out"), real}) {
		t.Errorf("allowed are %v, %v", s.allowed, err)
	}
	s = &session{options: Options{Dir: real, AllowWrite: []string{"none"}}}
	if err := s.allow(); err == nil || !strings.Contains(err.Error(), "none") {
		t.Errorf("allowed: %v, %v", s.allowed, err)
	}
}
