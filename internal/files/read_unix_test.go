//go:build unix

package files

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// TestReadRefuses holds that nothing is opened that may never end, or never begin, whatever links lead there.
func TestReadRefuses(t *testing.T) {
	dir := t.TempDir()
	pipe := filepath.Join(dir, "pipe.py")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	paths := []string{pipe, "/dev/zero", "/dev/tty"}
	for name, to := range map[string]string{"zero.py": "/dev/zero", "piped.py": pipe, "twice.py": "zero.py"} {
		link := filepath.Join(dir, name)
		if err := os.Symlink(to, link); err != nil {
			t.Fatal(err)
		}
		paths = append(paths, link)
	}
	for _, path := range paths {
		within(t, func() {
			if _, err := Read(path); !errors.Is(err, ErrNotRegular) || !Refused(err) {
				t.Errorf("%s: %v", path, err)
			}
		})
	}
}

// TestReadSwapped holds that a file which is another by the time it is open does not keep the reader waiting.
func TestReadSwapped(t *testing.T) {
	pipe := filepath.Join(t.TempDir(), "pipe.py")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	within(t, func() {
		if _, err := open(pipe); !errors.Is(err, ErrNotRegular) {
			t.Errorf("opened: %v", err)
		}
	})
}
