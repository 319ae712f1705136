package training

import (
	"regexp"
	"slices"

	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
	"github.com/ckpt-lsp/ckpt-lsp/internal/pysem"
)

// Ignored is an epoch loop that starts with its first round although training resumes and the epoch is read from the checkpoint.
type Ignored struct {
	Loop *Loop
	Load *LoadSite
	// Read is where the epoch is taken from the checkpoint.
	Read pyast.Node
	// Told says that it is printed there, and taken nowhere else.
	Told bool
	// Along is the attribute that it is taken into and that counts the rounds beside the loop's own variable, "" where there is none.
	Along string
	// From is an expression for the epoch to start at, "" where none is at hand.
	From string
	// Proven says that the save shows how From counts.
	Proven bool
}

var epochKey = regexp.MustCompile(`(?i)(^|_)epochs?($|_)`)

func isEpochKey(key string) bool { return epochKey.MatchString(key) && !bestKey.MatchString(key) }

// epochRead is an assignment that takes the epoch from a checkpoint; offset is what it adds.
type epochRead struct {
	target pyast.Node
	event  pysem.Event
	offset int64
}

// IgnoredProgress finds the loops that forget the epoch they should go on with.
func (f *File) IgnoredProgress() []Ignored {
	var out []Ignored
	for _, l := range f.Loads() {
		// With the model alone it may be where another training begins.
		states := l.RestoresKind(Optimizer) || l.RestoresKind(Scheduler)
		if l.Opaque || !states && (!l.readsBest() && !f.goesOnFrom(l) || l.filledIn()) || f.startsAfresh(l.Event()) {
			continue
		}
		reads, told := f.epochReads(l), l.onlyTold()
		if len(reads) == 0 && !told.Valid() {
			continue
		}
		loop := f.restartedLoop(l)
		if loop == nil {
			continue
		}
		if f.usedByTraining(l, loop, reads) {
			if i := slices.IndexFunc(reads, func(r epochRead) bool { return loop.countsAlong(r.target) }); i >= 0 && states {
				out = append(out, Ignored{Loop: loop, Load: l, Read: reads[i].event.Node, Along: reads[i].target.Text()})
			}
			continue
		}
		if len(reads) == 0 {
			out = append(out, Ignored{Loop: loop, Load: l, Read: told, Told: true})
			continue
		}
		i := Ignored{Loop: loop, Load: l, Read: reads[0].event.Node}
		i.From, i.Proven = f.startFrom(l, loop, reads)
		out = append(out, i)
	}
	return out
}

// goesOnFrom reports whether a training loop writes the epoch into the file that is loaded in order to go on, by its name or by what
// the program says.
func (f *File) goesOnFrom(l *LoadSite) bool {
	return slices.ContainsFunc(f.Saves(), func(s *SaveSite) bool {
		return s.Loop != nil && s.HasRole(RoleProgress) && s.ResumedBy() == l && (l.Declared() || SamePath(s.Path, l.Path))
	})
}

// filledIn reports whether a model behind the load takes its own weights with some of them replaced, `own = net.state_dict()`: the file is that of
// another model, and another training.
func (l *LoadSite) filledIn() bool {
	return !l.RestoresKind(Model) && slices.ContainsFunc(l.Run.Restores, func(x *Restore) bool {
		if x.Index < l.Index || x.Object == nil || x.Object.Kind != Model || x.Source == nil {
			return false
		}
		own, method, ok := x.Source.Method()
		return ok && method == "state_dict" && l.Run.File.Object(own, x.Object.Name).Same(x.Object)
	})
}

// readsBest reports whether a best metric is read from the checkpoint.
func (l *LoadSite) readsBest() bool {
	return slices.ContainsFunc(l.Reads, func(r KeyRead) bool { return !r.Tested && bestKey.MatchString(r.Key) })
}

// epochReads are the assignments that take the epoch from a load.
func (f *File) epochReads(l *LoadSite) []epochRead {
	var out []epochRead
	for _, ev := range l.Run.Events[l.Index:] {
		if ev.Kind != pysem.EventAssign || ev.Node.Kind() != pyast.KindAssignment {
			continue
		}
		for _, a := range assignees(ev.Node.Child(pyast.FieldLeft), ev.Node.Child(pyast.FieldRight)) {
			if !a.target.Is(pyast.KindIdentifier, pyast.KindAttribute) {
				continue // what is read from a container is not followed
			}
			v := f.Eval.Eval(a.value, ev.Ctx)
			if v.Kind == pysem.Tuple && a.index >= 0 && a.index < len(v.Elems) {
				v = v.Elems[a.index]
			}
			for _, x := range v.Alternatives() {
				base, offset, ok := x.Linear()
				if ok && base != nil && f.epochOf(base, l) {
					out = append(out, epochRead{a.target, ev, offset})
					break
				}
			}
		}
	}
	return out
}

// onlyTold is where the epoch of a checkpoint is read to be printed, none where it is not read at all, or for something else as well.
func (l *LoadSite) onlyTold() pyast.Node {
	var first pyast.Node
	for _, r := range l.Reads {
		if !isEpochKey(r.Key) {
			continue
		}
		if r.Tested || !printed(r.Node) {
			return pyast.Node{}
		}
		if !first.Valid() {
			first = r.Node
		}
	}
	return first
}

// epochOf reports whether a value comes from the epoch in a checkpoint.
func (f *File) epochOf(v *pysem.Value, l *LoadSite) bool {
	found := false
	f.eachSource(v, 0, func(from *LoadSite, key string) { found = found || from.Node == l.Node && isEpochKey(key) })
	return found
}

// restartedLoop is the first epoch loop behind a load, in its run or in another method of its class, provided that every such
// loop starts at a constant.
func (f *File) restartedLoop(l *LoadSite) *Loop {
	var first *Loop
	for _, r := range f.Runs {
		for _, loop := range r.Loops {
			same := r == l.Run && loop.First > l.Index && !opposed(loop.Frame, l.Frame)
			method := r != l.Run && l.Ctx.Func.Class != nil && loop.Ctx.Func.Class == l.Ctx.Func.Class
			if !loop.Epoch() || !same && !method {
				continue
			}
			if !f.startsAtConstant(loop) {
				return nil
			}
			if first == nil {
				first = loop
			}
		}
	}
	return first
}

func (f *File) startsAtConstant(l *Loop) bool {
	if !l.Stop.Valid() {
		return false
	}
	return !l.Start.Valid() || f.Eval.Eval(l.Start, l.Ctx).Kind == pysem.Int
}

// opposed reports whether two events lie on different ways of one condition.
func opposed(a, b *pysem.Frame) bool {
	for x := a; x != nil; x = x.Parent {
		for y := b; y != nil; y = y.Parent {
			if x.Kind == pysem.FrameIf && y.Kind == pysem.FrameIf && x.Positive != y.Positive && (x.Cond == y.Cond || x.Cond.Text() == y.Cond.Text()) {
				return true
			}
		}
	}
	return false
}

// usedByTraining reports whether the restored epoch is used for more than to be told: in the loop, for its end, or by a call.
func (f *File) usedByTraining(l *LoadSite, loop *Loop, reads []epochRead) bool {
	names := map[string]bool{}
	for _, r := range reads {
		names[lastPart(r.target.Text())] = true
	}
	contexts := map[*pysem.Ctx]bool{l.Ctx: false, loop.Ctx: false}
	for _, r := range reads {
		contexts[r.event.Ctx] = false
	}
	for _, ev := range loop.Run.Events[loop.First:loop.Last] {
		contexts[ev.Ctx] = ev.Ctx != loop.Ctx
	}
	for ctx, inLoop := range contexts {
		for n := range ctx.Func.Body.Descendants() {
			if !n.Is(pyast.KindIdentifier, pyast.KindAttribute) || n.Field() == pyast.FieldAttribute || !names[lastPart(n.Text())] {
				continue
			}
			inside := inLoop || loop.Node.Encloses(n)
			if !f.epochOf(f.Eval.Eval(n, ctx), l) && !(inside && n.Kind() == pyast.KindAttribute) {
				continue
			}
			set := n.Field() == pyast.FieldLeft && n.Parent().Kind() != pyast.KindAugmentedAssignment
			if (inside || argument(n)) && !told(n) && !set {
				return true
			}
		}
	}
	return f.epochOf(f.Eval.Eval(loop.Stop, loop.Ctx), l)
}

// countsAlong reports whether an attribute counts the rounds of a loop beside the loop's own variable, and decides of none: each round adds
// one to it, and no test of it leaves the loop or passes over the rest of a round.
func (l *Loop) countsAlong(counter pyast.Node) bool {
	if counter.Kind() != pyast.KindAttribute || !l.Stop.Valid() || mentions(l.Stop, counter.Text()) {
		return false
	}
	adds := false
	for n := range l.Node.Child(pyast.FieldBody).Descendants() {
		switch {
		case n.Is(pyast.KindAssignment, pyast.KindAugmentedAssignment) && n.Child(pyast.FieldLeft).TextIs(counter.Text()):
			if adds || !addsOne(n) || n.Ancestor(pyast.KindForStatement, pyast.KindWhileStatement) != l.Node || n.Ancestor(pyast.KindIfStatement, pyast.KindForStatement) != l.Node {
				return false
			}
			adds = true
		case n.Is(pyast.KindIfStatement, pyast.KindElifClause, pyast.KindWhileStatement):
			leaves := false
			for x := range n.Descendants() {
				leaves = leaves || x.Is(pyast.KindBreakStatement, pyast.KindContinueStatement, pyast.KindReturnStatement, pyast.KindRaiseStatement)
			}
			if leaves && mentions(n.Child(pyast.FieldCondition), counter.Text()) {
				return false
			}
		}
	}
	return adds
}

// argument reports whether a name is handed to a call.
func argument(n pyast.Node) bool {
	for p := n.Parent(); p.Valid() && !p.Is(pyast.KindBlock, pyast.KindModule); p = p.Parent() {
		if p.Is(pyast.KindArgumentList, pyast.KindAugmentedAssignment) {
			return true
		}
	}
	return false
}

var telling = regexp.MustCompile(`(?i)^(print\w*|format|log|info|debug|warn|warning|write|echo|str|int|set_description|add_scalar)$|logger|print`)

// told reports whether a name only makes part of a text that is printed.
func told(n pyast.Node) bool {
	for p := n.Parent(); p.Valid() && !p.Is(pyast.KindBlock, pyast.KindModule); p = p.Parent() {
		if p.Kind() == pyast.KindCall {
			return telling.MatchString(calledName(p))
		}
		if p.Kind() == pyast.KindInterpolation {
			return true
		}
	}
	return false
}

// printed reports whether a value goes into a statement that prints, or logs, and nowhere else: `print("epoch", int(n))`. A text that it
// makes part of may as well name a file.
func printed(n pyast.Node) bool {
	var outermost pyast.Node
	for p := n.Parent(); p.Valid() && p.Kind() != pyast.KindExpressionStatement; p = p.Parent() {
		if p.Is(pyast.KindAssignment, pyast.KindAugmentedAssignment, pyast.KindBlock, pyast.KindModule, pyast.KindLambda) {
			return false
		}
		if p.Kind() == pyast.KindCall {
			if outermost.Valid() && !telling.MatchString(calledName(outermost)) {
				return false
			}
			outermost = p
		}
	}
	return outermost.Valid() && telling.MatchString(calledName(outermost)) && !converts[calledName(outermost)]
}

// converts are those of telling that only give another form.
var converts = map[string]bool{"str": true, "int": true, "format": true}

// startFrom is the epoch to start the loop at, by a variable that holds the restored one wherever the loop runs.
func (f *File) startFrom(l *LoadSite, loop *Loop, reads []epochRead) (from string, proven bool) {
	var read epochRead
	for _, r := range reads {
		if f.holdsAt(r, loop.Frame, loop.Ctx) {
			read = r
		}
	}
	if !read.target.Valid() {
		return "", false
	}
	saved, known := f.savedEpoch(l, loop)
	shift := 1 - saved - read.offset
	switch {
	case shift == 1:
		return read.target.Text() + " + 1", known
	case shift == 0:
		return read.target.Text(), known
	}
	return "", false
}

// holdsAt reports whether a variable that took the epoch has a value at another place, with and without a checkpoint.
func (f *File) holdsAt(r epochRead, at *pysem.Frame, ctx *pysem.Ctx) bool {
	if r.event.Ctx == ctx {
		return within(r.event.Frame, at) || r.target.Kind() == pyast.KindIdentifier && definedBefore(r)
	}
	class := r.event.Ctx.Func.Class
	return r.target.Kind() == pyast.KindAttribute && class != nil && class == ctx.Func.Class && f.initialised(r.target, r.event.Ctx)
}

// definedBefore reports whether a variable has a value before the condition under which it takes the epoch.
func definedBefore(r epochRead) bool {
	for _, d := range r.event.Ctx.Func.Defs(r.target.Text()) {
		if d.Kind == pysem.DefParam || d.Kind == pysem.DefAssign && d.Stmt != r.event.Node && d.Stmt.Start() < r.target.Start() && d.Stmt.Parent().Parent().Encloses(r.target) {
			return true
		}
	}
	return false
}

// initialised reports whether the constructor of the class sets an attribute, so that it is there without a checkpoint.
func (f *File) initialised(attribute pyast.Node, ctx *pysem.Ctx) bool {
	for _, d := range ctx.Func.Class.Attrs[attribute.Child(pyast.FieldAttribute).Text()] {
		if d.Func.Name == "__init__" {
			return true
		}
	}
	return false
}

// savedEpoch is what the saves of the file add to the loop's variable when they write the epoch, 0 when none tells.
func (f *File) savedEpoch(l *LoadSite, loop *Loop) (offset int64, known bool) {
	for _, s := range loop.Run.Saves {
		for _, c := range s.Components {
			if c.Role == RoleProgress && isEpochKey(c.Key) && l.Key(c.Key) {
				if n, ok := f.counts(c.Value, loop); ok {
					if s.EpochLoop == loop && s.Loop != nil && s.Loop != loop {
						n++ // saved in the middle of the epoch, which is to be run again
					}
					return n, true
				}
			}
		}
	}
	return 0, false
}

// NeverRead is a getattr on a part of a checkpoint that is a dict, which has no such attribute: its default is what it always gives.
type NeverRead struct {
	Call pyast.Node
	// Load is the load that the dict comes from, nil where that is not known.
	Load *LoadSite
	// Name is the key that is meant; Written is where a save writes it, or the same function does.
	Name    string
	Written pyast.Node
}

// NeverRead are the counts of a file that are asked of a dict as if it were an object.
func (f *File) NeverRead() []NeverRead {
	var out []NeverRead
	for _, r := range f.Runs {
		for _, c := range r.Calls {
			name, ok := f.countAsked(c.Node)
			if !ok {
				continue
			}
			l, key := f.Source(c.Arg(0, ""))
			if l == nil || key == "" {
				continue
			}
			for _, s := range f.Saves() {
				if s.ResumedBy() != l && !s.Writes(l.Path) {
					continue
				}
				for _, part := range s.Components {
					if part.Key != key || part.Value == nil || part.Value.AsDict() == nil {
						continue
					}
					if x, ok := part.Value.AsDict().Get(name); ok {
						out = append(out, NeverRead{c.Node, l, name, x.KeyNode})
					}
				}
			}
		}
	}
	for _, fn := range f.Module.Funcs {
		for _, c := range fn.Calls {
			if name, ok := f.countAsked(c); ok {
				if key := writtenAsKey(fn, pysem.Args(c).Pos(0), pysem.Args(c).Pos(1)); key.Valid() {
					out = append(out, NeverRead{Call: c, Name: name, Written: key})
				}
			}
		}
	}
	return out
}

// countAsked is the count that a getattr asks an object for, with a default.
func (f *File) countAsked(call pyast.Node) (name string, ok bool) {
	if calledName(call) != "getattr" {
		return "", false
	}
	args := pysem.Args(call)
	name, ok = pysem.StringLiteral(args.Pos(1))
	return name, ok && args.Pos(2).Valid() && isProgressKey(name) && f.qualified(call.Child(pyast.FieldFunction)) == "builtins.getattr"
}

// writtenAsKey is where a function writes a key of a dict that it then gives an expression, none where it does not.
func writtenAsKey(fn *pysem.Func, of, key pyast.Node) pyast.Node {
	for n := range fn.Body.Descendants() {
		if n.Kind() != pyast.KindAssignment || !n.Child(pyast.FieldLeft).TextIs(of.Text()) || n.Child(pyast.FieldRight).Kind() != pyast.KindDictionary {
			continue
		}
		for pair := range n.Child(pyast.FieldRight).Children() {
			if pair.Child(pyast.FieldKey).TextIs(key.Text()) {
				return pair.Child(pyast.FieldKey)
			}
		}
	}
	return pyast.Node{}
}
