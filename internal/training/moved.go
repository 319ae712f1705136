package training

import (
	"strings"

	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
	"github.com/ckpt-lsp/ckpt-lsp/internal/pysem"
	"github.com/ckpt-lsp/ckpt-lsp/internal/torch"
)

// MovedState is a generator's state that map_location takes off the CPU before it is set.
type MovedState struct {
	Restore *Restore
	// State is the argument of the call that sets it; List says that it is a list with one state for each device.
	State pyast.Node
	List  bool
	// Device is the argument map_location of the load.
	Device pyast.Node
	// Sure says that the device is known not to be the CPU, on some way at least; otherwise it is unknown and called a device.
	Sure bool
}

// MovedStates are the generator states of torch that are set as they come from a load with such a map_location.
func (f *File) MovedStates() []MovedState {
	var out []MovedState
	for _, r := range f.Runs {
		for _, x := range r.Restores {
			if !x.setsTorch() {
				continue
			}
			for _, l := range f.asLoaded(x.Source, 0) {
				location, _ := l.MapLocation()
				moved, sure := f.offCPU(location, l.Ctx)
				if !moved {
					continue
				}
				all := x.Known && strings.HasSuffix(x.Entry.Name, "_all")
				out = append(out, MovedState{x, x.stateArgument(), all, location, sure})
				break
			}
		}
	}
	return out
}

// setsTorch reports whether a restore sets the state of a torch generator.
func (x *Restore) setsTorch() bool {
	if x.Object != nil {
		return x.Object.Kind == Generator
	}
	for _, g := range x.RNG {
		if g == torch.TorchRNG || g == torch.CUDARNG {
			return true
		}
	}
	return false
}

func (x *Restore) stateArgument() pyast.Node {
	args := pysem.Args(x.Node)
	for _, name := range []string{"new_state", "new_states"} {
		if n, ok := args.Keyword[name]; ok {
			return n
		}
	}
	return args.Pos(0)
}

// staying are the methods of tensors whose result is on the device of the tensor.
var staying = map[string]bool{"byte": true, "clone": true, "contiguous": true, "detach": true}

// asLoaded are the loads that a value comes from by reading keys and elements alone, so that it is still on the device where the
// load put it.
func (f *File) asLoaded(v *pysem.Value, depth int) []*LoadSite {
	if depth > 6 {
		return nil
	}
	var out []*LoadSite
	for _, a := range v.Alternatives() {
		if l := f.loads[a.Site()]; l != nil {
			out = append(out, l)
			continue
		}
		if base, _, ok := a.KeyRead(); ok {
			out = append(out, f.asLoaded(base, depth+1)...)
			continue
		}
		if recv, method, ok := a.Method(); ok && staying[method] {
			out = append(out, f.asLoaded(recv, depth+1)...)
		}
		if a.Kind == pysem.Item || a.Kind == pysem.Elem || a.Kind == pysem.LoopVar {
			out = append(out, f.asLoaded(a.Base, depth+1)...)
		}
	}
	return out
}

// offCPU reports whether a map_location moves tensors that were saved on the CPU to another device. An expression whose value is
// unknown may do so if it is called a device.
func (f *File) offCPU(location pyast.Node, ctx *pysem.Ctx) (moved, sure bool) {
	if !location.Valid() {
		return false, false
	}
	unknown := false
	for _, a := range f.Eval.Eval(location, ctx).Alternatives() {
		switch {
		case f.namesGPU(a):
			return true, true
		case a.Kind == pysem.ParamVal || a.Kind == pysem.Attr:
			unknown = unknown || strings.HasSuffix(strings.ToLower(a.Name), "device")
		}
	}
	return unknown, false
}

var gpus = []string{"cuda", "mps", "xpu", "npu"}

// namesGPU reports whether a value is a device other than the CPU: its name, torch.device of it, or a function that moves there.
func (f *File) namesGPU(v *pysem.Value) bool {
	switch {
	case v.Kind == pysem.Str:
		for _, g := range gpus {
			if len(v.Parts) > 0 && strings.HasPrefix(v.Parts[0].Lit, g) {
				return true
			}
		}
	case v.Callee() == "torch.device":
		for _, a := range f.Eval.Eval(pysem.Args(v.Node).Get(0, "type"), v.Ctx).Alternatives() {
			if f.namesGPU(a) {
				return true
			}
		}
	case v.Kind == pysem.FuncVal && v.Func.Name == "": // lambda storage, loc: storage.cuda(rank)
		callee := v.Func.Body.Child(pyast.FieldFunction)
		return v.Func.Body.Kind() == pyast.KindCall && callee.Child(pyast.FieldAttribute).TextIs("cuda")
	}
	return false
}
