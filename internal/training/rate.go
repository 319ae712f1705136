package training

import (
	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
	"github.com/ckpt-lsp/ckpt-lsp/internal/pysem"
)

// RateRestarts reports whether an optimizer that is not restored goes on with the learning rate it is built with, where it had come
// to another: a scheduler works on it by a count of its own, which starts anew too. Where the rounds write the rate themselves, or
// the scheduler is set forward or restored, or there is none, the rate is right, or not known to be wrong.
func (r Resumption) RateRestarts(o *Object) bool {
	s := r.Save
	f := s.Run.File
	if s.WritesRate() {
		return false
	}
	for _, st := range s.Live(Scheduler) {
		if st.Object.Guessed || f.FastForwarded(st.Object) || r.Load != nil && (r.Load.Opaque || r.Load.restores(st.Object)) {
			continue
		}
		n, ctx := f.scheduled(st.Object.Value, 0)
		if on := f.Object(f.Eval.Eval(n, ctx), n.Text()); n.Valid() && on != nil && on.Same(o) {
			return true
		}
	}
	return false
}

// WritesRate reports whether the training that a save belongs to writes a rate into the parameter groups itself: `group["lr"] = lr`.
func (s *SaveSite) WritesRate() bool {
	for i, ev := range s.Run.Events {
		if ev.Kind != pysem.EventAssign || s.Loop != nil && !s.Loop.Outer().Holds(i) {
			continue
		}
		if key, ok := pysem.StringLiteral(ev.Node.Child(pyast.FieldLeft).Child(pyast.FieldSubscript)); ok && key == "lr" {
			return true
		}
	}
	return false
}
