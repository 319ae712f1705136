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
	if d == nil || s.awaitSettings(d.current) != nil {
		return
	}
	if _, err := d.analyze(d.current, v); err != nil {
		return // there is a newer version
	}
	s.publish(d)
}

// publish sends what is known of a document, unless it is what was sent last, there is a newer version, or the client asks for it
// by itself; then it is only told to ask again where it was told otherwise. Those in a notebook are sent to all, because VS Code asks
// only for the cells in sight.
func (s *session) publish(d *document) {
	s.publishing.Lock()
	defer s.publishing.Unlock()
	a := d.latest()
	v := s.view.Load()
	if a == nil || v.docs[d.uri] != d || s.withheld(v, d) {
		return
	}
	s.tell(a.Analysis)
	found := s.found(d, a)
	if s.pulls && d.book == nil {
		if s.reports.differ(d, found) {
			s.refresh()
		}
		return
	}
	for i := range d.cells {
		c := &d.cells[i]
		params := &protocol.PublishDiagnosticsParams{URI: c.uri, Version: protocol.NewOptional(c.version), Diagnostics: found[c]}
		if params.Diagnostics == nil {
			params.Diagnostics = []protocol.Diagnostic{}
		}
		sent, err := protocol.Marshal(params)
		if err == nil && bytes.Equal(sent, s.sent[c.uri].params) {
			continue
		}
		s.sent[c.uri] = sentFor{d.uri, sent}
		s.send(params)
	}
	s.retract(d.uri, func(u uri.URI) bool { return d.named(u) == nil })
}

// sentFor is what was sent last for a cell of a document.
type sentFor struct {
	of     uri.URI
	params []byte
}

// retract takes back the findings in those cells of a document that are gone.
func (s *session) retract(of uri.URI, gone func(uri.URI) bool) {
	for u, p := range s.sent {
		if p.of == of && gone(u) {
			delete(s.sent, u)
			s.send(&protocol.PublishDiagnosticsParams{URI: u, Diagnostics: []protocol.Diagnostic{}})
		}
	}
}

// withheld says that the findings in a document wait until it is saved.
func (s *session) withheld(v *view, d *document) bool { return d.typed && d.folder(v).settings.onSave }

// withdraw takes back the findings in a closed document.
func (s *session) withdraw(u uri.URI) {
	s.publishing.Lock()
	defer s.publishing.Unlock()
	if s.view.Load().docs[u] == nil { // else it was opened again
		s.retract(u, func(uri.URI) bool { return true })
	}
}

func (s *session) send(p *protocol.PublishDiagnosticsParams) {
	// After shutdown nobody waits for findings any more, and the connection may be gone.
	if err := s.client.PublishDiagnostics(s.ctx, p); err != nil && !s.shutDown.Load() {
		s.log.Warn("findings could not be sent", zap.Error(err))
	}
}

// tell passes on what kept an analysis from being whole: mistakes in the configuration to the user, the rest to the log.
func (s *session) tell(a *project.Analysis) {
	for _, p := range a.Problems {
		if p.Fatal {
			s.log.Error("analysis failed", zap.Error(p))
		} else {
			s.log.Debug("analysis is not whole", zap.Error(p))
		}
	}
	if a.ConfigError != nil {
		s.warn(a.ConfigError.Error())
	}
}

// warn shows the user a warning, once.
func (s *session) warn(message string) {
	if _, again := s.told.LoadOrStore(message, true); again {
		return
	}
	s.log.Warn("configuration", zap.String("error", message))
	if err := s.client.ShowMessage(s.ctx, &protocol.ShowMessageParams{Type: protocol.MessageTypeWarning, Message: message}); err != nil {
		s.log.Warn("a message could not be shown", zap.Error(err))
	}
}
