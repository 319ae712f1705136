package training

import (
	"slices"

	"github.com/ckpt-lsp/ckpt-lsp/internal/pysem"
)

// FromBest is a load by which training goes on from the best checkpoint, although the program writes a newer one too.
type FromBest struct {
	Load *LoadSite
	// Last is the save of the newer one.
	Last *SaveSite
}

// ResumesFromBest are such loads of the file. Where another load resumes from a file that is not the best one, the program knows
// both ways.
func (f *File) ResumesFromBest() []FromBest {
	var out []FromBest
	for _, l := range f.Loads() {
		if !l.RestoresKind(Optimizer) || !l.ReadsProgress() || f.startsAfresh(l.Event()) {
			continue
		}
		if !l.namesBest() {
			return nil
		}
		if loop := l.Run.TrainingLoop(); loop != nil && l.Index > loop.First {
			continue // goes back to the best one while it trains
		}
		if last := f.lastBeside(l); last != nil {
			out = append(out, FromBest{l, last})
		}
	}
	return out
}

// namesBest reports whether the name of the file, as far as it is written in the code, says that it is the best one.
func (l *LoadSite) namesBest() bool {
	name := fileName(l.Path.Pattern)
	return l.Path.Known && l.Path.Value.Kind == pysem.Str && bestName.MatchString(name) && !lastName.MatchString(name)
}

// lastBeside is the save of a training loop that writes a checkpoint of the latest state: its name says so, or the best one is a copy
// of it.
func (f *File) lastBeside(best *LoadSite) *SaveSite {
	for _, s := range f.Saves() {
		name := fileName(s.Path.Pattern)
		if s.Loop == nil || !s.HasKind(Optimizer) || !s.HasKind(Model) || !s.Path.Known || !s.Path.Fixed() || s.BestOnly() {
			continue
		}
		copied := slices.ContainsFunc(s.Names, func(p *Path) bool { return SamePath(p, best.Path) })
		if (lastName.MatchString(name) || copied) && !bestName.MatchString(name) {
			return s
		}
	}
	return nil
}
