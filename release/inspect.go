package main

import (
	"bytes"
	"crypto/sha256"
	"debug/buildinfo"
	"debug/elf"
	"debug/macho"
	"debug/pe"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// inspect reads back all that was written and refuses what is not as it must be.
func (r *release) inspect(binaries []built, t texts, extension bool) error {
	for _, b := range binaries {
		for _, look := range []func(built) error{inspectBinary, r.inspectWheel, r.inspectNpm} {
			if err := look(b); err != nil {
				return fmt.Errorf("%s: %w", b.name, err)
			}
		}
		found, err := r.read(b.archiveName())
		if err == nil {
			err = same(found, r.archiveEntries(b, t))
		}
		if err != nil {
			return fmt.Errorf("%s: %w", b.archiveName(), err)
		}
		if extension {
			for _, platform := range b.extensions {
				if err := r.inspectExtension(b, platform); err != nil {
					return fmt.Errorf("%s: %w", extensionName(platform), err)
				}
			}
		}
	}
	return r.inspectLauncher()
}

// same compares what a package holds with what was put in.
func same(found, want []entry) error {
	for i, w := range want {
		if i >= len(found) || found[i].name != w.name || found[i].exec != w.exec || !bytes.Equal(found[i].data, w.data) {
			return fmt.Errorf("%s is missing or not what was put in", w.name)
		}
	}
	if len(found) != len(want) {
		return fmt.Errorf("%d files, expected %d", len(found), len(want))
	}
	return nil
}

// systemLibraries are the only ones that a binary may need, by operating system: they belong to it.
var systemLibraries = map[string][]string{
	"darwin": {
		"/usr/lib/libSystem.B.dylib", "/usr/lib/libresolv.9.dylib", "/System/Library/Frameworks/CoreFoundation.framework/Versions/A/CoreFoundation",
		"/System/Library/Frameworks/Security.framework/Versions/A/Security",
	},
	"windows": {"kernel32.dll", "ntdll.dll", "advapi32.dll", "ws2_32.dll", "bcryptprimitives.dll", "api-ms-win-crt-"},
}

// inspectBinary looks at the format, the processor, and the libraries that a binary needs.
func inspectBinary(b built) error {
	info, err := buildinfo.Read(bytes.NewReader(b.binary))
	if err != nil {
		return err
	}
	if info.Path != "github.com/ckpt-lsp/ckpt-lsp/cmd/ckpt-lsp" {
		return fmt.Errorf("the binary is %s", info.Path)
	}
	looks := map[string]func([]byte) (machine string, libraries []string, err error){"linux": inspectELF, "darwin": inspectMachO, "windows": inspectPE}
	machine, libraries, err := looks[b.goos](b.binary)
	if err != nil {
		return err
	}
	if machine != b.goarch {
		return fmt.Errorf("the binary is for %s", machine)
	}
	for _, library := range libraries {
		if !slices.ContainsFunc(systemLibraries[b.goos], func(known string) bool { return strings.HasPrefix(strings.ToLower(library), strings.ToLower(known)) }) {
			return fmt.Errorf("the binary needs %s", library)
		}
	}
	return nil
}

func inspectELF(data []byte) (machine string, libraries []string, err error) {
	f, err := elf.NewFile(bytes.NewReader(data))
	if err != nil {
		return "", nil, err
	}
	for _, p := range f.Progs {
		if p.Type == elf.PT_INTERP {
			return "", nil, errors.New("the binary is not static")
		}
	}
	libraries, err = f.ImportedLibraries()
	return map[elf.Machine]string{elf.EM_X86_64: "amd64", elf.EM_AARCH64: "arm64"}[f.Machine], libraries, err
}

func inspectPE(data []byte) (machine string, libraries []string, err error) {
	f, err := pe.NewFile(bytes.NewReader(data))
	if err != nil {
		return "", nil, err
	}
	symbols, err := f.ImportedSymbols() // ImportedLibraries tells none
	for _, s := range symbols {
		if _, library, ok := strings.Cut(s, ":"); ok && !slices.Contains(libraries, library) {
			libraries = append(libraries, library)
		}
	}
	return map[uint16]string{pe.IMAGE_FILE_MACHINE_AMD64: "amd64", pe.IMAGE_FILE_MACHINE_ARM64: "arm64"}[f.Machine], libraries, err
}

func inspectMachO(data []byte) (machine string, libraries []string, err error) {
	f, err := macho.NewFile(bytes.NewReader(data))
	if err != nil {
		return "", nil, err
	}
	if libraries, err = f.ImportedLibraries(); err != nil {
		return "", nil, err
	}
	machine = map[macho.Cpu]string{macho.CpuAmd64: "amd64", macho.CpuArm64: "arm64"}[f.Cpu]
	signed := false
	for _, l := range f.Loads {
		raw := l.Raw()
		switch f.ByteOrder.Uint32(raw) {
		case 0x1d: // LC_CODE_SIGNATURE
			at, size := f.ByteOrder.Uint32(raw[8:]), f.ByteOrder.Uint32(raw[12:])
			if err := checkSignature(data, data[at:at+size]); err != nil {
				return "", nil, fmt.Errorf("signature: %w", err)
			}
			signed = true
		case 0x32: // LC_BUILD_VERSION
			if oldest := f.ByteOrder.Uint32(raw[12:]); oldest>>16 != 12 {
				return "", nil, fmt.Errorf("the binary needs macOS %d", oldest>>16)
			}
		}
	}
	if !signed && machine == "arm64" {
		return "", nil, errors.New("the binary is not signed; a Mac with an ARM processor would kill it")
	}
	return machine, libraries, nil
}

// checkSignature compares the hashes of an ad-hoc signature with the pages of the file.
func checkSignature(file, signature []byte) error {
	big := binary.BigEndian
	for i := range big.Uint32(signature[8:]) { // the blobs of the SuperBlob
		directory := signature[big.Uint32(signature[12+8*i+4:]):]
		if big.Uint32(directory) != 0xfade0c02 { // CodeDirectory
			continue
		}
		hashes, slots, limit := big.Uint32(directory[16:]), big.Uint32(directory[28:]), big.Uint32(directory[32:])
		size, kind, page := uint32(directory[36]), directory[37], uint32(1)<<directory[39]
		if size != sha256.Size || kind != 2 {
			return fmt.Errorf("hashes of kind %d", kind)
		}
		if slots != (limit+page-1)/page {
			return fmt.Errorf("%d pages, expected %d", slots, (limit+page-1)/page)
		}
		for n := range slots {
			sum := sha256.Sum256(file[n*page : min((n+1)*page, limit)])
			if !bytes.Equal(sum[:], directory[hashes+n*size:][:size]) {
				return fmt.Errorf("page %d is not what was signed", n)
			}
		}
		return nil
	}
	return errors.New("it has no code directory")
}

// inspectWheel looks at the tags, the entry point and the hashes of a wheel.
func (r *release) inspectWheel(b built) error {
	files, err := r.read(b.wheelName(r.version))
	if err != nil {
		return err
	}
	name := "ckpt_lsp-" + r.version.python()
	info := name + ".dist-info/"
	byName := map[string]entry{}
	for _, f := range files {
		byName[f.name] = f
	}
	script := byName[name+".data/scripts/"+b.binaryName()]
	if !script.exec || !bytes.Equal(script.data, b.binary) {
		return errors.New("wheel: the script is not the binary")
	}
	if got, want := string(byName[info+"WHEEL"].data), string(wheelFile(b.tags)); got != want {
		return fmt.Errorf("wheel: WHEEL says\n%s", got)
	}
	metadata, _, _ := strings.Cut(string(byName[info+"METADATA"].data), "\n\n")
	for _, field := range []string{"\nName: ckpt-lsp\n", "\nVersion: " + r.version.python() + "\n", "\nLicense-Expression: MIT\n"} {
		if !strings.Contains(metadata, field) {
			return fmt.Errorf("wheel: METADATA lacks %q", strings.TrimSpace(field))
		}
	}
	record := string(byName[info+"RECORD"].data)
	for _, f := range files {
		line := fmt.Sprintf("%s,%s,%d\n", f.name, recordHash(f.data), len(f.data))
		if f.name == info+"RECORD" {
			line = f.name + ",,\n"
		}
		if !strings.Contains(record, line) {
			return fmt.Errorf("wheel: RECORD lacks %s", strings.TrimSpace(line))
		}
	}
	return nil
}

// inspectNpm looks at whom npm installs a platform's package for, and at its binary.
func (r *release) inspectNpm(b built) error {
	files, err := r.read(b.npmFile(r.version))
	if err != nil {
		return err
	}
	var p npmPackage
	if err := json.Unmarshal(files[0].data, &p); err != nil {
		return err
	}
	if p.Name != b.npmName() || p.Version != r.version.semver() || !slices.Equal(p.OS, []string{b.node}) || !slices.Equal(p.CPU, []string{b.cpu()}) {
		return fmt.Errorf("npm: package.json says %s", files[0].data)
	}
	if f := files[1]; f.name != "package/bin/"+b.binaryName() || !f.exec || !bytes.Equal(f.data, b.binary) {
		return errors.New("npm: the package lacks the binary")
	}
	return nil
}

// inspectLauncher looks at the npm package that people install.
func (r *release) inspectLauncher() error {
	files, err := r.read(r.npmMainFile())
	if err != nil {
		return err
	}
	var p npmPackage
	if err := json.Unmarshal(files[0].data, &p); err != nil {
		return err
	}
	if len(p.OptionalDependencies) != len(targets) {
		return fmt.Errorf("npm: %d platforms, expected %d", len(p.OptionalDependencies), len(targets))
	}
	if f := files[1]; f.name != "package/"+p.Bin["ckpt-lsp"] || !f.exec {
		return errors.New("npm: the package lacks what starts the binary")
	}
	return nil
}

// inspectExtension looks for the binary, the version and the platform in an extension.
func (r *release) inspectExtension(b built, platform string) error {
	data, err := os.ReadFile(filepath.Join(r.out, extensionName(platform)))
	if err != nil {
		return err
	}
	files, err := readZip(data)
	if err != nil {
		return err
	}
	some := func(data []byte) bool { return len(data) > 0 }
	wanted := map[string]func([]byte) bool{
		"extension/bundled/bin/" + b.binaryName(): func(data []byte) bool { return bytes.Equal(data, b.binary) },
		"extension/bundled/NOTICE":                func(data []byte) bool { return bytes.Equal(data, b.notice) },
		"extension/dist/extension.js":             some, "extension/dist/NOTICE": some, "extension/LICENSE.txt": some,
		"extension/readme.md": r.showsPictures,
		"extension.vsixmanifest": func(data []byte) bool {
			return bytes.Contains(data, fmt.Appendf(nil, `Version="%s"`, r.version.numbers)) && bytes.Contains(data, fmt.Appendf(nil, `TargetPlatform="%s"`, platform))
		},
	}
	for _, f := range files {
		if holds, ok := wanted[f.name]; ok {
			if !holds(f.data) {
				return fmt.Errorf("%s is not what it must be", f.name)
			}
			delete(wanted, f.name)
		}
	}
	for name := range wanted {
		return fmt.Errorf("%s is missing", name)
	}
	return nil
}

// showsPictures reports whether the pictures of an extension's page are files of the repository, at the tag.
func (r *release) showsPictures(page []byte) bool {
	shown := false
	for _, m := range relativeLink.FindAllSubmatch(page, -1) {
		if len(m[1]) == 0 {
			continue
		}
		shown = true
		file, within := strings.CutPrefix(string(m[3]), r.version.extensionFile("raw"))
		if _, err := os.Stat(filepath.Join(extensionFolder, filepath.FromSlash(file))); !within || err != nil {
			return false
		}
	}
	return shown
}
