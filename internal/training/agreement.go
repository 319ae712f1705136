package training

import (
	"slices"

	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
	"github.com/ckpt-lsp/ckpt-lsp/internal/text"
)

// Agreement is what saves and a load have to agree on: the keys of one checkpoint.
type Agreement struct {
	// Saves write what Load reads, as far as the names and keys tell. Either may be missing: nothing at hand reads the file, or
	// writes it.
	Saves []*SaveSite
	Load  *LoadSite
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

// Agreements are those of the file's saves and loads, one for each load and one for each save that no load reads. Buffers and
// files that hold no keys are left out.
func (f *File) Agreements() []Agreement {
	var out []Agreement
	paired := map[fileAt]bool{}
	seen := map[fileAt]bool{}
	saves := slices.DeleteFunc(f.Saves(), func(s *SaveSite) bool { return s.Kind != PayloadDict || s.Path.Buffer })
	for _, l := range f.Loads() {
		read := fileOf(l.Node, l.Path)
		if seen[read] || l.Path.Buffer {
			continue
		}
		a := Agreement{Load: l}
		written := map[fileAt]bool{}
		for _, s := range saves {
			resumed := s.ResumedBy()
			if !SamePath(s.Path, l.Path) && (resumed == nil || fileOf(resumed.Node, resumed.Path) != read) && !f.plausible(s, l) {
				continue
			}
			if file := fileOf(s.Node, s.Path); !written[file] {
				written[file], paired[file] = true, true
				a.Saves = append(a.Saves, s)
			}
		}
		if len(a.Saves) == 0 && len(l.Reads) == 0 {
			continue
		}
		seen[read] = true
		a.Continues = l.Resumes() && l.Run.TrainingLoop() != nil
		a.keys()
		out = append(out, a)
	}
	for _, s := range saves {
		if file := fileOf(s.Node, s.Path); !paired[file] {
			paired[file] = true
			a := Agreement{Saves: []*SaveSite{s}}
			a.keys()
			out = append(out, a)
		}
	}
	return out
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
	open := len(a.Saves) == 0
	for _, s := range a.Saves {
		open = open || s.Open
		for _, c := range s.Components {
			if k := key(c.Key); !k.Written.Valid() {
				k.Written = c.Entry.Value.Node
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
