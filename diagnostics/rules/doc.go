// Package rules holds the rules, one file each: its documentation, its trigger and what it reports. Import it for its side
// effect: every rule registers itself with package diagnostics.
package rules

import "embed"

// Sources are the rules' own files, from whose doc comments the rule documentation is made.
//
//go:embed ckp*.go
var Sources embed.FS
