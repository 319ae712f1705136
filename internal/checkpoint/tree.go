package checkpoint

import (
	"fmt"
	"math/big"
	"strconv"
	"strings"

	"github.com/ckpt-lsp/ckpt-lsp/internal/checkpoint/pickle"
)

// Bounds of a tree: 250 bytes a node are kept.
const (
	maxNodes = 1 << 20
	maxDepth = 100
	maxText  = 200 // characters of a value that is shown
)

// builder makes the tree of a pickle's values.
type builder struct {
	file     *File
	place    func(*Storage)
	storages map[string]*Storage
	seen     map[pickle.Value]*Node
	nodes    int
}

// tree makes the tree of what a pickle holds; place finds where a storage lies.
func (f *File) tree(root pickle.Value, place func(*Storage)) *Node {
	b := builder{file: f, place: place, storages: map[string]*Storage{}, seen: map[pickle.Value]*Node{}}
	n := b.node("", root, 0)
	if b.nodes > maxNodes {
		f.problem("it holds more than %d values: the rest is not told", maxNodes)
	}
	return n
}

// node makes the node of a value. What was met before is another name of it.
func (b *builder) node(key string, v pickle.Value, depth int) *Node {
	n := &Node{Key: key, Value: v}
	if b.nodes++; b.nodes > maxNodes || depth > maxDepth {
		n.Kind, n.Text = ObjectNode, "…"
		return n
	}
	switch v := v.(type) {
	case *pickle.Dict, *pickle.List, *pickle.Object:
		if first := b.seen[v]; first != nil && !emptyList(v) {
			n.Kind, n.Same = SameNode, first
			return n
		}
		b.seen[v] = n
	}
	switch v := v.(type) {
	case nil:
		n.Kind, n.Text = NoneNode, "None"
	case bool:
		n.Kind, n.Text = BoolNode, map[bool]string{true: "True", false: "False"}[v]
	case int64:
		n.Kind, n.Text = NumberNode, strconv.FormatInt(v, 10)
	case *big.Int:
		n.Kind, n.Text = NumberNode, clip(v.String(), 60)
	case float64:
		n.Kind, n.Text = NumberNode, number(v)
	case *pickle.Text:
		n.Kind, n.Text, n.Len = TextNode, quoted(v), v.Len
	case *pickle.Dict:
		n.Kind = DictNode
		b.entries(n, v.Entries, depth)
	case *pickle.List:
		n.Kind, n.Class = ListNode, [...]string{"list", "tuple", "set", "frozenset"}[v.Kind]
		b.items(n, v.Items, depth)
		n.Len = v.Len
	case *pickle.Global:
		n.Kind, n.Class, n.Text = ObjectNode, v.String(), v.String()
	case *pickle.Persistent:
		b.persistent(n, v)
	case *pickle.Object:
		b.object(n, v, depth)
	}
	return n
}

func emptyList(v pickle.Value) bool {
	l, ok := v.(*pickle.List)
	return ok && len(l.Items) == 0
}

// number is a float as Python shows it.
func number(f float64) string {
	s := strconv.FormatFloat(f, 'g', -1, 64)
	if !strings.ContainsAny(s, ".en") && !strings.Contains(s, "Inf") {
		s += ".0"
	}
	return strings.NewReplacer("NaN", "nan", "+Inf", "inf", "-Inf", "-inf").Replace(s)
}

// quoted is a text as it is shown.
func quoted(t *pickle.Text) string {
	if t.Bytes {
		return fmt.Sprintf("%d bytes", t.Len)
	}
	s := strconv.Quote(clip(t.Kept, maxText))
	if !t.Whole() {
		s += fmt.Sprintf(" (%d bytes)", t.Len)
	}
	return s
}

// entries makes the children of a dict. A key that is set twice has its last value.
func (b *builder) entries(n *Node, entries []pickle.Entry, depth int) {
	at := map[string]int{}
	for _, e := range entries {
		key := b.key(e.Key)
		if b.nodes > maxNodes {
			break
		}
		c := b.node(key, e.Value, depth+1)
		i, again := at[key]
		if _, text := e.Key.(*pickle.Text); again && text {
			n.Children[i] = c
			continue
		}
		if again { // keys that are no texts may look alike
			c.Key = fmt.Sprintf("%s #%d", key, len(n.Children))
		}
		at[key] = len(n.Children)
		n.Children = append(n.Children, c)
	}
	n.Len = int64(len(n.Children))
}

func (b *builder) items(n *Node, items []pickle.Value, depth int) {
	for i, x := range items {
		if b.nodes > maxNodes {
			break
		}
		n.Children = append(n.Children, b.node(strconv.Itoa(i), x, depth+1))
	}
	n.Len = int64(len(items))
}

// key is a dict's key as it is shown.
func (b *builder) key(v pickle.Value) string {
	switch v := v.(type) {
	case *pickle.Text:
		return clip(v.Kept, maxText)
	case *pickle.Global:
		return v.String()
	case *pickle.List:
		var parts []string
		for _, x := range v.Items[:min(len(v.Items), 8)] {
			if _, deep := x.(*pickle.List); deep {
				parts = append(parts, "…")
				continue
			}
			parts = append(parts, b.key(x))
		}
		return "(" + strings.Join(parts, ", ") + ")"
	case *pickle.Object:
		if v.Class() == "torch.distributed.checkpoint.metadata.MetadataIndex" {
			return clip(fieldText(v, "fqn"), maxText)
		}
		return v.Class()
	case nil:
		return "None"
	}
	return clip(b.node("", v, maxDepth).Text, maxText)
}

// dicts are classes of dicts: what is set in them are their items.
var dicts = map[string]bool{"collections.OrderedDict": true, "collections.defaultdict": true, "collections.Counter": true, "transformers.trainer_utils.BatchFeature": true}

// object makes the node of what a call would make.
func (b *builder) object(n *Node, o *pickle.Object, depth int) {
	class := o.Class()
	n.Class = class
	if make := rebuilders[class]; make != nil {
		if t := make(b, o); t != nil {
			n.Kind, n.Tensor = TensorNode, t
			return
		}
	}
	if t := b.oldTensor(o); t != nil {
		n.Kind, n.Tensor = TensorNode, t
		return
	}
	switch {
	case dicts[class]:
		n.Kind = DictNode
		entries := o.Entries
		if d, ok := o.Argument(0).(*pickle.Dict); ok { // Counter({...})
			entries = append(d.Entries[:len(d.Entries):len(d.Entries)], entries...)
		}
		if l, ok := o.Argument(0).(*pickle.List); ok { // OrderedDict([[key, value], ...]) of Python 2
			for _, x := range l.Items {
				if pair, ok := x.(*pickle.List); ok && len(pair.Items) == 2 {
					entries = append(entries[:len(entries):len(entries)], pickle.Entry{Key: pair.Items[0], Value: pair.Items[1]})
				}
			}
		}
		b.entries(n, entries, depth)
	case class == "builtins.set" || class == "builtins.frozenset" || class == "collections.deque" || class == "torch.Size":
		n.Kind = ListNode
		items := o.Items
		if l, ok := o.Argument(0).(*pickle.List); ok {
			items = append(l.Items[:len(l.Items):len(l.Items)], items...)
		}
		b.items(n, items, depth)
	case class == "_codecs.encode" || class == "builtins.bytearray":
		n.Kind, n.Text = TextNode, "bytes"
		if t, ok := o.Argument(0).(*pickle.Text); ok {
			n.Text = fmt.Sprintf("%d bytes", len([]rune(t.Kept)))
		}
	case class == "builtins.complex":
		n.Kind, n.Text = NumberNode, "complex"
	case strings.HasSuffix(class, "multiarray.scalar"):
		n.Kind, n.Text = NumberNode, numpyScalar(o)
	case class == "torch.device":
		n.Kind, n.Text = ObjectNode, "device "+words(b, o.Args)
	case strings.HasSuffix(class, "TorchVersion"):
		n.Kind, n.Text = TextNode, words(b, o.Args)
	case isModule(o):
		n.Kind = ModuleNode
		b.module(n, o, "", depth)
		n.Len = int64(len(n.Children))
	default:
		b.plain(n, o, depth)
	}
}

// plain makes the node of an object of a class that nothing is known of: its attributes, its items, or what it is made of.
func (b *builder) plain(n *Node, o *pickle.Object, depth int) {
	n.Kind = ObjectNode
	state := o.State
	if l, ok := state.(*pickle.List); ok && len(l.Items) == 2 { // with slots
		state = l.Items[0]
		if d, ok := l.Items[1].(*pickle.Dict); ok && state == nil {
			state = d
		}
	}
	switch d := state.(type) {
	case *pickle.Dict:
		b.entries(n, d.Entries, depth)
	case nil:
	default:
		n.Children = append(n.Children, b.node("state", state, depth+1))
	}
	for _, e := range o.Entries {
		n.Children = append(n.Children, b.node(b.key(e.Key), e.Value, depth+1))
	}
	for i, x := range o.Items {
		n.Children = append(n.Children, b.node(strconv.Itoa(i), x, depth+1))
	}
	if len(n.Children) == 0 {
		n.Text = clip(words(b, o.Args), maxText)
		if l, ok := o.Args.(*pickle.List); ok && !o.New {
			for i, x := range l.Items {
				switch x.(type) {
				case *pickle.Dict, *pickle.Object, *pickle.List:
					n.Children = append(n.Children, b.node(strconv.Itoa(i), x, depth+1))
				}
			}
		}
	}
	n.Len = int64(len(n.Children))
}

// words are plain arguments in a line.
func words(b *builder, args pickle.Value) string {
	l, ok := args.(*pickle.List)
	if !ok {
		return ""
	}
	var out []string
	for _, x := range l.Items[:min(len(l.Items), 8)] {
		switch x := x.(type) {
		case *pickle.Text:
			out = append(out, x.Kept)
		case nil, int64, float64, bool:
			out = append(out, b.node("", x, maxDepth-1).Text)
		}
	}
	return clip(strings.Join(out, " "), maxText)
}

// isModule reports whether an object is an nn.Module.
func isModule(o *pickle.Object) bool {
	d, ok := o.State.(*pickle.Dict)
	if !ok {
		return false
	}
	_, parameters := d.Get("_parameters")
	_, modules := d.Get("_modules")
	return parameters && modules || strings.HasPrefix(o.Class(), "__torch__.")
}

// module collects the parameters and buffers of a module under the names that its state dict has.
func (b *builder) module(n *Node, o *pickle.Object, prefix string, depth int) {
	d, ok := o.State.(*pickle.Dict)
	if !ok || depth > maxDepth {
		return
	}
	script := strings.HasPrefix(o.Class(), "__torch__.")
	for _, field := range []string{"_parameters", "_buffers", "_modules", ""} {
		of := &pickle.Dict{}
		switch v, _ := d.Get(field); {
		case script && field == "":
			of = d
		case field == "":
			continue
		default:
			if x, ok := v.(*pickle.Dict); ok {
				of = x
			} else if x, ok := v.(*pickle.Object); ok {
				of = &pickle.Dict{Entries: x.Entries}
			}
		}
		for _, e := range of.Entries {
			name, ok := pickle.String(e.Key)
			child, object := e.Value.(*pickle.Object)
			if !ok || !object || b.nodes > maxNodes {
				continue
			}
			if isModule(child) {
				if b.seen[child] == nil {
					b.seen[child] = n
					b.module(n, child, prefix+name+".", depth+1)
				}
				continue
			}
			if c := b.node(prefix+name, e.Value, depth+1); c.Kind == TensorNode || c.Kind == SameNode && c.Same.Kind == TensorNode {
				n.Children = append(n.Children, c)
			}
		}
	}
}

// persistent makes the node of a storage that is saved by itself, or of a class with its source.
func (b *builder) persistent(n *Node, p *pickle.Persistent) {
	n.Kind = ObjectNode
	if s := b.storage(p); s != nil {
		n.Kind = TensorNode
		n.Tensor = &Tensor{DType: s.DType, Storage: s, Shape: []int64{s.Bytes}, Stride: []int64{1}}
		if s.DType == "" {
			n.Tensor.DType = "uint8"
		} else if bits := dtypeBits[s.DType]; bits > 0 {
			n.Tensor.Shape[0] = s.Bytes * 8 / int64(bits)
		}
		return
	}
	if l, ok := p.ID.(*pickle.List); ok && len(l.Items) > 1 {
		if g, ok := l.Items[1].(*pickle.Global); ok {
			n.Class, n.Text = g.String(), "class "+g.String()
		}
	}
}

// fieldText is a text attribute of an object.
func fieldText(o *pickle.Object, name string) string {
	v := field(o, name)
	s, _ := pickle.String(v)
	return s
}

// field is an attribute of an object, nil where it has none.
func field(v pickle.Value, name string) pickle.Value {
	o, ok := v.(*pickle.Object)
	if !ok {
		return nil
	}
	d, ok := o.State.(*pickle.Dict)
	if !ok {
		return nil
	}
	x, _ := d.Get(name)
	return x
}

// bytesOf are the bytes that a value is: as bytes, or as a text of Latin-1, as protocol 2 has them.
func bytesOf(v pickle.Value) []byte {
	if o, ok := v.(*pickle.Object); ok && o.Class() == "_codecs.encode" {
		v = o.Argument(0)
	}
	t, ok := v.(*pickle.Text)
	if !ok || !t.Whole() {
		return nil
	}
	if t.Bytes {
		return []byte(t.Kept)
	}
	var out []byte
	for _, r := range t.Kept {
		if r > 0xff {
			return nil
		}
		out = append(out, byte(r))
	}
	return out
}
