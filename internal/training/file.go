// Package training turns names and values into the domain's facts: save sites, load sites, training loops, tracked objects,
// rank guards, seeds.
package training

import "github.com/ckpt-lsp/ckpt-lsp/internal/pyast"

// File holds the training facts of one Python file.
type File struct {
	// Path is as the caller named it.
	Path string
	Tree *pyast.Tree
}

// Analyze reads the facts of one file.
func Analyze(path string, tree *pyast.Tree) *File { return &File{Path: path, Tree: tree} }
