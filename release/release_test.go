package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/ckpt-lsp/ckpt-lsp/internal/docs"
)

func sample(t *testing.T) *release {
	t.Helper()
	v, err := parseVersion("v1.2.3-rc.4")
	if err != nil {
		t.Fatal(err)
	}
	return &release{version: v, out: t.TempDir(), date: time.Date(2030, 1, 2, 3, 4, 6, 0, time.UTC), targets: targets}
}

var beside = texts{license: []byte("MIT\n"), changelog: []byte("# Changelog\n"), readme: []byte("# ckpt-lsp\n")}

func binaryOf(t *testing.T, name string) built {
	t.Helper()
	target, err := find(name)
	if err != nil {
		t.Fatal(err)
	}
	return built{target: target, binary: []byte("binary of " + name), notice: []byte("notice\n")}
}

func TestVersions(t *testing.T) {
	for tag, want := range map[string][2]string{
		"v1.2.3": {"1.2.3", "1.2.3"}, "v1.2.3-rc.4": {"1.2.3-rc.4", "1.2.3rc4"}, "v0.0.0-dev.1": {"0.0.0-dev.1", "0.0.0.dev1"},
	} {
		if v, err := parseVersion(tag); err != nil || v.semver() != want[0] || v.python() != want[1] {
			t.Errorf("%s: %v %s %s", tag, err, v.semver(), v.python())
		}
	}
	for _, tag := range []string{"1.2.3", "v1.2", "v1.2.3-beta.1", "v1.2.3-rc", "v1.2.3 "} {
		if _, err := parseVersion(tag); err == nil {
			t.Errorf("%q is taken for a version", tag)
		}
	}
}

func TestLinksLeadToTheRepository(t *testing.T) {
	page := "![a picture](docs/a.svg) [page](docs/b.md), [site](https://example.org/x), [below](#below)"
	const at = repository
	want := "![a picture](" + at + "/raw/v1.2.3-rc.4/docs/a.svg) [page](" + at + "/blob/v1.2.3-rc.4/docs/b.md), [site](https://example.org/x), [below](#below)"
	if got := string(sample(t).version.absolute([]byte(page))); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// TestPackagesNameTheProject holds what package indexes show beside a package to where the project and its pages are.
func TestPackagesNameTheProject(t *testing.T) {
	if site != docs.Site {
		t.Errorf("packages name %s, reports %s", site, docs.Site)
	}
	r := sample(t)
	manifest, err := json.Marshal(r.npmPackage("ckpt-lsp", summary))
	if err != nil {
		t.Fatal(err)
	}
	extension, err := os.ReadFile("../editors/vscode/package.json")
	if err != nil {
		t.Fatal(err)
	}
	for of, said := range map[string]string{"wheel": string(r.metadata(beside)), "npm": string(manifest), "extension": string(extension)} {
		for _, address := range []string{site, repository, repository + "/issues"} {
			if !strings.Contains(said, address) {
				t.Errorf("the %s does not name %s:\n%s", of, address, said)
			}
		}
	}
}

// TestPackages makes each kind of package for each platform, twice, and looks at them as the release does; then with another binary.
func TestPackages(t *testing.T) {
	r := sample(t)
	for _, name := range names(targets) {
		b := binaryOf(t, name)
		files := []string{b.archiveName(), b.wheelName(r.version), b.npmFile(r.version)}
		first := map[string][]byte{}
		for range 2 {
			for _, pack := range []func(built, texts) error{r.archive, r.wheel, r.npmPlatform} {
				if err := pack(b, beside); err != nil {
					t.Fatal(err)
				}
			}
			for _, file := range files {
				data, err := os.ReadFile(filepath.Join(r.out, file))
				if err != nil {
					t.Fatal(err)
				}
				if first[file] != nil && !bytes.Equal(first[file], data) {
					t.Errorf("%s is not the same when it is made again", file)
				}
				first[file] = data
			}
		}
		archive, err := r.read(b.archiveName())
		if err != nil {
			t.Fatal(err)
		}
		other := b
		other.binary = []byte("another")
		if err := same(archive, r.archiveEntries(b, beside)); err != nil {
			t.Error(err)
		}
		if err := same(archive, r.archiveEntries(other, beside)); err == nil {
			t.Errorf("%s with another binary is let pass", b.archiveName())
		}
		for _, look := range []func(built) error{r.inspectWheel, r.inspectNpm} {
			if err := look(b); err != nil {
				t.Error(err)
			}
			if err := look(other); err == nil {
				t.Errorf("%s: a package with another binary is let pass", name)
			}
		}
	}
	if err := r.npmMain(beside); err != nil {
		t.Fatal(err)
	}
	if err := r.inspectLauncher(); err != nil {
		t.Error(err)
	}
}

func TestFormulaNamesTheArchives(t *testing.T) {
	r := sample(t)
	if err := r.formula(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(r.out, "ckpt-lsp.rb")); err == nil {
		t.Error("a formula is written without archives")
	}
	for _, name := range []string{"linux-x64", "linux-arm64", "darwin-x64", "darwin-arm64"} {
		if err := r.archive(binaryOf(t, name), beside); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.formula(); err != nil {
		t.Fatal(err)
	}
	formula, err := os.ReadFile(filepath.Join(r.out, "ckpt-lsp.rb"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"linux-x64", "linux-arm64", "darwin-x64", "darwin-arm64"} {
		archive, err := os.ReadFile(filepath.Join(r.out, "ckpt-lsp-"+name+".tar.gz"))
		if err != nil {
			t.Fatal(err)
		}
		want := `url "` + repository + `/releases/download/v1.2.3-rc.4/ckpt-lsp-` + name + ".tar.gz\"\n      sha256 \"" + sha256Hex(archive) + `"`
		if !bytes.Contains(formula, []byte(want)) {
			t.Errorf("the formula lacks %s", want)
		}
	}
}

// TestBinariesAreJudged looks at programs that are not as a release's must be.
func TestBinariesAreJudged(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(self)
	if err != nil {
		t.Fatal(err)
	}
	if err := inspectBinary(built{target: targets[0], binary: data}); err == nil || !strings.Contains(err.Error(), "the binary is ") {
		t.Errorf("another program is let pass: %v", err)
	}
	if runtime.GOOS != "linux" {
		return
	}
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("SKIPPED: no bash")
	}
	if data, err = os.ReadFile(bash); err != nil {
		t.Fatal(err)
	}
	if _, _, err := inspectELF(data); err == nil || !strings.Contains(err.Error(), "not static") {
		t.Errorf("a program that needs a C library is let pass: %v", err)
	}
}

// TestSignature signs two pages as Apple's format has it, and changes a byte of them.
func TestSignature(t *testing.T) {
	const page = 4096
	file := bytes.Repeat([]byte("code"), page/2)
	directory := make([]byte, 44)
	big := binary.BigEndian
	big.PutUint32(directory, 0xfade0c02)
	big.PutUint32(directory[16:], 44) // where the hashes are
	big.PutUint32(directory[28:], 2)  // how many
	big.PutUint32(directory[32:], uint32(len(file)))
	directory[36], directory[37], directory[39] = sha256.Size, 2, 12
	for at := 0; at < len(file); at += page {
		sum := sha256.Sum256(file[at : at+page])
		directory = append(directory, sum[:]...)
	}
	signature := make([]byte, 20)
	big.PutUint32(signature[8:], 1)
	big.PutUint32(signature[16:], 20)
	signature = append(signature, directory...)
	if err := checkSignature(file, signature); err != nil {
		t.Error(err)
	}
	file[page+1]++
	if err := checkSignature(file, signature); err == nil || err.Error() != "page 1 is not what was signed" {
		t.Errorf("a changed page is let pass: %v", err)
	}
}

func TestStubs(t *testing.T) {
	dir := t.TempDir()
	if err := writeStubs(dir); err != nil {
		t.Fatal(err)
	}
	for file, wants := range map[string][]string{
		"libresolv.tbd":                               {"'/usr/lib/libresolv.9.dylib'", "_res_9_nsearch"},
		"Security.framework/Security.tbd":             {"_SecTrustEvaluateWithError"},
		"CoreFoundation.framework/CoreFoundation.tbd": {"'/System/Library/Frameworks/CoreFoundation.framework/Versions/A/CoreFoundation'", "_CFRelease"},
	} {
		stub, err := os.ReadFile(filepath.Join(dir, file))
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range wants {
			if !bytes.Contains(stub, []byte(want)) {
				t.Errorf("%s lacks %s:\n%s", file, want, stub)
			}
		}
	}
}

// TestLicences recognises the licences of what is at hand, and none in another text.
func TestLicences(t *testing.T) {
	license, err := os.ReadFile("../LICENSE")
	if err != nil {
		t.Fatal(err)
	}
	if got := recognised(license); got != "MIT" {
		t.Errorf("our own licence is taken for %q", got)
	}
	if got := recognised([]byte("GNU GENERAL PUBLIC LICENSE\nVersion 3, 29 June 2007")); got != "" {
		t.Errorf("a licence that is not to be released is taken for %q", got)
	}
}

// TestLicencesOfModules recognises a licence of every module that the program is built from on this system, so that a new one is seen before a release is made.
func TestLicencesOfModules(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", "-f", "{{with .Module}}{{if not .Main}}{{.Path}}\t{{.Dir}}{{end}}{{end}}", "../cmd/ckpt-lsp").Output()
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{"": true}
	for line := range strings.Lines(string(out)) {
		module, dir, _ := strings.Cut(strings.TrimSpace(line), "\t")
		if seen[module] {
			continue
		}
		seen[module] = true
		files, err := licenseFiles(dir)
		if err != nil {
			t.Errorf("%s: %v", module, err)
		}
		known := false
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Error(err)
			}
			known = known || recognised(text) != ""
		}
		if !known {
			t.Errorf("%s: no licence in %q is one that is known; add it to licenses", module, files)
		}
	}
	if len(seen) < 10 {
		t.Errorf("only %d modules are listed", len(seen))
	}
}

func TestPageSaysWhatWasRun(t *testing.T) {
	t.Chdir("..")
	r := sample(t)
	for name, text := range map[string]string{"ckpt-lsp-linux-x64.tar.gz": "x", "ckpt-lsp-windows-x64.zip": "yz", triedFile: "ckpt-lsp-linux-x64.tar.gz\trun here\nckpt-lsp-linux-x64.tar.gz\tand there\n"} {
		if err := os.WriteFile(filepath.Join(r.out, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.page(); err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile(filepath.Join(r.out, pageFile))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"# ckpt-lsp 1.2.3-rc.4\n", "| ckpt-lsp-linux-x64.tar.gz | 1 | run here; and there |\n", "| ckpt-lsp-windows-x64.zip | 2 | not run |\n"} {
		if !strings.Contains(string(page), want) {
			t.Errorf("the page lacks %q:\n%s", want, page)
		}
	}
	sums, err := os.ReadFile(filepath.Join(r.out, sumsFile))
	if err != nil {
		t.Fatal(err)
	}
	if want := sha256Hex([]byte("x")) + "  ckpt-lsp-linux-x64.tar.gz\n" + sha256Hex([]byte("yz")) + "  ckpt-lsp-windows-x64.zip\n"; string(sums) != want {
		t.Errorf("checksums\n%swant\n%s", sums, want)
	}
	if got := section([]byte("# Changelog\n\n## 2.0.0\n\nNew.\n\n## 1.2.3\n\nOld.\n"), "2.0.0"); got != "New.\n" {
		t.Errorf("the changelog says %q", got)
	}
}

// TestPicturesOfTheExtension takes a page whose picture is a file of the repository at the tag, and none that leads elsewhere.
func TestPicturesOfTheExtension(t *testing.T) {
	t.Chdir("..")
	r := sample(t)
	const tag = repository + "/raw/v1.2.3-rc.4/"
	for page, want := range map[string]bool{
		"![lens](" + tag + "editors/vscode/images/lens.png)":                                              true,
		"[page](https://example.org) ![lens](" + tag + "editors/vscode/images/lens.png)":                  true,
		"![lens](" + tag + "images/lens.png)":                                                             false,
		"![lens](images/lens.png)":                                                                        false,
		"![lens](" + tag + "editors/vscode/images/none.png)":                                              false,
		"![lens](" + repository + "/raw/HEAD/editors/vscode/images/lens.png)":                             false,
		"![a](" + tag + "editors/vscode/images/lens.png) ![b](" + tag + "editors/vscode/images/none.png)": false,
		"no picture": false,
	} {
		if got := r.showsPictures([]byte(page)); got != want {
			t.Errorf("%s: %v", page, got)
		}
	}
}
