package training

import (
	"regexp"
	"slices"

	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
	"github.com/ckpt-lsp/ckpt-lsp/internal/pysem"
	"github.com/ckpt-lsp/ckpt-lsp/internal/torch"
)

// Reseeded is a seed call behind the place where training resumes, before the training loop.
type Reseeded struct {
	Load *LoadSite
	// Restore sets the generator that the seed sets again; nil when the load restores no generator.
	Restore *Restore
	Seed    *Call
	// SeedAt and RestoreAt are the calls, in one function, that lead to the two; Ctx is its context.
	SeedAt, RestoreAt pyast.Node
	Ctx               *pysem.Ctx
	// Argument is the seed's expression where the seed call is written in that function; From is the restored epoch there, "".
	Argument pyast.Node
	From     string
}

// Reseeds are the seed calls that undo a restored generator, and those with which a resumed run begins its random numbers anew.
func (f *File) Reseeds() []Reseeded {
	var out []Reseeded
	for _, r := range f.Runs {
		for _, l := range r.Loads {
			if !l.Resumes() || f.startsAfresh(l.Event()) {
				continue
			}
			for _, seed := range r.seedsBehind(l) {
				if s, ok := f.reseeded(l, seed); ok {
					out = append(out, s)
				}
			}
		}
	}
	return out
}

var seedHelper = regexp.MustCompile(`(?i)^((set|fix|init|setup|same)_?(all_?|random_?)*seeds?|seed_(everything|all)|set_determinism)$`)

// seedsBehind are the seed calls between a load and the first training step, those by helpers of other files too.
func (r *Run) seedsBehind(l *LoadSite) []*Call {
	end := len(r.Events)
	if loop := r.TrainingLoop(); loop != nil {
		end = loop.First
	}
	var out []*Call
	for _, c := range r.SeedsIn(MainProcess) {
		if l.Index < c.Index && c.Index < end {
			out = append(out, c)
		}
	}
	for _, c := range r.Calls {
		if !c.Known && l.Index < c.Index && c.Index < end && c.Method == "" && seedHelper.MatchString(lastPart(c.Callee)) {
			out = append(out, c)
		}
	}
	return out
}

// sets reports whether a seed call seeds one of the generators; a helper of another file is taken to seed them all.
func (c *Call) sets(generators []torch.RNG) bool {
	return !c.Known || slices.ContainsFunc(generators, func(g torch.RNG) bool { return slices.Contains(c.Entry.Generators, g) })
}

// reseeded judges one seed call behind a load.
func (f *File) reseeded(l *LoadSite, seed *Call) (Reseeded, bool) {
	if len(f.keysIn(seed.Node.Child(pyast.FieldArguments), seed.Ctx, 0)) > 0 {
		return Reseeded{}, false // the seed depends on the checkpoint
	}
	s := Reseeded{Load: l, Seed: seed}
	for _, x := range l.Restores {
		if len(x.RNG) > 0 && x.Run == l.Run && x.Index < seed.Index && seed.sets(x.RNG) && within(seed.Frame, x.Frame) {
			s.Restore = x
		}
	}
	other := l.Call
	if s.Restore != nil {
		other = s.Restore.Call
	} else if !f.startsRandomAnew(l, seed) {
		return Reseeded{}, false
	}
	s.SeedAt, s.RestoreAt, s.Ctx = meet(seed.Ctx, seed.Node, other.Ctx, other.Node)
	if s.SeedAt == seed.Node {
		s.Argument = pysem.Args(seed.Node).Pos(0)
		s.From = f.epochAt(l, seed)
	}
	return s, s.SeedAt.Valid()
}

// startsRandomAnew reports whether a seed behind a load replays the first epochs: the epoch is restored and no generator is, the
// seed is the same on every start, and no sampler derives its order from the epoch.
func (f *File) startsRandomAnew(l *LoadSite, seed *Call) bool {
	if l.Opaque || !l.ReadsProgress() || !within(seed.Frame, l.Frame) || !seed.Known || !seed.sets([]torch.RNG{torch.TorchRNG}) || len(l.Run.SetEpochs) > 0 {
		return false
	}
	if slices.ContainsFunc(l.Restores, func(x *Restore) bool { return len(x.RNG) > 0 }) || l.readsRNG() {
		return false
	}
	loop := l.Run.TrainingLoop()
	return loop != nil && pysem.Args(seed.Node).Pos(0).Valid()
}

// readsRNG reports whether a generator's state is read from a load, whatever is done with it.
func (l *LoadSite) readsRNG() bool {
	return slices.ContainsFunc(l.Reads, func(r KeyRead) bool { return rngKey.MatchString(r.Key) })
}

// epochAt is a variable that holds the epoch restored from a load where a call stands, "" if there is none.
func (f *File) epochAt(l *LoadSite, c *Call) string {
	for _, r := range f.epochReads(l) {
		if r.event.Ctx == c.Ctx && r.event.Node.End() < c.Node.Start() && f.holdsAt(r, c.Frame, c.Ctx) {
			return r.target.Text()
		}
	}
	return ""
}
