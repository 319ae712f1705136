package training

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
	"github.com/ckpt-lsp/ckpt-lsp/internal/pysem"
)

// Deletion is one call that deletes a file or a directory.
type Deletion struct {
	*Call
	// Target is the expression that names it, Path its shape.
	Target pyast.Node
	Path   *Path

	victim *victim // asked for once, see names and pick
}

// victim is what is known of a deletion whatever save it is compared with.
type victim struct {
	names  []spelling
	pick   *pick // nil where the file is not one that a listing or a list gives
	picked bool
	spares bool
}

func deletion(c *Call) Deletion { return Deletion{Call: c, victim: &victim{}} }

// names are what the file may be called.
func (d Deletion) names() []spelling {
	if d.victim.names == nil {
		d.victim.names = spellings(d.Path)
	}
	return d.victim.names
}

// spellings are the spellings of a file's names.
func spellings(p *Path) []spelling {
	out := []spelling{}
	for _, v := range p.Value.Alternatives() {
		out = append(out, spell(v))
	}
	return out
}

// pick is how the deletion comes by its file, and whether it asks for more than the order of the files; nil where that is not known.
func (d Deletion) pick() (p *pick, spares bool) {
	if t := d.victim; !t.picked {
		t.picked = true
		if p := (&pick{file: d.Run.File, from: d}); p.follow(d.Path.Value, 0) {
			t.pick, t.spares = p, p.spares()
		}
	}
	return d.victim.pick, d.victim.spares
}

// Deletions are the calls of the run that delete files, in order.
func (r *Run) Deletions() []Deletion {
	if r.deletions != nil {
		return r.deletions
	}
	out := []Deletion{}
	for _, c := range r.Calls {
		d := deletion(c)
		switch {
		case removers.MatchString(c.Callee):
			args := pysem.Args(c.Node)
			if d.Target = args.Get(0, "path"); !d.Target.Valid() {
				d.Target = args.Keyword["name"]
			}
		case c.Callee == "" && removeMethods.MatchString(c.Method):
			d.Target = c.Recv
		}
		if d.Target.Valid() {
			d.Path = r.File.path(d.Target, c.Ctx)
			out = append(out, d)
		}
	}
	r.deletions = out
	return out
}

// Lost says what a deletion takes away before a save has written the next checkpoint.
type Lost uint8

// What is lost.
const (
	Kept      Lost = iota
	LostSame       // the very file that the save writes again, or the directory it writes to
	LostPrior      // the file that the save before wrote
	LostAll        // all the files of the directory that the save writes to, or the one that its function calls the last
)

// DeletedFirst is the deletion that takes the checkpoint before away in the round of training in which the save writes the next
// one, ahead of the save.
func (s *SaveSite) DeletedFirst() (Deletion, Lost) {
	r := s.Run
	if len(r.Deletions()) == 0 || s.Atomic() {
		return Deletion{}, Kept
	}
	r.File.Eval.Work.Spend(len(r.Deletions()))
	names := spellings(s.Path)
	for _, d := range r.Deletions() {
		if d.Index >= s.Index || Exclusive(d.Frame, s.Frame) || !s.sameRound(d) {
			continue
		}
		if lost := s.loses(d, names); lost != Kept {
			return d, lost
		}
	}
	return Deletion{}, Kept
}

// sameRound says that a deletion happens in the training that the save stands in; without a training loop at hand, in the function
// that saves.
func (s *SaveSite) sameRound(d Deletion) bool {
	if s.Loop != nil {
		return s.Loop.Holds(d.Index)
	}
	return !s.AfterLoop && (d.Ctx == s.Ctx || d.Ctx.Parent == s.Ctx)
}

var deletesLast = regexp.MustCompile(`(?i)(delete|remove|rm|clean)\w*_?(last|latest|prev|old)`)

// loses is what a deletion takes away of a save with such names.
func (s *SaveSite) loses(d Deletion, names []spelling) Lost {
	for _, a := range d.names() {
		for _, b := range names {
			switch {
			case a.text == "" || b.text == "":
			case a.text == b.text && a.counts == b.counts:
				// A variable that still holds the name of the save before, or the same name.
				if len(s.Path.Progress) == 0 {
					return LostSame
				}
				if d.Target.Text() != s.Path.Node.Text() && len(d.names()) > 1 {
					return LostPrior
				}
			case a.text == b.text && a.counts == b.counts-s.Every():
				return LostPrior
			case len(s.Path.Progress) == 0 && strings.HasPrefix(b.text, a.text+"/"):
				return LostSame
			}
		}
	}
	p, spares := d.pick()
	if p == nil || p.names != nil || spares {
		return Kept
	}
	// A listing of which nothing is kept.
	if len(p.steps) == 0 && p.lists(s) || deletesLast.MatchString(d.Ctx.Func.Name) && checkpointWord.MatchString(p.listing.Pattern) {
		return LostAll
	}
	return Kept
}

// Every is the number of epochs from one save to the next, 1 when that is not known.
func (s *SaveSite) Every() int64 {
	loop := s.EpochLoop
	if loop == nil {
		loop = s.Loop
	}
	if loop == nil {
		return 1
	}
	return s.Period(loop).Every
}

// spelling is a file name with holes as the values they stand for; counts is the sum of what is added to the counters in it, so
// that the names of neighbouring epochs differ in counts alone.
type spelling struct {
	text   string
	counts int64
}

// spell is empty for values of which nothing is known.
func spell(v *pysem.Value) spelling {
	var out spelling
	parts := v.Parts
	if v.Kind != pysem.Str {
		parts = []pysem.Part{{Hole: v}}
	}
	var b strings.Builder
	for _, p := range parts {
		if p.Hole == nil {
			b.WriteString(p.Lit)
			continue
		}
		hole := p.Hole
		if base, offset, ok := hole.Linear(); ok && base != nil {
			hole = base
			out.counts += offset
		}
		if hole.Kind == pysem.Unknown && !hole.Node.Valid() {
			return spelling{} // all such values share a key
		}
		fmt.Fprintf(&b, "{%s}", hole.Key())
	}
	out.text = b.String()
	return out
}
