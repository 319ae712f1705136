package training

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
	"github.com/ckpt-lsp/ckpt-lsp/internal/pysem"
	"github.com/ckpt-lsp/ckpt-lsp/internal/torch"
)

// WeightsOnly is the weights_only argument of a load, none when it is not given; hidden says that it may be given out of
// sight, through **kwargs.
func (l *LoadSite) WeightsOnly() (argument pyast.Node, hidden bool) {
	return pysem.Args(l.Node).Keyword["weights_only"], l.hides("weights_only")
}

// hides reports whether the load may be given a keyword by a dict that is not all known.
func (l *LoadSite) hides(keyword string) bool {
	if !pysem.Args(l.Node).May() {
		return false
	}
	passed := l.Run.File.Eval.Passed(l.Node, l.Ctx)
	_, given := passed.Keyword.Get(keyword)
	return passed.Open || passed.Keyword.Open || given
}

// MapLocation is the map_location argument of a load, by name or as the second one, none when it is not given; hidden says
// that it may be given out of sight.
func (l *LoadSite) MapLocation() (argument pyast.Node, hidden bool) {
	return pysem.Args(l.Node).Get(1, "map_location"), l.hides("map_location")
}

// NoPlace reports whether the map_location that a load is given is None for everyone who gets to the load: the default of a parameter
// that no caller passes.
func (f *File) NoPlace(l *LoadSite) bool {
	for _, o := range f.EveryLoad() {
		if o.Node != l.Node {
			continue
		}
		if n, _ := o.MapLocation(); o.Run.File.Eval.Eval(n, o.Ctx).Kind != pysem.NoneVal {
			return false
		}
	}
	return true
}

// AllowsGlobals reports whether classes are put on the list that weights_only loads: the load stands in a
// torch.serialization.safe_globals context, or the file or the one that the load stands in calls add_safe_globals.
func (l *LoadSite) AllowsGlobals() bool {
	f := l.Run.File
	for fr := l.Frame; fr != nil; fr = fr.Parent {
		if fr.Kind == pysem.FrameWith && strings.HasSuffix(f.Eval.Eval(fr.Node, fr.Ctx).Callee(), "safe_globals") {
			return true
		}
	}
	for _, m := range []*pysem.Module{f.Module, f.moduleOf(l.Node)} {
		if !m.Words().Names.Has("add_safe_globals") {
			continue
		}
		for c := range callsIn(m) {
			if calledName(c) == "add_safe_globals" {
				return true
			}
		}
	}
	return false
}

// PickleRead says how the program reads an object that a save pickles: byDefault is a load that leaves weights_only to torch, none
// where there is no such load; decided says that a load speaks for the object, by weights_only=False or a list of classes.
func (s *SaveSite) PickleRead(c Component) (byDefault *LoadSite, decided bool) {
	f := s.Run.File
	for _, l := range f.EveryLoad() {
		taken := slices.ContainsFunc(c.Value.Alternatives(), func(a *pysem.Value) bool { return f.loadOf(a) == l })
		if !taken && !s.Writes(l.Path) && (s.Path.Known && l.Path.Known || !l.HoldsObject()) {
			continue
		}
		switch n, hidden := l.WeightsOnly(); {
		case l.Trusting() || l.AllowsGlobals():
			decided = true
		case !n.Valid() && !hidden:
			byDefault = l
		}
	}
	return byDefault, decided
}

// StateBeside reports whether the other side of the test around a save writes a state dict to the same name: an option chooses between
// the two.
func (s *SaveSite) StateBeside() bool {
	return slices.ContainsFunc(s.Run.Saves, func(o *SaveSite) bool {
		return o.Ctx == s.Ctx && o.Kind == PayloadState && Exclusive(o.Frame, s.Frame) && SamePath(o.Path, s.Path)
	})
}

// unrestricted is the environment variable that has torch.load leave weights_only off wherever it is not given:
// https://docs.pytorch.org/docs/stable/notes/serialization.html#environment-variables
var unrestricted = regexp.MustCompile(`^TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD$`)

// Unrestricted reports whether the program, or a package that it imports from, names that variable.
func (f *File) Unrestricted() bool {
	return slices.ContainsFunc(slices.Concat(f.involved(), f.Eval.Links(f.Module)), func(m *pysem.Module) bool { return m.Words().Strings.Match(unrestricted) })
}

// Trusting reports whether the load says weights_only=False, so that its author knows what the file holds.
func (l *LoadSite) Trusting() bool {
	n, _ := l.WeightsOnly()
	truth, known := l.Run.File.Eval.Eval(n, l.Ctx).Truth()
	return n.Valid() && known && !truth
}

// Refused is the load with weights_only=True of the same file, in the try statement in whose handler this load stands; none where
// there is none.
func (l *LoadSite) Refused() pyast.Node {
	for fr := l.Frame; fr != nil && fr.Ctx == l.Ctx; fr = fr.Parent {
		if fr.Kind != pysem.FrameExcept {
			continue
		}
		body := fr.Node.Parent().Child(pyast.FieldBody)
		for _, o := range l.Run.Loads {
			n, _ := o.WeightsOnly()
			truth, known := l.Run.File.Eval.Eval(n, o.Ctx).Truth()
			if o.Ctx == l.Ctx && body.Encloses(o.Node) && o.Path.Node.TextIs(l.Path.Node.Text()) && n.Valid() && known && truth {
				return o.Node
			}
		}
	}
	return pyast.Node{}
}

// Overridden is the load in the method that the load's own method overrides, where that one says weights_only=False; with its
// class and name. It is none otherwise.
func (l *LoadSite) Overridden() (load pyast.Node, method string) {
	f, fn := l.Run.File, l.Ctx.Func
	if !fn.Method() || l.Node.Tree() != fn.Module.Tree {
		return load, ""
	}
	for _, base := range f.Eval.Bases(fn.Class) {
		over := f.Eval.MethodOf(base, fn.Name)
		if over == nil {
			continue
		}
		for _, c := range over.Calls {
			if e, ok := torch.Lookup(f.qualified(c.Child(pyast.FieldFunction))); ok && e.Kind == torch.FileLoader && pysem.Args(c).Keyword["weights_only"].Is(pyast.KindFalse) {
				return c, over.QualName()
			}
		}
	}
	return load, ""
}

var trusting = regexp.MustCompile(`(?i)\btrust|\bunpickl|\bsafe\b`)

// Explained reports whether a comment in front of the load's statement speaks of trusting the file.
func (l *LoadSite) Explained() bool { return explained(l.Node, trusting) }

// explained reports whether a comment in front of a node's statement matches.
func explained(n pyast.Node, by *regexp.Regexp) bool {
	for c := statementOf(n).Prev(); c.Kind() == pyast.KindComment; c = c.Prev() {
		if by.MatchString(c.Text()) {
			return true
		}
	}
	return false
}

// Origin says where the name of a loaded file comes from.
type Origin uint8

// Origins.
const (
	OriginUnknown Origin = iota
	// OriginOwn is a file that this file writes too.
	OriginOwn
	// OriginConstant is a name written in the code.
	OriginConstant
	// OriginUser is the command line, the environment or a prompt.
	OriginUser
	// OriginCaller is a parameter of a function whose callers are not at hand.
	OriginCaller
	// OriginDownload is a file that the program fetches from the network.
	OriginDownload
)

// downloads give the name of a file that they fetch.
var downloads = regexp.MustCompile(`^(huggingface_hub\.(\w+\.)*(hf_hub_download|snapshot_download|cached_download)|wget\.download|gdown\.(download|cached_download)|urllib\.request\.urlretrieve|torchvision\.datasets\.utils\.download_url|torch\.hub\.download_url_to_file)$`)

// pinned reports whether a download names the commit that it wants: what is in the file can no longer change.
func pinned(download *pysem.Value) bool {
	revision, ok := pysem.StringLiteral(pysem.Args(download.Node).Keyword["revision"])
	return ok && commit.MatchString(revision)
}

var commit = regexp.MustCompile(`^[0-9a-f]{7,40}$`)

var (
	settingsName = regexp.MustCompile(`(?i)^(args|opts?|flags|cli|cmd_?args|parsed|options|params|cfg|conf|config|hparams)$`)
	outputName   = regexp.MustCompile(`(?i)(out|output|save|log|work|exp|run|result|checkpoint|ckpt|model|snapshot)s?_?(dir|path|root|folder|name|prefix)$|^(out|output)`)
)

// Origin follows the file's name to where it comes from. A directory for output that the user names, joined with a name
// written in the code, is the program's own file, and so is one that training resumes from.
func (l *LoadSite) Origin() Origin {
	f := l.Run.File
	if l.Resumes() || l.Declared() {
		return OriginOwn
	}
	ways := l.Path.Value.Alternatives()
	from := OriginUnknown
	own := 0
	for _, v := range ways { // the run's own file on one way, another on the next
		path := l.Path
		if len(ways) > 1 {
			path = f.pathOf(v)
		}
		origin := f.origin(v, 0)
		if path != nil && (f.writes(path) || path.Known && v.Kind == pysem.Str && origin == OriginUser) {
			own++
			continue
		}
		from = max(from, origin)
	}
	if own > 0 && own == len(ways) {
		return OriginOwn
	}
	return from
}

// writes reports whether the file's program saves under a name.
func (f *File) writes(p *Path) bool {
	return slices.ContainsFunc(f.Saves(), func(s *SaveSite) bool { return s.Writes(p) })
}

// HoldsObject reports whether the program takes an object of a class from the file, which weights_only refuses: what is loaded is
// called as only modules are, or an attribute is read that no tensor and no container has.
func (l *LoadSite) HoldsObject() bool {
	f := l.Run.File
	for _, c := range l.Run.Calls {
		if c.Value != nil && (classMethods[c.Method] || moduleMethods[c.Method]) && f.taken(c.Value, 0) == l {
			return true
		}
	}
	for _, a := range f.attributesRead(l.Ctx) {
		if f.taken(f.Eval.Eval(a.Child(pyast.FieldObject), l.Ctx), 0) == l {
			return true
		}
	}
	return false
}

// classMethods are modules' methods that tensors and containers do not have.
var classMethods = map[string]bool{"state_dict": true, "load_state_dict": true, "modules": true, "named_modules": true, "children": true, "named_children": true}

// valueAttributes are attributes of tensors, which a program reads of what it loads as well.
var valueAttributes = map[string]bool{"shape": true, "dtype": true, "device": true, "T": true, "data": true, "grad": true, "ndim": true, "is_cuda": true, "requires_grad": true, "layout": true}

// attributesRead are the attributes that a function reads without calling them.
func (f *File) attributesRead(ctx *pysem.Ctx) []pyast.Node {
	var out []pyast.Node
	for n := range ctx.Func.Body.Descendants() {
		if n.Kind() == pyast.KindAttribute && n.Parent().Kind() != pyast.KindCall && n.Parent().Kind() != pyast.KindAttribute && !valueAttributes[n.Child(pyast.FieldAttribute).Text()] {
			out = append(out, n)
		}
	}
	return out
}

// taken is the load that a value was taken from by its key, by attributes and by conversions of the whole, nil for others.
func (f *File) taken(v *pysem.Value, depth int) *LoadSite {
	if v == nil || depth > 6 {
		return nil
	}
	for _, a := range v.Alternatives() {
		if l := f.loadOf(a); l != nil {
			return l
		}
		base := a.Base
		if recv, method, ok := a.Method(); ok && conversions[method] {
			base = recv
		} else if a.Kind != pysem.Attr && a.Kind != pysem.Item {
			continue
		}
		if l := f.taken(base, depth+1); l != nil {
			return l
		}
	}
	return nil
}

// conversions give the same tensor or module in another place or precision.
var conversions = map[string]bool{"to": true, "cpu": true, "cuda": true, "half": true, "float": true, "double": true, "bfloat16": true, "eval": true, "get": true}

func (f *File) origin(v *pysem.Value, depth int) Origin {
	if depth > 6 {
		return OriginUnknown
	}
	found := OriginUnknown
	for _, a := range v.Alternatives() {
		o := OriginUnknown
		switch a.Kind {
		case pysem.Str:
			o = OriginConstant
			for _, p := range a.Parts {
				if p.Hole != nil {
					o = f.origin(p.Hole, depth+1)
					break
				}
			}
		case pysem.ParamVal:
			o = OriginCaller
			if settingsName.MatchString(a.Name) {
				o = OriginUser
			}
		case pysem.Attr:
			if base := f.origin(a.Base, depth+1); base == OriginUser && !outputName.MatchString(a.Name) {
				o = OriginUser
			}
		case pysem.Item, pysem.Elem:
			o = f.origin(a.Base, depth+1)
		case pysem.External:
			if a.Name == "sys.argv" || a.Name == "os.environ" {
				o = OriginUser
			}
		case pysem.Call:
			if _, method, ok := a.Method(); ok && (method == "parse_args" || method == "parse_known_args") {
				o = OriginUser
			}
			if downloads.MatchString(a.Callee()) && !pinned(a) {
				o = OriginDownload
			}
			if name := a.Callee(); name == "builtins.input" || name == "os.getenv" || name == "os.environ.get" {
				o = OriginUser
			}
		}
		found = max(found, o)
	}
	return found
}

// Handed reports whether the file's name comes to the functions at hand from a caller that is not, rather than from the code or from
// the options that the program reads itself.
func (l *LoadSite) Handed() bool { return handed(l.Path.Value, 0) }

func handed(v *pysem.Value, depth int) bool {
	if v == nil || depth > 6 {
		return false
	}
	for _, a := range v.Alternatives() {
		switch a.Kind {
		case pysem.ParamVal:
			return true
		case pysem.Attr, pysem.Item, pysem.Elem:
			if handed(a.Base, depth+1) {
				return true
			}
		case pysem.Str:
			for _, p := range a.Parts {
				if handed(p.Hole, depth+1) {
					return true
				}
			}
		}
	}
	return false
}

// Unloadable is a value in a payload that torch.load refuses with weights_only=True, its default since torch 2.6.
type Unloadable struct {
	// Key is the key in the payload, "" for the payload itself.
	Key string
	// Value is the expression that makes it.
	Value pyast.Node
	// What names it in the plural, as numpyScalars.
	What string
	// As is the form that loads, in the words of diagnostics.Loadable; "" when there is no general one.
	As string
	// Here says that Value stands in the payload, so that writing it otherwise changes nothing but what is saved. Part is what stands
	// there where Value stands in another function, and Value itself otherwise.
	Here bool
	Part pyast.Node
}

// Unloadable are the values in the payload that are known to be refused.
func (s *SaveSite) Unloadable() []Unloadable {
	var out []Unloadable
	for _, c := range s.Components {
		if c.Key == "" {
			continue
		}
		from := len(out)
		s.Run.File.unloadable(c.Entry.Value, c.Key, 0, &out)
		for i := range out[from:] {
			u := &out[from+i]
			u.Part = c.Entry.Value.Node
			u.Here = u.Part.Valid() && u.Part.Encloses(u.Value)
			if u.Here || !u.Part.Valid() || s.Run.File.sameFunction(u.Part, u.Value) {
				u.Part = u.Value
			}
		}
	}
	whole := slices.ContainsFunc(s.Components, Component.whole) // which is refused already
	for c := range s.Leaves() {
		if c.Role == RoleState && c.Object != nil && c.Object.Kind == Optimizer && !whole {
			out = append(out, s.numpySettings(c)...)
		}
	}
	return out
}

// whole reports whether a component is an object itself, as `deepcopy(model).half()` is, rather than its state.
func (c Component) whole() bool {
	_, method, ok := c.Value.Method()
	return c.Role == RoleObject || ok && objectMethods[method]
}

// numpySettings are the numbers of numpy that the run writes into the groups of an optimizer whose state is saved, as the rate of a schedule
// that is an array: the state holds them as they are.
func (s *SaveSite) numpySettings(c Component) []Unloadable {
	f := s.Run.File
	var out []Unloadable
	for _, ev := range s.Run.Events {
		if ev.Kind != pysem.EventAssign || ev.Node.Kind() != pyast.KindAssignment || ev.Node.Child(pyast.FieldLeft).Kind() != pyast.KindSubscript {
			continue
		}
		if name, _ := pysem.StringLiteral(ev.Node.Child(pyast.FieldLeft).Child(pyast.FieldSubscript)); name == "lr" && len(s.Live(Scheduler)) > 0 {
			continue // the schedule writes it again
		}
		group := f.Eval.Eval(ev.Node.Child(pyast.FieldLeft).Child(pyast.FieldValue), ev.Ctx)
		right := ev.Node.Child(pyast.FieldRight)
		if !f.groupOf(group, c.Object, 0) || !f.ofNumpy(f.Eval.Eval(right, ev.Ctx), 0) {
			continue
		}
		name := c.Key
		if name == "" {
			name = c.Object.Name
		}
		out = append(out, Unloadable{Key: name, Value: right, What: numpyScalars, As: "float", Here: true, Part: right})
	}
	return out
}

// groupOf reports whether a value is a parameter group of an optimizer.
func (f *File) groupOf(v *pysem.Value, optimizer *Object, depth int) bool {
	if v == nil || depth > 6 {
		return false
	}
	for _, a := range v.Alternatives() {
		of := a.Base
		switch {
		case a.Kind == pysem.Attr && a.Name == "param_groups":
			if f.Object(a.Base, "").Same(optimizer) {
				return true
			}
			continue
		case a.Callee() == "builtins.enumerate":
			of = f.Eval.Eval(pysem.Args(a.Node).Pos(0), a.Ctx)
		case a.Kind != pysem.Item && a.Kind != pysem.Elem && a.Kind != pysem.LoopVar:
			continue
		}
		if f.groupOf(of, optimizer, depth+1) {
			return true
		}
	}
	return false
}

// ofNumpy reports whether a number is one of numpy's: an element of an array, what a function of numpy gives for a number, or what is worked
// out with one.
func (f *File) ofNumpy(v *pysem.Value, depth int) bool {
	if v == nil || depth > 6 {
		return false
	}
	return slices.ContainsFunc(v.Alternatives(), func(a *pysem.Value) bool {
		switch a.Kind {
		case pysem.Binary:
			return f.ofNumpy(a.Base, depth+1) || f.ofNumpy(a.Other, depth+1)
		case pysem.Item, pysem.LoopVar:
			return slices.ContainsFunc(a.Base.Alternatives(), func(of *pysem.Value) bool { return arrays.MatchString(of.Callee()) })
		case pysem.Call:
			return reductions.MatchString(a.Callee()) || ofNumbers.MatchString(a.Callee())
		}
		return false
	})
}

// ofNumbers are functions of numpy that give one of its numbers for a number.
var ofNumbers = regexp.MustCompile(`^numpy\.(abs|absolute|ceil|clip|cos|cosh|exp|exp2|floor|interp|log|log10|log2|maximum|minimum|power|sin|sqrt|square|tanh)$`)

// sameFunction reports whether two places stand in one function of one file.
func (f *File) sameFunction(a, b pyast.Node) bool {
	return a.Tree() == b.Tree() && f.moduleOf(a).Scope(a) == f.moduleOf(b).Scope(b)
}

func (f *File) unloadable(x pysem.Expr, key string, depth int, out *[]Unloadable) {
	if depth > 3 {
		return
	}
	// The evaluator reads Path("x") as its text, and str(v) as the text of v: what is written decides first.
	if x.Node.Valid() && f.text(x) {
		return
	}
	if what, as := f.refusedCall(x.Node, x.Ctx); what != "" {
		*out = append(*out, Unloadable{Key: key, Value: x.Node, What: what, As: as})
		return
	}
	alternatives := f.Eval.Expr(x).Alternatives()
	for _, a := range alternatives {
		switch a.Kind {
		case pysem.Dict:
			for _, e := range a.Dict.Entries {
				f.unloadable(e.Value, key, depth+1, out)
			}
			for _, e := range a.Dict.Rest {
				f.unloadable(e, key, depth+1, out)
			}
			continue
		case pysem.List, pysem.Tuple:
			for _, e := range a.Elems {
				f.unloadable(pysem.Expr{Val: e}, key, depth+1, out)
			}
			continue
		}
		what, as := f.refused(a, 0)
		if what == "" {
			continue
		}
		if slices.ContainsFunc(alternatives, func(o *pysem.Value) bool { return o.Kind == pysem.NoneVal }) {
			as = "" // float(None) is none
		}
		n := x.Node
		if !n.Valid() {
			n = a.Node
		}
		*out = append(*out, Unloadable{Key: key, Value: n, What: what, As: as})
		return
	}
}

// text says that an expression is a string whatever it is made from.
func (f *File) text(x pysem.Expr) bool {
	if x.Node.Is(pyast.KindString, pyast.KindConcatenatedString) {
		return true
	}
	if x.Node.Kind() != pyast.KindCall {
		return false
	}
	name := calleeName(f.Eval.Eval(x.Node.Child(pyast.FieldFunction), x.Ctx))
	return name == "builtins.str" || strings.HasPrefix(name, "os.path.")
}

func (f *File) refusedCall(n pyast.Node, ctx *pysem.Ctx) (what, as string) {
	if n.Kind() != pyast.KindCall {
		return "", ""
	}
	r := torch.Refused(calleeName(f.Eval.Eval(n.Child(pyast.FieldFunction), ctx)))
	return r.What, r.As
}

// handed says what a parameter is, by its annotation or because Hydra calls its function, when weights_only refuses that.
func (f *File) handed(v *pysem.Value) (what, as string) {
	if v.Ctx == nil {
		return "", ""
	}
	for _, d := range v.Ctx.Func.Decorators {
		if d.Kind() == pyast.KindCall && f.qualified(d.Child(pyast.FieldFunction)) == "hydra.main" {
			return torch.OmegaConf, ""
		}
	}
	if declared := f.declaredAs(v); len(declared) == 1 {
		r := torch.Refused(calleeName(declared[0]))
		return r.What, r.As
	}
	return "", ""
}

// arrays and scalars are numpy functions by what they return; a reduction with an axis gives an array.
var (
	arrays     = regexp.MustCompile(`^numpy\.(array|asarray|zeros|ones|full|empty|arange|linspace|concatenate|stack|vstack|hstack)$`)
	reductions = regexp.MustCompile(`^numpy\.(mean|median|std|var|max|min|amax|amin|sum|average|nanmean|prod|percentile|quantile|float32|float64|float16)$`)
)

// refused says what a value is, when it is known that weights_only refuses it, and in which form it would load.
func (f *File) refused(v *pysem.Value, depth int) (what, as string) {
	if depth > 3 {
		return "", ""
	}
	switch v.Kind {
	case pysem.Binary:
		// A numpy scalar counted with stays one.
		for _, pair := range [][2]*pysem.Value{{v.Base, v.Other}, {v.Other, v.Base}} {
			if as := f.numpyScalar(pair[0], depth+1); as != "" && (plainNumber(pair[1]) || f.numpyScalar(pair[1], depth+1) != "") {
				return numpyScalars, as
			}
		}
	case pysem.ParamVal:
		return f.handed(v)
	case pysem.Instance:
		if v.Node.Valid() && f.Object(v, "") == nil {
			return fmt.Sprintf("objects of class `%s`", v.Class.Name), ""
		}
	case pysem.External:
		if v.Name == "torch.__version__" || v.Name == "torch.version.__version__" {
			return "TorchVersion objects", "str"
		}
	case pysem.Call:
		name := v.Callee()
		if r := torch.Refused(name); r.What != "" {
			return r.What, r.As
		}
		if e, ok := torch.Lookup(name); ok && e.Kind == torch.RNGGetter && strings.HasPrefix(name, "numpy.") {
			return "numpy arrays", "numpy-rng"
		}
		args := pysem.Args(v.Node)
		switch {
		case name == "copy.deepcopy":
			return f.refused(f.Eval.Eval(args.Pos(0), v.Ctx), depth+1)
		case arrays.MatchString(name):
			return "numpy arrays", "tolist"
		case name == "numpy.int64" || name == "numpy.int32":
			return numpyScalars, "int"
		case reductions.MatchString(name) && len(args.Position) == 1 && !args.May() && (len(args.Keyword) == 0 || args.Keyword["dtype"].Valid() && len(args.Keyword) == 1):
			return numpyScalars, "float"
		case name == "builtins.max" || name == "builtins.min":
			for _, n := range args.Position {
				for _, a := range f.Eval.Eval(n, v.Ctx).Alternatives() {
					if what, as := f.refused(a, depth+1); what == numpyScalars {
						return what, as
					}
				}
			}
		}
		if recv, method, ok := v.Method(); ok {
			for _, r := range recv.Alternatives() {
				switch {
				case (method == "parse_args" || method == "parse_known_args") && r.Callee() == "argparse.ArgumentParser":
					return "argparse.Namespace objects", "vars"
				case arrays.MatchString(r.Callee()) && numpyReduction[method] && len(args.Position) == 0 && len(args.Keyword) == 0:
					return numpyScalars, "float"
				}
			}
		}
	}
	return "", ""
}

// numpyScalar is the form in which a number would load that is one of numpy's, at least once it is counted with: it may begin as a plain
// one. It is "" for all else.
func (f *File) numpyScalar(v *pysem.Value, depth int) string {
	form := ""
	for _, a := range v.Alternatives() {
		switch what, as := f.refused(a, depth); {
		case what == numpyScalars:
			form = as
		case !plainNumber(a):
			return ""
		}
	}
	return form
}

// plainNumber reports whether a value is one of Python's numbers.
func plainNumber(v *pysem.Value) bool {
	switch v.Callee() {
	case "builtins.float", "builtins.int", "builtins.len":
		return true
	}
	return v.Kind == pysem.Int || v.Kind == pysem.Float
}

// numpyScalars is how messages call the numbers that numpy's functions give.
const numpyScalars = "numpy scalars"

var numpyReduction = map[string]bool{"mean": true, "sum": true, "max": true, "min": true, "std": true, "var": true}
