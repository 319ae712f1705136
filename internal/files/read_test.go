package files

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// within fails a test whose function does not come back.
func within(t *testing.T, do func()) {
	t.Helper()
	done := make(chan bool)
	go func() {
		defer close(done)
		do()
	}()
	select {
	case <-done:
	case <-time.After(10 * time.Second):
		t.Fatal("it does not end")
	}
}

func put(t *testing.T, path, text string) string {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestRead(t *testing.T) {
	dir := t.TempDir()
	path := put(t, filepath.Join(dir, "a.py"), "x = 1\n")
	link := filepath.Join(dir, "link.py")
	if err := os.Symlink(path, link); err != nil {
		t.Skipf("SKIPPED: no symbolic links here: %v", err)
	}
	for _, name := range []string{path, link} {
		if got, err := Read(name); err != nil || string(got) != "x = 1\n" {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
	if _, err := Read(filepath.Join(dir, "none")); !errors.Is(err, fs.ErrNotExist) || Refused(err) {
		t.Errorf("a file that is not there: %v", err)
	}
	if _, err := Read(dir); err == nil || Refused(err) {
		t.Errorf("a directory: %v", err)
	}
}

// TestReadTooLarge holds that size is looked at before, and counted while, a file is read.
func TestReadTooLarge(t *testing.T) {
	path := put(t, filepath.Join(t.TempDir(), "large.py"), "")
	if err := os.Truncate(path, Most); err != nil {
		t.Fatal(err)
	}
	if got, err := Read(path); err != nil || len(got) != Most {
		t.Errorf("a file of the largest size: %d, %v", len(got), err)
	}
	if err := os.Truncate(path, Most+1); err != nil {
		t.Fatal(err)
	}
	if _, err := Read(path); !errors.Is(err, ErrTooLarge) || !Refused(err) {
		t.Errorf("a larger one: %v", err)
	}
	if _, err := Drain(endless{}); !errors.Is(err, ErrTooLarge) {
		t.Errorf("what does not end: %v", err)
	}
}

type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }
