package training

import (
	"regexp"
	"slices"
	"strings"

	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
	"github.com/ckpt-lsp/ckpt-lsp/internal/pysem"
	"github.com/ckpt-lsp/ckpt-lsp/internal/torch"
)

// Wrapping says whether a model stands in a DataParallel or DDP wrapper, which puts `module.` in front of its keys.
type Wrapping uint8

// Answers.
const (
	WrapUnknown Wrapping = iota
	Bare
	Wrapped // at least on some ways through the program
)

var moduleWrapper = regexp.MustCompile(`^(torch\.nn\.(parallel\.)?(data_parallel\.|distributed\.)?(DataParallel|DistributedDataParallel)|apex\.parallel(\.distributed)?\.DistributedDataParallel)$`)

// Wrapping reads the `model.state_dict()` of a save. What is made on no way that leads there is left out.
func (s *SaveSite) Wrapping(state *pysem.Value) Wrapping {
	f := s.Run.File
	if recv, m, ok := state.Method(); ok && m == "state_dict" {
		// A call's value keeps one of its receiver's ways; all of them count.
		if object := state.Node.Child(pyast.FieldFunction).Child(pyast.FieldObject); object.Valid() && state.Ctx != nil {
			recv = f.Eval.Eval(object, state.Ctx)
		}
		if w := f.wrapping(f.possible(recv, s.Frame), 0); w != Wrapped || !f.readThrough(state) {
			return w
		}
	}
	return WrapUnknown
}

// readThrough reports whether an attribute that no wrapper has is read of the same name before, on every way to its state_dict():
// a wrapper, which does not hand it on, would have raised there.
func (f *File) readThrough(state *pysem.Value) bool {
	object := state.Node.Child(pyast.FieldFunction).Child(pyast.FieldObject)
	scope := f.ScopeOf(state.Node)
	if object.Kind() != pyast.KindIdentifier {
		return false
	}
	for _, n := range namedIn(scope.Body, object.Text()) {
		p := n.Parent()
		if p.Kind() != pyast.KindAttribute || n.End() > object.Start() || torch.ModuleMember(p.Child(pyast.FieldAttribute).Text()) || p.Field() == pyast.FieldLeft {
			continue
		}
		set := slices.ContainsFunc(scope.Defs(object.Text()), func(d *pysem.Def) bool {
			return d.Kind != pysem.DefParam && d.Node.Start() > n.Start() && d.Node.Start() < object.Start()
		})
		if !set && onEveryWay(p, state.Node) {
			return true
		}
	}
	return false
}

// onEveryWay reports whether an expression is evaluated whenever another one below it in the same function is.
func onEveryWay(n, to pyast.Node) bool {
	for p := n.Parent(); p.Valid() && !p.Is(pyast.KindFunctionDefinition, pyast.KindModule); p = p.Parent() {
		if p.Is(pyast.KindIfStatement, pyast.KindConditionalExpression, pyast.KindBooleanOperator, pyast.KindForStatement, pyast.KindWhileStatement,
			pyast.KindTryStatement, pyast.KindLambda, pyast.KindListComprehension, pyast.KindDictionaryComprehension, pyast.KindGeneratorExpression) {
			return false
		}
	}
	return to.Start() > n.Start()
}

// WrappingOf reads the model that a restore loads into.
func (f *File) WrappingOf(x *Restore) Wrapping {
	if x.Value == nil {
		return WrapUnknown
	}
	w := f.wrapping(f.possible(x.Value, x.Frame), 0)
	if w != WrapUnknown {
		return w
	}
	for _, c := range x.Run.Calls { // nobody wraps a model twice: what is wrapped later is bare until then
		if c.Index > x.Index && moduleWrapper.MatchString(c.Callee) && pysem.Args(c.Node).Get(0, "module").TextIs(x.Recv.Text()) && c.Ctx == x.Ctx &&
			!Exclusive(c.Frame, x.Frame) {
			return Bare
		}
	}
	return WrapUnknown
}

// possible is a value without the wrappers that are made only where a frame is not reached: under `if ddp:`, behind `if not ddp:`.
func (f *File) possible(v *pysem.Value, fr *pysem.Frame) *pysem.Value {
	if v.Kind != pysem.Join {
		return v
	}
	out := *v
	out.Elems = slices.DeleteFunc(slices.Clone(v.Elems), func(a *pysem.Value) bool {
		return moduleWrapper.MatchString(a.Callee()) && f.excluded(a.Node, fr)
	})
	return &out
}

// excluded reports whether each call at a node stands where no pass of the program that gets to a frame comes by.
func (f *File) excluded(call pyast.Node, fr *pysem.Frame) bool {
	seen := false
	for _, r := range f.Runs {
		for _, c := range r.Calls {
			if c.Node == call {
				if seen = true; !Exclusive(c.Frame, fr) {
					return false
				}
			}
		}
	}
	return seen
}

func (f *File) wrapping(v *pysem.Value, depth int) Wrapping {
	if depth > 8 {
		return WrapUnknown
	}
	out := WrapUnknown
	inner := map[string]bool{} // what stands in a wrapper on other ways is bare on its own
	for _, a := range v.Alternatives() {
		if moduleWrapper.MatchString(a.Callee()) {
			for _, b := range f.Eval.Eval(pysem.Args(a.Node).Get(0, "module"), a.Ctx).Alternatives() {
				inner[b.Key()] = true
			}
		}
	}
	for i, a := range v.Alternatives() {
		w := f.wrappingOne(a, depth)
		if w == WrapUnknown && inner[a.Key()] {
			w = Bare
		}
		switch {
		case w == WrapUnknown:
			return WrapUnknown
		case i == 0 || w == Wrapped:
			out = w
		}
	}
	return out
}

func (f *File) wrappingOne(a *pysem.Value, depth int) Wrapping {
	f.Eval.Work.Spend(12) // names are matched
	switch a.Kind {
	case pysem.Instance:
		return Bare
	case pysem.Attr:
		if a.Name == "module" && f.wrapping(a.Base, depth+1) == Wrapped {
			return Bare
		}
	case pysem.Call:
		callee := a.Callee()
		if moduleWrapper.MatchString(callee) {
			return Wrapped
		}
		if recv, m, ok := a.Method(); ok && objectMethods[m] {
			return f.wrapping(recv, depth+1)
		}
		// A class or factory of another file makes a bare model as far as its name tells.
		if callee != "" && !strings.HasPrefix(callee, "builtins.") && !wrapsByName.MatchString(callee) {
			return Bare
		}
	}
	return WrapUnknown
}

// wrapsByName are functions of other files that may wrap what they make.
var wrapsByName = regexp.MustCompile(`(?i)wrap|parallel|distribut|ddp|fsdp|prepare|setup|compile|initialize|accelerat|shard|build|create|get|make|load|init|resume|restore`)

// AlwaysWrapped reports whether a model, or the model of a `model.state_dict()`, is in a wrapper on every way through the program.
func (f *File) AlwaysWrapped(v *pysem.Value) bool {
	if recv, m, ok := v.Method(); ok && m == "state_dict" {
		v = recv
	}
	return f.alwaysWrapped(v, 0)
}

func (f *File) alwaysWrapped(v *pysem.Value, depth int) bool {
	return !slices.ContainsFunc(v.Alternatives(), func(a *pysem.Value) bool {
		if _, m, ok := a.Method(); ok && objectMethods[m] && depth < 8 {
			// What `model.to(device)` hands back stands for one of the models that it may be called on: all of them are asked.
			return !f.alwaysWrapped(f.Eval.Eval(a.Node.Child(pyast.FieldFunction).Child(pyast.FieldObject), a.Ctx), depth+1)
		}
		return !moduleWrapper.MatchString(a.Callee())
	})
}

// LoadsOf are the restores that read a component of a save back into its model: from a file of the same name, or with the
// same key. known says that the file at hand loads some model at all, so that these are all there is.
func (f *File) LoadsOf(s *SaveSite, c Component) (restores []*Restore, known bool) {
	for _, r := range f.Runs {
		for _, x := range r.Restores {
			if x.Object == nil || x.Object.Kind != Model || x.Load == nil {
				known = known || x.Object != nil && x.Object.Kind == Model
				continue
			}
			known = true
			if x.Key != c.Key || !s.Writes(x.Load.Path) && !(!x.Load.Path.Known && f.plausible(s, x.Load)) && !s.takenBackBy(x) || !x.Object.Same(c.Object) && baseName(x.Object.Name) != baseName(c.Object.Name) {
				continue
			}
			if Exclusive(s.Frame, x.Frame) {
				continue
			}
			restores = append(restores, x)
		}
	}
	return restores, known
}

// takenBackBy reports whether a restore before the training takes back the very model that the save writes, from a file that may be one of
// the save's: it lies in the same directory, or its number is the one that training starts with.
func (s *SaveSite) takenBackBy(x *Restore) bool {
	if s.Loop == nil || x.Run != s.Run || x.Index > s.Loop.Outer().First || !x.Object.madeHere() || !s.restoredBy(x.Load) {
		return false
	}
	return s.countsOn(x.Load) || mayRead(x.Load.Path, s.Path) && sameDirectory(x.Load.Path.Pattern, s.Path.Pattern)
}

// sameDirectory reports whether two files lie in one directory of which something is known.
func sameDirectory(a, b string) bool {
	x, y := directories(a), directories(b)
	return len(x) > 0 && slices.Equal(x, y) && strings.Trim(x[len(x)-1], "*") != ""
}

var restorer = regexp.MustCompile(`(?i)load|resume|restore|restart`)

// RestoredElsewhere reports whether the run hands a model to a function of another file that loads into it, by its name.
func (r *Run) RestoredElsewhere(o *Object) bool {
	if r.restorers == nil {
		r.restorers = slices.DeleteFunc(slices.Clone(r.Calls), func(c *Call) bool {
			return c.Callee == "" || c.Known || !restorer.MatchString(lastPart(c.Callee))
		})
	}
	for _, c := range r.restorers {
		args := pysem.Args(c.Node)
		passed := append([]pyast.Node{}, args.Position...)
		for _, n := range args.Keyword {
			passed = append(passed, n)
		}
		for _, n := range passed {
			if r.File.Object(r.File.Eval.Eval(n, c.Ctx), n.Text()).Same(o) {
				return true
			}
		}
	}
	return false
}

var prefixHelper = regexp.MustCompile(`(?i)consume_prefix|strip_?(prefix|ddp|module)|remove_?(prefix|module)|unwrap|de_?parallel|without_?ddp|clean_?state_?dict|convert_?state_?dict|fix_?state_?dict`)
