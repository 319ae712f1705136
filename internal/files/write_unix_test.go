//go:build unix

package files

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// ownerOf is a file's owner and group.
func ownerOf(t *testing.T, path string) (uid, gid int) {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	stat := info.Sys().(*syscall.Stat_t)
	return int(stat.Uid), int(stat.Gid)
}

// TestReplaceKeepsOwner gives a file of somebody else a new text, and tells where it cannot stay theirs.
func TestReplaceKeepsOwner(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("SKIPPED: only root can give files away")
	}
	_, changes := three(t)
	path := changes[0].Path
	if err := errors.Join(os.Chown(path, 65534, 65533), os.Chmod(path, 0o755|fs.ModeSetgid)); err != nil {
		t.Fatal(err)
	}
	lost, err := Replace(changes[0])
	if uid, gid := ownerOf(t, path); err != nil || len(lost[0]) > 0 || uid != 65534 || gid != 65533 {
		t.Errorf("lost %v, %v: now of %d:%d", lost, err, uid, gid)
	}
	if info, err := os.Stat(path); err != nil || info.Mode() != 0o755|fs.ModeSetgid {
		t.Errorf("the mode is %v, %v", info.Mode(), err)
	}
	listen(t)
	system.chown = func(*os.File, int, int) error { return syscall.EPERM }
	lost, err = Replace(Change{path, []byte("new"), []byte("newer")})
	if want := []string{"its group was 65533, and is 0 now", "its owner was 65534, and is 0 now"}; err != nil || !slices.Equal(lost[0], want) {
		t.Errorf("lost %q, %v, want %q", lost, err, want)
	}
	if info, err := os.Stat(path); err != nil || info.Mode() != 0o755 {
		t.Errorf("a file of ours has the rights of theirs: %v, %v", info.Mode(), err)
	}
}

// TestReplaceTellsHardLinks holds that who has a file under another name is told that the name keeps the old text.
func TestReplaceTellsHardLinks(t *testing.T) {
	dir, changes := three(t)
	for i := range 2 {
		if err := os.Link(changes[0].Path, filepath.Join(dir, fmt.Sprintf("d%d.py", i))); err != nil {
			t.Skipf("SKIPPED: no hard links here: %v", err)
		}
	}
	lost, err := Replace(changes[:2]...)
	if err != nil || len(lost[0]) != 1 || !strings.HasPrefix(lost[0][0], "2 other names of it") || len(lost[1]) > 0 {
		t.Errorf("lost %q, %v", lost, err)
	}
	if got := texts(t, dir); got != "a.py=new b.py=new c.py=old d0.py=old d1.py=old" {
		t.Errorf("the files are %s", got)
	}
}

// TestWritePipe holds that a pipe or a device that somebody names is written to, and stays one; a fix of one is not written.
func TestWritePipe(t *testing.T) {
	if _, err := Write(os.DevNull, []byte("x")); err != nil {
		t.Error(err)
	}
	if info, err := os.Stat(os.DevNull); err != nil || info.Mode().IsRegular() {
		t.Fatal("the null device is a file now")
	}
	pipe := filepath.Join(t.TempDir(), "pipe.py")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Replace(Change{Path: pipe, Text: []byte("y")}); !errors.Is(err, ErrNotRegular) {
		t.Errorf("failed with %v", err)
	}
}
