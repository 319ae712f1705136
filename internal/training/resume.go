package training

import (
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
	"github.com/ckpt-lsp/ckpt-lsp/internal/pysem"
)

// ResumedBy is the load from which training goes on with the file that a save writes, nil when the file at hand shows none.
// The load stands in the same run before the training loop (or in a function of its own), restores the saved model, and
// reads the same file: the same name, keys that only such a checkpoint has, or a name that the program is told in order to go on.
func (s *SaveSite) ResumedBy() *LoadSite {
	if s.resumedKnown {
		return s.resumed
	}
	best := s.findResumedBy()
	s.resumed, s.resumedKnown = best, s.Run.File.concluded
	return best
}

func (s *SaveSite) findResumedBy() *LoadSite {
	var best *LoadSite
	score := 0
	for _, r := range s.Run.File.Runs {
		loads := r.Loads
		if s.Collective {
			loads = r.Filled
		}
		r.File.Eval.Work.Spend(len(loads))
		for _, l := range loads {
			if r == s.Run && s.Loop != nil && l.Index > s.Loop.Outer().First {
				continue // loads inside or after the training, as to test the best model
			}
			if r == s.Run && s.Loop == nil && l.Index > s.Index {
				continue
			}
			if at := s.trainedUnder(); r == s.Run && (s.Run.File.Exclusive(l.Frame, at) || l.instead(at)) {
				continue // whoever loads it does not train, as to evaluate the model
			}
			if n := s.match(l); n > score {
				best, score = l, n
			}
		}
	}
	return best
}

// ReadFirst is the load of the very file that the save writes which the program makes before it trains, given the load from which training
// goes on if that is known; nil where there is none.
func (s *SaveSite) ReadFirst(from *LoadSite) *LoadSite {
	if from != nil && SamePath(s.Path, from.Path) {
		return from
	}
	for _, l := range s.Run.Loads {
		if from == nil && s.Loop != nil && l.Index < s.Loop.Outer().First && l.Path.Known && s.Path.Known && SamePath(s.Path, l.Path) {
			return l
		}
	}
	return nil
}

// trainedUnder is the frame of the training that a save belongs to.
func (s *SaveSite) trainedUnder() *pysem.Frame {
	if s.Loop != nil {
		return s.Loop.Outer().Frame
	}
	return s.Frame
}

// instead reports whether a place is only come to when the function that loads says that it did not: `if not trainer.load(): trainer.fit()`.
func (l *LoadSite) instead(fr *pysem.Frame) bool {
	for ; fr != nil; fr = fr.Parent {
		if fr.Kind != pysem.FrameIf || plain(fr.Cond, fr.Positive) {
			continue
		}
		for c := l.Ctx; c != nil && c.Parent != nil; c = c.Parent {
			if c.Call.Valid() && fr.Cond.Encloses(c.Call) {
				return true
			}
		}
	}
	return false
}

// plain reports whether a test, or its opposite where it does not hold, holds without a negation.
func plain(cond pyast.Node, holds bool) bool {
	return holds != (cond.Kind() == pyast.KindNotOperator)
}

// handedBack is a load that may take back what the save writes, nil where there is none: the save overwrites one file with the bare state of a
// model as training goes on, and before it training takes the whole state of that very model from a file that is named by whoever
// starts it, where one is named.
func (s *SaveSite) handedBack() *LoadSite {
	if s.Kind != PayloadState || s.Loop == nil || s.BestOnly() || s.Path.Best() || !s.Path.Fixed() || len(s.Added) > 0 {
		return nil
	}
	for _, l := range s.Run.Loads {
		if l.Index > s.Loop.Outer().First || l.Path.Known || s.Run.File.Exclusive(l.Frame, s.trainedUnder()) || !l.asked() {
			continue
		}
		if len(l.Restores) == 1 && l.Restores[0].Key == "" && l.Restores[0].Strict && l.Restores[0].Object.Same(s.Components[0].Object) && l.Restores[0].Object.madeHere() {
			return l
		}
	}
	return nil
}

// asked reports whether a load stands under a test of the very name that it is given: `if path: torch.load(path)`.
func (l *LoadSite) asked() bool {
	for fr := l.Frame; fr != nil; fr = fr.Parent {
		if fr.Kind != pysem.FrameIf || !plain(fr.Cond, fr.Positive) || fr.Ctx != l.Ctx {
			continue
		}
		for n := range l.Path.Node.Descendants() {
			if n.Kind() == pyast.KindIdentifier && fr.Cond.Names(n.Text()) {
				return true
			}
		}
	}
	return false
}

// match weighs how surely a load reads what a save writes in order to go on training; 0 is not at all.
func (s *SaveSite) match(l *LoadSite) int {
	if !s.restoredBy(l) {
		return 0
	}
	n := 0
	switch {
	case s.filledBy(l):
		n += 4 // whichever of its files it is
	case SamePath(s.Path, l.Path):
		n += 4
		if l.Run != s.Run && !l.Resumes() && !l.Declared() {
			return 0 // nothing says that whoever calls it trains: it may evaluate, export or look
		}
	case s.Path.Known && l.Path.Known && !mayRead(l.Path, s.Path):
		return 0
	case l.Declared(), s.splitFrom(l), s.countsOn(l):
		n += 4
	case s.Path.Known && l.Path.Known && l.Run == s.Run:
		n += 3 // an option names one of the files that are written
	case s.takesOut(l):
		n += 4
	}
	if s.Kind == PayloadDict {
		shared, progress := 0, false
		s.Run.File.Eval.Work.Spend(len(s.Components))
		for _, c := range s.Components {
			if l.Key(c.Key) {
				shared++
				progress = progress || c.Role == RoleProgress || c.Role == RoleState && c.Object != nil && c.Object.Kind != Model
			}
		}
		if progress {
			n += 4
		}
		if shared == 0 && !l.Opaque && len(l.Reads) > 0 || s.failsIn(l) {
			return 0
		}
		n += min(shared, 3)
		if !progress && n < 4 {
			return 0
		}
	}
	return n
}

// failsIn reports whether a load takes a key that the save does not write, which raises, and that the program writes to another file beside
// it: it is that file which training goes on from.
func (s *SaveSite) failsIn(l *LoadSite) bool {
	if s.Open || len(l.Unwritten([]*SaveSite{s})) == 0 {
		return false
	}
	return slices.ContainsFunc(s.Companions(), func(o *SaveSite) bool {
		return o.Kind == PayloadDict && !SamePath(o.Path, s.Path) && len(l.Unwritten([]*SaveSite{o})) == 0
	})
}

// mayRead reports whether what is read may be what is written, because an option or the caller gives a part of the file's name.
func mayRead(read, written *Path) bool {
	_, may := read.mayBe(written)
	return may && strings.Contains(fileName(read.Pattern), "*") && !apart(read.Pattern, written.Pattern)
}

// splitFrom reports whether training goes on from a checkpoint of several files, of which a load reads the model's: beside it, another
// restores an optimizer, and the training writes the states of both, each to a file of its own.
func (s *SaveSite) splitFrom(l *LoadSite) bool {
	if s.Kind != PayloadState && s.Kind != PayloadObject || s.Loop == nil || l.Run != s.Run {
		return false
	}
	s.Run.File.Eval.Work.Spend(8)
	return slices.ContainsFunc(s.Run.Restores, func(x *Restore) bool {
		return x.Object != nil && x.Object.Kind == Optimizer && x.Load != nil && x.Load != l && x.Index < s.Loop.Outer().First &&
			slices.ContainsFunc(s.Companions(), func(o *SaveSite) bool { return o.Kind == PayloadState && o.Has(x.Object) })
	})
}

// Split reports whether training goes on from a checkpoint of several files and counts from the start again: the model's file is the
// resumption's, the optimizer's is another one, both are taken back before the loop, and the loop passes over no round. A program that
// always loads, and so trains a number of further epochs, is none.
func (r Resumption) Split() bool {
	s := r.Save
	if r.Load == nil || !s.splitFrom(r.Load) || !s.Afresh() || !r.Load.optional(s.trainedUnder()) {
		return false
	}
	l := s.Rounds()
	at, _ := s.Run.File.skips(l)
	return !at.Valid() && !l.skipsRounds()
}

// optional reports whether training comes about without the load as well.
func (l *LoadSite) optional(training *pysem.Frame) bool {
	for fr := l.Frame; fr != nil; fr = fr.Parent {
		if fr.Kind == pysem.FrameIf && !inside(training, fr) {
			return true
		}
	}
	return false
}

// takesOut reports whether a load takes a key out of a bare state dict that the save has put there: the file is this program's own.
func (s *SaveSite) takesOut(l *LoadSite) bool {
	return s.Kind == PayloadState && slices.ContainsFunc(s.Added, func(c Component) bool { return l.Key(c.Key) })
}

// filledBy reports whether a load restores into the very dict that the save writes.
func (s *SaveSite) filledBy(l *LoadSite) bool {
	if !s.Collective || s.Dict == nil || !s.Dict.Literal.Valid() {
		return false
	}
	d := l.Result.AsDict()
	return d != nil && d.Literal == s.Dict.Literal
}

// restoredBy reports whether a load restores the model that the save wrote.
func (s *SaveSite) restoredBy(l *LoadSite) bool {
	if s.Kind == PayloadObject {
		for _, a := range s.Components[0].Value.Alternatives() { // model = torch.load(path)
			if s.Run.File.loadOf(a) == l {
				return true
			}
		}
		return false
	}
	for _, x := range l.Restores {
		if x.Object == nil || x.Object.Kind != Model {
			continue
		}
		for c := range s.Leaves() {
			if c.Object == nil || c.Object.Kind != Model {
				continue
			}
			if c.Object.Same(x.Object) {
				return true
			}
			if c.Key != "" && c.Key == x.Key && s.HasKind(Optimizer) && l.RestoresKind(Optimizer) {
				return true // the program's own checkpoint, whatever object it builds the model in
			}
			if x.Run == s.Run && c.Object.madeHere() && x.Object.madeHere() && baseName(c.Object.Name) != baseName(x.Object.Name) {
				continue // a teacher, a pretrained part: another model than the one that is trained and saved
			}
			if c.Key != "" && c.Key == x.Key {
				return true
			}
			// Two functions with parameters of their own: the same name is the same role.
			if (c.Object.Guessed || x.Object.Guessed) && baseName(c.Object.Name) == baseName(x.Object.Name) {
				return true
			}
		}
	}
	return false
}

// madeHere reports whether it is known which object it is, rather than that it is handed in.
func (o *Object) madeHere() bool {
	return o.Value != nil && (o.Value.Kind == pysem.Call || o.Value.Kind == pysem.Instance)
}

func baseName(name string) string {
	name = strings.TrimSuffix(name, ".module")
	return name[strings.LastIndexByte(name, '.')+1:]
}

// SamePath reports whether two names have the same known shape, or are the same expression.
func SamePath(a, b *Path) bool {
	if a == nil || b == nil || a.Buffer || b.Buffer {
		return false
	}
	if a.Known && b.Known {
		if apart(a.Pattern, b.Pattern) {
			return false
		}
		x, y := fileName(a.Pattern), fileName(b.Pattern)
		if _, ok := fillIn(x, y); ok { // the checkpoint of one epoch, named by hand
			return true
		}
		if stem := strings.TrimSuffix(x, path.Ext(x)); x != y || strings.Trim(stem, "*") != "" {
			return x == y && x != ""
		}
		// Nothing is known of the two but how they are made. One function that is asked for two names makes two.
		return a.Node.Text() == b.Node.Text() || a.shape.Node != b.shape.Node || a.shape.Ctx == b.shape.Ctx
	}
	return a.Value != nil && b.Value != nil && a.Value.Kind != pysem.Unknown && a.Value.Key() == b.Value.Key()
}

// apart reports whether two files of perhaps one name lie in directories that are known to be others. A part that is not known may
// stand for several directories, or for none.
func apart(a, b string) bool {
	if !strings.Contains(a, "/") && !strings.Contains(b, "/") {
		return false
	}
	if lieApart(a, b) {
		return true
	}
	x, y := directories(a), directories(b)
	for len(x) > 0 && len(y) > 0 && x[len(x)-1] == y[len(y)-1] && !anyDirectory(x[len(x)-1]) {
		x, y = x[:len(x)-1], y[:len(y)-1]
	}
	if len(x) > 0 && len(y) > 0 {
		return false
	}
	rest := append(x, y...)
	return len(rest) > 0 && !strings.HasPrefix(a, "/") && !strings.HasPrefix(b, "/") && !anyDirectory(rest[0])
}

// directories are those in front of a file's name, without what stands for the one before.
func directories(pattern string) []string {
	all := strings.Split(pattern, "/")
	return slices.DeleteFunc(all[:len(all)-1], func(d string) bool { return d == "" || d == "." })
}

func fileName(pattern string) string { return pattern[strings.LastIndexByte(pattern, '/')+1:] }

// Companions are the other saves of the same stretch of training: those in the same loop, or in the same function when there
// is no loop. A checkpoint may be split over them.
func (s *SaveSite) Companions() []*SaveSite {
	var out []*SaveSite
	s.Run.File.Eval.Work.Spend(len(s.Run.Saves))
	for _, o := range s.Run.Saves {
		if o == s || o.Node == s.Node && o.Ctx == s.Ctx {
			continue
		}
		if s.Loop != nil && s.Loop.Outer().Holds(o.Index) || s.Loop == nil && o.Loop == nil && o.Ctx.Func == s.Ctx.Func {
			out = append(out, o)
		}
	}
	return out
}

// SavesBesides reports whether the run may write a checkpoint in a training loop by a call that is not seen into: one that saves
// by its name.
func (r *Run) SavesBesides(s *SaveSite) bool {
	if r.savers == nil {
		known := map[pyast.Node]bool{}
		for _, o := range r.Saves {
			known[o.Node] = true
		}
		r.savers = []*Call{}
		for _, c := range r.Calls {
			if !known[c.Node] && savesByName.MatchString(calledName(c.Node)) {
				r.savers = append(r.savers, c)
			}
		}
	}
	return slices.ContainsFunc(r.savers, func(c *Call) bool { return c.Index != s.Index && s.EpochLoop.Outer().Holds(c.Index) })
}

// savesByName are what functions that write checkpoints are called; it is asked only of calls that are not seen into.
var savesByName = regexp.MustCompile(`(?i)(save|dump|write|store).*(model|checkpoint|ckpt|state|snapshot|weights)|(checkpoint|ckpt|snapshot)|^save(_all|_last|_latest)?$`)

// besideEngine reports whether the same function has a DeepSpeed engine save its model, optimizer and scheduler on the way to the save,
// which then holds what is kept beside them.
func (s *SaveSite) besideEngine() bool {
	return slices.ContainsFunc(s.Run.Calls, func(c *Call) bool {
		if c.Method != "save_checkpoint" || c.Ctx != s.Ctx || Exclusive(c.Frame, s.Frame) || !Implied(c.Frame, s.Frame) {
			return false
		}
		_, state := pysem.Args(c.Node).Keyword["client_state"]
		return state || s.Run.File.isA(c.Value, "deepspeed.initialize")
	})
}

// SavedNearby reports whether the state of an object is in the payload or in a companion's.
func (s *SaveSite) SavedNearby(o *Object) bool {
	if s.besideEngine() {
		return true
	}
	for _, x := range append(s.Companions(), s) {
		if x.Has(o) {
			return true
		}
		for c := range x.Leaves() {
			// An object inside it, or that it is inside of: `wrapper.optimizer.state_dict()`.
			if c.Object != nil && c.Object.Kind == o.Kind && o.Kind != Averaged && o.Kind != Model &&
				(s.Run.File.oneOf(c.Object, o) || c.Value != nil && strings.HasPrefix(c.Value.Node.Text(), o.Name+".")) {
				return true
			}
			// What is stored under a name of that kind, and is not known to be another object, may be this one.
			if c.Object != nil && c.Object.Kind == o.Kind && (c.Object.Guessed || o.Guessed) && baseName(c.Object.Name) == baseName(o.Name) {
				return true
			}
			// So may what is stored under such a key by an expression that names no object: the states of a list, of a wrapper.
			if keyKind(c.Key) == o.Kind && (c.Object == nil || c.Object.Guessed && nameKind(c.Object.Name) == NotTracked) {
				return true
			}
		}
	}
	return false
}
