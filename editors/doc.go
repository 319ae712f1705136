// Package editors holds what a person copies to use ckpt-lsp in an editor, and the tests that run the real editors with these
// very files, through the recording proxy of internal/lsptest.
package editors
