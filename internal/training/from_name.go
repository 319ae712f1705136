package training

import (
	"slices"
	"strings"

	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
	"github.com/ckpt-lsp/ckpt-lsp/internal/pysem"
)

// Programs read how far a training has come out of the checkpoint's name: `int(path.split("_")[-1])`.

// cutters are the methods that give a part of the text they are called on, or of the match that they are asked of.
var cutters = map[string]bool{
	"split": true, "rsplit": true, "partition": true, "rpartition": true, "strip": true, "lstrip": true, "rstrip": true, "replace": true,
	"removeprefix": true, "removesuffix": true, "group": true, "groups": true,
}

// searches are the methods of a compiled pattern that look for it in their argument.
var searches = map[string]bool{"search": true, "match": true, "fullmatch": true, "findall": true}

// searched are the functions that give a part of one of their arguments, with its position.
var searched = map[string]int{
	"re.search": 1, "re.match": 1, "re.fullmatch": 1, "re.findall": 1, "re.split": 1, "re.sub": 2,
	"os.path.basename": 0, "os.path.splitext": 0, "os.path.normpath": 0, "pathlib.Path": 0, "builtins.str": 0,
}

// numberIn is the text that a number is read out of, and what is added to it; nil for other values.
func (f *File) numberIn(v *pysem.Value) (text *pysem.Value, shift int64) {
	base, shift, ok := v.Linear()
	if !ok || base == nil || base.Callee() != "builtins.int" {
		return nil, 0
	}
	text = f.Eval.Eval(pysem.Args(base.Node).Pos(0), base.Ctx)
	for depth := 0; depth < 12; depth++ {
		next := f.cutFrom(text)
		if next == nil {
			return text, shift
		}
		text = next
	}
	return nil, 0
}

// cutFrom is the text of which another is a part, nil where it is none.
func (f *File) cutFrom(v *pysem.Value) *pysem.Value {
	switch v.Kind {
	case pysem.Item, pysem.Elem:
		if f.cutFrom(v.Base) != nil {
			return v.Base
		}
	case pysem.Attr:
		if v.Name == "stem" || v.Name == "name" {
			return v.Base
		}
	case pysem.Call:
		args := pysem.Args(v.Node)
		if at, known := searched[v.Callee()]; known {
			return f.Eval.Eval(args.Pos(at), v.Ctx)
		}
		if recv, method, ok := v.Method(); ok && cutters[method] {
			return recv
		} else if ok && searches[method] {
			return f.Eval.Eval(args.Pos(0), v.Ctx)
		}
	}
	return nil
}

// madeOf reports whether a file's name is a text, or ends in one.
func (f *File) madeOf(name, text *pysem.Value, depth int) bool {
	if name == nil || depth > 4 {
		return false
	}
	if name.Key() == text.Key() {
		return true
	}
	return slices.ContainsFunc(name.Alternatives(), func(a *pysem.Value) bool {
		if a.Key() == text.Key() {
			return true
		}
		if a.Kind == pysem.Str {
			return len(a.Parts) > 0 && f.madeOf(a.Parts[len(a.Parts)-1].Hole, text, depth+1)
		}
		at, known := searched[a.Callee()]
		return known && f.madeOf(f.Eval.Eval(pysem.Args(a.Node).Pos(at), a.Ctx), text, depth+1)
	})
}

// numberedFrom is where a loop's start reads the number in the name of the file that is loaded, and what it adds to it; none where it does not
// start with that number.
func (f *File) numberedFrom(start *pysem.Value, load *LoadSite) (read pyast.Node, shift int64) {
	for _, a := range start.Alternatives() {
		if text, n := f.numberIn(a); text != nil && text.Kind != pysem.Unknown && f.madeOf(load.Path.Value, text, 0) {
			base, _, _ := a.Linear()
			return base.Node, n
		}
		if !clamps[a.Callee()] { // max(0, step)
			continue
		}
		for _, bound := range pysem.Args(a.Node).Position {
			if read, shift := f.numberedFrom(f.Eval.Eval(bound, a.Ctx), load); read.Valid() {
				return read, shift
			}
		}
	}
	return pyast.Node{}, 0
}

// clamps keep a number in its bounds.
var clamps = map[string]bool{"builtins.max": true, "builtins.min": true}

// countsOn reports whether the training of a save starts with the number that stands in the name of the file that a load reads, or goes on
// with it in what it counts its rounds with.
func (s *SaveSite) countsOn(l *LoadSite) bool {
	f := s.Run.File
	if s.Loop == nil || l.Run != s.Run || l.Index > s.Loop.Outer().First {
		return false
	}
	outer := s.Loop.Outer()
	if outer.Start.Valid() {
		if read, _ := f.numberedFrom(f.Eval.Eval(outer.Start, outer.Ctx), l); read.Valid() {
			return true
		}
	}
	return slices.ContainsFunc(outer.counters(), func(counter pyast.Node) bool {
		return slices.ContainsFunc(f.given(outer, counter, 0), func(v *pysem.Value) bool {
			read, _ := f.numberedFrom(v, l)
			return read.Valid()
		})
	})
}

// counters are the variables and attributes that a loop adds one to in the function that it stands in.
func (l *Loop) counters() []pyast.Node {
	if l.counts != nil {
		return l.counts
	}
	out := []pyast.Node{}
	for _, ev := range l.Run.Events[l.First:min(l.Last, len(l.Run.Events))] {
		if ev.Kind == pysem.EventAssign && ev.Ctx == l.Ctx && addsOne(ev.Node) {
			out = append(out, ev.Node.Child(pyast.FieldLeft))
		}
	}
	l.counts = out
	return out
}

// oneNumber reports whether the number that a save counts with is the only thing in its file's name that can be read as a number.
func (p *Path) oneNumber() bool {
	name := fileName(p.Pattern)
	return len(p.Progress) == 1 && strings.Count(name, "*") == 1 && !strings.ContainsAny(name, "0123456789")
}
