package server

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"go.lsp.dev/protocol"

	"github.com/ckpt-lsp/ckpt-lsp/internal/notebook"
	"github.com/ckpt-lsp/ckpt-lsp/internal/project"
)

// folder is one of the client's workspace folders in a snapshot. Each has a configuration and settings of its own; open documents
// are part of the program of every folder, because folders may lie in each other.
type folder struct {
	workspace *project.Workspace
	rooted    bool // the client works in it; else it stands for wherever an open file lies
	settings  settings
	program   *project.Program
	// index and files are shared by the snapshots until the configuration or the names on the disk change.
	index *project.Index
	files *listing
}

func newFolder(root string, rooted bool, chosen settings) *folder {
	f := &folder{rooted: rooted, settings: chosen}
	f.workspace = project.NewWorkspaceWith(root, chosen.overrides(root))
	f.program = project.NewProgram(f.workspace)
	f.forget()
	return f
}

// forget leaves everything to be found anew.
func (f *folder) forget() { f.index, f.files = project.NewIndex(f.workspace), &listing{} }

// choose takes settings, where they are others than before.
func (f *folder) choose(chosen settings) {
	if f.settings.equal(chosen) {
		return
	}
	f.settings = chosen
	f.workspace = project.NewWorkspaceWith(f.workspace.Root(), chosen.overrides(f.workspace.Root()))
	f.forget()
}

// holds reports whether a path lies in the folder.
func (f *folder) holds(path string) bool {
	root := f.workspace.Root()
	return f.rooted && (path == root || strings.HasPrefix(path, strings.TrimSuffix(root, string(filepath.Separator))+string(filepath.Separator)))
}

// listing is what discovery finds in a folder. It is made once, when first asked for.
type listing struct {
	once     sync.Once
	paths    []string
	declined atomic.Bool // the user called off looking at them
}

// in gives the Python files below the folder's root, as check takes them. Notebooks are left out: a closed one has no cells that
// the client could show a finding in, and tells of itself alone.
func (l *listing) in(w *project.Workspace) []string {
	l.once.Do(func() {
		paths, _, _ := w.Files([]string{w.Root()})
		l.paths = slices.DeleteFunc(paths, notebook.Is)
	})
	return l.paths
}

// files are those that discovery finds in a folder, without those of a folder within it.
func (v *view) files(f *folder) []string {
	if !f.rooted {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(f.files.in(f.workspace)), func(path string) bool { return v.folder(path) != f })
}

// foldersOf are the folders that the client works in; one that is not rooted, in the working directory, where it names none.
func foldersOf(p *protocol.InitializeParams, chosen settings) []*folder {
	var out []*folder
	folders, _ := p.WorkspaceFolders.Get()
	for _, f := range folders {
		if path, ok := filePath(f.URI); ok {
			out = append(out, newFolder(path, true, chosen))
		}
	}
	if len(out) > 0 {
		return out
	}
	//lint:ignore SA1019 clients without workspace folders send it
	if p.RootURI != nil {
		//lint:ignore SA1019 as above
		if path, ok := filePath(*p.RootURI); ok {
			return []*folder{newFolder(path, true, chosen)}
		}
	}
	//lint:ignore SA1019 the oldest clients send nothing else
	if path, ok := p.RootPath.Get(); ok && path != "" {
		return []*folder{newFolder(path, true, chosen)}
	}
	return []*folder{noFolder(chosen)}
}

// noFolder stands for the folders of a client that has none open.
func noFolder(chosen settings) *folder {
	dir, err := os.Getwd()
	if err != nil {
		dir = "."
	}
	return newFolder(dir, false, chosen)
}
