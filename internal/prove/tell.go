package prove

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/ckpt-lsp/ckpt-lsp/internal/checkpoint"
	"github.com/ckpt-lsp/ckpt-lsp/internal/report"
)

// Verdict is the answer to a question in a word.
type Verdict string

// The verdicts.
const (
	Yes     Verdict = "yes"
	No      Verdict = "no"
	Unknown Verdict = "unknown"
)

// Told is the answer to a question in words, for every face that shows it.
type Told struct {
	Question Question
	// Asked is the question as people read it.
	Asked   string
	Verdict Verdict
	// Text says the answer in a sentence, Details what it rests on, Printed what a script has printed.
	Text    string
	Details []string
	Printed []string
}

// asked are the questions as people read them.
var asked = map[Question]string{Repeat: "Reproducible?", Resume: "Resumable?", Kill: "Crash-safe?"}

// Tell says the answers in words, in the order of the questions.
func (r *Report) Tell() []Told {
	var out []Told
	for _, q := range Questions {
		t := Told{Question: q, Asked: asked[q]}
		why, failed := r.Failed[q]
		switch {
		case failed:
			// What a script printed keeps its lines.
			why, printed, _ := strings.Cut(why, "\n")
			t.Verdict, t.Text = Unknown, why
			for line := range strings.Lines(printed) {
				t.Printed = append(t.Printed, strings.TrimRight(line, "\n"))
			}
		case q == Repeat && r.Repeat != nil:
			r.Repeat.tell(&t)
		case q == Resume && r.Resume != nil:
			r.Resume.tell(&t)
		case q == Kill && r.Kill != nil:
			r.Kill.tell(&t)
		default:
			continue // it was not asked
		}
		out = append(out, t)
	}
	return out
}

func (a *RepeatAnswer) tell(t *Told) {
	t.Verdict, t.Text = Yes, fmt.Sprintf("two runs took the same %d steps", a.Steps)
	if !a.Proven {
		t.Verdict, t.Text = No, fmt.Sprintf("two runs differ from step %d on", a.Differences[0].Step)
	}
	t.differences(a.Differences)
}

func (a *ResumeAnswer) tell(t *Told) {
	killed := fmt.Sprintf("killed after checkpoint %d of %d", a.Checkpoint, a.Checkpoints)
	if a.Moment != "" {
		killed = "killed right after " + a.Moment
	}
	if a.Loaded != "" {
		killed += fmt.Sprintf(", resumed from %s (step %d)", a.Loaded, a.Step)
	}
	if len(a.Points) > 1 || a.Moment != "" {
		killed = strings.Replace(killed, "killed", "killed "+string(a.Place), 1)
	}
	held := a.held()
	switch {
	case a.Unknown != "":
		t.Verdict, t.Text = Unknown, a.Unknown
	case a.Proven && len(held) > 1:
		t.Verdict, t.Text = Yes, fmt.Sprintf("killed %s, each time the steps of the resumed run are those of the uninterrupted one", strings.Join(held, ", "))
	case a.Proven:
		t.Verdict, t.Text = Yes, fmt.Sprintf("%s, its %d steps are those of the uninterrupted run", killed, a.Steps)
	default:
		t.Verdict, t.Text = No, killed+", it differs"
	}
	t.differences(a.Differences)
	if !a.Proven && len(held) > 0 {
		t.Details = append(t.Details, "it holds for a kill "+strings.Join(held, ", "))
	}
	for _, n := range a.NotTried {
		t.Details = append(t.Details, fmt.Sprintf("not tried: a kill %s: %s", n.Place, n.Why))
	}
}

// held are the places at which the resume was shown to be exact, with the file that was loaded there.
func (a *ResumeAnswer) held() []string {
	var out []string
	for _, p := range a.Points {
		if p.Proven {
			out = append(out, fmt.Sprintf("%s (%s, step %d)", p.Place, p.Loaded, p.Step))
		}
	}
	return out
}

func (t *Told) differences(all []Difference) {
	for _, d := range all {
		t.Details = append(t.Details, d.String())
	}
}

// shown is how many of several like things are told one by one.
const shown = 3

// some adds details, the first of many.
func (t *Told) some(details []string) {
	t.Details = append(t.Details, details[:min(len(details), shown)]...)
	if more := len(details) - shown; more > 0 {
		t.Details = append(t.Details, fmt.Sprintf("and %d more", more))
	}
}

func (a *KillAnswer) tell(t *Told) {
	t.Verdict, t.Text = Yes, fmt.Sprintf("%d of %d kills left a checkpoint that loads", a.Left, a.Kills)
	if !a.Proven {
		t.Verdict = No
	}
	var lost []string
	for _, l := range a.Lost {
		lost = append(lost, fmt.Sprintf("killed %s (%s): %s", l.Moment, l.At, cmp.Or(l.Error, "no checkpoint is left")))
	}
	t.some(lost)
	t.some(slices.Concat(a.Removed, a.Shared))
	if len(a.Kept) > 0 {
		t.Details = append(t.Details, fmt.Sprintf("the uninterrupted run leaves %s, %s", report.Count(len(a.Kept), "checkpoint"), checkpoint.Size(a.Bytes)))
	}
	if a.Refused != "" {
		t.Details = append(t.Details, "weights_only=True refuses it: "+a.Refused)
	}
}

// Overall is the verdict on all that was asked: no where anything is refuted, unknown where something could not be told.
func (r *Report) Overall() Verdict {
	switch {
	case r.Refuted():
		return No
	case !r.Proven():
		return Unknown
	}
	return Yes
}
