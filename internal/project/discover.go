package project

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/ckpt-lsp/ckpt-lsp/internal/files"
	"github.com/ckpt-lsp/ckpt-lsp/internal/notebook"
)

// Files finds the Python files that the arguments name, sorted. A file is taken whatever its name and the exclusions say, unless
// force-exclude is set. In a directory, files that end in .py or .pyw are taken and Python notebooks (.ipynb), but not what .gitignore,
// .git/info/exclude or the configuration leave out, nor virtual environments; symbolic links are not followed. The problems tell of what is
// missing or may not be read, and of directories in which nothing is found; the configuration errors are those of every directory on
// the way. When the context ends it gives what it has found by then.
func (w *Workspace) Files(ctx context.Context, args []string) (found []string, problems []Problem, configErrors []error) {
	d := newDiscovery(ctx, w)
	d.find(args)
	return d.files, d.problems, d.configErrors
}

// Bounds are how much of a folder is looked at before it is declined: so many Python files, bytes in them, and names of all kinds.
type Bounds struct{ Files, Bytes, Names int }

// FilesWithin is Files for a folder that nobody chose for its size. exceeded says that there is more than the bounds allow; then the
// files are those found by then.
func (w *Workspace) FilesWithin(ctx context.Context, b Bounds) (found []string, exceeded bool) {
	d := newDiscovery(ctx, w)
	d.bounds = &b
	d.find([]string{w.root})
	return d.files, d.exceeded
}

func newDiscovery(ctx context.Context, w *Workspace) *discovery {
	return &discovery{ctx: ctx, w: w, taken: map[string]bool{}, broken: map[string]bool{}}
}

// find takes the files that the arguments name, sorted.
func (d *discovery) find(args []string) {
	for _, arg := range args {
		info, err := os.Stat(arg)
		switch {
		case err == nil && d.w.forceExcluded(arg, info.IsDir()):
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
			d.problems = append(d.problems, Problem{Path: arg, Message: "cannot be read: " + files.ErrNotRegular.Error() + "; what a program prints is checked with: ckpt-lsp check -", Fatal: true})
		default:
			d.config(arg)
			d.take(filepath.Clean(arg))
		}
	}
	slices.Sort(d.files)
}

// Directories are those that Files looks into, and those of the files that are named; above are the ones above them up to the
// repository's root, whose configuration may hold. Outside of a repository none are.
func (w *Workspace) Directories(ctx context.Context, args []string) (within, above []string) {
	d := newDiscovery(ctx, w)
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
	ctx          context.Context
	w            *Workspace
	bounds       *Bounds // what is left, nil for no bounds
	exceeded     bool
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
	entries, err := d.entries(dir)
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
		if d.over() {
			return
		}
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
		} else if e.Type().IsRegular() && d.weigh(e) && !foreignNotebook(path) {
			d.take(path)
		}
	}
}

// over reports whether to look no further.
func (d *discovery) over() bool { return d.exceeded || d.ctx.Err() != nil }

// batch is how many names of a directory are read at once.
const batch = 1024

// entries are those of a directory, in the order of their names; where there are more than the bounds allow, some.
func (d *discovery) entries(dir string) ([]fs.DirEntry, error) {
	f, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var out []fs.DirEntry
	for !d.over() {
		more, err := f.ReadDir(batch)
		out = append(out, more...)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		if d.bounds != nil {
			d.bounds.Names -= len(more)
			d.exceeded = d.bounds.Names < 0
		}
	}
	slices.SortFunc(out, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	return out, nil
}

// weigh takes a file from the bounds, and reports whether they allow it.
func (d *discovery) weigh(e fs.DirEntry) bool {
	if d.bounds == nil {
		return true
	}
	size := 0
	if info, err := e.Info(); err == nil {
		size = int(min(info.Size(), files.Most))
	}
	d.bounds.Files--
	d.bounds.Bytes -= size
	d.exceeded = d.bounds.Files < 0 || d.bounds.Bytes < 0
	return !d.exceeded
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
		if data, err := files.Read(filepath.Join(dir, name)); err == nil {
			out = append(out, newPatterns(dir, strings.Split(string(data), "\n")))
		}
	}
	return out
}
