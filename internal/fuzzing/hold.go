package fuzzing

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"strings"

	"github.com/ckpt-lsp/ckpt-lsp/diagnostics"
	"github.com/ckpt-lsp/ckpt-lsp/internal/bound"
	"github.com/ckpt-lsp/ckpt-lsp/internal/project"
	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
	"github.com/ckpt-lsp/ckpt-lsp/internal/text"
)

func names(files map[string]string) []string { return slices.Sorted(maps.Keys(files)) }

// root is where the files are said to be; nothing is there.
const root = "/nowhere/at/all"

func path(name string) string { return root + "/" + name }

// holder holds the engine to what is true of files; what is asked of one text several times is asked once.
type holder struct {
	trees map[string]*pyast.Tree
	unset map[string]map[string]bool
}

func (h *holder) tree(source string) *pyast.Tree {
	tree, known := h.trees[source]
	if !known {
		tree, _ = pyast.Parse([]byte(source)) // nil where it cannot be parsed, which the engine then finds out itself
		h.trees[source] = tree
	}
	return tree
}

func (h *holder) program(w *project.Workspace, files map[string]string) *project.Program {
	p := project.NewProgram(w)
	for _, name := range names(files) {
		p = p.With(path(name), text.NewSource([]byte(files[name])), h.tree(files[name]))
	}
	return p
}

func newHolder() *holder { return &holder{map[string]*pyast.Tree{}, map[string]map[string]bool{}} }

// findings are those of files that are analysed together, a line each, in order; and what went wrong.
func (h *holder) findings(files map[string]string, paths []string) (found []string, analyses []*project.Analysis) {
	w := project.NewWorkspace(root)
	p := h.program(w, files)
	analyses, err := project.NewIndex(w).AnalyzeAll(context.Background(), p, paths)
	if err != nil {
		return []string{err.Error()}, nil
	}
	for _, a := range analyses {
		for _, d := range a.Diagnostics {
			found = append(found, fmt.Sprintf("%s:%d-%d %s %v %s", a.Path, d.Span.Start, d.Span.End, d.Rule.Code, d.Severity, d.Message))
		}
		for _, p := range a.Problems {
			found = append(found, p.Error())
		}
	}
	slices.Sort(found)
	return found, analyses
}

// Wrong is what is wrong with what the engine makes of files, one text each; none where all holds.
func Wrong(files map[string]string) (wrong []string) {
	defer func() {
		if cause := recover(); cause != nil {
			stack := make([]byte, 4096)
			wrong = append(wrong, fmt.Sprintf("panic: %v\n%s", cause, stack[:runtime.Stack(stack, false)]))
		}
	}()
	say := func(format string, args ...any) { wrong = append(wrong, fmt.Sprintf(format, args...)) }
	var paths []string
	for _, name := range names(files) {
		paths = append(paths, path(name))
	}
	h := newHolder()
	found, analyses := h.findings(files, paths)
	for _, a := range analyses {
		for _, p := range a.Problems {
			if p.Fatal {
				say("%v", p)
			}
		}
	}
	// The order of files, and the number of processors, are of no account.
	if len(files) > 1 {
		back := slices.Clone(paths)
		slices.Reverse(back)
		if again, _ := h.findings(files, back); !slices.Equal(found, again) {
			say("in the other order of files:\n%s", differ(found, again))
		}
	}
	processors := runtime.GOMAXPROCS(1)
	again, _ := h.findings(files, paths)
	runtime.GOMAXPROCS(processors)
	if !slices.Equal(found, again) {
		say("on one processor:\n%s", differ(found, again))
	}
	// Each fix alone.
	for _, a := range analyses {
		if a.Tree == nil {
			continue
		}
		for _, f := range a.Fixes() {
			for _, e := range f.Edits {
				name := strings.TrimPrefix(e.Path, root+"/")
				if e.Path == "" {
					name = strings.TrimPrefix(a.Path, root+"/")
				}
				after, err := text.Apply([]byte(files[name]), e.Edits)
				if err != nil {
					say("%q cannot be made: %v", f.Title, err)
					continue
				}
				for _, s := range h.broken(files[name], string(after)) {
					say("%q in %s %s", f.Title, name, s)
				}
			}
		}
	}
	if _, more := h.fixed(files, paths, diagnostics.Unsafe); len(more) > 0 {
		wrong = append(wrong, more...)
	}
	once, more := h.fixed(files, paths, diagnostics.Safe)
	if wrong = append(wrong, more...); len(more) == 0 && !maps.Equal(once, files) {
		if twice, more := h.fixed(once, paths, diagnostics.Safe); len(more) > 0 || !maps.Equal(once, twice) {
			say("fixing again changes something: %s", strings.Join(more, "; "))
			for _, name := range names(once) {
				say("%s", text.Diff(name, []byte(once[name]), []byte(twice[name])))
			}
		}
	}
	return wrong
}

// fixed are the files after all fixes, and what is wrong with that.
func (h *holder) fixed(files map[string]string, paths []string, atLeast diagnostics.Applicability) (after map[string]string, wrong []string) {
	w := project.NewWorkspace(root)
	p := h.program(w, files)
	made, err := project.NewIndex(w).Fix(context.Background(), p, paths, atLeast)
	if err != nil {
		return files, []string{err.Error()}
	}
	after = map[string]string{}
	for i, f := range made {
		name := strings.TrimPrefix(paths[i], root+"/")
		after[name] = files[name]
		if f.Err != nil {
			wrong = append(wrong, fmt.Sprintf("%s, %v fixes: %v", name, atLeast, f.Err))
			continue
		}
		if f.Changed() {
			after[name] = string(f.After.Source.Text)
			for _, s := range h.broken(files[name], after[name]) {
				wrong = append(wrong, fmt.Sprintf("all %v fixes of %s: %s", atLeast, name, s))
			}
		}
	}
	return after, wrong
}

// broken is what a text has lost that another was made of: its syntax, or a name.
func (h *holder) broken(before, after string) (wrong []string) {
	was, is := h.tree(before), h.tree(after)
	if was == nil || was.HasErrors() || misindented(was) {
		return nil
	}
	if is == nil || is.HasErrors() {
		return []string{"leaves text that does not parse:\n" + text.Diff("x", []byte(before), []byte(after))}
	}
	known := h.without(before)
	for _, name := range slices.Sorted(maps.Keys(h.without(after))) {
		if !known[name] {
			wrong = append(wrong, fmt.Sprintf("uses %s without a value:\n%s", name, text.Diff("x", []byte(before), []byte(after))))
		}
	}
	return wrong
}

// misindented reports whether a statement stands further in than the others of its block, which is no Python, but parses.
func misindented(tree *pyast.Tree) bool {
	column := func(n pyast.Node) int {
		source := tree.Source()
		return n.Start() - 1 - bytes.LastIndexByte(source[:n.Start()], '\n')
	}
	for b := range tree.Root().Descendants() {
		first := -1
		if !b.Is(pyast.KindModule, pyast.KindBlock) {
			continue
		}
		for s := range b.Children() {
			at := column(s)
			if before := tree.Source()[s.Start()-at : s.Start()]; len(bytes.TrimLeft(before, " \t")) > 0 || s.Kind() == pyast.KindComment {
				continue // behind another on its line
			}
			if first < 0 {
				first = at
			}
			if at != first || b.Is(pyast.KindModule) && at > 0 {
				return true
			}
		}
	}
	return false
}

// without are the names that a text uses without a value.
func (h *holder) without(source string) map[string]bool {
	if h.unset[source] == nil {
		h.unset[source] = unset(h.tree(source))
	}
	return h.unset[source]
}

// unset are the names whose uses fail on every way, with their functions.
func unset(tree *pyast.Tree) map[string]bool {
	out := map[string]bool{}
	for _, u := range bound.Uses(tree) {
		if u.Sure() && u.Risk()&bound.Unbound != 0 {
			out[u.Path+" in "+u.Scope] = true
		}
	}
	return out
}

// differ are the lines that one of two sorted lists has and the other has not.
func differ(a, b []string) string {
	var out []string
	for _, l := range a {
		if !slices.Contains(b, l) {
			out = append(out, "- "+l)
		}
	}
	for _, l := range b {
		if !slices.Contains(a, l) {
			out = append(out, "+ "+l)
		}
	}
	return strings.Join(out, "\n")
}
