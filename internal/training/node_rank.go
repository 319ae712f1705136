package training

import (
	"regexp"
	"strings"

	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
	"github.com/ckpt-lsp/ckpt-lsp/internal/pysem"
)

// NodeGuard is a test of the rank within the node that a place stands behind.
type NodeGuard struct {
	Guard
	// Asks is the part of the test that asks for the rank, in the function of Ctx: `self.local_rank == 0`.
	Asks pyast.Node
	Ctx  *pysem.Ctx
	// Made is the construction of the object for which the place asks, where the test stands around that: `if saver:`.
	Made pyast.Node
	// Spare says that a test of the rank among all processes stands around it.
	Spare bool
}

// NodeGuard is the innermost test around a frame that one process of each node passes. There is none where the program runs
// on one node, as far as it tells, and where one process of each node is asked for in so many words: rank % gpus_per_node == 0,
// or in place of the main process of all (elif save_on_each_node and local_rank == 0).
func (r *Run) NodeGuard(fr *pysem.Frame) (NodeGuard, bool) {
	f := r.File
	var out NodeGuard
	found, spare := false, false
	for x := fr; x != nil; x = x.Parent {
		if x.Kind == pysem.FrameIf && f.testRank(x.Cond, x.Ctx, !x.Positive) == MainOnly && f.testRank(x.Cond, x.Ctx, x.Positive) == AnyRank {
			return NodeGuard{}, false
		}
	}
	for _, g := range f.Guards(fr) {
		switch {
		case g.Test == NoRanks:
			return NodeGuard{}, false
		case g.Test == MainOnly:
			spare = true
		case g.Test == LocalMain && !found && g.Frame.Kind == pysem.FrameIf:
			asks, ctx := f.asksLocal(g.Frame.Cond, g.Frame.Ctx, g.Frame.Positive, 0)
			var object pyast.Node
			if made := f.madeBehind(g.Frame); !asks.Valid() && made.Test == LocalMain {
				asks, ctx = f.asksLocal(made.Cond, made.Ctx, true, 0)
				object = made.Made
			}
			if !asks.Valid() || !f.withinNode(asks, ctx) || r.oneNode(asks, ctx) {
				return NodeGuard{}, false
			}
			out, found = NodeGuard{Guard: g, Asks: asks, Ctx: ctx, Made: object}, true
		}
	}
	out.Spare = spare
	return out, found
}

// asksLocal is the part of a condition, or of the condition a variable in it holds, that lets one process of each node through.
func (f *File) asksLocal(n pyast.Node, ctx *pysem.Ctx, want bool, depth int) (pyast.Node, *pysem.Ctx) {
	if depth > 8 || f.testRank(n, ctx, want) != LocalMain {
		return pyast.Node{}, nil
	}
	switch n.Kind() {
	case pyast.KindParenthesizedExpression:
		return f.asksLocal(n.Nth(0), ctx, want, depth+1)
	case pyast.KindNotOperator:
		return f.asksLocal(n.Child(pyast.FieldArgument), ctx, !want, depth+1)
	case pyast.KindBooleanOperator:
		for _, side := range []pyast.Node{n.Child(pyast.FieldLeft), n.Child(pyast.FieldRight)} {
			if found, in := f.asksLocal(side, ctx, want, depth+1); found.Valid() {
				return found, in
			}
		}
		return pyast.Node{}, nil
	case pyast.KindIdentifier, pyast.KindAttribute, pyast.KindCall:
		for _, a := range f.Eval.Eval(n, ctx).Alternatives() {
			if a.Node.Valid() && a.Node != n && (a.Kind == pysem.Compare || a.Kind == pysem.Not || a.Kind == pysem.Logic) {
				if found, in := f.asksLocal(a.Node, a.Ctx, want, depth+1); found.Valid() {
					return found, in
				}
			}
		}
	}
	return n, ctx
}

// localWord is in the names of ranks within a node and of the predicates on them.
var localWord = regexp.MustCompile(`(?i)local`)

// withinNode reports whether a rank test asks for the rank within the node, and for nothing else that it may be called after.
func (f *File) withinNode(asks pyast.Node, ctx *pysem.Ctx) bool {
	for n := range asks.Descendants() {
		if n.Kind() == pyast.KindBinaryOperator && n.Child(pyast.FieldOperator).TextIs("%") {
			return false
		}
	}
	if rank := rankOperand(asks); rank.Valid() {
		local := localWord.MatchString(rank.Text())
		for _, a := range f.Eval.Eval(rank, ctx).Alternatives() {
			text := a.Node.Text()
			if _, known := a.Truth(); known {
				return false // a number that nobody sets is no rank
			}
			switch {
			case a.Callee() == "torch.distributed.get_rank", strings.Contains(text, "RANK") && !strings.Contains(text, "LOCAL"):
				return false // local_rank = dist.get_rank()
			case localWord.MatchString(text):
				local = true
			}
		}
		return local
	}
	return localWord.MatchString(asks.Text())
}

// rankOperand is the side of a comparison that is not a constant, none for other tests.
func rankOperand(test pyast.Node) pyast.Node {
	if test.Kind() != pyast.KindComparisonOperator {
		return pyast.Node{}
	}
	for _, side := range []pyast.Node{test.Nth(0), test.Nth(2)} {
		if side.Is(pyast.KindIdentifier, pyast.KindAttribute, pyast.KindCall, pyast.KindSubscript) {
			return side
		}
	}
	return test.Nth(0)
}

// oneNode reports whether the process group shows that there is one node only: the rank tested is the rank in the group, or
// the group is as large as the GPUs of a node.
func (r *Run) oneNode(asks pyast.Node, ctx *pysem.Ctx) bool {
	e := r.File.Eval
	rank := e.Eval(rankOperand(asks), ctx)
	for _, c := range r.Calls {
		if !strings.HasSuffix(c.Callee, "init_process_group") {
			continue
		}
		if v := c.Arg(-1, "rank"); v.Kind != pysem.Unknown && v.Key() == rank.Key() {
			return true
		}
		for _, a := range c.Arg(-1, "world_size").Alternatives() {
			if a.Callee() == "torch.cuda.device_count" {
				return true
			}
		}
	}
	return false
}

// saverName are classes of other files whose objects write checkpoints.
var saverName = regexp.MustCompile(`(?i)(checkpoint|ckpt|model)_?(saver|manager|writer|keeper)$|^saver$`)

// SaverObjects are the constructions of objects of other files that write checkpoints, by their class's name.
func (r *Run) SaverObjects() []*Call {
	e := r.File.Eval
	var out []*Call
	for i, ev := range r.Events {
		if ev.Kind != pysem.EventCall {
			continue
		}
		fn := ev.Node.Child(pyast.FieldFunction)
		args := pysem.Args(ev.Node)
		if !saverName.MatchString(lastPart(fn.Text())) || len(args.Keyword)+len(args.Position) == 0 {
			continue
		}
		switch e.Eval(fn, ev.Ctx).Kind {
		case pysem.FuncVal, pysem.ClassVal, pysem.Instance: // what it writes is in sight
		default:
			out = append(out, &Call{Run: r, Index: i, Node: ev.Node, Ctx: ev.Ctx, Frame: ev.Frame})
		}
	}
	return out
}

// Seen is where an event shows in the function of a context: the event itself, or the call there that leads to it.
func Seen(n pyast.Node, ctx, in *pysem.Ctx) pyast.Node {
	for c := ctx; c != nil; n, c = c.Call, c.Parent {
		if c == in {
			return n
		}
	}
	return n
}
