// Package torch is what ckpt-lsp knows of PyTorch and its neighbours, as tables: which qualified names are optimizers,
// schedulers, savers, seeders and so on, since which version, and how learning-rate schedules run.
package torch

import (
	"slices"
	"strings"
)

// Kind says what a qualified name is for.
type Kind uint8

// Kinds of entries.
const (
	None          Kind = iota
	Optimizer          // class
	Scheduler          // class or factory of learning-rate schedules
	Scaler             // gradient scaler class
	Averaged           // EMA or SWA class
	Loader             // data loader class
	Sampler            // sampler class
	Generator          // torch generator class
	Wrapper            // model wrapper; Prefix is what it puts before the keys of state dicts
	Saver              // writes its first argument to its second
	FileLoader         // reads a checkpoint
	NoteSaver          // writes plain values to a file, as stand beside a checkpoint
	NoteLoader         // reads such a file
	Seeder             // seeds Generators
	RNGSetter          // sets the state of Generators
	RNGGetter          // reads the state of Generators
	RNGDraw            // draws from the global generators in Generators
	OwnRNG             // makes a generator of its own, which no global seed reaches
	Collective         // every process must call it
	Rank               // gives the process's rank
	MainPredicate      // says whether this is the main process
)

// RNG is a global random number generator.
type RNG uint8

// The global generators. torch.manual_seed seeds TorchRNG and CUDARNG.
const (
	TorchRNG RNG = iota
	CUDARNG
	NumpyRNG
	PythonRNG
)

var rngNames = [...]string{"torch", "CUDA", "numpy", "random"}

// String is the generator's library as users name it.
func (r RNG) String() string { return rngNames[r] }

// Version is a torch release, {major, minor}.
type Version struct{ Major, Minor int }

// Before reports whether v is an older release than o.
func (v Version) Before(o Version) bool {
	return v.Major < o.Major || v.Major == o.Major && v.Minor < o.Minor
}

// Entry is what is known of a qualified name.
type Entry struct {
	Kind Kind
	// Name is the canonical qualified name.
	Name string
	// Since is the torch release that brought it; zero for names that are older than 1.8 or not torch's own.
	Since Version
	// Prefix is what a Wrapper puts before the keys of its state dict.
	Prefix string
	// Forwards says that what a Wrapper lacks itself is read from the model inside.
	Forwards bool
	// Collective says that a Saver must be called by every process. Does is what processes do together in a Collective.
	Collective bool
	// Endless says that a Collective has no timeout.
	Endless bool
	Does    Joint
	// Payload and Path are the keywords of what a Saver or NoteSaver writes and where to, Path that of what a NoteLoader reads; for a Collective that fills a dict in place from a
	// checkpoint, of the dict and of where it reads.
	Payload, Path string
	// PathFirst says that where it goes stands in front of what is written; Once that one process of those that call it writes.
	PathFirst, Once bool
	// Fills says that a call restores into the dict that it is handed, and into the objects in it.
	Fills bool
	// Generators are those that a Seeder, RNGGetter, RNGSetter or RNGDraw concerns.
	Generators []RNG
}

var entries = map[string]Entry{}

func add(kind Kind, prefix string, names string) {
	for _, n := range strings.Fields(names) {
		full := prefix + n
		entries[full] = Entry{Kind: kind, Name: full}
	}
}

func set(names string, change func(*Entry)) {
	for _, n := range strings.Fields(names) {
		e := entries[n]
		change(&e)
		entries[n] = e
	}
}

// aliases are other paths to the same thing, by prefix.
var aliases = []struct{ from, to string }{
	{"torch.random.", "torch."},
	{"torch.cuda.random.", "torch.cuda."},
	{"torch.serialization.", "torch."},
	{"torch.nn.parallel.distributed.DistributedDataParallel", "torch.nn.parallel.DistributedDataParallel"},
	{"torch.nn.parallel.data_parallel.DataParallel", "torch.nn.DataParallel"},
	{"torch.nn.parallel.DataParallel", "torch.nn.DataParallel"},
	{"torch.utils.data.distributed.DistributedSampler", "torch.utils.data.DistributedSampler"},
	{"torch.utils.data.dataloader.DataLoader", "torch.utils.data.DataLoader"},
	{"torch.distributed.distributed_c10d.", "torch.distributed."},
	{"torch.cuda.amp.grad_scaler.GradScaler", "torch.cuda.amp.GradScaler"},
	{"torch.amp.grad_scaler.GradScaler", "torch.amp.GradScaler"},
	{"pytorch_lightning.", "lightning.pytorch."},
	{"lightning.seed_everything", "lightning.pytorch.seed_everything"},
	{"lightning.fabric.utilities.seed.seed_everything", "lightning.pytorch.seed_everything"},
	{"lightning.pytorch.utilities.seed.seed_everything", "lightning.pytorch.seed_everything"},
	{"numpy.random.mtrand.", "numpy.random."},
}

// modules of torch.optim that hold one class each, as torch.optim.adamw.AdamW.
var optimModules = strings.Fields("adadelta adafactor adagrad adam adamax adamw asgd lbfgs nadam radam rmsprop rprop sgd sparse_adam")

// Lookup finds what is known of a qualified name as the code spells it; aliases are followed.
func Lookup(qualified string) (Entry, bool) {
	if e, ok := entries[qualified]; ok {
		return e, true
	}
	if name := Canonical(qualified); name != qualified {
		return lookupExact(name)
	}
	if rest, ok := strings.CutPrefix(qualified, "torch.optim."); ok {
		if module, class, ok := strings.Cut(rest, "."); ok && !strings.Contains(class, ".") {
			for _, m := range optimModules {
				if m == module {
					return lookupExact("torch.optim." + class)
				}
			}
		}
	}
	return Entry{}, false
}

// Canonical is the path under which the tables have what a qualified name means.
func Canonical(qualified string) string {
	for _, a := range aliases {
		if rest, ok := strings.CutPrefix(qualified, a.from); ok {
			return a.to + rest
		}
	}
	return qualified
}

func lookupExact(name string) (Entry, bool) {
	e, ok := entries[name]
	return e, ok
}

func fields(names string) []string { return strings.Fields(names) }

// Names are the qualified names of a kind, in order.
func Names(kind Kind) []string {
	var out []string
	for name, e := range entries {
		if e.Kind == kind {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out
}

// exceptional are tests of numbers, functions by their qualified name and methods by theirs, and the answer that they rarely give.
var exceptional = func() map[string]bool {
	out := map[string]bool{}
	for _, module := range []string{"", "torch.", "math.", "cmath.", "numpy.", "jax.numpy."} {
		for _, n := range strings.Fields("isnan isinf isneginf isposinf") {
			out[module+n] = true
		}
		out[module+"isfinite"] = false
	}
	return out
}()

// Exceptional reports whether a function, or a method, tells numbers from what is none, and which answer it rarely gives.
func Exceptional(name string) (rare, ok bool) {
	rare, ok = exceptional[name]
	return rare, ok
}
