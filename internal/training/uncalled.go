package training

import (
	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
	"github.com/ckpt-lsp/ckpt-lsp/internal/pysem"
)

// Uncalled is `model.state_dict` without the call, used where a state dict is meant.
type Uncalled struct {
	// Node is the attribute, Object what it belongs to.
	Node   pyast.Node
	Object *Object
	// Use is the call that takes it: a save, a load_state_dict, a copy.
	Use pyast.Node
	// Saved and Loaded say which; neither is a copy.
	Saved, Loaded bool
}

// UncalledStateDicts are the methods `state_dict` of tracked objects that are saved, copied or given to load_state_dict
// instead of their results.
func (f *File) UncalledStateDicts() []Uncalled {
	var out []Uncalled
	add := func(v *pysem.Value, u Uncalled) {
		for _, a := range v.Alternatives() {
			if u.Node, u.Object = f.uncalled(a); u.Object != nil {
				out = append(out, u)
			}
		}
	}
	for _, r := range f.Runs {
		for _, s := range r.Saves {
			if s.Kind != PayloadDict {
				add(f.Eval.Eval(s.PayloadNode, s.Ctx), Uncalled{Use: s.Node, Saved: true})
				continue
			}
			for _, c := range s.Components {
				add(c.Value, Uncalled{Use: s.Node, Saved: true})
			}
		}
		for _, x := range r.Restores {
			if x.Method == "load_state_dict" {
				add(x.Source, Uncalled{Use: x.Node, Loaded: true})
			}
		}
		for _, c := range r.Calls {
			if c.Callee == "copy.deepcopy" || c.Callee == "copy.copy" {
				add(c.Arg(0, "x"), Uncalled{Use: c.Node})
			}
		}
	}
	return out
}

// uncalled is the attribute and the object when a value is the method state_dict of a tracked object.
func (f *File) uncalled(v *pysem.Value) (pyast.Node, *Object) {
	if v.Node.Kind() != pyast.KindAttribute || !v.Node.Child(pyast.FieldAttribute).TextIs("state_dict") {
		return pyast.Node{}, nil
	}
	switch {
	case v.Kind == pysem.Attr:
	case v.Kind == pysem.FuncVal && v.Base != nil && v.Base.Kind == pysem.Instance: // a class of the file defines it
	default:
		return pyast.Node{}, nil
	}
	o := f.Object(v.Base, v.Node.Child(pyast.FieldObject).Text())
	if o == nil {
		return pyast.Node{}, nil
	}
	return v.Node, o
}
