package rules

import (
	"fmt"

	"github.com/ckpt-lsp/ckpt-lsp/diagnostics"
	"github.com/ckpt-lsp/ckpt-lsp/internal/training"
)

// CKP707 trainer-model-only
//
// # What it does
//
// Reports `save_only_model=True` in a program whose `trainer.train` is given `resume_from_checkpoint`.
//
// # Why it matters
//
// The checkpoints then hold no optimizer, scheduler or generator state. The resumed run starts all of them from their beginning: moments
// from zero, the schedule from its warm-up.
//
// # Example
//
//	from transformers import Trainer, TrainingArguments
//	from model import net, data
//
//	args = TrainingArguments("out", save_total_limit=2, save_only_model=True)
//	Trainer(model=net, args=args, train_dataset=data).train(resume_from_checkpoint=True)
//
// # Use instead
//
//	from transformers import Trainer, TrainingArguments
//	from model import net, data
//
//	args = TrainingArguments("out", save_total_limit=2)
//	Trainer(model=net, args=args, train_dataset=data).train(resume_from_checkpoint=True)
//
// # Fix safety
//
// The fix writes full checkpoints. It is unsafe: with Adam they are about three times as large.
//
// # What it does not see
//
// Calls of `train` in other files, and arguments that are read from the command line or from a file.
//
// # Related rules
//
// `missing-optimizer-state`, `lightning-weights-only-resume`
//
// # References
//
//   - https://huggingface.co/docs/transformers/main_classes/trainer#transformers.TrainingArguments.save_only_model
var _ = diagnostics.Register(&diagnostics.Rule{
	Code: "CKP707", Name: "trainer-model-only", Summary: "Training resumes from checkpoints without the optimizer",
	Severity: diagnostics.Warning, HasFix: true, Fix: diagnostics.Unsafe, Since: "0.1.0",
	Run: trainerModelOnly,
})

func trainerModelOnly(p *diagnostics.Pass) {
	if p.File.Test() {
		return
	}
	train := p.File.Resuming("train", "resume_from_checkpoint")
	if !train.Valid() {
		return
	}
	for c := range p.File.CallsOf(training.TrainingArguments) {
		if !p.File.On(c, "save_only_model") {
			continue
		}
		p.Report(diagnostics.Diagnostic{
			Place:    training.FirstLine(c),
			Message:  fmt.Sprintf("Only the model is written, and `train` at %s resumes: optimizer, scheduler and generators start over.", lineIn(p.File, train, c)),
			Related:  []diagnostics.Related{at(train, "training resumes here")},
			Remedies: []diagnostics.Remedy{writeFull(c, "save_only_model")},
		})
	}
}
