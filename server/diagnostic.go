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

// diagnostic is a finding in LSP's words; v is the snapshot it is of.
func (s *session) diagnostic(d *document, v *view, x diagnostics.Diagnostic) protocol.Diagnostic {
	out := protocol.Diagnostic{
		Range:    s.units.lsp(d.lines, x.Span),
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
	if path == "" || path == d.path {
		return protocol.Location{URI: d.uri, Range: s.units.lsp(d.lines, span)}, true
	}
	if other := v.at(path); other != nil {
		return protocol.Location{URI: other.uri, Range: s.units.lsp(other.lines, span)}, true
	}
	src, err := v.program.Unit(path).Source()
	if err != nil {
		return protocol.Location{}, false
	}
	return protocol.Location{URI: uri.File(path), Range: s.units.lsp(text.NewLineIndex(src.Text), span)}, true
}

// declined says, at the top of a document, why it is not analysed.
func declined(a *project.Analysis) protocol.Diagnostic {
	return protocol.Diagnostic{
		Severity: protocol.DiagnosticSeverityInformation, Source: protocol.NewOptional(source),
		Message: protocol.String(a.Problems[0].Message),
	}
}
