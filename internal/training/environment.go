package training

import (
	"strings"

	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
	"github.com/ckpt-lsp/ckpt-lsp/internal/pysem"
)

// EnvironmentSettings are the places that set an environment variable of the process: os.environ[name] = v,
// os.environ.setdefault(name, v), os.environ.update({name: v}), os.putenv(name, v).
func (f *File) EnvironmentSettings(name string) []pyast.Node {
	if w := f.Module.Words(); !w.Strings.Has(name) && !w.Names.Has(name) {
		return nil
	}
	var out []pyast.Node
	for n := range f.Tree.Root().Descendants() {
		switch n.Kind() {
		case pyast.KindAssignment:
			left := n.Child(pyast.FieldLeft)
			if left.Kind() != pyast.KindSubscript {
				continue
			}
			key, ok := pysem.StringLiteral(left.Child(pyast.FieldSubscript))
			if ok && key == name && f.isEnviron(left.Child(pyast.FieldValue)) {
				out = append(out, n)
			}
		case pyast.KindCall:
			fn := n.Child(pyast.FieldFunction)
			method := ""
			if f.isEnviron(fn.Child(pyast.FieldObject)) {
				method = fn.Child(pyast.FieldAttribute).Text()
			}
			args := pysem.Args(n)
			switch {
			case method == "setdefault", f.qualified(fn) == "os.putenv":
				if key, ok := pysem.StringLiteral(args.Pos(0)); ok && key == name {
					out = append(out, n)
				}
			case method == "update":
				d := f.Eval.Eval(args.Pos(0), f.Eval.In(f.moduleOf(n), n)).AsDict()
				if _, ok := args.Keyword[name]; ok {
					out = append(out, n)
				} else if d != nil {
					if _, ok := d.Get(name); ok {
						out = append(out, n)
					}
				}
			}
		}
	}
	return out
}

// isEnviron reports whether an expression is os.environ. Its value is of no help: each key that is set makes it another one.
func (f *File) isEnviron(n pyast.Node) bool {
	if n.Kind() == pyast.KindAttribute {
		return f.qualified(n.Child(pyast.FieldObject))+"."+n.Child(pyast.FieldAttribute).Text() == "os.environ"
	}
	if n.Kind() == pyast.KindIdentifier {
		for _, d := range f.Module.Top.Defs(n.Text()) {
			if d.Kind == pysem.DefImport && d.Qual == "os.environ" {
				return true
			}
		}
	}
	return false
}

// qualified is the qualified name of what an expression names outside the file, "" for anything else.
func (f *File) qualified(n pyast.Node) string {
	return calleeName(f.Eval.Eval(n, f.Eval.In(f.moduleOf(n), n)))
}

// StartsInterpreters reports whether the file starts other Python processes that read its environment afresh.
func (f *File) StartsInterpreters() bool {
	for _, fn := range f.Module.Funcs {
		for _, c := range fn.Calls {
			name := f.qualified(c.Child(pyast.FieldFunction))
			switch {
			case strings.HasPrefix(name, "os.exec"), strings.HasPrefix(name, "os.spawn"), strings.HasPrefix(name, "os.posix_spawn"), name == "os.system", name == "os.popen",
				strings.HasPrefix(name, "subprocess."), strings.HasPrefix(name, "torch.multiprocessing.spawn"),
				strings.HasSuffix(name, "multiprocessing.Process"), strings.HasSuffix(name, ".set_start_method"):
				return true
			}
		}
	}
	return false
}
