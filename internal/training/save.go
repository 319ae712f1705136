package training

import (
	"iter"
	"regexp"
	"slices"
	"strings"

	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
	"github.com/ckpt-lsp/ckpt-lsp/internal/pysem"
	"github.com/ckpt-lsp/ckpt-lsp/internal/torch"
)

// PayloadKind says what a save writes.
type PayloadKind uint8

// Kinds of payload.
const (
	PayloadUnknown PayloadKind = iota
	PayloadDict                // a dict whose keys are known, at least in part
	PayloadState               // one bare state dict: Components holds its object
	PayloadObject              // a whole model object: Components holds it
	PayloadOther               // something that is no model: tensors, lists, numbers
)

// Role is what a component of a payload is.
type Role uint8

// Roles of components. The first are states of tracked objects and go with their Kind.
const (
	RoleOther    Role = iota
	RoleState         // state_dict() of Object
	RoleObject        // Object itself
	RoleUncalled      // Object.state_dict, without the call
	RoleProgress      // epoch, step, iteration
	RoleBest          // best metric
	RoleMetric        // another metric, losses, history
	RoleRNG           // generator state: RNG names the generator
	RoleConfig        // args, config, hyper-parameters
	RoleVersion       // torch version, git commit
)

// Component is one key of a payload.
type Component struct {
	Role Role
	Key  string
	// Entry is the key's place in the dict.
	Entry  pysem.Entry
	Value  *pysem.Value
	Object *Object
	RNG    []torch.RNG
	// Inner are the keys of a dict in the dict, all of which are known: {"nets": {"g": g.state_dict()}}. Their Key is the outer one, which
	// a load reads first.
	Inner []Component
}

// leaves are the component itself, or those that it is made of.
func (c Component) leaves(yield func(Component) bool) bool {
	if len(c.Inner) == 0 {
		return yield(c)
	}
	return !slices.ContainsFunc(c.Inner, func(in Component) bool { return !in.leaves(yield) })
}

// SaveSite is one save in one calling context.
type SaveSite struct {
	resumed      *LoadSite // see ResumedBy
	resumedKnown bool
	best         *bool // asked for once, see BestOnly
	*Call
	Kind       PayloadKind
	Components []Component
	// Added are the keys that are added to a bare state dict.
	Added []Component
	// Dict is the dict of a PayloadDict; Open says that it may hold keys that are not known.
	Dict *pysem.DictValue
	Open bool
	// PayloadNode is the argument as written at the save call.
	PayloadNode pyast.Node
	// Path is the file's name once it is in its place, Written the one that the call writes, and Names are those that it has besides,
	// at some time or under some condition.
	Path, Written *Path
	Names         []*Path
	// Foreign says that a helper of another file does the saving: its path, guard and further keys are not known.
	Foreign bool
	// Given says that a method gives the dict for whoever saves it.
	Given  bool
	keeper *keeper // the library's object that saves what was registered with it, nil for other saves
	// Collective says that every process must call it.
	Collective bool
	// Loop is the innermost loop around the save in which an optimizer steps, nil if there is none; EpochLoop is the loop
	// over epochs among the loops around it. AfterLoop says that it comes after a training loop instead.
	Loop, EpochLoop *Loop
	AfterLoop       bool
}

// Leaves are the components of the payload with those of the dicts in it in their place.
func (s *SaveSite) Leaves() iter.Seq[Component] {
	return func(yield func(Component) bool) {
		for _, c := range s.Components {
			if !c.leaves(yield) {
				return
			}
		}
	}
}

// Keeper is how the object is written that saves what was registered with it, "" for other saves.
func (s *SaveSite) Keeper() string {
	if s.keeper == nil {
		return ""
	}
	return s.keeper.name()
}

// Has reports whether the state of an object, wrappers aside, is in the payload.
func (s *SaveSite) Has(o *Object) bool {
	for c := range s.Leaves() {
		if c.Object.Same(o) && (c.Role == RoleState || c.Role == RoleObject || c.Role == RoleUncalled) {
			return true
		}
	}
	return false
}

// HasKind reports whether a state of some object of the kind is in the payload, by object or by the name of its key.
func (s *SaveSite) HasKind(k Kind) bool {
	for c := range s.Leaves() {
		if c.Object != nil && c.Object.Kind == k || c.Object == nil && keyKind(c.Key) == k {
			return true
		}
	}
	return false
}

// HasRole reports whether a component of the role is in the payload.
func (s *SaveSite) HasRole(r Role) bool {
	for _, c := range s.Components {
		if c.Role == r {
			return true
		}
	}
	return false
}

// HasRNG reports whether the state of a generator is in the payload.
func (s *SaveSite) HasRNG(g torch.RNG) bool {
	for _, c := range s.Components {
		for _, x := range c.RNG {
			if x == g {
				return true
			}
		}
	}
	return false
}

// HoldsStates reports whether the payload has progress beside states that objects give, whichever they are.
func (s *SaveSite) HoldsStates() bool {
	if s.Kind != PayloadDict || !s.HasRole(RoleProgress) {
		return false
	}
	for _, c := range s.Components {
		if _, m, ok := c.Value.Method(); ok && stateMethod.MatchString(m) {
			return true
		}
	}
	return false
}

var stateMethod = regexp.MustCompile(`^(get_)?(state|state_dict)$`)

// Training reports whether the payload is more than a model: optimizer or scheduler state or progress beside a model. An
// optimizer's key that holds None says that the state is left out on purpose.
func (s *SaveSite) Training() bool {
	if s.Kind != PayloadDict || !s.HasKind(Model) {
		return false
	}
	training := false
	s.Run.File.Eval.Work.Spend(2 * len(s.Components))
	for _, c := range s.Components {
		var k Kind
		if c.Object != nil {
			k = c.Object.Kind
		} else {
			k = keyKind(c.Key)
		}
		if c.Value != nil && c.Value.Kind == pysem.NoneVal {
			if k == Optimizer {
				return false
			}
			continue
		}
		training = training || k == Optimizer || k == Scheduler || k == Scaler || c.Role == RoleProgress
	}
	return training
}

// Several reports whether the state that a component holds is that of one of several objects, as the program chooses.
func (f *File) Several(c Component) bool {
	if _, _, ok := c.Value.Method(); !ok {
		return false
	}
	of := map[string]bool{}
	for _, a := range f.Eval.Eval(c.Value.Node.Child(pyast.FieldFunction).Child(pyast.FieldObject), c.Value.Ctx).Alternatives() {
		if a.Kind == pysem.Call || a.Kind == pysem.Instance {
			of[a.Key()] = true
		}
	}
	return len(of) > 1
}

// Anchor is where findings on the payload stand: the first line of the save call, or of the dict when another function makes
// it and hands it to the one that saves.
func (s *SaveSite) Anchor() pyast.Place {
	n, ctx := s.site()
	if s.Dict != nil && s.Dict.Literal.Valid() {
		if l := s.Dict.Literal; l.Tree() != n.Tree() || ctx.Func.Module.Scope(l) != ctx.Func {
			n = l
		}
	}
	return firstLineAround(n)
}

// firstLineAround is the first line of an expression with what stands in front of it in its statement: `state = {` reads better than `{`.
func firstLineAround(n pyast.Node) pyast.Place {
	span := FirstLine(n)
	for p := n.Parent(); p.Valid() && !p.Is(pyast.KindBlock, pyast.KindModule); p = p.Parent() {
		if line := FirstLine(p); line.End >= span.End {
			span = line
		}
	}
	return span
}

// givenBy is the dict display in another function than the one that saves in which an instance gives the states of its optimizers, none
// where the save's own function names them: `def states(self): yield {"optimizer": self.optimizer.state_dict()}`.
func (s *SaveSite) givenBy() pyast.Node {
	for _, x := range append(s.Companions(), s) {
		for _, c := range x.Components {
			if c.Role != RoleState || c.Object == nil || c.Object.Kind != Optimizer || !strings.HasPrefix(c.Object.Name, "self.") || c.Entry.Pair.Kind() != pyast.KindPair {
				continue
			}
			if at := c.Entry.Pair.Parent(); at != x.Dict.Literal && x.Run.File.moduleOf(at).Scope(at) != x.Ctx.Func {
				return at
			}
		}
	}
	return pyast.Node{}
}

// AnchorFor is where a finding on an object that the payload lacks stands: the anchor, or, where a function of another file makes
// the dict and cannot name the object, the call of that function by the file that can.
func (s *SaveSite) AnchorFor(o *Object) pyast.Place {
	if s.keeper != nil {
		return firstLineAround(s.keeper.placeOf(o))
	}
	if given := s.givenBy(); given.Valid() && strings.HasPrefix(o.Name, "self.") {
		return firstLineAround(given)
	}
	if s.Dict == nil || !s.Dict.Literal.Valid() || strings.HasPrefix(o.Name, "self.") || s.worksBeside(o) {
		return s.Anchor()
	}
	ctx := s.Ctx
	for ctx != nil && ctx.Func.Module.Scope(s.Dict.Literal) != ctx.Func {
		ctx = ctx.Parent
	}
	name := baseName(o.Name)
	for ; ctx != nil && ctx.Parent != nil && ctx.Call.Valid() && len(ctx.Func.Defs(name)) == 0; ctx = ctx.Parent {
		if ctx.Call.Tree() != s.Dict.Literal.Tree() {
			return FirstLine(ctx.Call)
		}
	}
	return s.Anchor()
}

// worksBeside reports whether an object that stands for a whole module, as apex's loss scaling does, is used in the file that makes
// the dict: it can be named there without being handed over.
func (s *SaveSite) worksBeside(o *Object) bool {
	return o.Value != nil && o.Value.Kind == pysem.External && slices.ContainsFunc(s.Run.Steps, func(st *Step) bool {
		return st.Object.Same(o) && st.Node.Tree() == s.Dict.Literal.Tree()
	})
}

// Site is the call that asks for the save: the save itself, or that of the function which only hands on all it is given,
// as save_on_master(*args, **kwargs).
func (s *SaveSite) Site() pyast.Node {
	n, _ := s.site()
	return n
}

func (s *SaveSite) site() (pyast.Node, *pysem.Ctx) {
	n, ctx := s.Node, s.Ctx
	for pysem.Args(n).Star && ctx.Call.Valid() && ctx.Parent != nil {
		n, ctx = ctx.Call, ctx.Parent
	}
	return n, ctx
}

// FirstLine is a node's place, cut at the end of its first line.
func FirstLine(n pyast.Node) pyast.Place {
	span := n.Place()
	if i := strings.IndexAny(n.Text(), "\r\n"); i >= 0 {
		span.End = span.Start + i
	}
	return span
}

var (
	bestKey    = regexp.MustCompile(`(?i)best|^(max|min)_(acc|loss|prec|score|metric|val)|top_?(acc|score)`)
	metricKey  = regexp.MustCompile(`(?i)(loss|acc|prec|metric|score|history|results?|iou|map|psnr|bleu|log|curve|auc|f1)`)
	rngKey     = regexp.MustCompile(`(?i)(^|_)(rng|random|numpy|cuda_rng|torch_rng|seed_state)(_|$)|rng_?states?|random_?states?`)
	configKey  = regexp.MustCompile(`(?i)(args|config|cfg|opts?|hparams|hyper_?param\w*|params|options|settings|arch|model_args|class_names|classes|vocab|meta\w*|names)$`)
	versionKey = regexp.MustCompile(`(?i)(version|commit|git|date|time)`)
)

// KeyRole is what a key says that it holds, by its name alone: a number, settings, a generator's state, or the state of a kind of object.
func KeyRole(key string) (Role, Kind) {
	switch {
	case isProgressKey(key) && !metricKey.MatchString(key):
		return RoleProgress, NotTracked
	case bestKey.MatchString(key):
		return RoleBest, NotTracked
	case versionKey.MatchString(key):
		return RoleVersion, NotTracked
	case configKey.MatchString(key):
		return RoleConfig, NotTracked
	case rngKey.MatchString(key):
		return RoleRNG, NotTracked
	case metricKey.MatchString(key):
		return RoleMetric, NotTracked
	}
	return RoleOther, keyKind(key)
}

// keyKind guesses an object's kind from the key it is stored under.
func keyKind(key string) Kind {
	k := strings.ToLower(key)
	switch {
	case strings.Contains(k, "optim") || strings.HasPrefix(k, "opt_") || strings.HasSuffix(k, "_opt"):
		return Optimizer
	case strings.Contains(k, "sched"):
		return Scheduler
	case strings.Contains(k, "scaler") || k == "amp":
		return Scaler
	case strings.Contains(k, "ema"):
		return Averaged
	case k == "state_dict" || k == "weights" || strings.Contains(k, "model") && !configKey.MatchString(key) || k == "net" || strings.HasPrefix(k, "net_") || strings.HasSuffix(k, "_net"):
		return Model
	}
	return nameKind(key)
}

func (f *File) save(r *Run, c *Call) {
	args := pysem.Args(c.Node)
	s := &SaveSite{Call: c, Collective: c.Known && c.Entry.Collective}
	payload, path := args.Get(0, c.Entry.Payload), args.Get(1, c.Entry.Path)
	switch {
	case c.Entry.PathFirst:
		payload, path = args.Get(1, c.Entry.Payload), args.Get(0, c.Entry.Path)
	case c.Entry.Collective:
		path = f.checkpointID(c)
	}
	if !c.Known && !c.Entry.Once {
		s.Foreign = !masterSaver.MatchString(lastPart(c.Callee))
		payload, path = f.foreignPayload(c, args)
		if !payload.Valid() {
			return
		}
	}
	s.PayloadNode = payload
	value := f.Eval.Eval(payload, c.Ctx)
	s.Path = f.path(path, c.Ctx)
	if c.Known && args.Star { // save_on_master(*args, **kwargs)
		passed := f.Eval.Passed(c.Node, c.Ctx)
		if x, ok := passed.Get(0, "obj"); ok {
			value = f.Eval.Expr(x)
			s.PayloadNode = value.Node
		}
		if x, ok := passed.Get(1, "f"); ok {
			to := f.Eval.Expr(x)
			s.Path = f.pathFrom(to.Node, to)
		}
	}
	s.Written = s.Path
	f.payload(s, value)
	r.Saves = append(r.Saves, s)
}

// checkpointID is where a distributed checkpoint lies: the folder's name, or that of the reader or writer that is given for it.
func (f *File) checkpointID(c *Call) pyast.Node {
	args := pysem.Args(c.Node)
	for _, n := range []pyast.Node{args.Keyword[c.Entry.Path], args.Keyword["storage_writer"], args.Keyword["storage_reader"], args.Get(1, "f")} {
		if !n.Valid() {
			continue
		}
		if v := f.Eval.Eval(n, c.Ctx); v.Kind == pysem.Call && v.Ctx == c.Ctx && storage.MatchString(v.Callee()) {
			return pysem.Args(v.Node).Get(0, "path")
		}
		return n
	}
	return pyast.Node{}
}

// storage are the readers and writers of distributed checkpoints.
var storage = regexp.MustCompile(`^torch\.distributed\.checkpoint\.(filesystem\.)?(FileSystem|Fsspec)(Reader|Writer)$`)

var masterSaver = regexp.MustCompile(`(?i)^(save_on_(master|main|rank0?)|master_save)$`)

// foreignPayload is the dict among the arguments of a helper of another file, provided that it holds a state dict.
func (f *File) foreignPayload(c *Call, args pysem.ArgList) (payload, path pyast.Node) {
	candidates := append([]pyast.Node{}, args.Position...)
	for _, k := range []string{"state", "obj", "checkpoint", "state_dict", "ckpt"} {
		if n, ok := args.Keyword[k]; ok {
			candidates = append(candidates, n)
		}
	}
	for i, n := range candidates {
		d := f.Eval.Eval(n, c.Ctx).AsDict()
		if d == nil {
			continue
		}
		for _, x := range d.Entries {
			v := f.Eval.Expr(x.Value)
			if _, m, ok := v.Method(); ok && m == "state_dict" {
				if i+1 < len(args.Position) {
					path = args.Position[i+1]
				}
				return n, path
			}
		}
	}
	return pyast.Node{}, pyast.Node{}
}

func (f *File) payload(s *SaveSite, v *pysem.Value) {
	if d := v.AsDict(); d != nil {
		s.Kind, s.Dict, s.Open = PayloadDict, d, d.Open
		for _, x := range d.Entries {
			c := f.component(x)
			if s.Collective {
				c = f.stateAsked(c)
			}
			if c.Role == RoleState && c.Object == nil {
				c.Object = s.Run.givesParameters(c.Value)
			}
			if c.Inner == nil {
				c.Inner = f.inner(c, 0)
			}
			s.Components = append(s.Components, c)
		}
		return
	}
	whole := v
	if v.Kind == pysem.Join {
		// Sometimes a dict, sometimes something else: read the dict, as an open one.
		for _, a := range v.Elems {
			if a.Kind == pysem.Dict {
				f.payload(s, a)
				s.Open = true
				return
			}
		}
		v = v.Elems[0]
	}
	if recv, m, ok := v.Method(); ok && m == "state_dict" {
		s.Kind = PayloadState
		c := Component{Role: RoleState, Value: v}
		c.Object = f.Object(recv, v.Node.Child(pyast.FieldFunction).Child(pyast.FieldObject).Text())
		if c.Object == nil {
			c.Object = &Object{Kind: Model, Name: v.Node.Child(pyast.FieldFunction).Child(pyast.FieldObject).Text(), Value: recv, Guessed: true, key: recv.Key()}
		}
		// One file for each of what was registered, whatever that is.
		s.Open = c.Object.Guessed && nameKind(baseName(c.Object.Name)) == NotTracked && (recv.Kind == pysem.Elem || recv.Kind == pysem.LoopVar || recv.Kind == pysem.Item)
		s.Components = []Component{c}
		for _, x := range v.Added {
			s.Added = append(s.Added, f.component(x))
		}
		return
	}
	if o := f.gathered(v); o != nil {
		s.Kind = PayloadState
		s.Components = []Component{{Role: RoleState, Value: v, Object: o}}
		return
	}
	if v.Kind == pysem.Attr && v.Name == "state_dict" {
		s.Kind = PayloadState
		s.Components = []Component{{Role: RoleUncalled, Value: v, Object: f.Object(v.Base, "")}}
		return
	}
	if o := f.Object(whole, s.PayloadNode.Text()); o != nil {
		s.Kind = PayloadObject
		s.Components = []Component{{Role: RoleObject, Value: whole, Object: o}}
		return
	}
	if v.Kind == pysem.ParamVal || v.Kind == pysem.Unknown || v.Kind == pysem.Call && v.Base.Kind != pysem.External {
		s.Open = true
		return
	}
	s.Kind = PayloadOther
	s.Components = f.members(s, v)
}

// stateAsked is what a key holds whose object is asked for its state, as torch.distributed.checkpoint asks those that have a state_dict: where a
// class of the program gives the states of others, it is theirs.
func (f *File) stateAsked(c Component) Component {
	if v := c.Value.Known(); v != nil && v.Kind == pysem.Instance && (c.Object == nil || c.Object.Guessed || c.Object.Kind != f.classKind(v.Class, 0)) {
		if gives := f.Eval.MethodOf(v.Class, "state_dict"); gives != nil && !gives.Yields && len(gives.Returns) == 1 {
			given := pysem.Expr{Node: gives.Returns[0], Ctx: f.Eval.Root(gives, v)}
			in := f.component(pysem.Entry{Key: c.Key, Value: given})
			if in.Object != nil && in.Role == RoleState {
				c.Role, c.Object = RoleState, in.Object
				return c
			}
			in.Role, in.Object = RoleOther, nil
			if in.Inner = f.inner(in, 0); in.Inner != nil {
				c.Role, c.Object, c.Inner = RoleState, nil, in.Inner
				return c
			}
		}
	}
	if c.Role == RoleObject {
		c.Role = RoleState
	}
	return c
}

// members are the objects, and their states, that a list or tuple which is written out at the save holds, and the states in one that is made
// elsewhere: `[o.state_dict() for o in optimizers]`.
func (f *File) members(s *SaveSite, v *pysem.Value) []Component {
	var out []Component
	if !s.PayloadNode.Is(pyast.KindList, pyast.KindTuple) {
		for _, x := range v.Elems {
			if c := f.component(pysem.Entry{Value: pysem.Expr{Val: x}}); c.Role == RoleState && (v.Kind == pysem.List || v.Kind == pysem.Tuple) {
				out = append(out, c)
			}
		}
		return out
	}
	for n := range s.PayloadNode.Children() {
		v := f.Eval.Eval(n, s.Ctx)
		c := Component{Entry: pysem.Entry{Value: pysem.Expr{Node: n, Ctx: s.Ctx, Val: v}}, Value: v}
		if recv, m, ok := v.Method(); ok && m == "state_dict" {
			c.Role, c.Object = RoleState, f.Object(recv, v.Node.Child(pyast.FieldFunction).Child(pyast.FieldObject).Text())
		} else {
			c.Role, c.Object = RoleObject, f.Object(v, n.Text())
		}
		if c.Object != nil && (!c.Object.Guessed || s.Run.IsModel(c.Object)) {
			out = append(out, c)
		}
	}
	return out
}

// maxNested bounds the dicts in dicts that a payload is read through.
const maxNested = 3

// inner are the components of a dict that a key of a payload holds, nil unless all its keys are known and the states of objects are among
// them. What an object gives is its own state, whatever that is made of.
func (f *File) inner(c Component, depth int) []Component {
	if depth >= maxNested || c.Entry.Value.Node.Kind() == pyast.KindCall || c.Role != RoleState && c.Role != RoleOther || c.Value.Kind != pysem.Dict || c.Value.Dict.Open {
		return nil
	}
	var out []Component
	states := false
	for _, x := range c.Value.Dict.Entries {
		in := f.component(x)
		if in.Object == nil && in.Role == RoleState {
			if recv, _, ok := in.Value.Method(); ok {
				in.Object = &Object{Kind: keyKind(c.Key), Name: recv.Node.Text(), Value: recv, Guessed: true, key: recv.Key()}
			}
		}
		states = states || in.Object != nil
		in.Inner = f.inner(in, depth+1)
		in.Key = c.Key
		out = append(out, in)
	}
	if !states {
		return nil
	}
	return out
}

// givesParameters is the module whose state a value is, whatever it is called, when the run has asked it for its parameters; nil
// when it has not.
func (r *Run) givesParameters(state *pysem.Value) *Object {
	recv, _, ok := state.Method()
	if !ok || recv.Kind == pysem.Unknown {
		return nil
	}
	for _, c := range r.Calls {
		if (c.Method == "parameters" || c.Method == "named_parameters") && c.Value != nil && c.Value.Key() == recv.Key() {
			return r.File.module(state.Node.Child(pyast.FieldFunction).Child(pyast.FieldObject), state.Ctx)
		}
	}
	return nil
}

// otherGetter gives the state of a generator that the tables do not tell of, as that of another accelerator.
var otherGetter = regexp.MustCompile(`\.get_rng_state(_all)?$`)

// component says what one key of a dict holds.
func (f *File) component(x pysem.Entry) Component {
	c := Component{Key: x.Key, Entry: x, Value: f.Eval.Expr(x.Value)}
	text := x.Value.Node.Text()
	for _, a := range c.Value.Alternatives() {
		if o := f.gathered(a); o != nil {
			c.Role, c.Object = RoleState, o
			return c
		}
		if recv, m, ok := a.Method(); ok {
			switch m {
			case "get_state":
				o := f.Object(recv, a.Node.Child(pyast.FieldFunction).Child(pyast.FieldObject).Text())
				if o == nil || o.Kind != Generator {
					break // an object's own way to give its state
				}
				c.Role, c.Object = RoleRNG, o
				return c
			case "state_dict", "consolidate_state_dict", "get_state_dict":
				name := a.Node.Child(pyast.FieldFunction).Child(pyast.FieldObject).Text()
				c.Role, c.Object = RoleState, f.Object(recv, name)
				if c.Object == nil {
					if k := keyKind(x.Key); k != NotTracked {
						c.Object = &Object{Kind: k, Name: name, Value: recv, Guessed: true, key: recv.Key()}
					}
				}
				return c
			case "get_rng_state", "getstate":
				c.Role = RoleRNG
				return c
			}
		}
		if a.Kind == pysem.Attr && a.Name == "state_dict" {
			c.Role, c.Object = RoleUncalled, f.Object(a.Base, strings.TrimSuffix(text, ".state_dict"))
			return c
		}
		if e, ok := torch.Lookup(a.Callee()); ok && e.Kind == torch.RNGGetter {
			c.Role, c.RNG = RoleRNG, append(c.RNG, e.Generators...)
		} else if otherGetter.MatchString(a.Callee()) {
			c.Role = RoleRNG
		}
	}
	if c.Role == RoleRNG {
		return c
	}
	inside := rngSearch{f: f}
	if rngs := inside.states(x.Value, 0); len(rngs) > 0 {
		c.Role, c.RNG = RoleRNG, rngs
		if inside.either {
			c.RNG = nil // which generator it is depends on the way taken
		}
		return c
	}
	c.Role, _ = KeyRole(x.Key)
	if c.Role == RoleOther || c.Role == RoleConfig {
		if o := f.Object(c.Value, text); o != nil && (c.Role == RoleOther || !o.Guessed) {
			c.Object = o
			c.Role = RoleObject
			if k := keyKind(x.Key); o.Guessed && (c.Value.Kind == pysem.Unknown || c.Value.Kind == pysem.ParamVal || c.Value.Kind == pysem.Attr) {
				// A variable that holds a state dict already, as in `model_state = model.state_dict()` out of sight.
				if strings.Contains(strings.ToLower(x.Key), "state") || k == Model {
					c.Role = RoleState
				}
			}
		} else if k := keyKind(x.Key); k != NotTracked && c.Role == RoleOther {
			c.Role = RoleState
			c.Object = &Object{Kind: k, Name: text, Value: c.Value, Guessed: true, key: c.Value.Key()}
		}
	}
	return c
}

// rngSearch looks for generator states in a value; either says that it met one of several, as `cuda if gpu else cpu`.
type rngSearch struct {
	f      *File
	either bool
}

// states finds generator states inside nested dicts, lists, conversions and conditionals: {"torch": torch.get_rng_state(), ...}.
func (r *rngSearch) states(x pysem.Expr, depth int) []torch.RNG {
	if depth > 3 {
		return nil
	}
	v := r.f.Eval.Expr(x)
	var out []torch.RNG
	ways, before := map[torch.RNG]bool{}, 0
	for _, a := range v.Alternatives() {
		if len(out) == before+1 {
			ways[out[before]] = true
		}
		before = len(out)
		switch a.Kind {
		case pysem.Dict:
			for _, e := range a.Dict.Entries {
				out = append(out, r.states(e.Value, depth+1)...)
			}
		case pysem.List, pysem.Tuple:
			for _, e := range a.Elems {
				out = append(out, r.states(pysem.Expr{Val: e}, depth+1)...)
			}
			for c := range a.Node.Children() { // [x.tolist() ... for x in numpy.random.get_state()]
				if c.Kind() == pyast.KindForInClause {
					out = append(out, r.states(pysem.Expr{Node: c.Child(pyast.FieldRight), Ctx: a.Ctx}, depth+1)...)
				}
			}
		default:
			if !a.Node.Valid() || a.Ctx == nil {
				continue
			}
			if e, ok := torch.Lookup(a.Callee()); ok && e.Kind == torch.RNGGetter {
				out = append(out, e.Generators...)
				continue
			}
			if a.Kind == pysem.Item || a.Kind == pysem.Elem {
				out = append(out, r.states(pysem.Expr{Val: a.Base}, depth+1)...)
				continue
			}
			if _, _, ok := a.Method(); ok { // on all ways the receiver may have come about
				recv := a.Node.Child(pyast.FieldFunction).Child(pyast.FieldObject)
				out = append(out, r.states(pysem.Expr{Node: recv, Ctx: a.Ctx}, depth+1)...)
			}
			if a.Kind == pysem.Call {
				for _, arg := range pysem.Args(a.Node).Position {
					out = append(out, r.states(pysem.Expr{Node: arg, Ctx: a.Ctx}, depth+1)...)
				}
			}
		}
	}
	if len(out) == before+1 {
		ways[out[before]] = true
	}
	r.either = r.either || len(ways) > 1
	return out
}

// place finds the loops a save stands in.
func (s *SaveSite) place() {
	for fr := s.Frame; fr != nil; fr = fr.Parent {
		if fr.Kind != pysem.FrameLoop {
			continue
		}
		for _, l := range s.Run.Loops {
			if l.Node == fr.Node && l.Holds(s.Index) && l.Trains {
				if s.Loop == nil {
					s.Loop = l
				}
				if s.EpochLoop == nil && l.Epoch() {
					s.EpochLoop = l
				}
			}
		}
	}
	if s.Loop == nil {
		for _, l := range s.Run.Loops {
			if l.Trains && l.Last < s.Index {
				s.AfterLoop = true
			}
		}
	}
	if s.Path != nil && s.Loop != nil {
		s.Path.Progress = slices.DeleteFunc(s.Path.Progress, s.countsTrainings)
	}
}

// countsTrainings reports whether a number in the name stays the same during the training that the save belongs to: it counts the rounds
// of a loop each of which trains a model of its own, as that over folds or the members of an ensemble, or of a loop that is not run.
func (s *SaveSite) countsTrainings(v *pysem.Value) bool {
	if l := s.countedIn(v); l != nil {
		return s.startsIn(l)
	}
	for base, _, ok := v.Linear(); ok && base != nil && base != v; base, _, ok = v.Linear() {
		v = base
	}
	return v.Kind == pysem.LoopVar && !slices.ContainsFunc(s.Run.Loops, func(l *Loop) bool { return l.Node == v.Node })
}

// startsIn reports whether each round of a loop makes the optimizer that the training steps.
func (s *SaveSite) startsIn(l *Loop) bool {
	return slices.ContainsFunc(s.Live(Optimizer), func(st *Step) bool { return l.makes(st.Object.Bare().Value) })
}

// makes reports whether a value comes about anew in each round of the loop.
func (l *Loop) makes(v *pysem.Value) bool {
	if v == nil || v.Kind != pysem.Instance && v.Kind != pysem.Call {
		return false
	}
	for n, ctx := v.Node, v.Ctx; ctx != nil; n, ctx = ctx.Call, ctx.Parent {
		if ctx == l.Ctx && l.Node.Encloses(n) {
			return true
		}
	}
	return false
}

// Conditions are the frames between the save and its training loop: periodic tests, best tests, rank guards.
func (s *SaveSite) Conditions() []*pysem.Frame {
	var out []*pysem.Frame
	for fr := s.Frame; fr != nil; fr = fr.Parent {
		if s.Loop != nil && fr.Kind == pysem.FrameLoop && fr.Node == s.Loop.Node {
			break
		}
		if fr.Kind == pysem.FrameIf {
			out = append(out, fr)
		}
	}
	return out
}

var bestCondition = regexp.MustCompile(`(?i)best|is_better|improved|\bmax_(acc|score|prec)|\bmin_(loss|val)`)

// BestOnly reports whether the save happens only when a metric is the best so far.
func (s *SaveSite) BestOnly() bool {
	if s.best == nil {
		best := slices.ContainsFunc(s.Conditions(), func(fr *pysem.Frame) bool {
			return fr.Positive != (fr.Cond.Kind() == pyast.KindNotOperator) && bestCondition.MatchString(fr.Cond.Text())
		})
		s.best = &best
	}
	return *s.best
}

// Live are the objects of a kind that work in the training the save belongs to: those that step in its loop; without a loop
// around it, those that step anywhere in the run before it.
func (s *SaveSite) Live(k Kind) []*Step {
	if s.keeper != nil {
		return s.keptSteps(k)
	}
	if f := s.Run.File; s.Given || s.Loop == nil && f.keptByClass(s) != nil {
		return f.classSteps(selfClass(s.Ctx), k)
	}
	var out []*Step
	seen := map[string]bool{}
	var outer *Loop
	if s.Loop != nil {
		outer = s.Loop.Outer()
	}
	for _, st := range s.Run.Steps {
		if st.Object.Kind != k || seen[st.Object.key] {
			continue
		}
		if outer != nil && !outer.Holds(st.Index) {
			continue
		}
		if outer == nil && !s.AfterLoop {
			continue
		}
		seen[st.Object.key] = true
		out = append(out, st)
	}
	return out
}
