package codeactions

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ckpt-lsp/ckpt-lsp/diagnostics"
	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
	"github.com/ckpt-lsp/ckpt-lsp/internal/pysem"
	"github.com/ckpt-lsp/ckpt-lsp/internal/torch"
	"github.com/ckpt-lsp/ckpt-lsp/internal/training"
)

// seedCalls are the lines that seed each generator. torch.manual_seed seeds the CPU and every CUDA device.
var seedCalls = []struct {
	rng    torch.RNG
	module string
	call   string
}{
	{torch.PythonRNG, "random", "%s.seed(seed)"},
	{torch.NumpyRNG, "numpy", "%s.random.seed(seed)"},
	{torch.TorchRNG, "torch", "%s.manual_seed(seed)"},
}

const seedHelper = "seed_all"

// defaultSeed is used where the file names none.
const defaultSeed = "42"

// seedAll replaces the seed calls of one place by one helper that seeds all generators in use, or adds it to an entry point.
func seedAll(s *sheet, r diagnostics.SeedAll) (Fix, bool) {
	generators := slices.Clone(r.Generators)
	// Never more than a place had seeded, and what is missing; but torch.manual_seed stands for the seed of CUDA's generators.
	if !slices.Contains(generators, torch.TorchRNG) && (len(r.Seeds) == 0 || slices.Contains(generators, torch.CUDARNG)) {
		generators = append(generators, torch.TorchRNG)
	}
	lines := []string{"def " + seedHelper + "(seed):"}
	for _, c := range seedCalls {
		if slices.Contains(generators, c.rng) {
			lines = append(lines, "\t"+fmt.Sprintf(c.call, s.module(c.module)))
		}
	}
	seed := defaultSeed
	stmts, first := s.seedStatements(r.Seeds)
	why := "" // the seed may be none that every library takes
	if first != nil {
		given := pysem.Args(first.Node).Get(0, "seed")
		seed = given.Text()
		why = refused(first, s.file.Eval.Eval(given, first.Ctx), generators)
	}
	if why == "" && r.Late {
		why = "what is drawn before it stays unseeded"
	}
	fix := Fix{Title: "Seed every generator in use", Applicability: diagnostics.Safe}
	if why != "" {
		fix.Applicability, fix.Why = diagnostics.Unsafe, why
	}
	call := fmt.Sprintf("%s(%s)", seedHelper, seed)
	switch {
	case len(stmts) > 0:
		if training.SeedingName(s.mod.Scope(stmts[0]).Name) {
			// The file's own helper gets the missing lines.
			s.heads, s.imports = nil, map[string]string{}
			return s.extendSeedHelper(stmts[len(stmts)-1], r, seed, fix)
		}
		s.helper(seedHelper, lines)
		s.replace(stmts[0].Span(), call)
		for _, st := range stmts[1:] {
			start := lineStart(s.src, st.Start())
			s.replace(spanOf(start, nextLine(s.src, st.End())), "")
		}
	case len(r.Seeds) > 0:
		return Fix{}, false
	case r.Before.Valid():
		s.helper(seedHelper, lines)
		s.linesBefore(r.Before, call)
		fix.Applicability, fix.Why = diagnostics.Unsafe, "every run then draws the same numbers"
	case r.Entry != nil && r.Entry != s.mod.Top:
		first := r.Entry.Body.Nth(0)
		if first.Kind() == pyast.KindExpressionStatement && first.Nth(0).Kind() == pyast.KindString && first.Next().Valid() {
			first = first.Next()
		}
		s.helper(seedHelper, lines)
		s.linesBefore(first, call)
		fix.Applicability, fix.Why = diagnostics.Unsafe, "every run then draws the same numbers"
	default:
		s.helper(seedHelper, lines, call)
		fix.Applicability, fix.Why = diagnostics.Unsafe, "every run then draws the same numbers"
	}
	return s.fix(fix), true
}

// seedStatements are the seed calls that one call can stand for: of one block and with one seed, the first of which is given. Of the
// blocks of a function the outermost is taken: a seed under `if cuda:` is left out where there is no GPU.
func (s *sheet) seedStatements(seeds []*training.Call) (stmts []pyast.Node, first *training.Call) {
	plain := slices.DeleteFunc(slices.Clone(seeds), func(c *training.Call) bool {
		stmt := statement(c.Node)
		return stmt.Kind() != pyast.KindExpressionStatement || stmt.Nth(0) != c.Node || !s.ownLine(stmt) || !plainSeed(c.Callee) ||
			!pysem.Args(c.Node).Get(0, "seed").Valid()
	})
	for _, c := range plain {
		if s.mod.Scope(c.Node) == s.mod.Scope(plain[0].Node) && (first == nil || blocksAround(c.Node) < blocksAround(first.Node)) {
			first = c
		}
	}
	for _, c := range plain {
		stmt := statement(c.Node)
		alike := pysem.Args(c.Node).Get(0, "seed").TextIs(pysem.Args(first.Node).Get(0, "seed").Text()) // a seed of its own stays
		if stmt.Parent() == statement(first.Node).Parent() && alike && !slices.Contains(stmts, stmt) {
			stmts = append(stmts, stmt)
		}
	}
	return stmts, first
}

// blocksAround counts the blocks of its function, or of its module, that a node stands in.
func blocksAround(n pyast.Node) int {
	count := 0
	for p := n.Parent(); p.Valid() && p.Kind() != pyast.KindFunctionDefinition; p = p.Parent() {
		if p.Kind() == pyast.KindBlock {
			count++
		}
	}
	return count
}

// extendSeedHelper adds the missing seed calls behind the last one in a helper of the file.
func (s *sheet) extendSeedHelper(last pyast.Node, r diagnostics.SeedAll, seed string, fix Fix) (Fix, bool) {
	present := map[torch.RNG]bool{}
	for _, c := range r.Seeds {
		for _, g := range c.Entry.Generators {
			present[g] = true
		}
	}
	var lines []string
	for _, c := range seedCalls {
		if slices.Contains(r.Generators, c.rng) && !present[c.rng] {
			lines = append(lines, strings.ReplaceAll(fmt.Sprintf(c.call, s.module(c.module)), "(seed)", "("+seed+")"))
		}
	}
	if len(lines) == 0 {
		return Fix{}, false
	}
	s.linesAfter(last, lines...)
	return s.fix(fix), true
}

// refused says why one of the libraries may not take the seed that a call gives to another one, "" where all do.
func refused(c *training.Call, seed *pysem.Value, generators []torch.RNG) string {
	known := seed.Kind == pysem.Int
	numpy := slices.Contains(generators, torch.NumpyRNG) && !slices.Contains(c.Entry.Generators, torch.NumpyRNG)
	switch {
	case numpy && known && (seed.Int < 0 || seed.Int >= 1<<32):
		return "numpy takes seeds from 0 to 2**32 - 1 only"
	case !known && !slices.Contains(c.Entry.Generators, torch.TorchRNG) && !strings.HasPrefix(c.Callee, "torch."):
		return "torch takes no None and no text for a seed"
	}
	return ""
}

// plainSeed says that a seed call is one of those the helper makes, or one it makes needless.
func plainSeed(callee string) bool {
	switch callee {
	case "torch.manual_seed", "torch.random.manual_seed", "torch.cuda.manual_seed", "torch.cuda.manual_seed_all", "numpy.random.seed", "random.seed":
		return true
	}
	return false
}

// deterministic asks for deterministic algorithms behind the seed.
func deterministic(s *sheet, r diagnostics.Deterministic) (Fix, bool) {
	stmt := statement(r.Seed.Node)
	if !s.ownLine(stmt) {
		return Fix{}, false
	}
	t := s.module("torch")
	s.linesAfter(stmt,
		"# Deterministic cuDNN algorithms can be slower: measure. Other operators need",
		"# torch.use_deterministic_algorithms(True).",
		t+".backends.cudnn.deterministic = True",
		t+".backends.cudnn.benchmark = False",
	)
	return s.fix(Fix{Title: "Ask for deterministic cuDNN algorithms", Applicability: diagnostics.Unsafe, Why: "training can be slower"}), true
}

// seedWorkers gives a loader a worker_init_fn that seeds numpy from torch's per-worker seed.
func seedWorkers(s *sheet, r diagnostics.SeedWorkers) (Fix, bool) {
	np, t, rnd := s.module("numpy"), s.module("torch"), s.module("random")
	s.helper("seed_worker", []string{
		"def seed_worker(worker_id):",
		"\tseed = " + t + ".initial_seed() % 2**32",
		"\t" + np + ".random.seed(seed)",
		"\t" + rnd + ".seed(seed)",
	})
	s.keyword(r.Loader.Call, "worker_init_fn", "seed_worker")
	return s.fix(Fix{
		Title:         "Seed each worker from torch's seed",
		Applicability: diagnostics.Unsafe,
		Why:           "generators held by the dataset must be made in the worker as well",
	}), true
}
