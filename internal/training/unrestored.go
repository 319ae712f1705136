package training

import (
	"regexp"

	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
	"github.com/ckpt-lsp/ckpt-lsp/internal/pysem"
)

// Unrestored are the components of a save that the load it is resumed by never takes back: their keys are not read there and
// nothing that may read them gets hold of the checkpoint.
func (r Resumption) Unrestored() []Component {
	if r.Load == nil || r.Load.Opaque || r.Save.Kind != PayloadDict {
		return nil
	}
	var out []Component
	for _, c := range r.Save.Components {
		if r.Load.asks(c.Key) || c.Object != nil && r.Load.restores(c.Object) {
			continue
		}
		out = append(out, c)
	}
	return out
}

// asks says that a key is read or tested for: what is done about it may be out of sight.
func (l *LoadSite) asks(key string) bool {
	for _, r := range l.Reads {
		if r.Key == key {
			return true
		}
	}
	return false
}

func (l *LoadSite) restores(o *Object) bool {
	for _, x := range l.Restores {
		if x.Object != nil && x.Object.Same(o) {
			return true
		}
	}
	return false
}

var loadsByName = regexp.MustCompile(`(?i)load|resume|restore|checkpoint|ckpt`)

// BestRestored says whether the best-so-far variable has, where it is compared, a value that comes from a load.
// known is false when its value cannot be followed.
func (f *File) BestRestored(b *Best) (restored, known bool) {
	var name pyast.Node
	for n := range b.Test.Descendants() {
		if n.Is(pyast.KindIdentifier, pyast.KindAttribute) && n.TextIs(b.Name) {
			name = n
			break
		}
	}
	if !name.Valid() {
		return false, false
	}
	known = true
	updated := map[string]bool{} // the metric itself, which the comparison found to be better
	for _, a := range f.Eval.Eval(b.Assign.Child(pyast.FieldRight), b.Ctx).Alternatives() {
		updated[a.Key()] = true
	}
	v := f.Eval.Eval(name, b.Ctx)
	for _, a := range v.Alternatives() {
		if updated[a.Key()] {
			continue
		}
		if l, _ := f.Source(a); l != nil {
			return true, true
		}
		switch a.Kind {
		case pysem.ParamVal, pysem.Attr, pysem.Elem, pysem.Item:
			known = false
		case pysem.Call:
			// A foreign function that loads may hand back a restored value.
			if loadsByName.MatchString(lastPart(a.Callee())) {
				known = false
			}
		}
	}
	return false, known
}
