package training

import (
	"regexp"
	"strings"

	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
	"github.com/ckpt-lsp/ckpt-lsp/internal/pysem"
)

// NodeLocalSave is a checkpoint that a program of several processes resumes from, on a disk that each node has to itself.
type NodeLocalSave struct {
	Resumption
	// Disk is the directory, or the call or variable that gives it.
	Disk string
	// Several shows that several processes run this.
	Several Processes
}

var (
	freshDirectory = regexp.MustCompile(`^tempfile\.(mkdtemp|TemporaryDirectory|mkstemp)`)
	manyNodes      = regexp.MustCompile(`(?i)node_?rank|n(um)?_?nodes|^nodes$`)
	oneMachine     = regexp.MustCompile(`^(tcp://)?(localhost|127\.0\.0\.1)(:|$)`)
	// looksOnly are calls that do nothing with a file but ask for it, make its directory or tell of it.
	looksOnly = regexp.MustCompile(`^(os\.path\.\w+|os\.(makedirs|mkdir|listdir|scandir|fspath)|glob\.i?glob|builtins\.(print|str|len|sorted|open|max|min)|logging(\.\w+)*|torch\.(save|load)|pathlib\.\w+)$`)
	asksPath  = regexp.MustCompile(`^(exists|is_file|is_dir|mkdir|info|debug|warning|print|write|format|join|endswith|startswith|append|iterdir|glob|with_suffix)$`)
)

// NodeLocalSaves are those checkpoints. A file that is removed, copied or handed to anything else is taken to be temporary, or
// brought away; so is one in a directory that is made afresh for each run. A program that names this machine as the meeting place
// of its processes runs on one node.
func (f *File) NodeLocalSaves() []NodeLocalSave {
	if f.says(oneMachine.MatchString) {
		return nil
	}
	var out []NodeLocalSave
	for _, r := range f.Resumptions() {
		s := r.Save
		disk := s.Path.NodeLocal()
		if disk == "" || freshDirectory.MatchString(disk) || r.Load == nil || r.Evidence != FromLoadPath || s.Path.Buffer {
			continue
		}
		several, ok := s.Distributed()
		if !ok || s.Run.spawnsHere() || f.handedOn(s) {
			continue
		}
		out = append(out, NodeLocalSave{r, disk, several})
	}
	return out
}

// spawnsHere reports whether the processes of a run are as many as this machine has GPUs, or are numbered by the program itself.
func (r *Run) spawnsHere() bool {
	f := r.File
	if f.names(manyNodes) {
		return false
	}
	for _, c := range r.Calls {
		switch {
		case c.spawns():
			return true
		case strings.HasSuffix(c.Callee, "init_process_group"):
			for _, a := range c.Arg(-1, "world_size").Alternatives() {
				if a.Callee() == "torch.cuda.device_count" {
					return true
				}
			}
			if f.process(c.Ctx) != nil {
				return true
			}
		}
	}
	return false
}

// handedOn reports whether the file of a save, or another name on that disk, goes to a call that does more than look.
func (f *File) handedOn(s *SaveSite) bool {
	for _, r := range f.Runs {
		for _, c := range r.Calls {
			if c.Node == s.Node || looksOnly.MatchString(c.Callee) || c.Method != "" && asksPath.MatchString(c.Method) {
				continue
			}
			if c.Recv.Valid() && f.denotes(c.Recv, c.Ctx, s.Path) {
				return true // path.unlink()
			}
			for n := range c.Node.Child(pyast.FieldArguments).Descendants() {
				if n.Is(pyast.KindIdentifier, pyast.KindAttribute, pyast.KindString, pyast.KindCall) && f.denotes(n, c.Ctx, s.Path) {
					return true
				}
			}
		}
	}
	return false
}

// denotes reports whether an expression is the name of a file, or of a directory above it.
func (f *File) denotes(n pyast.Node, ctx *pysem.Ctx, file *Path) bool {
	p := f.path(n, ctx)
	return p.Value != nil && p.Value.Kind != pysem.Unknown && (f.sameName(p, file) || f.liesIn(file, p))
}
