package timeline

// mark is what happens in a round. Where one column stands for several rounds, the highest is shown.
type mark uint8

const (
	blank    mark = iota
	runs          // it is trained
	repeats       // it is trained again, as it came after the checkpoint
	gone          // a file is written that is not there any more later
	writes        // a file is written
	improves      // a file is written if the metric is better than before
	perhaps       // not known
	risky         // as improves, and a clean-up may delete it
	counted       // the first evaluation after the resume, which counts as the best
	twice         // it is trained a second time, on top of what the checkpoint holds
	cut           // only its beginning is trained
	skipped       // it is never trained
)

// marks are the signs and names of marks.
var marks = [...]struct{ sign, name string }{
	blank: {" ", ""}, runs: {"=", "runs"}, repeats: {"r", "runs again"}, gone: {"x", "a file that is removed by then"},
	writes: {"o", "a file is written"}, improves: {"*", "a file is written if it is the best"}, perhaps: {"?", "not known"},
	risky:   {"#", "a file is written if it is the best, and the clean-up of old files may delete it"},
	counted: {"B", "counts as the best, whatever it scores"}, twice: {"2", "runs twice"}, cut: {"c", "its rest never runs"}, skipped: {"!", "never runs"},
}

// row is a line of the picture.
type row struct {
	label, about string
	files        bool // it shows files, not runs
	in           func(n int64) mark
}

// mostFiles is how many files have rows of their own.
const mostFiles = 6

func (t *Timeline) rows() []row {
	first, open := t.Drawn.From, t.Drawn.To
	// The ends of a run of which the number of rounds is not known.
	faded := func(n int64) bool {
		return t.First == nil && n <= first+1 || t.Last == nil && n >= open-1
	}
	out := []row{
		{label: "uninterrupted", about: "the run without an interruption", in: func(n int64) mark {
			if faded(n) {
				return perhaps
			}
			return runs
		}},
		{label: "until it stops", about: "the run up to the interruption", in: func(n int64) mark {
			switch {
			case n > t.Interrupted.After:
				return blank
			case t.First == nil && n <= first+1:
				return perhaps
			case t.Resume.Fate == Cut && n == t.Interrupted.After:
				return cut
			}
			return runs
		}},
		{label: "resumed", about: t.Resumes(), in: t.resumedIn(faded)},
	}
	for i, s := range t.Saves {
		if i == mostFiles {
			break
		}
		out = append(out, row{label: short(s.Name), about: s.Name + ": " + t.When(s) + "; " + t.Stays(s), files: true, in: t.savedIn(s)})
	}
	return out
}

func (t *Timeline) resumedIn(faded func(int64) bool) func(int64) mark {
	r := t.Resume
	return func(n int64) mark {
		switch {
		case r.Skipped != nil && r.Skipped.holds(n):
			return skipped
		case r.From == nil:
			if c := t.Interrupted.Checkpoint; c != nil && n < *c && r.Fate != Restarts {
				return blank
			}
			return perhaps
		case n < *r.From:
			return blank
		case r.Twice != nil && r.Twice.holds(n):
			return twice
		case r.Repeated != nil && r.Repeated.holds(n):
			return repeats
		case faded(n):
			return perhaps
		}
		return runs
	}
}

func (t *Timeline) savedIn(s Save) func(int64) mark {
	in := func(all []Stretch, n int64) bool {
		for _, x := range all {
			if x.holds(n) {
				return true
			}
		}
		return false
	}
	return func(n int64) mark {
		switch {
		case s.Best && t.Best != nil && t.Best.Resumed == "lost" && t.Resume.From != nil && n == *t.Resume.From:
			return counted
		case in(s.Rounds, n):
			k := s.Kept
			if k.Policy == Newest && !in(k.There, n) && !in(k.Left, n) && (n <= t.Interrupted.After || len(k.Left) > 0) {
				return gone
			}
			return writes
		case in(s.Perhaps, n):
			if s.Best && t.Best != nil && t.Best.AtRisk {
				return risky
			}
			if s.Best {
				return improves
			}
			return perhaps
		}
		return blank
	}
}
