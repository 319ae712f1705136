package server

import (
	"go.lsp.dev/protocol"
	"go.lsp.dev/uri"

	"github.com/ckpt-lsp/ckpt-lsp/diagnostics"
	"github.com/ckpt-lsp/ckpt-lsp/internal/project"
	"github.com/ckpt-lsp/ckpt-lsp/internal/text"
)

// source is how findings name their maker.
const source = "ckpt-lsp"

var severities = map[diagnostics.Severity]protocol.DiagnosticSeverity{
	diagnostics.Error: protocol.DiagnosticSeverityError, diagnostics.Warning: protocol.DiagnosticSeverityWarning,
	diagnostics.Information: protocol.DiagnosticSeverityInformation, diagnostics.Hint: protocol.DiagnosticSeverityHint,
}

// found are the findings in a document in LSP's words, by the cells they stand in.
func (s *session) found(d *document, a *analysis) map[*cell][]protocol.Diagnostic {
	out := map[*cell][]protocol.Diagnostic{}
	if len(d.cells) == 0 {
		return out
	}
	for _, p := range a.Problems {
		if d.tree == nil || p.Unfinished {
			out[&d.cells[0]] = append(out[&d.cells[0]], declined(p))
			break
		}
	}
	for _, x := range a.Diagnostics {
		c := d.cell(x.Span.Start)
		out[c] = append(out[c], s.diagnostic(d, a.of, x))
	}
	return out
}

// diagnostic is a finding in LSP's words; v is the snapshot it is of.
func (s *session) diagnostic(d *document, v *view, x diagnostics.Diagnostic) protocol.Diagnostic {
	out := protocol.Diagnostic{
		Range:    s.units.lsp(d.cell(x.Span.Start), x.Span),
		Severity: severities[x.Severity],
		Code:     protocol.String(x.Rule.Code),
		Source:   protocol.NewOptional(source),
		Message:  protocol.String(x.Message + " [" + x.Rule.Name + "]"),
	}
	if s.data {
		name, err := protocol.Marshal(protocol.String(x.Rule.Name))
		if err == nil {
			out.Data = protocol.LSPAny(`{"rule":` + string(name) + `}`)
		}
	}
	if s.codeDescription {
		if page, ok := s.pages.rule(x.Rule); ok {
			out.CodeDescription = protocol.CodeDescription{Href: page}
		}
	}
	if x.Unnecessary && s.tagUnnecessary {
		out.Tags = protocol.NewDiagnosticTags(protocol.DiagnosticTagUnnecessary)
	}
	if s.relatedInformation {
		for _, r := range x.Related {
			if place, ok := s.location(d, v, r.Path, r.Span); ok {
				out.RelatedInformation = append(out.RelatedInformation, protocol.DiagnosticRelatedInformation{Location: place, Message: r.Message})
			}
		}
	}
	return out
}

// location is a span of this document, or of another file of the snapshot.
func (s *session) location(d *document, v *view, path string, span text.Span) (protocol.Location, bool) {
	c, ok := v.place(d, path, span)
	if !ok {
		return protocol.Location{}, false
	}
	return protocol.Location{URI: c.uri, Range: s.units.lsp(c, span)}, true
}

// place is the cell that a span of a document, or of another file of the snapshot, stands in.
func (v *view) place(d *document, path string, span text.Span) (*cell, bool) {
	switch other := v.at(path); {
	case path == "" || path == d.path:
		return d.cell(span.Start), true
	case other != nil:
		return other.cell(span.Start), true
	}
	src, err := d.folder(v).program.Unit(path).Source()
	if err != nil {
		return nil, false
	}
	c := whole(uri.File(path), 0, src.Text)
	return &c, true
}

// declined says, at the top of a document, why it is not analysed, or not whole.
func declined(p project.Problem) protocol.Diagnostic {
	return protocol.Diagnostic{
		Severity: protocol.DiagnosticSeverityInformation, Source: protocol.NewOptional(source),
		Message: protocol.String(p.Message),
	}
}
