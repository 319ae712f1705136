package training

import (
	"regexp"
	"slices"
	"strings"

	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
	"github.com/ckpt-lsp/ckpt-lsp/internal/pysem"
)

// WrongEnd is a clean-up that takes the newest of the checkpoints which it lists.
type WrongEnd struct {
	Deletion Deletion
	// Slice takes the files to delete from the list that Sort puts in order, or pops the next of them.
	Slice, Sort pyast.Node
	// All says that it takes every one where an option has its default, Count, which Option names.
	All    bool
	Option string
	Count  int64
}

// WrongEnds finds the clean-ups of the run that slice the newest end off a list of checkpoints that is sorted by age or number, and those
// that leave nothing where the option that says how many to keep has its default.
func (r *Run) WrongEnds() []WrongEnd {
	var out []WrongEnd
	for _, d := range r.Deletions() {
		p := &pick{file: r.File, from: d}
		if !p.follow(r.File.Eval.Eval(d.Target, d.Ctx), 0) || p.names != nil || p.chooses() || !p.checkpoints() {
			continue
		}
		if w, ok := p.wrongEnd(); ok {
			out = append(out, w)
		}
	}
	return out
}

// chooses reports whether a test asks for more of the file that is deleted than whether it is there.
func (p *pick) chooses() bool {
	for fr := p.from.Frame; fr != nil && fr.Ctx == p.from.Ctx; fr = fr.Parent {
		if fr.Kind == pysem.FrameIf && !fr.Early && p.tests(fr.Cond) {
			return true
		}
	}
	return false
}

// checkpoints reports whether what is listed are the files of a save that counts, or is called so.
func (p *pick) checkpoints() bool {
	return checkpointWord.MatchString(p.listing.Pattern) || slices.ContainsFunc(p.file.Saves(), func(s *SaveSite) bool {
		return len(s.Path.Progress) > 0 && (p.lists(s) || p.listing.Dir != "" && strings.HasPrefix(s.Path.Pattern, p.listing.Dir+"/"))
	})
}

// ordering is how files are taken from a listing: one slice, or one pop, of what one sort puts in order.
type ordering struct {
	slice, sort pyast.Node
	descending  bool
}

// ordered reads the steps between the listing and the deletion, the last first; ok is false where they are others.
func (p *pick) ordered() (o ordering, ok bool) {
	for _, n := range p.steps {
		switch {
		case n.Kind() == pyast.KindSubscript && !o.slice.Valid():
			o.slice = n
		case n.Kind() == pyast.KindCall && calledName(n) == "pop" && !o.slice.Valid():
			o.slice = n
		case n.Kind() == pyast.KindCall && calledName(n) == "reversed":
			o.descending = !o.descending
		case n.Kind() == pyast.KindCall && (calledName(n) == "sorted" || calledName(n) == "sort") && !o.sort.Valid():
			down, known := byAge(n)
			if !known {
				return o, false
			}
			o.sort, o.descending = n, o.descending != down
		default:
			return o, false
		}
	}
	return o, o.slice.Valid() && o.sort.Valid()
}

// wrongEnd reports whether the files are taken from the newest end.
func (p *pick) wrongEnd() (WrongEnd, bool) {
	o, ok := p.ordered()
	out, descending := WrongEnd{Deletion: p.from, Slice: o.slice, Sort: o.sort}, o.descending
	if !ok {
		return out, false
	}
	if out.Slice.Kind() == pyast.KindCall { // files.pop() takes the last, files.pop(0) the first
		first := pysem.Args(out.Slice).Pos(0)
		return out, !first.Valid() && !descending || first.TextIs("0") && descending
	}
	from, to, ok := sliced(out.Slice)
	switch {
	case !ok:
		return out, false
	case !descending && from != "" && to == "", descending && from == "" && to != "":
		return out, true
	}
	return p.takesAll(out, descending, from, to)
}

// takesAll completes a clean-up that leaves nothing where an option has its default: files[:len(files) - 0], or files[0:] of the newest
// first.
func (p *pick) takesAll(out WrongEnd, descending bool, from, to string) (WrongEnd, bool) {
	list := out.Slice.Child(pyast.FieldValue).Text()
	kept := from
	if !descending {
		if kept, _ = strings.CutPrefix(strings.ReplaceAll(to, " ", ""), "len("+list+")-"); kept == to || from != "" {
			return out, false
		}
	}
	for n := range out.Slice.Descendants() {
		if !n.Is(pyast.KindIdentifier, pyast.KindAttribute) || !n.TextIs(kept) {
			continue
		}
		given := p.file.Eval.Eval(n, p.from.Ctx)
		v := p.file.byDefault(given)
		if v.Kind != pysem.Int || v.Int > 0 || descending && v.Int < 0 {
			return out, false
		}
		if given.Kind == pysem.Int && v.Int == 0 && given.Node.Parent().Is(pyast.KindArgumentList, pyast.KindKeywordArgument) {
			return out, false // the caller keeps none on purpose
		}
		if _, off := p.file.OnRequest(p.from.Frame); off {
			return out, false
		}
		out.All, out.Option, out.Count = true, kept, v.Int
		return out, true
	}
	return out, false
}

// age are the ways to ask when a file was written.
var age = regexp.MustCompile(`get[mc]time|st_[mc]time`)

// byAge reports whether a sort puts files in the order of their age, or of the numbers or texts of their names, and whether it begins with
// the newest.
func byAge(sort pyast.Node) (descending, known bool) {
	args := pysem.Args(sort)
	key, keyed := args.Keyword["key"]
	if reverse, ok := args.Keyword["reverse"]; ok {
		if !reverse.Is(pyast.KindTrue, pyast.KindFalse) {
			return false, false
		}
		descending = reverse.Kind() == pyast.KindTrue
	}
	if !keyed {
		return descending, true
	}
	body := key
	if key.Kind() == pyast.KindLambda {
		body = key.Child(pyast.FieldBody)
	}
	if body.Kind() == pyast.KindUnaryOperator && body.Child(pyast.FieldOperator).TextIs("-") {
		descending = !descending
	}
	return descending, age.MatchString(key.Text()) || key.Kind() == pyast.KindLambda && strings.Contains(body.Text(), "int(")
}

// sliced are the bounds of a slice without a step, as they are written.
func sliced(n pyast.Node) (from, to string, ok bool) {
	inside := strings.TrimSuffix(strings.TrimPrefix(strings.TrimPrefix(n.Text(), n.Child(pyast.FieldValue).Text()), "["), "]")
	if strings.Count(inside, ":") != 1 {
		return "", "", false
	}
	from, to, _ = strings.Cut(inside, ":")
	return strings.TrimSpace(from), strings.TrimSpace(to), true
}
