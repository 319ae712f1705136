package main

import (
	"fmt"
	"regexp"
	"strings"
)

// version is what a tag names: three numbers, and what comes before the release proper.
type version struct {
	numbers string // 1.2.3
	stage   string // rc or dev, or empty
	number  string // of the stage
}

var versionTag = regexp.MustCompile(`^v([0-9]+\.[0-9]+\.[0-9]+)(?:-(rc|dev)\.([0-9]+))?$`)

func parseVersion(tag string) (version, error) {
	m := versionTag.FindStringSubmatch(tag)
	if m == nil {
		return version{}, fmt.Errorf("tag %q: expected v1.2.3, v1.2.3-rc.1 or v1.2.3-dev.1", tag)
	}
	return version{m[1], m[2], m[3]}, nil
}

// semver is the version as npm, Go and the binary have it.
func (v version) semver() string {
	if v.stage == "" {
		return v.numbers
	}
	return v.numbers + "-" + v.stage + "." + v.number
}

// python is the version as PEP 440 spells it.
func (v version) python() string {
	switch v.stage {
	case "":
		return v.numbers
	case "dev":
		return v.numbers + ".dev" + v.number
	}
	return v.numbers + v.stage + v.number
}

// Where the project is, and its documentation.
const (
	repository = "https://github.com/ckpt-lsp/ckpt-lsp"
	site       = "https://ckpt-lsp.github.io/ckpt-lsp/"
)

// download is the address of a file of the release.
func (v version) download(file string) string {
	return repository + "/releases/download/v" + v.semver() + "/" + file
}

// extensionFile is where the repository has the files of the extension, as they were at the tag: raw ones or their pages (blob).
func (v version) extensionFile(kind string) string {
	return repository + "/" + kind + "/v" + v.semver() + "/" + extensionFolder
}

const extensionFolder = "editors/vscode"

var relativeLink = regexp.MustCompile(`(!?)\[([^\]]*)\]\(([^)\s]+)\)`)

// absolute is a page of the repository for a place outside of it: its links lead to the repository, as it was at the tag.
func (v version) absolute(page []byte) []byte {
	return relativeLink.ReplaceAllFunc(page, func(link []byte) []byte {
		m := relativeLink.FindSubmatch(link)
		to := string(m[3])
		if strings.Contains(to, ":") || strings.HasPrefix(to, "#") {
			return link
		}
		kind := "blob"
		if len(m[1]) > 0 {
			kind = "raw"
		}
		return fmt.Appendf(nil, "%s[%s](%s/%s/v%s/%s)", m[1], m[2], repository, kind, v.semver(), to)
	})
}
