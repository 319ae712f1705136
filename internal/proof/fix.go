package proof

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/ckpt-lsp/ckpt-lsp/diagnostics"
	"github.com/ckpt-lsp/ckpt-lsp/internal/text"
)

const (
	fixAll = "source.fixAll.ckpt-lsp"
	// mostRounds is how many fixes of one rule a program may need. More mean that they go round in circles.
	mostRounds = 30
)

// Fix applies a program's fixes as an editor does, through the language server, and gives the files that come of it.
func Fix(ctx context.Context, p *Program) (map[string]string, error) {
	e, done, err := opened(ctx, p)
	if err != nil {
		return nil, err
	}
	defer done()
	for _, name := range p.Fix {
		if name == "all" {
			continue
		}
		rule, err := ruleNamed(name)
		if err != nil {
			return nil, err
		}
		if e.clear(rule.Code) {
			return nil, fmt.Errorf("%s does not report the program; reported are %s", name, e.found())
		}
	}
	titled := p.Title == ""
	for _, name := range p.Fix {
		if name == "all" {
			err = e.fixAll()
		} else {
			err = e.fixRule(name, p.Title, &titled)
		}
		if err != nil {
			return nil, fmt.Errorf("fixing %s: %w", name, err)
		}
	}
	if !titled {
		return nil, fmt.Errorf("no action is titled %q", p.Title)
	}
	for _, r := range p.Rewrites {
		if err := e.rewrite(r); err != nil {
			return nil, fmt.Errorf("rewriting at %q: %w", r.At, err)
		}
	}
	return e.files(p), nil
}

// ruleNamed is the rule of a code or a name.
func ruleNamed(name string) (*diagnostics.Rule, error) {
	for _, r := range diagnostics.Product.Rules() {
		if r.Code == name || r.Name == name {
			return r, nil
		}
	}
	return nil, fmt.Errorf("there is no rule %q", name)
}

// fixAll applies what the server offers to fix safely in every file.
func (e *editor) fixAll() error {
	applied := false
	for _, uri := range slices.Sorted(maps.Keys(e.docs)) {
		for round := 0; ; round++ {
			found, err := e.actions(uri, span{End: place{Line: 1 << 20}}, fixAll)
			if err != nil {
				return err
			}
			if len(found) == 0 {
				break
			}
			if round == mostRounds {
				return fmt.Errorf("fix-all comes to no end")
			}
			if err := e.apply(found[0]); err != nil {
				return err
			}
			applied = true
		}
	}
	if !applied {
		return errNothing
	}
	return nil
}

var errNothing = errors.New("nothing can be fixed safely")

// fixRule applies the fixes of a rule until none of its findings is left.
func (e *editor) fixRule(name, title string, titled *bool) error {
	rule, err := ruleNamed(name)
	if err != nil {
		return err
	}
	for range mostRounds {
		a, err := e.fixOf(rule.Code, title)
		if err != nil {
			return err
		}
		if a == nil {
			if e.clear(rule.Code) {
				return nil
			}
			return fmt.Errorf("findings without a fix are left in\n%s", e.show())
		}
		*titled = *titled || strings.Contains(a.Title, title)
		if err := e.apply(*a); err != nil {
			return err
		}
	}
	return fmt.Errorf("%d fixes did not clear it; it comes to\n%s", mostRounds, e.show())
}

// rewrite makes a refactoring, which then is not offered any more.
func (e *editor) rewrite(r Rewrite) error {
	uri := e.uri(cmp.Or(r.File, "train.py"))
	for again := range 2 {
		d := e.docs[uri]
		if d == nil || bytes.Count(d.text, []byte(r.At)) != 1 {
			return fmt.Errorf("it does not stand once in\n%s", e.show())
		}
		line, character := text.NewLineIndex(d.text).Position(bytes.Index(d.text, []byte(r.At)), text.UTF8)
		at := place{line, character}
		offered, err := e.actions(uri, span{at, at}, "refactor.rewrite")
		if err != nil {
			return err
		}
		i := slices.IndexFunc(offered, func(a action) bool { return a.Title == r.Title || strings.HasPrefix(a.Title, r.Title+" (") })
		switch {
		case again > 0 && i < 0:
			return nil
		case again > 0:
			return fmt.Errorf("%s is still offered; it comes to\n%s", offered[i].Title, e.show())
		case i < 0 || offered[i].Edit == nil:
			return fmt.Errorf("%s is not offered", r.Title)
		}
		if err := e.apply(offered[i]); err != nil {
			return err
		}
	}
	return nil
}

// fixOf is the action to take for the first finding of a rule that has one; nil where no finding is left. The finding that the
// title belongs to comes first.
func (e *editor) fixOf(code, title string) (*action, error) {
	var first *action
	for _, uri := range slices.Sorted(maps.Keys(e.docs)) {
		for _, f := range e.docs[uri].findings {
			if f.Code != code {
				continue
			}
			offered, err := e.actions(uri, f.Range, "quickfix")
			if err != nil {
				return nil, err
			}
			for _, a := range offered {
				if !mends(a, code) {
					continue
				}
				if title != "" && strings.Contains(a.Title, title) {
					return &a, nil
				}
				if first == nil {
					first = &a
				}
			}
		}
	}
	return first, nil
}

// mends says that an action repairs a finding of a rule, rather than silences or explains it.
func mends(a action, code string) bool {
	return a.Edit != nil && !strings.HasPrefix(a.Title, "Suppress ") &&
		slices.ContainsFunc(a.Diagnostics, func(f finding) bool { return f.Code == code })
}

// clear says that a rule finds nothing.
func (e *editor) clear(code string) bool {
	for _, d := range e.docs {
		if slices.ContainsFunc(d.findings, func(f finding) bool { return f.Code == code }) {
			return false
		}
	}
	return true
}

// found lists the rules that report something.
func (e *editor) found() string {
	codes := map[string]bool{}
	for _, d := range e.docs {
		for _, f := range d.findings {
			codes[f.Code] = true
		}
	}
	return strings.Join(slices.Sorted(maps.Keys(codes)), ", ")
}

// show is the documents as they are now.
func (e *editor) show() string {
	var out strings.Builder
	for _, uri := range slices.Sorted(maps.Keys(e.docs)) {
		fmt.Fprintf(&out, "-- %s --\n%s", e.docs[uri].name, e.docs[uri].text)
	}
	return out.String()
}

// write writes files into a directory.
func write(dir string, files map[string]string) error {
	for name, content := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			return err
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			return err
		}
	}
	return nil
}
