package server

import (
	"context"
	"fmt"
	"strings"

	"go.lsp.dev/protocol"

	"github.com/ckpt-lsp/ckpt-lsp/internal/insight"
	"github.com/ckpt-lsp/ckpt-lsp/internal/text"
)

// mostHinted is how many rates a hint shows.
const mostHinted = 3

// InlayHint says behind a load what is restored from the checkpoint, and with which learning rates training goes on.
func (s *session) InlayHint(ctx context.Context, p *protocol.InlayHintParams) ([]protocol.InlayHint, error) {
	out := []protocol.InlayHint{}
	v := viewIn(ctx)
	d, c := documentIn(ctx, p.TextDocument.URI)
	if d == nil || d.tree == nil || !d.folder(v).settings.inlayHints {
		return out, nil
	}
	facts, err := d.facts(ctx, v)
	if err != nil {
		return nil, err
	}
	asked := s.units.span(c, p.Range)
	for _, l := range insight.Loads(facts, d.path) {
		label := restoredText(l)
		if label == "" || !c.holds(l.Call) || !asked.Overlaps(l.Call) {
			continue
		}
		yes := true
		out = append(out, protocol.InlayHint{
			Position: s.units.lsp(c, text.Span{Start: l.Call.End, End: l.Call.End}).Start, Label: protocol.String(label), PaddingLeft: &yes,
			Tooltip: &protocol.MarkupContent{Kind: protocol.MarkupKindMarkdown, Value: loadText(d, l)},
		})
	}
	return out, nil
}

// restoredText is what a load restores in a few words, "" where nothing of it is known.
func restoredText(l insight.Load) string {
	restored, not := l.Restored()
	if len(restored) == 0 {
		return ""
	}
	out := "restores " + strings.Join(restored, ", ")
	if len(not) > 0 {
		out += "; not " + strings.Join(not, ", ")
	}
	if _, rates := l.Rates(); len(rates) > 1 && len(rates) <= mostHinted {
		var parts []string
		for _, r := range rates {
			part := fmt.Sprintf("%.4g", r.LR)
			if r.Done > 0 {
				part += " after " + epochs(r.Done)
			}
			parts = append(parts, part)
		}
		out += "; lr " + strings.Join(parts, ", ")
	}
	return out
}
