package docs

import (
	"bytes"
	"html"
	"io/fs"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"go.yaml.in/yaml/v3"

	"github.com/ckpt-lsp/ckpt-lsp/diagnostics"
)

const root = "../.."

// TestSite holds that the pages' links resolve, and that each rule has a page with its example as a diff, how to silence it, and
// related rules.
func TestSite(t *testing.T) {
	files, err := SiteFiles(os.DirFS(root), diagnostics.Product)
	if err != nil {
		t.Fatal(err)
	}
	index := string(files["pages/rules/index.md"])
	for _, r := range diagnostics.Product.Rules() {
		page := string(files["pages/rules/"+r.Name+".md"])
		want := []string{
			"# " + r.Name + " (" + r.Code + ")\n", "\n## Example\n\n```diff\n", "\n-", "\n## How to silence it\n\n", r.Name + `"]`,
			"\n## Related rules\n\n", "/" + File(r) + ")",
		}
		if !r.OnSuppressions {
			want = append(want, "\n+", "# ckpt-lsp: ignore["+r.Name+"] ", "\n## Related rules\n\n- [")
		}
		for _, text := range want {
			if !strings.Contains(page, text) {
				t.Errorf("%s: the page lacks %q:\n%s", r.Code, text, page)
			}
		}
		if URL(r) != Site+"rules/"+r.Name+"/" || !strings.Contains(index, "("+r.Name+".md)") {
			t.Errorf("%s: its address %s is not that of its page, or the list of rules lacks it", r.Code, URL(r))
		}
		for _, s := range Sections(r) {
			if s.Title != Related || r.OnSuppressions {
				continue
			}
			for _, name := range inCode.FindAllString(s.Markdown, -1) {
				if other := diagnostics.Product.Lookup(strings.Trim(name, "`")); other == nil || other == r {
					t.Errorf("%s: %s is not another rule", r.Code, name)
				}
			}
		}
	}
}

// TestSiteConfiguration holds that the generator is told the site's address and every page.
func TestSiteConfiguration(t *testing.T) {
	files, err := SiteFiles(os.DirFS(root), diagnostics.Product)
	if err != nil {
		t.Fatal(err)
	}
	var configuration struct {
		Address string `yaml:"site_url"`
		Nav     any
	}
	if err := yaml.Unmarshal(files["mkdocs.yml"], &configuration); err != nil {
		t.Fatal(err)
	}
	if configuration.Address != Site {
		t.Errorf("the generator is told the address %s, want %s", configuration.Address, Site)
	}
	var told []string
	var collect func(any)
	collect = func(v any) {
		switch v := v.(type) {
		case string:
			told = append(told, "pages/"+v)
		case []any:
			for _, e := range v {
				collect(e)
			}
		case map[string]any:
			for _, e := range v {
				collect(e)
			}
		}
	}
	collect(configuration.Nav)
	for name := range files {
		if path.Ext(name) == ".md" && !slices.Contains(told, name) {
			t.Errorf("%s is in no menu", name)
		}
	}
	for _, name := range told {
		if files[name] == nil {
			t.Errorf("a menu names %s, which is no page", name)
		}
	}
}

func TestSiteRefusesBrokenLinks(t *testing.T) {
	repository := fstest.MapFS{
		"docs/site/mkdocs.yml": {Data: []byte("nav:\n")},
		"docs/suppressing.md":  {Data: []byte("# Silence\n")},
		"docs/a.md":            {Data: []byte("[b](ci/b.md#x) [go](../go.mod) `[code](gone)`\n\n```\n[code](gone)\n```\n")},
		"docs/ci/b.md":         {Data: []byte("[a](../a.md) [gone](gone.md)\n")},
		"go.mod":               {Data: []byte("module m\n")},
	}
	files, err := SiteFiles(repository, diagnostics.Product)
	if err == nil || err.Error() != "docs/ci/b.md: the link to gone.md leads nowhere" {
		t.Errorf("error %v", err)
	}
	want := "[b](ci/b.md#x) [go](" + blob + "go.mod) `[code](gone)`\n\n```\n[code](gone)\n```\n"
	if got := string(files["pages/a.md"]); got != want {
		t.Errorf("page %q, want %q", got, want)
	}
}

var (
	reference = regexp.MustCompile(`\s(?:href|src)="([^"]*)"`)
	anchor    = regexp.MustCompile(`\s(?:id|name)="?([^"\s>]+)`)
)

// TestBuiltSite holds that the site that was built has a page where each rule's address leads, and that its links resolve.
func TestBuiltSite(t *testing.T) {
	dir := os.Getenv("CKPT_SITE")
	if dir == "" {
		t.Skip("SKIPPED: CKPT_SITE names no site; docs/site/build.sh DIRECTORY builds one")
	}
	site := os.DirFS(dir)
	for _, r := range diagnostics.Product.Rules() {
		at := strings.TrimPrefix(URL(r), Site) + "index.html"
		page, err := fs.ReadFile(site, at)
		if err != nil || !bytes.Contains(page, []byte(r.Code)) {
			t.Errorf("%s: there is no page of it at %s (%v)", r.Code, at, err)
		}
	}
	pages, links := 0, 0
	err := fs.WalkDir(site, ".", func(name string, _ fs.DirEntry, err error) error {
		if err != nil || path.Ext(name) != ".html" || name == "404.html" {
			return err
		}
		pages++
		page, err := fs.ReadFile(site, name)
		if err != nil {
			return err
		}
		here, err := url.Parse(Site + strings.TrimSuffix(name, "index.html"))
		if err != nil {
			return err
		}
		for _, m := range reference.FindAllSubmatch(page, -1) {
			to, err := here.Parse(html.UnescapeString(string(m[1])))
			if err != nil {
				t.Errorf("%s: %v", name, err)
				continue
			}
			fragment := to.Fragment
			to.Fragment = ""
			file, inside := strings.CutPrefix(to.String(), Site)
			if !inside {
				continue
			}
			links++
			if file == "" || strings.HasSuffix(file, "/") {
				file += "index.html"
			}
			target, err := fs.ReadFile(site, file)
			if err != nil {
				t.Errorf("%s: the link to %s leads nowhere", name, m[1])
			} else if fragment != "" && !strings.HasPrefix(fragment, "__") && !hasAnchor(target, fragment) {
				t.Errorf("%s: %s has no place %s", name, file, fragment)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%s: %d pages, %d links", filepath.Base(dir), pages, links)
	if links == 0 {
		t.Error("no link was tried")
	}
}

func hasAnchor(page []byte, name string) bool {
	for _, m := range anchor.FindAllSubmatch(page, -1) {
		if html.UnescapeString(string(m[1])) == name {
			return true
		}
	}
	return false
}
