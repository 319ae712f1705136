package prove

import (
	"fmt"
	"slices"
	"strings"
)

// Component is what two runs differ in first.
type Component string

// The components, in the order in which one causes the next.
const (
	Loading       Component = "loading"
	Progress      Component = "progress"
	Parameters    Component = "parameters"
	Optimizer     Component = "optimizer state"
	LearningRate  Component = "learning rate"
	Schedule      Component = "optimizer options"
	DataOrder     Component = "data order"
	Data          Component = "data"
	Augmentation  Component = "model inputs"
	Scale         Component = "gradient scale"
	RandomNumbers Component = "random numbers"
	Operation     Component = "nondeterministic operation"
	Buffers       Component = "buffers"
	Gradients     Component = "accumulated gradients"
	Saved         Component = "saved values"
	SavedFiles    Component = "saved files"
)

// Difference is one thing in which a run differs from the one that it is held against.
type Difference struct {
	// Step is the optimizer step of the uninterrupted run, from 1, at which the two differ first, and Epoch the pass over the loader,
	// from 1, 0 where no loader tells.
	Step      int       `json:"step"`
	Epoch     int       `json:"epoch,omitempty"`
	Rank      int       `json:"rank,omitempty"`
	Component Component `json:"component"`
	// Place is where the run was killed, where runs that were killed at several places differ.
	Place Place `json:"place,omitempty"`
	// Text says what differs, Generators which global generators stand at different states, and why.
	Text       string   `json:"text"`
	Generators []string `json:"generators,omitempty"`
	// Value is what is saved with another value.
	Value SavedValue `json:"-"`
	// Kept says where what was not brought back is kept: in the checkpoint, in another file, or nowhere.
	Kept string `json:"kept,omitempty"`
	// Rules are the names of the rules that tell of such a difference.
	Rules []string `json:"rules,omitempty"`
}

// SavedValue is a value in a file: under a key, or "" for all of a state dict.
type SavedValue struct{ Key, Path string }

func (d Difference) String() string {
	where := fmt.Sprintf("step %d", d.Step)
	if d.Epoch > 0 {
		where += fmt.Sprintf(", epoch %d", d.Epoch)
	}
	if d.Rank > 0 {
		where += fmt.Sprintf(", rank %d", d.Rank)
	}
	if d.Place != "" {
		where += ", killed " + string(d.Place)
	}
	text := fmt.Sprintf("%s: %s: %s", where, d.Component, d.Text)
	if len(d.Generators) > 0 {
		text += " (" + strings.Join(d.Generators, "; ") + ")"
	}
	if d.Kept != "" {
		text += "; " + d.Kept
	}
	return text
}

// field compares one component of two steps.
type field struct {
	component Component
	of        func(event) string
	// consequence: from the first step with other parameters on, a difference says nothing any more.
	consequence bool
}

// fields are in causal order.
var fields = []field{
	{LearningRate, func(e event) string { return e.Rates }, false},
	{Schedule, func(e event) string { return e.Options }, false},
	{DataOrder, func(e event) string { return digests(e.Indices) }, false},
	{Data, func(e event) string { return digests(e.Batches) }, false},
	{Augmentation, func(e event) string { return digests(e.Inputs) }, false},
	{Scale, func(e event) string { return e.Scale }, true},
	{Operation, func(e event) string { return e.Loss }, true},
	{Operation, func(e event) string { return e.Weights + e.State }, true},
	{Buffers, func(e event) string { return e.Buffers }, true},
}

// differ finds the first step at which each component of a run differs from the steps of another, in causal order. Once an earlier
// cause has changed what is learned, consequences are left out, as is another component of the data behind the first.
func differ(want, got []event) []Difference {
	var out []Difference
	learned := -1 // the first step that leaves other parameters
	for i := range min(len(want), len(got)) {
		a, b := want[i], got[i]
		for _, f := range fields {
			if f.of(a) == f.of(b) || f.consequence && (learned >= 0 || slices.ContainsFunc(out, func(d Difference) bool { return d.Step == a.Step+1 })) {
				continue
			}
			if known(out, f.component) {
				continue
			}
			d := Difference{Step: a.Step + 1, Epoch: a.Epoch, Component: f.component}
			d.Generators = otherGenerators(a, b)
			d.Text = f.say(a, b)
			if f.component == Operation && slices.Contains(d.Generators, "torch") {
				d.Component, d.Text = RandomNumbers, "the model draws different numbers for the same batch and the same weights, in dropout for example"
			}
			if f.component == LearningRate || f.component == Schedule || f.component == Scale {
				d.Generators = nil
			}
			out = append(out, d)
		}
		if learned < 0 && a.Weights != b.Weights {
			learned = i
		}
	}
	return out
}

// known reports whether a component needs no further word: the order of the data implies the data, and these the inputs.
func known(out []Difference, c Component) bool {
	return slices.ContainsFunc(out, func(d Difference) bool {
		switch d.Component {
		case c:
			return true
		case DataOrder:
			return c == Data || c == Augmentation
		case Data:
			return c == DataOrder || c == Augmentation
		case Augmentation:
			return c == DataOrder || c == Data
		case RandomNumbers:
			return c == Operation
		}
		return false
	})
}

func (f field) say(a, b event) string {
	switch f.component {
	case LearningRate:
		return fmt.Sprintf("%s, expected %s", b.rate(), a.rate())
	case Schedule:
		return "momentum, betas or another option of the optimizer differs, at the same learning rate"
	case DataOrder:
		return "the loader takes other samples"
	case Data:
		if len(a.Indices) > 0 {
			return "the same samples, with other values: augmentation or loading differs"
		}
		return "the loader yields other values"
	case Augmentation:
		if len(a.Batches) > 0 {
			return "the same batch reaches the model with other values: what the loop does to it differs"
		}
		return "the model is given other values"
	case Scale:
		return fmt.Sprintf("the gradient scaler stands at %s, expected %s", b.Scale, a.Scale)
	case Buffers:
		return "the model's buffers differ, running statistics for example"
	}
	return "the same batch and weights give another result"
}

// otherGenerators are the names of the global generators that stand at different states behind two steps.
func otherGenerators(a, b event) []string {
	var out []string
	for name, state := range a.Generators {
		if other, ok := b.Generators[name]; ok && other != state {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out
}

// matched are the parameters of two optimizers, paired by their names. One without a name, or with a name that is there several times, is
// paired with one of the same value, else with the one in its place.
func matched(want, got []parameter) (pairs [][2]parameter, only []parameter) {
	byName := func(ps []parameter) map[string][]parameter {
		out := map[string][]parameter{}
		for _, p := range ps {
			out[p.name] = append(out[p.name], p)
		}
		return out
	}
	others := byName(got)
	for name, ps := range byName(want) {
		left := slices.Clone(others[name])
		var rest []parameter
		for _, p := range ps {
			i := slices.Index(left, p)
			if i < 0 {
				i = slices.IndexFunc(left, func(q parameter) bool { return q.value == p.value })
			}
			if i < 0 || len(ps) == 1 {
				rest = append(rest, p)
				continue
			}
			pairs = append(pairs, [2]parameter{p, left[i]})
			left = slices.Delete(left, i, i+1)
		}
		for i, p := range rest {
			if i < len(left) {
				pairs = append(pairs, [2]parameter{p, left[i]})
			} else {
				only = append(only, p)
			}
		}
		only = append(only, left[min(len(rest), len(left)):]...)
		delete(others, name)
	}
	for _, left := range others {
		only = append(only, left...)
	}
	return pairs, only
}

// otherParameters counts the parameters that differ, or only one of two optimizers has, and names the first in the order of the first.
func otherParameters(want, got []parameter, of func(parameter) string) (n int, first string) {
	pairs, only := matched(want, got)
	differ := map[parameter]bool{}
	for _, p := range pairs {
		if of(p[0]) != of(p[1]) {
			n++
			differ[p[0]] = true
		}
	}
	for _, p := range only {
		n++
		differ[p] = true
	}
	for _, p := range slices.Concat(want, got) {
		if differ[p] {
			return n, p.name
		}
	}
	return n, ""
}

func valueOf(p parameter) string { return p.value }
func stateOf(p parameter) string { return p.state }
