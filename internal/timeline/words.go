package timeline

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/ckpt-lsp/ckpt-lsp/internal/text"
)

// Headline says what is drawn: the loop's rounds, and where the run is interrupted.
func (t *Timeline) Headline() string {
	var out string
	switch {
	case t.First != nil && t.Last != nil:
		out = fmt.Sprintf("%s, %d to %d", t.units(*t.Last-*t.First+1), *t.First, *t.Last)
		if t.ByDefault {
			out += " (by the defaults of its options)"
		}
	case t.First != nil:
		out = fmt.Sprintf("%ss from %d on, how many is not known", t.Unit, *t.First)
	case t.Last != nil:
		out = fmt.Sprintf("%ss up to %d, from which on is not known", t.Unit, *t.Last)
	default:
		out = fmt.Sprintf("%ss, how many is not known", t.Unit)
	}
	out += fmt.Sprintf("; interrupted after %s %s", t.Unit, t.number(t.Interrupted.After))
	switch c := t.Interrupted.Checkpoint; {
	case c != nil && t.Interrupted.Assumed:
		out += ", as if a checkpoint were written there"
	case c != nil && *c != t.Interrupted.After:
		out += fmt.Sprintf(", the newest checkpoint is that of %s %s", t.Unit, t.number(*c))
	case c != nil:
		out += ", whose checkpoint is written"
	case t.Resume.Save != nil:
		out += ", no checkpoint is known to be there"
	}
	return upper(out)
}

func (t *Timeline) units(n int64) string {
	if n == 1 {
		return "1 " + t.Unit
	}
	return fmt.Sprintf("%d %ss", n, t.Unit)
}

// place is a place as it is told: by its line, where it is in the file of the loop.
func (t *Timeline) place(s Site) string {
	if s.Path == t.Loop.Path {
		return fmt.Sprintf("line %d", s.Line)
	}
	return s.String()
}

func upper(s string) string { return strings.ToUpper(s[:1]) + s[1:] }

// list are stretches in words: "0 to 8", "4, 9, 14 ... 99".
func (t *Timeline) list(all []Stretch) string {
	var parts []string
	for i, s := range all {
		if i == 4 && len(all) > 5 {
			return strings.Join(parts, ", ") + fmt.Sprintf(" ... %s", t.number(all[len(all)-1].To))
		}
		switch from, to := t.number(s.From), t.number(s.To); {
		case s.count() == 1:
			parts = append(parts, from)
		case s.Every > 1 && s.count() > 3:
			parts = append(parts, fmt.Sprintf("%s, %s, %s ... %s", from, t.number(s.From+s.Every), t.number(s.From+2*s.Every), to))
		case s.Every > 1 || s.count() == 2:
			for n := s.From; n <= s.To; n += s.Every {
				parts = append(parts, t.number(n))
			}
		default:
			parts = append(parts, from+" to "+to)
		}
	}
	return strings.Join(parts, ", ")
}

// these are one or several rounds with their unit: "epoch 49", "epochs 0 to 49".
func (t *Timeline) these(s Stretch) string {
	if s.count() == 1 {
		return t.Unit + " " + t.number(s.From)
	}
	return t.Unit + "s " + t.list([]Stretch{s})
}

// Resumes says how the resumed run counts on.
func (t *Timeline) Resumes() string {
	r := t.Resume
	var out string
	switch {
	case r.Fate == None && r.Save == nil:
		return "Nothing in sight resumes this training."
	case r.Fate == None:
		return "Nothing in sight loads this checkpoint: how a run would resume is not known."
	case r.Fate == Restarts && r.From != nil && t.Interrupted.Checkpoint == nil:
		return fmt.Sprintf("No checkpoint is written by then: a run that is started again begins with %s %s.", t.Unit, t.number(*r.From))
	case r.From == nil:
		out = fmt.Sprintf("With which %s the resumed run starts is not known.", t.Unit)
		if r.Fate == Restarts {
			out = fmt.Sprintf("The resumed run starts with the first %s again.", t.Unit)
		}
		return out
	default:
		out = fmt.Sprintf("The resumed run starts with %s %s.", t.Unit, t.number(*r.From))
	}
	if r.Twice != nil {
		it := "it"
		if r.Twice.count() > 1 {
			it = "them"
		}
		out += fmt.Sprintf(" %s %s twice: the checkpoint holds %s already", upper(t.these(*r.Twice)), runOf(*r.Twice), it)
		if slices.ContainsFunc(t.Saves, func(s Save) bool { return s.Checkpoint && s.Within }) {
			out += ", the last in part"
		}
		out += "."
	}
	if r.Skipped != nil {
		out += fmt.Sprintf(" %s never runs.", upper(t.these(*r.Skipped)))
	}
	if r.Fate == Cut {
		out += fmt.Sprintf(" The checkpoint is written in the middle of %s %s, and what is left of that never runs.", t.Unit, t.number(*t.Interrupted.Checkpoint))
	}
	switch {
	case r.Repeated != nil && r.Fate == Restarts:
		return out + fmt.Sprintf(" The loop counts from there whatever is loaded: %s %s again.", t.these(*r.Repeated), runOf(*r.Repeated))
	case r.Repeated != nil:
		out += fmt.Sprintf(" %s came behind the checkpoint and %s again.", upper(t.these(*r.Repeated)), runOf(*r.Repeated))
	}
	if r.Twice == nil && r.Skipped == nil && r.Fate != Cut {
		out += " None runs twice, none is left out."
	}
	return out
}

func runOf(s Stretch) string {
	if s.count() == 1 {
		return "runs"
	}
	return "run"
}

// When says in which rounds a file is written.
func (t *Timeline) When(s Save) string {
	if s.EverySteps > 0 {
		return fmt.Sprintf("every %d steps, in the middle of %ss", s.EverySteps, t.Unit)
	}
	in := "in "
	if s.Within {
		in = "in the middle of "
	}
	switch whole := []Stretch{{t.Drawn.From, t.Drawn.To, 1}}; {
	case s.Best && len(s.Rounds) == 0:
		return "where the metric is better than before (which " + t.Unit + "s that are is not known)"
	case len(s.Rounds) == 0 && len(s.Perhaps) == 0:
		return "in none of these " + t.Unit + "s"
	case len(s.Rounds) == 0:
		return in + "some " + t.Unit + "s (which is not known)"
	case len(s.Rounds) == 1 && s.Rounds[0] == whole[0]:
		return "in every " + t.Unit
	}
	units := t.Unit
	if len(s.Rounds) > 1 || s.Rounds[0].count() > 1 {
		units += "s"
	}
	out := in + units + " " + t.list(s.Rounds)
	if len(s.Perhaps) > 0 {
		out += ", and perhaps in others"
	}
	return out
}

// Stays says what stays of a file on the disk.
func (t *Timeline) Stays(s Save) string {
	if s.Kept.Gap {
		return t.stays(s) + "; the one before is deleted before the next is written, and in between there is none"
	}
	return t.stays(s)
}

func (t *Timeline) stays(s Save) string {
	k := s.Kept
	var out string
	switch k.Policy {
	case Overwritten:
		return "one file, written over each time"
	case All:
		out = "nothing in sight removes old ones"
		if k.Files != nil {
			out = fmt.Sprintf("%s at the end, nothing in sight removes old ones", files(*k.Files))
		}
		return out
	case Newest:
		out = "the newest stays"
		if k.Newest != 1 {
			out = fmt.Sprintf("the newest %d stay", k.Newest)
		}
		if len(k.There) > 0 {
			out += fmt.Sprintf(": when it is interrupted %s", t.list(k.There))
			if len(k.Left) > 0 {
				out += fmt.Sprintf(", at the end %s", t.list(k.Left))
			}
		}
		return out
	}
	return "which of them stay is not known"
}

func files(n int64) string {
	if n == 1 {
		return "1 file"
	}
	return fmt.Sprintf("%d files", n)
}

// Says tells of a rate in a sentence.
func (t *Timeline) Says(r Rate) string {
	switch {
	case r.Reason != "":
		return "not known: " + r.Reason
	case r.ResumedReason != "":
		return "after the resume not known: " + r.ResumedReason
	case r.Differs == nil:
		return "the resumed run has the rates of the uninterrupted one"
	}
	want, _ := r.uninterrupted(*r.Differs)
	got, _ := r.resumed(*r.Differs)
	return fmt.Sprintf("from %s %s on the resumed run differs: %.4g instead of %.4g", t.Unit, t.number(*r.Differs), got, want)
}

// Metric says what becomes of the best metric.
func (t *Timeline) Metric() string {
	b := t.Best
	out := fmt.Sprintf("what the best metric, %s, is after the resume is not known", b.Name)
	switch b.Resumed {
	case "kept":
		out = fmt.Sprintf("the best metric, %s, goes on with its value", b.Name)
	case "lost":
		out = fmt.Sprintf("the best metric, %s, starts over: the first evaluation after the resume counts as the best, whatever it scores", b.Name)
		if t.Resume.From != nil {
			out = fmt.Sprintf("the best metric, %s, starts over: %s %s counts as the best, whatever it scores", b.Name, t.Unit, t.number(*t.Resume.From))
		}
	}
	if b.AtRisk {
		out += "; the clean-up of old files may delete the best one"
	}
	return out
}

// Changes are the points at which a rate is worth telling: where the runs begin, part, or change together.
func (r Rate) changes(most int) []Point {
	var out []Point
	same := func(a, b *float64) bool {
		return a == nil && b == nil || a != nil && b != nil && math.Abs(*a-*b) <= 1e-9*math.Abs(*a)
	}
	for i, p := range r.Points {
		last := i == len(r.Points)-1
		if i == 0 || last || !same(p.Uninterrupted, r.Points[i-1].Uninterrupted) || !same(p.Resumed, r.Points[i-1].Resumed) {
			out = append(out, p)
		}
	}
	if len(out) <= most {
		return out
	}
	// Too many: the first and the last, round about the resume and the first difference, and some at even distances.
	keep := map[int]bool{0: true, len(out) - 1: true}
	for i, p := range out {
		if p.Round == r.from || r.Differs != nil && (p.Round == *r.Differs || p.Round == *r.Differs-1) || p.Round == r.from-1 {
			keep[i] = true
		}
	}
	for i := range most {
		if len(keep) >= most {
			break
		}
		keep[i*(len(out)-1)/(most-1)] = true
	}
	picked := out[:0:0]
	for i, p := range out {
		if keep[i] {
			picked = append(picked, p)
		}
	}
	return picked
}

// clip is a text in so many columns.
func clip(s string, width int) string {
	runes := []rune(s)
	if len(runes) <= width {
		return s
	}
	return string(runes[:max(width-1, 0)]) + "…"
}

// middle is a text in so many columns, with its beginning and its end.
func middle(s string, width int) string {
	runes := []rune(s)
	if len(runes) <= width {
		return s
	}
	end := width / 2
	return string(runes[:width-end-1]) + "…" + string(runes[len(runes)-end:])
}

// short is the own name of a file.
func short(name string) string { return name[strings.LastIndexByte(name, '/')+1:] }

// wrapped are the lines of a text.
func wrapped(s string, width int) []string {
	var out []string
	line := ""
	for _, word := range strings.Fields(s) {
		word = clip(word, width)
		switch {
		case line == "":
			line = word
		case len([]rune(line))+1+len([]rune(word)) > width:
			out, line = append(out, line), word
		default:
			line += " " + word
		}
	}
	return append(out, line)
}

// Nothing says of a path that there is nothing to draw.
func Nothing(path string) string {
	return fmt.Sprintf("No training loop that writes a checkpoint is found in %s.", text.Printable(path))
}
