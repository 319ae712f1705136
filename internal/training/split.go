package training

import (
	"regexp"
	"slices"
	"strings"

	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
	"github.com/ckpt-lsp/ckpt-lsp/internal/pysem"
	"github.com/ckpt-lsp/ckpt-lsp/internal/torch"
)

// Split is a random division of the data whose generator nothing seeds.
type Split struct {
	*Call
	RNG torch.RNG
	// Keyword is the argument that would take a seed or generator of its own, "" where the call has none.
	Keyword string
	// Apart is the seed call that gives each process a seed of its own, none where nothing seeds the generator.
	Apart pyast.Node
	// Resume is the load from which the run may go on, none where it shows none.
	Resume pyast.Node
}

// splitters are the calls that divide data at random, with the generator they draw from.
var splitters = map[string]struct {
	rng      torch.RNG
	keyword  string
	position int
}{
	"torch.utils.data.random_split":            {torch.TorchRNG, "generator", 2},
	"torch.utils.data.dataset.random_split":    {torch.TorchRNG, "generator", 2},
	"sklearn.model_selection.train_test_split": {torch.NumpyRNG, "random_state", -1},
	"torch.randperm":                           {torch.TorchRNG, "generator", -1},
	"numpy.random.permutation":                 {torch.NumpyRNG, "", -1},
	"numpy.random.shuffle":                     {torch.NumpyRNG, "", -1},
	"random.shuffle":                           {torch.PythonRNG, "", -1},
}

// UnseededSplits are the random splits of what a script does, in whatever file, where it trains and seeds their generator nowhere.
// Functions that only other files call are left out: those may seed.
func (f *File) UnseededSplits() []Split {
	r := f.Runs[0]
	if !r.trainsAtAll() {
		return nil
	}
	var out []Split
	for _, d := range r.Draws() {
		ev := d.Event
		name := calleeName(f.Eval.Eval(ev.Node.Child(pyast.FieldFunction), ev.Ctx))
		s, ok := splitters[name]
		if !ok || d.Place == InLoader || pysem.Args(ev.Node).May() {
			continue
		}
		c := &Call{Run: r, Index: d.Index, Node: ev.Node, Ctx: ev.Ctx, Frame: ev.Frame, Callee: name}
		if !strings.HasSuffix(name, "split") && !f.dividedBySlices(c) {
			continue
		}
		var last *Call // the one that counts at the split
		for _, x := range r.Seeds {
			if slices.Contains(x.Entry.Generators, s.rng) && x.fixed() && (last == nil || x.Index < c.Index) {
				last = x
			}
		}
		if last == nil {
			out = append(out, Split{Call: c, RNG: s.rng, Keyword: s.keyword, Resume: r.resumes()})
		} else if _, several := c.Distributed(); several && last.Index < c.Index && f.addsRank(last.Arg(0, "seed"), 0) {
			out = append(out, Split{Call: c, RNG: s.rng, Keyword: s.keyword, Apart: last.Node})
		}
	}
	return out
}

// addsRank reports whether a number is made of the process's rank for sure.
func (f *File) addsRank(v *pysem.Value, depth int) bool {
	switch {
	case v == nil || depth > 4:
		return false
	case v.Kind == pysem.Binary:
		return v.Name != "%" && (f.addsRank(v.Base, depth+1) || f.addsRank(v.Other, depth+1))
	}
	e, ok := torch.Lookup(v.Callee())
	return ok && e.Kind == torch.Rank
}

var (
	head = regexp.MustCompile(`^\s*:`)
	tail = regexp.MustCompile(`:\s*$`)
)

// dividedBySlices reports whether what a call permutes is then cut into a head and a tail: indices[:n] and indices[n:].
func (f *File) dividedBySlices(c *Call) bool {
	target := assigned(c.Node)
	if strings.HasSuffix(c.Callee, "shuffle") {
		target = pysem.Args(c.Node).Pos(0)
	}
	for call := c.Node; !target.Valid() && call.Parent().Kind() == pyast.KindAttribute && call.Parent().Parent().Kind() == pyast.KindCall; { // randperm(n).tolist()
		call = call.Parent().Parent()
		target = assigned(call)
	}
	if !target.Is(pyast.KindIdentifier, pyast.KindAttribute) {
		return false
	}
	var first, rest bool
	for _, u := range namedIn(f.moduleOf(c.Node).Scope(c.Node).Body, target.Text()) {
		p := u.Parent()
		if p.Kind() != pyast.KindSubscript || u.Field() != pyast.FieldValue {
			continue
		}
		s := p.Child(pyast.FieldSubscript).Text()
		first, rest = first || head.MatchString(s), rest || tail.MatchString(s)
	}
	return first && rest
}

// resumes is a load of a checkpoint that a save of the run is resumed by.
func (r *Run) resumes() pyast.Node {
	for _, s := range r.Saves {
		if l := s.ResumedBy(); l != nil {
			return l.Node
		}
	}
	return pyast.Node{}
}
