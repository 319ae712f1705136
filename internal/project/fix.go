package project

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/ckpt-lsp/ckpt-lsp/codeactions"
	"github.com/ckpt-lsp/ckpt-lsp/diagnostics"
	"github.com/ckpt-lsp/ckpt-lsp/internal/text"
)

// mostRounds bounds how often files are fixed and analysed again; fixes that need more undo each other.
const mostRounds = 20

// Fixed is what became of one file.
type Fixed struct {
	// Before and After are the analyses of the first text and of the one it came to, which are one where nothing changed.
	Before, After *Analysis
	// Cleared counts the findings that fixes cleared.
	Cleared int
	// Err says why fixes could not be applied; After is then Before.
	Err error
	// Partners are the indices of the files that a fix changed together with this one.
	Partners []int
}

// Changed reports whether the text is another than before.
func (f *Fixed) Changed() bool {
	return f.Before.Source != nil && f.After.Source != nil && !bytes.Equal(f.Before.Source.Text, f.After.Source.Text)
}

// Undo gives up what fixes made of a file, for a reason, and of its partners: a fix is made as a whole or not at all.
func Undo(fixed []Fixed, i int, reason error) {
	f := &fixed[i]
	f.Err, f.After, f.Cleared = reason, f.Before, 0
	for _, o := range f.Partners {
		if fixed[o].Err == nil {
			Undo(fixed, o, fmt.Errorf("a fix that changes %s too was not applied: %w", f.Before.Path, reason))
		}
	}
}

// Fix applies the fixes of at least the given applicability to files of a program that are analysed together, round after round
// until nothing changes; no file is written. Where safe fixes are asked for, one that makes way for a new error or warning is not
// applied: it is found by applying one at a time from there on. It fails with the context.
func (x *Index) Fix(ctx context.Context, p *Program, paths []string, atLeast diagnostics.Applicability) ([]Fixed, error) {
	first, err := x.AnalyzeAll(ctx, p, paths)
	if err != nil {
		return nil, err
	}
	out := make([]Fixed, len(paths))
	open := make([]int, 0, len(paths)) // the files that may need another round
	for i, a := range first {
		out[i] = Fixed{Before: a, After: a}
		if len(a.Diagnostics) > 0 {
			open = append(open, i)
		}
	}
	most := mostRounds
	choice := choice{atLeast: atLeast, refused: map[string]bool{}}
	applied := false // something since fixes were refused first
	reached := newReached()
	for round := 0; len(open) > 0; round++ {
		before := slices.Clone(out)
		edits, titles := choice.edits(out, open, paths)
		changed := false
		next := map[int]*text.Source{}
		for i := range out {
			f := &out[i]
			if len(edits[i]) == 0 || f.Err != nil {
				continue
			}
			src, err := f.After.Source.Edit(edits[i])
			switch {
			case err != nil:
				f.Err = fmt.Errorf("the fixes do not fit together (last: %q): %w; please report it with this file", titles[i], err)
			case bytes.Equal(src.Text, f.After.Source.Text):
				continue
			case round >= most:
				f.Err = fmt.Errorf("the fixes did not settle after %d rounds and were not applied; please report it with this file", mostRounds)
			default:
				next[i] = src
			}
			changed = true
		}
		if round < most && reached.again(next, out) { // a fix undoes what others did
			most = choice.refuse(most)
			out = before
			continue
		}
		for i, src := range next {
			p = p.With(paths[i], src, nil)
		}
		p = undone(p, paths, out)
		if !changed && applied && len(choice.refused) > 0 {
			choice.refused, applied = map[string]bool{}, false // what was refused may do no harm by now
			continue
		}
		if !changed {
			break
		}
		if err := x.again(ctx, p, paths, out); err != nil {
			return nil, err
		}
		p = undone(p, paths, out)
		if atLeast == diagnostics.Safe && len(Introduced(allOf(before), allOf(out))) > 0 {
			most = choice.refuse(most)
			reached.back()
			for i := range out { // in a program that comes later: what is known of a later one stays
				if from := before[i].After; out[i].After.Source != from.Source {
					p = p.With(paths[i], from.Source, from.Tree)
				}
			}
			out = before
			if err := x.again(ctx, p, paths, out); err != nil {
				return nil, err
			}
		} else {
			applied = true
		}
		open = open[:0]
		for i := range out {
			if out[i].Err == nil && len(out[i].After.Diagnostics) > 0 {
				open = append(open, i)
			}
		}
	}
	return out, nil
}

// undone gives the files whose fixes failed, and their partners, the text back that they had.
func undone(p *Program, paths []string, out []Fixed) *Program {
	for i := range out {
		if out[i].Err != nil {
			Undo(out, i, out[i].Err)
		}
	}
	for i := range out {
		if src, _ := p.Unit(paths[i]).Source(); out[i].Err != nil && src != out[i].Before.Source {
			p = p.With(paths[i], out[i].Before.Source, out[i].Before.Tree)
		}
	}
	return p
}

// allOf is all that is found in the texts that files have come to, with what a baseline holds: a fix changes lines, and what stands in
// them is then no old finding any more.
func allOf(out []Fixed) []diagnostics.Diagnostic {
	var all []diagnostics.Diagnostic
	for _, f := range out {
		all = append(all, f.After.all()...)
	}
	return all
}

// Introduced are the errors and warnings of rules that have more to say after fixes than before.
func Introduced(before, after []diagnostics.Diagnostic) []diagnostics.Diagnostic {
	said := map[string]int{}
	for _, d := range before {
		said[d.Rule.Code]++
	}
	var out []diagnostics.Diagnostic
	for _, d := range after {
		if said[d.Rule.Code]--; said[d.Rule.Code] < 0 && d.Severity >= diagnostics.Warning {
			out = append(out, d)
		}
	}
	return out
}

// edited is the program with the edits of a fix of the file at a path; ok is false where one does not fit its text.
func (p *Program) edited(path string, edits []codeactions.FileEdits) (_ *Program, ok bool) {
	next := p
	for _, e := range edits {
		name := cmp.Or(e.Path, path)
		src, _ := p.Unit(name).Source()
		after, err := src.Edit(e.Edits)
		if err != nil {
			return nil, false
		}
		next = next.With(name, after, nil)
	}
	return next, true
}

// Introduces are the errors and warnings that one fix of a file makes way for, in the files that it changes. It fails only with the
// context.
func (x *Index) Introduces(ctx context.Context, p *Program, path string, f codeactions.Fix) ([]diagnostics.Diagnostic, error) {
	own := x.CloneFor(p)
	next, ok := p.edited(path, f.Edits)
	if !ok {
		return nil, ctx.Err()
	}
	found := func(p *Program) (out []diagnostics.Diagnostic, err error) {
		for _, e := range f.Edits {
			a, err := own.Analyze(ctx, p, cmp.Or(e.Path, path))
			if err != nil {
				return nil, err
			}
			out = append(out, a.all()...)
		}
		return out, nil
	}
	before, err := found(p)
	if err != nil {
		return nil, err
	}
	after, err := found(next)
	return Introduced(before, after), err
}

// mostSingle bounds the rounds in which one fix each is applied.
const mostSingle = 100

// choice is what fixes are applied.
type choice struct {
	atLeast diagnostics.Applicability
	// refused are fixes that are left out; single says that each round makes one fix; made are those of the last round.
	refused map[string]bool
	single  bool
	made    []string
}

// refuse leaves the fix of the last round out; where there were several, each is made alone from now on. It gives the number of rounds that
// there may be.
func (c *choice) refuse(most int) int {
	if len(c.made) == 1 {
		c.refused[c.made[0]] = true
		return most
	}
	c.single = true
	return most + mostSingle
}

// reached are the texts that files came to together, by what they changed to.
type reached struct {
	now  map[int][sha256.Size]byte
	last map[int][sha256.Size]byte // before the last round
	seen map[string]bool
}

func newReached() *reached {
	r := &reached{now: map[int][sha256.Size]byte{}, seen: map[string]bool{}}
	r.seen[r.key()] = true
	return r
}

func (r *reached) key() string { return fmt.Sprint(r.now) }

// again reports whether files that change came to the same texts before. Otherwise it is noted that they did now.
func (r *reached) again(next map[int]*text.Source, out []Fixed) bool {
	if len(next) == 0 {
		return false
	}
	r.last = maps.Clone(r.now)
	for i, src := range next {
		if bytes.Equal(src.Text, out[i].Before.Source.Text) {
			delete(r.now, i)
			continue
		}
		r.now[i] = sha256.Sum256(src.Text)
	}
	if r.seen[r.key()] {
		r.now = r.last
		return true
	}
	r.seen[r.key()] = true
	return false
}

// back says that the last round is taken back. What it came to may be come to again, by way of others.
func (r *reached) back() {
	delete(r.seen, r.key())
	r.now = r.last
}

// name tells a fix from others, also where the text around it changes.
func name(path string, f codeactions.Fix) string {
	var b strings.Builder
	b.WriteString(path + "\n" + f.Title)
	for _, file := range f.Edits {
		for _, e := range file.Edits {
			b.WriteString("\n" + e.New)
		}
	}
	return b.String()
}

// edits are those of one round by file, and the title of the last fix of each. A fix that changes several files is taken as a whole
// or not at all: where all of them are to be fixed, and nothing else of the round changes the same places.
func (c *choice) edits(out []Fixed, open []int, paths []string) (edits [][]text.Edit, titles []string) {
	c.made = nil
	at := make(map[string]int, len(paths))
	for i, path := range paths {
		at[absolute(path)] = i
	}
	edits, titles = make([][]text.Edit, len(paths)), make([]string, len(paths))
	for _, i := range open {
		if out[i].Err != nil {
			continue
		}
		resolved := map[int]bool{}
		offered := slices.DeleteFunc(out[i].After.Fixes(), func(f codeactions.Fix) bool { return c.refused[name(paths[i], f)] })
	next:
		for _, fix := range codeactions.Compatible(offered, c.atLeast) {
			if c.single && len(c.made) > 0 {
				break
			}
			var files []int
			for _, e := range fix.Edits {
				to, ok := i, true
				if e.Path != "" {
					to, ok = at[absolute(e.Path)]
				}
				if !ok || out[to].Err != nil || out[to].After.Source == nil || !out[to].After.Source.Accepts(e.Edits) || overlap(edits[to], e.Edits) {
					continue next
				}
				files = append(files, to)
			}
			c.made = append(c.made, name(paths[i], fix))
			for k, e := range fix.Edits {
				edits[files[k]] = append(edits[files[k]], e.Edits...)
				titles[files[k]] = fix.Title
			}
			for _, a := range files {
				for _, b := range files {
					if a != b && !slices.Contains(out[a].Partners, b) {
						out[a].Partners = append(out[a].Partners, b)
					}
				}
			}
			for _, r := range fix.Resolves {
				resolved[r] = true
			}
		}
		out[i].Cleared += len(resolved)
	}
	return edits, titles
}

// overlap says that edits change what others change already.
func overlap(taken, edits []text.Edit) bool {
	return slices.ContainsFunc(edits, func(e text.Edit) bool {
		return slices.ContainsFunc(taken, func(t text.Edit) bool { return e.Span.Overlaps(t.Span) })
	})
}

// again analyses anew what an edit may have changed.
func (x *Index) again(ctx context.Context, p *Program, paths []string, out []Fixed) error {
	stale := x.Stale(p)
	if err := x.Refresh(ctx, p, stale); err != nil {
		return err
	}
	for i, path := range paths {
		src, _ := p.Unit(path).Source()
		if src == out[i].After.Source && !slices.Contains(stale, absolute(path)) && len(out[i].After.Diagnostics) == 0 {
			continue
		}
		a, err := x.Known(ctx, p, path)
		if err != nil {
			return err
		}
		if a.Tree == nil || a.Tree.HasErrors() && out[i].Before.Tree != nil && !out[i].Before.Tree.HasErrors() {
			if out[i].After.Source != src {
				out[i].Err = fmt.Errorf("a fix would have broken the syntax and was not applied; please report it with this file")
				continue
			}
		}
		out[i].After = a
	}
	return nil
}
