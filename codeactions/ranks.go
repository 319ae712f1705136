package codeactions

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/ckpt-lsp/ckpt-lsp/diagnostics"
	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
	"github.com/ckpt-lsp/ckpt-lsp/internal/pysem"
	"github.com/ckpt-lsp/ckpt-lsp/internal/text"
	"github.com/ckpt-lsp/ckpt-lsp/internal/training"
)

// guardRank puts a save under the rank test of the file, with a barrier behind it where one is needed, and unwraps the module
// that it saves.
func guardRank(s *sheet, r diagnostics.GuardRank) (Fix, bool) {
	stmt := statement(r.Save.Node)
	if stmt.Kind() != pyast.KindExpressionStatement || !s.ownLine(stmt) {
		return Fix{}, false
	}
	if with, object := opening(r.Save); object {
		// To open the file for writing empties it, so that stands behind the test too.
		if !with.Valid() || !s.ownLine(with) || with.Child(pyast.FieldBody).Nth(1).Valid() {
			return Fix{}, false
		}
		stmt = with
	}
	cond := s.rankTest(r.Save)
	first := stmt
	// The dict in front of the save goes under the guard too when it does nothing else.
	for p := prevStatement(stmt); p.Valid() && s.builds(p, r.Save); p = prevStatement(p) {
		first = p
	}
	last, ok := s.copied(stmt, pysem.Args(r.Save.Node).Get(1, "f").Text())
	if !ok {
		return Fix{}, false
	}
	start, end := lineStart(s.src, first.Start()), lineEnd(s.src, last.End())
	body := s.deeper(start, end)
	lines := s.indent(first) + "if " + cond + ":" + s.newline + body
	if r.Barrier {
		if partsBefore(r.Save.Frame, stmt) {
			return Fix{}, false
		}
		if outer := parting(stmt); outer.Valid() {
			if !meets(outer, last) {
				return Fix{}, false
			}
			s.linesAfter(outer, s.barrier(r.Save.GroupStarted())...)
		} else {
			for _, l := range s.barrier(r.Save.GroupStarted()) {
				lines += s.newline + s.at(first, l)
			}
		}
	}
	s.replace(text.Span{Start: start, End: end}, lines)
	return s.fix(Fix{Title: "Save on the main process only", Applicability: diagnostics.Safe}), true
}

// copied is the last of the statements right behind a save that copy its file, which only the process that wrote it may do; it is
// the save's where there is none. A copy further behind has to be moved by hand.
func (s *sheet) copied(save pyast.Node, path string) (last pyast.Node, ok bool) {
	last = save
	for next, near := save.Next(), true; next.Valid(); next = next.Next() {
		switch {
		case next.Kind() == pyast.KindComment:
		case !s.copies(next, path):
			near = false
		case !near:
			return save, false
		default:
			last = next
		}
	}
	return last, true
}

var copying = regexp.MustCompile(`^(shutil\.(copy|copy2|copyfile|move)|os\.(link|symlink|replace|rename))$`)

// copies says that a statement copies or moves a file.
func (s *sheet) copies(stmt pyast.Node, path string) bool {
	for n := range stmt.Descendants() {
		if n.Kind() == pyast.KindCall && pysem.Args(n).Pos(0).Valid() && pysem.Args(n).Pos(0).TextIs(path) && copying.MatchString(n.Child(pyast.FieldFunction).Text()) {
			return true
		}
	}
	return false
}

// perRank is what a test mentions whose outcome may be another one on each rank: a metric, of which each has its own.
var perRank = regexp.MustCompile(`(?i)best|acc|loss|score|metric|improv|better|auc|psnr|iou|bleu`)

// parting is the outermost test around a statement, in its loop or function, in which the ranks may part: a barrier inside it hangs
// those that enter.
func parting(stmt pyast.Node) pyast.Node {
	var out pyast.Node
	for n := stmt.Parent(); n.Valid() && !n.Is(pyast.KindForStatement, pyast.KindWhileStatement, pyast.KindFunctionDefinition, pyast.KindModule); n = n.Parent() {
		if n.Is(pyast.KindIfStatement, pyast.KindElifClause) && perRank.MatchString(n.Child(pyast.FieldCondition).Text()) {
			out = n
			if n.Kind() == pyast.KindElifClause {
				out = n.Parent()
			}
		}
	}
	return out
}

// partsBefore says that the ranks may have parted in a function that leads to a statement.
func partsBefore(fr *pysem.Frame, stmt pyast.Node) bool {
	for ; fr != nil; fr = fr.Parent {
		if fr.Kind == pysem.FrameIf && fr.Cond.Valid() && !fr.Node.Encloses(stmt) && !fr.Early && perRank.MatchString(fr.Cond.Text()) {
			return true
		}
	}
	return false
}

// meets says that a barrier behind a test does for what stands behind a statement in it: every rank comes by there, and nothing is
// read before.
func meets(test, stmt pyast.Node) bool {
	for n := range test.Descendants() {
		if n.Is(pyast.KindReturnStatement, pyast.KindContinueStatement, pyast.KindBreakStatement) ||
			n.Kind() == pyast.KindCall && n.Start() > stmt.End() && strings.Contains(n.Child(pyast.FieldFunction).Text(), "load") {
			return false
		}
	}
	return true
}

// deeper is the text of whole lines, one level deeper; lines inside multi-line strings stay as they are.
func (s *sheet) deeper(start, end int) string {
	inString := map[int]bool{}
	for n := range s.mod.Tree.Root().Descendants() {
		if n.Kind() == pyast.KindString && n.End() > start && n.Start() < end {
			for at := nextLine(s.src, n.Start()); at <= n.End() && at < len(s.src); at = nextLine(s.src, at) {
				inString[at] = true
				if nextLine(s.src, at) == at {
					break
				}
			}
		}
	}
	var b strings.Builder
	for at := start; at < end; {
		stop := min(lineEnd(s.src, at), end)
		line := string(s.src[at:stop])
		if at > start {
			b.WriteString(s.newline)
		}
		if strings.TrimSpace(line) != "" && !inString[at] {
			b.WriteString(s.unit)
		}
		b.WriteString(line)
		next := nextLine(s.src, stop)
		if next == at {
			break
		}
		at = next
	}
	return b.String()
}

// rankTest is the test that the file itself uses for its main process, else one on a rank variable in reach, else on get_rank(), which
// is asked only where there is a process group.
func (s *sheet) rankTest(save *training.SaveSite) string {
	started := save.GroupStarted()
	for n := range s.mod.Tree.Root().Descendants() {
		if n.Kind() != pyast.KindIfStatement {
			continue
		}
		cond := n.Child(pyast.FieldCondition)
		if s.file.MainTest(cond) && pure(cond) && s.inReach(cond, save) && (started || !s.asksGroup(cond)) {
			return cond.Text()
		}
	}
	for _, name := range []string{"rank", "global_rank", "RANK"} {
		if s.standing(name, save.Node, save.Ctx) == (standing{bound: true}) {
			return name + " == 0"
		}
	}
	dist := s.module("torch.distributed")
	if started {
		return dist + ".get_rank() == 0"
	}
	return "not " + dist + ".is_initialized() or " + dist + ".get_rank() == 0"
}

// asksGroup says that a test asks torch for the rank, which raises without a process group, and not whether there is one.
func (s *sheet) asksGroup(cond pyast.Node) bool {
	ctx := s.file.Eval.In(s.mod, cond)
	asks := false
	for n := range cond.Descendants() {
		if n.Kind() != pyast.KindCall {
			continue
		}
		switch v := s.file.Eval.Eval(n.Child(pyast.FieldFunction), ctx); {
		case v.Kind == pysem.External && strings.HasSuffix(v.Name, "distributed.get_rank"):
			asks = true
		case v.Kind == pysem.External && strings.HasSuffix(v.Name, "distributed.is_initialized"):
			return false
		}
	}
	return asks
}

// pure says that a rank test asks for nothing but the rank, and perhaps for there being one process only.
func pure(cond pyast.Node) bool {
	for n := range cond.Descendants() {
		if n.Kind() == pyast.KindBooleanOperator && n.Child(pyast.FieldOperator).TextIs("and") || n.Kind() == pyast.KindNamedExpression {
			return false
		}
	}
	return !strings.ContainsAny(cond.Text(), "\r\n")
}

// barrier are the lines that let all ranks wait. Without a process group a barrier raises, so where one may not have been started that
// is asked first.
func (s *sheet) barrier(started bool) []string {
	dist := s.module("torch.distributed")
	if !started {
		return []string{"if " + dist + ".is_initialized():", "\t" + dist + ".barrier()"}
	}
	return []string{dist + ".barrier()"}
}

// inReach says that the names in an expression surely have values where a save stands.
func (s *sheet) inReach(n pyast.Node, save *training.SaveSite) bool {
	for d := range n.Descendants() {
		if d.Kind() != pyast.KindIdentifier || d.Field() == pyast.FieldAttribute {
			continue
		}
		path := d.Text()
		if p := d.Parent(); path == "self" && p.Kind() == pyast.KindAttribute {
			path = p.Text()
		}
		if s.standing(path, save.Node, save.Ctx) != (standing{bound: true}) {
			return false
		}
	}
	return true
}

func addBarrier(s *sheet, r diagnostics.AddBarrier) (Fix, bool) {
	if !r.After.Valid() || !s.ownLine(r.After) && r.After.Kind() != pyast.KindIfStatement {
		return Fix{}, false
	}
	if outer := parting(r.After); outer.Valid() {
		if !meets(outer, r.After) {
			return Fix{}, false
		}
		r.After = outer
	}
	s.linesAfter(r.After, s.barrier(r.Started)...)
	fix := Fix{Title: "Let the other ranks wait for the save", Applicability: diagnostics.Safe}
	if r.Reason != "" {
		fix = Fix{Title: "Let the other ranks wait here", Applicability: diagnostics.Unsafe, Why: r.Reason}
	}
	return s.fix(fix), true
}

var asksForDirectory = regexp.MustCompile(`^(not\s+)?[\w.]+\.(exists|isdir|is_dir)\([^()]*\)$`)

// makeEverywhere replaces a test that lets one rank make a directory by the call, which does not mind that it is there. The test
// may ask for the directory too, and there is nothing else under it.
func makeEverywhere(s *sheet, r diagnostics.MakeEverywhere) (Fix, bool) {
	guard := r.Guard.Node
	stmt := statement(r.Call)
	if guard.Kind() != pyast.KindIfStatement || r.Guard.Early || stmt.Nth(0) != r.Call || !s.ownLine(stmt) {
		return Fix{}, false
	}
	for n := stmt; n != guard; {
		block := n.Parent()
		outer := block.Parent()
		only := 0
		for range block.Children() {
			only++
		}
		if only != 1 || outer.Kind() != pyast.KindIfStatement || outer.Child(pyast.FieldAlternative).Valid() || !s.onlyAsks(outer.Child(pyast.FieldCondition)) {
			return Fix{}, false
		}
		n = outer
	}
	s.keyword(r.Call, "exist_ok", "True")
	s.replace(text.Span{Start: guard.Start(), End: stmt.Start()}, "")
	return s.fix(Fix{Title: "Make the directory on every rank", Applicability: diagnostics.Unsafe, Why: "every rank then makes it where it is missing"}), true
}

// onlyAsks says that a condition asks for the main process and for a directory, and for nothing else.
func (s *sheet) onlyAsks(cond pyast.Node) bool {
	if cond.Kind() == pyast.KindBooleanOperator && cond.Child(pyast.FieldOperator).TextIs("and") {
		return s.onlyAsks(cond.Child(pyast.FieldLeft)) && s.onlyAsks(cond.Child(pyast.FieldRight))
	}
	return asksForDirectory.MatchString(cond.Text()) || s.file.MainTest(cond)
}

var noName = regexp.MustCompile(`\W+`)

// gatherStates saves the states of all ranks as a list, and reads that of the rank from it.
func gatherStates(s *sheet, r diagnostics.GatherStates) (Fix, bool) {
	guard := r.Guard.Node
	key, ok := pysem.StringLiteral(r.Read.Child(pyast.FieldSubscript))
	if !ok || guard.Kind() != pyast.KindIfStatement || r.Guard.Early || !guard.Child(pyast.FieldConsequence).Encloses(r.State) ||
		!r.State.Is(pyast.KindCall, pyast.KindDictionary, pyast.KindList, pyast.KindTuple) {
		return Fix{}, false
	}
	name := noName.ReplaceAllString(key, "_") + "_by_rank"
	for len(s.mod.Scope(guard).Defs(name)) > 0 {
		name += "_"
	}
	dist := s.module("torch.distributed")
	s.linesBefore(guard,
		fmt.Sprintf("%s = [None] * %s.get_world_size()", name, dist),
		fmt.Sprintf("%s.all_gather_object(%s, %s)", dist, name, r.State.Text()),
	)
	s.replace(r.State.Span(), name)
	s.insert(r.Read.End(), "["+dist+".get_rank()]")
	return s.fix(Fix{
		Title:         "Save and restore the state of each rank",
		Applicability: diagnostics.Unsafe,
		Why:           "checkpoints written before hold one state only, and the number of processes must be the same on resume",
	}), true
}
