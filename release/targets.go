package main

import (
	"fmt"
	"strings"
)

// target is a platform that packages are made for.
type target struct {
	// name is the platform as archives are named after it; node is Node's name of the operating system, as npm and VS Code have it.
	name, node   string
	goos, goarch string
	// zig is what zig calls the platform.
	zig string
	// tags are the wheel's tags.
	tags []string
	// extensions are the platforms of VS Code that the binary runs on.
	extensions []string
}

// The static binary needs no C library, so its wheel fits systems with musl as well as those with glibc. macOS 12 is what Go needs.
var targets = []target{
	{"linux-x64", "linux", "linux", "amd64", "x86_64-linux-musl", []string{"manylinux2014_x86_64", "manylinux_2_17_x86_64", "musllinux_1_1_x86_64"}, []string{"linux-x64", "alpine-x64"}},
	{"linux-arm64", "linux", "linux", "arm64", "aarch64-linux-musl", []string{"manylinux2014_aarch64", "manylinux_2_17_aarch64", "musllinux_1_1_aarch64"}, []string{"linux-arm64", "alpine-arm64"}},
	{"darwin-x64", "darwin", "darwin", "amd64", "x86_64-macos.12.0", []string{"macosx_12_0_x86_64"}, []string{"darwin-x64"}},
	{"darwin-arm64", "darwin", "darwin", "arm64", "aarch64-macos.12.0", []string{"macosx_12_0_arm64"}, []string{"darwin-arm64"}},
	{"windows-x64", "win32", "windows", "amd64", "x86_64-windows-gnu", []string{"win_amd64"}, []string{"win32-x64"}},
	{"windows-arm64", "win32", "windows", "arm64", "aarch64-windows-gnu", []string{"win_arm64"}, []string{"win32-arm64"}},
}

func names(ts []target) (out []string) {
	for _, t := range ts {
		out = append(out, t.name)
	}
	return out
}

func find(name string) (target, error) {
	for _, t := range targets {
		if t.name == name {
			return t, nil
		}
	}
	return target{}, fmt.Errorf("unknown platform %q (valid: %s)", name, strings.Join(names(targets), ", "))
}

// cpu is Node's name of the processor.
func (t target) cpu() string { return t.name[strings.LastIndex(t.name, "-")+1:] }

// binaryName is the file name of the binary.
func (t target) binaryName() string {
	if t.goos == "windows" {
		return "ckpt-lsp.exe"
	}
	return "ckpt-lsp"
}

// archiveName is the file name of the archive.
func (t target) archiveName() string {
	if t.goos == "windows" {
		return "ckpt-lsp-" + t.name + ".zip"
	}
	return "ckpt-lsp-" + t.name + ".tar.gz"
}

// npmName is the npm package with the binary.
func (t target) npmName() string { return "@ckpt-lsp/" + t.node + "-" + t.cpu() }

// npmFile is the file name of that package.
func (t target) npmFile(v version) string {
	return fmt.Sprintf("ckpt-lsp-%s-%s-%s.tgz", t.node, t.cpu(), v.semver())
}

// wheelName is the file name of the wheel.
func (t target) wheelName(v version) string {
	return fmt.Sprintf("ckpt_lsp-%s-py3-none-%s.whl", v.python(), strings.Join(t.tags, "."))
}
