package training

import (
	"regexp"
	"slices"
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
	// Read is the expression that reads it from the checkpoint, or out of its name, none where the loop's start is in the name.
	Place, Saved, Read pyast.Node
	// FromName says that the number stands in the file's name rather than under a key.
	FromName bool
	// Epoch is the epoch that was completed where the code states it as a number, -1 otherwise.
	Epoch int
}

// Bounded reports whether the loop makes a number of rounds that does not depend on where it starts, `range(start, start + n)`, and
// its number reaches no schedule, sampler or file name: then the number that is trained twice is a label.
func (c Continuation) Bounded() bool {
	l, r := c.Loop, c.Loop.Run
	stop := l.Stop
	if stop.Kind() != pyast.KindBinaryOperator || !stop.Child(pyast.FieldOperator).TextIs("+") ||
		!stop.Child(pyast.FieldLeft).TextIs(l.Start.Text()) && !stop.Child(pyast.FieldRight).TextIs(l.Start.Text()) {
		return false
	}
	in := func(calls []*Call) bool {
		return slices.ContainsFunc(calls, func(x *Call) bool { return l.Holds(x.Index) })
	}
	if in(r.SetEpochs) || c.Save.WritesRate() || slices.ContainsFunc(r.Steps, func(st *Step) bool { return st.Explicit && l.Holds(st.Index) }) {
		return false
	}
	return !slices.ContainsFunc(r.Saves, func(s *SaveSite) bool {
		return l.Holds(s.Index) && s.Path.Value != nil && s.Run.File.numbered(s.Path.Value, l)
	})
}

// numbered reports whether a text holds the number of a loop's round.
func (f *File) numbered(v *pysem.Value, l *Loop) bool {
	for _, a := range v.Alternatives() {
		for _, p := range a.Parts {
			if p.Hole == nil {
				continue
			}
			if _, ok := f.counts(p.Hole, l); ok {
				return true
			}
		}
	}
	return false
}

// Uneven is the expression that hands the save the number of the round that is done, where another save under the same key holds the
// number of all rounds, the loop's end: adding one where the number is read would mend the first and spoil the other. It is none where
// there is no such save.
func (c Continuation) Uneven() pyast.Node {
	f := c.Loop.Run.File
	i := slices.IndexFunc(c.Save.Components, func(x Component) bool { return x.Entry.Pair == c.Saved })
	if i < 0 || !c.Loop.Stop.Valid() {
		return pyast.Node{}
	}
	saved, stop := c.Save.Components[i], f.Eval.Eval(c.Loop.Stop, c.Loop.Ctx).Key()
	if !slices.ContainsFunc(f.Saves(), func(s *SaveSite) bool {
		return s != c.Save && slices.ContainsFunc(s.Components, func(x Component) bool {
			return x.Key == saved.Key && x.Value != nil && x.Value.Key() == stop
		})
	}) {
		return pyast.Node{}
	}
	n, ctx := saved.Entry.Value.Node, saved.Entry.Value.Ctx
	for n.Kind() == pyast.KindIdentifier && ctx != c.Loop.Ctx && ctx != nil && !ctx.Root() {
		p, index := parameter(ctx.Func, n.Text())
		if p == nil {
			return pyast.Node{}
		}
		given, ok := f.Eval.Arguments(ctx).Get(index, p.Name)
		if !ok {
			return pyast.Node{}
		}
		n, ctx = given.Node, ctx.Parent
	}
	return n
}

// Shifted is the expression to add to when the count is to be mended.
func (c Continuation) Shifted() pyast.Node {
	if c.Read.Valid() {
		return c.Read
	}
	return c.Place
}

// Continuations finds, for each checkpoint, how the epoch loop continues. Only proven arithmetic is listed: values that cannot
// be followed, saves in the middle of an epoch or before its training are left out.
func (f *File) Continuations() []Continuation {
	var out []Continuation
	resumed := map[*SaveSite]Resumption{}
	for _, r := range f.Resumptions() {
		resumed[r.Save] = r
	}
	for _, s := range f.Saves() {
		l := s.EpochLoop
		if l == nil && s.Loop != nil && s.Loop.Inner {
			l = s.Loop // epochs that a while loop or an attribute counts
		}
		switch {
		case s.Collective || s.Path.Buffer:
			continue
		case s.Loop == nil:
			if l = s.LoopThatTrains(); l == nil {
				continue
			}
		case l == nil || s.Loop != l || !s.afterTraining(l):
			continue
		}
		r, known := resumed[s]
		if !known {
			r = Resumption{Save: s}
		}
		if c, ok := f.continueFromKey(r, l); ok {
			out = append(out, c)
			continue
		}
		if !known || !l.Start.Valid() {
			continue
		}
		if c, ok := f.continueFromName(r, l, f.Eval.Eval(l.Start, l.Ctx)); ok {
			out = append(out, c)
		}
	}
	return out
}

// CutShort are the continuations from checkpoints that are written in the middle of an epoch and after which the loop starts with the next:
// what was left of the epoch is not trained.
func (f *File) CutShort() []Continuation {
	var out []Continuation
	for _, r := range f.Resumptions() {
		s := r.Save
		outer := s.Loop.Outer()
		if r.Load == nil || s.Loop == outer {
			continue
		}
		period := s.Period(s.Loop)
		if period.Rhythm != Spaced && (period.Rhythm != Regular || period.Every < 2) || epochName.MatchString(period.Option) {
			continue
		}
		c, ok := f.continueFromKey(r, outer)
		if !ok || c.Shift != 1 || outer.skipsRounds() {
			continue
		}
		if i := slices.IndexFunc(s.Components, func(x Component) bool { return x.Entry.Pair == c.Saved }); i >= 0 && isEpochKey(s.Components[i].Key) {
			out = append(out, c)
		}
	}
	return out
}

// skipsRounds reports whether a loop inside leaves out its first rounds, so that an epoch may go on in its middle.
func (l *Loop) skipsRounds() bool {
	return slices.ContainsFunc(l.Run.Loops, func(inner *Loop) bool {
		at, _ := l.Run.File.skips(inner)
		return l.Holds(inner.First) && at.Valid()
	})
}

// Afresh reports whether the training counts from a number that the code states, `range(epochs)`, whatever was loaded: what is loaded
// is then where the training begins, rather than how far it had come.
func (s *SaveSite) Afresh() bool {
	l := s.Rounds()
	return l != nil && l.Stop.Valid() && (!l.Start.Valid() || l.Start.Kind() == pyast.KindInteger)
}

// Rounds is the loop whose rounds the training of a save counts: over epochs, or else the outermost one; nil where it stands in none.
func (s *SaveSite) Rounds() *Loop {
	if s.EpochLoop == nil && s.Loop != nil {
		return s.Loop.Outer()
	}
	return s.EpochLoop
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

// trains are functions that train for an epoch, as their names tell.
var trains = regexp.MustCompile(`(?i)^(train(_?(one|an|single))?(_?epoch)?|(run|do)_?(train(ing)?|one)?_?epoch|fit(_?(one)?_?epoch)?|train_?step|optimi[sz]e)$`)

// LoopThatTrains is the innermost loop around a save where no optimizer is seen to step: a loop over epochs in which, before the
// save and not behind it, a function is called that trains by its name. It is nil where there is none.
func (s *SaveSite) LoopThatTrains() *Loop {
	loops := s.loops()
	if len(loops) == 0 {
		return nil
	}
	l := loops[len(loops)-1]
	before := false
	for i, ev := range s.Run.Events[:min(l.Last, len(s.Run.Events))] {
		if i <= l.First || ev.Kind != pysem.EventCall || ev.Ctx != l.Ctx || !trains.MatchString(calledName(ev.Node)) {
			continue
		}
		if i > s.Index {
			return nil
		}
		before = true
	}
	if !before {
		return nil
	}
	return l
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

// continueFromKey compares the number saved under a key with the number the loop starts with, which comes from the same key of
// a checkpoint that is loaded.
func (f *File) continueFromKey(r Resumption, l *Loop) (Continuation, bool) {
	for _, comp := range r.Save.Components {
		if comp.Role != RoleProgress {
			continue
		}
		saved, counter, ok := f.savedCount(comp, r.Save, l)
		if !ok {
			continue
		}
		starts := f.starts(l, counter)
		if f.adjusted(starts) {
			continue
		}
		for _, x := range starts {
			for _, a := range x.Alternatives() {
				base, shift, ok := a.Linear()
				if !ok || base == nil {
					continue
				}
				load, key := f.Source(base)
				if load == nil || key != comp.Key || !direct(base) || r.Load != nil && load.Node != r.Load.Node || r.Load == nil && !f.plausible(r.Save, load) {
					continue
				}
				if n := int(saved + shift); n < -1 || n > 3 || load.Run.neverGets(base) {
					continue // another numbering, or none that this caller of the helper asks for
				}
				r.Load = load
				read, place := base.Node, base.Node
				if !place.Valid() || place.Ancestor(pyast.KindReturnStatement).Valid() {
					place = l.Start
				}
				if call := calledFrom(l.Node.Tree(), load.Ctx); returned(read) && read.Tree() != l.Node.Tree() && call.Valid() {
					place = call // of a helper that other programs count on from as well
					if f.Eval.Eval(call, l.Ctx).Kind != pysem.Tuple {
						read = call
					}
				}
				if !place.Valid() {
					place = l.Node
				}
				return Continuation{Resumption: r, Loop: l, Shift: int(saved + shift), Read: read, Place: place, Saved: comp.Entry.Pair, Epoch: -1}, true
			}
		}
	}
	return Continuation{}, false
}

// returned reports whether an expression is handed back by the function that it stands in: it, or the variable that it is assigned to.
func returned(n pyast.Node) bool {
	a := n.Ancestor(pyast.KindAssignment, pyast.KindBlock)
	return n.Ancestor(pyast.KindReturnStatement).Valid() || a.Child(pyast.FieldLeft).Is(pyast.KindIdentifier, pyast.KindPatternList)
}

// neverGets reports whether what a caller passes keeps the run from the assignment that a value stands in.
func (r *Run) neverGets(v *pysem.Value) bool {
	return slices.ContainsFunc(r.Events, func(ev pysem.Event) bool {
		return ev.Kind == pysem.EventAssign && ev.Ctx == v.Ctx && ev.Node.Encloses(v.Node) && r.File.unreachable(ev.Frame)
	})
}

// calledFrom is the call in a file that led to a context in another one, none where none did.
func calledFrom(tree *pyast.Tree, ctx *pysem.Ctx) pyast.Node {
	for ; ctx != nil; ctx = ctx.Parent {
		if ctx.Call.Valid() && ctx.Call.Tree() == tree {
			return ctx.Call
		}
	}
	return pyast.Node{}
}

// adjusted reports whether the start is the number of a checkpoint on one way, and one more or less than it on another: the
// program tells kinds of checkpoints apart, as by a version that they hold.
func (f *File) adjusted(starts []*pysem.Value) bool {
	shifts := map[string]int64{}
	for _, start := range starts {
		for _, a := range start.Alternatives() {
			base, shift, ok := a.Linear()
			if !ok || base == nil {
				continue
			}
			load, key := f.Source(base)
			if load == nil {
				continue
			}
			if before, seen := shifts[key]; seen && before != shift {
				return true
			}
			shifts[key] = shift
		}
	}
	return false
}

// plausible says that a load may read what a save writes: it reads most of the keys, and no other name.
func (f *File) plausible(s *SaveSite, l *LoadSite) bool {
	if s.Kind != PayloadDict || s.Path.Known && l.Path.Known && !s.Writes(l.Path) {
		return false
	}
	shared := 0
	for _, c := range s.Components {
		if l.asks(c.Key) {
			shared++
		}
	}
	return shared >= 2 && 2*shared >= min(len(s.Components), len(l.Reads))
}

// savedCount is the number saved, against the loop's counter at the start of a round: the loop's variable, or a variable or
// attribute that the loop adds one to. counter is the latter's expression, none for the loop's variable.
func (f *File) savedCount(c Component, s *SaveSite, l *Loop) (offset int64, counter pyast.Node, ok bool) {
	if n, ok := f.counts(c.Value, l); ok {
		return n, pyast.Node{}, true
	}
	n := c.Entry.Value.Node
	if n.Kind() == pyast.KindBinaryOperator {
		right, err := strconv.ParseInt(n.Child(pyast.FieldRight).Text(), 10, 32)
		if err != nil {
			return 0, counter, false
		}
		switch n.Child(pyast.FieldOperator).Text() {
		case "+":
			offset = right
		case "-":
			offset = -right
		default:
			return 0, counter, false
		}
		n = n.Child(pyast.FieldLeft)
	}
	if !n.Is(pyast.KindIdentifier, pyast.KindAttribute) || !isProgressKey(lastPart(n.Text())) {
		return 0, counter, false
	}
	if given, ok := s.givenInRound(n, c.Entry.Value.Ctx, l); ok {
		return offset + given, pyast.Node{}, true
	}
	adds := 0
	for i := l.First + 1; i < l.Last && i < len(s.Run.Events); i++ {
		ev := s.Run.Events[i]
		if ev.Kind != pysem.EventAssign || !ev.Node.Child(pyast.FieldLeft).TextIs(n.Text()) {
			continue
		}
		if !addsOne(ev.Node) || ev.Frame == nil || s.Run.innermost(ev.Frame) != l {
			return 0, counter, false
		}
		adds++
		if i < s.Index {
			offset++
		}
	}
	return offset, n, adds == 1
}

// givenInRound is the number, against the loop's variable, that an attribute of self has at a save because each round sets it before:
// `self.epoch = epoch`. The attribute alone has other values, too: what the constructor and the resume give it.
func (s *SaveSite) givenInRound(n pyast.Node, ctx *pysem.Ctx, l *Loop) (offset int64, ok bool) {
	if n.Kind() != pyast.KindAttribute || ctx == nil || ctx.Func.Class == nil {
		return 0, false
	}
	for i := s.Index - 1; i > l.First; i-- {
		ev := s.Run.Events[i]
		if ev.Kind != pysem.EventAssign || ev.Ctx.Func.Class == nil || !ev.Node.Child(pyast.FieldLeft).TextIs(n.Text()) {
			continue
		}
		if ev.Node.Kind() != pyast.KindAssignment || ev.Ctx != l.Ctx || ev.Frame == nil || ev.Frame.Kind != pysem.FrameLoop || ev.Frame.Node != l.Node {
			return 0, false
		}
		return s.Run.File.counts(s.Run.File.Eval.Eval(ev.Node.Child(pyast.FieldRight), ev.Ctx), l)
	}
	return 0, false
}

// innermost is the loop of the run directly around a frame.
func (r *Run) innermost(fr *pysem.Frame) *Loop {
	for ; fr != nil; fr = fr.Parent {
		if fr.Kind != pysem.FrameLoop {
			continue
		}
		for _, l := range r.Loops {
			if l.Node == fr.Node && l.Frame == fr.Parent {
				return l
			}
		}
		return nil
	}
	return nil
}

// addsOne reports whether an assignment is `x += 1` or `x = x + 1`.
func addsOne(n pyast.Node) bool {
	right := n.Child(pyast.FieldRight)
	if n.Kind() == pyast.KindAugmentedAssignment {
		return n.Child(pyast.FieldOperator).TextIs("+=") && right.TextIs("1")
	}
	return right.Kind() == pyast.KindBinaryOperator && right.Child(pyast.FieldOperator).TextIs("+") && right.Child(pyast.FieldRight).TextIs("1") &&
		right.Child(pyast.FieldLeft).Text() == n.Child(pyast.FieldLeft).Text()
}

// starts are the values that the count may begin with when the loop is entered: its start, or what was given to the counter
// before, followed through attributes that other functions set.
func (f *File) starts(l *Loop, counter pyast.Node) []*pysem.Value {
	if !counter.Valid() {
		if !l.Start.Valid() {
			return nil
		}
		return append([]*pysem.Value{f.Eval.Eval(l.Start, l.Ctx)}, f.given(l, l.Start, 0)...)
	}
	return f.given(l, counter, 0)
}

// given are the values assigned, before a loop, to a variable or an attribute of its name.
func (f *File) given(l *Loop, target pyast.Node, depth int) []*pysem.Value {
	if depth > 2 || !target.Is(pyast.KindIdentifier, pyast.KindAttribute) {
		return nil
	}
	var out []*pysem.Value
	for i, ev := range l.Run.Events {
		if i >= l.First {
			break
		}
		if ev.Kind != pysem.EventAssign || ev.Node.Kind() != pyast.KindAssignment {
			continue
		}
		left, right := ev.Node.Child(pyast.FieldLeft), ev.Node.Child(pyast.FieldRight)
		if left.Kind() != target.Kind() || lastPart(left.Text()) != lastPart(target.Text()) || left.Kind() == pyast.KindIdentifier && ev.Ctx.Func != l.Ctx.Func {
			continue
		}
		out = append(out, f.Eval.Eval(right, ev.Ctx))
		out = append(out, f.given(l, right, depth+1)...)
	}
	return out
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
		if load.Path == nil {
			continue
		}
		if read, shift := f.numberedFrom(start, load); read.Valid() && s.Path.oneNumber() && s.restoredBy(load) && r.Load != nil && r.Load.Node == load.Node {
			c.Load, c.Evidence, c.Read = load, FromLoadPath, read
			c.Shift = int(shift + saved)
			return c, c.Shift >= -1 && c.Shift <= 3
		}
		if !load.Path.Known {
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

// HoldsCount reports whether the save writes what the run counts up, whatever its key is, or a model that counts in a buffer.
func (s *SaveSite) HoldsCount() bool {
	f := s.Run.File
	for _, c := range s.Components {
		if c.Object != nil {
			if c.Object.Kind == Model && c.Object.Value != nil && f.countsInBuffer(c.Object.Value) {
				return true
			}
			continue
		}
		if n := c.Entry.Value.Node; n.Is(pyast.KindIdentifier, pyast.KindAttribute) && slices.ContainsFunc(s.Run.Events, func(ev pysem.Event) bool {
			return ev.Kind == pysem.EventAssign && ev.Node.Is(pyast.KindAugmentedAssignment) && ev.Node.Child(pyast.FieldLeft).TextIs(n.Text()) &&
				ev.Node.Child(pyast.FieldRight).TextIs("1")
		}) {
			return true
		}
	}
	return false
}

// countsInBuffer reports whether a model's class registers a buffer for a count, so that its state dict holds it.
func (f *File) countsInBuffer(model *pysem.Value) bool {
	for _, a := range model.Alternatives() {
		if a.Kind != pysem.Instance {
			continue
		}
		for _, c := range append(f.above(a.Class, 0), a.Class) {
			for _, fn := range c.Methods {
				for _, call := range fn.Calls {
					name, ok := pysem.StringLiteral(pysem.Args(call).Get(0, "name"))
					if ok && isProgressKey(name) && lastPart(call.Child(pyast.FieldFunction).Text()) == "register_buffer" {
						return true
					}
				}
			}
		}
	}
	return false
}
