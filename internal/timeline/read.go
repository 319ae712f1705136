package timeline

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/ckpt-lsp/ckpt-lsp/diagnostics"
	"github.com/ckpt-lsp/ckpt-lsp/internal/project"
	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
	"github.com/ckpt-lsp/ckpt-lsp/internal/pysem"
	"github.com/ckpt-lsp/ckpt-lsp/internal/text"
	"github.com/ckpt-lsp/ckpt-lsp/internal/torch"
	"github.com/ckpt-lsp/ckpt-lsp/internal/training"
)

// Options say what Read is to tell, and how.
type Options struct {
	// Tests says that files of tests count too.
	Tests bool
	// Show is a path as it is to be shown.
	Show func(path string) string
	// ResumeAt is the round after which the run is interrupted, nil for the middle, after a save.
	ResumeAt *int64
}

// Limits of what is drawn.
const (
	mostRounds = 200_000 // of a loop that is drawn whole
	around     = 100     // rounds on either side of the interruption, of a longer one
	openRounds = 10      // rounds on either side, where the number of rounds is not known
	mostPoints = 200     // of a rate
)

// spoken are the rules whose findings speak of what is drawn.
var spoken = []string{"CKP101", "CKP102", "CKP104", "CKP106", "CKP115", "CKP401", "CKP402", "CKP403", "CKP404", "CKP406", "CKP407", "CKP601", "CKP602", "CKP605"}

// Read gives the timelines of the training loops of files. It fails only with the context.
func Read(ctx context.Context, w *project.Workspace, p *project.Program, paths []string, o Options) ([]Timeline, error) {
	found := map[string][]Timeline{}
	err := project.NewIndex(w).Visit(ctx, p, paths, func(f *training.File) {
		if o.Tests || !f.Test() {
			found[f.Path] = Of(f, o)
		}
	})
	out := []Timeline{}
	for _, path := range slices.Sorted(maps.Keys(found)) {
		for _, t := range found[path] {
			out = told(out, t)
		}
	}
	return out, err
}

// told adds a timeline, or takes it in place of one of the same loop that tells less.
func told(all []Timeline, t Timeline) []Timeline {
	i := slices.IndexFunc(all, func(o Timeline) bool { return o.Loop == t.Loop })
	switch {
	case i < 0:
		return append(all, t)
	case len(t.Unknown) < len(all[i].Unknown):
		all[i] = t
	}
	return all
}

// Of are the timelines of what the entry points of a file do, none where that takes too many steps.
func Of(f *training.File, o Options) (out []Timeline) {
	defer func() {
		if cause := recover(); cause != nil && cause != (pysem.Exhausted{}) {
			panic(cause)
		}
	}()
	r := &reader{file: f, Options: o, lines: map[*pyast.Tree]*text.LineIndex{}}
	loops := r.loops()
	if len(loops) == 0 {
		return nil
	}
	r.found, r.alone = diagnostics.Told(f, spoken), len(loops) == 1
	for _, l := range loops {
		out = told(out, r.shown(l))
	}
	return out
}

// shown is the timeline of a loop, interrupted where it shows what a rule says of the learning rate, if the middle does not.
func (r *reader) shown(l *training.Loop) Timeline {
	const tries = 12
	middle := r.timeline(l)
	if r.ResumeAt != nil || !middle.hides() {
		return middle
	}
	for i := range int64(tries) {
		again := *r
		at := *middle.First + (i+1)*(*middle.Last-*middle.First)/(tries+1)
		again.ResumeAt = &at
		other := again.timeline(l)
		if c := other.Interrupted.Checkpoint; c == nil || *c < at {
			continue // drawn as it is after a save, or not at all
		}
		if !other.hides() {
			return other
		}
	}
	return middle
}

// hides reports whether a rule speaks of the learning rate, and the two runs have the same in the picture.
func (t *Timeline) hides() bool {
	return t.First != nil && t.Last != nil && slices.ContainsFunc(t.Flaws, func(f Flaw) bool { return f.Code == "CKP102" || f.Code == "CKP115" }) &&
		slices.ContainsFunc(t.Rates, func(r Rate) bool { return r.Reason == "" && r.ResumedReason == "" && r.Differs == nil })
}

// reader makes timelines of the facts of a file.
type reader struct {
	Options
	file  *training.File
	found []diagnostics.Diagnostic
	alone bool // there is one loop
	lines map[*pyast.Tree]*text.LineIndex
}

func (r *reader) at(n pyast.Node, label string) Site { return r.placed(n.Place(), label) }

func (r *reader) placed(at pyast.Place, label string) Site {
	if r.lines[at.Tree] == nil {
		r.lines[at.Tree] = text.NewLineIndex(at.Tree.Source())
	}
	return Site{r.Show(cmp.Or(r.file.PathOf(at.Tree), r.file.Path)), r.lines[at.Tree].Line(at.Start) + 1, strings.Join(strings.Fields(label), " ")}
}

// loops are the training loops that a save or a load of the file belongs to, the outermost of each.
func (r *reader) loops() []*training.Loop {
	var out []*training.Loop
	add := func(l *training.Loop) {
		if l != nil && !slices.ContainsFunc(out, func(o *training.Loop) bool { return o == l || o.Run == l.Run && o.Node == l.Node }) {
			out = append(out, l)
		}
	}
	for _, s := range r.file.Saves() {
		if holdsTraining(s) {
			add(loopOf(s))
		}
	}
	// Of a loop around another one, as over folds or generations, the inner is drawn.
	return slices.DeleteFunc(out, func(l *training.Loop) bool {
		return slices.ContainsFunc(out, func(o *training.Loop) bool {
			for around := o.Parent; around != nil; around = around.Parent {
				if around == l {
					return true
				}
			}
			return false
		})
	})
}

// holdsTraining reports whether a save writes a model or the state of a training, rather than figures or data.
func holdsTraining(s *training.SaveSite) bool {
	return !s.Path.Buffer && (s.HasKind(training.Model) || s.HasKind(training.Optimizer) || s.HoldsStates())
}

// loopOf is the loop whose rounds a picture of the save counts, nil where it stands in none.
func loopOf(s *training.SaveSite) *training.Loop {
	if l := s.Rounds(); l != nil {
		return l
	}
	return s.LoopThatTrains()
}

// drawing is one timeline while it is made.
type drawing struct {
	*reader
	Timeline
	loop *training.Loop
	// resumption is the checkpoint that the picture resumes from, its Save nil where there is none; how is how the loop counts on, nil
	// where that is not proven.
	resumption training.Resumption
	how        *training.Continuation
	mine       []diagnostics.Diagnostic
	saves      []*training.SaveSite
}

func (r *reader) timeline(l *training.Loop) Timeline {
	d := &drawing{reader: r, loop: l}
	d.Flaws, d.Unknown, d.Timeline.Saves, d.Rates = []Flaw{}, []string{}, []Save{}, []Rate{}
	d.Loop = r.at(l.Node, text.Printable(headOf(l.Node)))
	d.Unit = unit(l)
	for _, s := range r.file.Saves() {
		if s.Run == l.Run && loopOf(s) == l && holdsTraining(s) {
			d.saves = append(d.saves, s)
		}
	}
	d.choose()
	d.findings()
	d.rounds()
	d.interrupt()
	d.resume()
	d.written()
	d.rates()
	d.best()
	return d.Timeline
}

// headOf is the loop as its first line says it.
func headOf(n pyast.Node) string {
	head, _, _ := strings.Cut(n.Text(), "\n")
	return strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(head), ":"))
}

func unit(l *training.Loop) string {
	switch name := strings.ToLower(l.Var.Text()); {
	case l.Epoch():
		return "epoch"
	case strings.Contains(name, "step") || strings.Contains(name, "iter"):
		return "step"
	}
	return "round"
}

func (d *drawing) unsure(format string, a ...any) {
	if why := fmt.Sprintf(format, a...); !slices.Contains(d.Unknown, why) {
		d.Unknown = append(d.Unknown, why)
	}
}

// choose picks the checkpoint to resume from: one that is written where options have their defaults, whose count is proven, that a load is
// known for, and that is not written for the best alone.
func (d *drawing) choose() {
	rank := -1
	continuations := d.file.Continuations()
	for _, r := range slices.Concat(d.file.WithClasses(), d.file.Continued()) {
		if r.Save.Run != d.loop.Run || loopOf(r.Save) != d.loop {
			continue
		}
		d.consider(r, nil, &rank)
	}
	for i, c := range continuations {
		if c.Loop.Run == d.loop.Run && c.Loop == d.loop {
			d.consider(c.Resumption, &continuations[i], &rank)
		}
	}
}

func (d *drawing) consider(r training.Resumption, how *training.Continuation, best *int) {
	rank := 0
	for _, x := range []struct {
		so    bool
		worth int
	}{{r.Save.Period(d.loop).Rhythm != training.Off, 32}, {how != nil, 16}, {how != nil && how.Shift != 1, 8}, {r.Load != nil, 4}, {!r.Save.BestOnly(), 2}, {r.Save.Training(), 1}} {
		if x.so {
			rank += x.worth
		}
	}
	if rank > *best {
		*best, d.resumption, d.how = rank, r, how
	}
}

// findings are those that speak of this loop.
func (d *drawing) findings() {
	for _, x := range d.found {
		if !d.alone && !d.speaks(x.Place) && !slices.ContainsFunc(x.Related, func(r diagnostics.Related) bool { return d.speaks(r.Place) }) {
			continue
		}
		d.mine = append(d.mine, x)
		d.Flaws = append(d.Flaws, Flaw{x.Rule.Code, x.Rule.Name, x.Severity.String(), d.placed(x.Place, ""), text.Printable(x.Message)})
	}
}

// speaks reports whether a place is in the loop, or a save or the load of the picture.
func (d *drawing) speaks(p pyast.Place) bool {
	meets := func(n pyast.Node) bool {
		return n.Valid() && n.Tree() == p.Tree && n.Start() <= p.End && p.Start <= n.End()
	}
	if meets(d.loop.Node) || d.resumption.Load != nil && meets(d.resumption.Load.Node) {
		return true
	}
	return slices.ContainsFunc(d.saves, func(s *training.SaveSite) bool {
		anchor := s.Anchor()
		return meets(s.Node) || meets(s.Site()) || anchor.Tree == p.Tree && anchor.Start <= p.End && p.Start <= anchor.End
	})
}

// reported reports whether one of some rules speaks of the loop.
func (d *drawing) reported(codes ...string) bool {
	return slices.ContainsFunc(d.mine, func(x diagnostics.Diagnostic) bool { return slices.Contains(codes, x.Rule.Code) })
}

// rounds sets the numbers of the rounds.
func (d *drawing) rounds() {
	if first, ok := d.loop.FirstRound(); ok && !d.stated() {
		d.First = &first
	} else if d.stated() || d.loop.StartsFromCheckpoint() {
		d.First, d.FirstAssumed = new(int64), true
		d.unsure("the number of the first %s: a fresh start is not in sight, and it is drawn from 0", d.Unit)
	} else {
		d.unsure("the number of the first %s", d.Unit)
	}
	last, known, byDefault := d.loop.LastRound()
	if known && (d.First == nil || last >= *d.First) {
		d.Last, d.ByDefault = &last, byDefault
	} else {
		d.unsure("how many %ss the training runs", d.Unit)
	}
}

// stated reports whether the code names the very checkpoint that it goes on from, `epoch_40.pt`: it is the resumed run alone.
func (d *drawing) stated() bool { return d.how != nil && d.how.Epoch >= 0 }

// writtenIn tells of a round whether a save writes in it. Where the first round's number is not known, it is only what holds in all.
func (d *drawing) writtenIn(s *training.SaveSite) func(int64) training.Written {
	if s == nil {
		return func(int64) training.Written { return training.NotWritten }
	}
	in := s.WrittenIn(d.loop)
	if d.First != nil || d.Last != nil {
		return in
	}
	same := in(0)
	for _, from := range []int64{0, 1_000_003} {
		for n := from; n < from+2_000; n++ {
			if in(n) != same {
				same = training.MayWrite
			}
		}
	}
	return func(int64) training.Written { return same }
}

// interrupt sets where the run is interrupted, and what is drawn.
func (d *drawing) interrupt() {
	written := d.writtenIn(d.resumption.Save)
	first, n := int64(0), int64(0)
	switch {
	case d.ResumeAt != nil:
		n = *d.ResumeAt
		if first = n - openRounds; d.First != nil {
			first, n = *d.First, max(n, *d.First)
		}
		if d.Last != nil {
			n = min(n, *d.Last)
		}
	case d.First == nil && d.Last != nil:
		n = *d.Last - openRounds
		first = n - openRounds
	case d.First == nil:
		d.Relative, first = true, -openRounds
	default:
		first = *d.First
		n = first + openRounds - 1
		if d.Last != nil {
			n = first + (*d.Last-first-1)/2
		}
		n = d.nearest(written, n)
	}
	if d.stated() {
		if n = int64(d.how.Epoch); d.ResumeAt != nil {
			n = max(n, *d.ResumeAt)
		}
	}
	d.Interrupted.After = n
	d.Drawn = Stretch{first, n + openRounds, 1}
	if d.Last != nil {
		d.Drawn.To = *d.Last
	}
	if d.Drawn.count() > mostRounds {
		d.Drawn = Stretch{max(first, n-around), min(d.Drawn.To, n+around), 1}
	}
	if d.stated() {
		at := int64(d.how.Epoch)
		d.Interrupted.Checkpoint = &at
	}
	if d.resumption.Save == nil || d.Interrupted.Checkpoint != nil {
		return
	}
	for at := n; at >= first && n-at <= mostRounds; at-- {
		if w := written(at); w == training.Writes {
			d.Interrupted.Checkpoint = &at
			break
		}
	}
	perhaps := func(from int64) bool {
		for at := max(first, from); at <= n && at-from <= mostRounds; at++ {
			if w := written(at); w == training.MayWrite || w == training.WritesBest {
				return true
			}
		}
		return false
	}
	switch c := d.Interrupted.Checkpoint; {
	case c == nil && perhaps(first):
		d.Interrupted.Checkpoint, d.Interrupted.Assumed = &n, true
		d.unsure("in which %ss the checkpoint is written: it is drawn as if in %s %s", d.Unit, d.Unit, d.number(n))
	case c != nil && *c < n && perhaps(*c+1):
		d.unsure("whether a newer checkpoint than that of %s %s was written", d.Unit, d.number(*c))
	}
}

// nearest is the round nearest to another in which a checkpoint is written, that one where none is known.
func (d *drawing) nearest(written func(int64) training.Written, n int64) int64 {
	last := n + mostRounds
	if d.Last != nil {
		last = *d.Last
	}
	for away := int64(0); away <= mostRounds; away++ {
		if before := n - away; before >= *d.First && written(before) == training.Writes {
			return before
		}
		if after := n + away; after < last && written(after) == training.Writes {
			return after
		}
		if n-away < *d.First && n+away >= last {
			break
		}
	}
	return n
}

// number is a round's number as it is written; where the first is not known, against that of the checkpoint.
func (d *Timeline) number(n int64) string {
	switch {
	case !d.Relative:
		return fmt.Sprint(n)
	case n == 0:
		return "N"
	}
	return fmt.Sprintf("N%+d", n)
}

// resume sets how the resumed run counts on.
func (d *drawing) resume() {
	r := &d.Resume
	r.Fate = None
	s := d.resumption.Save
	if s == nil {
		d.unsure("how a run would resume: no load in sight reads a checkpoint that this loop writes")
		return
	}
	site := d.at(s.Node, label(s))
	r.Save = &site
	load := d.resumption.Load
	if load != nil {
		at := d.at(load.Node, text.Printable(load.Node.Text()))
		r.Load = &at
	}
	if r.Fate = d.fate(); r.Fate == Unknown {
		d.unsure("with which %s the resumed run starts", d.Unit)
	} else if r.Fate == None {
		d.unsure("how a run would resume: nothing in sight loads this checkpoint")
	}
	c := d.Interrupted.Checkpoint
	if c == nil {
		if r.Fate != Restarts && r.Fate != None {
			if d.Interrupted.After >= d.Drawn.From && d.First != nil {
				r.Fate = Restarts // there is nothing to resume from
			}
		}
		if r.Fate != Restarts {
			return
		}
	}
	from := int64(0)
	switch r.Fate {
	case Next, Cut:
		from = *c + 1
	case Again:
		from = *c
		r.Twice = &Stretch{*c, *c, 1}
	case Skips:
		from = *c + 2
		r.Skipped = &Stretch{*c + 1, *c + 1, 1}
	case Restarts:
		if d.First == nil {
			return
		}
		from = *d.First
		switch {
		case c == nil:
			r.Repeated = &Stretch{from, d.Interrupted.After, 1}
		case d.reported("CKP104", "CKP403", "CKP404"):
			r.Twice = &Stretch{from, *c, 1}
		default: // which nothing says to be a mistake
			r.Repeated = &Stretch{from, d.Interrupted.After, 1}
		}
	default:
		return
	}
	r.From = &from
	if after := d.Interrupted.After; r.Repeated == nil && c != nil && after > *c && max(from, *c+1) <= after {
		r.Repeated = &Stretch{max(from, *c+1), after, 1}
	}
}

// fate is how the resumed run counts on: as it is proven, or as a rule reports.
func (d *drawing) fate() Fate {
	s, load := d.resumption.Save, d.resumption.Load
	if d.reported("CKP407") {
		return Unknown // what is restored is set back, and which of it a picture would have to tell
	}
	if d.how != nil {
		switch d.how.Shift {
		case 0:
			return Again
		case 1:
			return Next
		case 2:
			return Skips
		}
		return Unknown
	}
	if slices.ContainsFunc(d.file.CutShort(), func(c training.Continuation) bool { return c.Save.Node == s.Node && c.Loop == d.loop }) {
		return Cut
	}
	if slices.ContainsFunc(d.file.IgnoredProgress(), func(i training.Ignored) bool { return i.Loop == d.loop }) && d.reported("CKP403") {
		return Restarts
	}
	if slices.ContainsFunc(d.mine, func(x diagnostics.Diagnostic) bool {
		return x.Rule.Code == "CKP104" && slices.ContainsFunc(x.Remedies, func(r diagnostics.Remedy) bool {
			c, ok := r.(diagnostics.CompleteCheckpoint)
			return ok && c.Save.Node == s.Node
		})
	}) {
		return Restarts
	}
	if load == nil {
		return None
	}
	forgotten := d.reported("CKP404") && slices.ContainsFunc(d.resumption.Unrestored(), func(c training.Component) bool { return c.Role == training.RoleProgress })
	if forgotten && !load.ReadsProgress() || s.Afresh() && !load.Opaque && d.First != nil && !d.loop.PassesOver() {
		return Restarts
	}
	return Unknown
}

// label is the name of a save's file: as far as it is known, or else as it is written.
func label(s *training.SaveSite) string {
	name := s.Path.Node.Text()
	if s.Path.Known {
		name = s.Path.Pattern
	}
	return text.Printable(strings.Join(strings.Fields(cmp.Or(name, s.Node.Text())), " "))
}

// written sets where the saves fall, and what stays of them.
func (d *drawing) written() {
	names := map[string][]*training.SaveSite{}
	var order []string
	for _, s := range d.saves {
		name := label(s)
		if names[name] == nil {
			order = append(order, name)
		}
		names[name] = append(names[name], s)
	}
	for _, name := range order {
		d.Timeline.Saves = append(d.Timeline.Saves, d.fileOf(name, names[name]))
	}
	slices.SortStableFunc(d.Timeline.Saves, func(a, b Save) int { return cmp.Compare(weight(a), weight(b)) })
}

// fileOf is where the saves of one name fall, and what stays of them.
func (d *drawing) fileOf(name string, saves []*training.SaveSite) Save {
	s := saves[0]
	out := Save{Site: d.at(s.Node, ""), Name: name, Within: s.Loop != nil && s.Loop != d.loop}
	if p := s.Period(s.Counted()); out.Within && !s.Counted().Epoch() && p.Known() && p.Every > 1 {
		out.EverySteps = p.Every
	}
	var in []func(int64) training.Written
	for _, o := range saves {
		out.Checkpoint = out.Checkpoint || d.resumption.Save != nil && o.Node == d.resumption.Save.Node
		in = append(in, d.writtenIn(o))
	}
	var sure, perhaps []int64
	best := true // all of those that are not sure
	for n := d.Drawn.From; n <= d.Drawn.To; n++ {
		top := training.NotWritten
		for _, w := range in {
			top = max(top, w(n))
		}
		switch top {
		case training.Writes:
			sure = append(sure, n)
		case training.WritesBest, training.MayWrite:
			best = best && top == training.WritesBest
			perhaps = append(perhaps, n)
		}
	}
	out.Rounds, out.Perhaps = stretches(sure), stretches(perhaps)
	if out.Best = best && len(perhaps) > 0 && len(sure) == 0; len(perhaps) > 0 && !out.Best {
		d.unsure("in which %ss %s is written", d.Unit, clip(name, 60))
	}
	if out.Kept = d.kept(s, sure, len(perhaps) == 0); out.Kept.Policy == Unclear {
		d.unsure("which of the files %s stay", clip(name, 60))
	}
	return out
}

// weight puts the checkpoint first and the best after it.
func weight(s Save) int {
	switch {
	case s.Checkpoint:
		return 0
	case s.Best:
		return 1
	}
	return 2
}

// kept is what stays of what a save writes; sure are the rounds that write, all says that no others may.
func (d *drawing) kept(s *training.SaveSite, sure []int64, all bool) Kept {
	k := Kept{Policy: Unclear, There: []Stretch{}, Left: []Stretch{}}
	newest, counted := s.KeptNewest()
	if _, lost := s.DeletedFirst(); lost != training.Kept {
		k.Gap = d.reported("CKP602")
	}
	switch {
	case d.loses(s):
		return k
	case s.Path.Fixed() && s.Path.Known:
		k.Policy, newest = Overwritten, 1
	case len(s.Path.Progress) == 0:
		return k
	case counted:
		k.Policy, k.Newest = Newest, newest
	case !s.Removed():
		k.Policy, newest = All, math.MaxInt64
	default:
		return k
	}
	if !all {
		return k
	}
	there := sure
	if i, _ := slices.BinarySearch(sure, d.Interrupted.After+1); i < len(sure) {
		there = sure[:i]
	}
	k.There = stretches(tail(there, newest))
	if d.First != nil && d.Drawn.From == *d.First && d.Last != nil && d.Drawn.To == *d.Last {
		left := tail(sure, newest)
		files := int64(len(left))
		k.Left, k.Files = stretches(left), &files
	}
	return k
}

// loses reports whether a clean-up takes files of the save that should stay, as a rule reports: which ones is then not drawn.
func (d *drawing) loses(s *training.SaveSite) bool {
	if !d.reported("CKP602") {
		return false
	}
	for _, w := range s.Run.WrongEnds() {
		if d.loop.Holds(w.Deletion.Index) {
			return len(s.Path.Progress) > 0
		}
	}
	return slices.ContainsFunc(s.Run.BestAtRisk(), func(b training.BestAtRisk) bool { return b.Save.Node == s.Node })
}

func tail(rounds []int64, n int64) []int64 {
	if int64(len(rounds)) > n {
		return rounds[int64(len(rounds))-n:]
	}
	return rounds
}

// stretches are rounds in order as few stretches.
func stretches(rounds []int64) []Stretch {
	out := []Stretch{}
	for i := 0; i < len(rounds); {
		s := Stretch{rounds[i], rounds[i], 1}
		if i+1 < len(rounds) {
			s.Every = rounds[i+1] - rounds[i]
		}
		j := i + 1
		for j < len(rounds) && rounds[j] == s.To+s.Every {
			s.To = rounds[j]
			j++
		}
		if j == i+2 && s.Every > 1 { // two make no row
			s.To, s.Every, j = s.From, 1, i+1
		}
		out = append(out, s)
		i = j
	}
	return out
}

// rates sets the learning rates.
func (d *drawing) rates() {
	steps := map[string]*training.Step{}
	times := map[string]int{}
	var names []string
	for _, st := range d.loop.Run.Steps {
		if st.Object.Kind != training.Scheduler || !d.loop.Holds(st.Index) {
			continue
		}
		name := st.Object.Name
		if times[name]++; times[name] == 1 {
			names = append(names, name)
			steps[name] = st
		}
	}
	if len(names) == 0 && slices.ContainsFunc(d.saves, (*training.SaveSite).WritesRate) {
		d.unsure("the learning rate: the program writes it itself")
	}
	for _, name := range names {
		st := steps[name]
		r := Rate{Site: d.at(st.Node, ""), Scheduler: text.Printable(name), Points: []Point{}}
		switch {
		case len(names) > 1:
			r.Reason = "several schedulers step in this loop"
		case times[name] > 1:
			r.Reason = "it steps at several places"
		default:
			r.Reason = d.unreckoned(st)
		}
		if r.Reason == "" {
			d.reckon(&r, st)
		}
		if r.Reason != "" {
			d.unsure("the learning rate of %s: %s", r.Scheduler, r.Reason)
		} else if r.ResumedReason != "" {
			d.unsure("the learning rate of %s after the resume: %s", r.Scheduler, r.ResumedReason)
		}
		d.Rates = append(d.Rates, r)
	}
}

// unreckoned is why the rates that a scheduler's step gives are not known, "" where they are.
func (d *drawing) unreckoned(st *training.Step) string {
	o := st.Object
	behind := !slices.ContainsFunc(d.loop.Run.Steps, func(x *training.Step) bool {
		return x.Object.Kind == training.Optimizer && d.loop.Holds(x.Index) && x.Index > st.Index
	})
	writes := slices.ContainsFunc(d.saves, (*training.SaveSite).WritesRate)
	_, _, computed := d.file.ScheduleByDefault(o)
	switch {
	case d.First == nil:
		return fmt.Sprintf("the number of the first %s is not known", d.Unit)
	case st.Explicit:
		return "it is told the " + d.Unit
	case !st.DirectlyIn(d.loop):
		return fmt.Sprintf("it steps inside of the %s, and how often is not known", d.Unit)
	case st.Frame.Kind != pysem.FrameLoop:
		return "a test decides whether it steps"
	case !behind:
		return "it steps before the optimizer does"
	case writes:
		return "the program writes the rate itself as well"
	case !computed:
		return "the code does not state all numbers of its schedule"
	}
	return ""
}

// reckon sets the rates of a scheduler that steps once in each round.
func (d *drawing) reckon(r *Rate, st *training.Step) {
	o := st.Object
	s, base, _ := d.file.ScheduleByDefault(o)
	count := int(d.Drawn.To - *d.First + 1)
	if count > mostRounds {
		r.Reason = "the loop is too long to reckon it"
		return
	}
	r.first = *d.First
	r.alone = torch.Resumed(s, base, 0, count, torch.Restored{Optimizer: true, Scheduler: true})
	r.ResumedReason = d.resumeRate(r, st, s, base)
	if r.ResumedReason != "" {
		r.afterwds = nil
	}
	d.points(r)
}

// resumeRate sets the rates of the resumed run, and says why they are not known, "" where they are.
func (d *drawing) resumeRate(r *Rate, st *training.Step, s torch.Schedule, base float64) string {
	o, save, load := st.Object, d.resumption.Save, d.resumption.Load
	from, c := d.Resume.From, d.Interrupted.Checkpoint
	switch {
	case save == nil:
		return "nothing in sight resumes"
	case from == nil || c == nil:
		return fmt.Sprintf("the %s it starts with is not known", d.Unit)
	case load == nil:
		return "nothing in sight loads the checkpoint"
	case load.Opaque:
		return "the checkpoint is handed to code that is not in sight"
	}
	r.from = *from
	count, done := int(d.Drawn.To-*from+1), int(*c-*d.First+1)
	if count <= 0 {
		return "it has no rounds left"
	}
	if d.file.FastForwarded(o) {
		for n := *from; n <= d.Drawn.To; n++ {
			lr, _ := r.uninterrupted(n)
			r.afterwds = append(r.afterwds, lr)
		}
		return ""
	}
	restored := torch.Restored{
		Optimizer: save.HasKind(training.Optimizer) && load.RestoresKind(training.Optimizer),
		Scheduler: (save.Has(o) || save.HasKind(training.Scheduler)) && load.Takes(o),
	}
	if restored.Optimizer && builtBehind(o, load) {
		return "the scheduler is built behind the restoring of the optimizer, and sets its rate"
	}
	behind := save.StepAfter()
	restored.Behind = behind != nil && behind.Object.Same(o) && !save.StepsAfterLoad(load, o)
	r.afterwds = torch.Resumed(s, base, done, count, restored)
	exact := restored.Optimizer && restored.Scheduler && !restored.Behind
	if !exact && d.differs(r) != nil && !d.reported("CKP101", "CKP102", "CKP115", "CKP404") {
		return "what is restored of it is not known for sure"
	}
	return ""
}

// builtBehind reports whether a scheduler is built after the optimizer is restored, or it is not known when.
func builtBehind(o *training.Object, load *training.LoadSite) bool {
	for _, x := range load.Restores {
		if x.Object == nil || x.Object.Kind != training.Optimizer {
			continue
		}
		built := slices.IndexFunc(x.Run.Events, func(ev pysem.Event) bool { return ev.Node == o.Call })
		if !o.Call.Valid() || built < 0 || built > x.Index {
			return true
		}
	}
	return false
}

// differs is the first round in which the rates of the two runs differ, nil where they do not.
func (d *drawing) differs(r *Rate) *int64 {
	for n := r.from; n <= d.Drawn.To; n++ {
		a, known := r.uninterrupted(n)
		b, alsoKnown := r.resumed(n)
		// What comes down to 0 is a last bit off, and that bit is no rate.
		if known && alsoKnown && math.Abs(a-b) > max(1e-9*math.Abs(a), 1e-15) {
			return &n
		}
	}
	return nil
}

// points picks the rounds whose rates are told: all of a few, else some at even distances, and those round about what happens.
func (d *drawing) points(r *Rate) {
	if r.ResumedReason == "" {
		r.Differs = d.differs(r)
	}
	step := max(1, (d.Drawn.count()+mostPoints-1)/mostPoints)
	near := func(n int64) bool {
		for _, at := range []*int64{d.Resume.From, r.Differs, &d.Drawn.To} {
			if at != nil && n >= *at-1 && n <= *at+1 {
				return true
			}
		}
		return false
	}
	for n := d.Drawn.From; n <= d.Drawn.To; n++ {
		if (n-d.Drawn.From)%step != 0 && !near(n) {
			continue
		}
		p := Point{Round: n}
		if lr, ok := r.uninterrupted(n); ok {
			p.Uninterrupted = &lr
		}
		if lr, ok := r.resumed(n); ok {
			p.Resumed = &lr
		}
		r.Points = append(r.Points, p)
	}
}

// best sets what becomes of the best metric.
func (d *drawing) best() {
	var best *training.Best
	for _, s := range append([]*training.SaveSite{d.resumption.Save}, d.saves...) {
		if s != nil && best == nil {
			best = s.BestMetric()
		}
	}
	if best == nil {
		return
	}
	b := &Best{Name: text.Printable(best.Name), Site: d.at(best.Assign, ""), Resumed: "unknown"}
	if d.resumption.Load != nil {
		restored, known := d.file.BestRestored(best)
		switch {
		case d.reported("CKP106", "CKP406"):
			b.Resumed = "lost"
		case restored && known:
			b.Resumed = "kept"
		}
	}
	if b.Resumed == "unknown" {
		d.unsure("what the best metric %s is after the resume", b.Name)
	}
	b.AtRisk = d.reported("CKP602") && len(d.loop.Run.BestAtRisk()) > 0
	d.Timeline.Best = b
}
