package server

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/ckpt-lsp/ckpt-lsp/internal/checkpoint"
	"github.com/ckpt-lsp/ckpt-lsp/internal/contract"
	"github.com/ckpt-lsp/ckpt-lsp/internal/insight"
	"github.com/ckpt-lsp/ckpt-lsp/internal/text"
	"github.com/ckpt-lsp/ckpt-lsp/internal/training"
)

// checkpointFiles are what is known of the files of checkpoints, until they change.
type checkpointFiles struct {
	mu    sync.Mutex
	known map[string]checkpointFile
}

type checkpointFile struct {
	size     int64
	modified time.Time
	report   *checkpoint.Report
}

// mostFilesKnown is how many are remembered.
const mostFilesKnown = 64

// report is what a file holds, nil where it cannot be read.
func (k *checkpointFiles) report(path string) *checkpoint.Report {
	info, err := os.Stat(path)
	if err != nil {
		return nil
	}
	k.mu.Lock()
	defer k.mu.Unlock() // one file is read at a time
	if f, ok := k.known[path]; ok && f.size == info.Size() && f.modified.Equal(info.ModTime()) {
		return f.report
	}
	f := checkpointFile{size: info.Size(), modified: info.ModTime()}
	if c, err := checkpoint.OpenBriefly(path); err == nil {
		f.report = c.Report(nil, nil)
		f.report.Keys = nil // nobody asks for them
	}
	if k.known == nil || len(k.known) >= mostFilesKnown {
		k.known = map[string]checkpointFile{}
	}
	k.known[path] = f
	return f.report
}

// fileAt tells of the checkpoint whose name stands at an offset, where the file exists.
func (s *session) fileAt(v *view, d *document, facts []*training.File, at int) (markdown string, span text.Span) {
	for _, name := range insight.Names(facts, d.path) {
		if !name.Contains(at) {
			continue
		}
		if path := d.existing(v, name.File); path != "" {
			if r := s.files.report(path); r != nil {
				return fileText(name.File, r), name.Span
			}
		}
	}
	return "", text.Span{}
}

// fileText is a summary of what a file holds.
func fileText(name string, r *checkpoint.Report) string {
	title := fmt.Sprintf("**File** %s: %s, written %s", contract.Code(name), checkpoint.Size(r.Bytes), checkpoint.Ago(time.Since(r.Modified)))
	parts := []string{title}
	if len(r.Problems) > 0 {
		parts = append(parts, "Damaged: "+contract.Code(plain(r.Problems[0])))
	}
	var items []string
	if has, lacks := holds(r); len(has) > 0 {
		items = append(items, fmt.Sprintf("holds %d of %d: %s", len(has), len(checkpoint.Eight), strings.Join(has, ", ")))
		if len(lacks) > 0 {
			items = append(items, "lacks "+strings.Join(lacks, ", "))
		}
	}
	for _, facts := range [][]checkpoint.Fact{r.Progress, r.Metrics, r.Versions} {
		for _, f := range facts[:min(len(facts), 3)] {
			items = append(items, contract.Code(plain(f.Key))+": "+contract.Code(plain(f.Value)))
		}
	}
	if len(r.Prefixes) > 0 {
		items = append(items, "names with "+checkpoint.Wrappers(r.Prefixes))
	}
	items = append(items, loadable(r)...)
	if len(items) > 0 {
		parts = append(parts, "- "+strings.Join(items, "\n- "))
	}
	return strings.Join(parts, "\n\n")
}

// plain is a text of a file from anywhere, in one line, in which nothing is Markdown once it stands in code.
func plain(s string) string {
	return contract.Clip(strings.Map(func(r rune) rune {
		if r == '`' {
			return '\''
		}
		return r
	}, text.Printable(s)), 200)
}

// loadable says what weights_only=True makes of the file, and what is dangerous in it.
func loadable(r *checkpoint.Report) []string {
	var out []string
	switch w := r.WeightsOnly; {
	case w == nil:
	case w.From != "":
		out = append(out, "`weights_only=True` loads it from torch "+w.From+" on")
	case len(w.Refused) > 0:
		out = append(out, "`weights_only=True` refuses "+contract.Code(plain(w.Refused[0].What)))
	}
	for _, i := range r.Imports {
		if i.Danger != "" {
			return append(out, fmt.Sprintf("**danger**: unpickling it uses %s, which %s", contract.Code(plain(i.Name)), i.Danger))
		}
	}
	return out
}

// holds are the components of the eight that a file has and lacks.
func holds(r *checkpoint.Report) (has, lacks []string) {
	for _, c := range r.Components {
		switch {
		case !slices.Contains(checkpoint.Eight, c.Name):
		case c.Present:
			has = append(has, c.Name)
		default:
			lacks = append(lacks, c.Name)
		}
	}
	return has, lacks
}

// loaded are the loads of a document whose files exist, with what is said of them in a few words.
type loaded struct {
	call  text.Span
	title string
}

func (s *session) loaded(ctx context.Context, v *view, d *document, facts []*training.File) []loaded {
	var out []loaded
	for _, name := range insight.Names(facts, d.path) {
		if name.Load.Len() == 0 || ctx.Err() != nil || slices.ContainsFunc(out, func(o loaded) bool { return o.call == name.Load }) {
			continue
		}
		path := d.existing(v, name.File)
		if path == "" {
			continue
		}
		r := s.files.report(path)
		if r == nil {
			continue
		}
		has, _ := holds(r)
		written := "written " + checkpoint.Ago(time.Since(r.Modified))
		switch {
		case len(r.Problems) > 0 && r.Format != "":
			out = append(out, loaded{name.Load, "damaged, " + written})
		case len(has) > 0:
			out = append(out, loaded{name.Load, fmt.Sprintf("holds %d of %d, %s", len(has), len(checkpoint.Eight), written)})
		}
	}
	return out
}
