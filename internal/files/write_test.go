package files

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// texts are the contents of a directory's files, by name.
func texts(t *testing.T, dir string) string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, e := range entries {
		data, _ := os.ReadFile(filepath.Join(dir, e.Name())) // a directory has none
		out = append(out, e.Name()+"="+string(data))
	}
	return strings.Join(out, " ")
}

// three are changes of files a.py, b.py and c.py of a directory from "old" to "new".
func three(t *testing.T) (dir string, changes []Change) {
	t.Helper()
	dir = t.TempDir()
	for _, name := range []string{"a.py", "b.py", "c.py"} {
		changes = append(changes, Change{put(t, filepath.Join(dir, name), "old"), []byte("old"), []byte("new")})
	}
	return dir, changes
}

// listen has tests change what a file system does until their end.
func listen(t *testing.T) {
	t.Helper()
	real := system
	t.Cleanup(func() { system = real })
}

// failedAt is the index of the change that failed.
func failedAt(t *testing.T, err error) int {
	t.Helper()
	var f *Failure
	if !errors.As(err, &f) {
		t.Fatalf("the failure is %v", err)
	}
	return f.Index
}

// TestReplace holds that a text is whole on the disk before it takes the old one's place, by one rename, and that nothing stays beside.
func TestReplace(t *testing.T) {
	dir, changes := three(t)
	listen(t)
	var did []string
	sync, rename := system.sync, system.rename
	system.sync = func(f *os.File) error {
		data, _ := os.ReadFile(f.Name())
		did = append(did, "sync "+string(data))
		if now := texts(t, dir); !strings.HasSuffix(now, "a.py=old b.py=old c.py=old") {
			t.Errorf("while %s is written the files are %s", f.Name(), now)
		}
		return sync(f)
	}
	system.rename = func(from, to string) error {
		data, _ := os.ReadFile(from)
		did = append(did, "rename "+string(data)+" "+filepath.Base(to))
		if filepath.Dir(from) != dir {
			t.Errorf("%s is another file system, perhaps", from)
		}
		return rename(from, to)
	}
	lost, err := Replace(changes...)
	if err != nil || len(slices.Concat(lost...)) > 0 {
		t.Errorf("lost %v, %v", lost, err)
	}
	if want := []string{"sync new", "sync new", "sync new", "rename new a.py", "rename new b.py", "rename new c.py"}; !slices.Equal(did, want) {
		t.Errorf("it did %q, want %q", did, want)
	}
	if got := texts(t, dir); got != "a.py=new b.py=new c.py=new" {
		t.Errorf("the files are %s", got)
	}
}

// TestReplaceFails holds that none is written where one cannot be, whatever fails and wherever.
func TestReplaceFails(t *testing.T) {
	boom := errors.New("boom")
	for name, spoil := range map[string]func(dir string, changes []Change){
		"sync": func(string, []Change) {
			n := 0
			system.sync = func(*os.File) error {
				if n++; n == 3 {
					return boom
				}
				return nil
			}
		},
		"rename": func(string, []Change) {
			rename := system.rename
			system.rename = func(from, to string) error {
				if filepath.Base(to) == "c.py" {
					return boom
				}
				return rename(from, to)
			}
		},
		"rename without links": func(string, []Change) {
			system.link = func(string, string) error { return errors.ErrUnsupported }
			rename := system.rename
			system.rename = func(from, to string) error {
				if filepath.Base(to) == "c.py" {
					return boom
				}
				return rename(from, to)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir, changes := three(t)
			before, err := os.Stat(changes[0].Path)
			if err != nil {
				t.Fatal(err)
			}
			listen(t)
			spoil(dir, changes)
			if _, err := Replace(changes...); failedAt(t, err) != 2 || !errors.Is(err, boom) {
				t.Errorf("failed with %v", err)
			}
			if got := texts(t, dir); got != "a.py=old b.py=old c.py=old" {
				t.Errorf("the files are %s", got)
			}
			if after, err := os.Stat(changes[0].Path); err != nil || after.Mode() != before.Mode() || !strings.Contains(name, "without") && !os.SameFile(before, after) {
				t.Errorf("the file that came back is another one: %v", err)
			}
		})
	}
	t.Run("read-only", func(t *testing.T) {
		dir, changes := three(t)
		if err := os.Chmod(changes[2].Path, 0o400); err != nil {
			t.Fatal(err)
		}
		if _, err := Replace(changes...); failedAt(t, err) != 2 || !errors.Is(err, errReadOnly) {
			t.Errorf("failed with %v", err)
		}
		if got := texts(t, dir); got != "a.py=old b.py=old c.py=old" {
			t.Errorf("the files are %s", got)
		}
	})
	t.Run("missing", func(t *testing.T) {
		dir, changes := three(t)
		if err := os.Remove(changes[2].Path); err != nil {
			t.Fatal(err)
		}
		if _, err := Replace(changes...); failedAt(t, err) != 2 || !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("failed with %v", err)
		}
		if got := texts(t, dir); got != "a.py=old b.py=old" {
			t.Errorf("the files are %s", got)
		}
	})
}

// TestNoLostUpdate holds that what somebody else writes stays: before all is staged, while others are, between renames, and behind one
// that is undone.
func TestNoLostUpdate(t *testing.T) {
	const their = "their text"
	write := func(t *testing.T, path string) {
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		put(t, path, their)
		if err := os.Chtimes(path, info.ModTime(), info.ModTime()); err != nil { // what counts is the content
			t.Fatal(err)
		}
	}
	for when, c := range map[string]struct {
		spoil func(t *testing.T, changes []Change)
		want  string
	}{
		"before": {func(t *testing.T, changes []Change) { write(t, changes[1].Path) }, "a.py=old b.py=their text c.py=old"},
		"while staged": {func(t *testing.T, changes []Change) {
			n, sync := 0, system.sync
			system.sync = func(f *os.File) error {
				if n++; n == 3 {
					write(t, changes[1].Path)
				}
				return sync(f)
			}
		}, "a.py=old b.py=their text c.py=old"},
		"between": {func(t *testing.T, changes []Change) {
			rename := system.rename
			system.rename = func(from, to string) error {
				err := rename(from, to)
				if to == changes[0].Path {
					write(t, changes[1].Path)
				}
				return err
			}
		}, "a.py=old b.py=their text c.py=old"},
		"behind": {func(t *testing.T, changes []Change) {
			rename := system.rename
			system.rename = func(from, to string) error {
				if to == changes[1].Path {
					write(t, changes[0].Path)
					write(t, changes[1].Path)
					return errors.New("boom")
				}
				return rename(from, to)
			}
		}, "a.py=their text b.py=their text c.py=old"},
	} {
		t.Run(when, func(t *testing.T) {
			dir, changes := three(t)
			listen(t)
			c.spoil(t, changes)
			if _, err := Replace(changes...); failedAt(t, err) != 1 || !errors.Is(err, ErrChanged) {
				t.Errorf("failed with %v", err)
			}
			if got := texts(t, dir); got != c.want {
				t.Errorf("the files are %s, want %s", got, c.want)
			}
		})
	}
}

// TestReplaceKeeps holds that a symbolic link stays one, and that a file keeps its mode.
func TestReplaceKeeps(t *testing.T) {
	dir, changes := three(t)
	link := filepath.Join(t.TempDir(), "link.py")
	if err := os.Symlink(changes[0].Path, link); err != nil {
		t.Skipf("SKIPPED: no symbolic links here: %v", err)
	}
	if err := os.Chmod(changes[0].Path, 0o751); err != nil {
		t.Fatal(err)
	}
	changes[0].Path = link
	if _, err := Replace(changes[0]); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Lstat(link); err != nil || info.Mode()&fs.ModeSymlink == 0 {
		t.Errorf("the link is %v, %v", info, err)
	}
	if info, err := os.Stat(link); err != nil || runtime.GOOS != "windows" && info.Mode() != 0o751 {
		t.Errorf("the mode is %v, %v", info.Mode(), err)
	}
	if got := texts(t, dir); got != "a.py=new b.py=old c.py=old" {
		t.Errorf("the files are %s", got)
	}
}

// TestWrite makes new files and replaces old ones.
func TestWrite(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "report.txt")
	for _, text := range []string{"one", "two"} {
		if lost, err := Write(path, []byte(text)); err != nil || len(lost) > 0 {
			t.Errorf("lost %v, %v", lost, err)
		}
		if got := texts(t, dir); got != "report.txt="+text {
			t.Errorf("the files are %s", got)
		}
	}
	plain := filepath.Join(t.TempDir(), "plain")
	if err := os.WriteFile(plain, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	like, err := os.Stat(plain)
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode() != like.Mode() {
		t.Errorf("a new file's mode is %v, want %v", info.Mode(), like.Mode())
	}
	if _, err := Write(dir, nil); err == nil {
		t.Error("a directory is written")
	}
	listen(t)
	system.rename = func(string, string) error { return errors.New("boom") }
	if _, err := Write(path, []byte("three")); err == nil || texts(t, dir) != "report.txt=two" {
		t.Errorf("the files are %s, %v", texts(t, dir), err)
	}
	if _, err := Write(filepath.Join(dir, "new"), nil); err == nil || texts(t, dir) != "report.txt=two" {
		t.Errorf("the files are %s, %v", texts(t, dir), err)
	}
}
