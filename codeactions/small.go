package codeactions

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/ckpt-lsp/ckpt-lsp/diagnostics"
	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
	"github.com/ckpt-lsp/ckpt-lsp/internal/pysem"
	"github.com/ckpt-lsp/ckpt-lsp/internal/text"
	"github.com/ckpt-lsp/ckpt-lsp/internal/training"
)

func applicability(safe bool) diagnostics.Applicability {
	if safe {
		return diagnostics.Safe
	}
	return diagnostics.Unsafe
}

func assign(s *sheet, r diagnostics.Assign) (Fix, bool) {
	s.replace(r.Value.Span(), r.New)
	for _, n := range r.Also {
		s.replace(n.Span(), r.New)
	}
	return s.fix(Fix{Title: r.Title, Applicability: applicability(r.Safe), Why: r.Reason}), true
}

// setKeyword adds a keyword argument behind the others, or changes the one there is.
func setKeyword(s *sheet, r diagnostics.SetKeyword) (Fix, bool) {
	s.keyword(r.Call, r.Name, r.Value)
	for _, c := range r.Also {
		s.keyword(c, r.Name, r.Value)
	}
	return s.fix(Fix{Title: r.Title, Applicability: applicability(r.Safe), Why: r.Reason}), true
}

func (s *sheet) keyword(call pyast.Node, name, value string) {
	if n, ok := pysem.Args(call).Keyword[name]; ok {
		s.replace(n.Span(), value)
		return
	}
	list := call.Child(pyast.FieldArguments)
	var last pyast.Node
	for c := range list.Children() {
		if c.Kind() != pyast.KindComment {
			last = c
		}
	}
	if !last.Valid() {
		s.insert(list.End()-1, name+"="+value)
		return
	}
	tail := string(s.src[last.End() : list.End()-1])
	if strings.Contains(tail, ",") { // a trailing comma stays behind the last argument
		if strings.Contains(tail, "\n") {
			s.insert(last.End(), ","+s.newline+indentAt(s.src, last.Start())+name+"="+value)
			return
		}
		s.insert(last.End(), ", "+name+"="+value)
		return
	}
	s.insert(last.End(), ", "+name+"="+value)
}

func renameKey(s *sheet, r diagnostics.RenameKey) (Fix, bool) {
	key := r.Node.Child(pyast.FieldSubscript)
	if r.Node.Kind() == pyast.KindCall {
		key = pysem.Args(r.Node).Pos(0)
	}
	if !key.Valid() {
		return Fix{}, false
	}
	s.replace(key.Span(), s.str(r.Key))
	return s.fix(Fix{Title: fmt.Sprintf("Read the key %q", r.Key), Applicability: diagnostics.Unsafe, Why: "older checkpoints may hold the other key"}), true
}

var plusOne = regexp.MustCompile(`^\s*\+\s*1\b`)

// shiftEpoch adds to, or takes from, the expression that gives the epoch to resume at.
func shiftEpoch(s *sheet, r diagnostics.ShiftEpoch) (Fix, bool) {
	n := r.Node
	fix := Fix{Applicability: diagnostics.Unsafe, Why: "other programs may count epochs differently"}
	if r.Saved {
		s.insert(n.End(), " + 1")
		fix.Title, fix.Why = "Save the number of the next epoch, as the other save does", "existing checkpoints count differently"
		return s.fix(fix), true
	}
	if i, ok := number(n); ok {
		s.replace(n.Span(), fmt.Sprint(i+r.Delta))
		fix.Title = fmt.Sprintf("Resume at epoch %d", i+r.Delta)
		return s.fix(fix), true
	}
	p := n.Parent()
	for p.Kind() == pyast.KindCall && p.Child(pyast.FieldFunction).TextIs("int") || p.Kind() == pyast.KindArgumentList && p.Parent().Child(pyast.FieldFunction).TextIs("int") {
		n, p = p, p.Parent()
	}
	if r.Delta < 0 {
		if p.Kind() == pyast.KindBinaryOperator && p.Child(pyast.FieldLeft) == n && plusOne.Match(s.src[n.End():p.End()]) {
			s.replace(text.Span{Start: n.End(), End: p.End()}, "")
			fix.Title = "Resume at the saved epoch, which is the next one already"
			return s.fix(fix), true
		}
		s.insert(n.End(), " - 1")
	} else {
		s.insert(n.End(), " + 1")
	}
	fix.Title = "Resume at the epoch after the saved one"
	return s.fix(fix), true
}

func number(n pyast.Node) (int, bool) {
	if n.Kind() != pyast.KindInteger {
		return 0, false
	}
	i := 0
	_, err := fmt.Sscan(n.Text(), &i)
	return i, err == nil
}

// unwrap takes the state dict from the module inside the wrapper.
func unwrap(s *sheet, r diagnostics.Unwrap) (Fix, bool) {
	inner := ".module"
	if strings.HasPrefix(r.Prefix, "_orig_mod") {
		inner = "._orig_mod"
	}
	s.insert(r.Receiver.End(), inner)
	title := "Take the state dict of `%s%s`"
	if r.Receiver.Parent().Child(pyast.FieldAttribute).TextIs("load_state_dict") {
		title = "Load into `%s%s`"
	}
	f := Fix{Title: fmt.Sprintf(title, r.Receiver.Text(), inner), Applicability: diagnostics.Safe}
	if r.Reason != "" {
		f.Applicability, f.Why = diagnostics.Unsafe, r.Reason
	}
	return s.fix(f), true
}

// saveState saves the state dict instead of the object.
func saveState(s *sheet, r diagnostics.SaveState) (Fix, bool) {
	if r.Value.Is(pyast.KindIdentifier, pyast.KindAttribute, pyast.KindCall, pyast.KindSubscript) {
		s.insert(r.Value.End(), ".state_dict()")
	} else {
		s.replace(r.Value.Span(), "("+r.Value.Text()+").state_dict()")
	}
	return s.fix(Fix{
		Title:         fmt.Sprintf("Save `%s.state_dict()` instead of the object", r.Value.Text()),
		Applicability: diagnostics.Unsafe,
		Why:           "what loads this file must build the model and call load_state_dict",
	}), true
}

// loadableForms are the ways to write a value so that weights_only=True loads it; %s is the value.
var loadableForms = map[string]string{
	"float": "float(%s)", "int": "int(%s)", "str": "str(%s)", "vars": "vars(%s)", "tolist": "%s.tolist()", "list": "list(%s)", "dict": "dict(%s)",
	"numpy-rng": "[x.tolist() if hasattr(x, 'tolist') else x for x in %s]",
}

func loadable(s *sheet, r diagnostics.Loadable) (Fix, bool) {
	for _, p := range r.Parts {
		form, ok := loadableForms[p.As]
		if !ok {
			return Fix{}, false
		}
		form = strings.ReplaceAll(form, "'", s.quote)
		s.replace(p.Value.Span(), fmt.Sprintf(form, p.Value.Text()))
	}
	fix := Fix{Title: "Save it in a form that weights_only=True loads", Applicability: diagnostics.Safe, Why: r.Reason}
	if r.Reason != "" {
		fix.Applicability = diagnostics.Unsafe
	}
	return s.fix(fix), true
}

// reportMismatch keeps the result of load_state_dict(strict=False) and tells what did not match, with how many keys of how many: where
// nearly all are missing, the model did not get its weights.
func reportMismatch(s *sheet, r diagnostics.ReportMismatch) (Fix, bool) {
	stmt := statement(r.Restore.Node)
	if stmt.Kind() != pyast.KindExpressionStatement || stmt.Nth(0) != r.Restore.Node || !s.ownLine(stmt) {
		return Fix{}, false
	}
	missing, unexpected := s.unused(stmt, "missing"), s.unused(stmt, "unexpected")
	of := ""
	if model := r.Restore.Recv; model.Is(pyast.KindIdentifier, pyast.KindAttribute) && model.Text() != selfOf(s.mod.Scope(stmt)) {
		of = fmt.Sprintf(" of {len(%s.state_dict())}", model.Text())
	}
	s.insert(stmt.Start(), missing+", "+unexpected+" = ")
	s.linesAfter(stmt,
		fmt.Sprintf("if %s or %s:", missing, unexpected),
		"\t"+s.tell(stmt, fmt.Sprintf("f%[1]snot loaded: {len(%[2]s)}%[3]s keys missing {%[2]s}, {len(%[4]s)} unexpected {%[4]s}%[1]s", s.quote, missing, of, unexpected)),
	)
	fix := Fix{Title: "Report what did not match", Applicability: diagnostics.Safe}
	if !r.Restore.ReturnsKeys() {
		fix.Applicability, fix.Why = diagnostics.Unsafe, "a load_state_dict that is not nn.Module's may return nothing"
	}
	return s.fix(fix), true
}

// setEpoch tells the sampler the epoch at the top of the loop's body.
func setEpoch(s *sheet, r diagnostics.SetEpoch) (Fix, bool) {
	first := r.Loop.Node.Child(pyast.FieldBody).Nth(0)
	if !first.Valid() || !r.Loop.Var.Valid() || !s.ownLine(first) && first.Kind() != pyast.KindIfStatement {
		return Fix{}, false
	}
	owner, target := r.Sampler, r.Sampler
	if target == "" {
		owner, target = r.Loader, r.Loader+".sampler"
	}
	x := s.standing(owner, first, r.Loop.Ctx)
	if !x.bound {
		return Fix{}, false
	}
	cond := x.cond
	if r.Class.Valid() {
		if root, _, _ := strings.Cut(r.Class.Text(), "."); !s.topLevel(first, root) {
			return Fix{}, false
		}
		if is := fmt.Sprintf("isinstance(%s, %s)", target, r.Class.Text()); cond == "" || cond == target+" is not None" {
			cond = is
		} else {
			cond += " and " + is
		}
	}
	epoch := r.Loop.Var.Text()
	if epoch == "_" {
		if s.reads(first, epoch) {
			return Fix{}, false
		}
		epoch = s.unused(first, "epoch")
		s.replace(r.Loop.Var.Span(), epoch)
	}
	call := fmt.Sprintf("%s.set_epoch(%s)", target, epoch)
	if cond == "" {
		s.linesBefore(first, call)
	} else {
		s.linesBefore(first, "if "+cond+":", "\t"+call)
	}
	return s.fix(Fix{Title: fmt.Sprintf("Call `%s` each epoch", call), Applicability: diagnostics.Safe}), true
}

// reads says that the function around a place asks for the value of a name.
func (s *sheet) reads(at pyast.Node, name string) bool {
	fn := s.mod.Scope(at)
	for n := range fn.Body.Descendants() {
		if !n.TextIs(name) || n.Kind() != pyast.KindIdentifier || n.Field() == pyast.FieldAttribute {
			continue
		}
		if !slices.ContainsFunc(fn.Defs(name), func(d *pysem.Def) bool { return d.Node.Encloses(n) }) {
			return true
		}
	}
	return false
}

// sortByNumber sorts names by the last number in them.
func sortByNumber(s *sheet, r diagnostics.SortByNumber) (Fix, bool) {
	s.keyword(r.Call, "key", "lambda path: "+s.numbersIn("str(path)"))
	return s.fix(Fix{Title: "Sort by the numbers in the name", Applicability: diagnostics.Safe}), true
}

// saveAfterStep moves the save, with the condition it stands under, behind the scheduler's step.
func saveAfterStep(s *sheet, r diagnostics.SaveAfterStep) (Fix, bool) {
	body := r.Save.EpochLoop.Node.Child(pyast.FieldBody)
	save, step := inBody(r.Save.Node, r.Save.Ctx, body), inBody(r.Step.Node, r.Step.Ctx, body)
	if !save.Valid() || !step.Valid() || save == step || !s.ownLine(save) || !s.ownLine(step) {
		return Fix{}, false
	}
	from := save
	// The dict is built in front of the save: what the save alone uses goes with it.
	for p := prevStatement(save); p.Valid() && p.Start() > body.Start()-1 && s.builds(p, r.Save); p = prevStatement(p) {
		from = p
	}
	if s.parts(from, save, step) {
		return Fix{}, false
	}
	start, end := lineStart(s.src, from.Start()), lineEnd(s.src, save.End())
	moved := string(s.src[start:end])
	s.replace(text.Span{Start: start, End: nextLine(s.src, save.End())}, "")
	s.insert(lineEnd(s.src, step.End()), s.newline+moved)
	return s.fix(Fix{
		Title:         fmt.Sprintf("Save after `%s.step()`", r.Step.Object.Name),
		Applicability: diagnostics.Unsafe,
		Why:           "existing checkpoints stay one step behind",
	}), true
}

// parts says that statements between those to be moved, from the first to the last, and the one to move them behind give another value
// to a name that they use, delete it, or leave the round.
func (s *sheet) parts(first, last, behind pyast.Node) bool {
	fn := s.mod.Scope(last)
	for n := last.Next(); n.Valid() && n.Start() <= behind.Start(); n = n.Next() {
		for d := range n.Descendants() {
			if d.Is(pyast.KindBreakStatement, pyast.KindContinueStatement, pyast.KindReturnStatement) {
				return true
			}
		}
		for m := first; m.Valid() && m.Start() <= last.Start(); m = m.Next() {
			for d := range m.Descendants() {
				if d.Kind() != pyast.KindIdentifier || d.Field() == pyast.FieldAttribute {
					continue
				}
				for _, def := range fn.Defs(d.Text()) {
					if n.Encloses(def.Node) {
						return true
					}
				}
			}
		}
	}
	return false
}

// registerState registers an object with the accelerator right behind the statement that makes it.
func registerState(s *sheet, r diagnostics.RegisterState) (Fix, bool) {
	stmt := statement(r.Object.Call)
	target := stmt.Nth(0).Child(pyast.FieldLeft)
	if stmt.Nth(0).Kind() != pyast.KindAssignment || !target.Is(pyast.KindIdentifier, pyast.KindAttribute) || !s.ownLine(stmt) {
		return Fix{}, false
	}
	s.linesAfter(stmt, fmt.Sprintf("%s.register_for_checkpointing(%s)", r.Accelerator, target.Text()))
	return s.fix(Fix{Title: fmt.Sprintf("Register `%s` with the accelerator", target.Text()), Applicability: diagnostics.Safe}), true
}

// saveAfterLoop moves the save that ends a round of a loop, with the condition it stands under, behind the loop.
func saveAfterLoop(s *sheet, r diagnostics.SaveAfterLoop) (Fix, bool) {
	body := r.Loop.Node.Child(pyast.FieldBody)
	save := inBody(r.Save.Node, r.Save.Ctx, body)
	if !save.Valid() || !s.ownLine(save) || save.Next().Valid() || !prevStatement(save).Valid() || r.Loop.Node.Child(pyast.FieldAlternative).Valid() {
		return Fix{}, false
	}
	from := save
	for p := prevStatement(save); p.Valid() && s.builds(p, r.Save); p = prevStatement(p) {
		from = p
	}
	if !prevStatement(from).Valid() {
		return Fix{}, false
	}
	inner, outer := indentAt(s.src, save.Start()), indentAt(s.src, r.Loop.Node.Start())
	var moved strings.Builder
	for line := range strings.Lines(string(s.src[lineStart(s.src, from.Start()):lineEnd(s.src, save.End())])) {
		if rest, ok := strings.CutPrefix(line, inner); ok {
			line = outer + rest
		} else if strings.TrimSpace(line) != "" {
			return Fix{}, false // a text that is not indented with the rest
		}
		moved.WriteString(line)
	}
	s.replace(text.Span{Start: lineEnd(s.src, prevStatement(from).End()), End: lineEnd(s.src, save.End())}, s.newline+moved.String())
	return s.fix(Fix{
		Title:         "Save after each epoch",
		Applicability: diagnostics.Unsafe,
		Why:           "a run that is killed loses up to an epoch instead of a batch",
	}), true
}

// builds says that a statement does nothing but make or extend the payload of the save.
func (s *sheet) builds(stmt pyast.Node, save *training.SaveSite) bool {
	lit := pyast.Node{}
	if save.Dict != nil {
		lit = save.Dict.Literal
	}
	if lit.Valid() && stmt.Encloses(lit) && stmt.Kind() == pyast.KindExpressionStatement {
		return true
	}
	for _, c := range save.Components {
		if c.Entry.Pair.Valid() && stmt.Encloses(c.Entry.Pair) && stmt.Kind() == pyast.KindExpressionStatement {
			return true
		}
	}
	return false
}

func prevStatement(n pyast.Node) pyast.Node {
	p := n.Prev()
	for p.Valid() && p.Kind() == pyast.KindComment {
		p = p.Prev()
	}
	return p
}

// inBody is the statement directly in a loop's body in which a node runs, be it in a function that is called there.
func inBody(n pyast.Node, ctx *pysem.Ctx, body pyast.Node) pyast.Node {
	for ; ctx != nil; n, ctx = ctx.Call, ctx.Parent {
		for p := n; p.Valid(); p = p.Parent() {
			if p.Parent() == body {
				return p
			}
		}
	}
	return pyast.Node{}
}
