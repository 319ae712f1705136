package training

import (
	"regexp"
	"slices"
	"strings"

	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
	"github.com/ckpt-lsp/ckpt-lsp/internal/pysem"
	"github.com/ckpt-lsp/ckpt-lsp/internal/torch"
)

var (
	// continues are the words of options, functions and help texts for going on with a training that was begun before. Restoring
	// and initialising are not among them: that is how weights for another training come in.
	continues = regexp.MustCompile(`(?i)resum(e|ing)|continu(e|ing)`)
	// denied are the ways a condition says that there is nothing to go on with.
	denied = regexp.MustCompile(`\bnot\b|\bis None\b|==\s*(None|''|""|False|0\b)`)
)

// Declared reports whether the program says that training goes on from what is loaded, rather than begins with it: the option
// that names the file, or its help text, the condition around the load, or the function it stands in.
func (l *LoadSite) Declared() bool {
	f := l.Run.File
	for _, option := range f.optionsIn(l.Path.Value, 0) {
		if continues.MatchString(option) || continues.MatchString(f.help(option)) {
			return true
		}
	}
	for fr := l.Frame; fr != nil; fr = fr.Parent {
		if fr.Kind == pysem.FrameIf && fr.Positive && continues.MatchString(fr.Cond.Text()) && !denied.MatchString(strings.ReplaceAll(fr.Cond.Text(), "is not", "!=")) {
			return true
		}
	}
	for c := l.Ctx; c != nil; c = c.Parent {
		if continues.MatchString(c.Func.Name) {
			return true
		}
	}
	return false
}

// optionsIn are the names of the attributes and parameters that a file name is made of, `args.weights` in
// `os.path.join(args.weights, "last.pt")`.
func (f *File) optionsIn(v *pysem.Value, depth int) []string {
	if v == nil || depth > 4 {
		return nil
	}
	var out []string
	for _, a := range v.Alternatives() {
		switch a.Kind {
		case pysem.Attr, pysem.ParamVal:
			out = append(out, a.Name)
		case pysem.Str:
			for _, p := range a.Parts {
				out = append(out, f.optionsIn(p.Hole, depth+1)...)
			}
		case pysem.Call, pysem.Item:
			for _, part := range f.madeFrom(a) {
				out = append(out, f.optionsIn(part, depth+1)...)
			}
		}
	}
	return out
}

// option is what is said of an option, by the command line's parser or by an object of settings.
type option struct {
	help    string
	choices []string
	// value is what it is where nobody gives it, nil where that is not told.
	value *pysem.Value
}

// help is what the command line's help says of an option, "" if it is not declared in the files at hand.
func (f *File) help(name string) string { return f.option(name).help }

// choices are the values that an option may have, none where they are not told.
func (f *File) choices(name string) []string { return f.option(name).choices }

// option is what the files at hand, and those that this one imports, say of an option.
func (f *File) option(name string) option {
	if f.options == nil {
		f.options = map[string]option{}
		files := slices.Clone(f.involved())
		for _, m := range f.Eval.Links(f.Module) {
			if !slices.Contains(files, m) {
				files = append(files, m)
			}
		}
		for _, m := range files {
			for _, fn := range m.Funcs {
				for _, call := range fn.Calls {
					f.declares(call)
				}
			}
			if m.Words().Names.Has("CfgNode", "ConfigDict", "EasyDict", "Namespace", "SimpleNamespace", "Munch", "Box", "HParams") {
				f.assigns(m)
			}
		}
	}
	return f.options[name]
}

// declares notes what a call says of options: `parser.add_argument("--weights", help="...")`, `parser.set_defaults(weights="...")`, or a
// call that makes an object of settings. What two parsers choose from is not told.
func (f *File) declares(call pyast.Node) {
	name := calledName(call)
	if name == "set_defaults" || torch.Settings(f.qualified(call.Child(pyast.FieldFunction))) {
		f.keeps(call)
		return
	}
	if name != "add_argument" && name != "option" {
		return
	}
	args := pysem.Args(call)
	name, _ = pysem.StringLiteral(args.Keyword["dest"])
	for _, n := range args.Position {
		if flag, ok := pysem.StringLiteral(n); ok && name == "" && (strings.HasPrefix(flag, "--") || len(strings.TrimLeft(flag, "-")) > 1) {
			name = strings.ReplaceAll(strings.TrimLeft(flag, "-"), "-", "_")
		}
	}
	if name == "" {
		return
	}
	said, again := f.options[name]
	if help, ok := args.Keyword["help"]; ok {
		said.help = help.Text()
	}
	choices := texts(args.Keyword["choices"])
	if again && !slices.Equal(choices, said.choices) {
		choices = nil
	}
	said.choices = choices
	f.options[name] = said.with(f.unset(args), again)
}

// with is the option with a value for where nobody gives it. Where two are told, it is not known.
func (o option) with(value *pysem.Value, again bool) option {
	if again && (value == nil || o.value == nil || value.Key() != o.value.Key()) {
		value = nil
	}
	o.value = value
	return o
}

// keeps notes the options that a call is given by keywords, and by a dict.
func (f *File) keeps(call pyast.Node) {
	for c := range call.Child(pyast.FieldArguments).Children() {
		switch c.Kind() {
		case pyast.KindKeywordArgument:
			f.keep(c.Child(pyast.FieldName).Text(), c.Child(pyast.FieldValue))
		case pyast.KindDictionary:
			for pair := range c.Children() {
				if key, ok := pysem.StringLiteral(pair.Child(pyast.FieldKey)); ok {
					f.keep(key, pair.Child(pyast.FieldValue))
				}
			}
		}
	}
}

func (f *File) keep(name string, value pyast.Node) {
	said, again := f.options[name]
	f.options[name] = said.with(f.Eval.Eval(value, f.Eval.In(f.moduleOf(value), value)), again)
}

// assigns notes the options that a file assigns to an object of settings: `_C.TRAIN.EPOCHS = 300`.
func (f *File) assigns(m *pysem.Module) {
	for n := range m.Tree.Root().Descendants() {
		left := n.Child(pyast.FieldLeft)
		if n.Kind() != pyast.KindAssignment || left.Kind() != pyast.KindAttribute || !n.Child(pyast.FieldRight).Valid() {
			continue
		}
		root := left
		for root.Kind() == pyast.KindAttribute {
			root = root.Child(pyast.FieldObject)
		}
		made := f.Eval.Eval(root, f.Eval.In(m, root)).Alternatives()
		if slices.ContainsFunc(made, func(a *pysem.Value) bool { return torch.Settings(a.Callee()) }) {
			f.keep(left.Child(pyast.FieldAttribute).Text(), n.Child(pyast.FieldRight))
		}
	}
}

// unset is the value of an option, declared with some arguments, that nobody gives; nil where it is not told.
func (f *File) unset(args pysem.ArgList) *pysem.Value {
	if n, ok := args.Keyword["default"]; ok {
		return f.Eval.Eval(n, f.Eval.In(f.moduleOf(n), n))
	}
	switch action, _ := pysem.StringLiteral(args.Keyword["action"]); action {
	case "store_true":
		return &pysem.Value{Kind: pysem.Bool}
	case "store_false":
		return &pysem.Value{Kind: pysem.Bool, Int: 1}
	}
	return nil
}

// byDefault is the value of an option that nobody gives: a parameter's default, that of a field of the class the object is declared to
// be of, or the command line's. It is the value itself for everything else.
func (f *File) byDefault(v *pysem.Value) *pysem.Value {
	var n pyast.Node
	switch v.Kind {
	case pysem.ParamVal:
		for _, p := range v.Ctx.Func.Params {
			if p.Name == v.Name {
				n = p.Default
			}
		}
	case pysem.Attr:
		n = f.fieldDefault(v)
	case pysem.Call:
		if n = fallback(v); !n.Valid() {
			return v
		}
		return f.Eval.Eval(n, v.Ctx)
	default:
		return v
	}
	if !n.Valid() {
		if o := f.option(v.Name); o.value != nil {
			return o.value
		}
		return v
	}
	given := f.Eval.Eval(n, f.Eval.In(f.moduleOf(n), n))
	if torch.Default(given.Callee()) {
		if n = pysem.Args(given.Node).Get(0, "default"); !n.Valid() {
			return v
		}
		given = f.Eval.Eval(n, given.Ctx)
	}
	return given
}

// fallback is what a look-up gives for a setting that is not there: settings.get("epochs", 200), getattr(settings, "epochs", 200). It is
// none for other calls.
func fallback(v *pysem.Value) pyast.Node {
	args := pysem.Args(v.Node)
	if _, name, ok := v.Method(); ok && name == "get" && len(args.Position) == 2 {
		return args.Pos(1)
	}
	if v.Callee() == "builtins.getattr" {
		return args.Pos(2)
	}
	return pyast.Node{}
}

// fieldDefault is what the body of a class gives a field of a parameter that is declared to be of that class, none for others.
func (f *File) fieldDefault(v *pysem.Value) pyast.Node {
	p := f.param(v.Node.Child(pyast.FieldObject))
	if v.Base.Kind == pysem.ParamVal { // which may have been kept, as self.options
		p, _ = parameter(v.Base.Ctx.Func, v.Base.Name)
	}
	if p == nil {
		return pyast.Node{}
	}
	for _, c := range f.typesOf(p.Node) {
		if c.Kind != pysem.ClassVal {
			continue
		}
		for s := range c.Class.Node.Child(pyast.FieldBody).Children() {
			if a := s.Nth(0); s.Kind() == pyast.KindExpressionStatement && a.Kind() == pyast.KindAssignment && a.Child(pyast.FieldLeft).TextIs(v.Name) {
				return a.Child(pyast.FieldRight)
			}
		}
	}
	return pyast.Node{}
}

// OnRequest is the test around a frame that lets nobody through who gives no option, none where there is no such test.
func (f *File) OnRequest(fr *pysem.Frame) (test pyast.Node, ok bool) {
	for ; fr != nil; fr = fr.Parent {
		if fr.Kind == pysem.FrameIf && f.offByDefault(fr) {
			return fr.Cond, true
		}
	}
	return test, false
}

// offByDefault reports whether a test does not come out as a frame needs it where each option has its default.
func (f *File) offByDefault(fr *pysem.Frame) bool {
	parts := []pyast.Node{fr.Cond}
	if fr.Positive {
		parts = Conjuncts(fr.Cond)
	}
	return slices.ContainsFunc(parts, func(n pyast.Node) bool {
		truth, known := f.truthByDefault(f.Eval.Eval(n, fr.Ctx))
		return known && truth != fr.Positive
	})
}

func (f *File) truthByDefault(v *pysem.Value) (truth, known bool) {
	switch v.Kind {
	case pysem.Not:
		truth, known = f.truthByDefault(v.Base)
		return !truth, known
	case pysem.Compare:
		return (&pysem.Value{Kind: pysem.Compare, Base: f.byDefault(v.Base), Name: v.Name, Other: f.byDefault(v.Other)}).Truth()
	}
	return f.byDefault(v).Truth()
}

// texts are the elements of a list of string literals, none where one of them is something else.
func texts(n pyast.Node) []string {
	var out []string
	if !n.Is(pyast.KindList, pyast.KindTuple, pyast.KindSet) {
		return nil
	}
	for c := range n.Children() {
		s, ok := pysem.StringLiteral(c)
		if !ok {
			return nil
		}
		out = append(out, s)
	}
	return out
}
