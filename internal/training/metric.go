package training

import (
	"regexp"

	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
	"github.com/ckpt-lsp/ckpt-lsp/internal/pysem"
)

// Metric is a figure by which a model is judged.
type Metric struct {
	Name string
	Node pyast.Node
	// Higher says that more of it is better, as its name tells.
	Higher bool
}

var (
	validationMetric = regexp.MustCompile(`(?i)^(self\.)?(val|valid|validation|test|eval|dev)_?(loss|acc|accuracy|score|metric|err|error|map|iou|miou|f1|auc|psnr|ssim|bleu|wer|cer|ppl|perplexity|top1|acc1)\w*$`)
	plainMetric      = regexp.MustCompile(`(?i)^(self\.)?(loss|acc|accuracy|score|metric|prec1?|top1|acc1|map|miou|f1|auc|psnr)$`)
	validator        = regexp.MustCompile(`(?i)^(validate|validation|evaluate|eval|test|run_eval|run_validation)(_(model|epoch|one_epoch|net|loader|set))?$`)
	lowerIsBetter    = regexp.MustCompile(`(?i)loss|err|wer|cer|ppl|perplexity|mse|mae`)
	selection        = regexp.MustCompile(`(?i)best|early_?stop|top_?k_?(ckpt|checkpoint|model)|patience|save_?top|is_better|improve|lowest|highest|(min|max)_?(val|loss|acc|score)`)
)

// ValidationMetric is a variable that a call fills with a metric on held-out data in each round of the loop, as its name or the
// called function's says.
func (l *Loop) ValidationMetric() (Metric, bool) {
	for i, ev := range l.Run.Events {
		if ev.Kind != pysem.EventAssign || !l.Holds(i) || ev.Ctx.Func != l.Ctx.Func {
			continue
		}
		left, right := ev.Node.Child(pyast.FieldLeft), ev.Node.Child(pyast.FieldRight)
		if right.Kind() != pyast.KindCall {
			continue
		}
		targets := []pyast.Node{left}
		if left.Is(pyast.KindPatternList, pyast.KindTuplePattern) {
			targets = targets[:0]
			for c := range left.Children() {
				targets = append(targets, c)
			}
		}
		for _, t := range targets {
			validates := validator.MatchString(lastPart(right.Child(pyast.FieldFunction).Text())) && plainMetric.MatchString(t.Text())
			if t.Is(pyast.KindIdentifier, pyast.KindAttribute) && (validates || validationMetric.MatchString(t.Text())) {
				return Metric{t.Text(), ev.Node, !lowerIsBetter.MatchString(t.Text())}, true
			}
		}
	}
	return Metric{}, false
}
