package training

import (
	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
	"github.com/ckpt-lsp/ckpt-lsp/internal/pysem"
)

// Leading is the node in the function of a context that leads to an event of another one: the call of the helper that the event stands
// in, or the event's own node where it stands in that function itself.
func Leading(node pyast.Node, ctx, from *pysem.Ctx) pyast.Node {
	for c := ctx; c != nil; c = c.Parent {
		if c == from {
			return node
		}
		if c.Call.Valid() {
			node = c.Call
		}
	}
	return pyast.Node{}
}

// helpers are the functions on the way from a context, that one left out, to an event in it.
func helpers(ctx, from *pysem.Ctx) map[*pysem.Func]bool {
	out := map[*pysem.Func]bool{}
	for c := ctx; c != nil && c != from && c.Parent != nil; c = c.Parent {
		out[c.Func] = true
	}
	return out
}

// Right is a context in which what a helper does is as it must be, and the context From in whose function that is decided, nil for the
// entry point.
type Right struct{ Ctx, From *pysem.Ctx }

// Apart is a context in which a helper does what it must, seen from one in which it does not: it is decided where the two part.
func Apart(right, wrong *pysem.Ctx) Right {
	for c := right; c != nil; c = c.Parent {
		for w := wrong; w != nil; w = w.Parent {
			if c == w {
				return Right{right, c}
			}
		}
	}
	return Right{Ctx: right}
}

// WrongCall is the call that is to blame for what goes wrong at a node: of helpers in which the same goes right for other callers, the
// outermost is called from there. It is the node itself where nobody gets it right.
func WrongCall(node pyast.Node, ctx *pysem.Ctx, right []Right) pyast.Node {
	shared := map[*pysem.Func]bool{}
	for _, r := range right {
		for fn := range helpers(r.Ctx, r.From) {
			shared[fn] = true
		}
	}
	for c := ctx; c != nil && c.Parent != nil && !c.Passed && shared[c.Func] && c.Call.Valid(); c = c.Parent {
		node = c.Call
	}
	return node
}
