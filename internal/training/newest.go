package training

import (
	"slices"
	"strings"

	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
	"github.com/ckpt-lsp/ckpt-lsp/internal/pysem"
)

// TornBy is the load that takes the newest of the files that a save writes, by listing their folder, whatever state that file is in; nil
// where there is none: a load that something else may follow, in a try statement, is left out, and a listing that asks for more than names.
func (s *SaveSite) TornBy() *LoadSite {
	if len(s.Path.Progress) == 0 || !s.Path.Known {
		return nil
	}
	for _, l := range s.Run.File.Loads() {
		own := selfClass(s.Ctx) != nil && selfClass(s.Ctx) == selfClass(l.Ctx) && l.Resumes() && s.Writes(l.Path) // whatever is in the file
		if !own && !s.restoredBy(l) || !l.Resumes() && !l.Declared() || enclosed(l.Frame, pysem.FrameTry) {
			continue
		}
		p := newest{file: s.Run.File}
		if p.follow(l.Path.Value, false, 0) && s.liesUnder(p.listing) {
			return l
		}
	}
	return nil
}

// newest is the way from a name back to a listing of which it is the last, by number or by text.
type newest struct {
	file    *File
	listing *pysem.Value
}

// follow goes back from a value; end says that an end of the list has been picked.
func (p *newest) follow(v *pysem.Value, end bool, depth int) bool {
	return v != nil && depth <= 12 && slices.ContainsFunc(v.Alternatives(), func(a *pysem.Value) bool { return p.one(a, end, depth+1) })
}

func (p *newest) one(a *pysem.Value, end bool, depth int) bool {
	_, method, _ := a.Method()
	switch callee := a.Callee(); {
	case listing[callee] || slices.Contains(listingMethods, method):
		p.listing = a
		return end
	case callee == "builtins.max" || method == "pop":
		end = true
	}
	switch {
	case a.Kind == pysem.Item:
		return p.follow(a.Base, end || a.Other.Kind == pysem.Int && (a.Other.Int == -1 || a.Other.Int == 0), depth)
	case a.Kind == pysem.List && a.Node.Is(pyast.KindListComprehension, pyast.KindGeneratorExpression) && a.Ctx != nil:
		for c := range a.Node.Children() {
			if c.Kind() == pyast.KindForInClause {
				return p.follow(p.file.Eval.Eval(c.Child(pyast.FieldRight), a.Ctx), end, depth) && namesOnly(a.Node)
			}
		}
		return false
	}
	return slices.ContainsFunc(append(p.file.madeFrom(a), holes(a)...), func(v *pysem.Value) bool { return p.follow(v, end, depth) })
}

// namesOnly reports whether a comprehension chooses among names by how they are written.
func namesOnly(n pyast.Node) bool {
	for c := range n.Children() {
		if c.Kind() != pyast.KindIfClause {
			continue
		}
		for d := range c.Descendants() {
			if d.Kind() == pyast.KindCall && !slices.Contains([]string{"startswith", "endswith", "isdigit", "match", "search", "fullmatch", "isfile", "is_file", "isdir", "is_dir"}, calledName(d)) {
				return false
			}
		}
	}
	return true
}

// liesUnder reports whether the file of a save lies in a folder that is listed, or under it.
func (s *SaveSite) liesUnder(listed *pysem.Value) bool {
	f := s.Run.File
	at := pysem.Args(listed.Node).Pos(0)
	if _, method, ok := listed.Method(); ok && slices.Contains(listingMethods, method) {
		at = listed.Node.Child(pyast.FieldFunction).Child(pyast.FieldObject)
	} else if strings.HasSuffix(listed.Callee(), "glob") {
		a, b := spell(f.Eval.Eval(at, listed.Ctx)).text, spell(s.Path.Value).text
		i := strings.LastIndexByte(a, '/')
		return i > 0 && strings.HasPrefix(b, a[:i+1])
	}
	return f.liesIn(s.Path, f.path(at, listed.Ctx))
}
