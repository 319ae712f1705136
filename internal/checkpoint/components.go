package checkpoint

import (
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/ckpt-lsp/ckpt-lsp/internal/checkpoint/pickle"
	"github.com/ckpt-lsp/ckpt-lsp/internal/training"
)

// Names of the components that a checkpoint is asked for, as all faces of the tool call them.
const (
	Model     = "model"
	Optimizer = "optimizer"
	Scheduler = "scheduler"
	Scaler    = "gradient scaler"
	Progress  = "epoch or step"
	Random    = "random state"
	Best      = "best metric"
	Average   = "moving average"
)

// Eight are the components in the order in which they are told.
var Eight = []string{Model, Optimizer, Scheduler, Scaler, Progress, Random, Best, Average}

// Further parts, which are told where they are.
const (
	Metric   = "metric"
	Settings = "settings"
	Version  = "version"
)

// Component is one of the eight, or a further part, with where it stands.
type Component struct {
	Name  string
	Nodes []*Node
	// What says what kind it is, as "SGD with momentum", where that is known.
	What []string
}

// Fact is a value that a checkpoint tells, under its key.
type Fact struct {
	Key   string `json:"key"`
	Value string `json:"value"`
}

// Contents are what a checkpoint is told to hold.
type Contents struct {
	Components []Component
	// Epoch and step, metrics, versions and learning rates, as they stand.
	Progress, Metrics, Versions, Rates []Fact
	// Prefixes are what wrappers have put in front of the names of the model's parameters, or between them.
	Prefixes []string
}

// Has is the component of a name, nil where the checkpoint lacks it.
func (c *Contents) Has(name string) *Component {
	for i := range c.Components {
		if c.Components[i].Name == name {
			return &c.Components[i]
		}
	}
	return nil
}

// Count is how many of the eight there are.
func (c *Contents) Count() int {
	n := 0
	for _, name := range Eight {
		if c.Has(name) != nil {
			n++
		}
	}
	return n
}

// Lacks are those of the eight that are not there.
func (c *Contents) Lacks() []string {
	return slices.DeleteFunc(slices.Clone(Eight), func(name string) bool { return c.Has(name) != nil })
}

// Contents tells what the keys of the checkpoint are: by what stands under them, and by their names where that does not tell.
func (c *Checkpoint) Contents() *Contents {
	s := sorter{out: &Contents{}, done: map[*Node]bool{}}
	if c.Root != nil {
		s.node(c.Root, 0)
		if s.out.Has(Model) == nil && len(s.loose) > 0 { // tensors by themselves
			s.add(Model, "", s.loose...)
		}
	}
	for _, f := range c.Files {
		for _, key := range []string{"torch_version", "format_version", "pytorch_version"} {
			if v := f.Metadata[key]; v != "" {
				s.out.Versions = append(s.out.Versions, Fact{key, v})
			}
		}
	}
	s.out.prefixes()
	return s.out
}

// sorter finds the components.
type sorter struct {
	out   *Contents
	done  map[*Node]bool
	loose []*Node
}

func (s *sorter) add(name, what string, nodes ...*Node) {
	c := s.out.Has(name)
	if c == nil {
		s.out.Components = append(s.out.Components, Component{Name: name})
		c = s.out.Has(name)
	}
	c.Nodes = append(c.Nodes, nodes...)
	if what != "" && !slices.Contains(c.What, what) {
		c.What = append(c.What, what)
	}
}

// maxLevel is how deep components are looked for.
const maxLevel = 6

// node sorts what stands under one key.
func (s *sorter) node(n *Node, depth int) {
	n = n.real()
	if s.done[n] || depth > maxLevel {
		return
	}
	s.done[n] = true
	role, kind := training.KeyRole(n.Key)
	if depth == 0 {
		role, kind = training.RoleOther, training.NotTracked
	}
	switch n.Kind {
	case NumberNode, TextNode, BoolNode:
		s.value(n, role)
	case TensorNode:
		s.tensor(n, role, kind)
	case ModuleNode:
		s.module(n, kind)
	case ListNode:
		s.list(n, role, depth)
	case DictNode, ObjectNode:
		s.dict(n, role, kind, depth)
	}
}

// value sorts a number or a text by its key.
func (s *sorter) value(n *Node, role training.Role) {
	fact := Fact{n.Path(), n.Text}
	number := n.Kind == NumberNode
	switch {
	case n.Key == "" || s.setting(n):
	case role == training.RoleProgress && number && planned.MatchString(n.Key):
	case role == training.RoleProgress && number:
		s.add(Progress, "", n)
		s.out.Progress = append(s.out.Progress, fact)
	case role == training.RoleBest && number:
		s.add(Best, "", n)
		s.out.Metrics = append(s.out.Metrics, fact)
	case role == training.RoleMetric && number && !planned.MatchString(n.Key):
		s.add(Metric, "", n)
		s.out.Metrics = append(s.out.Metrics, fact)
	case role == training.RoleVersion && strings.Contains(strings.ToLower(n.Key), "version"):
		s.out.Versions = append(s.out.Versions, fact)
	case number && (n.Key == "lr" || n.Key == "learning_rate"):
		s.out.Rates = append(s.out.Rates, fact)
	}
}

// planned matches counts of what is to be done, or left out.
var planned = regexp.MustCompile(`^(max|eval|logging|save|warmup|total|num|skipped|n)_|_per_`)

// setting reports whether a value stands among settings, which say how long is trained and not how long was.
func (s *sorter) setting(n *Node) bool {
	for p := n.parent; p != nil && p.parent != nil; p = p.parent {
		role, _ := training.KeyRole(p.Key)
		if role == training.RoleConfig || p.Kind == ObjectNode {
			return true
		}
	}
	return false
}

// generatorSizes are how long the states of torch's generators are, in bytes: of the CPU, of CUDA, of CUDA before 1.8, and of MPS.
var generatorSizes = []int64{5056, 5048, 16, 816, 44}

func (s *sorter) tensor(n *Node, role training.Role, kind training.Kind) {
	t := n.Tensor
	switch {
	case t.DType == "uint8" && len(t.Shape) == 1 && (role == training.RoleRNG || t.Shape[0] == 5056 || t.Shape[0] == 5048 || slices.Contains(generatorSizes, t.Shape[0]) && s.among(n)):
		s.add(Random, "torch", n)
	case len(t.Shape) == 0 && role == training.RoleProgress:
		s.add(Progress, "", n)
	case len(t.Shape) == 0 && role == training.RoleBest:
		s.add(Best, "", n)
	case n.parent != nil && n.parent.parent == nil || kind == training.Model:
		s.loose = append(s.loose, n)
	}
}

// among reports whether a tensor stands below a key that is one of generators.
func (s *sorter) among(n *Node) bool {
	for p := n.parent; p != nil; p = p.parent {
		if role, _ := training.KeyRole(p.Key); role == training.RoleRNG {
			return true
		}
	}
	return false
}

func (s *sorter) module(n *Node, kind training.Kind) {
	if kind == training.Averaged {
		s.add(Average, "pickled whole: "+n.Class, n)
		return
	}
	s.add(Model, "pickled whole: "+n.Class, n)
}

// list sorts a list: the states that numpy and random give are tuples, other lists hold one thing or several.
func (s *sorter) list(n *Node, role training.Role, depth int) {
	first := n.child(0)
	switch {
	case first == nil:
	case first.Text == `"MT19937"`:
		s.add(Random, "numpy", n)
	case first.Text == "3" && n.child(1) != nil && n.child(1).real().Kind == ListNode && n.child(1).real().Len == 625:
		s.add(Random, "random", n)
	case role == training.RoleRNG && first.Kind == TensorNode:
		s.add(Random, "CUDA", n)
	case role == training.RoleMetric: // a history
		s.add(Metric, "", n)
	case first.Kind != NumberNode && n.Len <= 10_000:
		for _, c := range n.Children {
			s.node(c, depth+1)
		}
	}
}

// child is a child by its place.
func (n *Node) child(i int) *Node {
	if i >= len(n.Children) {
		return nil
	}
	return n.Children[i].real()
}

// dict sorts a dict, or the attributes of an object.
func (s *sorter) dict(n *Node, role training.Role, kind training.Kind, depth int) {
	has := func(keys ...string) bool {
		return !slices.ContainsFunc(keys, func(k string) bool { return n.Get(k) == nil })
	}
	class := n.Class[strings.LastIndexByte(n.Class, '.')+1:]
	switch {
	case role == training.RoleConfig && n.Kind == ObjectNode:
		s.add(Settings, "", n)
	case has("param_groups"), has("optimizer_state_dict", "partition_count"):
		s.optimizer(n)
	case has("last_epoch") && (has("_step_count") || has("base_lrs") || has("best", "num_bad_epochs") || has("_schedulers")):
		s.scheduler(n, class)
	case has("scale", "growth_factor"), has("cur_scale"), has("_scale", "_growth_factor"):
		s.add(Scaler, "", n)
	case kind == training.Scaler && len(n.Children) == 0 && n.Kind == DictNode:
		s.add(Scaler, "disabled", n)
	case has("bit_generator"):
		s.add(Random, "numpy", n)
	case has("n_averaged"):
		s.add(Average, "", n)
	case n.stateDict() && depth == 0 && n.parts():
		s.below(n, depth)
	case n.stateDict():
		s.state(n, role, kind)
	case strings.HasPrefix(n.Class, "torch.optim.lr_scheduler."), kind == training.Scheduler && n.Kind == DictNode && len(n.Children) > 0:
		s.scheduler(n, class)
	case strings.HasPrefix(n.Class, "torch.optim."):
		s.add(Optimizer, "pickled whole: "+n.Class, n)
	case role == training.RoleConfig:
		s.add(Settings, "", n)
	case n.Key == "loops": // Lightning's, which count batches of each loop
	default:
		s.below(n, depth)
	}
}

func (s *sorter) below(n *Node, depth int) {
	for _, c := range n.Children {
		s.node(c, depth+1)
	}
}

// state sorts a state dict of tensors.
func (s *sorter) state(n *Node, role training.Role, kind training.Kind) {
	average := kind == training.Averaged
	for p := n.parent; p != nil && p.parent != nil; p = p.parent {
		_, k := training.KeyRole(p.Key)
		average = average || k == training.Averaged
	}
	switch {
	case role == training.RoleRNG:
		s.add(Random, "torch", n)
	case average:
		s.add(Average, "", n)
	case kind == training.Optimizer:
		s.add(Optimizer, "", n)
	default:
		s.add(Model, "", n)
	}
}

// stateDict reports whether most of a dict's values are tensors.
func (n *Node) stateDict() bool {
	tensors := 0
	for _, c := range n.Children {
		if c.real().Kind == TensorNode {
			tensors++
		}
	}
	return tensors > 0 && 2*tensors >= len(n.Children)
}

// parts reports whether a dict holds states of objects beside tensors.
func (n *Node) parts() bool {
	return slices.ContainsFunc(n.Children, func(c *Node) bool {
		k := c.real().Kind
		return k == DictNode || k == NumberNode || k == ListNode || k == ModuleNode
	})
}

// optimizer sorts an optimizer's state, and tells its rates and what it keeps of each parameter.
func (s *sorter) optimizer(n *Node) {
	s.add(Optimizer, strings.Join(kept(n.Get("state")), ", "), n)
	groups := n.Get("param_groups")
	if groups == nil {
		return
	}
	for i, g := range groups.Children {
		for _, key := range []string{"lr", "initial_lr"} {
			lr := g.Get(key)
			if lr == nil || i >= 100 {
				continue
			}
			name := n.Path() + "/param_groups/" + strconv.Itoa(i) + "/" + key
			s.out.Rates = append(s.out.Rates, Fact{strings.TrimPrefix(name, "/"), lr.Text})
		}
	}
}

// kept are what an optimizer keeps of each parameter.
func kept(state *Node) []string {
	var out []string
	if state == nil {
		return nil
	}
	for _, p := range state.Children[:min(len(state.Children), 1000)] {
		for _, x := range p.real().Children {
			if !slices.Contains(out, x.Key) && len(out) < 8 {
				out = append(out, x.Key)
			}
		}
	}
	return out
}

func (s *sorter) scheduler(n *Node, class string) {
	if class == "dict" || class == "OrderedDict" {
		class = ""
	}
	s.add(Scheduler, class, n)
	if e := n.Get("last_epoch"); e != nil {
		s.out.Rates = append(s.out.Rates, Fact{strings.TrimPrefix(n.Path()+"/last_epoch", "/"), e.Text})
	}
	if l := n.Get("_last_lr"); l != nil && len(l.Children) > 0 {
		s.out.Rates = append(s.out.Rates, Fact{strings.TrimPrefix(n.Path()+"/_last_lr", "/"), l.child(0).Text})
	}
}

// wrappers are what DataParallel and DDP, compile, FSDP and activation checkpointing put into names.
var wrappers = []string{"module.", "_orig_mod.", "_fsdp_wrapped_module.", "_checkpoint_wrapped_module."}

// Strip takes what wrappers put in front of a name, or within it, out of it, as far as all names of a model have it.
func Strip(name string, prefixes []string) string {
	for _, p := range prefixes {
		if within(p) {
			name = strings.ReplaceAll(name, p, "")
		} else {
			name = strings.TrimPrefix(name, p)
		}
	}
	return name
}

// within reports whether a wrapper may stand around a part of a model. "module." may be a part's own name: it is taken from the front alone.
func within(prefix string) bool { return strings.HasPrefix(prefix, "_") }

// Prefixes are those that the names have, in the order in which they are to be taken off.
func Prefixes(names []string) []string {
	var out []string
	names = slices.Clone(names)
	for range 4 {
		for _, p := range wrappers {
			has := func(name string) bool { return strings.HasPrefix(name, p) }
			if within(p) {
				has = func(name string) bool { return strings.Contains(name, p) }
			}
			count := 0
			for _, n := range names {
				if has(n) || p == "module." && n == "n_averaged" {
					count++
				}
			}
			if count == 0 || !within(p) && count < len(names) || slices.Contains(out, p) && within(p) {
				continue
			}
			out = append(out, p)
			for i := range names {
				names[i] = Strip(names[i], []string{p})
			}
		}
	}
	return out
}

// prefixes finds those of the model.
func (c *Contents) prefixes() {
	m := c.Has(Model)
	if m == nil {
		return
	}
	for _, n := range m.Nodes {
		var names []string
		for _, x := range n.Children {
			if x.real().Kind == TensorNode {
				names = append(names, x.Key)
			}
		}
		for _, p := range Prefixes(names) {
			if !slices.Contains(c.Prefixes, p) {
				c.Prefixes = append(c.Prefixes, p)
			}
		}
	}
}

// Number is the number that a node holds.
func (n *Node) Number() (float64, bool) {
	if o, ok := n.Value.(*pickle.Object); ok {
		return numpyFloat(o)
	}
	if f, ok := pickle.Float(n.Value); ok {
		return f, true
	}
	f, err := strconv.ParseFloat(n.Text, 64)
	return f, err == nil && n.Kind == NumberNode && !math.IsNaN(f)
}
