package training

import (
	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
	"github.com/ckpt-lsp/ckpt-lsp/internal/pysem"
)

// MixedUnits is an epoch that a loop starts with, computed by dividing a number of batches by the number of optimizer steps in an epoch.
type MixedUnits struct {
	// Division computes it; Batches and Steps are its sides. Factor is the number of batches in a step, as the code writes it.
	Division, Batches, Steps, Factor pyast.Node
	Loop                             *Loop
}

// MixedUnits are the starts of training loops that are so many times too large as a step has batches: `count * accumulate // steps`,
// where `steps = ceil(len(loader) / accumulate)`. Whatever the count is, the same factor cannot belong to both.
func (f *File) MixedUnits() []MixedUnits {
	var out []MixedUnits
	for _, r := range f.Runs {
		for _, l := range r.Loops {
			if !l.Trains || !l.Start.Valid() {
				continue
			}
			for _, a := range f.Eval.Eval(l.Start, l.Ctx).Alternatives() {
				if a.Kind != pysem.Binary || a.Name != "//" || a.Base.Kind != pysem.Binary || a.Base.Name != "*" {
					continue
				}
				for _, factor := range []*pysem.Value{a.Base.Other, a.Base.Base} {
					if f.dividedBy(a.Other, factor) {
						division := a.Node
						out = append(out, MixedUnits{division, division.Child(pyast.FieldLeft), division.Child(pyast.FieldRight), factor.Node, l})
					}
				}
			}
		}
	}
	return out
}

// dividedBy reports whether a value is a quotient by another, rounded or not.
func (f *File) dividedBy(v, by *pysem.Value) bool {
	if name := v.Callee(); name == "math.ceil" || name == "math.floor" || name == "builtins.int" || name == "builtins.round" {
		v = f.Eval.Eval(pysem.Args(v.Node).Pos(0), v.Ctx)
	}
	return by.Kind != pysem.Unknown && by.Kind != pysem.Int && v.Kind == pysem.Binary && (v.Name == "/" || v.Name == "//") && v.Other.Key() == by.Key()
}
