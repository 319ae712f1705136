package docs

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/aymanbagabas/go-udiff"

	"github.com/ckpt-lsp/ckpt-lsp/diagnostics"
)

// blob is where links lead that leave docs.
const blob = "https://github.com/ckpt-lsp/ckpt-lsp/blob/main/"

// SiteFiles are the sources of the documentation site: the configuration of its generator, and under "pages" those of docs and a page
// for each rule. The repository is that of ckpt-lsp. A link between its files that leads nowhere is an error.
func SiteFiles(repository fs.FS, rules *diagnostics.Registry) (map[string][]byte, error) {
	pages := rulePages(rules)
	err := fs.WalkDir(repository, "docs", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case name == "docs/site":
			return fs.SkipDir
		case entry.IsDir() || path.Ext(name) == ".py":
			return nil
		}
		pages[name], err = fs.ReadFile(repository, name)
		return err
	})
	if err != nil {
		return nil, err
	}
	configuration, err := fs.ReadFile(repository, "docs/site/mkdocs.yml")
	if err != nil {
		return nil, err
	}
	files := map[string][]byte{"mkdocs.yml": []byte(strings.Replace(string(configuration), "      # every rule\n", ruleNavigation(rules), 1))}
	var broken []error
	for _, name := range slices.Sorted(maps.Keys(pages)) {
		page := pages[name]
		if path.Ext(name) == ".md" {
			page, err = outward(repository, pages, name, page)
			broken = append(broken, err)
		}
		files["pages/"+strings.TrimPrefix(name, "docs/")] = page
	}
	return files, errors.Join(broken...)
}

var (
	fence = regexp.MustCompile("(?ms)^(`{3,})[^`\n]*\n.*?^`{3,}$|`[^`\n]+`")
	link  = regexp.MustCompile(`\]\(([^)#\s]+)(#[^)\s]*)?\)`)
)

// outward is a page whose links to files that are not on the site lead to the repository.
func outward(repository fs.FS, pages map[string][]byte, name string, page []byte) ([]byte, error) {
	var broken []error
	redirect := func(text []byte) []byte {
		return link.ReplaceAllFunc(text, func(found []byte) []byte {
			m := link.FindSubmatch(found)
			if strings.Contains(string(m[1]), ":") {
				return found
			}
			to := path.Join(path.Dir(name), string(m[1]))
			if pages[to] != nil {
				return found
			}
			if _, err := fs.Stat(repository, to); err != nil {
				broken = append(broken, fmt.Errorf("%s: the link to %s leads nowhere", name, m[1]))
			}
			return fmt.Appendf(nil, "](%s%s%s)", blob, to, m[2])
		})
	}
	var out []byte
	at := 0
	for _, code := range fence.FindAllIndex(page, -1) {
		out = append(append(out, redirect(page[at:code[0]])...), page[code[0]:code[1]]...)
		at = code[1]
	}
	return append(out, redirect(page[at:])...), errors.Join(broken...)
}

// families are the titles of the rules' families on the site.
var families = map[string]string{
	"CKP0": "Suppressions", "CKP1": "What a checkpoint lacks", "CKP2": "Seeds and determinism", "CKP3": "Ranks and wrappers", "CKP4": "Resuming",
	"CKP5": "Loading", "CKP6": "Files on the disk", "CKP7": "Lightning, Accelerate, Trainer",
}

func family(r *diagnostics.Rule) string { return r.Code[:4] }

// ruleNavigation lists the rules for the configuration of the generator.
func ruleNavigation(rules *diagnostics.Registry) string {
	var out strings.Builder
	last := ""
	for _, r := range rules.Rules() {
		if f := family(r); f != last {
			fmt.Fprintf(&out, "      - %q:\n", families[f])
			last = f
		}
		fmt.Fprintf(&out, "          - %q: rules/%s.md\n", r.Code+" "+r.Name, r.Name)
	}
	return out.String()
}

// rulePages are the list of the rules and a page for each.
func rulePages(rules *diagnostics.Registry) map[string][]byte {
	pages := map[string][]byte{}
	var index strings.Builder
	index.WriteString("# Rules\n\n*Safe* fixes keep the meaning of the program or plainly repair it. *Unsafe* ones say what they may change, and you apply them one at a time. " +
		"Select and ignore rules by code, by name or by family: `CKP101`, `missing-optimizer-state`, `CKP1`.\n")
	last := ""
	for _, r := range rules.Rules() {
		if f := family(r); f != last {
			fmt.Fprintf(&index, "\n## %s (%s)\n\n| code | name | severity | fix | |\n|---|---|---|---|---|\n", families[f], f)
			last = f
		}
		fmt.Fprintf(&index, "| %s | [%s](%s.md) | %s | %s | %s |\n", r.Code, r.Name, r.Name, Severity(r), FixKind(r), r.Summary)
		pages["docs/rules/"+r.Name+".md"] = []byte(sitePage(rules, r))
	}
	pages["docs/rules/index.md"] = []byte(index.String())
	return pages
}

// sitePage is a rule's page on the site: that of Page with the example as a diff, with how to silence it, and with links.
func sitePage(rules *diagnostics.Registry, r *diagnostics.Rule) string {
	var out strings.Builder
	fmt.Fprintf(&out, "# %s (%s)\n\n**%s.**\n\nSeverity: %s. Fix: %s. Since: %s.\n", r.Name, r.Code, r.Summary, Severity(r), FixKind(r), r.Since)
	var before []string
	for _, s := range Sections(r) {
		switch s.Title {
		case "Example":
			before = s.Code
		case "Use instead":
			fmt.Fprintf(&out, "\n## Example\n\n```diff\n%s```\n", changes(strings.Join(before, "\n"), strings.Join(s.Code, "\n")))
		case Related:
			fmt.Fprintf(&out, "\n%s\n## %s\n\n%s\n", silencing(r), s.Title, linked(rules, s.Markdown))
		default:
			fmt.Fprintf(&out, "\n## %s\n\n%s\n", s.Title, strings.Replace(s.Markdown, ":\n  - ", ":\n\n  - ", 1))
		}
	}
	fmt.Fprintf(&out, "\nThis page is made from [the rule's source](%sdiagnostics/rules/%s); `ckpt-lsp explain %s` prints it.\n", blob, File(r), r.Code)
	return out.String()
}

// changes is a text with what becomes of it, as a diff without its head.
func changes(before, after string) string {
	const whole = 1000
	diff, err := udiff.ToUnified("", "", before, udiff.Lines(before, after), whole)
	if err != nil {
		panic("docs: " + err.Error()) // the edits are those of these texts
	}
	_, diff, _ = strings.Cut(diff, " @@\n")
	return diff
}

// silencing says how a rule is silenced.
func silencing(r *diagnostics.Rule) string {
	if r.OnSuppressions {
		return "## How to silence it\n\nDelete the comment that it reports, or leave the rule out in `pyproject.toml`:\n\n```toml\n[tool.ckpt-lsp]\nignore = [\"" + r.Name + "\"]\n```\n"
	}
	return strings.ReplaceAll(`## How to silence it

On the line of the finding, with your reason; or for a whole file, in its first lines:

`+"```python"+`
# ckpt-lsp: ignore[NAME] why it does not matter here
# ckpt-lsp: ignore-file[NAME] why it does not matter in this file
`+"```"+`

For a project, in `+"`pyproject.toml`"+`, everywhere or in some files only:

`+"```toml"+`
[tool.ckpt-lsp]
ignore = ["NAME"]

[tool.ckpt-lsp.per-file-ignores]
"examples/**" = ["NAME"]
`+"```"+`

[More ways](../suppressing.md), a baseline of old findings among them.
`, "NAME", r.Name)
}

var inCode = regexp.MustCompile("`[a-z-]+`")

// linked is the text of the section on related rules as a list of links.
func linked(rules *diagnostics.Registry, names string) string {
	var out strings.Builder
	for _, quoted := range inCode.FindAllString(names, -1) {
		if r := rules.Lookup(strings.Trim(quoted, "`")); r != nil {
			fmt.Fprintf(&out, "- [%s (%s)](%s.md): %s\n", r.Name, r.Code, r.Name, r.Summary)
		}
	}
	if out.Len() == 0 {
		return names
	}
	return out.String()
}
