package server

import (
	"context"
	"os"
	"slices"

	"go.lsp.dev/protocol"
	"go.lsp.dev/uri"
	"go.uber.org/zap"

	"github.com/ckpt-lsp/ckpt-lsp/internal/project"
)

// fixAllKind is the kind of the action that applies all safe fixes.
const fixAllKind = protocol.CodeActionKindSourceFixAll + ".ckpt-lsp"

// Initialize agrees on the position encoding and tells what the server does.
func (s *session) Initialize(_ context.Context, p *protocol.InitializeParams) (*protocol.InitializeResult, error) {
	chosen := encodingFor(p.Capabilities.General)
	s.features = featuresOf(p.Capabilities, chosen.units)
	root, rooted := rootOf(p)
	s.workspace, s.rooted = project.NewWorkspace(root), rooted
	s.mu.Lock()
	s.advance(func(next *view) {
		next.program, next.index, next.files = project.NewProgram(s.workspace), project.NewIndex(s.workspace), &listing{}
	})
	s.mu.Unlock()
	s.initialized.Store(true)
	s.log.Info("initialized", zap.String("root", s.workspace.Root()), zap.String("client", p.ClientInfo.Name), zap.String("encoding", string(chosen.kind)))
	yes, change := true, protocol.TextDocumentSyncKindIncremental
	return &protocol.InitializeResult{
		ServerInfo: protocol.ServerInfo{Name: source, Version: protocol.NewOptional(s.version)},
		Capabilities: protocol.ServerCapabilities{
			PositionEncoding: chosen.kind,
			TextDocumentSync: &protocol.TextDocumentSyncOptions{OpenClose: &yes, Change: &change, Save: protocol.Boolean(true)},
			HoverProvider:    protocol.Boolean(true),
			CodeActionProvider: &protocol.CodeActionOptions{
				CodeActionKinds: []protocol.CodeActionKind{protocol.CodeActionKindQuickFix, protocol.CodeActionKindSourceFixAll, fixAllKind},
				ResolveProvider: &yes,
			},
			ExecuteCommandProvider: protocol.ExecuteCommandOptions{Commands: commandNames()},
		},
	}, nil
}

// features are what the client said it can do.
type features struct {
	units                                                 units
	documentChanges, showDocument, watchFiles             bool
	relatedInformation, tagUnnecessary, data, hoverAsText bool
	codeDescription                                       bool
}

func featuresOf(c protocol.ClientCapabilities, u units) features {
	f := features{units: u}
	if w := c.Workspace; w != nil {
		f.documentChanges = w.WorkspaceEdit != nil && isTrue(w.WorkspaceEdit.DocumentChanges)
		f.watchFiles = w.DidChangeWatchedFiles != nil && isTrue(w.DidChangeWatchedFiles.DynamicRegistration)
	}
	if w := c.Window; w != nil && w.ShowDocument != nil {
		f.showDocument = w.ShowDocument.Support
	}
	if t := c.TextDocument; t != nil {
		if d := t.PublishDiagnostics; d != nil {
			f.relatedInformation, f.data = isTrue(d.RelatedInformation), isTrue(d.DataSupport)
			f.codeDescription = isTrue(d.CodeDescriptionSupport)
			f.tagUnnecessary = slices.Contains(d.TagSupport.ValueSet, protocol.DiagnosticTagUnnecessary)
		}
		if h := t.Hover; h != nil {
			f.hoverAsText = len(h.ContentFormat) > 0 && !slices.Contains(h.ContentFormat, protocol.MarkupKindMarkdown)
		}
	}
	return f
}

func isTrue(b *bool) bool { return b != nil && *b }

// rootOf is the folder the client works in, its first workspace folder or its root; else the working directory, and false.
func rootOf(p *protocol.InitializeParams) (string, bool) {
	if folders, ok := p.WorkspaceFolders.Get(); ok && len(folders) > 0 {
		if path, ok := filePath(folders[0].URI); ok {
			return path, true
		}
	}
	if p.RootURI != nil {
		if path, ok := filePath(*p.RootURI); ok {
			return path, true
		}
	}
	if path, ok := p.RootPath.Get(); ok && path != "" {
		return path, true
	}
	dir, err := os.Getwd()
	if err != nil {
		return ".", false
	}
	return dir, false
}

// filePath is the path of a file URI.
func filePath(u uri.URI) (string, bool) {
	parsed, err := uri.Parse(string(u))
	if err != nil || parsed.Scheme() != "file" {
		return "", false
	}
	return parsed.FsPath(), true
}
