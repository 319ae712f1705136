package rules

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ckpt-lsp/ckpt-lsp/diagnostics"
	"github.com/ckpt-lsp/ckpt-lsp/internal/pysem"
	"github.com/ckpt-lsp/ckpt-lsp/internal/training"
)

// CKP114 unloadable-payload
//
// # What it does
//
// Reports values in a checkpoint that `torch.load` refuses with `weights_only=True`, its default since torch 2.6: numpy's RNG
// state as it is, numpy scalars and arrays, those too that a schedule writes into the groups of a saved optimizer, `torch.__version__`, `argparse.Namespace`, `Path`, dates, `defaultdict`, `deque`,
// and files written with `pickle_protocol=4` or higher. A load that takes the default, in a method that overrides one which loads
// with `weights_only=False`, is reported too.
//
// # Why it matters
//
// One such value is enough: the whole file no longer loads, unless the loader is allowed to run any pickle.
//
// # Example
//
//	import torch
//	from model import model
//
//	torch.save({"model": model.state_dict(), "version": torch.__version__}, "last.pt")
//
// # Use instead
//
//	import torch
//	from model import model
//
//	torch.save({"model": model.state_dict(), "version": str(torch.__version__)}, "last.pt")
//
// # Fix safety
//
// The fix writes the same value in a form that loads. It is safe for numbers (`float(...)`), for torch's version (`str(...)`) and for
// the state of numpy's generator. It is unsafe where a reader gets another type, such as a dict in place of a Namespace: programs that
// read the file may use its attributes. It is not offered where one does, in the program or in a file of the same directory; the finding
// names the place. A value that is made outside of the payload, and may be used elsewhere, is left alone.
//
// # What it does not see
//
// Values made in other files, or held in settings objects that are made in unresolved code. A file that loads with
// `weights_only=False` or allows classes by `safe_globals` has decided, and stays silent.
//
// # Related rules
//
// `whole-object-save`, `unsafe-load`, `explicit-unsafe-load`
//
// # References
//
//   - https://docs.pytorch.org/docs/stable/notes/serialization.html#weights-only
var _ = diagnostics.Register(&diagnostics.Rule{
	Code: "CKP114", Name: "unloadable-payload", Summary: "A checkpoint holds a value that weights_only=True refuses to load",
	Severity: diagnostics.Warning, HasFix: true, Fix: diagnostics.Safe, Since: "0.1.0",
	FixAlso: []diagnostics.Applicability{diagnostics.Unsafe}, Also: []diagnostics.Severity{diagnostics.Information},
	Run: unloadablePayload,
})

func unloadablePayload(p *diagnostics.Pass) {
	if p.File.Test() {
		return
	}
	var severity diagnostics.Severity
	if p.NeverTorch(2, 6) || p.File.Unrestricted() {
		severity = diagnostics.Information
	}
	overridingLoads(p, severity)
	for _, l := range p.File.EveryLoad() {
		if l.Trusting() || l.AllowsGlobals() {
			return
		}
	}
	for _, s := range p.File.Saves() {
		if s.Path.Buffer || s.Collective || s.Foreign && !s.Known {
			continue // what writes it may not be torch.save, and what reads it not torch.load
		}
		said := severity
		if results(p.File, s) {
			said = diagnostics.Information
		}
		reportUnloadable(p, s, said)
		newPickle(p, s, severity)
	}
}

// results says that a payload has the state of nothing in it but what was measured, and that no load in sight reads its file.
func results(f *training.File, s *training.SaveSite) bool {
	measured := []training.Role{training.RoleOther, training.RoleMetric, training.RoleBest}
	return !slices.ContainsFunc(s.Components, func(c training.Component) bool { return c.Object != nil || !slices.Contains(measured, c.Role) }) &&
		!slices.ContainsFunc(f.EveryLoad(), func(l *training.LoadSite) bool { return s.Writes(l.Path) })
}

// reportUnloadable reports what is refused in one payload, what is of one kind together.
func reportUnloadable(p *diagnostics.Pass, s *training.SaveSite, severity diagnostics.Severity) {
	alike := func(a, b training.Unloadable) bool { return a.What == b.What }
	for _, parts := range grouped(s.Unloadable(), alike) {
		d := diagnostics.Diagnostic{Place: training.FirstLine(parts[0].Part), Severity: severity}
		var keys, reasons []string
		var fix diagnostics.Loadable
		for _, u := range parts {
			if key := "`" + u.Key + "`"; !slices.Contains(keys, key) {
				keys = append(keys, key)
			}
			if u.Part != u.Value {
				d.Related = append(d.Related, at(u.Value, "it is made here"))
			}
			part := diagnostics.LoadablePart{Value: u.Value, As: u.As}
			if u.As == "" || !u.Here || slices.Contains(fix.Parts, part) {
				continue
			}
			if other := otherType[u.As]; other != "" && u.What != "TorchVersion objects" {
				if reader := s.ReliedOn(u); reader.Valid() {
					d.Related = append(d.Related, at(reader, "this may read it, and needs its type"))
					continue
				}
				reasons = append(reasons, fmt.Sprintf("what reads `%s`, here or in another program, gets %s", u.Key, other))
			}
			fix.Parts = append(fix.Parts, part)
		}
		if len(fix.Parts) > 0 {
			fix.Reason = strings.Join(reasons, "; ")
			d.Remedies = []diagnostics.Remedy{fix}
		}
		makes := "makes"
		if len(keys) > 1 {
			makes = "make"
		}
		d.Message = fmt.Sprintf("`torch.load` refuses %s with `weights_only=True`, its default since 2.6. %s %s the whole file unloadable.",
			parts[0].What, listed(keys), makes)
		if !s.Node.Encloses(parts[0].Part) {
			d.Related = append(d.Related, at(s.Node, "the checkpoint is written here"))
		}
		p.Report(d)
	}
}

// otherType are the forms of which a reader can do less than of the value: it has other attributes and methods. Who reads a file is
// not known: often another program. Numbers, texts of versions and the state of a generator are taken as they come.
var otherType = map[string]string{"str": "a string", "vars": "a plain dict", "tolist": "a list", "list": "a list", "dict": "a plain dict"}

// overridingLoads reports loads that take the default of weights_only in a method whose parent's loads the same without it.
func overridingLoads(p *diagnostics.Pass, severity diagnostics.Severity) {
	for _, l := range p.File.EveryLoad() {
		if n, hidden := l.WeightsOnly(); n.Valid() || hidden || l.AllowsGlobals() {
			continue
		}
		load, method := l.Overridden()
		if !load.Valid() {
			continue
		}
		p.Report(diagnostics.Diagnostic{
			Place: training.FirstLine(l.Node), Severity: severity,
			Message: fmt.Sprintf("`%s`, which this method overrides, loads with `weights_only=False`. This load takes the default, `True` since torch 2.6, "+
				"and refuses the checkpoints that need it.", method),
			Related: []diagnostics.Related{at(load, "the method it overrides loads here")},
			Remedies: []diagnostics.Remedy{diagnostics.SetKeyword{
				Title: "Load with weights_only=False, as the other does", Call: l.Node, Name: "weights_only", Value: "False",
				Reason: "a file that is loaded so can run any code: load none that you do not trust",
			}},
		})
	}
}

// newPickle reports pickle protocols that the reader behind weights_only does not know (4 and 5 are refused by 1.13, 2.6, 2.14).
func newPickle(p *diagnostics.Pass, s *training.SaveSite, severity diagnostics.Severity) {
	n := pysem.Args(s.Node).Keyword["pickle_protocol"]
	v := p.File.Eval.Eval(n, s.Ctx)
	newest := v.Kind == pysem.External && v.Name == "pickle.HIGHEST_PROTOCOL"
	if s.Foreign || !n.Valid() || !newest && (v.Kind != pysem.Int || v.Int < 4) {
		return
	}
	p.Report(diagnostics.Diagnostic{
		Place: n.Place(), Severity: severity,
		Message: "`torch.load` refuses pickle protocol 4 and above with `weights_only=True`, its default since 2.6. The whole file is unloadable.",
		Remedies: []diagnostics.Remedy{diagnostics.SetKeyword{
			Title: "Write pickle protocol 2, torch's default", Call: s.Node, Name: "pickle_protocol", Value: "2", Safe: true,
		}},
	})
}
