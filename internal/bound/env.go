package bound

import (
	"maps"
	"slices"
	"strings"
)

// val is what is known of a name at a point.
type val struct {
	state State
	// version tells assignments apart, so that what a test said ends with an assignment to what it tests.
	version int
	// given are states that hold where tests came out so.
	given []given
	loop  bool // a loop gives it
}

// given is the state of a name where all its facts hold.
type given struct {
	facts []fact
	state State
}

// fact is the outcome of a test. Its key names the test and the versions of what it tests.
type fact struct {
	key, text string
	holds     bool
}

// fails is the other outcome.
func (f fact) fails() fact {
	f.holds = !f.holds
	return f
}

func (g given) same(o given) bool {
	return g.state == o.state && slices.EqualFunc(g.facts, o.facts, func(a, b fact) bool { return a.key == b.key && a.holds == b.holds })
}

// env maps names to what is known of them. It is layered: a branch writes into its own layer.
type env struct {
	parent *env
	vars   map[string]*val
	facts  map[string]bool
	dead   bool

	// of is the layer that this one is a view of: it shows what that held when the view was its at-th.
	of *env
	at int
	// views is how many views of the layer there are, and was what changed since they were taken, so that a view costs nothing but what
	// changes after it.
	views int
	was   map[string][]change
}

// change is what a layer held under a name up to one of its views.
type change struct {
	until int
	v     *val
	fact  *bool
}

// ofFact is what stands before the key of a fact where changes are kept; no name begins so.
const ofFact = "?"

func (e *env) push() *env { return &env{parent: e} }

// view is what an env holds now above a layer, on top of that layer; it stays so.
func (e *env) view(base *env) *env {
	var first, last *env
	for l := e; l != nil && l != base; l = l.parent {
		v := &env{of: l, dead: e.dead}
		if l.of != nil {
			v.of, v.at = l.of, l.at
		} else {
			l.views++
			v.at = l.views
		}
		if last == nil {
			first = v
		} else {
			last.parent = v
		}
		last = v
	}
	if last == nil {
		return &env{parent: base, dead: e.dead}
	}
	last.parent = base
	return first
}

// table is the layer that holds what a layer shows.
func (e *env) table() *env {
	if e.of != nil {
		return e.of
	}
	return e
}

// before is what a view's layer held under a key that changed since; ok is false where it did not.
func (e *env) before(key string) (change, bool) {
	if e.of == nil || e.of.was == nil {
		return change{}, false
	}
	all := e.of.was[key]
	i, _ := slices.BinarySearchFunc(all, e.at, func(c change, at int) int { return c.until - at })
	if i == len(all) {
		return change{}, false
	}
	return all[i], true
}

// keep notes what a key holds in views that were taken of it, before it changes.
func (e *env) keep(key string, v *val, fact *bool) {
	if e.views == 0 {
		return
	}
	if all := e.was[key]; len(all) == 0 || all[len(all)-1].until < e.views {
		if e.was == nil {
			e.was = map[string][]change{}
		}
		e.was[key] = append(all, change{e.views, v, fact})
	}
}

// own is what a layer itself holds of a name.
func (e *env) own(path string) *val {
	if c, ok := e.before(path); ok {
		return c.v
	}
	return e.table().vars[path]
}

// ownFact is what a layer itself knows of the outcome of a test.
func (e *env) ownFact(key string) (holds, ok bool) {
	if c, ok := e.before(ofFact + key); ok {
		return c.fact != nil && *c.fact, c.fact != nil
	}
	holds, ok = e.table().facts[key]
	return holds, ok
}

func (e *env) get(path string) *val {
	for ; e != nil; e = e.parent {
		if v := e.own(path); v != nil {
			return v
		}
	}
	return nil
}

func (e *env) set(path string, v *val) {
	if e.vars == nil {
		e.vars = map[string]*val{}
	}
	e.keep(path, e.vars[path], nil)
	e.vars[path] = v
}

func (e *env) unset(path string) {
	e.keep(path, e.vars[path], nil)
	delete(e.vars, path)
}

func (e *env) learn(f fact) {
	if e.facts == nil {
		e.facts = map[string]bool{}
	}
	if e.views > 0 {
		var was *bool
		if holds, ok := e.facts[f.key]; ok {
			was = &holds
		}
		e.keep(ofFact+f.key, nil, was)
	}
	e.facts[f.key] = f.holds
}

func (e *env) knows(f fact) bool {
	for ; e != nil; e = e.parent {
		if holds, ok := e.ownFact(f.key); ok {
			return holds == f.holds
		}
	}
	return false
}

// changed are the names of which ways may know something above a layer.
func changed(base *env, ways ...*env) map[string]bool {
	latest := map[*env]*env{} // what one view of a layer shows a later one shows, too
	for _, e := range ways {
		for l := e; l != nil && l != base; l = l.parent {
			if t := l.table(); latest[t] == nil || l.of == nil || latest[t].of != nil && latest[t].at < l.at {
				latest[t] = l
			}
		}
	}
	names := map[string]bool{}
	for t, l := range latest {
		for k := range t.vars {
			if l.own(k) != nil {
				names[k] = true
			}
		}
	}
	return names
}

// tests are the tests whose outcomes are known above a layer.
func (e *env) tests(base *env) map[string]bool {
	out := map[string]bool{}
	for l := e; l != nil && l != base; l = l.parent {
		for k := range l.table().facts {
			if holds, ok := l.ownFact(k); ok {
				if _, known := out[k]; !known {
					out[k] = holds
				}
			}
		}
	}
	return out
}

// now is the state of a value where the facts of an env hold.
func (e *env) now(v *val) State {
	s := v.state
	for _, g := range v.given {
		if s&g.state != 0 && s&g.state != s && !slices.ContainsFunc(g.facts, func(f fact) bool { return !e.knows(f) }) {
			s &= g.state
		}
	}
	return s
}

// mostGiven bounds what is remembered of one name's tests.
const mostGiven = 8

// join merges ways that were pushed on e back into it.
func (w *walker) join(e *env, ways ...*env) {
	live := slices.DeleteFunc(slices.Clone(ways), func(b *env) bool { return b.dead })
	if len(live) == 0 {
		e.dead = true
		return
	}
	merged := map[string]*val{}
	for k := range changed(e, live...) {
		var out *val
		for _, b := range live {
			v := w.lookup(b, k)
			out = w.either(out, &val{state: b.now(v), version: v.version, given: v.given, loop: v.loop})
		}
		merged[k] = out
	}
	known := live[0].tests(e)
	maps.DeleteFunc(known, func(k string, holds bool) bool {
		return slices.ContainsFunc(live[1:], func(o *env) bool { return !o.knows(fact{key: k, holds: holds}) })
	})
	for k, v := range merged {
		e.set(k, v)
	}
	for k, holds := range known {
		e.learn(fact{key: k, holds: holds})
	}
}

// either is what a name holds that holds a on one way and b on another.
func (w *walker) either(a, b *val) *val {
	if a == nil {
		return b
	}
	out := &val{state: a.state | b.state, version: a.version, loop: a.loop || b.loop}
	if a.version != b.version {
		w.versions++
		out.version = -w.versions
	}
	for _, g := range a.given {
		if slices.ContainsFunc(b.given, g.same) {
			out.given = append(out.given, g)
		}
	}
	return out
}

// split is a join of the two ways of a test: it remembers which state comes of which outcome.
func (w *walker) split(e *env, yes, no []fact, then, other *env) {
	if then.dead || other.dead {
		w.join(e, then, other)
		return
	}
	type ends struct {
		then, other *val
		x, y        State
	}
	ways := map[string]ends{}
	for k := range changed(e, then, other) {
		a, b := w.lookup(then, k), w.lookup(other, k)
		ways[k] = ends{a, b, then.now(a), other.now(b)}
	}
	w.join(e, then, other)
	for k, way := range ways {
		v, x, y := e.vars[k], way.x, way.y
		if x == y {
			continue
		}
		v.given = addGiven(addGiven(v.given, yes, x), no, y)
		for _, f := range yes {
			v.given = addGiven(v.given, []fact{f.fails()}, y)
		}
		for _, f := range no {
			v.given = addGiven(v.given, []fact{f.fails()}, x)
		}
		for _, inner := range way.then.given {
			v.given = addGiven(v.given, slices.Concat(yes, inner.facts), inner.state)
		}
		for _, inner := range way.other.given {
			v.given = addGiven(v.given, slices.Concat(no, inner.facts), inner.state)
		}
	}
}

func addGiven(all []given, facts []fact, s State) []given {
	g := given{facts, s}
	if len(facts) == 0 || len(all) >= mostGiven || slices.ContainsFunc(all, g.same) {
		return all
	}
	return append(all, g)
}

// shown are the outcomes of tests that follow where a value is none of the states in not. Not all facts of what is given for such a
// state hold: where all but one do, that one does not.
func (v *val) shown(not State, knows func(fact) bool) []fact {
	var out []fact
	holds := func(f fact) bool {
		return knows(f) || slices.ContainsFunc(out, func(o fact) bool { return o.key == f.key && o.holds == f.holds })
	}
	for range v.given {
		for _, g := range v.given {
			if left := slices.DeleteFunc(slices.Clone(g.facts), holds); g.state&^not == 0 && len(left) == 1 {
				if f := left[0].fails(); !holds(f) {
					out = append(out, f)
				}
			}
		}
	}
	return out
}

// under is the test under which a name has its value, as Python says it, "" where it is not one.
func (v *val) under(not State) string {
	facts := v.shown(not, func(fact) bool { return false })
	if i := slices.IndexFunc(facts, func(f fact) bool { return f.holds }); i >= 0 {
		facts = slices.DeleteFunc(facts, func(f fact) bool { return !f.holds }) // that it came by the other tests goes without saying
	}
	var parts []string
	for _, f := range facts {
		text, none := strings.CutSuffix(f.text, " is None")
		switch {
		case f.text == "":
			continue
		case f.holds:
			text = f.text
		case none:
			text += " is not None"
		case strings.Contains(text, " "):
			text = "not (" + text + ")"
		default:
			text = "not " + text
		}
		parts = append(parts, text)
	}
	return strings.Join(parts, " and ")
}

// prove narrows what a name holds, because what was done with it shows it. So are outcomes of tests
// that decide it.
func (w *walker) prove(e *env, path string, not State) {
	v := w.lookup(e, path)
	s := e.now(v)
	if s&not == 0 || s&^not == 0 {
		return
	}
	next := &val{state: s &^ not, version: v.version, given: v.given, loop: v.loop}
	e.set(path, next)
	for _, f := range v.shown(not, e.knows) {
		e.learn(f)
	}
}
