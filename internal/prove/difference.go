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
	// Text says what differs, Generators which global generators stand at different states, and why.
	Text       string   `json:"text"`
	Generators []string `json:"generators,omitempty"`
	// Rules are the names of the rules that tell of such a difference.
	Rules []string `json:"rules,omitempty"`
}

func (d Difference) String() string {
	where := fmt.Sprintf("step %d", d.Step)
	if d.Epoch > 0 {
		where += fmt.Sprintf(", epoch %d", d.Epoch)
	}
	if d.Rank > 0 {
		where += fmt.Sprintf(", rank %d", d.Rank)
	}
	text := fmt.Sprintf("%s: %s: %s", where, d.Component, d.Text)
	if len(d.Generators) > 0 {
		text += " (" + strings.Join(d.Generators, "; ") + ")"
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
	{LearningRate, func(e event) string { return strings.Join(e.LR, " ") }, false},
	{Schedule, func(e event) string { return e.Options }, false},
	{DataOrder, func(e event) string { return e.Indices }, false},
	{Data, func(e event) string { return e.Batch }, false},
	{Augmentation, func(e event) string { return e.Inputs }, false},
	{Scale, func(e event) string { return e.Scale }, true},
	{Operation, func(e event) string { return e.Loss }, true},
	{Operation, func(e event) string { return strings.Join(e.Groups, " ") + e.State }, true},
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
		if learned < 0 && strings.Join(a.Groups, " ") != strings.Join(b.Groups, " ") {
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
		if a.Indices != "" {
			return "the same samples, with other values: augmentation or loading differs"
		}
		return "the loader yields other values"
	case Augmentation:
		if a.Batch != "" {
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

// otherParameters compares parameters by position: how many differ, and the name of the first.
func otherParameters(want, got [][2]string) (n int, first string) {
	for i := range want {
		if i >= len(got) || want[i][1] != got[i][1] {
			if n++; n == 1 {
				first = want[i][0]
			}
		}
	}
	return n + max(0, len(got)-len(want)), first
}
