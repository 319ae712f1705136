package training

import (
	"slices"

	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
	"github.com/ckpt-lsp/ckpt-lsp/internal/pysem"
	"github.com/ckpt-lsp/ckpt-lsp/internal/torch"
)

// SharedRNG is a generator's state that one process saves and every process sets.
type SharedRNG struct {
	Restore *Restore
	Save    *SaveSite
	// State is the expression of the state in the payload, in the function of the save; Guard the rank test around the save; both
	// none where they cannot be told.
	State pyast.Node
	Guard *pysem.Frame
	// Read is where the restore reads the state from the checkpoint, none where something else reads it too.
	Read pyast.Node
	// Several shows that several processes run the restore.
	Several Processes
}

// SharedRNGs are those states, where the processes draw numbers of their own: their seeds differ by the rank, or nothing seeds.
func (f *File) SharedRNGs() []SharedRNG {
	var out []SharedRNG
	for _, s := range f.Saves() {
		if !s.oneProcess() || s.Path.Rank || s.Path.Buffer || s.Kind != PayloadDict {
			continue
		}
		for _, c := range s.Components {
			if len(c.RNG) == 0 {
				continue
			}
			restores := f.restoresOf(s, c)
			for _, x := range restores {
				several, ok := x.Call.Distributed()
				if !ok || f.Guarded(x.Frame) || !x.Run.drawsByRank() {
					continue
				}
				shared := SharedRNG{Restore: x, Save: s, Several: several, State: c.Entry.Value.Node}
				if g, ok := f.SomeRanks(s.Frame); ok {
					shared.Guard = g.Frame
				}
				if len(restores) == 1 {
					shared.Read = keyRead(x, c.Key)
				}
				out = append(out, shared)
			}
		}
	}
	return out
}

// restoresOf are the calls that set generators to what a save wrote under a key.
func (f *File) restoresOf(s *SaveSite, c Component) []*Restore {
	var out []*Restore
	for _, r := range f.Runs {
		for _, x := range r.Restores {
			if x.Load == nil || x.Key != c.Key || !slices.ContainsFunc(x.RNG, func(g torch.RNG) bool { return slices.Contains(c.RNG, g) }) {
				continue
			}
			if s.Writes(x.Load.Path) || s.match(x.Load) > 0 {
				out = append(out, x)
			}
		}
	}
	return out
}

// keyRead is the subscript in a restore's argument that reads a key of the checkpoint.
func keyRead(x *Restore, key string) pyast.Node {
	for n := range x.stateArgument().Descendants() {
		if k, ok := pysem.StringLiteral(n.Child(pyast.FieldSubscript)); ok && n.Kind() == pyast.KindSubscript && k == key {
			return n
		}
	}
	return pyast.Node{}
}

// drawsByRank reports whether each process has a stream of random numbers of its own: a seed depends on the rank, or none is set
// as far as any name tells.
func (r *Run) drawsByRank() bool {
	f := r.File
	seeded := r.SeedsElsewhere().Valid()
	for _, c := range r.Seeds {
		seeded = true
		if seed := pysem.Args(c.Node).Get(0, "seed"); seed.Valid() && f.variesByProcess(seed, c.Ctx) {
			return true
		}
	}
	for _, c := range r.Calls {
		if !c.Known && c.Callee != "" && seedsByName.MatchString(lastPart(c.Callee)) && processWord.MatchString(c.Node.Child(pyast.FieldArguments).Text()) {
			return true
		}
	}
	return !seeded
}
