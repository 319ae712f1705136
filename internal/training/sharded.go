package training

import (
	"regexp"
	"strings"

	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
	"github.com/ckpt-lsp/ckpt-lsp/internal/pysem"
)

// ShardedState is the state of an optimizer of which each process has a part, in a payload as if it were whole.
type ShardedState struct {
	Save      *SaveSite
	Component Component
	// By is what shards the state: the construction of a ZeRO optimizer, or the FSDP wrapping of the parameters; Zero tells the two apart.
	By   pyast.Node
	Zero bool
}

var (
	zeroClass  = regexp.MustCompile(`^torch\.distributed\.optim\.(zero_redundancy_optimizer\.)?ZeroRedundancyOptimizer$|^fairscale\.optim\.(oss\.)?OSS$`)
	gathersAll = regexp.MustCompile(`^consolidate_state_dict$`)
	fullyShard = regexp.MustCompile(`^torch\.distributed\.(_composable\.)?fsdp(\.\w+)*\.fully_shard$`)
)

// ShardedStates are the optimizer states that a save writes as one process has them. A file of its own for each rank is right for
// FSDP; a ZeRO optimizer gives no state at all until its parts are gathered, which a file that knows of is taken to do.
func (f *File) ShardedStates() []ShardedState {
	var out []ShardedState
	gathered := f.names(gathersAll)
	for _, s := range f.Saves() {
		for _, c := range s.Components {
			if c.Role != RoleState || c.Value == nil || s.Collective {
				continue
			}
			optimizer := f.stateOf(c.Value)
			if optimizer == nil {
				continue
			}
			for _, a := range optimizer.Alternatives() {
				if zeroClass.MatchString(a.Callee()) {
					if !gathered {
						out = append(out, ShardedState{s, c, a.Node, true})
					}
					break
				}
				if by := f.shardedParameters(s.Run, a); by.Valid() && !s.Path.Rank {
					out = append(out, ShardedState{s, c, by, false})
					break
				}
			}
		}
	}
	return out
}

// shardedParameters is the FSDP wrapping of the model whose parameters() an optimizer was made with, none for other optimizers.
func (f *File) shardedParameters(r *Run, optimizer *pysem.Value) pyast.Node {
	o := f.Object(optimizer, "")
	if o == nil || o.Kind != Optimizer || !o.Call.Valid() {
		return pyast.Node{}
	}
	parameters := f.Eval.Expr(o.Arg(0, "params"))
	if _, m, ok := parameters.Method(); !ok || m != "parameters" {
		return pyast.Node{}
	}
	model := f.Eval.Eval(parameters.Node.Child(pyast.FieldFunction).Child(pyast.FieldObject), parameters.Ctx)
	for _, a := range model.Alternatives() {
		if w := f.Object(a, ""); w != nil && fsdpClass.MatchString(w.Class) {
			if strings.Contains(w.Call.Text(), "NO_SHARD") {
				return pyast.Node{}
			}
			return w.Call
		}
	}
	whole := f.Object(model, "")
	for _, c := range r.Calls {
		if fullyShard.MatchString(c.Callee) {
			if n := pysem.Args(c.Node).Get(0, "module"); f.Object(f.Eval.Eval(n, c.Ctx), n.Text()).Same(whole) {
				return c.Node
			}
		}
	}
	return pyast.Node{}
}
