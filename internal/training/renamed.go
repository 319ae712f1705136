package training

import (
	"path"
	"regexp"
	"strings"

	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
	"github.com/ckpt-lsp/ckpt-lsp/internal/pysem"
)

// duplicators give a file one more name, and leave it where it is.
var duplicators = regexp.MustCompile(`^(shutil\.(copyfile|copy|copy2)|os\.(link|symlink))$`)

// rename is a call that gives a file another name.
type rename struct {
	*Call
	// from and to are the two names; keeps says that the first stays.
	from  *pysem.Value
	to    *Path
	keeps bool
}

// source is the first name as it stands there.
func (x rename) source() pyast.Node {
	if x.Recv.Valid() && !renamers.MatchString(x.Callee) {
		return x.Recv
	}
	return pysem.Args(x.Node).Get(0, "src")
}

// renames are those calls of a run, in order.
func (r *Run) renames() []rename {
	if r.renamed == nil {
		r.renamed = r.findRenames()
	}
	return r.renamed
}

func (r *Run) findRenames() []rename {
	f := r.File
	out := []rename{}
	for _, c := range r.Calls {
		if c.Callee == "" && c.Method != "rename" && c.Method != "replace" {
			continue
		}
		args := pysem.Args(c.Node)
		x := rename{Call: c, keeps: duplicators.MatchString(c.Callee)}
		to := args.Get(1, "dst")
		switch {
		case x.keeps || renamers.MatchString(c.Callee):
			x.from = c.Arg(0, "src")
		case c.Recv.Valid() && (c.Method == "rename" || c.Method == "replace") && len(args.Position) == 1: // str.replace takes two
			x.from, to = c.Value, args.Pos(0)
		default:
			continue
		}
		x.to = f.path(to, c.Ctx)
		if strings.HasPrefix(c.Callee, "shutil.") && c.Callee != "shutil.copyfile" && !strings.Contains(path.Base(x.to.Pattern), ".") {
			x.to.Known, x.to.Pattern = false, "*" // perhaps a directory, and then the name there is the old one
		}
		out = append(out, x)
	}
	return out
}

// follow finds the names that the run gives to the file of a save once it is written. A save that is always renamed at once, as one
// beside the file that it is to replace, has that name.
func (s *SaveSite) follow(renames []rename) {
	if v := s.Path.Value; v != nil && v.Kind == pysem.LoopVar && v.Base.Kind == pysem.List { // for path in paths: save(..., path)
		for _, a := range v.Base.Elems {
			if a.Kind == pysem.Str && !s.Path.Known {
				s.Names = append(s.Names, s.Run.File.pathFrom(a.Node, a))
			}
		}
	}
	for _, x := range renames {
		switch {
		case x.Index <= s.Index || Exclusive(s.Frame, x.Frame) || !s.isNamed(x.from):
		case !x.keeps && s.at(x):
			s.Path, s.Names = x.to, nil
		default:
			s.Names = append(s.Names, x.to)
		}
	}
}

// isNamed reports whether a value is the name that the save's file has, or an object that gives it, as tmp.name of a temporary file.
func (s *SaveSite) isNamed(v *pysem.Value) bool {
	if v == nil || s.Path.Value == nil || v.Kind == pysem.Unknown {
		return false
	}
	for _, a := range s.Path.Value.Alternatives() {
		if a.Kind == pysem.Unknown {
			continue
		}
		for _, b := range v.Alternatives() {
			if b.Kind == pysem.Attr && b.Name == "name" && a.Kind != pysem.Str && b.Base.Key() == a.Key() {
				return true
			}
			if x, y := spell(s.Run.File.named(a)), spell(s.Run.File.named(b)); x.text != "" && x == y {
				return true
			}
		}
	}
	return false
}

// at reports whether a call is made whenever the save is, in the same round of the same loop: under no condition that the save is not
// under, too.
func (s *SaveSite) at(x rename) bool {
	if s.Run.innermost(s.Frame) != s.Run.innermost(x.Frame) {
		return false
	}
	around := map[string]bool{}
	for fr := s.Frame; fr != nil; fr = fr.Parent {
		if fr.Kind == pysem.FrameIf {
			around[condition(fr)] = true
		}
	}
	for fr := x.Frame; fr != nil; fr = fr.Parent {
		if fr.Kind == pysem.FrameIf && !around[condition(fr)] || fr.Kind == pysem.FrameExcept {
			return false
		}
	}
	return true
}

// condition tells one condition from another: a test that is written again is the same one.
func condition(fr *pysem.Frame) string {
	if fr.Positive {
		return fr.Cond.Text()
	}
	return "not " + fr.Cond.Text()
}

// Writes reports whether the save writes a file of that name, now or once it is renamed or copied.
func (s *SaveSite) Writes(p *Path) bool { return s.NameOf(p) != nil }

// NameOf is the name of the save's file that is the same as p, nil where none is.
func (s *SaveSite) NameOf(p *Path) *Path {
	for _, name := range append([]*Path{s.Path}, s.Names...) {
		if SamePath(name, p) {
			return name
		}
	}
	return nil
}
