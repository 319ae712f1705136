package training

import (
	"regexp"
	"strings"

	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
	"github.com/ckpt-lsp/ckpt-lsp/internal/pysem"
	"github.com/ckpt-lsp/ckpt-lsp/internal/torch"
)

// SaltedHash is a hash of text that outlives the process, which alone can make the same one again.
type SaltedHash struct {
	// Call is the call of hash, Use where its value names a file or seeds.
	Call, Use pyast.Node
	// Seeds says that it seeds; else it names a file.
	Seeds bool
	// Possible says that it is not known whether the text is one, and no number.
	Possible bool
	// Compiled says that numba may compile the function, which knows neither zlib nor hashlib.
	Compiled bool
}

// SaltedHashes are the calls of hash() on text whose value becomes a part of a file's name, or a seed. Python salts the hashes of text;
// those of numbers are the same in each process.
func (f *File) SaltedHashes() []SaltedHash {
	if !f.Module.Words().Names.Has("hash") {
		return nil
	}
	var out []SaltedHash
	for _, fn := range f.Module.Funcs {
		for _, c := range fn.Calls {
			arg := pysem.Args(c).Pos(0)
			if !c.Child(pyast.FieldFunction).TextIs("hash") || f.qualified(c.Child(pyast.FieldFunction)) != "builtins.hash" {
				continue
			}
			h := SaltedHash{Call: c, Possible: !f.stringy(arg, 0)}
			if h.Possible && !f.mayBeText(arg) {
				continue
			}
			if h.Use, h.Seeds = (&hashFlow{f, map[pyast.Node]bool{}}).follow(c, false); h.Use.Valid() && !(h.Seeds && (h.Possible || f.drawsElsewhere(h.Use))) {
				h.Compiled = h.Seeds && f.compiles(c)
				out = append(out, h)
			}
		}
	}
	return out
}

// hashFlow follows a number to what is made of it.
type hashFlow struct {
	file *File
	seen map[pyast.Node]bool
}

// pathLike is text that names a file: it holds a separator, or ends in a suffix.
var pathLike = regexp.MustCompile(`[\w.}]/|/[\w{]|\.\w{1,11}$`)

// follow goes from an expression to where its value names a file or seeds, none for other ends; text says that it is made into text.
func (h *hashFlow) follow(n pyast.Node, text bool) (use pyast.Node, seeds bool) {
	if h.seen[n] || len(h.seen) > 100 {
		return pyast.Node{}, false
	}
	h.seen[n] = true
	p := n.Parent()
	switch p.Kind() {
	case pyast.KindParenthesizedExpression, pyast.KindInterpolation, pyast.KindFormatExpression, pyast.KindTuple, pyast.KindConcatenatedString, pyast.KindUnaryOperator:
		return h.follow(p, text)
	case pyast.KindString:
		if pathLike.MatchString(quoted(p)) {
			return p, false
		}
		return h.follow(p, true)
	case pyast.KindBinaryOperator:
		other := p.Child(pyast.FieldLeft)
		if other == n {
			other = p.Child(pyast.FieldRight)
		}
		isText := other.Is(pyast.KindString, pyast.KindConcatenatedString)
		if text && p.Child(pyast.FieldOperator).TextIs("/") || isText && pathLike.MatchString(quoted(other)) {
			return p, false
		}
		return h.follow(p, text || isText)
	case pyast.KindArgumentList, pyast.KindKeywordArgument:
		call := p.Ancestor(pyast.KindCall)
		fn := call.Child(pyast.FieldFunction)
		name := h.file.qualified(fn)
		e, _ := torch.Lookup(name)
		switch {
		case name == "os.path.join", name == "pathlib.Path", text && fn.Kind() == pyast.KindAttribute && fn.Child(pyast.FieldAttribute).TextIs("joinpath"):
			return call, false
		case e.Kind == torch.Seeder || e.Kind == torch.OwnRNG || fn.Kind() == pyast.KindAttribute && fn.Child(pyast.FieldAttribute).TextIs("manual_seed"):
			return call, true
		case converting.MatchString(name):
			return h.follow(call, text || name == "builtins.str" || name == "builtins.hex")
		case fn.Kind() == pyast.KindAttribute && fn.Child(pyast.FieldAttribute).TextIs("format") && fn.Child(pyast.FieldObject).Kind() == pyast.KindString:
			if pathLike.MatchString(quoted(fn.Child(pyast.FieldObject))) {
				return call, false
			}
			return h.follow(call, true)
		}
	case pyast.KindAssignment:
		target := p.Child(pyast.FieldLeft)
		if n.Field() != pyast.FieldRight || target.Kind() != pyast.KindIdentifier {
			break
		}
		for _, u := range h.file.inScope(target) {
			if u.Start() > n.End() && !isTarget(u) {
				if use, seeds := h.follow(u, text); use.Valid() {
					return use, seeds
				}
			}
		}
	}
	return pyast.Node{}, false
}

// quoted is a string as it is written between its quotes.
func quoted(n pyast.Node) string {
	var out string
	for c := range n.Descendants() {
		if c.Is(pyast.KindStringContent) {
			out += c.Text()
		} else if c.Kind() == pyast.KindInterpolation {
			out += "{}"
		}
	}
	return out
}

// drawsElsewhere reports whether the function that seeds draws, and from other generators only: what it seeds does not show in them.
func (f *File) drawsElsewhere(seeder pyast.Node) bool {
	seeded, ok := torch.Lookup(f.qualified(seeder.Child(pyast.FieldFunction)))
	draws := false
	for _, c := range f.ScopeOf(seeder).Calls {
		e, known := torch.Lookup(f.qualified(c.Child(pyast.FieldFunction)))
		if !known || e.Kind != torch.RNGDraw {
			continue
		}
		if sharesGenerator(seeded.Generators, e.Generators) {
			return false
		}
		draws = true
	}
	return ok && draws
}

// compiles reports whether a function in another one is handed on in a project whose files it uses import numba.
func (f *File) compiles(n pyast.Node) bool {
	fn := f.ScopeOf(n).Node
	if !fn.Ancestor(pyast.KindFunctionDefinition).Valid() && !strings.Contains(fn.Parent().Text(), "@") {
		return false
	}
	for m := range f.Eval.Consulted() {
		if m.Words().Names.Has("numba") {
			return true
		}
	}
	return f.Module.Words().Names.Has("numba")
}
