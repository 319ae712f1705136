package training

import (
	"maps"
	"slices"

	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
	"github.com/ckpt-lsp/ckpt-lsp/internal/pysem"
)

// reliance is what a program does with a value that it cannot do with the form that loads instead.
type reliance struct {
	nodes []pyast.Kind
	// calls are functions that take the value alone.
	calls map[string]bool
}

// reliances are by the form, in the words of diagnostics.Loadable: a dict has neither the attributes of a Namespace nor the default of a
// missing key, a text is no path to be joined, a list counts with no numbers.
var reliances = map[string]reliance{
	"vars":   {[]pyast.Kind{pyast.KindAttribute}, map[string]bool{"builtins.vars": true, "builtins.getattr": true, "builtins.hasattr": true, "builtins.setattr": true}},
	"dict":   {[]pyast.Kind{pyast.KindSubscript}, nil},
	"str":    {[]pyast.Kind{pyast.KindAttribute, pyast.KindBinaryOperator}, nil},
	"tolist": {[]pyast.Kind{pyast.KindAttribute, pyast.KindBinaryOperator}, nil},
	"list":   {[]pyast.Kind{pyast.KindAttribute}, nil},
}

// ReliedOn is where a program at hand, this one or one whose file stands beside it, may read a value of the save's file and rely on its
// type, so that the form As would break it; none where none is seen.
func (s *SaveSite) ReliedOn(u Unloadable) pyast.Node {
	how, ok := reliances[u.As]
	if !ok {
		return pyast.Node{}
	}
	for _, f := range s.Run.File.around() {
		for _, l := range f.Loads() {
			if !s.mayBeRead(l) || !l.Key(u.Key) {
				continue
			}
			if n := l.reliesOn(u.Key, how); n.Valid() {
				return n
			}
		}
	}
	return pyast.Node{}
}

// ReadBy is where a program at hand, this one or one whose file stands beside it, asks what may be the save's file for a key that the
// save writes; none where none is seen.
func (s *SaveSite) ReadBy() pyast.Node {
	for _, f := range s.Run.File.around() {
		for _, l := range f.Loads() {
			if s.mayBeRead(l) && slices.ContainsFunc(s.Components, func(c Component) bool { return c.Key != "" && l.Key(c.Key) }) {
				return l.Node
			}
		}
	}
	return pyast.Node{}
}

// around are the file and the other programs in its directory that load something.
func (f *File) around() []*File {
	if f.beside == nil && f.Beside != nil {
		f.beside = []*File{}
		for _, m := range f.Beside() {
			if m != f.Module && !IsTest(m) && m.Words().Names.Has("load") {
				other := TraceWith(m, f.resolve, f.Eval.Work)
				other.Conclude(nil)
				f.beside = append(f.beside, other)
			}
		}
	}
	return append([]*File{f}, f.beside...)
}

// mayBeRead reports whether a load may read the save's file, as far as names and keys tell.
func (s *SaveSite) mayBeRead(l *LoadSite) bool {
	return s.fits(l) && slices.ContainsFunc(append([]*Path{s.Path}, s.Names...), func(name *Path) bool {
		if !name.Known {
			return true
		}
		_, may := l.Path.mayBe(name)
		return may
	})
}

// maxReaders bounds the functions that are searched for uses of a value.
const maxReaders = 200

// handedTo are the values that a call hands over.
func handedTo(call pyast.Node) []pyast.Node {
	args := pysem.Args(call)
	return slices.AppendSeq(slices.Clone(args.Position), maps.Values(args.Keyword))
}

// reliesOn is where what a load reads under a key is used in such a way, none where it is not.
func (l *LoadSite) reliesOn(key string, how reliance) pyast.Node {
	f := l.Run.File
	ctxs := []*pysem.Ctx{l.Ctx}
	for _, e := range l.Run.Events {
		if !slices.Contains(ctxs, e.Ctx) {
			ctxs = append(ctxs, e.Ctx)
		}
	}
	read := func(n pyast.Node, ctx *pysem.Ctx) bool {
		return n.Valid() && slices.ContainsFunc(f.Eval.Eval(n, ctx).Alternatives(), func(v *pysem.Value) bool {
			if _, _, ok := v.KeyRead(); !ok {
				return false
			}
			from, k := f.Source(v)
			return from != nil && from.Node == l.Node && k == key
		})
	}
	for i := 0; i < len(ctxs) && i < maxReaders; i++ { // it grows by the functions that are handed the value
		ctx := ctxs[i]
		for n := range ctx.Func.Body.Descendants() {
			if n.Kind() == pyast.KindCall {
				for _, arg := range handedTo(n) {
					if callee := f.Eval.Eval(n.Child(pyast.FieldFunction), ctx); callee.Kind == pysem.FuncVal && read(arg, ctx) {
						ctxs = append(ctxs, f.Eval.Enter(callee.Func, n, ctx, callee.Base))
						break
					}
				}
			}
			switch kind := n.Kind(); {
			case kind == pyast.KindCall && len(how.calls) > 0:
				if args := pysem.Args(n).Position; len(args) > 0 && how.calls[f.qualified(n.Child(pyast.FieldFunction))] && read(args[0], ctx) {
					return n
				}
			case !slices.Contains(how.nodes, kind):
			case kind == pyast.KindAttribute && read(n.Child(pyast.FieldObject), ctx),
				kind == pyast.KindSubscript && read(n.Child(pyast.FieldValue), ctx),
				kind == pyast.KindBinaryOperator && (read(n.Child(pyast.FieldLeft), ctx) || read(n.Child(pyast.FieldRight), ctx)):
				return n
			}
		}
	}
	return pyast.Node{}
}
