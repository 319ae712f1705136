package project

import (
	"path/filepath"
	"strings"

	"github.com/bmatcuk/doublestar/v4"
)

// patterns are the lines of one .gitignore file, or a list in a configuration file, which reads the same.
type patterns struct {
	// dir is the absolute directory the patterns are relative to.
	dir  string
	list []pattern
}

type pattern struct {
	glob    string
	keep    bool // "!": the last pattern that matches decides
	dirOnly bool
}

// newPatterns reads lines as gitignore(5) describes: blank lines and comments count for nothing, "!" turns a pattern round, a
// slash at the end means directories only, a slash elsewhere ties the pattern to dir. Lines that are no valid glob are left out.
func newPatterns(dir string, lines []string) *patterns {
	p := &patterns{dir: dir}
	for _, line := range lines {
		line = strings.TrimSuffix(line, "\r")
		if trimmed := strings.TrimRight(line, " \t"); !strings.HasSuffix(trimmed, `\`) {
			line = trimmed
		}
		if line == "" || line[0] == '#' {
			continue
		}
		var next pattern
		if rest, ok := strings.CutPrefix(line, "!"); ok {
			line, next.keep = rest, true
		}
		if rest, ok := strings.CutSuffix(line, "/"); ok {
			line, next.dirOnly = rest, true
		}
		tied := strings.Contains(line, "/")
		next.glob = escapeBraces(strings.TrimPrefix(strings.TrimPrefix(line, "/"), "./"))
		if !tied {
			next.glob = "**/" + next.glob
		}
		if next.glob != "" && doublestar.ValidatePattern(next.glob) {
			p.list = append(p.list, next)
		}
	}
	return p
}

// escapeBraces makes {} plain characters, as git knows no alternatives.
func escapeBraces(glob string) string {
	return strings.NewReplacer("{", `\{`, "}", `\}`).Replace(glob)
}

// verdict is what the patterns say of one absolute path: nothing, leave it out, or keep it.
type verdict uint8

const (
	silent verdict = iota
	leaveOut
	keep
)

// of judges one path by itself; directories above it are not looked at.
func (p *patterns) of(path string, isDir bool) verdict {
	rel, err := filepath.Rel(p.dir, path)
	if err != nil || rel == "." || !filepath.IsLocal(rel) {
		return silent
	}
	rel = filepath.ToSlash(rel)
	for i := len(p.list) - 1; i >= 0; i-- {
		next := p.list[i]
		if next.dirOnly && !isDir {
			continue
		}
		if doublestar.MatchUnvalidated(next.glob, rel) {
			if next.keep {
				return keep
			}
			return leaveOut
		}
	}
	return silent
}

// matchesFile reports whether the patterns name the file or a directory above it, up to the patterns' own directory.
func (p *patterns) matchesFile(path string) bool {
	isDir := false
	for at := path; len(at) > len(p.dir); at = filepath.Dir(at) {
		switch p.of(at, isDir) {
		case leaveOut:
			return true
		case keep:
			return false
		}
		isDir = true
	}
	return false
}
