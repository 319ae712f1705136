package main

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"text/template"
)

// archiveEntries are what the archive of a platform holds: one folder.
func (r *release) archiveEntries(b built, t texts) []entry {
	dir := "ckpt-lsp-" + b.name + "/"
	return []entry{
		{dir + b.binaryName(), b.binary, true}, {dir + "LICENSE", t.license, false}, {dir + "NOTICE", b.notice, false},
		{dir + "README.md", t.readme, false}, {dir + "CHANGELOG.md", t.changelog, false},
	}
}

func (r *release) archive(b built, t texts) error {
	return r.write(b.archiveName(), r.archiveEntries(b, t))
}

var (
	//go:embed files/Dockerfile
	dockerfile []byte
	//go:embed files/ckpt-lsp.rb
	formulaTemplate string
	//go:embed files/launcher.js
	launcher []byte
)

// container puts the static binaries where the Dockerfile beside them looks for them.
func (r *release) container(b built, t texts) error {
	if b.goos != "linux" {
		return nil
	}
	dir := filepath.Join(r.out, "docker", b.goarch)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, b.binaryName()), b.binary, 0o755); err != nil {
		return err
	}
	for name, data := range map[string][]byte{"LICENSE": t.license, "NOTICE": b.notice} {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o644); err != nil {
			return err
		}
	}
	return os.WriteFile(filepath.Join(r.out, "docker", "Dockerfile"), dockerfile, 0o644)
}

// formula writes the Homebrew formula, where the archives that it names were made.
func (r *release) formula() error {
	sources := map[string]map[string]string{}
	for _, name := range []string{"darwin-x64", "darwin-arm64", "linux-x64", "linux-arm64"} {
		t, err := find(name)
		if err != nil {
			return err
		}
		data, err := os.ReadFile(filepath.Join(r.out, t.archiveName()))
		if os.IsNotExist(err) {
			fmt.Printf("no Homebrew formula: %s is not built\n", name)
			return nil
		}
		if err != nil {
			return err
		}
		sources[t.goos+"_"+t.goarch] = map[string]string{"url": r.version.download(t.archiveName()), "sha256": sha256Hex(data)}
	}
	formula, err := template.New("formula").Parse(formulaTemplate)
	if err != nil {
		return err
	}
	var out bytes.Buffer
	if err := formula.Execute(&out, map[string]any{"version": r.version.semver(), "sources": sources}); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(r.out, "ckpt-lsp.rb"), out.Bytes(), 0o644)
}

// extensions packages the extension of VS Code with the binary.
func (r *release) extensions(b built) error {
	for _, platform := range b.extensions {
		cmd := exec.Command("editors/vscode/release.sh", platform, b.path, filepath.Join(r.out, extensionName(platform)), r.version.numbers)
		cmd.Args = append(cmd.Args, "--baseImagesUrl", r.version.extensionFile("raw"), "--baseContentUrl", r.version.extensionFile("blob"))
		if r.version.stage != "" {
			cmd.Args = append(cmd.Args, "--pre-release")
		}
		cmd.Stderr = os.Stderr
		if err := cmd.Run(); err != nil {
			return fmt.Errorf("%s: %w", platform, err)
		}
	}
	return nil
}

func extensionName(platform string) string { return "ckpt-lsp-" + platform + ".vsix" }

// npmPackage is a package.json, in the order npm writes it.
type npmPackage struct {
	Name                 string            `json:"name"`
	Version              string            `json:"version"`
	Description          string            `json:"description"`
	License              string            `json:"license"`
	Keywords             []string          `json:"keywords"`
	Homepage             string            `json:"homepage"`
	Bugs                 string            `json:"bugs"`
	Repository           map[string]string `json:"repository"`
	OS                   []string          `json:"os,omitempty"`
	CPU                  []string          `json:"cpu,omitempty"`
	Bin                  map[string]string `json:"bin,omitempty"`
	Files                []string          `json:"files"`
	Engines              map[string]string `json:"engines,omitempty"`
	OptionalDependencies map[string]string `json:"optionalDependencies,omitempty"`
}

func (r *release) npmPackage(name, description string) npmPackage {
	return npmPackage{Name: name, Version: r.version.semver(), Description: description, License: "MIT", Keywords: keywords, Homepage: site, Bugs: repository + "/issues",
		Repository: map[string]string{"type": "git", "url": "git+" + repository + ".git"}}
}

// npmPlatform writes the npm package with the binary of a platform; npm installs it only there.
func (r *release) npmPlatform(b built, t texts) error {
	p := r.npmPackage(b.npmName(), "The binary of ckpt-lsp for "+b.node+" on "+b.cpu())
	p.OS, p.CPU, p.Files = []string{b.node}, []string{b.cpu()}, []string{"bin", "NOTICE"}
	manifest, err := json.MarshalIndent(p, "", "  ")
	if err != nil {
		return err
	}
	return r.write(b.npmFile(r.version), []entry{
		{"package/package.json", append(manifest, '\n'), false}, {"package/bin/" + b.binaryName(), b.binary, true},
		{"package/LICENSE", t.license, false}, {"package/NOTICE", b.notice, false},
		{"package/README.md", []byte("The binary of [ckpt-lsp](" + repository + ") for one platform; install the package `ckpt-lsp`.\n"), false},
	})
}

// npmMain writes the npm package that people install: it starts the binary of the platform's package.
func (r *release) npmMain(t texts) error {
	p := r.npmPackage("ckpt-lsp", summary)
	p.Bin, p.Files, p.Engines = map[string]string{"ckpt-lsp": "bin/ckpt-lsp.js"}, []string{"bin"}, map[string]string{"node": ">=18"}
	p.OptionalDependencies = map[string]string{}
	for _, t := range targets {
		p.OptionalDependencies[t.npmName()] = r.version.semver()
	}
	manifest, err := json.MarshalIndent(p, "", "  ")
	if err != nil {
		return err
	}
	return r.write(r.npmMainFile(), []entry{
		{"package/package.json", append(manifest, '\n'), false}, {"package/bin/ckpt-lsp.js", launcher, true},
		{"package/LICENSE", t.license, false}, {"package/README.md", t.readme, false},
	})
}

func (r *release) npmMainFile() string { return "ckpt-lsp-" + r.version.semver() + ".tgz" }
