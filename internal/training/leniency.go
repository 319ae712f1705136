package training

import (
	"regexp"
	"slices"

	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
	"github.com/ckpt-lsp/ckpt-lsp/internal/pysem"
)

// DroppedStrictness is a load_state_dict that gives up strictness by itself, and whose missing and unexpected keys nobody sees.
type DroppedStrictness struct {
	Restore *Restore
	// Failed is the strict load of the same object whose error leads here; Version the comparison of versions that does. One of
	// them is set.
	Failed  *Restore
	Version pyast.Node
	// Told is what the handler tells of the error, which names the keys.
	Told Told
}

// DroppedStrictness are such loads of the file.
func (f *File) DroppedStrictness() []DroppedStrictness {
	var out []DroppedStrictness
	for _, r := range slices.Concat(f.Runs, f.Left) {
		for _, x := range r.Restores {
			if x.Object == nil || x.Object.Kind != Model && x.Object.Kind != Averaged || x.ResultUsed || x.ComparesKeys() {
				continue
			}
			if failed, handler := r.failedBefore(x); failed != nil {
				if told := toldIn(handler); told != ToldError { // the error lists the keys
					out = append(out, DroppedStrictness{Restore: x, Failed: failed, Told: told})
				}
			} else if v := x.strictByVersion(); v.Valid() {
				out = append(out, DroppedStrictness{Restore: x, Version: v})
			}
		}
	}
	return out
}

// failedBefore is the strict load of the same state into the same object, in the try statement in whose handler a lenient one
// stands; with the handler.
func (r *Run) failedBefore(x *Restore) (failed *Restore, handler pyast.Node) {
	if x.Strict {
		return nil, handler
	}
	for fr := x.Frame; fr != nil && fr.Ctx == x.Ctx; fr = fr.Parent {
		if fr.Kind != pysem.FrameExcept {
			continue
		}
		body := fr.Node.Parent().Child(pyast.FieldBody)
		for _, y := range r.Restores {
			if y.Ctx == x.Ctx && y.Strict && body.Encloses(y.Node) && y.Recv.Text() == x.Recv.Text() && state(y).Text() == state(x).Text() {
				return y, fr.Node
			}
		}
	}
	return nil, handler
}

// toldIn is the most that the calls of a handler tell of its error.
func toldIn(handler pyast.Node) Told {
	told, caught := ToldNothing, caughtAs(handler)
	for n := range handler.Descendants() {
		if n.Kind() == pyast.KindCall && reporting.MatchString(calledName(n)) {
			told = max(told, tells(n, caught))
		}
	}
	return told
}

// state is the argument of load_state_dict that holds the state.
func state(x *Restore) pyast.Node { return pysem.Args(x.Node).Get(0, "state_dict") }

var versionName = regexp.MustCompile(`(?i)version`)

// strictByVersion is the comparison of versions that decides whether a load is strict, in its argument or in front of it.
func (x *Restore) strictByVersion() pyast.Node {
	strict := pysem.Args(x.Node).Get(1, "strict")
	if !x.Strict {
		for fr := x.Frame; fr != nil && fr.Ctx == x.Ctx; fr = fr.Parent {
			if fr.Kind == pysem.FrameIf && !fr.Early && comparesVersions(fr.Cond) {
				return fr.Cond
			}
		}
		return pyast.Node{}
	}
	for _, a := range x.Run.File.Eval.Eval(strict, x.Ctx).Alternatives() {
		if comparesVersions(a.Node) {
			return a.Node
		}
	}
	return pyast.Node{}
}

// comparesVersions reports whether an expression is a comparison of a version that a checkpoint holds with that of the program.
func comparesVersions(n pyast.Node) bool {
	if n.Kind() != pyast.KindComparisonOperator {
		return false
	}
	for o := range n.ChildrenOf(pyast.FieldOperators) {
		if o.TextIs("in") || o.TextIs("not in") || o.TextIs("is") || o.TextIs("is not") {
			return false
		}
	}
	return versionName.MatchString(n.Nth(0).Text()) && !torchVersion.MatchString(n.Text())
}

// torchVersion is a version that tells what the library can do, rather than what wrote a file.
var torchVersion = regexp.MustCompile(`(?i)torch\w*\.(__version__|version)|(torch|cuda|python|lightning|transformers)_?version|sys\.version`)
