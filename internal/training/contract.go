package training

import (
	"slices"

	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
	"github.com/ckpt-lsp/ckpt-lsp/internal/pysem"
	"github.com/ckpt-lsp/ckpt-lsp/internal/text"
)

// WrittenBy are the saves that surely write the file a load reads: the same known name, payloads whose keys are all known. It
// is empty as soon as another save may write the file as well.
func (l *LoadSite) WrittenBy() []*SaveSite {
	var out []*SaveSite
	for _, s := range l.Run.File.Saves() {
		if !s.Writes(l.Path) {
			if s.Path == nil || slices.ContainsFunc(append([]*Path{s.Path}, s.Names...), func(p *Path) bool { return !p.Known && !p.Buffer }) {
				return nil
			}
			continue
		}
		named := l.Path.named() || s.Path.Value != nil && l.Path.Value != nil && s.Path.Value.Key() == l.Path.Value.Key()
		if s.Kind != PayloadDict || s.Open || s.Foreign || !named {
			return nil
		}
		out = append(out, s)
	}
	return out
}

// Unwritten are the reads of keys that none of the saves writes and that fail when the key is missing.
func (l *LoadSite) Unwritten(saves []*SaveSite) []KeyRead {
	written := map[string]bool{}
	for _, s := range saves {
		for _, c := range s.Components {
			written[c.Key] = true
		}
	}
	var out []KeyRead
	seen := map[pyast.Node]bool{}
	for _, r := range l.Reads {
		if r.Default || r.Tested || written[r.Key] || l.tests(r.Key) || seen[r.Node] || l.guarded(r) {
			continue
		}
		seen[r.Node] = true
		out = append(out, r)
	}
	return out
}

func (l *LoadSite) tests(key string) bool {
	for _, r := range l.Reads {
		if r.Tested && r.Key == key {
			return true
		}
	}
	return false
}

// guarded says that a read stands under a try, where a missing key may be meant, or where another key is known to be missing, as in a
// file of another program.
func (l *LoadSite) guarded(r KeyRead) bool {
	for _, ev := range l.Run.Events {
		if ev.Ctx != r.Ctx || !ev.Node.Encloses(r.Node) {
			continue
		}
		for fr := ev.Frame; fr != nil; fr = fr.Parent {
			if fr.Kind == pysem.FrameTry || fr.Kind == pysem.FrameExcept || fr.Kind == pysem.FrameIf && l.asksForAnother(fr, r.Key) {
				return true
			}
		}
	}
	return false
}

// asksForAnother reports whether a condition that does not hold asks for another key of the checkpoint: `if "model" in checkpoint: ...
// else: checkpoint["module"]`.
func (l *LoadSite) asksForAnother(fr *pysem.Frame, key string) bool {
	left, op, _ := comparison(fr.Cond)
	other, known := pysem.StringLiteral(left)
	return known && other != key && (op == "in" && !fr.Positive || op == "not in" && fr.Positive) && l.tests(other)
}

// Nearest is the written key that a misspelt one most likely means, "" when none is close or it is read already.
func (l *LoadSite) Nearest(key string, saves []*SaveSite) string {
	var candidates []string
	for _, s := range saves {
		for _, c := range s.Components {
			if !l.Key(c.Key) {
				candidates = append(candidates, c.Key)
			}
		}
	}
	return text.Nearest(key, candidates)
}

// RestoredRNG are the restores from this load that set random number generators.
func (l *LoadSite) RestoredRNG() []*Restore {
	var out []*Restore
	for _, x := range l.Restores {
		if len(x.RNG) > 0 {
			out = append(out, x)
		}
	}
	return out
}
