package prove

import (
	"context"
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// ResumeAnswer says whether a run that was killed and resumed did what the uninterrupted run does.
type ResumeAnswer struct {
	Proven bool `json:"proven"`
	// Points are the places that were tried, NotTried those that were not. The rest of the answer is that of one of them.
	Points   []Tried    `json:"points,omitempty"`
	NotTried []NotTried `json:"not_tried,omitempty"`
	Place    Place      `json:"place,omitempty"`
	// Moment says when the kill came that did not come after a checkpoint write.
	Moment string `json:"moment,omitempty"`
	// Checkpoint counts the checkpoint write behind which the run was killed, of Checkpoints; Step is the number of steps it had taken at
	// the checkpoint that the resumed run loaded from Loaded.
	Checkpoint  int    `json:"checkpoint"`
	Checkpoints int    `json:"checkpoints"`
	Step        int    `json:"step"`
	Epoch       int    `json:"epoch,omitempty"`
	Loaded      string `json:"loaded"`
	// Steps is how many steps the resumed run took.
	Steps       int          `json:"steps"`
	Differences []Difference `json:"differences,omitempty"`
	// Refused is what weights_only=True says of the checkpoint, "" where it loads it.
	Refused string `json:"refused,omitempty"`
	// Unknown says why nothing can be said: the run does not even repeat itself up to the kill.
	Unknown string `json:"unknown,omitempty"`
}

// Tried is what a kill at one place has shown.
type Tried struct {
	Place      Place  `json:"place"`
	Proven     bool   `json:"proven"`
	Checkpoint int    `json:"checkpoint,omitempty"`
	Step       int    `json:"step"`
	Loaded     string `json:"loaded"`
	Unknown    string `json:"unknown,omitempty"`
}

// resume kills a run at several places, resumes it, and holds it against the uninterrupted run. The answer is that of the first place at
// which it differs.
func (s *session) resume(ctx context.Context, full *run) (*ResumeAnswer, *run, error) {
	points, not, err := s.points(full.main())
	if err != nil {
		return nil, nil, err
	}
	s.planned += 2 * (len(points) - 1)
	var out *ResumeAnswer
	var shown *run
	tried := []Tried{}
	for i, p := range points {
		a, resumed, err := s.resumeAt(ctx, full, p, i, out != nil && out.Unknown == "")
		if err != nil && out == nil {
			return nil, nil, err
		}
		if err != nil {
			not = append(not, NotTried{p.place, err.Error()})
			continue
		}
		tried = append(tried, Tried{p.place, a.Proven, p.number, a.Step, a.Loaded, a.Unknown})
		switch {
		case out == nil || out.Proven && !a.Proven || out.Unknown != "" && len(a.Differences) > 0:
			out, shown = a, resumed
		case !a.Proven:
			for _, d := range a.Differences {
				if !slices.ContainsFunc(out.Differences, func(e Difference) bool { return e.Component == d.Component }) {
					d.Place = p.place
					out.Differences = append(out.Differences, d)
				}
			}
		}
	}
	out.Points, out.NotTried = tried, not
	return out, shown, nil
}

// named is the name of the run of a point.
func named(what string, point int) string {
	if point == 0 {
		return what
	}
	return fmt.Sprintf("%s-%d", what, point+1)
}

// resumeAt kills a run at a point and resumes it. That the script resumes at all is known where an earlier run has.
func (s *session) resumeAt(ctx context.Context, full *run, p point, n int, resumes bool) (_ *ResumeAnswer, _ *run, err error) {
	if err := context.Cause(ctx); err != nil {
		return nil, nil, err
	}
	if err := s.fresh(); err != nil {
		return nil, nil, err
	}
	killed, err := s.do(ctx, named("killed", n), s.doing("a run that is killed "+string(p.place)), s.options.Command, &p.kill)
	if err != nil {
		return nil, nil, err
	}
	if !killed.killed() {
		if killed.failed != nil {
			return nil, nil, scriptFailed(killed)
		}
		return nil, nil, fmt.Errorf("the run that was to be %s came to its end before", p)
	}
	answer := &ResumeAnswer{Place: p.place, Checkpoint: p.number, Checkpoints: p.of}
	if p.kill.After {
		answer.Moment = p.op.done()
	}
	if d := soFar(full, killed); len(d) > 0 {
		answer.Unknown = "two runs differ before the kill already: " + d[0].String()
		return answer, nil, nil
	}
	resumed, err := s.do(ctx, named("resumed", n), s.doing("the resumed run"), s.resumeCommand(killed.main()), nil)
	if err != nil {
		return nil, nil, err
	}
	defer func() {
		_, moved := s.setAside(named("resumed", n))
		err = errors.Join(err, moved)
	}()
	refused := func(text string) {
		answer.Differences = []Difference{{Step: answer.Step + 1, Component: Loading, Text: text, Rules: causes[Loading]}}
	}
	from, err := loadedFrom(killed.main(), resumed.main())
	switch {
	case err != nil && resumes && resumed.failed != nil:
		answer.Step = p.step
		refused("nothing is left that the script resumes from, it fails: " + lastLine(resumed.output))
		answer.Differences[0].Rules = []string{"unsafe-rotation", "non-atomic-save"}
		return answer, nil, nil
	case err != nil && resumes:
		answer.Step = p.step
		refused("nothing is left that the script resumes from, it trains from the beginning")
		answer.Differences[0].Rules = []string{"unsafe-rotation", "non-atomic-save"}
		return answer, nil, nil
	case err != nil && resumed.failed != nil:
		return nil, nil, scriptFailed(resumed)
	case err != nil:
		return nil, nil, fmt.Errorf("%w\n%s", err, tail(resumed.output, 5))
	}
	answer.Step, answer.Loaded = from.save.Step, from.load.Path
	if from.load.Kind == "refused" && resumed.failed != nil {
		refused(fmt.Sprintf("the checkpoint is refused%s: %s", at(from.load.At), from.load.Error))
		return answer, nil, nil
	}
	if resumed.failed != nil && len(resumed.main().steps) == 0 {
		refused("the checkpoint was loaded, and the script failed before its next step: " + lastLine(resumed.output))
		return answer, nil, nil
	}
	answer.Steps, answer.Refused = len(resumed.main().steps), from.load.Error
	if answer.Step > 0 {
		answer.Epoch = full.main().steps[answer.Step-1].Epoch
	}
	for i, l := range full.logs {
		if i < len(resumed.logs) && i < len(killed.logs) {
			answer.Differences = append(answer.Differences, resumedDiffers(l, killed.logs[i], resumed.logs[i], from)...)
		}
	}
	if len(full.logs) != len(resumed.logs) {
		answer.Differences = append(answer.Differences, Difference{Step: answer.Step + 1, Component: Progress, Text: fmt.Sprintf("%d processes train, expected %d", len(resumed.logs), len(full.logs))})
	}
	if resumed.failed != nil {
		answer.Differences = append(answer.Differences, Difference{Step: answer.Step + answer.Steps, Component: Progress, Text: "the resumed run failed: " + lastLine(resumed.output)})
	}
	answer.Differences = eachOnce(answer.Differences)
	answer.Proven = len(answer.Differences) == 0
	return answer, resumed, nil
}

// soFar holds a run that was killed against the uninterrupted one, up to the kill.
func soFar(full, killed *run) []Difference {
	for i, l := range killed.logs {
		if i >= len(full.logs) {
			break
		}
		whole := *full.logs[i]
		whole.steps = whole.steps[:min(len(whole.steps), len(l.steps))]
		if d := repeated(&whole, l); len(d) > 0 {
			return firstOnly(d)
		}
	}
	return nil
}

// resumeCommand is the command that resumes. {checkpoint} in it is where the newest checkpoint lies.
func (s *session) resumeCommand(killed *runLog) []string {
	command := s.options.Command
	if len(s.options.ResumeCommand) > 0 {
		command = s.options.ResumeCommand
	}
	command = append(slices.Clone(command), s.options.ResumeArgs...)
	newest := ""
	if files := killed.lying(); len(files) > 0 {
		newest = files[len(files)-1].path
	}
	for i := range command {
		command[i] = strings.ReplaceAll(command[i], "{checkpoint}", newest)
	}
	return command
}

// read is a checkpoint that was loaded, and the save that wrote it.
type read struct{ load, save event }

// loadedFrom finds the newest checkpoint that a resumed run loaded before its first step; of several of one step that which holds most.
func loadedFrom(killed, resumed *runLog) (read, error) {
	var best *read
	seen := ""
	for _, l := range resumed.loads {
		if l.Step > 0 {
			break
		}
		seen = l.Path
		for _, save := range slices.Backward(killed.checkpoints()) {
			if l.Content != "" && save.Content == l.Content {
				if best == nil || save.Step > best.save.Step || save.Step == best.save.Step && save.Size > best.save.Size {
					best = &read{l, save}
				}
				break
			}
		}
	}
	if best != nil {
		return *best, nil
	}
	if seen != "" {
		return read{}, fmt.Errorf("%w of the killed run: it loaded %s, which no torch.save of that run wrote", ErrNothingRead, seen)
	}
	return read{}, fmt.Errorf("%w: say with --resume-args how the script resumes", ErrNothingRead)
}

// resumedDiffers compares what one rank did after it was resumed with what it does uninterrupted.
func resumedDiffers(full, killed, resumed *runLog, from read) []Difference {
	var out []Difference
	v := resumptionOf(full, killed, resumed, from)
	from = v.from
	begin := from.save.Step
	epoch := 0
	if begin < len(full.steps) {
		epoch = full.steps[begin].Epoch
	}
	for _, pair := range counterparts(full.beginsAt(from.save), firsts(resumed.begins)) {
		was, first := pair[0], pair[1]
		if n, name := otherParameters(was.Parameters, first.Parameters, valueOf); n > 0 {
			w, says := v.kept(was, heldWeights)
			out = append(out, Difference{Step: begin + 1, Epoch: epoch, Component: Parameters, Kept: says, Rules: ofOptimizer(Parameters, w),
				Text: "not what they were at the checkpoint: " + counted(n, max(n, len(was.Parameters)), name)})
		}
		if n, _ := otherParameters(was.Parameters, first.Parameters, stateOf); n > 0 {
			w, says := v.kept(was, heldState)
			out = append(out, Difference{Step: begin + 1, Epoch: epoch, Component: Optimizer, Kept: says, Rules: ofOptimizer(Optimizer, w),
				Text: v.which(was) + " buffers (momentum, averages of gradients, counts of steps) are not what they were at the checkpoint"})
		}
	}
	rest, taken := behindCheckpoint(full.steps[min(begin, len(full.steps)):], resumed.steps, from.seenBy(full, resumed))
	if shifted := progress(full, resumed, begin); shifted != nil {
		shifted.Epoch = epoch
		out = append(out, *shifted)
	}
	lost := len(from.save.Backwards)
	for _, d := range differ(rest, taken) {
		switch {
		case d.Component == LearningRate && behind(full, resumed, begin):
			d.Text += ": the schedule is one epoch behind for good"
		case d.Component == Operation && d.Step == begin+1 && lost > 0 && len(rest[0].Backwards) > len(taken[0].Backwards):
			d.Component, d.Generators = Gradients, nil
			d.Text = fmt.Sprintf("the checkpoint was written between two steps: the gradients of %d backward passes before it are lost, as no checkpoint holds gradients", lost)
		}
		out = append(out, d)
	}
	if len(out) > 0 {
		out = unexplained(out, v)
	} else {
		out = savedDiffers(full, killed, resumed, begin) // where the steps differ, so does what is saved
	}
	for i := range out {
		out[i].Rank = full.rank
		out[i].Generators = v.notRestored(out[i].Generators)
		out[i] = v.explain(out[i])
	}
	return out
}

// notRestored says of generators that stand at other states after a resume what the resumed run did with them. One that is never drawn
// from explains nothing.
func (v resumption) notRestored(generators []string) []string {
	var out []string
	for _, g := range generators {
		_, drawn := v.full.last("draw", g)
		restore, restored := v.resumed.last("restore", g)
		seed, seeded := v.resumed.last("seed", g)
		switch {
		case !drawn && !strings.HasPrefix(g, "torch") || v.restored(g):
		case restored:
			out = append(out, g+" is at another state than the one restored"+at(restore.At)+" leads to")
		case seeded:
			out = append(out, g+" starts from its seed again"+at(seed.At))
		default:
			out = append(out, g+" is at another state")
		}
	}
	return out
}

// firsts are the states of the optimizers before their first steps.
func firsts(begins []event) []event {
	var out []event
	for _, e := range begins {
		if !slices.ContainsFunc(out, func(o event) bool { return o.Optimizer == e.Optimizer }) {
			out = append(out, e)
		}
	}
	return out
}

// beginsAt are the states of the optimizers that take a step between a checkpoint and the next one, before it. They are what the checkpoint
// is to bring back, whatever stood in the place of the weights while it was written.
func (l *runLog) beginsAt(save event) []event {
	next := math.MaxInt
	for _, e := range l.saves {
		if e.Step > save.Step {
			next = min(next, e.Mark)
		}
	}
	return firsts(slices.DeleteFunc(slices.Clone(l.begins), func(e event) bool { return e.Mark < save.Mark || e.Mark >= next || e.Step < save.Step }))
}

// counterparts pairs the optimizers of two runs that train the same parameters: a resumed run may build others than the first one did.
func counterparts(want, got []event) [][2]event {
	var out [][2]event
	left := slices.Clone(got)
	for _, w := range want {
		best, most := -1, -1
		for i, g := range left {
			pairs, only := matched(w.Parameters, g.Parameters)
			if same := len(pairs) - len(only); best < 0 || same > most {
				best, most = i, same
			}
		}
		if best >= 0 {
			out = append(out, [2]event{w, left[best]})
			left = slices.Delete(left, best, best+1)
		}
	}
	return out
}

// behindCheckpoint are the steps of the uninterrupted run after a checkpoint and those of the run that loaded it. Of what the first step
// used counts what it used after the checkpoint, unless the resumed run goes through an accumulation of gradients once more.
func behindCheckpoint(full, resumed []event, from read) (want, got []event) {
	want, got = slices.Clone(full), slices.Clone(resumed)
	if len(want) == 0 || len(got) == 0 {
		return want, got
	}
	got[0] = got[0].since(from.load.Mark)
	if whole := want[0]; len(from.save.Backwards) == 0 || len(whole.Inputs) != len(got[0].Inputs) {
		want[0] = whole.since(from.save.Mark)
	}
	return want, got
}

// seenBy is what a rank knows of a checkpoint: one that did not write it, or read it, has no mark of its own there.
func (r read) seenBy(full, resumed *runLog) read {
	same := func(e event) func(event) bool {
		return func(other event) bool { return other.Step == e.Step && other.Path == e.Path }
	}
	if !slices.ContainsFunc(full.saves, same(r.save)) {
		r.save.Mark = 0
	}
	if !slices.ContainsFunc(resumed.loads, same(r.load)) {
		r.load.Mark = 0
	}
	return r
}

// since is a step with only what it used from a mark on.
func (e event) since(mark int) event {
	before := func(u used) bool { return u.mark < mark }
	e.Indices, e.Batches, e.Inputs = slices.DeleteFunc(slices.Clone(e.Indices), before), slices.DeleteFunc(slices.Clone(e.Batches), before), slices.DeleteFunc(slices.Clone(e.Inputs), before)
	return e
}

// progress compares how far two runs go that both came to their end.
func progress(full, resumed *runLog, begin int) *Difference {
	all, rest := full.total(), resumed.total()
	if all < 0 || rest < 0 || rest == all-begin {
		return nil
	}
	d := &Difference{Step: begin + 1, Component: Progress}
	other := rest - (all - begin)
	what, n := "repeated", other
	if other < 0 {
		what, n = "left out", -other
	}
	taken := 0 // of the epoch that the checkpoint lies in
	for i := begin - 1; begin < len(full.steps) && i >= 0 && full.steps[i].Epoch > 0 && full.steps[i].Epoch == full.steps[begin].Epoch; i-- {
		taken++
	}
	switch epoch := stepsOfEpoch(full, begin); {
	case rest == all && begin > 0:
		d.Text = "training starts over: the resumed run takes all the steps again"
	case n == taken && other > 0:
		d.Text = fmt.Sprintf("the %d steps of the epoch before the checkpoint are repeated", n)
		d.Rules = []string{"midepoch-reshuffle", "missing-loader-state"}
	case epoch > 0 && n == epoch:
		d.Text = fmt.Sprintf("one epoch of %d steps is %s", epoch, what)
	case epoch > 0 && n%epoch == 0:
		d.Text = fmt.Sprintf("%d epochs of %d steps are %s", n/epoch, epoch, what)
	default:
		d.Text = fmt.Sprintf("%d steps are %s", n, what)
	}
	return d
}

// stepsOfEpoch is the number of steps in the epoch of the uninterrupted run's step before a checkpoint.
func stepsOfEpoch(l *runLog, begin int) int {
	if begin == 0 || begin > len(l.steps) || l.steps[begin-1].Epoch == 0 {
		return 0
	}
	n := 0
	for _, e := range l.steps {
		if e.Epoch == l.steps[begin-1].Epoch {
			n++
		}
	}
	return n
}

// behind reports whether a resumed run has the learning rates of one epoch before, at every step.
func behind(full, resumed *runLog, begin int) bool {
	epoch := stepsOfEpoch(full, begin)
	if epoch == 0 || len(resumed.steps) == 0 {
		return false
	}
	for i, e := range resumed.steps {
		if at := begin + i - epoch; at < 0 || at >= len(full.steps) || !slices.Equal(full.steps[at].LR, e.LR) {
			return false
		}
	}
	return true
}

// ignoredKeys name values that tell of a run and not of its training.
var ignoredKeys = regexp.MustCompile(`(?i)arg|config|cfg|hparam|param_?s?$|^opts?$|time|date|version|host|git|path|commit`)

// savedDiffers compares what the two runs saved behind the checkpoint: what no step shows, as averages of the model and the best metric.
func savedDiffers(full, killed, resumed *runLog, begin int) []Difference {
	restless := map[string]bool{} // keys that differ in runs that do the same
	for i, e := range killed.saves {
		if i < len(full.saves) && full.saves[i].Step == e.Step {
			for key, digest := range e.Keys {
				restless[key] = restless[key] || full.saves[i].Keys[key] != digest
			}
		}
	}
	type at struct {
		path string
		step int
	}
	want := map[at]event{}
	for _, e := range full.saves {
		if e.Step > begin {
			want[at{e.Path, e.Step}] = e
		}
	}
	var out []Difference
	said := map[string]bool{}
	matched := map[at]bool{}
	say := func(what string, d Difference) {
		if !said[what] {
			said[what] = true
			out = append(out, d)
		}
	}
	for _, e := range resumed.saves {
		if e.Step == 0 || resumed.total() < 0 && begin+e.Step > len(full.steps) {
			continue
		}
		key := at{e.Path, begin + e.Step}
		w, ok := want[key]
		if !ok {
			if samePaths(full, killed) {
				say(family(e.Path), Difference{Step: key.step, Component: SavedFiles, Text: e.Path + " is written where the uninterrupted run does not write it"})
			}
			continue
		}
		matched[key] = true
		for k, digest := range e.Keys {
			if w.Keys[k] != digest && !restless[k] && !ignoredKeys.MatchString(k) {
				what := "the state dict"
				if k != "" {
					what = "`" + k + "`"
				}
				say(k, Difference{Step: key.step, Component: Saved, Text: fmt.Sprintf("%s in %s is another value", what, e.Path), Value: SavedValue{k, e.Path}})
			}
		}
	}
	if resumed.total() >= 0 && samePaths(full, killed) {
		for key := range want {
			if !matched[key] {
				say(family(key.path), Difference{Step: key.step, Component: SavedFiles, Text: key.path + " is not written where the uninterrupted run writes it"})
			}
		}
	}
	slices.SortFunc(out, func(a, b Difference) int {
		if a.Step != b.Step {
			return a.Step - b.Step
		}
		return strings.Compare(a.Text, b.Text)
	})
	return out
}

// samePaths reports whether two runs that do the same write the same files; names with the time in them differ.
func samePaths(full, killed *runLog) bool {
	for i, e := range killed.saves {
		if i < len(full.saves) && full.saves[i].Path != e.Path {
			return false
		}
	}
	return true
}

var digits = regexp.MustCompile(`[0-9]+`)

// family is what the names of one series of checkpoints have in common.
func family(path string) string { return digits.ReplaceAllString(filepath.Base(path), "#") }

// eachOnce says of all ranks what is true of each only once.
func eachOnce(ds []Difference) []Difference {
	var out []Difference
	for _, d := range ds {
		if !slices.ContainsFunc(out, func(e Difference) bool { return e.Component == d.Component && e.Step == d.Step }) {
			out = append(out, d)
		}
	}
	slices.SortStableFunc(out, func(a, b Difference) int { return a.Step - b.Step })
	return out
}

func lastLine(path string) string { return strings.TrimSpace(tail(path, 1)) }

var errNotKilled = errors.New("the run came to its end before the moment of the kill")
