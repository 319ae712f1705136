package training

import (
	"regexp"
	"slices"
	"strings"

	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
	"github.com/ckpt-lsp/ckpt-lsp/internal/pysem"
)

// Unordered is a place that puts things in an order nothing fixes, where that order decides something.
type Unordered struct {
	// Source is the listing, or the set where it is gone through; Use is where the order decides.
	Source, Use pyast.Node
	// Classes says that it decides the numbers of classes or words; else it decides which example has which index.
	Classes bool
	// Cut says that a part of the ordered examples is taken by its place, as a split does.
	Cut bool
	// Paired says that one index takes an example from this order and from another listing's.
	Paired bool
	// Kept says that the program writes the numbers it gives to a file.
	Kept bool
	// Inner are the lists of names that os.walk gives in each round, where they are gone through.
	Inner []pyast.Node
	// Pruned says that the program tells os.walk, while it walks, where to go on.
	Pruned bool
	// Possible says that it is not known whether the elements are strings.
	Possible bool
	// Drawn says that a generator with a seed draws from it.
	Drawn bool
	// Last says that what comes last is taken, alone.
	Last bool
	// Others are unsorted listings whose places mean those of this one: what it is paired with, and others of the same directory.
	Others []pyast.Node
}

// orderFlow follows an order through the expressions and names of a file.
type orderFlow struct {
	file *File
	seen map[pyast.Node]bool
	// where the order first decides something
	use     pyast.Node
	classes bool
	cut     bool
	last    bool
	drawn   bool
	// beside says that the order went into one of several lists that a loop fills together: a place in one is that in the others
	beside bool
	// entered are the calls by which the order came into functions: it returns from them to those only
	entered map[*pysem.Func]pyast.Node
}

// orderDecides follows the order of an expression's elements to where it decides a class number or an example's index; ok is
// false where it is sorted, lost, or cannot be followed.
func (f *File) orderDecides(source pyast.Node) (Unordered, bool) {
	o := &orderFlow{file: f, seen: map[pyast.Node]bool{}, entered: map[*pysem.Func]pyast.Node{}}
	o.follow(source, false)
	return Unordered{Source: source, Use: o.use, Classes: o.classes, Cut: o.cut, Last: o.last, Drawn: o.drawn}, o.use.Valid()
}

var (
	// keepers hand elements on in the order they get them.
	keepers = regexp.MustCompile(`^(list|tuple|enumerate|filter|map|zip|reversed|iter|cycle|islice|chain|from_iterable|tqdm|trange|track|array|asarray|tee|compress|repeat|as_tensor)$`)
	sorters = regexp.MustCompile(`(?i)sort`)
	// consumers take data in their order.
	consumers = regexp.MustCompile(`(Dataset|DataLoader|Subset|train_test_split|random_split)$`)
	// inferring are datasets that nothing is trained on.
	inferring = regexp.MustCompile(`(?i)^(test|infer|predict|demo)`)
	growers   = map[string]bool{"append": true, "extend": true, "insert": true}
)

// follow goes from an expression to what its order becomes. numbered says that its elements are numbered by enumerate.
func (o *orderFlow) follow(n pyast.Node, numbered bool) {
	if o.use.Valid() || o.seen[n] || len(o.seen) > 200 {
		return
	}
	o.seen[n] = true
	p := n.Parent()
	switch p.Kind() {
	case pyast.KindParenthesizedExpression, pyast.KindListSplat, pyast.KindBinaryOperator, pyast.KindConditionalExpression, pyast.KindKeywordArgument:
		if p.Kind() == pyast.KindBinaryOperator && !p.Child(pyast.FieldOperator).TextIs("+") {
			return
		}
		o.follow(p, numbered)
	case pyast.KindArgumentList:
		o.passed(p.Parent(), n, numbered)
	case pyast.KindCall: // a generator expression as the only argument
		if n.Field() == pyast.FieldArguments {
			o.passed(p, n, numbered)
		}
	case pyast.KindAttribute:
		if p.Child(pyast.FieldAttribute).TextIs("index") && p.Parent().Kind() == pyast.KindCall {
			o.use, o.classes = p, !o.beside
		}
	case pyast.KindSubscript:
		if sub := p.Child(pyast.FieldSubscript); n.Field() != pyast.FieldValue {
		} else if o.slices(sub) {
			o.follow(p, numbered)
			o.cut = o.use.Valid()
		} else if sub.TextIs("-1") {
			o.use, o.last = p, true
		}
	case pyast.KindForInClause:
		o.comprehension(p, numbered)
	case pyast.KindForStatement:
		if n.Field() == pyast.FieldRight {
			o.loop(p, numbered)
		}
	case pyast.KindAssignment, pyast.KindAugmentedAssignment:
		if n.Field() == pyast.FieldRight {
			o.named(p.Child(pyast.FieldLeft), numbered)
		}
	case pyast.KindExpressionList, pyast.KindTuple: // train, val = files[9:], files[:9]
		if left := p.Parent().Child(pyast.FieldLeft); p.Field() == pyast.FieldRight && left.Is(pyast.KindPatternList, pyast.KindTuplePattern) {
			o.named(left.Nth(position(p, n)), numbered)
		} else if p.Parent().Kind() == pyast.KindReturnStatement { // train, val = split(files)
			for _, call := range o.returnsTo(o.file.ScopeOf(p)) {
				if left := assigned(call); left.Is(pyast.KindPatternList, pyast.KindTuplePattern) {
					o.named(left.Nth(position(p, n)), numbered)
				}
			}
		}
	case pyast.KindReturnStatement:
		for _, call := range o.returnsTo(o.file.ScopeOf(p)) {
			o.follow(call, numbered)
		}
	}
}

// position is the place of a child among its siblings.
func position(parent, child pyast.Node) int {
	i := 0
	for c := range parent.Children() {
		if c == child {
			return i
		}
		i++
	}
	return -1
}

// slices reports whether what stands in brackets takes a part: `a:b`, or the value of slice(a, b).
func (o *orderFlow) slices(sub pyast.Node) bool {
	return sub.Kind() == pyast.KindSlice || isSlice(o.file.Eval.Eval(sub, o.file.Eval.In(o.file.moduleOf(sub), sub)), 0)
}

// isSlice reports whether a value is a slice, or one of a list of slices.
func isSlice(v *pysem.Value, depth int) bool {
	switch {
	case depth > 4:
		return false
	case v.Kind == pysem.Join:
		return !slices.ContainsFunc(v.Elems, func(a *pysem.Value) bool { return !isSlice(a, depth+1) })
	case v.Kind == pysem.Item && v.Base.Kind == pysem.List && len(v.Base.Elems) > 0:
		return !slices.ContainsFunc(v.Base.Elems, func(a *pysem.Value) bool { return !isSlice(a, depth+1) })
	}
	return v.Callee() == "builtins.slice"
}

func (o *orderFlow) passed(call, arg pyast.Node, numbered bool) {
	fn := call.Child(pyast.FieldFunction)
	name := lastPart(fn.Text())
	switch {
	case sorters.MatchString(fn.Text()):
	case name == "enumerate":
		o.follow(call, true)
	case keepers.MatchString(name):
		o.follow(call, numbered)
	case o.file.drawsSeeded(call):
		o.use, o.cut, o.drawn = call, true, true
	case fn.Kind() == pyast.KindAttribute && growers[name]:
		o.named(fn.Child(pyast.FieldObject), numbered)
	case consumers.MatchString(name):
		o.use, o.cut = call, name == "Subset" || strings.HasSuffix(name, "_split")
	default:
		switch v := o.file.Eval.Eval(fn, o.file.Eval.In(o.file.moduleOf(fn), fn)); {
		case v.Kind == pysem.ClassVal && o.file.dataset(v.Class):
			o.use = call
		case v.Kind == pysem.ClassVal:
			o.enter(o.file.Eval.MethodOf(v.Class, "__init__"), call, arg, numbered)
		case v.Kind == pysem.FuncVal:
			o.enter(v.Func, call, arg, numbered)
		}
	}
}

// enter follows an argument of a call into the function that is called.
func (o *orderFlow) enter(fn *pysem.Func, call, arg pyast.Node, numbered bool) {
	if fn == nil || o.entered[fn].Valid() {
		return
	}
	p, ok := receiving(fn, call, arg)
	if !ok {
		return
	}
	o.entered[fn] = call
	if uses := namedIn(fn.Body, p.Name); !sortedSomewhere(uses) {
		o.followAll(uses, p.Node, numbered)
	}
}

// comprehension follows the order through `for x in ordered`.
func (o *orderFlow) comprehension(clause pyast.Node, numbered bool) {
	whole := clause.Parent()
	switch whole.Kind() {
	case pyast.KindListComprehension, pyast.KindGeneratorExpression:
		o.follow(whole, false)
	case pyast.KindDictionaryComprehension:
		if numbered && mentionsName(whole.Child(pyast.FieldBody), clause.Child(pyast.FieldLeft).Nth(0)) {
			o.use, o.classes = whole, true
		}
	}
}

// loop follows the order through the body of a for statement: to the lists it fills, and to the numbers it hands out.
func (o *orderFlow) loop(loop pyast.Node, numbered bool) {
	var index pyast.Node
	if left := loop.Child(pyast.FieldLeft); numbered && left.Is(pyast.KindPatternList, pyast.KindTuplePattern) {
		index = left.Nth(0)
	}
	if index.Valid() && subscripts(loop.Child(pyast.FieldBody), index) {
		index = pyast.Node{} // a place in another list, and no number of a class
	}
	for n := range loop.Child(pyast.FieldBody).Descendants() {
		switch n.Kind() {
		case pyast.KindYield: // the generator gives them in this order
			if scope := o.file.ScopeOf(n); scope == o.file.ScopeOf(loop) {
				for _, call := range o.calls(scope) {
					o.follow(call, false)
				}
			}
			return
		case pyast.KindCall:
			fn := n.Child(pyast.FieldFunction)
			if fn.Kind() != pyast.KindAttribute || !growers[fn.Child(pyast.FieldAttribute).Text()] || !o.outlives(fn.Child(pyast.FieldObject), loop) {
				continue
			}
			if mentionsName(n.Child(pyast.FieldArguments), index) {
				o.use, o.classes = n, true
				return
			}
			o.beside = o.beside || o.fillsOthers(loop, fn.Child(pyast.FieldObject))
			o.named(fn.Child(pyast.FieldObject), false)
		case pyast.KindAugmentedAssignment:
			if n.Child(pyast.FieldRight).Is(pyast.KindList, pyast.KindListComprehension) && o.outlives(n.Child(pyast.FieldLeft), loop) {
				o.named(n.Child(pyast.FieldLeft), false)
			}
		case pyast.KindAssignment:
			left, right := n.Child(pyast.FieldLeft), n.Child(pyast.FieldRight)
			if left.Kind() != pyast.KindSubscript {
				continue
			}
			counted := right.Kind() == pyast.KindCall && right.TextIs("len("+left.Child(pyast.FieldValue).Text()+")")
			if counted || counts(loop, right) || mentionsName(right, index) && right.Is(pyast.KindIdentifier, pyast.KindBinaryOperator) {
				o.use, o.classes = n, true
				return
			}
		}
	}
}

// fillsOthers reports whether a loop fills other lists beside one.
func (o *orderFlow) fillsOthers(loop, list pyast.Node) bool {
	for n := range loop.Child(pyast.FieldBody).Descendants() {
		fn := n.Child(pyast.FieldFunction)
		if n.Kind() != pyast.KindCall || fn.Kind() != pyast.KindAttribute || !growers[fn.Child(pyast.FieldAttribute).Text()] {
			continue
		}
		if other := fn.Child(pyast.FieldObject); !other.TextIs(list.Text()) && o.outlives(other, loop) {
			return true
		}
	}
	return false
}

// subscripts reports whether a name stands in brackets in a body: `shards[i]`.
func subscripts(body, name pyast.Node) bool {
	for n := range body.Descendants() {
		if n.Kind() == pyast.KindSubscript && n.Child(pyast.FieldSubscript).TextIs(name.Text()) {
			return true
		}
	}
	return false
}

// counts reports whether a name is a counter that a loop steps: `n += 1`.
func counts(loop, name pyast.Node) bool {
	if !name.Is(pyast.KindIdentifier, pyast.KindAttribute) {
		return false
	}
	for n := range loop.Child(pyast.FieldBody).Descendants() {
		if n.Kind() == pyast.KindAugmentedAssignment && n.Child(pyast.FieldLeft).TextIs(name.Text()) && n.Child(pyast.FieldRight).TextIs("1") {
			return true
		}
	}
	return false
}

// outlives reports whether a name is made before a loop, so that it gathers all rounds.
func (o *orderFlow) outlives(target, loop pyast.Node) bool {
	if target.Kind() == pyast.KindAttribute {
		return true
	}
	for _, d := range o.file.ScopeOf(loop).Defs(target.Text()) {
		if d.Kind == pysem.DefAssign && d.Stmt.Start() < loop.Start() {
			return true
		}
	}
	return false
}

func mentionsName(in, name pyast.Node) bool {
	if !name.Valid() {
		return false
	}
	for n := range in.Descendants() {
		if n.Is(pyast.KindIdentifier) && n.TextIs(name.Text()) {
			return true
		}
	}
	return false
}

// named follows a name whose object has the order: a local one through its function, an attribute through its class.
func (o *orderFlow) named(target pyast.Node, numbered bool) {
	f := o.file
	scope := f.moduleOf(target).Scope(target)
	text := target.Text()
	switch {
	case target.Kind() == pyast.KindSubscript: // self.files[split] = names
		o.named(target.Child(pyast.FieldValue), numbered)
	case target.Kind() == pyast.KindIdentifier:
		uses := namedIn(scope.Body, text)
		if scope == scope.Module.Top {
			uses = namedIn(scope.Module.Tree.Root(), text)
		}
		if !sortedSomewhere(uses) {
			o.followAll(uses, target, numbered)
		}
	case target.Kind() == pyast.KindAttribute && target.Child(pyast.FieldObject).TextIs("self") && scope.Class != nil:
		uses := namedIn(scope.Class.Node, text)
		if sortedSomewhere(uses) {
			return
		}
		if inferring.MatchString(scope.Class.Name) {
			return
		}
		if f.dataset(scope.Class) || scope.Class.Methods["__getitem__"] != nil {
			for _, b := range f.above(scope.Class, 0) { // which may hold the method that takes the examples
				inherited := namedIn(b.Node, text)
				if sortedSomewhere(inherited) {
					return
				}
				uses = append(uses, inherited...)
			}
			for _, u := range uses {
				if m := f.moduleOf(u).Scope(u); slices.Contains([]string{"__getitem__", "__iter__"}, m.Name) {
					o.use = u
					return
				}
			}
		}
		o.followAll(uses, target, numbered)
	}
}

func (o *orderFlow) followAll(uses []pyast.Node, target pyast.Node, numbered bool) {
	for _, u := range uses {
		later := u.Start() > target.Start() || o.file.ScopeOf(u) != o.file.ScopeOf(target)
		if u != target && later && !isTarget(u) {
			o.follow(u, numbered)
		}
	}
}

// isTarget reports whether a name stands where it is set, rather than on the left of an operator.
func isTarget(n pyast.Node) bool {
	return n.Field() == pyast.FieldLeft && n.Parent().Is(pyast.KindAssignment, pyast.KindAugmentedAssignment, pyast.KindForStatement, pyast.KindForInClause)
}

// namedIn are the places below a node that read or set a name or `self.x`.
func namedIn(n pyast.Node, text string) []pyast.Node {
	var out []pyast.Node
	for d := range n.Descendants() {
		if d.Is(pyast.KindIdentifier, pyast.KindAttribute) && d.Field() != pyast.FieldAttribute && d.TextIs(text) &&
			!(d.Field() == pyast.FieldName && d.Parent().Kind() == pyast.KindKeywordArgument) {
			out = append(out, d)
		}
	}
	return out
}

// inScope are the places that read or set a name in the function that the name belongs to, the whole file for a global one.
func (f *File) inScope(name pyast.Node) []pyast.Node {
	scope := f.moduleOf(name).Scope(name)
	body := scope.Body
	if scope == scope.Module.Top {
		body = scope.Module.Tree.Root()
	}
	return namedIn(body, name.Text())
}

// sortedSomewhere reports whether any of the places sorts what it names.
func sortedSomewhere(uses []pyast.Node) bool {
	for _, u := range uses {
		p := u.Parent()
		if p.Kind() == pyast.KindAttribute && sorters.MatchString(p.Child(pyast.FieldAttribute).Text()) {
			return true
		}
		for ; p.Valid() && !p.Is(pyast.KindBlock, pyast.KindModule); p = p.Parent() {
			if p.Kind() == pyast.KindCall && sorters.MatchString(p.Child(pyast.FieldFunction).Text()) && p.Child(pyast.FieldArguments).Encloses(u) {
				return true
			}
		}
	}
	return false
}

// returnsTo are the calls that get the result of a function: the one by which the order came into it, or all of its file.
func (o *orderFlow) returnsTo(fn *pysem.Func) []pyast.Node {
	if fn.Yields {
		return nil
	}
	return o.calls(fn)
}

// calls are the calls that run a function: the one by which the order came into it, or all of its file.
func (o *orderFlow) calls(fn *pysem.Func) []pyast.Node {
	if fn.Name == "" || fn.Name == "<module>" {
		return nil
	}
	if call := o.entered[fn]; call.Valid() {
		return []pyast.Node{call}
	}
	var out []pyast.Node
	for _, caller := range fn.Module.Funcs {
		for _, c := range caller.Calls {
			callee := c.Child(pyast.FieldFunction)
			if lastPart(callee.Text()) != fn.Name {
				continue
			}
			v := o.file.Eval.Eval(callee, o.file.Eval.In(fn.Module, callee))
			if v.Kind == pysem.FuncVal && v.Func == fn {
				out = append(out, c)
			}
		}
	}
	return out
}

// listing are the calls that give names in the order in which the file system happens to hold them.
var listing = map[string]bool{"os.listdir": true, "os.scandir": true, "os.walk": true, "glob.glob": true, "glob.iglob": true}

// listingMethods are those of paths that do the same, listingNames the names of which one stands in each file with a listing.
var (
	listingMethods = []string{"iterdir", "glob", "rglob"}
	listingNames   = slices.Concat(listingMethods, []string{"listdir", "scandir", "iglob", "walk"})
)

// Listings are the directory listings of the file whose order decides class numbers or the indices of examples, and with others those of
// the files whose functions it runs.
func (f *File) Listings(others bool) []Unordered {
	modules := []*pysem.Module{f.Module}
	if others {
		modules = f.involved()
	}
	var out []Unordered
	for _, m := range modules {
		if m.Words().Names.Has(listingNames...) && (m == f.Module || !IsTest(m)) {
			out = append(out, f.listingsIn(m)...)
		}
	}
	for i := range out {
		u := &out[i]
		u.Others = f.sameListings(u.Source)
		for _, o := range out {
			if sameIndex(u.Use, o.Use) {
				u.Paired, u.Others = true, append(u.Others, o.Source)
			}
		}
		u.Paired = u.Paired || f.pairedByCallers(*u)
	}
	return out
}

// sameListings are the other listings of the same directory in a class, or a function, whose order nothing sorts: a place in one is that in
// the other, as long as both are sorted, or neither.
func (f *File) sameListings(source pyast.Node) []pyast.Node {
	scope := f.ScopeOf(source)
	within := scope.Body
	if scope.Class != nil && strings.Contains(pysem.Args(source).Pos(0).Text(), "self.") {
		within = scope.Class.Node
	}
	var out []pyast.Node
	for n := range within.Descendants() {
		if n != source && n.Kind() == pyast.KindCall && n.TextIs(source.Text()) && handsOn(n) && !sortedSomewhere(f.inScope(assigned(n))) {
			out = append(out, n)
		}
	}
	return out
}

// handsOn reports whether the place where a listing stands keeps the order of its names.
func handsOn(n pyast.Node) bool {
	p := n.Parent()
	return p.Is(pyast.KindForStatement, pyast.KindForInClause, pyast.KindAssignment, pyast.KindReturnStatement)
}

// pairedByCallers reports whether a function that lists a directory is called for several, and one index takes an example from each.
func (f *File) pairedByCallers(u Unordered) bool {
	var uses []pyast.Node
	for _, call := range (&orderFlow{file: f}).returnsTo(f.ScopeOf(u.Source)) {
		if by, ok := f.orderDecides(call); ok {
			uses = append(uses, by.Use)
		}
	}
	return slices.ContainsFunc(uses, func(a pyast.Node) bool {
		return slices.ContainsFunc(uses, func(b pyast.Node) bool { return sameIndex(a, b) })
	})
}

func (f *File) listingsIn(m *pysem.Module) []Unordered {
	var out []Unordered
	for _, fn := range m.Funcs {
		for _, c := range fn.Calls {
			callee := c.Child(pyast.FieldFunction)
			name := f.qualified(callee)
			method := callee.Kind() == pyast.KindAttribute && name == "" &&
				slices.Contains(listingMethods, callee.Child(pyast.FieldAttribute).Text())
			if !listing[name] && !method || strings.Contains(callee.Text(), "gfile") {
				continue
			}
			u, ok := f.orderDecides(c)
			if !ok || name == "os.walk" && !u.walks(c) {
				continue
			}
			if u.Last && !f.checkpointsListed(c, fn) {
				continue // the last of anything
			}
			u.Kept = f.kept(u.Use)
			out = append(out, u)
		}
	}
	return out
}

// checkpointsListed reports whether the last file of a listing is loaded, or the program saves files of such names; where nothing shows who
// writes and reads them, whether they are called like checkpoints.
func (f *File) checkpointsListed(c pyast.Node, fn *pysem.Func) bool {
	if l, ok := f.Listing(f.Eval.Eval(c, f.Eval.In(f.moduleOf(c), c))); ok && l.Dir != "" && f.NamesPadding(l) == Unpadded || f.loadsEnd(c) {
		return true
	}
	what := c.Text() + " " + fn.Name + " " + assigned(c).Text()
	return checkpointWord.MatchString(what) && !dataWord.MatchString(what)
}

// walks notes what becomes of the names that os.walk gives; false where anything is sorted on the way.
func (u *Unordered) walks(call pyast.Node) bool {
	round := call.Parent() // the loop, or the clause of a comprehension
	whole := round
	if round.Kind() == pyast.KindForInClause {
		whole = round.Parent()
	}
	left := round.Child(pyast.FieldLeft)
	if !left.Is(pyast.KindPatternList, pyast.KindTuplePattern) || left.Nth(2) == (pyast.Node{}) {
		return false
	}
	dirs, files := left.Nth(1), left.Nth(2)
	for n := range whole.Descendants() {
		switch {
		case n.Kind() == pyast.KindCall && sorters.MatchString(n.Child(pyast.FieldFunction).Text()):
			return false
		case !n.Is(pyast.KindIdentifier) || isTarget(n) || left.Encloses(n):
		case n.TextIs(dirs.Text()) && n.Parent().Is(pyast.KindAttribute, pyast.KindSubscript):
			u.Pruned = true
		case (n.TextIs(dirs.Text()) || n.TextIs(files.Text())) && n.Field() == pyast.FieldRight && n.Parent().Is(pyast.KindForStatement, pyast.KindForInClause):
			u.Inner = append(u.Inner, n)
		}
	}
	return true
}

// sameIndex reports whether two names are subscripted with the same expression in one function.
func sameIndex(a, b pyast.Node) bool {
	pa, pb := a.Parent(), b.Parent()
	if a.TextIs(b.Text()) || pa.Kind() != pyast.KindSubscript || pb.Kind() != pyast.KindSubscript || a.Field() != pyast.FieldValue || b.Field() != pyast.FieldValue {
		return false
	}
	return pa.Child(pyast.FieldSubscript).TextIs(pb.Child(pyast.FieldSubscript).Text()) &&
		pa.Ancestor(pyast.KindFunctionDefinition) == pb.Ancestor(pyast.KindFunctionDefinition)
}
