package codeactions

import (
	"regexp"
	"strings"

	"github.com/ckpt-lsp/ckpt-lsp/diagnostics"
	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
	"github.com/ckpt-lsp/ckpt-lsp/internal/pysem"
	"github.com/ckpt-lsp/ckpt-lsp/internal/text"
)

// apart is a rank test that is taken apart around a call which every process must make: what stands in front of the call and behind it
// stays under the test, in that order, and every other condition stays around all of it.
type apart struct {
	s     *sheet
	guard pyast.Node
	// ranks and rest are the parts of the guard's condition that ask for the rank, and the others.
	ranks, rest []pyast.Node
	// block is the block that holds stmt, the statement of the call.
	block, stmt pyast.Node
	// hoisted are the assignments in front of the call that it reads, which every process makes now.
	hoisted []pyast.Node
}

// moveOutOfGuard takes the rank test around a collective call apart, so that every process makes the call. It is not offered where the
// call needs what the main process alone prepares, where another condition may not be asked on every process, or where the way out of
// the block may lead past the call.
func moveOutOfGuard(s *sheet, r diagnostics.MoveOutOfGuard) (Fix, bool) {
	a := &apart{s: s, guard: r.Guard.Node, stmt: statement(r.Call.Node)}
	if !a.reads() || !a.splits() || !a.hoists(r.Call.Node) {
		return Fix{}, false
	}
	if !a.write(r.Call.Node) {
		return Fix{}, false
	}
	why := "every process then makes the call"
	if len(a.rest) > 0 {
		why += " where `" + joined(a.rest) + "` holds, which must be so on all of them or on none"
	}
	return s.fix(Fix{Title: "Call it on every rank, outside the rank test", Applicability: diagnostics.Unsafe, Why: why}), true
}

func joined(conditions []pyast.Node) string {
	var out []string
	for _, c := range conditions {
		out = append(out, c.Text())
	}
	return strings.Join(out, " and ")
}

// reads finds the blocks: the guard is an `if` of its own lines without another branch, and what stands between it and the call are
// tests and with statements that hold nothing else.
func (a *apart) reads() bool {
	g := a.guard
	if g.Kind() != pyast.KindIfStatement || !g.Child(pyast.FieldConsequence).Encloses(a.stmt) || g.Child(pyast.FieldAlternative).Valid() || !a.s.ownLine(a.stmt) {
		return false
	}
	a.block = a.stmt.Parent()
	for b := a.block; b != g.Child(pyast.FieldConsequence); {
		outer := b.Parent()
		if outer.Kind() == pyast.KindIfStatement && (outer.Child(pyast.FieldAlternative).Valid() || !a.everywhere(outer.Child(pyast.FieldCondition))) ||
			!outer.Is(pyast.KindIfStatement, pyast.KindWithStatement) || b.Field() == pyast.FieldAlternative {
			return false
		}
		b = outer.Parent()
		if b.Nth(1).Valid() || !b.Is(pyast.KindBlock) {
			return false
		}
	}
	for n := range g.Descendants() {
		if n.Is(pyast.KindReturnStatement, pyast.KindBreakStatement, pyast.KindContinueStatement, pyast.KindRaiseStatement) ||
			n.Kind() == pyast.KindString && strings.ContainsAny(n.Text(), "\r\n") {
			return false
		}
	}
	return lineStart(a.s.src, a.block.Nth(0).Start()) > g.Child(pyast.FieldCondition).End()
}

// splits tells the parts of the guard's condition apart. What is asked behind the rank was asked on one process only so far.
func (a *apart) splits() bool {
	var parts func(n pyast.Node) bool
	parts = func(n pyast.Node) bool {
		switch {
		case n.Kind() == pyast.KindParenthesizedExpression:
			return parts(n.Nth(0))
		case n.Kind() == pyast.KindBooleanOperator && n.Child(pyast.FieldOperator).TextIs("and"):
			return parts(n.Child(pyast.FieldLeft)) && parts(n.Child(pyast.FieldRight))
		case n.Kind() == pyast.KindNamedExpression || strings.ContainsAny(n.Text(), "\r\n"):
			return false
		case a.s.file.AsksRank(n):
			a.ranks = append(a.ranks, n)
			// "not distributed or rank == 0", "rank in (-1, 0)": a run without a process group comes by too, where no call can be made.
			return n.Kind() != pyast.KindBooleanOperator && !strings.Contains(n.Text(), " in ")
		}
		a.rest = append(a.rest, n)
		return len(a.ranks) == 0 || a.everywhere(n)
	}
	return parts(a.guard.Child(pyast.FieldCondition)) && len(a.ranks) > 0
}

// everywhere says that a condition can be asked on every process: it compares names and numbers, and calls and looks into nothing.
func (a *apart) everywhere(n pyast.Node) bool {
	for d := range n.Descendants() {
		if d.Is(pyast.KindCall, pyast.KindSubscript, pyast.KindAwait, pyast.KindNamedExpression) ||
			d.Kind() == pyast.KindAttribute && d.Child(pyast.FieldObject).Kind() != pyast.KindIdentifier {
			return false
		}
	}
	return true
}

// hoists finds the assignments in front of the call that it reads. Each must do nothing but put a name or a path together, and nothing
// else in front of the call may change what it assigns.
func (a *apart) hoists(call pyast.Node) bool {
	wanted := []pyast.Node{call}
	for len(wanted) > 0 {
		n := wanted[0]
		wanted = wanted[1:]
		for d := range n.Descendants() {
			if !isName(d) {
				continue
			}
			by, ok := a.assigned(d.Text())
			switch {
			case !ok:
				return false
			case by.Valid() && !a.lifts(by):
				a.hoisted = append(a.hoisted, by)
				wanted = append(wanted, by.Nth(0).Child(pyast.FieldRight))
			}
		}
	}
	return true
}

func (a *apart) lifts(stmt pyast.Node) bool {
	for _, h := range a.hoisted {
		if h == stmt {
			return true
		}
	}
	return false
}

// assigned is the statement in front of the call that gives a name its value, none where it has it from before; ok is false where that
// is not plain.
func (a *apart) assigned(name string) (by pyast.Node, ok bool) {
	assignments, changed := 0, false
	for c := range a.block.Children() {
		if c.Start() >= a.stmt.Start() {
			break
		}
		assigns := c.Kind() == pyast.KindExpressionStatement && c.Nth(0).Kind() == pyast.KindAssignment && c.Nth(0).Child(pyast.FieldLeft).TextIs(name)
		if assigns {
			by = c
			assignments++
		}
		for d := range c.Descendants() {
			changed = changed || isName(d) && d.TextIs(name) && changes(d)
		}
		for _, def := range a.s.mod.Scope(c).Defs(name) {
			changed = changed || !assigns && c.Encloses(def.Node)
		}
	}
	if !by.Valid() || changed {
		return by, !changed
	}
	return by, assignments == 1 && a.s.ownLine(by) && a.plain(by.Nth(0).Child(pyast.FieldRight))
}

func isName(n pyast.Node) bool {
	return n.Kind() == pyast.KindIdentifier && n.Field() != pyast.FieldAttribute && n.Field() != pyast.FieldName
}

// changes says that a statement assigns to a part of what a name stands for, as `state["epoch"] = 3` and `self.path = p` do, or calls a
// method of it for what that does.
func changes(name pyast.Node) bool {
	n := name
	for n.Parent().Is(pyast.KindAttribute, pyast.KindSubscript) && n.Field() != pyast.FieldSubscript {
		n = n.Parent()
	}
	p := n.Parent()
	return n != name && (n.Field() == pyast.FieldLeft && p.Is(pyast.KindAssignment, pyast.KindAugmentedAssignment) ||
		n.Field() == pyast.FieldFunction && p.Parent().Kind() == pyast.KindExpressionStatement && n.Child(pyast.FieldObject) == name && mutators[n.Child(pyast.FieldAttribute).Text()])
}

// mutators are the methods by which dicts, lists and sets change.
var mutators = map[string]bool{"update": true, "append": true, "extend": true, "add": true, "pop": true, "setdefault": true, "clear": true, "insert": true, "remove": true}

// naming are calls that put a name together from their arguments, alike on every process.
var naming = regexp.MustCompile(`^(os\.path\.(join|dirname|basename|abspath|realpath|normpath|expanduser|split|splitext)|os\.fspath|(builtins\.)?(str|int|len|min|max|round|dict|list|tuple)|pathlib\.(Pure)?Path)$`)

// plain says that an expression is alike on every process and changes nothing.
func (a *apart) plain(n pyast.Node) bool {
	ctx := a.s.file.Eval.In(a.s.mod, n)
	for d := range n.Descendants() {
		if d.Is(pyast.KindAwait, pyast.KindYield, pyast.KindNamedExpression, pyast.KindLambda) {
			return false
		}
		if d.Kind() != pyast.KindCall {
			continue
		}
		fn := d.Child(pyast.FieldFunction)
		if v := a.s.file.Eval.Eval(fn, ctx); v.Kind == pysem.External && naming.MatchString(v.Name) {
			continue
		}
		if name := fn.Child(pyast.FieldAttribute); fn.Kind() != pyast.KindAttribute || !name.TextIs("format") && !name.TextIs("joinpath") && !name.TextIs("zfill") {
			return false
		}
	}
	return true
}

// top is the start of the first line of a block, with the comments above its first statement.
func (a *apart) top(block pyast.Node) int {
	src := a.s.src
	at := lineStart(src, block.Nth(0).Start())
	for at > 0 {
		above := lineStart(src, at-1)
		if l := strings.TrimSpace(string(src[above:at])); l != "" && !strings.HasPrefix(l, "#") || above <= block.Parent().Start() {
			break
		}
		at = above
	}
	return at
}

// write replaces the guard.
func (a *apart) write(call pyast.Node) bool {
	s := a.s
	level := s.indent(a.stmt)
	test := level + "if " + joined(a.ranks) + ":"
	var head, before, behind, mid []string
	stmt := lines(a.text(a.stmt))
	if a.stmt.Nth(0) != call && !(a.stmt.Nth(0).Kind() == pyast.KindAssignment && a.stmt.Nth(0).Child(pyast.FieldRight) == call) {
		name := "state_dict" // the value is used: it is made first
		for len(s.mod.Scope(a.stmt).Defs(name)) > 0 {
			name += "_"
		}
		whole := a.stmt.Text()
		at := call.Start() - a.stmt.Start()
		behind = lines(level + whole[:at] + name + whole[at+len(call.Text()):])
		stmt = lines(level + name + " = " + call.Text())
	}
	from := a.top(a.block)
	for c := range a.block.Children() {
		if c.Kind() == pyast.KindComment {
			continue // goes with the statement below it, or stands on the line of the one above
		}
		end := lineEnd(s.src, c.End())
		if from > end {
			return false // two statements on a line
		}
		text := lines(string(s.src[from:end]))
		from = nextLine(s.src, end)
		switch {
		case c == a.stmt:
			mid = append(append(mid, text[:len(text)-strings.Count(a.stmt.Text(), "\n")-1]...), stmt...)
		case a.lifts(c):
			head = append(head, text...)
		case c.Start() < a.stmt.Start():
			before = append(before, text...)
		default:
			behind = append(behind, text...)
		}
	}
	if tail := lineEnd(s.src, a.block.End()); from < tail { // comments
		behind = append(behind, lines(string(s.src[from:tail]))...)
	}
	var out []string
	under := func(part []string) {
		for len(part) > 0 && strings.TrimSpace(part[0]) == "" {
			part = part[1:]
		}
		if len(part) == 0 {
			return
		}
		out = append(out, test)
		for _, l := range part {
			if strings.TrimSpace(l) != "" {
				l = s.unit + l
			}
			out = append(out, l)
		}
	}
	for len(head) > 0 && strings.TrimSpace(head[0]) == "" {
		head = head[1:]
	}
	out = append(out, head...)
	under(before)
	out = append(out, mid...)
	under(behind)
	a.put(out)
	return true
}

// text is a statement with the indentation of its first line.
func (a *apart) text(n pyast.Node) string { return a.s.indent(n) + n.Text() }

// put writes the block's new lines: under the rest of the guard's condition, or in the place of the guard.
func (a *apart) put(block []string) {
	s, g := a.s, a.guard
	body := g.Child(pyast.FieldConsequence)
	head := lines(string(s.src[a.top(body):a.top(a.block)]))
	if body == a.block {
		head = nil
	} else {
		head = head[:len(head)-1] // the line break in front of the block
	}
	out := append(head, block...)
	if len(a.rest) > 0 {
		out = append([]string{s.indent(g) + "if " + joined(a.rest) + ":"}, out...)
	} else {
		deeper := strings.TrimPrefix(s.indent(body.Nth(0)), s.indent(g))
		for i, l := range out {
			out[i] = s.indent(g) + strings.TrimPrefix(strings.TrimPrefix(l, s.indent(g)), deeper)
			if strings.TrimSpace(l) == "" {
				out[i] = ""
			}
		}
	}
	s.replace(text.Span{Start: lineStart(s.src, g.Start()), End: lineEnd(s.src, g.End())}, strings.Join(out, s.newline))
}

func lines(text string) []string { return strings.Split(strings.ReplaceAll(text, "\r\n", "\n"), "\n") }
