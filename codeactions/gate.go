package codeactions

import (
	"cmp"
	"fmt"
	"slices"
	"sort"
	"strings"

	"github.com/ckpt-lsp/ckpt-lsp/diagnostics"
	"github.com/ckpt-lsp/ckpt-lsp/internal/bound"
	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
	"github.com/ckpt-lsp/ckpt-lsp/internal/text"
	"github.com/ckpt-lsp/ckpt-lsp/internal/training"
)

// gate is what every fix passes before it is offered: its text parses, each name that it writes has a value where it is written,
// and no name in the rest of the file has one on fewer ways than before.
type gate struct {
	file   *training.File
	trials map[*pyast.Tree]*trial
}

func newGate(file *training.File) *gate { return &gate{file, map[*pyast.Tree]*trial{}} }

func (g *gate) close() {
	for _, t := range g.trials {
		t.close()
	}
}

// mostAlone is how much text is read, in bytes, to judge each fix of a file alone; what is over it is judged together. mostRead is how
// much is read for the fixes of one file at all: a fix that was not judged by then is not offered.
const (
	mostAlone = 1 << 20
	mostRead  = 8 << 20
)

// trial tries edits on one text.
type trial struct {
	tree *pyast.Tree
	read int               // bytes, by all trials of this text
	doc  *pyast.Document   // nil until it is needed
	uses map[int]bound.Use // before the edits, nil until it is needed
}

func (t *trial) close() {
	if t.doc != nil {
		t.doc.Close()
	}
}

// pass reports whether a fix may be offered. A safe one that is not certain to find its names is made unsafe, and says so.
func (g *gate) pass(f *Fix, tree *pyast.Tree) bool {
	var doubts []string
	for _, e := range f.Edits {
		of := tree
		if e.Path != "" {
			if of = g.file.TreeOf(e.Path); of == nil {
				return false
			}
		}
		t := g.trials[of]
		if t == nil {
			t = &trial{tree: of}
			g.trials[of] = t
		}
		v := t.judge([][]text.Edit{e.Edits})
		if v == nil || v[0].fails {
			return false
		}
		doubts = append(doubts, v[0].doubts...)
	}
	f.doubt(doubts)
	return len(f.Edits) > 0
}

// doubt makes a fix unsafe that is not certain to find its names.
func (f *Fix) doubt(doubts []string) {
	if len(doubts) == 0 {
		return
	}
	f.Applicability = min(f.Applicability, diagnostics.Unsafe)
	if f.Why != "" {
		doubts = slices.Insert(doubts, 0, f.Why)
	}
	f.Why = strings.Join(doubts, "; ")
}

// passed are those fixes of a file that may be offered, in their order.
func (g *gate) passed(fixes []Fix, tree *pyast.Tree) []Fix {
	if len(fixes)*len(tree.Source()) <= mostAlone {
		out := fixes[:0]
		for _, f := range fixes {
			if g.pass(&f, tree) {
				out = append(out, f)
			}
		}
		return out
	}
	t := &trial{tree: tree}
	g.trials[tree] = t
	var own []*Fix // those that change this file alone
	may := map[*Fix]bool{}
	for i := range fixes {
		f := &fixes[i]
		if len(f.Edits) == 1 && f.Edits[0].Path == "" {
			own = append(own, f)
		} else {
			may[f] = t.read <= mostRead && g.pass(f, tree)
		}
	}
	t.together(own, func(f *Fix) { may[f] = true })
	var out []Fix
	for i := range fixes {
		if may[&fixes[i]] {
			out = append(out, fixes[i])
		}
	}
	return out
}

// after is the tree of the edited text. One that held errors before may hold them still.
func (t *trial) after(edits []text.Edit) *pyast.Tree {
	if t.tree.HasErrors() {
		after, err := text.Apply(t.tree.Source(), edits)
		if err != nil {
			return nil
		}
		tree, _ := pyast.Parse(after)
		return tree
	}
	if t.doc == nil {
		doc, err := pyast.Open(t.tree.Source())
		if err != nil {
			return nil
		}
		t.doc = doc
	}
	return t.doc.After(edits)
}

// together judges fixes that change this text alone, as many at once as change different places, and hands on those that may be offered.
func (t *trial) together(fixes []*Fix, pass func(*Fix)) {
	for len(fixes) > 0 && t.read <= mostRead {
		var now, later []*Fix
		var taken places
		for _, f := range fixes {
			if taken.take(f.Edits[0].Edits) {
				now = append(now, f)
			} else {
				later = append(later, f)
			}
		}
		t.settle(now, pass)
		fixes = later
	}
}

// settle judges fixes that fit together: where they do not leave a sound text, each half of them.
func (t *trial) settle(fixes []*Fix, pass func(*Fix)) {
	for len(fixes) > 0 && t.read <= mostRead {
		parts := make([][]text.Edit, len(fixes))
		for i, f := range fixes {
			parts[i] = f.Edits[0].Edits
		}
		verdicts := t.judge(parts)
		switch half := len(fixes) / 2; {
		case verdicts == nil && half == 0:
			return
		case verdicts == nil:
			t.settle(fixes[:half], pass)
			fixes = fixes[half:]
			continue
		}
		var sound []*Fix
		for i, f := range fixes {
			if !verdicts[i].fails {
				sound = append(sound, f)
			}
		}
		if len(sound) == len(fixes) {
			for i, f := range fixes {
				f.doubt(verdicts[i].doubts)
				pass(f)
			}
			return
		}
		fixes = sound // without the text of those that fail
	}
}

// places are spans that edits take, by their starts, and the edits that do.
type places struct {
	spans []text.Span
	edits map[text.Edit]bool
}

// take reports whether edits change no place that others change in another way, and takes their places if so.
func (p *places) take(edits []text.Edit) bool {
	at := func(e text.Edit) int {
		i, _ := slices.BinarySearchFunc(p.spans, e.Span, func(s, o text.Span) int { return cmp.Or(s.Start-o.Start, s.End-o.End) })
		return i
	}
	for _, e := range edits {
		i := at(e)
		overlaps := i > 0 && p.spans[i-1].End > e.Start || i < len(p.spans) && p.spans[i].Start < e.End
		if overlaps && !p.edits[e] {
			return false
		}
	}
	if p.edits == nil {
		p.edits = map[text.Edit]bool{}
	}
	for _, e := range edits {
		if !p.edits[e] {
			p.edits[e] = true
			p.spans = slices.Insert(p.spans, at(e), e.Span)
		}
	}
	return true
}

// verdict is what came of one fix of a trial.
type verdict struct {
	fails  bool
	doubts []string // about the names that it writes
}

// place is a name in a function.
type place struct{ path, scope string }

// judge tries the edits of fixes, which fit together, at once: nil where they leave no sound text. Equal edits are made once.
func (t *trial) judge(parts [][]text.Edit) []verdict {
	made := merge(parts)
	t.read += len(t.tree.Source())
	after := t.after(made.edits)
	if after == nil {
		return nil
	}
	if t.uses == nil {
		t.uses = bound.Uses(t.tree)
	}
	// What was there before stays as good as it was, also where it is written anew: text that moves takes its names along.
	moved := make([]map[place]bound.State, len(parts))
	for i := range moved {
		moved[i] = map[place]bound.State{}
	}
	there := map[place]bool{}
	for at, u := range t.uses {
		there[place{u.Path, className(u)}] = true
		for _, i := range made.replacing(at) {
			moved[i][place{u.Path, u.Scope}] |= u.Risk()
		}
	}
	verdicts := make([]verdict, len(parts))
	uses := bound.Uses(after)
	offsets := make([]int, 0, len(uses))
	for at := range uses {
		offsets = append(offsets, at)
	}
	slices.Sort(offsets)
	for _, at := range offsets {
		u := uses[at]
		if u.Risk() == 0 {
			continue
		}
		old, writers := made.origin(at)
		if writers == nil {
			before, here := t.uses[old]
			was := before.Risk()
			if len(parts) == 1 {
				was |= moved[0][place{u.Path, u.Scope}] // one that goes failed first
			}
			if here && u.Risk()&^was != 0 {
				return nil
			}
			continue
		}
		for _, i := range writers {
			v := &verdicts[i]
			was, known := moved[i][place{u.Path, u.Scope}]
			switch {
			case known:
				v.fails = v.fails || u.Risk()&^was != 0
			case u.Open && there[place{u.Path, className(u)}]:
				// It is inherited from what is not at hand: the class reads it elsewhere.
			case u.Sure():
				v.fails = true
			default:
				if d := doubt(u); !slices.Contains(v.doubts, d) {
					v.doubts = append(v.doubts, d)
				}
			}
		}
	}
	return verdicts
}

// merged are the edits of several fixes in the order of the text, with the fixes that make each and where its text comes to stand.
type merged struct {
	edits  []text.Edit
	makers [][]int
	starts []int
}

func merge(parts [][]text.Edit) *merged {
	m := &merged{}
	index := map[text.Edit]int{}
	for i, edits := range parts {
		for k, e := range edits {
			at, known := index[e]
			if !known || slices.Contains(edits[:k], e) { // one fix may insert the same line twice
				at = len(m.edits)
				index[e] = at
				m.edits, m.makers = append(m.edits, e), append(m.makers, nil)
			}
			m.makers[at] = append(m.makers[at], i)
		}
	}
	order := make([]int, len(m.edits))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		return cmp.Or(m.edits[a].Start-m.edits[b].Start, m.edits[a].End-m.edits[b].End)
	})
	edits, makers := make([]text.Edit, len(order)), make([][]int, len(order))
	shift := 0
	for k, i := range order {
		e := m.edits[i]
		edits[k], makers[k] = e, m.makers[i]
		m.starts = append(m.starts, e.Start+shift)
		shift += len(e.New) - e.Len()
	}
	m.edits, m.makers = edits, makers
	return m
}

// replacing are the fixes that replace what stands at an offset of the text before.
func (m *merged) replacing(at int) []int {
	k := sort.Search(len(m.edits), func(k int) bool { return m.edits[k].Start > at }) - 1
	if k < 0 || at >= m.edits[k].End {
		return nil
	}
	return m.makers[k]
}

// origin leads an offset in the edited text back to the text before, or to the fixes that wrote what stands there.
func (m *merged) origin(at int) (before int, writers []int) {
	k := sort.Search(len(m.starts), func(k int) bool { return m.starts[k] > at }) - 1
	switch {
	case k < 0:
		return at, nil
	case at < m.starts[k]+len(m.edits[k].New):
		return 0, m.makers[k]
	}
	return at - m.starts[k] - len(m.edits[k].New) + m.edits[k].End, nil
}

func className(u bound.Use) string { return u.Class.Child(pyast.FieldName).Text() }

// doubt says what is not certain about a name.
func doubt(u bound.Use) string {
	switch {
	case u.Risk()&bound.Unbound == 0 && u.Under != "":
		return fmt.Sprintf("`%s` is None unless `%s`", u.Path, u.Under)
	case u.Risk()&bound.Unbound == 0:
		return fmt.Sprintf("`%s` may be None here", u.Path)
	case u.Under != "":
		return fmt.Sprintf("`%s` exists only under `%s`", u.Path, u.Under)
	case u.Loop:
		return fmt.Sprintf("`%s` exists only if its loop makes a round", u.Path)
	}
	return fmt.Sprintf("`%s` may not exist here", u.Path)
}
