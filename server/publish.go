package server

import (
	"bytes"

	"go.lsp.dev/protocol"
	"go.lsp.dev/uri"
	"go.uber.org/zap"

	"github.com/ckpt-lsp/ckpt-lsp/internal/project"
)

// work diagnoses the newest version of one document whenever there is one, until the document is closed.
func (s *session) work(u uri.URI, e *editing) {
	for {
		select {
		case <-e.stop:
			s.withdraw(u)
			return
		case <-s.ctx.Done():
			return
		case <-e.wake:
		}
		s.diagnose(u)
	}
}

// diagnose publishes the findings in a document, unless there is a newer version by the time they are known.
func (s *session) diagnose(u uri.URI) {
	defer s.recovered("diagnosing " + string(u))
	v := s.view.Load()
	d := v.docs[u]
	if d == nil {
		return
	}
	if _, err := d.analyze(d.current, v); err != nil {
		return // there is a newer version
	}
	s.publish(d)
}

// publish sends what is known of a document, unless it is what was sent last or there is a newer version.
func (s *session) publish(d *document) {
	s.publishing.Lock()
	defer s.publishing.Unlock()
	a := d.latest()
	if a == nil || s.view.Load().docs[d.uri] != d {
		return
	}
	found := make([]protocol.Diagnostic, 0, len(a.Diagnostics)+1)
	if d.tree == nil {
		found = append(found, declined(a.Analysis))
	}
	for _, x := range a.Diagnostics {
		found = append(found, s.diagnostic(d, a.of, x))
	}
	params := &protocol.PublishDiagnosticsParams{URI: d.uri, Version: protocol.NewOptional(d.version), Diagnostics: found}
	sent, err := protocol.Marshal(params)
	if err == nil && bytes.Equal(sent, d.sent) {
		return
	}
	d.sent = sent
	s.send(params)
	s.tell(a.Analysis)
}

// withdraw takes back the findings in a closed document.
func (s *session) withdraw(u uri.URI) {
	s.publishing.Lock()
	defer s.publishing.Unlock()
	if s.view.Load().docs[u] == nil { // else it was opened again
		s.send(&protocol.PublishDiagnosticsParams{URI: u, Diagnostics: []protocol.Diagnostic{}})
	}
}

func (s *session) send(p *protocol.PublishDiagnosticsParams) {
	// After shutdown nobody waits for findings any more, and the connection may be gone.
	if err := s.client.PublishDiagnostics(s.ctx, p); err != nil && !s.shutDown.Load() {
		s.log.Warn("findings could not be sent", zap.Error(err))
	}
}

// tell passes on what kept an analysis from being whole: mistakes in the configuration to the user, once each, the rest to
// the log.
func (s *session) tell(a *project.Analysis) {
	for _, p := range a.Problems {
		if p.Fatal {
			s.log.Error("analysis failed", zap.Error(p))
		} else {
			s.log.Debug("analysis is not whole", zap.Error(p))
		}
	}
	if a.ConfigError == nil || s.told[a.ConfigError.Error()] {
		return
	}
	message := a.ConfigError.Error()
	s.told[message] = true
	s.log.Warn("configuration", zap.String("error", message))
	if err := s.client.ShowMessage(s.ctx, &protocol.ShowMessageParams{Type: protocol.MessageTypeWarning, Message: message}); err != nil {
		s.log.Warn("a message could not be shown", zap.Error(err))
	}
}
