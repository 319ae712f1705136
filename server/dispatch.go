package server

import (
	"context"
	"encoding/json"
	"fmt"
	"runtime/debug"
	"strings"

	"go.lsp.dev/jsonrpc2"
	"go.lsp.dev/protocol"
	"go.uber.org/zap"
)

// codec carries params and results in LSP's own JSON, with URIs as the client spells them.
type codec struct {
	jsonrpc2.JSONCodec
	spellings *spellings
}

// Marshal leaves what is JSON already to the embedded codec.
func (c codec) Marshal(v any) (message []byte, err error) {
	switch v.(type) {
	case jsonrpc2.RawMessage, *jsonrpc2.RawMessage, nil:
		message, err = c.JSONCodec.Marshal(v)
	default:
		message, err = protocol.Marshal(v)
	}
	return c.spellings.echo(message), err
}

// Unmarshal leaves what stays JSON to the embedded codec.
func (c codec) Unmarshal(data []byte, v any) error {
	if raw, ok := v.(*jsonrpc2.RawMessage); ok {
		return c.JSONCodec.Unmarshal(data, raw)
	}
	return protocol.Unmarshal(data, v)
}

// notifications are those the server takes. All others are ignored, as LSP allows for those that start with $/ and a server
// must survive of the rest.
var notifications = map[string]bool{
	protocol.MethodInitialized: true, protocol.MethodExit: true, protocol.MethodSetTrace: true, protocol.MethodCancelRequest: true,
	protocol.MethodTextDocumentDidOpen: true, protocol.MethodTextDocumentDidChange: true,
	protocol.MethodTextDocumentDidSave: true, protocol.MethodTextDocumentDidClose: true,
	protocol.MethodNotebookDocumentDidOpen: true, protocol.MethodNotebookDocumentDidChange: true,
	protocol.MethodNotebookDocumentDidSave: true, protocol.MethodNotebookDocumentDidClose: true,
	protocol.MethodWorkspaceDidChangeConfiguration: true, protocol.MethodWorkspaceDidChangeWatchedFiles: true,
	protocol.MethodWorkspaceDidChangeWorkspaceFolders: true, protocol.MethodWindowWorkDoneProgressCancel: true,
}

// requests are those the server answers.
var requests = map[string]bool{
	protocol.MethodInitialize: true, protocol.MethodShutdown: true, protocol.MethodTextDocumentHover: true,
	protocol.MethodTextDocumentDiagnostic: true, protocol.MethodWorkspaceDiagnostic: true,
	protocol.MethodTextDocumentCodeLens: true, protocol.MethodTextDocumentInlayHint: true, protocol.MethodTextDocumentDocumentLink: true,
	protocol.MethodTextDocumentDefinition: true, protocol.MethodTextDocumentReferences: true,
	protocol.MethodTextDocumentRename: true, protocol.MethodTextDocumentPrepareRename: true, protocol.MethodTextDocumentCompletion: true,
	protocol.MethodTextDocumentCodeAction: true, protocol.MethodCodeActionResolve: true, protocol.MethodWorkspaceExecuteCommand: true,
}

// handle routes one message. Notifications run inline, in the order they arrive, and never fail: an error of one would end the
// connection. A request takes its snapshot inline and then runs beside the messages that follow it.
//
// Handlers get a context of their own: jsonrpc2 v1.0.1 reuses its request contexts when a handler returns, and a context
// derived from one, as protocol.CancelHandler makes, then panics in the background.
func (s *session) handle(ctx context.Context, req *jsonrpc2.Request) (result any, err error) {
	method, call := strings.Clone(req.Method()), req.IsCall()
	defer func() {
		if cause := recover(); cause != nil {
			s.log.Error("panic", zap.String("method", method), zap.Any("cause", cause), zap.ByteString("stack", debug.Stack()))
			result, err = nil, jsonrpc2.NewError(jsonrpc2.InternalError, fmt.Sprintf("internal error in %s", method))
		}
		if err != nil && !call {
			s.log.Warn("notification dropped", zap.String("method", method), zap.Error(err))
			result, err = nil, nil
		}
		err = s.coded(method, err)
	}()
	if !call && !notifications[method] {
		s.log.Debug("notification ignored", zap.String("method", method))
		return nil, nil
	}
	if err := s.allowed(method, call); err != nil {
		return nil, err
	}
	s.spellings.observe(method, req.Params())
	switch {
	case method == protocol.MethodCancelRequest:
		return nil, s.cancelRequest(req.Params())
	case !call:
		return s.route(s.ctx, req)
	}
	own, done := s.begin(req.ID())
	defer done()
	if method != protocol.MethodInitialize && method != protocol.MethodShutdown {
		jsonrpc2.Async(ctx)
	}
	return s.route(own, req)
}

// allowed says whether a message fits the state of the session.
func (s *session) allowed(method string, call bool) error {
	switch {
	case method == protocol.MethodExit:
		return nil
	case call && notifications[method]:
		return jsonrpc2.NewError(jsonrpc2.InvalidRequest, method+" is a notification and must be sent without an id")
	case s.shutDown.Load():
		return jsonrpc2.NewError(jsonrpc2.InvalidRequest, "the server was shut down")
	case !s.initialized.Load() && method != protocol.MethodInitialize:
		return jsonrpc2.NewError(jsonrpc2.ServerNotInitialized, "initialize must be sent first")
	case call && !requests[method]:
		return jsonrpc2.NewError(jsonrpc2.MethodNotFound, "unknown method "+method)
	case s.initialized.Load() && method == protocol.MethodInitialize:
		return jsonrpc2.NewError(jsonrpc2.InvalidRequest, "initialize was sent twice")
	}
	return nil
}

// begin makes the context of a request: it holds the snapshot as it is now, and ends when the client cancels the request.
func (s *session) begin(id jsonrpc2.ID) (ctx context.Context, done func()) {
	ctx, cancel := context.WithCancel(withView(s.ctx, s.view.Load()))
	s.running.Store(id, cancel)
	return ctx, func() {
		s.running.Delete(id)
		cancel()
	}
}

// cancelRequest ends the context of the request that the client names, if it still runs.
func (s *session) cancelRequest(params []byte) error {
	var p struct {
		ID json.RawMessage `json:"id"`
	}
	if err := json.Unmarshal(params, &p); err != nil {
		return err
	}
	id, ok := readID(p.ID)
	if !ok {
		return fmt.Errorf("the id %s names no request", p.ID)
	}
	if cancel, ok := s.running.Load(id); ok {
		cancel.(context.CancelFunc)()
	}
	return nil
}
