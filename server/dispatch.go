package server

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"strings"

	"go.lsp.dev/jsonrpc2"
	"go.lsp.dev/protocol"
	"go.uber.org/zap"
)

// codec carries params and results in LSP's own JSON.
type codec struct{ jsonrpc2.JSONCodec }

func (c codec) Marshal(v any) ([]byte, error) {
	switch v.(type) {
	case jsonrpc2.RawMessage, *jsonrpc2.RawMessage, nil:
		return c.JSONCodec.Marshal(v)
	}
	return protocol.Marshal(v)
}

func (c codec) Unmarshal(data []byte, v any) error {
	if raw, ok := v.(*jsonrpc2.RawMessage); ok {
		return c.JSONCodec.Unmarshal(data, raw)
	}
	return protocol.Unmarshal(data, v)
}

// LSP error codes that the library has no value for.
var (
	errNotInitialized = jsonrpc2.NewError(-32002, "the server is not initialized")
	errShutDown       = jsonrpc2.NewError(codeInvalidRequest, "the server was shut down")
)

// handler routes messages. Notifications never fail: an error of one would end the connection.
//
// Handlers get a context of their own: jsonrpc2 v1.0.1 takes its request contexts back when a handler returns, and a context
// derived from one, as protocol.CancelHandler makes, then panics in the background.
func (s *session) handler() jsonrpc2.Handler {
	route := protocol.ServerHandler(s, nil)
	return func(ctx context.Context, req *jsonrpc2.Request) (result any, err error) {
		method, call := strings.Clone(req.Method()), req.IsCall()
		defer func() {
			if cause := recover(); cause != nil {
				s.log.Error("panic", zap.String("method", method), zap.Any("cause", cause), zap.ByteString("stack", debug.Stack()))
				err = jsonrpc2.NewError(jsonrpc2.InternalError, fmt.Sprintf("internal error in %s", method))
			}
			if err != nil && !call {
				s.log.Warn("notification failed", zap.String("method", method), zap.Error(err))
				result, err = nil, nil
			}
			err = s.errorOf(method, err)
		}()
		if err := s.allowed(method, call); err != nil {
			return nil, err
		}
		if method == protocol.MethodCancelRequest {
			return nil, s.cancelRequest(req)
		}
		if !call {
			return route(s.ctx, req)
		}
		own, done := s.begin(req.ID())
		defer done()
		if method != protocol.MethodInitialize && method != protocol.MethodShutdown {
			jsonrpc2.Async(ctx)
		}
		return route(own, req)
	}
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
func (s *session) cancelRequest(req *jsonrpc2.Request) error {
	var p protocol.CancelParams
	if err := protocol.Unmarshal(req.Params(), &p); err != nil {
		return err
	}
	id := jsonrpc2.ID{}
	switch x := p.ID.(type) {
	case protocol.Integer:
		id = jsonrpc2.NewNumberID(int64(x))
	case protocol.String:
		id = jsonrpc2.NewStringID(string(x))
	}
	if cancel, ok := s.running.Load(id); ok {
		cancel.(context.CancelFunc)()
	}
	return nil
}

// allowed says whether a message fits the state of the session.
func (s *session) allowed(method string, call bool) error {
	switch {
	case method == protocol.MethodExit:
		return nil
	case s.shutDown.Load() && call:
		return errShutDown
	case !s.initialized.Load() && method != protocol.MethodInitialize:
		return errNotInitialized
	case s.initialized.Load() && method == protocol.MethodInitialize:
		return jsonrpc2.NewError(jsonrpc2.InvalidRequest, "initialize was sent twice")
	}
	return nil
}

// errorOf gives an error the code that LSP has for it.
func (s *session) errorOf(method string, err error) error {
	var coded *jsonrpc2.Error
	switch {
	case err == nil:
		return nil
	case errors.As(err, &coded):
		return coded
	case errors.Is(err, context.Canceled):
		return protocol.ErrRequestCancelled
	}
	s.log.Error("request failed", zap.String("method", method), zap.Error(err))
	return jsonrpc2.NewError(jsonrpc2.InternalError, err.Error())
}

// Request answers methods that LSP does not have.
func (s *session) Request(_ context.Context, method string, _ any) (any, error) {
	return nil, jsonrpc2.NewError(jsonrpc2.MethodNotFound, "unknown method "+method)
}
