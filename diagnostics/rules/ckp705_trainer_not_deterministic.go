package rules

import (
	"github.com/ckpt-lsp/ckpt-lsp/diagnostics"
	"github.com/ckpt-lsp/ckpt-lsp/internal/training"
)

// CKP705 trainer-not-deterministic
//
// # What it does
//
// Reports arguments of transformers' Trainer without `full_determinism=True` in a file that speaks of determinism or reproducibility.
//
// # Why it matters
//
// The Trainer seeds Python, numpy and torch. It leaves cuDNN and other CUDA operations free to add numbers in another order from run to
// run, so that two runs with one seed drift apart. `full_determinism=True` asks for deterministic ones; that can be slower: measure.
//
// # Example
//
//	from transformers import Trainer, TrainingArguments
//	from model import net, data
//
//	deterministic = True
//	args = TrainingArguments("out", seed=42, save_total_limit=2)
//	Trainer(model=net, args=args, train_dataset=data).train()
//
// # Use instead
//
//	from transformers import Trainer, TrainingArguments
//	from model import net, data
//
//	deterministic = True
//	args = TrainingArguments("out", seed=42, save_total_limit=2, full_determinism=True)
//	Trainer(model=net, args=args, train_dataset=data).train()
//
// # Fix safety
//
// The fix is unsafe: training can be slower, and operations without a deterministic form raise.
//
// # What it does not see
//
// Arguments that are read from the command line or from a file.
//
// # Related rules
//
// `not-deterministic`
//
// # References
//
//   - https://huggingface.co/docs/transformers/main_classes/trainer#transformers.TrainingArguments.full_determinism
var _ = diagnostics.Register(&diagnostics.Rule{
	Code: "CKP705", Name: "trainer-not-deterministic", Summary: "The Trainer is seeded, and deterministic operations are not asked for",
	Severity: diagnostics.Hint, HasFix: true, Fix: diagnostics.Unsafe, Since: "0.1.0",
	Run: trainerNotDeterministic,
})

func trainerNotDeterministic(p *diagnostics.Pass) {
	if p.File.Test() {
		return
	}
	if !p.File.ClaimsReproducibility() || p.File.AsksForDeterminism() {
		return
	}
	for c := range p.File.CallsOf(training.TrainingArguments) {
		if _, given := p.File.Setting(c, "full_determinism"); given {
			continue
		}
		p.Report(diagnostics.Diagnostic{
			Place:   training.FirstLine(c),
			Message: "The Trainer seeds the generators and leaves CUDA operations nondeterministic: two runs with this seed can differ. Set `full_determinism=True`.",
			Remedies: []diagnostics.Remedy{diagnostics.SetKeyword{
				Title: "Ask for deterministic operations", Call: c, Name: "full_determinism", Value: "True", Reason: "training can be slower, and operations without a deterministic form raise",
			}},
		})
	}
}
