package server

import (
	"context"
	"io"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"go.lsp.dev/jsonrpc2"
	"go.lsp.dev/protocol"
	"go.lsp.dev/uri"
	"go.uber.org/zap"
	"go.uber.org/zap/exp/zapslog"

	"github.com/ckpt-lsp/ckpt-lsp/diagnostics"
)

// Options configure Serve.
type Options struct {
	// Rules are the rules that there are; nil means the product's.
	Rules *diagnostics.Registry
	// Version is told to the client.
	Version string
	// Log receives what the server has to say; nil discards it.
	Log *zap.Logger
	// Cache is the directory for what outlasts a session, the pages of the rules; "" is the user's cache directory.
	Cache string
}

// session is one client's connection.
type session struct {
	protocol.UnimplementedServer
	rules   *diagnostics.Registry
	log     *zap.Logger
	version string
	ctx     context.Context // lives as long as the connection
	client  protocol.Client
	route   jsonrpc2.Handler
	features
	spellings spellings

	view        atomic.Pointer[view]
	initialized atomic.Bool
	shutDown    atomic.Bool
	closing     chan struct{} // is closed by shutdown
	exit        chan int      // the exit code, once the client says exit
	running     sync.Map      // the cancel functions of requests under way, by id

	unread     []error       // mistakes in the settings that came with initialize, before which nothing may be said
	initial    settings      // those of a folder that the client says nothing of; mu guards it
	asked      atomic.Int64  // how often the client was asked for its settings
	configured sync.Once     // closes ready
	ready      chan struct{} // is closed when the settings are known

	pause   time.Duration // before other files are looked at
	mu      sync.Mutex    // guards editing, and changes of view
	editing map[uri.URI]*editing

	publishing sync.Mutex // one publication at a time, so that a stale one cannot overtake; guards sent
	sent       map[uri.URI]sentFor
	told       sync.Map // the warnings that the user has seen
	tokens     atomic.Int64
	cancels    sync.Map  // of the progress that the client shows, by token
	indexing   *progress // of the files that nobody looked at yet; follow's own
	reports    reports
	pages      pages
	files      checkpointFiles
}

// Serve speaks LSP over in and out until the client says exit or closes the input. It returns the exit code that LSP asks
// for: 0 after shutdown, 1 otherwise.
func Serve(ctx context.Context, in io.Reader, out io.WriteCloser, o Options) int {
	return newSession(o).serve(ctx, in, out)
}

func newSession(o Options) *session {
	s := &session{
		rules: o.Rules, log: o.Log, version: o.Version, closing: make(chan struct{}), exit: make(chan int, 1), ready: make(chan struct{}), pause: pause, editing: map[uri.URI]*editing{}, sent: map[uri.URI]sentFor{},
	}
	if s.rules == nil {
		s.rules = diagnostics.Product
	}
	if s.log == nil {
		s.log = zap.NewNop()
	}
	s.pages = pages{cache: o.Cache, log: s.log}
	s.view.Store(&view{supersede: func() {}})
	s.route = protocol.ServerHandler(s, nil)
	return s
}

func (s *session) serve(ctx context.Context, in io.Reader, out io.WriteCloser) int {
	ctx, cancel := context.WithCancel(protocol.WithLogger(ctx, slog.New(zapslog.NewHandler(s.log.Core()))))
	defer cancel()
	s.ctx = ctx
	conn := jsonrpc2.NewConn(jsonrpc2.NewHeaderStream(newFrames(in, out, s.log)), jsonrpc2.WithCodec(codec{spellings: &s.spellings}))
	s.client = protocol.ClientDispatcher(conn)
	conn.Go(ctx, s.handle)
	defer s.release()
	select {
	case code := <-s.exit:
		return code
	case <-conn.Done():
		if err := conn.Err(); err != nil {
			s.log.Warn("the connection ended", zap.Error(err))
		}
	case <-ctx.Done():
	}
	return s.exitCode()
}

// release frees what the garbage collector does not.
func (s *session) release() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range s.editing {
		e.forget()
	}
	if err := s.pages.remove(); err != nil {
		s.log.Warn("the documentation pages stay behind", zap.Error(err))
	}
}
