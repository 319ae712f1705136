package server

import (
	"context"
	"runtime/debug"
	"slices"

	"go.lsp.dev/protocol"
	"go.uber.org/zap"
)

// configurationFiles are the files whose change means that the configuration is read again: those that hold it, and those
// that tell the torch version.
var configurationFiles = []string{"ckpt-lsp.toml", "pyproject.toml", "requirements.txt"}

// pythonFiles are the patterns of the files that are analysed.
var pythonFiles = []string{"*.py", "*.pyw"}

// Initialized starts to follow the workspace, and asks the client to watch its files.
func (s *session) Initialized(context.Context, *protocol.InitializedParams) error {
	go s.follow()
	if s.watchFiles {
		go s.watch() // a call from here would wait for an answer that is read only after this returns
	}
	return nil
}

func (s *session) watch() {
	defer s.recovered("watching files")
	var o protocol.DidChangeWatchedFilesRegistrationOptions
	for _, name := range slices.Concat(configurationFiles, pythonFiles) {
		o.Watchers = append(o.Watchers, protocol.FileSystemWatcher{GlobPattern: protocol.Pattern("**/" + name)})
	}
	options, err := protocol.Marshal(&o)
	if err == nil {
		err = s.client.RegisterCapability(s.ctx, &protocol.RegistrationParams{Registrations: []protocol.Registration{{
			ID: "files", Method: protocol.MethodWorkspaceDidChangeWatchedFiles, RegisterOptions: options,
		}}})
	}
	if err != nil {
		s.log.Warn("the client does not watch files", zap.Error(err))
	}
}

// recovered, deferred, logs a panic of a goroutine that answers no request.
func (s *session) recovered(doing string) {
	if cause := recover(); cause != nil {
		s.log.Error("panic", zap.String("while", doing), zap.Any("cause", cause), zap.ByteString("stack", debug.Stack()))
	}
}
