package training

import (
	"regexp"
	"slices"
	"strings"

	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
	"github.com/ckpt-lsp/ckpt-lsp/internal/pysem"
)

// OneGPU is a load that puts what it reads onto the same GPU in every process.
type OneGPU struct {
	Load *LoadSite
	// Several shows that several processes run the load.
	Several Processes
	// Saved is the save by one process whose GPU the tensors come back to; Device is the map_location that names a GPU instead.
	Saved  *SaveSite
	Device pyast.Node
}

// OntoOneGPU reports whether every process loads onto one GPU: onto that of the one process which wrote the file, or onto one that
// map_location names. Processes that see one GPU each (CUDA_VISIBLE_DEVICES) call their own by that name.
func (l *LoadSite) OntoOneGPU() (OneGPU, bool) {
	f := l.Run.File
	out := OneGPU{Load: l}
	several, ok := l.Distributed()
	if out.Several = several; !ok || f.Guarded(l.Frame) || l.Path.Buffer || l.Path.Rank || !l.Feeds() ||
		f.says(visibleDevices.MatchString) {
		return out, false
	}
	location, hidden := l.MapLocation()
	if location.Valid() {
		out.Device = location
		return out, f.oneForAll(location, l) && !l.movesOnto(location)
	}
	if hidden || l.Placed() || !f.UsesCUDA() && !f.says(func(s string) bool { return s == "nccl" }) {
		return out, false
	}
	for _, s := range f.Saves() {
		if s.Writes(l.Path) && s.oneProcess() && s.onGPU() {
			out.Saved = s
			return out, true
		}
	}
	return out, false
}

// movesOnto reports whether the program moves what it trains onto the device that a load is mapped to: then that is where the copies
// belong.
func (l *LoadSite) movesOnto(location pyast.Node) bool {
	f := l.Run.File
	device := f.Eval.Eval(location, l.Ctx).Key()
	return slices.ContainsFunc(l.Run.Calls, func(c *Call) bool {
		if c.Method != "to" && c.Method != "cuda" {
			return false
		}
		args := pysem.Args(c.Node)
		to := args.Get(0, "device")
		return to.Valid() && f.Eval.Eval(to, c.Ctx).Key() == device
	})
}

var visibleDevices = regexp.MustCompile(`(CUDA|HIP|ROCR|ASCEND_RT)_VISIBLE_DEVICES`)

// oneProcess reports whether the main process alone, or that of each node, makes a save.
func (s *SaveSite) oneProcess() bool {
	g, ok := s.Run.File.SomeRanks(s.Frame)
	return ok && (g.Test == MainOnly || g.Test == LocalMain)
}

// onGPU reports whether the payload holds states of objects as they are, rather than copies on the CPU.
func (s *SaveSite) onGPU() bool {
	states := false
	for _, c := range s.Components {
		if s.Run.File.copies(c) {
			return false
		}
		states = states || c.holdsTensors()
	}
	return states
}

// holdsTensors reports whether a component is the state of an object, as it is, that is kept in tensors where it trains.
func (c Component) holdsTensors() bool {
	return c.Role == RoleState && c.Object != nil && (c.Object.Kind == Model || c.Object.Kind == Optimizer || c.Object.Kind == Averaged)
}

// SavesCopies reports whether all the saves at hand that hold states write copies of them on the CPU.
func (f *File) SavesCopies() bool {
	copies := false
	for _, s := range f.Saves() {
		for _, c := range s.Components {
			switch {
			case f.copies(c):
				copies = true
			case c.holdsTensors():
				return false
			}
		}
	}
	return copies
}

// copies reports whether a component is made of copies on the CPU, where it is handed over or where it is made.
func (f *File) copies(c Component) bool {
	return f.copiedToCPU(c.Entry.Value) || c.Value != nil && f.copiedToCPU(pysem.Expr{Node: c.Value.Node, Ctx: c.Value.Ctx})
}

// copiedToCPU reports whether an expression makes copies on the CPU, itself or in a function at hand that it calls.
func (f *File) copiedToCPU(x pysem.Expr) bool {
	if !x.Node.Valid() || strings.Contains(x.Node.Text(), "cpu()") {
		return x.Node.Valid()
	}
	return x.Node.Kind() == pyast.KindCall && x.Ctx != nil && slices.ContainsFunc(f.Eval.Eval(x.Node.Child(pyast.FieldFunction), x.Ctx).Alternatives(), func(a *pysem.Value) bool {
		return a.Kind == pysem.FuncVal && f.movesToCPU(a.Func)
	})
}

// movesToCPU reports whether a function turns tensors into those of the CPU: by cpu(), by the device's name, by a type that only the CPU has.
func (f *File) movesToCPU(fn *pysem.Func) bool {
	for n := range fn.Node.Descendants() {
		switch n.Kind() {
		case pyast.KindAttribute:
			if n.Child(pyast.FieldAttribute).TextIs("cpu") || cpuType.MatchString(f.qualified(n)) {
				return true
			}
		case pyast.KindStringContent:
			if n.TextIs("cpu") {
				return true
			}
		}
	}
	return false
}

var cpuType = regexp.MustCompile(`^torch\.(Float|Double|Half)Tensor$`)

var numberedGPU = regexp.MustCompile(`^(cuda|xpu|npu):\d+$`)

// oneForAll reports whether a map_location names the same GPU in each process, on some way through the program and for sure. A
// GPU without a number is the current one, which is the first for a process that never chose.
func (f *File) oneForAll(location pyast.Node, l *LoadSite) bool {
	same := false
	for _, a := range f.Eval.Eval(location, l.Ctx).Alternatives() {
		if a.Callee() == "torch.device" {
			args := pysem.Args(a.Node)
			if len(args.Position)+len(args.Keyword) != 1 {
				return false
			}
			a = f.Eval.Eval(args.Get(0, "type"), a.Ctx)
		}
		for _, way := range a.Alternatives() {
			name, known := way.Text()
			switch {
			case !known:
				return false
			case numberedGPU.MatchString(name), name == "cuda" && l.neverChooses():
				same = true
			}
		}
	}
	return same
}

var choosesDevice = regexp.MustCompile(`^(set_device|current_device|device_of|set_default_device|accelerator|Accelerator|fabric|Fabric)$`)

// neverChooses reports whether the processes are seen to start here, and to put their models on GPUs of their own, without that
// they make one of them the current device.
func (l *LoadSite) neverChooses() bool {
	if l.Run.File.names(choosesDevice) {
		return false
	}
	starts, places := false, false
	for _, c := range l.Run.Calls {
		starts = starts || strings.HasSuffix(c.Callee, "init_process_group")
		_, placed := pysem.Args(c.Node).Keyword["device_ids"]
		places = places || placed && ddpClass.MatchString(c.Callee)
	}
	return starts && places
}
