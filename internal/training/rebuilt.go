package training

import (
	"regexp"

	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
	"github.com/ckpt-lsp/ckpt-lsp/internal/pysem"
)

// Rebuilt is a variable or attribute that takes its state from a checkpoint and gets a new value before training goes on.
type Rebuilt struct {
	// Name is how the program writes it where it gets the new value; Kind is its kind, NotTracked for a number. Best says that this is the best
	// metric.
	Name string
	Kind Kind
	Best bool
	// Restored is the call or assignment that takes the state; Node the assignment that drops it, New its right-hand side.
	Restored, Node, New pyast.Node
	// Under is the test of an option under which it is dropped, none where it always is.
	Under pyast.Node
}

// Epoch reports whether it counts epochs.
func (b Rebuilt) Epoch() bool { return epochName.MatchString(lastPart(b.Name)) }

// restored is what a slot took from a checkpoint.
type restored struct {
	kind   Kind
	object *Object
	event  pysem.Event
}

// rebuilds follows the slots of a run from where they are restored to where they are assigned anew.
type rebuilds struct {
	run      *Run
	restores map[int]*Restore
	steps    map[int]bool
	held     map[string]restored
	current  map[string]pyast.Node // the assignment that each slot has its value from
	dropped  map[string]Rebuilt
	events   map[string]pysem.Event // of dropped
	order    []string               // of dropped
}

// Rebuilt are the slots of all runs that are restored and then rebuilt.
func (f *File) Rebuilt() []Rebuilt {
	if len(f.loads) == 0 {
		return nil
	}
	var out []Rebuilt
	seen := map[pyast.Node]bool{}
	for _, r := range f.Runs {
		for _, b := range r.rebuilt() {
			if !seen[b.Node] {
				seen[b.Node] = true
				out = append(out, b)
			}
		}
	}
	return out
}

func (r *Run) rebuilt() []Rebuilt {
	w := &rebuilds{run: r, restores: map[int]*Restore{}, steps: map[int]bool{}, held: map[string]restored{}, current: map[string]pyast.Node{}, dropped: map[string]Rebuilt{}, events: map[string]pysem.Event{}}
	for _, x := range r.Restores {
		w.restores[x.Index] = x
	}
	last := -1
	for _, st := range r.Steps {
		if st.Object.Kind == Optimizer {
			w.steps[st.Index], last = true, max(last, st.Index)
		}
	}
	at := map[string]int{}
	for i, ev := range r.Events {
		switch {
		case w.steps[i]:
			clear(w.held) // training has begun: what is built now is for another one
		case w.restores[i] != nil:
			w.restore(w.restores[i], ev)
		case ev.Kind == pysem.EventAssign && ev.Node.Kind() == pyast.KindAssignment:
			for _, slot := range w.assign(ev) {
				at[slot] = i
			}
		}
	}
	var out []Rebuilt
	for _, slot := range w.order {
		b, ok := w.dropped[slot]
		if ok && (last > at[slot] || w.readElsewhere(b, w.events[slot].Ctx)) {
			out = append(out, b)
		}
	}
	return out
}

// restore notes a load_state_dict from a checkpoint.
func (w *rebuilds) restore(x *Restore, ev pysem.Event) {
	if x.Object == nil || !x.Recv.Valid() {
		return
	}
	slot := w.run.File.slot(x.Recv, x.Ctx)
	delete(w.dropped, slot)
	if slot == "" || x.Load == nil || !rebuildable[x.Object.Kind] || w.run.File.unreachable(ev.Frame) {
		return
	}
	w.held[slot] = restored{x.Object.Kind, x.Object, ev}
	// The variable that the object was made for holds it still, though it is restored under another name: that of a parameter's field.
	if o := x.Object; o.Call.Valid() && o.Ctx != nil && o.Call.Parent().Kind() == pyast.KindAssignment {
		made := w.run.File.slot(o.Call.Parent().Child(pyast.FieldLeft), o.Ctx)
		if made != "" && w.current[made] == o.Call.Parent() {
			w.held[made] = w.held[slot]
		}
	}
}

// rebuildable are the kinds whose state is lost with the object. Models are left out: they are wrapped and replaced in many ways.
var rebuildable = map[Kind]bool{Optimizer: true, Scheduler: true, Scaler: true, Averaged: true}

// assign notes what an assignment restores, and returns the slots whose state it drops.
func (w *rebuilds) assign(ev pysem.Event) []string {
	f := w.run.File
	right := ev.Node.Child(pyast.FieldRight)
	for right.Kind() == pyast.KindAssignment {
		right = right.Child(pyast.FieldRight)
	}
	var out []string
	for _, t := range assignees(ev.Node.Child(pyast.FieldLeft), right) {
		slot := f.slot(t.target, ev.Ctx)
		if slot == "" {
			continue
		}
		w.current[slot] = ev.Node
		if kind, ok := f.takes(t, ev.Ctx); ok {
			delete(w.dropped, slot)
			if !f.unreachable(ev.Frame) {
				w.held[slot] = restored{kind, nil, ev}
			}
			continue
		}
		h, ok := w.held[slot]
		if !ok || !w.drops(h, slot, t, ev) || h.kind == NotTracked && unread(t.target, ev) {
			continue
		}
		delete(w.held, slot)
		b := Rebuilt{Name: t.target.Text(), Kind: h.kind, Restored: h.event.Node, Node: ev.Node, New: right, Best: h.kind == NotTracked && bestKey.MatchString(lastPart(t.target.Text()))}
		if !within(ev.Frame, h.event.Frame) {
			b.Under = ev.Frame.Cond
		}
		w.dropped[slot] = b
		w.events[slot] = ev
		w.order = append(w.order, slot)
		out = append(out, slot)
	}
	return out
}

// assignee is one target of an assignment: index is its place among several that one value is unpacked into, -1 when it is
// alone.
type assignee struct {
	target, value pyast.Node
	index         int
}

func assignees(left, right pyast.Node) []assignee {
	if !left.Is(pyast.KindPatternList, pyast.KindTuplePattern) {
		return []assignee{{left, right, -1}}
	}
	var out []assignee
	i := 0
	for t := range left.Children() {
		a := assignee{t, right, i}
		if right.Is(pyast.KindExpressionList, pyast.KindTuple) {
			a = assignee{t, right.Nth(i), -1}
		}
		out = append(out, a)
		i++
	}
	return out
}

// takes reports whether an assignment gives its target what a checkpoint holds under a key of the same meaning.
func (f *File) takes(a assignee, ctx *pysem.Ctx) (Kind, bool) {
	name := lastPart(a.target.Text())
	kind := nameKind(name)
	if !rebuildable[kind] && !isProgressKey(name) && !bestKey.MatchString(name) {
		return NotTracked, false
	}
	keys := f.keysIn(a.value, ctx, 0)
	if of := f.Eval.Eval(a.value, ctx); of.Kind == pysem.Tuple && a.index >= 0 && a.index < len(of.Elems) { // what a helper returns with others
		f.eachSource(of.Elems[a.index], 0, func(_ *LoadSite, key string) { keys = append(keys, key) })
	}
	for _, key := range keys {
		switch {
		case rebuildable[kind]:
			if keyKind(key) == kind {
				return kind, true
			}
		case isProgressKey(name) && isProgressKey(key), bestKey.MatchString(name) && bestKey.MatchString(key):
			return NotTracked, true
		}
	}
	return NotTracked, false
}

// keysIn are the keys of loaded checkpoints that an expression is made from, through variables that a helper fills.
func (f *File) keysIn(n pyast.Node, ctx *pysem.Ctx, depth int) []string {
	if len(f.loads) == 0 {
		return nil
	}
	if keys, known := f.keysOf[madeAt{n, ctx}]; known {
		return keys
	}
	if f.keysOf == nil {
		f.keysOf = map[madeAt][]string{}
	}
	f.keysOf[madeAt{n, ctx}] = nil // round a cycle there is nothing more
	out := f.findKeys(n, ctx, depth)
	f.keysOf[madeAt{n, ctx}] = out
	return out
}

func (f *File) findKeys(n pyast.Node, ctx *pysem.Ctx, depth int) []string {
	var out []string
	for d := range n.Descendants() {
		if !d.Is(pyast.KindIdentifier, pyast.KindSubscript, pyast.KindCall, pyast.KindAttribute) || d.Field() == pyast.FieldAttribute {
			continue
		}
		found := false
		f.eachSource(f.Eval.Eval(d, ctx), 0, func(_ *LoadSite, key string) {
			out, found = append(out, key), true
		})
		if found || d.Kind() != pyast.KindIdentifier || depth > 2 {
			continue
		}
		for _, def := range ctx.Func.Defs(d.Text()) {
			if def.Kind == pysem.DefAssign && def.Value.Kind() == pyast.KindCall && !def.Value.Encloses(n) {
				out = append(out, f.keysIn(def.Value, ctx, depth+1)...)
			}
		}
	}
	return out
}

// drops reports whether an assignment puts something newly built where a restored value is, whenever that was restored.
func (w *rebuilds) drops(h restored, slot string, a assignee, ev pysem.Event) bool {
	f := w.run.File
	if !within(ev.Frame, h.event.Frame) && (h.kind == NotTracked || !f.byAnotherOption(ev, h.event.Frame)) || f.unreachable(ev.Frame) {
		return false
	}
	for _, key := range f.keysIn(a.value, ev.Ctx, 0) {
		if h.kind == NotTracked || keyKind(key) != Model { // a new optimizer of a model that was loaded is new all the same
			return false
		}
	}
	if h.kind == NotTracked {
		return f.startValue(a, ev.Ctx) && !f.startsAfresh(ev)
	}
	if a.value.Kind() != pyast.KindCall || keepsState.MatchString(lastPart(a.value.Child(pyast.FieldFunction).Text())) {
		return false
	}
	v := f.Eval.Eval(a.value, ev.Ctx)
	if v.Kind == pysem.Tuple && a.index >= 0 && a.index < len(v.Elems) {
		v = v.Elems[a.index]
	}
	for _, x := range v.Alternatives() {
		if !built(x) || h.object != nil && f.Object(x, a.target.Text()).Same(h.object) {
			return false
		}
	}
	for d := range a.value.Descendants() { // wrapped, prepared, copied
		if !d.Is(pyast.KindIdentifier, pyast.KindAttribute) || d.Field() == pyast.FieldAttribute {
			continue
		}
		if f.slot(d, ev.Ctx) == slot || h.object != nil && f.Object(f.Eval.Eval(d, ev.Ctx), d.Text()).Same(h.object) {
			return false
		}
	}
	return true
}

// unread reports whether a variable is read nowhere behind an assignment to it, which then takes nothing away. A function inside may be
// called at any time, and in a loop the next round comes to what stands in front.
func unread(target pyast.Node, ev pysem.Event) bool {
	fn := ev.Ctx.Func
	if target.Kind() != pyast.KindIdentifier || declaredOutside(fn.Body, target.Text()) {
		return false
	}
	from := ev.Node
	for p := from.Parent(); p.Valid() && p != fn.Node; p = p.Parent() {
		if p.Is(pyast.KindForStatement, pyast.KindWhileStatement) {
			from = p
		}
	}
	for n := range fn.Body.Descendants() {
		set := n.Field() == pyast.FieldLeft && n.Parent().Kind() == pyast.KindAssignment || n.Field() == pyast.FieldAttribute || n.Field() == pyast.FieldName
		if n.Kind() == pyast.KindIdentifier && n.TextIs(target.Text()) && !set && (n.Start() > from.Start() || fn.Module.Scope(n) != fn) {
			return false
		}
	}
	return true
}

var keepsState = regexp.MustCompile(`(?i)load|resume|restore|prepare|wrap|copy|from_state|initialize|^getattr$|^to$|^get$`)

// built reports whether a value is the result of a call.
func built(v *pysem.Value) bool {
	return v.Kind == pysem.Call || v.Kind == pysem.Instance && v.Node.Valid()
}

// startValue reports whether a number is set to what it begins with.
func (f *File) startValue(a assignee, ctx *pysem.Ctx) bool {
	if _, ok := f.Eval.Eval(a.value, ctx).Number(); ok && a.index < 0 {
		return true
	}
	return infinity.MatchString(a.value.Text())
}

var infinity = regexp.MustCompile(`^[-+]?\s*((np|numpy|torch|math)\.(inf|Inf)|float\(\s*["'][-+]?inf(inity)?["']\s*\))$`)

// afresh are words for another training; "restart" is said of both.
var afresh = regexp.MustCompile(`(?i)fine_?tun|pre_?train|reset|transfer|scratch|fresh|warm_?start|init_(from|weights)|reinit|new_`)

// startsAfresh reports whether the condition or function around an assignment says that the old numbers are not wanted.
func (f *File) startsAfresh(ev pysem.Event) bool {
	if afresh.MatchString(ev.Ctx.Func.Name) {
		return true
	}
	for fr := range ev.Enclosing() {
		if fr.Kind == pysem.FrameIf && plain(fr.Cond, fr.Positive) && afresh.MatchString(fr.Cond.Text()) {
			return true
		}
	}
	return false
}

// within reports whether what decides that the later of two events happens holds where the earlier one happens too. Ways out
// between them (an early return) do not count, unless they are taken where the earlier event happens.
func within(later, earlier *pysem.Frame) bool {
	for fr := later; fr != nil; fr = fr.Parent {
		switch fr.Kind {
		case pysem.FrameWith, pysem.FrameTry, pysem.FrameDecorator:
			continue
		}
		same, opposed := false, false
		for e := earlier; e != nil; e = e.Parent {
			if e.Kind != fr.Kind || e.Node != fr.Node && (fr.Kind != pysem.FrameIf || e.Cond.Text() != fr.Cond.Text()) {
				continue
			}
			if e.Cond == fr.Cond || e.Cond.Text() == fr.Cond.Text() {
				same, opposed = same || e.Positive == fr.Positive, opposed || e.Positive != fr.Positive
			}
		}
		if opposed || !same && !fr.Early {
			return false
		}
	}
	return true
}

// byAnotherOption reports whether an event stands under the test of one option, in the function and the blocks that the earlier one
// stands in or under, and the two options do not rule each other out: the program may be run with both.
func (f *File) byAnotherOption(ev pysem.Event, earlier *pysem.Frame) bool {
	fr := ev.Frame
	if fr == nil || fr.Kind != pysem.FrameIf || !fr.Positive || fr.Early || fr.Node.Kind() != pyast.KindIfStatement || !within(fr.Parent, earlier) || f.startsAfresh(ev) || f.Exclusive(fr, earlier) {
		return false
	}
	option := f.Eval.Eval(fr.Cond, fr.Ctx)
	if option.Kind != pysem.Attr || option.Base.Kind != pysem.ParamVal && option.Base.Kind != pysem.Call {
		return false
	}
	for e := earlier; e != nil; e = e.Parent { // a test of the one that asks for the other too
		if e.Kind == pysem.FrameIf && mentions(e.Cond, fr.Cond.Text()) {
			return false
		}
	}
	return true
}

// unreachable reports whether what a caller passes keeps a function from coming to an event. A constant of the file is a setting
// that may be edited, and says nothing.
func (f *File) unreachable(fr *pysem.Frame) bool {
	return f.impossible(fr) || f.ruledOut(fr, func(ctx *pysem.Ctx) bool { return !ctx.Root() })
}

// ruledOut reports whether a condition on the way to an event, in one of the contexts that count, is known not to hold.
func (f *File) ruledOut(fr *pysem.Frame, counts func(*pysem.Ctx) bool) bool {
	for ; fr != nil; fr = fr.Parent {
		if fr.Kind != pysem.FrameIf || !counts(fr.Ctx) {
			continue
		}
		if truth, known := f.Eval.Eval(fr.Cond, fr.Ctx).Truth(); known && truth != fr.Positive {
			return true
		}
	}
	return false
}

// readElsewhere reports whether another method of the class reads the attribute, so that training with it goes on there.
func (w *rebuilds) readElsewhere(b Rebuilt, ctx *pysem.Ctx) bool {
	if ctx.Func.Class == nil || b.Kind == NotTracked && ctx.Func.Name != "__init__" {
		return false
	}
	for _, fn := range ctx.Func.Class.Methods {
		if fn == ctx.Func || fn.Body.Encloses(b.Restored) {
			continue
		}
		for n := range fn.Body.Descendants() {
			if n.Kind() == pyast.KindAttribute && n.TextIs(b.Name) && (n.Field() != pyast.FieldLeft || n.Parent().Kind() != pyast.KindAssignment) {
				return true
			}
		}
	}
	return false
}
