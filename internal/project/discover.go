package project

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/ckpt-lsp/ckpt-lsp/internal/notebook"
)

// Files finds the Python files that the arguments name, sorted. A file is taken whatever its name and the exclusions say, unless
// force-exclude is set. In a directory, files that end in .py or .pyw are taken and Python notebooks (.ipynb), but not what .gitignore,
// .git/info/exclude or the configuration leave out, nor virtual environments; symbolic links are not followed. The problems tell of what is
// missing or may not be read, and of directories in which nothing is found; the configuration errors are those of every directory on
// the way.
func (w *Workspace) Files(args []string) (files []string, problems []Problem, configErrors []error) {
	d := &discovery{w: w, taken: map[string]bool{}, broken: map[string]bool{}}
	for _, arg := range args {
		info, err := os.Stat(arg)
		switch {
		case err == nil && w.forceExcluded(arg, info.IsDir()):
		case err != nil:
			d.problems = append(d.problems, Problem{Path: arg, Message: "cannot be read: " + reason(err), Fatal: true})
		case info.IsDir():
			dir := absolute(arg)
			if real, err := filepath.EvalSymlinks(arg); err == nil && real != filepath.Clean(arg) {
				dir = absolute(real)
			}
			d.seen, d.leftOut = 0, false
			d.walk(filepath.Clean(arg), dir, d.above(dir))
			if d.seen == 0 {
				d.problems = append(d.problems, Problem{Path: arg, Message: d.nothing()})
			}
		case !info.Mode().IsRegular():
			d.problems = append(d.problems, Problem{Path: arg, Message: "cannot be read: " + errNotRegular.Error() + "; what a program prints is checked with: ckpt-lsp check -", Fatal: true})
		default:
			d.config(arg)
			d.take(filepath.Clean(arg))
		}
	}
	slices.Sort(d.files)
	return d.files, d.problems, d.configErrors
}

// Directories are those that Files looks into, and those of the files that are named; above are the ones above them up to the
// repository's root, whose configuration may hold. Outside of a repository none are.
func (w *Workspace) Directories(args []string) (within, above []string) {
	d := &discovery{w: w, taken: map[string]bool{}, broken: map[string]bool{}}
	for _, arg := range args {
		dir := absolute(arg)
		if info, err := os.Stat(dir); err == nil && info.IsDir() {
			d.walk(dir, dir, d.above(dir))
		} else {
			dir = filepath.Dir(dir)
			d.dirs = append(d.dirs, dir)
		}
		var up []string
		for at := dir; !exists(filepath.Join(at, ".git")); up = append(up, at) {
			parent := filepath.Dir(at)
			if parent == at {
				up = nil
				break
			}
			at = parent
		}
		above = append(above, up...)
	}
	slices.Sort(d.dirs)
	slices.Sort(above)
	return slices.Compact(d.dirs), slices.Compact(above)
}

// Excluded reports whether the configuration leaves a path out, or a directory above it in the workspace.
func (w *Workspace) Excluded(path string, isDir bool) bool {
	for at := absolute(path); at != w.root && filepath.Dir(at) != at; at, isDir = filepath.Dir(at), true {
		config, _ := w.Config(at)
		if ignored(config.exclude, at, isDir) {
			return true
		}
	}
	return false
}

// forceExcluded reports whether a path is left out although it is named.
func (w *Workspace) forceExcluded(path string, isDir bool) bool {
	in := path
	if isDir {
		in = filepath.Join(path, "any.py")
	}
	config, _ := w.Config(in)
	return config.ForceExclude && w.Excluded(path, isDir)
}

type discovery struct {
	w            *Workspace
	files        []string
	taken        map[string]bool // absolute paths
	problems     []Problem
	configErrors []error
	broken       map[string]bool // configuration files already complained of
	dirs         []string        // absolute, those that were looked into
	seen         int             // files of the directory that is walked, those taken before among them
	leftOut      bool            // something in it is excluded
}

// nothing says that a directory holds no file to check.
func (d *discovery) nothing() string {
	if d.leftOut {
		return "no Python files or notebooks in this directory, but for what .gitignore or exclude leave out"
	}
	return "no Python files or notebooks in this directory"
}

func (d *discovery) take(path string) {
	d.seen++
	if abs := absolute(path); !d.taken[abs] {
		d.taken[abs] = true
		d.files = append(d.files, path)
	}
}

func (d *discovery) config(path string) *Config {
	config, err := d.w.Config(path)
	if err != nil && !d.broken[config.Path] {
		d.broken[config.Path] = true
		d.configErrors = append(d.configErrors, err)
	}
	return config
}

// walk takes the files below a directory; abs is its absolute path, ignores what holds in the directories above, outermost
// first.
func (d *discovery) walk(dir, abs string, ignores []*patterns) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		d.problems = append(d.problems, Problem{Path: dir, Message: "cannot be read: " + reason(err), Fatal: true})
		return
	}
	if slices.ContainsFunc(entries, func(e fs.DirEntry) bool { return e.Name() == "pyvenv.cfg" }) {
		return
	}
	d.dirs = append(d.dirs, abs)
	config := d.config(filepath.Join(abs, "any.py"))
	ignores = append(ignores[:len(ignores):len(ignores)], gitignores(abs)...)
	for _, e := range entries {
		path, absPath := filepath.Join(dir, e.Name()), filepath.Join(abs, e.Name())
		if e.Type()&fs.ModeSymlink != 0 || !e.IsDir() && !isPython(e.Name()) && !notebook.Is(e.Name()) {
			continue
		}
		if ignored(config.exclude, absPath, e.IsDir()) || ignored(ignores, absPath, e.IsDir()) {
			d.leftOut = d.leftOut || e.Name() != ".git"
			continue
		}
		if e.IsDir() {
			d.walk(path, absPath, ignores)
		} else if e.Type().IsRegular() && !foreignNotebook(path) {
			d.take(path)
		}
	}
}

func isPython(name string) bool {
	return strings.HasSuffix(name, ".py") || strings.HasSuffix(name, ".pyw")
}

// foreignNotebook reports whether a file is a notebook in a language other than Python.
func foreignNotebook(path string) bool {
	if !notebook.Is(path) {
		return false
	}
	_, err := readFile(path)
	var foreign *notebook.ForeignError
	return errors.As(err, &foreign)
}

// ignored asks the innermost .gitignore that has an opinion.
func ignored(ignores []*patterns, path string, isDir bool) bool {
	for _, p := range slices.Backward(ignores) {
		if v := p.of(path, isDir); v != silent {
			return v == leaveOut
		}
	}
	return false
}

// above are the patterns of the directories above dir, from the repository's root on.
func (d *discovery) above(dir string) []*patterns {
	var out []*patterns
	for at := dir; !exists(filepath.Join(at, ".git")); {
		parent := filepath.Dir(at)
		if parent == at {
			return nil // not in a repository
		}
		at = parent
		out = append(gitignores(at), out...)
	}
	return out
}

// gitignores are the patterns that git keeps in one directory, weakest first.
func gitignores(dir string) []*patterns {
	var out []*patterns
	for _, name := range []string{filepath.Join(".git", "info", "exclude"), ".gitignore"} {
		if data, err := os.ReadFile(filepath.Join(dir, name)); err == nil {
			out = append(out, newPatterns(dir, strings.Split(string(data), "\n")))
		}
	}
	return out
}
