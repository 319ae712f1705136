// Package training turns names and values into the domain's facts: save sites, load sites, training loops, tracked objects,
// rank guards, seeds. Rules read them; they look at syntax only to place a finding.
package training

import (
	"cmp"
	"slices"
	"sync"

	"github.com/ckpt-lsp/ckpt-lsp/internal/bound"
	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
	"github.com/ckpt-lsp/ckpt-lsp/internal/pysem"
	"github.com/ckpt-lsp/ckpt-lsp/internal/torch"
)

// File holds the training facts of one Python file: of what its entry points do, in the files they lead to. It is for one
// goroutine at a time, because values are computed when asked for; those that share it take its lock.
type File struct {
	sync.Mutex
	// Path is as the caller named it.
	Path   string
	Tree   *pyast.Tree
	Module *pysem.Module
	Eval   *pysem.Evaluator
	// Runs are what the entry points of the file do: the module body first. Left are those of entry points that other files
	// enter, and that are seen there with what they are handed.
	Runs, Left []*Run
	// Beside gives the modules of the file's directory, nil where the file stands alone.
	Beside func() []*pysem.Module

	beside      []*File // those of them that load something, once they are asked for
	resolve     pysem.Resolver
	tracer      *pysem.Tracer
	drawTracer  *pysem.Tracer
	objects     map[string]*Object
	loads       map[string]*LoadSite
	loadsIn     map[madeAt]*LoadSite
	filled      map[string]filledKey // by the key of the value that was in its place
	keysOf      map[madeAt][]string
	sources     int // what is left of one search for the source of a value
	keyed       map[*pysem.Func][]pyast.Node
	indexed     map[*pysem.Module]bool // modules in keyed
	resumptions []Resumption
	contracts   []*SaveSite         // asked for once, see Contracts
	deleted     []Deletion          // asked for once, see deletions
	rotated     map[string]bool     // asked for once, see rotatedOutOfSight
	turns       map[pyast.Node]bool // asked for once each, see inTurn
	modules     []*pysem.Module
	cuda        *bool
	rankTests   map[judged]RankTest      // of the frames asked for, see frameTest
	seeders     map[*pysem.Func]bool     // functions that set a given seed themselves, or do not, once they are asked for
	callees     map[*pysem.Func][]string // the last names of what functions call, once they are asked for
	concluded   bool
	running     map[*pyast.Tree]bool              // of the files asked for, see runs
	uses        map[*pyast.Tree]map[int]bound.Use // of the files asked for, see usesOf
	raises      map[pyast.Node]int                // of the blocks asked for, see lastRaise
	torchBelow  *torch.Version                    // asked for once, see TorchBelow
	parents     map[*pysem.Class]bool             // the classes that one of the file inherits from, once they are asked for
	isNetwork   map[*pysem.Class]bool             // of the classes asked for, see isModule
	options     map[string]option                 // of the command line, by name
}

// Analyze reads the facts of one file that stands alone.
func Analyze(path string, tree *pyast.Tree) *File {
	f := Trace(pysem.New(path, tree), nil)
	f.Conclude(nil)
	return f
}

// Trace walks what the entry points of a file do, into the files that resolve gives for its imports. The facts are complete
// after Conclude.
func Trace(m *pysem.Module, resolve pysem.Resolver) *File {
	return TraceWith(m, resolve, &pysem.Work{})
}

// TraceWith is Trace that counts what it does, and what is asked of the facts later on.
func TraceWith(m *pysem.Module, resolve pysem.Resolver, work *pysem.Work) *File {
	f := &File{Path: m.Path, Tree: m.Tree, Module: m, Eval: pysem.NewEvaluatorOver(resolve), objects: map[string]*Object{}, indexed: map[*pysem.Module]bool{}, resolve: resolve}
	f.Eval.Work = work
	f.Eval.Fluent = objectMethods
	f.Eval.Inside = insideOf
	f.tracer = pysem.NewTracer(f.Eval, m, interesting)
	f.tracer.Launched = launched
	f.keyed = map[*pysem.Func][]pyast.Node{}
	f.Runs = append(f.Runs, f.run(m.Top, f.Eval.Root(m.Top, nil)))
	called := called(m)
	f.inheritedRuns(called)
	for _, pass := range []bool{false, true} { // first what nobody calls, then what is left in cycles
		for _, fn := range m.Funcs {
			if fn.Name == "" || f.tracer.Visited(fn) || called[fn.Name] != pass || !f.tracer.Worth(fn) {
				continue
			}
			for _, self := range f.selves(fn) {
				r := f.run(fn, f.Eval.Root(fn, self))
				if len(r.Calls) > 0 {
					f.Runs = append(f.Runs, r)
				}
			}
		}
	}
	return f
}

// Conclude connects what was traced. Entry points that other files enter are left out: they are seen there, with what they are
// handed.
func (f *File) Conclude(entered func(*pysem.Func) bool) {
	if entered != nil {
		f.Runs = slices.DeleteFunc(f.Runs, func(r *Run) bool {
			if r.Entry == f.Module.Top || !slices.ContainsFunc(r.Begins(), entered) {
				return false
			}
			f.Left = append(f.Left, r)
			return true
		})
	}
	f.link()
	for _, r := range slices.Concat(f.Runs, f.Left) {
		var renames []rename
		if len(r.Saves) > 0 {
			renames = r.renames()
		}
		for _, s := range r.Saves {
			s.place()
			s.follow(renames)
		}
		for _, s := range r.Notes {
			s.place()
		}
	}
	f.concluded = true
}

// Entered are the functions of other files that the file's entry points run.
func (f *File) Entered() []*pysem.Func { return f.tracer.Entered() }

// interestingCalls are the last names of callees that a function is walked into for.
var interestingCalls = map[string]bool{}

func init() {
	for _, n := range []string{
		"save", "load", "step", "update", "update_parameters", "load_state_dict", "state_dict", "backward",
		"set_epoch", "manual_seed", "manual_seed_all", "seed", "seed_all", "seed_everything", "set_seed", "init_process_group",
		"destroy_process_group", "get_rng_state", "set_rng_state", "setstate", "getstate", "set_state", "get_state", "DataLoader",
		"DistributedSampler", "DistributedDataParallel", "DDP", "DataParallel", "save_checkpoint", "save_state", "save_model",
		"save_on_master", "load_checkpoint", "copyfile", "copytree", "makedirs", "mkdir", "copy", "copy2", "move", "remove", "unlink", "rmtree", "rename", "replace", "glob", "iglob",
		"listdir", "walk", "sorted", "sort", "spawn",
		"use_deterministic_algorithms", "GradScaler", "eval", "scale", "minimize", "prepare", "prepare_scheduler", "register_for_checkpointing", "initialize",
	} {
		interestingCalls[n] = true
	}
}

// interestingAfar are those of them that a function of another file is walked into for.
var interestingAfar = map[string]bool{}

func init() {
	for _, n := range []string{
		"save", "load", "step", "update_parameters", "load_state_dict", "state_dict", "backward",
		"set_epoch", "manual_seed", "manual_seed_all", "seed", "seed_all", "seed_everything", "set_seed", "init_process_group",
		"destroy_process_group", "get_rng_state", "set_rng_state", "setstate", "getstate", "set_state", "get_state", "DataLoader",
		"DistributedSampler", "DistributedDataParallel", "DDP", "DataParallel", "save_checkpoint", "save_state", "save_model",
		"save_on_master", "load_checkpoint", "copyfile", "copytree", "makedirs", "mkdir", "remove", "unlink", "rmtree", "spawn",
		"use_deterministic_algorithms", "GradScaler", "minimize", "prepare", "prepare_scheduler", "register_for_checkpointing",
	} {
		interestingAfar[n] = true
	}
}

func interesting(name string, home bool) bool {
	if torch.JointName(name) || torch.KeeperName(name) {
		return true
	}
	if !home {
		return interestingAfar[name]
	}
	return interestingCalls[name] || foreignSaver.MatchString(name) || seedsByName.MatchString(name)
}

// called are the names of functions that the file itself calls or hands on.
func called(m *pysem.Module) map[string]bool {
	out := map[string]bool{}
	for _, fn := range m.Funcs {
		for _, c := range fn.Calls {
			callee := c.Child(pyast.FieldFunction)
			if callee.Kind() == pyast.KindAttribute {
				callee = callee.Child(pyast.FieldAttribute)
			}
			out[callee.Text()] = true
		}
	}
	return out
}

// keyReads are the nodes of a function that read a constant key.
func (f *File) keyReads(fn *pysem.Func) []pyast.Node {
	if !f.indexed[fn.Module] {
		f.indexed[fn.Module] = true
		f.index(fn.Module)
	}
	return f.keyed[fn]
}

// index lists, by function of a module, the nodes that read a constant key.
func (f *File) index(m *pysem.Module) {
	for n := range m.Tree.Root().Descendants() {
		keep := false
		switch n.Kind() {
		case pyast.KindSubscript:
			keep = n.Field() != pyast.FieldLeft || n.Parent().Kind() != pyast.KindAssignment
		case pyast.KindCall:
			fn := n.Child(pyast.FieldFunction)
			if fn.Kind() == pyast.KindAttribute {
				name := fn.Child(pyast.FieldAttribute)
				keep = name.TextIs("get") || name.TextIs("pop")
			}
		case pyast.KindComparisonOperator:
			for o := range n.ChildrenOf(pyast.FieldOperators) {
				keep = o.TextIs("in") || o.TextIs("not in")
			}
		}
		if keep {
			fn := m.Scope(n)
			f.keyed[fn] = append(f.keyed[fn], n)
		}
	}
}

// Saves are the save sites of all runs.
func (f *File) Saves() []*SaveSite {
	var out []*SaveSite
	for _, r := range f.Runs {
		out = append(out, r.Saves...)
	}
	f.Eval.Work.Spend(len(out))
	return out
}

// EveryLoad are the load sites of all runs, those left to other files too, for questions that no caller has a part in.
func (f *File) EveryLoad() []*LoadSite {
	out := f.Loads()
	for _, r := range f.Left {
		out = append(out, r.Loads...)
	}
	return out
}

// Loads are the load sites of all runs.
func (f *File) Loads() []*LoadSite {
	var out []*LoadSite
	for _, r := range f.Runs {
		out = append(out, r.Loads...)
	}
	f.Eval.Work.Spend(len(out))
	return out
}

// ModuleOf is the file that a tree belongs to: this one or one that was consulted.
func (f *File) ModuleOf(tree *pyast.Tree) *pysem.Module {
	if tree == f.Tree {
		return f.Module
	}
	for m := range f.Eval.Consulted() {
		if m.Tree == tree {
			return m
		}
	}
	return nil
}

// moduleOf is the file that a node stands in.
func (f *File) moduleOf(n pyast.Node) *pysem.Module {
	if m := f.ModuleOf(n.Tree()); m != nil {
		return m
	}
	return f.Module
}

// ScopeOf is the function, or the module, that an expression stands in.
func (f *File) ScopeOf(n pyast.Node) *pysem.Func { return f.moduleOf(n).Scope(n) }

// PathOf is the path of the file a tree belongs to, "" for this file.
func (f *File) PathOf(tree *pyast.Tree) string {
	if m := f.ModuleOf(tree); m != nil && m != f.Module {
		return m.Path
	}
	for _, other := range f.beside {
		if other.Tree == tree || other.ModuleOf(tree) != nil {
			return cmp.Or(other.PathOf(tree), other.Path)
		}
	}
	return ""
}

// TreeOf is the tree of the file at a path: this one or one that was consulted, nil for others.
func (f *File) TreeOf(path string) *pyast.Tree {
	if path == f.Path {
		return f.Tree
	}
	for m := range f.Eval.Consulted() {
		if m.Path == path {
			return m.Tree
		}
	}
	return nil
}
