package codeactions

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ckpt-lsp/ckpt-lsp/diagnostics"
	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
	"github.com/ckpt-lsp/ckpt-lsp/internal/pysem"
	"github.com/ckpt-lsp/ckpt-lsp/internal/text"
	"github.com/ckpt-lsp/ckpt-lsp/internal/training"
)

// restorer writes the lines that take entries back where the file is loaded.
type restorer struct {
	*sheet
	pages   *pages
	load    *training.LoadSite
	save    *training.SaveSite // nil where nothing is added to the save
	loop    *training.Loop
	entries []entry
	left    []entry // that it found no place for
	setRNG  bool    // a generator's state is set
	begun   pyast.Node
	late    map[pyast.Node][]string
	order   []pyast.Node
}

// newRestorer is for a load, in whichever file it stands; nothing can be written where that is not at hand.
func newRestorer(p *pages, load *training.LoadSite) *restorer {
	r := &restorer{sheet: p.of(load.Node), pages: p, load: load, late: map[pyast.Node][]string{}}
	for _, l := range load.Run.Loops {
		if l.Epoch() && l.First > load.Index {
			r.loop = l
			break
		}
	}
	return r
}

func (r *restorer) add(e entry) { r.entries = append(r.entries, e) }

// restoreStates composes what is saved and not restored at one load.
func restoreStates(file *training.File, mod *pysem.Module, load *training.LoadSite, ds []diagnostics.Diagnostic) []Fix {
	p := &pages{file: file, home: newSheet(file, mod)}
	r := newRestorer(p, load)
	f := Fix{Title: "Restore what the checkpoint holds", Applicability: diagnostics.Safe}
	found := map[string]int{}
	for i, d := range ds {
		for _, x := range d.Remedies {
			m, ok := x.(diagnostics.RestoreState)
			if !ok || m.Load.Node != load.Node || len(m.RNG) > 1 {
				continue
			}
			e := entry{key: m.Key, object: m.Object, target: m.Target, isRNG: isGenerator(m.Object)}
			if len(m.RNG) == 1 {
				e.isRNG, e.rng = true, m.RNG[0]
			}
			e.maybe = m.Object != nil && storesNone(file, m.Key)
			found[e.key] = i
			r.add(e)
		}
	}
	if len(r.entries) == 0 {
		return nil
	}
	r.write()
	for _, e := range r.entries {
		if !slices.ContainsFunc(r.left, func(l entry) bool { return l.key == e.key }) {
			f.Resolves = append(f.Resolves, found[e.key])
		}
	}
	if len(f.Resolves) == 0 {
		return nil
	}
	slices.Sort(f.Resolves)
	return []Fix{p.fix(f)}
}

// storesNone says that a save of the program may store None under a key, where it runs without the object.
func storesNone(file *training.File, key string) bool {
	for _, s := range file.Saves() {
		for _, c := range s.Components {
			if c.Key == key && (c.Entry.Value.Node.Kind() == pyast.KindConditionalExpression || c.Value != nil && slices.ContainsFunc(c.Value.Alternatives(), func(v *pysem.Value) bool { return v.Kind == pysem.NoneVal })) {
				return true
			}
		}
	}
	return false
}

// checkpointName is the variable that holds the loaded checkpoint.
func (r *restorer) checkpointName() string {
	stmt := statement(r.load.Node)
	if stmt.Kind() != pyast.KindExpressionStatement || stmt.Nth(0).Kind() != pyast.KindAssignment {
		return ""
	}
	a := stmt.Nth(0)
	if a.Child(pyast.FieldRight) != r.load.Node || a.Child(pyast.FieldLeft).Kind() != pyast.KindIdentifier {
		return ""
	}
	return a.Child(pyast.FieldLeft).Text()
}

// spot is a statement behind which the checkpoint is at hand, under a name.
type spot struct {
	after pyast.Node
	name  string
	ctx   *pysem.Ctx
}

// spots are the places to restore at, best first: behind the last use of the checkpoint in the load's block, then behind what is
// restored from it already.
func (r *restorer) spots() []spot {
	var out []spot
	if name := r.checkpointName(); name != "" {
		after := r.loaded(name)
		for s := after; s.Valid() && !r.atLoop(s) && s.Kind() != pyast.KindReturnStatement && (s == after || !r.drops(s, name)); s = s.Next() {
			if s.Kind() != pyast.KindComment && (s.Names(name) || r.initial(s)) {
				after = s
			}
		}
		out = append(out, spot{after, name, r.load.Ctx})
	}
	for _, x := range slices.Backward(r.load.Restores) {
		stmt := statement(x.Node)
		item := pysem.Args(x.Node).Get(0, "state_dict")
		if x.Node.Tree() != r.mod.Tree || stmt.Nth(0) != x.Node || x.Key == "" || item.Kind() != pyast.KindSubscript {
			continue
		}
		if base := item.Child(pyast.FieldValue); base.Kind() == pyast.KindIdentifier && r.mod.Scope(base) != nil {
			out = append(out, spot{stmt, base.Text(), x.Ctx})
		}
	}
	return slices.DeleteFunc(out, func(s spot) bool { return !r.ownLine(s.after) && !compound(s.after) })
}

// compound says that a statement has a block of its own, so that lines can follow it.
func compound(n pyast.Node) bool {
	return n.Is(pyast.KindIfStatement, pyast.KindForStatement, pyast.KindWhileStatement, pyast.KindTryStatement, pyast.KindWithStatement)
}

// drops says that a statement gives the name another value, or deletes it.
func (r *restorer) drops(stmt pyast.Node, name string) bool {
	return slices.ContainsFunc(r.mod.Scope(stmt).Defs(name), func(d *pysem.Def) bool {
		return stmt.Encloses(d.Node) && (d.Kind == pysem.DefAssign || d.Kind == pysem.DefDelete || d.Kind == pysem.DefFor || d.Kind == pysem.DefWith)
	})
}

// write puts the restoring lines behind the last use of the checkpoint in the load's block, or behind the construction of what
// they restore where that comes later; generator states go directly in front of the training loop.
func (r *restorer) write() {
	if r.sheet == nil {
		r.left = r.entries
		return
	}
	spots := r.spots()
	for _, e := range r.entries {
		if !r.restore(e, spots) {
			r.left = append(r.left, e)
		}
	}
	for _, place := range r.order {
		r.linesAfter(place, r.late[place]...)
	}
}

// put adds lines behind a statement.
func (r *restorer) put(place pyast.Node, lines ...string) {
	if r.late[place] == nil {
		r.order = append(r.order, place)
	}
	r.late[place] = append(r.late[place], lines...)
}

// restore finds a place for one entry, and says whether there is one.
func (r *restorer) restore(e entry, spots []spot) bool {
	if e.object != nil && !e.isRNG {
		return r.restoreObject(e, spots)
	}
	name := r.checkpointName()
	if name == "" || len(spots) == 0 {
		return false
	}
	after := spots[0].after
	block := after.Parent()
	item := fmt.Sprintf("%s[%s]", name, r.str(e.key))
	if start := r.startOf(e); start != "" {
		e.target, item = start, item+r.next()
	}
	switch {
	case e.isRNG:
		if e.object != nil {
			if e.name = r.name(e.object, r.load.Node, r.load.Ctx); e.name == "" {
				return false
			}
		}
		return r.rngLines(e, item, name, after)
	case e.target != "":
		if !r.possible(e) {
			return false
		}
		place := r.initially(e.target, after)
		if r.droppedBetween(name, after, place) {
			return false
		}
		cond, ok := r.again(name, block, place)
		if !ok {
			return false
		}
		r.put(place, r.guarded(e, cond, name), "\t"+e.target+" = "+item)
		return true
	case e.progress != nil:
		return r.progressLines(e, item, name, after)
	}
	return false
}

// restoreObject calls load_state_dict where the object exists and the checkpoint is at hand.
func (r *restorer) restoreObject(e entry, spots []spot) bool {
	made := r.madeLast(e.object)
	for _, at := range spots {
		name := r.name(e.object, at.after, at.ctx)
		if name == "" || made.Valid() && r.mod.Scope(made) == r.mod.Scope(at.after) && made.Start() > at.after.Start() {
			continue
		}
		held := r.standingBehind(name, at.after, at.ctx)
		if !held.bound {
			continue
		}
		r.loadInto(e, at, at.after, name, held.cond)
		return true
	}
	for _, at := range spots {
		if !made.Valid() || r.mod.Scope(made) != r.mod.Scope(at.after) || made.Start() < at.after.Start() || !r.ownLine(made) {
			continue
		}
		name := r.name(e.object, made, at.ctx)
		if name == "" || r.droppedBetween(at.name, at.after, made) {
			continue
		}
		cond, ok := r.again(at.name, at.after.Parent(), made)
		if held := r.standingBehind(name, made, at.ctx); ok && held.bound && held.cond == "" {
			r.loadInto(e, at, made, name, cond)
			return true
		}
	}
	for _, at := range spots {
		if name := r.pages.hand(e.object, r.mod.Scope(at.after), at.ctx); name != "" {
			r.loadInto(e, at, at.after, name, name+" is not None")
			return true
		}
	}
	return false
}

// loadInto writes the lines that restore one object.
func (r *restorer) loadInto(e entry, at spot, place pyast.Node, name, cond string) {
	if e.object.Kind == training.Model {
		name += r.unwrapped()
	}
	r.put(place, r.guarded(e, cond, at.name), fmt.Sprintf("\t%s.load_state_dict(%s[%s])", name, at.name, r.str(e.key)))
}

// unwrapped is ".module" where the load restores models inside their wrapper.
func (r *restorer) unwrapped() string {
	for _, x := range r.load.Restores {
		of := x.Node.Child(pyast.FieldFunction).Child(pyast.FieldObject)
		if x.Object != nil && x.Object.Kind == training.Model && of.Kind() == pyast.KindAttribute && of.Child(pyast.FieldAttribute).TextIs("module") {
			return ".module"
		}
	}
	return ""
}

// madeLast is the statement behind which an object can be restored: that which makes it, or for an optimizer the last of those that
// make schedulers on it, because some of them overwrite the rate.
func (r *restorer) madeLast(o *training.Object) pyast.Node {
	last := constructed(o)
	if o.Kind == training.Optimizer && last.Valid() {
		for _, st := range r.load.Run.Steps {
			s := st.Object
			if s.Kind != training.Scheduler || !s.Call.Valid() || s.Call.Tree() != last.Tree() || s.Call.Start() < last.Start() || r.mod.Scope(s.Call) != r.mod.Scope(last) {
				continue
			}
			if on := r.file.Object(r.file.Eval.Expr(s.Arg(0, "optimizer")), ""); o.Same(on) {
				last = s.Call
			}
		}
	}
	if !last.Valid() || last.Tree() != r.mod.Tree {
		return pyast.Node{}
	}
	return statement(last)
}

// standingBehind is what is known of a name behind a statement.
func (r *restorer) standingBehind(path string, after pyast.Node, ctx *pysem.Ctx) standing {
	if next := after.Next(); next.Valid() {
		return r.standing(path, next, ctx)
	}
	b := &binding{sheet: r.sheet, path: path}
	if b.statement(after, r.mod.Scope(after), ctx) {
		return b.result(after, true)
	}
	return r.standing(path, after, ctx)
}

// again is the condition under which the statements of a block run, asked behind a later statement outside of it: "" when they always
// do. Where it may give another answer there, the checkpoint itself tells: it is None unless it was loaded.
func (r *restorer) again(name string, inner, place pyast.Node) (cond string, ok bool) {
	outer := place.Parent()
	if inner == outer {
		return "", true
	}
	if cond, ok := r.resumeCondition(inner, outer); ok {
		return cond, true
	}
	top := ancestorIn(inner, outer)
	for n := inner; n.Valid() && n != outer; n = n.Parent() {
		if !n.Is(pyast.KindBlock, pyast.KindIfStatement, pyast.KindElifClause, pyast.KindElseClause) {
			return "", false
		}
	}
	if top.Kind() != pyast.KindIfStatement {
		return "", false
	}
	fn := r.mod.Scope(inner)
	for _, d := range fn.Defs(name) {
		switch {
		case d.Node.Start() < top.Start() && d.Kind == pysem.DefAssign && d.Value.TextIs("None"):
			return name + " is not None", true
		case !top.Encloses(d.Node) && d.Node.Start() < place.End():
			return "", false
		}
	}
	if r.begun != top {
		r.linesBefore(top, name+" = None")
		r.begun = top
	}
	return name + " is not None", true
}

// droppedBetween says that a name gets another value, or is deleted, between two statements.
func (r *restorer) droppedBetween(name string, from, to pyast.Node) bool {
	return slices.ContainsFunc(r.mod.Scope(from).Defs(name), func(d *pysem.Def) bool {
		return d.Node.Start() >= from.End() && d.Node.Start() < to.End()
	})
}

// droppedBefore reports whether a name holds something else in front of a statement than after another: another checkpoint, say.
func (r *restorer) droppedBefore(name string, from, to pyast.Node) bool {
	return slices.ContainsFunc(r.mod.Scope(from).Defs(name), func(d *pysem.Def) bool {
		return d.Node.Start() >= from.End() && d.Node.Start() < to.Start() && (d.Kind == pysem.DefAssign || d.Kind == pysem.DefDelete)
	})
}

// guarded is the if line that asks for the key, for what is in it, and, where it is needed, for a condition first.
func (r *restorer) guarded(e entry, cond, checkpoint string) string {
	has := fmt.Sprintf("%s in %s", r.str(e.key), checkpoint)
	if e.maybe {
		has = fmt.Sprintf("%s.get(%s) is not None", checkpoint, r.str(e.key))
	}
	if cond == "" {
		return "if " + has + ":"
	}
	return "if " + cond + " and " + has + ":"
}

// next leads from the saved epoch to the one that a resumed run begins with: a save in the middle of an epoch, or in front of its
// training, leaves that epoch to be run again.
func (r *restorer) next() string {
	s := r.save
	if s == nil || s.EpochLoop == nil {
		return " + 1"
	}
	if s.Loop != nil && s.Loop != s.EpochLoop && r.loop == s.EpochLoop {
		return ""
	}
	for _, st := range s.Run.Steps {
		if st.Object.Kind == training.Optimizer && s.EpochLoop.Holds(st.Index) && st.Index < s.Index {
			return " + 1"
		}
	}
	if slices.ContainsFunc(s.Run.Steps, func(st *training.Step) bool { return s.EpochLoop.Holds(st.Index) }) {
		return ""
	}
	return " + 1"
}

// possible reports whether what restores an entry can have an effect: a variable must outlast the function that loads, and nothing
// may draw numbers between the setting of a generator and the loop.
func (r *restorer) possible(e entry) bool {
	switch {
	case e.isRNG:
		return r.loop != nil && (r.mod.Scope(r.loop.Node) == r.mod.Scope(r.load.Node) || r.load.NoDrawUntil(r.loop))
	case e.target != "":
		return r.keeps(e.target)
	}
	return true
}

// keeps reports whether what is assigned to a variable where the file is loaded outlasts that: a function of its own that loads
// would give a value to a variable that ends with it.
func (r *restorer) keeps(target string) bool {
	root, _, attribute := strings.Cut(target, ".")
	if attribute {
		for fn := r.mod.Scope(r.load.Node); fn != nil; fn = fn.Parent {
			if len(fn.Defs(root)) > 0 {
				return true
			}
		}
		return false
	}
	return slices.ContainsFunc(r.mod.Scope(r.load.Node).Defs(target), func(d *pysem.Def) bool { return d.Kind != pysem.DefParam })
}

// atLoop says that a statement is, or holds, the training loop.
func (r *restorer) atLoop(stmt pyast.Node) bool {
	return r.loop != nil && stmt.Encloses(r.loop.Node)
}

// initial says that a statement gives what is to be restored its initial value.
func (r *restorer) initial(stmt pyast.Node) bool {
	for _, e := range r.entries {
		if e.target != "" && assigns(stmt, e.target) {
			return true
		}
	}
	return false
}

// assigns reports whether a statement assigns a variable, alone or as one of several.
func assigns(stmt pyast.Node, name string) bool {
	a := stmt.Nth(0)
	if stmt.Kind() != pyast.KindExpressionStatement || a.Kind() != pyast.KindAssignment {
		return false
	}
	left := a.Child(pyast.FieldLeft)
	if left.TextIs(name) {
		return true
	}
	for c := range left.Children() {
		if left.Is(pyast.KindPatternList, pyast.KindTuplePattern) && c.TextIs(name) {
			return true
		}
	}
	return false
}

// initially is the last statement behind the load, and before the loop, that gives a variable its initial value; the statement
// behind which the rest is restored when there is none.
func (r *restorer) initially(name string, after pyast.Node) pyast.Node {
	place := after
	for outer := after; outer.Valid() && !outer.Is(pyast.KindFunctionDefinition, pyast.KindModule); outer = outer.Parent() {
		for s := outer.Next(); s.Valid() && !r.atLoop(s); s = s.Next() {
			if assigns(s, name) {
				place = s
			}
		}
	}
	return place
}

// loaded is the statement behind which the checkpoint is at hand: the load's own, or the if statement whose branches load it in
// different ways before it is used.
func (r *restorer) loaded(name string) pyast.Node {
	stmt := statement(r.load.Node)
	for {
		for s := stmt.Next(); s.Valid(); s = s.Next() {
			if s.Names(name) {
				return stmt
			}
		}
		outer := stmt.Parent().Parent()
		if outer.Is(pyast.KindElifClause, pyast.KindElseClause) {
			outer = outer.Parent()
		}
		if outer.Kind() != pyast.KindIfStatement {
			return statement(r.load.Node)
		}
		stmt = outer
	}
}

// resumeCondition is the condition under which the statements of the inner block run, seen from the outer block that holds it:
// "" when they always do. ok is false when that cannot be asked again there.
func (r *restorer) resumeCondition(inner, outer pyast.Node) (cond string, ok bool) {
	for inner != outer {
		p := inner.Parent()
		if p.Kind() != pyast.KindIfStatement || inner.Field() != pyast.FieldConsequence {
			return "", false
		}
		text := r.repeatable(p.Child(pyast.FieldCondition))
		if text == "" {
			return "", false
		}
		if cond == "" {
			cond = text
		} else {
			cond = text + " and " + cond
		}
		inner = p.Parent()
	}
	return cond, true
}

// ancestorIn is the statement of the outer block that holds the inner block.
func ancestorIn(inner, outer pyast.Node) pyast.Node {
	for n := inner; n.Valid(); n = n.Parent() {
		if n.Parent() == outer {
			return n
		}
	}
	return pyast.Node{}
}

func constructed(o *training.Object) pyast.Node {
	if o.Call.Valid() {
		return o.Call
	}
	return o.Value.Node
}

// rngLines set a generator in front of the training loop, under the condition the checkpoint was loaded under. Where a function of
// its own loads, they stand among the lines that restore the rest there, if nothing draws between that and the loop.
func (r *restorer) rngLines(e entry, item, checkpoint string, after pyast.Node) bool {
	if !r.possible(e) {
		return false
	}
	set := fmt.Sprintf("%s.set_state(%s.cpu())", e.name, item)
	if e.name == "" {
		form := rngForms[e.rng]
		set = fmt.Sprintf(form.set, r.module(form.module), item)
	}
	if r.loop.Node.Tree() != r.mod.Tree || r.mod.Scope(r.loop.Node) != r.mod.Scope(r.load.Node) || r.droppedBefore(checkpoint, after, r.loop.Node) {
		r.put(after, r.guarded(e, "", checkpoint), "\t"+set)
		r.setRNG = true
		return true
	}
	cond, ok := r.again(checkpoint, after.Parent(), r.loop.Node)
	if !ok {
		return false
	}
	r.linesBefore(r.loop.Node, r.guarded(e, cond, checkpoint), "\t"+set)
	r.setRNG = true
	return true
}

// startOf is the variable that a loop over epochs starts at, where an entry says how far it was: the resumed loop starts behind that.
func (r *restorer) startOf(e entry) string {
	loop := r.loop
	if e.progress == nil || loop == nil || loop != e.progress || !loop.Start.Is(pyast.KindIdentifier, pyast.KindAttribute) || !r.keeps(loop.Start.Text()) {
		return ""
	}
	return loop.Start.Text()
}

// progressLines make a loop that starts at the beginning start behind the saved epoch.
func (r *restorer) progressLines(e entry, item, checkpoint string, after pyast.Node) bool {
	loop, block := r.loop, after.Parent()
	if loop == nil || !loop.Stop.Valid() || loop.Start.Valid() || loop != e.progress {
		return false
	}
	if loop.Node.Tree() != r.mod.Tree || r.mod.Scope(loop.Node) != r.mod.Scope(r.load.Node) {
		return false
	}
	start := "start_" + e.value
	if len(r.mod.Scope(loop.Node).Defs(start)) > 0 {
		return false
	}
	outer := r.loaded(checkpoint)
	if block != loop.Node.Parent() {
		outer = ancestorIn(block, loop.Node.Parent())
	}
	if !outer.Valid() || !r.ownLine(outer) && outer.Kind() != pyast.KindIfStatement {
		return false
	}
	r.linesBefore(outer, start+" = 0")
	r.put(after, r.guarded(e, "", checkpoint), "\t"+start+" = "+item+r.next())
	r.replace(text.Span{Start: loop.Stop.Start(), End: loop.Stop.Start()}, start+", ")
	return true
}
