package checkpoint

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/ckpt-lsp/ckpt-lsp/internal/checkpoint/pickle"
	"github.com/ckpt-lsp/ckpt-lsp/internal/files"
)

// maxFiles is how many files of a folder are read.
const maxFiles = 20_000

// layouts are the programs whose checkpoints are folders, by a name in them.
var layouts = []struct {
	name  string
	match *regexp.Regexp
}{
	{"Transformers Trainer", regexp.MustCompile(`^trainer_state\.json$`)},
	{"DeepSpeed", regexp.MustCompile(`^(mp_rank_\d+_model_states|(bf16_|fp16_)?zero_pp_rank_\d+_mp_rank_\d+_(optim|model)_states)\.pt$`)},
	{"Accelerate", regexp.MustCompile(`^(random_states_\d+\.pkl|(optimizer|scheduler|sampler)(_\d+)?\.bin|custom_checkpoint_\d+\.pkl)$`)},
	{"Transformers", regexp.MustCompile(`^(model(\.safetensors|-\d+-of-\d+\.safetensors)|pytorch_model(-\d+-of-\d+)?\.bin|adapter_model\.(safetensors|bin)|diffusion_pytorch_model.*)$`)},
}

// held matches the files of a folder that are read.
var held = regexp.MustCompile(`(?i)\.(pt|pth|bin|ckpt|pkl|safetensors)$`)

// folder reads a folder that is one checkpoint.
func (c *Checkpoint) folder() error {
	entries, err := os.ReadDir(c.Path)
	if err != nil {
		return err
	}
	names := map[string]bool{}
	for _, e := range entries[:min(len(entries), maxFiles)] {
		names[e.Name()] = true
	}
	if names[".metadata"] {
		return c.distributed()
	}
	if step, ok := c.latest(names); ok { // DeepSpeed's folder of folders
		note := fmt.Sprintf("latest names %s", step)
		c.Path = filepath.Join(c.Path, step)
		c.Notes = append(c.Notes, note)
		return c.folder()
	}
	for _, l := range layouts {
		if c.Layout == "" && slices.ContainsFunc(entries, func(e os.DirEntry) bool { return l.match.MatchString(e.Name()) }) {
			c.Layout = l.name
		}
	}
	if c.Layout == "" {
		return fmt.Errorf("%s: %w: the folder has neither .metadata, nor what Accelerate, DeepSpeed or Transformers write; name a file in it", c.Path, ErrNone)
	}
	c.Format = Folder
	c.Root = &Node{Kind: DictNode}
	in := map[string]bool{} // shards that an index speaks for
	for name := range names {
		if strings.HasSuffix(name, ".index.json") {
			i := &Checkpoint{Path: filepath.Join(c.Path, name), limits: c.limits}
			if err := i.index(); err != nil {
				c.Problems = append(c.Problems, fmt.Sprintf("%s: %v", name, err))
				continue
			}
			for _, f := range i.Files {
				in[f.Name] = true
			}
			i.Root.Key = name
			c.add(i.Root, i.Files...)
			c.Problems = append(c.Problems, i.Problems...)
		}
	}
	for _, e := range entries[:min(len(entries), maxFiles)] {
		switch name := e.Name(); {
		case in[name] || e.IsDir():
		case name == "trainer_state.json":
			c.add(jsonNode(filepath.Join(c.Path, name), name))
		case held.MatchString(name):
			f, err := openFile(filepath.Join(c.Path, name), name, c.limits)
			if err != nil {
				c.Problems = append(c.Problems, err.Error())
				continue
			}
			root := f.root
			if root == nil {
				root = &Node{Kind: ObjectNode, Text: "not read"}
			}
			root.Key = name
			c.add(root, f)
		}
	}
	slices.SortFunc(c.Root.Children, func(a, b *Node) int { return strings.Compare(a.Key, b.Key) })
	c.Root.Len = int64(len(c.Root.Children))
	return nil
}

// latest is the step that DeepSpeed's file of this name leads to.
func (c *Checkpoint) latest(names map[string]bool) (string, bool) {
	if !names["latest"] {
		return "", false
	}
	data, err := files.Read(filepath.Join(c.Path, "latest"))
	step := strings.TrimSpace(string(data))
	return step, err == nil && step != "" && !strings.ContainsAny(step, `/\`) && names[step]
}

// add takes in what files hold.
func (c *Checkpoint) add(n *Node, from ...*File) {
	if n != nil {
		c.Root.Children = append(c.Root.Children, n)
	}
	for _, f := range from {
		c.Files = append(c.Files, f)
		c.Size += f.Size
	}
}

// jsonNode is what a file of JSON holds in its first two levels.
func jsonNode(path, key string) *Node {
	data, err := files.Read(path)
	if err != nil {
		return nil
	}
	var v any
	if json.Unmarshal(data, &v) != nil {
		return nil
	}
	return jsonValue(key, v, 0)
}

func jsonValue(key string, v any, depth int) *Node {
	n := &Node{Key: key}
	switch v := v.(type) {
	case nil:
		n.Kind, n.Text = NoneNode, "None"
	case bool:
		n.Kind, n.Text = BoolNode, map[bool]string{true: "True", false: "False"}[v]
	case float64:
		n.Kind, n.Text = NumberNode, strings.TrimSuffix(number(v), ".0")
	case string:
		n.Kind, n.Text, n.Len = TextNode, fmt.Sprintf("%q", clip(v, maxText)), int64(len(v))
	case []any:
		n.Kind, n.Class, n.Len = ListNode, "list", int64(len(v))
		if depth < 2 && len(v) > 0 { // the last of a log
			n.Children = append(n.Children, jsonValue(fmt.Sprint(len(v)-1), v[len(v)-1], depth+1))
		}
	case map[string]any:
		n.Kind, n.Len = DictNode, int64(len(v))
		for _, k := range slices.Sorted(keysOf(v)) {
			if depth < 3 && len(n.Children) < 1000 {
				n.Children = append(n.Children, jsonValue(k, v[k], depth+1))
			}
		}
	}
	return n
}

func keysOf(m map[string]any) func(func(string) bool) {
	return func(yield func(string) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

// index reads the index of a model that is written in shards, and the shards.
func (c *Checkpoint) index() error {
	data, err := files.Read(c.Path)
	if err != nil {
		return err
	}
	var x struct {
		Metadata struct {
			Total float64 `json:"total_size"`
		} `json:"metadata"`
		Map map[string]string `json:"weight_map"`
	}
	if err := json.Unmarshal(data, &x); err != nil || len(x.Map) == 0 {
		return fmt.Errorf("%s: %w: no weight_map stands in it", c.Path, ErrNone)
	}
	c.Format, c.Root = Sharded, &Node{Kind: DictNode}
	shards := map[string]*File{}
	tensors := map[string]map[string]*Node{}
	keys := map[string]any{}
	for k, shard := range x.Map {
		keys[k] = nil
		if shards[shard] != nil || len(shards) > maxFiles {
			continue
		}
		shards[shard] = &File{Name: shard}
		if !filepath.IsLocal(shard) {
			c.Problems = append(c.Problems, fmt.Sprintf("the index names %q, which lies outside of its folder", clip(shard, 60)))
			continue
		}
		f, err := openFile(filepath.Join(filepath.Dir(c.Path), filepath.FromSlash(shard)), shard, c.limits)
		if err != nil {
			c.Problems = append(c.Problems, fmt.Sprintf("shard %s is missing", shard))
			continue
		}
		shards[shard] = f
		tensors[shard] = map[string]*Node{}
		if f.root != nil {
			for _, n := range f.root.Children {
				tensors[shard][n.Key] = n
			}
		}
		c.Files = append(c.Files, f)
		c.Size += f.Size
	}
	slices.SortFunc(c.Files, func(a, b *File) int { return strings.Compare(a.Name, b.Name) })
	absent := 0
	for _, k := range slices.Sorted(keysOf(keys)) {
		n := tensors[x.Map[k]][k]
		if n == nil {
			if tensors[x.Map[k]] != nil {
				absent++
				if absent == 1 {
					c.Problems = append(c.Problems, fmt.Sprintf("%s is not in %s, where the index has it", clip(k, 80), x.Map[k]))
				}
			}
			continue
		}
		delete(tensors[x.Map[k]], k)
		c.Root.Children = append(c.Root.Children, n)
	}
	if absent > 1 {
		c.Problems = append(c.Problems, fmt.Sprintf("%d further tensors are not where the index has them", absent-1))
	}
	extra := 0
	for _, left := range tensors {
		extra += len(left)
	}
	if extra > 0 {
		c.Problems = append(c.Problems, fmt.Sprintf("%d tensors in the shards are not in the index: nobody loads them", extra))
	}
	c.Root.Len = int64(len(c.Root.Children))
	return nil
}

// distributed reads a folder of torch.distributed.checkpoint: its metadata say what lies where.
func (c *Checkpoint) distributed() error {
	c.Format, c.Root = DCP, &Node{Kind: DictNode}
	path := filepath.Join(c.Path, ".metadata")
	in, info, err := files.Open(path)
	if err != nil {
		return err
	}
	defer in.Close()
	meta := &File{Name: ".metadata", Path: path, Format: Pickle, Size: info.Size(), Modified: info.ModTime(), ByteOrder: "little"}
	p, err := pickle.Read(io.NewSectionReader(in, 0, info.Size()), c.limits)
	if err != nil {
		meta.problem("the pickle breaks off %v", err)
	}
	meta.Pickles = []*pickle.Pickle{p}
	c.add(nil, meta)
	d := shards{c: c, files: map[string]*File{}, at: map[string][]piece{}, tops: map[string]*Node{}}
	d.pieces(field(p.Root, "storage_data"))
	d.tree(field(p.Root, "state_dict_metadata"), field(p.Root, "planner_data"))
	return nil
}

// shards are the pieces of a distributed checkpoint.
type shards struct {
	c     *Checkpoint
	files map[string]*File
	at    map[string][]piece // by name
	tops  map[string]*Node
}

// piece is where a part of something lies.
type piece struct {
	file           *File
	offset, length int64
	at             []int64 // of the tensor: where it begins
}

// pieces reads where everything lies, and looks whether it does.
func (d *shards) pieces(v pickle.Value) {
	entries, ok := v.(*pickle.Dict)
	if !ok {
		return
	}
	for _, e := range entries.Entries {
		key, ok := e.Key.(*pickle.Object)
		if !ok {
			continue
		}
		name := fieldText(key, "fqn")
		relative, _ := pickle.String(field(e.Value, "relative_path"))
		offset, _ := pickle.Int(field(e.Value, "offset"))
		length, _ := pickle.Int(field(e.Value, "length"))
		f := d.file(relative)
		if f == nil || offset < 0 || length < 0 {
			continue
		}
		if offset > f.Size || length > f.Size-offset {
			f.problem("%s is to lie at %d to %d, and the file ends at %d", clip(name, 60), offset, offset+length, f.Size)
		}
		at, _ := sizes(field(key, "offset"))
		d.at[name] = append(d.at[name], piece{f, offset, length, at})
	}
}

// file is one file of pieces, nil where the name leads elsewhere.
func (d *shards) file(name string) *File {
	if f, known := d.files[name]; known {
		return f
	}
	if !filepath.IsLocal(name) || len(d.files) > maxFiles {
		d.c.Problems = append(d.c.Problems, fmt.Sprintf("a piece is to lie in %q, outside of the folder", clip(name, 60)))
		d.files[name] = nil
		return nil
	}
	f := &File{Name: name, Path: filepath.Join(d.c.Path, filepath.FromSlash(name)), Format: DCP, ByteOrder: "little"}
	if info, err := os.Stat(f.Path); err != nil {
		f.problem("it is missing")
	} else {
		f.Size, f.Modified = info.Size(), info.ModTime()
	}
	d.files[name] = f
	d.c.add(nil, f)
	return f
}

// tree makes the tree of keys: the planner keeps the keys that each flat name was made of.
func (d *shards) tree(state, planner pickle.Value) {
	entries, ok := state.(*pickle.Dict)
	if !ok {
		return
	}
	paths, _ := planner.(*pickle.Dict)
	for i, e := range entries.Entries {
		name, ok := pickle.String(e.Key)
		if !ok || i >= maxNodes {
			continue
		}
		keys := []string{name}
		if paths != nil {
			if l, ok := lookup(paths, name).(*pickle.List); ok && len(l.Items) > 0 {
				keys = nil
				for _, x := range l.Items[:min(len(l.Items), maxDepth)] {
					keys = append(keys, keyText(x))
				}
			}
		}
		n := d.leaf(name, e.Value)
		n.Key = keys[len(keys)-1]
		parent := d.parent(keys[:len(keys)-1])
		parent.Children = append(parent.Children, n)
		parent.Len++
	}
}

func keyText(v pickle.Value) string {
	if s, ok := pickle.String(v); ok {
		return s
	}
	if n, ok := pickle.Int(v); ok {
		return fmt.Sprint(n)
	}
	return "?"
}

func lookup(d *pickle.Dict, key string) pickle.Value {
	v, _ := d.Get(key)
	return v
}

// parent is the dict that some keys lead to.
func (d *shards) parent(keys []string) *Node {
	if len(keys) == 0 {
		return d.c.Root
	}
	id := strings.Join(keys, "\x00")
	if n := d.tops[id]; n != nil {
		return n
	}
	up := d.parent(keys[:len(keys)-1])
	n := &Node{Key: keys[len(keys)-1], Kind: DictNode}
	up.Children = append(up.Children, n)
	up.Len++
	d.tops[id] = n
	return n
}

// leaf is a tensor of pieces, or a value that was pickled by itself.
func (d *shards) leaf(name string, v pickle.Value) *Node {
	o, _ := v.(*pickle.Object)
	if o == nil || !strings.HasSuffix(o.Class(), "TensorStorageMetadata") {
		return d.pickled(name)
	}
	shape, _ := sizes(field(v, "size"))
	dtype := ""
	if p, ok := field(v, "properties").(*pickle.Object); ok {
		if l, ok := p.State.(*pickle.List); ok && len(l.Items) > 0 {
			dtype = dtypeOf(l.Items[0])
		} else {
			dtype = dtypeOf(field(p, "dtype"))
		}
	}
	t := &Tensor{DType: dtype, Shape: shape, Stride: contiguous(shape)}
	storage := &Storage{Key: name, DType: dtype, Offset: -1, Bytes: t.Bytes()}
	t.Storage = storage
	for _, p := range d.at[name] {
		storage.File = p.file
	}
	if len(d.at[name]) == 0 {
		storage.Missing = true
		d.c.Problems = append(d.c.Problems, fmt.Sprintf("no piece of %s is there", clip(name, 60)))
	}
	if chunks, ok := field(v, "chunks").(*pickle.List); ok && len(chunks.Items) == 1 && len(d.at[name]) == 1 {
		if whole := d.piece(d.at[name][0]); whole != nil && whole.Tensor != nil && whole.Tensor.DType == dtype && slices.Equal(whole.Tensor.Shape, shape) {
			whole.Len = 1
			return whole
		}
	}
	t.pieces = func() ([]cut, error) { return d.cuts(t, d.at[name]) }
	return &Node{Kind: TensorNode, Tensor: t, Len: int64(len(d.at[name]))}
}

// pickled is a value that stands in a file as torch.save writes it.
func (d *shards) pickled(name string) *Node {
	const most = 1 << 20
	if at := d.at[name]; len(at) > 0 && at[0].length <= most {
		if n := d.piece(at[0]); n != nil {
			return n
		}
	}
	return &Node{Kind: ObjectNode, Text: "pickled"}
}

// piece reads what torch.save wrote into a part of a file, and takes in what is there; nil where something else stands there.
func (d *shards) piece(at piece) *Node {
	part := d.part(at)
	if part == nil {
		return nil
	}
	at.file.Pickles = append(at.file.Pickles, part.Pickles...)
	if part.Problem != "" {
		at.file.problem("%s", part.Problem)
	}
	at.file.Storages = append(at.file.Storages, part.Storages...)
	return part.root
}

// part reads what torch.save wrote into a part of a file.
func (d *shards) part(at piece) *File {
	if at.file.Problem != "" {
		return nil
	}
	in, info, err := files.Open(at.file.Path)
	if err != nil {
		return nil
	}
	defer in.Close()
	if at.offset > info.Size() || at.length > info.Size()-at.offset {
		return nil
	}
	part := &File{Name: at.file.Name, Size: at.length, ByteOrder: "little", limits: d.c.limits}
	part.read(io.NewSectionReader(in, at.offset, at.length))
	for _, s := range part.Storages {
		if s.Offset >= 0 {
			s.Offset += at.offset
		}
		s.File = at.file
	}
	return part
}

// layoutOf is the program that a file's keys are those of.
func layoutOf(root *Node) string {
	if root == nil {
		return ""
	}
	for _, l := range []struct{ name, key string }{{"Lightning", "pytorch-lightning_version"}, {"DeepSpeed", "ds_version"}, {"fairseq", "last_optimizer_state"}, {"MMEngine", "message_hub"}} {
		if root.Get(l.key) != nil {
			return l.name
		}
	}
	return ""
}
