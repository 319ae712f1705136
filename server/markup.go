package server

import (
	"regexp"
	"strings"
)

const fence = "```"

// flowing puts each paragraph and each item of a list on one line. Markdown means the same by it, but Helix and Neovim break lines
// where the source does, besides where the window ends.
func flowing(markdown string) string {
	var out []string
	code, open := false, false // open: the last line is prose, which the next one may go on with
	for line := range strings.SplitSeq(markdown, "\n") {
		words := strings.TrimSpace(line)
		fenced, heading := strings.HasPrefix(line, fence), strings.HasPrefix(line, "#")
		if open && words != "" && !fenced && !heading && !strings.HasPrefix(words, "- ") {
			out[len(out)-1] += " " + words
			continue
		}
		out = append(out, line)
		if fenced {
			code = !code
		}
		open = !code && !fenced && !heading && words != ""
	}
	return strings.Join(out, "\n")
}

var (
	headingMark  = regexp.MustCompile(`^#+ `)
	emphasisMark = regexp.MustCompile(`^(- )?\*\*([^*]+)\*\*`) // nowhere else, so that a power in an expression stays
)

// plainText is the Markdown of a hover as a person would type it: without marks of headings and emphasis, code indented.
func plainText(markdown string) string {
	var out []string
	code := false
	for line := range strings.SplitSeq(markdown, "\n") {
		switch {
		case strings.HasPrefix(line, fence):
			code = !code
		case code:
			out = append(out, strings.TrimRight("    "+line, " "))
		default:
			out = append(out, emphasisMark.ReplaceAllString(headingMark.ReplaceAllString(line, ""), "$1$2"))
		}
	}
	return strings.Join(out, "\n")
}
