package training

import (
	"regexp"
	"slices"
	"strings"

	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
	"github.com/ckpt-lsp/ckpt-lsp/internal/pysem"
	"github.com/ckpt-lsp/ckpt-lsp/internal/torch"
)

// seeding is what the functions are called that make runs repeat.
var seeding = regexp.MustCompile(`(?i)seed|determinis|reproduc`)

// SeedingName reports whether a function's name says that it makes runs repeat.
func SeedingName(name string) bool { return seeding.MatchString(name) }

// understood are packages of which the tables know each function that seeds.
var understood = regexp.MustCompile(`^(torch|numpy|random|builtins|os|sklearn|collections|itertools)(\.|$)`)

// SeedsElsewhere is a call of the run that may seed and whose code is not at hand, or is not seen to run; none if there is none.
func (r *Run) SeedsElsewhere() pyast.Node {
	if r.elsewhere == nil {
		n := r.seedsElsewhere()
		r.elsewhere = &n
	}
	return *r.elsewhere
}

func (r *Run) seedsElsewhere() pyast.Node {
	f := r.File
	unseen := f.unseenSeeders(r)
	named := f.names(seeding)
	for _, ev := range r.Events {
		if ev.Kind != pysem.EventCall {
			continue
		}
		fn := ev.Node.Child(pyast.FieldFunction)
		name := lastPart(fn.Text())
		if !(named && seeding.MatchString(name)) && !unseen[name] {
			continue
		}
		for _, a := range f.Eval.Eval(fn, ev.Ctx).Alternatives() {
			if maySeed(a, fn, name) || unseen[name] && a.Kind != pysem.FuncVal && a.Kind != pysem.ClassVal && !understood.MatchString(calleeName(a)) {
				return ev.Node
			}
		}
	}
	return pyast.Node{}
}

// SeedsElsewhere is the first such call of all runs.
func (f *File) SeedsElsewhere() pyast.Node {
	for _, r := range f.Runs {
		if n := r.SeedsElsewhere(); n.Valid() {
			return n
		}
	}
	return pyast.Node{}
}

// maySeed reports whether a callee that is not at hand may seed the global generators, by its name: a function that is called so, or
// a method that is called as those of libraries are. `env.seed(0)` and `generator.manual_seed(0)` seed what they belong to.
func maySeed(callee *pysem.Value, fn pyast.Node, name string) bool {
	switch callee.Kind {
	case pysem.FuncVal, pysem.ClassVal:
		return false
	case pysem.External:
		_, known := torch.Lookup(callee.Name)
		return !known && seeding.MatchString(name) && !understood.MatchString(callee.Name)
	}
	if fn.Kind() == pyast.KindAttribute {
		return seedsByName.MatchString(name) && name != "seed" && name != "manual_seed"
	}
	return seeding.MatchString(name)
}

// unseenSeeders are the names of functions at hand that seed, themselves or by what they call, and that the run is not seen to
// enter: a call of one by way of an object that nobody knows may reach it.
func (f *File) unseenSeeders(r *Run) map[string]bool {
	out := map[string]bool{}
	modules := f.involved()
	for _, m := range f.Eval.Links(f.Module) {
		if !slices.Contains(modules, m) {
			modules = append(slices.Clone(modules), m)
		}
	}
	modules = slices.DeleteFunc(slices.Clone(modules), func(m *pysem.Module) bool { return !m.Words().Names.Has(seederNames...) })
	entered := map[*pysem.Func]bool{}
	for _, c := range r.Seeds {
		for ctx := c.Ctx; ctx != nil; ctx = ctx.Parent {
			entered[ctx.Func] = true
		}
	}
	for range 3 {
		for _, m := range modules {
			for _, fn := range m.Funcs {
				if fn.Name == "" || fn == m.Top || entered[fn] || out[fn.Name] {
					continue
				}
				if f.setsSeed(fn) || len(out) > 0 && slices.ContainsFunc(f.callsNames(fn), func(name string) bool { return out[name] }) {
					out[fn.Name] = true
					if fn.Name == "__init__" && fn.Class != nil {
						out[fn.Class.Name] = true
					}
				}
			}
		}
	}
	delete(out, "__init__")
	return out
}

// callsNames are the last names of what a function calls.
func (f *File) callsNames(fn *pysem.Func) []string {
	names, known := f.callees[fn]
	if !known {
		if f.callees == nil {
			f.callees = map[*pysem.Func][]string{}
		}
		for _, c := range fn.Calls {
			if name := lastPart(c.Child(pyast.FieldFunction).Text()); !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
		f.callees[fn] = names
	}
	return names
}

// setsSeed reports whether a function itself sets a seed that it is given.
func (f *File) setsSeed(fn *pysem.Func) bool {
	sets, known := f.seeders[fn]
	if !known {
		if f.seeders == nil {
			f.seeders = map[*pysem.Func]bool{}
		}
		sets = slices.ContainsFunc(fn.Calls, f.fixedSeeder)
		f.seeders[fn] = sets
	}
	return sets
}

// seederNames are the last names of the functions that seed, of which one stands in each file that seeds.
var seederNames = func() []string {
	var out []string
	for _, q := range torch.Names(torch.Seeder) {
		if last := lastPart(q); !slices.Contains(out, last) {
			out = append(out, last)
		}
	}
	return out
}()

// fixedSeeder reports whether a call sets a seed that it is given.
func (f *File) fixedSeeder(call pyast.Node) bool {
	e, ok := torch.Lookup(f.qualified(call.Child(pyast.FieldFunction)))
	n := pysem.Args(call).Get(0, "seed")
	return ok && e.Kind == torch.Seeder && n.Valid() && !n.Is(pyast.KindNoneLiteral)
}

// SeededByImport reports whether a file that this one imports seeds torch when it is imported.
func (f *File) SeededByImport() bool {
	seedsTorch := func(c pyast.Node) bool {
		e, _ := torch.Lookup(f.qualified(c.Child(pyast.FieldFunction)))
		return f.fixedSeeder(c) && slices.Contains(e.Generators, torch.TorchRNG)
	}
	return slices.ContainsFunc(f.Eval.Links(f.Module), func(m *pysem.Module) bool {
		return m.Words().Names.Has(seederNames...) && slices.ContainsFunc(m.Top.Calls, seedsTorch)
	})
}

// seededHere reports whether a call stands in a with statement that seeds for its body, as `with numpy_seed(seed + epoch):`: it
// calls a function that seeds, or one that is not at hand and called so.
func (f *File) seededHere(call pyast.Node) bool {
	for n := call.Ancestor(pyast.KindWithStatement); n.Valid(); n = n.Ancestor(pyast.KindWithStatement) {
		for c := range n.Children() {
			if c.Kind() != pyast.KindWithClause {
				continue
			}
			for d := range c.Descendants() {
				if d.Kind() != pyast.KindCall {
					continue
				}
				fn := d.Child(pyast.FieldFunction)
				if v := f.Eval.Eval(fn, f.Eval.In(f.moduleOf(fn), fn)); v.Kind == pysem.FuncVal {
					if slices.ContainsFunc(v.Func.Calls, f.fixedSeeder) {
						return true
					}
				} else if seeding.MatchString(lastPart(fn.Text())) || strings.HasSuffix(calleeName(v), "random.fork_rng") {
					return true
				}
			}
		}
	}
	return false
}
