package training

import (
	"slices"

	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
	"github.com/ckpt-lsp/ckpt-lsp/internal/pysem"
)

// Unvalidated is a resume behind which nothing tells whether the restored model is as good as it was: a metric is read from the
// checkpoint, and the model is measured first when it was trained on.
type Unvalidated struct {
	Load *LoadSite
	// Metric is how the training loop measures the model; Call is the call that does it.
	Metric Metric
	Call   pyast.Node
	// Read is where the checkpoint's metric is read.
	Read KeyRead
}

// Unvalidated are the resumes of the file whose metric is restored and not compared.
func (f *File) Unvalidated() []Unvalidated {
	var out []Unvalidated
	for _, r := range f.Resumptions() {
		loop := r.Save.EpochLoop
		if r.Load == nil || r.Load.Run != r.Save.Run || loop == nil || r.Load.Index > loop.First {
			continue
		}
		metric, ok := loop.ValidationMetric()
		if !ok || r.Load.measured(loop) {
			continue
		}
		for _, read := range r.Load.Reads {
			if !read.Tested && slices.ContainsFunc(r.Save.Components, func(c Component) bool {
				return c.Key == read.Key && (c.Role == RoleBest || c.Role == RoleMetric)
			}) {
				out = append(out, Unvalidated{r.Load, metric, metric.Node.Child(pyast.FieldRight), read})
				break
			}
		}
	}
	return out
}

// measured reports whether a model is measured between a load and the training loop, by the name of what is called.
func (l *LoadSite) measured(loop *Loop) bool {
	for i, ev := range l.Run.Events {
		if l.Index < i && i < loop.First && ev.Kind == pysem.EventCall && validator.MatchString(calledName(ev.Node)) && !isMode(ev.Node) {
			return true
		}
	}
	return false
}

// isMode reports whether a call is model.eval(), which measures nothing.
func isMode(call pyast.Node) bool {
	return calledName(call) == "eval" && !call.Child(pyast.FieldArguments).Nth(0).Valid()
}

// MeasureHere is the statement behind which the restored model can be measured as the loop does it: that which reads the metric,
// where all that the call names is there by then. It is none otherwise.
func (u Unvalidated) MeasureHere() pyast.Node {
	stmt, call := statementOf(u.Read.Node), u.Call
	m := u.Load.Run.File.moduleOf(stmt)
	scope := m.Scope(stmt)
	left := u.Metric.Node.Child(pyast.FieldLeft)
	if call.Tree() != stmt.Tree() || m.Scope(call) != scope || !left.Is(pyast.KindIdentifier, pyast.KindAttribute) {
		return pyast.Node{}
	}
	for _, x := range u.Load.Restores {
		if x.Object != nil && x.Object.Kind == Model && (x.Node.Tree() != stmt.Tree() || x.Node.Start() > stmt.Start()) {
			return pyast.Node{}
		}
	}
	for n := range call.Descendants() {
		if n.Kind() != pyast.KindIdentifier || n.Field() == pyast.FieldName || n.Field() == pyast.FieldAttribute {
			continue
		}
		defs := scope.Defs(n.Text())
		if len(defs) > 0 && !slices.ContainsFunc(defs, func(d *pysem.Def) bool {
			return !d.Stmt.Valid() || d.Stmt.End() <= stmt.Start() || d.Stmt == scope.Node
		}) {
			return pyast.Node{}
		}
	}
	return stmt
}
