package training

import (
	"regexp"
	"slices"

	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
	"github.com/ckpt-lsp/ckpt-lsp/internal/pysem"
	"github.com/ckpt-lsp/ckpt-lsp/internal/torch"
)

// DivergentTest is a test of the file system that each process makes for itself, with a call on one of its branches that all
// processes must make, while one of them changes the answer.
type DivergentTest struct {
	// Asks is the call that asks; Path the file it asks for.
	Asks *Call
	Path *Path
	// Joint is the call that all must make; Change the one by which a process makes or removes the file before the others are sure
	// to have asked.
	Joint, Change *Call
	// What is how messages call Joint. Sure says that Change makes or removes the file at once, rather than a function that is
	// handed its name.
	What string
	Sure bool
	// Several shows that several processes run this.
	Several Processes
}

var (
	asksFile    = regexp.MustCompile(`^os\.path\.(exists|lexists|isfile|isdir)$`)
	asksMethod  = regexp.MustCompile(`^(exists|is_file|is_dir)$`)
	removesFile = regexp.MustCompile(`^(os\.(remove|unlink|rmdir|removedirs|rename|replace)|shutil\.(rmtree|move))$`)
	readsFile   = regexp.MustCompile(`(?i)load|read|open|parse|info|warn|debug|print|log|exist|resume|restore`)
)

// DivergentTests are those tests, one for each call that all must make.
func (r *Run) DivergentTests() []DivergentTest {
	f := r.File
	joint := r.joint()
	var out []DivergentTest
	for i, g := range joint {
		if g.OwnGroup() || len(f.Guards(g.Frame)) > 0 {
			continue
		}
		for fr := g.Frame; fr != nil; fr = fr.Parent {
			if fr.Kind != pysem.FrameIf {
				continue
			}
			asks := r.asks(fr, g.Index)
			if asks == nil || r.answered(fr, joint, i) {
				continue
			}
			t := DivergentTest{Asks: asks, Path: f.asked(asks), Joint: g.Call, What: g.What}
			if several, ok := g.Distributed(); ok && r.changed(&t, fr) {
				t.Several = several
				out = append(out, t)
				break
			}
		}
	}
	return out
}

// joint are the calls that every process must make, the wrapping of a model in DDP among them, in order.
func (r *Run) joint() []GroupCall {
	out := r.GroupCalls()
	for _, c := range r.Calls {
		if ddpClass.MatchString(c.Callee) {
			out = append(out, GroupCall{Call: c, Kind: torch.Exchange, Certain: true, What: "DistributedDataParallel"})
		}
	}
	slices.SortStableFunc(out, func(a, b GroupCall) int { return a.Index - b.Index })
	return out
}

// asks is the call in the condition of a frame that asks the file system, or the one that a variable in it holds.
func (r *Run) asks(fr *pysem.Frame, before int) *Call {
	node := asking(fr.Cond, fr.Positive)
	if node.Is(pyast.KindIdentifier, pyast.KindAttribute) {
		v := r.File.Eval.Eval(node, fr.Ctx)
		if v.Kind != pysem.Call {
			return nil
		}
		node = v.Node
	}
	for _, c := range r.Calls {
		if c.Node == node && c.Index < before && r.File.asked(c) != nil {
			return c
		}
	}
	return nil
}

// asking is the operand that decides, whatever else a condition says, when it holds (want) or does not: one of those that are joined
// by `and`, or by `or`. There is none where the others may decide alone.
func asking(cond pyast.Node, want bool) pyast.Node {
	switch cond.Kind() {
	case pyast.KindParenthesizedExpression:
		return asking(cond.Nth(0), want)
	case pyast.KindNotOperator:
		return asking(cond.Child(pyast.FieldArgument), !want)
	case pyast.KindBooleanOperator:
		if cond.Child(pyast.FieldOperator).TextIs("and") != want {
			return pyast.Node{}
		}
		for _, side := range []pyast.Node{cond.Child(pyast.FieldLeft), cond.Child(pyast.FieldRight)} {
			if n := asking(side, want); n.Kind() == pyast.KindCall {
				return n
			}
		}
		return pyast.Node{}
	}
	return cond
}

// asked is the file that a call asks for, nil for other calls.
func (f *File) asked(c *Call) *Path {
	switch {
	case asksFile.MatchString(c.Callee):
		return f.path(pysem.Args(c.Node).Get(0, "path"), c.Ctx)
	case c.Callee == "" && asksMethod.MatchString(c.Method) && c.Recv.Valid():
		return f.path(c.Recv, c.Ctx)
	}
	return nil
}

// Derived reports whether a save outside training keeps what is worked out where its file is not there yet, or cannot be read, so that the
// next run reads it.
func (s *SaveSite) Derived() bool {
	for fr := s.Frame; fr != nil && s.Loop == nil; fr = fr.Parent {
		if fr.Kind == pysem.FrameExcept && s.Run.triedToLoad(fr.Node.Parent(), s.Path) {
			return true
		}
		if fr.Kind != pysem.FrameIf {
			continue
		}
		if asks := s.Run.asks(fr, s.Index); asks != nil && SamePath(s.Run.File.asked(asks), s.Path) {
			return true
		}
	}
	return false
}

// triedToLoad reports whether the body of a try statement loads a file.
func (r *Run) triedToLoad(try pyast.Node, file *Path) bool {
	return slices.ContainsFunc(r.Loads, func(l *LoadSite) bool {
		return try.Child(pyast.FieldBody).Encloses(l.Node) && SamePath(l.Path, file)
	})
}

// answered reports whether the other branch of a test makes a call that all must make, too, or another one stands in front of the
// call on its own branch.
func (r *Run) answered(fr *pysem.Frame, joint []GroupCall, i int) bool {
	for j, o := range joint {
		if Exclusive(o.Frame, joint[i].Frame) || j < i && inside(o.Frame, fr) {
			return true
		}
	}
	return false
}

// inside reports whether a frame stands in another one, on the same side of its test.
func inside(fr, in *pysem.Frame) bool {
	for ; fr != nil; fr = fr.Parent {
		if fr.Node == in.Node && fr.Ctx == in.Ctx && fr.Positive == in.Positive {
			return true
		}
	}
	return false
}

// changed finds the call that changes the answer: on the branch, by whichever rank gets there first, or in front of the test, by
// some ranks only; with no call between it and the question in which the processes wait for each other.
func (r *Run) changed(t *DivergentTest, branch *pysem.Frame) bool {
	f := r.File
	for _, c := range r.Calls {
		here := c.Index > t.Asks.Index && c.Index < t.Joint.Index && inside(c.Frame, branch)
		if !here && (c.Index > t.Asks.Index || len(f.Guards(c.Frame)) == 0 || Exclusive(c.Frame, t.Asks.Frame)) {
			continue
		}
		if f.directoryMade(c) != nil && asksForFile.MatchString(calledName(t.Asks.Node)) {
			continue
		}
		touches, sure := f.touches(c, t.Path)
		if !touches || r.meets(min(c.Index, t.Asks.Index), max(c.Index, t.Asks.Index)) {
			continue
		}
		t.Change, t.Sure = c, sure
		return true
	}
	return false
}

// asksForFile are questions that a directory of the name does not answer.
var asksForFile = regexp.MustCompile(`^(isfile|is_file)$`)

// meets reports whether the processes may wait for each other between two events.
func (r *Run) meets(from, to int) bool {
	return slices.ContainsFunc(r.Calls, func(c *Call) bool {
		return c.Index > from && c.Index < to && (r.File.mayWait(c) || joins.MatchString(lastPart(c.Callee)) || r.steps(c.Index))
	})
}

// touches reports whether a call makes or removes a file, for sure or as a function that is handed its name.
func (f *File) touches(c *Call, file *Path) (touches, sure bool) {
	if to := f.written(c); to != nil && f.sameName(to, file) {
		return true, true
	}
	if made := f.directoryMade(c); made != nil && (f.sameName(made, file) || f.liesIn(made, file)) {
		return true, true
	}
	args := pysem.Args(c.Node)
	if removesFile.MatchString(c.Callee) || c.Callee == "" && (c.Method == "unlink" || c.Method == "touch" || c.Method == "rmdir") {
		for _, n := range append(args.Position, c.Recv) {
			if n.Valid() && f.denotes(n, c.Ctx, file) {
				return true, true
			}
		}
		return false, false
	}
	if looksOnly.MatchString(c.Callee) || readsFile.MatchString(calledName(c.Node)) || asksPath.MatchString(c.Method) {
		return false, false
	}
	for _, n := range args.Position {
		if p := f.path(n, c.Ctx); p.Value != nil && p.Value.Kind != pysem.Unknown && f.sameName(p, file) {
			return true, false
		}
	}
	return false, false
}
