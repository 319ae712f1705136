package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/ckpt-lsp/ckpt-lsp/internal/project"
	"github.com/ckpt-lsp/ckpt-lsp/internal/text"
)

// save puts fixed texts into their files: those that a fix changes together are written together or not at all, which is given up
// where one cannot be written. Between them it stops when the context ends. It gives the files that were written.
func save(ctx context.Context, fixed []project.Fixed) (written []string) {
	var groups [][]int
	seen := make([]bool, len(fixed))
	for i := range fixed {
		if !seen[i] && fixed[i].Changed() {
			groups = append(groups, partners(fixed, i, seen, nil))
		}
	}
	return slices.Concat(project.Map(groups, func(together []int) (names []string) {
		if ctx.Err() != nil {
			return nil
		}
		var group []*replacement
		for _, i := range together {
			group = append(group, &replacement{path: fixed[i].Before.Path, text: fixed[i].After.Source})
			names = append(names, displayPath(fixed[i].Before.Path))
		}
		if failed, err := replace(group); err != nil {
			project.Undo(fixed, together[failed], fmt.Errorf("cannot be written: %w", err))
			return nil
		}
		return names
	})...)
}

// partners adds a file to a group, and all that fixes changed together with it.
func partners(fixed []project.Fixed, i int, seen []bool, group []int) []int {
	if seen[i] {
		return group
	}
	seen[i] = true
	if fixed[i].Changed() {
		group = append(group, i)
	}
	for _, k := range fixed[i].Partners {
		group = partners(fixed, k, seen, group)
	}
	return group
}

// replacement is a new text for a file.
type replacement struct {
	path string
	text *text.Source

	file   string // that the path leads to
	beside string // holds the new text until it takes the file's place, empty from then on
	old    []byte
}

// replace gives all files their new texts, or none: failed is the one that could not be written, and the others have their old text
// again. Readers see the old bytes of a file or the new ones, also after a crash. No file is left beside.
func replace(group []*replacement) (failed int, err error) {
	defer func() {
		for _, r := range group {
			if r.beside != "" {
				os.Remove(r.beside)
			}
		}
	}()
	for i, r := range group {
		if err := r.prepare(); err != nil {
			return i, err
		}
	}
	return commit(group)
}

// commit puts what is prepared in its place.
func commit(group []*replacement) (failed int, err error) {
	for i, r := range group {
		if err := os.Rename(r.beside, r.file); err != nil {
			for _, done := range group[:i] {
				if undo := done.restore(); undo != nil {
					err = fmt.Errorf("%w; %s holds its part of a fix, and its old text could not be put back: %w", err, displayPath(done.path), undo)
				}
			}
			return i, err
		}
		r.beside = ""
	}
	return 0, nil
}

// prepare writes the new text beside the file, with its mode and encoding. A symbolic link stays one.
func (r *replacement) prepare() error {
	data, err := r.text.Encode()
	if err != nil {
		return err
	}
	if r.file, err = target(r.path); err != nil {
		return err
	}
	if r.old, err = os.ReadFile(r.file); err != nil {
		return err
	}
	return r.write(data)
}

// restore puts the old text back.
func (r *replacement) restore() error {
	if err := r.write(r.old); err != nil {
		return err
	}
	err := os.Rename(r.beside, r.file)
	if err == nil {
		r.beside = ""
	}
	return err
}

// write puts bytes into a new file beside the file.
func (r *replacement) write(data []byte) (err error) {
	info, err := os.Stat(r.file)
	if err != nil {
		return err
	}
	beside, err := os.CreateTemp(filepath.Dir(r.file), ".ckpt-lsp-*")
	if err != nil {
		return err
	}
	r.beside = beside.Name()
	defer func() {
		if err != nil {
			beside.Close()
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
	return beside.Close()
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
