package rules

import (
	"github.com/ckpt-lsp/ckpt-lsp/diagnostics"
	"github.com/ckpt-lsp/ckpt-lsp/internal/training"
)

// CKP706 trainer-unbounded
//
// # What it does
//
// Reports arguments of transformers' Trainer that save, in a file that trains and never names `save_total_limit`.
//
// # Why it matters
//
// By default the Trainer writes a full checkpoint every 500 steps and removes none: with Adam each is about three times the model.
//
// # Example
//
//	from transformers import Trainer, TrainingArguments
//	from model import net, data
//
//	args = TrainingArguments("out", num_train_epochs=10)
//	Trainer(model=net, args=args, train_dataset=data).train()
//
// # Use instead
//
//	from transformers import Trainer, TrainingArguments
//	from model import net, data
//
//	args = TrainingArguments("out", num_train_epochs=10, save_total_limit=3)
//	Trainer(model=net, args=args, train_dataset=data).train()
//
// # Fix safety
//
// The fix keeps three checkpoints. It is unsafe: older ones are removed, those of earlier runs in the directory too. Some versions
// of transformers (4.40 and 4.46) go by the step in the name instead of the time: where the directory holds the checkpoints of a
// longer run, they remove those that the new run has just written. Give such a run a directory of its own.
//
// # What it does not see
//
// Arguments that are read from the command line or from a file, and runs whose `max_steps` is not known or ends them before a second save.
//
// # Related rules
//
// `unbounded-checkpoints`
//
// # References
//
//   - https://huggingface.co/docs/transformers/main_classes/trainer#transformers.TrainingArguments.save_total_limit
var _ = diagnostics.Register(&diagnostics.Rule{
	Code: "CKP706", Name: "trainer-unbounded", Summary: "The Trainer keeps every checkpoint",
	Severity: diagnostics.Hint, HasFix: true, Fix: diagnostics.Unsafe, Since: "0.1.0",
	Run: trainerUnbounded,
})

func trainerUnbounded(p *diagnostics.Pass) {
	if p.File.Test() {
		return
	}
	if !p.File.TrainsBy("train") {
		return
	}
	for c := range p.File.CallsOf(training.TrainingArguments) {
		if p.File.Bounded(c) {
			continue
		}
		p.Report(diagnostics.Diagnostic{
			Place:   training.FirstLine(c),
			Message: "No `save_total_limit` is set: the Trainer keeps every checkpoint that it writes.",
			Remedies: []diagnostics.Remedy{diagnostics.SetKeyword{
				Title: "Keep the newest three", Call: c, Name: "save_total_limit", Value: "3", Reason: "older checkpoints are removed",
			}},
		})
	}
}
