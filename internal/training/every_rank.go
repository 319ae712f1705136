package training

import (
	"regexp"
	"slices"
	"strings"

	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
	"github.com/ckpt-lsp/ckpt-lsp/internal/pysem"
)

// UnsureDirectory is a directory that every rank makes at once by a call that raises where it is there already.
type UnsureDirectory struct {
	Make *Call
	Path *Path
	// Asked says that each rank asks first whether the directory is there.
	Asked bool
	// Several shows that several processes run this.
	Several Processes
}

// UnsureDirectories are those directories. A name that may be another one in each process, a call whose error is caught, and a directory
// that another call makes before are left out.
func (r *Run) UnsureDirectories() []UnsureDirectory {
	f := r.File
	var out []UnsureDirectory
	for i, c := range r.Calls {
		path := f.directoryMade(c)
		if path == nil || f.existsOK(c) || f.Guarded(c.Frame) || caught(c.Frame) || !f.sharedName(path) {
			continue
		}
		several, ok := c.Distributed()
		if !ok || several.Optional(r) || f.madeBefore(path, r.Calls[:i]) {
			continue
		}
		asked := false
		for fr := c.Frame; fr != nil && !asked; fr = fr.Parent {
			asked = fr.Kind == pysem.FrameIf && r.asks(fr, c.Index) != nil
		}
		out = append(out, UnsureDirectory{c, path, asked, several})
	}
	return out
}

// existsOK reports whether a call that makes a directory may do without an error where it is there.
func (f *File) existsOK(c *Call) bool {
	if c.Callee == "os.mkdir" {
		return false
	}
	args := pysem.Args(c.Node)
	n := args.Get(2, "exist_ok")
	if !n.Valid() {
		return args.May()
	}
	truth, known := f.Eval.Eval(n, c.Ctx).Truth()
	return truth || !known
}

// caught reports whether an error at a frame is caught.
func caught(fr *pysem.Frame) bool {
	for ; fr != nil; fr = fr.Parent {
		if fr.Kind == pysem.FrameTry || fr.Kind == pysem.FrameWith && strings.Contains(fr.Node.Child(pyast.FieldFunction).Text(), "suppress") {
			return true
		}
	}
	return false
}

func (f *File) madeBefore(path *Path, calls []*Call) bool {
	for _, c := range calls {
		if made := f.directoryMade(c); made != nil && f.sameName(made, path) {
			return true
		}
	}
	return false
}

// ownWord is in the names of values that each process, or each run, has of its own; what such a value is made of is not in sight. A word in
// the text of a file's name is the same in every process.
var ownWord = regexp.MustCompile(`(?i)te?mp|uuid|host|\bnow\b|date|stamp|strftime|devnull`)

// NamesIn are the names in an expression, without the text of strings.
func NamesIn(n pyast.Node) string {
	var out []string
	for d := range n.Descendants() {
		if d.Kind() == pyast.KindIdentifier {
			out = append(out, d.Text())
		}
	}
	return strings.Join(out, " ")
}

// sharedName reports whether a name is the same in every process, as far as is known.
func (f *File) sharedName(p *Path) bool {
	if p.Rank || p.Buffer || !p.Node.Valid() || p.Value == nil || len(p.Progress) > 0 {
		return false
	}
	for _, a := range p.Value.Alternatives() {
		if !settled(a, 0) || ownWord.MatchString(NamesIn(a.Node)) || f.madeOfRank(a, 0) {
			return false
		}
	}
	names := NamesIn(p.Node)
	return !strings.HasPrefix(p.Pattern, "/dev/") && !ownWord.MatchString(names) && !processWord.MatchString(names)
}

// settled reports whether a value is made of constants and of what the program is given when it starts, and of nothing that is worked out
// where it is not seen, or for one item after another.
func settled(v *pysem.Value, depth int) bool {
	if depth > 6 {
		return false
	}
	switch v.Kind {
	case pysem.Str:
		for _, p := range v.Parts {
			if p.Hole != nil && (ownWord.MatchString(NamesIn(p.Hole.Node)) || !settled(p.Hole, depth+1)) {
				return false
			}
		}
		return true
	case pysem.ParamVal, pysem.Int, pysem.Bool, pysem.Float, pysem.NoneVal:
		return true
	case pysem.Attr, pysem.Item:
		return settled(v.Base, depth+1)
	case pysem.Join:
		for _, a := range v.Elems {
			if !settled(a, depth+1) {
				return false
			}
		}
		return true
	case pysem.Instance:
		return !v.Node.Valid() // self of a class that is made out of sight
	case pysem.Call:
		callee := v.Callee()
		if pathMakers.MatchString(callee) || callee == "os.path.join" {
			return true
		}
		_, method, _ := v.Method()
		return method == "parse_args"
	}
	return false
}

// PlainWrite is a file that every rank opens for writing under one name.
type PlainWrite struct {
	*Call
	Path    *Path
	Several Processes
}

// PlainWrites are those files; checkpoints, which are told of as such, are not among them.
func (r *Run) PlainWrites() []PlainWrite {
	f := r.File
	var out []PlainWrite
	for _, c := range r.Calls {
		if !openers[c.Callee] || f.Guarded(c.Frame) {
			continue
		}
		args := pysem.Args(c.Node)
		if mode, ok := f.Eval.Eval(args.Get(1, "mode"), c.Ctx).Text(); !ok || !strings.Contains(mode, "w") {
			continue
		}
		path := f.path(args.Get(0, "file"), c.Ctx)
		if !path.Known || !f.sharedName(path) || r.savesInto(c) {
			continue
		}
		if several, ok := c.Distributed(); ok && !several.Optional(r) {
			out = append(out, PlainWrite{c, path, several})
		}
	}
	return out
}

// savesInto reports whether a checkpoint is written into the file that a call opens.
func (r *Run) savesInto(open *Call) bool {
	for _, s := range r.Saves {
		for fr := s.Frame; fr != nil; fr = fr.Parent {
			if fr.Kind == pysem.FrameWith && fr.Node == open.Node {
				return true
			}
		}
		if s.Path != nil && s.Path.Value != nil && s.Path.Value.Node == open.Node {
			return true
		}
	}
	return false
}

// EarlyRemoval is a removal by one rank of what other ranks may still write or read, since every rank has just written a file of its own
// beside it and nothing waits for them.
type EarlyRemoval struct {
	Deletion
	Guard Guard
	Save  *SaveSite
}

// EarlyRemovals are those removals.
func (r *Run) EarlyRemovals() []EarlyRemoval {
	f := r.File
	var out []EarlyRemoval
	for _, d := range r.Deletions() {
		guard, ok := f.OneProcess(d.Frame)
		if !ok {
			continue
		}
		for _, s := range r.Saves {
			round := slices.ContainsFunc(r.Loops, func(l *Loop) bool { return l.Holds(s.Index) && l.Holds(d.Index) })
			if !s.Path.Rank || !round || s.Index > d.Index || f.Guarded(s.Frame) || Exclusive(s.Frame, d.Frame) || !sameRoot(f, s.Path, d.Path) {
				continue
			}
			if _, ok := s.Distributed(); ok && !s.waitedFor(d.Index) && !r.meetsBetween(s.Index, d.Index) {
				out = append(out, EarlyRemoval{d, guard, s})
				break
			}
		}
	}
	return out
}

// meetsBetween reports whether all processes may wait for each other between two events.
func (r *Run) meetsBetween(from, to int) bool {
	for _, c := range r.Calls {
		if from < c.Index && c.Index < to && r.File.mayWait(c) && !r.File.OneWriter(c.Frame) {
			return true
		}
	}
	return false
}

// sameRoot reports whether two names begin in one directory.
func sameRoot(f *File, a, b *Path) bool {
	x, y := a.Value.Known(), b.Value.Known()
	if x == nil || y == nil || x.Kind != pysem.Str || y.Kind != pysem.Str {
		return false
	}
	p, q := joined(x.Parts), joined(y.Parts)
	if len(p) == 0 || len(q) == 0 {
		return false
	}
	if p[0].Hole != nil && q[0].Hole != nil {
		return f.named(p[0].Hole).Key() == f.named(q[0].Hole).Key()
	}
	first, _, _ := strings.Cut(p[0].Lit, "/")
	other, _, deeper := strings.Cut(q[0].Lit, "/")
	return first != "" && first == other && deeper
}
