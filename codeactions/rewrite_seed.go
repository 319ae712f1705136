package codeactions

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ckpt-lsp/ckpt-lsp/diagnostics"
	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
	"github.com/ckpt-lsp/ckpt-lsp/internal/pysem"
	"github.com/ckpt-lsp/ckpt-lsp/internal/text"
	"github.com/ckpt-lsp/ckpt-lsp/internal/torch"
	"github.com/ckpt-lsp/ckpt-lsp/internal/training"
)

// seedEverything has every generator that is used or imported seeded: where a seeding call stands, or first thing in the function
// that a script enters.
func seedEverything(q *question) (fix Fix, call text.Span, reason string, ok bool) {
	for _, r := range q.file.Runs {
		for _, c := range r.Seeds {
			if c.Node.Tree() == q.mod.Tree && c.Node.Span().Overlaps(q.at) {
				fix, reason = q.seedBeside(r, c)
				return fix, c.Node.Span(), reason, true
			}
		}
	}
	return q.seedAtEntry()
}

// seedBeside replaces a seeding call, and those beside it, by one of a helper that seeds all.
func (q *question) seedBeside(r *training.Run, c *training.Call) (fix Fix, reason string) {
	all := r.SeedsIn(q.file.PlaceOf(c.Ctx))
	if !slices.Contains(all, c) || !plainSeed(c.Callee) {
		return fix, "this call seeds in a way of its own"
	}
	if other := q.file.SeedsElsewhere(); other.Valid() {
		return fix, fmt.Sprintf("`%s` may seed them already", other.Child(pyast.FieldFunction).Text())
	}
	missing := slices.DeleteFunc(q.wanted(r), func(g torch.RNG) bool { return seededBy(all, g) })
	if len(missing) == 0 {
		return fix, "every generator that is used or imported is seeded already"
	}
	beside := slices.DeleteFunc(slices.Clone(all), func(o *training.Call) bool {
		return o.Node.Tree() != q.mod.Tree || statement(o.Node).Parent() != statement(c.Node).Parent() || !plainSeed(o.Callee)
	})
	seed := pysem.Args(c.Node).Get(0, "seed")
	for _, o := range beside {
		given := pysem.Args(o.Node).Get(0, "seed")
		switch v := q.file.Eval.Eval(given, o.Ctx); {
		case !given.Valid():
			return fix, "a call without a seed takes another one in each run"
		case given.Text() != seed.Text():
			return fix, "the seeds here differ"
		case slices.Contains(missing, torch.NumpyRNG) && v.Kind == pysem.Int && (v.Int < 0 || v.Int >= 1<<32):
			return fix, "numpy takes seeds from 0 to 2**32 - 1 only"
		}
	}
	if reason := q.otherHelper(c, missing); reason != "" {
		return fix, reason
	}
	generators := missing
	for _, o := range beside {
		generators = append(generators, o.Entry.Generators...)
	}
	switch {
	case slices.Contains(generators, torch.TorchRNG):
	case seededBy(all, torch.TorchRNG):
		return fix, "torch is seeded elsewhere"
	default:
		return fix, "torch is neither used nor imported here"
	}
	fix, ok := seedAll(newSheet(q.file, q.mod), diagnostics.SeedAll{Seeds: beside, Entry: c.Ctx.Func, Generators: generators})
	if !ok {
		return fix, "the call does not stand alone on its line"
	}
	return fix, ""
}

// wanted are the generators that a run uses or that the file imports.
func (q *question) wanted(r *training.Run) []torch.RNG {
	out := r.GeneratorsUsed()
	s := newSheet(q.file, q.mod)
	for _, i := range []struct {
		module string
		rng    torch.RNG
	}{{"torch", torch.TorchRNG}, {"numpy", torch.NumpyRNG}, {"numpy.random", torch.NumpyRNG}, {"random", torch.PythonRNG}} {
		if s.imported(i.module) != "" && !slices.Contains(out, i.rng) {
			out = append(out, i.rng)
		}
	}
	return out
}

func seededBy(seeds []*training.Call, g torch.RNG) bool {
	return slices.ContainsFunc(seeds, func(c *training.Call) bool { return slices.Contains(c.Entry.Generators, g) })
}

// otherHelper says that the file's own function of the helper's name, in which the call does not stand, leaves some of the generators
// out.
func (q *question) otherHelper(c *training.Call, missing []torch.RNG) string {
	defs := q.mod.Top.Defs(seedHelper)
	if len(defs) == 0 || c.Ctx != nil && q.mod.Scope(c.Node).Name == seedHelper {
		return ""
	}
	for _, r := range q.file.Runs {
		if r.Entry.Name == seedHelper && r.Entry.Module == q.mod && !slices.ContainsFunc(missing, func(g torch.RNG) bool { return !seededBy(r.Seeds, g) }) {
			return ""
		}
	}
	return fmt.Sprintf("`%s` is something else in this file", seedHelper)
}

// seedAtEntry calls the helper first thing in the function that the script enters, or at the head of a script that has none. It is
// asked for on the head of that function, on the call of it, on the test for __main__, or on the first call that draws.
func (q *question) seedAtEntry() (fix Fix, call text.Span, reason string, ok bool) {
	r := q.file.Runs[0]
	if r.Entry.Module != q.mod {
		return fix, call, "", false
	}
	draws := slices.DeleteFunc(r.Draws(), func(d training.Draw) bool { return d.Place != training.MainProcess || d.Weak })
	if len(draws) == 0 {
		return fix, call, "", false
	}
	entry, from := r.Entry, draws[0].Event.Node
	for c := draws[0].Event.Ctx; c != nil && c.Parent != nil; c = c.Parent {
		entry, from = c.Func, c.Call
	}
	if entry.Module != q.mod || !from.Valid() || from.Tree() != q.mod.Tree {
		return fix, call, "", false
	}
	places := []text.Span{from.Span()}
	if entry != r.Entry {
		places = append(places, text.Span{Start: entry.Node.Start(), End: entry.Body.Start()})
	}
	for n := from.Parent(); n.Valid(); n = n.Parent() {
		if n.Kind() == pyast.KindIfStatement && strings.Contains(n.Child(pyast.FieldCondition).Text(), "__name__") {
			places = append(places, text.Span{Start: n.Start(), End: n.Child(pyast.FieldCondition).End()})
		}
	}
	i := slices.IndexFunc(places, q.at.Overlaps)
	if i < 0 {
		return fix, call, "", false
	}
	call = places[i]
	if len(q.mod.Top.Defs(seedHelper)) > 0 {
		return fix, call, fmt.Sprintf("`%s` is something else in this file", seedHelper), true
	}
	for _, r := range q.file.Runs {
		if len(r.Seeds) > 0 {
			return fix, call, "this file seeds already", true
		}
	}
	if other := q.file.SeedsElsewhere(); other.Valid() {
		return fix, call, fmt.Sprintf("`%s` may seed them already", other.Child(pyast.FieldFunction).Text()), true
	}
	fix, ok = seedAll(newSheet(q.file, q.mod), diagnostics.SeedAll{Entry: entry, Generators: q.wanted(r)})
	if !ok {
		return fix, call, "it cannot be written here", true
	}
	if r.Distributed() {
		fix.Why = "every run, and every rank, then draws the same numbers"
	}
	return fix, call, "", true
}
