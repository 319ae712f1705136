package training

import (
	"regexp"
	"strings"

	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
	"github.com/ckpt-lsp/ckpt-lsp/internal/pysem"
)

// idle follows a drawn number to what becomes of it: it is idle where it only names a run, picks a port, or is shown.
type idle struct {
	file *File
	seen map[pyast.Node]bool
}

// idleValue reports whether nothing is computed with the value of an expression. What cannot be followed is computed with.
func (f *File) idleValue(n pyast.Node) bool {
	return (&idle{file: f, seen: map[pyast.Node]bool{}}).from(n, false)
}

var (
	// converting give what they are given in another form.
	converting = regexp.MustCompile(`^(builtins\.(int|str|repr|float|round|abs|hex|format)|os\.path\.\w+|os\.fspath|pathlib\.Path|pathlib\.PurePath)$`)
	// showing take names, ports and pictures, and give nothing that training uses.
	showing = regexp.MustCompile(`^(builtins\.print|os\.(makedirs|mkdir|putenv|environ\.\w+)|logging\.\w+|warnings\.warn|wandb\.\w+|matplotlib\..+|seaborn\..+|` +
		`torch\.distributed\.(init_process_group|TCPStore)|torch\.utils\.tensorboard\.\w+|tensorboardX\.\w+)$`)
)

// from goes from an expression to what becomes of its value; text says that it is text made of the number.
func (u *idle) from(n pyast.Node, text bool) bool {
	if u.seen[n] || len(u.seen) > 100 {
		return len(u.seen) <= 100
	}
	u.seen[n] = true
	p := n.Parent()
	switch p.Kind() {
	case pyast.KindExpressionStatement:
		return true
	case pyast.KindBinaryOperator: // folder / name: a file that is made, or looked for, by its name
		return text && n.Field() == pyast.FieldRight && p.Child(pyast.FieldOperator).TextIs("/") || u.from(p, text || p.Child(pyast.FieldLeft).Kind() == pyast.KindString)
	case pyast.KindParenthesizedExpression, pyast.KindConditionalExpression, pyast.KindBooleanOperator, pyast.KindTuple, pyast.KindKeywordArgument, pyast.KindGeneratorExpression,
		pyast.KindListComprehension, pyast.KindDictionaryComprehension, pyast.KindPair, pyast.KindConcatenatedString:
		return u.from(p, text)
	case pyast.KindInterpolation, pyast.KindString, pyast.KindFormatExpression:
		return u.from(p, true)
	case pyast.KindSubscript: // letters[number], and a part of the value
		return u.from(p, text)
	case pyast.KindForInClause:
		return n.Field() == pyast.FieldRight && p.Child(pyast.FieldLeft).Kind() == pyast.KindIdentifier && u.named(namedIn(p.Parent(), p.Child(pyast.FieldLeft).Text()), p.Child(pyast.FieldLeft), text)
	case pyast.KindArgumentList:
		return u.passed(p.Parent(), n, text)
	case pyast.KindCall: // a generator expression as the only argument
		return n.Field() == pyast.FieldArguments && u.passed(p, n, text)
	case pyast.KindAttribute: // a method of the value; what text begins with stands before the number
		if text && p.Child(pyast.FieldAttribute).TextIs("startswith") {
			return true
		}
		return n.Field() == pyast.FieldObject && p.Parent().Kind() == pyast.KindCall && p.Field() == pyast.FieldFunction && u.from(p.Parent(), text)
	case pyast.KindAssignment:
		return n.Field() == pyast.FieldRight && u.stored(p.Child(pyast.FieldLeft), text)
	case pyast.KindReturnStatement:
		return u.returned(u.file.moduleOf(p).Scope(p), text)
	}
	return false
}

// returned follows the result of a function to its calls in the files involved.
func (u *idle) returned(fn *pysem.Func, text bool) bool {
	some := false
	for _, m := range u.file.involved() {
		for _, caller := range m.Funcs {
			for _, c := range caller.Calls {
				callee := c.Child(pyast.FieldFunction)
				if lastPart(callee.Text()) != fn.Name {
					continue
				}
				if v := u.file.Eval.Eval(callee, u.file.Eval.In(m, callee)); v.Kind != pysem.FuncVal || v.Func != fn || !u.from(c, text) {
					return false
				}
				some = true
			}
		}
	}
	return some
}

func (u *idle) passed(call, arg pyast.Node, text bool) bool {
	f := u.file
	fn := call.Child(pyast.FieldFunction)
	v := f.Eval.Eval(fn, f.Eval.In(f.moduleOf(fn), fn))
	name := calleeName(v)
	switch {
	case text && name == "os.path.join":
		return true
	case converting.MatchString(name):
		return u.from(call, text || name == "builtins.str")
	case showing.MatchString(name), name == "torch.save" && pysem.Args(call).Pos(0) != arg:
		return true
	case v.Kind == pysem.FuncVal:
		return u.handed(v.Func, call, arg, text)
	case fn.Kind() != pyast.KindAttribute:
		return false
	}
	object := fn.Child(pyast.FieldObject)
	if object.Is(pyast.KindString, pyast.KindConcatenatedString) { // "...".format(x), "".join(x)
		return u.from(call, true)
	}
	made := f.Eval.Eval(object, f.Eval.In(f.moduleOf(object), object)).Callee()
	return showing.MatchString(made) || strings.HasPrefix(made, "logging.")
}

// handed follows a value into the parameter of a function at hand.
func (u *idle) handed(fn *pysem.Func, call, arg pyast.Node, text bool) bool {
	p, ok := receiving(fn, call, arg)
	return ok && fn.Class == nil && u.named(namedIn(fn.Body, p.Name), pyast.Node{}, text)
}

// receiving is the parameter of a function that gets an argument of a call, by place or by name.
func receiving(fn *pysem.Func, call, arg pyast.Node) (pysem.Param, bool) {
	args := pysem.Args(call)
	for _, p := range fn.Params {
		_, place := parameter(fn, p.Name)
		if p.KeywordOnly {
			place = -1
		}
		if p.Star == 0 && args.Get(place, p.Name) == arg || arg.Kind() == pyast.KindKeywordArgument && arg.Child(pyast.FieldName).TextIs(p.Name) {
			return p, true
		}
	}
	return pysem.Param{}, false
}

// stored follows a value to where the name that holds it is read. An attribute is looked for by its own name in all files involved.
// What nobody is seen to read may be read in other files.
func (u *idle) stored(target pyast.Node, text bool) bool {
	f := u.file
	switch target.Kind() {
	case pyast.KindIdentifier:
		return u.named(f.inScope(target), target, text)
	case pyast.KindAttribute:
		name, some := target.Child(pyast.FieldAttribute).Text(), false
		for n := range f.nodes() {
			if n.Kind() == pyast.KindAttribute && n != target && !isTarget(n) && n.Child(pyast.FieldAttribute).TextIs(name) {
				if !u.read(n, text) {
					return false
				}
				some = true
			}
		}
		return some
	case pyast.KindSubscript:
		return f.qualified(target.Child(pyast.FieldValue)) == "os.environ"
	}
	return false
}

// named judges the places that read a name which may hold the value; target gives it the value.
func (u *idle) named(places []pyast.Node, target pyast.Node, text bool) bool {
	some := false
	for _, n := range places {
		if n != target && !isTarget(n) {
			if !u.read(n, text) {
				return false
			}
			some = true
		}
	}
	return some
}

// read judges one place that reads a name which may hold the value: a test of it for None tells nothing of the number.
func (u *idle) read(n pyast.Node, text bool) bool {
	if p := n.Parent(); p.Kind() == pyast.KindComparisonOperator && (strings.HasSuffix(p.Text(), "is None") || strings.HasSuffix(p.Text(), "is not None")) {
		return true
	}
	return u.from(n, text)
}
