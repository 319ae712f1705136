package training

import (
	"bytes"
	"regexp"
	"slices"
	"strings"

	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
	"github.com/ckpt-lsp/ckpt-lsp/internal/pysem"
	"github.com/ckpt-lsp/ckpt-lsp/internal/torch"
)

// Knob is a setting of torch that decides whether operations repeat.
type Knob uint8

// Knobs.
const (
	// Benchmark is torch.backends.cudnn.benchmark: cuDNN times its algorithms and takes the fastest.
	Benchmark Knob = iota
	// CudnnDeterministic is torch.backends.cudnn.deterministic.
	CudnnDeterministic
	// DeterministicAlgorithms is torch.use_deterministic_algorithms.
	DeterministicAlgorithms
)

var knobs = map[string]Knob{
	"torch.backends.cudnn.benchmark":     Benchmark,
	"torch.backends.cudnn.deterministic": CudnnDeterministic,
}

// Switch is one setting of a knob.
type Switch struct {
	Knob  Knob
	Event pysem.Event
	Index int // in Run.Events
	// Value is the expression it is set to, none for a call without argument.
	Value pyast.Node
	// On is what it is set to, where Known.
	On, Known bool
}

// Weighed reports whether a comment on the lines of a setting says both what it gains and what it costs: the author knows, and chose.
func (s Switch) Weighed() bool {
	stmt := statementOf(s.Event.Node)
	var said strings.Builder
	for n := range stmt.Descendants() {
		if n.Kind() == pyast.KindComment {
			said.WriteString(n.Text())
		}
	}
	if c := stmt.Next(); c.Kind() == pyast.KindComment && !bytes.Contains(stmt.Tree().Source()[stmt.End():c.Start()], []byte("\n")) {
		said.WriteString(c.Text())
	}
	return gainsSpeed.MatchString(said.String()) && costsRepeats.MatchString(said.String())
}

var (
	gainsSpeed   = regexp.MustCompile(`(?i)\b(fast|speed|quick|perform)`)
	costsRepeats = regexp.MustCompile(`(?i)reproduc|determinis|repeatab`)
)

// Switches are the settings of determinism in a run, in order.
func (r *Run) Switches() []Switch {
	var out []Switch
	e := r.File.Eval
	for i, ev := range r.Events {
		s := Switch{Event: ev, Index: i}
		switch ev.Kind {
		case pysem.EventAssign:
			left := ev.Node.Child(pyast.FieldLeft)
			if left.Kind() != pyast.KindAttribute {
				continue
			}
			base := e.Eval(left.Child(pyast.FieldObject), ev.Ctx)
			knob, ok := knobs[calleeName(base)+"."+left.Child(pyast.FieldAttribute).Text()]
			if !ok {
				continue
			}
			s.Knob, s.Value = knob, ev.Node.Child(pyast.FieldRight)
		case pysem.EventCall:
			name := calleeName(e.Eval(ev.Node.Child(pyast.FieldFunction), ev.Ctx))
			if name != "torch.use_deterministic_algorithms" && name != "torch.set_deterministic" {
				continue
			}
			s.Knob, s.Value = DeterministicAlgorithms, pysem.Args(ev.Node).Get(0, "mode")
		default:
			continue
		}
		s.On, s.Known = e.Eval(s.Value, ev.Ctx).Truth()
		out = append(out, s)
	}
	return out
}

// SeededUnder reports whether torch is seeded only where the tests around a frame let the program through.
func (r *Run) SeededUnder(fr *pysem.Frame) bool {
	return slices.ContainsFunc(r.Seeds, func(c *Call) bool {
		return slices.Contains(c.Entry.Generators, torch.TorchRNG) && Implied(fr, c.Frame)
	})
}

// DecidesDeterminism reports whether a run decides how its operations repeat: it sets a knob, calls a function that does, or one
// that is not at hand and is told `deterministic=`, or called so.
func (r *Run) DecidesDeterminism() bool {
	f := r.File
	if len(r.Switches()) > 0 {
		return true
	}
	for _, ev := range r.Events {
		if ev.Kind != pysem.EventCall {
			continue
		}
		callee := f.Eval.Eval(ev.Node.Child(pyast.FieldFunction), ev.Ctx)
		if slices.ContainsFunc(callee.Alternatives(), func(a *pysem.Value) bool { return a.Kind == pysem.FuncVal && f.turnsKnob(a.Func) }) || r.mayDecide(ev) {
			return true
		}
	}
	return slices.ContainsFunc(f.Eval.Links(f.Module), func(m *pysem.Module) bool { return f.turnsKnob(m.Top) })
}

// mayDecide reports whether a call of something that is not at hand is told `deterministic=`, or called so.
func (r *Run) mayDecide(ev pysem.Event) bool {
	fn := ev.Node.Child(pyast.FieldFunction)
	_, told := pysem.Args(ev.Node).Keyword["deterministic"]
	return (told || determinism.MatchString(lastPart(fn.Text()))) && slices.ContainsFunc(r.File.Eval.Eval(fn, ev.Ctx).Alternatives(), func(a *pysem.Value) bool {
		return a.Kind != pysem.FuncVal && a.Kind != pysem.ClassVal
	})
}

// CudnnAlone is the setting by which the function that seeds torch asks cuDNN for deterministic algorithms, where nothing at hand decides on
// torch's other ones.
func (r *Run) CudnnAlone() (Switch, bool) {
	switches := r.Switches()
	i := slices.IndexFunc(switches, func(s Switch) bool {
		return s.Knob == CudnnDeterministic && s.Known && s.On && slices.ContainsFunc(r.Seeds, func(c *Call) bool {
			return c.Ctx == s.Event.Ctx && c.fixed() && slices.Contains(c.Entry.Generators, torch.TorchRNG)
		})
	})
	if i < 0 || slices.ContainsFunc(switches, func(s Switch) bool {
		return s.Knob == DeterministicAlgorithms || s.Knob == Benchmark && s.On && !Exclusive(s.Event.Frame, switches[i].Event.Frame)
	}) {
		return Switch{}, false
	}
	unseen := slices.ContainsFunc(r.Events, func(ev pysem.Event) bool { return ev.Kind == pysem.EventCall && r.mayDecide(ev) })
	told := bytes.Contains(switches[i].Event.Node.Tree().Source(), []byte("use_deterministic_algorithms")) // in a comment, as that of the fix
	return switches[i], !unseen && !told && !r.File.names(allOperations)
}

// allOperations are the functions that decide on the operations outside of cuDNN.
var allOperations = regexp.MustCompile(`^(use_deterministic_algorithms|set_deterministic|set_deterministic_debug_mode)$`)

// turnsKnob reports whether a function sets one of the knobs itself.
func (f *File) turnsKnob(fn *pysem.Func) bool {
	if !fn.Module.Words().Names.Has("deterministic", "benchmark", "use_deterministic_algorithms", "set_deterministic") {
		return false
	}
	for n := range fn.Body.Descendants() {
		switch n.Kind() {
		case pyast.KindAssignment:
			for d := range n.Child(pyast.FieldLeft).Descendants() { // several at once, too
				if _, ok := knobs[f.qualified(d.Child(pyast.FieldObject))+"."+d.Child(pyast.FieldAttribute).Text()]; ok && fn.Module.Scope(n) == fn {
					return true
				}
			}
		case pyast.KindCall:
			if determinism.MatchString(f.qualified(n.Child(pyast.FieldFunction))) && fn.Module.Scope(n) == fn {
				return true
			}
		}
	}
	return false
}

// determinism is what functions are called that ask for it.
var determinism = regexp.MustCompile(`(?i)determinis`)

// UsesCUDA reports whether the code at hand moves anything to a CUDA device: a call of cuda(), or a device named "cuda".
func (f *File) UsesCUDA() bool {
	if f.cuda == nil {
		uses := slices.ContainsFunc(f.involved(), f.usesCUDA)
		f.cuda = &uses
	}
	return *f.cuda
}

func (f *File) usesCUDA(m *pysem.Module) bool {
	if !slices.ContainsFunc(m.Words().Strings.All, func(s string) bool { return strings.HasPrefix(s, "cuda") }) &&
		!m.Words().Names.Has("cuda", "accelerator") {
		return false
	}
	for n := range m.Tree.Root().Descendants() {
		switch n.Kind() {
		case pyast.KindCall:
			if fn := n.Child(pyast.FieldFunction); fn.Kind() == pyast.KindAttribute {
				name := fn.Child(pyast.FieldAttribute)
				if name.TextIs("cuda") || name.TextIs("set_device") && strings.Contains(fn.Text(), "cuda") {
					return true
				}
			}
		case pyast.KindStringContent:
			if strings.HasPrefix(n.Text(), "cuda") {
				return true
			}
		case pyast.KindAttribute:
			if n.Child(pyast.FieldAttribute).TextIs("accelerator") && f.qualified(n) == "torch.accelerator" {
				return true
			}
		}
	}
	return false
}
