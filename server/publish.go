package server

import (
	"runtime/debug"

	"go.lsp.dev/protocol"
	"go.lsp.dev/uri"
	"go.uber.org/zap"

	"github.com/ckpt-lsp/ckpt-lsp/diagnostics"
	"github.com/ckpt-lsp/ckpt-lsp/internal/text"
)

// work diagnoses the newest version of one document whenever there is one. Versions that pass while it is busy are never
// analysed, and a result that has become old is dropped.
func (s *session) work(u uri.URI, e *editing) {
	for {
		select {
		case <-e.stop:
			return
		case <-s.ctx.Done():
			return
		case <-e.wake:
		}
		s.diagnose(u)
	}
}

func (s *session) diagnose(u uri.URI) {
	defer func() {
		if cause := recover(); cause != nil {
			s.log.Error("panic", zap.String("uri", string(u)), zap.Any("cause", cause), zap.ByteString("stack", debug.Stack()))
		}
	}()
	d := s.view.Load().docs[u]
	if d == nil {
		return
	}
	a := d.analyze(s.workspace)
	found := make([]protocol.Diagnostic, 0, len(a.Diagnostics)+1)
	if d.tree == nil {
		found = append(found, protocol.Diagnostic{
			Severity: protocol.DiagnosticSeverityInformation, Source: protocol.NewOptional(source),
			Message: protocol.String(a.Problems[0].Message),
		})
	}
	if a.ConfigError != nil {
		s.log.Warn("configuration", zap.Error(a.ConfigError))
	}
	for _, x := range a.Diagnostics {
		found = append(found, s.diagnostic(d, x))
	}
	s.publish.Lock()
	defer s.publish.Unlock()
	if s.view.Load().docs[u] != d {
		return
	}
	err := s.client.PublishDiagnostics(s.ctx, &protocol.PublishDiagnosticsParams{URI: u, Version: protocol.NewOptional(d.version), Diagnostics: found})
	if err != nil {
		s.log.Warn("publishing failed", zap.Error(err))
	}
}

// source is how findings name their maker.
const source = "ckpt-lsp"

var severities = map[diagnostics.Severity]protocol.DiagnosticSeverity{
	diagnostics.Error: protocol.DiagnosticSeverityError, diagnostics.Warning: protocol.DiagnosticSeverityWarning,
	diagnostics.Information: protocol.DiagnosticSeverityInformation, diagnostics.Hint: protocol.DiagnosticSeverityHint,
}

// diagnostic is a finding in LSP's words.
func (s *session) diagnostic(d *document, x diagnostics.Diagnostic) protocol.Diagnostic {
	out := protocol.Diagnostic{
		Range:    s.lspRange(d.lines, x.Span),
		Severity: severities[x.Severity],
		Code:     protocol.String(x.Rule.Code),
		Source:   protocol.NewOptional(source),
		Message:  protocol.String(x.Message + " [" + x.Rule.Name + "]"),
	}
	if x.Unnecessary {
		out.Tags = protocol.NewDiagnosticTags(protocol.DiagnosticTagUnnecessary)
	}
	for _, r := range x.Related {
		place, ok := s.location(d, r.Path, r.Span)
		if ok {
			out.RelatedInformation = append(out.RelatedInformation, protocol.DiagnosticRelatedInformation{Location: place, Message: r.Message})
		}
	}
	return out
}

// location is a span of this document, or of another open one.
func (s *session) location(d *document, path string, span text.Span) (protocol.Location, bool) {
	if path == "" || path == d.path {
		return protocol.Location{URI: d.uri, Range: s.lspRange(d.lines, span)}, true
	}
	if other := s.view.Load().docs[uri.File(path)]; other != nil {
		return protocol.Location{URI: other.uri, Range: s.lspRange(other.lines, span)}, true
	}
	return protocol.Location{}, false
}
