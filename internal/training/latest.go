package training

import (
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
	"github.com/ckpt-lsp/ckpt-lsp/internal/pysem"
)

// TextOrder is a choice among checkpoint files by their names in text order.
type TextOrder struct {
	// Node is the sorted(), max() or .sort() call.
	Node    pyast.Node
	Listing Listing
	// How is "sorted" or "compared".
	How string
	// Named says that the names are called as checkpoints are. It counts only where nothing shows who writes and reads the files.
	Named bool
	// Deletes says that the choice is of files to delete, rather than the one to load.
	Deletes bool
}

// Harm says what goes wrong when the order is not that of the numbers.
func (t TextOrder) Harm() string {
	if t.Deletes {
		return "the wrong file is deleted, which can be the newest"
	}
	return "an old checkpoint is taken for the latest"
}

// checkpointWord and dataWord are in the names of checkpoints, and of other files. They count only where nothing shows who writes and reads
// the files that are listed.
var (
	checkpointWord = regexp.MustCompile(`(?i)ckpt|checkpoint|check_point|snapshot|epoch|(^|[^a-z])(step|iter)s?([^a-z]|$)|\.pth?\b|weights|model`)
	dataWord       = regexp.MustCompile(`(?i)\.(png|jpe?g|npy|npz|txt|csv|json|wav|mp4|parquet|tar|flac|h5|tfrecord|py|bmp|gif|mat)\b|image|frame|shard|part-`)
)

// TextOrders finds where the file picks the latest checkpoint, or old ones to delete, from a directory listing in text order.
func (f *File) TextOrders() []TextOrder {
	var out []TextOrder
	for _, fn := range f.Module.Funcs {
		for _, call := range fn.Calls {
			if t, ok := f.textOrder(call, fn); ok {
				out = append(out, t)
			}
		}
	}
	return out
}

func (f *File) textOrder(call pyast.Node, fn *pysem.Func) (TextOrder, bool) {
	if !slices.Contains([]string{"sorted", "max", "min", "sort"}, calledName(call)) {
		return TextOrder{}, false
	}
	callee := call.Child(pyast.FieldFunction)
	args := pysem.Args(call)
	ctx := f.Eval.In(f.moduleOf(call), call)
	if key, keyed := args.Keyword["key"]; args.KwStar || keyed && !f.textKey(key, ctx) {
		return TextOrder{}, false
	}
	t := TextOrder{Node: call, How: "sorted"}
	var list pyast.Node
	switch name := f.qualified(callee); {
	case name == "builtins.sorted":
		list = args.Pos(0)
	case (name == "builtins.max" || name == "builtins.min") && len(args.Position) == 1:
		list, t.How = args.Pos(0), "compared"
	case callee.Kind() == pyast.KindAttribute && callee.Child(pyast.FieldAttribute).TextIs("sort") && len(args.Position) == 0:
		list = callee.Child(pyast.FieldObject)
	default:
		return t, false
	}
	listing, ok := f.Listing(f.Eval.Eval(list, ctx))
	if !ok {
		return t, false
	}
	t.Listing = listing
	what := listing.Pattern + " " + fn.Name + " " + assigned(call).Text()
	t.Named = checkpointWord.MatchString(what) && !dataWord.MatchString(listing.Pattern)
	var used bool
	t.Deletes, used = f.choice(call, list, fn)
	return t, used || t.How == "compared"
}

// textKey reports whether a key function gives a part of the name that it is given, as text: `lambda name: name.split("_")[-1]`.
func (f *File) textKey(n pyast.Node, ctx *pysem.Ctx) bool {
	key := f.Eval.Eval(n, ctx)
	if key.Kind == pysem.External {
		return textFunctions[key.Name]
	}
	if key.Kind != pysem.FuncVal || len(key.Func.Params) != 1 {
		return false
	}
	given := key.Func.Body
	if given.Kind() == pyast.KindBlock {
		if len(key.Func.Returns) != 1 {
			return false
		}
		given = key.Func.Returns[0]
	}
	return f.textOf(given, key.Func, 0)
}

// textOf reports whether an expression is a part of the text that a function is given, or a list of its parts.
func (f *File) textOf(n pyast.Node, fn *pysem.Func, depth int) bool {
	if depth > 8 {
		return false
	}
	switch n.Kind() {
	case pyast.KindParenthesizedExpression:
		return f.textOf(n.Nth(0), fn, depth+1)
	case pyast.KindIdentifier:
		if n.TextIs(fn.Params[0].Name) {
			return true
		}
		defs := fn.Defs(n.Text())
		return len(defs) == 1 && defs[0].Kind == pysem.DefAssign && f.textOf(defs[0].Value, fn, depth+1)
	case pyast.KindSubscript:
		return f.textOf(n.Child(pyast.FieldValue), fn, depth+1)
	case pyast.KindAttribute:
		return pathParts[n.Child(pyast.FieldAttribute).Text()] && f.textOf(n.Child(pyast.FieldObject), fn, depth+1)
	case pyast.KindCall:
		callee := n.Child(pyast.FieldFunction)
		switch name := f.qualified(callee); {
		case textFunctions[name]:
			return f.textOf(pysem.Args(n).Pos(0), fn, depth+1)
		case strings.HasPrefix(name, "re."):
			return f.textOf(pysem.Args(n).Pos(1), fn, depth+1)
		}
		return callee.Kind() == pyast.KindAttribute && textMethods[callee.Child(pyast.FieldAttribute).Text()] && f.textOf(callee.Child(pyast.FieldObject), fn, depth+1)
	}
	return false
}

// textFunctions and textMethods give the text that they are given or called on, or a part of it, or its parts; pathParts are the
// attributes of a path that do.
var (
	textFunctions = map[string]bool{"builtins.str": true, "os.path.basename": true, "os.path.splitext": true, "os.path.split": true, "os.path.dirname": true, "os.fspath": true}
	textMethods   = map[string]bool{"split": true, "rsplit": true, "partition": true, "rpartition": true, "strip": true, "lstrip": true, "rstrip": true,
		"replace": true, "removeprefix": true, "removesuffix": true, "lower": true, "upper": true, "as_posix": true, "group": true}
	pathParts = map[string]bool{"name": true, "stem": true, "parts": true, "parent": true}
)

// Checkpoints reports whether the names are those of checkpoints: one that is picked is loaded, or the program saves files of such names,
// numbered without zeros, in that directory. Where nothing shows who writes and reads them, it is what they are called.
func (t TextOrder) Checkpoints(f *File, padding Padding) bool {
	return t.Named || padding == Unpadded && t.Listing.Dir != "" || t.loaded(f)
}

// Purpose reports whether the code loads what it picks, or deletes what is called like a checkpoint, or says that it wants the latest file: without it, the choice may be among
// files of any kind.
func (t TextOrder) Purpose(f *File) bool {
	return t.loaded(f) || t.Named && (t.Deletes || latestFor.MatchString(f.moduleOf(t.Node).Scope(t.Node).Name) || latestFor.MatchString(assigned(t.Node).Text()) ||
		latestFor.MatchString(assigned(t.Node.Parent()).Text()))
}

// loaded reports whether the file that is picked is loaded, by torch or a method of that name.
func (t TextOrder) loaded(f *File) bool {
	return f.loadsEnd(t.Listing.Node)
}

// loadsEnd reports whether a file at an end of a listing is loaded, by torch or, in the same function, by a method of that name.
func (f *File) loadsEnd(listed pyast.Node) bool {
	picked := func(v *pysem.Value) bool {
		p := newest{file: f}
		return p.follow(v, false, 0) && p.listing.Node == listed
	}
	if slices.ContainsFunc(f.Loads(), func(l *LoadSite) bool { return picked(l.Path.Value) }) {
		return true
	}
	fn := f.moduleOf(listed).Scope(listed)
	return slices.ContainsFunc(fn.Calls, func(c pyast.Node) bool {
		return c.Start() > listed.Start() && loadsFile.MatchString(calledName(c)) && picked(f.Eval.Eval(pysem.Args(c).Pos(0), f.Eval.In(fn.Module, c)))
	})
}

// loadsFile are what the methods of libraries that load a model are called.
var loadsFile = regexp.MustCompile(`^load(_model|_from_checkpoint|_checkpoint|_weights|_state)?$|^from_(pretrained|checkpoint)$`)

var (
	lastPick  = regexp.MustCompile(`^\[\s*(-1\s*\]|-\w+\s*:|:\s*-?\w+)`)
	firstPick = regexp.MustCompile(`^\[\s*(0\s*\]|:\s*\w+|\w+\s*:)`)
	latestFor = regexp.MustCompile(`(?i)latest|last|newest|resume|recent|prune|rotate|clean`)
)

// choice says what is done with the ordered names: used is false unless an end of the list is picked or a part deleted.
func (f *File) choice(call, list pyast.Node, fn *pysem.Func) (deletes, used bool) {
	reverse := pysem.Args(call).Keyword["reverse"].TextIs("True")
	for { // list(sorted(names)) is in the same order
		outer := call.Parent().Parent()
		if name := f.qualified(outer.Child(pyast.FieldFunction)); pysem.Args(outer).Pos(0) != call || name != "builtins.list" && name != "builtins.tuple" {
			break
		}
		call = outer
	}
	if p := call.Parent(); p.Kind() == pyast.KindSubscript && call.Field() == pyast.FieldValue {
		deletes = f.removesNear(p, fn)
		return deletes, endSubscript(p, reverse || deletes)
	}
	name := assigned(call).Text()
	if call.Child(pyast.FieldFunction).Kind() == pyast.KindAttribute {
		name = list.Text()
	}
	if name == "" {
		return false, false
	}
	for n := range fn.Body.Descendants() {
		if n.Start() < call.End() || f.moduleOf(n).Scope(n) != fn {
			continue
		}
		switch n.Kind() {
		case pyast.KindSubscript:
			if removed := f.removesNear(n, fn); n.Child(pyast.FieldValue).TextIs(name) && endSubscript(n, reverse || removed) {
				deletes, used = deletes || removed, true
			}
		case pyast.KindCall:
			callee := n.Child(pyast.FieldFunction)
			if callee.Kind() == pyast.KindAttribute && callee.Child(pyast.FieldAttribute).TextIs("pop") && callee.Child(pyast.FieldObject).TextIs(name) {
				deletes, used = deletes || f.removesNear(n, fn), true
			}
		}
	}
	return deletes, used
}

// endSubscript reports whether a subscript takes the last of a list, or a run of elements; with first, the first too.
func endSubscript(n pyast.Node, first bool) bool {
	index := strings.TrimPrefix(n.Text(), n.Child(pyast.FieldValue).Text())
	return lastPick.MatchString(index) || first && firstPick.MatchString(index)
}

// removesNear reports whether the function deletes files behind a place.
func (f *File) removesNear(n pyast.Node, fn *pysem.Func) bool {
	for _, c := range fn.Calls {
		callee := c.Child(pyast.FieldFunction)
		if c.End() < n.Start() {
			continue
		}
		if removers.MatchString(f.qualified(callee)) || callee.Kind() == pyast.KindAttribute && removeMethods.MatchString(callee.Child(pyast.FieldAttribute).Text()) {
			return true
		}
	}
	return false
}

var padsNumbers = regexp.MustCompile(`[:%]0\d*d|[:%]0\d+\}|\{[^{}]*:0(\d|\{)|%0\*d`)

// padsSomewhere reports whether the file pads any number in a string with zeros.
func (f *File) padsSomewhere() bool {
	for n := range f.Tree.Root().Descendants() {
		switch n.Kind() {
		case pyast.KindString:
			if padsNumbers.MatchString(n.Text()) {
				return true
			}
		case pyast.KindIdentifier:
			if n.TextIs("zfill") || n.TextIs("rjust") {
				return true
			}
		}
	}
	return false
}

// NamesPadding says how the names of a listing write their numbers, as the saves of the file show.
func (f *File) NamesPadding(l Listing) Padding {
	out := PaddingUnknown
	for _, s := range f.Saves() {
		p := s.Path.Padding()
		if p == PaddingUnknown || !s.Path.Known {
			continue
		}
		if p == Padded {
			return Padded
		}
		if shapesMeet(l.Pattern, s.Path.Pattern) && dirsMeet(l.Dir, path.Dir(s.Path.Pattern)) {
			out = p
		}
	}
	if out == PaddingUnknown && (f.padsSomewhere() || f.datedFolders()) {
		return Padded
	}
	return out
}

// dirsMeet reports whether two shapes of directories may be the same one. One in which another lies is not: it lists folders.
func dirsMeet(listed, saved string) bool {
	if listed == "" || strings.Trim(saved, "*/.") == "" {
		return true
	}
	listed, saved = path.Clean(listed), path.Clean(saved)
	return globbed(listed).MatchString(saved) || globbed(saved).MatchString(listed)
}

// datedFolders reports whether the program writes to names made of the date, in which text order is the order of time.
func (f *File) datedFolders() bool {
	for _, r := range f.Runs {
		for _, s := range r.Saves {
			if f.dated(s.Path.Value, 0) {
				return true
			}
		}
		for _, c := range r.Calls {
			if makesDirectory.MatchString(c.Callee) && f.dated(c.Arg(0, "name"), 0) || c.Method == "mkdir" && f.dated(c.Value, 0) {
				return true
			}
		}
	}
	return false
}

// dated reports whether a value is made of a formatted date.
func (f *File) dated(v *pysem.Value, depth int) bool {
	if v == nil || depth > 6 {
		return false
	}
	for _, a := range v.Alternatives() {
		if formatsDate(a) {
			return true
		}
		for _, part := range append(f.madeFrom(a), holes(a)...) {
			if f.dated(part, depth+1) {
				return true
			}
		}
	}
	return false
}

// formatsDate reports whether a value is a call that writes a date out.
func formatsDate(v *pysem.Value) bool {
	_, method, _ := v.Method()
	return v.Callee() == "time.strftime" || method == "strftime" || method == "isoformat"
}

// NewEachRun reports whether a run writes to a name that no earlier run has written to: one made of the time, of random letters, or
// numbered by what is there already.
func (f *File) NewEachRun(s *SaveSite) bool { return f.newEachRun(s.Path.Value, 0) }

func (f *File) newEachRun(v *pysem.Value, depth int) bool {
	if v == nil || depth > 10 {
		return false
	}
	fresh := false
	for _, a := range v.Alternatives() {
		if a.Kind == pysem.Int {
			continue // where the numbers begin
		}
		callee := a.Callee()
		one := clocks.MatchString(callee) || listing[callee] || formatsDate(a)
		for _, part := range append(f.madeFrom(a), holes(a)...) {
			one = one || f.newEachRun(part, depth+1)
		}
		if !one {
			return false
		}
		fresh = true
	}
	return fresh
}

// holes are the values that a string is put together from.
func holes(v *pysem.Value) []*pysem.Value {
	var out []*pysem.Value
	for _, p := range v.Parts {
		if p.Hole != nil {
			out = append(out, p.Hole)
		}
	}
	return out
}

// shapesMeet reports whether a listing's pattern may name a saved file: their literal beginnings and ends agree.
func shapesMeet(listed, saved string) bool {
	listed, saved = fileName(strings.Fields(listed + " *")[0]), fileName(saved)
	a, _, wild := strings.Cut(listed, "*")
	b, _, _ := strings.Cut(saved, "*")
	x, y := listed[strings.LastIndexByte(listed, '*')+1:], saved[strings.LastIndexByte(saved, '*')+1:]
	return !wild || (strings.HasPrefix(a, b) || strings.HasPrefix(b, a)) && (strings.HasSuffix(x, y) || strings.HasSuffix(y, x))
}

// Numbering says how the names of a listing write their numbers, and whether its pattern or a save shows that they hold any.
func (f *File) Numbering(listed pyast.Node) (padding Padding, shown bool) {
	l, ok := f.Listing(f.Eval.Eval(listed, f.Eval.In(f.moduleOf(listed), listed)))
	if !ok {
		return PaddingUnknown, false
	}
	padding = f.NamesPadding(l)
	name := fileName(l.Pattern)
	return padding, padding != PaddingUnknown || strings.Trim(strings.TrimSuffix(name, path.Ext(name)), "*") != "" && strings.Contains(name, "*")
}
