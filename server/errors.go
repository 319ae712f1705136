package server

import (
	"context"
	"errors"

	"go.lsp.dev/jsonrpc2"
	"go.lsp.dev/protocol"
	"go.uber.org/zap"
)

// coded gives an error the code that LSP has for it; the library would send 0.
func (s *session) coded(method string, err error) error {
	var known *jsonrpc2.Error
	switch {
	case err == nil:
		return nil
	case errors.Is(err, jsonrpc2.ErrParse): // how the library says that the params do not fit
		return jsonrpc2.NewError(jsonrpc2.InvalidParams, "the params of "+method+" cannot be read: "+err.Error())
	case errors.As(err, &known):
		return known
	case errors.Is(err, context.Canceled):
		return protocol.ErrRequestCancelled
	}
	s.log.Error("request failed", zap.String("method", method), zap.Error(err))
	return jsonrpc2.NewError(jsonrpc2.InternalError, err.Error())
}
