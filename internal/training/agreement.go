package training

import (
	"slices"

	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
	"github.com/ckpt-lsp/ckpt-lsp/internal/pysem"
	"github.com/ckpt-lsp/ckpt-lsp/internal/text"
)

// Agreement is what saves and a load have to agree on: the keys of one checkpoint.
type Agreement struct {
	// Saves write what Load reads, as far as the names and keys tell. Either may be missing: nothing at hand reads the file, or
	// writes it.
	Saves []*SaveSite
	Load  *LoadSite
	// Perhaps says that the names do not tell whether Load reads what Saves write: it may.
	Perhaps bool
	// Doubt says, where one of them is missing, why there may be one all the same; nil where there is none in these files.
	Doubt *Doubt
	// Continues says that training goes on from the load with a restored optimizer, or with restored progress.
	Continues bool
	Keys      []AgreedKey
}

// AgreedKey is one key of a checkpoint.
type AgreedKey struct {
	Name string
	// Written is the value's node at the save, none where no save writes the key; Read is where the load asks for it, none where it
	// does not; Restored is what is restored from it, nil where it is only read.
	Written, Read pyast.Node
	Save          *SaveSite // that writes it
	Restored      *Restore
	// Optional says that the load does without the key; Unseen that more may be read or written out of sight.
	Optional, Unseen bool
	// Nearest is the key that a misspelt one most likely means, "" where none is close.
	Nearest string
}

// fileAt is one file that a statement saves or loads: a helper's statement serves several.
type fileAt struct {
	node pyast.Node
	name string
}

func fileOf(n pyast.Node, p *Path) fileAt {
	if p.Known {
		return fileAt{n, p.Pattern}
	}
	return fileAt{n, p.Node.Text()}
}

// Agreements are those of the file's saves and loads, taken by itself.
func (f *File) Agreements() []Agreement { return Agree([]*File{f}) }

// Agree tells the agreements of the saves and loads of files: one for each load and one for each save that no load reads. Buffers and
// files that hold no keys are left out.
func Agree(files []*File) []Agreement {
	g := gathering{files: files, paired: map[fileAt]bool{}}
	for _, f := range files {
		g.saves = append(g.saves, slices.DeleteFunc(f.Saves(), func(s *SaveSite) bool { return s.Path.Buffer || !s.reached() })...)
		g.loads = append(g.loads, slices.DeleteFunc(f.Loads(), func(l *LoadSite) bool { return l.Path.Buffer || !l.reached() })...)
	}
	var out []Agreement
	seen := map[fileAt]bool{}
	for _, l := range g.loads {
		read := fileOf(l.Node, l.Path)
		if seen[read] {
			continue
		}
		if a := g.of(l); len(l.Reads) > 0 || slices.ContainsFunc(a.Saves, (*SaveSite).keyed) {
			seen[read] = true
			a.keys()
			out = append(out, a)
		}
	}
	for _, s := range g.saves {
		if file := fileOf(s.Node, s.Path); s.keyed() && !g.paired[file] {
			g.paired[file] = true
			a := Agreement{Saves: []*SaveSite{s}, Doubt: g.reads(s)}
			a.keys()
			out = append(out, a)
		}
	}
	return out
}

// reached reports whether the call may be made with the values that are known: a test in front of it may rule them out.
func (c *Call) reached() bool {
	for fr := c.Frame; fr != nil; fr = fr.Parent {
		if fr.Kind != pysem.FrameIf {
			continue
		}
		if holds, known := c.Run.File.Eval.Eval(fr.Cond, fr.Ctx).Truth(); known && holds != fr.Positive {
			return false
		}
	}
	return true
}

// keyed reports whether keys of the payload are known.
func (s *SaveSite) keyed() bool { return s.Kind == PayloadDict || len(s.Added) > 0 }

// gathering are the saves and loads of files that are taken together.
type gathering struct {
	files  []*File
	saves  []*SaveSite
	loads  []*LoadSite
	paired map[fileAt]bool
	given  []givenName
	asked  bool
}

// of is the agreement of a load: with the saves of its name, or else with those that may write it: by their keys, where a name is not
// known, or by their name, where they are other programs'.
func (g *gathering) of(l *LoadSite) Agreement {
	read := fileOf(l.Node, l.Path)
	a := Agreement{Load: l, Continues: l.Resumes() && l.Run.TrainingLoop() != nil}
	var perhaps []*SaveSite
	for _, s := range g.saves {
		name := s.NameOf(l.Path)
		switch here := s.Run.File == l.Run.File; {
		case name != nil && (here || name.spelt() && l.Path.spelt()):
			a.Saves = append(a.Saves, s)
		case name != nil && (l.Path.distinct() || !l.Path.Known):
			perhaps = append(perhaps, s)
		case here && s.Kind == PayloadDict:
			if resumed := s.ResumedBy(); resumed != nil && fileOf(resumed.Node, resumed.Path) == read || s.Run.File.plausible(s, l) {
				perhaps = append(perhaps, s)
			}
		}
	}
	if len(a.Saves) == 0 {
		a.Saves, a.Perhaps = perhaps, len(perhaps) > 0
	}
	written := map[fileAt]bool{}
	a.Saves = slices.DeleteFunc(a.Saves, func(s *SaveSite) bool {
		file := fileOf(s.Node, s.Path)
		again := written[file]
		written[file], g.paired[file] = true, true
		return again
	})
	if len(a.Saves) == 0 {
		a.Doubt = g.writes(l)
	}
	return a
}

// Name is the name under which the load reads what a save of the agreement writes.
func (a Agreement) Name(s *SaveSite) *Path {
	if a.Load != nil {
		if name := s.NameOf(a.Load.Path); name != nil {
			return name
		}
	}
	return s.Path
}

// keys lists the keys in the order of the saves, then those that are only read.
func (a *Agreement) keys() {
	at := map[string]int{}
	key := func(name string) *AgreedKey {
		i, ok := at[name]
		if !ok {
			i = len(a.Keys)
			at[name] = i
			a.Keys = append(a.Keys, AgreedKey{Name: name})
		}
		return &a.Keys[i]
	}
	open := len(a.Saves) == 0 || a.Perhaps
	for _, s := range a.Saves {
		open = open || s.Open || s.Kind != PayloadDict
		components := s.Added
		if s.Kind == PayloadDict {
			components = s.Components
		}
		for _, c := range components {
			if k := key(c.Key); !k.Written.Valid() {
				k.Written, k.Save = c.Entry.Value.Node, s
			}
		}
	}
	if a.Load == nil {
		return
	}
	for _, r := range a.Load.Reads {
		k := key(r.Key)
		if !k.Read.Valid() || !r.Tested {
			k.Read = r.Node
		}
		k.Optional = k.Optional || r.Tested || r.Default
	}
	for _, x := range a.Load.Restores {
		if x.Key != "" && !x.Absent {
			k := key(x.Key)
			k.Restored = x
			if !k.Read.Valid() {
				k.Read = x.Node
			}
		}
	}
	var unread []string
	for _, k := range a.Keys {
		if !k.Read.Valid() {
			unread = append(unread, k.Name)
		}
	}
	for i := range a.Keys {
		k := &a.Keys[i]
		k.Unseen = !k.Written.Valid() && open || !k.Read.Valid() && a.Load.Opaque
		if !k.Written.Valid() && k.Read.Valid() && !open {
			k.Nearest = text.Nearest(k.Name, unread)
		}
	}
}
