package training

import (
	"bytes"

	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
	"github.com/ckpt-lsp/ckpt-lsp/internal/pysem"
	"github.com/ckpt-lsp/ckpt-lsp/internal/torch"
)

// TorchBelow is the first release of torch that the program cannot run with, because a module that it imports is gone, or because it
// takes an element of a loss; ok is false where none is known. Imports that something else can take the place of, in a try or under a
// condition, do not count.
func (f *File) TorchBelow() (first torch.Version, ok bool) {
	if f.torchBelow == nil {
		first = f.findTorchBelow()
		f.torchBelow = &first
	}
	return *f.torchBelow, *f.torchBelow != torch.Version{}
}

func (f *File) findTorchBelow() (first torch.Version) {
	for _, m := range f.involved() {
		if indexesLoss(m) {
			return torch.IndexingScalars
		}
		for _, name := range m.Imports {
			v, gone := torch.RemovedIn(name)
			if !gone || first != (torch.Version{}) && !v.Before(first) {
				continue
			}
			if importsAlways(m.Tree.Root(), v) {
				first = v
			}
		}
	}
	return first
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

// indexesLoss reports whether a function takes `loss.data[0]` of what it also calls backward() of without a gradient, which only scalars
// allow.
func indexesLoss(m *pysem.Module) bool {
	if !bytes.Contains(m.Tree.Source(), []byte(".data[0]")) {
		return false
	}
	for _, fn := range m.Funcs {
		for _, call := range fn.Calls {
			method := call.Child(pyast.FieldFunction)
			loss := method.Child(pyast.FieldObject)
			if !method.Child(pyast.FieldAttribute).TextIs("backward") || !loss.Is(pyast.KindIdentifier) {
				continue
			}
			element := loss.Text() + ".data[0]"
			for n := range fn.Body.Descendants() {
				if n.Is(pyast.KindSubscript) && n.TextIs(element) {
					return true
				}
			}
		}
	}
	return false
}
