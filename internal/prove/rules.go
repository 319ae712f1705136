package prove

import (
	"regexp"
	"slices"
	"strings"
)

// causes are the rules that tell, without running anything, of what can lie behind a difference after a resume.
var causes = map[Component][]string{
	Loading:       {"unloadable-payload", "whole-object-save", "key-mismatch", "wrapper-prefix", "compile-prefix", "rng-moved-by-map-location", "missing-map-location"},
	Progress:      {"resume-off-by-one", "resume-skips-epoch", "resume-ignores-progress", "missing-progress", "missing-early-stop-state", "swallowed-restore-error"},
	Parameters:    {"missing-model-state", "strict-false-unlogged", "swallowed-version-mismatch", "restored-then-rebuilt", "state-not-restored", "resume-from-best"},
	Optimizer:     {"missing-optimizer-state", "state-not-restored", "restored-then-rebuilt", "swallowed-restore-error"},
	LearningRate:  {"missing-scheduler-state", "saved-before-scheduler-step", "state-not-restored", "restored-then-rebuilt", "missing-optimizer-state", "resume-off-by-one"},
	Schedule:      {"missing-scheduler-state", "saved-before-scheduler-step", "state-not-restored"},
	DataOrder:     {"missing-rng-state", "rng-not-restored", "reseed-after-restore", "missing-set-epoch", "midepoch-reshuffle", "missing-loader-state", "resume-off-by-one"},
	Data:          {"missing-rng-state", "rng-not-restored", "reseed-after-restore", "unseeded-workers", "shared-rng-all-ranks"},
	Augmentation:  {"missing-rng-state", "rng-not-restored", "reseed-after-restore", "shared-rng-all-ranks"},
	RandomNumbers: {"missing-rng-state", "rng-not-restored", "reseed-after-restore", "shared-rng-all-ranks"},
	Scale:         {"missing-scaler-state", "state-not-restored"},
	Buffers:       {"missing-model-state", "strict-false-unlogged"},
}

// nameCauses are the rules that tell of what people call a value or a file: where nothing keeps it, and where it is not restored.
var nameCauses = []struct {
	name                *regexp.Regexp
	missing, unrestored []string
}{
	{regexp.MustCompile(`(?i)ema|average|shadow|swa`), []string{"missing-ema-state"}, []string{"state-not-restored"}},
	{regexp.MustCompile(`(?i)best|min_|max_`), []string{"missing-best-metric", "best-reset-on-resume"}, []string{"best-reset-on-resume", "missing-best-metric"}},
	{regexp.MustCompile(`(?i)patience|bad|wait|stale|counter`), []string{"missing-early-stop-state"}, []string{"missing-early-stop-state"}},
	{regexp.MustCompile(`(?i)rng|random|generator`), []string{"missing-rng-state"}, []string{"rng-not-restored", "reseed-after-restore"}},
	{regexp.MustCompile(`(?i)epoch|step|iter`), []string{"missing-progress", "resume-off-by-one"}, []string{"resume-ignores-progress", "resume-off-by-one"}},
	{regexp.MustCompile(`(?i)sched`), []string{"missing-scheduler-state"}, []string{"state-not-restored", "saved-before-scheduler-step"}},
	{regexp.MustCompile(`(?i)opt`), []string{"missing-optimizer-state"}, []string{"state-not-restored"}},
	{regexp.MustCompile(`(?i)scale`), []string{"missing-scaler-state"}, []string{"state-not-restored"}},
}

// nameRules are the rules that tell of a value that is saved, by its name and that of its file.
func nameRules(text string, w where) []string {
	for _, c := range nameCauses {
		switch {
		case !c.name.MatchString(text):
		case w == present:
			return c.unrestored
		default:
			return slices.Concat(c.missing, c.unrestored)
		}
	}
	return nil
}

// repeatRules are the rules that tell of what can lie behind a difference between two runs.
func repeatRules(d Difference, l *runLog) []string {
	says := strings.Join(d.Generators, "\n")
	var out []string
	add := func(rules ...string) {
		for _, r := range rules {
			if !slices.Contains(out, r) {
				out = append(out, r)
			}
		}
	}
	_, anySeed := l.last("seed", "torch")
	switch {
	case strings.Contains(says, "is seeded with"):
		add("clock-seed")
	case strings.Contains(says, "never seeded") && anySeed:
		add("partial-seed")
	case strings.Contains(says, "never seeded"):
		add("no-seed", "partial-seed")
	}
	if strings.Contains(says, "without a seed") {
		add("unseeded-workers", "partial-seed")
	}
	switch d.Component {
	case Parameters:
		add("seed-after-use", "no-seed")
	case DataOrder, Data:
		add("unsorted-listing", "set-order", "unseeded-split", "seed-after-use", "unseeded-workers", "partial-seed", "no-seed")
	case Augmentation:
		add("partial-seed")
	case Operation:
		add("not-deterministic", "nondeterministic-cudnn", "nondeterministic-op")
	}
	return out
}

// manyKept is how many checkpoints a run may leave before there is a word about it.
const manyKept = 10

// killRules are the rules that tell of what kills have shown. An old PyTorch refuses full checkpoints, whatever is in them.
func killRules(a *KillAnswer, old bool) []string {
	var out []string
	if len(a.Lost) > 0 {
		out = append(out, "non-atomic-save", "unsafe-rotation")
	}
	if len(a.Removed) > 0 {
		out = append(out, "lexicographic-latest", "unsafe-rotation")
	}
	if len(a.Shared) > 0 {
		out = append(out, "all-ranks-save", "local-rank-guard")
	}
	if len(a.Kept) > manyKept {
		out = append(out, "unbounded-checkpoints", "save-every-step")
	}
	if a.Refused != "" && !old {
		out = append(out, "unloadable-payload", "whole-object-save")
	}
	return out
}
