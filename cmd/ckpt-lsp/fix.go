package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/ckpt-lsp/ckpt-lsp/internal/text"
)

// writeFile replaces a file as a whole: readers see the old bytes or the new ones, also after a crash. The file keeps its
// mode and its encoding; a symbolic link stays one.
func writeFile(path string, src *text.Source) (err error) {
	data, err := src.Encode()
	if err != nil {
		return err
	}
	path, err = target(path)
	if err != nil {
		return err
	}
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	beside, err := os.CreateTemp(filepath.Dir(path), ".ckpt-lsp-*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			beside.Close()
			os.Remove(beside.Name())
		}
	}()
	if _, err = beside.Write(data); err != nil {
		return err
	}
	if err = beside.Chmod(info.Mode().Perm()); err != nil {
		return err
	}
	if err = beside.Sync(); err != nil {
		return err
	}
	if err = beside.Close(); err != nil {
		return err
	}
	return os.Rename(beside.Name(), path)
}

// target is the file that a path leads to, if it can be written.
func target(path string) (string, error) {
	path, err := filepath.EvalSymlinks(path)
	if err != nil {
		return "", err
	}
	info, err := os.Stat(path)
	if err != nil {
		return "", err
	}
	if info.Mode().Perm()&0o200 == 0 {
		return "", fmt.Errorf("the file is read-only")
	}
	return path, nil
}
