package files

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// ErrTaken says that a file is there already, which is left alone.
var ErrTaken = errors.New("it is there already, and is left alone; name another file")

// Create makes a new file of any size. It is written beside its place, stands whole on the disk, and is looked at by verify, before it gets its
// name; what has the name by then is left alone. Nothing stays beside.
func Create(path string, write func(io.Writer) error, verify func(beside string) error) (err error) {
	if _, err := os.Lstat(path); err == nil {
		return &fs.PathError{Op: "create", Path: path, Err: ErrTaken}
	}
	r := &replacement{file: path}
	f, err := os.OpenFile(r.besides()+filepath.Ext(path), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	err = write(f)
	if err == nil {
		err = system.sync(f)
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	if err := verify(f.Name()); err != nil {
		return err
	}
	err = system.link(f.Name(), path) // which never replaces
	if err != nil && !errors.Is(err, fs.ErrExist) {
		if _, there := os.Lstat(path); there == nil {
			err = fs.ErrExist
		} else { // a file system without hard links
			err = system.rename(f.Name(), path)
		}
	}
	if errors.Is(err, fs.ErrExist) {
		err = &fs.PathError{Op: "create", Path: path, Err: ErrTaken}
	}
	return err
}
