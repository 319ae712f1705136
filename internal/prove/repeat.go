package prove

import (
	"fmt"
	"slices"
)

// RepeatAnswer says whether two runs of the script did the same.
type RepeatAnswer struct {
	Proven bool `json:"proven"`
	// Steps is how many steps were compared.
	Steps       int          `json:"steps"`
	Differences []Difference `json:"differences,omitempty"`
}

// compareRepeated holds a second run against the first.
func compareRepeated(a, b *run) *RepeatAnswer {
	answer := &RepeatAnswer{Steps: min(len(a.main().steps), len(b.main().steps))}
	for i := range min(len(a.logs), len(b.logs)) {
		answer.Differences = append(answer.Differences, repeated(a.logs[i], b.logs[i])...)
	}
	if len(a.logs) != len(b.logs) {
		answer.Differences = append(answer.Differences, Difference{Step: 1, Component: Progress, Text: fmt.Sprintf("%d processes trained, then %d", len(a.logs), len(b.logs))})
	}
	answer.Differences = firstOnly(answer.Differences)
	answer.Proven = len(answer.Differences) == 0
	return answer
}

// repeated compares what one rank did in two runs.
func repeated(a, b *runLog) []Difference {
	var out []Difference
	for i, first := range firsts(a.begins) {
		others := firsts(b.begins)
		if i >= len(others) {
			break
		}
		if n, name := otherParameters(first.Parameters, others[i].Parameters, valueOf); n > 0 {
			generators := []string{}
			if len(a.steps) > 0 && len(b.steps) > 0 {
				generators = otherGenerators(a.steps[0], b.steps[0])
			}
			out = append(out, Difference{Step: 1, Component: Parameters, Generators: generators,
				Text: fmt.Sprintf("the model begins with other weights: %s", counted(n, len(first.Parameters), name))})
			break
		}
	}
	out = append(out, differ(a.steps, b.steps)...)
	if len(a.steps) != len(b.steps) {
		out = append(out, Difference{Step: min(len(a.steps), len(b.steps)) + 1, Component: Progress, Text: fmt.Sprintf("%d steps were taken, then %d", len(a.steps), len(b.steps))})
	}
	for i := range out {
		out[i].Rank = a.rank
		out[i].Generators = a.whyDiffer(b, out[i].Generators)
		out[i].Rules = repeatRules(out[i], a)
	}
	return out
}

// firstOnly keeps the differences of the earliest step: in two runs that should be one, what comes later follows.
func firstOnly(ds []Difference) []Difference {
	if len(ds) == 0 {
		return nil
	}
	first := slices.MinFunc(ds, func(a, b Difference) int { return a.Step - b.Step })
	return slices.DeleteFunc(ds, func(d Difference) bool { return d.Step != first.Step || d.Rank != first.Rank })
}

// whyDiffer adds to the names of generators that differ between runs what the runs did with them, and names unseeded generators of
// the script's own. A generator that was never drawn from explains nothing.
func (l *runLog) whyDiffer(other *runLog, generators []string) []string {
	var out []string
	for _, g := range generators {
		seed, seeded := l.last("seed", g)
		again, _ := other.last("seed", g)
		draw, drawn := l.last("draw", g)
		switch {
		case seeded && seed.Value != again.Value:
			out = append(out, fmt.Sprintf("%s is seeded with %s, then with %s%s", g, or(seed.Value, "one value"), or(again.Value, "another"), at(seed.At)))
		case seeded:
			out = append(out, fmt.Sprintf("%s is seeded%s, and was drawn from differently", g, at(seed.At)))
		case drawn:
			out = append(out, fmt.Sprintf("%s is never seeded, and drawn from%s", g, at(draw.At)))
		case g == "torch":
			out = append(out, "torch is never seeded")
		}
	}
	for _, e := range l.events {
		if e.Kind == "unseeded" {
			out = append(out, fmt.Sprintf("%s is made without a seed%s", e.Generator, at(e.At)))
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// last is the last event of a kind for a generator.
func (l *runLog) last(kind, generator string) (event, bool) {
	for _, e := range slices.Backward(l.events) {
		if e.Kind == kind && e.Generator == generator {
			return e, true
		}
	}
	return event{}, false
}

func at(place string) string {
	if place == "" {
		return ""
	}
	return " at " + place
}

func or(text, other string) string {
	if text == "" {
		return other
	}
	return text
}

// counted says how many of some parameters differ.
func counted(n, of int, name string) string {
	if n == of {
		return fmt.Sprintf("all %d parameters differ", of)
	}
	if name != "" {
		return fmt.Sprintf("%d of %d parameters differ, the first is %s", n, of, name)
	}
	return fmt.Sprintf("%d of %d parameters differ", n, of)
}
