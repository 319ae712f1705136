package training

import (
	"regexp"
	"slices"
	"strings"

	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
	"github.com/ckpt-lsp/ckpt-lsp/internal/pysem"
)

// BareState reports whether all that is loaded goes into load_state_dict as it is, so that the file is a state dict.
func (l *LoadSite) BareState() bool {
	if l.Opaque || len(l.Reads) > 0 || len(l.Restores) == 0 {
		return false
	}
	for _, x := range l.Restores {
		if x.Key != "" || x.Object == nil || x.Object.Kind != Model {
			return false
		}
	}
	return true
}

// Feeds reports whether tensors of the file go into a model, optimizer or average: it is restored from the load, or from a dict
// that the same function makes out of what it loaded, or training resumes from it out of sight. A file of numbers feeds nothing; what an
// object that nobody knows restores may be numbers.
func (l *LoadSite) Feeds() bool {
	if l.numbers() {
		return false
	}
	for _, x := range l.Restores {
		if x.Object != nil && slices.Contains([]Kind{Model, Optimizer, Averaged}, x.Object.Kind) {
			return true
		}
	}
	if l.WholeModel() {
		return true
	}
	for _, x := range l.Run.Restores {
		if (l.Opaque || len(l.Reads) > 0) && x.Load == nil && x.Ctx == l.Ctx && x.Index > l.Index && x.Object != nil && (x.Object.Kind == Model || x.Object.Kind == Averaged) {
			return true
		}
	}
	return l.Opaque && l.ReadsProgress() && len(l.Restores) == 0
}

// WholeModel reports whether what is loaded is a model itself: it is asked for its parameters.
func (l *LoadSite) WholeModel() bool {
	return slices.ContainsFunc(l.Run.Calls, func(c *Call) bool {
		return (c.Method == "parameters" || c.Method == "named_parameters") && c.Value != nil && c.Index > l.Index &&
			slices.ContainsFunc(c.Value.Alternatives(), func(a *pysem.Value) bool { return l.Run.File.loadOf(a) == l })
	})
}

// ForOthers reports whether the program only works on files that others write: nothing in it trains.
func (l *LoadSite) ForOthers() bool {
	f := l.Run.File
	return l.Origin() != OriginOwn && !slices.ContainsFunc(slices.Concat(f.Runs, f.Left), func(r *Run) bool { return len(r.Steps) > 0 })
}

// numbers reports whether the saves that write the file are known, and none of them holds the state of an object or a tensor.
func (l *LoadSite) numbers() bool {
	found := false
	for _, s := range l.Run.File.Saves() {
		if !s.Writes(l.Path) {
			continue
		}
		if found = true; s.Kind != PayloadDict || s.Open || slices.ContainsFunc(s.Components, Component.mayHoldTensors) {
			return false
		}
	}
	return found
}

// mayHoldTensors reports whether a component is, or may hold, a tensor on a GPU: the state of an object, or what is not known. The states
// of generators are tensors on the CPU, those of CUDA's too.
func (c Component) mayHoldTensors() bool {
	if c.RNG != nil {
		return false
	}
	return c.Object != nil || c.Role == RoleUncalled || c.Value != nil && holdsTensors(c.Value, 0)
}

func holdsTensors(v *pysem.Value, depth int) bool {
	for _, a := range v.Alternatives() {
		switch a.Kind {
		case pysem.Call:
			if !plainMaker.MatchString(calleeName(a)) {
				return true
			}
		case pysem.List, pysem.Tuple:
			if depth > 3 || slices.ContainsFunc(a.Elems, func(e *pysem.Value) bool { return holdsTensors(e, depth+1) }) {
				return true
			}
		case pysem.Dict, pysem.Instance:
			return true
		}
	}
	return false
}

// plainMaker makes numbers, texts and the states of generators.
var plainMaker = regexp.MustCompile(`^(builtins\.(int|float|str|bool|len|round)|time\.\w+|random\.getstate|(numpy|torch|torch\.cuda)(\.random)?\.get_(rng_)?state(_all)?)$`)

// Checkpoint reports whether the file is used as a checkpoint, rather than as a tensor or other data: something is restored from it,
// a key is read, or it goes where it is not followed.
func (l *LoadSite) Checkpoint() bool { return l.Opaque || len(l.Reads) > 0 || l.Feeds() }

// OnlyRestores reports whether everything read from the file goes into load_state_dict or is a plain number or setting.
func (l *LoadSite) OnlyRestores() bool {
	if l.Opaque || len(l.Restores) == 0 {
		return false
	}
	restored := map[string]bool{}
	for _, x := range l.Restores {
		restored[x.Key] = true
	}
	for _, r := range l.Reads {
		if !r.Tested && !restored[r.Key] && !isProgressKey(r.Key) && !bestKey.MatchString(r.Key) && !metricKey.MatchString(r.Key) && !configKey.MatchString(r.Key) {
			return false
		}
	}
	return true
}

// Dropped is the parameter map_location of the function that loads, which it leaves unused; none if there is no such parameter.
func (l *LoadSite) Dropped() pyast.Node {
	for _, p := range l.Ctx.Func.Params {
		if p.Name == "map_location" && !mentions(l.Ctx.Func.Body, p.Name) {
			return p.Node
		}
	}
	return pyast.Node{}
}

// Placed reports whether the same file is loaded with map_location elsewhere in the same function: a branch for each device.
func (l *LoadSite) Placed() bool {
	l.Run.File.Eval.Work.Spend(4 * len(l.Run.Loads))
	for _, o := range l.Run.Loads {
		if n, _ := o.MapLocation(); n.Valid() && o.Node != l.Node && o.Ctx.Func == l.Ctx.Func && o.Path.Node.Text() == l.Path.Node.Text() {
			return true
		}
	}
	return false
}

// Leniency says whether a load_state_dict lets keys differ, and who decided it.
type Leniency uint8

// Leniencies.
const (
	Strict Leniency = iota
	// LenientHere is a False where the state is loaded.
	LenientHere
	// LenientByDefault is a parameter that is False unless the caller says otherwise.
	LenientByDefault
	// LenientByCaller is a parameter for which a caller passes False.
	LenientByCaller
)

var ofStrict = regexp.MustCompile(`(?i)\bstrict\b`)

// Explained reports whether a comment in front of the restore's statement speaks of strict, which is then chosen with open eyes.
func (x *Restore) Explained() bool { return explained(x.Node, ofStrict) }

// Asked reports whether it is whoever starts the program, or the program itself, that names the file, and a checkpoint of the model as it is: to
// be tested, or to go on with. Where training follows, it is one of another model that parts are taken from, unless the program writes
// such files itself.
func (x *Restore) Asked() bool {
	f := x.Run.File
	if x.Load == nil || x.Recv.TextIs("self") || x.Recv.TextIs("super()") || enclosed(x.Frame, pysem.FrameExcept) {
		return false
	}
	if !x.Load.fromSettings() || f.startsAfresh(x.Event()) || f.startsAfresh(x.Load.Event()) || afresh.MatchString(x.Load.Path.Node.Text()) {
		return false
	}
	return !x.Run.TrainsAfter(x.Index) || slices.ContainsFunc(f.Saves(), func(s *SaveSite) bool {
		return slices.ContainsFunc(s.Components, func(c Component) bool {
			return c.Object != nil && c.Key == x.Key && c.Object.Same(x.Object)
		})
	})
}

// WrittenAlike reports whether a training loop of the program writes checkpoints with a model under all the keys that are read from the load.
func (l *LoadSite) WrittenAlike() bool {
	if l.Opaque || len(l.Reads) == 0 || !l.RestoresKind(Model) {
		return false
	}
	return slices.ContainsFunc(l.Run.File.Saves(), func(s *SaveSite) bool {
		return s.Loop != nil && s.Kind == PayloadDict && s.HasKind(Model) && !slices.ContainsFunc(l.Reads, func(r KeyRead) bool {
			return !slices.ContainsFunc(s.Components, func(c Component) bool { return c.Key == r.Key })
		})
	})
}

// fromSettings reports whether the name of a loaded file is one that whoever starts the program gives, or the program itself.
func (l *LoadSite) fromSettings() bool {
	if o := l.Origin(); o == OriginUser || o == OriginOwn {
		return true
	}
	return slices.ContainsFunc(l.Path.Value.Alternatives(), func(a *pysem.Value) bool {
		root := a.Node
		for root.Is(pyast.KindAttribute, pyast.KindSubscript) {
			root = root.Nth(0)
		}
		return root != a.Node && settingsName.MatchString(root.Text())
	})
}

// Lenient says whether a load_state_dict lets keys differ; with the call that passes False, where a caller does.
func (x *Restore) Lenient() (by Leniency, caller pyast.Node) {
	if x.Object == nil || x.Object.Kind != Model && x.Object.Kind != Averaged {
		return Strict, caller
	}
	f := x.Run.File
	n, ctx := pysem.Args(x.Node).Get(1, "strict"), x.Ctx
	if x.Strict {
		v := f.Eval.Eval(n, ctx)
		if v.Kind != pysem.ParamVal {
			return Strict, caller
		}
		for _, p := range v.Ctx.Func.Params {
			if p.Name == v.Name && p.Default.Is(pyast.KindFalse) {
				return LenientByDefault, caller
			}
		}
		return Strict, caller
	}
	by = LenientHere
	for n.Kind() == pyast.KindIdentifier && !ctx.Root() {
		p, index := parameter(ctx.Func, n.Text())
		if p == nil {
			break
		}
		given, ok := f.Eval.Arguments(ctx).Get(index, p.Name)
		if !ok {
			return LenientByDefault, pyast.Node{}
		}
		by, caller = LenientByCaller, ctx.Call
		n, ctx = given.Node, ctx.Parent
	}
	return by, caller
}

// Copies reports whether the load_state_dict, here or for another caller, takes a dict that the program makes of the keys of a model:
// an average, that is written anew at each step.
func (x *Restore) Copies() bool {
	for _, r := range x.Run.File.Runs {
		for _, y := range r.Restores {
			if y.Node == x.Node && slices.ContainsFunc(y.Source.Alternatives(), y.madeOfModel) {
				return true
			}
		}
	}
	return false
}

// madeOfModel reports whether a dict is filled in a loop over a model's state dict, in the function that loads it or in one that
// calls it.
func (x *Restore) madeOfModel(v *pysem.Value) bool {
	if v.Kind != pysem.Dict || !v.Dict.Literal.Valid() {
		return false
	}
	f := x.Run.File
	name := v.Dict.Literal.Parent().Child(pyast.FieldLeft)
	for c := x.Ctx; c != nil && name.Kind() == pyast.KindIdentifier; c = c.Parent {
		if c.Func.Body.Encloses(v.Dict.Literal) {
			for n := range c.Func.Body.Descendants() {
				if n.Kind() == pyast.KindForStatement && fills(n, name) && f.modelKeys(f.Eval.Eval(n.Child(pyast.FieldRight), c), 0) {
					return true
				}
			}
			return false
		}
	}
	return false
}

// fills reports whether a loop assigns elements of what a name stands for.
func fills(loop, name pyast.Node) bool {
	for n := range loop.Child(pyast.FieldBody).Descendants() {
		if n.Kind() == pyast.KindAssignment && n.Child(pyast.FieldLeft).Kind() == pyast.KindSubscript && n.Child(pyast.FieldLeft).Child(pyast.FieldValue).TextIs(name.Text()) {
			return true
		}
	}
	return false
}

var comparing = regexp.MustCompile(`(?i)intersect|filter|match|compatible`)

// loadKeywords are the keywords of a module's load_state_dict; a method with others is another's.
var loadKeywords = map[string]bool{"state_dict": true, "strict": true, "assign": true}

// ComparesKeys reports whether the keys are compared with the model's own: by a membership test or set operation on the model's
// state dict in the same function, or by a helper that is handed it or says so by its name. A method that takes other keywords than a
// module's may do so itself.
func (x *Restore) ComparesKeys() bool {
	f := x.Run.File
	if f.modelKeys(x.Source, 0) {
		return true // copied from another model of the program
	}
	src := pysem.Args(x.Node).Get(0, "state_dict")
	for keyword := range pysem.Args(x.Node).Keyword {
		if !loadKeywords[keyword] {
			return true
		}
	}
	for _, a := range append(x.Source.Alternatives(), f.Eval.Eval(src, x.Ctx)) {
		if a.Node.Valid() && a.Node.Kind() == pyast.KindCall && comparing.MatchString(lastPart(a.Node.Child(pyast.FieldFunction).Text())) {
			return true
		}
	}
	for n := range x.Ctx.Func.Body.Descendants() {
		var sides []pyast.Node
		switch n.Kind() {
		case pyast.KindComparisonOperator:
			for o := range n.ChildrenOf(pyast.FieldOperators) {
				if o.TextIs("in") || o.TextIs("not in") {
					for c := range n.Children() {
						sides = append(sides, c)
					}
				}
			}
		case pyast.KindCall:
			if n.Child(pyast.FieldFunction).Kind() == pyast.KindIdentifier && strings.Contains(n.Child(pyast.FieldArguments).Text(), x.Recv.Text()+".state_dict()") {
				return true // a helper that is handed the model's keys beside those of the file
			}
		case pyast.KindBinaryOperator:
			if op := n.Child(pyast.FieldOperator); op.TextIs("-") || op.TextIs("&") {
				sides = []pyast.Node{n.Child(pyast.FieldLeft), n.Child(pyast.FieldRight)}
			}
		}
		for _, s := range sides {
			if f.modelKeys(f.Eval.Eval(s, x.Ctx), 0) {
				return true
			}
		}
	}
	return false
}

// ReturnsKeys reports whether load_state_dict is surely torch's, which returns the keys that did not match: the class is known and
// has none of its own, and the object is no average, whose classes often have.
func (x *Restore) ReturnsKeys() bool {
	if x.Object == nil || x.Object.Kind != Model || x.Object.Guessed {
		return false
	}
	for _, a := range x.Value.Alternatives() {
		if a.Kind == pysem.Instance && x.Run.File.Eval.MethodOf(a.Class, "load_state_dict") != nil {
			return false
		}
	}
	return true
}

// TakesOut reports whether keys are taken out of the state before it is loaded, so that the mismatch is meant: by a comprehension with
// a condition, `del state[key]` or `state.pop(key)` in the same function.
func (x *Restore) TakesOut() bool {
	for _, a := range x.Source.Alternatives() {
		if !a.Node.Is(pyast.KindDictionaryComprehension) {
			continue
		}
		for c := range a.Node.Children() {
			if c.Kind() == pyast.KindIfClause {
				return true
			}
		}
	}
	src := state(x).Text()
	for n := range x.Ctx.Func.Body.Descendants() {
		if n.Start() > x.Node.Start() {
			break
		}
		switch n.Kind() {
		case pyast.KindDeleteStatement:
			for c := range n.Descendants() {
				if c.Kind() == pyast.KindSubscript && c.Child(pyast.FieldValue).Text() == src {
					return true
				}
			}
		case pyast.KindCall:
			if fn := n.Child(pyast.FieldFunction); fn.Kind() == pyast.KindAttribute && fn.Child(pyast.FieldAttribute).TextIs("pop") && fn.Child(pyast.FieldObject).Text() == src {
				return true
			}
		}
	}
	return false
}

// modelKeys reports whether a value is a state dict that a model gave, or its keys.
func (f *File) modelKeys(v *pysem.Value, depth int) bool {
	if depth > 4 {
		return false
	}
	for _, a := range v.Alternatives() {
		if recv, method, ok := a.Method(); ok {
			if method == "state_dict" || (method == "keys" || method == "items") && f.modelKeys(recv, depth+1) {
				return true
			}
		}
		if strings.HasPrefix(a.Callee(), "builtins.") {
			if arg := pysem.Args(a.Node).Pos(0); arg.Valid() && f.modelKeys(f.Eval.Eval(arg, a.Ctx), depth+1) {
				return true
			}
		}
	}
	return false
}

// tensorClass are names below torch.nn that make tensors: functions, and parameters.
var tensorClass = regexp.MustCompile(`^torch\.nn\.(.*\.)?([a-z_]\w*|(Uninitialized)?(Parameter|Buffer))$`)

// moduleMethods are called on modules and on nothing else that is saved.
var moduleMethods = map[string]bool{"parameters": true, "named_parameters": true, "train": true, "eval": true, "zero_grad": true}

// IsModel reports whether an object is a module by its class, or by what the run does with it, rather than by its name.
func (r *Run) IsModel(o *Object) bool {
	if o == nil || o.Kind != Model && o.Kind != Averaged {
		return false
	}
	if o.Kind == Model && !o.Guessed {
		return !tensorClass.MatchString(o.Class)
	}
	for _, c := range r.Calls {
		if moduleMethods[c.Method] && c.Value != nil && r.File.Object(c.Value, c.Recv.Text()).Same(o) {
			return true
		}
	}
	return false
}

// BeforeTraining reports whether a save stands outside loops, and all the training of its run comes behind it.
func (s *SaveSite) BeforeTraining() bool {
	return s.Loop == nil && !s.AfterLoop && s.Run.TrainsAfter(s.Index)
}
