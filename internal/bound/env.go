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
}

func (e *env) push() *env { return &env{parent: e} }

func (e *env) get(path string) *val {
	for ; e != nil; e = e.parent {
		if v, ok := e.vars[path]; ok {
			return v
		}
	}
	return nil
}

func (e *env) set(path string, v *val) {
	if e.vars == nil {
		e.vars = map[string]*val{}
	}
	e.vars[path] = v
}

func (e *env) learn(f fact) {
	if e.facts == nil {
		e.facts = map[string]bool{}
	}
	e.facts[f.key] = f.holds
}

func (e *env) knows(f fact) bool {
	for ; e != nil; e = e.parent {
		if holds, ok := e.facts[f.key]; ok {
			return holds == f.holds
		}
	}
	return false
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

// flat is a copy of all that is known above a layer, in one layer on top of it.
func (e *env) flat(base *env) *env {
	out := &env{parent: base, vars: map[string]*val{}, facts: map[string]bool{}, dead: e.dead}
	for l := e; l != nil && l != base; l = l.parent {
		for k, v := range l.vars {
			if _, ok := out.vars[k]; !ok {
				out.vars[k] = v
			}
		}
		for k, v := range l.facts {
			if _, ok := out.facts[k]; !ok {
				out.facts[k] = v
			}
		}
	}
	return out
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
	flats := make([]*env, len(live))
	changed := map[string]bool{}
	for i, b := range live {
		flats[i] = b.flat(e)
		for k := range flats[i].vars {
			changed[k] = true
		}
	}
	merged := make(map[string]*val, len(changed))
	for k := range changed {
		var out *val
		for i := range flats {
			v := w.lookup(flats[i], k)
			out = w.either(out, &val{state: flats[i].now(v), version: v.version, given: v.given, loop: v.loop})
		}
		merged[k] = out
	}
	for k, v := range merged {
		e.set(k, v)
	}
	for k, holds := range flats[0].facts {
		if !slices.ContainsFunc(flats[1:], func(o *env) bool { return !o.knows(fact{key: k, holds: holds}) }) {
			e.learn(fact{key: k, holds: holds})
		}
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
	a, b := then.flat(e), other.flat(e)
	type ends struct{ then, other *val }
	ways := map[string]ends{}
	for k := range a.vars {
		ways[k] = ends{a.vars[k], w.lookup(b, k)}
	}
	for k := range b.vars {
		ways[k] = ends{w.lookup(a, k), b.vars[k]}
	}
	w.join(e, then, other)
	for k, way := range ways {
		v, x, y := e.vars[k], a.now(way.then), b.now(way.other)
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

func keys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
