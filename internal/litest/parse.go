// Package litest runs the literate tests of the rules: Markdown files whose Python blocks say in comments what is to be found.
package litest

import (
	"fmt"
	"os"
	"regexp"
	"strings"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	goldtext "github.com/yuin/goldmark/text"
)

// Example is one Python block of a document.
type Example struct {
	// Doc is the Markdown file and Line the line of the block's first line of code in it.
	Doc  string
	Line int
	// Source is the code; Config the ckpt-lsp.toml of the toml block in front of it.
	Source, Config string
	// Rules are the codes or names that are selected; File is the file's name.
	Rules []string
	File  string
	// Project names the files that belong together; "" for a file that stands alone.
	Project string
	// Expected are the findings that the comments announce.
	Expected []Expectation
	// Fixed is what fixes come to, where a diff block says so.
	Fixed *Fixed
}

// Fixed is a ```diff block behind an example or the last file of a project: the changes that the safe fixes make. `unsafe` behind ```diff
// means those of all fixes.
type Fixed struct {
	Diff     string
	Unsafe   bool
	From, To int // its offsets in the document
}

// Expectation is one finding that a comment announces: `# warning: [CKP101] "part of the message"`.
type Expectation struct {
	// Line is counted in the block from 1: the line on which the finding starts.
	Line     int
	Severity string
	Rule     string
	Message  string
}

var (
	announced = regexp.MustCompile(`#\s*(error|warning|information|info|hint):\s*\[([^\]]*)\](?:\s*"([^"]*)")?`)
	option    = regexp.MustCompile(`(\w+)=("[^"]*"|\S+)`)
)

// Parse reads the examples of a document. By default the rule that the file is named after is selected; `rules=A,B` behind
// ```py selects others, `rules=ALL` all; `file=name.py` names the file, `project=name` the files it belongs with. A ```toml block
// configures the example, or the project, that follows it.
func Parse(path, rule string) ([]Example, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var out []Example
	config := ""
	root := goldmark.DefaultParser().Parse(goldtext.NewReader(data))
	err = ast.Walk(root, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if !entering {
			return ast.WalkContinue, nil
		}
		block, ok := n.(*ast.FencedCodeBlock)
		if !ok {
			return ast.WalkContinue, nil
		}
		var code strings.Builder
		lines := block.Lines()
		for i := range lines.Len() {
			at := lines.At(i)
			code.Write(at.Value(data))
		}
		info := ""
		if block.Info != nil {
			info = string(block.Info.Segment.Value(data))
		}
		language, options, _ := strings.Cut(info, " ")
		switch language {
		case "diff":
			if len(out) == 0 {
				return ast.WalkStop, fmt.Errorf("%s: a diff block with no example in front of it", path)
			}
			f := &Fixed{Diff: code.String(), Unsafe: strings.TrimSpace(options) == "unsafe"}
			f.From = block.Info.Segment.Stop + 1
			f.To = f.From + len(f.Diff)
			out[len(out)-1].Fixed = f
		case "toml":
			config = code.String()
		case "py":
			e := Example{Doc: path, Source: code.String(), Config: config, Rules: []string{rule}, File: "train.py"}
			if lines.Len() > 0 {
				e.Line = 1 + strings.Count(string(data[:lines.At(0).Start]), "\n")
			}
			for _, m := range option.FindAllStringSubmatch(options, -1) {
				value := strings.Trim(m[2], `"`)
				switch m[1] {
				case "rules":
					e.Rules = strings.Split(value, ",")
				case "file":
					e.File = value
				case "project":
					e.Project = value
				default:
					return ast.WalkStop, fmt.Errorf("%s:%d: unknown option %q (valid: rules, file, project)", path, e.Line, m[1])
				}
			}
			e.Expected = expectations(e.Source)
			config = ""
			out = append(out, e)
		}
		return ast.WalkContinue, nil
	})
	return out, err
}

func expectations(source string) []Expectation {
	var out []Expectation
	for i, line := range strings.Split(source, "\n") {
		for _, m := range announced.FindAllStringSubmatch(line, -1) {
			for _, rule := range strings.Split(m[2], ",") {
				severity := m[1]
				if severity == "info" {
					severity = "information"
				}
				out = append(out, Expectation{Line: i + 1, Severity: severity, Rule: strings.TrimSpace(rule), Message: m[3]})
			}
		}
	}
	return out
}
