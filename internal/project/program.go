package project

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/ckpt-lsp/ckpt-lsp/internal/files"
	"github.com/ckpt-lsp/ckpt-lsp/internal/notebook"
	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
	"github.com/ckpt-lsp/ckpt-lsp/internal/pysem"
	"github.com/ckpt-lsp/ckpt-lsp/internal/text"
)

// Program is a snapshot of the files that may import each other: what is open in an editor, and for the rest what the disk holds.
// It is safe for concurrent use and does not change; With makes the next one.
type Program struct {
	root string
	age  int // how many programs led to this one
	disk *disk
	open map[string]*Unit // by absolute path
}

// Unit is one file of a program. It is read, parsed and resolved when first asked for.
type Unit struct {
	// Path is absolute.
	Path string

	read    func() (*text.Source, error)
	reading sync.Once
	stamp   stamp // of the file when it was read from the disk
	source  *text.Source
	unread  error
	adding  sync.Once
	adds    []string // what it puts on sys.path, see searches

	mu       sync.Mutex // guards what follows
	tree     *pyast.Tree
	unparsed error
	module   *pysem.Module
	digest   string
}

// disk remembers what was read from the file system.
type disk struct {
	root  string // the workspace's
	names uint64 // tells apart what is remembered of the names
	mu    sync.Mutex
	units map[string]*Unit
	dirs  map[string]map[string]bool // names in a directory; true for directories
	found map[lookup]string          // paths of modules
	// searched are the directories that the files of a directory put on sys.path.
	searched map[string][]string
}

// lookup is the question what a dotted name means in the files of a directory.
type lookup struct{ dir, name string }

// disks counts how often names were looked up afresh.
var disks atomic.Uint64

func newDisk(root string, units map[string]*Unit) *disk {
	return &disk{root: root, names: disks.Add(1), units: units, dirs: map[string]map[string]bool{}, found: map[lookup]string{}, searched: map[string][]string{}}
}

// NewProgram is the program of a workspace with nothing open.
func NewProgram(w *Workspace) *Program {
	return &Program{root: w.root, disk: newDisk(w.root, map[string]*Unit{}), open: map[string]*Unit{}}
}

// next is a program like this one with files of its own open.
func (p *Program) next() *Program {
	return &Program{root: p.root, age: p.age + 1, disk: p.disk, open: maps.Clone(p.open)}
}

// With is the program with a file's text in place of what the disk holds. tree may be nil: the text is parsed when needed.
func (p *Program) With(path string, src *text.Source, tree *pyast.Tree) *Program {
	u := &Unit{Path: absolute(path), tree: tree, read: func() (*text.Source, error) { return src, nil }}
	next := p.next()
	next.open[u.Path] = u
	if !p.known(u.Path) || !slices.Equal(p.Unit(u.Path).searches(p.root), u.searches(p.root)) {
		next.disk = p.disk.fresh() // a new file may be what an import means, and so may one of a directory that is searched now
	}
	return next
}

// Without is the program with what the disk holds now in place of a file's text.
func (p *Program) Without(path string) *Program {
	next := p.Reread(path)
	delete(next.open, absolute(path))
	return next
}

// Reread is the program with files that changed on the disk, were made or removed.
func (p *Program) Reread(paths ...string) *Program {
	next := p.next()
	next.disk = p.disk.fresh()
	for _, path := range paths {
		delete(next.disk.units, absolute(path))
	}
	return next
}

// Release frees the trees of the files that are not open. They are parsed again when they are asked for.
func (p *Program) Release() {
	p.disk.mu.Lock()
	units := slices.Collect(maps.Values(p.disk.units))
	p.disk.mu.Unlock()
	for _, u := range units {
		u.release()
	}
}

// fresh is the disk with the units kept and all names forgotten.
func (d *disk) fresh() *disk {
	d.mu.Lock()
	defer d.mu.Unlock()
	return newDisk(d.root, maps.Clone(d.units))
}

func (p *Program) known(path string) bool {
	if p.open[path] != nil {
		return true
	}
	p.disk.mu.Lock()
	defer p.disk.mu.Unlock()
	_, ok := p.disk.list(filepath.Dir(path))[filepath.Base(path)]
	return ok
}

// Unit is the file at a path.
func (p *Program) Unit(path string) *Unit {
	path = absolute(path)
	if u := p.open[path]; u != nil {
		return u
	}
	p.disk.mu.Lock()
	defer p.disk.mu.Unlock()
	u := p.disk.units[path]
	if u == nil {
		u = &Unit{Path: path}
		u.read = func() (*text.Source, error) {
			u.stamp = stampOf(path)
			return readFile(path)
		}
		p.disk.units[path] = u
	}
	return u
}

// Changed are the files whose text the disk holds another version of than was read.
func (p *Program) Changed() []string {
	p.disk.mu.Lock()
	units := maps.Clone(p.disk.units)
	p.disk.mu.Unlock()
	var out []string
	for path, u := range units {
		if u.Source(); u.stamp != stampOf(path) {
			out = append(out, path)
		}
	}
	return out
}

// stamp tells versions of a file apart; the zero stamp is that of none.
type stamp struct{ modified, size int64 }

func stampOf(path string) stamp {
	info, err := os.Stat(path)
	if err != nil {
		return stamp{}
	}
	return stamp{info.ModTime().UnixNano(), info.Size()}
}

// Decode reads the bytes of the file at a path: of a notebook, its Python cells.
func Decode(path string, data []byte) (*text.Source, error) {
	if notebook.Is(path) {
		return notebook.Decode(data)
	}
	return text.Decode(data)
}

func readFile(path string) (*text.Source, error) {
	data, err := files.Read(path)
	if err != nil {
		return nil, err
	}
	return Decode(path, data)
}

// Source is the file's text.
func (u *Unit) Source() (*text.Source, error) {
	u.reading.Do(func() { u.source, u.unread = u.read() })
	return u.source, u.unread
}

// Tree is the file's syntax.
func (u *Unit) Tree() (*pyast.Tree, error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.parsed()
}

// parsed is the file's syntax. The lock is held.
func (u *Unit) parsed() (*pyast.Tree, error) {
	if u.tree != nil || u.unparsed != nil {
		return u.tree, u.unparsed
	}
	src, err := u.Source()
	if err == nil {
		u.tree, err = pyast.Parse(src.Text)
	}
	u.unparsed = err
	return u.tree, err
}

// Module is the file with its names resolved, nil when it cannot be read.
func (u *Unit) Module() *pysem.Module {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.module != nil {
		return u.module
	}
	if tree, err := u.parsed(); err == nil {
		u.module = pysem.New(u.Path, tree)
	}
	return u.module
}

// Digest stands for what the file means to others: it does not change with comments and white space. It is "" for a file that
// cannot be read.
func (u *Unit) Digest() string {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.digest == "" {
		if tree, err := u.parsed(); err == nil {
			u.digest = digest(tree)
		}
	}
	return u.digest
}

// release frees the tree; the digest is kept.
func (u *Unit) release() {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.tree, u.module = nil, nil
}

// find is the path of the file that a dotted name means in the file at a path, "" for none. Relative names lead from the file's
// directory; others are looked for beside the file and in every directory above it, up to the workspace's or the repository's root,
// in src below each, in what the root's directories install, and in the directories that the files beside it put on sys.path.
func (p *Program) find(from, name string) string { return p.findIn(lookup{filepath.Dir(from), name}) }

func (p *Program) findIn(l lookup) string {
	p.disk.mu.Lock()
	path, ok := p.disk.found[l]
	if !ok {
		path = p.search(l.dir, l.name)
	}
	p.disk.mu.Unlock()
	if ok {
		return path
	}
	if path == "" && p.ours(l.name) {
		path = p.below(p.searched(l.dir), l.name)
	}
	p.disk.mu.Lock()
	p.disk.found[l] = path
	p.disk.mu.Unlock()
	return path
}

// below is the file that a dotted name means in the first of some directories that holds it.
func (p *Program) below(dirs []string, name string) string {
	p.disk.mu.Lock()
	defer p.disk.mu.Unlock()
	for _, dir := range dirs {
		if path := p.in(dir, name); path != "" {
			return path
		}
	}
	return ""
}

// ours reports whether a name may be that of a module of the project in a directory that a program searches for modules.
func (p *Program) ours(name string) bool {
	first, _, _ := strings.Cut(name, ".")
	return first != "" && !frameworkNames[first] && !foreign[first]
}

func (p *Program) search(dir, name string) string {
	if rest := strings.TrimLeft(name, "."); len(rest) < len(name) {
		for range len(name) - len(rest) - 1 {
			dir = filepath.Dir(dir)
		}
		return p.in(dir, rest)
	}
	first, _, _ := strings.Cut(name, ".")
	for beside := true; ; beside = false {
		if frameworkNames[first] {
			return "" // what the tables say of it holds, in its own repository too
		}
		if beside && dir != p.root && filepath.Base(dir) == first && p.file(dir, "__init__.py") != "" {
			dir = filepath.Dir(dir) // a package's own name means the package, and no module of it that is called so
			continue
		}
		if path := p.in(dir, name); path != "" && (beside || !foreign[first]) {
			return path
		}
		if path := p.in(filepath.Join(dir, "src"), name); path != "" && !foreign[first] {
			return path
		}
		parent := filepath.Dir(dir)
		if dir == p.root || parent == dir || p.disk.holds(dir, ".git") {
			if foreign[first] || parent == dir {
				return ""
			}
			return p.installed(dir, name)
		}
		dir = parent
	}
}

// installed is the file that a dotted name means in one of the packages that a repository's directories hold, each with what installs it:
// python/setup.py beside examples/. It is none where two have it.
func (p *Program) installed(top, name string) string {
	found := ""
	first, _, _ := strings.Cut(name, ".")
	for sub, isDir := range p.disk.list(top) {
		dir := filepath.Join(top, sub)
		if !isDir || strings.HasPrefix(sub, ".") || !p.disk.installs(dir) {
			continue
		}
		for _, dir := range []string{dir, filepath.Join(dir, "src")} {
			if path := p.in(dir, name); path != "" && p.directory(dir, first) {
				if found != "" {
					return ""
				}
				found = path
			}
		}
	}
	return found
}

// in is the file that a dotted name means in a directory.
func (p *Program) in(dir, name string) string {
	if name == "" {
		return p.file(dir, "__init__.py")
	}
	parts := strings.Split(name, ".")
	for _, part := range parts[:len(parts)-1] {
		if !p.directory(dir, part) {
			return ""
		}
		dir = filepath.Join(dir, part)
	}
	last := parts[len(parts)-1]
	if path := p.file(dir, last+".py"); path != "" {
		return path
	}
	if p.directory(dir, last) {
		return p.file(filepath.Join(dir, last), "__init__.py")
	}
	return ""
}

// file is the path of a file in a directory, "" where there is none.
func (p *Program) file(dir, name string) string {
	path := filepath.Join(dir, name)
	if p.open[path] != nil {
		return path
	}
	if isDir, ok := p.disk.list(dir)[name]; ok && !isDir {
		return path
	}
	return ""
}

// directory reports whether a directory holds another of the name, if only for the sake of an open file.
func (p *Program) directory(dir, name string) bool {
	if p.disk.list(dir)[name] {
		return true
	}
	below := filepath.Join(dir, name) + string(filepath.Separator)
	for path := range p.open {
		if strings.HasPrefix(path, below) {
			return true
		}
	}
	return false
}

// pythonIn are the paths of a directory's Python files, those that are only open among them, in order.
func (p *Program) pythonIn(dir string) []string {
	var out []string
	p.disk.mu.Lock()
	for name, isDir := range p.disk.list(dir) {
		if !isDir && strings.HasSuffix(name, ".py") {
			out = append(out, filepath.Join(dir, name))
		}
	}
	p.disk.mu.Unlock()
	for path := range p.open {
		if filepath.Dir(path) == dir && strings.HasSuffix(path, ".py") && !slices.Contains(out, path) {
			out = append(out, path)
		}
	}
	slices.Sort(out)
	return out
}

func (d *disk) holds(dir, name string) bool {
	_, ok := d.list(dir)[name]
	return ok
}

// installs reports whether a directory holds what a package is installed by. The lock is held.
func (d *disk) installs(dir string) bool {
	for name, isDir := range d.list(dir) {
		if !isDir && (name == "pyproject.toml" || name == "setup.cfg" || strings.HasPrefix(name, "setup") && strings.HasSuffix(name, ".py")) {
			return true
		}
	}
	return false
}

// list are the names in a directory. The lock is held.
func (d *disk) list(dir string) map[string]bool {
	if names, ok := d.dirs[dir]; ok {
		return names
	}
	names := map[string]bool{}
	entries, _ := os.ReadDir(dir) // a directory that cannot be read holds nothing that can be imported
	for _, e := range entries {
		isDir := e.IsDir()
		if e.Type()&os.ModeSymlink != 0 {
			if info, err := os.Stat(filepath.Join(dir, e.Name())); err == nil && info.IsDir() {
				if isDir = d.within(dir, e.Name()); !isDir {
					continue
				}
			}
		}
		names[e.Name()] = isDir
	}
	d.dirs[dir] = names
	return names
}

// within reports whether a symbolic link in a directory leads to a directory of the same project: below the workspace's root or the
// repository's, or below the link's own directory. What lies elsewhere is not the project's.
func (d *disk) within(dir, name string) bool {
	to, err := filepath.EvalSymlinks(filepath.Join(dir, name))
	if err != nil {
		return false
	}
	tops := []string{d.root, dir}
	for at := dir; filepath.Dir(at) != at; at = filepath.Dir(at) {
		if exists(filepath.Join(at, ".git")) {
			tops = append(tops, at)
			break
		}
	}
	return slices.ContainsFunc(tops, func(top string) bool {
		real, err := filepath.EvalSymlinks(top)
		if err != nil {
			return false
		}
		rel, err := filepath.Rel(real, to)
		return err == nil && filepath.IsLocal(rel)
	})
}

// frameworkNames are the packages whose functions the tables of package torch know.
var frameworkNames = map[string]bool{
	"torch": true, "accelerate": true, "lightning": true, "pytorch_lightning": true, "lightning_fabric": true, "deepspeed": true,
	"transformers": true, "apex": true, "ignite": true, "fairscale": true,
}

// foreign are the standard library's modules and the best known libraries that a directory further up does not stand for, though
// it may be called the same.
var foreign = func() map[string]bool {
	out := map[string]bool{}
	for _, name := range strings.Fields(`abc argparse array ast asyncio base64 bisect builtins bz2 calendar cmath code codecs collections
		concurrent configparser contextlib copy csv ctypes dataclasses datetime decimal difflib dis email enum errno fcntl fnmatch fractions
		functools gc getpass glob gzip hashlib heapq html http importlib inspect io itertools json keyword locale logging lzma math
		mimetypes multiprocessing numbers operator os pathlib pdb pickle pkgutil platform pprint profile queue random re resource
		sched secrets select shelve shlex shutil signal site socket sqlite3 ssl stat statistics string struct subprocess sys sysconfig
		tarfile tempfile test textwrap threading time timeit token tokenize traceback types typing unittest urllib uuid warnings weakref
		xml zipfile zlib torchvision torchaudio numpy scipy pandas matplotlib PIL cv2 sklearn tqdm yaml`) {
		out[name] = true
	}
	return out
}()
