package proof

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// design is a point in the family of generated programs: what trains, how, and what the program forgets when it resumes.
type design struct {
	// model is mlp (with dropout), cnn (with batch normalization), lstm, or pair (an encoder and a head, trained together).
	model string
	// optimizer is sgd, adam, adamw or rmsprop, scheduler a class of torch.optim.lr_scheduler or "".
	optimizer, scheduler string
	// random is what is drawn from besides initial weights, dropout and the order of the data: torch, numpy or random to augment
	// batches in the main process, generator for a loader with a generator of its own, workers to augment in loader workers.
	random string
	// style is how the program is written: script, main (all in a function), class, helper (save and load in functions), or module
	// (these in a second file).
	style string
	// with are amp (bfloat16 on the CPU, where not every build has an LSTM), scaler (of its gradients), ema, best (a file for the best metric), stop (early stopping) and
	// second (a checkpoint every second epoch).
	with []string
	// ranks is how many gloo processes train, 0 for no group.
	ranks int
	// flaw is a key of flaws, or several with " + " between them.
	flaw string
}

// flaws are what the program gets wrong.
func (d design) flaws() []string { return strings.Split(d.flaw, " + ") }

// flaw is what a program gets wrong, the rules whose fixes repair it, and what prove says of it.
type flaw struct {
	rules []string
	// says is a regular expression.
	says string
	// torch is the least version for which the fix is proven.
	torch string
	// repeats is set where a second run is to give the same numbers, rather than a resumed one.
	repeats bool
}

// flaws are those of the generated programs. What a missing state shows as depends on the program, so some expressions name several
// components.
var flaws = map[string]flaw{
	"no optimizer":        {rules: []string{"missing-optimizer-state"}, says: "optimizer state: "},
	"no scheduler":        {rules: []string{"missing-scheduler-state"}, says: "learning rate: |optimizer options: "},
	"no generators":       {rules: []string{"missing-rng-state"}, says: "data order: |data: |model inputs: |random numbers: "},
	"no loader":           {rules: []string{"missing-loader-state"}, says: "data order: "},
	"no scaler":           {rules: []string{"missing-scaler-state"}, says: "gradient scale: ", torch: "2.4"},
	"no epoch":            {rules: []string{"missing-progress"}, says: "training starts over"},
	"no best":             {rules: []string{"missing-best-metric"}, says: "best.pt is written where the uninterrupted run does not"},
	"no average":          {rules: []string{"missing-ema-state"}, says: "saved values: .*average.pt"},
	"no patience":         {rules: []string{"missing-early-stop-state"}, says: "progress: "},
	"no head":             {rules: []string{"missing-model-state"}, says: "parameters: "},
	"before the step":     {rules: []string{"saved-before-scheduler-step"}, says: "the schedule is one epoch behind for good"},
	"same epoch":          {rules: []string{"resume-off-by-one"}, says: "progress: one epoch of \\d+ steps is repeated"},
	"next epoch":          {rules: []string{"resume-skips-epoch"}, says: "progress: one epoch of \\d+ steps is left out"},
	"epoch not used":      {rules: []string{"resume-ignores-progress"}, says: "training starts over"},
	"optimizer unread":    {rules: []string{"state-not-restored"}, says: "optimizer state: "},
	"scheduler unread":    {rules: []string{"state-not-restored"}, says: "learning rate: |optimizer options: "},
	"average unread":      {rules: []string{"state-not-restored"}, says: "saved values: "},
	"generators unread":   {rules: []string{"rng-not-restored"}, says: "data order: |data: |model inputs: |random numbers: "},
	"best unread":         {rules: []string{"best-reset-on-resume"}, says: "best.pt is written where the uninterrupted run does not"},
	"seeded again":        {rules: []string{"reseed-after-restore"}, says: "data order: |data: |model inputs: |random numbers: "},
	"optimizer and rates": {rules: []string{"missing-optimizer-state", "missing-scheduler-state"}, says: "(?s)optimizer state: .*learning rate: "},
	"loader unread":       {rules: []string{"rng-not-restored"}, says: "data order: |data: "},
	// Before 2.4 weights_only=True refuses full checkpoints whatever is in them.
	"raw numpy state":   {rules: []string{"unloadable-payload"}, says: "weights_only=True refuses|Weights only load failed", torch: "2.4"},
	"numpy metric":      {rules: []string{"unloadable-payload"}, says: "weights_only=True refuses|Weights only load failed", torch: "2.4"},
	"arguments saved":   {rules: []string{"unloadable-payload"}, says: "weights_only=True refuses|Weights only load failed", torch: "2.4"},
	"version saved":     {rules: []string{"unloadable-payload"}, says: "weights_only=True refuses|Weights only load failed", torch: "2.4"},
	"no seed":           {rules: []string{"no-seed"}, says: "initial weights: |parameters: |data", repeats: true},
	"torch seeded only": {rules: []string{"partial-seed"}, says: "model inputs: |data|random numbers", repeats: true},
	"seeded late":       {rules: []string{"seed-after-use"}, says: "initial weights: |parameters: ", repeats: true},
	"only the model":    {rules: []string{"missing-optimizer-state", "missing-scheduler-state", "missing-rng-state"}, says: "(?s)optimizer state: "},
}

// designs cover each value of each axis several times, and each flaw in several styles. They are no full product, which would take days.
var designs = []design{
	{"mlp", "sgd", "StepLR", "torch", "script", nil, 0, "no optimizer"},
	{"cnn", "adam", "CosineAnnealingLR", "numpy", "main", nil, 0, "no optimizer"},
	{"lstm", "adamw", "", "random", "class", nil, 0, "no optimizer"},
	{"mlp", "rmsprop", "ExponentialLR", "generator", "main", []string{"amp"}, 0, "no optimizer"},
	{"cnn", "sgd", "MultiStepLR", "torch", "class", []string{"best"}, 0, "no optimizer"},
	{"lstm", "adam", "LambdaLR", "workers", "script", nil, 0, "no optimizer"},

	{"mlp", "sgd", "StepLR", "numpy", "main", nil, 0, "no scheduler"},
	{"cnn", "adamw", "MultiStepLR", "torch", "script", nil, 0, "no scheduler"},
	{"lstm", "sgd", "CosineAnnealingLR", "torch", "class", []string{"ema"}, 0, "no scheduler"},
	{"mlp", "adam", "OneCycleLR", "random", "main", nil, 0, "no scheduler"},
	{"cnn", "rmsprop", "LambdaLR", "generator", "script", nil, 0, "no scheduler"},
	{"mlp", "adamw", "CosineAnnealingWarmRestarts", "torch", "class", []string{"amp"}, 0, "no scheduler"},
	{"lstm", "sgd", "SequentialLR", "workers", "main", nil, 0, "no scheduler"},
	{"mlp", "sgd", "ReduceLROnPlateau", "torch", "script", nil, 0, "no scheduler"},

	{"mlp", "sgd", "", "torch", "script", nil, 0, "no generators"},
	{"mlp", "adam", "StepLR", "numpy", "main", nil, 0, "no generators"},
	{"lstm", "adamw", "CosineAnnealingLR", "random", "script", nil, 0, "no generators"},
	{"cnn", "sgd", "MultiStepLR", "generator", "main", nil, 0, "no generators"},
	{"cnn", "rmsprop", "", "workers", "script", []string{"best"}, 0, "no generators"},
	{"mlp", "sgd", "OneCycleLR", "torch", "class", []string{"amp"}, 0, "no generators"},
	{"lstm", "adam", "SequentialLR", "numpy", "class", []string{"ema"}, 0, "no generators"},

	{"mlp", "sgd", "StepLR", "generator", "script", nil, 0, "no loader"},
	{"lstm", "adam", "", "generator", "class", nil, 0, "no loader"},

	{"mlp", "sgd", "StepLR", "torch", "script", []string{"amp", "scaler"}, 0, "no scaler"},
	{"cnn", "adam", "", "numpy", "main", []string{"amp", "scaler"}, 0, "no scaler"},

	{"mlp", "sgd", "StepLR", "torch", "main", nil, 0, "no epoch"},
	{"cnn", "adam", "", "numpy", "script", nil, 0, "no epoch"},
	{"lstm", "rmsprop", "ExponentialLR", "torch", "script", nil, 0, "no epoch"},

	{"mlp", "adam", "StepLR", "torch", "script", []string{"best"}, 0, "no best"},
	{"cnn", "sgd", "", "torch", "main", []string{"best", "amp"}, 0, "no best"},
	{"mlp", "adamw", "CosineAnnealingLR", "random", "class", []string{"best"}, 0, "no best"},

	{"mlp", "sgd", "", "torch", "script", []string{"ema"}, 0, "no average"},
	{"cnn", "adamw", "StepLR", "numpy", "main", []string{"ema"}, 0, "no average"},
	{"cnn", "adam", "", "generator", "class", []string{"ema", "amp"}, 0, "no average"},

	{"mlp", "sgd", "", "torch", "script", []string{"best", "stop"}, 0, "no patience"},
	{"cnn", "adam", "StepLR", "torch", "main", []string{"best", "stop"}, 0, "no patience"},

	{"pair", "sgd", "", "torch", "script", nil, 0, "no head"},
	{"pair", "adam", "StepLR", "torch", "main", nil, 0, "no head"},

	{"mlp", "sgd", "StepLR", "torch", "script", nil, 0, "before the step"},
	{"cnn", "adam", "CosineAnnealingLR", "numpy", "main", nil, 0, "before the step"},
	{"lstm", "adamw", "ExponentialLR", "torch", "script", nil, 0, "before the step"},
	{"mlp", "rmsprop", "LambdaLR", "generator", "main", []string{"amp"}, 0, "before the step"},

	{"mlp", "sgd", "StepLR", "torch", "script", nil, 0, "same epoch"},
	{"cnn", "adamw", "", "random", "main", nil, 0, "same epoch"},
	{"lstm", "adam", "CosineAnnealingLR", "workers", "class", nil, 0, "same epoch"},
	{"mlp", "sgd", "", "torch", "helper", nil, 0, "same epoch"},

	{"mlp", "sgd", "", "torch", "script", nil, 0, "next epoch"},
	{"cnn", "adam", "StepLR", "numpy", "main", nil, 0, "next epoch"},

	{"mlp", "sgd", "", "torch", "main", nil, 0, "epoch not used"},
	{"lstm", "adam", "ExponentialLR", "random", "script", nil, 0, "epoch not used"},

	{"mlp", "sgd", "", "torch", "main", nil, 0, "optimizer unread"},
	{"cnn", "adam", "StepLR", "numpy", "class", nil, 0, "optimizer unread"},
	{"lstm", "adamw", "CosineAnnealingLR", "torch", "helper", nil, 0, "optimizer unread"},
	{"mlp", "rmsprop", "", "random", "module", nil, 0, "optimizer unread"},

	{"mlp", "sgd", "MultiStepLR", "torch", "script", nil, 0, "scheduler unread"},
	{"cnn", "adam", "OneCycleLR", "torch", "class", nil, 0, "scheduler unread"},
	{"lstm", "sgd", "StepLR", "generator", "helper", nil, 0, "scheduler unread"},
	{"mlp", "adamw", "CosineAnnealingWarmRestarts", "torch", "module", nil, 0, "scheduler unread"},

	{"mlp", "adam", "", "torch", "main", []string{"ema"}, 0, "average unread"},
	{"mlp", "sgd", "", "torch", "script", nil, 0, "generators unread"},
	{"cnn", "adam", "StepLR", "random", "main", nil, 0, "generators unread"},
	{"mlp", "sgd", "StepLR", "torch", "script", []string{"best"}, 0, "best unread"},
	{"mlp", "adam", "", "torch", "class", []string{"best"}, 0, "best unread"},
	{"mlp", "sgd", "", "torch", "script", nil, 0, "seeded again"},
	{"cnn", "adam", "StepLR", "numpy", "main", nil, 0, "seeded again"},

	{"cnn", "sgd", "StepLR", "torch", "main", []string{"best", "ema"}, 0, "optimizer and rates"},
	{"lstm", "adam", "MultiStepLR", "random", "class", nil, 0, "optimizer and rates"},
	{"mlp", "sgd", "CosineAnnealingLR", "numpy", "script", nil, 0, "only the model"},
	{"cnn", "adamw", "StepLR", "torch", "main", []string{"amp"}, 0, "only the model"},

	{"mlp", "sgd", "StepLR", "", "main", nil, 2, "no optimizer"},
	{"mlp", "adam", "CosineAnnealingLR", "", "class", nil, 2, "no scheduler"},
	{"mlp", "adamw", "StepLR", "", "main", nil, 4, "no optimizer"},
	{"mlp", "sgd", "MultiStepLR", "", "main", nil, 4, "no scheduler"},
	{"mlp", "sgd", "StepLR", "", "main", nil, 2, "same epoch"},
}

// Matrix makes the generated programs.
func Matrix() []*Program {
	var out []*Program
	for i, d := range slices.Concat(designs, moreDesigns) {
		var f flaw
		var says []string
		for _, name := range d.flaws() {
			one := flaws[name]
			f.rules, f.repeats = append(f.rules, one.rules...), f.repeats || one.repeats
			f.torch = cmp.Or(f.torch, one.torch)
			says = append(says, one.says)
		}
		f.says = strings.Join(says, "|")
		checkpoint := "3"
		if d.ranks == 0 && slices.Contains(d.with, "second") {
			checkpoint = "1" // of three
		}
		p := &Program{
			Name:   strings.ReplaceAll(strings.Join(slices.DeleteFunc(append([]string{strings.ReplaceAll(d.flaw, " + ", "+"), d.model, d.optimizer, d.scheduler, d.random, d.style}, d.with...), func(s string) bool { return s == "" }), "_"), " ", "-"),
			Claim:  "", // its name says it
			Fix:    f.rules,
			Script: []string{"train.py"},
			Ranks:  d.ranks,
			Torch:  f.torch,
			Files:  newWriter(d, i).files(),
		}
		if f.repeats {
			p.Repeat = &Property{Flawed: f.says}
		} else {
			p.Resume = &Property{Args: []string{"--resume-args", "--resume last.pt", "--checkpoint", checkpoint}, Flawed: f.says}
		}
		if d.ranks > 0 {
			p.Name += fmt.Sprintf("_ranks%d", d.ranks)
		}
		out = append(out, p)
	}
	return out
}
