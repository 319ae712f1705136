package codeactions

import (
	"strings"

	"github.com/ckpt-lsp/ckpt-lsp/diagnostics"
	"github.com/ckpt-lsp/ckpt-lsp/internal/text"
	"github.com/ckpt-lsp/ckpt-lsp/internal/training"
)

// completeEverything writes all that a checkpoint lacks, generators' states included, and has it restored where the file is loaded;
// what the checkpoint holds already is restored there too.
func completeEverything(q *question) (fix Fix, call text.Span, reason string, ok bool) {
	saves := q.saves()
	if len(saves) == 0 {
		return fix, call, "", false
	}
	call = saves[0].Node.Span()
	made := saveID(saves[0])
	for _, s := range saves {
		if saveID(s) != made {
			return fix, call, "this call saves several checkpoints", true
		}
	}
	// Rank 0's states on every rank would give all ranks one stream.
	_, distributed := saves[0].Distributed()
	var parts []missing
	var loads []*training.LoadSite
	for i, d := range q.found() {
		for _, r := range d.Remedies {
			switch r := r.(type) {
			case diagnostics.CompleteCheckpoint:
				random := len(r.RNG) > 0 || isGenerator(r.Object)
				if saveID(r.Save) == made && within(q.mod.Tree, r) && !(random && distributed) {
					parts = append(parts, missing{i, r})
				}
			case diagnostics.RestoreState:
				if r.Load.Node.Tree() == q.mod.Tree && continues(saves, r.Load) {
					loads = append(loads, r.Load)
				}
			}
		}
	}
	restored := false
	var doubts []string
	if len(parts) > 0 {
		var c completion
		if c, ok = complete(q.file, q.mod, parts); ok {
			fix, restored, doubts = c.fix, c.restored, c.doubts
		}
	}
	for i := 0; !ok && i < len(loads); i++ {
		if fixes := restoreStates(q.file, q.mod, loads[i], q.found()); len(fixes) > 0 {
			fix, ok = fixes[0], true
			restored = drawsOtherwise(q.found(), loads[i])
		}
	}
	if !ok {
		return fix, call, lacksNothing(saves, len(parts) > 0), true
	}
	if restored {
		doubts = append([]string{drawsAnew}, doubts...)
	}
	fix.Applicability = applicability(len(doubts) == 0)
	fix.Why = strings.Join(doubts, "; ")
	return fix, call, "", true
}

// continues says that training goes on from what the saves wrote by a load.
func continues(saves []*training.SaveSite, load *training.LoadSite) bool {
	for _, s := range saves {
		if l := s.ResumedBy(); l != nil && l.Node == load.Node {
			return true
		}
	}
	return false
}

// drawsOtherwise says that what is restored at a load has states of generators in it.
func drawsOtherwise(found []diagnostics.Diagnostic, load *training.LoadSite) bool {
	for _, d := range found {
		for _, r := range d.Remedies {
			if r, ok := r.(diagnostics.RestoreState); ok && r.Load.Node == load.Node && (len(r.RNG) > 0 || isGenerator(r.Object)) {
				return true
			}
		}
	}
	return false
}

// lacksNothing says why there is nothing to write into a checkpoint.
func lacksNothing(saves []*training.SaveSite, unnamed bool) string {
	s := saves[0]
	switch {
	case unnamed:
		return "what is missing has no name where the checkpoint is made"
	case s.Kind != training.PayloadDict || !s.Dict.Literal.Valid() || s.Open:
		return "not all that this call saves is known"
	}
	for _, r := range s.Run.File.Checkpoints() {
		if r.Save.Node == s.Node {
			return "nothing is known to be missing from this checkpoint"
		}
	}
	return "nothing shows that training resumes from this file"
}
