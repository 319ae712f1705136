package litest

import (
	"slices"
	"strings"

	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
	"github.com/ckpt-lsp/ckpt-lsp/internal/text"
)

// wrapping writes a program anew in a form in which people write it, too: file by file, none where the form does not fit it. optional
// are names that exist only under the option that the program asks for.
type wrapping struct {
	name string
	wrap func(p *script) (files map[string]string, optional []string)
	deep bool // tried with the examples of the literate tests, too
}

// script is a program of one file, in parts: the imports at its head, the statements up to the first loop, and the rest.
type script struct {
	source           string
	tree             *pyast.Tree
	imports          []pyast.Node
	head, rest       []pyast.Node
	made             []string // names that the head assigns
	defines, starred bool     // it holds functions or classes; it has a star import
}

func newScript(source string) *script {
	tree, err := pyast.Parse([]byte(source))
	if err != nil || tree.HasErrors() {
		return nil
	}
	p := &script{source: source, tree: tree}
	for n := range tree.Root().Children() {
		switch {
		case n.Kind() == pyast.KindComment:
			continue
		case n.Is(pyast.KindImportStatement, pyast.KindImportFromStatement, pyast.KindFutureImportStatement):
			p.imports = append(p.imports, n)
			p.starred = p.starred || strings.Contains(n.Text(), "*")
			continue
		case n.Is(pyast.KindFunctionDefinition, pyast.KindClassDefinition, pyast.KindDecoratedDefinition):
			p.defines = true
		case len(p.rest) > 0 || n.Is(pyast.KindForStatement, pyast.KindWhileStatement):
			p.rest = append(p.rest, n)
			continue
		}
		p.head = append(p.head, n)
		p.made = append(p.made, assigned(n)...)
	}
	return p
}

// assigned are the names that a statement binds by assignment.
func assigned(stmt pyast.Node) []string {
	var out []string
	a := stmt.Nth(0)
	if stmt.Kind() != pyast.KindExpressionStatement || a.Kind() != pyast.KindAssignment {
		return nil
	}
	left := a.Child(pyast.FieldLeft)
	if left.Kind() == pyast.KindIdentifier {
		return []string{left.Text()}
	}
	for n := range left.Descendants() {
		if n.Kind() == pyast.KindIdentifier && left.Is(pyast.KindPatternList, pyast.KindTuplePattern) {
			out = append(out, n.Text())
		}
	}
	return out
}

// lines are the whole lines of statements, with the comments behind them.
func (p *script) lines(stmts []pyast.Node) string {
	var b strings.Builder
	for _, n := range stmts {
		end := n.End()
		for end < len(p.source) && p.source[end] != '\n' {
			end++
		}
		b.WriteString(p.source[n.Start():end] + "\n")
	}
	return b.String()
}

// deeper is code one level deeper.
func deeper(code string) string {
	var b strings.Builder
	for line := range strings.Lines(code) {
		if strings.TrimSpace(line) != "" {
			b.WriteString("    ")
		}
		b.WriteString(line)
	}
	return b.String()
}

// reads reports whether a node is the reading or writing of a variable.
func reads(n pyast.Node) bool {
	return n.Kind() == pyast.KindIdentifier && n.Field() != pyast.FieldAttribute && !(n.Parent().Kind() == pyast.KindKeywordArgument && n.Field() == pyast.FieldName)
}

// uses are the names of the head that statements use.
func (p *script) uses(stmts []pyast.Node) []string {
	var out []string
	for _, s := range stmts {
		for n := range s.Descendants() {
			if reads(n) && slices.Contains(p.made, n.Text()) && !slices.Contains(out, n.Text()) {
				out = append(out, n.Text())
			}
		}
	}
	return out
}

func one(source string) map[string]string { return map[string]string{"train.py": source} }

// wrappings are the forms that are tried.
var wrappings = []wrapping{
	{"as it is", func(p *script) (map[string]string, []string) { return one(p.source), nil }, false},
	{"in main", func(p *script) (map[string]string, []string) {
		return one(p.lines(p.imports) + "\n\ndef main():\n" + deeper(p.lines(p.head)+p.lines(p.rest)) + "\n\nmain()\n"), nil
	}, false},
	{"behind the test for main", func(p *script) (map[string]string, []string) {
		return one(p.lines(p.imports) + "\n\nif __name__ == \"__main__\":\n" + deeper(p.lines(p.head)+p.lines(p.rest))), nil
	}, false},
	{"in a method", func(p *script) (map[string]string, []string) {
		body := deeper(deeper(p.lines(p.head) + p.lines(p.rest)))
		return one(p.lines(p.imports) + "\n\nclass Trainer:\n    def train(self):\n" + body + "\n\nTrainer().train()\n"), nil
	}, false},
	{"in methods, with attributes", attributes, true},
	{"in two functions", func(p *script) (map[string]string, []string) {
		if len(p.rest) == 0 || len(p.head) == 0 || p.defines {
			return nil, nil
		}
		names := strings.Join(p.uses(p.rest), ", ")
		return one(p.lines(p.imports) + "\n\ndef train(" + names + "):\n" + deeper(p.lines(p.rest)) +
			"\n\ndef main():\n" + deeper(p.lines(p.head)+"train("+names+")\n") + "\n\nmain()\n"), nil
	}, true},
	{"in two files", func(p *script) (map[string]string, []string) {
		if len(p.rest) == 0 || len(p.head) == 0 || p.defines {
			return nil, nil
		}
		names := strings.Join(p.uses(p.rest), ", ")
		return map[string]string{
			"engine.py": p.lines(p.imports) + "\n\ndef train(" + names + "):\n" + deeper(p.lines(p.rest)),
			"train.py":  p.lines(p.imports) + "from engine import train\n\n" + p.lines(p.head) + "train(" + names + ")\n",
		}, nil
	}, true},
	{"under an option", func(p *script) (map[string]string, []string) { return underOption(p, false) }, true},
	{"under an option, None first", func(p *script) (map[string]string, []string) { return underOption(p, true) }, true},
	{"in a loop", func(p *script) (map[string]string, []string) {
		return one(p.lines(p.imports) + "\nfor run in range(2):\n" + deeper(p.lines(p.head)+p.lines(p.rest))), nil
	}, false},
	{"with tests of one line", func(p *script) (map[string]string, []string) {
		var edits []text.Edit
		for n := range p.tree.Root().Descendants() {
			if n.Kind() == pyast.KindExpressionStatement && n.Nth(0).Kind() == pyast.KindCall && n.Parent().Kind() == pyast.KindBlock && strings.Contains(n.Text(), "save(") {
				edits = append(edits, text.Edit{Span: text.Span{Start: n.Start(), End: n.Start()}, New: "if len(__name__) > 3: "})
			}
		}
		after, err := text.Apply([]byte(p.source), edits)
		if err != nil || len(edits) == 0 {
			return nil, nil
		}
		return one(string(after)), nil
	}, false},
}

// attributes makes what the head assigns attributes, in the constructor.
func attributes(p *script) (map[string]string, []string) {
	if len(p.rest) == 0 || len(p.made) == 0 || p.defines {
		return nil, nil
	}
	part := func(stmts []pyast.Node) string {
		var edits []text.Edit
		for _, s := range stmts {
			for n := range s.Descendants() {
				if reads(n) && slices.Contains(p.made, n.Text()) {
					edits = append(edits, text.Edit{Span: text.Span{Start: n.Start(), End: n.Start()}, New: "self."})
				}
			}
		}
		after, err := text.Apply([]byte(p.source), edits)
		if err != nil {
			return ""
		}
		tree, err := pyast.Parse(after)
		if err != nil {
			return ""
		}
		q := &script{source: string(after), tree: tree}
		i := 0
		var moved []pyast.Node
		for n := range tree.Root().Children() {
			if i < len(stmts) && n.Start() >= stmts[i].Start() && n.Kind() == stmts[i].Kind() && ordinal(n) == ordinal(stmts[i]) {
				moved = append(moved, n)
				i++
			}
		}
		return q.lines(moved)
	}
	return one(p.lines(p.imports) + "\n\nclass Trainer:\n    def __init__(self):\n" + deeper(deeper(part(p.head))) +
		"\n    def train(self):\n" + deeper(deeper(part(p.rest))) + "\n\nTrainer().train()\n"), nil
}

// ordinal is which statement of its module a node is.
func ordinal(n pyast.Node) int {
	i := 0
	for c := range n.Parent().Children() {
		if c == n {
			return i
		}
		i++
	}
	return -1
}

// underOption makes objects that stand beside the model and the optimizer only where an option says so, and uses them under it alone.
func underOption(p *script, none bool) (map[string]string, []string) {
	var optional []string
	for _, s := range p.head {
		if names := assigned(s); len(names) == 1 && s.Nth(0).Child(pyast.FieldRight).Kind() == pyast.KindCall {
			call := s.Nth(0).Child(pyast.FieldRight).Child(pyast.FieldFunction).Text()
			if strings.Contains(call, "lr_scheduler.") || strings.HasSuffix(call, "GradScaler") || strings.Contains(call, "AveragedModel") || strings.HasSuffix(call, "EMA") {
				optional = append(optional, names[0])
			}
		}
	}
	if len(optional) == 0 {
		return nil, nil
	}
	var edits []text.Edit
	var under func(n pyast.Node) bool
	under = func(n pyast.Node) bool {
		uses := false
		for d := range n.Descendants() {
			uses = uses || reads(d) && slices.Contains(optional, d.Text())
		}
		if !uses {
			return true
		}
		if n.Kind() == pyast.KindExpressionStatement {
			if strings.Contains(n.Text(), "\n") {
				return false
			}
			edits = append(edits, text.Edit{Span: text.Span{Start: n.Start(), End: n.Start()}, New: "if args.flag: "})
			for _, name := range assigned(n) {
				if !slices.Contains(optional, name) {
					return false // it would be optional, too
				}
			}
			return true
		}
		ok := true
		for c := range n.Children() {
			if c.Is(pyast.KindBlock, pyast.KindElseClause, pyast.KindElifClause) || n.Is(pyast.KindBlock) {
				ok = under(c) && ok
				continue
			}
			for d := range c.Descendants() {
				ok = ok && !(reads(d) && slices.Contains(optional, d.Text()))
			}
		}
		return ok
	}
	for _, s := range slices.Concat(p.head, p.rest) {
		if !under(s) {
			return nil, nil
		}
	}
	first := slices.Concat(p.head, p.rest)[0]
	begin := "import argparse\nparser = argparse.ArgumentParser()\nparser.add_argument(\"--flag\", action=\"store_true\")\nargs = parser.parse_args()\n"
	if none {
		for _, name := range optional {
			begin += name + " = None\n"
		}
	}
	edits = append([]text.Edit{{Span: text.Span{Start: first.Start(), End: first.Start()}, New: begin}}, edits...)
	after, err := text.Apply([]byte(p.source), edits)
	if err != nil {
		return nil, nil
	}
	return one(string(after)), optional
}
