// Package lsptest holds what tests of the language server need, of the project's own and of real editors: the check of single
// messages against LSP's meta-model, the check of a whole session that the recording proxy (in lsptest/proxy) has written
// down, and what is known of the editors' own mistakes.
package lsptest
