package training

import (
	"regexp"
	"slices"
	"strings"

	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
	"github.com/ckpt-lsp/ckpt-lsp/internal/pysem"
)

// SetOrders are the places that go through a set of strings in an order that decides class numbers or the indices of examples.
// The order of a set of ints is the same in each process: a set of what a caller gives counts as possible, where its name does not say
// that it holds numbers.
func (f *File) SetOrders() []Unordered {
	var out []Unordered
	for n := range f.Tree.Root().Descendants() {
		if !n.Is(pyast.KindIdentifier, pyast.KindAttribute, pyast.KindCall, pyast.KindSet, pyast.KindSetComprehension, pyast.KindBinaryOperator) || !gone(n) {
			continue
		}
		surely := f.stringSet(n, 0)
		if !surely && !f.givenSet(n, 0) && !f.calledStrings(n, 0) {
			continue
		}
		if u, ok := f.orderDecides(n); ok && !u.Last && !(u.Use.Kind() == pyast.KindDictionaryComprehension && f.idleValue(u.Use)) {
			u.Kept, u.Possible = f.kept(u.Use), !surely
			out = append(out, u)
		}
	}
	return out
}

// keeping write a value to a file from which another process reads it.
var keeping = regexp.MustCompile(`^((json|pickle|dill|yaml|joblib)\.\w*dump|torch\.save|numpy\.save\w*)$`)

// kept reports whether the mapping that numbers are put into is written to a file. An attribute is looked for by its name in all files
// involved.
func (f *File) kept(use pyast.Node) bool {
	mapping := assigned(use)
	if use.Kind() == pyast.KindAssignment {
		mapping = use.Child(pyast.FieldLeft).Child(pyast.FieldValue)
	}
	switch mapping.Kind() {
	case pyast.KindIdentifier:
		return slices.ContainsFunc(f.inScope(mapping), func(n pyast.Node) bool {
			if f.dumped(n) {
				return true
			}
			into := n.Parent().Child(pyast.FieldLeft) // config["speakers"] = mapping
			return n.Field() == pyast.FieldRight && n.Parent().Is(pyast.KindAssignment) && into.Is(pyast.KindSubscript) &&
				slices.ContainsFunc(f.inScope(into.Child(pyast.FieldValue)), f.dumped)
		})
	case pyast.KindAttribute:
		for n := range f.nodes() {
			if n.Kind() == pyast.KindAttribute && n.Child(pyast.FieldAttribute).TextIs(mapping.Child(pyast.FieldAttribute).Text()) && f.dumped(n) {
				return true
			}
		}
	}
	return false
}

// dumped reports whether an expression is written to a file where it stands, alone or in a dict or list.
func (f *File) dumped(n pyast.Node) bool {
	p := n.Parent()
	for p.Is(pyast.KindPair, pyast.KindDictionary, pyast.KindList, pyast.KindTuple, pyast.KindKeywordArgument) {
		p = p.Parent()
	}
	return p.Kind() == pyast.KindArgumentList && keeping.MatchString(f.qualified(p.Parent().Child(pyast.FieldFunction)))
}

// gone reports whether an expression is gone through in order where it stands: by a loop, or as an argument of list() and the like.
func gone(n pyast.Node) bool {
	p := n.Parent()
	switch p.Kind() {
	case pyast.KindForStatement, pyast.KindForInClause:
		return n.Field() == pyast.FieldRight
	case pyast.KindArgumentList:
		return keepers.MatchString(lastPart(p.Parent().Child(pyast.FieldFunction).Text()))
	}
	return false
}

// stringSet reports whether an expression is a set, and its elements are strings.
func (f *File) stringSet(n pyast.Node, depth int) bool {
	if depth > 4 {
		return false
	}
	switch n.Kind() {
	case pyast.KindParenthesizedExpression:
		return f.stringSet(n.Nth(0), depth+1)
	case pyast.KindSet:
		return f.stringy(n.Nth(0), depth+1)
	case pyast.KindSetComprehension:
		return f.stringy(n, depth+1)
	case pyast.KindBinaryOperator:
		return strings.Contains("|&-^", n.Child(pyast.FieldOperator).Text()) && f.stringSet(n.Child(pyast.FieldLeft), depth+1)
	case pyast.KindCall:
		fn := n.Child(pyast.FieldFunction)
		if fn.TextIs("set") || fn.TextIs("frozenset") {
			return f.stringy(pysem.Args(n).Pos(0), depth+1)
		}
		switch fn.Child(pyast.FieldAttribute).Text() {
		case "union", "intersection", "difference", "symmetric_difference", "copy":
			return f.stringSet(fn.Child(pyast.FieldObject), depth+1)
		}
	case pyast.KindIdentifier, pyast.KindAttribute:
		return f.stringSetName(n, depth)
	}
	return false
}

// calledStrings reports whether an expression is a set of what is called like strings.
func (f *File) calledStrings(n pyast.Node, depth int) bool {
	switch n.Kind() {
	case pyast.KindIdentifier:
		defs := f.defsOf(n)
		return depth == 0 && len(defs) == 1 && defs[0].Kind == pysem.DefAssign && f.calledStrings(defs[0].Value, 1)
	case pyast.KindSetComprehension:
		return namesStrings(n.Child(pyast.FieldBody))
	case pyast.KindCall:
		fn := n.Child(pyast.FieldFunction)
		return (fn.TextIs("set") || fn.TextIs("frozenset")) && namesStrings(pysem.Args(n).Pos(0))
	}
	return false
}

// namesStrings reports whether a name, an attribute, a key, or what a comprehension gives is called like strings.
func namesStrings(n pyast.Node) bool {
	switch n.Kind() {
	case pyast.KindListComprehension, pyast.KindGeneratorExpression:
		return namesStrings(n.Child(pyast.FieldBody))
	case pyast.KindSubscript:
		key, ok := pysem.StringLiteral(n.Child(pyast.FieldSubscript))
		return ok && stringNames.MatchString(key) || !ok && namesStrings(n.Child(pyast.FieldValue))
	case pyast.KindIdentifier, pyast.KindAttribute:
		return stringNames.MatchString(lastPart(n.Text()))
	}
	return false
}

// givenSet reports whether an expression is a set of what a function is given, of which nothing tells that it holds numbers.
func (f *File) givenSet(n pyast.Node, depth int) bool {
	if n.Kind() == pyast.KindIdentifier && depth == 0 {
		defs := f.defsOf(n)
		return len(defs) == 1 && defs[0].Kind == pysem.DefAssign && f.givenSet(defs[0].Value, 1)
	}
	fn := n.Child(pyast.FieldFunction)
	return n.Kind() == pyast.KindCall && (fn.TextIs("set") || fn.TextIs("frozenset")) && f.mayBeText(pysem.Args(n).Pos(0))
}

// mayBeText reports whether an expression is a parameter that may be, or hold, strings: neither its name nor its annotation speaks of numbers.
func (f *File) mayBeText(n pyast.Node) bool {
	if n.Kind() != pyast.KindIdentifier || numbered.MatchString(n.Text()) {
		return false
	}
	defs := f.defsOf(n)
	if len(defs) != 1 || defs[0].Kind != pysem.DefParam {
		return false
	}
	return !numberType.MatchString(defs[0].Node.Child(pyast.FieldType).Text())
}

var (
	// numbered are what numbers and lists of them are called, asked only of a parameter of which nothing tells what it holds, for an information;
	// numberType are their types.
	numbered   = regexp.MustCompile(`(?i)(^|_)(y|i|id|idx|ind|index|indice|indexe|num|number|count|label|target|class|classe|step|epoch|seed|rank|size|shape|length|len|dim)e?s?$|^[a-z]$`)
	numberType = regexp.MustCompile(`int|float|Tensor|ndarray|range`)
)

// stringSetName reports whether a name holds sets only, and strings are put into one of them.
func (f *File) stringSetName(n pyast.Node, depth int) bool {
	some := false
	for _, d := range f.defsOf(n) {
		switch d.Kind {
		case pysem.DefAssign:
			if !isSet(d.Value) {
				return false
			}
			some = some || f.stringSet(d.Value, depth+1)
		case pysem.DefMutate, pysem.DefUpdate:
			some = some || f.stringy(pysem.Args(d.Value).Pos(0), depth+1)
		case pysem.DefAug:
		default:
			return false
		}
	}
	return some
}

// isSet reports whether an expression is a set by its form.
func isSet(n pyast.Node) bool {
	switch n.Kind() {
	case pyast.KindSet, pyast.KindSetComprehension:
		return true
	case pyast.KindParenthesizedExpression:
		return isSet(n.Nth(0))
	case pyast.KindBinaryOperator:
		return isSet(n.Child(pyast.FieldLeft))
	case pyast.KindCall:
		fn := n.Child(pyast.FieldFunction)
		return fn.TextIs("set") || fn.TextIs("frozenset") || fn.Kind() == pyast.KindAttribute && isSet(fn.Child(pyast.FieldObject))
	}
	return false
}

// defsOf are all definitions of a name, or of `self.x` in its class, flow ignored.
func (f *File) defsOf(n pyast.Node) []*pysem.Def {
	scope := f.moduleOf(n).Scope(n)
	if n.Kind() == pyast.KindAttribute {
		if n.Child(pyast.FieldObject).TextIs("self") && scope.Class != nil {
			return scope.Class.Attrs[n.Child(pyast.FieldAttribute).Text()]
		}
		return nil
	}
	for ; scope != nil; scope = scope.Parent {
		if defs := scope.Defs(n.Text()); len(defs) > 0 {
			return defs
		}
	}
	return nil
}

var (
	// stringNames are what strings and lists of them are called; it makes a set possible of which nothing else tells what is in it.
	stringNames = regexp.MustCompile(`(?i)(^|_)(char|character|word|token|vocab|vocabulary|name|file|filename|path|text|sentence|caption|title|string|letter|phoneme|symbol|line|corpus|smile|stem|suffix)s?$`)
	// stringMakers give strings or lists of them.
	stringMakers = regexp.MustCompile(`^(os\.path\.\w+|os\.listdir|glob\.i?glob|builtins\.(str|repr|chr|input))$`)
	stringMethod = regexp.MustCompile(`^(split|rsplit|splitlines|strip|lstrip|rstrip|lower|upper|replace|join|format|read|readline|readlines|decode|casefold|title|removeprefix|removesuffix|as_posix|read_text)$`)
	passing      = regexp.MustCompile(`^(sorted|list|tuple|set|frozenset|iter|filter|chain|from_iterable|enumerate|reversed)$`)
)

// stringy reports whether an expression surely gives a string, or strings one after the other.
func (f *File) stringy(n pyast.Node, depth int) bool {
	if !n.Valid() || depth > 8 {
		return false
	}
	switch n.Kind() {
	case pyast.KindString, pyast.KindConcatenatedString:
		return true
	case pyast.KindParenthesizedExpression, pyast.KindList, pyast.KindTuple, pyast.KindSet, pyast.KindListSplat:
		return f.stringy(n.Nth(0), depth+1)
	case pyast.KindListComprehension, pyast.KindSetComprehension, pyast.KindGeneratorExpression:
		return f.stringy(n.Child(pyast.FieldBody), depth+1)
	case pyast.KindBinaryOperator:
		return f.stringy(n.Child(pyast.FieldLeft), depth+1) || f.stringy(n.Child(pyast.FieldRight), depth+1)
	case pyast.KindSubscript:
		_, key := pysem.StringLiteral(n.Child(pyast.FieldSubscript))
		return !key && f.stringy(n.Child(pyast.FieldValue), depth+1)
	case pyast.KindCall:
		return f.givesStrings(n, depth)
	case pyast.KindIdentifier:
		for _, d := range f.defsOf(n) {
			if (d.Kind == pysem.DefAssign || d.Kind == pysem.DefFor) && len(d.Index) == 0 && f.stringy(d.Value, depth+1) {
				return true
			}
		}
	}
	return false
}

func (f *File) givesStrings(call pyast.Node, depth int) bool {
	fn := call.Child(pyast.FieldFunction)
	args := pysem.Args(call)
	name := calledName(call)
	switch {
	case stringMakers.MatchString(f.qualified(fn)), fn.Kind() == pyast.KindAttribute && stringMethod.MatchString(name):
		return true
	case passing.MatchString(name):
		return f.stringy(args.Pos(0), depth+1)
	case name == "map":
		return args.Pos(0).TextIs("str") || args.Pos(0).TextIs("str.strip") || args.Pos(0).TextIs("str.lower")
	}
	return false
}
