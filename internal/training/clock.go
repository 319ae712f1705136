package training

import (
	"regexp"
	"slices"

	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
	"github.com/ckpt-lsp/ckpt-lsp/internal/pysem"
	"github.com/ckpt-lsp/ckpt-lsp/internal/torch"
)

// ClockSeed is a seed that the clock, the process number or the system's entropy decides, and that nothing writes down.
type ClockSeed struct {
	// Call seeds; Value is the expression the seed comes from, Source the call in it that differs from run to run.
	Call, Value, Source pyast.Node
	// Worker says that a DataLoader's workers are seeded so.
	Worker bool
}

// clockNames are names of which one stands in each file that clocks finds something in.
var clockNames = []string{"time", "time_ns", "perf_counter", "perf_counter_ns", "monotonic", "process_time", "now", "utcnow", "today", "getpid", "urandom", "secrets", "uuid1", "uuid4", "SystemRandom"}

var clocks = regexp.MustCompile(`^(time\.(time|time_ns|perf_counter|perf_counter_ns|monotonic|process_time)|datetime\.(datetime\.)?(now|utcnow|today)|os\.(getpid|urandom)|secrets\.\w+|uuid\.uuid[14]|random\.SystemRandom)$`)

// ClockSeeds are the seed calls of the file with such a seed. Left out are those under a test of a seed (the user may give
// one), those in a loop (made to differ on purpose), and seeds that are also printed, stored or handed on.
func (f *File) ClockSeeds() []ClockSeed {
	if !f.Module.Words().Names.Has(clockNames...) {
		return nil
	}
	var out []ClockSeed
	for _, fn := range f.Module.Funcs {
		for _, c := range fn.Calls {
			callee := c.Child(pyast.FieldFunction)
			e, _ := torch.Lookup(f.qualified(callee))
			arg := pysem.Args(c).Get(0, "seed")
			if e.Kind != torch.Seeder && !seeding.MatchString(lastPart(callee.Text())) || !arg.Valid() || f.seedIsChoice(c) {
				continue
			}
			if s, ok := f.clockSeed(fn, arg); ok {
				s.Call, s.Worker = c, f.seedsWorkers(fn)
				out = append(out, s)
			}
		}
	}
	return out
}

// SeedsTorch reports whether torch's generator is seeded in any way in a run of the file, or may be out of sight.
func (f *File) SeedsTorch() bool {
	return slices.ContainsFunc(f.Runs, func(r *Run) bool {
		return r.SeedsElsewhere().Valid() || slices.ContainsFunc(r.Seeds, func(c *Call) bool { return slices.Contains(c.Entry.Generators, torch.TorchRNG) })
	})
}

func (f *File) clockSeed(fn *pysem.Func, arg pyast.Node) (ClockSeed, bool) {
	if src := f.clockIn(arg); src.Valid() {
		return ClockSeed{Value: arg, Source: src}, true
	}
	if arg.Kind() != pyast.KindIdentifier {
		return ClockSeed{}, false
	}
	defs := fn.Defs(arg.Text())
	if len(defs) != 1 || defs[0].Kind != pysem.DefAssign || len(defs[0].Index) > 0 || f.seedIsChoice(defs[0].Stmt) {
		return ClockSeed{}, false
	}
	src := f.clockIn(defs[0].Value)
	return ClockSeed{Value: defs[0].Value, Source: src}, src.Valid() && !f.writtenDown(fn, arg.Text())
}

// clockIn is the call in an expression that differs from run to run, none where another value may take its place.
func (f *File) clockIn(n pyast.Node) pyast.Node {
	var found pyast.Node
	for d := range n.Descendants() {
		switch d.Kind() {
		case pyast.KindConditionalExpression, pyast.KindBooleanOperator:
			return pyast.Node{}
		case pyast.KindCall:
			if clocks.MatchString(f.qualified(d.Child(pyast.FieldFunction))) {
				found = d
			}
		}
	}
	return found
}

var (
	seedWord   = regexp.MustCompile(`(?i)seed`)
	workerWord = regexp.MustCompile(`(?i)worker`)
)

// seedIsChoice reports whether a node stands under a test of a seed, or in a loop.
func (f *File) seedIsChoice(n pyast.Node) bool {
	for p := n.Parent(); p.Valid() && p.Kind() != pyast.KindFunctionDefinition; p = p.Parent() {
		switch p.Kind() {
		case pyast.KindForStatement, pyast.KindWhileStatement:
			return true
		case pyast.KindIfStatement, pyast.KindElifClause:
			if seedWord.MatchString(p.Child(pyast.FieldCondition).Text()) {
				return true
			}
		}
	}
	return false
}

// writtenDown reports whether a name is used for anything but seeding in its function.
func (f *File) writtenDown(fn *pysem.Func, name string) bool {
	for _, u := range namedIn(fn.Body, name) {
		call := u.Ancestor(pyast.KindCall, pyast.KindBlock, pyast.KindModule)
		if u.Field() == pyast.FieldLeft {
			continue
		}
		e, _ := torch.Lookup(f.qualified(call.Child(pyast.FieldFunction)))
		if e.Kind != torch.Seeder && !seeding.MatchString(lastPart(call.Child(pyast.FieldFunction).Text())) {
			return true
		}
	}
	return false
}

// seedsWorkers reports whether a function is a worker_init_fn, by its use or its parameter.
func (f *File) seedsWorkers(fn *pysem.Func) bool {
	if len(fn.Params) > 0 && workerWord.MatchString(fn.Params[0].Name) {
		return true
	}
	for _, g := range f.Module.Funcs {
		for _, c := range g.Calls {
			n, ok := pysem.Args(c).Keyword["worker_init_fn"]
			if !ok {
				continue
			}
			if n == fn.Node {
				return true
			}
			if v := f.Eval.Eval(n, f.Eval.In(f.Module, n)); v.Kind == pysem.FuncVal && v.Func == fn {
				return true
			}
		}
	}
	return false
}
