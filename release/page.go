package main

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// Files of the folder that are made last, and triedFile, in which the trials note a line a file: its name, a tab, what was done with it.
const (
	sumsFile  = "SHA256SUMS"
	pageFile  = "RELEASE.md"
	triedFile = "tried.txt"
)

// page writes the checksums and the page of the release, which says what of it was run.
func (r *release) page() error {
	tried, err := readTried(filepath.Join(r.out, triedFile))
	if err != nil {
		return err
	}
	changelog, err := os.ReadFile("CHANGELOG.md")
	if err != nil {
		return err
	}
	files, err := os.ReadDir(r.out)
	if err != nil {
		return err
	}
	var sums, page bytes.Buffer
	fmt.Fprintf(&page, "# ckpt-lsp %s\n\n%s\n## Files\n\n", r.version.semver(), section(changelog, r.version.numbers))
	fmt.Fprint(&page, "All of them were built by the release script, read back and compared with what was put in: format, processor, needed libraries, entry points, hashes. "+
		"The last column says how they were tried; what does not tell of a run was not run.\n\n| file | bytes | tried |\n|---|---|---|\n")
	for _, f := range files {
		name := f.Name()
		if name == "docker" {
			fmt.Fprintf(&page, "| docker/ | | %s |\n", cmp.Or(strings.Join(tried[name], "; "), "not run"))
		}
		if f.IsDir() || name == sumsFile || name == pageFile || name == triedFile {
			continue
		}
		data, err := os.ReadFile(filepath.Join(r.out, name))
		if err != nil {
			return err
		}
		fmt.Fprintf(&sums, "%s  %s\n", sha256Hex(data), name)
		fmt.Fprintf(&page, "| %s | %d | %s |\n", name, len(data), cmp.Or(strings.Join(tried[name], "; "), "not run"))
	}
	fmt.Fprintf(&page, "\nCheck what you downloaded: `sha256sum --check --ignore-missing %s`. The `.cdx.json` files list what each binary is made of (CycloneDX).\n", sumsFile)
	return errors.Join(os.WriteFile(filepath.Join(r.out, sumsFile), sums.Bytes(), 0o644), os.WriteFile(filepath.Join(r.out, pageFile), page.Bytes(), 0o644))
}

func readTried(file string) (map[string][]string, error) {
	tried := map[string][]string{}
	data, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return tried, nil
	}
	for line := range strings.Lines(string(data)) {
		name, done, ok := strings.Cut(strings.TrimSpace(line), "\t")
		if !ok {
			return nil, fmt.Errorf("%s: %q has no tab", file, line)
		}
		tried[name] = append(tried[name], done)
	}
	return tried, err
}

// section is what a changelog says of a version, without the heading.
func section(changelog []byte, version string) string {
	heading := regexp.MustCompile(`(?m)^## ` + regexp.QuoteMeta(version) + `\b.*\n`).FindIndex(changelog)
	if heading == nil {
		return ""
	}
	text := string(changelog[heading[1]:])
	text, _, _ = strings.Cut(text, "\n## ")
	return strings.TrimSpace(text) + "\n"
}
