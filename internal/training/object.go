package training

import (
	"regexp"
	"strings"
	"sync"

	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
	"github.com/ckpt-lsp/ckpt-lsp/internal/pysem"
	"github.com/ckpt-lsp/ckpt-lsp/internal/torch"
)

// Kind is what an object is for in training.
type Kind uint8

// Kinds of tracked objects.
const (
	NotTracked Kind = iota
	Model
	Optimizer
	Scheduler
	Scaler
	Averaged // an EMA or SWA copy of a model
	Loader
	Sampler
	Generator
)

var kindNames = [...]string{"", "model", "optimizer", "learning-rate scheduler", "gradient scaler", "averaged model", "data loader", "sampler", "generator"}

// String is the field's word for the kind.
func (k Kind) String() string { return kindNames[k] }

// Object is a tracked object of the program. One construction is one object, whatever names it goes by.
type Object struct {
	Kind Kind
	// Name is how the program calls it where it was first seen, as "optimizer" or "self.scheduler".
	Name string
	// Class is the qualified class or factory where it is known, as "torch.optim.SGD".
	Class string
	// Value is the object; Call is the construction, none for parameters and objects from elsewhere.
	Value *pysem.Value
	Call  pyast.Node
	Ctx   *pysem.Ctx
	// Guessed says that only its name or use tells what it is, not its class.
	Guessed bool
	// Wraps is the object inside a wrapper (DDP, DataParallel, compile); Prefix is what the wrapper puts before its keys.
	Wraps  *Object
	Prefix string

	key string
}

// Arg is the construction's argument by position or keyword.
func (o *Object) Arg(position int, name string) pysem.Expr {
	if !o.Call.Valid() {
		return pysem.Expr{}
	}
	return pysem.Expr{Node: pysem.Args(o.Call).Get(position, name), Ctx: o.Ctx}
}

// Bare is the object without its wrappers.
func (o *Object) Bare() *Object {
	for o != nil && o.Wraps != nil {
		o = o.Wraps
	}
	return o
}

// Same reports whether two objects are one, wrappers aside.
func (o *Object) Same(p *Object) bool {
	if o == nil || p == nil {
		return false
	}
	a, b := o.Bare(), p.Bare()
	return a.key == b.key || a.Value != nil && b.Value != nil && a.Value.MaySame(b.Value)
}

var torchKinds = map[torch.Kind]Kind{
	torch.Optimizer: Optimizer, torch.Scheduler: Scheduler, torch.Scaler: Scaler, torch.Averaged: Averaged,
	torch.Loader: Loader, torch.Sampler: Sampler, torch.Generator: Generator,
}

// factories recognise the makers of objects that other files define by their names.
var factories = []struct {
	pattern *regexp.Regexp
	kind    Kind
}{
	{regexp.MustCompile(`(?i)(optimi[sz]er|optim|adamw?|sgd|adafactor|rmsprop)s?$`), Optimizer},
	{regexp.MustCompile(`(?i)(scheduler|lr_sched|(Warmup|Cosine|Step|Poly)\w*LR)s?$`), Scheduler},
	{regexp.MustCompile(`(?i)(grad_?scaler|nativescaler\w*|loss_?scaler)$`), Scaler},
	{regexp.MustCompile(`(?i)(^|_|model)ema(model|v\d)?$|exponentialmovingaverage$|averagedmodel$`), Averaged},
}

// names recognise objects whose construction is out of sight by what the program calls them.
var names = []struct {
	pattern *regexp.Regexp
	kind    Kind
}{
	{regexp.MustCompile(`(?i)^(optim|optimi[sz]er|opt)(_?[a-z0-9]{1,6})?$|_(optim|optimi[sz]er|opt)$`), Optimizer},
	{regexp.MustCompile(`(?i)(^|_)(lr_?)?(scheduler|sched)(_?[a-z0-9]{1,6})?$`), Scheduler},
	{regexp.MustCompile(`(?i)(^|_)(grad_?|loss_?|amp_?)?scaler$`), Scaler},
	{regexp.MustCompile(`(?i)(^|_)ema(_model|_net|_unet|_generator)?$|^g_ema$|^model_ema|averaged_model$`), Averaged},
	{regexp.MustCompile(`(?i)(^|_)(model|net|network|module|generator|discriminator|netg|netd|encoder|decoder|student|teacher|raw_model|unet|vae|gan|critic|actor|policy|backbone|classifier)(_?[a-z0-9]{1,8})?$|^net[A-Z]\w?$`), Model},
}

// namesKnown are the kinds of the names asked for so far, which are asked for again and again.
var namesKnown sync.Map // string to Kind

// nameKind guesses a kind from the last part of a dotted name.
func nameKind(name string) Kind {
	name = name[strings.LastIndexByte(name, '.')+1:]
	if kind, ok := namesKnown.Load(name); ok {
		return kind.(Kind)
	}
	kind := kindOfName(name)
	namesKnown.Store(strings.Clone(name), kind)
	return kind
}

func kindOfName(name string) Kind {
	if name == "opt" { // as often the parsed options as an optimizer
		return NotTracked
	}
	for _, n := range names {
		if n.pattern.MatchString(name) {
			return n.kind
		}
	}
	return NotTracked
}

// Object is the tracked object a value stands for, nil when it is none. name is how the program writes it at that place; it
// decides only where nothing better is known.
func (f *File) Object(v *pysem.Value, name string) *Object {
	for _, a := range v.Alternatives() {
		if a.Kind == pysem.NoneVal {
			continue
		}
		if o := f.object(a, name, 0); o != nil {
			return o
		}
	}
	return nil
}

// objectMethods return the object they are called on.
var objectMethods = map[string]bool{
	"to": true, "cuda": true, "cpu": true, "train": true, "eval": true, "float": true, "half": true, "double": true, "bfloat16": true,
	"requires_grad_": true, "apply": true, "share_memory": true, "xpu": true, "compile": true, "type": true, "ipu": true, "manual_seed": true,
}

func (f *File) object(v *pysem.Value, name string, depth int) *Object {
	if depth > 12 {
		return nil
	}
	key := v.Key()
	if o, ok := f.objects[key]; ok {
		if o.Name == "" {
			o.Name = name // asked for before without a name
		}
		return o
	}
	o := f.classify(v, name, depth)
	if o == nil {
		return nil
	}
	if o.key == "" {
		o.key = key
	}
	if o.Name == "" {
		o.Name = name
	}
	f.objects[key] = o
	return o
}

func (f *File) classify(v *pysem.Value, name string, depth int) *Object {
	guessed := func() *Object {
		if k := nameKind(name); k != NotTracked {
			return &Object{Kind: k, Name: name, Value: v, Guessed: true}
		}
		return nil
	}
	switch v.Kind {
	case pysem.External:
		if v.Name == apexAMP {
			return &Object{Kind: Scaler, Name: "amp", Class: apexAMP, Value: v}
		}
	case pysem.Call:
		if callee := v.Callee(); callee != "" {
			return f.made(v, callee, name, depth)
		}
		if recv, method, ok := v.Method(); ok {
			if objectMethods[method] {
				for _, r := range recv.Alternatives() {
					if o := f.object(r, name, depth+1); o != nil {
						return o
					}
				}
			}
			if fk := factoryKind(method); fk != NotTracked {
				return &Object{Kind: fk, Name: name, Class: method, Value: v, Call: v.Node, Ctx: v.Ctx, Guessed: true}
			}
			if handsBack[method] {
				inner := f.arg(v, 0, depth)
				if inner != nil && method == "unwrap_model" {
					return inner.Bare()
				}
				if inner != nil {
					return inner
				}
			}
			if method == "unwrap_model" { // of something that is not known, which is one object however often it is asked for
				if n := pysem.Args(v.Node).Get(0, "model"); n.Valid() {
					of := f.Eval.Eval(n, v.Ctx)
					return &Object{Kind: Model, Name: n.Text(), Value: of, Guessed: true, key: of.Key()}
				}
			}
		}
		// getattr(torch.optim, name)(...), registry[...](...)
		if v.Base.Kind == pysem.Call && v.Base.Callee() == "builtins.getattr" {
			if m := f.Eval.Eval(pysem.Args(v.Base.Node).Pos(0), v.Base.Ctx); m.Kind == pysem.External {
				switch {
				case strings.HasPrefix(m.Name, "torch.optim.lr_scheduler"):
					return &Object{Kind: Scheduler, Name: name, Value: v, Call: v.Node, Ctx: v.Ctx}
				case m.Name == "torch.optim", f.takesParameters(v):
					return &Object{Kind: Optimizer, Name: name, Value: v, Call: v.Node, Ctx: v.Ctx}
				}
			}
		}
		return guessed()
	case pysem.Elem:
		// model, optimizer = accelerator.prepare(model, optimizer); amp.initialize(model, optimizer)
		if o := f.prepared(v, depth); o != nil {
			return o
		}
		return guessed()
	case pysem.Instance:
		return f.instance(v, name)
	case pysem.Attr:
		if v.Name == "module" || v.Name == "_orig_mod" {
			for _, b := range v.Base.Alternatives() {
				if o := f.object(b, strings.TrimSuffix(strings.TrimSuffix(name, ".module"), "._orig_mod"), depth+1); o != nil {
					if o.Wraps != nil {
						return o.Wraps
					}
					inner := *o
					inner.Wraps = nil
					return &inner
				}
			}
		}
		return guessed()
	case pysem.ParamVal:
		if k := f.annotated(v); k != NotTracked && !(k == Model && nameKind(name) == Averaged) {
			return &Object{Kind: k, Name: name, Value: v, Ctx: v.Ctx}
		}
		return guessed()
	case pysem.Item, pysem.Unknown, pysem.LoopVar, pysem.Logic:
		if v.Kind == pysem.LoopVar && v.Base.Kind == pysem.List && len(v.Base.Elems) > 0 {
			if o := f.object(v.Base.Elems[0], name, depth+1); o != nil {
				return o
			}
		}
		return guessed()
	}
	return nil
}

// handsBack are the methods that give back what they are handed: accelerator.prepare(x), fabric.setup(x).
var handsBack = map[string]bool{"prepare": true, "setup": true, "unwrap_model": true}

// takesParameters reports whether a call is given the parameters of a model first, as optimizers are.
func (f *File) takesParameters(call *pysem.Value) bool {
	_, method, ok := f.Eval.Eval(pysem.Args(call.Node).Get(0, "params"), call.Ctx).Method()
	return ok && method == "parameters"
}

func factoryKind(callee string) Kind {
	last := callee[strings.LastIndexByte(callee, '.')+1:]
	for _, x := range factories {
		if x.pattern.MatchString(last) {
			return x.kind
		}
	}
	return NotTracked
}

var noiseName = regexp.MustCompile(`(DDPM|DDIM|Noise|Euler|PNDM|FlowMatch)\w*Scheduler$`)

// noiseScheduler says that a scheduler schedules diffusion noise, not a learning rate.
func noiseScheduler(callee string) bool {
	return strings.HasPrefix(callee, "diffusers.") && !strings.Contains(callee, "optimization") ||
		strings.HasSuffix(callee, "Scheduler") && noiseName.MatchString(callee)
}

func (f *File) made(v *pysem.Value, callee, name string, depth int) *Object {
	o := &Object{Name: name, Class: callee, Value: v, Call: v.Node, Ctx: v.Ctx}
	entry, ok := torch.Lookup(callee)
	if ok && entry.Kind == torch.Wrapper {
		o.Kind, o.Prefix = Model, entry.Prefix
		o.Wraps = f.arg(v, 0, depth)
		if o.Wraps == nil {
			inner := &Object{Kind: Model, Name: name, Value: v, key: v.Key() + "/inner", Guessed: true}
			o.Wraps = inner
		}
		return o
	}
	if ok {
		if k, tracked := torchKinds[entry.Kind]; tracked {
			o.Kind = k
			o.Class = entry.Name
			return o
		}
		return nil
	}
	if callee == "copy.deepcopy" {
		inner := f.arg(v, 0, depth)
		if inner == nil || inner.Kind != Model {
			return nil
		}
		o.Kind = Model
		if nameKind(name) == Averaged {
			o.Kind = Averaged
		}
		return o
	}
	if strings.HasPrefix(callee, "builtins.") || noiseScheduler(callee) {
		return nil
	}
	if k := factoryKind(callee); k != NotTracked {
		o.Kind, o.Guessed = k, true
		return o
	}
	if strings.HasPrefix(callee, "torch.nn.") || strings.HasPrefix(callee, "torchvision.models") {
		o.Kind = Model
		return o
	}
	if k := nameKind(name); k != NotTracked && !strings.HasPrefix(callee, "torch.") {
		if k == Scheduler && noiseScheduler(callee) {
			return nil
		}
		o.Kind, o.Guessed = k, true
		return o
	}
	return nil
}

// argumentOf is the i-th argument of a call; the first may be a model that is handed by keyword.
func argumentOf(call pyast.Node, i int) pyast.Node {
	n := pysem.Args(call).Pos(i)
	if !n.Valid() && i == 0 {
		for _, k := range []string{"module", "model"} {
			if m, ok := pysem.Args(call).Keyword[k]; ok {
				n = m
			}
		}
	}
	return n
}

// arg is the object passed as the i-th argument of the call that made v.
func (f *File) arg(v *pysem.Value, i int, depth int) *Object {
	n := argumentOf(v.Node, i)
	if !n.Valid() {
		return nil
	}
	inner := f.Eval.Eval(n, v.Ctx)
	for _, a := range inner.Alternatives() {
		if o := f.object(a, n.Text(), depth+1); o != nil {
			return o
		}
	}
	return nil
}

// preparers hand back their arguments, ready for the device, in order.
var preparers = map[string]bool{"prepare": true, "setup": true, "initialize": true, "setup_module": true, "setup_optimizers": true}

// insideOf is what an attribute of a wrapper is read from: of what torch.compile makes, of `.module`, and of what is handed back ready for
// the device, whose attributes are those of what was handed in.
func insideOf(v *pysem.Value, attribute string) (of pysem.Expr, ok bool) {
	if torch.ModuleMember(attribute) || attribute == "module" || attribute == "_orig_mod" {
		return of, false
	}
	call, at := v, 0
	switch v.Kind {
	case pysem.Attr:
		if call = v.Base; v.Name != "module" && v.Name != "_orig_mod" || call.Kind != pysem.Call {
			return of, false
		}
		if e, known := torch.Lookup(call.Callee()); !known || e.Kind != torch.Wrapper {
			return of, false
		}
	case pysem.Elem:
		if call, at = v.Base, v.Index; call.Kind != pysem.Call {
			return of, false
		}
		if a, known := torch.Handed(call.Callee(), at); known {
			n := pysem.Args(call.Node).Get(a.Position, a.Keyword)
			return pysem.Expr{Node: n, Ctx: call.Ctx}, n.Valid()
		}
		if _, method, known := call.Method(); !known || !preparers[method] {
			return of, false
		}
	default:
		if e, known := torch.Lookup(call.Callee()); !known || !e.Forwards {
			if _, method, known := call.Method(); !known || !handsBack[method] {
				return of, false
			}
		}
	}
	n := argumentOf(call.Node, at)
	return pysem.Expr{Node: n, Ctx: call.Ctx}, n.Valid()
}

func (f *File) prepared(v *pysem.Value, depth int) *Object {
	call := v.Base
	if call.Kind != pysem.Call {
		return nil
	}
	_, method, ok := call.Method()
	if !ok {
		callee := call.Callee()
		if a, known := torch.Handed(callee, v.Index); known {
			n := pysem.Args(call.Node).Get(a.Position, a.Keyword)
			for _, x := range f.Eval.Eval(n, call.Ctx).Alternatives() { // which may be the value itself, round a loop
				if o := f.object(x, n.Text(), depth+1); o != nil {
					return o
				}
			}
			return nil
		}
		method = callee[strings.LastIndexByte(callee, '.')+1:]
		if callee == "deepspeed.initialize" {
			return nil
		}
	}
	if !preparers[method] {
		return nil
	}
	o := f.arg(call, v.Index, depth)
	if o == nil {
		return nil
	}
	// The prepared object saves and loads like the bare one for what rules ask.
	return o
}

// instance classifies an object of a class of this file by what the class inherits and is called.
func (f *File) instance(v *pysem.Value, name string) *Object {
	o := &Object{Name: name, Class: v.Class.Name, Value: v, Call: v.Node, Ctx: v.Ctx}
	o.Kind = f.classKind(v.Class, 0)
	if o.Kind == NotTracked {
		if k := factoryKind(v.Class.Name); k != NotTracked && f.Eval.MethodOf(v.Class, "state_dict") != nil {
			o.Kind = k
		} else if k == Averaged || k == Scheduler || k == Scaler {
			o.Kind, o.Guessed = k, true
		}
	}
	if o.Kind == NotTracked {
		return nil
	}
	if o.Kind == Model && nameKind(name) == Averaged {
		o.Kind = Averaged
	}
	return o
}

func (f *File) classKind(c *pysem.Class, depth int) Kind {
	if depth > 8 {
		return NotTracked
	}
	for _, b := range c.Bases {
		v := f.Eval.Eval(b, f.Eval.Root(c.Scope, nil))
		k := f.kindOfClass(v, depth+1)
		if k == Model && v.Kind == pysem.External && factoryKind(c.Name) == Averaged {
			return Averaged
		}
		if k != NotTracked {
			return k
		}
	}
	return NotTracked
}

// kindOfClass is the kind of the objects of a class, of the files at hand or of a library.
func (f *File) kindOfClass(v *pysem.Value, depth int) Kind {
	switch v.Kind {
	case pysem.ClassVal:
		return f.classKind(v.Class, depth)
	case pysem.External:
		switch v.Name {
		case "torch.nn.Module", "torch.nn.Sequential", "torch.nn.modules.module.Module", "torch.nn.modules.Module":
			return Model
		case "torch.optim.Optimizer", "torch.optim.optimizer.Optimizer":
			return Optimizer
		}
		if e, ok := torch.Lookup(v.Name); ok {
			if k, tracked := torchKinds[e.Kind]; tracked {
				return k
			}
		}
		if strings.HasSuffix(v.Name, "LRScheduler") {
			return Scheduler
		}
	}
	return NotTracked
}

// annotated is the kind of the objects that a parameter is declared to take: `optimizer: Optimizer`, `plan: Optional[LRScheduler]`. It is
// none where the annotation names several kinds, or something around them, as a list.
func (f *File) annotated(v *pysem.Value) Kind {
	kind := NotTracked
	for _, named := range f.declaredAs(v) {
		k := f.kindOfClass(named, 0)
		if k == NotTracked || kind != NotTracked && k != kind {
			return NotTracked
		}
		kind = k
	}
	return kind
}

// declaredAs are the classes that the annotation of a parameter names, without what only stands around them; none for other values.
func (f *File) declaredAs(v *pysem.Value) []*pysem.Value {
	var out []*pysem.Value
	if v.Kind != pysem.ParamVal || v.Ctx == nil {
		return nil
	}
	for _, p := range v.Ctx.Func.Params {
		if p.Name == v.Name && p.Star == 0 {
			out = append(out, f.typesOf(p.Node)...)
		}
	}
	return out
}

// typesOf are the classes that the annotation of a parameter's declaration names, without what only stands around them.
func (f *File) typesOf(declared pyast.Node) []*pysem.Value {
	var out []*pysem.Value
	for n := range declared.Child(pyast.FieldType).Descendants() {
		if !n.Is(pyast.KindIdentifier, pyast.KindAttribute) || n.Parent().Kind() == pyast.KindAttribute {
			continue
		}
		if named := f.Eval.Eval(n, f.Eval.Root(f.moduleOf(n).Top, nil)); named.Kind != pysem.External || !optionalTypes[named.Name] {
			out = append(out, named)
		}
	}
	return out
}

// optionalTypes are what stands around a type in an annotation without meaning other objects.
var optionalTypes = map[string]bool{"typing.Optional": true, "typing.Union": true, "typing.Annotated": true}
