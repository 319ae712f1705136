package training

import (
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
	"github.com/ckpt-lsp/ckpt-lsp/internal/pysem"
)

// Path is what is known of a file name that a save writes or a load reads.
type Path struct {
	// Node is the expression as written at the call; Value what it stands for.
	Node  pyast.Node
	Value *pysem.Value
	// shape is the value that Pattern is read from, one of the ways Value may have come about.
	shape *pysem.Value
	// Pattern is the name with each unknown part as "*", "" when nothing is known.
	Pattern string
	// Known says that at least one literal part of it is known.
	Known bool
	// Progress are the values in the name that change from save to save: loop variables, epochs, steps.
	Progress []*pysem.Value
	// Rank says that the name holds the rank: each process has its own file.
	Rank bool
	// Metric says that the name holds a score, as "model_{acc:.3f}.pt".
	Metric bool
	// Buffer says that the target is an object in memory.
	Buffer bool
}

var (
	progressName = regexp.MustCompile(`(?i)(^|_|\.)(epochs?|ep|steps?|iters?|iterations?|itr|global_?step|n_?iter|batch(_?idx)?|i|it|e|idx|step_?num|milestone)(_?(num|idx|no|index|id))?$`)
	rankName     = regexp.MustCompile(`(?i)(^|_|\.)rank(_?id)?$|^(gpu|gpu_id|device_id|process_index|local_rank)$`)
	metricName   = regexp.MustCompile(`(?i)(acc|loss|score|metric|prec|iou|map|f1|auc|psnr|bleu|wer|cer|perplexity|ppl)`)
	bestName     = regexp.MustCompile(`(?i)best`)
	lastName     = regexp.MustCompile(`(?i)(last|latest|current|resume|snapshot|newest)`)
)

// openers give a file object for a name.
var openers = map[string]bool{"builtins.open": true, "io.open": true, "gzip.open": true, "fsspec.open": true, "smart_open.open": true}

// path reads the shape of a file name. Loops are those around the save; nil for loads.
func (f *File) path(n pyast.Node, ctx *pysem.Ctx) *Path { return f.pathFrom(n, f.Eval.Eval(n, ctx)) }

// pathFrom reads the shape of a file name whose value is at hand.
func (f *File) pathFrom(n pyast.Node, v *pysem.Value) *Path {
	p := &Path{Node: n, Value: v}
	if !n.Valid() {
		return p
	}
	if v.Kind == pysem.Join {
		// The first alternative that has a shape stands for all.
		for _, a := range v.Elems {
			if a.Kind == pysem.Str {
				v = a
				break
			}
		}
	}
	if v.Kind == pysem.LoopVar && v.Base.Kind == pysem.List && !v.Base.Open && len(v.Base.Elems) == 1 {
		v = v.Base.Elems[0] // for path in [out / "checkpoint.pth"]: save(..., path)
		p.Value = v
	}
	p.shape = v
	switch {
	case v.Kind == pysem.Str:
		var b strings.Builder
		f.parts(p, v.Parts, &b, 0)
		p.Pattern = b.String()
		p.Known = strings.Trim(p.Pattern, "*/.") != ""
	case v.Callee() == "io.BytesIO" || v.Callee() == "io.StringIO" || strings.HasSuffix(v.Callee(), "NamedTemporaryFile"):
		p.Buffer = true
	case openers[v.Callee()]:
		return f.path(pysem.Args(v.Node).Pos(0), v.Ctx)
	default:
		p.Pattern = "*"
		f.formatted(p, v)
	}
	if n.Is(pyast.KindIdentifier) && (n.TextIs("buffer") || n.TextIs("buf") || n.TextIs("bio")) {
		p.Buffer = true
	}
	return p
}

// Several reports whether the name is another one on other ways through the program; Pattern is that of one of them.
func (p *Path) Several() bool {
	if p.Value == nil || p.Value.Kind != pysem.Join {
		return false
	}
	return slices.ContainsFunc(p.Value.Elems, func(a *pysem.Value) bool { return a.Kind == pysem.Str && a.Key() != p.shape.Key() })
}

func (f *File) parts(p *Path, parts []pysem.Part, b *strings.Builder, depth int) {
	for _, part := range parts {
		if part.Hole == nil {
			b.WriteString(part.Lit)
			continue
		}
		b.WriteByte('*')
		f.hole(p, part, depth)
	}
}

func (f *File) hole(p *Path, part pysem.Part, depth int) {
	v := f.unpad(part.Hole)
	if depth > 4 {
		return
	}
	text := v.Node.Text()
	if v.Kind == pysem.ParamVal || v.Kind == pysem.Attr {
		text = v.Name
	}
	if c := v.Callee(); c != "" && (strings.HasPrefix(c, "time.") || strings.HasPrefix(c, "datetime.") || strings.HasPrefix(c, "uuid.")) {
		return
	}
	switch {
	case isRank(f, v, text):
		p.Rank = true
	case isProgress(v, text):
		p.Progress = append(p.Progress, v)
	case metricName.MatchString(text):
		p.Metric = true
	case f.formatted(p, v): // by a pattern that is not known
	default: // a name that was put together somewhere else, on one of several ways
		for _, a := range v.Alternatives() {
			for _, inner := range a.Parts {
				if inner.Hole != nil {
					f.hole(p, inner, depth+1)
				}
			}
		}
	}
}

// formatted reports whether a value is what a format that is not known makes of a count: `args.pattern.format(epoch=epoch)`,
// `args.pattern % epoch`.
func (f *File) formatted(p *Path, v *pysem.Value) bool {
	before := len(p.Progress)
	if v.Kind == pysem.Binary && v.Name == "%" && v.Other.Kind != pysem.Int {
		if isProgress(v.Other, v.Other.Node.Text()) {
			p.Progress = append(p.Progress, v.Other)
		}
		return len(p.Progress) > before
	}
	if _, m, ok := v.Method(); !ok || m != "format" {
		return false
	}
	for n := range v.Node.Child(pyast.FieldArguments).Children() {
		if n.Kind() == pyast.KindKeywordArgument {
			n = n.Child(pyast.FieldValue)
		}
		if count := f.Eval.Eval(n, v.Ctx); isProgress(count, n.Text()) {
			p.Progress = append(p.Progress, count)
		}
	}
	return len(p.Progress) > before
}

// isProgress says that a value counts epochs or steps.
func isProgress(v *pysem.Value, text string) bool {
	if base, _, ok := v.Linear(); ok && base != nil {
		if base.Kind == pysem.LoopVar || base.Kind == pysem.Elem && base.Base.Kind == pysem.LoopVar {
			return true
		}
		if base != v && isProgress(base, base.Node.Text()) {
			return true
		}
	}
	if v.Kind == pysem.Binary && (v.Name == "//" || v.Name == "*") { // step // save_every
		return isProgress(v.Base, v.Base.Node.Text())
	}
	for _, a := range v.Alternatives() {
		if a != v && isProgress(a, a.Node.Text()) {
			return true
		}
	}
	return progressName.MatchString(text)
}

// Best reports whether the name says that the file holds the best model.
func (p *Path) Best() bool {
	return bestName.MatchString(p.Pattern) || bestName.MatchString(p.Node.Text())
}

// Last reports whether the name says that the file is the one to resume from.
func (p *Path) Last() bool {
	return lastName.MatchString(p.Pattern) || lastName.MatchString(p.Node.Text())
}

// Fixed reports whether every save writes the same file, as far as the name tells: no part of it counts progress or differs
// by rank or score.
func (p *Path) Fixed() bool {
	return !p.Buffer && len(p.Progress) == 0 && !p.Rank && !p.Metric
}

// named reports whether anything is known of the file's own name but how it ends.
func (p *Path) named() bool {
	name := fileName(p.Pattern)
	return strings.Trim(strings.TrimSuffix(name, path.Ext(name)), "*") != ""
}

// InGivenFolder reports whether the name is made of a folder that is no option or attribute: a caller gives it.
func (p *Path) InGivenFolder() bool {
	root := begins(p.Value).root
	return p.Value.Kind == pysem.Str && root != nil && !fixedOption(root)
}

// Named reports whether the function that saves is handed the file's name, or a part of it that is no number.
func (s *SaveSite) Named() bool {
	v := s.Path.Value
	for c := s.Ctx.Parent; c != nil; c = c.Parent {
		if v.Ctx == c {
			return true
		}
	}
	return v.Kind != pysem.Str
}

// Listed reports whether the name is an element of a list that the program makes of names it spells out: the same in each round.
func (p *Path) Listed() bool {
	v := p.Value
	if v.Kind != pysem.Item || v.Base.Kind != pysem.List || v.Other.Kind != pysem.Int || len(v.Base.Elems) == 0 {
		return false
	}
	return !slices.ContainsFunc(v.Base.Elems, func(name *pysem.Value) bool {
		return slices.ContainsFunc(holes(name), func(h *pysem.Value) bool { return h.Kind != pysem.Attr && !spelledOut(h) }) || name.Kind != pysem.Str
	})
}

// spelledOut reports whether a value goes through the elements of a list of words, or the keys of a dict that are all known.
func spelledOut(v *pysem.Value) bool {
	first := false
	if v.Kind == pysem.Elem {
		v, first = v.Base, v.Index == 0
	}
	if v.Kind != pysem.LoopVar {
		return false
	}
	of, pairs := v.Base, false
	if recv, m, ok := of.Method(); ok && (m == "items" || m == "keys") {
		of, pairs = recv, m == "items"
	}
	if d := of.AsDict(); d != nil {
		return !d.Open && pairs == first
	}
	_, ok := phases(of)
	return ok && !first
}
