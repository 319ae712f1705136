package rules

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ckpt-lsp/ckpt-lsp/diagnostics"
	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
	"github.com/ckpt-lsp/ckpt-lsp/internal/pysem"
	"github.com/ckpt-lsp/ckpt-lsp/internal/training"
)

// described names an object for a message: "`optimizer` (SGD, momentum=0.9)". The arguments shown are those written out in
// the construction.
func described(o *training.Object, args ...string) string {
	class := shortClass(o)
	if class == "" {
		return "`" + o.Name + "`"
	}
	parts := []string{class}
	for _, name := range args {
		if n, ok := pysem.Args(o.Call).Keyword[name]; ok && len(n.Text()) < 30 {
			parts = append(parts, name+"="+n.Text())
		}
	}
	return fmt.Sprintf("`%s` (%s)", o.Name, strings.Join(parts, ", "))
}

// shortClass is the last part of a known class, "" when the class is a guess or that of a copied object.
func shortClass(o *training.Object) string {
	if o.Guessed || o.Class == "" || o.Class == "copy.deepcopy" {
		return ""
	}
	return o.Class[strings.LastIndexByte(o.Class, '.')+1:]
}

// loadedHere points from a save to the load that resumes from it.
func loadedHere(l *training.LoadSite) []diagnostics.Related {
	if l == nil {
		return nil
	}
	return []diagnostics.Related{{Place: training.FirstLine(l.Node), Message: "training resumes from this file here"}}
}

// savedHere points from a load to a save.
func savedHere(s *training.SaveSite) []diagnostics.Related {
	if s == nil {
		return nil
	}
	return []diagnostics.Related{{Place: s.Anchor(), Message: "the checkpoint is written here"}}
}

// at points to a node.
func at(n pyast.Node, message string) diagnostics.Related {
	return diagnostics.Related{Place: training.FirstLine(n), Message: message}
}

// proven is the severity of a completeness finding: the rule's own when a load path shows that training resumes, otherwise
// one that says it may.
func proven(r training.Resumption, severity diagnostics.Severity) diagnostics.Severity {
	if r.Evidence == training.FromLoadPath {
		return severity
	}
	return min(severity, diagnostics.Information)
}

// completing is the remedy that puts an object's state into the checkpoint and takes it back, none where a library's object saves what is
// registered with it.
func completing(r training.Resumption, o *training.Object) []diagnostics.Remedy {
	if r.Save.Keeper() != "" {
		return nil
	}
	return []diagnostics.Remedy{diagnostics.CompleteCheckpoint{Save: r.Save, Load: r.Load, Object: o}}
}

// notIn says of what is missing from a checkpoint that it is.
func notIn(r training.Resumption) string {
	if keeper := r.Save.Keeper(); keeper != "" {
		return "not registered with `" + keeper + "`, which writes the checkpoint"
	}
	return "not saved in this checkpoint"
}

// lacking is a finding that something is missing: what, what it is missing from, and what a resumed run loses by it.
type lacking struct {
	diagnostics.Diagnostic
	what, from string
	loss       func(its string) string
}

// reportLacking reports what is missing. What is missing at one place for one reason is told together.
func reportLacking(p *diagnostics.Pass, missing []lacking) {
	alike := func(a, b lacking) bool {
		return a.Place == b.Place && a.Severity == b.Severity && a.loss("its") == b.loss("its")
	}
	for _, group := range grouped(missing, alike) {
		first := group[0]
		what := []string{first.what}
		for _, m := range group[1:] {
			if !slices.Contains(what, m.what) {
				what = append(what, m.what)
			}
			first.Related = append(first.Related, m.Related[len(m.Related)-1])
			first.Remedies = append(first.Remedies, m.Remedies...)
		}
		are, its := "is", "its"
		if len(what) > 1 {
			are, its = "are", "their"
		}
		first.Message = fmt.Sprintf("%s %s %s. %s.", listed(what), are, first.from, sentence(first.loss(its)))
		p.Report(first.Diagnostic)
	}
}

// grouped puts what is alike together, in the order in which the first of each comes.
func grouped[T any](all []T, alike func(a, b T) bool) [][]T {
	var out [][]T
	for _, x := range all {
		i := slices.IndexFunc(out, func(group []T) bool { return alike(group[0], x) })
		if i < 0 {
			out = append(out, []T{x})
			continue
		}
		out[i] = append(out[i], x)
	}
	return out
}

// listed joins names: "torch, CUDA and numpy".
func listed(names []string) string {
	if len(names) < 2 {
		return strings.Join(names, "")
	}
	return strings.Join(names[:len(names)-1], ", ") + " and " + names[len(names)-1]
}

// lastName is the last part of a dotted name.
func lastName(qualified string) string { return qualified[strings.LastIndexByte(qualified, '.')+1:] }
