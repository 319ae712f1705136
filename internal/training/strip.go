package training

import (
	"regexp"
	"slices"
	"strings"

	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
	"github.com/ckpt-lsp/ckpt-lsp/internal/pysem"
)

// Strip takes a wrapper's prefix off the keys of a state dict by a method that knows nothing of the front of a key.
type Strip struct {
	// Call is `k.replace("module.", "")` or `k.lstrip("module.")`; Key the key in it, Prefix the text that is to go.
	Call, Key pyast.Node
	Prefix    string
	// Characters says that the method takes a set of characters, as lstrip and strip do.
	Characters bool
	// Front says that the code shows where the prefix stands: the key is asked whether it starts with it, or a whole model is
	// wrapped here.
	Front bool
	// Inner is where a part of the restored model, or of a class at hand, gets a name that ends in the prefix: `self.attention_module = ...`.
	// There is none where no such part is in sight.
	Inner pyast.Node
}

// loadedKeys are names of what a loop over the keys of a loaded checkpoint goes through.
var loadedKeys = regexp.MustCompile(`(?i)state_?dict|(^|[._])sd$|ckpt|checkpoint|weights|pretrain|model_dict|params|snapshot`)

// Strips are the places of the file that do so to the keys of a checkpoint that was loaded. There are none where a part of a model
// is wrapped: then the prefix stands in the middle of a key, and is to be taken out there.
func (f *File) Strips() []Strip {
	var out []Strip
	for n := range f.Tree.Root().Descendants() {
		if s, ok := f.strip(n); ok {
			out = append(out, s)
		}
	}
	if len(out) == 0 {
		return nil
	}
	whole, part := f.wrapsModels()
	if part {
		return nil
	}
	inner := f.namedModule()
	for i := range out {
		out[i].Front = out[i].Front || whole
		out[i].Inner = inner
	}
	return out
}

// namedModule is where a class of modules, at hand or of a model that is restored here, calls one of its parts `..._module`: the keys of
// that part hold the prefix of the wrappers behind another name. A part called `module` alone may be what a wrapper wraps.
func (f *File) namedModule() pyast.Node {
	modules := slices.Clone(f.involved())
	for _, r := range f.Runs {
		for _, x := range r.Restores {
			if x.Object == nil || x.Object.Kind != Model || x.Value == nil {
				continue
			}
			for _, a := range x.Value.Alternatives() {
				if a.Kind == pysem.Instance && !slices.Contains(modules, a.Class.Module) {
					modules = append(modules, a.Class.Module)
				}
			}
		}
	}
	for _, m := range modules {
		if !m.Words().Names.Match(endsInModule) {
			continue
		}
		for _, fn := range m.Funcs {
			if fn.Class == nil || fn.Name != "__init__" || f.classKind(fn.Class, 0) != Model {
				continue
			}
			for n := range fn.Body.Descendants() {
				left := n.Child(pyast.FieldLeft)
				if n.Kind() == pyast.KindAssignment && left.Kind() == pyast.KindAttribute && left.Child(pyast.FieldObject).TextIs("self") &&
					endsInModule.MatchString(left.Child(pyast.FieldAttribute).Text()) && n.Child(pyast.FieldRight).Kind() == pyast.KindCall {
					return left
				}
			}
		}
	}
	return pyast.Node{}
}

var endsInModule = regexp.MustCompile(`.module$`)

func (f *File) strip(n pyast.Node) (Strip, bool) {
	fn := n.Child(pyast.FieldFunction)
	s := Strip{Call: n, Key: fn.Child(pyast.FieldObject)}
	if n.Kind() != pyast.KindCall || fn.Kind() != pyast.KindAttribute || s.Key.Kind() != pyast.KindIdentifier {
		return s, false
	}
	args := pysem.Args(n)
	if args.May() {
		return s, false
	}
	prefix, ok := pysem.StringLiteral(args.Pos(0))
	s.Prefix = prefix
	switch method := fn.Child(pyast.FieldAttribute); {
	case !ok:
		return s, false
	case method.TextIs("replace"):
		with, plain := pysem.StringLiteral(args.Pos(1))
		if prefix != "module." || !plain || with != "" || len(args.Position) != 2 {
			return s, false
		}
	case method.TextIs("lstrip"), method.TextIs("strip"):
		s.Characters = true
		if len(prefix) < 3 || !strings.HasSuffix(prefix, ".") || len(args.Position) != 1 {
			return s, false
		}
	default:
		return s, false
	}
	ctx := f.Eval.In(f.Module, n)
	if !f.loadedKey(f.Eval.Eval(s.Key, ctx)) {
		return s, false
	}
	s.Front = f.startsWith(n, s.Key, prefix)
	return s, true
}

// loadedKey reports whether a value goes through the keys of what was loaded, as `for k, v in checkpoint["model"].items()`.
func (f *File) loadedKey(v *pysem.Value) bool {
	for _, a := range v.Alternatives() {
		if a.Kind == pysem.Elem && a.Index == 0 {
			a = a.Base
		}
		if a.Kind != pysem.LoopVar || a.Base == nil {
			return false
		}
		of := a.Base
		for range 3 { // tqdm(list(state.items()))
			recv, m, ok := of.Method()
			switch {
			case ok && (m == "items" || m == "keys"):
				of = recv
			case of.Kind == pysem.Call && of.Callee() != "" && strings.HasPrefix(of.Callee(), "builtins."):
				of = f.Eval.Eval(pysem.Args(of.Node).Pos(0), of.Ctx)
			}
		}
		if _, m, ok := of.Method(); ok && m == "state_dict" {
			return false // the model's own keys
		}
		text := of.Node.Text()
		if of.Kind == pysem.ParamVal {
			text = of.Name
		}
		if load, _ := f.Source(of); load == nil && (len(text) > 120 || !loadedKeys.MatchString(text)) {
			return false
		}
	}
	return true
}

// startsWith reports whether a test around a node asks if the key starts with the prefix.
func (f *File) startsWith(n, key pyast.Node, prefix string) bool {
	asks := regexp.MustCompile(`\b` + regexp.QuoteMeta(key.Text()) + `\.startswith\(["']` + regexp.QuoteMeta(prefix) + `?["']`)
	for p := n.Parent(); p.Valid() && !p.Is(pyast.KindFunctionDefinition, pyast.KindModule); p = p.Parent() {
		switch p.Kind() {
		case pyast.KindIfStatement:
			if asks.MatchString(p.Child(pyast.FieldCondition).Text()) {
				return true
			}
		case pyast.KindConditionalExpression, pyast.KindDictionaryComprehension, pyast.KindListComprehension:
			if asks.MatchString(p.Text()) {
				return true
			}
		}
	}
	return false
}

// wrapsModels reports whether the files involved wrap whole models in DataParallel or DDP, and whether they wrap a part of one:
// `model.encoder = DataParallel(model.encoder)`, or an attribute of a module in the making.
func (f *File) wrapsModels() (whole, part bool) {
	for n := range f.nodes() {
		if n.Kind() != pyast.KindCall {
			continue
		}
		mod := f.moduleOf(n)
		callee := f.Eval.Eval(n.Child(pyast.FieldFunction), f.Eval.In(mod, n))
		if callee.Kind != pysem.External || !moduleWrapper.MatchString(callee.Name) {
			continue
		}
		target := n.Parent()
		for target.Valid() && !target.Is(pyast.KindAssignment, pyast.KindBlock, pyast.KindModule) {
			target = target.Parent()
		}
		left := target.Child(pyast.FieldLeft)
		class := mod.Scope(n).Class
		switch {
		case left.Kind() == pyast.KindAttribute && !left.Child(pyast.FieldObject).TextIs("self"),
			left.Kind() == pyast.KindAttribute && class != nil && f.classKind(class, 0) == Model:
			part = true
		default:
			whole = true
		}
	}
	return whole, part
}
