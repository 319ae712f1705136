package insight

import (
	"cmp"
	"slices"
	"strings"

	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
	"github.com/ckpt-lsp/ckpt-lsp/internal/pysem"
	"github.com/ckpt-lsp/ckpt-lsp/internal/text"
	"github.com/ckpt-lsp/ckpt-lsp/internal/training"
)

// Key is a checkpoint's key with all places where it is known to be written and read.
type Key struct {
	Name string
	// Uses are sorted by file and place.
	Uses []Use
	// Unsure says why there may be more uses, "" where there are none.
	Unsure string
	// Others are the further keys of the same checkpoints.
	Others []string
}

// Use is one place of a key.
type Use struct {
	Path string
	// Span is the key as it stands there, without its quotes.
	text.Span
	Written bool
	// Bare says that it is a keyword, as in dict(model=...), not a string.
	Bare bool
	// Holds is what is written, as the code says it.
	Holds string
	// Computed says that the key is not spelt out here: a constant, or a text put together.
	Computed bool
}

// use is a place of a key before it is known which checkpoint it belongs to.
type use struct {
	Use
	key string
	// site is the save or load it belongs to.
	site pyast.Node
}

// Keys collects the uses of keys from the facts of files.
type Keys struct {
	uses []use
	seen map[use]bool
	// together are sites that share a checkpoint; open are those with keys out of sight, and why.
	together [][2]pyast.Node
	open     map[pyast.Node]string
	names    map[pyast.Node]*training.Path
	// called are what the files of sites call a checkpoint, by tree.
	called map[*pyast.Tree]map[string]bool
	paths  map[*pyast.Tree]string
}

// Add takes in the facts of a file.
func (k *Keys) Add(f *training.File) {
	if k.seen == nil {
		k.seen, k.open, k.names = map[use]bool{}, map[pyast.Node]string{}, map[pyast.Node]*training.Path{}
		k.called, k.paths = map[*pyast.Tree]map[string]bool{}, map[*pyast.Tree]string{}
	}
	for _, s := range f.Saves() {
		if s.Kind != training.PayloadDict || s.Path.Buffer {
			continue
		}
		k.names[s.Node] = s.Path
		k.call(f, s.Dict.Literal.Parent())
		if s.Open {
			k.open[s.Node] = "the checkpoint may hold keys that are not spelt out"
		}
		for _, c := range s.Components {
			if n := c.Entry.KeyNode; n.Valid() {
				k.add(f, n, c.Key, s.Node, true, c.Entry.Value.Node.Text())
			}
		}
	}
	for _, l := range f.Loads() {
		if l.Path.Buffer {
			continue
		}
		k.names[l.Node] = l.Path
		k.call(f, l.Node.Parent())
		if l.Opaque {
			k.open[l.Node] = "the checkpoint is handed to code that may read further keys"
		}
		for _, r := range l.Reads {
			k.add(f, keyOf(r.Node), r.Key, l.Node, false, "")
			k.name(f, r.Node.Tree(), baseOf(r.Node))
		}
	}
	for _, a := range f.Agreements() {
		for _, s := range a.Saves {
			if a.Load != nil {
				k.together = append(k.together, [2]pyast.Node{s.Node, a.Load.Node})
			}
		}
	}
}

// call notes the name that a statement gives a checkpoint, if it is an assignment.
func (k *Keys) call(f *training.File, assignment pyast.Node) {
	if assignment.Kind() == pyast.KindAssignment {
		k.name(f, assignment.Tree(), assignment.Child(pyast.FieldLeft).Text())
	}
}

func (k *Keys) name(f *training.File, tree *pyast.Tree, name string) {
	if k.called[tree] == nil {
		k.called[tree], k.paths[tree] = map[string]bool{}, pathOf(f, tree)
	}
	k.called[tree][name] = true
}

// overlooked is an expression that takes the key from something that is called as a checkpoint is, and is not among the uses.
func (k *Keys) overlooked(key *Key) string {
	for tree, called := range k.called {
		if !slices.ContainsFunc(key.Uses, func(u Use) bool { return u.Path == k.paths[tree] }) {
			continue
		}
		for n := range tree.Root().Descendants() {
			if n.Kind() != pyast.KindSubscript || !called[n.Child(pyast.FieldValue).Text()] {
				continue
			}
			at := n.Child(pyast.FieldSubscript)
			if says, ok := pysem.StringLiteral(at); !ok || says != key.Name {
				continue
			}
			if !slices.ContainsFunc(key.Uses, func(u Use) bool { return u.Path == k.paths[tree] && at.Span().Contains(u.Start) }) {
				return n.Text()
			}
		}
	}
	return ""
}

// keyOf is the key in ckpt["key"], ckpt.get("key") or "key" in ckpt.
func keyOf(n pyast.Node) pyast.Node {
	switch n.Kind() {
	case pyast.KindSubscript:
		return n.Child(pyast.FieldSubscript)
	case pyast.KindCall:
		return pysem.Args(n).Pos(0)
	}
	return n.Nth(0)
}

func (k *Keys) add(f *training.File, n pyast.Node, key string, site pyast.Node, written bool, holds string) {
	u := use{Use: Use{Path: pathOf(f, n.Tree()), Span: n.Span(), Written: written, Holds: holds}, key: key, site: site}
	switch {
	case n.Kind() == pyast.KindIdentifier && n.TextIs(key) && n.Parent().Kind() == pyast.KindKeywordArgument:
		u.Bare = true
	default:
		inner, ok := unquoted(n, key)
		u.Computed = !ok
		if ok {
			u.Span = inner
		}
	}
	if !k.seen[u] {
		k.seen[u] = true
		k.uses = append(k.uses, u)
	}
}

// unquoted is the place of a string's text, where the code says it as it is.
func unquoted(n pyast.Node, says string) (text.Span, bool) {
	if n.Kind() != pyast.KindString {
		return text.Span{}, false
	}
	at := strings.Index(n.Text(), says)
	if at < 0 || says == "" || strings.Trim(n.Text()[:at], `rRuUbB'"`) != "" || strings.Trim(n.Text()[at+len(says):], `'"`) != "" {
		return text.Span{}, false
	}
	return text.Span{Start: n.Start() + at, End: n.Start() + at + len(says)}, true
}

// At is the key at a place, nil where none stands there.
func (k *Keys) At(path string, offset int) *Key {
	for _, u := range k.uses {
		if u.Path == path && !u.Computed && u.Start <= offset && offset <= u.End {
			return k.all(u)
		}
	}
	return nil
}

// all are the uses of a key in all checkpoints that a use of it may belong to: saves and loads that share a file, directly or by way
// of others.
func (k *Keys) all(of use) *Key {
	sites := map[pyast.Node]bool{}
	for _, u := range k.uses {
		if u.Use == of.Use && u.key == of.key {
			sites[u.site] = true
		}
	}
	for grown := true; grown; {
		grown = false
		join := func(a, b pyast.Node) {
			if sites[a] != sites[b] {
				sites[a], sites[b], grown = true, true, true
			}
		}
		for _, pair := range k.together {
			join(pair[0], pair[1])
		}
		for a, x := range k.names {
			for b, y := range k.names {
				if sites[a] && !sites[b] && training.SamePath(x, y) {
					join(a, b)
				}
			}
		}
	}
	out := &Key{Name: of.key}
	for _, u := range k.uses {
		switch {
		case !sites[u.site]:
		case u.key != of.key:
			if !slices.Contains(out.Others, u.key) {
				out.Others = append(out.Others, u.key)
			}
		case !slices.Contains(out.Uses, u.Use):
			out.Uses = append(out.Uses, u.Use)
			if u.Computed {
				out.Unsure = "a place gives the key by a name or an expression, not as a string"
			}
		}
	}
	if other := k.overlooked(out); other != "" && out.Unsure == "" {
		out.Unsure = "`" + other + "` may mean it too, or another one"
	}
	for site := range sites {
		if why := k.open[site]; why != "" && out.Unsure == "" {
			out.Unsure = why
		}
	}
	slices.SortFunc(out.Uses, func(a, b Use) int {
		return cmp.Or(strings.Compare(a.Path, b.Path), a.Start-b.Start)
	})
	return out
}

// ReadsOf are the keys that the saves of a load hold, with what each is; base is how the program calls what was loaded, as "ckpt".
func ReadsOf(facts []*training.File, path, base string) []Part {
	var out []Part
	for _, f := range facts {
		for _, a := range f.Agreements() {
			if a.Load == nil || !calls(f, a.Load, path, base) {
				continue
			}
			for _, key := range a.Keys {
				if key.Written.Valid() && !slices.ContainsFunc(out, func(p Part) bool { return p.Key == key.Name }) {
					out = append(out, Part{key.Name, key.Written.Text()})
				}
			}
		}
	}
	return out
}

// calls reports whether a file calls what a load gives so: where it assigns it, or where it reads a key from it.
func calls(f *training.File, l *training.LoadSite, path, base string) bool {
	if p := l.Node.Parent(); pathOf(f, l.Node.Tree()) == path && p.Kind() == pyast.KindAssignment && p.Child(pyast.FieldLeft).Text() == base {
		return true
	}
	return slices.ContainsFunc(l.Reads, func(r training.KeyRead) bool {
		return pathOf(f, r.Node.Tree()) == path && baseOf(r.Node) == base
	})
}

// baseOf is what a key is read from.
func baseOf(n pyast.Node) string {
	switch n.Kind() {
	case pyast.KindSubscript:
		return n.Child(pyast.FieldValue).Text()
	case pyast.KindCall:
		return n.Child(pyast.FieldFunction).Child(pyast.FieldObject).Text()
	}
	return n.Nth(2).Text()
}
