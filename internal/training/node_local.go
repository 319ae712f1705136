package training

import (
	"regexp"
	"strings"

	"github.com/ckpt-lsp/ckpt-lsp/internal/pysem"
)

// ofNode are words in a file name by which each node has its own file.
var ofNode = regexp.MustCompile(`(?i)node|host|uname`)

// localDisk are directories that each machine has to itself: they begin a name, or stand in an environment variable.
var (
	localDisk = regexp.MustCompile(`^(/tmp|/var/tmp|/dev/shm|/scratch/local|/local_scratch|/local/scratch|/localscratch|/mnt/local\w*|/raid/local)(/|$)`)
	localEnv  = regexp.MustCompile(`\b(SLURM_TMPDIR|LOCAL_SCRATCH|TMPDIR|LSCRATCH|LOCALSCRATCH|LOCAL_SCRATCH_DIR)\b`)
)

// OfNode reports whether the name has a part that differs from node to node.
func (p *Path) OfNode() bool {
	return ofNode.MatchString(p.Node.Text()) || p.Value != nil && p.Value.Kind == pysem.Str && ofNode.MatchString(p.Value.Node.Text())
}

// NodeLocal is the directory that begins the name where it is one that each machine has to itself, "" otherwise.
func (p *Path) NodeLocal() string {
	if m := localDisk.FindString(p.Pattern); m != "" {
		return strings.TrimSuffix(m, "/")
	}
	return nodeLocalValue(p.Value, 0)
}

// nodeLocalValue follows a name to the call or variable that it begins with: tempfile.gettempdir(), os.environ["SLURM_TMPDIR"].
func nodeLocalValue(v *pysem.Value, depth int) string {
	if v == nil || depth > 4 {
		return ""
	}
	if v.Kind == pysem.Str && len(v.Parts) > 0 && v.Parts[0].Lit == "" && v.Parts[0].Hole != nil {
		return nodeLocalValue(v.Parts[0].Hole, depth+1)
	}
	switch callee := v.Callee(); callee {
	case "tempfile.gettempdir", "tempfile.mkdtemp", "tempfile.TemporaryDirectory", "tempfile.mkstemp":
		return callee + "()"
	}
	if m := localEnv.FindString(v.Node.Text()); m != "" && (v.Kind == pysem.Call || v.Kind == pysem.Item) {
		return m
	}
	return ""
}
