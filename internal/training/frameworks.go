package training

import (
	"iter"
	"regexp"
	"slices"

	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
	"github.com/ckpt-lsp/ckpt-lsp/internal/pysem"
)

// What frameworks are told by the arguments of a call: Lightning's trainer and callbacks, the arguments of transformers' Trainer,
// Accelerate's accelerator.

// Callee is a class or function under all its qualified names.
type Callee struct {
	// qualified matches the names, last their last parts, one of which stands in each file that calls it.
	qualified, last *regexp.Regexp
}

func calleeOf(qualified, last string) Callee {
	return Callee{regexp.MustCompile(`^(?:` + qualified + `)$`), regexp.MustCompile(`^(?:` + last + `)$`)}
}

var (
	// ModelCheckpoints and LightningTrainers are Lightning's classes, SeedEverything its seeding function.
	ModelCheckpoints  = calleeOf(`(pytorch_lightning|lightning(\.pytorch)?)\.(callbacks\.)?(model_checkpoint\.)?ModelCheckpoint`, `ModelCheckpoint`)
	LightningTrainers = calleeOf(`(pytorch_lightning|lightning(\.pytorch)?)\.(trainer\.)?(trainer\.)?Trainer`, `Trainer`)
	SeedEverything    = calleeOf(`(pytorch_lightning|lightning(\.pytorch)?)\.(utilities\.)?(seed\.)?seed_everything`, `seed_everything`)
	// TrainingArguments are the settings of transformers' Trainer and of the trainers that are made from it.
	TrainingArguments = calleeOf(`transformers\.(\w+\.)*(Seq2Seq)?TrainingArguments|sentence_transformers\.(\w+\.)*\w*TrainingArguments|trl\.(\w+\.)*`+trlConfig, `\w*TrainingArguments|`+trlConfig)
	dataLoaders       = calleeOf(`torch\.utils\.data\.(dataloader\.)?DataLoader`, `DataLoader`)
)

const trlConfig = `(SFT|DPO|GRPO|RLOO|KTO|ORPO|CPO|Reward|PRM|GKD|XPO|NashMD|OnlineDPO|BCO)Config`

// ownCalls are the calls in the file, whatever runs them.
func (f *File) ownCalls() iter.Seq[pyast.Node] { return callsIn(f.Module) }

// callsIn are the calls in a module, whatever runs them.
func callsIn(m *pysem.Module) iter.Seq[pyast.Node] {
	return func(yield func(pyast.Node) bool) {
		for _, fn := range m.Funcs {
			for _, c := range fn.Calls {
				if !yield(c) {
					return
				}
			}
		}
	}
}

// methodCalls are the calls in the file of a method of some name, on any object.
func (f *File) methodCalls(name string) iter.Seq[pyast.Node] {
	return func(yield func(pyast.Node) bool) {
		for c := range f.ownCalls() {
			if c.Child(pyast.FieldFunction).Kind() == pyast.KindAttribute && calledName(c) == name && !yield(c) {
				return
			}
		}
	}
}

// CallsOf are the calls in the file of something, whatever runs them. Calls that may be given more out of sight, through ** or *, are
// left out.
func (f *File) CallsOf(callee Callee) iter.Seq[pyast.Node] {
	return func(yield func(pyast.Node) bool) {
		for c := range f.callsOf(callee) {
			if !pysem.Args(c).May() && !yield(c) {
				return
			}
		}
	}
}

// Opaque reports whether the file calls something with arguments that are out of sight.
func (f *File) Opaque(callee Callee) bool {
	for c := range f.callsOf(callee) {
		if pysem.Args(c).May() {
			return true
		}
	}
	return false
}

func (f *File) callsOf(callee Callee) iter.Seq[pyast.Node] {
	return func(yield func(pyast.Node) bool) {
		if !f.Module.Words().Names.Match(callee.last) {
			return
		}
		for c := range f.ownCalls() {
			if callee.qualified.MatchString(f.qualified(c.Child(pyast.FieldFunction))) && !yield(c) {
				return
			}
		}
	}
}

// Setting is the value that a call gives to a keyword, the zero value's Unknown where it gives none; given says whether it does.
func (f *File) Setting(call pyast.Node, keyword string) (v *pysem.Value, given bool) {
	n, given := pysem.Args(call).Keyword[keyword]
	return f.Eval.Eval(n, f.Eval.In(f.moduleOf(call), call)), given
}

// On reports whether a call sets a keyword to what is known to be true.
func (f *File) On(call pyast.Node, keyword string) bool {
	v, given := f.Setting(call, keyword)
	truth, known := v.Truth()
	return given && known && truth
}

// Resuming is a call of a trainer's method that goes on from a checkpoint, as the keyword of that name says: trainer.fit(ckpt_path=...).
// It is none where no call does, or the keyword is None or False.
func (f *File) Resuming(method, keyword string) pyast.Node {
	for c := range f.methodCalls(method) {
		v, given := f.Setting(c, keyword)
		if truth, known := v.Truth(); given && (!known || truth) {
			return c
		}
	}
	return pyast.Node{}
}

// TrainsBy reports whether the file calls a method of the name on any object: trainer.train().
func (f *File) TrainsBy(method string) bool {
	for range f.methodCalls(method) {
		return true
	}
	return false
}

// Bounded reports whether the arguments of a Trainer keep it from saving, be it by a value that is not known, or end before it has
// saved twice, or the file names the limit of what is kept, in whatever way it sets it.
func (f *File) Bounded(call pyast.Node) bool {
	if f.names(limitName) {
		return true
	}
	strategy, given := f.Setting(call, "save_strategy")
	text, _ := strategy.Text()
	if given && text != "steps" && text != "epoch" {
		return true
	}
	return text != "epoch" && f.endsEarly(call)
}

// endsEarly reports whether max_steps may end a Trainer's run before it has saved twice: it is not known, or no more than save_steps.
func (f *File) endsEarly(call pyast.Node) bool {
	end, given := f.Setting(call, "max_steps")
	if !given || end.Kind == pysem.Int && end.Int <= 0 {
		return false
	}
	every, given := f.Setting(call, "save_steps")
	if !given {
		return end.Kind != pysem.Int || end.Int <= defaultSaveSteps
	}
	return end.Kind != pysem.Int || every.Kind != pysem.Int || end.Int <= every.Int
}

// defaultSaveSteps is after how many steps each transformers' Trainer saves unless told otherwise.
const defaultSaveSteps = 500

// ClaimsReproducibility reports whether any name in the file speaks of determinism or reproducibility. "benchmark" does not: beside a
// Trainer it mostly names what is evaluated.
func (f *File) ClaimsReproducibility() bool { return f.names(reproducible) }

// AsksForDeterminism reports whether the file asks transformers for full determinism, or torch for deterministic algorithms.
func (f *File) AsksForDeterminism() bool { return f.names(fullDeterminism) }

var (
	reproducible    = regexp.MustCompile(`(?i)determinis|reproducib`)
	fullDeterminism = regexp.MustCompile(`full_determinism|^use_deterministic_algorithms$`)
	limitName       = regexp.MustCompile(`^save_total_limit$`)
)

// SeedsWorkersAlike reports whether the file makes a loader with workers and leaves their seeds to torch.
func (f *File) SeedsWorkersAlike() bool {
	if f.ReseedsWorkers() {
		return false
	}
	for c := range f.CallsOf(dataLoaders) {
		if v, given := f.Setting(c, "num_workers"); given && !(v.Kind == pysem.Int && v.Int == 0) {
			return true
		}
	}
	return false
}

// Hook is the hook of Lightning's module or callback in which a save is made, "" where it is made elsewhere, or a decorator lets one
// process through.
func (s *SaveSite) Hook() string {
	hook := ""
	for c := s.Ctx; c != nil; c = c.Parent {
		if slices.ContainsFunc(c.Func.Decorators, func(d pyast.Node) bool { return mainDecorator.MatchString(d.Text()) }) {
			return ""
		}
		if c.Func.Class != nil && hookName.MatchString(c.Func.Name) && s.Run.File.hooks(c.Func.Class, 0) {
			hook = c.Func.QualName()
		}
	}
	return hook
}

// Unregistered is an object that works in the training and is left out of what an accelerator saves.
type Unregistered struct {
	Object *Object
	// Save is the accelerator's save_state; Step where the object works.
	Save, Step *Call
	// Stateless says that the object has no state_dict and cannot be registered.
	Stateless bool
	// Accelerator is how the accelerator is written where the object is made, "" where it is not there by then.
	Accelerator string
}

// Unregistered are the schedulers and averages that step beside a save_state of Accelerate and were neither prepared nor registered
// with it. Programs that hook into the save themselves are left alone.
func (f *File) Unregistered() []Unregistered {
	if f.names(savesByHook) {
		return nil
	}
	var out []Unregistered
	for _, r := range f.Runs {
		save := r.savesState()
		if save == nil {
			continue
		}
		handed, named := []*Object{}, map[string]bool{}
		for _, c := range f.prepares(r) {
			args := pysem.Args(c.Node)
			if args.May() || c.Run.innermost(c.Frame) != nil { // one after the other, under another name
				return nil
			}
			for _, n := range args.Position {
				named[lastPart(n.Text())] = true
				handed = append(handed, f.Object(f.Eval.Eval(n, c.Ctx), "")) // a helper has a name of its own for it
			}
		}
		for _, st := range r.Steps {
			o := st.Object
			stateless := f.keepsNoState(o)
			if o.Kind != Scheduler && o.Kind != Averaged || o.Guessed && !stateless || st.Foreign || st.Explicit || named[lastPart(o.Name)] || slices.ContainsFunc(handed, o.Same) || !o.Call.Valid() || f.FastForwarded(o) ||
				slices.ContainsFunc(r.Saves, func(s *SaveSite) bool { return s.Has(o) }) ||
				slices.ContainsFunc(out, func(u Unregistered) bool { return u.Object.Same(o) }) {
				continue
			}
			if stateless && (r.innermost(st.Frame) == nil || r.namedBySaver(baseName(o.Name))) {
				continue
			}
			u := Unregistered{Object: o, Save: save, Step: st.Call, Stateless: stateless}
			if save.Recv.Kind() == pyast.KindIdentifier && o.Call.Tree() == f.Tree {
				if scope := f.Module.Scope(o.Call); slices.ContainsFunc(scope.Defs(save.Recv.Text()), func(d *pysem.Def) bool { return d.Stmt.End() <= o.Call.Start() }) {
					u.Accelerator = save.Recv.Text()
				}
			}
			out = append(out, u)
		}
	}
	return out
}

// savesState is the last save_state of an accelerator in a run, nil for none.
func (r *Run) savesState() *Call {
	for _, c := range slices.Backward(r.Calls) {
		if c.Method == "save_state" && accelerator.MatchString(c.Recv.Text()) {
			return c
		}
	}
	return nil
}

// prepares are the calls that hand something to an accelerator before or in a run: its own, and, where it begins in a method of a class
// that nothing at hand makes an object of, those of the other methods, the constructor among them.
func (f *File) prepares(r *Run) []*Call {
	var out []*Call
	for _, o := range f.Runs {
		if o != r && (r.Entry.Class == nil || o.Entry.Class != r.Entry.Class) {
			continue
		}
		for _, c := range o.Calls {
			switch c.Method {
			case "prepare", "register_for_checkpointing", "prepare_scheduler", "prepare_optimizer", "prepare_model":
				out = append(out, c)
			}
		}
	}
	return out
}

// keepsNoState reports whether an object is an average of a class at hand that has no state_dict of its own or of a library's.
func (f *File) keepsNoState(o *Object) bool {
	return o.Kind == Averaged && o.Value != nil && o.Value.Kind == pysem.Instance && len(o.Value.Class.Bases) == 0 && f.Eval.MethodOf(o.Value.Class, "state_dict") == nil
}

// namedBySaver reports whether a call that saves by its name is handed an object, or is a method of it.
func (r *Run) namedBySaver(name string) bool {
	return slices.ContainsFunc(r.Events, func(ev pysem.Event) bool {
		return ev.Kind == pysem.EventCall && writes.MatchString(calledName(ev.Node)) && ev.Node.Names(name)
	})
}

var (
	accelerator = regexp.MustCompile(`(?i)accelerator$`)
	savesByHook = regexp.MustCompile(`^register_save_state_pre_hook$`)
)
