// Package docs makes the documentation of the rules from their own source files: the doc comment above a rule's registration
// is its page.
package docs

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/ckpt-lsp/ckpt-lsp/diagnostics"
	"github.com/ckpt-lsp/ckpt-lsp/diagnostics/rules"
)

// Titles are the sections that every rule has, in order. One named Limits may come before Related.
var Titles = []string{"What it does", "Why it matters", "Example", "Use instead", "Fix safety", Related, "References"}

// Limits is the title of the optional section on what a rule cannot see.
const Limits = "What it does not see"

// Related is the title of the section that names the rules to read next.
const Related = "Related rules"

// Section is one part of a rule's documentation.
type Section struct {
	Title string
	// Markdown is the body, with Python in fenced blocks.
	Markdown string
	// Code are the bodies of those blocks.
	Code []string
}

// Sections are the parts of a rule's documentation, none if its source is not among rules.Sources (a rule made by a test).
func Sections(r *diagnostics.Rule) []Section { return documented()[r.Code].sections }

// File is the name of the rule's source file, empty if it is not among rules.Sources.
func File(r *diagnostics.Rule) string { return documented()[r.Code].file }

// Site is the address of the documentation site, which internal/docs/site makes.
const Site = "https://ckpt-lsp.github.io/ckpt-lsp/"

// URL is the address of a rule's page on the site; of a rule made by a test, that of the list of rules.
func URL(r *diagnostics.Rule) string {
	if File(r) == "" {
		return Site + "rules/"
	}
	return Site + "rules/" + r.Name + "/"
}

// Page is the rule's documentation as a Markdown page.
func Page(r *diagnostics.Rule) string {
	var out strings.Builder
	fmt.Fprintf(&out, "# %s (%s)\n\n%s.\n\nSeverity: %s. Fix: %s. Since: %s.\n", r.Name, r.Code, r.Summary, Severity(r), FixKind(r), r.Since)
	for _, s := range Sections(r) {
		fmt.Fprintf(&out, "\n## %s\n\n%s\n", s.Title, s.Markdown)
	}
	return out.String()
}

// Severity says how severe a rule's findings are: "warning, sometimes information", or "off (information when selected)".
func Severity(r *diagnostics.Rule) string {
	if r.Severity == diagnostics.Off {
		return fmt.Sprintf("off (%s when selected)", strings.Join(Names(r.Severities()), " or "))
	}
	return sometimes(r.Severity, r.Severities())
}

// FixKind says what the best fix for a rule's findings is: safe, unsafe, display, "safe, sometimes unsafe" or none.
func FixKind(r *diagnostics.Rule) string {
	if !r.HasFix {
		return "none"
	}
	return sometimes(r.Fix, r.Fixes())
}

func sometimes[K interface {
	comparable
	fmt.Stringer
}](usual K, all []K) string {
	others := Names(slices.DeleteFunc(slices.Clone(all), func(k K) bool { return k == usual }))
	if len(others) == 0 {
		return usual.String()
	}
	return usual.String() + ", sometimes " + strings.Join(others, " or ")
}

// Names are the names of severities or of kinds of fixes.
func Names[K fmt.Stringer](all []K) []string {
	out := []string{}
	for _, k := range all {
		out = append(out, k.String())
	}
	return out
}

type page struct {
	file     string
	sections []Section
}

// documented reads the sources once.
var documented = sync.OnceValue(func() map[string]page {
	pages, err := read(rules.Sources)
	if err != nil {
		panic("docs: " + err.Error()) // the files were compiled into this very binary
	}
	return pages
})

// read finds the doc comments of all registrations in a directory of Go files, by rule code.
func read(sources fs.FS) (map[string]page, error) {
	names, err := fs.Glob(sources, "*.go")
	if err != nil {
		return nil, err
	}
	pages := map[string]page{}
	for _, name := range names {
		data, err := fs.ReadFile(sources, name)
		if err != nil {
			return nil, err
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, data, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return nil, err
		}
		for _, decl := range file.Decls {
			if d, ok := decl.(*ast.GenDecl); ok && d.Doc != nil {
				if code := registeredCode(d); code != "" {
					pages[code] = page{name, sections(d.Doc.Text())}
				}
			}
		}
	}
	return pages, nil
}

// registeredCode is the code in a declaration of the form var _ = diagnostics.Register(&diagnostics.Rule{Code: "CKP101", ...}).
func registeredCode(d *ast.GenDecl) (code string) {
	ast.Inspect(d, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncLit:
			return false
		case *ast.KeyValueExpr:
			key, isName := n.Key.(*ast.Ident)
			value, isLiteral := n.Value.(*ast.BasicLit)
			if isName && isLiteral && key.Name == "Code" {
				code, _ = strconv.Unquote(value.Value)
			}
		}
		return code == ""
	})
	return code
}

// sections splits the text of a doc comment at its headings. Lines that begin with a tab are code.
func sections(doc string) []Section {
	var out []Section
	var code []string
	flush := func() {
		if len(code) == 0 || len(out) == 0 {
			code = nil
			return
		}
		s := &out[len(out)-1]
		block := strings.TrimRight(strings.Join(code, "\n"), "\n") + "\n"
		s.Code = append(s.Code, block)
		s.Markdown += "```python\n" + block + "```\n\n"
		code = nil
	}
	for line := range strings.Lines(doc) {
		line = strings.TrimRight(line, "\n")
		title, isHeading := strings.CutPrefix(line, "# ")
		body, isCode := strings.CutPrefix(line, "\t")
		switch {
		case isCode:
			code = append(code, body)
		case line == "" && len(code) > 0:
			code = append(code, "")
		case isHeading:
			flush()
			out = append(out, Section{Title: title})
		default:
			flush()
			if len(out) > 0 {
				out[len(out)-1].Markdown += line + "\n"
			}
		}
	}
	flush()
	for i := range out {
		out[i].Markdown = strings.TrimSpace(out[i].Markdown)
	}
	return out
}
