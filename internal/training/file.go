// Package training turns names and values into the domain's facts: save sites, load sites, training loops, tracked objects,
// rank guards, seeds. Rules read them; they look at syntax only to place a finding.
package training

import (
	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
	"github.com/ckpt-lsp/ckpt-lsp/internal/pysem"
)

// File holds the training facts of one Python file. It is for one goroutine, because values are computed when asked for.
type File struct {
	// Path is as the caller named it.
	Path   string
	Tree   *pyast.Tree
	Module *pysem.Module
	Eval   *pysem.Evaluator
	// Runs are what the entry points of the file do: the module body first.
	Runs []*Run

	tracer      *pysem.Tracer
	objects     map[string]*Object
	loads       map[string]*LoadSite
	keyed       map[*pysem.Func][]pyast.Node
	resumptions []Resumption
	words       *vocabulary
}

// Analyze reads the facts of one file.
func Analyze(path string, tree *pyast.Tree) *File {
	m := pysem.New(path, tree)
	f := &File{Path: path, Tree: tree, Module: m, Eval: pysem.NewEvaluator(), objects: map[string]*Object{}}
	f.tracer = pysem.NewTracer(f.Eval, interesting)
	f.index()
	f.Runs = append(f.Runs, f.run(m.Top, f.Eval.Root(m.Top, nil)))
	called := f.called()
	for _, pass := range []bool{false, true} { // first what nobody calls, then what is left in cycles
		for _, fn := range m.Funcs {
			if fn.Name == "" || f.tracer.Visited(fn) || called[fn.Name] != pass {
				continue
			}
			r := f.run(fn, f.Eval.Root(fn, nil))
			if len(r.Calls) > 0 {
				f.Runs = append(f.Runs, r)
			}
		}
	}
	f.link()
	for _, r := range f.Runs {
		for _, s := range r.Saves {
			s.place()
		}
	}
	return f
}

// interestingCalls are the last names of callees that a function is walked into for.
var interestingCalls = map[string]bool{}

func init() {
	for _, n := range []string{
		"save", "load", "step", "update", "update_parameters", "load_state_dict", "state_dict", "backward", "barrier", "wait_for_everyone",
		"set_epoch", "manual_seed", "manual_seed_all", "seed", "seed_all", "seed_everything", "set_seed", "init_process_group",
		"destroy_process_group", "get_rng_state", "set_rng_state", "setstate", "getstate", "set_state", "get_state", "DataLoader",
		"DistributedSampler", "DistributedDataParallel", "DDP", "DataParallel", "save_checkpoint", "save_state", "save_model",
		"save_on_master", "load_checkpoint", "copyfile", "copytree", "copy", "copy2", "move", "remove", "unlink", "rmtree", "rename", "replace", "glob", "iglob",
		"listdir", "sorted", "sort", "all_gather", "all_gather_object", "all_reduce", "broadcast", "broadcast_object_list", "spawn",
		"use_deterministic_algorithms", "consolidate_state_dict", "GradScaler", "eval", "scale", "minimize", "prepare", "initialize",
		"rand", "randn", "randint", "choice", "shuffle", "permutation", "normal", "uniform", "random", "sample", "randperm", "random_split", "randrange", "choices", "standard_normal",
	} {
		interestingCalls[n] = true
	}
}

func interesting(name string) bool { return interestingCalls[name] || foreignSaver.MatchString(name) }

// called are the names of functions that the file itself calls or hands on.
func (f *File) called() map[string]bool {
	out := map[string]bool{}
	for _, fn := range f.Module.Funcs {
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

// index lists, by function, the nodes that read a constant key.
func (f *File) index() {
	f.keyed = map[*pysem.Func][]pyast.Node{}
	for n := range f.Tree.Root().Descendants() {
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
			fn := f.Module.Scope(n)
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
	return out
}

// Loads are the load sites of all runs.
func (f *File) Loads() []*LoadSite {
	var out []*LoadSite
	for _, r := range f.Runs {
		out = append(out, r.Loads...)
	}
	return out
}

// PathOf is the path of the file a tree belongs to, "" for this file.
func (f *File) PathOf(tree *pyast.Tree) string {
	if tree == f.Tree {
		return ""
	}
	return ""
}
