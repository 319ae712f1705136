package server

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"time"

	"go.lsp.dev/protocol"
	"go.lsp.dev/uri"
	"go.uber.org/zap"
)

// settingsTimeout is how long the first findings wait for a client's settings.
const settingsTimeout = 5 * time.Second

// DidChangeConfiguration takes other settings, which a client that can be asked for them does not send, and reads the
// configuration files again where they say something else.
func (s *session) DidChangeConfiguration(_ context.Context, p *protocol.DidChangeConfigurationParams) error {
	if s.configurable {
		go s.configure()
	} else if sent := sectionOf(json.RawMessage(p.Settings)); sent != nil {
		chosen := s.readSettings(sent)
		s.mu.Lock()
		s.initial = chosen
		s.mu.Unlock()
		s.choose(func(*folder) settings { return chosen })
	}
	s.reload()
	return nil
}

// sectionOf is the section of the server in what a client sends, which may be the section itself; nil for none.
func sectionOf(sent json.RawMessage) json.RawMessage {
	var sections map[string]json.RawMessage
	if json.Unmarshal(sent, &sections) != nil || len(sections) == 0 {
		return nil
	}
	if own, ok := sections[section]; ok {
		return own
	}
	for _, o := range options {
		if _, ok := sections[o.key]; ok {
			return sent
		}
	}
	return nil
}

// configure asks the client for the settings of each folder. The answer to an older question is dropped.
func (s *session) configure() {
	defer s.recovered("asking for the settings")
	defer s.configured.Do(func() { close(s.ready) })
	number := s.asked.Add(1)
	folders := s.view.Load().folders
	name := section
	params := &protocol.ConfigurationParams{}
	for _, f := range folders {
		item := protocol.ConfigurationItem{Section: &name}
		if f.rooted {
			scope := uri.File(f.workspace.Root())
			item.ScopeURI = &scope
		}
		params.Items = append(params.Items, item)
	}
	ctx, cancel := context.WithTimeout(s.ctx, settingsTimeout)
	defer cancel()
	answers, err := s.client.Configuration(ctx, params)
	if err != nil || len(answers) != len(folders) {
		s.log.Warn("the client does not tell its settings", zap.Int("answers", len(answers)), zap.Int("asked", len(folders)), zap.Error(err))
		return
	}
	chosen := map[string]settings{}
	for i, f := range folders {
		chosen[f.workspace.Root()] = s.readSettings(json.RawMessage(answers[i]))
	}
	if number == s.asked.Load() {
		s.choose(func(f *folder) settings {
			if c, ok := chosen[f.workspace.Root()]; ok {
				return c
			}
			return f.settings
		})
	}
}

// readSettings reads the server's section, and tells the user of mistakes in it.
func (s *session) readSettings(sent json.RawMessage) settings {
	chosen, mistakes := readSettings(sent, s.rules)
	for _, err := range mistakes {
		s.warn(err.Error())
	}
	return chosen
}

// choose takes the settings of each folder, and finds all anew where they are others.
func (s *session) choose(of func(*folder) settings) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var changed bool
	for _, f := range s.view.Load().folders {
		changed = changed || !f.settings.equal(of(f))
	}
	if changed {
		s.anew(func(next *view) { next.alter(func(f *folder) { f.choose(of(f)) }) })
	}
}

// reload reads the configuration files again, and finds all anew where they say something else.
func (s *session) reload() (changed bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range s.view.Load().folders {
		changed = f.workspace.Reload() || changed
	}
	if changed {
		s.anew(func(next *view) { next.alter((*folder).forget) })
	}
	return changed
}

// anew makes a snapshot with other folders, and diagnoses all open documents in it. The session's lock is held.
func (s *session) anew(change func(next *view)) {
	s.advance(func(next *view) {
		change(next)
		for _, d := range slices.Collect(maps.Values(next.docs)) { // put takes them out and in again
			next.put(d.again(s.ctx))
		}
	})
	for _, e := range s.editing {
		e.poke()
	}
	s.refresh()
}

// configuredView is the snapshot that a request came with, or, where the settings came later, the newest one.
func (s *session) configuredView(ctx context.Context) (*view, error) {
	select {
	case <-s.ready:
		return viewIn(ctx), nil
	default:
	}
	if err := s.awaitSettings(ctx); err != nil {
		return nil, err
	}
	return s.view.Load(), nil
}

// awaitSettings waits until the client's settings are known.
func (s *session) awaitSettings(ctx context.Context) error {
	select {
	case <-s.ready:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
