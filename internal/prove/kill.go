package prove

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// KillAnswer says what kills inside checkpoint writes leave.
type KillAnswer struct {
	Proven bool `json:"proven"`
	// Kills is how many times the run was killed with a checkpoint written before, and Left how many times one was left that loads.
	Kills int `json:"kills"`
	Left  int `json:"left"`
	// Safe is how many of those load with weights_only=True.
	Safe int `json:"weights_only"`
	// Lost tell of the kills that left none.
	Lost []Loss `json:"lost,omitempty"`
	// Refused is what weights_only=True says of a checkpoint that it refuses, "" where it loads all.
	Refused string `json:"refused,omitempty"`
	// Removed tell where the newest checkpoint was deleted while older ones stayed.
	Removed []string `json:"removed,omitempty"`
	// Shared are files that several ranks write at one step.
	Shared []string `json:"shared,omitempty"`
	// Kept are the checkpoints that the uninterrupted run leaves, oldest first, and Bytes is how large they are together.
	Kept  []string `json:"kept"`
	Bytes int64    `json:"bytes"`
	Rules []string `json:"rules,omitempty"`
}

// Loss is a kill that left no checkpoint that loads.
type Loss struct {
	// Moment says when the kill came, At in which line of the script.
	Moment string `json:"moment"`
	At     string `json:"at,omitempty"`
	// Error is what torch.load says of the newest file, "" where none is left.
	Error string `json:"error,omitempty"`
}

// lying is a checkpoint file that lies there when a run has ended.
type lying struct {
	path string
	step int
}

// lies follows the file operations of a run: before each it tells which checkpoints lie there, and gives those that lie there in the end.
func (l *runLog) lies(before func(e event, lies []lying)) []lying {
	var out []lying
	drop := func(path string) {
		out = slices.DeleteFunc(out, func(f lying) bool { return f.path == path || strings.HasPrefix(f.path, path+"/") })
	}
	saved := map[int]bool{}
	for _, e := range l.saves {
		saved[e.Op] = true
	}
	for _, e := range l.files {
		before(e, out)
		var come []lying
		for _, f := range out { // of a file, or of the directory that holds several
			if rest, ok := strings.CutPrefix(f.path, e.Path); ok && (rest == "" || rest[0] == '/') {
				come = append(come, lying{e.Target + rest, f.step})
			}
		}
		switch e.What {
		case "save":
			drop(e.Path)
			if saved[e.Op] && e.Path != "" {
				out = append(out, lying{e.Path, e.Step})
			}
		case "rename":
			drop(e.Path)
			drop(e.Target)
			out = append(out, come...)
		case "copy", "link":
			drop(e.Target)
			out = append(out, come...)
		case "remove", "truncate":
			drop(e.Path)
		}
	}
	return out
}

// lying are the checkpoints that the file operations of a run leave, oldest first.
func (l *runLog) lying() []lying {
	out := l.lies(func(event, []lying) {})
	slices.SortStableFunc(out, func(a, b lying) int { return a.step - b.step })
	return out
}

// removedNewest finds where a run deletes the newest checkpoint while an older one of its series stays.
func (l *runLog) removedNewest() []string {
	var out []string
	for i, e := range l.files {
		if e.What != "remove" {
			continue
		}
		before := (&runLog{files: l.files[:i], saves: l.saves}).lying()
		after := (&runLog{files: l.files[:i+1], saves: l.saves}).lying()
		series := func(fs []lying) []lying {
			return slices.DeleteFunc(slices.Clone(fs), func(f lying) bool { return family(f.path) != family(e.Path) })
		}
		b, a := series(before), series(after)
		if len(b) > 1 && len(a) < len(b) && len(a) > 0 && a[len(a)-1].step < b[len(b)-1].step {
			out = append(out, fmt.Sprintf("%s, the newest, is deleted%s, and %s stays", e.Path, at(e.At), a[len(a)-1].path))
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// shared finds the files that several ranks write at one step.
func shared(logs []*runLog) []string {
	type write struct {
		path string
		step int
	}
	ranks := map[write]map[int]bool{}
	for _, l := range logs {
		for _, e := range l.saves {
			w := write{e.Path, e.Step}
			if ranks[w] == nil {
				ranks[w] = map[int]bool{}
			}
			ranks[w][l.rank] = true
		}
	}
	var out []string
	for w, by := range ranks {
		if len(by) > 1 && w.path != "" {
			out = append(out, fmt.Sprintf("%s is written by %d ranks at once", w.path, len(by)))
		}
	}
	slices.Sort(out)
	return out
}

// moment is a kill that is planned: in a file operation of the uninterrupted run, when so many bytes are written.
type moment struct {
	op    event
	bytes int64
}

// moments draws moments of kills among the file operations after the first checkpoint that the script would resume from, of each kind as
// many.
func (s *session) moments(l *runLog, counts func(string) bool) ([]moment, error) {
	sizes := map[int]int64{}
	for _, e := range l.saves {
		sizes[e.Op] = e.Size
	}
	var kinds [][]event // operations of one kind, from one line
	was := false        // there a checkpoint that could be lost
	l.lies(func(e event, lies []lying) {
		was = was || slices.ContainsFunc(lies, func(f lying) bool { return counts(f.path) })
		if e.Step == 0 || !was {
			return
		}
		k := slices.IndexFunc(kinds, func(of []event) bool {
			return of[0].What == e.What && of[0].At == e.At && series(of[0].Path) == series(e.Path) && series(of[0].Target) == series(e.Target)
		})
		if k < 0 {
			k = len(kinds)
			kinds = append(kinds, nil)
		}
		kinds[k] = append(kinds[k], e)
	})
	if len(kinds) == 0 {
		return nil, fmt.Errorf("%w twice: a kill can lose only what was there before", ErrNoCheckpoint)
	}
	random := rand.New(rand.NewPCG(s.options.Seed, 0))
	out := make([]moment, s.options.Kills)
	for i := range out {
		ops := kinds[i%len(kinds)]
		e := ops[random.IntN(len(ops))]
		size := e.Size
		if e.What == "save" {
			size = sizes[e.Op]
		}
		out[i] = moment{op: e}
		if size > 0 {
			out[i].bytes = random.Int64N(size)
		}
	}
	slices.SortFunc(out, func(a, b moment) int {
		if a.op.Op != b.op.Op {
			return a.op.Op - b.op.Op
		}
		return int(a.bytes - b.bytes)
	})
	return out, nil
}

func (m moment) String() string {
	switch m.op.What {
	case "save":
		return fmt.Sprintf("after %d bytes of %s", m.bytes, m.op.Path)
	case "copy":
		return fmt.Sprintf("after %d bytes of the copy to %s", m.bytes, m.op.Target)
	case "rename":
		return fmt.Sprintf("before %s is renamed to %s", m.op.Path, m.op.Target)
	case "remove":
		return fmt.Sprintf("before %s is deleted", m.op.Path)
	}
	return fmt.Sprintf("before the %s of %s", m.op.What, m.op.Path)
}

// kills kills the run again and again, and looks at what each kill leaves.
func (s *session) kills(ctx context.Context, full *run, resumedFrom string) (*KillAnswer, error) {
	counts := full.main().resumable(resumedFrom)
	moments, err := s.moments(full.main(), counts)
	if err != nil {
		return nil, err
	}
	answer := &KillAnswer{Removed: full.main().removedNewest(), Shared: shared(full.logs), Kept: []string{}}
	for _, f := range full.main().lying() {
		answer.Kept = append(answer.Kept, f.path)
		if info, err := os.Stat(filepath.Join(full.dir, f.path)); err == nil {
			answer.Bytes += info.Size()
		}
	}
	look, err := s.newInspector(ctx)
	if err != nil {
		return nil, err
	}
	defer look.close()
	for i, m := range moments {
		loss, found, err := s.killAt(ctx, look, i, len(moments), m, counts)
		if errors.Is(err, errNotKilled) {
			continue
		}
		if err != nil && len(answer.Lost) > 0 {
			break // that one was lost is known
		}
		if err != nil {
			return nil, err
		}
		answer.Kills++
		if loss != nil {
			answer.Lost = append(answer.Lost, *loss)
			continue
		}
		answer.Left++
		if found.WeightsOnly == "" {
			answer.Safe++
		} else {
			answer.Refused = found.WeightsOnly
			if !AtLeast(s.torch, FullCheckpoints) {
				answer.Refused = "torch " + s.torch + " refuses the states of optimizers and schedulers, later versions load them"
			}
		}
	}
	if answer.Kills == 0 {
		return nil, fmt.Errorf("%w, each of %d times: the script does not write its checkpoints twice in the same way", errNotKilled, len(moments))
	}
	answer.Proven = len(answer.Lost) == 0 && len(answer.Removed) == 0 && len(answer.Shared) == 0
	answer.Rules = killRules(answer, !AtLeast(s.torch, FullCheckpoints))
	return answer, nil
}

// killAt kills one run at a moment, and tells the newest checkpoint that loads or how it was lost.
func (s *session) killAt(ctx context.Context, look *inspector, i, of int, m moment, counts func(string) bool) (*Loss, *inspected, error) {
	name := fmt.Sprintf("kill-%d", i+1)
	if err := s.fresh(); err != nil {
		return nil, nil, err
	}
	r, err := s.do(ctx, name, fmt.Sprintf("kill %d of %d", i+1, of), s.options.Command, &kill{Op: m.op.Op, Bytes: m.bytes, Path: m.op.Path})
	if err != nil {
		return nil, nil, err
	}
	if !r.killed() {
		if r.failed != nil {
			return nil, nil, scriptFailed(r)
		}
		return nil, nil, errNotKilled
	}
	found, err := look.at(s.root, r.main().written(counts))
	if err != nil {
		return nil, nil, err
	}
	if s.options.Keep != "" && s.base != "" {
		if _, err := s.setAside(name); err != nil {
			return nil, nil, err
		}
	}
	loss := &Loss{Moment: m.String(), At: m.op.At}
	for _, f := range slices.Backward(found) {
		if f.Any == "" {
			return nil, &f, nil
		}
		if loss.Error == "" {
			loss.Error = f.Any
		}
	}
	return loss, nil, nil
}

// series is what the paths of one series of checkpoints have in common.
func series(path string) string { return digits.ReplaceAllString(path, "#") }

// resumable tells the files that the script would resume from: those of the series that a resume has read, else all but temporary ones,
// which are renamed, or copied and deleted, before the next step.
func (l *runLog) resumable(resumedFrom string) func(path string) bool {
	if resumedFrom != "" {
		return func(path string) bool { return series(path) == series(resumedFrom) }
	}
	temporary, copied := map[string]bool{}, map[string]bool{}
	l.lies(func(e event, lies []lying) {
		if e.What == "copy" || e.What == "link" {
			copied[e.Path] = true
		}
		if e.What != "rename" && (e.What != "remove" || !copied[e.Path]) {
			return
		}
		for _, f := range lies {
			if f.step == e.Step && (f.path == e.Path || strings.HasPrefix(f.path, e.Path+"/")) {
				temporary[series(f.path)] = true
			}
		}
	})
	return func(path string) bool { return !temporary[series(path)] }
}

// written are the files of checkpoints that count to which a run wrote, oldest write first.
func (l *runLog) written(counts func(string) bool) []string {
	var out []string
	add := func(path string) {
		if counts(path) {
			out = append(slices.DeleteFunc(out, func(p string) bool { return p == path }), path)
		}
	}
	l.lies(func(e event, lies []lying) {
		if e.What == "save" {
			add(e.Path)
		}
		for _, f := range lies {
			if rest, ok := strings.CutPrefix(f.path, e.Path); ok && e.Target != "" && (rest == "" || rest[0] == '/') {
				add(e.Target + rest)
			}
		}
	})
	return out
}
