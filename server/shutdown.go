package server

import (
	"context"

	"go.lsp.dev/protocol"
)

// Shutdown prepares for exit.
func (s *session) Shutdown(context.Context) error {
	if !s.shutDown.Swap(true) {
		close(s.closing)
	}
	return nil
}

// Exit ends the server.
func (s *session) Exit(context.Context) error {
	select {
	case s.exit <- s.exitCode():
	default:
	}
	return nil
}

// exitCode is 0 after shutdown and 1 otherwise.
func (s *session) exitCode() int {
	if s.shutDown.Load() {
		return 0
	}
	return 1
}

// SetTrace is accepted; the log level is set on the command line.
func (s *session) SetTrace(context.Context, *protocol.SetTraceParams) error { return nil }
