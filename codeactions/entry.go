package codeactions

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/ckpt-lsp/ckpt-lsp/diagnostics"
	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
	"github.com/ckpt-lsp/ckpt-lsp/internal/pysem"
	"github.com/ckpt-lsp/ckpt-lsp/internal/torch"
	"github.com/ckpt-lsp/ckpt-lsp/internal/training"
)

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
	// maybe says that the value is None where the program runs without the object.
	maybe bool
	// doubt is why writing the entry is not safe, "" where it is.
	doubt string
}

type checkpointWriter struct {
	*sheet
	pages *pages // nil where nothing but the dict can be changed
	save  *training.SaveSite
	// ctxs are the contexts in which the dict is made.
	ctxs  []*pysem.Ctx
	taken map[string]bool
}

// stateSuffix are the endings by which a dict tells states from other entries.
var stateSuffix = regexp.MustCompile(`^.+?(_state_dict|_state|_dict)$`)

// suffix is the ending that the dict gives the keys of states. A key that says no more than "state_dict" gives none, and what the
// other states are called counts for more than the model's name.
func (w *checkpointWriter) suffix() string {
	found := ""
	for _, c := range w.save.Components {
		if c.Role != training.RoleState || c.Object == nil || c.Key == "state_dict" {
			continue
		}
		ending := ""
		if m := stateSuffix.FindStringSubmatch(c.Key); m != nil {
			ending = m[1]
		}
		if c.Object.Kind != training.Model {
			return ending
		}
		found = ending
	}
	return found
}

// key is a free key in the naming style of the dict, as "optimizer" or "optimizer_state_dict"; "" where there is none.
func (w *checkpointWriter) key(base string, state bool) string {
	if suffix := w.suffix(); state && !strings.HasSuffix(base, suffix) {
		base += suffix
	}
	for _, ending := range []string{"", "_state", "_state_dict"} {
		if key := base + ending; !w.taken[key] && (state || ending == "") {
			w.taken[key] = true
			return key
		}
	}
	return ""
}

// stateKey is the key for an object's state: the one that another save or a load of the program has for it, or a new one.
func (w *checkpointWriter) stateKey(o *training.Object, base string) string {
	for _, s := range w.file.Saves() {
		for _, c := range s.Components {
			if c.Role == training.RoleState && c.Key != "" && o.Same(c.Object) && !w.taken[c.Key] {
				w.taken[c.Key] = true
				return c.Key
			}
		}
	}
	for _, l := range w.file.Loads() {
		for _, x := range l.Restores {
			if x.Key != "" && o.Same(x.Object) && !w.taken[x.Key] {
				w.taken[x.Key] = true
				return x.Key
			}
		}
	}
	return w.key(base, true)
}

// name finds a name for an object at a place: a variable of that function or the module, an attribute of the instance, or one of
// something that the function is handed. The context says what that is: a parameter of the name may be another object.
func (s *sheet) name(o *training.Object, at pyast.Node, ctx *pysem.Ctx) string {
	fn := s.mod.Scope(at)
	for ctx != nil && ctx.Func != fn {
		ctx = ctx.Parent
	}
	last := lastName(o.Name)
	for f := fn; f != nil; f = f.Parent {
		for _, name := range []string{o.Name, last} {
			for _, d := range f.Defs(name) {
				if d.Kind == pysem.DefParam {
					if f == fn && ctx != nil && !ctx.Root() {
						if given := s.file.Object(s.file.Eval.Def(d, ctx), name); given != nil && !given.Same(o) {
							continue // another object goes by this name here
						}
					}
					return name
				}
				if s.isObject(s.file.Eval.Def(d, s.file.Eval.Root(f, nil)), name, o) {
					return name
				}
			}
		}
	}
	if name := s.attributeName(o, fn); name != "" {
		return name
	}
	return s.handedName(o, at, fn, ctx)
}

func lastName(path string) string { return path[strings.LastIndexByte(path, '.')+1:] }

// isObject reports whether a value that was read without the calls that lead to it is an object: it is made at the same place.
func (s *sheet) isObject(v *pysem.Value, name string, o *training.Object) bool {
	if found := s.file.Object(v, name); found.Same(o) || found != nil && madeAt(found, o) {
		return true
	}
	return o.Value != nil && v.Site() == o.Value.Site()
}

// madeAt reports whether two objects, wrappers aside, are made by one expression.
func madeAt(a, b *training.Object) bool {
	a, b = a.Bare(), b.Bare()
	return a.Value != nil && b.Value != nil && a.Value.Site() == b.Value.Site()
}

// attributeName is the attribute of the instance that holds an object, in a method of the class that sets it.
func (s *sheet) attributeName(o *training.Object, fn *pysem.Func) string {
	class := methodOf(fn)
	root, attr, dotted := strings.Cut(o.Name, ".")
	if class == nil || !dotted || strings.Contains(attr, ".") {
		return ""
	}
	self := selfOf(fn)
	for _, d := range s.attributes(class, attr, 0) {
		name := d.Func.Params[0].Name + "." + attr
		v := s.file.Eval.Def(d, s.file.Eval.Root(d.Func, nil))
		if root == d.Func.Params[0].Name && (s.isObject(v, name, o) || o.Call.Valid() && d.Node.Tree() == o.Call.Tree() && statement(o.Call).Encloses(d.Node) || s.file.Object(v, name) == nil) {
			return self + "." + attr
		}
	}
	return ""
}

// attributes are the definitions of an attribute in the methods of a class and of those that it inherits from.
func (s *sheet) attributes(class *pysem.Class, attr string, depth int) []*pysem.Def {
	var out []*pysem.Def
	for _, d := range class.Attrs[attr] {
		if d.Func != nil && d.Func.Method() {
			out = append(out, d)
		}
	}
	if depth < 4 {
		for _, base := range s.file.Eval.Bases(class) {
			out = append(out, s.attributes(base, attr, depth+1)...)
		}
	}
	return out
}

// methodOf is the class whose instance a function has as its first argument, be it that of the method around it.
func methodOf(fn *pysem.Func) *pysem.Class {
	for ; fn != nil; fn = fn.Parent {
		if fn.Class != nil {
			return classOf(fn)
		}
	}
	return nil
}

func selfOf(fn *pysem.Func) string {
	for ; fn != nil; fn = fn.Parent {
		if fn.Method() {
			return fn.Params[0].Name
		}
	}
	return ""
}

// handedName is the attribute that holds an object in something that a function is handed: state.scheduler.
func (s *sheet) handedName(o *training.Object, at pyast.Node, fn *pysem.Func, ctx *pysem.Ctx) string {
	if ctx == nil {
		return ""
	}
	for i, p := range fn.Params {
		if i == 0 && fn.Method() || p.Star > 0 {
			continue
		}
		for _, d := range fn.Defs(p.Name) {
			v := s.file.Eval.Def(d, ctx)
			if d.Kind != pysem.DefParam || v.Kind != pysem.Instance {
				continue
			}
			for _, attr := range fieldsOf(v.Class) {
				if s.isObject(s.file.Eval.Member(v, attr, at, ctx), attr, o) {
					return p.Name + "." + attr
				}
			}
		}
	}
	return ""
}

// fieldsOf are the attributes that a class declares or its methods set.
func fieldsOf(c *pysem.Class) []string {
	var out []string
	for s := range c.Node.Child(pyast.FieldBody).Children() {
		if a := s.Nth(0); s.Kind() == pyast.KindExpressionStatement && a.Kind() == pyast.KindAssignment {
			out = append(out, a.Child(pyast.FieldLeft).Text())
		}
	}
	for attr := range c.Attrs {
		out = append(out, attr)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func (w *checkpointWriter) entries(r diagnostics.CompleteCheckpoint) ([]entry, bool) {
	at := w.save.Dict.Literal
	switch {
	case r.Object != nil:
		e, ok := w.stateOf(r.Object, at)
		return []entry{e}, ok
	case r.Progress != nil:
		v := r.Progress.Var
		if !v.Valid() || w.mod.Scope(v) != w.mod.Scope(at) || strings.Trim(v.Text(), "_") == "" {
			return nil, false
		}
		name := v.Text()
		if len(name) == 1 && r.Progress.Epoch() {
			name = "epoch"
		}
		e := entry{key: w.key(name, false), value: v.Text(), progress: r.Progress}
		return []entry{e}, e.key != ""
	case r.Best != "":
		return w.variable(r.Best, at, true)
	case r.Counter != "":
		return w.variable(r.Counter, at, false)
	}
	var out []entry
	for _, g := range r.RNG {
		form, ok := rngForms[g]
		if !ok {
			continue
		}
		key := w.key(form.key, false)
		if key == "" {
			continue
		}
		module := w.module(form.module)
		out = append(out, entry{key: key, value: w.quoted(fmt.Sprintf(form.get, module)), isRNG: true, rng: g})
	}
	return out, len(out) > 0
}

// stateOf is the state of an object, where it goes by a name that surely has a value.
func (w *checkpointWriter) stateOf(o *training.Object, at pyast.Node) (entry, bool) {
	name := w.name(o, at, w.save.Ctx)
	held := standing{}
	if name != "" {
		held = w.standing(name, at, w.ctxs...)
	} else if w.pages != nil {
		name = w.pages.hand(o, w.mod.Scope(at), w.ctxs...)
		held = standing{bound: name != "", cond: name + " is not None"}
	}
	if !held.bound {
		return entry{}, false
	}
	e := entry{object: o, name: name, maybe: held.cond != ""}
	base := strings.Trim(lastName(name), "_")
	if isGenerator(o) {
		e.isRNG, e.key, e.value = true, w.key(base, false), name+".get_state()"
	} else {
		inner := ""
		if o.Kind == training.Model {
			inner = w.unwrapped()
		}
		e.key, e.value = w.stateKey(o, base), name+inner+".state_dict()"
	}
	if e.maybe {
		e.value += " if " + held.cond + " else None"
	}
	if o.Value != nil && o.Value.Kind == pysem.External {
		e.doubt = "apex takes the loss scale back only after `amp.initialize`"
	}
	return e, e.key != "" && base != ""
}

// unwrapped is ".module" where the models of the dict are saved without their wrapper.
func (w *checkpointWriter) unwrapped() string {
	for _, c := range w.save.Components {
		call := c.Entry.Value.Node
		if c.Role != training.RoleState || c.Object == nil || c.Object.Kind != training.Model || call.Kind() != pyast.KindCall {
			continue
		}
		if of := call.Child(pyast.FieldFunction).Child(pyast.FieldObject); of.Kind() == pyast.KindAttribute && of.Child(pyast.FieldAttribute).TextIs("module") {
			return ".module"
		}
	}
	return ""
}

// variable is the value of a variable of the training loop: the best metric, as a number that weights_only=True loads, or a count.
func (w *checkpointWriter) variable(name string, at pyast.Node, best bool) ([]entry, bool) {
	held := w.standing(name, at, w.ctxs...)
	if !held.bound {
		return nil, false
	}
	e := entry{key: w.key(strings.Trim(lastName(name), "_"), false), value: name, target: name, maybe: held.cond != ""}
	if best {
		value, doubt := w.newBest(name, at)
		e.value, e.doubt = "float("+value+")", doubt
	}
	if e.maybe {
		e.value += " if " + held.cond + " else None"
	}
	return []entry{e}, e.key != ""
}

// newBest is the best metric as it is when the epoch ends: where the save stands in front of the comparison with the epoch's metric,
// what that comparison will make of it.
func (w *checkpointWriter) newBest(name string, at pyast.Node) (value, doubt string) {
	best := w.save.BestMetric()
	if best == nil || w.save.EpochLoop == nil {
		return name, ""
	}
	body := w.save.EpochLoop.Node.Child(pyast.FieldBody)
	made, set := inBody(at, w.save.Ctx, body), inBody(best.Assign, best.Ctx, body)
	if !made.Valid() || !set.Valid() || best.Assign.End() <= at.Start() && made == set || set.End() <= made.Start() {
		return name, ""
	}
	doubt = "the save comes before the comparison with the epoch's metric: it stores the best of the earlier epochs"
	test := bare(best.Test)
	if made == set || w.mod.Scope(at) != w.mod.Scope(test) {
		return name, doubt
	}
	if test.Kind() == pyast.KindCall { // best = max(acc, best)
		if !w.allKnown(test.Child(pyast.FieldArguments), name, at, made, set) {
			return name, doubt
		}
		return test.Text(), ""
	}
	if test.Kind() != pyast.KindComparisonOperator || test.Nth(3).Valid() {
		return name, doubt
	}
	left, op, right := test.Nth(0), test.Nth(1).Text(), test.Nth(2)
	keep, metric := map[string]string{">": "max", ">=": "max", "<": "min", "<=": "min"}[op], left
	if left.TextIs(name) {
		keep, metric = map[string]string{">": "min", ">=": "min", "<": "max", "<=": "max"}[op], right
	}
	if keep == "" || !left.TextIs(name) && !right.TextIs(name) || !w.allKnown(metric, name, at, made, set) {
		return name, doubt
	}
	return keep + "(" + name + ", " + metric.Text() + ")", ""
}

// allKnown says that the names of an expression, the best metric's aside, have the values at a place that they have at a later
// statement of the round.
func (w *checkpointWriter) allKnown(n pyast.Node, best string, at, from, to pyast.Node) bool {
	for d := range n.Descendants() {
		if d.Kind() == pyast.KindCall {
			return false
		}
		if d.Kind() == pyast.KindIdentifier && d.Field() != pyast.FieldAttribute && !strings.HasPrefix(best+".", d.Text()+".") && !w.known(d.Text(), at, from, to) {
			return false
		}
	}
	return true
}

// known says that a name has, at a place in a round of a loop, the value that it has at a later statement of the round.
func (w *checkpointWriter) known(name string, at, from, to pyast.Node) bool {
	for _, d := range w.mod.Scope(at).Defs(name) {
		if d.Node.Start() >= from.Start() && d.Node.Start() < to.End() {
			return false
		}
	}
	return w.standing(name, at, w.ctxs...).bound
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
