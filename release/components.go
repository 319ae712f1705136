package main

import (
	"bytes"
	"debug/buildinfo"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/CycloneDX/cyclonedx-go"
)

// component is one of those that a binary is made of.
type component struct {
	name, version, purl string
	// files hold its licence.
	files []string
	// spdx are the licences by their SPDX identifiers.
	spdx []string
}

// licenses are what is recognised in a licence's text, with its SPDX identifier. A binary with a licence that is not among them is not released.
var licenses = []struct {
	spdx string
	text *regexp.Regexp
}{
	{"Unlicense", regexp.MustCompile(`This is free and unencumbered software released into the public domain`)},
	{"ZPL-2.1", regexp.MustCompile(`Zope Public License`)},
	{"FTL", regexp.MustCompile(`The FreeType Project LICENSE`)},
	{"OFL-1.1", regexp.MustCompile(`SIL OPEN FONT LICENSE Version 1\.1`)},
	{"CC-BY-4.0", regexp.MustCompile(`Creative Commons Attribution 4\.0`)},
	{"Apache-2.0", regexp.MustCompile(`Apache License\s+Version 2\.0`)},
	{"MIT", regexp.MustCompile(`(?i)Permission is hereby granted, free of\s+charge`)},
	{"BSD-3-Clause", regexp.MustCompile(`Redistribution and use in source and binary forms[\s\S]*(Neither|nor) the name`)},
	{"BSD-2-Clause", regexp.MustCompile(`Redistribution and use in source and binary forms`)},
}

// components are the licences of all that is in a binary; it writes the list of it as a CycloneDX file.
func (r *release) components(b built) ([]byte, error) {
	found, err := r.contents(b)
	if err != nil {
		return nil, err
	}
	var notice bytes.Buffer
	fmt.Fprint(&notice, "ckpt-lsp is made with the software named here, under these licences.\n")
	for i, c := range found {
		fmt.Fprintf(&notice, "\n%s\n%s %s\n\n", strings.Repeat("-", 80), c.name, c.version)
		for _, file := range c.files {
			text, err := os.ReadFile(file)
			if err != nil {
				return nil, err
			}
			spdx := recognised(text)
			if spdx == "" && len(c.files) == 1 {
				return nil, fmt.Errorf("%s: the licence in %s is none that is known; add it to licenses", c.name, filepath.Base(file))
			}
			if spdx != "" && !slices.Contains(found[i].spdx, spdx) {
				found[i].spdx = append(found[i].spdx, spdx)
			}
			notice.Write(append(bytes.TrimSpace(text), '\n'))
		}
	}
	return notice.Bytes(), r.writeComponents(b.name, b.binaryName()+" for "+b.name, b.binary, found)
}

func recognised(license []byte) string {
	for _, l := range licenses {
		if l.text.Match(license) {
			return l.spdx
		}
	}
	return ""
}

// contents are what a binary is made of: the modules that it names itself, Go's library, and the C code that zig adds.
func (r *release) contents(b built) ([]component, error) {
	info, err := buildinfo.Read(bytes.NewReader(b.binary))
	if err != nil {
		return nil, err
	}
	modules := map[string]string{} // their folders by path
	args := []string{"list", "-m", "-json"}
	for _, m := range info.Deps {
		args = append(args, m.Path)
	}
	listed, err := exec.Command("go", args...).Output()
	if err != nil {
		return nil, fmt.Errorf("go list: %w", err)
	}
	for d := json.NewDecoder(bytes.NewReader(listed)); ; {
		var m struct{ Path, Dir string }
		if err := d.Decode(&m); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return nil, err
		}
		modules[m.Path] = m.Dir
	}
	goroot, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		return nil, err
	}
	out := []component{{name: "Go's standard library", version: strings.TrimPrefix(info.GoVersion, "go"), purl: "pkg:golang/std@" + strings.TrimPrefix(info.GoVersion, "go"),
		files: []string{filepath.Join(strings.TrimSpace(string(goroot)), "LICENSE")}}}
	for _, m := range info.Deps {
		files, err := licenseFiles(modules[m.Path])
		if err != nil {
			return nil, fmt.Errorf("%s: %w", m.Path, err)
		}
		out = append(out, component{name: m.Path, version: m.Version, purl: "pkg:golang/" + m.Path + "@" + m.Version, files: files})
	}
	// The parser's runtime is C code in a module of other authors, which has no copy of its licence; the grammar, by the same author, has.
	grammar, err := licenseFiles(modules["github.com/tree-sitter/tree-sitter-python"])
	if err != nil {
		return nil, err
	}
	out = append(out, component{name: "tree-sitter", version: "as in go-tree-sitter", purl: "pkg:github/tree-sitter/tree-sitter", files: grammar})
	zig, err := r.zigFiles(b.goos)
	return append(out, zig...), err
}

// licenseFiles are the files of a module that hold its licence.
func licenseFiles(dir string) ([]string, error) {
	var out []string
	for _, pattern := range []string{"LICEN[CS]E*", "License*", "COPYING*", "NOTICE*", "licenses/ftl.txt"} {
		found, err := filepath.Glob(filepath.Join(dir, pattern))
		if err != nil {
			return nil, err
		}
		out = append(out, found...)
	}
	if len(out) == 0 {
		return nil, errors.New("it has no file with a licence")
	}
	return out, nil
}

// zigFiles are the libraries of C that zig links into a binary for an operating system.
func (r *release) zigFiles(goos string) ([]component, error) {
	command := strings.Fields(r.zig)
	version, err := exec.Command(command[0], append(command[1:], "version")...).Output()
	if err != nil {
		return nil, fmt.Errorf("%s version: %w", r.zig, err)
	}
	env, err := exec.Command(command[0], append(command[1:], "env")...).Output()
	if err != nil {
		return nil, fmt.Errorf("%s env: %w", r.zig, err)
	}
	lib := regexp.MustCompile(`"?lib_dir"?\s*[=:]\s*"([^"]+)"`).FindSubmatch(env)
	if lib == nil {
		return nil, fmt.Errorf("%s env tells no lib_dir", r.zig)
	}
	dir, v := string(lib[1]), strings.TrimSpace(string(version))
	out := []component{{name: "compiler-rt of zig", version: v, purl: "pkg:generic/zig@" + v, files: []string{filepath.Join(filepath.Dir(dir), "LICENSE")}}}
	switch goos {
	case "linux":
		out = append(out, component{name: "musl of zig", version: v, purl: "pkg:generic/musl", files: []string{filepath.Join(dir, "libc/musl/COPYRIGHT")}})
	case "windows":
		out = append(out, component{name: "mingw-w64 of zig", version: v, purl: "pkg:generic/mingw-w64", files: []string{filepath.Join(dir, "libc/mingw/COPYING")}})
	}
	return out, nil
}

// extensionComponents writes the list of what the extension of VS Code is bundled with, beside a server.
func (r *release) extensionComponents() error {
	data, err := os.ReadFile("editors/vscode/dist/packages.json")
	if err != nil {
		return err
	}
	var packages []struct{ Name, Version, License string }
	if err := json.Unmarshal(data, &packages); err != nil {
		return err
	}
	var found []component
	for _, p := range packages {
		found = append(found, component{name: p.Name, version: p.Version, purl: "pkg:npm/" + p.Name + "@" + p.Version, spdx: []string{p.License}})
	}
	extension, err := os.ReadFile("editors/vscode/dist/extension.js")
	if err != nil {
		return err
	}
	return r.writeComponents("vscode", "extension.js of the extension of VS Code", extension, found)
}

// writeComponents writes the list of components of a file of the release.
func (r *release) writeComponents(name, description string, file []byte, found []component) error {
	sum := sha256Hex(file)
	bom := cyclonedx.NewBOM()
	bom.SerialNumber = fmt.Sprintf("urn:uuid:%s-%s-4%s-a%s-%s", sum[:8], sum[8:12], sum[12:15], sum[15:18], sum[18:30]) // the same for the same binary
	ref := "pkg:golang/github.com/ckpt-lsp/ckpt-lsp@v" + r.version.semver()
	bom.Metadata = &cyclonedx.Metadata{Timestamp: r.date.Format("2006-01-02T15:04:05Z"), Component: &cyclonedx.Component{
		BOMRef: ref, Type: cyclonedx.ComponentTypeApplication, Name: "ckpt-lsp", Version: r.version.semver(), PackageURL: ref,
		Description: description, Licenses: spdxLicenses([]string{"MIT"}),
		Hashes: &[]cyclonedx.Hash{{Algorithm: cyclonedx.HashAlgoSHA256, Value: sum}},
	}}
	var components []cyclonedx.Component
	var refs []string
	for _, c := range found {
		components = append(components, cyclonedx.Component{BOMRef: c.purl, Type: cyclonedx.ComponentTypeLibrary, Name: c.name, Version: c.version,
			PackageURL: c.purl, Licenses: spdxLicenses(c.spdx)})
		refs = append(refs, c.purl)
	}
	bom.Components = &components
	bom.Dependencies = &[]cyclonedx.Dependency{{Ref: ref, Dependencies: &refs}}
	var out bytes.Buffer
	if err := cyclonedx.NewBOMEncoder(&out, cyclonedx.BOMFileFormatJSON).SetPretty(true).EncodeVersion(bom, cyclonedx.SpecVersion1_6); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(r.out, "ckpt-lsp-"+name+".cdx.json"), out.Bytes(), 0o644)
}

func spdxLicenses(ids []string) *cyclonedx.Licenses {
	var out cyclonedx.Licenses
	for _, id := range ids {
		out = append(out, cyclonedx.LicenseChoice{License: &cyclonedx.License{ID: id}})
	}
	return &out
}
