package training

import "github.com/ckpt-lsp/ckpt-lsp/internal/pysem"

// Inside reports whether a value of the role may be in the payload below its keys: in a dict that one of them holds, in the state of
// an object of a class at hand, or in what is not seen into, such as a parameter or the state of something else.
func (s *SaveSite) Inside(role Role) bool {
	for _, x := range append(s.Companions(), s) {
		for _, c := range x.Components {
			if s.Run.File.mayHold(c, role, 0) {
				return true
			}
		}
	}
	return false
}

func (f *File) mayHold(c Component, role Role, depth int) bool {
	if depth > 3 {
		return true
	}
	if c.Object != nil || c.Value == nil || c.Role != RoleOther && c.Role != RoleState {
		return false // the state of an object that is known, or a value of another kind
	}
	for _, a := range c.Value.Alternatives() {
		switch a.Kind {
		case pysem.Dict:
			for _, x := range a.Dict.Entries {
				if inner := f.component(x); inner.Role == role || f.mayHold(inner, role, depth+1) {
					return true
				}
			}
			if a.Dict.Open {
				return true
			}
		case pysem.ParamVal:
			return true
		case pysem.Unknown, pysem.Attr, pysem.Item, pysem.Call:
			if a.Kind == pysem.Call && a.Base.Kind == pysem.External {
				if _, _, state := a.Method(); !state {
					continue
				}
			}
			if role == RoleProgress {
				return true // another object keeps a count of its own, and no best value of this loop
			}
		}
	}
	return false
}
