package main

import (
	"cmp"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/ckpt-lsp/ckpt-lsp/internal/checkpoint"
	"github.com/ckpt-lsp/ckpt-lsp/internal/contract"
	"github.com/ckpt-lsp/ckpt-lsp/internal/report"
	"github.com/ckpt-lsp/ckpt-lsp/internal/text"
)

// inspectionWriter lays out what inspect tells for people.
type inspectionWriter struct {
	strings.Builder
	style report.Style
	all   bool
}

func (w *inspectionWriter) line(format string, args ...any) {
	for part := range strings.Lines(fmt.Sprintf(format, args...)) {
		w.WriteString(strings.TrimRight(part, " \n") + "\n")
	}
}

func (w *inspectionWriter) inspection(x *inspection) {
	for i, r := range x.Checkpoints {
		if i > 0 {
			w.line("\n")
		}
		w.checkpoint(r, x.Difference != nil)
	}
	if x.Difference != nil {
		w.difference(x)
	}
	for _, f := range x.Against {
		w.fit(f)
	}
	for _, p := range x.Policies {
		w.policy(p)
	}
	if x.Migration != nil {
		w.migration(x.Migration)
	}
}

// fates are the states of keys in words.
var fates = map[string]string{"read": "read", "left": "not read here", "unknown": "may be read out of sight", "missing": "MISSING: the load fails", "optional": "not in the file; the load does without it"}

// fit tells what a load does with the file.
func (w *inspectionWriter) fit(f contract.Fit) {
	reads := "may load it as"
	if f.Named {
		reads = "loads it as"
	}
	w.line("\n%s", w.style.Heading(fmt.Sprintf("%s %s %s", f.Load, reads, text.Printable(f.Load.Text))))
	if f.Refused != "" {
		w.list("Refused", f.Refused)
	}
	var table strings.Builder
	t := tabwriter.NewWriter(&table, 0, 0, 2, ' ', 0)
	for _, k := range f.Keys {
		fate := fates[k.State]
		if k.State == "restored" {
			fate = "restored into " + contract.Clip(k.Restored, 40)
		}
		if k.Nearest != "" {
			fate += fmt.Sprintf(" (the file has %s)", k.Nearest)
		}
		if k.Note != "" {
			fate += ": " + k.Note
		}
		fmt.Fprintf(t, "  %s\t%s\t%s\n", text.Printable(contract.Clip(cmp.Or(k.Name, "(the file)"), 40)), size(k.Bytes), text.Printable(fate))
	}
	w.table(t, &table)
	for _, a := range f.Advice {
		w.list("To do", a)
	}
}

// policy tells what ways to keep checkpoints take.
func (w *inspectionWriter) policy(p contract.Policy) {
	w.line("\n%s", w.style.Heading(fmt.Sprintf("%s writes %s: %s (%s)", p.Save, text.Printable(p.Save.Text), report.Count(int(p.Files), "file"), p.Planned)))
	var table strings.Builder
	t := tabwriter.NewWriter(&table, 0, 0, 2, ' ', 0)
	for _, row := range []struct {
		what  string
		bytes int64
	}{{"all of them, whole", p.All}, {"all of them, the model alone", p.Model}, {"the last 3", p.Last}, {"the best and the last", p.Best}, {"the best as a model, the last 3 and every 10th", p.Some}} {
		fmt.Fprintf(t, "  %s\t%s\n", row.what, checkpoint.Size(row.bytes))
	}
	w.table(t, &table)
}

func (w *inspectionWriter) migration(m *checkpoint.Migration) {
	w.line("\n%s", w.style.Heading(fmt.Sprintf("%s is written: %s, %s, read back and compared", text.Printable(m.Path), report.Count(m.Tensors, "tensor"), checkpoint.Size(m.Bytes))))
	if len(m.Stripped) > 0 {
		w.list("Stripped", strings.Join(m.Stripped, ", "))
	}
	if len(m.Compacted) > 0 {
		w.list("Compacted", report.Count(len(m.Compacted), "slice"))
	}
	if len(m.Left) > 0 {
		w.list("Left out", strings.Join(m.Left[:min(len(m.Left), mostFacts)], ", ")+": no tensors")
	}
	w.list("Metadata", fmt.Sprintf("format_version %s, torch_version %s", m.Metadata["format_version"], m.Metadata["torch_version"]))
}

// table writes a table's lines as wide as the page.
func (w *inspectionWriter) table(t *tabwriter.Writer, from *strings.Builder) {
	if err := t.Flush(); err != nil {
		panic(err) // a Builder does not fail
	}
	for l := range strings.Lines(from.String()) {
		w.line("%s", contract.Clip(strings.TrimRight(l, " \n"), max(w.style.Width, pageWidth)))
	}
}

// checkpoint tells of one; brief leaves out the keys.
func (w *inspectionWriter) checkpoint(r *checkpoint.Report, brief bool) {
	kind := string(r.Format)
	if r.Layout != "" {
		kind += ", " + r.Layout
	}
	w.line("%s", w.style.Heading(fmt.Sprintf("%s: %s, %s, written %s (%s)", text.Printable(r.Path), kind, checkpoint.Size(r.Bytes),
		r.Modified.Local().Format("2006-01-02 15:04"), checkpoint.Ago(time.Since(r.Modified)))))
	for _, p := range r.Problems {
		w.list("Damaged", p)
	}
	w.components(r)
	w.facts("Progress", r.Progress)
	w.facts("Metrics", r.Metrics)
	w.facts("Rates", r.Rates)
	w.facts("Versions", r.Versions)
	for _, n := range r.Notes {
		w.list("Note", n)
	}
	if len(r.Prefixes) > 0 {
		w.list("Prefixes", checkpoint.Wrappers(r.Prefixes)+": a model that is not wrapped loads none of these names")
	}
	w.storage(r)
	w.weights(r)
	w.imports(r)
	w.checked(r)
	if !brief && len(r.Keys) > 0 {
		w.line("\n%s", w.style.Heading("Keys"))
		w.keys(r)
	}
}

// list is a line with a label, continued below it.
func (w *inspectionWriter) list(label, what string) {
	const column = 16
	w.line("%s", report.Wrap(text.Printable(what), w.style.Width, fmt.Sprintf("  %-*s", column-2, label), strings.Repeat(" ", column)))
}

func (w *inspectionWriter) components(r *checkpoint.Report) {
	var has, lacks []string
	for _, c := range r.Components {
		name := c.Name
		if len(c.What) > 0 {
			name += " (" + strings.Join(c.What, "; ") + ")"
		}
		switch {
		case c.Present && c.Bytes > 0:
			has = append(has, name+" "+checkpoint.Size(c.Bytes))
		case c.Present:
			has = append(has, name)
		default:
			lacks = append(lacks, name)
		}
	}
	held := len(checkpoint.Eight) - len(lacks)
	if held == 0 && len(has) == 0 {
		return
	}
	w.list(fmt.Sprintf("Holds %d of %d", held, len(checkpoint.Eight)), strings.Join(has, ", "))
	if len(lacks) > 0 {
		w.list("Lacks", strings.Join(lacks, ", "))
	}
	w.parts(r)
}

// parts tells how much of the file the model and the optimizers are, where there is more than one of these.
func (w *inspectionWriter) parts(r *checkpoint.Report) {
	var out []string
	rest := r.Bytes
	for _, c := range r.Components {
		if c.Bytes > 0 && (c.Name == checkpoint.Model || c.Name == checkpoint.Optimizer || c.Name == checkpoint.Average) {
			rest -= c.Bytes
			out = append(out, fmt.Sprintf("%s %.1f %%", c.Name, 100*float64(c.Bytes)/float64(r.Bytes)))
		}
	}
	if len(out) > 1 && rest >= 0 {
		w.list("Shares", fmt.Sprintf("%s, the rest %.1f %%", strings.Join(out, ", "), 100*float64(rest)/float64(r.Bytes)))
	}
}

// mostFacts is how many values are shown of a kind.
const mostFacts = 6

func (w *inspectionWriter) facts(label string, facts []checkpoint.Fact) {
	var out []string
	for _, f := range facts {
		if len(out) == mostFacts && !w.all {
			out = append(out, fmt.Sprintf("and %d more", len(facts)-mostFacts))
			break
		}
		out = append(out, fmt.Sprintf("%s = %s", f.Key, f.Value))
	}
	if len(out) > 0 {
		w.list(label, strings.Join(out, ", "))
	}
}

func (w *inspectionWriter) storage(r *checkpoint.Report) {
	wasted := int64(0)
	for i, s := range r.Slices {
		wasted += s.Stored - s.Bytes
		if i < 3 || w.all {
			w.list("Slice", fmt.Sprintf("%s has %s and keeps a storage of %s: save .clone() of it", s.Key, checkpoint.Size(s.Bytes), checkpoint.Size(s.Stored)))
		}
	}
	if len(r.Slices) > 3 {
		w.list("Slices", fmt.Sprintf("%d in all keep %s that nothing shows", len(r.Slices), checkpoint.Size(wasted)))
	}
	for i, s := range r.Shared {
		if i == 3 && !w.all {
			w.list("Shared", fmt.Sprintf("%d further storages", len(r.Shared)-3))
			break
		}
		w.list("Shared", fmt.Sprintf("%s by %s", checkpoint.Size(s.Bytes), strings.Join(s.Keys, ", ")))
	}
}

func (w *inspectionWriter) weights(r *checkpoint.Report) {
	x := r.WeightsOnly
	switch {
	case x == nil:
	case x.From != "":
		because := ""
		if x.Because != "" {
			because = fmt.Sprintf(" (%s)", x.Because)
		}
		w.list("weights_only", fmt.Sprintf("True loads it from torch %s on%s", x.From, because))
	default:
		for i, f := range x.Refused {
			if i == mostFacts && !w.all {
				w.list("", fmt.Sprintf("and %d more", len(x.Refused)-i))
				break
			}
			said := "True refuses " + f.What
			if len(f.Keys) > 0 {
				said += " at " + strings.Join(f.Keys, ", ")
			}
			if f.As != "" {
				said += fmt.Sprintf(": save them with %s()", f.As)
			}
			w.list("weights_only", said)
		}
	}
}

func (w *inspectionWriter) imports(r *checkpoint.Report) {
	var others []string
	for _, i := range r.Imports {
		switch {
		case i.Danger != "":
			done := "imports"
			if i.Called {
				done = "calls"
			}
			w.list("DANGER", fmt.Sprintf("unpickling it %s %s, which %s: do not load it with weights_only=False", done, i.Name, i.Danger))
		case !i.Torch:
			others = append(others, i.Name)
		}
	}
	if len(others) > mostFacts && !w.all {
		others = append(others[:mostFacts], fmt.Sprintf("and %d more", len(others)-mostFacts))
	}
	if len(others) > 0 {
		w.list("Imports", strings.Join(others, ", "))
	}
}

func (w *inspectionWriter) checked(r *checkpoint.Report) {
	if x := r.Integrity; x != nil {
		for _, d := range x.Damaged {
			in := ""
			if len(d.Tensors) > 0 {
				in = " (" + strings.Join(d.Tensors, ", ") + ")"
			}
			w.list("Damaged", fmt.Sprintf("%s%s: %s", d.Record, in, d.Why))
		}
		if len(x.Damaged) == 0 && x.Records > 0 {
			w.list("Integrity", fmt.Sprintf("the checksums of all %d records are right (%s)", x.Records, checkpoint.Size(x.Bytes)))
		}
		for _, f := range x.Without {
			w.list("Integrity", f+": no checksum is right: it was written without them, or is damaged throughout")
		}
		for _, f := range x.Unchecked {
			w.list("Integrity", f+": its format has no checksums; sizes and places were compared")
		}
	}
	if x := r.Numbers; x != nil {
		switch {
		case x.NaN+x.Inf == 0:
			w.list("Numbers", fmt.Sprintf("none of the numbers in %d tensors is NaN or infinite", x.Tensors))
		default:
			w.list("Numbers", fmt.Sprintf("%d are NaN, %d infinite; they are named below", x.NaN, x.Inf))
		}
		if x.Unread > 0 {
			w.list("Numbers", fmt.Sprintf("those of %d tensors were not read", x.Unread))
		}
	}
}

// Bounds of the keys that are shown without --all.
const (
	mostKeys  = 12 // of one dict
	mostDepth = 2
)

func (w *inspectionWriter) keys(r *checkpoint.Report) {
	var table strings.Builder
	t := tabwriter.NewWriter(&table, 0, 0, 2, ' ', 0)
	w.below(t, r.Keys, 1)
	w.table(t, &table)
}

func (w *inspectionWriter) below(t *tabwriter.Writer, keys []checkpoint.KeyReport, depth int) {
	for i, k := range keys {
		if i == mostKeys && !w.all && len(keys) > mostKeys+1 {
			sum := int64(0)
			for _, x := range keys[i:] {
				sum += x.Bytes
			}
			fmt.Fprintf(t, "%s… %d more (--all)\t\t%s\t\n", strings.Repeat("  ", depth), len(keys)-i, size(sum))
			return
		}
		share := ""
		if k.Share >= 0.0005 {
			share = fmt.Sprintf("%.1f %%", 100*k.Share)
		}
		fmt.Fprintf(t, "%s%s\t%s\t%s\t%s\n", strings.Repeat("  ", depth), text.Printable(contract.Clip(k.Key, 60)), contract.Clip(text.Printable(held(k)), 60), size(k.Bytes), share)
		if (depth < mostDepth || w.all) && k.Kind != "list" || w.all {
			w.below(t, k.Keys, depth+1)
		}
	}
}

// size is a number of bytes in a table, empty for none.
func size(n int64) string {
	if n == 0 {
		return ""
	}
	return checkpoint.Size(n)
}

// held says in a few words what stands under a key.
func held(k checkpoint.KeyReport) string {
	said := ""
	switch k.Kind {
	case checkpoint.TensorNode:
		said = k.DType + " " + strings.ReplaceAll(fmt.Sprint(k.Shape), " ", ", ")
		if k.Layout != "" {
			said += " " + k.Layout
		}
	case checkpoint.SameNode:
		said = "the same as " + k.Same
	case checkpoint.ObjectNode:
		said = k.Class
		if k.Value != "" && k.Value != k.Class {
			said = strings.TrimSpace(said + " " + k.Value)
		}
	case checkpoint.ModuleNode:
		said = fmt.Sprintf("module %s, %s", k.Class, report.Count(int(k.Items), "tensor"))
	case checkpoint.DictNode, checkpoint.ListNode:
		said = fmt.Sprintf("%s of %d", k.Kind, k.Items)
	default:
		said = k.Value
	}
	if k.NaN+k.Inf > 0 {
		said += fmt.Sprintf(" (%d NaN, %d infinite)", k.NaN, k.Inf)
	}
	return said
}

func (w *inspectionWriter) difference(x *inspection) {
	d := x.Difference
	a, b := text.Printable(x.Checkpoints[0].Path), text.Printable(x.Checkpoints[1].Path)
	w.line("\n%s", w.style.Heading(fmt.Sprintf("%s against %s", a, b)))
	if d.Same() {
		w.line("  Nothing differs: %s with the same values", report.Count(d.Equal, "key"))
		return
	}
	w.line("  %s with the same values", report.Count(d.Equal, "key"))
	w.some("only in "+a, d.OnlyFirst)
	w.some("only in "+b, d.OnlySecond)
	var changed []string
	for _, c := range d.Changed {
		changed = append(changed, fmt.Sprintf("%s: %s %s, %s", c.Key, c.What, c.First, c.Second))
	}
	w.some("other", changed)
	w.some("not compared", d.Unread)
}

// some lists keys, the first of many.
func (w *inspectionWriter) some(label string, keys []string) {
	if len(keys) == 0 {
		return
	}
	w.line("  %s (%d)", label, len(keys))
	for i, k := range keys {
		if i == 20 && !w.all {
			w.line("    … %d more (--all)", len(keys)-i)
			break
		}
		w.line("    %s", text.Printable(k))
	}
}
