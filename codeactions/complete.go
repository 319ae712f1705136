package codeactions

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ckpt-lsp/ckpt-lsp/diagnostics"
	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
	"github.com/ckpt-lsp/ckpt-lsp/internal/pysem"
	"github.com/ckpt-lsp/ckpt-lsp/internal/text"
	"github.com/ckpt-lsp/ckpt-lsp/internal/training"
)

// missing is one thing a checkpoint lacks: what to write into the dict, and how to take it back.
type missing struct {
	diagnostic int
	remedy     diagnostics.CompleteCheckpoint
}

// random says that a generator's state is missing.
func (m missing) random() bool { return len(m.remedy.RNG) > 0 || isGenerator(m.remedy.Object) }

// drawsAnew is why the restoring of generators is not safe.
const drawsAnew = "a resumed run then draws different numbers"

// completeCheckpoint composes all that is missing from one save into one fix: first what is safe, then, where more is missing,
// a second fix with everything.
func completeCheckpoint(file *training.File, mod *pysem.Module, save *training.SaveSite, ds []diagnostics.Diagnostic) []Fix {
	_, distributed := save.Distributed()
	var all, safe []missing
	random := false
	for i, d := range ds {
		for _, r := range d.Remedies {
			c, ok := r.(diagnostics.CompleteCheckpoint)
			if !ok || saveID(c.Save) != saveID(save) {
				continue
			}
			m := missing{i, c}
			// Rank 0's states on every rank would give all ranks one stream: where several processes train, they are not saved.
			if m.random() && distributed {
				continue
			}
			alone, ok := complete(file, mod, []missing{m})
			if !ok {
				continue
			}
			all = append(all, m)
			random = random || m.random()
			if !m.random() && len(alone.doubts) == 0 {
				safe = append(safe, m)
			}
		}
	}
	var out []Fix
	if len(safe) > 0 {
		if c, ok := complete(file, mod, safe); ok && len(c.doubts) == 0 {
			c.fix.Title, c.fix.Applicability = "Complete this checkpoint", diagnostics.Safe
			out = append(out, c.fix)
		}
	}
	if len(safe) < len(all) || len(safe) > len(out) && len(out) == 0 {
		if c, ok := complete(file, mod, all); ok {
			c.fix.Title, c.fix.Applicability = "Complete this checkpoint", diagnostics.Unsafe
			why := c.doubts
			if random {
				why = append([]string{drawsAnew}, why...)
				switch {
				case slices.ContainsFunc(all, func(m missing) bool { return !m.random() }):
					c.fix.Title = "Complete this checkpoint, random states included"
				case c.restored:
					c.fix.Title = "Save and restore the random states"
				default:
					c.fix.Title = "Save the random states"
				}
			}
			c.fix.Why = strings.Join(why, "; ")
			out = append(out, c.fix)
		}
	}
	return out
}

// isGenerator says that an object is a generator, whose state decides what a resumed run draws.
func isGenerator(o *training.Object) bool { return o != nil && o.Kind == training.Generator }

// completion is a fix that completes a checkpoint.
type completion struct {
	fix Fix
	// restored says that a generator's state is taken back; doubts say what keeps the fix from being safe.
	restored bool
	doubts   []string
}

// complete writes what is missing into the checkpoint, and what takes it back where it is loaded, be that in another file.
func complete(file *training.File, mod *pysem.Module, parts []missing) (c completion, ok bool) {
	save, load := parts[0].remedy.Save, parts[0].remedy.Load
	if !writable(save) {
		return c, false
	}
	p := &pages{file: file, home: newSheet(file, mod)}
	w := &checkpointWriter{sheet: p.of(save.Dict.Literal), pages: p, save: save, ctxs: contexts(file, save), taken: map[string]bool{}}
	if w.sheet == nil {
		return c, false
	}
	for _, x := range save.Components {
		w.taken[x.Key] = true
	}
	var entries []entry
	for _, m := range parts {
		if o := m.remedy.Object; o != nil && slices.ContainsFunc(entries, func(e entry) bool { return e.object.Same(o) }) {
			c.fix.Resolves = append(c.fix.Resolves, m.diagnostic) // missing from several checkpoints that one function writes
			continue
		}
		es, ok := w.entries(m.remedy)
		if !ok {
			continue
		}
		c.fix.Resolves = append(c.fix.Resolves, m.diagnostic)
		entries = append(entries, es...)
	}
	if len(entries) == 0 {
		return c, false
	}
	w.write(entries)
	if after := save.StepAfter(); after != nil && slices.ContainsFunc(entries, func(e entry) bool { return after.Object.Same(e.object) }) && !p.stepFirst(save, after) {
		c.doubts = append(c.doubts, fmt.Sprintf("the state is saved before the epoch's `%s.step()`, so that a resumed run is one step behind", after.Object.Name))
	}
	for _, e := range entries {
		if e.doubt != "" && !slices.Contains(c.doubts, e.doubt) {
			c.doubts = append(c.doubts, e.doubt)
		}
	}
	var left []string
	switch {
	case load == nil:
		c.doubts = append(c.doubts, "no load that restores it was found")
	default:
		r := newRestorer(p, load)
		r.save = save
		for _, e := range entries {
			if !slices.ContainsFunc(load.Restores, func(x *training.Restore) bool { return x.Key == e.key }) {
				r.add(e)
			}
		}
		r.write()
		c.restored = r.setRNG
		for _, e := range r.left {
			left = append(left, fmt.Sprintf("`%s`", e.key))
		}
		if len(left) > 0 {
			c.doubts = append(c.doubts, fmt.Sprintf("what restores %s must be written by hand, where %s loads the file", strings.Join(left, ", "), p.place(load.Node)))
		}
	}
	c.fix = p.fix(c.fix)
	return c, true
}

// writable says that entries can be added to what a save writes: a dict that is written out. Fields of a class are not made by giving
// its constructor more keywords, a distributed checkpoint is restored into a dict that needs the entry too, and where a method
// gives the dict no load is seen.
func writable(save *training.SaveSite) bool {
	if save.Kind != training.PayloadDict || save.Dict == nil || !save.Dict.Literal.Valid() || save.Collective || save.Given {
		return false
	}
	lit := save.Dict.Literal
	return lit.Kind() == pyast.KindDictionary || lit.Kind() == pyast.KindCall && lit.Child(pyast.FieldFunction).TextIs("dict")
}

// contexts are those in which the dict of a save is made.
func contexts(file *training.File, save *training.SaveSite) []*pysem.Ctx {
	var out []*pysem.Ctx
	for _, s := range file.Saves() {
		if saveID(s) == saveID(save) && !slices.Contains(out, s.Ctx) {
			out = append(out, s.Ctx)
		}
	}
	if len(out) == 0 {
		out = append(out, save.Ctx)
	}
	return out
}

// pages are the files that one fix changes.
type pages struct {
	file   *training.File
	home   *sheet // of the file the fix is asked for
	others []*sheet
}

// of is the sheet of the file that a node stands in, nil where that is not at hand.
func (p *pages) of(n pyast.Node) *sheet {
	if n.Tree() == p.home.mod.Tree {
		return p.home
	}
	for _, s := range p.others {
		if s.mod.Tree == n.Tree() {
			return s
		}
	}
	mod := p.file.ModuleOf(n.Tree())
	if mod == nil {
		return nil
	}
	s := newSheet(p.file, mod)
	p.others = append(p.others, s)
	return s
}

// fix is what was written on all pages as one fix.
func (p *pages) fix(f Fix) Fix {
	f = p.home.fix(f)
	if len(f.Edits[0].Edits) == 0 {
		f.Edits = nil
	}
	for _, s := range p.others {
		s.early()
		if edits := append(s.heads, s.edits...); len(edits) > 0 {
			f.Edits = append(f.Edits, FileEdits{Path: s.mod.Path, Edits: edits})
		}
	}
	return f
}

// place names the line that a node stands in, with its file where that is another than the fix's.
func (p *pages) place(n pyast.Node) string {
	line := text.NewLineIndex(n.Tree().Source()).Line(n.Start()) + 1
	if mod := p.file.ModuleOf(n.Tree()); mod != nil && mod != p.home.mod {
		return fmt.Sprintf("line %d of %s", line, mod.Path[strings.LastIndexAny(mod.Path, `/\`)+1:])
	}
	return fmt.Sprintf("line %d", line)
}

// stepFirst moves the scheduler's step in front of the save that would store its state before it, where nothing between the two
// places has to do with the learning rate.
func (p *pages) stepFirst(save *training.SaveSite, step *training.Step) bool {
	body := save.EpochLoop.Node.Child(pyast.FieldBody)
	s := p.of(body)
	from, moved := inBody(save.Node, save.Ctx, body), inBody(step.Node, step.Ctx, body)
	if s == nil || !from.Valid() || !moved.Valid() || moved.Start() < from.Start() {
		return false
	}
	if made := inBody(save.Dict.Literal, save.Ctx, body); made.Valid() && made.Start() < from.Start() {
		from = made
	}
	call := moved.Nth(0)
	if moved.Kind() != pyast.KindExpressionStatement || call.Kind() != pyast.KindCall || call.Child(pyast.FieldFunction).Kind() != pyast.KindAttribute || !s.ownLine(moved) || !s.ownLine(from) && !from.Is(pyast.KindIfStatement) {
		return false
	}
	scheduler := call.Child(pyast.FieldFunction).Child(pyast.FieldObject).Text()
	fn := s.mod.Scope(body)
	for n := from; n != moved; n = n.Next() {
		for d := range n.Descendants() {
			if d.TextIs(scheduler) || d.TextIs("param_groups") {
				return false
			}
		}
		for d := range call.Child(pyast.FieldArguments).Descendants() {
			for _, def := range fn.Defs(d.Text()) {
				if n.Encloses(def.Node) {
					return false // what the step is given is not known before
				}
			}
		}
	}
	start := lineStart(s.src, moved.Start())
	s.insert(lineStart(s.src, from.Start()), string(s.src[start:lineEnd(s.src, moved.End())])+s.newline)
	s.replace(text.Span{Start: start, End: nextLine(s.src, moved.End())}, "")
	return true
}
