package training

import (
	"regexp"
	"slices"
	"strings"

	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
	"github.com/ckpt-lsp/ckpt-lsp/internal/pysem"
)

// Lightning runs the hooks of a module or callback in every process of the strategy that its trainer was given.

var (
	hookName   = regexp.MustCompile(`^(on_\w+|(training|validation|test)_(step|epoch_end|step_end))$`)
	ranksAsked = regexp.MustCompile(`^(global_rank|local_rank|world_size|is_global_zero)$`)
)

// hooked is the place at which the class of a run asks for the rank, where the run is a hook of Lightning; none for other runs,
// and for classes that speak of no ranks.
func (r *Run) hooked() pyast.Node {
	if c := r.Entry.Class; c != nil && hookName.MatchString(r.Entry.Name) && r.File.hooks(c, 0) {
		for n := range c.Node.Descendants() {
			if n.Kind() == pyast.KindAttribute && ranksAsked.MatchString(n.Child(pyast.FieldAttribute).Text()) {
				return n
			}
		}
	}
	return pyast.Node{}
}

// hooks reports whether a class inherits from Lightning's module or callback.
func (f *File) hooks(c *pysem.Class, depth int) bool {
	return depth < 8 && slices.ContainsFunc(c.Bases, func(b pyast.Node) bool {
		v := f.Eval.Eval(b, f.Eval.Root(c.Scope, nil))
		name := calleeName(v)
		return strings.Contains(name, "lightning") && (strings.HasSuffix(name, ".LightningModule") || strings.HasSuffix(name, ".Callback")) ||
			v.Kind == pysem.ClassVal && v.Class != c && f.hooks(v.Class, depth+1)
	})
}
