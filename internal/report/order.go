package report

import (
	"cmp"
	"slices"
	"strings"

	"github.com/ckpt-lsp/ckpt-lsp/diagnostics"
)

// AtLeast is the file with its findings of a severity or above, and the fixes for them; the others are counted in hidden.
func (f File) AtLeast(least diagnostics.Severity, hidden map[diagnostics.Severity]int) File {
	at := make([]int, len(f.Diagnostics)) // where each finding is kept, -1 for those that are not
	kept := f.Diagnostics[:0:0]
	for i, d := range f.Diagnostics {
		if d.Severity < least {
			at[i] = -1
			hidden[d.Severity]++
			continue
		}
		at[i] = len(kept)
		kept = append(kept, d)
	}
	fixes := f.Fixes[:0:0]
	for _, fix := range f.Fixes {
		resolves := fix.Resolves[:0:0]
		for _, i := range fix.Resolves {
			if at[i] >= 0 {
				resolves = append(resolves, at[i])
			}
		}
		if fix.Resolves = resolves; len(resolves) > 0 {
			fixes = append(fixes, fix)
		}
	}
	f.Diagnostics, f.Fixes = kept, fixes
	return f
}

// forPeople is the report with the worst file last, where a terminal stands when all is printed: the one with the most severe
// findings, and of those the one with the most.
func (r *Report) forPeople() *Report {
	counts := map[string][diagnostics.Error + 1]int{}
	for _, f := range r.Files {
		count := counts[f.Path]
		for _, d := range f.Diagnostics {
			count[d.Severity]++
		}
		counts[f.Path] = count
	}
	out := *r
	out.Files = slices.SortedStableFunc(slices.Values(r.Files), func(a, b File) int {
		counts, others := counts[a.Path], counts[b.Path]
		for severity := diagnostics.Error; severity > diagnostics.Off; severity-- {
			if c := cmp.Compare(counts[severity], others[severity]); c != 0 {
				return c
			}
		}
		return strings.Compare(a.Path, b.Path)
	})
	return &out
}

// shown is a finding that is told, with those that say the same sentence elsewhere in the run.
type shown struct {
	index int // among the findings of its file
	same  []found
}

// folded are the findings of each file that are told: each sentence once, in the last file that it is said of.
func (r *Report) folded() [][]shown {
	type sentence struct {
		rule     *diagnostics.Rule
		severity diagnostics.Severity
		message  string
	}
	last := map[sentence]int{} // the file that tells it
	for i, f := range r.Files {
		for _, d := range f.Diagnostics {
			last[sentence{d.Rule, d.Severity, d.Message}] = i
		}
	}
	out := make([][]shown, len(r.Files))
	told := map[sentence]int{} // where it is among those of its file
	for i := range r.Files {
		for j, d := range r.Files[i].Diagnostics {
			said := sentence{d.Rule, d.Severity, d.Message}
			if _, again := told[said]; last[said] == i && !again {
				told[said] = len(out[i])
				out[i] = append(out[i], shown{index: j})
			}
		}
	}
	for f := range r.found() {
		said := sentence{f.Rule, f.Severity, f.Message}
		tells := &out[last[said]][told[said]]
		if f.file != &r.Files[last[said]] || f.index != tells.index {
			tells.same = append(tells.same, f)
		}
	}
	return out
}
