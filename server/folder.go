package server

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
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
func (f *folder) forget() { f.index, f.files = project.NewIndex(f.workspace), newListing() }

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

// mostLooked bounds the folders that are looked at as a whole; a home directory has more.
var mostLooked = project.Bounds{Files: 10_000, Bytes: 256 << 20, Names: 500_000}

// listing is what discovery finds in a folder. It is made once, when first asked for, and anew where who asked did not wait for it.
type listing struct {
	turn     chan struct{} // holds one while somebody looks at the rest
	known    bool
	paths    []string
	exceeded bool        // the folder is too large
	declined atomic.Bool // the user called off looking at them
}

func newListing() *listing { return &listing{turn: make(chan struct{}, 1)} }

// in gives the Python files below the folder's root, as check takes them, none where there are too many. Notebooks are left out: a
// closed one has no cells that the client could show a finding in, and tells of itself alone. It fails only with the context.
func (l *listing) in(ctx context.Context, w *project.Workspace) (paths []string, exceeded bool, err error) {
	select {
	case l.turn <- struct{}{}:
	case <-ctx.Done():
		return nil, false, ctx.Err()
	}
	defer func() { <-l.turn }()
	if !l.known {
		paths, exceeded := w.FilesWithin(ctx, mostLooked)
		if ctx.Err() != nil {
			return nil, false, ctx.Err()
		}
		if l.known, l.exceeded = true, exceeded; !exceeded {
			l.paths = slices.DeleteFunc(paths, notebook.Is)
		}
	}
	return l.paths, l.exceeded, nil
}

// files are those that discovery finds in a folder, without those of a folder within it; the open ones alone where there are too many. It
// fails only with the context.
func (v *view) files(ctx context.Context, f *folder) (paths []string, exceeded bool, err error) {
	if !f.rooted {
		return nil, false, nil
	}
	all, exceeded, err := f.files.in(ctx, f.workspace)
	if exceeded {
		return v.open(f), true, nil
	}
	return slices.DeleteFunc(slices.Clone(all), func(path string) bool { return v.folder(path) != f }), false, err
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
	if path, ok := p.RootPath.Get(); ok && namesFile(path) {
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
