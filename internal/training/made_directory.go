package training

import (
	"regexp"
	"strings"

	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
	"github.com/ckpt-lsp/ckpt-lsp/internal/pysem"
)

// RacedDirectory is a directory that some ranks make and all ranks use at once.
type RacedDirectory struct {
	// Make makes it behind the rank test Guard; Use writes into it on every rank.
	Make, Use *Call
	Guard     Guard
	// Path is its name. Grouped says that the process group is up when it is made, so that a barrier can stand behind it.
	Path    *Path
	Grouped bool
	// Several shows that several processes run this.
	Several Processes
}

var (
	makesDirectory = regexp.MustCompile(`^os\.(makedirs|mkdir)$`)
	// joins are calls in which a process waits for the others beside those of the group: it starts, wraps or prepares them.
	joins = regexp.MustCompile(`(?i)init_process_group$|init_distributed|distribut|DistributedDataParallel$|FullyShardedDataParallel$|(^|[._])(prepare|initialize|setup\w*|init\w*)$`)
)

// RacedDirectories are those directories: nothing that makes a process wait stands between the two calls, and no other call makes
// the directory on every rank.
func (r *Run) RacedDirectories() []RacedDirectory {
	f := r.File
	var out []RacedDirectory
	grouped := false
	for i, c := range r.Calls {
		grouped = grouped || strings.HasSuffix(c.Callee, "init_process_group")
		path := f.directoryMade(c)
		if path == nil || path.Rank || path.Buffer {
			continue
		}
		guard, ok := f.SomeRanks(c.Frame)
		if !ok || guard.Test != MainOnly && guard.Test != LocalMain {
			continue
		}
		several, ok := c.Distributed()
		if !ok && asksGroup(guard.Frame.Cond) {
			several, ok = Processes{Node: guard.Frame.Cond}, true
		}
		if !ok {
			continue
		}
		if use := r.usedAtOnce(path, r.Calls[:i], r.Calls[i+1:]); use != nil && !guard.Frame.Node.Encloses(use.Node) {
			out = append(out, RacedDirectory{Make: c, Use: use, Guard: guard, Path: path, Grouped: grouped, Several: several})
		}
	}
	return out
}

// asksGroup reports whether a rank test asks somebody for the rank, which only code of several processes does: dist.get_rank() == 0.
func asksGroup(cond pyast.Node) bool {
	for n := range cond.Descendants() {
		if n.Kind() == pyast.KindCall && !asksFile.MatchString(n.Child(pyast.FieldFunction).Text()) && rankWord.MatchString(calledName(n)) {
			return true
		}
	}
	return false
}

var rankWord = regexp.MustCompile(`(?i)rank|main|master|root|primary|chief`)

// directoryMade is the name of the directory that a call makes, nil for other calls.
func (f *File) directoryMade(c *Call) *Path {
	if n := f.madeDir(c); n.Valid() {
		return f.path(n, c.Ctx)
	}
	return nil
}

// usedAtOnce is the first call behind in which every rank writes into a directory, nil where a rank may wait for the others
// first or makes the directory itself, before or behind.
func (r *Run) usedAtOnce(dir *Path, before, behind []*Call) *Call {
	f := r.File
	for _, c := range before {
		if made := f.directoryMade(c); made != nil && f.sameName(made, dir) && !f.Guarded(c.Frame) {
			return nil
		}
	}
	for _, c := range behind {
		if f.mayWait(c) || joins.MatchString(lastPart(c.Callee)) || joins.MatchString(c.Method) || r.steps(c.Index) {
			return nil
		}
		if made := f.directoryMade(c); made != nil && !f.Guarded(c.Frame) && (f.sameName(made, dir) || f.liesIn(made, dir)) {
			return nil
		}
		if to := f.written(c); to != nil && (f.liesIn(to, dir) || f.sameName(to, dir)) && !f.Guarded(c.Frame) {
			return c
		}
	}
	return nil
}

func (r *Run) steps(index int) bool {
	for _, s := range r.Steps {
		if s.Index == index {
			return true
		}
	}
	return false
}

// writers are functions that make a file and need its directory, by the place and name of the argument with its name.
var writers = map[string]struct {
	position int
	name     string
}{
	"torch.save": {1, "f"}, "numpy.save": {0, "file"}, "numpy.savez": {0, "file"}, "numpy.savetxt": {0, "fname"},
	"logging.FileHandler": {0, "filename"}, "logging.basicConfig": {-1, "filename"},
}

// written is the name of the file that a call makes, nil for other calls.
func (f *File) written(c *Call) *Path {
	args := pysem.Args(c.Node)
	if w, ok := writers[c.Callee]; ok {
		if n := args.Get(w.position, w.name); n.Valid() {
			return f.path(n, c.Ctx)
		}
		return nil
	}
	if openers[c.Callee] {
		if mode, ok := f.Eval.Eval(args.Get(1, "mode"), c.Ctx).Text(); ok && strings.ContainsAny(mode, "wax") {
			return f.path(args.Pos(0), c.Ctx)
		}
	}
	return nil
}

// sameName reports whether two names are the same for sure.
func (f *File) sameName(a, b *Path) bool {
	return a.Value != nil && b.Value != nil && f.named(a.Value).Key() == f.named(b.Value).Key()
}

// pathMakers give the name that they are given, as an object or in another form.
var pathMakers = regexp.MustCompile(`^(pathlib\.(Pure|Posix)?Path|os\.fspath|os\.path\.(abspath|expanduser|realpath|normpath))$`)

// named is the value of a name without what only turns it into another form: Path(out), str(out).
func (f *File) named(v *pysem.Value) *pysem.Value {
	for range 4 {
		switch {
		case v.Kind == pysem.Str && len(v.Parts) == 1 && v.Parts[0].Hole != nil:
			v = v.Parts[0].Hole
		case pathMakers.MatchString(v.Callee()) && len(pysem.Args(v.Node).Position) == 1:
			v = f.Eval.Eval(pysem.Args(v.Node).Pos(0), v.Ctx)
		}
	}
	return v
}

// liesIn reports whether a file's name begins with a directory's for sure.
func (f *File) liesIn(file, dir *Path) bool {
	if file.Value == nil || dir.Value == nil || file.Value.Kind != pysem.Str {
		return false
	}
	of := f.named(dir.Value)
	parts := []pysem.Part{{Hole: of}}
	if of.Kind == pysem.Str {
		parts = joined(of.Parts)
	}
	rest := joined(file.Value.Parts)
	if len(rest) < len(parts) {
		return false
	}
	for i, part := range parts {
		last := i == len(parts)-1
		switch {
		case part.Hole != nil:
			if rest[i].Hole == nil || f.named(rest[i].Hole).Key() != f.named(part.Hole).Key() {
				return false
			}
		case last:
			return rest[i].Hole == nil && strings.HasPrefix(rest[i].Lit, strings.TrimSuffix(part.Lit, "/")+"/")
		case rest[i].Hole != nil || rest[i].Lit != part.Lit:
			return false
		}
	}
	return len(rest) > len(parts) && strings.HasPrefix(rest[len(parts)].Lit, "/")
}

// joined are the parts of a string with neighbouring literals as one.
func joined(parts []pysem.Part) []pysem.Part {
	var out []pysem.Part
	for _, p := range parts {
		if n := len(out); n > 0 && p.Hole == nil && out[n-1].Hole == nil {
			out[n-1].Lit += p.Lit
			continue
		}
		out = append(out, p)
	}
	return out
}
