package project

import "github.com/ckpt-lsp/ckpt-lsp/diagnostics"

// InForce is what holds for the file at path: which rules run and how severe they are, and the torch version that the project
// states. A broken configuration gives the defaults and the error.
func (w *Workspace) InForce(path string) (diagnostics.Options, error) { return w.options(path) }
