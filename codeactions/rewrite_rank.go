package codeactions

import (
	"github.com/ckpt-lsp/ckpt-lsp/diagnostics"
	"github.com/ckpt-lsp/ckpt-lsp/internal/text"
	"github.com/ckpt-lsp/ckpt-lsp/internal/training"
)

// saveOnRankZero puts a save that several processes make under a rank test, with a barrier behind it; behind one that stands under a
// test already it puts the barrier that is missing there.
func saveOnRankZero(q *question) (fix Fix, call text.Span, reason string, ok bool) {
	saves := q.saves()
	if len(saves) == 0 {
		return fix, call, "", false
	}
	call = saves[0].Node.Span()
	for _, d := range q.found() {
		for _, r := range d.Remedies {
			switch r := r.(type) {
			case diagnostics.GuardRank:
				if r.Save.Node != saves[0].Node {
					continue
				}
				needed := r.Barrier
				r.Barrier = true
				fix, ok := guardRank(newSheet(q.file, q.mod), r)
				if !ok {
					return fix, call, "the save and what belongs to it cannot be moved under a test", true
				}
				if !needed {
					fix.Applicability, fix.Why = diagnostics.Unsafe, "every rank must come by here"
				}
				return fix, call, "", true
			case diagnostics.AddBarrier:
				if d.Place.Tree != q.mod.Tree || d.Place.Span.Start != call.Start || r.After.Tree() != q.mod.Tree {
					continue
				}
				if fix, ok := addBarrier(newSheet(q.file, q.mod), r); ok {
					return fix, call, "", true
				}
			}
		}
	}
	return fix, call, leftToAll(saves), true
}

// leftToAll says why a save needs no rank test that is not there.
func leftToAll(saves []*training.SaveSite) string {
	for _, s := range saves {
		_, distributed := s.Distributed()
		switch {
		case !distributed:
		case s.Run.File.Guarded(s.Frame):
			return "one process makes this save already, and nothing waits for it"
		case s.Collective:
			return "every process must make this save"
		default:
			return "each process may have a file of its own"
		}
	}
	return "nothing shows that several processes make this save"
}
