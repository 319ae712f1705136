package report

import (
	"iter"

	"github.com/ckpt-lsp/ckpt-lsp/diagnostics"
)

// found is one finding of a report with its place.
type found struct {
	diagnostics.Diagnostic
	file   *File
	index  int // among the findings of the file
	at     place
	places *places
}

// found are the findings of all files, in the order they are shown.
func (r *Report) found() iter.Seq[found] {
	return func(yield func(found) bool) {
		for i := range r.Files {
			f := &r.Files[i]
			places := newPlaces(r, f)
			for j, d := range f.Diagnostics {
				at, _ := places.of("", d.Span)
				if !yield(found{d, f, j, at, places}) {
					return
				}
			}
		}
	}
}

// fingerprint tells the finding from others, from run to run.
func (f found) fingerprint() string {
	if f.places.prints == nil {
		f.places.prints = diagnostics.Fingerprints(f.file.Path, f.file.Source, f.file.Diagnostics)
	}
	return f.places.prints[f.index]
}
