package rules

import (
	"fmt"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/ckpt-lsp/ckpt-lsp/diagnostics"
	"github.com/ckpt-lsp/ckpt-lsp/internal/torch"
	"github.com/ckpt-lsp/ckpt-lsp/internal/training"
)

// fewFiles is the number of checkpoints up to which a run may as well keep them all.
const fewFiles = 10

// manyFiles is the number from which they weigh on any disk, whatever the model.
const manyFiles = 100

// rareSteps is the number of steps from one checkpoint to the next from which a training of unknown length writes few.
const rareSteps = 10_000

// CKP601 unbounded-checkpoints
//
// # What it does
//
// Reports checkpoints whose name changes with the epoch or step, in a file that never removes old ones, when the run writes ten
// or more, or, where nothing says how long it trains, one in each epoch, every so many steps or, with the optimizer's state, at each new best.
//
// How often a checkpoint is written is read from the tests around it: periods and flags by the defaults of the options (argparse, click,
// typer, dataclass fields, parameters, yacs and the like), phases of an epoch, tests of the rank, for None and for NaN, ways out of the loop.
//
// # Why it matters
//
// Every file stays on the disk. With the state of Adam a full checkpoint is about three times the model, with SGD and momentum
// about twice. A full disk ends the run in the middle of a save.
//
// What to weigh: saving every N epochs costs a crash up to N epochs of training. While the metric improves from epoch to epoch, save
// at each improvement, and at a fixed interval later. A copy elsewhere, in object storage, is made after the file has its final name,
// and counts once a checksum of both is the same. Compression does little: gzip takes 7 % off the float32 weights of a trained model, and
// `_use_new_zipfile_serialization` compresses nothing; float16 halves a best model that is only used.
//
// # Example
//
//	import torch
//	from model import Net, loader
//
//	model = Net()
//	optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
//	for epoch in range(200):
//	    for x, y in loader:
//	        optimizer.zero_grad()
//	        model(x).loss(y).backward()
//	        optimizer.step()
//	    torch.save(model.state_dict(), f"model_{epoch:03d}.pt")
//
// # Use instead
//
//	import os
//	import torch
//	from model import Net, loader
//
//	model = Net()
//	optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
//	for epoch in range(200):
//	    for x, y in loader:
//	        optimizer.zero_grad()
//	        model(x).loss(y).backward()
//	        optimizer.step()
//	    torch.save(model.state_dict(), f"model_{epoch:03d}.pt")
//	    if epoch >= 3:
//	        os.remove(f"model_{epoch - 3:03d}.pt")
//
// # Fix safety
//
// The fix is unsafe: it deletes checkpoints after each save, by number, never one that is newer than the one just written, and none with
// "best" in the number's place. Where the training measures itself in each epoch, and nothing keeps the best yet, the fix writes the best
// model to a file of its own, has the checkpoint hold the best metric, and leaves one checkpoint in ten, or fewer, beside the last three.
// Elsewhere the last three stay.
//
// # What it does not see
//
// Clean-up by another program or file. Below 100 files the severity is information. It is silent where the program deletes anything that may lie where the checkpoint does, or
// hands its place to an unresolved function that rotates files by its name. Left alone are saves under a test of which nothing is known,
// those that an option has to be given for (a flag or period that is off by default), those every 10,000 steps or fewer, and those of every
// few epochs where neither number is known.
//
// # Related rules
//
// `no-best-checkpoint`, `unsafe-rotation`, `save-every-step`, `trainer-unbounded`
//
// # References
//
//   - https://ckpt-lsp.github.io/ckpt-lsp/disk-space/
//   - https://docs.pytorch.org/tutorials/beginner/saving_loading_models.html
var _ = diagnostics.Register(&diagnostics.Rule{
	Code: "CKP601", Name: "unbounded-checkpoints", Summary: "Checkpoints pile up, and nothing removes the old ones",
	Severity: diagnostics.Information, Fix: diagnostics.Unsafe, HasFix: true, Since: "0.1.0",
	Also: []diagnostics.Severity{diagnostics.Warning},
	Run:  unboundedCheckpoints,
})

func unboundedCheckpoints(p *diagnostics.Pass) {
	if p.File.Test() {
		return
	}
	places := once{}
	var told []*training.SaveSite
	for _, s := range append(p.File.Saves(), p.File.JointSaves()...) {
		if s.Foreign || s.Loop == nil || len(s.Path.Progress) == 0 || s.Path.Buffer || !holdsModel(s) {
			continue
		}
		pile, severity := pilesUp(s)
		instead := func(o *training.SaveSite) bool { // the other side of a test
			return o.Run == s.Run && training.Exclusive(o.Frame, s.Frame) && (training.SamePath(o.Path, s.Path) || !o.Path.Known && !s.Path.Known)
		}
		if pile.how == "" || s.Removed() || slices.ContainsFunc(told, instead) || !places.first(s.Site()) {
			continue
		}
		told = append(told, s)
		place := training.FirstLine(s.Site())
		if s.Ctx.Func != s.Loop.Ctx.Func && s.Named() {
			place = s.Anchor() // a helper writes what the loop names
		}
		d := diagnostics.Diagnostic{
			Place: place, Severity: severity,
			Message: fmt.Sprintf("%s is written %s and nothing in this file removes old ones. %s%s.", shownOr(s.Path, "A checkpoint of a new name"), pile.how, pile.count,
				size(s)),
			Detail: pile.choices(s),
		}
		if !s.Collective { // which may be a folder
			d.Remedies = []diagnostics.Remedy{pile.keepSome(p.File, s)}
		}
		p.Report(d)
	}
}

// pile is how checkpoints pile up.
type pile struct {
	// how often a save writes a file of a new name, "" where that makes few, or nothing is known; and how many that makes, in words.
	how, count string
	// files is their number, 0 where it is not known; every is from which epoch to which one is written, 0 where it is not epochs.
	files, every int64
}

func pilesUp(s *training.SaveSite) (pile, diagnostics.Severity) {
	loop, unit := s.Counted(), "step"
	if loop.Epoch() {
		unit = "epoch"
	}
	period := s.Period(loop)
	rounds, known := loop.RoundsByDefault()
	few := known && rounds/period.Every < fewFiles
	switch {
	case few:
	case period.Rhythm == training.Improving && !s.Training():
		// weights of each new best may be kept as results
	case period.Rhythm == training.Improving:
		return pile{how: "at each new best", count: "Each time adds a file"}, diagnostics.Information
	case period.Rhythm == training.Spaced && unit == "step":
		return pile{how: fmt.Sprintf("every `%s` steps", period.Option), count: "Each time adds a file"}, diagnostics.Information
	case period.Rhythm != training.Regular:
	case known:
		out := pile{how: every(period.Every, unit), files: rounds / period.Every}
		out.count = fmt.Sprintf("%d %ss make %d files", rounds, unit, out.files)
		if unit == "epoch" {
			out.every = period.Every
		}
		if _, certain := loop.Rounds(); certain && out.files >= manyFiles {
			return out, diagnostics.Warning
		}
		return out, diagnostics.Information
	case unit == "epoch" && period.Every == 1:
		return pile{how: every(1, unit), count: "Each epoch adds a file", every: 1}, diagnostics.Information
	case unit == "step" && period.Every > 1 && period.Every < rareSteps:
		return pile{how: every(period.Every, unit), count: "Each time adds a file"}, diagnostics.Information
	}
	return pile{}, diagnostics.Off
}

// nth is of how many files one stays that is neither among the last nor the best.
func (p pile) nth() int64 {
	n := int64(10)
	for _, factor := range []int64{2, 5, 10, 20, 50, 100} {
		if p.files > 20*n {
			n = 10 * factor
		}
	}
	return n
}

// keepSome keeps the best as well where the training measures itself in each epoch and nothing selects the best yet.
func (p pile) keepSome(f *training.File, s *training.SaveSite) diagnostics.KeepSome {
	out := diagnostics.KeepSome{Save: s}
	if p.every == 0 || s.EpochLoop == nil || f.SelectsBest() {
		return out
	}
	if metric, ok := s.EpochLoop.ValidationMetric(); ok {
		out.Metric, out.Nth, out.Every = metric, p.nth(), p.nth()*p.every
	}
	return out
}

// choices says what ways to keep the files come to, in sizes of the model where the optimizer tells, and what to weigh.
func (p pile) choices(s *training.SaveSite) string {
	var items []string
	if p.files > 0 {
		kept := (p.files-diagnostics.KeptLast+p.nth()-1)/p.nth() + diagnostics.KeptLast
		times, _ := sizes(s)
		model, size := modelOf(s)
		switch {
		case times == 0:
			items = append(items, fmt.Sprintf("The best, the last %d and every %dth are %d files instead of %d.", diagnostics.KeptLast, p.nth(), kept+1, p.files))
		case size > 0:
			items = append(items, fmt.Sprintf("With %s (about %s in float32): all %d files %s; without the optimizer %s; the best as a model, the last %d and every %dth whole %s.",
				model, inBytes(size), p.files, inBytes(times*p.files*size), inBytes(p.files*size), diagnostics.KeptLast, p.nth(), inBytes((times*kept+1)*size)))
		default:
			items = append(items, fmt.Sprintf("In sizes of the model: all %d files %d; without the optimizer %d; the best as a model, the last %d and every %dth whole %d.",
				p.files, times*p.files, p.files, diagnostics.KeptLast, p.nth(), times*kept+1))
		}
	}
	items = append(items,
		"Fewer saves: a crash costs more epochs. Fewer files: a resume needs the last, and one more in case that is damaged.",
		"While most epochs improve the metric, save at each improvement; later at an interval.",
		"A copy in object storage: once the file has its name, with the checksums compared.",
		"gzip takes about 7 % off float32 weights; half precision halves them, and rounds.",
		"In bytes: `ckpt-lsp inspect FILE --against "+scriptName(s)+"`",
	)
	return "Of keeping fewer:\n\n- " + strings.Join(items, "\n- ")
}

// modelOf is the one model in a checkpoint whose size is known by what makes it, and about how many bytes it takes.
func modelOf(s *training.SaveSite) (name string, bytes int64) {
	for _, c := range s.Components {
		if c.Object == nil || c.Object.Kind != training.Model || c.Role != training.RoleState {
			continue
		}
		o := c.Object.Bare()
		if bytes > 0 || o.Value == nil {
			return "", 0
		}
		callee := o.Value.Callee()
		if bytes = torch.ModelBytes(callee); bytes == 0 {
			return "", 0
		}
		name = lastName(callee)
	}
	return name, bytes
}

// inBytes tells a size as disks are sold.
func inBytes(n int64) string {
	if n < 1e9 {
		return fmt.Sprintf("%.0f MB", float64(n)/1e6)
	}
	return fmt.Sprintf("%.1f GB", float64(n)/1e9)
}

// scriptName is how a program's file is called.
func scriptName(s *training.SaveSite) string { return path.Base(filepath.ToSlash(s.Run.File.Path)) }

// every says how often something happens.
func every(n int64, unit string) string {
	if n == 1 {
		return "every " + unit
	}
	return fmt.Sprintf("every %d %ss", n, unit)
}

// holdsModel reports whether the payload is a model or a checkpoint, rather than samples or figures.
func holdsModel(s *training.SaveSite) bool {
	return s.Kind == training.PayloadObject || s.HasKind(training.Model)
}

// adaptive are optimizers with two tensors of state for each parameter.
var adaptive = map[string]bool{"Adam": true, "AdamW": true, "NAdam": true, "RAdam": true, "Adamax": true}

// size says how large a full checkpoint is beside the model, where the optimizer is known.
func size(s *training.SaveSite) string {
	switch times, class := sizes(s); times {
	case 3:
		return fmt.Sprintf(", each about three times the model (with the state of %s)", class)
	case 2:
		return ", each about twice the model (SGD with momentum)"
	}
	return ""
}

// sizes is how many times the model a full checkpoint is, 0 where that is not known, and the class of the optimizer in it.
func sizes(s *training.SaveSite) (times int64, class string) {
	for _, c := range s.Components {
		if c.Object == nil || c.Object.Kind != training.Optimizer || c.Role != training.RoleState {
			continue
		}
		if s.Run.File.Several(c) {
			return 0, "" // an option says which optimizer it is
		}
		switch class := shortClass(c.Object); {
		case adaptive[class]:
			return 3, class
		case class == "SGD" && c.Object.Arg(2, "momentum").Node.Valid():
			return 2, class
		}
	}
	return 0, ""
}
