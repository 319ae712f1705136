package pysem

import (
	"fmt"
	"strings"
	"testing"

	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
)

// module reads a source, which tests write with a leading newline.
func module(t testing.TB, source string) *Module {
	t.Helper()
	tree, err := pyast.Parse([]byte(strings.TrimPrefix(source, "\n")))
	if err != nil {
		t.Fatal(err)
	}
	return New("train.py", tree)
}

// show writes a value the way the tests' tables do: torch.save, ckpt["epoch"], <epoch>+1, {a: 1, b?: 2, ...}.
func show(e *Evaluator, v *Value) string {
	list := func(vs []*Value, sep string) string {
		out := make([]string, len(vs))
		for i, x := range vs {
			out[i] = show(e, x)
		}
		return strings.Join(out, sep)
	}
	switch v.Kind {
	case Unknown:
		return "?"
	case NoneVal:
		return "None"
	case Bool:
		return fmt.Sprint(v.Int != 0)
	case Int:
		return fmt.Sprint(v.Int)
	case Float:
		return fmt.Sprint(v.Float)
	case Str:
		var b strings.Builder
		for _, p := range v.Parts {
			if p.Hole == nil {
				b.WriteString(p.Lit)
				continue
			}
			b.WriteString("{" + show(e, p.Hole))
			if p.Format != "" {
				b.WriteString(":" + p.Format)
			}
			b.WriteString("}")
		}
		return "'" + b.String() + "'"
	case Tuple:
		return "(" + list(v.Elems, ", ") + ")"
	case List:
		if v.Open {
			return "[" + list(append(v.Elems[:len(v.Elems):len(v.Elems)], unknown), ", ") + "...]"
		}
		return "[" + list(v.Elems, ", ") + "]"
	case Dict:
		return showDict(e, v.Dict)
	case External:
		return strings.TrimPrefix(v.Name, "builtins.")
	case FuncVal:
		return "def " + v.Func.QualName()
	case ClassVal:
		return "class " + v.Class.Name
	case Instance:
		return v.Class.Name + "()"
	case Call:
		return show(e, v.Base) + "()"
	case Attr:
		return show(e, v.Base) + "." + v.Name
	case Item:
		return show(e, v.Base) + "[" + show(e, v.Other) + "]"
	case Elem:
		return fmt.Sprintf("%s#%d", show(e, v.Base), v.Index)
	case ParamVal:
		return "<" + v.Name + ">"
	case LoopVar:
		return "each(" + show(e, v.Base) + ")"
	case Binary:
		return show(e, v.Base) + v.Name + show(e, v.Other)
	case Not:
		return "not " + show(e, v.Base)
	case Compare:
		return show(e, v.Base) + v.Name + show(e, v.Other)
	case Logic:
		return list(v.Elems, " "+v.Name+" ")
	case Join:
		return list(v.Elems, " | ")
	}
	return "kind?"
}

func showDict(e *Evaluator, d *DictValue) string {
	var out []string
	for _, x := range d.Entries {
		maybe := ""
		if x.Maybe {
			maybe = "?"
		}
		out = append(out, x.Key+maybe+": "+show(e, e.Expr(x.Value)))
	}
	if d.Open {
		out = append(out, "...")
	}
	return "{" + strings.Join(out, ", ") + "}"
}

// look evaluates the first argument of each call of LOOK in the source, each in the context that a trace from the module
// body reaches it in, or in its own function's when none does.
func look(t testing.TB, source string) []string {
	t.Helper()
	m := module(t, source)
	e := NewEvaluator()
	var out []string
	seen := map[int]bool{}
	report := func(n pyast.Node, ctx *Ctx) {
		v := e.Eval(Args(n).Pos(0), ctx)
		if d := v.AsDict(); d != nil {
			out = append(out, showDict(e, d))
		} else {
			out = append(out, show(e, v))
		}
		seen[n.ID()] = true
	}
	isLook := func(n pyast.Node) bool { return n.Child(pyast.FieldFunction).TextIs("LOOK") }
	tracer := NewTracer(e, m, func(name string, _ bool) bool { return name == "LOOK" })
	for _, ev := range tracer.Trace(e.Root(m.Top, nil)) {
		if ev.Kind == EventCall && isLook(ev.Node) {
			report(ev.Node, ev.Ctx)
		}
	}
	for _, f := range m.Funcs {
		for _, c := range f.Calls {
			if isLook(c) && !seen[c.ID()] {
				report(c, e.In(m, c))
			}
		}
	}
	return out
}

type lookCase struct {
	name, source string
	want         []string // one for each LOOK, in the order of the trace
}

func testLook(t *testing.T, cases []lookCase) {
	t.Helper()
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got := look(t, c.source)
			if strings.Join(got, "\n") != strings.Join(c.want, "\n") {
				t.Errorf("got\n\t%s\nwant\n\t%s\nsource:%s", strings.Join(got, "\n\t"), strings.Join(c.want, "\n\t"), c.source)
			}
		})
	}
}

var repeat = strings.Repeat
