package training

import (
	"regexp"
	"slices"
	"strings"

	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
	"github.com/ckpt-lsp/ckpt-lsp/internal/pysem"
)

// BestAtRisk is a clean-up of old checkpoints that the best one can fall to.
type BestAtRisk struct {
	Deletion Deletion
	// Save writes the best checkpoint.
	Save *SaveSite
	// Listing is the directory listing that the clean-up takes its files from; without one, Name is the variable that remembers
	// which of the rotated files is the best.
	Listing Listing
	Name    string
}

// BestAtRisk finds the clean-ups of the run that do not spare the best checkpoint.
func (r *Run) BestAtRisk() []BestAtRisk {
	var out []BestAtRisk
	for _, d := range r.Deletions() {
		p := &pick{file: r.File, from: d}
		if !p.follow(r.File.Eval.Eval(d.Target, d.Ctx), 0) || p.spares() {
			continue
		}
		if p.names != nil {
			if s, name := r.rememberedBest(p.names); s != nil {
				out = append(out, BestAtRisk{Deletion: d, Save: s, Name: name})
			}
			continue
		}
		var best *SaveSite
		rotates := false
		for _, s := range r.File.Saves() {
			switch {
			case !p.lists(s):
			case s.Path.Best() && s.Path.Known && bestName.MatchString(fileName(s.Path.Pattern)):
				best = s
			case len(s.Path.Progress) > 0:
				rotates = true
			}
		}
		if best != nil && rotates && p.reaches(best) {
			out = append(out, BestAtRisk{Deletion: d, Save: best, Listing: p.listing})
		}
	}
	return out
}

// pick is how a clean-up comes by the file that it deletes: back from the deletion to a listing of a directory, or to a list of
// names that the program keeps.
type pick struct {
	file    *File
	from    Deletion
	listing Listing
	names   *pysem.Value // the list that the program keeps, nil for a listing
	steps   []pyast.Node // the sorting and slicing in between
	byName  bool         // sorted by name, as text
}

// follow goes back from a value; ok is false where it ends in something that is not followed.
func (p *pick) follow(v *pysem.Value, depth int) bool {
	if v == nil || depth > 10 {
		return false
	}
	if l, ok := p.file.Listing(v); ok {
		p.listing = l
		return true
	}
	for _, a := range v.Alternatives() {
		if p.followOne(a, depth) {
			return true
		}
	}
	return false
}

func (p *pick) followOne(a *pysem.Value, depth int) bool {
	e := p.file.Eval
	switch {
	case a.Kind == pysem.LoopVar:
		loop := a.Node
		if a.Base.Kind == pysem.Unknown && loop.Kind() == pyast.KindForStatement { // a slice, most often
			return p.followNode(loop.Child(pyast.FieldRight), a.Ctx, depth+1)
		}
		return p.follow(a.Base, depth+1)
	case a.Kind == pysem.Item:
		p.steps = append(p.steps, a.Node)
		return p.follow(a.Base, depth+1)
	case a.Kind == pysem.Str:
		return slices.ContainsFunc(a.Parts, func(part pysem.Part) bool { return part.Hole != nil && p.follow(part.Hole, depth+1) })
	case a.Kind == pysem.List && a.Open && len(a.Elems) > 0:
		p.names = a
		return true
	case a.Kind == pysem.Call:
		if recv, m, ok := a.Method(); ok && (m == "pop" || m == "popleft") {
			p.steps = append(p.steps, a.Node)
			return p.follow(recv, depth+1)
		}
	}
	if a.Kind == pysem.Call && (a.Callee() == "builtins.sorted" || a.Callee() == "builtins.reversed") {
		p.steps = append(p.steps, a.Node)
		p.byName = !pysem.Args(a.Node).Keyword["key"].Valid()
		return p.follow(e.Eval(pysem.Args(a.Node).Pos(0), a.Ctx), depth+1)
	}
	return false
}

func (p *pick) followNode(n pyast.Node, ctx *pysem.Ctx, depth int) bool {
	switch {
	case depth > 10: // files = files[1:]
		return false
	case n.Kind() == pyast.KindSubscript:
		p.steps = append(p.steps, n)
		return p.followNode(n.Child(pyast.FieldValue), ctx, depth+1)
	case n.Kind() == pyast.KindIdentifier:
		// old = files[:-3], and files.sort(key=...) before that
		fn := p.file.moduleOf(n).Scope(n)
		for _, call := range fn.Calls {
			if method := call.Child(pyast.FieldFunction); method.Kind() == pyast.KindAttribute && method.Child(pyast.FieldAttribute).TextIs("sort") && method.Child(pyast.FieldObject).TextIs(n.Text()) && call.End() <= n.Start() {
				p.steps = append(p.steps, call)
				p.byName = !pysem.Args(call).Keyword["key"].Valid()
			}
		}
		for _, d := range fn.Defs(n.Text()) {
			switch {
			case d.Kind == pysem.DefMutate:
				p.steps = append(p.steps, d.Value)
			case d.Kind == pysem.DefAssign && d.Value.Kind() == pyast.KindSubscript:
				return p.followNode(d.Value, ctx, depth+1)
			}
		}
	}
	return p.follow(p.file.Eval.Eval(n, ctx), depth)
}

// numbering reads a number out of a name: names without one are not among those that are sorted.
var numbering = regexp.MustCompile(`\bint\(|\bre\.|regex|fullmatch|\.match\(|\.isdigit|(?i)best`)

// spares says that the code asks for more than the order of the files before it deletes one: the best may be left out.
func (p *pick) spares() bool {
	if slices.ContainsFunc(p.steps, func(n pyast.Node) bool { return numbering.MatchString(n.Text()) }) || numbering.MatchString(p.listing.Pattern) {
		return true
	}
	for fr := p.from.Frame; fr != nil && fr.Ctx == p.from.Ctx; fr = fr.Parent {
		if fr.Kind == pysem.FrameIf && (numbering.MatchString(fr.Cond.Text()) || p.tests(fr.Cond)) {
			return true
		}
	}
	return false
}

// tests reports whether a condition asks for more of the file that is deleted than whether it is there.
func (p *pick) tests(cond pyast.Node) bool {
	if existence.MatchString(cond.Text()) {
		return false
	}
	for n := range p.from.Target.Descendants() {
		if n.Kind() == pyast.KindIdentifier && p.file.Eval.Eval(n, p.from.Ctx).Kind == pysem.LoopVar && mentions(cond, n.Text()) {
			return true
		}
	}
	return false
}

var existence = regexp.MustCompile(`exists|isfile|is_file|isdir|is_dir`)

// affix is a test of the names of a listing: f.startswith("x"), f.endswith(".pt"), "x" in f.
var affix = regexp.MustCompile(`(startswith|endswith)\(["']([^"']*)["']\)|["']([^"']*)["'] in `)

// lists reports whether a save's file is among those that the listing lists: in that very directory, by a name that fits.
func (p *pick) lists(s *SaveSite) bool {
	if !s.Path.Known || s.Path.Buffer {
		return false
	}
	dir, name, glob := p.place()
	if dir == "?" || glob && name == "" {
		return false
	}
	written := spell(s.Path.Value).text
	i := strings.LastIndexByte(written, '/')
	if dir != written[:max(i, 0)] {
		return false
	}
	file := filled(s)
	if glob && !globbed(name).MatchString(file) {
		return false
	}
	_, filter, _ := strings.Cut(p.listing.Pattern, " if ")
	for _, m := range affix.FindAllStringSubmatch(filter, -1) {
		switch {
		case m[1] == "startswith" && !strings.HasPrefix(file, m[2]), m[1] == "endswith" && !strings.HasSuffix(file, m[2]), m[1] == "" && !strings.Contains(file, m[3]):
			return false
		}
	}
	return filter == "" || affix.MatchString(filter)
}

// place splits what is listed into the directory, as spell writes it, and the pattern of the names; "?" is an unknown directory.
func (p *pick) place() (dir, name string, glob bool) {
	call := p.listing.Node
	ctx := p.from.Ctx
	e := p.file.Eval
	fn := call.Child(pyast.FieldFunction)
	arg := spell(e.Eval(pysem.Args(call).Pos(0), ctx)).text
	switch last := lastPart(fn.Text()); {
	case last == "listdir" || last == "scandir":
		dir = arg
	case last == "iterdir":
		dir = spell(e.Eval(fn.Child(pyast.FieldObject), ctx)).text
	case (last == "glob" || last == "rglob") && fn.Kind() == pyast.KindAttribute && !fn.TextIs("glob.glob"):
		dir, name, glob = spell(e.Eval(fn.Child(pyast.FieldObject), ctx)).text, arg, true
	default:
		i := strings.LastIndexByte(arg, '/')
		return arg[:max(i, 0)], arg[i+1:], true
	}
	if dir == "" {
		dir = "?"
	}
	return strings.TrimSuffix(dir, "/"), name, glob
}

func globbed(pattern string) *regexp.Regexp {
	s := regexp.QuoteMeta(pattern)
	s = strings.ReplaceAll(strings.ReplaceAll(s, `\*`, ".*"), `\?`, ".")
	re, err := regexp.Compile("^" + s + "$")
	if err != nil {
		return regexp.MustCompile(`^\b$`)
	}
	return re
}

// filled is the name of a file as a save may write it, with a number for what is not known.
func filled(s *SaveSite) string { return strings.ReplaceAll(fileName(s.Path.Pattern), "*", "0") }

// reaches says that the order in which files are deleted can get to the best: text order must put it in front.
func (p *pick) reaches(best *SaveSite) bool {
	if !p.byName {
		return true
	}
	for _, n := range p.steps {
		if strings.Contains(n.Text(), "reverse") {
			return false
		}
	}
	for _, s := range p.file.Saves() {
		if len(s.Path.Progress) > 0 && p.lists(s) && filled(best) < filled(s) {
			return true
		}
	}
	return false
}

var bestFile = regexp.MustCompile(`(?i)best\w*(path|file|filename|ckpt|checkpoint|name)$`)

// rememberedBest is the save whose file the program deletes by and by and remembers as the best under a name.
func (r *Run) rememberedBest(names *pysem.Value) (*SaveSite, string) {
	for _, s := range r.Saves {
		written := spell(s.Path.Value)
		if s.Loop == nil || len(s.Path.Progress) == 0 || written.text == "" || s.BestOnly() ||
			!slices.ContainsFunc(names.Elems, func(v *pysem.Value) bool { return spell(v) == written }) {
			continue
		}
		for i, ev := range r.Events {
			left := ev.Node.Child(pyast.FieldLeft)
			if ev.Kind == pysem.EventAssign && s.Loop.Outer().Holds(i) && bestFile.MatchString(left.Text()) &&
				spell(r.File.Eval.Eval(ev.Node.Child(pyast.FieldRight), ev.Ctx)) == written {
				return s, left.Text()
			}
		}
	}
	return nil, ""
}
