// Package files is the one way to the user's files: reading them ends, whatever they are, and writing them loses nothing.
package files

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"
)

// Most is how many bytes a file may have to be read: far more than anybody writes by hand, or a notebook holds.
const Most = 64 << 20

// Why a file is not read. They come in an *fs.PathError.
var (
	ErrNotRegular = errors.New("it is a named pipe, a device or a socket, not a file")
	ErrTooLarge   = fmt.Errorf("it is larger than %d MiB, and is not read", Most>>20)
)

// Refused reports whether a file is there and is none that is read: neither is it missing nor kept from us.
func Refused(err error) bool { return errors.Is(err, ErrNotRegular) || errors.Is(err, ErrTooLarge) }

// Read gives the bytes of a regular file, also where a symbolic link leads to one. What may never end or never begin, a device or a
// named pipe, is not opened, and more than Most bytes are not kept, whatever size the system names.
func Read(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if err := readable(path, info); err != nil {
		return nil, err
	}
	f, err := open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	_ = f.SetReadDeadline(time.Now().Add(patience)) // files that the kernel makes up may have one wait; others know no deadline
	data, err := Drain(f)
	if errors.Is(err, ErrTooLarge) {
		err = &fs.PathError{Op: "read", Path: path, Err: err}
	}
	return data, err
}

// open opens a file, which may be another one by now than when it was looked at.
func open(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|nonblocking, 0)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil {
		err = readable(path, info)
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// Drain reads what comes in to its end, and fails with ErrTooLarge where that is too far away.
func Drain(r io.Reader) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(r, Most+1))
	if err == nil && len(data) > Most {
		err = ErrTooLarge
	}
	if err != nil {
		return nil, err
	}
	return data, nil
}

// patience is how long a file that is no file on a disk may have a reader wait.
const patience = time.Second

func readable(path string, info fs.FileInfo) error {
	switch {
	case info.IsDir(), info.Mode().IsRegular() && info.Size() <= Most:
		return nil // reading a directory says what it is
	case info.Mode().IsRegular():
		return &fs.PathError{Op: "read", Path: path, Err: ErrTooLarge}
	}
	return &fs.PathError{Op: "open", Path: path, Err: ErrNotRegular}
}

// Open opens a regular file of any size for reading at places, also where a symbolic link leads to one.
func Open(path string) (*os.File, fs.FileInfo, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|nonblocking, 0)
	if err != nil {
		return nil, nil, err
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = &fs.PathError{Op: "open", Path: path, Err: ErrNotRegular}
	}
	if err != nil {
		f.Close()
		return nil, nil, err
	}
	return f, info, nil
}
