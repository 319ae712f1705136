package proof

import (
	"slices"
	"testing"

	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
)

// TestMatrix holds the generated programs to be many, different, and Python, and each axis to be covered.
func TestMatrix(t *testing.T) {
	all := Matrix()
	if len(all) < 60 {
		t.Errorf("%d programs, want at least 60", len(all))
	}
	seen := map[string]bool{}
	for _, p := range all {
		if seen[p.Name] {
			t.Errorf("%s is there twice", p.Name)
		}
		seen[p.Name] = true
		for name, source := range p.Files {
			if tree, err := pyast.Parse([]byte(source)); err != nil || tree.HasErrors() {
				t.Errorf("%s: %s is not Python: %v\n%s", p.Name, name, err, source)
			}
		}
	}
	used := map[string]int{}
	for _, d := range slices.Concat(designs, moreDesigns) {
		for _, value := range append([]string{d.model, d.optimizer, d.scheduler, d.random, d.style, map[int]string{2: "2 ranks", 4: "4 ranks"}[d.ranks]}, d.with...) {
			used[value]++
		}
	}
	for _, value := range []string{
		"mlp", "cnn", "lstm", "pair", "sgd", "adam", "adamw", "rmsprop", "StepLR", "MultiStepLR", "ExponentialLR", "CosineAnnealingLR", "OneCycleLR", "LambdaLR",
		"CosineAnnealingWarmRestarts", "SequentialLR", "ReduceLROnPlateau", "torch", "numpy", "random", "generator", "workers", "script", "main", "class", "helper", "module", "amp", "scaler", "ema", "best", "stop", "second", "2 ranks", "4 ranks",
	} {
		if used[value] < 3 {
			t.Errorf("%s is in %d programs, want several", value, used[value])
		}
	}
	for flaw := range flaws {
		if !slices.ContainsFunc(slices.Concat(designs, moreDesigns), func(d design) bool { return slices.Contains(d.flaws(), flaw) }) {
			t.Errorf("no program has the flaw %q", flaw)
		}
	}
}
