package litest

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/ckpt-lsp/ckpt-lsp/diagnostics"
	"github.com/ckpt-lsp/ckpt-lsp/internal/project"
)

// kinds are the severities of a rule's findings, and the applicabilities of the best fixes for them.
type kinds struct {
	severities map[diagnostics.Severity]bool
	fixes      map[diagnostics.Applicability]bool
}

// observed is what the examples of a document show of each rule.
type observed map[*diagnostics.Rule]kinds

// add takes in what was found in an example. A severity that the example's configuration chooses tells nothing of the rule.
func (o observed) add(w *project.Workspace, found *project.Analysis) {
	config, _ := w.Config(found.Path)
	fixes := found.Fixes()
	for i, d := range found.Diagnostics {
		k, known := o[d.Rule]
		if !known {
			k = kinds{map[diagnostics.Severity]bool{}, map[diagnostics.Applicability]bool{}}
			o[d.Rule] = k
		}
		if _, chosen := config.Severity[d.Rule]; !chosen {
			k.severities[d.Severity] = true
		}
		best, any := diagnostics.Display, false
		for _, f := range fixes {
			if slices.Contains(f.Resolves, i) {
				best, any = max(best, f.Applicability), true
			}
		}
		if any {
			k.fixes[best] = true
		}
	}
}

// compare holds what rules declare to what was observed: nothing else was seen of any rule, and all of it of the document's own.
func (o observed) compare(t *testing.T, own string) {
	t.Helper()
	for r, k := range o {
		differ(t, r, own, "the severities", r.Severities(), slices.Collect(maps.Keys(k.severities)))
		differ(t, r, own, "the fixes", r.Fixes(), slices.Collect(maps.Keys(k.fixes)))
	}
}

func differ[K interface {
	comparable
	fmt.Stringer
}](t *testing.T, r *diagnostics.Rule, own, what string, declared, seen []K) {
	t.Helper()
	lacks := func(all, some []K) []string {
		var out []string
		for _, k := range some {
			if !slices.Contains(all, k) {
				out = append(out, k.String())
			}
		}
		slices.Sort(out)
		return out
	}
	if undeclared := lacks(declared, seen); len(undeclared) > 0 {
		t.Errorf("%s %s: %s do not include %s, which examples show", r.Code, r.Name, what, strings.Join(undeclared, ", "))
	}
	if unseen := lacks(seen, declared); len(unseen) > 0 && r.Code == own {
		t.Errorf("%s %s: no example shows %s, which %s include", r.Code, r.Name, strings.Join(unseen, ", "), what)
	}
}
