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
func (f *File) idleValue(n pyast.Node) bool { return (&idle{f, map[pyast.Node]bool{}}).from(n) }

var (
	// converting give what they are given in another form.
	converting = regexp.MustCompile(`^(builtins\.(int|str|repr|float|round|abs|hex|format)|os\.path\.\w+|os\.fspath|pathlib\.Path|pathlib\.PurePath)$`)
	// showing take names, ports and pictures, and give nothing that training uses.
	showing = regexp.MustCompile(`^(builtins\.print|os\.(makedirs|mkdir|putenv|environ\.\w+)|logging\.\w+|warnings\.warn|wandb\.\w+|matplotlib\..+|seaborn\..+|` +
		`torch\.distributed\.(init_process_group|TCPStore)|torch\.utils\.tensorboard\.\w+|tensorboardX\.\w+)$`)
)

func (u *idle) from(n pyast.Node) bool {
	if u.seen[n] || len(u.seen) > 100 {
		return len(u.seen) <= 100
	}
	u.seen[n] = true
	p := n.Parent()
	switch p.Kind() {
	case pyast.KindExpressionStatement:
		return true
	case pyast.KindParenthesizedExpression, pyast.KindBinaryOperator, pyast.KindConditionalExpression, pyast.KindBooleanOperator, pyast.KindTuple,
		pyast.KindInterpolation, pyast.KindString, pyast.KindFormatExpression, pyast.KindConcatenatedString, pyast.KindKeywordArgument, pyast.KindGeneratorExpression:
		return u.from(p)
	case pyast.KindArgumentList:
		return u.passed(p.Parent(), n)
	case pyast.KindCall: // a generator expression as the only argument
		return n.Field() == pyast.FieldArguments && u.passed(p, n)
	case pyast.KindAttribute: // a method of the value
		return n.Field() == pyast.FieldObject && p.Parent().Kind() == pyast.KindCall && p.Field() == pyast.FieldFunction && u.from(p.Parent())
	case pyast.KindAssignment:
		return n.Field() == pyast.FieldRight && u.stored(p.Child(pyast.FieldLeft))
	}
	return false
}

func (u *idle) passed(call, arg pyast.Node) bool {
	f := u.file
	fn := call.Child(pyast.FieldFunction)
	v := f.Eval.Eval(fn, f.Eval.In(f.moduleOf(fn), fn))
	name := calleeName(v)
	switch {
	case converting.MatchString(name):
		return u.from(call)
	case showing.MatchString(name), name == "torch.save" && pysem.Args(call).Pos(0) != arg:
		return true
	case v.Kind == pysem.FuncVal:
		return u.handed(v.Func, call, arg)
	case fn.Kind() != pyast.KindAttribute:
		return false
	}
	object := fn.Child(pyast.FieldObject)
	if object.Is(pyast.KindString, pyast.KindConcatenatedString) { // "...".format(x), "".join(x)
		return u.from(call)
	}
	made := f.Eval.Eval(object, f.Eval.In(f.moduleOf(object), object)).Callee()
	return showing.MatchString(made) || strings.HasPrefix(made, "logging.")
}

// handed follows a value into the parameter of a function at hand.
func (u *idle) handed(fn *pysem.Func, call, arg pyast.Node) bool {
	args := pysem.Args(call)
	for i, p := range fn.Params {
		if args.Get(i, p.Name) == arg || arg.Kind() == pyast.KindKeywordArgument && arg.Child(pyast.FieldName).TextIs(p.Name) {
			return fn.Class == nil && u.named(fn.Body, p.Name, pyast.Node{})
		}
	}
	return false
}

// stored follows a value to where the name that holds it is read. An attribute is looked for by its own name in all files involved.
// What nobody is seen to read may be read in other files.
func (u *idle) stored(target pyast.Node) bool {
	f := u.file
	switch target.Kind() {
	case pyast.KindIdentifier:
		scope := f.moduleOf(target).Scope(target)
		body := scope.Body
		if scope == scope.Module.Top {
			body = scope.Module.Tree.Root()
		}
		return u.named(body, target.Text(), target)
	case pyast.KindAttribute:
		name, some := target.Child(pyast.FieldAttribute).Text(), false
		for n := range f.nodes() {
			if n.Kind() == pyast.KindAttribute && n != target && n.Field() != pyast.FieldLeft && n.Child(pyast.FieldAttribute).TextIs(name) {
				if !u.read(n) {
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

func (u *idle) named(body pyast.Node, name string, target pyast.Node) bool {
	some := false
	for _, n := range namedIn(body, name) {
		if n != target && n.Field() != pyast.FieldLeft {
			if !u.read(n) {
				return false
			}
			some = true
		}
	}
	return some
}

// read judges one place that reads a name which may hold the value: a test of it for None tells nothing of the number.
func (u *idle) read(n pyast.Node) bool {
	if p := n.Parent(); p.Kind() == pyast.KindComparisonOperator && (strings.HasSuffix(p.Text(), "is None") || strings.HasSuffix(p.Text(), "is not None")) {
		return true
	}
	return u.from(n)
}
