package training

import (
	"regexp"
	"strconv"
	"strings"

	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
	"github.com/ckpt-lsp/ckpt-lsp/internal/pysem"
)

// Continuation is how a resumed run counts on from a checkpoint: the saved number of an epoch that was completed, and the
// epoch the loop then starts with, both against the same loop variable.
type Continuation struct {
	Resumption
	Loop *Loop
	// Shift is how many epochs the loop starts behind the completed epoch that was saved last: 0 runs it again, 1 goes on with
	// the next, 2 leaves one out.
	Shift int
	// Place is where the starting epoch is read or written; Saved is where the number was saved (the dict's value or the name).
	Place, Saved pyast.Node
	// FromName says that the number stands in the file's name rather than under a key.
	FromName bool
	// Epoch is the epoch that was completed where the code states it as a number, -1 otherwise.
	Epoch int
}

// Continuations finds, for each resumption, how the epoch loop continues. Only proven arithmetic is listed: values that cannot
// be followed, saves in the middle of an epoch or before its training are left out.
func (f *File) Continuations() []Continuation {
	var out []Continuation
	for _, r := range f.Resumptions() {
		s := r.Save
		l := s.EpochLoop
		if l == nil || s.Loop != l || !l.Start.Valid() || !s.afterTraining(l) {
			continue
		}
		start := f.Eval.Eval(l.Start, l.Ctx)
		if c, ok := f.continueFromKey(r, l, start); ok {
			out = append(out, c)
		} else if c, ok := f.continueFromName(r, l, start); ok {
			out = append(out, c)
		}
	}
	return out
}

// afterTraining says that the optimizer's steps of an epoch come before the save.
func (s *SaveSite) afterTraining(l *Loop) bool {
	found := false
	for _, st := range s.Run.Steps {
		if st.Object.Kind == Optimizer && l.Holds(st.Index) {
			if st.Index > s.Index {
				return false
			}
			found = true
		}
	}
	return found
}

// counts splits a value into the loop's variable plus an offset.
func (f *File) counts(v *pysem.Value, l *Loop) (offset int64, ok bool) {
	for _, a := range v.Alternatives() {
		base, n, lin := a.Linear()
		if !lin || base == nil {
			return 0, false
		}
		if base.Kind == pysem.Elem {
			base = base.Base
		}
		if base.Kind != pysem.LoopVar || base.Node != l.Node {
			return 0, false
		}
		if ok && n != offset {
			return 0, false
		}
		offset, ok = n, true
	}
	return offset, ok
}

func (f *File) continueFromKey(r Resumption, l *Loop, start *pysem.Value) (Continuation, bool) {
	if r.Load == nil {
		return Continuation{}, false
	}
	for _, comp := range r.Save.Components {
		if comp.Role != RoleProgress {
			continue
		}
		saved, ok := f.counts(comp.Value, l)
		if !ok {
			continue
		}
		for _, a := range start.Alternatives() {
			base, shift, ok := a.Linear()
			if !ok || base == nil {
				continue
			}
			load, key := f.Source(base)
			if load == nil || load.Node != r.Load.Node || key != comp.Key || !direct(base) {
				continue
			}
			place := base.Node
			if !place.Valid() || place.Tree() != l.Node.Tree() {
				place = l.Start
			}
			return Continuation{Resumption: r, Loop: l, Shift: int(saved + shift), Place: place, Saved: comp.Entry.Pair, Epoch: -1}, true
		}
	}
	return Continuation{}, false
}

// direct says that a value is the key's value itself, not something computed from it.
func direct(v *pysem.Value) bool {
	if _, _, ok := v.KeyRead(); ok {
		return true
	}
	if v.Callee() == "builtins.int" {
		return true
	}
	_, m, ok := v.Method()
	return ok && m == "item"
}

// continueFromName compares the epoch in the file name: the save writes `name_{epoch}`, the load reads `name_40` or
// `name_{start}`, and the loop starts at 40 or at start.
func (f *File) continueFromName(r Resumption, l *Loop, start *pysem.Value) (Continuation, bool) {
	s := r.Save
	if len(s.Path.Progress) != 1 {
		return Continuation{}, false
	}
	saved, ok := f.counts(s.Path.Progress[0], l)
	if !ok {
		return Continuation{}, false
	}
	c := Continuation{Resumption: r, Loop: l, Place: l.Start, Saved: s.Path.Node, FromName: true, Epoch: -1}
	for _, load := range f.loadsBefore(s, l) {
		if load.Path == nil || !load.Path.Known {
			continue
		}
		if len(load.Path.Progress) == 1 {
			base, shift, ok := start.Linear()
			lb, lo, lok := load.Path.Progress[0].Linear()
			if ok && lok && base != nil && lb != nil && base.Key() == lb.Key() && SamePath(s.Path, load.Path) && s.restoredBy(load) {
				c.Load, c.Evidence = load, FromLoadPath
				c.Shift = int(shift - lo + saved)
				return c, true
			}
			continue
		}
		if n, ok := fillIn(fileName(s.Path.Pattern), fileName(load.Path.Pattern)); ok && start.Kind == pysem.Int {
			c.Load, c.Evidence = load, FromLoadPath
			c.Epoch = n - int(saved)
			c.Shift = int(start.Int) - n + int(saved)
			if c.Shift < -1 || c.Shift > 3 {
				continue // another numbering
			}
			return c, true
		}
	}
	return Continuation{}, false
}

func (f *File) loadsBefore(s *SaveSite, l *Loop) []*LoadSite {
	var out []*LoadSite
	for _, load := range s.Run.Loads {
		if load.Index < l.Outer().First {
			out = append(out, load)
		}
	}
	return out
}

// fillIn reads the number that stands in name where pattern has its one "*".
func fillIn(pattern, name string) (int, bool) {
	if strings.Count(pattern, "*") != 1 || strings.Contains(name, "*") {
		return 0, false
	}
	m := regexp.MustCompile("^" + strings.Replace(regexp.QuoteMeta(pattern), `\*`, `0*(\d+)`, 1) + "$").FindStringSubmatch(name)
	if m == nil {
		return 0, false
	}
	n, err := strconv.Atoi(m[1])
	return n, err == nil
}
