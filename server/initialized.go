package server

import (
	"context"
	"path/filepath"
	"runtime/debug"
	"slices"

	"go.lsp.dev/protocol"
	"go.uber.org/zap"

	"github.com/ckpt-lsp/ckpt-lsp/internal/project"
)

// configurationFiles are the patterns of the files whose change means that the configuration is read again: those that hold it or
// old findings, and those that tell the torch version.
var configurationFiles = project.ConfigurationFiles()

// pythonFiles are the patterns of the files that are analysed.
var pythonFiles = []string{"*.py", "*.pyw"}

// Initialized starts to follow the workspace, and asks the client to watch its files.
func (s *session) Initialized(context.Context, *protocol.InitializedParams) error {
	for _, err := range s.unread {
		s.warn(err.Error())
	}
	if !s.configurable {
		s.configured.Do(func() { close(s.ready) })
	}
	go s.follow()
	go s.register() // calls from here would wait for answers that are read only after this returns
	return nil
}

// register asks the client for its settings, and to tell of changes of them and of files.
func (s *session) register() {
	defer s.recovered("registering")
	if s.configurable {
		s.configure()
	}
	if s.watchFiles {
		s.watch()
	}
	if s.registersConfiguration {
		o := protocol.DidChangeConfigurationRegistrationOptions{Section: protocol.String(section)}
		s.registerFor("settings", protocol.MethodWorkspaceDidChangeConfiguration, &o)
	}
}

func (s *session) watch() {
	var o protocol.DidChangeWatchedFilesRegistrationOptions
	for _, name := range slices.Concat(configurationFiles, s.named(), pythonFiles) {
		if !slices.Contains(pythonFiles, name) && matchesAny(pythonFiles, name) {
			continue // setup.py is watched as all Python files are
		}
		o.Watchers = append(o.Watchers, protocol.FileSystemWatcher{GlobPattern: protocol.Pattern("**/" + name)})
	}
	s.registerFor("files", protocol.MethodWorkspaceDidChangeWatchedFiles, &o)
}

// named are the configuration files that settings name, without their directories.
func (s *session) named() []string {
	var out []string
	for _, f := range s.view.Load().folders {
		if path := f.settings.configuration; path != "" {
			out = append(out, filepath.Base(path))
		}
	}
	return out
}

// registerFor asks the client to send a notification.
func (s *session) registerFor(id, method string, o any) {
	options, err := protocol.Marshal(o)
	if err == nil {
		err = s.client.RegisterCapability(s.ctx, &protocol.RegistrationParams{Registrations: []protocol.Registration{{
			ID: id, Method: method, RegisterOptions: options,
		}}})
	}
	if err != nil {
		s.log.Warn("the client does not register", zap.String("method", method), zap.Error(err))
	}
}

// recovered, deferred, logs a panic of a goroutine that answers no request.
func (s *session) recovered(doing string) {
	if cause := recover(); cause != nil {
		s.log.Error("panic", zap.String("while", doing), zap.Any("cause", cause), zap.ByteString("stack", debug.Stack()))
	}
}
