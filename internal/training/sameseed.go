package training

import (
	"regexp"
	"slices"
	"strings"

	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
	"github.com/ckpt-lsp/ckpt-lsp/internal/pysem"
	"github.com/ckpt-lsp/ckpt-lsp/internal/torch"
)

// SharedSeed is a seed that every process of a program sets alike.
type SharedSeed struct {
	// Call seeds; Seed is the expression of the seed in it.
	Call, Seed pyast.Node
	// Several shows that several processes run this.
	Several pyast.Node
	// User is the loader or sampler whose own generator is seeded, none for the global generators.
	User pyast.Node
	// Rank is how the process's rank is written there, "" where it has no name.
	Rank string
}

// SharedSeeds are the seeds of a program of several processes that do not depend on the rank. A run in which any seed does
// is left out: it may seed alike for the model and apart for the data.
func (f *File) SharedSeeds() []SharedSeed {
	var out []SharedSeed
	seen := map[pyast.Node]bool{}
	for _, r := range f.Runs {
		for _, s := range r.sharedSeeds() {
			if !seen[s.Call] {
				seen[s.Call] = true
				out = append(out, s)
			}
		}
	}
	for _, s := range f.sharedGenerators() {
		if !seen[s.Call] {
			seen[s.Call] = true
			out = append(out, s)
		}
	}
	return out
}

func (r *Run) sharedSeeds() []SharedSeed {
	f := r.File
	if f.names(sharded) || !f.names(training) || !f.names(noisy) && !r.trainsUnseen() || r.OnlyEvaluates() {
		return nil
	}
	spawns := slices.ContainsFunc(r.Calls, (*Call).spawns)
	calls := slices.Concat(r.SeedsIn(MainProcess), r.SeedsIn(Spawned))
	for _, c := range r.Calls {
		if !c.Known && c.Callee != "" && seedsByName.MatchString(lastPart(c.Callee)) && f.PlaceOf(c.Ctx) != InLoader {
			calls = append(calls, c)
		}
	}
	var out []SharedSeed
	for _, c := range calls {
		seed, ctx := pysem.Args(c.Node).Get(0, "seed"), c.Ctx
		if spawns && f.process(ctx) == nil { // the parent's seed does not reach the processes it spawns
			continue
		}
		if !seed.Valid() || slices.Equal(c.Entry.Generators, []torch.RNG{torch.CUDARNG}) || alike.MatchString(seed.Text()) || f.listsData(c) {
			continue
		}
		var s SharedSeed
		s.Call, s.Seed, ctx = f.seedOrigin(c.Node, seed, ctx)
		if f.variesByProcess(s.Seed, ctx) || f.variesByProcess(seed, c.Ctx) || processWord.MatchString(s.Call.Child(pyast.FieldArguments).Text()) {
			return nil
		}
		v := f.Eval.Eval(s.Seed, ctx)
		several, ok := r.severalProcesses(c)
		if !ok || v.Kind == pysem.ParamVal || v.Kind == pysem.NoneVal || len(f.Guards(c.Frame)) > 0 {
			continue
		}
		s.Several, s.Rank = several, f.rankNamed(s.Call)
		out = append(out, s)
	}
	if len(out) > 1 { // several calls of one seeding: the first one says it
		out = out[:1]
	}
	return out
}

var (
	// sharded are models that need the same numbers in each process to be built.
	sharded = regexp.MustCompile(`(?i)fsdp|fully_?shard|device_?mesh|tensor_parallel|sequence_parallel|ulysses`)
	// noisy is what draws numbers in training that should differ between ranks: augmentation, dropout, noise, sampling.
	noisy = regexp.MustCompile(`(?i)drop_?(out|path)|stochastic_?depth|random_?(crop|resized|flip|horizontal|vertical|rotat|affine|eras|apply|choice|gray|perspective|augment)|` +
		`rand_?augment|auto_?augment|trivial_?augment|color_?jitter|augment|mix_?up|cut_?mix|^(randn?_like|bernoulli|gumbel\w*)$|noise`)
	training = regexp.MustCompile(`(?i)optimi[sz]er|train`)
	// alike is in the names of seeds that are the same on all ranks on purpose.
	alike = regexp.MustCompile(`(?i)(^|_|\.)(identical|same|shared|common|sync\w*)_`)
)

// trainsUnseen reports whether an optimizer steps the parameters of what code that is not at hand makes: dropout may be in it, as in most.
func (r *Run) trainsUnseen() bool {
	f := r.File
	var unseen func(n pyast.Node, ctx *pysem.Ctx, depth int) bool
	unseen = func(n pyast.Node, ctx *pysem.Ctx, depth int) bool {
		return depth < 4 && slices.ContainsFunc(f.Eval.Eval(n, ctx).Alternatives(), func(a *pysem.Value) bool {
			name := a.Callee()
			if e, ok := torch.Lookup(name); ok && e.Kind == torch.Wrapper {
				return unseen(pysem.Args(a.Node).Pos(0), a.Ctx, depth+1)
			}
			return name != "" && !understood.MatchString(name)
		})
	}
	return slices.ContainsFunc(r.Steps, func(s *Step) bool {
		if s.Object.Kind != Optimizer || s.Object.Ctx == nil {
			return false
		}
		for n := range pysem.Args(s.Object.Call).Get(0, "params").Descendants() {
			if n.Kind() == pyast.KindCall && calledName(n) == "parameters" && unseen(n.Child(pyast.FieldFunction).Child(pyast.FieldObject), s.Object.Ctx, 0) {
				return true
			}
		}
		return false
	})
}

// listsData reports whether a call seeds where a dataset is made: its ranks must put their lists in the same order to share them.
func (f *File) listsData(c *Call) bool {
	fn := c.Ctx.Func
	return fn.Class != nil && fn.Name == "__init__" && f.dataset(fn.Class)
}

// seedsByName are functions of other files that seed, by their name.
var seedsByName = regexp.MustCompile(`(?i)^(set|fix|init|setup|manual|seed|random)\w*seed\w*$|^seed_(all|everything)$`)

// seedOrigin goes up from a seed call in a helper to the call that hands the seed in.
func (f *File) seedOrigin(call, seed pyast.Node, ctx *pysem.Ctx) (pyast.Node, pyast.Node, *pysem.Ctx) {
	for depth := 0; depth < 6 && seed.Kind() == pyast.KindIdentifier && !ctx.Root(); depth++ {
		i := slices.IndexFunc(ctx.Func.Params, func(p pysem.Param) bool { return p.Name == seed.Text() })
		if i < 0 {
			break
		}
		given, ok := f.Eval.Bind(ctx, &ctx.Func.Params[i])
		if !ok || !given.Node.Valid() || given.Ctx == nil {
			break
		}
		call, seed, ctx = ctx.Call, given.Node, given.Ctx
	}
	return call, seed, ctx
}

// processWord is what a seed that differs from process to process is made of.
var processWord = regexp.MustCompile(`(?i)rank|process_(index|id)|proc_?id|ordinal|device|gpu|worker|\btime\b|getpid|urandom|shard`)

// variesByProcess reports whether a seed may differ from process to process: what it is made of speaks of ranks.
func (f *File) variesByProcess(n pyast.Node, ctx *pysem.Ctx) bool {
	return processWord.MatchString(n.Text()) || f.madeOfRank(f.Eval.Eval(n, ctx), 0)
}

func (f *File) madeOfRank(v *pysem.Value, depth int) bool {
	if v == nil || depth > 5 {
		return false
	}
	if v.Kind == pysem.Str { // a word in the text itself is the same in every process
		return slices.ContainsFunc(holes(v), func(h *pysem.Value) bool { return f.madeOfRank(h, depth+1) })
	}
	text := v.Node.Text()
	if v.Kind == pysem.Binary {
		text = NamesIn(v.Node)
	}
	if len(text) < 300 && v.Kind != pysem.External && processWord.MatchString(text) {
		return true
	}
	for _, e := range v.Elems {
		if f.madeOfRank(e, depth+1) {
			return true
		}
	}
	return f.madeOfRank(v.Base, depth+1) || f.madeOfRank(v.Other, depth+1)
}

// severalProcesses shows that a call is made by several processes: what Call.Distributed knows, or a rank that is asked for.
func (r *Run) severalProcesses(c *Call) (pyast.Node, bool) {
	if e, ok := c.Distributed(); ok && !e.Launched { // Accelerate's own way is to seed alike
		return e.Node, true
	}
	for _, x := range r.Calls {
		if (x.Known && x.Entry.Kind == torch.Rank || strings.HasSuffix(x.Callee, "distributed.get_world_size")) && !Exclusive(x.Frame, c.Frame) {
			return x.Node, true
		}
	}
	return pyast.Node{}, false
}

// rankNames are what the rank of all processes is called.
var rankNames = []string{"rank", "global_rank", "RANK", "args.rank", "args.global_rank", "opt.rank", "cfg.rank", "dp_rank"}

// rankNamed is a name for the rank that is set before a node, in its function or the module, "" for none.
func (f *File) rankNamed(n pyast.Node) string {
	scope := f.moduleOf(n).Scope(n)
	for _, name := range rankNames {
		for fn := scope; fn != nil; fn = fn.Parent {
			for _, d := range fn.Defs(name) {
				if d.Kind == pysem.DefParam || d.Stmt.Start() < n.Start() || fn != scope {
					return name
				}
			}
		}
	}
	return ""
}

// speaksOfRanks is a place in the file that only code of several processes has.
func (f *File) speaksOfRanks() pyast.Node {
	for n := range f.Tree.Root().Descendants() {
		if n.Kind() == pyast.KindIdentifier && severalWord.MatchString(n.Text()) && !n.Ancestor(pyast.KindImportStatement, pyast.KindImportFromStatement).Valid() {
			return n
		}
	}
	return pyast.Node{}
}

var (
	severalWord = regexp.MustCompile(`^(init_process_group|DistributedSampler|DistributedDataParallel|DDP|get_rank|((data_parallel|dp|ddp|world|global)_)?(rank|world_size)|RANK|WORLD_SIZE)$`)
	// synchronised is what shares one generator between processes on purpose.
	synchronised = regexp.MustCompile(`(?i)accelerat`)
	loaderName   = regexp.MustCompile(`(?i)loader$`)
)

// sharedGenerators are the seeds of generators that are handed to a loader or sampler, in code that speaks of ranks.
func (f *File) sharedGenerators() []SharedSeed {
	var out []SharedSeed
	var several pyast.Node
	for _, fn := range f.Module.Funcs {
		for _, c := range fn.Calls {
			g, ok := pysem.Args(c).Keyword["generator"]
			if !ok || !f.drawsApart(c) {
				continue
			}
			call, seed := f.generatorSeed(fn, g)
			if !call.Valid() || f.variesByProcess(seed, f.Eval.In(f.moduleOf(seed), seed)) || f.Eval.Eval(seed, f.Eval.In(f.moduleOf(seed), seed)).Kind == pysem.ParamVal {
				continue
			}
			if several = f.speaksOfRanks(); !several.Valid() || f.names(synchronised) {
				return nil
			}
			out = append(out, SharedSeed{Call: call, Seed: seed, Several: several, User: c, Rank: f.rankNamed(call)})
		}
	}
	return out
}

// drawsApart reports whether a call makes a loader, or a sampler that does not split the data itself: one that splits needs
// the same generator in each process.
func (f *File) drawsApart(call pyast.Node) bool {
	fn := call.Child(pyast.FieldFunction)
	for _, a := range f.Eval.Eval(fn, f.Eval.In(f.moduleOf(fn), fn)).Alternatives() {
		e, _ := torch.Lookup(calleeName(a))
		switch {
		case e.Kind == torch.Loader, a.Kind == pysem.ClassVal && f.classKind(a.Class, 0) == Loader:
			return true
		case e.Kind == torch.Sampler && strings.HasSuffix(e.Name, "RandomSampler"):
			return true
		}
	}
	return loaderName.MatchString(lastPart(fn.Text()))
}

// generatorSeed finds the call that seeds a generator, and its seed, in a function: `g.manual_seed(s)`, or the call that
// makes it, `torch.Generator().manual_seed(s)`.
func (f *File) generatorSeed(fn *pysem.Func, g pyast.Node) (call, seed pyast.Node) {
	chained := func(n pyast.Node) bool {
		return n.Kind() == pyast.KindCall && n.Child(pyast.FieldFunction).Child(pyast.FieldAttribute).TextIs("manual_seed")
	}
	if chained(g) {
		return g, pysem.Args(g).Get(0, "seed")
	}
	for _, d := range fn.Defs(g.Text()) {
		if d.Kind == pysem.DefAssign && chained(d.Value) {
			return d.Value, pysem.Args(d.Value).Get(0, "seed")
		}
	}
	for _, c := range fn.Calls {
		if chained(c) && c.Child(pyast.FieldFunction).Child(pyast.FieldObject).TextIs(g.Text()) {
			return c, pysem.Args(c).Get(0, "seed")
		}
	}
	return
}
