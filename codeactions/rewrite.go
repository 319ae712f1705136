package codeactions

import (
	"slices"
	"sync"

	"github.com/ckpt-lsp/ckpt-lsp/diagnostics"
	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
	"github.com/ckpt-lsp/ckpt-lsp/internal/pysem"
	"github.com/ckpt-lsp/ckpt-lsp/internal/text"
	"github.com/ckpt-lsp/ckpt-lsp/internal/training"
)

// Rewrite is what can be made of a call that is asked for by its place, whether or not a rule reports it.
type Rewrite struct {
	// Name tells it from the others and stays the same: "seed-all".
	Name string
	// Call is the call that it is made of.
	Call text.Span
	// Fix has no edits where the rewrite applies to what stands there and cannot be made; Reason says why, in a clause.
	Fix
	Reason string
	// Once says that nothing follows from it: asked for again, it is done.
	Once bool
}

// rewriters write the rewrites. Each looks whether what is asked for is of its kind; ok is false where it is not.
var rewriters = []struct {
	name, title string
	once        bool // see Rewrite
	write       func(q *question) (fix Fix, call text.Span, reason string, ok bool)
}{
	{SeedEverything, "Seed every generator here", false, seedEverything},
	{CompleteEverything, "Complete this checkpoint", false, completeEverything},
	{SaveOnRankZero, "Save on rank 0, with a barrier", false, saveOnRankZero},
	{WriteVersions, "Write the format and torch version", true, writeVersions},
	{AlsoSafetensors, "Also save the weights as safetensors", true, alsoSafetensors},
	{ReportDifference, "Report what did not match", true, reportDifference},
}

// Names of rewrites.
const (
	SeedEverything     = "seed-all"
	CompleteEverything = "complete-checkpoint"
	SaveOnRankZero     = "save-on-rank-0"
	WriteVersions      = "write-versions"
	AlsoSafetensors    = "also-safetensors"
	ReportDifference   = "report-mismatch"
)

// RewriteTitles are how the rewrites are offered.
func RewriteTitles() []string {
	var out []string
	for _, r := range rewriters {
		out = append(out, r.title)
	}
	return out
}

// question is what is asked of one file's facts.
type question struct {
	file  *training.File
	mod   *pysem.Module
	at    text.Span
	found func() []diagnostics.Diagnostic // whatever is selected or silenced
}

// Rewrites are the rewrites of what stands at a place of a file, as the facts of those files tell whose entry points lead there: all, or
// the one of a name. The first that can tell does.
func Rewrites(facts []*training.File, tree *pyast.Tree, at text.Span, torch diagnostics.TorchVersion, name string) []Rewrite {
	var out []Rewrite
	for _, file := range facts {
		for _, r := range rewritesOf(file, tree, at, torch, name) {
			switch i := slices.IndexFunc(out, func(o Rewrite) bool { return o.Name == r.Name }); {
			case i < 0:
				out = append(out, r)
			case len(out[i].Edits) == 0 && len(r.Edits) > 0:
				out[i] = r
			}
		}
	}
	return out
}

func rewritesOf(file *training.File, tree *pyast.Tree, at text.Span, torch diagnostics.TorchVersion, name string) []Rewrite {
	file.Lock()
	defer file.Unlock()
	mod := file.ModuleOf(tree)
	if mod == nil || file.Test() {
		return nil
	}
	q := &question{file: file, mod: mod, at: at, found: sync.OnceValue(func() []diagnostics.Diagnostic { return diagnostics.Everything(file, torch) })}
	gate := newGate(file)
	defer gate.close()
	var out []Rewrite
	for _, r := range rewriters {
		if name != "" && r.name != name {
			continue
		}
		fix, call, reason, ok := r.write(q)
		if !ok {
			continue
		}
		if reason == "" && !gate.pass(&fix, tree) {
			reason = "it cannot be written here"
		}
		if reason != "" {
			fix = Fix{}
		}
		fix.Title = r.title
		out = append(out, Rewrite{Name: r.name, Call: call, Fix: fix, Reason: reason, Once: r.once})
	}
	return out
}

// Askable says whether a place can be one that a rewrite is made of, as far as its text tells: it is cheap, and true too often.
func Askable(tree *pyast.Tree, at text.Span) bool {
	for n := tree.At(at.Start); n.Valid(); n = n.Parent() {
		switch {
		case n.Is(pyast.KindCall, pyast.KindDictionary, pyast.KindIfStatement), n.Kind() == pyast.KindFunctionDefinition:
			return true
		case n.Kind() == pyast.KindExpressionStatement:
			return false
		}
	}
	return false
}

// saves are the saves that are asked about, all of one call: it, or the dict that it is handed, stands there.
func (q *question) saves() []*training.SaveSite {
	var out []*training.SaveSite
	for _, s := range q.file.Saves() {
		if s.Node.Tree() != q.mod.Tree || s.Foreign {
			continue
		}
		made := s.Dict != nil && s.Dict.Literal.Valid() && s.Dict.Literal.Tree() == q.mod.Tree && s.Dict.Literal.Span().Overlaps(q.at)
		if !made && !s.Node.Span().Overlaps(q.at) {
			continue
		}
		if len(out) > 0 && out[0].Node != s.Node {
			return nil // several are selected
		}
		out = append(out, s)
	}
	return out
}
