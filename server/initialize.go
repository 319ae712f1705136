package server

import (
	"context"
	"encoding/json"
	"slices"

	"go.lsp.dev/protocol"
	"go.uber.org/zap"
)

// Initialize agrees on the position encoding and tells what the server does.
func (s *session) Initialize(_ context.Context, p *protocol.InitializeParams) (*protocol.InitializeResult, error) {
	chosen := encodingFor(p.Capabilities.General)
	s.features = featuresOf(p.Capabilities, chosen.units)
	var mistakes []error
	options := optionsOf(p)
	s.terminal, s.pictures, s.showsFindings = options.Terminal, options.Pictures, options.ShowsFindings
	s.initial, mistakes = readSettings(options.Settings, s.rules)
	folders := foldersOf(p, s.initial)
	s.mu.Lock()
	s.advance(func(next *view) { next.folders = folders })
	s.mu.Unlock()
	s.initialized.Store(true)
	s.unread = mistakes
	s.log.Info("initialized", zap.String("root", folders[0].workspace.Root()), zap.Int("folders", len(folders)), zap.String("client", p.ClientInfo.Name), zap.String("encoding", string(chosen.kind)))
	yes, change := true, protocol.TextDocumentSyncKindIncremental
	return &protocol.InitializeResult{
		ServerInfo: protocol.ServerInfo{Name: source, Version: protocol.NewOptional(s.version)},
		Capabilities: protocol.ServerCapabilities{
			PositionEncoding: chosen.kind,
			TextDocumentSync: &protocol.TextDocumentSyncOptions{OpenClose: &yes, Change: &change, Save: protocol.Boolean(true)},
			NotebookDocumentSync: &protocol.NotebookDocumentSyncOptions{
				NotebookSelector: []protocol.NotebookSelector{&protocol.NotebookDocumentFilterWithCells{Cells: []protocol.NotebookCellLanguage{{Language: "python"}}}},
				Save:             &yes,
			},
			DiagnosticProvider: &protocol.DiagnosticOptions{Identifier: new(string), InterFileDependencies: true, WorkspaceDiagnostics: true},
			Workspace: &protocol.WorkspaceOptions{
				WorkspaceFolders: &protocol.WorkspaceFoldersServerCapabilities{Supported: &yes, ChangeNotifications: protocol.Boolean(true)},
			},
			HoverProvider:        protocol.Boolean(true),
			CodeLensProvider:     &protocol.CodeLensOptions{},
			InlayHintProvider:    protocol.Boolean(true),
			DefinitionProvider:   protocol.Boolean(true),
			ReferencesProvider:   protocol.Boolean(true),
			RenameProvider:       &protocol.RenameOptions{PrepareProvider: &yes},
			CompletionProvider:   &protocol.CompletionOptions{TriggerCharacters: []string{`"`, "'"}},
			DocumentLinkProvider: &protocol.DocumentLinkOptions{},
			CodeActionProvider: &protocol.CodeActionOptions{
				CodeActionKinds: []protocol.CodeActionKind{protocol.CodeActionKindQuickFix, protocol.CodeActionKindRefactorRewrite, fixAllKind},
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
	configurable, registersConfiguration                  bool // can be asked for its settings; can be asked to tell of changes
	pulls, refreshes                                      bool // asks for findings; can be told to ask again
	progress, annotations                                 bool
	codeDescription                                       bool
	resolvesEdit, disabled                                bool // resolves the edits of code actions; shows those that cannot be made
	applies                                               bool // makes the edits that commands come to
	terminal                                              bool // runs the command line of a proof by itself
	pictures                                              bool // draws the pictures of timelines by itself
	showsFindings                                         bool // shows the findings of a place beside the hover on it
}

func featuresOf(c protocol.ClientCapabilities, u units) features {
	f := features{units: u}
	if w := c.Workspace; w != nil {
		f.applies = isTrue(w.ApplyEdit)
		f.documentChanges = w.WorkspaceEdit != nil && isTrue(w.WorkspaceEdit.DocumentChanges)
		f.annotations = f.documentChanges && w.WorkspaceEdit.ChangeAnnotationSupport != nil
		f.watchFiles = w.DidChangeWatchedFiles != nil && isTrue(w.DidChangeWatchedFiles.DynamicRegistration)
		f.configurable = isTrue(w.Configuration)
		f.registersConfiguration = w.DidChangeConfiguration != nil && isTrue(w.DidChangeConfiguration.DynamicRegistration)
		f.refreshes = w.Diagnostics != nil && isTrue(w.Diagnostics.RefreshSupport)
	}
	if w := c.Window; w != nil {
		f.showDocument = w.ShowDocument != nil && w.ShowDocument.Support
		f.progress = isTrue(w.WorkDoneProgress)
	}
	if t := c.TextDocument; t != nil {
		if d := t.PublishDiagnostics; d != nil {
			f.diagnostics(d.DiagnosticsCapabilities)
		}
		if d := t.Diagnostic; d != nil {
			f.pulls = true
			f.diagnostics(d.DiagnosticsCapabilities)
		}
		if a := t.CodeAction; a != nil {
			// What says which edit is meant has to come back.
			f.resolvesEdit = isTrue(a.DataSupport) && slices.Contains(a.ResolveSupport.Properties, "edit")
			f.disabled = isTrue(a.DisabledSupport)
		}
		if h := t.Hover; h != nil {
			f.hoverAsText = len(h.ContentFormat) > 0 && !slices.Contains(h.ContentFormat, protocol.MarkupKindMarkdown)
		}
	}
	return f
}

// diagnostics notes what the client shows of a finding. Clients that ask for findings say it in one of two places, or in both.
func (f *features) diagnostics(c protocol.DiagnosticsCapabilities) {
	f.relatedInformation = f.relatedInformation || isTrue(c.RelatedInformation)
	f.data = f.data || isTrue(c.DataSupport)
	f.codeDescription = f.codeDescription || isTrue(c.CodeDescriptionSupport)
	f.tagUnnecessary = f.tagUnnecessary || slices.Contains(c.TagSupport.ValueSet, protocol.DiagnosticTagUnnecessary)
}

func isTrue(b *bool) bool { return b != nil && *b }

// initializationOptions are what a client may say of itself that LSP has no word for.
type initializationOptions struct {
	Settings      json.RawMessage `json:"settings"`
	Terminal      bool            `json:"terminal"`
	Pictures      bool            `json:"pictures"`
	ShowsFindings bool            `json:"showsFindings"`
}

func optionsOf(p *protocol.InitializeParams) (o initializationOptions) {
	_ = json.Unmarshal(p.InitializationOptions, &o) // what is not as it should be says nothing
	return o
}
