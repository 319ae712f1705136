// Package codeactions writes the fixes: each remedy type of package diagnostics has one writer here, which turns it into edits
// in the file's own style.
package codeactions

import (
	"github.com/ckpt-lsp/ckpt-lsp/diagnostics"
	"github.com/ckpt-lsp/ckpt-lsp/internal/text"
)

// Fix is one thing a user can apply.
type Fix struct {
	// Title is imperative and short: "Complete this checkpoint".
	Title string
	// Applicability says who may apply it. Why says, for an unsafe fix, what may change.
	Applicability diagnostics.Applicability
	Why           string
	// Edits are grouped by file; spans of one file do not overlap and refer to its present text.
	Edits []FileEdits
	// Resolves are the indices, into the diagnostics the fix was asked for, that it clears.
	Resolves []int
	// Preferred marks the fix an editor applies without asking.
	Preferred bool
}

// FileEdits are the edits to one file; an empty Path is the file the fix was asked for.
type FileEdits struct {
	Path  string
	Edits []text.Edit
}
