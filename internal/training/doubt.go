package training

import (
	"cmp"
	"regexp"
	"slices"
	"strings"

	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
	"github.com/ckpt-lsp/ckpt-lsp/internal/pysem"
	"github.com/ckpt-lsp/ckpt-lsp/internal/torch"
)

// Doubt is why it is not known whether anything writes what a load reads, or reads what a save writes.
type Doubt struct {
	// Why says it of what stands At; At is none where the name itself is not known.
	Why  DoubtReason
	At   pyast.Node
	File *File // in whose facts it stands
}

// DoubtReason is a reason for doubt.
type DoubtReason uint8

// Reasons for doubt.
const (
	NameUnknown  DoubtReason = iota // the file's own name is not known
	OtherUnknown                    // what stands there writes, or reads, a file whose name is not known
	OtherAlike                      // what stands there has a name that may be the same
	GivenName                       // what stands there is given the file's name, and may do anything with it
	OutOfSight                      // what stands there calls what writes, or reads, files out of sight
)

// writes is why something at hand may write what a load reads, although no save is known to.
func (g *gathering) writes(l *LoadSite) *Doubt {
	if !l.Path.Known {
		return &Doubt{}
	}
	for _, s := range g.saves {
		if !s.fits(l) {
			continue
		}
		for _, name := range append([]*Path{s.Path}, s.Names...) {
			if why, ok := name.mayBe(l.Path); ok {
				return &Doubt{why, s.Node, s.Run.File}
			}
		}
	}
	if d := g.givenTo(l.Path, l.Node); d != nil {
		return d
	}
	return g.outOfSight(savesByName)
}

// reads is why something at hand may read what a save writes, although no load is known to.
func (g *gathering) reads(s *SaveSite) *Doubt {
	names := append([]*Path{s.Path}, s.Names...)
	for _, name := range names {
		if !name.Known {
			return &Doubt{}
		}
	}
	for _, name := range names {
		for _, l := range g.loads {
			if why, ok := l.Path.mayBe(name); ok && s.fits(l) {
				return &Doubt{why, l.Node, l.Run.File}
			}
		}
		if d := g.givenTo(name, s.Node); d != nil {
			return d
		}
	}
	return g.outOfSight(readerName)
}

var (
	// readerName are the names of what may load a checkpoint. They only ever raise a doubt.
	readerName = regexp.MustCompile(`(?i)(^|_)load($|_)|load_?(from_?)?(checkpoint|ckpt|model|weights)|resume|restore|from_pretrained`)
	// otherFiles are modules, and methods, whose files are no checkpoints of torch.
	otherFiles = regexp.MustCompile(`^(json|yaml|ruamel|toml|tomllib|csv|pickle|dill|joblib|numpy|pandas|scipy|PIL|cv2|imageio|soundfile|librosa|torchaudio|torchvision|datasets|matplotlib|h5py|omegaconf|logging|wandb|dotenv|onnx\w*)\.|load_(state_dict|dataset|from_disk|ext|entry_point)$|\.savefig$|\.save_summary$`)
)

// outOfSight is a call of something that is not at hand, and says by its name that it writes or reads checkpoints: its files may have
// any name, unless it is given one that is known to be another.
func (g *gathering) outOfSight(byName *regexp.Regexp) *Doubt {
	for _, f := range g.files {
		for _, r := range f.Runs {
			for _, c := range r.Calls {
				name := cmp.Or(c.Callee, c.Method)
				if c.Known && c.Entry.Kind != torch.Saver || !byName.MatchString(lastPart(name)) || otherFiles.MatchString(name) || g.site(c.Node) {
					continue
				}
				named := false
				for _, n := range pysem.Args(c.Node).Position {
					file := f.path(n, c.Ctx)
					named = named || file.Known && strings.Contains(fileName(file.Pattern), ".")
				}
				if !named {
					return &Doubt{OutOfSight, c.Node, f}
				}
			}
		}
	}
	return nil
}

// site reports whether a call is one of the saves and loads that are known.
func (g *gathering) site(call pyast.Node) bool {
	return slices.ContainsFunc(g.saves, func(s *SaveSite) bool { return s.Node == call }) ||
		slices.ContainsFunc(g.loads, func(l *LoadSite) bool { return l.Node == call })
}

// fits reports whether the load would find all keys that it asks for in what the save writes, as far as both are known.
func (s *SaveSite) fits(l *LoadSite) bool {
	return s.Kind != PayloadDict || s.Open || len(l.Unwritten([]*SaveSite{s})) == 0
}

// mayBe reports whether a name may be the name of q's file, and why.
func (p *Path) mayBe(q *Path) (why DoubtReason, may bool) {
	switch {
	case p.Buffer:
		return 0, false
	case !p.Known:
		return OtherUnknown, true
	}
	return OtherAlike, !lieApart(p.Pattern, q.Pattern) && intersect(fileName(p.Pattern), fileName(q.Pattern))
}

// lieApart reports whether directories of two names are known and differ: the nearest ones, or some below one that they share.
// Programs may run in other directories than one another, so that only what both spell out counts.
func lieApart(a, b string) bool {
	x, y := directories(a), directories(b)
	for i := 0; i < min(len(x), len(y)) && !anyDirectory(x[i]) && !anyDirectory(y[i]); i++ {
		if x[i] != y[i] {
			if i > 0 {
				return true
			}
			break
		}
	}
	for i := 1; i <= min(len(x), len(y)) && !anyDirectory(x[len(x)-i]) && !anyDirectory(y[len(y)-i]); i++ {
		if x[len(x)-i] != y[len(y)-i] {
			return true
		}
	}
	return false
}

// anyDirectory reports whether a part of a name may stand for any directory.
func anyDirectory(d string) bool { return d == ".." || strings.Contains(d, "*") }

// intersect reports whether some name has both shapes.
func intersect(a, b string) bool {
	switch {
	case a == "" || b == "":
		return strings.Trim(a+b, "*") == ""
	case a[0] == '*':
		return intersect(a[1:], b) || intersect(a, b[1:])
	case b[0] == '*':
		return intersect(a, b[1:]) || intersect(a[1:], b)
	}
	return a[0] == b[0] && intersect(a[1:], b[1:])
}

// spelt reports whether every part of the name is known.
func (p *Path) spelt() bool { return p.Known && !strings.Contains(p.Pattern, "*") }

// distinct reports whether the file's own name, in front of its extension, is known in part.
func (p *Path) distinct() bool {
	name, _, _ := strings.Cut(fileName(p.Pattern), ".")
	return p.Known && strings.Trim(name, "*_-") != ""
}

// givenName is a call that is handed the name of a file, or a method of it.
type givenName struct {
	call pyast.Node
	name *Path
	file *File
}

// givenTo is the call that is handed a file's name and may write or read it, nil where there is none.
func (g *gathering) givenTo(p *Path, site pyast.Node) *Doubt {
	if !g.asked {
		g.asked = true
		for _, f := range g.files {
			g.given = append(g.given, f.givenNames()...)
		}
	}
	for _, x := range g.given {
		if x.call != site && !x.call.Encloses(p.Node) && SamePath(x.name, p) {
			return &Doubt{GivenName, x.call, x.file}
		}
	}
	return nil
}

// givenNames are the calls of a file that are handed the name of a file and do more than look at it, saves and loads aside.
func (f *File) givenNames() []givenName {
	var out []givenName
	for _, r := range f.Runs {
		for _, c := range r.Calls {
			if looksOnly.MatchString(c.Callee) && !openers[c.Callee] || c.Method != "" && asksPath.MatchString(c.Method) || removers.MatchString(c.Callee) {
				continue
			}
			handed := handedTo(c.Node)
			if c.Method != "" && !removeMethods.MatchString(c.Method) {
				handed = append(handed, c.Recv)
			}
			for _, n := range handed {
				if !n.Is(pyast.KindIdentifier, pyast.KindAttribute, pyast.KindString, pyast.KindCall, pyast.KindBinaryOperator) {
					continue
				}
				if p := f.path(n, c.Ctx); p.Known && strings.Contains(fileName(p.Pattern), ".") {
					out = append(out, givenName{c.Node, p, f})
				}
			}
		}
	}
	slices.SortStableFunc(out, func(a, b givenName) int { return a.name.Node.Start() - b.name.Node.Start() })
	return out
}
