package codeactions

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/ckpt-lsp/ckpt-lsp/diagnostics"
	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
	"github.com/ckpt-lsp/ckpt-lsp/internal/pysem"
	"github.com/ckpt-lsp/ckpt-lsp/internal/text"
	"github.com/ckpt-lsp/ckpt-lsp/internal/torch"
	"github.com/ckpt-lsp/ckpt-lsp/internal/training"
)

// missing is one thing a checkpoint lacks: what to write into the dict, and how to take it back.
type missing struct {
	diagnostic int
	safe       bool
	remedy     diagnostics.CompleteCheckpoint
}

// completeCheckpoint composes all that is missing from one save into one fix: first what is safe, then, when generator states
// are missing too, a second fix with everything.
func completeCheckpoint(file *training.File, mod *pysem.Module, save *training.SaveSite, ds []diagnostics.Diagnostic) []Fix {
	var all []missing
	for i, d := range ds {
		for _, r := range d.Remedies {
			if c, ok := r.(diagnostics.CompleteCheckpoint); ok && saveID(c.Save) == saveID(save) {
				all = append(all, missing{i, len(c.RNG) == 0 && !isGenerator(c.Object), c})
			}
		}
	}
	var safe []missing
	for _, m := range all {
		if m.safe {
			safe = append(safe, m)
		}
	}
	var out []Fix
	if len(safe) > 0 {
		if f, _, ok := complete(file, mod, safe); ok {
			f.Title, f.Applicability = "Complete this checkpoint", diagnostics.Safe
			out = append(out, f)
		}
	}
	// Rank 0's states on every rank would give all ranks one stream: where several processes train, nothing is offered.
	if _, distributed := save.Distributed(); len(safe) < len(all) && !distributed {
		if f, restored, ok := complete(file, mod, all); ok {
			f.Title, f.Applicability = "Complete this checkpoint, random states included", diagnostics.Unsafe
			if len(safe) == 0 {
				f.Title = "Save the random states"
				if restored {
					f.Title = "Save and restore the random states"
				}
			}
			f.Why = "a resumed run then draws other numbers than before"
			out = append(out, f)
		}
	}
	return out
}

// isGenerator says that an object is a generator, whose state decides what a resumed run draws.
func isGenerator(o *training.Object) bool { return o != nil && o.Kind == training.Generator }

// complete writes what is missing into the checkpoint, and what takes it back where it is loaded. restored says that a generator's
// state is.
func complete(file *training.File, mod *pysem.Module, parts []missing) (f Fix, restored, ok bool) {
	save, load := parts[0].remedy.Save, parts[0].remedy.Load
	if load != nil && load.Node.Tree() != mod.Tree {
		load = nil // what is saved now and not restored there is the next finding, in that file
	}
	s := newSheet(file, mod)
	w := &checkpointWriter{sheet: s, save: save, taken: map[string]bool{}}
	if save.Kind != training.PayloadDict || save.Dict == nil || !save.Dict.Literal.Valid() || save.Dict.Literal.Tree() != mod.Tree {
		return Fix{}, false, false
	}
	for _, c := range save.Components {
		w.taken[c.Key] = true
	}
	var entries []entry
	restore := &restorer{sheet: s, load: load, loop: save.EpochLoop}
	for _, m := range parts {
		es, ok := w.entries(m.remedy)
		if !ok {
			continue
		}
		f.Resolves = append(f.Resolves, m.diagnostic)
		entries = append(entries, es...)
		if load == nil {
			continue
		}
		for _, e := range es {
			if e.object != nil && mod.Scope(load.Node) != mod.Scope(save.Dict.Literal) {
				// The function that loads may have another name for it, or none.
				if e.name = s.name(e.object, load.Node, load.Ctx); e.name == "" {
					continue
				}
			}
			restore.add(e)
		}
	}
	if len(entries) == 0 {
		return Fix{}, false, false
	}
	w.write(entries)
	if load != nil {
		restore.write()
	}
	return s.fix(f), restore.setRNG, true
}

// entry is one key to write and what restores it.
type entry struct {
	key, value string
	// object is restored with load_state_dict on name, a generator with set_state; a global one, rng, with set; target is assigned.
	object   *training.Object
	name     string
	rng      torch.RNG
	isRNG    bool
	target   string
	progress *training.Loop
}

type checkpointWriter struct {
	*sheet
	save  *training.SaveSite
	taken map[string]bool
}

var suffixed = regexp.MustCompile(`_state_dict$`)

// key is a free key in the naming style of the dict: "optimizer" or "optimizer_state_dict".
func (w *checkpointWriter) key(base string, state bool) string {
	if state {
		for k := range w.taken {
			if suffixed.MatchString(k) {
				base += "_state_dict"
				break
			}
		}
	}
	for w.taken[base] {
		base += "_"
	}
	w.taken[base] = true
	return base
}

// reach is how an object is written at the dict: its own name there, or none when the dict's function cannot name it.
func (w *checkpointWriter) reach(o *training.Object, at pyast.Node) string {
	return w.name(o, at, w.save.Ctx)
}

// name finds a name for an object at a place: a variable or attribute of that function, the module, or the instance. The context
// says what the function is handed: its parameter of that name may be another object.
func (s *sheet) name(o *training.Object, at pyast.Node, ctx *pysem.Ctx) string {
	file, fn := s.file, s.mod.Scope(at)
	for ctx != nil && ctx.Func != fn {
		ctx = ctx.Parent
	}
	for f := fn; f != nil; f = f.Parent {
		for _, name := range []string{o.Name, o.Name[strings.LastIndexByte(o.Name, '.')+1:]} {
			for _, d := range f.Defs(name) {
				if d.Kind == pysem.DefParam {
					if f == fn && ctx != nil && !ctx.Root() {
						if given := file.Object(file.Eval.Def(d, ctx), name); given != nil && !given.Same(o) {
							continue // another object goes by this name here
						}
					}
					return name
				}
				if v := file.Eval.Def(d, file.Eval.Root(f, nil)); file.Object(v, name).Same(o) || o.Value != nil && v.Key() == o.Value.Key() {
					return name
				}
			}
		}
	}
	if strings.Contains(o.Name, ".") && fn.Class != nil {
		return o.Name
	}
	return ""
}

// bound reports whether a variable, or the object whose attribute it is, has a value where a node stands: a local of the function
// that trains has none in the one that saves.
func (w *checkpointWriter) bound(name string, at pyast.Node) bool {
	root, _, _ := strings.Cut(name, ".")
	for fn := w.mod.Scope(at); fn != nil; fn = fn.Parent {
		if len(fn.Defs(root)) > 0 {
			return true
		}
	}
	return false
}

func (w *checkpointWriter) entries(r diagnostics.CompleteCheckpoint) ([]entry, bool) {
	at := w.save.Dict.Literal
	switch {
	case r.Object != nil:
		name := w.reach(r.Object, at)
		if name == "" {
			return nil, false
		}
		if isGenerator(r.Object) {
			key := w.key(strings.TrimLeft(name[strings.LastIndexByte(name, '.')+1:], "_"), false)
			return []entry{{key: key, value: name + ".get_state()", isRNG: true, object: r.Object, name: name}}, true
		}
		key := w.key(strings.TrimLeft(name[strings.LastIndexByte(name, '.')+1:], "_"), true)
		return []entry{{key: key, value: name + ".state_dict()", object: r.Object, name: name}}, true
	case r.Progress != nil:
		v := r.Progress.Var
		if !v.Valid() || w.mod.Scope(v) != w.mod.Scope(at) {
			return nil, false
		}
		return []entry{{key: w.key(v.Text(), false), value: v.Text(), progress: r.Progress}}, true
	case r.Best != "":
		if !w.bound(r.Best, at) {
			return nil, false
		}
		return []entry{{key: w.key(r.Best[strings.LastIndexByte(r.Best, '.')+1:], false), value: "float(" + r.Best + ")", target: r.Best}}, true
	case r.Counter != "":
		if !w.bound(r.Counter, at) {
			return nil, false
		}
		return []entry{{key: w.key(r.Counter[strings.LastIndexByte(r.Counter, '.')+1:], false), value: r.Counter, target: r.Counter}}, true
	}
	var out []entry
	for _, g := range r.RNG {
		form, ok := rngForms[g]
		if !ok {
			continue
		}
		module := w.module(form.module)
		out = append(out, entry{key: w.key(form.key, false), value: w.quoted(fmt.Sprintf(form.get, module)), isRNG: true, rng: g})
	}
	return out, len(out) > 0
}

func (s *sheet) quoted(code string) string { return strings.ReplaceAll(code, "'", s.quote) }

// rngForms are how each generator's state is saved, in a form that weights_only=True loads, and set again.
var rngForms = map[torch.RNG]struct{ module, key, get, set string }{
	torch.TorchRNG:  {"torch", "rng_state", "%s.get_rng_state()", "%s.set_rng_state(%s.cpu())"},
	torch.CUDARNG:   {"torch", "cuda_rng_state", "%s.cuda.get_rng_state_all()", "%s.cuda.set_rng_state_all([state.cpu() for state in %s])"},
	torch.NumpyRNG:  {"numpy", "numpy_rng_state", "[x.tolist() if hasattr(x, 'tolist') else x for x in %s.random.get_state()]", "%s.random.set_state(tuple(%s))"},
	torch.PythonRNG: {"random", "python_rng_state", "%s.getstate()", "%s.setstate(%s)"},
}

// pair is an entry as the dict display or the dict(...) call has it.
func (w *checkpointWriter) pair(e entry) string {
	if w.save.Dict.Literal.Kind() == pyast.KindCall {
		return e.key + "=" + e.value
	}
	return w.str(e.key) + ": " + e.value
}

// write adds the entries to the dict display or the dict(...) call.
func (w *checkpointWriter) write(entries []entry) {
	lit := w.save.Dict.Literal
	list := lit
	if lit.Kind() == pyast.KindCall {
		list = lit.Child(pyast.FieldArguments)
	}
	var last pyast.Node
	for c := range list.Children() {
		last = c
	}
	closing := list.End() - 1
	if !last.Valid() {
		var parts []string
		for _, e := range entries {
			parts = append(parts, w.pair(e))
		}
		w.insert(closing, strings.Join(parts, ", "))
		return
	}
	multiline := strings.Contains(string(w.src[list.Start():last.Start()]), "\n") || strings.Contains(string(w.src[last.End():closing]), "\n")
	tail := string(w.src[last.End():closing])
	comma := strings.Contains(stripComments(tail), ",")
	if multiline {
		indent := indentAt(w.src, last.Start())
		if lineStart(w.src, last.Start()) == lineStart(w.src, list.Start()) { // the first pair shares the brace's line
			column := last.Start() - lineStart(w.src, last.Start())
			indent = strings.Repeat(" ", column)
		}
		at := last.End()
		lead := ","
		if comma {
			at = last.End() + strings.IndexByte(tail, ',') + 1
			lead = ""
		}
		var b strings.Builder
		b.WriteString(lead)
		for i, e := range entries {
			b.WriteString(w.newline + indent + w.pair(e))
			if i < len(entries)-1 || comma {
				b.WriteString(",")
			}
		}
		// A comment behind the last pair stays on its line.
		if rest := string(w.src[at:lineEnd(w.src, at)]); strings.HasPrefix(strings.TrimSpace(rest), "#") {
			if lead != "" {
				w.insert(at, lead)
			}
			w.insert(lineEnd(w.src, at), strings.TrimPrefix(b.String(), ","))
			return
		}
		w.insert(at, b.String())
		return
	}
	var b strings.Builder
	for _, e := range entries {
		b.WriteString(", " + w.pair(e))
	}
	w.insert(last.End(), b.String())
}

func stripComments(s string) string {
	return regexp.MustCompile(`#[^\n]*`).ReplaceAllString(s, "")
}

// restorer writes the lines that take entries back where the file is loaded.
type restorer struct {
	*sheet
	load    *training.LoadSite
	loop    *training.Loop
	entries []entry
	setRNG  bool // a generator's state is set
}

func (r *restorer) add(e entry) { r.entries = append(r.entries, e) }

// restoreStates composes what is saved and not restored at one load.
func restoreStates(file *training.File, mod *pysem.Module, load *training.LoadSite, ds []diagnostics.Diagnostic) []Fix {
	s := newSheet(file, mod)
	r := &restorer{sheet: s, load: load}
	for _, l := range load.Run.Loops {
		if l.Epoch() && l.First > load.Index {
			r.loop = l
			break
		}
	}
	f := Fix{Title: "Restore what the checkpoint holds", Applicability: diagnostics.Safe}
	for i, d := range ds {
		for _, x := range d.Remedies {
			m, ok := x.(diagnostics.RestoreState)
			if !ok || m.Load.Node != load.Node {
				continue
			}
			e := entry{key: m.Key, object: m.Object, target: m.Target, isRNG: isGenerator(m.Object)}
			if m.Object != nil {
				if e.name = s.name(m.Object, load.Node, load.Ctx); e.name == "" {
					continue
				}
			}
			if len(m.RNG) == 1 {
				e.isRNG, e.rng = true, m.RNG[0]
			} else if len(m.RNG) > 1 {
				continue
			}
			if !r.possible(e) {
				continue
			}
			f.Resolves = append(f.Resolves, i)
			r.add(e)
		}
	}
	if len(r.entries) == 0 || !r.write() {
		return nil
	}
	return []Fix{s.fix(f)}
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

// write puts the restoring lines behind the last use of the checkpoint in the load's block, or behind the construction of what
// they restore where that comes later; generator states go directly in front of the training loop.
func (r *restorer) write() bool {
	name := r.checkpointName()
	if name == "" {
		return false
	}
	after := r.loaded(name)
	block := after.Parent()
	for s := after; s.Valid() && !r.atLoop(s) && s.Kind() != pyast.KindReturnStatement; s = s.Next() {
		if s.Kind() != pyast.KindComment && (mentionsName(s, name) || r.initial(s)) {
			after = s
		}
	}
	wrote := false
	var lines []string
	late := map[int][]string{}
	for _, e := range r.entries {
		item := fmt.Sprintf("%s[%s]", name, r.str(e.key))
		has := fmt.Sprintf("%s in %s", r.str(e.key), name)
		if start := r.startOf(e); start != "" {
			e.target, item = start, item+" + 1"
		}
		switch {
		case e.isRNG:
			wrote = r.rngLines(e, item, has, block, &lines) || wrote
		case e.object != nil:
			place := after
			if made := statement(constructed(e.object)); made.Valid() && r.mod.Scope(made) == r.mod.Scope(after) && made.Start() > after.Start() {
				place = made
			}
			cond, ok := r.resumeCondition(block, place.Parent())
			if place != after && !ok {
				continue
			}
			restoring := []string{guarded(cond, has), "\t" + e.name + ".load_state_dict(" + item + ")"}
			if place == after {
				lines = append(lines, restoring...)
			} else {
				late[place.ID()] = append(late[place.ID()], restoring...)
			}
			wrote = true
		case e.target != "":
			if !r.possible(e) {
				continue
			}
			place := r.begun(e.target, after)
			cond, ok := r.resumeCondition(block, place.Parent())
			if place != after && !ok {
				continue
			}
			restoring := []string{guarded(cond, has), "\t" + e.target + " = " + item}
			if place == after {
				lines = append(lines, restoring...)
			} else {
				late[place.ID()] = append(late[place.ID()], restoring...)
			}
			wrote = true
		case e.progress != nil:
			wrote = r.progressLines(e, item, has, block, &lines) || wrote
		}
	}
	if len(lines) > 0 && r.ownLine(after) {
		r.linesAfter(after, lines...)
	}
	for id, l := range late {
		r.linesAfter(r.mod.Tree.Node(id), l...)
	}
	return wrote
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

// begun is the last statement behind the load, and before the loop, that gives a variable its initial value; the statement
// behind which the rest is restored when there is none.
func (r *restorer) begun(name string, after pyast.Node) pyast.Node {
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
			if mentionsName(s, name) {
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
		c := p.Child(pyast.FieldCondition)
		text := c.Text()
		if strings.ContainsAny(text, "\r\n") || strings.Contains(text, ":=") {
			return "", false
		}
		if c.Kind() == pyast.KindConditionalExpression || c.Kind() == pyast.KindBooleanOperator && c.Child(pyast.FieldOperator).TextIs("or") {
			text = "(" + text + ")"
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

// guarded is the if line that asks for the key and, where it is needed, for the condition again.
func guarded(cond, has string) string {
	if cond == "" {
		return "if " + has + ":"
	}
	return "if " + cond + " and " + has + ":"
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
func (r *restorer) rngLines(e entry, item, has string, block pyast.Node, lines *[]string) bool {
	if !r.possible(e) {
		return false
	}
	set := fmt.Sprintf("%s.set_state(%s.cpu())", e.name, item)
	if e.name == "" {
		form := rngForms[e.rng]
		set = fmt.Sprintf(form.set, r.module(form.module), item)
	}
	if r.mod.Scope(r.loop.Node) != r.mod.Scope(r.load.Node) {
		*lines = append(*lines, "if "+has+":", "\t"+set)
		r.setRNG = true
		return true
	}
	cond, ok := r.resumeCondition(block, r.loop.Node.Parent())
	if !ok {
		return false
	}
	r.linesBefore(r.loop.Node, guarded(cond, has), "\t"+set)
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
func (r *restorer) progressLines(e entry, item, has string, block pyast.Node, lines *[]string) bool {
	loop := r.loop
	if loop == nil || !loop.Stop.Valid() || loop.Start.Valid() || loop != e.progress {
		return false
	}
	if r.mod.Scope(loop.Node) != r.mod.Scope(r.load.Node) {
		return false
	}
	start := "start_" + e.value
	if len(r.mod.Scope(loop.Node).Defs(start)) > 0 {
		return false
	}
	outer := r.loaded(r.checkpointName())
	if block != loop.Node.Parent() {
		outer = ancestorIn(block, loop.Node.Parent())
	}
	if !outer.Valid() || !r.ownLine(outer) && outer.Kind() != pyast.KindIfStatement {
		return false
	}
	r.linesBefore(outer, start+" = 0")
	*lines = append(*lines, "if "+has+":", "\t"+start+" = "+item+" + 1")
	r.replace(text.Span{Start: loop.Stop.Start(), End: loop.Stop.Start()}, start+", ")
	return true
}

func mentionsName(n pyast.Node, name string) bool {
	for d := range n.Descendants() {
		if d.Kind() == pyast.KindIdentifier && d.TextIs(name) {
			return true
		}
	}
	return false
}
