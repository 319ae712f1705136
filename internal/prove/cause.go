package prove

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// resumption is what tells why a resumed run differs: the runs, as one rank saw them, and the checkpoint that was loaded.
type resumption struct {
	full, killed, resumed *runLog
	from                  read
	loaded                []event // the saves of all files that were loaded before the first step
}

// resumptionOf gathers what one rank knows. Its saves and loads are counted by itself.
func resumptionOf(full, killed, resumed *runLog, from read) resumption {
	v := resumption{full: full, killed: killed, resumed: resumed, from: read{save: event{Step: from.save.Step, Path: from.save.Path, Op: from.save.Op}, load: event{Path: from.load.Path}}}
	for _, e := range killed.saves {
		if e.Step == from.save.Step && e.Content == from.save.Content {
			v.from.save = e
		}
	}
	for _, l := range resumed.loads {
		if l.Step > 0 {
			break
		}
		if l.Content != "" && l.Content == from.save.Content {
			v.from.load = l
		}
		for _, e := range slices.Backward(killed.saves) {
			if l.Content != "" && e.Content == l.Content {
				e.Path = l.Path
				v.loaded = append(v.loaded, e)
				break
			}
		}
	}
	return v
}

// where is where something is kept that a resume must bring back.
type where int

const (
	unclear   where = iota
	absent          // no file that was written at the checkpoint holds it
	elsewhere       // a file holds it that was not loaded
	rounded         // in fewer digits
	present
)

func heldWeights(k heldKeys) *[]string { return k.Weights }
func heldState(k heldKeys) *[]string   { return k.State }

// kept says where something of an optimizer is kept.
func (v resumption) kept(was event, of func(heldKeys) *[]string) (where, string) {
	found, says := unclear, ""
	for _, op := range slices.Sorted(maps.Keys(was.Held)) {
		key := of(was.Held[op])
		i := slices.IndexFunc(v.loaded, func(e event) bool { return e.Op == op })
		path := v.pathOf(op)
		here, text := absent, path+" does not hold them as they were"
		switch {
		case key != nil && len(*key) == 0:
			return unclear, ""
		case key == nil && i < 0:
			continue
		case key == nil:
		case i < 0:
			here, text = elsewhere, fmt.Sprintf("%s holds them%s, and is not loaded", path, under((*key)[0]))
		case (*key)[1] != "":
			here, text = rounded, fmt.Sprintf("%s holds them%s as %s, with fewer digits", v.loaded[i].Path, under((*key)[0]), (*key)[1])
		default:
			here, text = present, fmt.Sprintf("%s holds them%s: they are not restored, or changed before the next step", v.loaded[i].Path, under((*key)[0]))
		}
		if here > found {
			found, says = here, text
		}
	}
	return found, says
}

// pathOf is the file of a save, as the resumed run knows it where it loaded it.
func (v resumption) pathOf(op int) string {
	for _, e := range slices.Concat(v.loaded, v.killed.saves) {
		if e.Op == op {
			return e.Path
		}
	}
	return "the checkpoint"
}

func under(key string) string {
	if key == "" {
		return ""
	}
	return " under `" + key + "`"
}

// holds says under which key a file that was loaded holds a scheduler, or a generator's state.
func (v resumption) holds(name string) (path, key string, ok bool) {
	for _, e := range v.loaded {
		if key, ok := e.Holds[name]; ok {
			return e.Path, key, true
		}
	}
	return "", "", false
}

// restored reports whether a generator was left at the state of the checkpoint when training went on.
func (v resumption) restored(generator string) bool {
	is := false
	for _, e := range v.resumed.events {
		if e.Kind == "step" {
			break
		}
		if e.Generator != generator || e.Kind != "seed" && e.Kind != "restore" {
			continue
		}
		is = e.Kind == "restore" && slices.ContainsFunc(v.loaded, func(s event) bool { return slices.Contains(s.States[generator], e.Value) })
	}
	return is
}

// which names an optimizer where there are several.
func (v resumption) which(was event) string {
	if len(firsts(v.full.begins)) < 2 {
		return "the optimizer's"
	}
	name := ""
	if len(was.Parameters) > 0 && was.Parameters[0].name != "" {
		name = ", the first is " + was.Parameters[0].name
	}
	return fmt.Sprintf("optimizer %d (%s of %d parameters%s): its", was.Optimizer+1, was.Type, len(was.Parameters), name)
}

// explain says of a difference where what it lacks is kept, and which rules tell of that.
func (v resumption) explain(d Difference) Difference {
	switch d.Component {
	case LearningRate, Schedule:
		d.Kept, d.Rules = v.schedule(d)
	case DataOrder, Data, Augmentation, RandomNumbers:
		d.Kept, d.Rules = v.randomness(d)
	case Saved:
		d.Kept, d.Rules = v.saved(d)
	case SavedFiles:
		d.Rules = nameRules(d.Text, absent)
	case Parameters, Optimizer: // where they are compared
	default:
		d.Rules = append(d.Rules, causes[d.Component]...)
	}
	return d
}

// ofOptimizer are the rules that tell of weights or of optimizers that are not brought back.
func ofOptimizer(c Component, w where) []string {
	restore := []string{"state-not-restored", "restored-then-rebuilt", "swallowed-restore-error"}
	switch {
	case w == rounded:
		return nil
	case w == absent && c == Parameters:
		return []string{"missing-model-state"}
	case w == absent:
		return []string{"missing-optimizer-state"}
	case w == unclear:
		return causes[c]
	case c == Parameters:
		return append(restore, "strict-false-unlogged", "swallowed-version-mismatch", "wrapper-prefix", "compile-prefix", "key-mismatch")
	}
	return restore
}

// schedule says where the learning rate comes from.
func (v resumption) schedule(d Difference) (kept string, rules []string) {
	if !slices.ContainsFunc(v.full.events, func(e event) bool { return e.Kind == "scheduler" }) {
		if d.Component == Schedule {
			return "", causes[Schedule]
		}
		return "no scheduler of torch sets it: the script does, from a counter or a measure that is not what it was", []string{"missing-progress", "resume-ignores-progress", "missing-early-stop-state", "missing-best-metric", "missing-optimizer-state"}
	}
	path, key, ok := v.holds("scheduler")
	switch {
	case ok && v.stepsLater():
		return path + " holds the scheduler" + under(key) + " as it was before its step", []string{"saved-before-scheduler-step", "state-not-restored"}
	case ok:
		return path + " holds the scheduler" + under(key) + ": it is not restored, or changed before the next step", []string{"state-not-restored", "restored-then-rebuilt", "saved-before-scheduler-step", "missing-optimizer-state", "resume-off-by-one"}
	}
	return v.from.load.Path + " does not hold the scheduler's state", []string{"missing-scheduler-state", "saved-before-scheduler-step", "missing-optimizer-state"}
}

// stepsLater reports whether a scheduler takes a step between the checkpoint and the next step of an optimizer.
func (v resumption) stepsLater() bool {
	begins := v.full.beginsAt(v.from.save)
	return len(begins) > 0 && begins[0].Schedule > v.from.save.Schedule
}

// randomness says which random numbers were not brought back, where it is they that differ.
func (v resumption) randomness(d Difference) (kept string, rules []string) {
	var lost, back []string
	for _, g := range []string{"torch", "numpy", "random"} {
		if _, drawn := v.full.last("draw", g); !drawn && g != "torch" {
			continue
		}
		if v.restored(g) {
			back = append(back, g)
		} else {
			lost = append(lost, g)
		}
	}
	inside := v.from.save.Step > 0 && v.from.save.Step < len(v.full.steps) && v.full.place(v.from.save) == Inside
	if g := v.ownGenerator(); g != "" && d.Component == DataOrder {
		if path, key, ok := v.holds(g); ok {
			return path + " holds the state of the loader's generator" + under(key) + ": it is not restored", []string{"missing-loader-state", "rng-not-restored"}
		}
		return "the loader draws from a generator of its own, whose state " + v.from.load.Path + " does not hold", []string{"missing-loader-state", "missing-rng-state"}
	}
	if len(lost) == 0 && len(v.loaded) > 0 {
		says := strings.Join(back, " and ") + " is restored: "
		if len(back) > 1 {
			says = strings.Join(back, " and ") + " are restored: "
		}
		switch {
		case d.Component == DataOrder || inside:
			return says + "the order comes from something else that is not, the position in the epoch or the state of a sampler", []string{"midepoch-reshuffle", "missing-loader-state", "missing-set-epoch"}
		case v.full.readsNothing():
			return says + "what differs the script holds in memory and does not bring back, a replay buffer or a queue for example", nil
		case d.Component == RandomNumbers:
			return says + "more or other numbers are drawn before the next step", causes[RandomNumbers]
		}
		return says + "what differs comes from something else that is not, a generator of the data's own or a counter", []string{"missing-loader-state", "unseeded-workers"}
	}
	var says []string
	for _, g := range lost {
		if path, key, ok := v.holds(g); ok {
			says = append(says, fmt.Sprintf("%s holds the state of %s%s", path, g, under(key)))
			rules = append(rules, "rng-not-restored", "reseed-after-restore", "shared-rng-all-ranks")
		} else {
			rules = append(rules, "missing-rng-state")
		}
	}
	if inside {
		rules = append([]string{"midepoch-reshuffle", "missing-loader-state"}, rules...)
	}
	rules = append(rules, causes[d.Component]...)
	if len(says) == 0 {
		return fmt.Sprintf("%s does not hold the state of %s as it was", v.from.load.Path, strings.Join(lost, ", ")), rules
	}
	return strings.Join(says, ", "), rules
}

// ownGenerator is the name of the generator that only a loader draws from and that stands elsewhere after the resume, "" where there is none.
func (v resumption) ownGenerator() string {
	begin := v.from.save.Step
	if begin >= len(v.full.steps) || len(v.resumed.steps) == 0 {
		return ""
	}
	for _, g := range otherGenerators(v.full.steps[begin], v.resumed.steps[0]) {
		if strings.Contains(g, "loader") {
			return g
		}
	}
	return ""
}

// readsNothing reports whether no step used a batch of a loader.
func (l *runLog) readsNothing() bool {
	return !slices.ContainsFunc(l.steps, func(e event) bool { return len(e.Batches) > 0 })
}

// saved says where a value is kept that is saved again with another one.
func (v resumption) saved(d Difference) (kept string, rules []string) {
	for _, e := range v.loaded {
		if _, ok := e.Keys[d.Value.Key]; ok && d.Value.Key != "" {
			return e.Path + " holds it: it is not restored", nameRules(d.Text, present)
		}
	}
	if slices.ContainsFunc(v.loaded, func(e event) bool { return e.Path == d.Value.Path }) {
		return d.Value.Path + " is loaded: what is saved there goes on from another value", nameRules(d.Text, present)
	}
	return fmt.Sprintf("%s does not hold it, and %s is not loaded", v.from.load.Path, d.Value.Path), nameRules(d.Text, absent)
}

// byTheClock reports whether schedulers set the learning rate by the count of their steps alone, whatever is learned.
func (v resumption) byTheClock() bool {
	is := false
	for _, e := range v.full.events {
		if e.Kind == "scheduler" {
			is = true
			if e.What == "ReduceLROnPlateau" {
				return false
			}
		}
	}
	return is
}

// unexplained are the differences that no earlier one explains: those of the earliest step, without what follows from another of them, and
// a schedule that parts later, which no weights can have caused.
func unexplained(ds []Difference, v resumption) []Difference {
	first := slices.MinFunc(ds, func(a, b Difference) int { return a.Step - b.Step }).Step
	has := func(cs ...Component) bool {
		return slices.ContainsFunc(ds, func(d Difference) bool { return d.Step == first && slices.Contains(cs, d.Component) })
	}
	_, _, scheduled := v.holds("scheduler")
	return slices.DeleteFunc(ds, func(d Difference) bool {
		if d.Step > first {
			return d.Component != LearningRate && d.Component != Schedule || has(Progress) || !v.byTheClock()
		}
		switch d.Component {
		case LearningRate, Schedule: // they lie in the groups of the optimizer
			return has(Progress) || has(Optimizer) && (scheduled || d.Component == Schedule)
		case DataOrder, Data, Augmentation:
			return has(Progress)
		case RandomNumbers, Operation, Scale, Buffers:
			return has(Parameters, Optimizer, Progress, LearningRate, Schedule, DataOrder, Data, Augmentation)
		}
		return false
	})
}
