package diagnostics

import (
	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
	"github.com/ckpt-lsp/ckpt-lsp/internal/pysem"
	"github.com/ckpt-lsp/ckpt-lsp/internal/text"
	"github.com/ckpt-lsp/ckpt-lsp/internal/torch"
	"github.com/ckpt-lsp/ckpt-lsp/internal/training"
)

// CompleteCheckpoint adds what is missing to a save's dict, and restores it where that file is loaded. Remedies of one save
// become one fix.
type CompleteCheckpoint struct {
	Save *training.SaveSite
	// Load is where training resumes from the file, nil when the file at hand does not load it.
	Load *training.LoadSite
	// Object is the missing optimizer, scheduler, scaler or average; otherwise one of the fields below says what is missing.
	Object *training.Object
	// Progress is the loop whose epoch or step is missing.
	Progress *training.Loop
	// RNG are the missing generators' states.
	RNG []torch.RNG
	// Best is the variable that holds the best metric, as it is written at the save.
	Best string
	// Counter is the variable that counts rounds without improvement.
	Counter string
}

// RestoreState restores at a load what the checkpoint holds under a key.
type RestoreState struct {
	Load *training.LoadSite
	Key  string
	// Object is what load_state_dict is called on; RNG the generators to set; Target the variable to assign (best metric).
	Object *training.Object
	RNG    []torch.RNG
	Target string
}

// SeedAll replaces or adds seeding by one helper that seeds the generators in use, called before model and data are built.
type SeedAll struct {
	// Seeds are the present seed calls, in order; without any, the helper is called first in Entry, or in front of Before.
	Seeds      []*training.Call
	Entry      *pysem.Func
	Before     pyast.Node
	Generators []torch.RNG
	// Late says that something draws from one of them before the present seeds: that stays as it is.
	Late bool
}

// Deterministic asks for deterministic algorithms beside the seed, with the cost in a comment.
type Deterministic struct{ Seed *training.Call }

// Assign gives assignments another right-hand side, or calls another argument.
type Assign struct {
	Title  string
	Value  pyast.Node
	Also   []pyast.Node // right-hand sides that get the same
	New    string
	Safe   bool
	Reason string // why it is unsafe
}

// SeedWorkers gives a DataLoader a worker_init_fn that derives its seed from torch's.
type SeedWorkers struct{ Loader *training.Object }

// Joint is a remedy that adds a call which every process must come by.
type Joint interface {
	Remedy
	// Joins is where it adds that, none where it adds none.
	Joins() pyast.Node
}

// Joins is the save, which the barrier is put behind.
func (r GuardRank) Joins() pyast.Node {
	if !r.Barrier {
		return pyast.Node{}
	}
	return r.Save.Node
}

// Joins is the statement that the barrier is put behind.
func (r AddBarrier) Joins() pyast.Node { return r.After }

// Joins is the rank test that the states are gathered in front of.
func (r GatherStates) Joins() pyast.Node { return r.Guard.Node }

// GuardRank lets only the main process run a save, in the file's own idiom, with a barrier behind it where one is needed, and
// unwraps the module.
type GuardRank struct {
	Save    *training.SaveSite
	Barrier bool
}

// AddBarrier puts a barrier behind a statement that only the main process runs.
type AddBarrier struct {
	After pyast.Node
	// Started says that there surely is a process group.
	Started bool
	// Reason says why it is unsafe, "" when it is safe.
	Reason string
}

// MakeEverywhere lets every rank make a directory, where the rank test does nothing else.
type MakeEverywhere struct {
	Call  pyast.Node
	Guard *pysem.Frame
}

// GatherStates gathers a state from all ranks in front of the rank test around a save, saves the list of them, and takes that of
// the rank where the list is read.
type GatherStates struct {
	// State is the expression of the state in the payload; Read where it is read from the loaded checkpoint.
	State, Read pyast.Node
	Save        *training.SaveSite
	Guard       *pysem.Frame
}

// MoveOutOfGuard moves a collective call in front of the rank test that encloses it.
type MoveOutOfGuard struct {
	Call  *training.Call
	Guard *pysem.Frame
}

// Unwrap takes the state dict from, or loads it into, the module inside a wrapper: `model.module.state_dict()`.
type Unwrap struct {
	// Receiver is the wrapped model's expression.
	Receiver pyast.Node
	Prefix   string
	// Reason says why it is unsafe, "" when it is safe.
	Reason string
}

// SetEpoch tells a sampler the epoch at the top of a loop.
type SetEpoch struct {
	Loop *training.Loop
	// Sampler is how the sampler is written in the loop's function; Loader is used as `loader.sampler` when it is empty.
	Sampler, Loader string
	// Class is what makes the sampler, where on some ways another has its place; none where it is the sampler on all.
	Class pyast.Node
}

// ShiftEpoch adds Delta to the expression that gives the epoch to resume at, or, with Saved, to the one that is saved.
type ShiftEpoch struct {
	Node  pyast.Node
	Delta int
	Saved bool
}

// SaveAfterStep moves a save behind the scheduler's step.
type SaveAfterStep struct {
	Save *training.SaveSite
	Step *training.Step
}

// SaveAfterLoop moves a save behind the loop over batches that it ends.
type SaveAfterLoop struct {
	Save *training.SaveSite
	Loop *training.Loop
}

// SaveLast writes what a save keeps for the best metric in every epoch too, to a file of its own.
type SaveLast struct{ Save *training.SaveSite }

// MeasureRestored measures the model with Call behind a statement, and prints what comes out beside the figure that was Saved.
type MeasureRestored struct {
	After       pyast.Node
	Name        string
	Call, Saved pyast.Node
}

// RegisterState registers an object with an accelerator, behind its making.
type RegisterState struct {
	Object      *training.Object
	Accelerator string
}

// AtomicSave writes beside the file and renames. Reason says why that is not safe, "" where it is.
type AtomicSave struct {
	Save   *training.SaveSite
	Reason string
}

// KeptLast is how many of the newest checkpoints rotation leaves.
const KeptLast = 3

// KeepSome removes old checkpoints after a save, by number. With a metric, the best model gets a file of its own, and of the others one
// in Every numbers stays, which is each Nth file.
type KeepSome struct {
	Save       *training.SaveSite
	Metric     training.Metric
	Every, Nth int64
}

// KeepBest keeps a copy of the best checkpoint by the validation metric.
type KeepBest struct {
	Save   *training.SaveSite
	Metric string
	// Higher says that more is better.
	Higher bool
}

// SortByNumber sorts checkpoint names by the number in them.
type SortByNumber struct{ Call pyast.Node }

// SaveState saves a model's state dict instead of the object.
type SaveState struct {
	// Value is the expression of the whole object, at the save or in its dict.
	Value pyast.Node
}

// ReportMismatch prints the missing and unexpected keys of a load with strict=False.
type ReportMismatch struct{ Restore *training.Restore }

// Loadable rewrites values so that weights_only=True loads them.
type Loadable struct {
	Parts []LoadablePart
	// Reason says why it is unsafe, "" when it is safe.
	Reason string
}

// LoadablePart is a value that Loadable rewrites.
type LoadablePart struct {
	Value pyast.Node
	// As is the form to write: "float", "int", "str", "vars", "tolist", "list", "dict", "numpy-rng".
	As string
}

// SetKeyword gives a call a keyword argument, or changes the one it has.
type SetKeyword struct {
	Title string
	Call  pyast.Node
	// Also are further calls of the file that get it.
	Also        []pyast.Node
	Name, Value string
	Safe        bool
	Reason      string
}

// RenameKey writes another key in a subscript or get.
type RenameKey struct {
	Node pyast.Node
	Key  string
}

// GlobalRank asks for the rank among all processes in a test of the rank within the node.
type GlobalRank struct {
	// Test is the comparison or predicate.
	Test pyast.Node
	// Grouped says that a process group is started before, so that its rank can be asked for.
	Grouped bool
}

// SaveThenDelete deletes the checkpoint before only when the next one is written; a file that is written again is not deleted but
// replaced.
type SaveThenDelete struct {
	Save     *training.SaveSite
	Deletion *training.Call
	Same     bool
}

// SpareBest leaves the best checkpoint out of a directory listing.
type SpareBest struct{ Listing pyast.Node }

// MoveBefore moves the statement of a call in front of that of another call in the same block, where it is an unsafe fix.
type MoveBefore struct {
	Call, Other pyast.Node
}

// RemoveSuppression deletes a suppression comment, or one name in it, that suppresses nothing.
type RemoveSuppression struct{ Span text.Span }

// SeedFirst moves seeding statements in front of the statement that draws.
type SeedFirst struct {
	Seeds  []pyast.Node
	Before pyast.Node
}

// SortItems sorts what a listing or a set gives before its order is used. Key is a sort key's expression, "" for none.
type SortItems struct {
	Items pyast.Node
	Key   string
	// ByNumber says that the numbers in the names are to decide, before their text.
	ByNumber bool
	// Inner are lists that the items hold, where they are gone through, Others those whose order is to be the same: they are sorted, too.
	Inner, Others []pyast.Node
	// Reason says why sorting it alone may break the program, "" where it does not.
	Reason string
}

// FixSeed replaces a seed that differs from run to run: by a fixed one, or in a worker by the one that torch gives it.
type FixSeed struct {
	Value  pyast.Node
	Worker bool
}

// SeedSplit gives a random split a generator of its own, through a keyword of the call where it has one.
type SeedSplit struct {
	Call    pyast.Node
	Keyword string
}

// SetEnvironment sets an environment variable in front of a statement, unless it is set already.
type SetEnvironment struct {
	Before      pyast.Node
	Name, Value string
}

// SeedByRank adds the rank to a seed. Rank is how it is written there, "" where it has no name.
type SeedByRank struct {
	Seed pyast.Node
	Rank string
}

// UpdateBest assigns the metric where a test has found it better than the best so far.
type UpdateBest struct{ Best training.FrozenBest }

// DeepCopy keeps a copy of the weights instead of a reference to them.
type DeepCopy struct{ Alias training.Alias }

// RecordVersion adds the torch version to a save's dict.
type RecordVersion struct{ Save *training.SaveSite }

// VerifySave reads the file of a save back and compares the checksums in it.
type VerifySave struct{ Save *training.SaveSite }

// TrainAgain puts a model back into training mode: behind the statement of a call, or at the top of a loop where After is none.
type TrainAgain struct {
	Model string
	Loop  *training.Loop
	After pyast.Node
}

func (CompleteCheckpoint) remedy() {}
func (RestoreState) remedy()       {}
func (SeedAll) remedy()            {}
func (Deterministic) remedy()      {}
func (Assign) remedy()             {}
func (SeedWorkers) remedy()        {}
func (GuardRank) remedy()          {}
func (MakeEverywhere) remedy()     {}
func (AddBarrier) remedy()         {}
func (GatherStates) remedy()       {}
func (MoveOutOfGuard) remedy()     {}
func (Unwrap) remedy()             {}
func (SetEpoch) remedy()           {}
func (ShiftEpoch) remedy()         {}
func (SaveAfterStep) remedy()      {}
func (AtomicSave) remedy()         {}
func (KeepSome) remedy()           {}
func (KeepBest) remedy()           {}
func (SortByNumber) remedy()       {}
func (SaveState) remedy()          {}
func (ReportMismatch) remedy()     {}
func (Loadable) remedy()           {}
func (SetKeyword) remedy()         {}
func (RenameKey) remedy()          {}
func (GlobalRank) remedy()         {}
func (SaveThenDelete) remedy()     {}
func (SpareBest) remedy()          {}
func (SaveAfterLoop) remedy()      {}
func (SaveLast) remedy()           {}
func (MeasureRestored) remedy()    {}
func (RegisterState) remedy()      {}
func (MoveBefore) remedy()         {}
func (RemoveSuppression) remedy()  {}
func (SeedFirst) remedy()          {}
func (SortItems) remedy()          {}
func (FixSeed) remedy()            {}
func (SeedSplit) remedy()          {}
func (SetEnvironment) remedy()     {}
func (SeedByRank) remedy()         {}
func (UpdateBest) remedy()         {}
func (DeepCopy) remedy()           {}
func (RecordVersion) remedy()      {}
func (VerifySave) remedy()         {}
func (TrainAgain) remedy()         {}
