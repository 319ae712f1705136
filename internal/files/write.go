package files

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Change is a new text for a file.
type Change struct {
	Path string
	// Was is what the file held when it was read. A file that holds something else by now is left alone. It is nil where whatever is there
	// makes way, or nothing is there yet.
	Was []byte
	// Text is what the file is to hold.
	Text []byte
}

// ErrChanged says that a file holds something else than what was read.
var ErrChanged = errors.New("it was changed meanwhile, and is left alone; run the command again")

// errReadOnly says that a file's owner wants it as it is.
var errReadOnly = errors.New("the file is read-only")

// temporary is what the names of files begin with that stand beside others for a moment.
const temporary = ".ckpt-lsp-"

// system is what a file system is asked for; tests listen, and have it fail.
var system = struct {
	rename func(from, to string) error
	sync   func(*os.File) error
	link   func(from, to string) error
	chown  func(f *os.File, uid, gid int) error
}{os.Rename, (*os.File).Sync, os.Link, (*os.File).Chown}

// Failure is that of one of several changes.
type Failure struct {
	// Index is that of the change.
	Index int
	Err   error
}

func (f *Failure) Error() string { return f.Err.Error() }

// Unwrap is the reason.
func (f *Failure) Unwrap() error { return f.Err }

// Replace gives all files their new texts, or none: a *Failure says which could not be written, and the others hold their old text. Readers
// see the old bytes of a file or the new ones, also after a crash; a symbolic link stays one, and so do mode, owner and group. Nothing is
// left beside. lost tells, for each change, what of a file could not be kept.
func Replace(changes ...Change) (lost [][]string, err error) {
	all := make([]*replacement, len(changes))
	defer func() {
		for _, r := range all {
			r.clear()
		}
	}()
	for i, c := range changes {
		all[i] = &replacement{Change: c}
		if err := all[i].stage(len(changes) > 1); err != nil {
			return nil, &Failure{i, err}
		}
	}
	for i, r := range all {
		if err := r.commit(); err != nil {
			for _, done := range all[:i] {
				if undo := done.undo(); undo != nil {
					err = fmt.Errorf("%w; %s holds its part of a fix, and its old text could not be put back: %w", err, done.Path, undo)
				}
			}
			return nil, &Failure{i, err}
		}
	}
	for _, r := range all {
		lost = append(lost, r.lost)
	}
	return lost, nil
}

// replacement is a change under way.
type replacement struct {
	Change
	file   string      // that the path leads to
	info   fs.FileInfo // of the file, nil where there was none
	beside string      // holds the new text until it takes the file's place, empty from then on
	old    string      // is the file as it was, empty where that is not kept
	lost   []string
}

// clear removes what stands beside the file.
func (r *replacement) clear() {
	if r == nil {
		return
	}
	for _, path := range []string{r.beside, r.old} {
		if path != "" {
			os.Remove(path)
		}
	}
}

// stage writes the new text beside the file, and keeps the old one where it may have to come back.
func (r *replacement) stage(keep bool) error {
	if err := r.find(); err != nil {
		return err
	}
	if err := r.unchanged(); err != nil {
		return err
	}
	var err error
	if r.beside, err = r.write(r.Text); err != nil || !keep || r.info == nil {
		return err
	}
	if path := r.besides(); system.link(r.file, path) == nil {
		r.old = path
		return nil
	}
	was, err := Read(r.file) // a file system without hard links
	if err != nil {
		return err
	}
	r.old, err = r.write(was)
	return err
}

// find is where the path leads, if that is a file that can be written.
func (r *replacement) find() (err error) {
	r.file, err = filepath.EvalSymlinks(r.Path)
	if errors.Is(err, fs.ErrNotExist) && r.Was == nil {
		r.file = r.Path
		return nil
	}
	if err != nil {
		return err
	}
	if r.info, err = os.Stat(r.file); err != nil {
		return err
	}
	switch {
	case r.info.IsDir():
		return &fs.PathError{Op: "write", Path: r.Path, Err: errors.New("it is a directory")}
	case !r.info.Mode().IsRegular():
		return &fs.PathError{Op: "write", Path: r.Path, Err: ErrNotRegular}
	case r.info.Mode().Perm()&0o200 == 0:
		return errReadOnly
	}
	return nil
}

// unchanged fails where the file is not what was read.
func (r *replacement) unchanged() error {
	if r.Was == nil {
		return nil
	}
	now, err := Read(r.file)
	if err != nil {
		return err
	}
	if !bytes.Equal(now, r.Was) {
		return ErrChanged
	}
	return nil
}

// besides is a name beside the file that nothing has.
func (r *replacement) besides() string {
	return filepath.Join(filepath.Dir(r.file), temporary+rand.Text())
}

// write puts bytes into a new file beside the file, which has what the file has: mode, owner and group.
func (r *replacement) write(data []byte) (path string, err error) {
	f, err := os.OpenFile(r.besides(), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return "", err
	}
	defer func() {
		if err != nil {
			f.Close()
			os.Remove(f.Name())
		}
	}()
	if _, err = f.Write(data); err != nil {
		return "", err
	}
	if r.info != nil {
		r.lost = keepOwner(f, r.info)
		mode := r.info.Mode().Perm()
		if len(r.lost) == 0 {
			mode = r.info.Mode() & (fs.ModePerm | fs.ModeSetuid | fs.ModeSetgid | fs.ModeSticky)
		}
		if err = f.Chmod(mode); err != nil {
			return "", err
		}
		switch n := names(r.info) - 1; {
		case n == 1:
			r.lost = append(r.lost, "another name of it (a hard link) keeps the old text")
		case n > 1:
			r.lost = append(r.lost, fmt.Sprintf("%d other names of it (hard links) keep the old text", n))
		}
	}
	if err = system.sync(f); err != nil {
		return "", err
	}
	return f.Name(), f.Close()
}

// commit puts the new text in the file's place, if that still holds what was read.
func (r *replacement) commit() error {
	if err := r.unchanged(); err != nil {
		return err
	}
	if err := system.rename(r.beside, r.file); err != nil {
		return err
	}
	r.beside = ""
	return nil
}

// undo puts the old file back, unless somebody has written the new one since.
func (r *replacement) undo() error {
	if r.old == "" {
		return os.Remove(r.file) // there was none
	}
	if now, err := Read(r.file); err != nil || !bytes.Equal(now, r.Text) {
		return errors.Join(err, ErrChanged)
	}
	if err := system.rename(r.old, r.file); err != nil {
		return err
	}
	r.old = ""
	return nil
}

// Write makes a file hold a text, whatever it held before. What is no regular file, a device or a pipe that somebody named, is written to.
func Write(path string, data []byte) (lost []string, err error) {
	if info, err := os.Stat(path); err == nil && !info.IsDir() && !info.Mode().IsRegular() {
		return nil, os.WriteFile(path, data, 0o666)
	}
	all, err := Replace(Change{Path: path, Text: data})
	if err != nil {
		return nil, err
	}
	return all[0], nil
}
