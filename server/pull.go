package server

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"slices"
	"strings"
	"sync"

	"go.lsp.dev/jsonrpc2"
	"go.lsp.dev/protocol"
	"go.lsp.dev/uri"
	"go.uber.org/zap"
)

// reports are the result ids of what the client was told of each cell last. They stand for the findings, not for a moment: equal
// findings have equal ids, also in another session.
type reports struct {
	mu        sync.Mutex
	told      map[uri.URI]report
	workspace bool // it has asked for the whole workspace
}

type report struct {
	version int32
	id      string
}

// note remembers what the client is told.
func (r *reports) note(u uri.URI, version int32, id string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.told == nil {
		r.told = map[uri.URI]report{}
	}
	r.told[u] = report{version, id}
}

// differ reports whether the client was told something else of a version than what is found now.
func (r *reports) differ(d *document, found map[*cell][]protocol.Diagnostic) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	for i := range d.cells {
		c := &d.cells[i]
		if told, ok := r.told[c.uri]; ok && told.version == c.version && told.id != resultID(found[c]) {
			return true
		}
	}
	return false
}

// resultID stands for findings.
func resultID(found []protocol.Diagnostic) string {
	h := sha256.New()
	for i := range found {
		b, err := protocol.Marshal(&found[i])
		if err != nil {
			b = []byte(err.Error())
		}
		h.Write(b)
		h.Write([]byte{0})
	}
	return hex.EncodeToString(h.Sum(nil)[:12])
}

// Diagnostic tells the findings in a document. It fails where a newer version has come. Those in a notebook's cells are published.
func (s *session) Diagnostic(ctx context.Context, p *protocol.DocumentDiagnosticParams) (protocol.DocumentDiagnosticReport, error) {
	v, err := s.configuredView(ctx)
	if err != nil {
		return nil, err
	}
	d := v.cells[p.TextDocument.URI]
	c := d.named(p.TextDocument.URI)
	if c == nil || d.book != nil {
		return full(nil), nil
	}
	previous := deref(p.PreviousResultID)
	if previous != "" && s.withheld(v, d) {
		return unchanged(previous), nil
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(d.current, cancel)()
	a, err := d.analyze(ctx, v)
	if d.current.Err() != nil {
		return nil, superseded(true)
	}
	if err != nil {
		return nil, err
	}
	s.tell(a.Analysis)
	found := s.found(d, a)[c]
	id := resultID(found)
	s.reports.note(c.uri, c.version, id)
	if id == previous {
		return unchanged(id), nil
	}
	return full(found), nil
}

func deref(s *string) string {
	if s == nil {
		return ""
	}
	return strings.Clone(*s)
}

func full(found []protocol.Diagnostic) *protocol.RelatedFullDocumentDiagnosticReport {
	id := resultID(found)
	if found == nil {
		found = []protocol.Diagnostic{}
	}
	return &protocol.RelatedFullDocumentDiagnosticReport{
		FullDocumentDiagnosticReport: protocol.FullDocumentDiagnosticReport{Kind: "full", ResultID: &id, Items: found},
	}
}

func unchanged(id string) *protocol.RelatedUnchangedDocumentDiagnosticReport {
	return &protocol.RelatedUnchangedDocumentDiagnosticReport{
		UnchangedDocumentDiagnosticReport: protocol.UnchangedDocumentDiagnosticReport{Kind: "unchanged", ResultID: id},
	}
}

// superseded says that a question is of yesterday, and whether to ask again.
func superseded(again bool) error {
	err := jsonrpc2.NewError(jsonrpc2.Code(protocol.LSPErrorCodesServerCancelled), "the document has changed since")
	err.Data = jsonrpc2.RawMessage(`{"retriggerRequest":false}`)
	if again {
		err.Data = jsonrpc2.RawMessage(`{"retriggerRequest":true}`)
	}
	return err
}

// DiagnosticWorkspace tells the findings in all files of the folders, once everything is looked at. Of a file whose findings are
// those that the client names, it says so; where that holds of all, the answer waits for a change.
func (s *session) DiagnosticWorkspace(ctx context.Context, p *protocol.WorkspaceDiagnosticParams) (*protocol.WorkspaceDiagnosticReport, error) {
	previous := map[uri.URI]string{}
	for _, id := range p.PreviousResultIds {
		previous[cloned(id.URI)] = strings.Clone(id.Value)
	}
	if err := s.awaitSettings(ctx); err != nil {
		return nil, err
	}
	for {
		v := s.view.Load()
		select {
		case <-v.settled:
		case <-v.current.Done():
			continue
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-s.closing:
			return nil, superseded(false)
		}
		items, changed, err := s.workspaceReport(ctx, v, previous)
		if err != nil {
			return nil, err
		}
		if first := s.reports.first(); changed || first {
			return &protocol.WorkspaceDiagnosticReport{Items: items}, nil
		}
		select {
		case <-v.current.Done():
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-s.closing:
			return nil, superseded(false)
		}
	}
}

// first reports whether the workspace is asked for the first time.
func (r *reports) first() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	asked := r.workspace
	r.workspace = true
	return !asked
}

// workspaceReport is what is found in the files of a snapshot; changed says that some of it is not what the client names. What is
// found in a file of which the client knows nothing, and nothing is found, is left out.
func (s *session) workspaceReport(ctx context.Context, v *view, previous map[uri.URI]string) (items []protocol.WorkspaceDocumentDiagnosticReport, changed bool, err error) {
	items = []protocol.WorkspaceDocumentDiagnosticReport{}
	previous = maps.Clone(previous)
	for _, f := range v.folders {
		if !f.settings.enable {
			continue
		}
		paths, _, err := v.files(ctx, f)
		if err != nil {
			return nil, false, err
		}
		for _, path := range paths {
			d, found, err := s.foundIn(ctx, v, f, path)
			if err != nil {
				return nil, false, err
			}
			c := d.cells[0]
			id := resultID(found)
			known, told := previous[c.uri]
			delete(previous, c.uri)
			var version *int32
			if v.cells[c.uri] != nil {
				version = &c.version
			}
			switch {
			case told && known == id:
				items = append(items, &protocol.WorkspaceUnchangedDocumentDiagnosticReport{
					UnchangedDocumentDiagnosticReport: unchanged(id).UnchangedDocumentDiagnosticReport, URI: c.uri, Version: version,
				})
			case told || len(found) > 0:
				changed = true
				items = append(items, &protocol.WorkspaceFullDocumentDiagnosticReport{
					FullDocumentDiagnosticReport: full(found).FullDocumentDiagnosticReport, URI: c.uri, Version: version,
				})
			}
		}
		f.release(v)
	}
	cleared := gone(v, previous)
	return append(items, cleared...), changed || len(cleared) > 0, nil
}

// gone clears the files that are not there any more.
func gone(v *view, previous map[uri.URI]string) (items []protocol.WorkspaceDocumentDiagnosticReport) {
	none := resultID(nil)
	for _, u := range slices.Sorted(maps.Keys(previous)) {
		if previous[u] != none && v.cells[u] == nil {
			items = append(items, &protocol.WorkspaceFullDocumentDiagnosticReport{FullDocumentDiagnosticReport: full(nil).FullDocumentDiagnosticReport, URI: u})
		}
	}
	return items
}

// foundIn is what is found in the file at a path, and the document that it is: the open one, or one made for the closed file.
func (s *session) foundIn(ctx context.Context, v *view, f *folder, path string) (*document, []protocol.Diagnostic, error) {
	d := v.at(path)
	if d != nil && d.book == nil {
		a, err := d.analyze(ctx, v)
		if err != nil {
			return nil, nil, err
		}
		return d, s.found(d, a)[&d.cells[0]], nil
	}
	known, err := f.index.Known(ctx, f.program, path)
	if err != nil {
		return nil, nil, err
	}
	d = &document{uri: uri.File(path), path: path, source: known.Source, tree: known.Tree, cells: []cell{{uri: uri.File(path)}}}
	if known.Source == nil || len(known.Diagnostics) == 0 {
		return d, nil, nil
	}
	d.cells[0] = whole(d.uri, 0, known.Source.Text)
	return d, s.found(d, &analysis{Analysis: known, of: v})[&d.cells[0]], nil
}

// refresh has the client ask for its findings again.
func (s *session) refresh() {
	if !s.pulls || !s.refreshes || !s.initialized.Load() {
		return
	}
	go func() {
		defer s.recovered("refreshing")
		if err := s.client.DiagnosticRefresh(s.ctx); err != nil && s.ctx.Err() == nil && !s.shutDown.Load() {
			s.log.Warn("the client does not refresh its findings", zap.Error(err))
		}
	}()
}
