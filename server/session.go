package server

import (
	"context"
	"io"
	"log/slog"
	"sync"
	"sync/atomic"

	"go.lsp.dev/jsonrpc2"
	"go.lsp.dev/protocol"
	"go.lsp.dev/uri"
	"go.uber.org/zap"
	"go.uber.org/zap/exp/zapslog"

	"github.com/ckpt-lsp/ckpt-lsp/internal/project"
	"github.com/ckpt-lsp/ckpt-lsp/internal/text"
)

// Options configure Serve.
type Options struct {
	// Version is told to the client.
	Version string
	// Log receives what the server has to say; nil discards it.
	Log *zap.Logger
}

// session is one client's connection.
type session struct {
	protocol.UnimplementedServer
	log     *zap.Logger
	version string
	ctx     context.Context // lives as long as the connection
	conn    jsonrpc2.Conn
	client  protocol.Client
	features

	view        atomic.Pointer[view]
	initialized atomic.Bool
	shutDown    atomic.Bool
	exit        chan int // the exit code, once the client says exit

	mu        sync.Mutex
	workspace *project.Workspace
	editing   map[uri.URI]*editing // what incremental reparsing needs, by open document
	publish   sync.Mutex           // one publication at a time, so that a stale one cannot overtake
	running   sync.Map             // the cancel functions of requests under way, by id
}

// features are what the client said it can do.
type features struct {
	encoding        text.Encoding
	documentChanges bool
	showDocument    bool
}

// Serve speaks LSP over in and out until the client says exit or closes the input. It returns the exit code that LSP asks
// for: 0 after shutdown and exit, 1 otherwise.
func Serve(ctx context.Context, in io.Reader, out io.WriteCloser, o Options) int {
	log := o.Log
	if log == nil {
		log = zap.NewNop()
	}
	ctx, cancel := context.WithCancel(protocol.WithLogger(ctx, slog.New(zapslog.NewHandler(log.Core()))))
	defer cancel()
	s := &session{log: log, version: o.Version, ctx: ctx, exit: make(chan int, 1), editing: map[uri.URI]*editing{}}
	s.encoding = text.UTF16
	s.view.Store(&view{docs: map[uri.URI]*document{}})
	s.conn = jsonrpc2.NewConn(jsonrpc2.NewHeaderStream(newFrames(in, out, log)), jsonrpc2.WithCodec(codec{}))
	s.client = protocol.ClientDispatcher(s.conn)
	s.conn.Go(ctx, s.handler())
	code := 1
	select {
	case code = <-s.exit:
	case <-s.conn.Done():
		select {
		case code = <-s.exit:
		default:
			if s.shutDown.Load() {
				code = 0
			}
		}
		if err := s.conn.Err(); err != nil {
			log.Warn("connection ended", zap.Error(err))
		}
	case <-ctx.Done():
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range s.editing {
		e.parsed.Close()
	}
	return code
}
