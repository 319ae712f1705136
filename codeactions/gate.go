package codeactions

import (
	"cmp"
	"fmt"
	"slices"
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

// trial tries edits on one text.
type trial struct {
	tree *pyast.Tree
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
		more, ok := t.judge(e.Edits)
		if !ok {
			return false
		}
		doubts = append(doubts, more...)
	}
	if len(doubts) > 0 {
		f.Applicability = min(f.Applicability, diagnostics.Unsafe)
		if f.Why != "" {
			doubts = slices.Insert(doubts, 0, f.Why)
		}
		f.Why = strings.Join(doubts, "; ")
	}
	return len(f.Edits) > 0
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

// judge reports whether edits leave a sound text, and what is not certain about the names that they write.
func (t *trial) judge(edits []text.Edit) (doubts []string, ok bool) {
	after := t.after(edits)
	if after == nil {
		return nil, false
	}
	if t.uses == nil {
		t.uses = bound.Uses(t.tree)
	}
	type place struct{ path, scope string }
	// What was there before stays as good as it was, also where it is written anew: text that moves takes its names along.
	moved := map[place]bound.State{}
	there := map[place]bool{}
	for at, u := range t.uses {
		there[place{u.Path, className(u)}] = true
		if slices.ContainsFunc(edits, func(e text.Edit) bool { return e.Start <= at && at < e.End }) {
			moved[place{u.Path, u.Scope}] |= u.Risk()
		}
	}
	back := origin(edits)
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
		was, known := bound.State(0), false
		if old, kept := back(at); kept {
			before, here := t.uses[old]
			if !here {
				continue
			}
			was, known = before.Risk()|moved[place{u.Path, u.Scope}], true // one that goes failed first
		} else {
			was, known = moved[place{u.Path, u.Scope}]
		}
		switch {
		case known && u.Risk()&^was != 0:
			return nil, false
		case known:
		case u.Open && there[place{u.Path, className(u)}]:
			// It is inherited from what is not at hand: the class reads it elsewhere.
		case u.Sure():
			return nil, false
		default:
			if d := doubt(u); !slices.Contains(doubts, d) {
				doubts = append(doubts, d)
			}
		}
	}
	return doubts, true
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

// origin leads an offset in the edited text back to the text before; kept is false for what the edits wrote.
func origin(edits []text.Edit) func(at int) (before int, kept bool) {
	sorted := slices.SortedStableFunc(slices.Values(edits), func(a, b text.Edit) int { return cmp.Or(a.Start-b.Start, a.End-b.End) })
	return func(at int) (int, bool) {
		shift := 0
		for _, e := range sorted {
			start := e.Start + shift
			if at < start {
				break
			}
			if at < start+len(e.New) {
				return 0, false
			}
			shift += len(e.New) - e.Len()
		}
		return at - shift, true
	}
}
