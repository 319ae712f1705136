package diagnostics

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ckpt-lsp/ckpt-lsp/internal/text"
)

// Registry is a set of rules, by which names in configuration and comments are read. Product holds those of ckpt-lsp; a test that
// needs rules of its own makes a registry with them.
type Registry struct{ rules []*Rule }

// Product holds the rules that ckpt-lsp has. Import diagnostics/rules for its side effect to fill it.
var Product = &Registry{}

// Register adds a rule to the product's. Rules call it from a package-level variable.
func Register(r *Rule) *Rule { return Product.Register(r) }

// Register adds a rule; it panics on a code or name that is taken.
func (g *Registry) Register(r *Rule) *Rule {
	for _, o := range g.rules {
		if o.Code == r.Code || o.Name == r.Name {
			panic(fmt.Sprintf("rules %s %s and %s %s clash", o.Code, o.Name, r.Code, r.Name))
		}
	}
	g.rules = append(g.rules, r)
	slices.SortFunc(g.rules, func(a, b *Rule) int { return strings.Compare(a.Code, b.Code) })
	return r
}

// With is a registry of its own, with the rules of this one and more.
func (g *Registry) With(rules ...*Rule) *Registry {
	out := &Registry{slices.Clone(g.rules)}
	for _, r := range rules {
		out.Register(r)
	}
	return out
}

// Rules are all rules by code.
func (g *Registry) Rules() []*Rule { return slices.Clone(g.rules) }

// Families are the hundreds of the codes, as "CKP1".
func (g *Registry) Families() []string {
	var out []string
	for _, r := range g.rules {
		out = append(out, r.Family())
	}
	return slices.Compact(out)
}

// Lookup finds a rule by code ("CKP101", "ckp101") or name.
func (g *Registry) Lookup(ref string) *Rule {
	for _, r := range g.rules {
		if strings.EqualFold(r.Code, ref) || r.Name == ref {
			return r
		}
	}
	return nil
}

// Nearest is the name or code that a misspelt reference to a rule most likely means, empty if none is close.
func (g *Registry) Nearest(ref string) string {
	var known []string
	for _, r := range g.rules {
		known = append(known, r.Name, r.Code)
	}
	return text.Nearest(ref, known)
}

// unknown says, behind a reference to a rule that names none, what is wrong with it.
func (g *Registry) unknown(ref string) string {
	if familyPattern.MatchString(ref) {
		return g.emptyFamily() + "."
	}
	if near := g.Nearest(ref); near != "" {
		return fmt.Sprintf("is not a rule; did you mean `%s`?", near)
	}
	return "is not a rule; `ckpt-lsp rules` lists them."
}

func (g *Registry) emptyFamily() string {
	return fmt.Sprintf("is a family without a rule (families: %s)", strings.Join(g.Families(), ", "))
}
