package training

import (
	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
	"github.com/ckpt-lsp/ckpt-lsp/internal/torch"
)

// TorchBelow is the first release of torch that the program cannot run with, because a module that it imports is gone; ok is false
// where none is known. Imports that something else can take the place of, in a try or under a condition, do not count.
func (f *File) TorchBelow() (first torch.Version, ok bool) {
	for _, m := range f.involved() {
		for _, name := range m.Imports {
			v, gone := torch.RemovedIn(name)
			if !gone || ok && !v.Before(first) {
				continue
			}
			if importsAlways(m.Tree.Root(), v) {
				first, ok = v, true
			}
		}
	}
	return first, ok
}

// importsAlways reports whether a statement of the module itself, under no condition, imports what is gone in a release.
func importsAlways(module pyast.Node, v torch.Version) bool {
	for stmt := range module.Children() {
		if !stmt.Is(pyast.KindImportStatement, pyast.KindImportFromStatement) {
			continue
		}
		for n := range stmt.Descendants() {
			if n.Kind() != pyast.KindDottedName {
				continue
			}
			if gone, ok := torch.RemovedIn(n.Text()); ok && gone == v {
				return true
			}
		}
	}
	return false
}
