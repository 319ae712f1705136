package prove

import (
	"embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

//go:embed shim/*.py
var shim embed.FS

// leftOut are directories that no copy needs: caches, environments (the interpreter is named by its own path) and histories.
var leftOut = []string{".git", ".hg", "__pycache__", "node_modules", ".venv", "venv", ".tox", ".mypy_cache", ".ruff_cache", ".pytest_cache"}

// most is how many bytes are copied without a word; data sets are linked to instead.
const most = 2 << 30

// errTooLarge stops a copy.
var errTooLarge = fmt.Errorf("more than %d GiB", most>>30)

// writeShim writes the Python files that watch a run.
func writeShim(dir string) error {
	files, err := fs.Sub(shim, "shim")
	if err != nil {
		return err
	}
	return os.CopyFS(dir, files)
}

// copyTree copies a directory without what is left out. Links stay links. Directories named in link, relative to the tree, become links
// to the originals.
func copyTree(from, to string, link []string) error {
	var copied int64
	err := filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		relative, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		target := filepath.Join(to, relative)
		switch {
		case relative != "." && slices.ContainsFunc(link, func(l string) bool { return filepath.Clean(l) == relative }):
			if err := os.Symlink(path, target); err != nil {
				return err
			}
			if d.IsDir() {
				return fs.SkipDir
			}
			return nil
		case d.IsDir():
			if relative != "." && slices.Contains(leftOut, d.Name()) {
				return fs.SkipDir
			}
			return os.MkdirAll(target, 0o700)
		case d.Type()&fs.ModeSymlink != 0:
			return copyLink(from, path, target)
		case !d.Type().IsRegular():
			return nil // sockets, pipes and devices are nobody's data
		}
		n, err := copyFile(path, target)
		if copied += n; copied > most {
			return errTooLarge
		}
		return err
	})
	if errors.Is(err, errTooLarge) {
		return fmt.Errorf("%s holds %w: name the directories with data with --link, or work in it with --in-place", from, err)
	}
	return err
}

// copyLink copies a symbolic link of a tree. One that leads to something in the tree leads to the copy of it, also where it names it by its
// absolute path; one that leads elsewhere leads there.
func copyLink(tree, path, to string) error {
	points, err := os.Readlink(path)
	if err != nil {
		return err
	}
	full := points
	if !filepath.IsAbs(full) {
		full = filepath.Join(filepath.Dir(path), points)
	}
	inside, err := filepath.Rel(tree, full)
	switch {
	case err != nil || !filepath.IsLocal(inside):
		points = full
	case filepath.IsAbs(points):
		here, err := filepath.Rel(tree, filepath.Dir(path))
		if err != nil {
			return err
		}
		if points, err = filepath.Rel(here, inside); err != nil {
			return err
		}
	}
	return os.Symlink(points, to)
}

func copyFile(from, to string) (n int64, err error) {
	in, err := os.Open(from)
	if err != nil {
		return 0, err
	}
	defer in.Close()
	info, err := in.Stat()
	if err != nil {
		return 0, err
	}
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, info.Mode().Perm()|0o600)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	return io.Copy(out, in)
}

// script finds the Python file among the words of a command, -1 where it runs a module or another program.
func script(command []string) int {
	for i, word := range command {
		if word == "-m" || word == "-c" {
			return -1
		}
		if strings.HasSuffix(word, ".py") {
			return i
		}
	}
	return -1
}
