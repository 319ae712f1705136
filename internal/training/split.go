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

// UnseededSplits are the random splits of what a script does, where it trains and seeds their generator nowhere. Functions
// that only other files call are left out: those may seed.
func (f *File) UnseededSplits() []Split {
	r := f.Runs[0]
	if !r.trainsAtAll() {
		return nil
	}
	var out []Split
	for _, c := range r.Calls {
		s, ok := splitters[c.Callee]
		if !ok || f.PlaceOf(c.Ctx) == InLoader {
			continue
		}
		args := pysem.Args(c.Node)
		own := args.Get(s.position, s.keyword)
		if args.May() || own.Valid() && !own.Is(pyast.KindNoneLiteral) || args.Keyword["shuffle"].Is(pyast.KindFalse) {
			continue
		}
		if !strings.HasSuffix(c.Callee, "split") && !f.dividedBySlices(c) {
			continue
		}
		seeded := slices.ContainsFunc(r.Seeds, func(x *Call) bool { return slices.Contains(x.Entry.Generators, s.rng) && x.fixed() })
		if !seeded {
			out = append(out, Split{c, s.rng, s.keyword, r.resumes()})
		}
	}
	return out
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
