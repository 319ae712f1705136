package server

import (
	"context"
	"time"

	"go.lsp.dev/protocol"
)

// answerTime is how long shutdown waits for the requests that came before it.
const answerTime = 2 * time.Second

// Shutdown prepares for exit. It is answered after the requests that came before it, because a client that has its answer leaves,
// and would have none to those.
func (s *session) Shutdown(ctx context.Context) error {
	if !s.shutDown.Swap(true) {
		close(s.closing)
	}
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	for s.others() && ctx.Err() == nil {
		time.Sleep(time.Millisecond)
	}
	return nil
}

// others says that a request besides the one that asks is under way.
func (s *session) others() bool {
	n := 0
	s.running.Range(func(any, any) bool {
		n++
		return n < 2
	})
	return n > 1
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
