// Package mutants holds changes to the code that protects data, each of which would lose some or take what it must not, and names the test
// that fails then. CKPT_MUTANTS=1 makes each of them in a copy of its file and sees the test fail; without it, that the list still fits
// the code is held.
package mutants

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// mutant is one change of a file, and the test that kills it.
type mutant struct {
	name string
	file string // below the project's root
	old  string // stands in the file once
	new  string
	in   string // the package of the test, where that is another one than the file's
	test string
}

const (
	write  = "internal/files/write.go"
	create = "internal/files/create.go"
	carry  = "internal/checkpoint/migrate.go"
	owner  = "internal/files/owner_unix.go"
	read   = "internal/files/read.go"
	fix    = "cmd/ckpt-lsp/fix.go"
	guard  = "internal/prove/guard_unix.go"
	kernel = "internal/prove/guard_linux.go"
	dead   = "internal/prove/dead.go"
	python = "internal/prove/shim/ckpt_prove_guard.py"
	frames = "server/frames.go"
)

var mutants = []mutant{
	// Writing and staging.
	{"a plain write in place of the rename", write, "system.rename(r.beside, r.file); err", "os.WriteFile(r.file, r.Text, 0o600); err", "", "TestReplace"},
	{"no fsync", write, "if err = system.sync(f); err != nil {", "if f == nil {", "", "TestReplace"},
	{"no clean-up", write, "\t\t\tos.Remove(path)\n", "", "", "TestReplaceFails"},
	{"no clean-up of half a text", write, "\t\t\tos.Remove(f.Name())\n", "", "", "TestReplaceFails"},
	{"not compared at the rename", write, "func (r *replacement) commit() error {\n\tif err := r.unchanged(); err != nil {", "func (r *replacement) commit() error {\n\tif err := error(nil); err != nil {", "", "TestNoLostUpdate"},
	{"compared by nothing", write, "if !bytes.Equal(now, r.Was) {", "if now == nil {", "", "TestNoLostUpdate"},
	{"no undo", write, "if undo := done.undo(); undo != nil {", "if undo := error(nil); undo != nil {", "", "TestReplaceFails"},
	{"an undo over what somebody wrote", write, "err != nil || !bytes.Equal(now, r.Text) {", "err != nil || now == nil {", "", "TestNoLostUpdate"},
	{"nothing kept for the undo", write, "err != nil || !keep || r.info == nil {", "err != nil || keep {", "", "TestReplaceFails"},
	{"renamed before all is staged", write, "if err := all[i].stage(len(changes) > 1); err != nil {", "if err := errors.Join(all[i].stage(len(changes) > 1), all[i].commit()); err != nil {", "", "TestReplaceFails"},
	{"the mode is lost", write, "if err = f.Chmod(mode); err != nil {", "if mode == 1 {", "", "TestReplaceKeeps"},
	{"the owner is lost", write, "r.lost = keepOwner(f, r.info)", "r.lost = nil", "", "TestReplaceKeepsOwner"},
	{"the group is lost", owner, "have.Gid != want.Gid && ", "have.Gid != want.Gid && false && ", "", "TestReplaceKeepsOwner"},
	{"a lost owner is not told", owner, "lost = append(lost, fmt.Sprintf(\"its owner", "_ = append(lost, fmt.Sprintf(\"its owner", "", "TestReplaceKeepsOwner"},
	{"rights of somebody else's program", write, "if len(r.lost) == 0 {", "if r.file != \"\" {", "", "TestReplaceKeepsOwner"},
	{"hard links are not told", write, "names(r.info) - 1;", "names(r.info) - names(r.info);", "", "TestReplaceTellsHardLinks"},
	{"a symbolic link becomes a file", write, "filepath.EvalSymlinks(r.Path)", "filepath.Abs(r.Path)", "", "TestReplaceKeeps"},
	{"a read-only file is written", write, "r.info.Mode().Perm()&0o200 == 0", "r.info.Mode().Perm() == 0o111", "", "TestReplaceFails"},
	{"a device is replaced", write, "case !r.info.Mode().IsRegular():", "case r.file == \"\":", "", "TestWritePipe"},
	{"new files are for their owner alone", write, "os.O_EXCL, 0o666)", "os.O_EXCL, 0o600)", "", "TestWrite"},
	{"a new file replaces one", create, "err = system.link(f.Name(), path) // which never replaces", "err = system.rename(f.Name(), path)", "", "TestCreate"},
	{"a new file is not looked at", create, "if err := verify(f.Name()); err != nil {", "if err := error(nil); err != nil {", "", "TestCreate"},
	{"a new file stays beside", create, "\tdefer os.Remove(f.Name())\n", "", "", "TestCreate"},
	{"a damaged model is carried on", carry, "if len(c.Problems) > 0 {\n\t\treturn nil, fmt.Errorf(\"%s: %s\", c.Path", "if false {\n\t\treturn nil, fmt.Errorf(\"%s: %s\", c.Path", "", "TestMigrateRefuses"},
	{"what was read is not said", fix, "c.Was, err = fixed[i].Before.Source.Encode()", "_, err = fixed[i].Before.Source.Encode()", "", "TestSaveLosesNoUpdate"},
	{"partners are written apart", fix, "for _, k := range fixed[i].Partners {", "for _, k := range []int(nil) {", "", "TestSaveWholeFixes"},
	{"no end between fixes", fix, "if ctx.Err() != nil {\n\t\t\treturn o", "if ctx == nil {\n\t\t\treturn o", "", "TestSaveStopsBetweenFiles"},
	{"SIGTERM kills at once", "cmd/ckpt-lsp/interrupt.go", "os.Interrupt, syscall.SIGTERM, syscall.SIGHUP", "os.Interrupt, syscall.SIGHUP", "", "TestSignalsLeaveNothing"},
	{"the server's pages stay behind", "server/session.go", "if err := s.pages.remove(); err != nil {", "if err := error(nil); err != nil {", "cmd/ckpt-lsp", "TestSignalsEndTheServer"},
	{"a signal kills the server at once", "cmd/ckpt-lsp/server.go", "ctx, stop := interruptible(ctx)", "ctx, stop := context.WithCancel(context.WithoutCancel(ctx))", "", "TestSignalsEndTheServer"},
	{"a signal is no end of the server's", "cmd/ckpt-lsp/server.go", "code = exitSignal + int(by.Signal)", "_ = by", "", "TestSignalsEndTheServer"},
	{"half a character is written into a notebook", "internal/notebook/notebook.go", "return utf8.Valid(after) && ", "return ", "", "TestAccepts"},
	{"a fix may break the syntax", "internal/pyast/parse.go", "if tree.HasErrors() {\n\t\treturn nil", "if tree == nil {\n\t\treturn nil", "internal/project", "TestNoFixBreaksTheSyntax"},
	{"a broken text is applied", "internal/project/fix.go", "a.Tree == nil || a.Tree.HasErrors() && out[i].Before.Tree != nil && !out[i].Before.Tree.HasErrors()", "a.Tree == nil", "", "TestNoFixBreaksTheSyntax"},

	// Reading.
	{"a file that was swapped is read", read, "if err == nil {\n\t\terr = readable(path, info)\n\t}", "_ = info", "", "TestReadSwapped"},
	{"an open that waits", "internal/files/open_unix.go", "syscall.O_NONBLOCK", "syscall.O_CLOEXEC", "", "TestReadSwapped"},
	{"devices are files", read, "return &fs.PathError{Op: \"open\", Path: path, Err: ErrNotRegular}", "return nil", "", "TestReadRefuses"},
	{"no limit", read, "len(data) > Most {", "len(data) > 2*Most {", "", "TestReadTooLarge"},
	{"links lead anywhere", "internal/project/program.go", "isDir = d.within(dir, e.Name())", "isDir = true", "", "TestImportsThroughLinks"},
	{"a refused configuration is not told", "internal/project/workspace.go", "if files.Refused(err) {", "if path == \"\" {", "", "TestUntrustedFiles"},
	{"a folder without bounds", "internal/project/discover.go", "d.exceeded = d.bounds.Files < 0 || d.bounds.Bytes < 0", "d.exceeded = false", "", "TestFilesWithin"},
	{"names without bounds", "internal/project/discover.go", "d.exceeded = d.bounds.Names < 0", "d.exceeded = false", "", "TestFilesWithin"},
	{"discovery does not end", "internal/project/discover.go", "d.exceeded || d.ctx.Err() != nil", "d.exceeded", "", "TestFilesWithin"},
	{"a large folder is read", "server/folder.go", "if exceeded {\n\t\treturn v.open(f), true, nil\n\t}", "_ = exceeded", "", "TestLargeFolder"},
	{"the disk is a folder", "server/uris.go", "filepath.Dir(clean) != clean", "clean != \"\"", "", "TestFilePath"},
	{"NUL in a path", "server/uris.go", "!strings.ContainsRune(path, 0)", "path != \"\\x00\"", "", "TestFilePath"},
	{"control characters are printed", "internal/text/printable.go", "unicode.IsControl(r) || ", "", "", "TestPrintable"},
	{"direction is turned around", "internal/text/printable.go", "unicode.Is(unicode.Bidi_Control, r) || ", "", "", "TestPrintable"},
	{"what is printed is not looked at", "cmd/ckpt-lsp/main.go", "root.SetOut(&printer{file: os.Stdout})", "root.SetOut(os.Stdout)", "", "TestNothingControlsTheTerminal"},
	{"what is told of errors is not looked at", "cmd/ckpt-lsp/main.go", "root.SetErr(&printer{file: os.Stderr})", "root.SetErr(os.Stderr)", "", "TestNothingControlsTheTerminal"},
	{"styles pass where there are none", "cmd/ckpt-lsp/printer.go", "if !p.styled {", "if p.file == nil {", "", "TestPrinter"},

	// The guard of prove.
	{"the kernel holds nothing", guard, "if err := restrict(o.Write); err != nil {", "if err := error(nil); err != nil {", "", "TestGuardHoldsPrograms"},
	{"files may be removed", kernel, "ll.AccessFSRemoveFile | ", "", "", "TestGuardHoldsPrograms"},
	{"files may be cut", kernel, " | ll.AccessFSRefer | ll.AccessFSTruncate", " | ll.AccessFSRefer", "", "TestGuardHoldsPrograms"},
	{"directories may be made", kernel, "ll.AccessFSMakeDir | ", "", "", "TestGuardHoldsPrograms"},
	{"links may be made", kernel, "ll.AccessFSMakeSym | ", "", "", "TestGuardHoldsPrograms"},
	{"orphans are not adopted", guard, "\tadopt()\n", "", "", "TestGuardLeavesNoProcess"},
	{"what is left lives on", guard, "err := c.Wait()\n\tendAll(c.Process.Pid)", "err := c.Wait()", "", "TestGuardLeavesNoProcess"},
	{"the guard does not see prove end", guard, "_, _ = io.Copy(io.Discard, line)", "_, _ = io.Copy(io.Discard, line)\n\t\tselect {}", "", "TestGuardOutlivesProve"},
	{"the command outlives its guard", kernel, "&syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}", "&syscall.SysProcAttr{}", "", "TestGuardIsKilled"},
	{"a signal is no failure", guard, "return exitSignal + int(status.Signal())", "return 0", "", "TestGuardGivesTheStatus"},
	{"Python opens anything", python, "if not isinstance(flags, int) or not flags & CHANGING or", "if True or", "", "TestGuardHoldsPython"},
	{"Python follows links", python, "    if follow:\n", "    if False:\n", "", "TestGuardHoldsPython"},
	{"Python forgets directories that are open", python, "if isinstance(dir_fd, int) and dir_fd >= 0 and not os.path.isabs(path):", "if False:", "", "TestGuardHoldsPython"},
	{"Python renames there", python, `"os.rename": [(0, 2, False), (1, 3, False)]`, `"os.rename": [(0, 2, False)]`, "", "TestGuardHoldsPython"},
	{"Python renames away", python, `"os.rename": [(0, 2, False), (1, 3, False)]`, `"os.rename": [(1, 3, False)]`, "", "TestGuardHoldsPython"},
	{"Python links away", python, `"os.link": [(0, 2, False), (1, 3, False)]`, `"os.link": [(1, 3, False)]`, "", "TestGuardHoldsPython"},
	{"Python makes symbolic links", python, `    "os.symlink": [(1, 2, False)],` + "\n", "", "", "TestGuardHoldsPython"},
	{"Python removes", python, `    "os.remove": [(0, 1, False)],` + "\n", "", "", "TestGuardHoldsPython"},
	{"Python makes directories", python, `    "os.mkdir": [(0, 2, False)],` + "\n", "", "", "TestGuardHoldsPython"},
	{"Python removes directories", python, `    "os.rmdir": [(0, 1, False)],` + "\n", "", "", "TestGuardHoldsPython"},
	{"Python cuts files", python, `    "os.truncate": [(0, None, True)],` + "\n", "", "", "TestGuardHoldsPython"},
	{"Python changes modes", python, `    "os.chmod": [(0, 2, True)],` + "\n", "", "", "TestGuardHoldsPython"},
	{"Python changes times", python, `    "os.utime": [(0, 3, True)],` + "\n", "", "", "TestGuardHoldsPython"},
	{"Python opens databases", python, `    "sqlite3.connect": [(0, None, True)],` + "\n", "", "", "TestGuardHoldsPython"},
	{"a sibling's name begins like ours", python, "path.startswith(top.rstrip(os.sep) + os.sep)", "path.startswith(os.path.dirname(top))", "", "TestGuardHoldsPython"},
	{"no guard in Python", "internal/prove/shim/sitecustomize.py", "    import ckpt_prove_guard\n", "    pass\n", "", "TestGuardHoldsPython"},
	{"a link leads out of the copy", "internal/prove/scratch.go", "case filepath.IsAbs(points):", "case points == \"\":", "", "TestCopyTreeLinks"},
	{"a link from the copy leads nowhere", "internal/prove/scratch.go", "points = full\n", "_ = full\n", "", "TestCopyTreeLinks"},
	{"the scratch of a run is removed", dead, "err == nil && free {", "err == nil || !free {", "", "TestScratchOfDeadRuns"},
	{"what is just made is removed", dead, " || time.Since(info.ModTime()) < settled {", " || settled == 0 {", "", "TestScratchOfDeadRuns"},
	{"what others made is removed", dead, "_, err := os.Lstat(path); err != nil {", "path == \"\" {", "", "TestScratchOfDeadRuns"},
	{"nothing is removed", dead, "\t\t\t_ = os.RemoveAll(dir)\n", "", "", "TestScratchOfDeadRuns"},

	// Framing.
	{"any length is taken", frames, "length <= 0 || length > maxMessage {", "length <= 0 {", "", "TestTooLargeIsRefusedAtOnce"},
	{"what is no JSON passes", frames, "if !json.Valid(body) {", "if body == nil {", "", "TestMalformedMessages"},
	{"memory by the length", frames, "min(length, 64<<10))", "length)", "", "TestLengthCostsNoMemory"},
	{"a header inside a message is taken in", frames, "if mayHoldHeader(body[overlap:]) {", "if overlap < 0 {", "", "TestTooShortEndsAtTheNextHeader"},
	{"the next message is lost", frames, "f.unread(body[d.InputOffset():])", "_ = d.InputOffset()", "", "TestFramesFindTheNextMessage"},
}

const root = "../.."

// source is the text of a mutant's file, before and after.
func (m mutant) source(t *testing.T) (before, after string) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(root, m.file))
	if err != nil {
		t.Fatal(err)
	}
	before = string(data)
	if n := strings.Count(before, m.old); n != 1 {
		t.Errorf("%s: %s holds %q %d times, want once", m.name, m.file, m.old, n)
	}
	return before, strings.Replace(before, m.old, m.new, 1)
}

// room is the directory of the test's package, below the project's root.
func (m mutant) room() string {
	switch {
	case m.in != "":
		return m.in
	case strings.HasSuffix(m.file, ".py"):
		return "internal/prove"
	}
	return filepath.ToSlash(filepath.Dir(m.file))
}

// TestMutantsFit holds the list to the code: each change can be made, and its test is there.
func TestMutantsFit(t *testing.T) {
	for _, m := range mutants {
		if before, after := m.source(t); before == after {
			t.Errorf("%s: nothing changes", m.name)
		}
		tests, err := filepath.Glob(filepath.Join(root, m.room(), "*_test.go"))
		if err != nil {
			t.Fatal(err)
		}
		found := false
		for _, path := range tests {
			data, err := os.ReadFile(path)
			found = found || err == nil && strings.Contains(string(data), "func "+m.test+"(t ")
		}
		if !found {
			t.Errorf("%s: there is no %s in %s", m.name, m.test, m.room())
		}
	}
}

// TestMutants makes each change and sees its test fail.
func TestMutants(t *testing.T) {
	if os.Getenv("CKPT_MUTANTS") == "" {
		t.Skip("SKIPPED: takes minutes; run it with CKPT_MUTANTS=1 go test ./internal/mutants -timeout 30m")
	}
	for _, m := range mutants {
		t.Run(m.name, func(t *testing.T) {
			t.Parallel() // each in a build of its own
			_, after := m.source(t)
			dir := t.TempDir()
			changed := filepath.Join(dir, "changed"+filepath.Ext(m.file))
			original, err := filepath.Abs(filepath.Join(root, m.file))
			if err != nil {
				t.Fatal(err)
			}
			overlay, err := json.Marshal(map[string]map[string]string{"Replace": {original: changed}})
			if err != nil {
				t.Fatal(err)
			}
			for path, text := range map[string]string{changed: after, filepath.Join(dir, "overlay.json"): string(overlay)} {
				if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			c := exec.Command("go", "test", "-count=1", "-timeout=3m", "-run=^"+m.test+"$", "-overlay="+filepath.Join(dir, "overlay.json"), "./"+m.room())
			c.Dir = root
			said, err := c.CombinedOutput()
			switch {
			case err == nil:
				t.Errorf("it survives %s", m.test)
			case !strings.Contains(string(said), "FAIL: "+m.test) && !strings.Contains(string(said), "panic: "):
				t.Errorf("%s does not fail, something else does: %s", m.test, said)
			}
		})
	}
}
