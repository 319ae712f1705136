package server

import (
	"fmt"
	"path/filepath"
	"strings"

	"go.lsp.dev/uri"
)

// filePath is the path of a file URI. One that names no file has none: text without a scheme, which the library takes for the root of
// the disk.
func filePath(u uri.URI) (string, bool) {
	const scheme = "file"
	if len(u) <= len(scheme) || !strings.EqualFold(string(u[:len(scheme)+1]), scheme+":") {
		return "", false
	}
	parsed, err := uri.Parse(string(u))
	if err != nil || parsed.Scheme() != scheme || !namesFile(parsed.FsPath()) {
		return "", false
	}
	return parsed.FsPath(), true
}

// namesFile reports whether a path can be that of a file or of a folder to work in. The root of the disk is neither.
func namesFile(path string) bool {
	clean := filepath.Clean(path)
	return path != "" && !strings.ContainsRune(path, 0) && filepath.Dir(clean) != clean
}

// namesDocument fails for a URI that can be that of no document: neither of a file, nor of something that is none, as untitled:1 is.
func namesDocument(u uri.URI) error {
	parsed, err := uri.ParseStrict(string(u))
	if _, isFile := filePath(u); err == nil && (isFile || parsed.Scheme() != "file") {
		return nil
	}
	return fmt.Errorf("the URI %q names no document", u)
}
