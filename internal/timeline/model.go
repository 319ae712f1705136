// Package timeline draws the picture of a resume: which epochs run before and after it, which one runs twice or not at all, the learning
// rate of the resumed run against the uninterrupted one, where saves and bests fall, and what stays on the disk. It reads the facts that
// the rules read, and calls wrong only what a rule reports; what the code does not tell is unknown in the picture.
package timeline

import (
	_ "embed"
	"fmt"
	"math"

	"github.com/ckpt-lsp/ckpt-lsp/internal/text"
)

// Schema is the JSON Schema of what --format json prints.
//
//go:embed schema.json
var Schema []byte

// Site is a place in a file. Line is 1-based.
type Site struct {
	Path string `json:"path"`
	Line int    `json:"line"`
	// Text is what stands there, as the code says it.
	Text string `json:"text,omitempty"`
}

func (s Site) String() string { return fmt.Sprintf("%s:%d", text.Printable(s.Path), s.Line) }

// Stretch are the rounds from one to another, of which every so manieth counts.
type Stretch struct {
	From  int64 `json:"from"`
	To    int64 `json:"to"`
	Every int64 `json:"every"`
}

func (s Stretch) holds(n int64) bool { return s.From <= n && n <= s.To && (n-s.From)%s.Every == 0 }

func (s Stretch) count() int64 { return (s.To-s.From)/s.Every + 1 }

// Fate is how a resumed run counts on.
type Fate string

// Fates.
const (
	Next     Fate = "next"     // with the round after the one that was saved
	Again    Fate = "again"    // with the round that was saved: it runs twice
	Skips    Fate = "skips"    // a round is left out
	Cut      Fate = "cut"      // with the round after the one in whose middle the checkpoint was written
	Restarts Fate = "restarts" // with the first round
	Unknown  Fate = "unknown"
	None     Fate = "none" // nothing in sight loads what is saved
)

// Timeline is the picture of one training loop.
type Timeline struct {
	Loop Site `json:"loop"`
	// Unit is what a round of the loop is: epoch, step or round.
	Unit string `json:"unit"`
	// First and Last are the numbers of the rounds of an uninterrupted run, nil where the code does not tell. FirstAssumed says that no
	// fresh start is in sight, and 0 is taken for it; ByDefault that the last is by the defaults of options.
	First        *int64 `json:"first"`
	Last         *int64 `json:"last"`
	FirstAssumed bool   `json:"first_assumed,omitempty"`
	ByDefault    bool   `json:"by_default,omitempty"`
	// Drawn are the rounds in the picture. Relative says that their numbers count from the checkpoint's round, 0.
	Drawn    Stretch `json:"drawn"`
	Relative bool    `json:"relative,omitempty"`

	Interrupted Interruption `json:"interrupted"`
	Resume      Resume       `json:"resume"`
	Saves       []Save       `json:"saves"`
	Rates       []Rate       `json:"rates"`
	Best        *Best        `json:"best,omitempty"`
	// Flaws are the findings that speak of what is drawn, Unknown what is not known and why.
	Flaws   []Flaw   `json:"flaws"`
	Unknown []string `json:"unknown"`
}

// Interruption is where the run ends before its time.
type Interruption struct {
	// After is the round after which it happens, Checkpoint the one that the newest checkpoint was written in, nil where that is not known.
	After      int64  `json:"after"`
	Checkpoint *int64 `json:"checkpoint"`
	// Assumed says that it is not known whether one was written there.
	Assumed bool `json:"assumed,omitempty"`
}

// Resume is how a run goes on from the checkpoint.
type Resume struct {
	Fate Fate `json:"fate"`
	// Save is where the checkpoint is written, Load where it is read.
	Save *Site `json:"save"`
	Load *Site `json:"load"`
	// From is the first round of the resumed run, nil where that is not known.
	From *int64 `json:"from"`
	// Twice are the rounds that run again on top of what the checkpoint holds, Skipped those that never run, Repeated those that are done
	// again because they came after the checkpoint.
	Twice    *Stretch `json:"twice,omitempty"`
	Skipped  *Stretch `json:"skipped,omitempty"`
	Repeated *Stretch `json:"repeated,omitempty"`
}

// Save is a file that the training writes.
type Save struct {
	Site
	// Name is the file's name, with * for what is not known of it.
	Name string `json:"name"`
	// Checkpoint says that it is the one the picture resumes from, Best that it is written where a metric is better than before.
	Checkpoint bool `json:"checkpoint,omitempty"`
	Best       bool `json:"best,omitempty"`
	// Rounds are those that write it, Perhaps those of which that is not known, Within says that it is written in the middle of them.
	Rounds  []Stretch `json:"rounds"`
	Perhaps []Stretch `json:"perhaps"`
	Within  bool      `json:"within,omitempty"`
	// EverySteps is how many steps lie between, where it is written within rounds and that is known.
	EverySteps int64 `json:"every_steps,omitempty"`
	Kept       Kept  `json:"kept"`
}

// Policy is what becomes of a file's earlier versions.
type Policy string

// Policies.
const (
	Overwritten Policy = "overwritten" // one file, written again each time
	All         Policy = "all"         // nothing removes them
	Newest      Policy = "newest"      // the newest few stay
	Unclear     Policy = "unknown"
)

// Kept is what stays on the disk of what a save writes.
type Kept struct {
	Policy Policy `json:"policy"`
	// Newest is how many stay, Files how many there are at the end, nil where that is not known.
	Newest int64  `json:"newest,omitempty"`
	Files  *int64 `json:"files"`
	// Gap says that the one before is deleted before the next one is written.
	Gap bool `json:"gap,omitempty"`
	// There are the rounds whose files are there when the run is interrupted, Left those at the end.
	There []Stretch `json:"there"`
	Left  []Stretch `json:"left"`
}

// Rate is the learning rate that a scheduler gives.
type Rate struct {
	Site
	Scheduler string `json:"scheduler"`
	// Reason is why the rate is not known, "" where it is; ResumedReason the same of the resumed run.
	Reason        string `json:"reason,omitempty"`
	ResumedReason string `json:"resumed_reason,omitempty"`
	// Points are rates at some rounds: all where few are drawn, and round about the resume and the first difference.
	Points []Point `json:"points"`
	// Differs is the first round in which the two runs differ, nil where they do not or that is not known.
	Differs *int64 `json:"differs"`

	first, from     int64
	alone, afterwds []float64
}

// Point are the rates of a round, nil where it does not run or the rate is not known.
type Point struct {
	Round         int64    `json:"round"`
	Uninterrupted *float64 `json:"uninterrupted"`
	Resumed       *float64 `json:"resumed"`
}

// uninterrupted is the rate of a round; ok is false where none is known.
func (r *Rate) uninterrupted(n int64) (float64, bool) { return at(r.alone, n-r.first) }

func (r *Rate) resumed(n int64) (float64, bool) { return at(r.afterwds, n-r.from) }

func at(rates []float64, i int64) (float64, bool) {
	if i < 0 || i >= int64(len(rates)) || math.IsNaN(rates[i]) {
		return 0, false
	}
	return rates[i], true
}

// Best is the best metric so far.
type Best struct {
	Name string `json:"name"`
	Site
	// Resumed is kept, lost (the first evaluation counts as the best) or unknown.
	Resumed string `json:"resumed"`
	// AtRisk says that a clean-up may delete the best file.
	AtRisk bool `json:"at_risk,omitempty"`
}

// Flaw is a finding that speaks of what is drawn.
type Flaw struct {
	Code     string `json:"code"`
	Name     string `json:"name"`
	Severity string `json:"severity"`
	Site
	Message string `json:"message"`
}
