package training

import (
	"regexp"
	"slices"
	"strings"

	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
	"github.com/ckpt-lsp/ckpt-lsp/internal/pysem"
	"github.com/ckpt-lsp/ckpt-lsp/internal/torch"
)

// drawsWeights reports whether building a module may draw initial weights: a loss without parameters, or a wrapper around modules
// that it is given, draws nothing.
func (f *File) drawsWeights(c *pysem.Class) bool { return f.classDraws(c, map[pyast.Node]bool{}) }

// classDraws looks through a class's constructor, or that of the classes it is made of, leaving out what was seen.
func (f *File) classDraws(c *pysem.Class, seen map[pyast.Node]bool) bool {
	if seen[c.Node] {
		return false
	}
	seen[c.Node] = true
	for _, b := range c.Bases {
		v := f.Eval.Eval(b, f.Eval.Root(c.Scope, nil))
		switch name := calleeName(v); {
		case v.Kind == pysem.ClassVal:
			if f.classDraws(v.Class, seen) {
				return true
			}
		case !drawless.MatchString(name):
			return true
		}
	}
	init := c.Methods["__init__"]
	return init != nil && f.functionDraws(init, seen)
}

func (f *File) functionDraws(fn *pysem.Func, seen map[pyast.Node]bool) bool {
	if seen[fn.Node] {
		return false
	}
	seen[fn.Node] = true
	return slices.ContainsFunc(fn.Calls, func(c pyast.Node) bool {
		if restoredAfter(fn, assigned(c)) || usedAsDict(fn, assigned(c)) {
			return false
		}
		callee := c.Child(pyast.FieldFunction)
		return slices.ContainsFunc(f.Eval.Eval(callee, f.Eval.In(fn.Module, callee)).Alternatives(), func(a *pysem.Value) bool {
			return f.mayDraw(a, seen)
		})
	})
}

// restoredAfter reports whether a constructor loads a state into what it has just made, always: `self.mlp.load_state_dict(state)`.
func restoredAfter(fn *pysem.Func, made pyast.Node) bool {
	return fn.Name == "__init__" && made.Valid() && slices.ContainsFunc(fn.Calls, func(c pyast.Node) bool {
		callee := c.Child(pyast.FieldFunction)
		return callee.Child(pyast.FieldAttribute).TextIs("load_state_dict") && callee.Child(pyast.FieldObject).TextIs(made.Text()) &&
			c.Ancestor(pyast.KindIfStatement, pyast.KindFunctionDefinition).Kind() == pyast.KindFunctionDefinition
	})
}

// usedAsDict reports whether a function asks a name for keys, as no module is asked.
func usedAsDict(fn *pysem.Func, name pyast.Node) bool {
	return name.Kind() == pyast.KindIdentifier && slices.ContainsFunc(namedIn(fn.Body, name.Text()), func(n pyast.Node) bool {
		p := n.Parent()
		return p.Kind() == pyast.KindAttribute && p.Parent().Kind() == pyast.KindCall && p.Child(pyast.FieldAttribute).TextIs("get") ||
			p.Kind() == pyast.KindSubscript && n.Field() == pyast.FieldValue && p.Child(pyast.FieldSubscript).Kind() == pyast.KindString
	})
}

// drawless are what holds no weights of its own, and the libraries that build no modules.
var drawless = regexp.MustCompile(`^(builtins|math|numpy|scipy|librosa|logging|warnings|copy|os|abc|typing|collections|functools|itertools|ray|optuna|huggingface_hub|torchvision\.transforms)\b|\.from_pretrained$|` +
	`^torch\.nn\.(Module(\.\w+)?|Parameter|ModuleList|ModuleDict|Sequential|(Log)?Softm\w+|\w*ReLU\w*|GELU|SiLU|Sigmoid|Tanh|Dropout\w*|\w*Pool\w*|Upsample|Identity|Flatten|Unfold|Fold|\w*Loss|\w*Pad\dd|(Batch|Layer|Group|Instance)Norm\w*)$|` +
	`^(pytorch_)?lightning\.(\w+\.)*LightningModule(\.\w+)?$|^torch\.([a-z]\w*|\w*Tensor)$|^torch\.nn\.modules\.loss\.\w+$`)

// mayDraw reports whether calling a value while a module is built may draw weights.
func (f *File) mayDraw(callee *pysem.Value, seen map[pyast.Node]bool) bool {
	switch callee.Kind {
	case pysem.ClassVal:
		return f.classDraws(callee.Class, seen)
	case pysem.FuncVal:
		return f.functionDraws(callee.Func, seen)
	case pysem.External:
		e, known := torch.Lookup(callee.Name)
		return known && e.Kind == torch.RNGDraw || !drawless.MatchString(callee.Name)
	case pysem.Attr: // a method of what the module is given or holds, or of super()
		return strings.HasPrefix(callee.Name, "init") || callee.Name == "reset_parameters"
	}
	return true
}
