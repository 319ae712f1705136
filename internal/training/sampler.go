package training

import (
	"maps"
	"regexp"
	"slices"

	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
	"github.com/ckpt-lsp/ckpt-lsp/internal/pysem"
)

// SplitLoader is a loader whose data a shuffling DistributedSampler splits over the ranks.
type SplitLoader struct {
	// Sampler is the construction of the sampler, Loader that of the DataLoader.
	Sampler, Loader *Call
	// SamplerName and LoaderName are the expressions that hold them where the loader is made, "" for none.
	SamplerName, LoaderName string
	// Epochs is the training loop in which the loader is gone through again and again, at Through.
	Epochs  *Loop
	Through pyast.Node
	// Mixed says that on some ways the loader has another sampler, or none.
	Mixed bool
	// Unseen says that the loader is lost sight of on its way to the loop.
	Unseen bool
}

// Place is where the finding belongs: the sampler, or, where a helper that has returned made it, the loop that goes through its
// data, in which the epoch must be told.
func (l SplitLoader) Place() pyast.Node {
	for c := l.Epochs.Ctx; c != nil; c = c.Parent {
		if c.Func == l.Sampler.Ctx.Func {
			return l.Sampler.Node
		}
	}
	if l.Unseen || l.Through.Kind() != pyast.KindForStatement || !l.Epochs.Var.Valid() {
		return l.Sampler.Node
	}
	if l.Epochs.Node.Encloses(l.Through) {
		return l.Epochs.Node
	}
	return l.Through
}

var (
	splitter  = regexp.MustCompile(`^torch\.utils\.data(\.distributed)?\.DistributedSampler$`)
	evalWords = regexp.MustCompile(`(?i)(^|_|\.)(val|valid|validation|test|testing|eval|evaluation|dev|infer|inference|predict|query|gallery)(_|\.|\d|$|[A-Z])|(val|test|eval)_?(loader|sampler|dataset|data|set)`)
)

// SplitLoaders are the loaders of the run with a shuffling DistributedSampler that train for several epochs. Those that a
// function out of sight is handed, which may tell the sampler the epoch, are left out.
func (r *Run) SplitLoaders() []SplitLoader {
	f := r.File
	var out []SplitLoader
	for _, c := range r.Calls {
		if !splitter.MatchString(c.Callee) || f.unreachable(c.Frame) || !f.splitterShuffles(c) || evalWords.MatchString(assigned(c.Node).Text()) {
			continue
		}
		made := f.Eval.Eval(c.Node, c.Ctx)
		f.Eval.Work.Spend(len(r.Calls))
		for _, l := range r.Calls {
			if lastPart(l.Callee) != "DataLoader" || l.Callee != "torch.utils.data.DataLoader" && !l.Known {
				continue
			}
			s := pysem.Args(l.Node).Get(3, "sampler")
			v := f.Eval.Eval(s, l.Ctx)
			if !s.Valid() || !stems(v, made) || evalWords.MatchString(assigned(l.Node).Text()) {
				continue
			}
			loop, through, ok := r.epochsOf(f.Eval.Eval(l.Node, l.Ctx), s, l)
			unseen := false
			if ok && loop == nil {
				loop, through = r.unseenEpochs(l)
				unseen = true
			}
			if !ok || loop == nil {
				continue
			}
			mixed := slices.ContainsFunc(v.Alternatives(), func(a *pysem.Value) bool { return !stems(a, made) })
			out = append(out, SplitLoader{c, l, name(s), name(assigned(l.Node)), loop, through, mixed, unseen})
		}
	}
	return out
}

// ToldUnder is the option under which alone the sampler is told the epoch, though it is made without it: none where it is told on every way,
// or by code that is not followed.
func (l SplitLoader) ToldUnder() pyast.Node {
	var option pyast.Node
	if l.Mixed || l.Unseen {
		return option
	}
	for _, c := range l.Epochs.Run.SetEpochs {
		if !l.Epochs.Holds(c.Index) || c.Ctx != l.Epochs.Ctx {
			return pyast.Node{}
		}
		cond := optionAround(c.Frame, l.Epochs)
		if !cond.Valid() || option.Valid() && !cond.TextIs(option.Text()) {
			return pyast.Node{}
		}
		option = cond
	}
	for _, at := range []*pysem.Frame{l.Sampler.Frame, l.Loader.Frame, l.Epochs.Frame} {
		for fr := at; fr != nil; fr = fr.Parent {
			if fr.Kind == pysem.FrameIf && option.Valid() && mentions(fr.Cond, option.Text()) {
				return pyast.Node{}
			}
		}
	}
	return option
}

// optionAround is the bare option that alone decides whether a place in a loop is come to, none where something else does, or nothing.
func optionAround(fr *pysem.Frame, l *Loop) pyast.Node {
	if fr == nil || fr.Kind != pysem.FrameIf || !fr.Positive || fr.Early || !fr.Cond.Is(pyast.KindIdentifier, pyast.KindAttribute) || fr.Parent == nil || fr.Parent.Node != l.Node {
		return pyast.Node{}
	}
	return fr.Cond
}

func name(n pyast.Node) string {
	if n.Is(pyast.KindIdentifier, pyast.KindAttribute) {
		return n.Text()
	}
	return ""
}

// assigned is the target that a call's value is assigned to.
func assigned(call pyast.Node) pyast.Node {
	n := call.Parent()
	for n.Is(pyast.KindConditionalExpression, pyast.KindParenthesizedExpression) {
		n = n.Parent()
	}
	if n.Kind() == pyast.KindAssignment {
		return n.Child(pyast.FieldLeft)
	}
	return pyast.Node{}
}

// loaderWord names data loaders, in the names and annotations of parameters.
var loaderWord = regexp.MustCompile(`(?i)(data|train)_?loader`)

// RestartedLoaders are the places at which generators that go round for ever start a loader anew that they are handed, in a file that works
// with several processes: what they yield never tells where one pass ends and the next begins, so nobody else can tell the epoch.
func (f *File) RestartedLoaders() []pyast.Node {
	if !slices.Contains(f.Module.Imports, "torch.distributed") {
		return nil
	}
	var out []pyast.Node
	for _, fn := range f.Module.Funcs {
		if !fn.Yields {
			continue
		}
		for _, p := range fn.Params {
			if !loaderWord.MatchString(p.Node.Text()) {
				continue
			}
			if n := restart(fn.Body, p.Name, false); n.Valid() {
				out = append(out, n)
			}
		}
	}
	return out
}

// restart is where a parameter is gone through anew in a loop without end, none where it is not.
func restart(n pyast.Node, parameter string, endless bool) pyast.Node {
	switch n.Kind() {
	case pyast.KindFunctionDefinition, pyast.KindLambda:
		return pyast.Node{}
	case pyast.KindWhileStatement:
		endless = endless || n.Child(pyast.FieldCondition).TextIs("True") || n.Child(pyast.FieldCondition).TextIs("1")
	case pyast.KindForStatement:
		if endless && n.Child(pyast.FieldRight).TextIs(parameter) {
			return n
		}
	case pyast.KindCall:
		if endless && n.Child(pyast.FieldFunction).TextIs("iter") && pysem.Args(n).Pos(0).TextIs(parameter) {
			return n
		}
	}
	for c := range n.Children() {
		if found := restart(c, parameter, endless); found.Valid() {
			return found
		}
	}
	return pyast.Node{}
}

// splitterShuffles says that a DistributedSampler shuffles for sure; it does unless it is told otherwise.
func (f *File) splitterShuffles(c *Call) bool {
	args := pysem.Args(c.Node)
	n := args.Get(3, "shuffle")
	if !n.Valid() {
		return !args.May()
	}
	t, known := f.Eval.Eval(n, c.Ctx).Truth()
	return known && t
}

// stems reports whether a value may be the object that another one is, None and constants aside.
func stems(v, object *pysem.Value) bool {
	for _, o := range object.Alternatives() {
		if o.Kind != pysem.Call && o.Kind != pysem.Instance {
			continue
		}
		for _, a := range v.Alternatives() {
			if a.Key() == o.Key() && oneWay(a.Ctx, o.Ctx) {
				return true
			}
		}
	}
	return false
}

// oneWay says that two contexts may be one and the same: what a factory makes for one caller is not what it makes for another.
func oneWay(a, b *pysem.Ctx) bool {
	for ; a != nil && b != nil && !a.Root() && !b.Root(); a, b = a.Parent, b.Parent {
		if a.Call != b.Call {
			return false
		}
	}
	return true
}

// iterators hand a loader's batches on.
var iterators = regexp.MustCompile(`(^|\.)(enumerate|iter|tqdm|trange|zip|cycle|islice|track|chain|prefetch\w*)$`)

// holds reports whether a value is the loader, or goes through its batches: enumerate(loader), tqdm(loader), a generator of this
// file that is handed the loader.
func (f *File) holds(v, loader *pysem.Value, depth int) bool {
	if depth > 6 {
		return false
	}
	if stems(v, loader) {
		return true
	}
	for _, a := range v.Alternatives() {
		if a.Node.Kind() != pyast.KindCall || a.Ctx == nil {
			continue
		}
		if !iterators.MatchString(lastPart(a.Node.Child(pyast.FieldFunction).Text())) && f.generator(a) == nil {
			continue
		}
		for _, arg := range pysem.Args(a.Node).Position {
			if f.holds(f.Eval.Eval(arg, a.Ctx), loader, depth+1) {
				return true
			}
		}
	}
	return false
}

// epochsOf finds the training loop that goes through a loader again in each round. ok is false where the loader or its
// sampler is handed to something that may call set_epoch.
func (r *Run) epochsOf(loader *pysem.Value, sampler pyast.Node, made *Call) (epochs *Loop, through pyast.Node, ok bool) {
	f := r.File
	split := f.Eval.Eval(sampler, made.Ctx)
	for _, object := range []*pysem.Value{loader, split} {
		for _, o := range object.Alternatives() {
			if slices.ContainsFunc(r.passedOn()[o.Key()], func(h passed) bool { return h.to.Node != made.Node && stems(h.value, object) }) {
				return nil, through, false
			}
		}
	}
	f.Eval.Work.Spend(6 * len(r.Loops))
	for _, l := range r.Loops {
		if l.Node.Kind() != pyast.KindForStatement || !f.holds(f.Eval.Eval(l.Node.Child(pyast.FieldRight), l.Ctx), loader, 0) {
			continue
		}
		if !l.learns() { // an evaluation, wherever it stands
			continue
		}
		if l.Parent != nil {
			return l.Parent.again(l.Node)
		}
	}
	// it = iter(loader), made anew inside the training loop when it runs out.
	for i, ev := range r.Events {
		if ev.Kind != pysem.EventCall || !ev.Node.Child(pyast.FieldFunction).TextIs("iter") {
			continue
		}
		if !stems(f.Eval.Eval(pysem.Args(ev.Node).Pos(0), ev.Ctx), loader) {
			continue
		}
		for _, l := range r.Loops {
			if l.Trains && l.Holds(i) && !inNext(ev.Node) {
				return l.again(ev.Node)
			}
		}
	}
	// A generator of this file that starts again when the loader runs out, read with next() in the training loop.
	for _, c := range r.Calls {
		if c.Callee != "builtins.next" {
			continue
		}
		source := f.Eval.Eval(pysem.Args(c.Node).Pos(0), c.Ctx)
		for _, l := range r.Loops {
			if l.Trains && l.Holds(c.Index) && f.restarts(source, loader) {
				return l.again(c.Node)
			}
		}
	}
	return nil, through, true
}

// unseenEpochs is the loop of several epochs that trains, behind the making of a loader, on data of which nothing is known: those of the
// loader, which is handed on where it is not seen. There is none in a program that hands its loaders to a framework.
func (r *Run) unseenEpochs(loader *Call) (*Loop, pyast.Node) {
	f := r.File
	if slices.ContainsFunc(f.involved(), func(m *pysem.Module) bool { return slices.ContainsFunc(m.Imports, trainsItself.MatchString) }) {
		return nil, pyast.Node{}
	}
	for _, l := range r.Loops {
		if l.Node.Kind() != pyast.KindForStatement || l.First < loader.Index || l.Parent == nil || f.process(l.Ctx) != f.process(loader.Ctx) {
			continue
		}
		over := l.Node.Child(pyast.FieldRight)
		for over.Kind() == pyast.KindCall && iterators.MatchString(calledName(over)) && pysem.Args(over).Pos(0).Valid() {
			over = pysem.Args(over).Pos(0)
		}
		unknown := !slices.ContainsFunc(f.Eval.Eval(over, l.Ctx).Alternatives(), func(a *pysem.Value) bool {
			return a.Kind != pysem.Unknown && a.Kind != pysem.Attr && a.Kind != pysem.Item
		})
		if unknown && !evalWords.MatchString(over.Text()) && (l.Parent.Epoch() || epochName.MatchString(l.Parent.Var.Text())) && l.learns() {
			loop, through, _ := l.Parent.again(l.Node)
			return loop, through
		}
	}
	return nil, pyast.Node{}
}

// trainsItself are libraries with a loop of their own, in which they may tell samplers the epoch.
var trainsItself = regexp.MustCompile(`^(lightning|pytorch_lightning|accelerate|transformers|ignite|catalyst|fastai|mmcv|mmengine|composer|detectron2|fvcore|determined|ray|torchtnt|speechbrain|deepspeed|poptorch|colossalai)\b`)

// learns reports whether the rounds of a loop train: an optimizer steps in them, or gradients come about.
func (l *Loop) learns() bool {
	return l.Trains || slices.ContainsFunc(l.Run.Calls, func(c *Call) bool { return l.Holds(c.Index) && c.Method == "backward" })
}

// restarts reports whether a value is a generator of this file over a loader, with an endless loop around the loader's.
func (f *File) restarts(source, loader *pysem.Value) bool {
	for _, a := range source.Alternatives() {
		g := f.generator(a)
		if g == nil || !f.holds(a, loader, 0) {
			continue
		}
		for n := range g.Body.Descendants() {
			if n.Kind() == pyast.KindWhileStatement {
				return true
			}
		}
	}
	return false
}

// generator is the generator function of this file whose call made a value, nil for none.
func (f *File) generator(v *pysem.Value) *pysem.Func {
	if v.Node.Kind() != pyast.KindCall || v.Ctx == nil {
		return nil
	}
	if fn := f.Eval.Eval(v.Node.Child(pyast.FieldFunction), v.Ctx); fn.Kind == pysem.FuncVal && fn.Func.Yields {
		return fn.Func
	}
	return nil
}

// inNext reports whether an iterator is made only to look at the first batch: next(iter(loader)).
func inNext(iter pyast.Node) bool {
	call := iter.Parent().Parent()
	return call.Kind() == pyast.KindCall && call.Child(pyast.FieldFunction).TextIs("next")
}

// again is the loop, provided that it has more than one round as far as is known.
func (l *Loop) again(through pyast.Node) (*Loop, pyast.Node, bool) {
	if n, known := l.Rounds(); known && n < 2 {
		return nil, through, true
	}
	return l, through, true
}

// passed is a value that a call is handed which may do with it what it likes.
type passed struct {
	to    *Call
	value *pysem.Value
}

// passedOn are those of the run, by the keys of what they may be.
func (r *Run) passedOn() map[string][]passed {
	if r.given != nil {
		return r.given
	}
	r.given = map[string][]passed{}
	for _, c := range r.Calls {
		if iterators.MatchString(lastPart(c.Node.Child(pyast.FieldFunction).Text())) || c.Callee != "" && harmlessForLoaders.MatchString(c.Callee) {
			continue
		}
		args := pysem.Args(c.Node)
		for _, n := range slices.AppendSeq(slices.Clone(args.Position), maps.Values(args.Keyword)) {
			v := r.File.Eval.Eval(n, c.Ctx)
			for _, a := range v.Alternatives() {
				r.given[a.Key()] = append(r.given[a.Key()], passed{c, v})
			}
		}
	}
	return r.given
}

// harmlessForLoaders take a loader and surely leave its sampler alone.
var harmlessForLoaders = regexp.MustCompile(`^(builtins\.|torch\.utils\.data\.DataLoader$|logging\.|torch\.optim\.)`)

// CallsSetEpoch reports whether a file involved calls set_epoch on anything.
func (f *File) CallsSetEpoch() bool {
	for n := range f.nodes() {
		if n.Kind() == pyast.KindAttribute && n.Child(pyast.FieldAttribute).TextIs("set_epoch") {
			return true
		}
	}
	return false
}
