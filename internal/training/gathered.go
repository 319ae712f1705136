package training

import (
	"regexp"

	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
	"github.com/ckpt-lsp/ckpt-lsp/internal/pysem"
)

// stateCall is a function that gives the state of an object it is handed, put together from the parts of all processes, or takes such a
// state apart again.
type stateCall struct {
	pattern *regexp.Regexp
	kind    Kind
	// position and keyword say where the object stands among the arguments, stateAt and state where the state that is put back does.
	position int
	keyword  string
	stateAt  int
	state    string
	// element is the place of the state in the tuple that is returned, -1 where the state is returned itself.
	element int
}

const (
	fsdpModule      = `^torch\.distributed\.fsdp\.(fully_sharded_data_parallel\.)?FullyShardedDataParallel\.`
	dcpStates       = `^torch\.distributed\.checkpoint\.state_dict\.`
	dcpOptimizers   = "optimizers"
	dcpOptimizerKey = "optim_state_dict"
)

var (
	gatherers = []stateCall{
		{pattern: regexp.MustCompile(fsdpModule + `((full|sharded)_)?optim_state_dict$`), kind: Optimizer, position: 1, keyword: "optim", element: -1},
		{pattern: regexp.MustCompile(dcpStates + `get_optimizer_state_dict$`), kind: Optimizer, position: 1, keyword: dcpOptimizers, element: -1},
		{pattern: regexp.MustCompile(dcpStates + `get_model_state_dict$`), kind: Model, keyword: "model", element: -1},
		{pattern: regexp.MustCompile(dcpStates + `get_state_dict$`), kind: Model, keyword: "model"},
		{pattern: regexp.MustCompile(dcpStates + `get_state_dict$`), kind: Optimizer, position: 1, keyword: dcpOptimizers, element: 1},
	}
	scatterers = []stateCall{
		{pattern: regexp.MustCompile(dcpStates + `set_optimizer_state_dict$`), kind: Optimizer, position: 1, keyword: dcpOptimizers, stateAt: 2, state: dcpOptimizerKey},
		{pattern: regexp.MustCompile(dcpStates + `set_model_state_dict$`), kind: Model, keyword: "model", stateAt: 1, state: "model_state_dict"},
		{pattern: regexp.MustCompile(dcpStates + `set_state_dict$`), kind: Model, keyword: "model", stateAt: -1, state: "model_state_dict"},
		{pattern: regexp.MustCompile(dcpStates + `set_state_dict$`), kind: Optimizer, position: 1, keyword: dcpOptimizers, stateAt: -1, state: dcpOptimizerKey},
	}
)

// gathered is the object whose state a value is, gathered from all processes; nil for other values.
func (f *File) gathered(v *pysem.Value) *Object {
	element := -1
	if v.Kind == pysem.Elem {
		v, element = v.Base, v.Index
	}
	for _, g := range gatherers {
		if v.Callee() != "" && g.element == element && g.pattern.MatchString(v.Callee()) {
			return f.handedObject(g, v.Node, v.Ctx)
		}
	}
	return nil
}

// handedObject is the object that a call of such a function is about.
func (f *File) handedObject(g stateCall, call pyast.Node, ctx *pysem.Ctx) *Object {
	n := pysem.Args(call).Get(g.position, g.keyword)
	if n.Is(pyast.KindList, pyast.KindTuple) && !n.Nth(1).Valid() {
		n = n.Nth(0) // one optimizer may be handed in a list
	}
	v := f.Eval.Eval(n, ctx)
	if o := f.Object(v, n.Text()); o != nil {
		return o
	}
	return &Object{Kind: g.kind, Name: n.Text(), Value: v, Guessed: true, key: v.Key()}
}

// scatter adds what a call puts back of a gathered state.
func (f *File) scatter(r *Run, c *Call) {
	for _, g := range scatterers {
		if !g.pattern.MatchString(c.Callee) {
			continue
		}
		if n := pysem.Args(c.Node).Get(g.stateAt, g.state); n.Valid() {
			r.Restores = append(r.Restores, &Restore{Call: c, Object: f.handedObject(g, c.Node, c.Ctx), Source: f.Eval.Eval(n, c.Ctx), Strict: true, ResultUsed: true})
		}
	}
}
