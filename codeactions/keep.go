package codeactions

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/ckpt-lsp/ckpt-lsp/diagnostics"
	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
	"github.com/ckpt-lsp/ckpt-lsp/internal/pysem"
	"github.com/ckpt-lsp/ckpt-lsp/internal/training"
)

// keepSome removes old checkpoints after a save. Where the training measures itself and nothing keeps the best, the best model gets a
// file of its own, and one in so many checkpoints stays.
func keepSome(s *sheet, r diagnostics.KeepSome) (Fix, bool) {
	stmt := statement(r.Save.Node)
	name, ok := s.numbered(r.Save)
	if !ok || !telling(name.pattern) || bestWord.MatchString(name.pattern) || !s.ownLine(stmt) || !s.keeps() {
		return Fix{}, false
	}
	f := Fix{
		Title:         fmt.Sprintf("Keep the last %d checkpoints", diagnostics.KeptLast),
		Applicability: diagnostics.Unsafe,
		Why:           "older checkpoints are removed",
	}
	every := ""
	if doubt, ok := s.keepBestBeside(r, name); ok {
		f.Title = fmt.Sprintf("Keep the best by `%s`, the last %d and every %dth checkpoint", r.Metric.Name, diagnostics.KeptLast, r.Nth)
		f.Why = "the others are removed" + doubt
		every = fmt.Sprintf(", every=%d", r.Every)
	}
	s.linesAfter(stmt, fmt.Sprintf("%s(%s, %s, last=%d%s)", keeper, name.pattern, name.number, diagnostics.KeptLast, every))
	return s.fix(f), true
}

// keeper is the function that removes old files. It goes by the number in their names, takes none whose number is higher than the one just
// written, and none with something else in the number's place, such as "best".
const (
	keeper    = "keep_checkpoints"
	keeperHas = "(pattern, newest, last, every=0):"
)

// keeps writes the function that removes old files, unless the file has it. It is false where the name means something else.
func (s *sheet) keeps() bool {
	for _, d := range s.mod.Top.Defs(keeper) {
		if d.Kind != pysem.DefFunc || !strings.Contains(statement(d.Node).Text(), keeper+keeperHas) {
			return false
		}
	}
	os, re := s.module("os"), s.module("re")
	lines := []string{
		"def " + keeper + keeperHas,
		"\t'''Remove checkpoints by the number in place of the first *: the `last` newest and one in `every` stay.'''",
		"\tfolder, name = " + os + ".path.split(str(pattern))",
		"\tnumber = " + re + ".compile(" + re + `.escape(name).replace(r'\*', r'(\d+)', 1).replace(r'\*', '.*'))`,
		"\tfound = [number.fullmatch(file) for file in " + os + ".listdir(folder or '.')]",
		"\tfiles = sorted((int(match[1]), match[0]) for match in found if match and int(match[1]) <= newest)",
		"\tspared = None",
		"\tfor n, file in files[:-last]:",
		"\t\tif every and (spared is None or n >= spared + every):",
		"\t\t\tspared = n",
		"\t\telse:",
		"\t\t\t" + os + ".remove(" + os + ".path.join(folder, file))",
	}
	for i := range lines {
		lines[i] = s.quoted(lines[i])
	}
	s.helper(keeper, lines)
	return true
}

// keepBestBeside writes the model beside where the metric is the best so far, in front of the save, and has the checkpoint hold the best
// metric, and a resume take it back; doubt says what is left to do. It writes nothing where it is not ok.
func (s *sheet) keepBestBeside(r diagnostics.KeepSome, name numbered) (doubt string, ok bool) {
	save, loop, models := r.Save, r.Save.EpochLoop, s.models(r.Save)
	if r.Metric.Name == "" || loop == nil || save.Ctx.Func != loop.Ctx.Func || models == "" || name.best == "" || !s.ownLine(loop.Node) && !compound(loop.Node) {
		return "", false
	}
	// The best is told where the checkpoint is written, before what it holds is put together.
	at := statement(save.Node)
	if save.Kind == training.PayloadDict {
		made := statement(save.Dict.Literal)
		if made.Parent() != at.Parent() {
			return "", false
		}
		at = made
	}
	if save.Period(loop).Every > 1 {
		if _, distributed := save.Distributed(); distributed {
			return "", false // the test around the save may be of the rank, too
		}
		at = inBody(at, save.Ctx, loop.Node.Child(pyast.FieldBody))
	}
	measured := statement(r.Metric.Node)
	best := "best_" + strings.TrimPrefix(lastName(r.Metric.Name), "val_")
	if !at.Valid() || measured.End() > at.Start() || !measured.Parent().Encloses(at) || len(s.mod.Scope(at).Defs(best)) > 0 {
		return "", false
	}
	start, op := "inf", "<"
	if r.Metric.Higher {
		start, op = "-inf", ">"
	}
	before := []string{fmt.Sprintf("%s = float(%s)", best, s.str(start))}
	if writable(save) && save.Dict.Literal.Tree() == s.mod.Tree {
		w := &checkpointWriter{sheet: s, save: save, taken: map[string]bool{}}
		for _, c := range save.Components {
			w.taken[c.Key] = true
		}
		if key := w.key(best, false); key != "" {
			w.write([]entry{{key: key, value: best}})
			if load := save.ResumedBy(); load != nil {
				taken := s.takenBack(load, loop, best)
				if before = append(before, taken...); len(taken) == 0 {
					doubt = "; a resumed run must take `" + best + "` back"
				}
			}
		}
	}
	torch, os := s.module("torch"), s.module("os")
	s.linesBefore(loop.Node, before...)
	s.linesBefore(at,
		fmt.Sprintf("if %s %s %s:", r.Metric.Name, op, best),
		fmt.Sprintf("\t%s = float(%s)", best, r.Metric.Name),
		fmt.Sprintf("\t%s.save(%s, %s)", torch, models, name.besideBest),
		fmt.Sprintf("\t%s.replace(%s, %s)", os, name.besideBest, name.best),
	)
	return doubt, true
}

// takenBack are the lines in front of a loop that take a variable back where training resumes from the checkpoint; none where they
// cannot be written there.
func (s *sheet) takenBack(load *training.LoadSite, loop *training.Loop, variable string) []string {
	r := newRestorer(&pages{file: s.file, home: s}, load)
	if r.sheet != s || r.loop != loop || s.mod.Scope(loop.Node) != s.mod.Scope(load.Node) {
		return nil
	}
	name, spots := r.checkpointName(), r.spots()
	if name == "" || len(spots) == 0 || r.droppedBetween(name, statement(load.Node), loop.Node) {
		return nil
	}
	cond, ok := r.again(name, spots[0].after.Parent(), loop.Node)
	if !ok {
		return nil
	}
	return []string{r.guarded(entry{key: variable}, cond, name), fmt.Sprintf("\t%s = %s[%s]", variable, name, s.str(variable))}
}

// models is the expression of the models that a save writes: the one state dict, or a dict of several.
func (s *sheet) models(save *training.SaveSite) string {
	here := func(n pyast.Node) bool { return n.Tree() == s.mod.Tree && !strings.ContainsAny(n.Text(), "\r\n") }
	if save.Kind == training.PayloadState && here(save.PayloadNode) {
		return save.PayloadNode.Text()
	}
	if save.Kind != training.PayloadDict || save.Dict == nil {
		return ""
	}
	var pairs []string
	last := ""
	for _, c := range save.Components {
		if c.Object == nil || c.Object.Kind != training.Model || c.Role != training.RoleState {
			continue
		}
		n := c.Entry.Value.Node
		if !here(n) || !save.Dict.Literal.Encloses(n) {
			return ""
		}
		last = n.Text()
		pairs = append(pairs, s.str(c.Key)+": "+last)
	}
	if len(pairs) < 2 {
		return last
	}
	return "{" + strings.Join(pairs, ", ") + "}"
}

var (
	extension = regexp.MustCompile(`\.\w+["')\s]*$`)
	letters   = regexp.MustCompile(`[A-Za-z]{2}`)
)

// telling says that a pattern matches checkpoints only: its file name holds a word beside the wildcard, and it is not the name of a
// temporary file.
func telling(pattern string) bool {
	name := extension.ReplaceAllString(pattern[strings.LastIndexByte(pattern, '/')+1:], "")
	return letters.MatchString(name) && !strings.Contains(pattern, ".tmp")
}

// numbered is the name of files with a number, as expressions: with a * for the number and for what changes with it, the number itself,
// and the names of the best beside them and of a temporary file beside that, "" where there are none.
type numbered struct{ pattern, number, best, besideBest string }

// numbered reads the name that a save writes. The number must stand in the file's own name, in front of all else that changes there.
func (s *sheet) numbered(save *training.SaveSite) (numbered, bool) {
	path := pysem.Args(save.Node).Get(1, "f")
	if path.Kind() == pyast.KindIdentifier {
		// path = f"..." just before: the pattern repeats that expression.
		for _, d := range s.mod.Scope(path).Defs(path.Text()) {
			if d.Kind == pysem.DefAssign && len(d.Index) == 0 {
				path = d.Value
			}
		}
	}
	if !path.Valid() || strings.ContainsAny(path.Text(), "\r\n") {
		return numbered{}, false
	}
	progress := func(n pyast.Node) bool {
		v := s.file.Eval.Eval(n, save.Ctx)
		return slices.ContainsFunc(save.Path.Progress, func(p *pysem.Value) bool { return p.Key() == v.Key() || p == v })
	}
	var holes []pyast.Node
	var last pyast.Node // string, in which the file's own name ends
	for n := range path.Descendants() {
		switch n.Kind() {
		case pyast.KindInterpolation:
			holes = append(holes, n)
		case pyast.KindString:
			if !last.Valid() || !last.Encloses(n) {
				last = n
			}
		}
	}
	if path.Kind() == pyast.KindString {
		last = path
	}
	var hole pyast.Node // the first that counts
	out, left := path.Text(), 0
	for _, h := range slices.Backward(holes) {
		switch {
		case progress(h.Child(pyast.FieldExpression)):
			hole = h
		case !s.changes(h, save):
			left++
			continue
		case hole.Valid():
			return numbered{}, false
		}
		out = out[:h.Start()-path.Start()] + "*" + out[h.End()-path.Start():]
	}
	if !hole.Valid() {
		return s.numberedByPercent(path)
	}
	number := hole.Child(pyast.FieldExpression)
	if !isNumber(number) || !last.Encloses(hole) || strings.Contains(last.Text()[hole.End()-last.Start():], "/") {
		return numbered{}, false
	}
	if left == 0 {
		out = unformatted(out)
	}
	x := numbered{pattern: out, number: number.Text()}
	if best := bestOf(last, hole); best != "" {
		at := last.Start() - path.Start()
		with := func(name string) string { return path.Text()[:at] + name + path.Text()[at+last.Span().Len():] }
		x.best, x.besideBest = with(best), with(best[:len(best)-1]+".tmp"+best[len(best)-1:])
	}
	return x, true
}

// isNumber says that an expression is a number as it stands, not the text of one: a name, an attribute, or a sum of such.
func isNumber(n pyast.Node) bool {
	switch n.Kind() {
	case pyast.KindIdentifier, pyast.KindAttribute, pyast.KindInteger:
		return true
	case pyast.KindParenthesizedExpression:
		return isNumber(n.Nth(0))
	case pyast.KindBinaryOperator:
		return isNumber(n.Child(pyast.FieldLeft)) && isNumber(n.Child(pyast.FieldRight))
	}
	return false
}

// unformatted takes the f away from strings without holes.
func unformatted(code string) string {
	for _, q := range []string{`"`, "'"} {
		code = strings.Replace(code, "f"+q, q, 1)
	}
	return code
}

var (
	percent = regexp.MustCompile(`%[0-9]*[dsi]`)
	// counter is what a name says of the number in front of it.
	counter = regexp.MustCompile(`(?i)(^|[-_.=])(epochs?|ep|e|steps?|iters?|iteration)?[-_.=]*$`)
)

// numberedByPercent reads "name_%d.pt" % epoch.
func (s *sheet) numberedByPercent(path pyast.Node) (numbered, bool) {
	number := path.Child(pyast.FieldRight)
	if path.Kind() != pyast.KindBinaryOperator || !path.Child(pyast.FieldOperator).TextIs("%") || !isNumber(number) {
		return numbered{}, false
	}
	t, ok := pysem.StringLiteral(path.Child(pyast.FieldLeft))
	m := percent.FindStringIndex(t)
	if !ok || m == nil || strings.Count(t, "%") != 1 || strings.Contains(t[m[1]:], "/") {
		return numbered{}, false
	}
	folder := t[:strings.LastIndexByte(t[:m[0]], '/')+1]
	best := folder + stem(t[len(folder):m[0]]) + extension.FindString(t)
	return numbered{s.str(t[:m[0]] + "*" + t[m[1]:]), number.Text(), s.str(best), s.str(best + ".tmp")}, true
}

// stem is the beginning of the best's name, by what stands in front of the number: "checkpoint_epoch_" gives "checkpoint_best".
func stem(front string) string {
	if front = front[:len(front)-len(counter.FindString(front))]; front == "" {
		return "best"
	}
	return front + "_best"
}

// bestOf is the string of the best's name: "best" for the hole that counts, and nothing for what stands between that and the ending.
func bestOf(str, hole pyast.Node) string {
	text, at := str.Text(), hole.Start()-str.Start()
	head := strings.IndexAny(text, `"'`) + 1
	if head == 0 || strings.HasPrefix(text[head:], text[head-1:head]) { // three quotes
		return ""
	}
	from := max(head, strings.LastIndexByte(text[:at], '/')+1)
	front := text[from:at]
	if strings.Count(front, "{") != strings.Count(front, "}") {
		return "" // a division in a hole
	}
	quote := text[len(text)-1:]
	out := text[:from] + stem(front) + extension.FindString(strings.TrimSuffix(text, quote)) + quote
	if !strings.Contains(out, "{") {
		out = strings.TrimPrefix(out, "f")
	}
	return out
}

var fraction = regexp.MustCompile(`[efgEFG%]$`)

// changes says that what stands in a hole of a file name changes from save to save: a number with a fraction, or what is made in the
// loop.
func (s *sheet) changes(hole pyast.Node, save *training.SaveSite) bool {
	if fraction.MatchString(hole.Child(pyast.FieldFormatSpecifier).Text()) {
		return true
	}
	loop := save.EpochLoop
	if loop == nil {
		loop = save.Loop
	}
	if loop == nil {
		return false
	}
	if v := s.file.Eval.Eval(hole.Child(pyast.FieldExpression), save.Ctx); v.Node.Valid() && v.Ctx != nil && loop.Node.Encloses(v.Node) && v.Node != hole.Child(pyast.FieldExpression) {
		return true
	}
	for n := range hole.Descendants() {
		if n.Kind() != pyast.KindIdentifier {
			continue
		}
		for _, d := range s.mod.Scope(n).Defs(n.Text()) {
			if loop.Node.Encloses(d.Node) {
				return true
			}
		}
	}
	return false
}
