package page

import (
	_ "embed"
	"html/template"
	"io"
	"strings"

	"github.com/ckpt-lsp/ckpt-lsp/internal/docs"
	"github.com/ckpt-lsp/ckpt-lsp/internal/prove"
	"github.com/ckpt-lsp/ckpt-lsp/internal/text"
)

//go:embed page.html
var source string

var page = template.Must(template.New("page").Funcs(template.FuncMap{"printable": text.Printable}).Parse(source))

// writeHTML writes one page that holds all it needs: no script, no font, no file beside.
func writeHTML(w io.Writer, p *Page) error {
	var picture strings.Builder
	drawn := false
	for _, c := range p.Curves {
		drawn = drawn || len(c.Steps) > 0
	}
	if drawn {
		if err := WritePicture(&picture, p.Report); err != nil {
			return err
		}
	}
	return page.Execute(w, struct {
		*Page
		Overall           prove.Verdict
		Heading           string
		Answers           []prove.Told
		Ran, As, Explains string
		Cost              []string
		Picture           template.HTML
		Site              string
	}{p, p.Overall(), headings[p.Overall()], p.Tell(), p.ran(), asRun(p.Command), p.explained(), p.cost(), template.HTML(picture.String()), docs.Site})
}
