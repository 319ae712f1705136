package training

import (
	"regexp"
	"slices"
	"strings"

	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
	"github.com/ckpt-lsp/ckpt-lsp/internal/pysem"
)

// Swallowed is a handler that catches whatever goes wrong while a checkpoint is restored, and does nothing about it.
type Swallowed struct {
	Handler pyast.Node
	// Call is the load or restore in the try statement's body.
	Call *Call
	Told Told
	// Resumes says that training continues from the file, rather than starting from its weights; Whole that the try statement's
	// body loads the file, so that a missing one and a damaged one are taken alike.
	Resumes, Whole bool
	// Weights says that what the handler takes in its stride may be the file or the model's state; Names are what else is restored there.
	Weights bool
	Names   []string
}

// Told is what a handler tells of the error it catches.
type Told uint8

// What is told.
const (
	ToldNothing Told = iota
	ToldWords        // words of its own, whatever the error was
	ToldWarning      // the same at the level of a warning
	ToldError        // the error itself
)

// SwallowedErrors are such handlers around loads and restores of checkpoints that training goes on from.
func (f *File) SwallowedErrors() []Swallowed {
	var out []Swallowed
	seen := map[pyast.Node]bool{}
	add := func(c *Call, l *LoadSite) {
		trains := c.Run.TrainsAfter(c.Index)
		if l == nil || !trains && !l.RestoresKind(Optimizer) {
			return
		}
		handler, told := swallower(c.Frame)
		if handler.Valid() && !seen[handler] {
			seen[handler] = true
			out = append(out, swallowed(handler, c, l, told))
		}
	}
	for _, r := range f.Runs {
		for _, l := range r.Loads {
			if len(l.Restores) > 0 {
				add(l.Call, l)
			}
		}
		for _, x := range r.Restores {
			add(x.Call, x.Load)
		}
	}
	return out
}

func swallowed(handler pyast.Node, c *Call, l *LoadSite, told Told) Swallowed {
	try := handler.Parent()
	s := Swallowed{Handler: handler, Call: c, Told: told, Resumes: l.Resumes(), Whole: under(l.Frame, try)}
	s.Weights = s.Whole
	for _, x := range l.Restores {
		name := x.Recv.Text()
		if x.Object != nil {
			name = x.Object.Name
		}
		switch {
		case !under(x.Frame, try) || name == "":
		case x.Object != nil && x.Object.Kind == Model:
			s.Weights = true
		case !slices.Contains(s.Names, name):
			s.Names = append(s.Names, name)
		}
	}
	return s
}

// under reports whether a frame lies in a try statement's body.
func under(fr *pysem.Frame, try pyast.Node) bool {
	for ; fr != nil; fr = fr.Parent {
		if fr.Kind == pysem.FrameTry && fr.Node == try {
			return true
		}
	}
	return false
}

// TrainsAfter reports whether a training loop of the run begins behind an event.
func (r *Run) TrainsAfter(index int) bool {
	for _, l := range r.Loops {
		if l.Trains && l.First > index {
			return true
		}
	}
	return false
}

// swallower is the handler that catches any exception at a place and goes on as if there were none.
func swallower(fr *pysem.Frame) (handler pyast.Node, told Told) {
	for ; fr != nil; fr = fr.Parent {
		if fr.Kind != pysem.FrameTry {
			continue
		}
		for c := range fr.Node.Children() {
			if c.Kind() != pyast.KindExceptClause || !broad(c) {
				continue
			}
			if ignores, told := goesOn(c); ignores && !triesAnother(fr.Node) && !checkedLater(fr.Node) {
				return c, told
			}
			return pyast.Node{}, ToldNothing // it does something about it
		}
	}
	return pyast.Node{}, ToldNothing
}

// triesAnother reports whether a try statement is one round of a search that its success ends.
func triesAnother(try pyast.Node) bool {
	if !try.Parent().Parent().Is(pyast.KindForStatement, pyast.KindWhileStatement) {
		return false
	}
	for n := range try.Descendants() {
		if n.Is(pyast.KindBreakStatement, pyast.KindReturnStatement) {
			return true
		}
	}
	return false
}

// checkedLater reports whether the block goes on with a test of what the try statement should have assigned, which raises or
// leaves the program.
func checkedLater(try pyast.Node) bool {
	assigned := map[string]bool{}
	for n := range try.Descendants() {
		if n.Kind() == pyast.KindAssignment {
			assigned[n.Child(pyast.FieldLeft).Text()] = true
		}
	}
	for s := try.Next(); s.Valid(); s = s.Next() {
		test := s.Child(pyast.FieldCondition)
		if s.Kind() == pyast.KindAssertStatement {
			test = s.Nth(0)
		} else if s.Kind() != pyast.KindIfStatement || !strings.Contains(s.Child(pyast.FieldConsequence).Text(), "raise") && !strings.Contains(s.Child(pyast.FieldConsequence).Text(), "exit(") {
			continue
		}
		for n := range test.Descendants() {
			if assigned[n.Text()] {
				return true
			}
		}
	}
	return false
}

// broad reports whether a handler catches every exception.
func broad(clause pyast.Node) bool {
	caught := clause.Nth(0)
	if caught.Kind() == pyast.KindAsPattern {
		caught = caught.Nth(0)
	}
	switch caught.Kind() {
	case pyast.KindBlock:
		return true
	case pyast.KindTuple:
		for c := range caught.Children() {
			if catchAll[c.Text()] {
				return true
			}
		}
	}
	return catchAll[caught.Text()]
}

var catchAll = map[string]bool{"Exception": true, "BaseException": true, "builtins.Exception": true}

var reporting = regexp.MustCompile(`(?i)^(print\w*|log|info|debug|warn|warning|error|exception|critical|write|echo|print_exc|format_exc|msg)$|log|print`)

// goesOn reports whether a handler does no more than print, and set numbers to where they begin; told is the most that it prints.
func goesOn(clause pyast.Node) (ignores bool, told Told) {
	for c := range clause.Children() {
		if c.Kind() != pyast.KindBlock {
			continue
		}
		for s := range c.Children() {
			switch {
			case s.Kind() == pyast.KindPassStatement, startsOver(s):
			case s.Kind() == pyast.KindReturnStatement && (!s.Nth(0).Valid() || s.Nth(0).Kind() == pyast.KindInteger):
			case s.Kind() == pyast.KindExpressionStatement && s.Nth(0).Kind() == pyast.KindCall && reporting.MatchString(lastPart(s.Nth(0).Child(pyast.FieldFunction).Text())):
				told = max(told, tells(s.Nth(0), caughtAs(clause)))
			case s.Kind() == pyast.KindExpressionStatement && s.Nth(0).Is(pyast.KindString, pyast.KindEllipsis):
			default:
				return false, ToldNothing
			}
		}
	}
	return true, told
}

// caughtAs is the name that a handler gives the error, "" if it gives none.
func caughtAs(clause pyast.Node) string {
	if caught := clause.Nth(0); caught.Kind() == pyast.KindAsPattern {
		return lastChild(caught).Text()
	}
	return ""
}

// warnLevels are the methods of logging and warnings that tell of what is wrong.
var warnLevels = map[string]bool{"warning": true, "warn": true, "error": true, "critical": true}

// tells is what one call of a handler says of the error that it caught under a name.
func tells(call pyast.Node, caught string) Told {
	args := call.Child(pyast.FieldArguments)
	switch name := calledName(call); {
	case name == "exception" || name == "print_exc", caught != "" && mentions(args, caught), mentions(args, "traceback"), pysem.Args(call).Keyword["exc_info"].Valid():
		return ToldError
	case warnLevels[name]:
		return ToldWarning
	}
	return ToldWords
}

// startsOver reports whether a statement sets a number to a constant.
func startsOver(s pyast.Node) bool {
	a := s.Nth(0)
	if s.Kind() != pyast.KindExpressionStatement || a.Kind() != pyast.KindAssignment {
		return false
	}
	right := a.Child(pyast.FieldRight)
	return right.Is(pyast.KindInteger, pyast.KindFloat) || infinity.MatchString(right.Text())
}
