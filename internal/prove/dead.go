package prove

import (
	"os"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"
)

// scratch is a directory that goes with the proof that holds its lock. The system lets go of the lock when the process ends, however it
// ends: then the next proof removes the directory.
type scratch struct {
	dir  string
	lock *flock.Flock
}

const (
	scratchPattern = "ckpt-lsp-prove-*"
	lockFile       = ".lock"
)

// newScratch makes one among the temporary files.
func newScratch() (*scratch, error) {
	dir, err := os.MkdirTemp("", scratchPattern)
	if err != nil {
		return nil, err
	}
	if dir, err = filepath.EvalSymlinks(dir); err != nil {
		return nil, err
	}
	s := &scratch{dir, flock.New(filepath.Join(dir, lockFile))}
	return s, s.lock.Lock()
}

// settled is how old a directory is at least whose lock is looked at: one that is just made may not be held yet.
const settled = 2 * time.Second

// remove removes the directory.
func (s *scratch) remove() {
	_ = s.lock.Close()
	_ = os.RemoveAll(s.dir)
}

// sweep removes what proofs have left behind that did not come to their end. What belongs to others, or to one that runs, stays.
func sweep() {
	found, _ := filepath.Glob(filepath.Join(os.TempDir(), scratchPattern)) // the pattern is sound
	for _, dir := range found {
		if info, err := os.Lstat(dir); err != nil || !info.IsDir() || !ours(info) || time.Since(info.ModTime()) < settled {
			continue
		}
		path := filepath.Join(dir, lockFile)
		if _, err := os.Lstat(path); err != nil {
			continue // it is somebody else's, called like one of ours
		}
		lock := flock.New(path)
		if free, err := lock.TryLock(); err == nil && free {
			_ = lock.Close()
			_ = os.RemoveAll(dir)
		}
	}
}
