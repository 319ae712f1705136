package server

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"

	"go.lsp.dev/protocol"

	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
	"github.com/ckpt-lsp/ckpt-lsp/internal/text"
	"github.com/ckpt-lsp/ckpt-lsp/internal/timeline"
	"github.com/ckpt-lsp/ckpt-lsp/internal/training"
)

// showTimeline is the command that draws what a training does that is interrupted and resumed; its arguments are the URI of a document and,
// where it is not to be in the middle, the epoch after which it is interrupted.
const showTimeline = "ckpt-lsp.timeline"

// drawn is a timeline as a picture and as text.
type drawn struct {
	Title string `json:"title"`
	SVG   string `json:"svg"`
	Text  string `json:"text"`
}

// runShowTimeline gives the picture to a client that draws it, and opens a page with the text in others.
func (s *session) runShowTimeline(ctx context.Context, arguments []protocol.LSPAny) (any, error) {
	const takes = showTimeline + " takes the URI of a document and, if wanted, the number of an epoch"
	var resumeAt *int64
	if len(arguments) == 2 && string(arguments[1]) != "null" {
		resumeAt = new(int64)
		if protocol.Unmarshal(arguments[1], resumeAt) != nil {
			return nil, invalid(takes)
		}
	}
	if len(arguments) == 2 {
		arguments = arguments[:1]
	}
	uri, err := argument[string](arguments, takes)
	if err != nil {
		return nil, err
	}
	v, u := viewIn(ctx), readURI(uri)
	d, err := opened(ctx, u)
	path, isFile := filePath(u)
	if d != nil {
		path = d.path
	} else if !isFile {
		return nil, err
	}
	f := v.folder(path)
	if _, unread := f.program.Unit(path).Source(); unread != nil {
		return nil, invalid(fmt.Sprintf("%s cannot be read: %v", path, unread))
	}
	all, err := timeline.Read(ctx, f.workspace, f.program, []string{path}, timeline.Options{Tests: true, Show: filepath.Base, ResumeAt: resumeAt})
	if err != nil {
		return nil, err
	}
	of := filepath.Base(path)
	out := drawn{"Timeline of " + text.Printable(of), timeline.SVG(of, all), timeline.Text(of, all)}
	if s.pictures {
		return out, nil
	}
	page := timeline.Markdown(of, all)
	if s.showDocument {
		at, err := s.pages.passingPage("timeline-"+noName.ReplaceAllString(of, "-")+".md", []byte(page))
		if err == nil && s.show(ctx, at) {
			return out, nil
		}
	}
	return out, s.inform(protocol.MessageTypeInfo, page)
}

// timelineAt tells of the training that a save or a load at a place belongs to what it does when it is interrupted, nothing where there is
// none; details are what findings tell there already.
func timelineAt(facts []*training.File, d *document, call text.Span, details []string) string {
	line := text.NewLineIndex(d.tree.Source()).Line(call.Start) + 1
	for _, f := range facts {
		if !savesOrLoads(f, d.tree, call) {
			continue // a timeline takes as long as some rules
		}
		for _, t := range timeline.Of(f, timeline.Options{Show: func(path string) string { return path }}) {
			if t.Tells(d.path, line) {
				return t.Brief(len(details) == 0)
			}
		}
	}
	return ""
}

// savesOrLoads reports whether the entry points of a file save or load at a place.
func savesOrLoads(f *training.File, tree *pyast.Tree, call text.Span) bool {
	stands := func(c *training.Call) bool { return c.Node.Tree() == tree && c.Node.Span().Overlaps(call) }
	return slices.ContainsFunc(f.Saves(), func(s *training.SaveSite) bool { return stands(s.Call) }) ||
		slices.ContainsFunc(f.EveryLoad(), func(l *training.LoadSite) bool { return stands(l.Call) })
}
