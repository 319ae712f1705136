package training

import (
	"regexp"
	"slices"
	"strings"

	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
	"github.com/ckpt-lsp/ckpt-lsp/internal/pysem"
	"github.com/ckpt-lsp/ckpt-lsp/internal/torch"
)

// MadeDirectory is a directory that one process makes and every process then writes into, with nothing in between that makes
// the others wait.
type MadeDirectory struct {
	// Made is the call that makes it, behind Guard; Used the first write of the other processes into it.
	Made, Used *Call
	Guard      Guard
	// Dir is the directory's expression.
	Dir pyast.Node
}

// MadeDirectories are such directories of the run, in order.
func (r *Run) MadeDirectories() []MadeDirectory {
	f := r.File
	var out []MadeDirectory
	for _, c := range r.Calls {
		dir := f.madeDir(c)
		if !dir.Valid() {
			continue
		}
		guard, ok := f.OneProcess(c.Frame)
		if !ok {
			continue
		}
		if used := r.usedUnmade(c, f.Eval.Eval(dir, c.Ctx)); used != nil {
			out = append(out, MadeDirectory{c, used, guard, dir})
		}
	}
	return out
}

// madeDir is the directory that a call makes, none for other calls.
func (f *File) madeDir(c *Call) pyast.Node {
	if makesDirectory.MatchString(c.Callee) {
		return pysem.Args(c.Node).Get(0, "name")
	}
	if c.Method == "mkdir" {
		return c.Recv
	}
	return pyast.Node{}
}

// usedUnmade is the first write of all processes below a directory that one of them has made. It is nil where all of them make
// the directory, wait for each other or leave first.
func (r *Run) usedUnmade(made *Call, dir *pysem.Value) *Call {
	f := r.File
	if !located(dir) {
		return nil
	}
	steps := map[int]bool{}
	for _, st := range r.Steps {
		steps[st.Index] = true
	}
	for _, c := range r.Calls {
		if c.Index <= made.Index {
			continue
		}
		if again := f.madeDir(c); again.Valid() && f.Eval.Eval(again, c.Ctx).Key() == dir.Key() {
			return nil
		}
		if Exclusive(made.Frame, c.Frame) {
			continue
		}
		_, joint := f.groupCall(c)
		switch {
		case joint, steps[c.Index], meets.MatchString(c.Callee),
			c.Callee != "" && !c.Known && synchronises.MatchString(lastPart(c.Callee)),
			c.Method != "" && synchronises.MatchString(c.Method):
			return nil
		case len(f.Guards(c.Frame)) > 0:
			continue
		}
		// What stands further away comes late enough, as a rule.
		if path := written(c); path.Valid() && c.Ctx == made.Ctx && below(f.Eval.Eval(path, c.Ctx), dir) && !r.ownBarrier(made.Index, c.Index) {
			return c
		}
	}
	return nil
}

// ownBarrier reports whether a barrier of the program's own is called between two events. Which one it is hangs on the backend that is chosen,
// and the one that evaluates here may be that of a single process, which waits for nobody.
func (r *Run) ownBarrier(from, to int) bool {
	return slices.ContainsFunc(r.Events[from:to], func(ev pysem.Event) bool {
		return ev.Kind == pysem.EventCall && strings.Contains(strings.ToLower(calledName(ev.Node)), "barrier")
	})
}

// meets are calls in which the processes of a group wait for each other beside those that the tables know.
var meets = regexp.MustCompile(`init_process_group$|DistributedDataParallel$|FullyShardedDataParallel$|^torch\.multiprocessing\.spawn$`)

// located says that a value names one and the same directory wherever it stands.
func located(v *pysem.Value) bool {
	switch v.Kind {
	case pysem.Str, pysem.ParamVal, pysem.Attr, pysem.Item:
		return true
	}
	return false
}

// written is the file that a call writes, for all processes alike or each its own.
func written(c *Call) pyast.Node {
	args := pysem.Args(c.Node)
	switch {
	case c.Callee == "builtins.open":
		if mode, ok := pysem.StringLiteral(args.Get(1, "mode")); ok && strings.ContainsAny(mode, "wax") {
			return args.Get(0, "file")
		}
	case c.Callee == "logging.FileHandler":
		return args.Get(0, "filename")
	case c.Known && c.Entry.Kind == torch.Saver && !c.Entry.Collective:
		return args.Get(1, "f")
	case copiers.MatchString(c.Callee):
		return args.Get(1, "dst")
	}
	return pyast.Node{}
}

// below reports whether a file's name begins with the directory.
func below(file, dir *pysem.Value) bool {
	if file.Kind != pysem.Str {
		return false
	}
	prefix := []pysem.Part{{Hole: dir}}
	if dir.Kind == pysem.Str {
		prefix = dir.Parts
	}
	return strings.HasPrefix(spelled(file.Parts), strings.TrimSuffix(spelled(prefix), "/")+"/")
}

// spelled is a string with each hole written as the key of its value, so that equal holes read alike.
func spelled(parts []pysem.Part) string {
	var b strings.Builder
	for _, p := range parts {
		b.WriteString(p.Lit)
		if p.Hole != nil {
			b.WriteString("{" + p.Hole.Key() + p.Format + "}")
		}
	}
	return b.String()
}
