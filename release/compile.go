package main

import (
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// compile builds the binary of a platform, with zig as the C compiler.
func (r *release) compile(t target) (b built, err error) {
	b = built{target: t, path: filepath.Join(r.out, "bin", t.name, t.binaryName())}
	cc := r.zig + " cc -target " + t.zig
	// Go's own build ID would tell of the folders that this is built in, and no two builds would be the same.
	flags := fmt.Sprintf("-s -w -buildid=ckpt-lsp/%[1]s -X main.release=%[1]s", r.version.semver())
	switch t.goos {
	case "linux":
		flags += " -linkmode external -extldflags -static" // one that runs on every Linux
	case "darwin":
		stubs := filepath.Join(r.out, "bin", "macos")
		if err := writeStubs(stubs); err != nil {
			return b, err
		}
		flags += fmt.Sprintf(" -linkmode external -extldflags '-F%s -L%s'", stubs, stubs)
	}
	cmd := exec.Command("go", "build", "-trimpath", "-buildvcs=auto", "-tags", "netgo,osusergo", "-ldflags", flags, "-o", b.path, "./cmd/ckpt-lsp")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=1", "GOOS="+t.goos, "GOARCH="+t.goarch, "CC="+cc)
	cmd.Stderr = os.Stderr
	if err := cmd.Run(); err != nil {
		return b, err
	}
	if b.binary, err = os.ReadFile(b.path); err != nil {
		return b, err
	}
	if b.notice, err = r.components(b); err != nil {
		return b, err
	}
	return b, os.WriteFile(filepath.Join(filepath.Dir(b.path), "NOTICE"), b.notice, 0o644)
}

// imported is a symbol that Go's libraries take from a library of macOS.
var imported = regexp.MustCompile(`(?m)^//go:cgo_import_dynamic \S+ (\S+) "(/System/Library/Frameworks/\S+|/usr/lib/libresolv\S+)"`)

// writeStubs writes the libraries of macOS that zig does not bring as text stubs, which a linker needs in their place: for each, the
// names that Go's own libraries say they take from it.
func writeStubs(dir string) error {
	root, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		return err
	}
	symbols := map[string][]string{}
	source := filepath.Join(strings.TrimSpace(string(root)), "src")
	err = filepath.WalkDir(source, func(file string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || path.Ext(file) != ".go" {
			if d != nil && (d.Name() == "cmd" || d.Name() == "testdata") {
				return fs.SkipDir
			}
			return err
		}
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		for _, m := range imported.FindAllSubmatch(text, -1) {
			library, name := string(m[2]), "_"+string(m[1])
			if !slices.Contains(symbols[library], name) {
				symbols[library] = append(symbols[library], name)
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	for library, names := range symbols {
		slices.Sort(names)
		file := filepath.Join(dir, "libresolv.tbd")
		if base := path.Base(library); strings.Contains(library, ".framework/") {
			file = filepath.Join(dir, base+".framework", base+".tbd")
		}
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			return err
		}
		stub := fmt.Sprintf("--- !tapi-tbd\ntbd-version: 4\ntargets: [ x86_64-macos, arm64-macos ]\ninstall-name: '%s'\nexports:\n"+
			"  - targets: [ x86_64-macos, arm64-macos ]\n    symbols: [ %s ]\n...\n", library, strings.Join(names, ", "))
		if err := os.WriteFile(file, []byte(stub), 0o644); err != nil {
			return err
		}
	}
	return nil
}
