package server

import (
	"context"
	"os"

	"go.lsp.dev/protocol"
	"go.lsp.dev/uri"
	"go.uber.org/zap"

	"github.com/ckpt-lsp/ckpt-lsp/internal/project"
	"github.com/ckpt-lsp/ckpt-lsp/internal/text"
)

// encodings are the position encodings the server speaks, best first: offsets are bytes inside.
var encodings = []struct {
	kind protocol.PositionEncodingKind
	enc  text.Encoding
}{
	{protocol.PositionEncodingKindUTF8, text.UTF8},
	{protocol.PositionEncodingKindUTF32, text.UTF32},
	{protocol.PositionEncodingKindUTF16, text.UTF16},
}

// fixAllKind is the kind of the action that applies all safe fixes.
const fixAllKind = protocol.CodeActionKindSourceFixAll + ".ckpt-lsp"

// Initialize agrees on the position encoding and tells what the server does.
func (s *session) Initialize(_ context.Context, p *protocol.InitializeParams) (*protocol.InitializeResult, error) {
	chosen := encodings[len(encodings)-1]
	if g := p.Capabilities.General; g != nil {
		for _, e := range encodings {
			for _, offered := range g.PositionEncodings {
				if offered == e.kind && chosen.kind == protocol.PositionEncodingKindUTF16 {
					chosen = e
				}
			}
		}
	}
	s.encoding = chosen.enc
	if w := p.Capabilities.Workspace; w != nil && w.WorkspaceEdit != nil {
		s.documentChanges = isTrue(w.WorkspaceEdit.DocumentChanges)
	}
	if w := p.Capabilities.Window; w != nil && w.ShowDocument != nil {
		s.showDocument = w.ShowDocument.Support
	}
	s.workspace = project.NewWorkspace(rootOf(p))
	s.initialized.Store(true)
	s.log.Info("initialized", zap.String("root", s.workspace.Root()), zap.String("client", p.ClientInfo.Name), zap.String("encoding", string(chosen.kind)))
	yes, change := true, protocol.TextDocumentSyncKindIncremental
	return &protocol.InitializeResult{
		ServerInfo: protocol.ServerInfo{Name: "ckpt-lsp", Version: protocol.NewOptional(s.version)},
		Capabilities: protocol.ServerCapabilities{
			PositionEncoding: chosen.kind,
			TextDocumentSync: &protocol.TextDocumentSyncOptions{OpenClose: &yes, Change: &change, Save: protocol.Boolean(true)},
			HoverProvider:    protocol.Boolean(true),
			CodeActionProvider: &protocol.CodeActionOptions{
				CodeActionKinds: []protocol.CodeActionKind{protocol.CodeActionKindQuickFix, protocol.CodeActionKindSourceFixAll, fixAllKind},
				ResolveProvider: &yes,
			},
			ExecuteCommandProvider: protocol.ExecuteCommandOptions{Commands: []string{showDocumentation}},
		},
	}, nil
}

func isTrue(b *bool) bool { return b != nil && *b }

// rootOf is the folder the client works in: its first workspace folder, its root, or the working directory.
func rootOf(p *protocol.InitializeParams) string {
	if folders, ok := p.WorkspaceFolders.Get(); ok && len(folders) > 0 {
		if path, ok := filePath(folders[0].URI); ok {
			return path
		}
	}
	if p.RootURI != nil {
		if path, ok := filePath(*p.RootURI); ok {
			return path
		}
	}
	if path, ok := p.RootPath.Get(); ok && path != "" {
		return path
	}
	dir, err := os.Getwd()
	if err != nil {
		return "."
	}
	return dir
}

// filePath is the path of a file URI.
func filePath(u uri.URI) (string, bool) {
	parsed, err := uri.Parse(string(u))
	if err != nil || parsed.Scheme() != "file" {
		return "", false
	}
	return parsed.FsPath(), true
}

// Initialized needs no answer.
func (s *session) Initialized(context.Context, *protocol.InitializedParams) error { return nil }

// SetTrace is accepted; the log level is set on the command line.
func (s *session) SetTrace(context.Context, *protocol.SetTraceParams) error { return nil }

// Shutdown prepares for exit.
func (s *session) Shutdown(context.Context) error {
	s.shutDown.Store(true)
	return nil
}

// Exit ends the process: well after shutdown, with an error otherwise.
func (s *session) Exit(context.Context) error {
	code := 1
	if s.shutDown.Load() {
		code = 0
	}
	select {
	case s.exit <- code:
	default:
	}
	return nil
}
